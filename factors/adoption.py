"""Factors of adoption: how much of the usage goes to an asset's own company."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from engine.interfaces import Absent, AssetReading
from engine.market.market import Known
from factors.bars import by_exchange
from factors.observations import observed


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorShare:
    """Token share of the asset's own entity, the last observed.

    Unit: fraction of all tokens in the vendor table. Needs role ``vendor_share``. The
    observation must carry the entity of the asset's line itself: a product or a
    subsidiary counts only if its series is kept under the listed company's id. NaN for
    an asset whose entity is not in the tables, and for one without a bar yet: a line
    that will be listed must not move the ranks of the others before it is. A vendor
    that drops out of the table keeps its last share with that date, which the scoring
    lets fade, and is not set to zero. Known at the first publication of that share.
    """

    def read(self, known: Known, assets: Sequence[str]) -> AssetReading | Absent:
        """Return the token share per asset, or why no asset has one."""
        table = observed(known.signals, "vendor_share")
        value = np.full(len(assets), np.nan)
        when = np.full(len(assets), np.datetime64("NaT", "ns"))
        vendors = {name: place for place, name in enumerate(table.entities)}
        for row in traded(known, assets):
            column = vendors.get(known.lines[assets[row]].entity)
            if column is not None:
                last = np.flatnonzero(np.isfinite(table.value[:, column]))[-1]
                value[row] = table.value[last, column]
                when[row] = table.published[last, column]
        if np.isnan(value).all():
            return Absent(
                reason=f"{table.count} observations of vendor_share known, on "
                f"{len(vendors)} vendors; none is the company of an asset"
            )
        index = pd.Index(assets)
        return AssetReading(
            values=pd.Series(value, index=index), known_at=pd.Series(when, index=index)
        )


def traded(known: Known, assets: Sequence[str]) -> list[int]:
    """Return the places of the assets that have had a bar."""
    return [
        int(place)
        for own in by_exchange(known, assets)
        for place in own.place[own.newest[-1] >= 0]
    ]
