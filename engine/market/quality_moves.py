"""Moves of a price that no market makes: splits, units, currencies, bad rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from engine.market.currency import Fixings
from engine.market.listing import Line
from engine.market.market import Finding
from engine.market.quality_series import counted

#: Daily price limits, as fractions of the last close.
MAIN_BOARD, GROWTH_BOARD, KOREA = 0.10, 0.20, 0.30
#: Mainland boards with the wider limit: STAR in Shanghai, ChiNext in Shenzhen.
GROWTH_PREFIXES = ("688", "689", "300", "301")
#: A limit is reckoned on a price rounded to the tick: what is left over.
LIMIT_SLACK = 0.005
TICK = 0.01
#: Mainland listings have no limit in their first sessions.
FREE_SESSIONS = 5
#: Log moves that a market without limits does not make in a session: at least the
#: first, or so many robust standard deviations of the line itself.
LEAST_MOVE, MOST_SIGMAS = 0.35, 10.0
#: Fewer moves than this do not tell how widely a line moves.
FEWEST = 20
#: New shares for one old, as splits are made.
SPLITS = (1.5, 2, 3, 4, 5, 6, 7, 8, 10, 15, 20, 25, 30, 50)
#: Pence for pounds, cents for dollars, thousands for units.
UNITS = (100, 1000)
#: How near a factor must lie, as a log: the day's own return comes on top.
NEAR = 0.08
#: A factor from which no share moved by itself.
SURE = float(np.log(3.0))
#: Exchange rates move less: at least this log move, or so many standard deviations.
LEAST_RATE_MOVE, MOST_RATE_SIGMAS = 0.03, 12.0
MAD_TO_SIGMA = 1.4826


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Jump:
    """A move beyond what a session allows, and its way back where there is one.

    `at` is the place of the first wrong bar, `until` that of the last (equal to `at`
    for a move that did not come back, `reversed` False); `move` is the log move.
    """

    at: int
    until: int
    move: float
    reversed: bool


def daily_limit(line: Line) -> float | None:
    """Return the exchange's daily price limit of a line, or None without one."""
    if line.mic in ("XSHG", "XSHE"):
        growth = line.symbol.startswith(GROWTH_PREFIXES)
        return GROWTH_BOARD if growth else MAIN_BOARD
    return KOREA if line.mic in ("XKRX", "XKOS") else None


def robust_sigma(moves: np.ndarray) -> float:
    """Return 1.4826 x the median absolute deviation; 0 below `FEWEST` moves."""
    if len(moves) < FEWEST:
        return 0.0
    return float(MAD_TO_SIGMA * np.median(np.abs(moves - np.median(moves))))


def bounds(
    line: Line, price: np.ndarray, days: np.ndarray, lags: np.ndarray
) -> np.ndarray:
    """Return (low, high) of the log move into each bar but the first: (2, n - 1).

    `price` and `days` have shape (n,), `lags` (own sessions since the bar before)
    shape (n - 1,). A limit compounds over missing bars; without a limit the bound
    widens with the square root of the time.
    """
    limit = daily_limit(line)
    if limit is None:
        moves = np.diff(np.log(price))
        wide = max(LEAST_MOVE, MOST_SIGMAS * robust_sigma(moves[lags == 1]))
        high = wide * np.sqrt(lags)
        return np.stack([-high, high])
    slack = LIMIT_SLACK + TICK / price[:-1]
    high = lags * np.log1p(limit + slack)
    low = lags * np.log1p(-np.minimum(limit + slack, 0.99))
    if line.listed is not None and limit != KOREA:
        listed = np.datetime64(line.listed, "ns")
        since = np.cumsum(days >= listed)
        free = (since[1:] <= FREE_SESSIONS) & (days[1:] >= listed) & (days[0] >= listed)
        low[free], high[free] = -np.inf, np.inf
    return np.stack([low, high])


def jumps(moves: np.ndarray, low: np.ndarray, high: np.ndarray) -> list[Jump]:
    """Return the moves outside their bounds, each paired with its way back.

    All arrays have shape (n - 1,); move i leads to bar i + 1. A jump is paired with
    the next one if together they stay inside the bounds.
    """
    outside = np.flatnonzero((moves < low) | (moves > high))
    found: list[Jump] = []
    number = 0
    while number < len(outside):
        at = int(outside[number])
        if number + 1 < len(outside):
            back = int(outside[number + 1])
            both = moves[at] + moves[back]
            if moves[at] * moves[back] < 0 and abs(both) < 0.25 * abs(moves[at]):
                found.append(
                    Jump(at=at + 1, until=back, move=float(moves[at]), reversed=True)
                )
                number += 2
                continue
        found.append(
            Jump(at=at + 1, until=at + 1, move=float(moves[at]), reversed=False)
        )
        number += 1
    return found


