"""Every asset seen from the home calendar's closes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from engine.market.bars import Bars
from engine.market.calendar import Sessions
from engine.market.currency import Currencies
from engine.market.listing import Line
from engine.market.panel import as_panel


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HomeView:
    """Last known prices at each home close: T home sessions, N assets, C currencies.

    price : (T, N) last own close not after the home close, own currency; NaN before
        the first bar.
    age : (T, N) own sessions that have closed since that bar (0 = the newest one);
        NaN before the first bar.
    fresh : (T, N) True where a new own bar arrived since the previous home close.
    fx : (T, C) base currency per unit of local currency, last fix known then.
    currency : (N,) currency of each asset.
    """

    sessions: Sessions
    price: pd.DataFrame
    age: pd.DataFrame
    fresh: pd.DataFrame
    fx: pd.DataFrame
    currency: pd.Series
    base: str

    def first(self, count: int) -> HomeView:
        """Return the first `count` home sessions, without copying."""
        return HomeView(
            sessions=self.sessions.first(count),
            price=self.price.iloc[:count],
            age=self.age.iloc[:count],
            fresh=self.fresh.iloc[:count],
            fx=self.fx.iloc[:count],
            currency=self.currency,
            base=self.base,
        )

    def base_price(self) -> pd.DataFrame:
        """Return prices in the base currency, shape (T, N)."""
        return self.price * self._base_per_unit()

    def returns(self, *, last: int | None = None) -> pd.DataFrame:
        """Return base-currency returns between an asset's consecutive fresh closes.

        NaN where the asset had no new close; the next return spans the gap. `last`
        keeps only the last sessions, whose first returns still reach back to the
        fresh closes before them.
        """
        fresh = self.fresh.to_numpy()
        first = 0 if last is None else max(len(fresh) - last, 0)
        begin = _earliest_anchor(fresh, first)
        value = self.price.to_numpy()[begin:] * self._base_per_unit()[begin:]
        anchored = np.where(fresh[begin:], value, np.nan)
        change = anchored / _value_before(anchored) - 1.0
        return pd.DataFrame(
            change[first - begin :],
            index=self.price.index[first:],
            columns=self.price.columns,
        )

    def _base_per_unit(self) -> np.ndarray:
        """Return the rate of each asset's currency, shape (T, N)."""
        columns = self.fx.columns.get_indexer(pd.Index(self.currency))
        return np.take(self.fx.to_numpy(), columns, axis=1)


def _earliest_anchor(fresh: np.ndarray, first: int) -> int:
    """Return the row from which the returns of rows `first` onwards can be computed.

    That is the earliest of the last fresh rows before `first`, over the assets that
    have a fresh row from there on; `fresh` has shape (T, N).
    """
    needed = fresh[first:].any(axis=0) & fresh[:first].any(axis=0)
    if not needed.any():
        return first
    behind = fresh[:first, needed][::-1].argmax(axis=0)
    return first - 1 - int(behind.max())


def _value_before(anchored: np.ndarray) -> np.ndarray:
    """Return at each row the last value above it that is not NaN, shape (T, N)."""
    row = np.arange(1, len(anchored) + 1)[:, None]
    newest = np.maximum.accumulate(np.where(np.isnan(anchored), 0, row), axis=0)
    above = np.vstack([np.zeros_like(newest[:1]), newest[:-1]])
    padded = np.vstack([np.full((1, anchored.shape[1]), np.nan), anchored])
    return np.take_along_axis(padded, above, axis=0)


def build_home_view(
    home: Sessions,
    bars: Mapping[str, Bars],
    lines: Sequence[Line],
    currencies: Currencies,
    base: str,
) -> HomeView:
    """Return every line seen from the home closes, columns in the order of `lines`.

    Each exchange's closes are placed among the home closes by their UTC times, never
    by local dates: what has not closed by a home close is not in its row.
    """
    shape = (len(home), len(lines))
    price, age = np.full(shape, np.nan), np.full(shape, np.nan)
    fresh = np.zeros(shape, dtype=bool)
    place = {line.symbol: column for column, line in enumerate(lines)}
    for own in bars.values():
        columns = [place[symbol] for symbol in own.price.columns]
        closed = np.searchsorted(own.sessions.close_utc, home.close_utc, side="right")
        values = own.price.to_numpy()
        price[:, columns], age[:, columns], fresh[:, columns] = _seen(values, closed)
    symbols = list(place)
    used = list(dict.fromkeys([base, *(line.currency for line in lines)]))
    rates = currencies.rates(used, base, home.close_utc)
    return HomeView(
        sessions=home,
        price=as_panel(price, home.days, symbols),
        age=as_panel(age, home.days, symbols),
        fresh=as_panel(fresh, home.days, symbols),
        fx=rates.set_axis(home.days, axis=0),
        currency=pd.Series({line.symbol: line.currency for line in lines}, dtype=str),
        base=base,
    )


def _seen(
    values: np.ndarray, closed: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return price, age and freshness at each home close, each of shape (T, n).

    `values` (S, n) are closing prices on S own sessions, NaN without a bar; `closed`
    (T,) is how many of those sessions have closed by each home close.
    """
    count = np.arange(1, len(values) + 1)[:, None]
    # Row s: the number, from 1, of the newest session with a bar among the first s.
    newest = np.zeros((len(values) + 1, values.shape[1]), dtype=np.int64)
    np.maximum.accumulate(np.where(np.isnan(values), 0, count), axis=0, out=newest[1:])
    last = newest[closed]
    before = np.vstack([np.zeros_like(last[:1]), last[:-1]])
    # Row 0 stands for "no bar yet", so that its price and age are NaN.
    known = np.vstack([np.full((1, values.shape[1]), np.nan), values])
    price = np.take_along_axis(known, last, axis=0)
    age = np.where(last > 0, closed[:, None] - last, np.nan)
    return price, age, last > before
