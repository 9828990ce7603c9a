"""Nothing at or before t depends on what comes after t, bit for bit."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from engine.costs.charges import schedule_for
from engine.errors import DataError
from engine.ledger.backtest import Backtest
from engine.ledger.simulate import AccountView, Policy, simulate
from engine.market.market import Market
from engine.thesis.model import Execution
from tests.ledger_cases import every_feature
from tests.markets import random_market, replaced_after, until

HOMES = st.sampled_from(["XNYS", "XHKG", "XKRX"])


def momentum(world: Market) -> Policy:
    """Weights from all that is known and from the account: nothing may leak in."""

    def policy(
        session: pd.Timestamp, moment: np.datetime64, account: AccountView
    ) -> pd.Series:
        known = world.known_at(moment).home.base_price()
        strength = (known.iloc[-1] / known.bfill().iloc[0]).fillna(0.0)
        wanted = strength.where(account.tradeable, 0.0) + account.weights
        total = max(float(wanted.sum()), 1e-9)
        return wanted / total * (0.9 + abs(account.cash) % 0.1)

    return policy


def run(world: Market, decide_at: pd.DatetimeIndex, terms: Execution) -> Backtest:
    """Return the momentum account at the terms' own costs."""
    days = world.home.sessions.days
    return simulate(
        world,
        name="momentum",
        assets=list(world.lines.values()),
        decide_at=decide_at,
        policy=momentum(world),
        execution=terms,
        base="USD",
        schedule=schedule_for(terms),
        start=days[0].date(),
        end=days[-1].date(),
    )


def check_same_past(told: Backtest, other: Backtest, row: int) -> None:
    """The first row + 1 sessions, and every trade up to that close, are identical."""
    count = row + 1
    for name in ("nav", "holdings", "weights", "cash", "price", "fx", "costs"):
        past, same = getattr(told, name).iloc[:count], getattr(other, name).iloc[:count]
        np.testing.assert_array_equal(past.to_numpy(), same.to_numpy(), err_msg=name)
    for name in ("waiting", "stale"):
        past, same = getattr(told, name).iloc[:count], getattr(other, name).iloc[:count]
        assert past.equals(same), name
    for name in ("dividends", "fx_effect"):
        past, same = getattr(told, name).iloc[:count], getattr(other, name).iloc[:count]
        np.testing.assert_array_equal(past.to_numpy(), same.to_numpy(), err_msg=name)
    last = told.nav.index[row]
    assert told.targets.loc[:last].equals(other.targets.loc[:last])


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    home=HOMES,
    at=st.sampled_from(["next_close", "next_open"]),
)
def test_the_future_does_not_matter(seed: int, home: str, at: str) -> None:
    rng = np.random.default_rng(seed)
    if home == "XKRX":  # it closes while others trade, whose bars the cut takes away
        at = "next_close"
    world = random_market(rng, home=home)
    terms = Execution(
        at="next_open" if at == "next_open" else "next_close",
        fx_spread_bps=10.0,
        cash_rate=0.03,
        overdraft_rate=0.08,
        stale_after=2,
    )
    days = world.home.sessions.days
    decide_at = days[rng.random(len(days)) < 0.5]
    told = run(world, decide_at, terms)
    row = int(rng.integers(len(days)))
    moment = world.home.sessions.close_utc[row]

    cut = run(until(world, moment), decide_at[decide_at <= days[row]], terms)
    check_same_past(told, cut, row)
    assert len(cut.nav) == row + 1

    other = run(replaced_after(world, moment, rng), decide_at, terms)
    check_same_past(told, other, row)
    for run_of in (cut, other):
        pd.testing.assert_frame_equal(
            told.trades[told.trades["filled_utc"] <= moment],
            run_of.trades[run_of.trades["filled_utc"] <= moment],
            check_exact=True,
        )


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_nor_does_it_with_every_feature_on(seed: int) -> None:
    """Dividends, splits, limits, turnover and prices after t are cut or redrawn."""
    rng = np.random.default_rng(seed)
    world = random_market(rng, features=True)
    terms = every_feature(rng, world)
    days = world.home.sessions.days
    decide_at = days[rng.random(len(days)) < 0.5]
    row = int(rng.integers(len(days)))
    moment = world.home.sessions.close_utc[row]
    try:
        told = run(world, decide_at, terms)
        cut = run(until(world, moment), decide_at[decide_at <= days[row]], terms)
        other = run(replaced_after(world, moment, rng), decide_at, terms)
    except DataError:  # ruined somewhere, by prices of another world
        reject()
    for run_of in (cut, other):
        check_same_past(told, run_of, row)
        for name, at in (("trades", "filled_utc"), ("actions", "at_utc")):
            past, same = getattr(told, name), getattr(run_of, name)
            pd.testing.assert_frame_equal(
                past[past[at] <= moment], same[same[at] <= moment], check_exact=True
            )


def test_the_policy_of_this_file_uses_what_it_sees() -> None:
    """If the replaced world did not differ later, the property would say nothing."""
    rng = np.random.default_rng(7)
    world = random_market(rng)
    days = world.home.sessions.days
    moment = world.home.sessions.close_utc[len(days) // 2]
    told = run(world, days, Execution())
    other = run(replaced_after(world, moment, rng), days, Execution())
    assert told.nav.iloc[-1] != other.nav.iloc[-1]
    assert len(told.trades) > 5
