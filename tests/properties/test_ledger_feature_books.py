"""The books balance with every feature on: from fills, dividends and splits alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from engine.costs.charges import schedule_for
from engine.errors import DataError
from engine.ledger.backtest import Backtest
from engine.ledger.simulate import fixed, simulate
from engine.market.market import Market
from engine.thesis.model import Execution
from tests.ledger_cases import every_feature, long_short_targets
from tests.markets import random_market
from tests.tolerances import IDENTITY

SEEDS = st.integers(0, 2**32 - 1)


def told_of(seed: int) -> tuple[Market, Backtest, Execution]:
    """A random account with everything on, sweeping its foreign cash."""
    rng = np.random.default_rng(seed)
    world = random_market(rng, features=True)
    swept = {"sweep": True, "cash_rates": {}, "overdraft_rates": {}}
    terms = every_feature(rng, world).model_copy(update=swept)
    targets, days = long_short_targets(rng, world), world.home.sessions.days
    try:
        told = simulate(
            world, name="all", assets=list(world.lines.values()),
            decide_at=pd.DatetimeIndex(list(targets)), policy=fixed(targets),
            execution=terms, base="USD", schedule=schedule_for(terms),
            start=days[0].date(), end=days[-1].date(),
        )  # fmt: skip
    except DataError:
        reject()
    return world, told, terms


def events_of(told: Backtest) -> list[tuple[pd.Timestamp, int, tuple]]:  # type: ignore[type-arg]
    """Actions and fills in the order in which they happen."""
    rows = [(one.at_utc, 0, one) for one in told.actions.itertuples()]
    rows += [(one.filled_utc, 1, one) for one in told.trades.itertuples()]
    return sorted(rows, key=lambda row: row[:2])


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS)
def test_the_spread_is_that_of_fills_and_of_dividends(seed: int) -> None:
    """Nothing of it is left over, short positions that owe dividends included."""
    rng = np.random.default_rng(seed)
    world = random_market(rng, features=True)
    changed = {"sweep": True, "cash_rates": {}, "overdraft_rates": {}}
    terms = every_feature(rng, world).model_copy(update=changed)
    targets, days = long_short_targets(rng, world), world.home.sessions.days
    try:
        told = simulate(
            world, name="all", assets=list(world.lines.values()),
            decide_at=pd.DatetimeIndex(list(targets)), policy=fixed(targets),
            execution=terms, base="USD", schedule=schedule_for(terms),
            start=days[0].date(), end=days[-1].date(),
        )  # fmt: skip
    except DataError:
        reject()
    closes = world.home.sessions.close_utc
    by_session = np.zeros(len(told.nav))
    for table, moment in ((told.trades, "filled_utc"), (told.actions, "at_utc")):
        if len(table):
            row = np.searchsorted(closes, table[moment].to_numpy())
            np.add.at(by_session, row, table["fx_cost"].to_numpy())
    size = IDENTITY * float(told.nav.max())
    assert told.costs["fx"].to_numpy() == pytest.approx(by_session, abs=size)


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS)
def test_units_follow_from_fills_splits_and_ends(seed: int) -> None:
    world, told, _ = told_of(seed)
    closes = world.home.sessions.close_utc
    units = dict.fromkeys(told.holdings.columns, 0.0)
    events, place = events_of(told), 0
    for row, close in enumerate(closes):
        while place < len(events) and events[place][0] <= close:
            _, kind, one = events[place]
            place += 1
            if kind == 1:
                units[one.asset] += one.units
            elif one.kind == "split":
                assert one.units == pytest.approx(units[one.asset], rel=IDENTITY)
                units[one.asset] *= one.value
            elif one.kind == "delisting":
                units[one.asset] = 0.0
        shown = told.holdings.iloc[row]
        size = 1.0 + shown.abs().max()
        assert np.abs(shown - pd.Series(units)).max() <= IDENTITY * size


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS)
def test_cash_follows_from_fills_dividends_and_what_was_paid(seed: int) -> None:
    """Foreign money is turned into dollars at the fix of the next home close."""
    world, told, terms = told_of(seed)
    closes = world.home.sessions.close_utc
    spread = terms.fx_spread_bps * 1e-4
    events, place, cash, clock = events_of(told), 0, terms.capital, closes[0]
    tolerance = 1e-8 * float(told.nav.max())
    for row, close in enumerate(closes):
        abroad = dict.fromkeys(told.cash.columns, 0.0)
        interest = 0.0
        while place < len(events) and events[place][0] <= close:
            moment, kind, one = events[place]
            place += 1
            rate = terms.cash_rate if cash >= 0.0 else terms.overdraft_rate
            interest += cash * rate * ((moment - clock) / pd.Timedelta(days=365))
            clock = moment.to_datetime64()
            currency = world.lines[one.asset].currency
            fx = world.currencies.rates([currency], "USD", np.array([clock]))
            at = float(fx[currency].iloc[0])
            if kind == 0:
                came, home = one.paid - one.withheld, currency == "USD"
            else:
                extra = one.slippage + one.tax + one.commission + one.impact
                if one.side == "buy":
                    cash -= one.value + extra + one.fx_cost
                    continue
                came, home = one.value - extra, currency == "USD"
            if home:
                cash += came
            else:
                abroad[currency] += came / at
        rate = terms.cash_rate if cash >= 0.0 else terms.overdraft_rate
        interest += cash * rate * ((close - clock) / np.timedelta64(365, "D"))
        clock = close
        assert told.costs["interest"].iloc[row] == pytest.approx(
            -interest, abs=tolerance
        )
        cash += interest - told.costs["borrow"].iloc[row]
        for currency, amount in abroad.items():
            if amount != 0.0:
                value = amount * told.fx[currency].iloc[row]
                cash += value - abs(value) * spread
        assert told.cash["USD"].iloc[row] == pytest.approx(cash, abs=tolerance)
        assert (told.cash.drop(columns="USD").iloc[row] == 0.0).all()


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS)
def test_nav_is_what_is_held_at_known_prices_plus_cash(seed: int) -> None:
    _, told, _ = told_of(seed)
    money = {one.asset: one.currency for one in told.trades.itertuples()}
    worth = (told.cash * told.fx).fillna(0.0).sum(axis=1)
    for asset, currency in money.items():
        own = told.holdings[asset] * told.price[asset]
        worth += (own * told.fx[currency]).where(told.holdings[asset] != 0.0, 0.0)
    assert worth.to_numpy() == pytest.approx(told.nav.to_numpy(), rel=IDENTITY)


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS)
def test_orders_keep_their_rules(seed: int) -> None:
    """Whole lots, no purchase beyond its participation, no negative cost."""
    world, told, terms = told_of(seed)
    for one in told.trades.itertuples():
        line = world.lines[one.asset]
        raw = world.bars[line.mic].raw
        whole = raw is not None and one.asset in raw.close
        ends = told.targets.loc[one.decided, one.asset] == 0.0
        if whole and not terms.fractional and not ends:
            lots = one.units / terms.lots[one.asset]
            assert lots == pytest.approx(round(lots), abs=1e-6)
    paid = told.trades[["slippage", "tax", "commission", "impact", "fx_cost"]]
    assert (paid.to_numpy() >= -1e-9 * told.nav.max()).all()
    assert (told.costs.drop(columns="interest").to_numpy() >= 0.0).all()
