"""Factors of price: how fast a token becomes cheaper."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.interfaces import Absent, StateReading
from engine.market.market import Known
from factors import checks
from factors.observations import (
    Table,
    earlier,
    last_published,
    observed,
    reading,
    too_short,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceDecay:
    r"""Fall of the price per million tokens over some weeks, the median vendor's.

    .. math:: d_k = \mathrm{median}_i\, (1 - p_{ik} / p_{i, k - weeks})

    Unit: decimal fraction over the span; 0.3 = the median price is 30 % lower, a
    negative value = dearer. Needs role ``price_per_mtok``, per vendor or one blended
    series. Each vendor is compared with itself, so one that enters or leaves does not
    move the figure (a mean of prices would jump); the past price is the newest at
    least `weeks` weeks older and at most `tolerance_weeks` older than that. Only
    positive prices count. Known when the last of a date's prices is.
    """

    weeks: int = 26
    tolerance_weeks: int = 2

    def __post_init__(self) -> None:
        checks.whole(self.weeks, where="price_decay: weeks", least=1)
        checks.whole(
            self.tolerance_weeks, where="price_decay: tolerance_weeks", least=0
        )

    def history(self, known: Known) -> StateReading | Absent:
        """Return the decay at each publication, or why there is none."""
        table = observed(known.signals, "price_per_mtok")
        decay, published = self._per_vendor(table)
        there = np.isfinite(decay)
        some = there.any(axis=1)
        if not some.any():
            count = int(np.isfinite(table.value).sum(axis=0).max(initial=0))
            return too_short(
                table, count, weeks=self.weeks, tolerance=self.tolerance_weeks
            )
        when = last_published(published, there)
        return reading(np.nanmedian(decay[some], axis=1), when[some])

    def _per_vendor(self, table: Table) -> tuple[np.ndarray, np.ndarray]:
        """Return each vendor's decay and when it was known, both (D, E)."""
        decay = np.full(table.value.shape, np.nan)
        published = np.full(table.value.shape, np.datetime64("NaT", "ns"))
        for place in range(len(table.entities)):
            price = table.value[:, place]
            rows = np.flatnonzero(price > 0.0)
            then = earlier(
                table.dates[rows], weeks=self.weeks, tolerance=self.tolerance_weeks
            )
            now, past = rows[then >= 0], rows[then[then >= 0]]
            decay[now, place] = 1.0 - price[now] / price[past]
            published[now, place] = np.maximum(
                table.published[now, place], table.published[past, place]
            )
        return decay, published
