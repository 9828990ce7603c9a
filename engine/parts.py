"""Parts of a study, for the commands that need only one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from engine.app import inputs_of
from engine.errors import DataError, UsageError, at_most, nearest
from engine.evidence.caveats_portfolio import portfolio_caveats
from engine.evidence.events import study_events, study_sensitivity
from engine.evidence.luck import luck_sentences
from engine.evidence.placebo_starts import fan_sentence
from engine.evidence.ranking import Ranking
from engine.evidence.results import EventStudy
from engine.evidence.scenarios import ScenarioStudy, study_scenarios
from engine.evidence.stress import Scored, Stress, study_stress
from engine.ledger.backtest import Backtest
from engine.ledger.batch import play_schedule
from engine.ledger.tape import Tape
from engine.portfolio.scoring import layer_scores
from engine.portfolio.scoring import score as score_assets
from engine.study import Progress, measure_performance, vary_headline
from engine.study_inputs import StudyInputs, check_prices
from engine.study_luck import draw_schedules, rank_schedules
from engine.study_paths import (
    trade_around_events,
    trade_barbell,
    trade_baselines,
)
from engine.study_readings import trade_readings
from engine.thesis.model import Event

_BEFORE_COSTS = (
    "The column 'before_costs' is the percentile where nobody pays for trading."
)
_HEADLINE = (
    "The event that most claims are about; --event for another, --all for every one."
)
_FREE: Mapping[str, Any] = {
    "slippage_bps": 0.0,
    "half_spread_bps": 0.0,
    "fx_spread_bps": 0.0,
    "impact": 0.0,
    "fees": "none",
    "charges": (),
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scores:
    """Scores at one home close: per asset and per layer, and what was absent."""

    day: str
    assets: pd.DataFrame
    layers: pd.DataFrame
    absent: Mapping[str, str]
    simulated: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Table:
    """One table of a part of a study, with its note."""

    table: pd.DataFrame
    simulated: bool
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Events:
    """The event study, and whether it rests on simulated numbers."""

    study: EventStudy
    simulated: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Among:
    """The barbell among random ones.

    ranking : its `table` also has ``before_costs``, the percentile where trading costs
        nothing; its `paths` have ``turnover`` (half the value traded) and ``costs`` (of
        trading), each per year and over mean NAV, in the rows of the whole study.
    sentences : the same in words, and what the comparison leaves out.
    """

    ranking: Ranking
    sentences: tuple[str, ...]
    simulated: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Assumed:
    """Layer scores if a mechanism fails, and scenarios as states that can be seen."""

    stress: Stress
    scenarios: ScenarioStudy
    simulated: bool


def score(path: Path, *, progress: Progress, **options: Any) -> Scores:
    """Return the scores at the study's last home close."""
    progress("loading prices and signals")
    inputs = inputs_of(path, progress=progress, **options)
    progress("scoring")
    sessions = inputs.market.home.sessions
    known = inputs.market.known_at(sessions.close_utc[-1])
    symbols = [line.symbol for line in inputs.assets]
    exposures = inputs.universe.exposures(symbols)
    card = score_assets(
        known, inputs.factors, symbols, exposures, inputs.thesis.scoring
    )
    assets = pd.DataFrame(
        {
            "asset": symbols,
            "layer": [inputs.universe.layer_of(symbol) for symbol in symbols],
            "score": card.score.to_numpy(),
            "coverage": card.coverage.to_numpy(),
            "withheld": card.withheld.to_numpy(),
        }
    )
    parts = card.contributions.reset_index(drop=True)
    table = pd.concat([assets, parts], axis=1)
    layers = layer_scores(card, exposures)
    return Scores(
        day=str(sessions.days[-1].date()),
        assets=table.sort_values("score", ascending=False, kind="stable"),
        layers=layers.rename_axis("layer").reset_index(),
        absent=card.absent,
        simulated=inputs.market.simulated,
    )


def stress(path: Path, *, progress: Progress, **options: Any) -> Assumed:
    """Return the stress of each mechanism at the last scored decision; scenarios."""
    progress("loading prices and signals")
    inputs = inputs_of(path, progress=progress, **options)
    progress("scoring")
    exposures = inputs.universe.exposures([line.symbol for line in inputs.assets])
    return Assumed(
        stress=study_stress(
            inputs.thesis,
            inputs.market,
            inputs.factors,
            exposures,
            _last_scored(inputs, exposures),
        ),
        scenarios=study_scenarios(inputs.thesis, inputs.market, inputs.universe.layers),
        simulated=inputs.market.simulated,
    )


def _last_scored(inputs: StudyInputs, exposures: pd.DataFrame) -> Scored | None:
    """Return the last decision of a study at which any asset had a score."""
    home = inputs.market.home.sessions
    there = home.days.isin(inputs.decide_at)
    decided = zip(home.days[there], home.close_utc[there], strict=True)
    for day, moment in reversed(list(decided)):
        card = score_assets(
            inputs.market.known_at(moment),
            inputs.factors,
            list(exposures.index),
            exposures,
            inputs.thesis.scoring,
        )
        found = Scored(session=day, moment=moment, scorecard=card)
        if found.some:
            return found
    return None


def backtest(path: Path, *, progress: Progress, **options: Any) -> Table:
    """Return performance of the barbell and its baselines; notes of its decisions."""
    progress("loading prices and signals")
    inputs = inputs_of(path, progress=progress, **options)
    check_prices(inputs)
    progress("deciding and trading")
    decisions, account = trade_barbell(inputs)
    progress("trading the baselines")
    baselines = {**trade_baselines(inputs, account), **trade_readings(inputs)[0]}
    table = measure_performance(inputs, {account.name: account, **baselines})
    return Table(
        table=table,
        simulated=inputs.market.simulated,
        note=" ".join(portfolio_caveats(decisions)),
    )


