"""One exchange's lines laid over a tape's moments: marks, fills, taxes, limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.costs.fees import FeeSchedule
from engine.costs.model import SIDES, settlement_days, tax_rates
from engine.costs.rules import market_rules
from engine.ledger.liquidity import Liquidity, liquidity_of
from engine.ledger.quotes import Quotes, ends_at, locked, quotes_of
from engine.market.bars import Bars
from engine.market.calendar import calendar_of
from engine.market.listing import Line
from engine.market.market import Market
from engine.thesis.model import Execution


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Layout:
    """What every exchange is laid over: moments and the home close after each."""

    moments: np.ndarray
    home_close: np.ndarray
    execution: Execution

    @property
    def at_open(self) -> bool:
        """Whether orders fill at opens."""
        return self.execution.at == "next_open"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Venue:
    """The arrays of one exchange's n lines: (M, n); taxes and days (M,).

    charges : (M, 2, J, 4, 2) per order for buys and sells, at adjusted and at raw
    prices. action : (L, 7) dividends, splits and ends as rows of moment, line, split,
    dividend, withheld, whether it ends, worth. raw : (n,) lines at prices as traded.
    """

    mark: np.ndarray
    bar: np.ndarray
    fill: np.ndarray
    due: np.ndarray
    late: np.ndarray
    no_buy: np.ndarray
    no_sell: np.ndarray
    most: np.ndarray
    impact: np.ndarray
    tax_buy: np.ndarray
    tax_sell: np.ndarray
    own_day: np.ndarray
    settle_day: np.ndarray
    charges: np.ndarray
    action: np.ndarray
    raw: np.ndarray


def of_venue(
    market: Market,
    lines: Sequence[Line],
    mic: str,
    layout: Layout,
    schedule: FeeSchedule,
) -> Venue:
    """Return the arrays of the lines that trade on one exchange."""
    bars = market.bars[calendar_of(mic)]
    here = [line for line in lines if line.mic == mic]
    quotes, own = quotes_of(bars, here), bars.sessions
    closed = np.searchsorted(own.close_utc, layout.moments, side="right")
    last = _last_true(np.isfinite(quotes.close))[closed]
    known = np.take_along_axis(_after_nothing(quotes.close), last, axis=0)
    if quotes.raw.any():
        known = np.where(quotes.raw, _through_actions(quotes, bars, layout), known)
    fresh = closed[:, None] - last <= layout.execution.stale_after
    fill, late = _fills(quotes, bars, layout)
    over = ends_at(here, own.days, bars, layout.at_open)
    fill[layout.moments[:, None] >= over] = np.nan
    no_buy, no_sell = _limits(quotes, here, bars, layout)
    liquid = _liquidity(bars, here, layout)
    session = np.searchsorted(own.close_utc, layout.moments)  # running, or next
    days = own.days.to_numpy().astype("datetime64[D]")
    settled = settlement_days(schedule, mic, own)
    return Venue(
        mark=known,
        bar=last,
        fill=fill,
        due=_another_fill(bars, layout)[:, None] & fresh & (last > 0),
        late=late,
        no_buy=no_buy,
        no_sell=no_sell,
        most=liquid.most,
        impact=liquid.impact,
        tax_buy=np.append(tax_rates(schedule, mic, "buy", own), np.nan)[session],
        tax_sell=np.append(tax_rates(schedule, mic, "sell", own), np.nan)[session],
        own_day=np.append(days, np.datetime64("NaT"))[session],
        settle_day=np.append(settled, np.datetime64("NaT"))[session],
        charges=_charges(schedule, mic, (days, settled), session, quotes.raw.any()),
        action=_actions(quotes, here, bars, layout, over),
        raw=quotes.raw,
    )


def place(
    onto: np.ndarray, moments: np.ndarray, at: np.ndarray, values: np.ndarray
) -> None:
    """Write each row of `values` (S, n) into `onto` (M, n) at its moment, if there."""
    row = np.minimum(np.searchsorted(moments, at), len(moments) - 1)
    there = moments[row] == at
    onto[row[there]] = values[there]


def _through_actions(quotes: Quotes, bars: Bars, layout: Layout) -> np.ndarray:
    """Return marks (M, n) that splits and dividends have gone through.

    From the moment at which an ex-session can fill, the close before it counts at what
    it is worth without the dividend, in the new shares.
    """
    own = bars.sessions
    closed = np.searchsorted(own.close_utc, layout.moments, side="right")
    known: np.ndarray = quotes.after[closed]
    if not layout.at_open or not len(own):
        return known
    opened = np.searchsorted(own.open_utc, layout.moments, side="right")
    running = np.minimum(closed, len(own) - 1)
    return np.where((opened > closed)[:, None], quotes.before[running], known)


def _fills(quotes: Quotes, bars: Bars, layout: Layout) -> tuple[np.ndarray, np.ndarray]:
    """Return fill prices (M, n), and where a close stands in for a missing open.

    With ``next_open``, a session whose open is not known fills at its close: what a
    later session has must not decide how this one trades.
    """
    closes = quotes.close
    shape = (len(layout.moments), closes.shape[1])
    fill, late = np.full(shape, np.nan), np.zeros(shape, dtype=bool)
    if layout.at_open:
        place(fill, layout.moments, bars.sessions.open_utc, quotes.open)
        closes = np.where(np.isfinite(quotes.open), np.nan, closes)
        place(late, layout.moments, bars.sessions.close_utc, np.isfinite(closes))
    at_closes = np.full(shape, np.nan)
    place(at_closes, layout.moments, bars.sessions.close_utc, closes)
    return np.where(np.isfinite(fill), fill, at_closes), late


def _limits(
    quotes: Quotes, lines: Sequence[Line], bars: Bars, layout: Layout
) -> tuple[np.ndarray, np.ndarray]:
    """Return where price limits keep from buying and from selling, (M or 0, n)."""
    own = bars.sessions
    if not quotes.raw.any():
        none = np.zeros((0, len(lines)), dtype=bool)
        return none, none
    shape = (len(layout.moments), len(lines))
    up, down = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    times = [(own.close_utc, quotes.close)]
    if layout.at_open:
        times.append((own.open_utc, quotes.open))
    for at, price in times:
        high, low = locked(quotes, lines, own.days, price)
        place(up, layout.moments, at, high)
        place(down, layout.moments, at, low)
    return up, down


def _liquidity(bars: Bars, lines: Sequence[Line], layout: Layout) -> Liquidity:
    """Return the limit on participation and the cost of impact, (M or 0, n)."""
    terms = layout.execution
    if terms.impact == 0.0 and terms.max_participation is None:
        none = np.zeros((0, len(lines)))
        return Liquidity(most=none, impact=none)
    found = liquidity_of(bars, [line.symbol for line in lines], terms)
    shape = (len(layout.moments), len(lines))
    most, impact = np.full(shape, np.inf), np.zeros(shape)
    own = bars.sessions
    for at in (own.close_utc, own.open_utc) if layout.at_open else (own.close_utc,):
        place(most, layout.moments, at, found.most)
        place(impact, layout.moments, at, found.impact)
    return Liquidity(most=most, impact=impact)


def _charges(
    schedule: FeeSchedule,
    mic: str,
    days: tuple[np.ndarray, np.ndarray],
    session: np.ndarray,
    raw: np.bool_,
) -> np.ndarray:
    """Return the charges per order of the running or next session (M, 2, J, 4, 2).

    `days` are those of trades and of their settlements; `raw`: any line is raw.
    """
    found = [
        [
            schedule.order_charges(mic, side, *days, raw=bool(whole))
            for whole in (False, raw)
        ]
        for side in SIDES
    ]
    most = max(len(one) for side in found for one in side)
    laid = np.zeros((2, most, 4, 2, len(days[0]) + 1))
    laid[:, :, 3] = np.inf
    for side, of_side in enumerate(found):
        for basis, charge in enumerate(of_side):
            laid[side, : len(charge), :, basis, :-1] = charge
    return np.ascontiguousarray(np.moveaxis(laid, -1, 0)[session])


def _actions(
    quotes: Quotes,
    lines: Sequence[Line],
    bars: Bars,
    layout: Layout,
    over: np.ndarray,
) -> np.ndarray:
    """Return what happens to holdings, one row each (L, 7); as in `Venue`."""
    own, moments = bars.sessions, layout.moments
    at = own.open_utc if layout.at_open else own.close_utc
    place_of = np.searchsorted(moments, at)
    inside = (at > moments[0]) & (at <= moments[-1])
    days = own.days.to_numpy().astype("datetime64[D]")
    met = (quotes.dividend > 0.0) | (quotes.split != 1.0)
    rows = []
    for n, line in enumerate(lines):
        tax = layout.execution.withholding.get(line.mic)
        withheld = np.full(len(days), 0.0 if tax is None else tax)
        if tax is None and met[:, n].any():
            withheld = np.nan_to_num(
                market_rules().values("withholding", line, days)[0]
            )
        for s in np.flatnonzero(met[:, n] & inside & (at < over[n])):
            paid = quotes.split[s, n], quotes.dividend[s, n], withheld[s]
            rows.append((place_of[s], n, *paid, 0.0, np.nan))
        for s in np.flatnonzero(inside & (at == over[n])):
            worth = quotes.after[s, n] * (1.0 + layout.execution.delisting_return)
            rows.append((place_of[s], n, 1.0, 0.0, 0.0, 1.0, worth))
    return np.array(rows, dtype=np.float64).reshape(-1, 7)


def _another_fill(bars: Bars, layout: Layout) -> np.ndarray:
    """Return whether the exchange can fill again by the home close, shape (M,)."""
    times = [bars.sessions.close_utc]
    if layout.at_open:
        times.append(bars.sessions.open_utc)
    later = np.zeros(len(layout.moments), dtype=bool)
    for at in times:
        now = np.searchsorted(at, layout.moments, side="right")
        later |= np.searchsorted(at, layout.home_close, side="right") > now
    return later


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
