"""Small hand-made markets for tests: prices by exchange, synthetic sessions, FX.

A market is written as closes by exchange, one row per day, ``None`` or NaN where there
is no bar::

    market({"XNYS": {"AAA": [10, 11, 12]}, "XHKG": {"BBB": [5, None, 6]}},
           rates={"HKD": 8.0})

Every exchange has a session on each of the days unless `closed` says otherwise, at its
usual hours in UTC (no summer time, no half days).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from engine.market.bars import Bars
from engine.market.calendar import Sessions, calendar_of
from engine.market.currency import Currencies, Fixings
from engine.market.homeview import build_home_view
from engine.market.listing import Line
from engine.market.market import Market, Origin
from engine.market.signals import COLUMNS, Signals

#: Open and close in UTC, hours and minutes.
HOURS = {
    "XNYS": ("14:30", "21:00"),
    "XHKG": ("01:30", "08:00"),
    "XSHG": ("01:30", "07:00"),
    "XKRX": ("00:00", "06:30"),
}
CURRENCY = {"XNYS": "USD", "XHKG": "HKD", "XSHG": "CNY", "XKRX": "KRW"}
#: First day of a market unless a test says otherwise: a Monday.
FIRST = dt.date(2024, 3, 4)

Closes = Mapping[str, Mapping[str, Sequence[float | None]]]


def sessions(
    mic: str, days: pd.DatetimeIndex, hours: tuple[str, str] | None = None
) -> Sessions:
    """Return synthetic sessions of an exchange on these days."""
    opens, closes = hours or HOURS[mic]
    index = days.as_unit("ns").rename("session")
    return Sessions(
        mic=mic,
        days=index,
        open_utc=(index + pd.Timedelta(f"{opens}:00")).to_numpy(),
        close_utc=(index + pd.Timedelta(f"{closes}:00")).to_numpy(),
    )


def fixings(
    currency: str,
    per_usd: float | Sequence[float | None],
    days: pd.DatetimeIndex,
    at: str = "13:15",
) -> Fixings:
    """Return one fix a day at a UTC time; a single number is known from long before."""
    if isinstance(per_usd, float | int):
        days = pd.DatetimeIndex([days[0] - pd.Timedelta(days=30)])
        per_usd = [per_usd]
    rates = np.array(per_usd, dtype=np.float64)
    known = np.isfinite(rates)
    moments = (days.as_unit("ns") + pd.Timedelta(f"{at}:00")).to_numpy()
    return Fixings(currency=currency, fixed_utc=moments[known], per_usd=rates[known])


def market(
    closes: Closes,
    *,
    opens: Closes | None = None,
    closed: Mapping[str, Sequence[int]] | None = None,
    rates: Mapping[str, float | Sequence[float | None]] | None = None,
    hours: Mapping[str, tuple[str, str]] | None = None,
    currency: Mapping[str, str] | None = None,
    home: str = "XNYS",
    base: str = "USD",
    first: dt.date = FIRST,
) -> Market:
    """Return a market of these closes.

    `closed` lists by exchange the rows on which it has no session at all; `opens` are
    opening prices in the same form; `rates` are local units per dollar, one number or
    one per row; `currency` overrides that of an exchange.
    """
    count = len(next(iter(next(iter(closes.values())).values())))
    days = pd.bdate_range(first, periods=count)
    bars, lines = {}, {}
    for mic, prices in closes.items():
        shut = list((closed or {}).get(mic, ()))
        own = np.setdiff1d(np.arange(count), shut)
        timetable = sessions(calendar_of(mic), days[own], (hours or {}).get(mic))
        price = _panel(prices, own, timetable)
        early = (opens or {}).get(mic, {})
        missing: Sequence[float | None] = [None] * count
        opened = _panel({s: early.get(s, missing) for s in prices}, own, timetable)
        bars[mic] = Bars(
            sessions=timetable, price=price, open=opened, flat=price.isna() & False
        )
        money = (currency or {}).get(mic, CURRENCY[mic])
        for symbol in prices:
            lines[symbol] = Line(symbol=symbol, entity=symbol, mic=mic, currency=money)
    fixed = {name: fixings(name, value, days) for name, value in (rates or {}).items()}
    currencies = Currencies(fixings=fixed)
    shut = list((closed or {}).get(home, ()))
    clock = sessions(home, days.delete(shut), (hours or {}).get(home))
    origin = Origin(name="test", simulated=True, digest="")
    return Market(
        lines=lines,
        bars=bars,
        home=build_home_view(clock, bars, list(lines.values()), currencies, base),
        currencies=currencies,
        signals=Signals(observations=pd.DataFrame(columns=list(COLUMNS))),
        coverage=pd.DataFrame(),
        findings=(),
        prices_origin=origin,
        signals_origin=origin,
    )


def _panel(
    prices: Mapping[str, Sequence[float | None]], rows: np.ndarray, own: Sessions
) -> pd.DataFrame:
    """Return the rows of these columns as a panel on the exchange's sessions."""
    return pd.DataFrame(
        {
            symbol: np.array(column, dtype=np.float64)[rows]
            for symbol, column in prices.items()
        },
        index=own.days,
    )
