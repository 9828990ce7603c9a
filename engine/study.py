"""The chain from a thesis and a market to a verdict: a pure function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import pandas as pd

from engine.arithmetic import one_thread
from engine.costs.charges import schedule_for
from engine.costs.fees import FeeSchedule
from engine.errors import DataError
from engine.evidence.attribution import Attribution
from engine.evidence.attribution_study import study_attribution, study_regression
from engine.evidence.caveats import caveats
from engine.evidence.claim_study import study_claims
from engine.evidence.claims.context import (
    Evidence,
    basket_returns,
    members,
    one_line_per_firm,
)
from engine.evidence.events import study_events
from engine.evidence.kill import find_stops, replay
from engine.evidence.samples import performance_by_sample
from engine.evidence.windows import day_zero, event_moment
from engine.ledger.around import around as trade_around
from engine.ledger.backtest import Backtest
from engine.ledger.baselines import (
    anti_legs,
    buy_and_hold,
    equal_weight,
    inverse_volatility,
    leg_alone,
)
from engine.ledger.strategy import (
    Assessments,
    Strategy,
    decision_sessions,
    run_strategy,
)
from engine.ledger.tape import Tape, record
from engine.market.listing import Line, Universe
from engine.market.market import Market
from engine.portfolio.results import Decision
from engine.portfolio.scoring import WeightedFactor
from engine.study_result import Around as Around
from engine.study_result import StudyResult as StudyResult
from engine.thesis.model import Event, Leg, Thesis
from engine.thesis.registration import Registration

BARBELL = "barbell"
EQUAL_WEIGHT = "equal weight"
INVERSE_VOLATILITY = "inverse volatility"
ANTI_THESIS = "anti-thesis"
#: Home sessions shown before and after an event.
BEFORE, AFTER = 20, 120

Progress = Callable[[str], None]


@dataclass(frozen=True, kw_only=True, eq=False)  # no slots: derived values are cached
class StudyInputs:
    """Everything a study depends on: the same inputs give the same result."""

    thesis: Thesis
    universe: Universe
    market: Market
    assets: tuple[Line, ...]
    factors: tuple[WeightedFactor, ...]
    overrides: Mapping[str, str] = field(default_factory=dict)
    notebook: Callable[[StudyResult], str] | None = None
    registration: Registration | None = None

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
        others = [one for one in _benchmarks(self) if one.symbol not in held]
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


@one_thread()
def run_study(
    inputs: StudyInputs, *, progress: Progress = lambda step: None
) -> StudyResult:
    """Return everything that follows from the inputs.

    Raises `InfeasibleError` where the portfolio's constraints collide, and `DataError`
    where no asset has a price in the period.
    """
    check_prices(inputs)
    progress("deciding and trading")
    decisions, backtest = trade_barbell(inputs)
    progress("trading the baselines")
    baselines = trade_baselines(inputs, backtest)
    progress("measuring performance")
    performance = measure_performance(inputs, {BARBELL: backtest, **baselines})
    progress("attributing the return")
    attribution = attribute_return(inputs, backtest, baselines)
    regression = study_regression(
        inputs.market, inputs.thesis, inputs.assets, _benchmarks(inputs), backtest
    )
    progress("studying the events")
    events = study_events(inputs.market, inputs.thesis, inputs.universe, inputs.assets)
    schedules = schedules_of(inputs, {BARBELL: backtest, **baselines})
    around = {
        event.id: trade_around_event(inputs, event, schedules)
        for event in inputs.thesis.events
        if home_day_zero(inputs, event) is not None
    }
    progress("testing the claims")
    stops = find_stops(inputs.thesis, inputs.market, {BARBELL: backtest, **baselines})
    evidence = gather_evidence(inputs, backtest, baselines, decisions)
    claims = study_claims(evidence, stops)
    return StudyResult(
        thesis=inputs.thesis,
        universe=inputs.universe,
        market=inputs.market,
        assets=inputs.assets,
        decisions=decisions,
        backtest=backtest,
        baselines=baselines,
        around=around,
        performance=performance,
        attribution=attribution,
        regression=regression,
        events=events,
        claims=claims,
        kill=replay(inputs.thesis, stops, inputs.tape, backtest),
        caveats=caveats(
            inputs.thesis,
            inputs.universe,
            inputs.market,
            inputs.assets,
            inputs.overrides,
            decisions=decisions,
            registration=inputs.registration,
        ),
        seed=inputs.thesis.about.seed,
        overrides=inputs.overrides,
        notebook=inputs.notebook,
        registration=inputs.registration,
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


def trade_barbell(
    inputs: StudyInputs,
    *,
    name: str = BARBELL,
    legs: Mapping[str, Leg] | None = None,
) -> tuple[tuple[Decision, ...], Backtest]:
    """Return the decisions of the thesis's barbell and the account that follows.

    `legs` replace the thesis's own, for the anti-thesis.
    """
    strategy = Strategy(
        name=name,
        tape=inputs.tape,
        thesis=inputs.thesis,
        universe=inputs.universe,
        assets=inputs.assets,
        factors=inputs.factors,
        assessments=inputs.assessments,
        schedule=inputs.schedule,
        legs=legs,
    )
    return run_strategy(strategy, inputs.decide_at)


def trade_baselines(inputs: StudyInputs, barbell: Backtest) -> dict[str, Backtest]:
    """Return what the barbell is held against: same ledger, same costs, same dates."""
    paths: dict[str, Backtest] = {}
    for line in _benchmarks(inputs):
        tape = open_tape(inputs, (line,))
        paths[line.symbol] = buy_and_hold(tape, line.symbol)
    tape = inputs.tape
    paths[EQUAL_WEIGHT] = equal_weight(tape, inputs.decide_at, name=EQUAL_WEIGHT)
    paths[INVERSE_VOLATILITY] = inverse_volatility(
        tape, inputs.decide_at, inputs.assessments.variances, name=INVERSE_VOLATILITY
    )
    for leg in inputs.thesis.barbell:
        name = f"{leg} alone"
        symbols = members(leg, inputs.thesis, inputs.universe, inputs.assets)
        paths[name] = leg_alone(tape, barbell.targets, symbols, name=name)
    anti = trade_anti_thesis(inputs)
    if anti is not None:
        paths[ANTI_THESIS] = anti
    return paths


def trade_anti_thesis(inputs: StudyInputs) -> Backtest | None:
    """Return the barbell with its budgets swapped, or None without a middle."""
    legs = anti_legs(inputs.thesis.barbell).legs
    if legs is None:
        return None
    _, account = trade_barbell(inputs, name=ANTI_THESIS, legs=legs)
    return account


def _benchmarks(inputs: StudyInputs) -> list[Line]:
    """Return the benchmark lines that have a price in the study."""
    found = []
    for symbol in inputs.thesis.about.benchmarks:
        line = inputs.universe.line(symbol)
        if line is not None and line.symbol in inputs.market.lines:
            found.append(line)
    return found


def measure_performance(
    inputs: StudyInputs, paths: Mapping[str, Backtest]
) -> pd.DataFrame:
    """Return one row per path and sample; every interval from the same resamples."""
    returns = {name: path.returns for name, path in paths.items()}
    first = next((returns[one.symbol] for one in _benchmarks(inputs)), None)
    return performance_by_sample(returns, first, inputs.thesis.about)


def attribute_return(
    inputs: StudyInputs, barbell: Backtest, baselines: Mapping[str, Backtest]
) -> Attribution:
    """Return where the return over equal weight and each benchmark came from."""
    against = (EQUAL_WEIGHT, *(one.symbol for one in _benchmarks(inputs)))
    return study_attribution(
        inputs.market,
        inputs.universe,
        inputs.thesis,
        barbell,
        {name: baselines[name] for name in against},
    )


def trade_around_event(
    inputs: StudyInputs,
    event: Event,
    schedules: Mapping[str, Mapping[pd.Timestamp, pd.Series]],
) -> Around:
    """Return every path from 20 sessions before an event to 120 after it.

    `schedules` are the paths' target weights, as `schedules_of` gives them.

    Raises `DataError` if the event's day zero lies outside the study.
    """
    zero = home_day_zero(inputs, event)
    if zero is None:
        raise DataError(
            f"event {event.id!r} has no home session between "
            f"{inputs.thesis.about.start} and {inputs.thesis.about.end}"
        )
    window = trade_around(
        inputs.whole_tape,
        at_session=zero,
        schedules=schedules,
        before=BEFORE,
        after=AFTER,
    )
    summary = window.summary.rename_axis("path").reset_index()
    return Around(event=event.id, nav=window.nav, summary=summary, note=window.note)


def schedules_of(
    inputs: StudyInputs, paths: Mapping[str, Backtest]
) -> dict[str, dict[pd.Timestamp, pd.Series]]:
    """Return each path's target weights by session, ready for every event."""
    return {name: _by_session(inputs, path.targets) for name, path in paths.items()}


