"""An account's sessions as an attribution reads them: who earned what, in which money.

The books of one account, group by group: what it held at the last home close, what that
earned in its own currency and through the exchange rate, what the fills of the session
gained up to its close, and what was paid.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from engine.errors import DataError
from engine.evidence.attribution_events import (
    FILL_COSTS,
    Became,
    became,
    from_own_cash,
    kept_back,
    sums,
)
from engine.ledger.backtest import Backtest

Array = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
Moments = npt.NDArray[np.datetime64]

#: The group of what is not invested.
CASH = "cash"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Side:
    """What one account held long, or short: as in `Books`, each of shape (S, G)."""

    weight: Array
    local: Array
    currency: Array


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Books:
    """One account over S sessions, by G groups and C currencies; shares of opening NAV.

    days : (S,) home sessions, each from the close before it to its own.
    groups : (G,) names, `CASH` last; currencies : (C,).
    weight : (S, G) opening weight; each row sums to 1.
    local : (S, G) what the opening holdings earned, dividends before withholding with
        it, at the opening exchange rate.
    currency : (S, G) what the rate added: f (1 + r) of each holding; by_currency :
        (S, C) the same, by currency.
    trading : (S, G) what the session's fills gained from the fill to the home close.
    costs : (S, G) minus what was paid for trading and financing; interest is cash's.
    other : (S,) what these do not explain; 0 but for rounding.
    returns : (S,) of NAV. All of the above but `weight` sum to it.
    sides : weight, local and currency of what was held long (with cash) and of what was
        held short, which sum to those above; empty where nothing ever was short.
    """

    days: pd.DatetimeIndex
    groups: tuple[str, ...]
    currencies: tuple[str, ...]
    weight: Array
    local: Array
    currency: Array
    by_currency: Array
    trading: Array
    costs: Array
    other: Array
    returns: Array
    sides: tuple[Side, ...] = ()

    @property
    def long(self) -> Side:
        """What was held long, and cash."""
        if self.sides:
            return self.sides[0]
        return Side(weight=self.weight, local=self.local, currency=self.currency)

    @property
    def short(self) -> Side:
        """What was held short; no weight is positive."""
        if self.sides:
            return self.sides[1]
        none = np.zeros_like(self.weight)
        return Side(weight=none, local=none, currency=none)


def books_of(
    account: Backtest,
    *,
    group_of: Mapping[str, str],
    groups: Sequence[str],
    currency_of: Mapping[str, str],
    currencies: Sequence[str],
    closes: Moments,
    sweep: bool = True,
) -> Books:
    """Return an account's sessions by group.

    Parameters
    ----------
    account : Backtest
        T home sessions, N assets.
    group_of, currency_of : mapping of asset to its group and its currency
    groups : sequence of str
        Without cash, which is added as the last one.
    currencies : sequence of str
        At least those of the account.
    closes : ndarray of shape (T,)
        The home closes, UTC: a fill belongs to the first one at or after it.
    sweep : bool
        Whether foreign cash goes home at each close. If not, it pays for purchases.

    Returns
    -------
    Books
        Of the T - 1 sessions that have a return.

    Raises
    ------
    DataError
        An asset has no group or no currency.
    """
    symbols = [str(name) for name in account.weights.columns]
    for named, what in ((group_of, "group"), (currency_of, "currency")):
        for symbol in symbols:
            if symbol not in named:
                raise DataError(f"books of {account.name}: {symbol} has no {what}")
    names = (*groups, CASH)
    group = np.array([names.index(group_of[one]) for one in symbols], dtype=np.int64)
    money = [list(currencies).index(currency_of[one]) for one in symbols]
    rates = account.fx.reindex(columns=list(currencies)).to_numpy()
    nav = account.nav.to_numpy()
    held = account.weights.to_numpy()[:-1]
    after = became(account, closes)
    later = after.worth(account.price.to_numpy())[1:]
    own, gained = _earned(held, account.price.to_numpy(), later, rates[:, money])
    idle, revalued = _cash(account, currencies, rates)
    paid, traded = _fills(account, group, len(names), closes, after)
    if len(account.actions):
        charged, moved = kept_back(account, closes)
        paid += _by(charged, group, len(names))
        traded += _by(moved, group, len(names))
    if not sweep:
        traded += _unmoved(account, group, len(names), closes)
    traded, paid = traded[1:] / nav[:-1, None], paid[1:] / nav[:-1, None]

    def side(chosen: npt.NDArray[np.bool_] | None) -> Side:
        parts = [held, own, gained]
        if chosen is not None:
            parts = [np.where(chosen, one, 0.0) for one in parts]
        weight, local, currency = (_by(one, group, len(names)) for one in parts)
        return Side(weight=weight, local=local, currency=currency)

    net, sides = side(None), tuple[Side, ...]()
    if (held < 0.0).any():
        sides = side(held >= 0.0), side(held < 0.0)
    for one in (net, *sides[:1]):
        one.weight[:, -1] += idle
        one.currency[:, -1] += revalued.sum(axis=1)
    weight, local, currency = net.weight, net.local, net.currency
    whole = account.costs.to_numpy().sum(axis=1)[1:] / nav[:-1]
    paid[:, -1] += whole - paid.sum(axis=1)
    returns = nav[1:] / nav[:-1] - 1.0
    explained = sum(one.sum(axis=1) for one in (local, currency, traded, -paid))
    by_currency = _by(gained, np.array(money, dtype=np.int64), len(currencies))
    return Books(
        days=pd.DatetimeIndex(account.nav.index[1:]),
        groups=names,
        currencies=tuple(currencies),
        weight=weight,
        local=local,
        currency=currency,
        by_currency=by_currency + revalued,
        trading=traded,
        costs=-paid,
        other=returns - explained,
        returns=returns,
        sides=sides,
    )


def with_group(books: Books, name: str) -> Books:
    """Return the same books with one more group, before cash, that holds nothing."""

    def widened(values: Array) -> Array:
        return np.insert(values, -1, 0.0, axis=1)

    return replace(
        books,
        groups=(*books.groups[:-1], name, books.groups[-1]),
        weight=widened(books.weight),
        local=widened(books.local),
        currency=widened(books.currency),
        trading=widened(books.trading),
        costs=widened(books.costs),
        sides=tuple(
            Side(
                weight=widened(one.weight),
                local=widened(one.local),
                currency=widened(one.currency),
            )
            for one in books.sides
        ),
    )


def _earned(
    held: Array, price: Array, later: Array, rate: Array
) -> tuple[Array, Array]:
    """Return what opening weights (S, N) earned locally and through the rate, (S, N).

    `price` and `rate` have shape (S + 1, N); `later`, (S, N), is what an opening unit
    is worth at the close. An asset that is not held needs none of them.
    """
    some = held != 0.0
    with np.errstate(invalid="ignore", divide="ignore"):
        r = np.where(some, later / price[:-1] - 1.0, 0.0)
        f = np.where(some, rate[1:] / rate[:-1] - 1.0, 0.0)
    return held * r, held * f * (1.0 + r)


def _cash(
    account: Backtest, currencies: Sequence[str], rates: Array
) -> tuple[Array, Array]:
    """Return the opening weight of cash (S,), and what its rates gained (S, C)."""
    cash = account.cash.reindex(columns=list(currencies), fill_value=0.0).to_numpy()
    some = cash[:-1] != 0.0
    nav = account.nav.to_numpy()[:-1, None]
    moved = np.where(some, cash[:-1] * np.diff(rates, axis=0), 0.0) / nav
    worth = np.where(some, cash[:-1] * rates[:-1], 0.0) / nav
    return worth.sum(axis=1), moved


def _fills(
    account: Backtest,
    group: Places,
    count: int,
    closes: Moments,
    after: Became,
) -> tuple[Array, Array]:
    """Return what fills cost and what they gained by the home close, (T, G) each.

    A fill gains from its own price and rate to those of the close, with what a unit
    paid or became in between; what a seller abroad was paid stays in his currency until
    then and moves with the rate.
    """
    trades = account.trades
    row = np.searchsorted(closes, trades["filled_utc"].to_numpy(), side="left")
    asset = account.weights.columns.get_indexer(pd.Index(trades["asset"]))
    rate_of = account.fx.columns.get_indexer(pd.Index(trades["currency"]))
    units, price, rate, value, fx_cost = (
        trades[name].to_numpy(dtype=np.float64)
        for name in ("units", "price", "fx", "value", "fx_cost")
    )
    known = [name for name in FILL_COSTS if name in trades.columns]
    paid = trades[known].to_numpy(dtype=np.float64).sum(axis=1)
    later = account.fx.to_numpy()[row, rate_of]
    worth = after.worth_of_fills(account.price.to_numpy()[row, asset])
    gained = units * (worth * later - price * rate)
    received = np.where(units < 0.0, value - paid, 0.0)
    gained += received * (later / rate - 1.0)
    place = row * count + group[asset]
    shape = (len(closes), count)
    return sums(place, paid + fx_cost, shape), sums(place, gained, shape)


def _unmoved(account: Backtest, group: Places, count: int, closes: Moments) -> Array:
    """Return what spent foreign cash did not gain by the home close, (T, G)."""
    trades = account.trades
    row = np.searchsorted(closes, trades["filled_utc"].to_numpy(), side="left")
    asset = account.weights.columns.get_indexer(pd.Index(trades["asset"]))
    money = account.fx.columns.get_indexer(pd.Index(trades["currency"]))
    rate = trades["fx"].to_numpy(dtype=np.float64)
    moved = account.fx.to_numpy()[row, money] / rate - 1.0
    lost = -from_own_cash(account, closes) * moved
    return sums(row * count + group[asset], lost, (len(closes), count))


def _by(values: Array, group: Places, count: int) -> Array:
    """Return the sums of columns (S, N) by group, shape (S, count).

    No matrix product: its last bits depend on the number of threads.
    """
    sums = [values[:, group == one].sum(axis=1) for one in range(count)]
    return np.stack(sums, axis=1)
