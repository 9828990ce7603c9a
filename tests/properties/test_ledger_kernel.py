"""The compiled ledger is the readable one: on random markets, to 1e-12 of NAV."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from engine.costs.charges import schedule_for
from engine.errors import DataError
from engine.ledger.backtest import Backtest
from engine.ledger.batch import play_schedule, simulate_schedules
from engine.ledger.simulate import fixed, play
from engine.ledger.tape import Tape, cut, record
from engine.market.market import Market
from engine.thesis.model import Execution
from tests.ledger_cases import (
    every_feature,
    long_short_targets,
    random_targets,
    random_terms,
)
from tests.ledger_twins import check_twins
from tests.markets import random_market
from tests.tolerances import TWIN

SEEDS = st.integers(0, 2**32 - 1)
Targets = dict[pd.Timestamp, pd.Series]


def tape_of(world: Market, terms: Execution) -> Tape:
    days = world.home.sessions.days
    return record(
        world,
        list(world.lines.values()),
        execution=terms,
        base="USD",
        schedule=schedule_for(terms),
        start=days[0].date(),
        end=days[-1].date(),
    )


def readable(tape: Tape, targets: Targets) -> Backtest:
    return play(
        tape,
        name="twin",
        decide_at=pd.DatetimeIndex(list(targets)),
        policy=fixed(targets),
    )


def check_batch(tape: Tape, schedules: list[Targets]) -> None:
    """A batch gives every schedule's own path and costs."""
    decide_at = pd.DatetimeIndex(list(schedules[0]))
    weights = np.array([[*one.values()] for one in schedules])
    batch = simulate_schedules(tape, weights, decide_at)
    for row, targets in enumerate(schedules):
        told = readable(tape, targets)
        assert (np.abs(batch.nav[row] / told.nav - 1.0) <= TWIN).all()
        found, capital = batch.totals.iloc[row], told.nav.max()
        for kind, paid in told.costs.sum().items():
            assert found[kind] == pytest.approx(paid, rel=1e-9, abs=TWIN * capital)
        traded = told.trades["value"].sum()
        assert found["traded"] == pytest.approx(traded, rel=1e-9, abs=TWIN * capital)


@settings(max_examples=100, deadline=None)
@given(seed=SEEDS)
def test_the_compiled_account_is_the_readable_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    world, terms = random_market(rng), random_terms(rng)
    targets = random_targets(rng, world)
    tape = tape_of(world, terms)
    weights = {day: one.to_numpy() for day, one in targets.items()}
    check_twins(readable(tape, targets), play_schedule(tape, weights, name="twin"))


@settings(max_examples=200, deadline=None)
@given(seed=SEEDS)
def test_with_every_feature_on(seed: int) -> None:
    rng = np.random.default_rng(seed)
    world = random_market(rng, features=True)
    terms, targets = every_feature(rng, world), long_short_targets(rng, world)
    tape = tape_of(world, terms)
    weights = {day: one.to_numpy() for day, one in targets.items()}
    check_alike(tape, targets, weights)
    if targets:
        check_batch(tape, [targets])


def check_alike(
    tape: Tape, targets: Targets, weights: dict[pd.Timestamp, np.ndarray]
) -> None:
    """Both ledgers give the same account, or the same complaint."""
    said = ""
    try:
        told = readable(tape, targets)
    except DataError as error:
        said = str(error)
    if said:
        with pytest.raises(DataError) as caught:
            play_schedule(tape, weights, name="twin")
        assert str(caught.value)[:20] == said[:20]
        reject()
    check_twins(told, play_schedule(tape, weights, name="twin"))


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS)
def test_a_batch_is_its_schedules_one_by_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    world, terms = random_market(rng), random_terms(rng)
    first = random_targets(rng, world)
    if not first:
        return
    other = {day: one.sample(frac=1.0, random_state=1) for day, one in first.items()}
    swapped = {
        day: pd.Series(one.to_numpy(), index=first[day].index)
        for day, one in other.items()
    }
    check_batch(tape_of(world, terms), [first, swapped])


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS)
def test_a_cut_tape_is_walked_alike(seed: int) -> None:
    rng = np.random.default_rng(seed)
    world, terms = random_market(rng), random_terms(rng)
    tape = tape_of(world, terms)
    window = cut(tape, 1, len(tape.days))
    targets = {d: w for d, w in random_targets(rng, world).items() if d in window.days}
    weights = {day: one.to_numpy() for day, one in targets.items()}
    check_twins(readable(window, targets), play_schedule(window, weights, name="twin"))