def _by_session(
    inputs: StudyInputs, targets: pd.DataFrame
) -> dict[pd.Timestamp, pd.Series]:
    """Return target weights by decision session, over every line of the study."""
    symbols = inputs.whole_tape.symbols
    rows = targets.reindex(columns=symbols, fill_value=0.0).to_numpy()
    days = pd.DatetimeIndex(targets.index)
    return {
        day: pd.Series(row, index=symbols) for day, row in zip(days, rows, strict=True)
    }


def gather_evidence(
    inputs: StudyInputs,
    barbell: Backtest,
    baselines: Mapping[str, Backtest],
    decisions: tuple[Decision, ...] = (),
) -> Evidence:
    """Return what the claim tests are given."""
    thesis = inputs.thesis
    layers = [*inputs.universe.layers, *thesis.barbell, *thesis.baskets]
    firms = one_line_per_firm(inputs.assets)
    baskets = {name: members(name, thesis, inputs.universe, firms) for name in layers}
    paths = {BARBELL: barbell, **baselines}
    return Evidence(
        market=inputs.market,
        thesis=thesis,
        universe=inputs.universe,
        assets=firms,
        returns={name: path.returns for name, path in paths.items()},
        layer_returns=basket_returns(
            inputs.market,
            baskets,
            pd.DatetimeIndex(barbell.nav.index[1:]),
            stale_after=thesis.execution.stale_after,
        ),
        rng_seed=thesis.about.seed,
        decisions=decisions,
    )
