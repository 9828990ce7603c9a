"""What the prices of each line could give, and what a reader must know about them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from engine.market.bars import Bars, basis_column, is_raw
from engine.market.calendar import Sessions, calendar_of, covered, sessions
from engine.market.currency import RATE_DAYS, Currencies
from engine.market.listing import Line
from engine.market.market import Finding

#: Own sessions that a feed may begin late or end early without being reported.
SLACK_SESSIONS = 5
BASES = {"adj_close": "total_return", "close": "price_return"}
#: What is done where a rate is missing.
RATE_COUNTS = (
    f"the last rate counts for {RATE_DAYS} days; a line held for longer than that "
    "would stop the study"
)
#: Closes as traded, with what the shares paid: lots, limits and cash dividends.
RAW = "raw"


def coverage_table(
    lines: Sequence[Line],
    frames: Mapping[str, pd.DataFrame],
    bars: Mapping[str, Bars],
) -> pd.DataFrame:
    """Return one row per line asked for, with what its prices could give.

    Columns: ``symbol, entity, mic, currency``; ``basis`` (``total_return``,
    ``price_return`` where dividends are missing, ``raw`` where closes are as traded and
    dividends come apart, or empty without a price);
    ``first, last`` (days of the first and last bar, NaT without one); ``bars``;
    ``missing`` (own sessions between them without a bar); ``flat`` (rows without a
    trade); ``opens`` (whether there are opening prices); ``note``.
    """
    rows = [_coverage_row(line, frames.get(line.symbol), bars) for line in lines]
    return pd.DataFrame(rows).astype(
        {"first": "datetime64[ns]", "last": "datetime64[ns]"}
    )


def _coverage_row(
    line: Line, frame: pd.DataFrame | None, bars: Mapping[str, Bars]
) -> dict[str, object]:
    """Return one line's row of the coverage table."""
    row: dict[str, object] = {
        "symbol": line.symbol,
        "entity": line.entity,
        "mic": line.mic,
        "currency": line.currency,
        "basis": "" if frame is None else _basis(frame),
        "first": pd.NaT,
        "last": pd.NaT,
        "bars": 0,
        "missing": 0,
        "flat": 0,
        "opens": False,
        "note": "no price",
    }
    if frame is None:
        return row
    own = bars[calendar_of(line.mic)]
    present = np.flatnonzero(own.price[line.symbol].notna().to_numpy())
    if len(present) == 0:
        return row | {"note": "no price in the period"}
    first, last = int(present[0]), int(present[-1])
    opens = own.open[line.symbol].notna().to_numpy()[present]
    notes = []
    if row["basis"] == "price_return":
        notes.append("dividends are missing")
    if not opens.all():
        notes.append("some opens are missing" if opens.any() else "no opens")
    return row | {
        "first": own.sessions.days[first],
        "last": own.sessions.days[last],
        "bars": len(present),
        "missing": last - first + 1 - len(present),
        "flat": int(own.flat[line.symbol].to_numpy().sum()),
        "opens": bool(opens.any()),
        "note": "; ".join(notes),
    }


def _basis(frame: pd.DataFrame) -> str:
    """Return what the prices of a frame are."""
    return RAW if is_raw(frame) else BASES[basis_column(frame)]


def span_findings(
    lines: Sequence[Line], bars: Mapping[str, Bars], start: dt.date
) -> tuple[Finding, ...]:
    """Return which lines begin before their listing, late, or end early."""
    return tuple(
        finding
        for line in lines
        for finding in _span_findings(line, bars[calendar_of(line.mic)], start)
    )


def currency_findings(
    currencies: Currencies, used: Sequence[str], home: Sessions
) -> tuple[Finding, ...]:
    """Return where a currency's rates begin late or end early."""
    return tuple(
        finding
        for currency in used
        if currency in currencies.fixings
        for finding in _fix_findings(
            currency, currencies.fixings[currency].fixed_utc, home
        )
    )


def _span_findings(line: Line, own: Bars, start: dt.date) -> Iterator[Finding]:
    """Yield a price before the listing, a late start and an early end."""
    days = own.sessions.days
    present = np.flatnonzero(own.price[line.symbol].notna().to_numpy())
    if len(present) == 0:
        return
    first, last = days[present[0]], days[present[-1]]
    if line.listed is not None and first < pd.Timestamp(line.listed):
        yield Finding(
            severity="warning",
            where=line.symbol,
            what=f"has prices from {_day(first)}, before its listing on {line.listed}",
            action="check the symbol: it may have been another company's",
            first=_day(first),
            last=str(line.listed),
        )
    late = _sessions_between(line.mic, start, first.date())
    if late > SLACK_SESSIONS:
        listed = line.listed is not None and first >= pd.Timestamp(line.listed)
        yield Finding(
            severity="info" if listed else "warning",
            where=line.symbol,
            what=f"begins on {_day(first)}, {late} own sessions after the study"
            + (f" (listed {line.listed})" if listed else ""),
            action="not held before",
            first=_day(first),
        )
    early = len(days) - 1 - int(present[-1])
    if early > SLACK_SESSIONS:
        yield Finding(
            severity="warning",
            where=line.symbol,
            what=f"feed ends on {_day(last)}, {early} own sessions before the study",
            action="the last price values it; it does not trade any more",
            last=_day(last),
        )


def _fix_findings(
    currency: str, fixed_utc: np.ndarray, home: Sessions
) -> Iterator[Finding]:
    """Yield a currency whose rates begin after the prices or end before the study."""
    if len(fixed_utc) == 0 or fixed_utc[0] > home.close_utc[0]:
        begin = _day(pd.Timestamp(fixed_utc[0])) if len(fixed_utc) else "never"
        yield Finding(
            severity="warning",
            where=currency,
            what=f"no rate before {begin}",
            action="values in this currency are unknown until then",
            first=begin,
        )
    if len(fixed_utc) and home.closed_by(fixed_utc[-1]) < len(home) - SLACK_SESSIONS:
        end = _day(pd.Timestamp(fixed_utc[-1]))
        yield Finding(
            severity="warning",
            where=currency,
            what=f"rates end on {end}",
            action=RATE_COUNTS,
            last=end,
        )


def _sessions_between(mic: str, start: dt.date, first: dt.date) -> int:
    """Return how many own sessions lie from `start` to before `first`."""
    start = max(start, covered(mic)[0])
    return len(sessions(mic, start, first)) - 1 if start < first else 0


def _day(moment: pd.Timestamp) -> str:
    """Return the day in ISO form."""
    return moment.date().isoformat()
