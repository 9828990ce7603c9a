"""Every account of a study: the barbell, what it is held against, and the events."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pandas as pd

from engine.background import begin
from engine.evidence.claims.context import members
from engine.evidence.placebo_starts import Starts, fan_of, last_start, open_starts
from engine.ledger.around import Window
from engine.ledger.around import around as trade_around
from engine.ledger.backtest import Backtest
from engine.ledger.baselines import (
    anti_legs,
    buy_and_hold,
    equal_weight,
    inverse_volatility,
    leg_alone,
)
from engine.ledger.compiled import announce_compiling
from engine.ledger.strategy import Strategy, run_strategy
from engine.ledger.windows import lay_out
from engine.portfolio.results import Decision
from engine.study_inputs import StudyInputs, benchmark_lines, home_day_zero, open_tape
from engine.study_result import Around
from engine.thesis.model import Event, Leg, Thesis

BARBELL = "barbell"
EQUAL_WEIGHT = "equal weight"
INVERSE_VOLATILITY = "inverse volatility"
ANTI_THESIS = "anti-thesis"
#: Home sessions shown before and after an event.
BEFORE, AFTER = 20, 120


def trade_barbell(
    inputs: StudyInputs,
    *,
    name: str = BARBELL,
    thesis: Thesis | None = None,
    legs: Mapping[str, Leg] | None = None,
) -> tuple[tuple[Decision, ...], Backtest]:
    """Return the decisions of the thesis's barbell and the account that follows.

    `thesis` replaces the study's own, for another reading of it; `legs` its legs and,
    where they need it, its limit per name, for the anti-thesis.
    """
    strategy = Strategy(
        name=name,
        tape=inputs.tape,
        thesis=thesis or inputs.thesis,
        universe=inputs.universe,
        assets=inputs.assets,
        factors=inputs.factors,
        assessments=inputs.assessments,
        schedule=inputs.schedule,
        legs=legs,
    )
    return run_strategy(strategy, inputs.decide_at)


def trade_baselines(
    inputs: StudyInputs, barbell: Backtest, *, compiled: bool = False
) -> dict[str, Backtest]:
    """Return what the barbell is held against: same ledger, same costs, same dates.

    With `compiled`, those whose weights are known beforehand are walked in compiled
    code: for a study that has loaded it anyway.
    """
    paths: dict[str, Backtest] = {}
    for line in benchmark_lines(inputs):
        tape = open_tape(inputs, (line,))
        paths[line.symbol] = buy_and_hold(tape, line.symbol)
    tape = inputs.tape
    paths[EQUAL_WEIGHT] = equal_weight(
        tape, inputs.decide_at, name=EQUAL_WEIGHT, compiled=compiled
    )
    paths[INVERSE_VOLATILITY] = inverse_volatility(
        tape,
        inputs.decide_at,
        inputs.assessments.variances,
        name=INVERSE_VOLATILITY,
        compiled=compiled,
    )
    for leg in inputs.thesis.barbell:
        name = f"{leg} alone"
        symbols = members(leg, inputs.thesis, inputs.universe, inputs.assets)
        paths[name] = leg_alone(
            tape, barbell.targets, symbols, name=name, compiled=compiled
        )
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


def has_windows(inputs: StudyInputs) -> bool:
    """Return whether paths are followed about an event, which takes compiled code.

    It does not depend on random barbells, which a diary leaves out: the entries of a
    diary are the runs of their days, digit for digit.
    """
    days = (home_day_zero(inputs, event) for event in inputs.thesis.events)
    return any(day is not None for day in days)


def trade_around_events(
    inputs: StudyInputs,
    events: Sequence[Event],
    paths: Mapping[str, Backtest],
    *,
    progress: Callable[[str], None] = lambda step: None,
) -> dict[str, Around]:
    """Return every path from 20 sessions before each event to 120 after it.

    Behind each stands the fan of the same paths begun on placebo dates, as
    `engine.evidence.placebo_starts` defines them. Events outside the study have none.
    """
    return begin_around_events(inputs, events, paths, progress=progress)()


def begin_around_events(
    inputs: StudyInputs,
    events: Sequence[Event],
    paths: Mapping[str, Backtest],
    *,
    progress: Callable[[str], None] = lambda step: None,
) -> Callable[[], dict[str, Around]]:
    """Return what returns the same, while the placebo starts walk in a thread.

    Compiled code leaves the interpreter to others; most of the time is in it.
    """
    zeros = {event.id: home_day_zero(inputs, event) for event in events}
    known = {event: zero for event, zero in zeros.items() if zero is not None}
    if not known:
        return dict
    announce_compiling(progress, "run_windows")
    tape = inputs.whole_tape
    plan = lay_out(tape, _schedules(inputs, paths))
    windows = {
        event: trade_around(
            tape, at_session=zero, plan=plan, before=BEFORE, after=AFTER
        )
        for event, zero in known.items()
    }
    starts = begin(
        open_starts,
        tape,
        plan,
        until=max(last_start(window) for window in windows.values()),
        length=max(len(window.nav) for window in windows.values()),
    )
    return lambda: {
        event: _around(event, one, starts()) for event, one in windows.items()
    }


def _around(event: str, window: Window, starts: Starts) -> Around:
    """Return a window with the fan behind it."""
    fan = fan_of(starts, window)
    summary = window.summary.join(fan.ranks).rename_axis("path").reset_index()
    return Around(
        event=event,
        nav=window.nav,
        summary=summary,
        note=window.note,
        fan=fan.bands,
    )


def _schedules(
    inputs: StudyInputs, paths: Mapping[str, Backtest]
) -> dict[str, dict[pd.Timestamp, pd.Series]]:
    """Return each path's target weights by session."""
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
