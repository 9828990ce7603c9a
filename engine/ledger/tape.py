"""A market laid out as arrays over the moments at which something can happen.

The ledger walks along these arrays and asks pandas for nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from engine.costs.fees import FeeSchedule
from engine.costs.model import slippage_rate, spread_rate
from engine.costs.rules import market_rules
from engine.errors import DataError, at_most
from engine.ledger.rules import Actions, Rules, actions_of
from engine.ledger.venues import Layout, Venue, of_venue
from engine.market.calendar import calendar_of
from engine.market.currency import Currencies
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
    fx : (M, C) units of the account's currency per unit, NaN before the first fix and
        where the last one is too old; rates : the fixes they are read from.
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
    rates: Currencies
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
    layout = Layout(moments=moments, home_close=closes[closing], execution=execution)
    columns = [of_venue(market, lines, mic, layout, schedule) for mic in venues]
    mark, bar, fill, due, late = (
        _side_by_side(lines, venues, [getattr(one, name) for one in columns])
        for name in ("mark", "bar", "fill", "due", "late")
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
        stale=(age > execution.stale_after) | _ended(lines, home.days[rows]),
        slippage=slippage_rate(execution),
        spread=np.array([spread_rate(execution, c, base) for c in currencies]),
        earn=_by_currency(currencies, execution.cash_rate, execution.cash_rates),
        owe=_by_currency(
            currencies, execution.overdraft_rate, execution.overdraft_rates
        ),
        borrow=np.array(
            [execution.borrow_rates.get(c, execution.borrow_rate) for c in currencies]
        ),
        rules=_rules(lines, venues, columns, execution, home.days[rows]),
        actions=_actions(lines, venues, columns),
        execution=execution,
        schedule=schedule,
        rates=market.currencies,
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


def _side_by_side(
    lines: Sequence[Line], venues: Sequence[str], blocks: Sequence[np.ndarray]
) -> np.ndarray:
    """Return the exchanges' blocks (M, n) as one array in the order of `lines`."""
    grouped = [line.symbol for mic in venues for line in lines if line.mic == mic]
    order = [grouped.index(line.symbol) for line in lines]
    return np.ascontiguousarray(np.concatenate(blocks, axis=1)[:, order])


def _rules(
    lines: Sequence[Line],
    venues: Sequence[str],
    columns: Sequence[Venue],
    execution: Execution,
    days: pd.DatetimeIndex,
) -> Rules:
    """Return what restricts orders, side by side for all exchanges."""
    raw = _side_by_side(lines, venues, [one.raw[None] for one in columns])[0]
    most = max(one.charges.shape[2] for one in columns)
    charges = np.concatenate([_padded(one.charges, most) for one in columns], axis=4)
    if most == 0:
        charges = charges[:0]

    def joined(name: str, blank: float) -> np.ndarray:
        blocks = [getattr(one, name) for one in columns]
        rows = max(len(block) for block in blocks)
        full = [
            block if len(block) == rows else np.full((rows, block.shape[1]), blank)
            for block in blocks
        ]
        return _side_by_side(lines, venues, full)

    no_buy, no_sell = joined("no_buy", 0.0) > 0.0, joined("no_sell", 0.0) > 0.0
    if not (no_buy.any() or no_sell.any()):
        no_buy, no_sell = no_buy[:0], no_sell[:0]
    return Rules(
        no_buy=no_buy,
        no_sell=no_sell,
        lot=_lots(lines, raw, execution, days),
        most=joined("most", np.inf),
        impact=joined("impact", 0.0),
        charges=np.ascontiguousarray(charges),
        charge_of=np.array([2 * venues.index(line.mic) for line in lines]) + raw,
        short=_shorts(lines, execution, days),
        sweep=execution.sweep,
    )


def _padded(charges: np.ndarray, count: int) -> np.ndarray:
    """Return charges (M, 2, J, 4, 2) with `count` items, the new ones nothing."""
    shape = (*charges.shape[:2], count - charges.shape[2], *charges.shape[3:])
    more = np.zeros(shape)
    more[:, :, :, 3] = np.inf
    return np.concatenate([charges, more], axis=2)


def _lots(
    lines: Sequence[Line], raw: np.ndarray, execution: Execution, days: pd.DatetimeIndex
) -> np.ndarray:
    """Return the shares of each line that trade together (N,), 0 = fractions too."""
    lot = np.zeros(len(lines))
    if execution.fractional:
        return lot
    first = days[:1].to_numpy().astype("datetime64[D]")
    for n, line in enumerate(lines):
        if raw[n]:
            known = market_rules().values("board lot", line, first)[0][0]
            usual = 1.0 if np.isnan(known) else float(known)
            lot[n] = execution.lots.get(line.symbol, usual)
    return lot


def _shorts(
    lines: Sequence[Line], execution: Execution, days: pd.DatetimeIndex
) -> np.ndarray:
    """Return at which home sessions each line may be sold short, (T, N)."""
    allowed = np.zeros((len(days), len(lines)), dtype=bool)
    if execution.short_margin is None:
        return allowed
    dates = days.to_numpy().astype("datetime64[D]")
    for n, line in enumerate(lines):
        allowed[:, n] = market_rules().values("short sales", line, dates)[0] > 0.0
    return allowed


def _actions(
    lines: Sequence[Line], venues: Sequence[str], columns: Sequence[Venue]
) -> Actions:
    """Return what happens to holdings, of all exchanges in time order."""
    found = []
    for mic, column in zip(venues, columns, strict=True):
        place = np.array([n for n, line in enumerate(lines) if line.mic == mic])
        rows = column.action.copy()
        rows[:, 1] = place[rows[:, 1].astype(np.int64)]
        found.append(rows)
    return actions_of(np.concatenate(found))


def _by_currency(
    currencies: Sequence[str], own: float, told: Mapping[str, float]
) -> np.ndarray:
    """Return annual rates (C,): as told, else `own` at home and 0 abroad."""
    usual = [own, *[0.0] * (len(currencies) - 1)]
    return np.array(
        [told.get(c, rate) for c, rate in zip(currencies, usual, strict=True)]
    )


def _ended(lines: Sequence[Line], days: pd.DatetimeIndex) -> np.ndarray:
    """Return at which home sessions a listing is over, (T, N)."""
    last = pd.DatetimeIndex([line.delisted for line in lines]).to_numpy()
    over: np.ndarray = days.to_numpy()[:, None] > last  # False where there is no end
    return over


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
