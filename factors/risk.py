"""Factors of risk: how much prices move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.errors import UsageError
from engine.interfaces import Absent, AssetReading
from engine.market.market import Known
from factors import checks
from factors.bars import OwnBars, measure_assets

SESSIONS_PER_YEAR = 252


@dataclass(frozen=True, slots=True, kw_only=True)
class Volatility:
    r"""Minus the annualised volatility: a calm asset scores high.

    .. math:: v_i = -\sqrt{252}\ \mathrm{sd}(r_{i,T-sessions+1}, \dots, r_{i,T})

    r are simple returns between consecutive bars within the last `sessions` own
    sessions up to the asset's last bar T, sd has ddof 1, and 252 is used on every
    exchange. Unit: decimal fraction per year, negative by convention, because low risk
    has been rewarded. A return that spans a gap counts once. NaN with fewer than
    `least` returns. Known at the close of the asset's last bar.

    References
    ----------
    Ang, Hodrick, Xing and Zhang (2006), Journal of Finance 61(1).
    """

    sessions: int = 126
    least: int = 63

    def __post_init__(self) -> None:
        checks.whole(self.least, where="volatility: least", least=2)
        checks.whole(self.sessions, where="volatility: sessions", least=2)
        if self.sessions < self.least:
            raise UsageError(
                f"volatility: sessions = {self.sessions} must be at least "
                f"least = {self.least}"
            )

    def read(self, known: Known, assets: Sequence[str]) -> AssetReading | Absent:
        """Return minus the volatility per asset, or why no asset has one."""
        reading, longest = measure_assets(
            known, assets, lambda own: _minus_volatility(own, self.sessions, self.least)
        )
        if reading.values.isna().all():
            return Absent(
                reason=f"{longest} returns known of the asset with most, "
                f"{self.least} needed"
            )
        return reading


def _minus_volatility(
    own: OwnBars, sessions: int, least: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return minus the annualised volatility and the number of returns, both (n,)."""
    last = own.newest[-1]
    # One asset a row: a sum along a row does not depend on how many rows there are, so
    # a line that is listed later changes no other line's last bit.
    row = last[:, None] - np.arange(sessions - 1, -1, -1)
    inside = row >= 1
    row = np.where(inside, row, 0)
    column = np.arange(len(last))[:, None]
    before = own.newest[row - 1, column]
    there = inside & (before >= 0)
    change = own.price[row, column] / own.price[before, column] - 1.0
    there &= np.isfinite(change)
    count = there.sum(axis=1)
    mean = np.where(there, change, 0.0).sum(axis=1) / np.maximum(count, 1)
    square = np.where(there, (change - mean[:, None]) ** 2, 0.0).sum(axis=1)
    deviation = np.sqrt(square / np.maximum(count - 1, 1))
    value = -np.sqrt(SESSIONS_PER_YEAR) * deviation
    return np.where(count >= least, value, np.nan), count
