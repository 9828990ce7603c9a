"""Every asset seen from the home calendar's closes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from engine.market.calendar import Sessions


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HomeView:
    """Last known prices at each home close: T home sessions, N assets, C currencies.

    price : (T, N) last own close not after the home close, own currency; NaN before
        the first bar.
    age : (T, N) own sessions that have closed since that bar (0 = the newest one).
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
        rates = self.fx[self.currency.tolist()].to_numpy()
        return self.price * rates

    def returns(self, *, last: int | None = None) -> pd.DataFrame:
        """Return base-currency returns between an asset's consecutive fresh closes.

        NaN where the asset had no new close; the next return spans the gap. `last`
        keeps only the last sessions.
        """
        rows = slice(None) if last is None else slice(-(last + 1), None)
        value = self.base_price().iloc[rows].to_numpy()
        fresh = self.fresh.iloc[rows].to_numpy()
        index = self.price.index[rows]
        anchored = pd.DataFrame(np.where(fresh, value, np.nan))
        before = anchored.ffill().shift(1).to_numpy()
        out = pd.DataFrame(
            anchored.to_numpy() / before - 1.0, index=index, columns=self.price.columns
        )
        return out if last is None else out.iloc[-last:]
