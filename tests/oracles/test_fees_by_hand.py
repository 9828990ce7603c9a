"""Ten trades in each market, their taxes and charges worked out a second time."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from engine.costs.charges import schedule_for
from engine.ledger.backtest import Backtest
from engine.ledger.simulate import fixed, simulate
from engine.market.calendar import calendar_of
from engine.market.calendar import sessions as calendar_sessions
from engine.market.market import Market
from engine.thesis.model import Charge, Execution
from tests.markets import CURRENCY, market
from tests.tax_table import tax_rate
from tests.tolerances import IDENTITY

#: FINRA's fee per share sold and its cap, by year, as printed in the cost oracles.
PER_SHARE = {2024: (0.000166, 8.30), 2025: (0.000166, 8.30), 2026: (0.000195, 9.79)}


def world_of(mic: str, symbol: str, first: dt.date, count: int) -> Market:
    """One raw line on the real sessions of its exchange."""
    days = pd.bdate_range(first, periods=count)
    real = calendar_sessions(mic, first, days[-1].date()).days
    shut = [row for row, day in enumerate(days) if day not in real]
    closes = 100 * np.exp(np.cumsum(np.random.default_rng(5).normal(0, 0.01, count)))
    money = CURRENCY[calendar_of(mic)]
    hours = calendar_of(mic)  # New York's, or Shanghai's, for two
    return market(
        {hours: {symbol: closes.tolist()}}, closed={hours: shut}, home=hours,
        base=money, rates={money: 1.0} if money != "USD" else {}, first=first,
        raw={symbol: ({}, {})},
    )  # fmt: skip


def traded(world: Market, mic: str, terms: Execution, weights: list[float]) -> Backtest:
    """Decide the weights one after another, every second session."""
    days, (symbol,) = world.home.sessions.days, world.lines
    line = replace(world.lines[symbol], mic=mic)
    wanted = {
        days[2 * number]: pd.Series({symbol: weight})
        for number, weight in enumerate(weights)
    }
    return simulate(
        world, name="fees", assets=[line],
        decide_at=pd.DatetimeIndex(list(wanted)), policy=fixed(wanted),
        execution=terms, base=world.home.base, schedule=schedule_for(terms),
        start=days[0].date(), end=days[-1].date(),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("mic", "symbol", "first"),
    [
        ("XNYS", "AAA", dt.date(2024, 5, 6)),  # the SEC's rate rises on 22 May
        ("XNYS", "AAA", dt.date(2025, 12, 15)),  # FINRA's rises with the year
        ("XNAS", "BBB", dt.date(2026, 3, 23)),  # the SEC's is charged again on 4 April
        ("XHKG", "0001.HK", dt.date(2023, 11, 1)),  # stamp duty falls on 17 November
        ("XSHG", "600000.SS", dt.date(2023, 8, 14)),  # halved on 28 August
        ("XSHE", "000001.SZ", dt.date(2023, 8, 14)),  # with Shanghai's
        ("XKRX", "005930.KS", dt.date(2024, 12, 16)),  # by settlement in the new year
    ],
)
def test_ten_trades(mic: str, symbol: str, first: dt.date) -> None:
    weights = [0.9, 0.1, 0.8, 0.2, 0.7, 0.3, 0.9, 0.0, 0.5, 0.0]
    charge = Charge(item="commission", markets=(mic,), rate=0.0003, minimum=1000.0)
    terms = Execution(capital=5e6, slippage_bps=0.0, charges=(charge,))
    told = traded(world_of(mic, symbol, first, 30), mic, terms, weights)
    assert len(told.trades) == 10
    taxes = set()
    for one in told.trades.itertuples():
        rate = tax_rate(mic, one.side, one.session.date())
        shares = abs(one.units)
        assert shares == round(shares)
        value = shares * one.price
        assert one.value == pytest.approx(value, rel=IDENTITY)
        assert one.tax == pytest.approx(value * rate, rel=IDENTITY)
        commission = max(0.0003 * value, 1000.0)
        if mic in {"XNYS", "XNAS"} and one.side == "sell":
            each, cap = PER_SHARE[one.session.year]
            commission += min(each * shares, cap)
        assert one.commission == pytest.approx(commission, rel=IDENTITY)
        taxes.add(rate)
    # it did change; the SEC's was 0 for a while
    assert len(taxes - {0.0}) == {"2025-12": 0, "2026-03": 1}.get(f"{first:%Y-%m}", 2)
    assert min(told.trades["commission"]) < 1010.0 < max(told.trades["commission"])
    paid = told.trades[["tax", "commission"]].sum()
    assert told.costs[["tax", "commission"]].sum().to_numpy() == pytest.approx(
        paid.to_numpy(), rel=IDENTITY
    )


@pytest.mark.parametrize(
    ("day", "rate"), [("2024-12-26", 0.0018), ("2024-12-27", 0.0015)]
)
def test_a_korean_sale_at_the_turn_of_the_year(day: str, rate: float) -> None:
    world = world_of("XKRX", "005930.KS", dt.date(2024, 12, 16), 20)
    days = world.home.sessions.days
    sold = days.get_loc(pd.Timestamp(day))
    terms = Execution(capital=1e9, slippage_bps=0.0)
    wanted = {
        days[0]: pd.Series({"005930.KS": 1.0}),
        days[sold - 1]: pd.Series({"005930.KS": 0.0}),
    }
    told = simulate(
        world, name="sale", assets=list(world.lines.values()),
        decide_at=pd.DatetimeIndex(list(wanted)), policy=fixed(wanted),
        execution=terms, base="KRW", schedule=schedule_for(terms),
        start=days[0].date(), end=days[-1].date(),
    )  # fmt: skip
    sale = told.trades.iloc[-1]
    assert str(sale["session"].date()) == day
    assert sale["tax"] / sale["value"] == pytest.approx(rate, rel=IDENTITY)
