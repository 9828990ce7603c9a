"""Taxes and fees on trades, written down a second time from METHODS and their sources.

First day of each rate by exchange and side; the day is the trade's, in Korea that of
its settlement. Fractions of the traded value.
"""

from __future__ import annotations

import datetime as dt

from engine.market.calendar import sessions

TAXES = {
    "XKRX": {
        "buy": {"2020-01-01": 0.0},
        "sell": {
            "2023-01-01": 0.0020,
            "2024-01-01": 0.0018,
            "2025-01-01": 0.0015,
            "2026-01-01": 0.0020,
        },
    },
    "XHKG": {
        side: {"2021-08-01": 0.0013, "2023-11-17": 0.0010} for side in ("buy", "sell")
    },
    "XSHG": {
        "buy": {"2020-01-01": 0.0},
        "sell": {"2008-09-19": 0.0010, "2023-08-28": 0.0005},
    },
    "XNYS": {
        "buy": {"2020-01-01": 0.0},
        "sell": {
            "2022-05-14": 22.9e-6,
            "2023-02-27": 8.0e-6,
            "2024-05-22": 27.8e-6,
            "2025-05-14": 0.0,
            "2026-04-04": 20.6e-6,
        },
    },
}
TAXED_AS = {"XSHE": "XSHG", "XNAS": "XNYS", "ARCX": "XNYS"}


def rate_on(mic: str, side: str, day: dt.date) -> float:
    """Return the rate in force on a day: the trade's, in Korea its settlement's."""
    known = TAXES[TAXED_AS.get(mic, mic)][side]
    return [rate for first, rate in known.items() if first <= day.isoformat()][-1]


def tax_rate(mic: str, side: str, trade_day: dt.date) -> float:
    """Return the rate of a trade: Korean ones settle two sessions of Seoul later."""
    if mic != "XKRX":
        return rate_on(mic, side, trade_day)
    ahead = sessions("XKRX", trade_day, trade_day + dt.timedelta(days=30)).days
    assert ahead[0].date() == trade_day
    return rate_on(mic, side, ahead[2].date())
