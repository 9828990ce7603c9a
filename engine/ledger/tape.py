"""A market laid out as arrays over the moments at which something can happen.

The ledger walks along these arrays and asks pandas for nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from engine.costs.fees import FeeSchedule
from engine.costs.model import (
    settlement_days,
    slippage_rate,
    spread_rate,
    tax_rates,
)
from engine.errors import DataError, at_most
from engine.ledger.rules import Actions, Rules, free_of_rules, no_actions
from engine.market.bars import Bars
from engine.market.calendar import calendar_of
from engine.market.listing import Line
from engine.market.market import Market
from engine.thesis.model import Execution


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tape:
    """M moments, T home sessions, N assets, C currencies, K exchanges.

    The moments are the home closes and every moment at which an asset can fill after
    the first of them, to the last of them. Currency 0 is the account's.

    symbols : (N,) names of the assets, the columns of every panel.
    moments : (M,) UTC, increasing. home_at : (T,) moment of each home close.
    closing : (M,) the first home session that closes at or after the moment.
    mark : (M, N) last own close known, NaN before the first bar; bar : (M, N) its
        number among the sessions of its exchange, from 1, 0 before the first.
    fill : (M, N) the price at which the asset can trade then, NaN where it cannot.
    next_fill : (M + 1, N) first moment from here at which it can, M = never.
    due : (M, N) whether a sale still open now can be expected by the home close:
        its exchange has another fill before it, and its price is not stale.
    fx : (M, C) units of the account's currency per unit, NaN before the first fix.
    tax_buy, tax_sell : (M, K) rates of the running or next own session, NaN in a gap
        of the schedule and after the last session; own_day, settle_day : (M, K) its
        day and the day its trades settle.
    price, age : (T, N) the home view: last price and its age in own sessions.
    stale : (T, N) whether that price is too old to trade on.
    earn, owe : (C,) annual rates that cash earns and overdrafts pay; borrow : (C,)
    what borrowed shares cost a year.
    rules : what restricts orders. actions : dividends, splits, ends of listing.
    at_close : symbols that trade at closes because a session has no open.
    """

    lines: tuple[Line, ...]
    symbols: pd.Index
    base: str
    days: pd.DatetimeIndex
    currencies: tuple[str, ...]
    currency_of: np.ndarray
    venues: tuple[str, ...]
    venue_of: np.ndarray
    moments: np.ndarray
    home_at: np.ndarray
    closing: np.ndarray
    mark: np.ndarray
    bar: np.ndarray
    fill: np.ndarray
    next_fill: np.ndarray
    due: np.ndarray
    fx: np.ndarray
    tax_buy: np.ndarray
    tax_sell: np.ndarray
    own_day: np.ndarray
    settle_day: np.ndarray
    price: np.ndarray
    age: np.ndarray
    stale: np.ndarray
    slippage: float
    spread: np.ndarray
    earn: np.ndarray
    owe: np.ndarray
    borrow: np.ndarray
    rules: Rules
    actions: Actions
    execution: Execution
    schedule: FeeSchedule
    at_close: tuple[str, ...]

    @property
    def home_fx(self) -> np.ndarray:
        """Rates at the home closes, shape (T, C)."""
        rates: np.ndarray = self.fx[self.home_at]
        return rates


def record(
    market: Market,
    assets: Sequence[Line],
    *,
    execution: Execution,
    base: str,
    schedule: FeeSchedule,
    start: dt.date,
    end: dt.date,
) -> Tape:
    """Return the tape of `assets` from the first home session to the last.

    Raises
    ------
    DataError
        There is no home session between `start` and `end`, no asset, or one without a
        price.
    CurrencyError
        A currency has no rates at all.
    """
    lines = tuple(assets)
    _check_priced(market, lines)
    home = market.home.sessions
    low = int(home.days.searchsorted(pd.Timestamp(start)))
    high = int(home.days.searchsorted(pd.Timestamp(end), side="right"))
    if low >= high:
        raise DataError(
            f"no session of {home.mic} between {start} and {end}; the prices run from "
            f"{home.days[0].date()} to {home.days[-1].date()}"
        )
    closes = home.close_utc[low:high]
    venues = tuple(dict.fromkeys(line.mic for line in lines))
    moments = _moments(market, venues, execution, closes)
    currencies = tuple(dict.fromkeys([base, *(line.currency for line in lines)]))
    fx = market.currencies.rates(list(currencies), base, moments).to_numpy()
    currency_of = np.array([currencies.index(line.currency) for line in lines])
    closing = np.searchsorted(closes, moments, side="left")
    layout = _Layout(moments=moments, home_close=closes[closing], execution=execution)
    columns = [_of_venue(market, lines, mic, layout, schedule) for mic in venues]
    mark, bar, fill, due, late = (
        _side_by_side(lines, venues, blocks)
        for blocks in (
            [column.mark for column in columns],
            [column.bar for column in columns],
            [column.fill for column in columns],
            [column.due for column in columns],
            [column.late for column in columns],
        )
    )
    fill = np.where(_before_first_fix(fx)[:, currency_of], np.nan, fill)
    symbols = [line.symbol for line in lines]
    rows = slice(low, high)
    age = market.home.age[symbols].to_numpy()[rows]
    return Tape(
        lines=lines,
        symbols=pd.Index(symbols),
        base=base,
        days=home.days[rows],
        currencies=currencies,
        currency_of=currency_of,
        venues=venues,
        venue_of=np.array([venues.index(line.mic) for line in lines]),
        moments=moments,
        home_at=np.searchsorted(moments, closes),
        closing=closing,
        mark=mark,
        bar=bar,
        fill=fill,
        next_fill=_next_true(np.isfinite(fill)),
        due=due,
        fx=fx,
        tax_buy=np.column_stack([column.tax_buy for column in columns]),
        tax_sell=np.column_stack([column.tax_sell for column in columns]),
        own_day=np.column_stack([column.own_day for column in columns]),
        settle_day=np.column_stack([column.settle_day for column in columns]),
        price=mark[np.searchsorted(moments, closes)],
        age=age,
        stale=age > execution.stale_after,
        slippage=slippage_rate(execution),
        spread=np.array([spread_rate(execution, c, base) for c in currencies]),
        earn=np.array([execution.cash_rate] + [0.0] * (len(currencies) - 1)),
        owe=np.array([execution.overdraft_rate] + [0.0] * (len(currencies) - 1)),
        borrow=np.zeros(len(currencies)),
        rules=free_of_rules(high - low, len(lines)),
        actions=no_actions(),
        execution=execution,
        schedule=schedule,
        at_close=tuple(np.array(symbols)[late.any(axis=0)].tolist()),
    )


def cut(tape: Tape, low: int, high: int) -> Tape:
    """Return the tape of home sessions `low` to before `high`, without copying.

    The same as recording that period anew, for a fraction of the cost.
    """
    first, last = int(tape.home_at[low]), int(tape.home_at[high - 1]) + 1
    by_moment, by_session = slice(first, last), slice(low, high)
    return replace(
        tape,
        days=tape.days[by_session],
        moments=tape.moments[by_moment],
        home_at=tape.home_at[by_session] - first,
        closing=tape.closing[by_moment] - low,
        mark=tape.mark[by_moment],
        bar=tape.bar[by_moment],
        fill=tape.fill[by_moment],
        next_fill=np.minimum(tape.next_fill[first : last + 1] - first, last - first),
        due=tape.due[by_moment],
        fx=tape.fx[by_moment],
        tax_buy=tape.tax_buy[by_moment],
        tax_sell=tape.tax_sell[by_moment],
        own_day=tape.own_day[by_moment],
        settle_day=tape.settle_day[by_moment],
        price=tape.price[by_session],
        age=tape.age[by_session],
        stale=tape.stale[by_session],
        rules=tape.rules.cut(by_moment, by_session),
        actions=tape.actions.cut(first, last),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Layout:
    """What every exchange is laid over: moments and the home close after each."""

    moments: np.ndarray
    home_close: np.ndarray
    execution: Execution


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Venue:
    """The arrays of one exchange's n lines: (M, n); taxes and days (M,)."""

    mark: np.ndarray
    bar: np.ndarray
    fill: np.ndarray
    due: np.ndarray
    late: np.ndarray
    tax_buy: np.ndarray
    tax_sell: np.ndarray
    own_day: np.ndarray
    settle_day: np.ndarray


