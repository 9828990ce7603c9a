"""When news reached each exchange, and the returns around it on its own sessions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from engine.evidence.event_tests import Array
from engine.market.calendar import Sessions, calendar_of
from engine.market.market import Market

Flags = npt.NDArray[np.bool_]
Positions = npt.NDArray[np.int64]

#: A session that closes sooner after the news than this has not reacted to it.
REACTION_TIME = np.timedelta64(30, "m")
#: Fewest returns that a market model is estimated from.
FEWEST_ESTIMATION_RETURNS = 60


def event_moment(
    at: dt.date | dt.datetime, sessions: Iterable[Sessions]
) -> np.datetime64:
    """Return the UTC moment of an event, ``datetime64[ns]``.

    A datetime is itself. A date means before the earliest open of the study's exchanges
    on that date, so every session of that date can react; midnight UTC where none of
    them trades that day.
    """
    if isinstance(at, dt.datetime):
        utc = at.astimezone(dt.UTC).replace(tzinfo=None)
        return np.datetime64(utc, "ns")
    day = pd.Timestamp(at)
    opens = [one.open_utc[one.days == day] for one in sessions]
    of_the_day = np.concatenate(opens) if opens else np.array([])
    if len(of_the_day) == 0:
        return np.datetime64(at, "ns")
    moment: np.datetime64 = of_the_day.min()
    return moment


def day_zero(sessions: Sessions, moment: np.datetime64) -> int | None:
    """Return the position of the first session that can react to news at `moment`.

    It closes at least 30 minutes after the moment. None if no session does.
    """
    first = int(np.searchsorted(sessions.close_utc, moment + REACTION_TIME))
    return first if first < len(sessions) else None


def days_waited(sessions: Sessions, zero: int, moment: np.datetime64) -> int:
    """Return how many days day zero comes after the exchange could have reacted.

    0 if the close of day zero is the first of its time of day at least 30 minutes after
    the news; otherwise the exchange was shut for a weekend or a holiday in between.
    """
    wait = sessions.close_utc[zero] - moment - REACTION_TIME
    return int(wait // np.timedelta64(1, "D"))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class History:
    """One asset on its own sessions, T rows, beside its benchmark.

    bar : (T,) True where the session has a price; flat : (T,) a half day without trade.
    returns : (T,) since the asset's previous bar, own currency; NaN without a bar.
    regressors : (T, 2 f) of f regressors, the benchmark first: each compounded between
        its last closes not after those two bars, and the same one bar earlier; the
        second is 0 unless `lagged`.
    lagged : (f,) whether the model has the regressor of one bar earlier too.
    foreign : whether the asset trades on other sessions than the benchmark.
    log : whether returns and regressors are logarithmic.
    home : (T,) position of the last home session closed at the asset's own close.
    span : (T,) home sessions closed since the previous bar; 0 without a bar.
    """

    symbol: str
    sessions: Sessions
    bar: Flags
    flat: Flags
    returns: Array
    regressors: Array
    foreign: bool
    home: Positions
    span: Positions
    lagged: tuple[bool, ...] = ()
    log: bool = False


def histories(
    market: Market,
    symbols: Sequence[str],
    benchmark: str,
    *,
    others: Sequence[str] = (),
    lagged: bool = False,
    log: bool = False,
) -> dict[str, History] | None:
    """Return the history of each symbol that has a price, in the order given.

    None if the benchmark or another regressor has none. Options as of `history`.
    """
    if not {benchmark, *others} <= market.lines.keys():
        return None
    return {
        symbol: history(
            market, symbol, benchmark, others=others, lagged=lagged, log=log
        )
        for symbol in symbols
        if symbol in market.lines
    }


def history(
    market: Market,
    symbol: str,
    benchmark: str,
    *,
    others: Sequence[str] = (),
    lagged: bool = False,
    log: bool = False,
) -> History:
    """Return one asset's returns beside the benchmark's over the same spans of time.

    A missing bar is not an observation; the next return spans the gap, and so do its
    regressors. A benchmark without a bar in its newest session has no level then: the
    regressor is NaN, never the stale close.

    `others` are further regressors. `lagged` has each of them one bar earlier too; a
    line that trades on other sessions than a regressor has that anyway, because Asia
    answers New York a day later. `log` takes logarithmic returns of everything.
    """
    bars = market.bars_of(symbol)
    sessions = bars.sessions
    price = bars.price[symbol].to_numpy()
    bar = np.isfinite(price)
    at = np.flatnonzero(bar)
    closes = sessions.close_utc[at]
    total = len(sessions)
    calendar = calendar_of(market.lines[symbol].mic)
    returns = np.full(total, np.nan)
    returns[at[1:]] = _change(price[at], log=log)
    behind = []
    columns = []
    for name in (benchmark, *others):
        moves = _change(_levels(market, name, closes), log=log)
        now, before = np.full(total, np.nan), np.full(total, np.nan)
        now[at[1:]], before[at[2:]] = moves, moves[:-1]
        behind.append(lagged or calendar_of(market.lines[name].mic) != calendar)
        if not behind[-1]:
            before = np.where(bar, 0.0, np.nan)
        columns += [now, before]
    foreign = calendar_of(market.lines[benchmark].mic) != calendar
    closed = market.home.sessions.close_utc
    home = np.searchsorted(closed, sessions.close_utc, side="right") - 1
    span = np.zeros(total, dtype=np.int64)
    span[at[1:]] = np.diff(home[at])
    return History(
        symbol=symbol,
        sessions=sessions,
        bar=bar,
        flat=bars.flat[symbol].to_numpy(dtype=bool),
        returns=returns,
        regressors=np.column_stack(columns),
        foreign=foreign,
        home=home.astype(np.int64),
        span=span,
        lagged=tuple(behind),
        log=log,
    )


def _change(price: Array, *, log: bool) -> Array:
    """Return the change from each price to the next, shape (T - 1,)."""
    ratio = price[1:] / price[:-1]
    return np.asarray(np.log(ratio) if log else ratio - 1.0)


def _levels(market: Market, benchmark: str, moments: np.ndarray) -> Array:
    """Return the benchmark's last close not after each moment; NaN without one."""
    bars = market.bars_of(benchmark)
    price = bars.price[benchmark].to_numpy()
    last = np.searchsorted(bars.sessions.close_utc, moments, side="right") - 1
    return np.where(last >= 0, price[np.maximum(last, 0)], np.nan)
