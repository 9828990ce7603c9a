"""Prices of assets gathered from their exchanges, counted in own sessions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from engine.interfaces import AssetReading
from engine.market.market import Known


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OwnBars:
    """The assets of one exchange: T sessions, n assets.

    place : (n,) where each asset stands in the caller's list.
    price : (T, n) own currency, NaN without a bar. close_utc : (T,).
    newest : (T, n) row of the last bar at or before each session, -1 before the first.
    """

    place: np.ndarray
    price: np.ndarray
    close_utc: np.ndarray
    newest: np.ndarray


@lru_cache(maxsize=8)
def index_of(assets: tuple[str, ...]) -> pd.Index:
    """Return the index of some assets: one of strings is slow to make."""
    return pd.Index(assets)


def by_exchange(known: Known, assets: Sequence[str]) -> Iterator[OwnBars]:
    """Yield the known bars of `assets`, one exchange at a time; none if not listed."""
    for bars in known.bars.values():
        listed = {name: at for at, name in enumerate(bars.price.columns.tolist())}
        column = np.array([listed.get(name, -1) for name in assets], dtype=np.int64)
        place = np.flatnonzero(column >= 0)
        if not len(place) or not len(bars.price):
            continue
        price = bars.price.to_numpy()[:, column[place]]
        rows = np.arange(len(price))[:, None]
        newest = np.maximum.accumulate(np.where(np.isnan(price), -1, rows), axis=0)
        yield OwnBars(
            place=place,
            price=price,
            close_utc=bars.sessions.close_utc,
            newest=newest,
        )


def measure_assets(
    known: Known,
    assets: Sequence[str],
    measure: Callable[[OwnBars], tuple[np.ndarray, np.ndarray]],
) -> tuple[AssetReading, int]:
    """Return a number per asset, dated by its exchange's bar, and the longest history.

    `measure` gives, per asset of an exchange (n,), the number (NaN where there is none)
    and how much of its history is known.
    """
    value = np.full(len(assets), np.nan)
    when = np.full(len(assets), np.datetime64("NaT", "ns"))
    longest = 0
    for own in by_exchange(known, assets):
        value[own.place], count = measure(own)
        last = own.newest[-1]
        when[own.place] = np.where(
            np.isfinite(value[own.place]), own.close_utc[last], when[own.place]
        )
        longest = max(longest, int(count.max()))
    index = index_of(tuple(assets))
    reading = AssetReading(
        values=pd.Series(value, index=index), known_at=pd.Series(when, index=index)
    )
    return reading, longest
