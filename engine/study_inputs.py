"""What a study depends on, and what is laid out once for all its accounts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import pandas as pd

from engine.costs.charges import schedule_for
from engine.costs.fees import FeeSchedule
from engine.errors import DataError
from engine.evidence.beside import Placebo
from engine.evidence.windows import day_zero, event_moment
from engine.ledger.strategy import Assessments, decision_sessions
from engine.ledger.tape import Tape, record
from engine.market.listing import Line, Universe
from engine.market.market import Market
from engine.portfolio.scoring import WeightedFactor
from engine.study_result import StudyResult
from engine.thesis.model import Event, Thesis
from engine.thesis.registration import Registration


@dataclass(frozen=True, kw_only=True, eq=False)  # no slots: derived values are cached
class StudyInputs:
    """Everything a study depends on: the same inputs give the same result.

    `placebo` loads the firms that claims are held against, where one is named.
    """

    thesis: Thesis
    universe: Universe
    market: Market
    assets: tuple[Line, ...]
    factors: tuple[WeightedFactor, ...]
    overrides: Mapping[str, str] = field(default_factory=dict)
    notebook: Callable[[StudyResult], str] | None = None
    registration: Registration | None = None
    placebo: Callable[[], Placebo] | None = None

    @cached_property
    def schedule(self) -> FeeSchedule:
        """The fees that the thesis chose."""
        return schedule_for(self.thesis.execution)

    @cached_property
    def tape(self) -> Tape:
        """The study's period, assets and costs, ready for any account."""
        return open_tape(self, self.assets)

    @cached_property
    def whole_tape(self) -> Tape:
        """The same with the benchmarks, for paths side by side about an event."""
        held = {line.symbol for line in self.assets}
        others = [one for one in benchmark_lines(self) if one.symbol not in held]
        return open_tape(self, (*self.assets, *others))

    @cached_property
    def decide_at(self) -> pd.DatetimeIndex:
        """The home sessions at whose close the portfolio is decided."""
        acting = [event for event in self.thesis.events if event.act]
        days = [home_day_zero(self, event) for event in acting]
        return decision_sessions(self.thesis, [day for day in days if day is not None])

    @cached_property
    def assessments(self) -> Assessments:
        """Scores and risk at each decision, shared by all strategies."""
        return Assessments(
            self.thesis, self.universe, self.market, self.assets, self.factors
        )


def check_prices(inputs: StudyInputs) -> None:
    """Raise `DataError` if nothing that could be held has a price in the period."""
    about = inputs.thesis.about
    inside = inputs.market.home.price.loc[str(about.start) : str(about.end)]
    symbols = [line.symbol for line in inputs.assets]
    if not symbols or not inside[symbols].notna().any(axis=None):
        raise DataError(
            f"no line of {inputs.universe.name} has a price between {about.start} and "
            f"{about.end} in {inputs.market.prices_origin.name}; change the period or "
            "the folder"
        )


def home_day_zero(inputs: StudyInputs, event: Event) -> pd.Timestamp | None:
    """Return an event's day zero on the home calendar, None outside the study."""
    about = inputs.thesis.about
    sessions = inputs.market.home.sessions
    exchanges = [bars.sessions for bars in inputs.market.bars.values()]
    place = day_zero(sessions, event_moment(event.at, exchanges))
    if place is None:
        return None
    zero = sessions.days[place]
    inside = pd.Timestamp(about.start) <= zero <= pd.Timestamp(about.end)
    return zero if inside else None


def open_tape(inputs: StudyInputs, lines: tuple[Line, ...]) -> Tape:
    """Return the study's period, market and costs, ready for any account."""
    about = inputs.thesis.about
    return record(
        inputs.market,
        lines,
        execution=inputs.thesis.execution,
        base=about.currency,
        schedule=inputs.schedule,
        start=about.start,
        end=about.end,
    )


def benchmark_lines(inputs: StudyInputs) -> list[Line]:
    """Return the benchmark lines that have a price in the study."""
    found = []
    for symbol in inputs.thesis.about.benchmarks:
        line = inputs.universe.line(symbol)
        if line is not None and line.symbol in inputs.market.lines:
            found.append(line)
    return found
