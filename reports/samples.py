"""Which sample the headline shows: what came after the declaration, where it can."""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from engine.study_result import StudyResult
from engine.thesis.registration import NEVER

IN_SAMPLE = "in-sample"
OUT_OF_SAMPLE = "out-of-sample"
ALL = "all"
#: Out-of-sample sessions below which the headline does not rest on them.
FEWEST_SESSIONS = 60
#: Calendar days below which a return is not blown up to a year.
YEAR_DAYS = 360

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Headline:
    """What the tiles and the sentence show: every path on one sample.

    `sample` is empty where the whole period is shown and belongs to neither. `beside`
    is the other sample, if any. `annual`: the sample lasts a year, so that its return
    may be given per year.
    """

    main: str
    compared: str
    sample: str
    whole: bool
    first: dt.date
    sessions: int
    annual: bool
    rows: Mapping[str, Row]
    beside: Headline | None = None

    @property
    def own(self) -> Row:
        """The barbell's row."""
        return self.rows[self.main]

    @property
    def benchmark(self) -> Row | None:
        """The first benchmark's row, if it has a price."""
        return self.rows.get(self.compared)

    @property
    def growth(self) -> str:
        """The metric that says what was earned."""
        return "cagr" if self.annual else "total_return"


def counts_word(result: StudyResult) -> str:
    """Return which date the samples begin at: ``declared`` or ``registered``."""
    held = result.registration
    return "registered" if held is not None and held.basis != "declared" else "declared"


def unregistered(result: StudyResult) -> bool:
    """Return whether a register holds the thesis, but not as it now stands."""
    return result.thesis.about.declared == NEVER


def all_in_sample(result: StudyResult) -> bool:
    """Return whether the study ends before anything was declared."""
    declared = result.thesis.about.declared
    return declared is None or declared > result.thesis.about.end


def none_in_sample(result: StudyResult) -> bool:
    """Return whether the thesis was declared before the study begins."""
    declared = result.thesis.about.declared
    return declared is not None and declared <= result.thesis.about.start


def benchmarks(result: StudyResult) -> list[str]:
    """Return the thesis's benchmarks that have a price, by the name of their path."""
    lines = [result.universe.line(name) for name in result.thesis.about.benchmarks]
    symbols = [line.symbol for line in lines if line is not None]
    return [name for name in dict.fromkeys(symbols) if name in result.baselines]


def headline(result: StudyResult) -> Headline:
    """Return out-of-sample with in-sample beside it, where there is enough of it."""
    present = set(result.performance["sample"])
    one = all_in_sample(result) or none_in_sample(result)
    if one or not {IN_SAMPLE, OUT_OF_SAMPLE} <= present:
        return _shown(result, ALL)
    outside = _shown(result, OUT_OF_SAMPLE)
    inside = _shown(result, IN_SAMPLE)
    if outside.sessions >= FEWEST_SESSIONS:
        return replace(outside, beside=inside)
    return replace(inside, beside=outside)


def _shown(result: StudyResult, sample: str) -> Headline:
    table = result.performance
    found = table[table["sample"] == sample].to_dict("records")
    days = sessions_of(result, sample)
    named = sample if sample != ALL else ""
    if sample == ALL and all_in_sample(result):
        named = IN_SAMPLE
    if sample == ALL and none_in_sample(result):
        named = OUT_OF_SAMPLE
    return Headline(
        main=result.backtest.name,
        compared=next(iter(benchmarks(result)), ""),
        sample=named,
        whole=sample == ALL,
        first=days[0].date() if len(days) else result.thesis.about.start,
        sessions=len(days),
        annual=lasts_a_year(days),
        rows={str(row["path"]): _named(row) for row in found},
    )


def sessions_of(result: StudyResult, sample: str) -> pd.DatetimeIndex:
    """Return the home sessions of a sample that have a return."""
    days = pd.DatetimeIndex(result.backtest.returns.index)
    declared = result.thesis.about.declared
    if sample == ALL or declared is None:
        return days
    before = days < pd.Timestamp(declared)
    return days[before] if sample == IN_SAMPLE else days[~before]


def lasts_a_year(days: pd.DatetimeIndex) -> bool:
    """Return whether sessions span a year, so that annual numbers are no forecast."""
    return len(days) > 1 and (days[-1] - days[0]).days >= YEAR_DAYS


def _named(row: Mapping[Hashable, Any]) -> dict[str, Any]:
    return {str(name): value for name, value in row.items()}
