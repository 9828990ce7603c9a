"""What is odd about prices: rows of findings; nothing is repaired."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from engine.market.bars import basis_column, flat_rows, on_sessions
from engine.market.calendar import Sessions, calendar_of, covered, sessions
from engine.market.coverage import SLACK_SESSIONS
from engine.market.currency import RATE_DAYS, Fixings
from engine.market.listing import Line
from engine.market.market import Finding
from engine.market.quality_moves import jump_findings, rate_findings
from engine.market.quality_series import (
    STALE_SESSIONS,
    basis_findings,
    column_findings,
    counted,
    finding,
    listed,
    number_findings,
    range_findings,
    recorded_move,
    runs,
    stale_findings,
)
from engine.market.supplied import PriceData

SEVERITIES = ("error", "warning", "info")
#: Days without a rate that no run of holidays makes.
RATE_GAP = np.timedelta64(7, "D")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Laid:
    """One line's frame laid on its exchange's sessions.

    `place` (shape (k,)) are the sessions of the rows that hold a price, `held` those
    rows, `off` the days of priced rows that are no session.
    """

    line: Line
    place: np.ndarray
    held: pd.DataFrame
    off: pd.DatetimeIndex


def check_prices(
    lines: Sequence[Line], prices: PriceData, *, spans: bool = True
) -> tuple[Finding, ...]:
    """Return all that is odd about the prices of these lines, the gravest first.

    Parameters
    ----------
    lines : sequence of Line
        Those without a frame are passed over.
    prices : PriceData
        Frames may also have the columns `dividend` (per share) and `split` (new
        shares for one old), which then explain moves of their days. The source's own
        findings are not repeated.
    spans : whether to say which lines begin late or end early among the others; a
        study says that of its own period (`engine.market.coverage`).

    Raises
    ------
    CalendarError
        A line's exchange has no calendar.
    """
    priced = [line for line in lines if line.symbol in prices.frames]
    found: list[Finding] = []
    for line in priced:
        frame = prices.frames[line.symbol]
        found += number_findings(line.symbol, frame)
        found += range_findings(line.symbol, frame)
        found += stale_findings(line.symbol, frame)
        found += basis_findings(line.symbol, frame)
        found += column_findings(line.symbol, frame)
    span = _span(priced, prices)
    if span is not None:
        for mic in dict.fromkeys(calendar_of(line.mic) for line in priced):
            own = [line for line in priced if calendar_of(line.mic) == mic]
            found += _exchange(mic, own, prices, *span, spans=spans)
    found += _currencies(priced, prices, spans=spans)
    return tuple(sorted(found, key=lambda one: SEVERITIES.index(one.severity)))


def _span(
    lines: Sequence[Line], prices: PriceData
) -> tuple[pd.Timestamp, pd.Timestamp] | None:
    """Return the first and last day of any row of these lines, or None without one."""
    held = [prices.frames[line.symbol].index for line in lines]
    held = [index for index in held if len(index)]
    if not held:
        return None
    return min(index[0] for index in held), max(index[-1] for index in held)


def _exchange(
    mic: str,
    lines: Sequence[Line],
    prices: PriceData,
    first: pd.Timestamp,
    last: pd.Timestamp,
    *,
    spans: bool,
) -> Iterator[Finding]:
    """Yield what the lines of one exchange show against its sessions."""
    reach = covered(mic)
    begin, end = max(first.date(), reach[0]), min(last.date(), reach[1])
    if (begin, end) != (first.date(), last.date()):
        yield finding(
            "info",
            mic,
            f"its calendar reaches from {reach[0]} to {reach[1]}",
            "rows outside were not compared with sessions",
            pd.DatetimeIndex([first, last]),
        )
    if begin > end:
        return
    own = sessions(mic, begin, end)
    if len(own) == 0:
        return
    laid = [_lay(line, prices.frames[line.symbol], own) for line in lines]
    yield from _missing(mic, own, laid)
    yield from _half_days(mic, own, laid)
    for one in laid:
        yield from _off_sessions(one)
        yield from _flat_rows(own, one)
        if spans:
            yield from _line_span(own, one)
        yield from _line_jumps(own, one, prices)


def _lay(line: Line, frame: pd.DataFrame, own: Sessions) -> _Laid:
    """Return a frame's priced rows on the sessions, and its days off them."""
    priced = frame.loc[frame[basis_column(frame)].notna().to_numpy()]
    place, kept = on_sessions(own, priced)
    days = pd.DatetimeIndex(priced.index)
    first, last = (pd.Timestamp(day) for day in covered(own.mic))
    off = days[~kept & (days >= first) & (days <= last)]
    return _Laid(line=line, place=place, held=priced.loc[kept], off=off)


