"""What a source would have given on an earlier day."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np

from engine.interfaces import PriceData, SignalData


def _end_of(day: dt.date) -> np.datetime64:
    """Return the last moment of a day, UTC."""
    return np.datetime64(day + dt.timedelta(days=1), "ns") - np.timedelta64(1, "ns")


def cut_prices(prices: PriceData, day: dt.date) -> PriceData:
    """Return the bars and fixings up to the end of `day`, UTC."""
    last = _end_of(day)
    return replace(
        prices,
        frames={
            symbol: frame[frame.index <= last]
            for symbol, frame in prices.frames.items()
        },
        fixings={
            currency: replace(
                fixings,
                fixed_utc=fixings.fixed_utc[fixings.fixed_utc <= last],
                per_usd=fixings.per_usd[fixings.fixed_utc <= last],
            )
            for currency, fixings in prices.fixings.items()
        },
    )


def cut_signals(signals: SignalData, day: dt.date) -> SignalData:
    """Return the observations known by the end of `day`, UTC."""
    known = signals.signals.known_by(_end_of(day))
    return replace(signals, signals=signals.signals.first(known))
