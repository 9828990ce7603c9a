"""The chain from a thesis and a market to a verdict: a pure function."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pandas as pd

from engine.arithmetic import one_thread
from engine.evidence.attribution import Attribution
from engine.evidence.attribution_study import study_attribution, study_regression
from engine.evidence.beside import Beside, study_beside
from engine.evidence.caveats import caveats
from engine.evidence.claim_study import study_claims
from engine.evidence.claims.context import (
    Evidence,
    basket_returns,
    members,
    one_line_per_firm,
)
from engine.evidence.event_sensitivity import headline_event
from engine.evidence.events import study_events, study_sensitivity
from engine.evidence.kill import find_stops, replay
from engine.evidence.resampled import Resamples
from engine.evidence.results import EventStudy
from engine.evidence.samples import draws_by_sample, performance_by_sample
from engine.evidence.scenarios import study_scenarios
from engine.evidence.stress import Scored, study_stress
from engine.ledger.backtest import Backtest
from engine.portfolio.results import Decision
from engine.study_inputs import (
    StudyInputs,
    benchmark_lines,
    check_prices,
)
from engine.study_luck import begin_luck
from engine.study_paths import (
    BARBELL,
    EQUAL_WEIGHT,
    begin_around_events,
    has_windows,
    trade_barbell,
    trade_baselines,
)
from engine.study_readings import compare_readings, trade_readings
from engine.study_result import StudyResult

Progress = Callable[[str], None]


@one_thread()
def run_study(
    inputs: StudyInputs,
    *,
    progress: Progress = lambda step: None,
    beside: bool = True,
) -> StudyResult:
    """Return everything that follows from the inputs.

    Without `beside` claims are not held against the placebo and the anti-thesis, nor
    the headline event against other choices.

    Raises `InfeasibleError` where the portfolio's constraints collide, and `DataError`
    where no asset has a price in the period.
    """
    check_prices(inputs)
    progress("deciding and trading")
    decisions, backtest = trade_barbell(inputs)
    luck = begin_luck(inputs, decisions, backtest, progress=progress)
    progress("trading the baselines")
    others, unheld = trade_readings(inputs)
    fixed = trade_baselines(inputs, backtest, compiled=has_windows(inputs))
    baselines = {**fixed, **others}
    paths = {BARBELL: backtest, **baselines}
    progress("measuring performance")
    drawn = draws_of(inputs, paths)
    performance = measure_performance(inputs, paths, drawn)
    readings = compare_readings(inputs, paths, unheld, drawn)
    progress("attributing the return")
    attribution = attribute_return(inputs, backtest, baselines)
    regression = study_regression(
        inputs.market, inputs.thesis, inputs.assets, benchmark_lines(inputs), backtest
    )
    progress("following every path about the events")
    begun = begin_around_events(inputs, inputs.thesis.events, paths, progress=progress)
    progress("studying the events")
    events = study_events(inputs.market, inputs.thesis, inputs.universe, inputs.assets)
    around = begun()
    progress("testing the claims")
    stops = find_stops(inputs.thesis, inputs.market, paths)
    evidence = gather_evidence(inputs, backtest, baselines, decisions)
    claims = study_claims(evidence, stops)
    held, varied = Beside(), pd.DataFrame()
    if beside:
        progress("holding them against others")
        asked = inputs.placebo if inputs.thesis.claims else None
        held = study_beside(evidence, claims, asked() if asked else None)
        varied = vary_headline(inputs, events)
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
        stress=study_stress(
            inputs.thesis,
            inputs.market,
            inputs.factors,
            inputs.assessments.exposures,
            last_scored(decisions),
        ),
        scenarios=study_scenarios(inputs.thesis, inputs.market, inputs.universe.layers),
        caveats=caveats(
            inputs.thesis,
            inputs.universe,
            inputs.market,
            inputs.assets,
            inputs.overrides,
            decisions=decisions,
            account=backtest,
            registration=inputs.registration,
        ),
        seed=inputs.thesis.about.seed,
        overrides=inputs.overrides,
        notebook=inputs.notebook,
        registration=inputs.registration,
        luck=luck(),
        readings=readings,
        factors=inputs.factors,
        beside=held,
        sensitivity=varied,
    )


def last_scored(decisions: tuple[Decision, ...]) -> Scored | None:
    """Return the last decision at which any asset had a score."""
    for one in reversed(decisions):
        found = Scored(session=one.session, moment=one.moment, scorecard=one.scorecard)
        if found.some:
            return found
    return None


def vary_headline(inputs: StudyInputs, events: EventStudy) -> pd.DataFrame:
    """Return what the headline event's numbers owe to the choices behind them."""
    thesis = inputs.thesis
    name = headline_event(thesis, set(events.table["event"]))
    chosen = () if name is None else (thesis.event(name),)
    only = thesis.model_copy(update={"events": chosen})
    return study_sensitivity(inputs.market, only, inputs.universe, inputs.assets)


def draws_of(
    inputs: StudyInputs, paths: Mapping[str, Backtest]
) -> dict[str, Resamples]:
    """Return the resamples behind every interval of these paths, by sample."""
    returns = {name: path.returns for name, path in paths.items()}
    return draws_by_sample(returns, inputs.thesis.about)


def measure_performance(
    inputs: StudyInputs,
    paths: Mapping[str, Backtest],
    drawn: Mapping[str, Resamples] | None = None,
) -> pd.DataFrame:
    """Return one row per path and sample; every interval from the same resamples.

    `drawn` are those of these paths (`draws_of`), if they are drawn already.
    """
    returns = {name: path.returns for name, path in paths.items()}
    first = next((returns[one.symbol] for one in benchmark_lines(inputs)), None)
    drawn = draws_of(inputs, paths) if drawn is None else drawn
    return performance_by_sample(returns, first, inputs.thesis.about, drawn)


def attribute_return(
    inputs: StudyInputs, barbell: Backtest, baselines: Mapping[str, Backtest]
) -> Attribution:
    """Return where the return over equal weight and each benchmark came from."""
    against = (EQUAL_WEIGHT, *(one.symbol for one in benchmark_lines(inputs)))
    return study_attribution(
        inputs.market,
        inputs.universe,
        inputs.thesis,
        barbell,
        {name: baselines[name] for name in against},
    )


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
