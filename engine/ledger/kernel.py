"""The walk of one account in compiled code: the same as `engine.ledger.account`.

Importing this file loads numba and the compiled code from its cache (about half a
second; the first time ever it is compiled, which takes longer): only
`engine.ledger.batch` does so, when it has work that is worth it.

The arithmetic follows the readable account line by line and is held to it by tests;
what goes wrong is a status, and the readable account then says what it was.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from engine.ledger.kernel_trade import fill_orders
from engine.ledger.kernel_types import (
    ACTION,
    BORROW,
    DECIDED,
    DONE,
    EVENTS,
    FAILED,
    FX,
    INTEREST,
    OPEN,
    ROW,
    WITHHELD,
    YEAR_NS,
    Reel,
    State,
    Tracks,
)


@njit(cache=True, nogil=True, error_model="numpy")
def run(reel: Reel, rows: np.ndarray, targets: np.ndarray, out: Tracks) -> int:
    """Walk one account along the reel and write its tracks; return the status.

    rows : (D,) home sessions at whose close the targets (D, N) are decided, increasing.
    """
    s = _start(reel)
    for d in range(len(rows)):
        status = _advance(reel, s, out, rows[d])
        if status != DONE:
            return status
        _order(reel, s, targets[d])
    return _advance(reel, s, out, len(reel.home_at) - 1)


@njit(cache=True, nogil=True, error_model="numpy")
def run_all(
    reel: Reel,
    rows: np.ndarray,
    schedules: np.ndarray,
    nav: np.ndarray,
    totals: np.ndarray,
    status: np.ndarray,
) -> None:
    """Walk one account per schedule (S, D, N); write nav (S, T), totals (S, 9).

    A schedule that fails has its `status` (S,) set, and the others go on.
    """
    sessions, assets = reel.price.shape
    none, empty = np.zeros((0, assets)), np.zeros(sessions)
    spare, other = np.zeros(sessions), np.zeros(sessions)
    for one in range(len(schedules)):
        empty[:], spare[:], other[:] = 0.0, 0.0, 0.0
        out = Tracks(
            nav[one],
            empty,
            spare,
            other,
            totals[one],
            none,
            none,
            np.zeros((0, assets), dtype=np.bool_),
            np.zeros((0, len(reel.spread))),
            np.zeros((0, 3), dtype=np.int64),
            np.zeros((0, 8)),
            np.zeros(0),
            np.zeros((0, 4)),
        )
        status[one] = run(reel, rows, schedules[one], out)


@njit(cache=True, nogil=True, error_model="numpy")
def _start(reel: Reel) -> State:
    """Return an account with its capital at the first home close."""
    assets, currencies = reel.price.shape[1], len(reel.spread)
    cash = np.zeros(currencies)
    cash[0] = reel.capital
    return State(
        np.zeros(assets),
        cash,
        np.zeros(assets),
        np.zeros(assets, dtype=np.bool_),
        np.full(assets, len(reel.time)),
        np.full(assets, np.nan),
        np.full(assets, -1),
        np.zeros(currencies),
        np.full(1, reel.time[0]),
        np.zeros(1),
        np.zeros(7, dtype=np.int64),
        np.zeros(assets),
        np.zeros(assets),
        np.zeros(assets),
        np.zeros(assets),
        np.zeros(assets),
        np.zeros(assets),
        np.zeros(assets, dtype=np.int64),
    )


@njit(cache=True, nogil=True, error_model="numpy")
def _order(reel: Reel, s: State, target: np.ndarray) -> None:
    """Replace all open orders by new targets (N,), decided at the last close."""
    decided = s.number[ROW] - 1
    s.number[DECIDED] = decided
    first = reel.home_at[decided] + 1
    count = 0
    waits, fill_at, next_fill, units = (
        s.waits,
        s.fill_at,
        reel.next_fill[first],
        s.units,
    )
    s.target[:] = target
    for i in range(len(target)):
        waits[i] = target[i] != 0.0 or units[i] != 0.0
        fill_at[i] = next_fill[i]
        count += waits[i]
    s.number[OPEN] = count


@njit(cache=True, nogil=True, error_model="numpy")
def _advance(reel: Reel, s: State, out: Tracks, last: int) -> int:
    """Fill and close everything up to and including the close of session `last`."""
    never = len(reel.time)
    while True:
        fill = _next_fill(s, never)
        at = fill
        if s.number[ACTION] < len(reel.action_at):
            at = min(fill, reel.action_at[s.number[ACTION]])
        over = at > reel.home_at[last]
        stop = last + 1 if over else np.searchsorted(reel.home_at, at)
        status = _close(reel, s, out, stop)
        if over or status != DONE:
            return status
        _accrue(reel, s, at)
        _act(reel, s, out, at)
        if at == fill and _next_fill(s, never) == at:
            status = fill_orders(reel, s, out, at)
            if status != DONE:
                return status


@njit(cache=True, nogil=True, error_model="numpy")
def _next_fill(s: State, never: int) -> int:
    """Return the first moment at which an open order can fill."""
    at = never
    if s.number[OPEN] > 0:
        waits, fill_at = s.waits, s.fill_at
        for i in range(len(waits)):
            if waits[i] and fill_at[i] < at:
                at = fill_at[i]
    return at


@njit(cache=True, nogil=True, error_model="numpy")
def _accrue(reel: Reel, s: State, at: int) -> None:
    """Count interest on cash up to the moment `at`."""
    years = (reel.time[at] - s.clock[0]) / YEAR_NS
    for c in range(len(s.cash)):
        rate = reel.earn[c] if s.cash[c] >= 0.0 else reel.owe[c]
        s.accrued[c] += s.cash[c] * rate * years
    s.clock[0] = reel.time[at]


@njit(cache=True, nogil=True, error_model="numpy")
def _act(reel: Reel, s: State, out: Tracks, at: int) -> None:
    """Pay dividends, split shares and end listings at the moment `at`."""
    while (
        s.number[ACTION] < len(reel.action_at)
        and reel.action_at[s.number[ACTION]] == at
    ):
        e = s.number[ACTION]
        s.number[ACTION] += 1
        i = reel.action_asset[e]
        units, split = s.units[i], reel.action_split[e]
        per_share = reel.action_dividend[e]
        s.paid[i] = s.paid[i] / split - per_share
        if reel.action_ends[e] and s.waits[i]:
            s.waits[i] = False
            s.number[OPEN] -= 1
        if units == 0.0:
            continue
        s.units[i] = units * split
        if reel.action_ends[e]:
            per_share = reel.action_worth[e]
            if not np.isfinite(per_share):
                per_share = 0.0
            s.units[i] = 0.0
        gross = units * split * per_share
        held_back = max(gross, 0.0) * reel.action_withheld[e]
        c = reel.currency_of[i]
        s.cash[c] += gross - held_back
        out.totals[WITHHELD] += held_back * reel.fx[at, c]
        if len(out.event):
            out.event[s.number[EVENTS], 0] = e
            out.event[s.number[EVENTS], 1] = units
            out.event[s.number[EVENTS], 2] = gross * reel.fx[at, c]
            out.event[s.number[EVENTS], 3] = held_back * reel.fx[at, c]
        s.number[EVENTS] += 1


@njit(cache=True, nogil=True, error_model="numpy")
def _close(reel: Reel, s: State, out: Tracks, stop: int) -> int:
    """Close the home sessions before `stop`; return the status.

    The arrays are looked up once for all of them: most sessions see no trade.
    """
    units, cash, accrued, paid, paid_bar = s.units, s.cash, s.accrued, s.paid, s.bar
    prices, bars, rates, currency_of = reel.price, reel.bar, reel.fx, reel.currency_of
    earn, owe, lending, time = reel.earn, reel.owe, reel.borrow, reel.time
    home_at, opens, waits = reel.home_at, reel.opens, s.waits
    holdings, shown, cash_of, waiting = out.holdings, out.price, out.cash, out.waiting
    navs, interest, borrowed, keep = out.nav, out.interest, out.borrowed, len(holdings)
    clock, lent, interest_sum, borrow_sum = s.clock[0], s.lent[0], 0.0, 0.0
    for row in range(s.number[ROW], stop):
        at = home_at[row]
        fx, years, earned = rates[at], (time[at] - clock) / YEAR_NS, 0.0
        abroad = False
        for c in range(len(cash)):
            accrued[c] += cash[c] * (earn[c] if cash[c] >= 0.0 else owe[c]) * years
            if accrued[c] != 0.0:
                earned += accrued[c] * fx[c]
            cash[c] += accrued[c]
            accrued[c] = 0.0
            abroad = abroad or (c > 0 and cash[c] != 0.0)
        clock = time[at]
        interest[row] = -earned
        interest_sum -= earned
        if lent != 0.0:
            fee = lent * ((clock - time[home_at[max(row - 1, 0)]]) / YEAR_NS)
            cash[0] -= fee
            borrowed[row] = fee
            borrow_sum += fee
        if abroad:
            _sweep(reel, s, out, row)
        nav, lent = 0.0, 0.0
        for c in range(len(cash)):
            if cash[c] != 0.0:
                nav += cash[c] * fx[c]
        for i in range(len(units)):
            if units[i] != 0.0:
                now, c = prices[row, i], currency_of[i]
                if opens and bars[at, i] == paid_bar[i]:
                    now = paid[i]
                value = units[i] * now * fx[c]
                nav += value
                if units[i] < 0.0:
                    lent -= value * lending[c]
                if keep:
                    shown[row, i] = now
        if keep:
            holdings[row] = units
            waiting[row] = waits
            cash_of[row] = cash
        navs[row] = nav
        if not nav > 0.0:
            return FAILED
    s.number[ROW] = max(stop, s.number[ROW])
    s.clock[0], s.lent[0] = clock, lent
    out.totals[INTEREST] += interest_sum
    out.totals[BORROW] += borrow_sum
    return DONE


@njit(cache=True, nogil=True, error_model="numpy")
def _sweep(reel: Reel, s: State, out: Tracks, row: int) -> None:
    """Turn foreign cash into the account's own, or what an overdraft asks for."""
    at, lost = reel.home_at[row], 0.0
    if reel.sweep:
        for c in range(1, len(s.cash)):
            if s.cash[c] != 0.0:
                amount = s.cash[c] * reel.fx[at, c]
                lost += np.abs(amount) * reel.spread[c]
                s.cash[0] += amount - np.abs(amount) * reel.spread[c]
                s.cash[c] = 0.0
    else:
        for c in range(1, len(s.cash)):
            if s.cash[c] < 0.0:
                amount = s.cash[c] * reel.fx[at, c]
                lost -= amount * reel.spread[c]
                s.cash[0] += amount + amount * reel.spread[c]
                s.cash[c] = 0.0
        for c in range(1, len(s.cash)):
            if s.cash[c] > 0.0 and s.cash[0] < 0.0:
                kept = 1.0 - reel.spread[c]
                amount = min(s.cash[c] * reel.fx[at, c], -s.cash[0] / kept)
                lost += amount * reel.spread[c]
                s.cash[0] += amount * kept
                s.cash[c] -= amount / reel.fx[at, c]
    out.swept[row] = lost
    out.totals[FX] += lost