def _missing(mic: str, own: Sessions, laid: Sequence[_Laid]) -> Iterator[Finding]:
    """Yield sessions that the whole exchange lacks, and those a single line lacks."""
    seen = np.zeros(len(own), dtype=bool)
    for one in laid:
        seen[one.place] = True
    present = np.flatnonzero(seen)
    if len(present) == 0:
        return
    inside = np.arange(len(own))
    inside = (inside > present[0]) & (inside < present[-1])
    gap = own.days[inside & ~seen]
    if len(gap):
        yield finding(
            "warning",
            mic,
            f"no line has a bar on {counted(len(gap), 'session')}: {listed(gap)}",
            "fetch these days again; if the exchange was closed, add them to "
            "engine/market/overrides.toml",
            gap,
        )
    for one in laid:
        if len(one.place) == 0:
            continue
        without = seen.copy()
        without[one.place] = False
        without[: one.place[0]] = without[one.place[-1] :] = False
        days = own.days[without]
        if len(days):
            yield finding(
                "warning",
                one.line.symbol,
                f"no bar on {counted(len(days), 'session')} on which others of {mic} "
                "have one: "
                f"{listed(days)}",
                "suspended, or lost by the feed; the next return spans the gap",
                days,
            )


def _short_sessions(own: Sessions) -> np.ndarray:
    """Return True for sessions that are shorter than the exchange's usual one."""
    length = own.close_utc - own.open_utc
    short: np.ndarray = length < np.median(length) - np.timedelta64(30, "m")
    return short


def _half_days(mic: str, own: Sessions, laid: Sequence[_Laid]) -> Iterator[Finding]:
    """Yield the half days on which rows are flat: one finding per exchange."""
    flat = np.zeros(len(own), dtype=bool)
    for one in laid:
        flat[one.place[flat_rows(one.held)]] = True
    days = own.days[flat & _short_sessions(own)]
    if len(days):
        yield finding(
            "info",
            mic,
            "flat rows without volume (open = high = low = close) on "
            f"{counted(len(days), 'half day')}: {listed(days)}",
            "used as closes; opens and volumes of these days are not real",
            days,
        )


def _flat_rows(own: Sessions, one: _Laid) -> Iterator[Finding]:
    """Yield a line's flat rows on full sessions: run by run where they are long."""
    short = _short_sessions(own)[one.place]
    flat = flat_rows(one.held) & ~short
    days = pd.DatetimeIndex(one.held.index)
    single = np.zeros(len(flat), dtype=bool)
    for start, end in runs(flat):
        if end - start < STALE_SESSIONS:
            single[start:end] = True
            continue
        yield _flat_finding(one.line, days[start:end], "in a row")
    if single.any():
        yield _flat_finding(one.line, days[single], "on a full session")


def _flat_finding(line: Line, days: pd.DatetimeIndex, how: str) -> Finding:
    """Return the finding about a line's flat rows."""
    return finding(
        "warning",
        line.symbol,
        f"{counted(len(days), 'flat row')} without volume {how}: {listed(days)}",
        "suspended, or filled by the feed; used as closes",
        days,
    )


def _off_sessions(one: _Laid) -> Iterator[Finding]:
    """Yield bars on days on which the exchange was closed."""
    if len(one.off):
        yield finding(
            "warning",
            one.line.symbol,
            f"{counted(len(one.off), 'bar')} on closed days, no session of "
            f"{one.line.mic}: {listed(one.off)}",
            "a study leaves them out; check the line's exchange and the dates",
            one.off,
        )


def _line_span(own: Sessions, one: _Laid) -> Iterator[Finding]:
    """Yield a late start, an early end, and prices before a listing."""
    line, days = one.line, own.days
    if len(one.place) == 0:
        return
    start, end = int(one.place[0]), int(one.place[-1])
    listing = None if line.listed is None else pd.Timestamp(line.listed)
    if listing is not None and days[start] < listing:
        yield finding(
            "warning",
            line.symbol,
            f"has prices before its listing on {line.listed}",
            "check the symbol: it may have been another company's",
            days[start : int(days.searchsorted(listing))],
        )
    if start > 0:
        fresh = listing is not None and days[start] >= listing
        late = start - (0 if listing is None else int(days.searchsorted(listing)))
        yield finding(
            "warning" if late > SLACK_SESSIONS else "info",
            line.symbol,
            f"begins {counted(start, 'own session')} after the first price of any line"
            + (f" (listed {line.listed})" if fresh else ""),
            "not held before",
            days[start : start + 1],
        )
    early = len(days) - 1 - end
    if early > 0:
        over = line.delisted is not None and (
            _sessions_to(own, end, line.delisted) <= SLACK_SESSIONS
        )
        yield finding(
            "info" if over or early <= SLACK_SESSIONS else "warning",
            line.symbol,
            f"the feed ends {counted(early, 'own session')} before the last price of "
            "any line" + (f" (delisted {line.delisted})" if over else ""),
            "the last price values it; it does not trade any more",
            days[end : end + 1],
        )