def _check_priced(market: Market, lines: Sequence[Line]) -> None:
    if not lines:
        raise DataError("a ledger needs at least one line to trade; none was given")
    missing = [line.symbol for line in lines if line.symbol not in market.lines]
    if missing:
        raise DataError(
            f"no prices for {at_most(missing)}; leave them out of the ledger's assets"
        )


def _moments(
    market: Market, venues: Sequence[str], execution: Execution, closes: np.ndarray
) -> np.ndarray:
    """Return the moments of the tape, increasing and unique."""
    found = [closes]
    for mic in venues:
        own = market.bars[calendar_of(mic)].sessions
        found.append(own.close_utc)
        if execution.at == "next_open":
            found.append(own.open_utc)
    every: np.ndarray = np.unique(np.concatenate(found))
    inside: np.ndarray = every[(every >= closes[0]) & (every <= closes[-1])]
    return inside


def _of_venue(
    market: Market,
    lines: Sequence[Line],
    mic: str,
    layout: _Layout,
    schedule: FeeSchedule,
) -> _Venue:
    """Return the arrays of the lines that trade on one exchange."""
    bars = market.bars[calendar_of(mic)]
    symbols = [line.symbol for line in lines if line.mic == mic]
    price = bars.price[symbols].to_numpy()
    own = bars.sessions
    closed = np.searchsorted(own.close_utc, layout.moments, side="right")
    last = _last_true(np.isfinite(price))[closed]
    known = np.take_along_axis(_after_nothing(price), last, axis=0)
    fresh = closed[:, None] - last <= layout.execution.stale_after
    fill, late = _fills(bars, symbols, layout)
    session = np.searchsorted(own.close_utc, layout.moments)  # running, or next
    days = own.days.to_numpy().astype("datetime64[D]")
    return _Venue(
        mark=known,
        bar=last,
        fill=fill,
        due=_another_fill(bars, layout)[:, None] & fresh & (last > 0),
        late=late,
        tax_buy=np.append(tax_rates(schedule, mic, "buy", own), np.nan)[session],
        tax_sell=np.append(tax_rates(schedule, mic, "sell", own), np.nan)[session],
        own_day=np.append(days, np.datetime64("NaT"))[session],
        settle_day=np.append(settlement_days(schedule, mic, own), np.datetime64("NaT"))[
            session
        ],
    )


