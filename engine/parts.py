"""Parts of a study, for the commands that need only one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from engine.app import inputs_of
from engine.errors import UsageError, at_most, nearest
from engine.evidence.events import study_events, study_sensitivity
from engine.evidence.results import EventStudy
from engine.portfolio.scoring import layer_scores
from engine.portfolio.scoring import score as score_assets
from engine.study import (
    Progress,
    StudyInputs,
    check_prices,
    measure_performance,
    trade_around_event,
    trade_barbell,
    trade_baselines,
)
from engine.thesis.model import Event


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


def backtest(path: Path, *, progress: Progress, **options: Any) -> Table:
    """Return performance of the barbell and its baselines."""
    progress("loading prices and signals")
    inputs = inputs_of(path, progress=progress, **options)
    check_prices(inputs)
    progress("deciding and trading")
    _, account = trade_barbell(inputs)
    progress("trading the baselines")
    baselines = trade_baselines(inputs, account)
    table = measure_performance(inputs, {account.name: account, **baselines})
    return Table(table=table, simulated=inputs.market.simulated)


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
    baselines = trade_baselines(inputs, account)
    around = trade_around_event(inputs, found, account, baselines)
    return Table(
        table=around.summary, simulated=inputs.market.simulated, note=around.note
    )


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
    path: Path, *, only: str | None, progress: Progress, **options: Any
) -> Table:
    """Return what the numbers of a thesis's events, or of one, owe to their choices."""
    progress("loading prices and signals")
    inputs = inputs_of(path, progress=progress, **options)
    thesis = inputs.thesis
    if only is not None:
        chosen = _event(inputs, only)
        thesis = thesis.model_copy(update={"events": (chosen,)})
    progress("studying the events under other choices")
    table = study_sensitivity(inputs.market, thesis, inputs.universe, inputs.assets)
    return Table(table=table, simulated=inputs.market.simulated)


def _event(inputs: StudyInputs, name: str) -> Event:
    """Return the event of this id; `UsageError` with the nearest one."""
    for event in inputs.thesis.events:
        if event.id == name:
            return event
    hint = nearest(name, [event.id for event in inputs.thesis.events])
    cut = inputs.overrides.get("as_of")
    kept = f" The study is as of {cut}." if cut else ""
    raise UsageError(f"no event is called {name!r}.{kept} {hint}".strip())


def left_out_sentences(left_out: pd.DataFrame) -> list[str]:
    """Return what an event study left out: one line per reason, not per company.

    Companies that one event leaves out for the same reason share a line, and so do
    events that leave out the same companies for it.
    """
    subjects: dict[tuple[str, str, str], list[str]] = {}
    for row in left_out.to_dict("records"):
        window = f" {list(row['window'])}" if isinstance(row["window"], tuple) else ""
        why = (str(row["event"]), window, str(row["reason"]))
        subjects.setdefault(why, []).append(str(row["subject"]))
    events: dict[tuple[str, str, str], list[str]] = {}
    for (event, window, reason), names in subjects.items():
        events.setdefault((at_most(names), window, reason), []).append(event)
    return [
        f"left out: {at_most(ids)}: {names}{window}: {reason}"
        for (names, window, reason), ids in events.items()
    ]