def _sessions_to(own: Sessions, end: int, day: dt.date) -> int:
    """Return how many sessions lie after place `end` up to a day."""
    return int((own.days <= pd.Timestamp(day)).sum()) - 1 - end


def _line_jumps(own: Sessions, one: _Laid, prices: PriceData) -> Iterator[Finding]:
    """Yield the line's moves that no session makes, between positive prices."""
    name = basis_column(one.held)
    every = one.held[name].to_numpy()
    sound = (every > 0.0) & np.isfinite(every)
    held, price = one.held.loc[sound], every[sound]
    known = np.zeros(max(len(price) - 1, 0))
    if name == "close":
        known = recorded_move(held, price)
    yield from jump_findings(
        one.line,
        pd.DatetimeIndex(held.index),
        price,
        np.diff(one.place[sound]),
        known,
        prices.fixings,
    )


def _currencies(
    lines: Sequence[Line], prices: PriceData, *, spans: bool
) -> Iterator[Finding]:
    """Yield what is odd about exchange rates, and currencies that have none."""
    for currency in dict.fromkeys(line.currency for line in lines):
        if currency != "USD" and currency not in prices.fixings:
            yield finding(
                "warning",
                currency,
                "has no exchange rate",
                f"a study of these lines needs {currency}=X ({currency} per USD)",
            )
    for fixing in prices.fixings.values():
        ends = [
            frame.index[-1]
            for line in lines
            if line.currency == fixing.currency
            and len(frame := prices.frames[line.symbol])
        ]
        yield from _rates(fixing, max(ends) if ends and spans else None)


def _rates(fixing: Fixings, last_price: pd.Timestamp | None) -> Iterator[Finding]:
    """Yield what is odd about one currency; `last_price` is its lines' last day."""
    days, rates = pd.DatetimeIndex(fixing.fixed_utc), fixing.per_usd
    where = fixing.currency
    if len(rates) == 0:
        yield finding("warning", where, "no rate at all", "fetch it again")
        return
    broken = ~(rates > 0.0) | np.isinf(rates)
    if broken.any():
        at = days[broken]
        what = f"no positive number on {counted(len(at), 'day')}: {listed(at)}"
        yield finding("error", where, what, "fetch its history again", at)
        return
    for start, end in runs(np.diff(rates) == 0.0):
        if end - start + 1 >= STALE_SESSIONS:
            yield finding(
                "warning",
                where,
                f"the rate stays at {rates[start]:g} on {end - start + 1} fixes",
                "a feed that stands still, or filled holidays; used as it is",
                days[start : end + 1],
            )
    yield from _rate_gaps(where, days)
    if last_price is not None and last_price - days[-1] > pd.Timedelta(RATE_GAP):
        yield finding(
            "warning",
            where,
            f"rates end {(last_price - days[-1]).days} days before the prices",
            f"the last one counts for {RATE_DAYS} days",
            days[-1:],
        )
    yield from rate_findings(fixing)


def _rate_gaps(currency: str, days: pd.DatetimeIndex) -> Iterator[Finding]:
    """Yield long gaps between fixes one by one, and weekdays without one together."""
    apart = np.diff(days.to_numpy())
    for gap in np.flatnonzero(apart > RATE_GAP).tolist():
        yield finding(
            "warning",
            currency,
            f"no rate from {days[gap].date()} to {days[gap + 1].date()}",
            f"the last one counts for {RATE_DAYS} days; fetch the days between again",
            days[gap : gap + 2],
        )
    fixed = days.normalize()
    if (fixed.day_of_week >= 5).any():  # fixed so early that UTC has another day
        return
    weekdays = pd.bdate_range(fixed[0], fixed[-1]).as_unit("ns")
    without = weekdays[~weekdays.isin(fixed)]
    if len(without):
        yield finding(
            "info",
            currency,
            f"no rate on {counted(len(without), 'weekday')}: {listed(without)}",
            "the last rate is used",
            without,
        )
