"""Factors of concentration: how few vendors the usage goes to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.interfaces import Absent, StateReading
from engine.market.market import Known
from factors import checks
from factors.observations import last_published, observed, reading

#: Shares of one table are rounded; a sum above this is not a table of shares.
MOST = 1.01


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageConcentration:
    r"""Herfindahl-Hirschman index of the vendors' token shares.

    .. math:: H_k = \sum_i s_{ik}^2

    Unit: from 0 (nobody counts) to 1 (one vendor has all); 1 / H is the effective
    number of vendors. Needs role ``vendor_share``. A vendor that a week's table does
    not name is not zero: it is part of "other", whose size is one minus the listed
    shares and which adds nothing here, so H is a lower bound, short of the truth by
    less than other squared. A week counts only where the listed shares sum to at
    least `listed` (and to no more than 1.01): single figures are not a table.

    References
    ----------
    Rhoades (1993), Federal Reserve Bulletin 79.
    """

    listed: float = 0.5

    def __post_init__(self) -> None:
        checks.fraction(self.listed, where="usage_concentration: listed")

    def history(self, known: Known) -> StateReading | Absent:
        """Return the index at each publication, or why there is none."""
        table = observed(known.signals, "vendor_share")
        there = np.isfinite(table.value)
        total = np.where(there, table.value, 0.0).sum(axis=1)
        whole = there.any(axis=1) & (total >= self.listed) & (total <= MOST)
        if not whole.any():
            return Absent(
                reason=f"{table.count} observations of vendor_share known, in no week "
                f"of {len(table.dates)} do they sum to {self.listed:g} or more"
            )
        index = np.where(there, table.value**2, 0.0).sum(axis=1)
        published = last_published(table.published, there)
        return reading(index[whole], published[whole])
