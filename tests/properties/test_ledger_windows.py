"""Fresh accounts over stretches of a tape: the compiled walk is the readable one."""

from __future__ import annotations

import dataclasses

import numba
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from engine.errors import DataError
from engine.ledger import batch
from engine.ledger.batch import reel_of
from engine.ledger.tape import Tape, cut
from engine.ledger.windows import Plan, lay_out, may_open, open_accounts
from engine.market.market import Market
from engine.thesis.model import Execution
from tests.ledger_cases import (
    every_feature,
    long_short_targets,
    random_targets,
    random_terms,
)
from tests.markets import market, random_market
from tests.properties.test_ledger_kernel import tape_of
from tests.window_twins import Schedule, check_window, readable_window

SEEDS = st.integers(0, 2**32 - 1)


#: Windows of a market that are walked again, drawn from all there are.
CHECKED = 25


def some_windows(
    tape: Tape, plan: Plan, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Some windows of each path, of those whose standing weights may be ordered."""
    count = len(tape.days)
    found = [
        (path, low, high)
        for path in range(len(plan.names))
        for low in range(count)
        for high in range(low, count)
        if may_open(tape, plan, path, np.array([low])).all()
    ]
    some = rng.permutation(len(found))[:CHECKED]
    path, first, last = np.array(found, dtype=np.int64).reshape(-1, 3)[some].T
    return {"path": path, "first": first, "last": last}


def check_windows(
    tape: Tape, schedules: dict[str, Schedule], rng: np.random.Generator
) -> None:
    """The windows are the readable ones, or one of them fails as it does."""
    plan = lay_out(tape, schedules)
    chosen = some_windows(tape, plan, rng)
    told, said = [], ""
    try:
        for path, low, high in zip(*chosen.values(), strict=True):
            told.append(readable_window(tape, schedules[plan.names[path]], low, high))
    except DataError as error:
        said = str(error)
    if said:
        with pytest.raises(DataError) as caught:
            open_accounts(tape, plan, **chosen)
        assert str(caught.value)[:20] == said[:20]
        reject()
    opened = open_accounts(tape, plan, **chosen)
    for place, one in enumerate(told):
        check_window(one, opened, place)
    uncounted = open_accounts(tape, plan, **chosen, count=False)
    assert np.array_equal(uncounted.nav, opened.nav, equal_nan=True)
    assert np.array_equal(uncounted.costs, opened.costs)
    assert (uncounted.trades == -1).all()


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS)
def test_every_window_of_random_markets(seed: int) -> None:
    rng = np.random.default_rng(seed)
    world, terms = random_market(rng), random_terms(rng)
    schedules: dict[str, Schedule] = {
        name: random_targets(rng, world) for name in ("one", "other")
    }
    check_windows(tape_of(world, terms), schedules, rng)


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS)
def test_every_window_with_every_feature_on(seed: int) -> None:
    rng = np.random.default_rng(seed)
    world = random_market(rng, features=True)
    terms = every_feature(rng, world)
    check_windows(tape_of(world, terms), {"one": long_short_targets(rng, world)}, rng)


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS)
def test_threads_change_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    world = random_market(rng)
    tape = tape_of(world, random_terms(rng))
    plan = lay_out(tape, {"one": random_targets(rng, world)})
    chosen = some_windows(tape, plan, rng)
    alone = open_accounts(tape, plan, **chosen)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch, "_SPREAD_FROM", 0)
        spread = open_accounts(tape, plan, **chosen)
    assert np.array_equal(alone.nav, spread.nav, equal_nan=True)
    assert np.array_equal(alone.waited, spread.waited)


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS)
def test_what_comes_after_a_window_changes_nothing_in_it(seed: int) -> None:
    """Nor does what was decided after it, or before the decision that stands."""
    rng = np.random.default_rng(seed)
    world = random_market(rng)
    terms, targets = random_terms(rng), random_targets(rng, world)
    tape = tape_of(world, terms)
    low = int(rng.integers(0, len(tape.days) - 1))
    high = int(rng.integers(low, len(tape.days) - 1))
    first, last = tape.days[low], tape.days[high]
    standing = max((day for day in targets if day <= first), default=first)
    others = random_targets(rng, world)
    changed = {day: one for day, one in others.items() if not standing <= day <= last}
    changed |= {day: one for day, one in targets.items() if standing <= day <= last}
    if not any(day == standing for day in targets):
        changed = {day: one for day, one in changed.items() if day > last}
        changed |= {day: one for day, one in targets.items() if day <= last}
    where = {"path": np.array([0]), "first": np.array([low]), "last": np.array([high])}
    told = open_accounts(tape, lay_out(tape, {"a": targets}), **where)
    later = _with_other_prices_after(tape, int(tape.home_at[high]), rng)
    again = open_accounts(later, lay_out(later, {"a": changed}), **where)
    assert np.array_equal(told.nav, again.nav)
    assert np.array_equal(told.costs, again.costs)


def _with_other_prices_after(tape: Tape, at: int, rng: np.random.Generator) -> Tape:
    """Return a tape whose prices and rates after a moment are others."""
    past = np.arange(len(tape.moments)) <= at
    home = tape.home_at <= at

    def later(values: np.ndarray, kept: np.ndarray) -> np.ndarray:
        other: np.ndarray = np.where(
            kept[:, None], values, values * rng.uniform(0.5, 2.0, values.shape)
        )
        return other

    return dataclasses.replace(
        tape,
        mark=later(tape.mark, past),
        fill=later(tape.fill, past),
        fx=later(tape.fx, past),
        price=later(tape.price, home),
    )


def world_of(prices: list[float]) -> tuple[Market, Execution]:
    terms = Execution(capital=1000.0, slippage_bps=0.0, fees="none")
    return market({"XNYS": {"A": prices}}), terms


def test_a_decision_before_the_tape_stands_on_its_first_day() -> None:
    world, terms = world_of([1.0, 1.0, 2.0])
    tape = tape_of(world, terms)
    early = tape.days[0] - pd.Timedelta(days=40)
    plan = lay_out(tape, {"a": {early: pd.Series({"A": 1.0})}})
    zero = np.array([0])
    opened = open_accounts(tape, plan, path=zero, first=zero, last=zero + 2)
    assert opened.nav[0].tolist() == [1000.0, 1000.0, 2000.0]


def test_decisions_off_the_sessions_are_refused_and_later_ones_left_out() -> None:
    world, terms = world_of([1.0] * 6)
    tape = tape_of(world, terms)
    held = pd.Series({"A": 1.0})
    plan = lay_out(tape, {"a": {tape.days[-1] + pd.Timedelta(days=9): held}})
    assert len(plan.rows) == 0
    noon = tape.days[1] + pd.Timedelta(hours=12)
    with pytest.raises(DataError, match="not on home"):
        lay_out(tape, {"a": {noon: held}})


def test_every_tape_has_the_types_that_were_compiled() -> None:
    """One currency and one asset, or all features: another type compiles for 20 s."""
    rng = np.random.default_rng(3)
    plain, terms = world_of([1.0, 1.0, 2.0])
    rich = random_market(rng, features=True)
    tapes = [
        tape_of(plain, terms),
        tape_of(rich, every_feature(rng, rich)),
        tape_of(random_market(rng), random_terms(rng)),
    ]
    tapes.append(cut(tapes[1], 1, len(tapes[1].days)))
    assert len({numba.typeof(reel_of(tape)) for tape in tapes}) == 1


def test_no_accounts_are_no_rows() -> None:
    world, terms = world_of([1.0] * 3)
    tape = tape_of(world, terms)
    none = np.zeros(0, dtype=np.int64)
    opened = open_accounts(tape, lay_out(tape, {}), path=none, first=none, last=none)
    assert opened.nav.shape == (0, 0)
