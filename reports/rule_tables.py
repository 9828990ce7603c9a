"""The market rules and terms that the barbell's account really traded under."""

from __future__ import annotations

from typing import Any

import pandas as pd

from engine.costs.applied import THESIS, applied_rules
from engine.market.coverage import RAW
from engine.market.listing import Line
from engine.study_result import StudyResult
from reports import numbers, words
from reports.document import Cell, Column, Table, plain

_SHARES = ("price limit", "withholding", "largest trade", "short margin")
_NAMED = 4


def traded(result: StudyResult) -> tuple[Line, ...]:
    """Return the lines that the barbell traded, in the order of the study."""
    met = set(result.backtest.trades["asset"])
    return tuple(line for line in result.assets if line.symbol in met)


def applied(result: StudyResult) -> pd.DataFrame:
    """Return the rules that the barbell's account traded under, raw."""
    days = result.backtest.nav.index
    return applied_rules(
        result.thesis.execution,
        traded(result),
        days[0].date(),
        days[-1].date(),
        raw=_raw(result),
        base=result.backtest.base,
    )


def rules(result: StudyResult) -> Table | None:
    """Return the same to read: what the thesis set is set off."""
    table = applied(result)
    if table.empty:
        return None
    rows: list[tuple[Cell, ...]] = []
    shaded: set[int] = set()
    for row in table.to_dict("records"):
        if row["given_by"] == THESIS:
            shaded.add(len(rows))
        since, until = row["effective_from"] or "…", row["effective_to"] or "…"
        dated = f"{since} to {until}" if (since, until) != ("…", "…") else "always"
        rows.append(
            (
                plain(_name(row), sub=str(row["note"])),
                plain(_value(row)),
                plain(str(row["markets"]) or "all", sub=_few(str(row["symbols"]))),
                plain(dated),
                plain(_given(row), sub=str(row["source"])),
            )
        )
    return Table(
        id="market-rules",
        caption="Market rules and terms applied to the barbell's trades, beside fees.",
        columns=(
            Column(label="Rule", align="left", wide=True),
            Column(label="Value"),
            Column(label="Where", align="left"),
            Column(label="In force", align="left"),
            Column(label="Given by", align="left", wide=True),
        ),
        rows=tuple(rows),
        shaded=frozenset(shaded),
        note=_absent(result),
    )


def _raw(result: StudyResult) -> set[str]:
    covered = result.market.coverage
    return set(covered.loc[covered["basis"] == RAW, "symbol"])


def _value(row: dict[Any, Any]) -> str:
    rule, value = str(row["rule"]), float(row["value"])
    if rule in _SHARES or rule.startswith("borrow"):
        return numbers.rate(value)
    if rule == "short sales":
        return "allowed" if value else "not allowed"
    if rule == "board lot":
        return numbers.count(value) if value else "none"
    return numbers.decimal(value, 1) + (" bp" if str(row["unit"])[:2] == "bp" else "")


def _name(row: dict[Any, Any]) -> str:
    """Return the rule with what its value is a part of."""
    name = str(row["rule"])
    if name in ("board lot", "short sales"):
        return words.label(name)
    return f"{words.label(name)}, {str(row['unit']).removeprefix('bp ')}"


def _given(row: dict[Any, Any]) -> str:
    if row["given_by"] == THESIS:
        return "the thesis"
    if row["given_by"] == "default":
        return "assumption, the default"
    return f"table, {row['status']}"


def _few(symbols: str) -> str:
    """Return at most a few symbols, and how many more there are."""
    every = symbols.split()
    more = f" and {len(every) - _NAMED} more" if len(every) > _NAMED else ""
    return ", ".join(every[:_NAMED]) + more


def _absent(result: StudyResult) -> str:
    """Return which rules could not apply, and why."""
    lines, terms = traded(result), result.thesis.execution
    adjusted = [line for line in lines if line.symbol not in _raw(result)]
    said = ["Shaded: set by the thesis."]
    if adjusted:
        every = "All" if len(adjusted) == len(lines) else f"{len(adjusted)} of"
        said.append(
            f"{every} {len(lines)} traded lines have adjusted prices: there no board "
            "lot, price limit, withholding or charge per share applies."
        )
    off = [
        name
        for name, there in (
            ("impact", terms.impact > 0.0),
            ("a largest trade", terms.max_participation is not None),
            ("short sales and borrow", terms.short_margin is not None),
            ("a minimum commission", any(one.minimum for one in terms.charges)),
        )
        if not there
    ]
    if off:
        said.append(f"The thesis asks for none of these: {', '.join(off)}.")
    return " ".join(said)
