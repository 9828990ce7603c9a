"""The flagship's factors again, slowly: loops over rows, from raw observations.

What a reader of docs/factors.md and METHODS would write without having seen the
engine. A table of observations is one of the columns of the long format; `moment` is
when the reader asks.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from engine.market.calendar import sessions
from engine.market.listing import Line
from tests.flagship import FIRST, Record

DAY = pd.Timedelta(days=1)
#: (value, when it was known) by date, oldest first.
Past = list[tuple[float, pd.Timestamp]]
#: Entity -> date -> (value, first publication).
Read = dict[str, dict[pd.Timestamp, tuple[float, pd.Timestamp]]]


def read(observations: pd.DataFrame, series: str, moment: pd.Timestamp) -> Read:
    """Return what had been observed of a series: the newest figure, first published."""
    told: Read = {}
    for one in observations.sort_values("known_at", kind="stable").itertuples():
        if one.series != series or one.quality != "observed" or one.known_at > moment:
            continue
        of_entity = told.setdefault(one.entity, {})
        first = of_entity[one.value_date][1] if one.value_date in of_entity else None
        of_entity[one.value_date] = (one.value, first or one.known_at)
    return {entity: dict(sorted(rows.items())) for entity, rows in sorted(told.items())}


def weeks_before(
    rows: Mapping[pd.Timestamp, tuple[float, pd.Timestamp]],
    date: pd.Timestamp,
    weeks: int,
) -> tuple[float, pd.Timestamp] | None:
    """Return the newest row at least `weeks` older, and at most two weeks older yet."""
    for back in range(7 * weeks, 7 * (weeks + 2) + 1):
        if date - back * DAY in rows:
            return rows[date - back * DAY]
    return None


def share_momentum(of_share: Read, weeks: int) -> Past:
    (rows,) = of_share.values() if of_share else ({},)
    past = []
    for date, (value, known) in rows.items():
        then = weeks_before(rows, date, weeks)
        if then:
            past.append((value - then[0], max(known, then[1])))
    return past


def token_growth(tokens: Read, weeks: int) -> Past:
    (rows,) = tokens.values() if tokens else ({},)
    past = []
    for date, (value, known) in rows.items():
        then = weeks_before(rows, date, weeks)
        if then:
            past.append((value / then[0] - 1.0, max(known, then[1])))
    return past


def price_decay(prices: Read, weeks: int) -> Past:
    by_date: dict[pd.Timestamp, list[tuple[float, pd.Timestamp]]] = {}
    for rows in prices.values():
        for date, (value, known) in rows.items():
            then = weeks_before(rows, date, weeks)
            if then:
                fall = (1.0 - value / then[0], max(known, then[1]))
                by_date.setdefault(date, []).append(fall)
    return [
        (float(np.median([fall for fall, _ in falls])), max(when for _, when in falls))
        for _, falls in sorted(by_date.items())
    ]


def concentration(shares: Read) -> Past:
    past = []
    for date in dates_of(shares):
        week = [rows[date] for rows in shares.values() if date in rows]
        if 0.5 <= sum(share for share, _ in week) <= 1.01:
            index = sum(share**2 for share, _ in week)
            past.append((index, max(known for _, known in week)))
    return past


def dollar_token_gap(dollars: Read, tokens: Read) -> Past:
    past = []
    for date in dates_of(tokens):
        both = [
            (dollars[name][date], tokens[name][date])
            for name in tokens
            if date in tokens[name] and date in dollars.get(name, {})
        ]
        if len(both) >= 2:
            gap = sum(min(paid[0] - used[0], 0.0) for paid, used in both)
            past.append((gap, max(max(paid[1], used[1]) for paid, used in both)))
    return past


def capex_growth(capex: Read) -> Past:
    """At each filing the median over companies of their newest growth known then."""
    grown = []
    for company, rows in capex.items():
        for end, (amount, filed) in rows.items():
            before = [
                (abs(end - dt.timedelta(days=365) - other), row)
                for other, row in rows.items()
            ]
            apart, (base, base_filed) = min(before, key=lambda one: one[0])
            if apart <= 20 * DAY and base > 0:
                grown.append((company, end, amount / base - 1, max(filed, base_filed)))
    past = []
    for moment in sorted({filed for *_, filed in grown}):
        newest: dict[str, tuple[pd.Timestamp, float]] = {}
        for company, end, growth, filed in grown:
            if filed <= moment and (company not in newest or end > newest[company][0]):
                newest[company] = (end, growth)
        last = max(end for end, _ in newest.values())
        fresh = [g for end, g in newest.values() if end >= last - 200 * DAY]
        if len(fresh) >= 2:
            past.append((float(np.median(fresh)), moment))
    return past


def dates_of(table: Read) -> list[pd.Timestamp]:
    return sorted({date for rows in table.values() for date in rows})


def standardised(past: Past) -> float | None:
    """Return the last value's z-score in its own past, cut at +-1; None below eight."""
    values = pd.Series([value for value, _ in past], dtype=float)
    if len(values) < 8:
        return None
    return float(np.clip((values.iloc[-1] - values.mean()) / values.std(), -1, 1))


def ranked(values: Mapping[str, float]) -> dict[str, float]:
    """Return values pulled to 3 MADs, as ranks spread over [-1, 1]."""
    series = pd.Series(values, dtype=float)
    if len(series) < 2:
        return dict.fromkeys(values, 0.0)
    middle = series.median()
    reach = 3 * 1.4826 * (series - middle).abs().median()
    if reach > 0:
        series = series.clip(middle - reach, middle + reach)
    rank = series.rank()
    return dict((2 * rank - len(rank) - 1) / (len(rank) - 1))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OwnPrices:
    """One line's prices on its exchange's sessions up to its last bar."""

    prices: pd.Series
    known: pd.Timestamp


def own_prices(line: Line, record: Record, moment: pd.Timestamp) -> OwnPrices | None:
    """Return a line's past up to `moment`, None before its first bar."""
    closes = record.closes[line.symbol]
    count = int((closes.index <= moment).sum())
    if count == 0:
        return None
    days = record.days[line.symbol][:count]
    own = sessions(line.mic, FIRST, days[-1].date()).days
    prices = pd.Series(closes.to_numpy()[:count], index=days).reindex(own)
    return OwnPrices(prices=prices, known=closes.index[count - 1])


def momentum(own: OwnPrices) -> float:
    """Return over 126 own sessions without the last 21; NaN for a shorter past."""
    if len(own.prices) < 127:
        return float("nan")
    filled = own.prices.ffill(limit=5)
    return float(filled.iloc[-22] / filled.iloc[-127] - 1.0)


def calmness(own: OwnPrices) -> float:
    """Return minus the annualised volatility of 126 own sessions, 63 at least."""
    change = own.prices / own.prices.ffill().shift(1) - 1.0
    recent = change.iloc[-126:].dropna()
    if len(recent) < 63:
        return float("nan")
    return float(-np.sqrt(252) * recent.std())
