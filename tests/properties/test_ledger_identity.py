"""The books balance on any market: every day and currency, from the trades alone."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.costs.fees import schedule
from engine.ledger.backtest import Backtest
from engine.ledger.simulate import fixed, simulate
from engine.ledger.tape import record
from engine.ledger.trade import Moment, trade
from engine.market.listing import Line
from engine.market.market import Market
from engine.thesis.model import Execution
from tests.ledger_cases import random_targets, random_terms
from tests.markets import market, random_market
from tests.tolerances import IDENTITY

SEEDS = st.integers(0, 2**32 - 1)
FREE = Execution(capital=1e6, slippage_bps=0.0, fees="none")


def run(
    world: Market,
    targets: dict[pd.Timestamp, pd.Series],
    terms: Execution,
    *,
    assets: list[Line] | None = None,
    base: str = "USD",
) -> Backtest:
    days = world.home.sessions.days
    return simulate(
        world,
        name="random",
        assets=assets or list(world.lines.values()),
        decide_at=pd.DatetimeIndex(list(targets)),
        policy=fixed(targets),
        execution=terms,
        base=base,
        schedule=schedule(terms.fees),
        start=days[0].date(),
        end=days[-1].date(),
    )


def cash_from_trades(world: Market, told: Backtest, terms: Execution) -> np.ndarray:
    """Base cash at each home close, walked forward trade by trade (the slow twin)."""
    closes = world.home.sessions.close_utc
    cash, clock, out = terms.capital, closes[0], []
    for row, close in enumerate(closes):
        lower = closes[row - 1] if row else closes[0] - np.timedelta64(1, "ns")
        moments = told.trades["filled_utc"].to_numpy()
        today = told.trades[(moments > lower) & (moments <= close)]
        interest, swept = 0.0, 0.0
        for moment in np.unique([*today["filled_utc"].to_numpy(), close]):
            rate = terms.cash_rate if cash >= 0 else terms.overdraft_rate
            interest += cash * rate * ((moment - clock) / np.timedelta64(1, "D")) / 365
            clock = moment
            for one in today[today["filled_utc"] == moment].itertuples():
                local = one.value - one.slippage - one.tax
                if one.side == "buy":
                    cash -= one.value + one.slippage + one.tax + one.fx_cost
                elif one.currency == told.base:
                    cash += local
                else:
                    swept += local / one.fx * told.fx[one.currency].iloc[row]
                    swept -= one.fx_cost
        cash += interest + swept
        assert told.costs["interest"].iloc[row] == pytest.approx(
            -interest, abs=IDENTITY * terms.capital
        )
        out.append(cash)
    return np.array(out)


def prices_and_rates(world: Market, base: str) -> tuple[np.ndarray, np.ndarray]:
    """Last closes and rates of every line at every home close, looked up one by one."""
    closes = world.home.sessions.close_utc
    price = np.full((len(closes), len(world.lines)), np.nan)
    rate = price.copy()
    for column, line in enumerate(world.lines.values()):
        own = world.bars[line.mic]
        bars = own.price[line.symbol].to_numpy()
        for row, close in enumerate(closes):
            known = bars[own.sessions.close_utc <= close]
            known = known[np.isfinite(known)]
            price[row, column] = known[-1] if len(known) else np.nan
        rate[:, column] = world.currencies.rates([line.currency], base, closes)[
            line.currency
        ]
    return price, rate


@settings(max_examples=50, deadline=None)
@given(seed=SEEDS)
def test_nav_is_holdings_at_todays_prices_plus_cash_less_costs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    world, terms = random_market(rng), random_terms(rng)
    told = run(world, random_targets(rng, world), terms)
    closes = world.home.sessions.close_utc
    units = np.zeros((len(closes), len(world.lines)))
    for one in told.trades.itertuples():
        column = list(world.lines).index(one.asset)
        after = closes >= one.filled_utc.to_datetime64()
        left = units[after, column] + one.units
        units[after, column] = np.where(np.abs(left) > 1e-12 * abs(one.units), left, 0)
    cash = cash_from_trades(world, told, terms)
    price, rate = prices_and_rates(world, "USD")
    if terms.at == "next_open":  # what was bought since its last close counts at that
        bought = told.trades["price"].to_numpy()
        shown = told.price.to_numpy()
        close = (shown == price) | np.isnan(shown)
        assert (close | np.isin(shown, bought)).all()
        price = shown
    worth = np.where(units != 0.0, units * price * rate, 0.0).sum(axis=1) + cash
    scale = told.nav.to_numpy()
    assert (np.abs(scale - worth) <= IDENTITY * scale).all()
    tolerance = IDENTITY * scale[:, None]
    assert (np.abs(told.holdings - units) * np.nan_to_num(price * rate)
            <= tolerance).all(axis=None)  # fmt: skip
    assert (np.abs(told.cash["USD"] - cash) <= IDENTITY * scale).all()
    assert (told.cash.drop(columns="USD") == 0.0).all(axis=None)
    assert told.nav.notna().all()
    paid = told.trades[["slippage", "tax", "fx_cost"]].sum()
    booked = told.costs[["slippage", "tax", "fx"]].sum()
    assert paid.to_numpy() == pytest.approx(
        booked.to_numpy(), rel=IDENTITY, abs=IDENTITY * terms.capital
    )


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS)
def test_every_fill_is_the_first_bar_after_its_decision(seed: int) -> None:
    rng = np.random.default_rng(seed)
    world, terms = random_market(rng), random_terms(rng)
    targets = random_targets(rng, world)
    told = run(world, targets, terms)
    closes = pd.Series(world.home.sessions.close_utc, index=world.home.sessions.days)
    for one in told.trades.itertuples():
        own = world.bars[world.lines[one.asset].mic]
        row = own.sessions.days.get_loc(one.session)
        opened = own.open[one.asset].iloc[row]
        early = terms.at == "next_open" and np.isfinite(opened)
        at = own.sessions.open_utc if early else own.sessions.close_utc
        price = opened if early else own.price[one.asset].iloc[row]
        assert (one.price, one.filled_utc) == (price, pd.Timestamp(at[row]))
        decided = closes[one.decided]
        assert one.filled_utc > decided
        # no earlier close of its own between the decision and the fill, with a rate
        rate = world.currencies.rates([one.currency], "USD", own.sessions.close_utc)
        missed = (own.sessions.close_utc > decided) & (
            own.sessions.close_utc < one.filled_utc
        )
        could = (
            np.isfinite(own.price[one.asset].to_numpy()) & rate.notna().to_numpy()[:, 0]
        )
        assert not (missed & could).any()
        # and no newer decision
        newer = [day for day in targets if one.decided < day]
        assert all(closes[day] >= one.filled_utc for day in newer)


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, factor=st.sampled_from([0.1, 2.0, 1000.0]))
def test_order_of_assets_units_and_capital_do_not_matter(
    seed: int, factor: float
) -> None:
    rng = np.random.default_rng(seed)
    world, terms = random_market(rng), random_terms(rng)
    targets = random_targets(rng, world)
    told = run(world, targets, terms)
    lines = list(world.lines.values())
    shuffled = [lines[place] for place in rng.permutation(len(lines))]
    same = run(world, targets, terms, assets=shuffled)
    assert same.nav.to_numpy() == pytest.approx(told.nav.to_numpy(), rel=IDENTITY)
    assert same.holdings[told.holdings.columns].to_numpy() == pytest.approx(
        told.holdings.to_numpy(), rel=1e-7, abs=1e-9
    )
    richer = terms.model_copy(update={"capital": terms.capital * factor})
    rich = run(world, targets, richer)
    assert rich.nav.to_numpy() == pytest.approx(
        factor * told.nav.to_numpy(), rel=IDENTITY
    )


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS)
def test_the_currency_of_the_account_does_not_matter_at_fixed_rates(seed: int) -> None:
    rng = np.random.default_rng(seed)
    world = random_market(rng, constant_fx=True)
    # only the account's own currency earns and pays interest, and no spread
    free = {"fx_spread_bps": 0.0, "cash_rate": 0.0, "overdraft_rate": 0.0}
    terms = random_terms(rng).model_copy(update=free)
    targets = random_targets(rng, world)
    dollars = run(world, targets, terms)
    for currency in world.currencies.fixings:
        told = run(world, targets, terms, base=currency)
        assert told.nav.to_numpy() == pytest.approx(
            dollars.nav.to_numpy(), rel=IDENTITY
        )


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS)
def test_a_free_synchronous_ledger_is_a_ten_line_loop(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows, count = int(rng.integers(5, 30)), int(rng.integers(1, 6))
    price = 50 * np.exp(np.cumsum(rng.normal(0, 0.03, (rows, count)), axis=0))
    names = [f"S{column}" for column in range(count)]
    world = market({"XNYS": dict(zip(names, price.T.tolist(), strict=True))})
    days = world.home.sessions.days
    weights = {
        row: rng.dirichlet(np.ones(count)) * rng.uniform(0.0, 1.0)
        for row in np.flatnonzero(rng.random(rows) < 0.4)
    }
    told = run(
        world,
        {days[row]: pd.Series(w, index=names) for row, w in weights.items()},
        FREE,
    )

    cash, units, nav = FREE.capital, np.zeros(count), []
    for row in range(rows):
        worth = cash + units @ price[row]
        if row - 1 in weights:
            units = weights[row - 1] * worth / price[row]
            cash = worth - units @ price[row]
        nav.append(worth)

    assert told.nav.to_numpy() == pytest.approx(np.array(nav), rel=IDENTITY)
    assert told.cash["USD"].iloc[-1] == pytest.approx(cash, rel=1e-7, abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(
    seed=SEEDS,
    low=st.floats(0.0, 0.05),
    more=st.floats(0.0, 0.05),
    which=st.sampled_from(["slippage", "tax_buy", "tax_sell", "spread"]),
)
def test_more_cost_never_leaves_more_after_equal_targets(
    seed: int, low: float, more: float, which: str
) -> None:
    rng = np.random.default_rng(seed)
    count = 4
    price, fx = rng.uniform(1, 100, count), np.array([1.0, 0.125])
    currency = rng.integers(0, 2, count)
    units = rng.uniform(0, 10, count)
    cash = np.array([rng.uniform(0, 1000), 0.0])
    target = rng.dirichlet(np.ones(count)) * rng.uniform(0.3, 1.0)
    filling = rng.random(count) < 0.7

    def left(cost: float) -> float:
        rates = {
            "slippage": 0.001,
            "tax_buy": np.full(count, 0.001),
            "tax_sell": np.full(count, 0.002),
            "spread": np.array([0.0, 0.001]),
        }
        rates[which] = {
            "slippage": cost,
            "spread": np.array([0.0, cost]),
        }.get(which, np.full(count, cost))
        now = Moment(
            price=price,
            rate=fx[currency],
            fx=fx,
            currency_of=currency,
            filling=filling,
            coming=~filling,
            **rates,
        )
        done = trade(units, cash, target, now)
        swept = done.cash * fx * (1.0 - now.spread)
        return float((done.units * price * fx[currency]).sum() + swept.sum())

    assert left(low + more) <= left(low) * (1 + IDENTITY)


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, bps=st.floats(0.0, 200.0))
def test_equal_trades_at_more_cost_make_less_money(seed: int, bps: float) -> None:
    """One purchase from cash is the same trade whatever it costs."""
    rng = np.random.default_rng(seed)
    closes = (10 * np.exp(np.cumsum(rng.normal(0, 0.1, 10)))).tolist()
    world = market({"XNYS": {"A": closes}})
    targets = {world.home.sessions.days[0]: pd.Series({"A": 0.5})}
    free = run(world, targets, FREE)
    dear = run(world, targets, FREE.model_copy(update={"slippage_bps": bps}))
    assert dear.trades["units"].tolist() == free.trades["units"].tolist()
    cost = 0.5 * FREE.capital * bps * 1e-4
    assert (free.nav - dear.nav).iloc[1:].to_numpy() == pytest.approx(
        np.full(9, cost), abs=IDENTITY * FREE.capital
    )


def test_the_ledger_marks_what_the_home_view_shows() -> None:
    """Prices at home closes in the tape and in the home view are the same numbers."""
    for seed in range(20):
        world = random_market(np.random.default_rng(seed))
        days = world.home.sessions.days
        tape = record(
            world, list(world.lines.values()), execution=FREE, base="USD",
            schedule=schedule("none"), start=dt.date(2000, 1, 1), end=days[-1].date(),
        )  # fmt: skip
        np.testing.assert_array_equal(tape.mark[tape.home_at], tape.price)
        np.testing.assert_array_equal(
            tape.home_fx, world.home.fx[list(tape.currencies)].to_numpy()
        )
