"""Factors of trend: what prices have done lately."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.errors import UsageError
from engine.interfaces import Absent, AssetReading
from engine.market.market import Known
from factors import checks
from factors.bars import OwnBars, measure_assets

#: A price further back than this many own sessions does not stand in for a missing one.
STALE = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceMomentum:
    r"""Return over the past `sessions`, without the last `skip`.

    .. math:: m_i = P_{i, T - skip} / P_{i, T - sessions} - 1

    T is the asset's last known bar; both distances are own sessions of its exchange.
    Unit: decimal fraction, total return in the asset's own currency where its file has
    adjusted closes. Where one of the two sessions has no bar, the last one before it
    counts, up to five sessions back. NaN for an asset with a shorter past. Known at
    the close of the asset's last bar.

    References
    ----------
    Jegadeesh and Titman (1993), Journal of Finance 48(1).
    """

    sessions: int = 126
    skip: int = 21

    def __post_init__(self) -> None:
        checks.whole(self.skip, where="price_momentum: skip", least=0)
        checks.whole(self.sessions, where="price_momentum: sessions", least=1)
        if self.sessions <= self.skip:
            raise UsageError(
                f"price_momentum: sessions = {self.sessions} must be more than "
                f"skip = {self.skip}"
            )

    def read(self, known: Known, assets: Sequence[str]) -> AssetReading | Absent:
        """Return momentum per asset, or why no asset has one."""
        reading, longest = measure_assets(
            known, assets, lambda own: _momentum(own, self.sessions, self.skip)
        )
        if reading.values.isna().all():
            return Absent(
                reason=f"{longest} sessions of prices known of the asset with most, "
                f"{self.sessions + 1} needed"
            )
        return reading


def _momentum(own: OwnBars, sessions: int, skip: int) -> tuple[np.ndarray, np.ndarray]:
    """Return P[last - skip] / P[last - sessions] - 1 and the bars known, both (n,)."""
    growth = _price_before(own, skip) / _price_before(own, sessions)
    return growth - 1.0, np.isfinite(own.price).sum(axis=0)


def _price_before(own: OwnBars, sessions: int) -> np.ndarray:
    """Return the price `sessions` own sessions before each asset's last bar, (n,)."""
    row = own.newest[-1] - sessions
    column = np.arange(len(row))
    bar = own.newest[np.maximum(row, 0), column]
    there = (row >= 0) & (bar >= 0) & (row - bar <= STALE)
    return np.where(there, own.price[bar, column], np.nan)
