"""What the other readings of a thesis would have changed, in words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from engine.study_result import StudyResult
from reports import numbers, samples, tables
from reports.document import Block, Text
from reports.luck import sample_of


def blocks(result: StudyResult) -> list[Block | None]:
    """Return one paragraph on the readings, or nothing."""
    told = [sentence(result, name) for name in result.thesis.readings]
    every = [*[one for one in told if one], *result.readings.notes]
    return [Text(text=" ".join(every)) if every else None]


def sentence(result: StudyResult, reading: str) -> str:
    """Return how far a reading is from the barbell; empty where it is not known."""
    table = result.readings.differences
    rows = table[(table["path"] == reading) & (table["sample"] == sample_of(result))]
    if rows.empty:
        return ""
    by_metric = {str(row["metric"]): row for row in tables.records(rows)}
    growth = samples.headline(result).growth
    earned, paid = by_metric[growth], by_metric["sharpe"]
    name = "a year" if growth == "cagr" else "in all"
    apart = "; ".join(
        f"{_listed(layers)} in {leg}"
        for leg, layers in result.thesis.readings[reading].items()
    )
    return (
        f"Read as “{reading}” ({apart}; the same budgets), the thesis would have "
        f"earned {numbers.percent(earned['value'])} {name} in place of "
        f"{numbers.percent(earned['other'])} ({_apart(earned, points=True)}) at a "
        f"Sharpe ratio of {numbers.decimal(paid['value'])} in place of "
        f"{numbers.decimal(paid['other'])} ({_apart(paid, points=False)}): "
        f"{_meaning(paid)}."
    )


def _listed(words: Sequence[str]) -> str:
    """Return ``a, b and c``."""
    return " and ".join([one for one in (", ".join(words[:-1]), words[-1]) if one])


def _apart(row: Mapping[str, Any], *, points: bool) -> str:
    """Return a difference with its interval."""
    unit = " points" if points else ""

    def show(value: float) -> str:
        if points:
            return numbers.points(value)
        return numbers.decimal(value, signed=True)

    low, high = float(row["low"]), float(row["high"])
    told = f"difference {show(float(row['difference']))}{unit}"
    if not math.isfinite(low + high):
        return told
    return f"{told}, 95% interval {numbers.interval(low, high, show)}"


def _meaning(row: Mapping[str, Any]) -> str:
    if row["low"] > 0.0 or row["high"] < 0.0:
        return "it matters which reading is meant"
    return "by their Sharpe ratios the readings cannot be told apart"
