"""Prices on their own exchange's sessions."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from engine.market.calendar import Sessions


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bars:
    """Prices of the lines of one exchange, in each line's own currency.

    All frames are panels of shape (sessions, assets) on ``sessions.days``.

    price : closing price that values and earns. Total return (dividends reinvested)
        where the file has adjusted closes, else the plain close; NaN without a bar.
    open : opening price on the same basis as `price`; NaN where the file has none.
    flat : True for a row with open = high = low = close and no volume (a half day in
        some feeds): it values, and it is flagged.
    """

    sessions: Sessions
    price: pd.DataFrame
    open: pd.DataFrame
    flat: pd.DataFrame

    def first(self, count: int) -> Bars:
        """Return the first `count` sessions, without copying."""
        return Bars(
            sessions=self.sessions.first(count),
            price=self.price.iloc[:count],
            open=self.open.iloc[:count],
            flat=self.flat.iloc[:count],
        )

    def returns(self) -> pd.DataFrame:
        """Return simple returns between consecutive bars of each asset.

        NaN where the asset had no bar; the next return spans the gap.
        """
        last = self.price.ffill().shift(1)
        return self.price / last - 1.0
