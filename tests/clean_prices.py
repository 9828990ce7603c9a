"""Prices without a fault, on real sessions, for tests that plant one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import numpy as np
import pandas as pd

from engine.market.calendar import sessions
from engine.market.currency import Fixings
from engine.market.listing import Line
from engine.market.market import Finding, Origin
from engine.market.quality import check_prices
from engine.market.supplied import PriceData

FIRST, LAST = dt.date(2024, 1, 1), dt.date(2024, 12, 31)
CURRENCY = {"XNYS": "USD", "XHKG": "HKD", "XSHG": "CNY", "XSHE": "CNY", "XKRX": "KRW"}
PER_USD = {"HKD": 7.8, "CNY": 7.1, "KRW": 1350.0}


def line(symbol: str, mic: str, listed: dt.date | None = None) -> Line:
    """Return a line in its exchange's currency."""
    return Line(
        symbol=symbol, entity=symbol, mic=mic, currency=CURRENCY[mic], listed=listed
    )


def clean_frame(
    mic: str,
    rng: np.random.Generator,
    *,
    volatility: float = 0.015,
    dividends: bool = True,
) -> pd.DataFrame:
    """Return a year of bars: a random walk that pays twice, adjusted backwards."""
    days = sessions(mic, FIRST, LAST).days
    moves = np.clip(rng.normal(0.0, volatility, len(days)), -0.06, 0.06)
    total = float(rng.uniform(5.0, 500.0)) * np.exp(np.cumsum(moves))
    ratio = np.ones(len(days))
    if dividends:
        for paid in (len(days) // 3, 2 * len(days) // 3):
            ratio[:paid] *= 1.0 - float(rng.uniform(0.002, 0.02))
    close = total / ratio
    opened = close * np.exp(rng.normal(0.0, 0.003, len(days)))
    return pd.DataFrame(
        {
            "open": opened,
            "high": np.maximum(opened, close) * 1.004,
            "low": np.minimum(opened, close) * 0.996,
            "close": close,
            "adj_close": total,
            "volume": rng.integers(1_000, 100_000, len(days)).astype(float),
        },
        index=days,
    )


def clean_rates(currency: str, rng: np.random.Generator) -> Fixings:
    """Return a rate a weekday, fixed in the afternoon."""
    days = pd.bdate_range(FIRST, LAST).as_unit("ns")
    moves = rng.normal(0.0, 0.003, len(days))
    return Fixings(
        currency=currency,
        fixed_utc=(days + pd.Timedelta("13:15:00")).to_numpy(),
        per_usd=PER_USD[currency] * np.exp(np.cumsum(moves)),
    )


def priced(
    frames: Mapping[str, pd.DataFrame], fixings: Mapping[str, Fixings] | None = None
) -> PriceData:
    """Return frames and rates as a source gives them."""
    return PriceData(
        frames=frames,
        fixings=fixings or {},
        origin=Origin(name="test", simulated=True, digest=""),
    )


def findings_of(
    one: Line, frame: pd.DataFrame, fixings: Mapping[str, Fixings] | None = None
) -> list[Finding]:
    """Return what is worse than information about one line."""
    return serious(check_prices([one], priced({one.symbol: frame}, fixings)))


def serious(found: tuple[Finding, ...]) -> list[Finding]:
    """Return the warnings and errors, but for rates that a test left out."""
    return [
        one
        for one in found
        if one.severity != "info" and one.what != "has no exchange rate"
    ]


def multiplied(
    frame: pd.DataFrame, rows: slice, factor: float, *, columns: tuple[str, ...] = ()
) -> pd.DataFrame:
    """Return the frame with prices of some rows multiplied."""
    names = list(columns or ("open", "high", "low", "close", "adj_close"))
    scale = np.ones(len(frame))
    scale[rows] = factor
    return frame.assign(**{name: frame[name] * scale for name in names})
