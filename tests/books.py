"""An account's books from the trades alone: holdings, cash by currency, NAV.

The slow twin of the ledger for whole studies. Marks and rates come from a `Record` of
price files, and the account's currency is the dollar.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from engine.ledger.backtest import Backtest
from engine.thesis.model import Execution
from tests.flagship import Record
from tests.tolerances import IDENTITY


def closes_of(told: Backtest, record: Record) -> pd.DatetimeIndex:
    """The New York closes at which the account is valued."""
    home = record.closes["SPY"]
    known = pd.Series(home.index, index=record.days["SPY"])
    return pd.DatetimeIndex(known.reindex(told.nav.index))


def marked(told: Backtest, record: Record) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Last known prices (T, N) and dollars per unit (T, C) at each home close."""
    at = closes_of(told, record)
    price = {s: record.price(s, at) for s in told.holdings.columns}
    rate = {c: record.rate(c, at) for c in told.cash.columns}
    days = told.nav.index
    return pd.DataFrame(price, index=days), pd.DataFrame(rate, index=days)


def holdings_from_trades(told: Backtest, at: pd.DatetimeIndex) -> pd.DataFrame:
    """Units at each home close: the sum of every fill up to it."""
    units = {s: np.zeros(len(at)) for s in told.holdings.columns}
    for one in told.trades.itertuples():
        units[one.asset][at >= one.filled_utc] += one.units
    return pd.DataFrame(units, index=told.nav.index)


def cash_from_trades(
    told: Backtest, record: Record, terms: Execution
) -> tuple[np.ndarray, np.ndarray]:
    """Dollars at each home close, walked fill by fill, and the interest paid.

    A buyer pays in dollars, at once. A seller abroad is paid in his own currency, which
    the next New York close turns into dollars at the last fix, less the spread.
    """
    at = closes_of(told, record)
    rate_at = {c: record.rate(c, at) for c in told.cash.columns}
    fills = iter([*told.trades.itertuples(), None])
    one = next(fills)
    nobody = pd.Series(0.0, index=told.nav.index)
    lent = told.costs.get("borrow", nobody).to_numpy()  # lenders are paid at the close
    cash, clock, path, paid = terms.capital, at[0], [], []
    for row, close in enumerate(at):
        interest, abroad = 0.0, dict.fromkeys(told.cash.columns, 0.0)
        while one is not None and one.filled_utc <= close:
            interest += cash * rate_of(cash, terms) * years(one.filled_utc - clock)
            clock = one.filled_utc
            kept = one.value - one.slippage - one.tax
            if one.side == "buy":
                cash -= one.value + one.slippage + one.tax + one.fx_cost
            elif one.currency == told.base:
                cash += kept
            else:
                abroad[one.currency] += kept / one.fx
            one = next(fills)
        interest += cash * rate_of(cash, terms) * years(close - clock)
        clock = close
        for currency, amount in abroad.items():
            cash += amount * rate_at[currency][row] * (1 - terms.fx_spread_bps * 1e-4)
        cash += interest - lent[row]
        path.append(cash)
        paid.append(-interest)
    return np.array(path), np.array(paid)


def rate_of(cash: float, terms: Execution) -> float:
    return terms.cash_rate if cash >= 0.0 else terms.overdraft_rate


def years(span: pd.Timedelta) -> float:
    return span / pd.Timedelta(days=365)


def assert_books(told: Backtest, record: Record, terms: Execution) -> None:
    """Holdings, cash in every currency and NAV follow from trades and files."""
    at = closes_of(told, record)
    price, rate = marked(told, record)
    currency = {one.asset: one.currency for one in told.trades.itertuples()}
    units = holdings_from_trades(told, at)
    cash, paid = cash_from_trades(told, record, terms)
    value = pd.DataFrame(
        {
            s: np.where(units[s].abs() > 0, units[s] * price[s] * rate[currency[s]], 0)
            if s in currency
            else np.zeros(len(units))
            for s in units
        },
        index=units.index,
    )
    nav = value.sum(axis=1) + cash
    size = nav.to_numpy()
    assert (np.abs(told.nav - nav) <= IDENTITY * size).all()
    assert (np.abs(told.cash["USD"] - cash) <= IDENTITY * size).all()
    assert (told.cash.drop(columns="USD") == 0.0).all(axis=None)
    shown = told.holdings * told.price
    for s, money in currency.items():
        worth = (shown[s] * rate[money]).fillna(0.0)
        assert (np.abs(worth - value[s]) <= IDENTITY * size).all(), s
        assert (np.abs(told.weights[s] - value[s] / size) <= IDENTITY).all(), s
    total = told.weights.sum(axis=1) + (told.cash * told.fx).sum(axis=1) / told.nav
    assert (np.abs(total - 1.0) <= IDENTITY).all()
    assert told.costs["interest"].to_numpy() == pytest.approx(
        paid, abs=IDENTITY * terms.capital
    )