def backtest_around(
    path: Path, event: str, *, progress: Progress, **options: Any
) -> Table:
    """Return the barbell and its baselines from 20 sessions before to 120 after."""
    progress("loading prices and signals")
    inputs = inputs_of(path, progress=progress, **options)
    check_prices(inputs)
    found = _event(inputs, event)
    progress("deciding and trading")
    _, account = trade_barbell(inputs)
    progress("trading the baselines")
    baselines = {**trade_baselines(inputs, account), **trade_readings(inputs)[0]}
    paths = {account.name: account, **baselines}
    windows = trade_around_events(inputs, (found,), paths, progress=progress)
    if found.id not in windows:
        about = inputs.thesis.about
        raise DataError(
            f"event {found.id!r} has no home session between {about.start} and "
            f"{about.end}"
        )
    around = windows[found.id]
    counts = around.summary[["placebos", "placebos_apart"]].iloc[0]
    said = (around.note, fan_sentence(*counts.astype(int).tolist()))
    return Table(
        table=around.summary,
        simulated=inputs.market.simulated,
        note=". ".join(part for part in said if part),
    )


def backtest_among_random(
    path: Path, count: int, *, progress: Progress, **options: Any
) -> Among:
    """Return the barbell's place among `count` random ones within the same limits.

    They are decided on the same days among the same tradeable assets, walked by the
    compiled ledger at the same costs, and drawn from the study's seed.
    """
    progress("loading prices and signals")
    inputs = inputs_of(path, progress=progress, **options)
    check_prices(inputs)
    progress("deciding and trading")
    decisions, account = trade_barbell(inputs)
    progress(f"drawing {count:,} random barbells")
    schedules = draw_schedules(inputs, decisions, count)
    progress("trading them, and again without costs")
    luck = rank_schedules(inputs, decisions, account, schedules)
    if luck.ranking is None:
        raise DataError(luck.note.rstrip("."))
    free = _without_costs(inputs)
    gross = rank_schedules(free, decisions, _replayed(free.tape, account), schedules)
    assert gross.ranking is not None
    table = luck.ranking.table.copy()
    place = table.columns.to_list().index("percentile_high") + 1
    table.insert(place, "before_costs", gross.ranking.table["percentile"])
    return Among(
        ranking=replace(luck.ranking, table=table),
        sentences=(*luck_sentences(luck, inputs.thesis.about), _BEFORE_COSTS),
        simulated=inputs.market.simulated,
    )


def _without_costs(inputs: StudyInputs) -> StudyInputs:
    """Return the same study where trading costs nothing."""
    free = inputs.thesis.execution.model_copy(update=_FREE)
    thesis = inputs.thesis.model_copy(update={"execution": free})
    return replace(inputs, thesis=thesis)


def _replayed(tape: Tape, account: Backtest) -> Backtest:
    """Return an account that is given the same target weights on another tape."""
    targets = account.targets.reindex(columns=tape.symbols)
    days = pd.DatetimeIndex(targets.index)
    given = dict(zip(days, targets.to_numpy(), strict=True))
    return play_schedule(tape, given, name=account.name)


def events(
    path: Path, *, only: str | None, progress: Progress, **options: Any
) -> Events:
    """Return the event study of a thesis, or of one of its events."""
    progress("loading prices and signals")
    inputs = inputs_of(path, progress=progress, **options)
    if only is not None:
        _event(inputs, only)
    progress("studying the events")
    study = study_events(
        inputs.market, inputs.thesis, inputs.universe, inputs.assets, only=only
    )
    return Events(study=study, simulated=inputs.market.simulated)


def sensitivity(
    path: Path,
    *,
    only: str | None,
    every: bool = True,
    progress: Progress,
    **options: Any,
) -> Table:
    """Return what the numbers of a thesis's events owe to the choices behind them.

    Of the event called `only`, of `every` one, or of the report's: the one that most
    claims are about. The note says so.
    """
    progress("loading prices and signals")
    inputs = inputs_of(path, progress=progress, **options)
    thesis, simulated = inputs.thesis, inputs.market.simulated
    if only is not None:
        chosen = _event(inputs, only)
        thesis = thesis.model_copy(update={"events": (chosen,)})
    elif not every:
        progress("studying the events")
        study = study_events(inputs.market, thesis, inputs.universe, inputs.assets)
        progress("studying one under other choices")
        table = vary_headline(inputs, study)
        return Table(table=table, simulated=simulated, note=_HEADLINE)
    progress("studying the events under other choices")
    table = study_sensitivity(inputs.market, thesis, inputs.universe, inputs.assets)
    return Table(table=table, simulated=simulated)


def _event(inputs: StudyInputs, name: str) -> Event:
    """Return the event of this id; `UsageError` with the nearest one."""
    for event in inputs.thesis.events:
        if event.id == name:
            return event
    known = [event.id for event in inputs.thesis.events]
    hint = nearest(name, known) or (
        f"Known are {at_most(known)}" if known else "The thesis has no [[events]]"
    )
    cut = inputs.overrides.get("as_of")
    kept = f" The study is as of {cut}." if cut else ""
    raise UsageError(f"no event is called {name!r}.{kept} {hint}".strip())