def _fills(
    bars: Bars, symbols: Sequence[str], layout: _Layout
) -> tuple[np.ndarray, np.ndarray]:
    """Return fill prices (M, n), and where a close stands in for a missing open.

    With ``next_open``, a session whose open is not known fills at its close: what a
    later session has must not decide how this one trades.
    """
    closes = bars.price[list(symbols)].to_numpy()
    shape = (len(layout.moments), len(symbols))
    fill, late = np.full(shape, np.nan), np.zeros(shape, dtype=bool)
    if layout.execution.at == "next_open":
        opens = bars.open[list(symbols)].to_numpy()
        _place(fill, layout.moments, bars.sessions.open_utc, opens)
        closes = np.where(np.isfinite(opens), np.nan, closes)
        _place(late, layout.moments, bars.sessions.close_utc, np.isfinite(closes))
    at_closes = np.full(shape, np.nan)
    _place(at_closes, layout.moments, bars.sessions.close_utc, closes)
    return np.where(np.isfinite(fill), fill, at_closes), late


def _place(
    onto: np.ndarray, moments: np.ndarray, at: np.ndarray, values: np.ndarray
) -> None:
    """Write each row of `values` (S, n) into `onto` (M, n) at its moment, if there."""
    row = np.minimum(np.searchsorted(moments, at), len(moments) - 1)
    there = moments[row] == at
    onto[row[there]] = values[there]


def _another_fill(bars: Bars, layout: _Layout) -> np.ndarray:
    """Return whether the exchange can fill again by the home close, shape (M,)."""
    times = [bars.sessions.close_utc]
    if layout.execution.at == "next_open":
        times.append(bars.sessions.open_utc)
    later = np.zeros(len(layout.moments), dtype=bool)
    for at in times:
        now = np.searchsorted(at, layout.moments, side="right")
        later |= np.searchsorted(at, layout.home_close, side="right") > now
    return later


def _side_by_side(
    lines: Sequence[Line], venues: Sequence[str], blocks: Sequence[np.ndarray]
) -> np.ndarray:
    """Return the exchanges' blocks (M, n) as one array in the order of `lines`."""
    grouped = [line.symbol for mic in venues for line in lines if line.mic == mic]
    order = [grouped.index(line.symbol) for line in lines]
    return np.ascontiguousarray(np.concatenate(blocks, axis=1)[:, order])


def _after_nothing(values: np.ndarray) -> np.ndarray:
    """Return `values` (S, n) below a row of NaN that stands for "no bar yet"."""
    return np.vstack([np.full((1, values.shape[1]), np.nan), values])


def _last_true(flags: np.ndarray) -> np.ndarray:
    """Return, for the first s rows of (S, n), the number of the last True: (S + 1, n).

    Numbers count from 1; 0 where there is none yet.
    """
    numbered = np.where(flags, np.arange(1, len(flags) + 1)[:, None], 0)
    out = np.zeros((len(flags) + 1, flags.shape[1]), dtype=np.int64)
    np.maximum.accumulate(numbered, axis=0, out=out[1:])
    return out


def _next_true(flags: np.ndarray) -> np.ndarray:
    """Return the first row from here that is True, shape (M + 1, N), M = none."""
    count = len(flags)
    out = np.full((count + 1, flags.shape[1]), count, dtype=np.int64)
    rows = np.where(flags, np.arange(count)[:, None], count)
    out[:-1] = np.minimum.accumulate(rows[::-1], axis=0)[::-1]
    return out


def _before_first_fix(fx: np.ndarray) -> np.ndarray:
    """Return where a rate (M, C) is not known yet; a hole later is not meant."""
    return np.logical_and.accumulate(np.isnan(fx), axis=0)
