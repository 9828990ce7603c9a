"""What is printed of which factors move the barbell: a table and one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from engine.evidence.regression import INTERCEPT
from engine.evidence.samples import ALL
from engine.study_result import StudyResult
from reports import numbers, performance_tables, tables, words
from reports.document import (
    Cell,
    Column,
    Table,
    heading_row,
    number,
    plain,
    sign_tone,
)
from reports.numbers import Format


def regression_sentence(result: StudyResult) -> str:
    """Return how much the factors explain, and what they leave."""
    rows = [row for row in tables.records(result.regression) if row["sample"] == ALL]
    known = {str(row["factor"]): row for row in rows if not row["absent"]}
    residual = known.get(INTERCEPT)
    if residual is None:
        return ""
    left = numbers.change(float(residual["loading"]))
    ends = numbers.interval(
        float(residual["low"]), float(residual["high"]), numbers.change
    )
    sure = float(residual["low"]) > 0.0 or float(residual["high"]) < 0.0
    verdict = (
        "chance alone seldom leaves so much"
        if sure
        else "which chance alone could leave"
    )
    return (
        f"{words.label(_listed(known))} explain "
        f"{numbers.percent(float(residual['r_squared']), 0)} of how the barbell's "
        f"returns vary from session to session. What they leave is {left} a year (95% "
        f"interval {ends}): {verdict}. It holds what the thesis adds, and what "
        "hindsight in the choice of assets adds."
    )


def _listed(known: Mapping[str, Any]) -> str:
    names = [name for name in known if name != INTERCEPT]
    said = [f"the {name}" if name == "market" else name for name in names]
    return words.joined(said)


def regression(result: StudyResult) -> Table | None:
    """Return the loadings on each factor, sample by sample."""
    found = result.regression
    if found.empty:
        return None
    lagged = bool(found["session_before"].notna().any())
    columns = (
        Column(label="Factor", align="left", wide=True),
        Column(label="Loading"),
        Column(label="t"),
        Column(label="p"),
        *([Column(label="Same\nsession"), Column(label="Session\nbefore")] * lagged),
    )
    rows: list[tuple[Cell, ...]] = []
    groups: set[int] = set()
    for sample, title in performance_tables.sample_titles(result):
        part = [row for row in tables.records(found) if row["sample"] == sample]
        if not part:
            continue
        groups.add(len(rows))
        rows.append(heading_row(f"{title}{_fit(part)}", len(columns)))
        rows += [_loading_row(row, lagged) for row in part]
    return Table(
        id="regression",
        caption="What moves the barbell: loadings of its excess return on each "
        "factor, with 95% intervals below.",
        columns=columns,
        rows=tuple(rows),
        groups=frozenset(groups),
        note=_regression_note(found, lagged),
    )


def _fit(part: list[dict[str, Any]]) -> str:
    """Return n and R2 of a regression, where there is one."""
    fitted = next((row for row in part if not row["absent"]), None)
    if fitted is None:
        return ""
    return (
        f"; {numbers.count(float(fitted['n']))} sessions, R² "
        f"{numbers.percent(float(fitted['r_squared']), 0)}"
    )


def _loading_row(row: Mapping[str, Any], lagged: bool) -> tuple[Cell, ...]:
    residual = row["factor"] == INTERCEPT
    show: Format = numbers.change if residual else _loading
    name = "Residual, a year" if residual else words.label(str(row["factor"]))
    if row["absent"]:
        said = f"absent: {row['absent']}"
        empty = [plain(numbers.MISSING)] * (5 if lagged else 3)
        return (plain(name, "muted", sub=said), *empty)
    text = show(float(row["loading"]))
    ends = numbers.interval(float(row["low"]), float(row["high"]), show)
    both = [
        number(float(row[one]), _loading) for one in ("same_session", "session_before")
    ]
    return (
        plain(name, sub=str(row["proxy"])),
        Cell(text=text, tone=sign_tone(text), sub=ends),
        number(float(row["t"]), numbers.decimal),
        plain(numbers.p_value(float(row["p"]))),
        *(both * lagged),
    )


def _loading(value: float) -> str:
    return numbers.decimal(value, signed=True)


def _regression_note(found: pd.DataFrame, lagged: bool) -> str:
    lags = found["hac_lags"].dropna()
    said = [
        "Least squares per home session. A loading of 0.5: where the factor earned 1%, "
        "the barbell went 0.5% with it, the other factors being equal.",
        f"Errors of Newey and West (1987), {int(lags.max())} lags, Student's t."
        if len(lags)
        else "",
        "An exchange that closes hours before the home market answers it a session "
        "later: the loading on the market and on each sector is the sum over both "
        "sessions (Dimson 1979)."
        if lagged
        else "",
        "Momentum is built from the study's own assets, each month from what was known "
        "then, without costs. Loadings describe; they prove no cause.",
    ]
    return " ".join(sentence for sentence in said if sentence)
