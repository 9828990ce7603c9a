"""The hindsight audit as it is printed: before the thesis was stated, and after."""

from __future__ import annotations

import math

import pandas as pd

from engine.evidence.hindsight import asset_audit, expected_signs
from engine.study_result import StudyResult
from engine.thesis.registration import NEVER
from reports import numbers, samples, tally, words
from reports.document import Cell, Column, Table, plain, sign_tone

IN, OUT = samples.IN_SAMPLE, samples.OUT_OF_SAMPLE
_METRICS = {
    "total_return": ("Return", numbers.percent),
    "sharpe": ("Sharpe ratio", numbers.decimal),
    "max_drawdown": ("Maximum drawdown", numbers.percent),
}


def audit(result: StudyResult) -> pd.DataFrame:
    """Return one row per thing that is counted or measured, by sample, raw numbers.

    Columns ``what``, ``of``, ``in_sample`` and ``out_of_sample``; NaN where a sample
    has nothing to measure.
    """
    rows: list[dict[str, object]] = [
        _pair("sessions", "", *(_sessions(result, one) for one in (IN, OUT)))
    ]
    for path in [result.backtest.name, *samples.benchmarks(result)[:1]]:
        rows += [
            _pair(name, path, *(_metric(result, path, name, one) for one in (IN, OUT)))
            for name in _METRICS
            if name in result.performance.columns
        ]
    signs = expected_signs(result.thesis, result.events)
    rows += [
        _pair(what, "", *(getattr(signs[one], name) for one in (IN, OUT)))
        for what, name in (
            ("events", "events"),
            ("expected signs measured", "told"),
            ("expected signs that came out", "came"),
        )
    ]
    inside, outside = (tally.tally(result, one) for one in (IN, OUT))
    rows += [
        _pair(f"{kind} {word}", "", before[word], after[word])
        for kind, before, after in (
            ("claims", inside.of_effects, outside.of_effects),
            ("conditions", inside.of_conditions, outside.of_conditions),
        )
        for word in tally.VERDICTS[:3]
    ]
    rows.append(_pair("claims untestable", "", len(inside.left), len(outside.left)))
    return pd.DataFrame(rows)


def _pair(what: str, of: str, inside: float, outside: float) -> dict[str, object]:
    return {
        "what": what,
        "of": of,
        "in_sample": float(inside),
        "out_of_sample": float(outside),
    }


def assets(result: StudyResult) -> pd.DataFrame:
    """Return each asset before and after it was stated."""
    found = asset_audit(
        result.thesis,
        result.universe,
        result.market,
        result.assets,
        result.backtest.weights,
    )
    stated = [None if day in (None, NEVER) else day for day in found["stated"]]
    return found.assign(stated=pd.Series(stated, index=found.index, dtype=object))


def _sessions(result: StudyResult, sample: str) -> int:
    if samples.all_in_sample(result):
        return len(samples.sessions_of(result, samples.ALL)) if sample == IN else 0
    return len(samples.sessions_of(result, sample))


def _metric(result: StudyResult, path: str, name: str, sample: str) -> float:
    """Return a metric of one sample; the whole period where it is all of it."""
    table = result.performance
    whole = (samples.all_in_sample(result) and sample == IN) or (
        samples.none_in_sample(result) and sample == OUT
    )
    named = samples.ALL if whole else sample
    found = table[(table["path"] == path) & (table["sample"] == named)]
    return float(found[name].iloc[0]) if len(found) else math.nan


def hindsight(result: StudyResult) -> Table:
    """Return the audit: performance, events and claims before and after."""
    table = audit(result)
    rows = [
        (
            plain(_label(str(row["what"]), str(row["of"]))),
            _cell(str(row["what"]), float(row["in_sample"])),
            _cell(str(row["what"]), float(row["out_of_sample"])),
        )
        for row in table.to_dict("records")
    ]
    before, after = _heads(result)
    return Table(
        id="hindsight",
        caption="Hindsight audit: before the thesis was stated, and after.",
        columns=(
            Column(label="What", align="left", wide=True),
            Column(label=before),
            Column(label=after),
        ),
        rows=tuple(rows),
        note="Everything in the first column was known, or could have been, when the "
        "thesis was stated: agreement there confirms nothing. An event or a claim with "
        "a date of its own is before or after that date. Expected signs are held "
        "against a layer's abnormal return: the reaction in the shortest window with "
        "day zero, the drift in the longest after it; a sign that came out is no test. "
        "Of two claims that mirror each other one counts; conditions have no p-value, "
        "and an inconclusive one is still open.",
    )


def _heads(result: StudyResult) -> tuple[str, str]:
    day = result.thesis.about.declared
    if day is None or day == NEVER:
        return "In-sample: all of it", "Out-of-sample: none"
    return f"In-sample, before {day}", f"Out-of-sample, from {day}"


def _label(what: str, of: str) -> str:
    shown, _ = _METRICS.get(what, (what, None))
    return words.label(f"{of}: {shown}" if of else shown)


def _cell(what: str, value: float) -> Cell:
    if what in _METRICS:
        text = _METRICS[what][1](value)
        return Cell(text=text, tone="" if what == "max_drawdown" else sign_tone(text))
    return plain(numbers.count(value))


def stated_apart(result: StudyResult) -> Table | None:
    """Return the assets whose documents have another date than the thesis, by date."""
    table = assets(result)
    whole = result.thesis.about.declared
    apart = table[[day is not None and day != whole for day in table["stated"]]]
    if apart.empty:
        return None
    rows = []
    for row in apart.sort_values(["stated", "layer", "asset"]).to_dict("records"):
        rows.append(
            (
                plain(f"{row['entity']}, {row['asset']}", sub=str(row["layer"])),
                plain(str(row["stated"])),
                *(
                    cell
                    for word in ("before", "after")
                    for cell in (
                        plain(numbers.count(row[f"sessions_{word}"])),
                        _cell("total_return", float(row[f"return_{word}"])),
                        plain(numbers.percent(float(row[f"weight_{word}"]))),
                    )
                ),
            )
        )
    heads = [
        Column(label=f"{what} {word}")
        for word in ("before", "after")
        for what in ("Sessions", "Return", "Weight")
    ]
    return Table(
        id="hindsight-assets",
        caption="Assets whose documents are not of the thesis's own date.",
        columns=(
            Column(label="Asset", align="left", wide=True),
            Column(label="Named from", align="left"),
            *heads,
        ),
        rows=tuple(rows),
        note="Before and after the first document that names the company, over this "
        "study: own return in the account's currency, mean weight in the barbell. What "
        "came after it was named and before the thesis was stated was chosen earlier, "
        "but weighted with hindsight: it is in-sample still.",
    )