def jump_findings(
    line: Line,
    days: pd.DatetimeIndex,
    price: np.ndarray,
    lags: np.ndarray,
    known: np.ndarray,
    fixings: Mapping[str, Fixings],
) -> Iterator[Finding]:
    """Yield every move of a line that its market does not make.

    Parameters
    ----------
    days, price : shape (n,)
        The line's bars on sessions; prices positive.
    lags : ndarray of shape (n - 1,)
        Own sessions from each bar to the next.
    known : ndarray of shape (n - 1,)
        The log move that a recorded split or dividend explains (0 without one).
    fixings : mapping of currency to Fixings
        What a change of currency would be measured by.
    """
    if len(price) < 2:
        return
    low, high = bounds(line, price, days.to_numpy(), lags)
    moves = np.diff(np.log(price))
    # a recorded split may stand in prices that carry it already
    least = np.where(np.abs(moves - known) < np.abs(moves), moves - known, moves)
    for jump in jumps(least, low, high):
        when = days[jump.at]
        reasons = _explanations(line, when.to_datetime64(), jump, fixings)
        limited = daily_limit(line) is not None
        sure = bool(reasons) and (limited or abs(jump.move) > SURE)
        yield _jump_finding(line, days, jump, reasons, "error" if sure else "warning")


def _jump_finding(
    line: Line,
    days: pd.DatetimeIndex,
    jump: Jump,
    reasons: Sequence[str],
    severity: str,
) -> Finding:
    """Return the finding of one jump in words."""
    size = f"{np.expm1(jump.move):+.0%}"
    limit = daily_limit(line)
    bound = (
        f"beyond the limit of {limit:.0%}"
        if limit is not None
        else "beyond what it does in a session"
    )
    first, last = days[jump.at], days[jump.until]
    if jump.reversed:
        count = jump.until - jump.at + 1
        what = f"{counted(count, 'bar')} out of line: {size} and back, {bound}"
        action = "check these rows against another source"
    else:
        what = f"a move of {size}, {bound}"
        action = "check the day: news, or prices that were not adjusted"
    if reasons:
        what += f"; looks like {' or '.join(reasons)}"
        action = "fetch the whole history again, on one basis and in one currency"
    return Finding(
        severity=severity,
        where=line.symbol,
        what=what,
        action=f"{action}; used as it is",
        first=first.date().isoformat(),
        last=last.date().isoformat(),
    )


def _explanations(
    line: Line, day: np.datetime64, jump: Jump, fixings: Mapping[str, Fixings]
) -> list[str]:
    """Return what a factor looks like, the nearest first; at most two.

    A split is for good: what comes back is none.
    """
    size = abs(jump.move)
    close: list[tuple[float, str]] = []
    for one in () if jump.reversed else SPLITS:
        shares = f"{one:g}:1" if one != 1.5 else "3:2"
        kind = "a split" if jump.move < 0 else "a reverse split"
        close.append((abs(size - np.log(one)), f"{kind} of {shares}"))
    for unit in UNITS:
        close.append((abs(size - np.log(unit)), f"a change of unit by {unit}"))
    own = _rate(line.currency, day, fixings)
    for currency in ("USD", *fixings):
        other = _rate(currency, day, fixings)
        if own is None or other is None or currency == line.currency:
            continue
        factor = abs(float(np.log(other / own)))
        if factor > LEAST_MOVE:
            told = f"a change of currency with {currency}"
            close.append((abs(size - factor), told))
    near = sorted(entry for entry in close if entry[0] < NEAR)
    return [told for _, told in near[:2]]


def _rate(
    currency: str, day: np.datetime64, fixings: Mapping[str, Fixings]
) -> float | None:
    """Return units per dollar by the last fix before a day's end, None without any."""
    if currency == "USD":
        return 1.0
    known = fixings.get(currency)
    if known is None or len(known.per_usd) == 0:
        return None
    after = np.searchsorted(known.fixed_utc, day + np.timedelta64(1, "D"))
    rate = float(known.per_usd[max(int(after) - 1, 0)])
    return rate if np.isfinite(rate) and rate > 0.0 else None


def rate_findings(fixing: Fixings) -> Iterator[Finding]:
    """Yield moves of one currency that no exchange rate makes; rates are positive."""
    rates = fixing.per_usd
    if len(rates) < 2:
        return
    moves = np.diff(np.log(rates))
    bound = max(LEAST_RATE_MOVE, MOST_RATE_SIGMAS * robust_sigma(moves))
    wide = np.full(len(moves), bound)
    days = pd.DatetimeIndex(fixing.fixed_utc)
    for jump in jumps(moves, -wide, wide):
        size = f"{np.expm1(jump.move):+.1%}"
        level = float(np.log(rates[jump.at - 1]))
        turned = abs(jump.move + 2.0 * level) < NEAR and abs(jump.move) > LEAST_MOVE
        back = " and back" if jump.reversed else ""
        count = jump.until - jump.at + 1
        yield Finding(
            severity="error" if abs(jump.move) > SURE else "warning",
            where=fixing.currency,
            what=f"{counted(count, 'rate')} out of line: {size}{back}"
            + ("; quoted the other way round" if turned else ""),
            action=f"rates are {fixing.currency} per USD; check against another "
            "source; used as they are",
            first=days[jump.at].date().isoformat(),
            last=days[jump.until].date().isoformat(),
        )
