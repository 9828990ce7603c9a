"""The walk of one account in compiled code: the same as `engine.ledger.account`.

Importing this file loads numba, and the first call the compiled code from its cache
(together about half a second; the first time ever it is compiled, which takes longer):
only `engine.ledger.compiled` does so, when there is work that is worth it.

The arithmetic follows the readable account and `engine.ledger.trade` line by line and
is held to them by tests; what goes wrong is a status, and the readable account then
says what it was. All of it stands in one file because numba forgets what it has
compiled when this file changes, not when one that it imports does.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from engine.ledger.kernel_types import (
    ACTION,
    BORROW,
    COMMISSION,
    DECIDED,
    DONE,
    EVENTS,
    FAILED,
    FILLS,
    FULL,
    FX,
    IMPACT,
    INTEREST,
    MOMENTS,
    OPEN,
    ROW,
    SLIPPAGE,
    TAX,
    TRADED,
    WITHHELD,
    YEAR_NS,
    Reel,
    State,
    Tracks,
)
from engine.ledger.trade import DUST, ROUNDING


@njit(cache=True, nogil=True, error_model="numpy")
def run(reel: Reel, rows: np.ndarray, targets: np.ndarray, out: Tracks) -> int:
    """Walk one account along the reel and write its tracks; return the status.

    rows : (D,) home sessions at whose close the targets (D, N) are decided, increasing.
    """
    s = _start(reel, 0)
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
def run_windows(
    reel: Reel,
    rows: np.ndarray,
    targets: np.ndarray,
    spans: np.ndarray,
    room: int,
    nav: np.ndarray,
    told: np.ndarray,
    status: np.ndarray,
) -> None:
    """Walk one account per span (W, 4), each over its own home sessions.

    spans : first and last home session; first decision and the one after the last,
        places in `rows` (D,) and `targets` (D, N). A decision from before the first
        session is taken there.
    room : fills that an account may have; 0 for no counts.
    nav : (W, L) written from the first session on. told : (W, 3) costs paid, and, if
        there is room, fills and session ends at which orders stood open.
    """
    sessions, assets = reel.price.shape
    currencies, kept = len(reel.spread), sessions if room else 0
    out = Tracks(
        np.zeros(sessions),
        np.zeros(sessions),
        np.zeros(sessions),
        np.zeros(sessions),
        np.zeros(9),
        np.zeros((kept, assets)),
        np.zeros((kept, assets)),
        np.zeros((kept, assets), dtype=np.bool_),
        np.zeros((kept, currencies)),
        np.zeros((room, 3), dtype=np.int64),
        np.zeros((room, 8)),
        np.zeros(0),
        np.zeros((0, 4)),
    )
    for w in range(len(spans)):
        first, last = spans[w, 0], spans[w, 1]
        out.totals[:] = 0.0
        s = _start(reel, first)
        status[w] = DONE
        for d in range(spans[w, 2], spans[w, 3]):
            status[w] = _advance(reel, s, out, max(rows[d], first))
            if status[w] != DONE:
                break
            _order(reel, s, targets[d])
        if status[w] == DONE:
            status[w] = _advance(reel, s, out, last)
        if status[w] != DONE:
            continue
        nav[w, : last + 1 - first] = out.nav[first : last + 1]
        costs = out.totals.sum() - out.totals[INTEREST] - out.totals[TRADED]
        for row in range(first, last + 1):
            costs += max(out.interest[row], 0.0)
        told[w, 0] = costs
        if room:
            told[w, 1] = s.number[FILLS]
            told[w, 2] = out.waiting[first : last + 1].sum()


@njit(cache=True, nogil=True, error_model="numpy")
def _start(reel: Reel, row: int) -> State:
    """Return an account with its capital at the close of home session `row`."""
    assets, currencies = reel.price.shape[1], len(reel.spread)
    cash = np.zeros(currencies)
    cash[0] = reel.capital
    number = np.zeros(7, dtype=np.int64)
    number[ROW] = row
    number[ACTION] = np.searchsorted(
        reel.action_at, reel.home_at[row], side="right"
    )  # what comes with that close or before it, comes to no account
    return State(
        np.zeros(assets),
        cash,
        np.zeros(assets),
        np.zeros(assets, dtype=np.bool_),
        np.full(assets, len(reel.time)),
        np.full(assets, np.nan),
        np.full(assets, -1),
        np.zeros(currencies),
        np.full(1, reel.time[reel.home_at[row]]),
        np.zeros(1),
        number,
        np.zeros(assets),
        np.zeros(assets),
        np.zeros(assets),
        np.zeros(assets),
        np.zeros(assets),
        np.zeros(assets),
        np.zeros(assets, dtype=np.int64),
        np.zeros(assets, dtype=np.int64),
    )


@njit(cache=True, nogil=True, error_model="numpy")
def _order(reel: Reel, s: State, target: np.ndarray) -> None:
    """Replace all open orders by new targets (N,), decided at the last close."""
    decided = s.number[ROW] - 1
    s.number[DECIDED] = decided
    first = reel.home_at[decided] + 1
    count = 0
    waits, fill_at, units, listed = s.waits, s.fill_at, s.units, s.listed
    next_fill = reel.next_fill[first]
    s.target[:] = target
    for i in range(len(target)):
        waits[i] = target[i] != 0.0 or units[i] != 0.0
        fill_at[i] = next_fill[i]
        if waits[i]:
            listed[count] = i
            count += 1
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
            status = _fill_orders(reel, s, out, at)
            if status != DONE:
                return status


@njit(cache=True, nogil=True, error_model="numpy")
def _next_fill(s: State, never: int) -> int:
    """Return the first moment at which an open order can fill."""
    at = never
    waits, fill_at, listed = s.waits, s.fill_at, s.listed
    for k in range(s.number[OPEN]):
        i = listed[k]
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
    moment, asset, splits = reel.action_at, reel.action_asset, reel.action_split
    dividend, withheld = reel.action_dividend, reel.action_withheld
    ends, worth, fx = reel.action_ends, reel.action_worth, reel.fx[at]
    units_of, paid, cash, waits = s.units, s.paid, s.cash, s.waits
    event, currency_of = out.event, reel.currency_of
    e, k, tax = s.number[ACTION], s.number[EVENTS], 0.0
    while e < len(moment) and moment[e] == at:
        i = asset[e]
        units, split, per_share = units_of[i], splits[e], dividend[e]
        paid[i] = paid[i] / split - per_share
        if ends[e]:
            waits[i] = False
        if units != 0.0:
            units_of[i] = units * split
            if ends[e]:
                per_share = worth[e] if np.isfinite(worth[e]) else 0.0
                units_of[i] = 0.0
            gross, c = units * split * per_share, currency_of[i]
            held_back = max(gross, 0.0) * withheld[e]
            cash[c] += gross - held_back
            tax += held_back * fx[c]
            if len(event):
                event[k, 0], event[k, 1] = e, units
                event[k, 2], event[k, 3] = gross * fx[c], held_back * fx[c]
            k += 1
        e += 1
    s.number[ACTION], s.number[EVENTS] = e, k
    out.totals[WITHHELD] += tax


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


@njit(cache=True, nogil=True, error_model="numpy")
def _charges_of(
    charges: np.ndarray, at: int, side: int, group: int, value: float, shares: float
) -> float:
    """Return the charges on an order of a value and shares, own currency.

    charges : (M, 2, J, 4, groups) as in `Rules`.
    """
    total = 0.0
    for j in range(charges.shape[2]):
        own = value * charges[at, side, j, 0, group]
        own += shares * charges[at, side, j, 1, group]
        if np.isnan(own):
            return np.nan
        least, most = charges[at, side, j, 2, group], charges[at, side, j, 3, group]
        total += min(max(own, least), most)
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def _whole_lots(value: float, unit: float, lot: float) -> float:
    """Return a value cut down to whole lots where there are lots."""
    if lot <= 0.0 or value <= 0.0:
        return value
    return np.floor(value / (unit * lot) + ROUNDING) * (unit * lot)


@njit(cache=True, nogil=True, error_model="numpy")
def _after(before: float, change: float, lot: float, ended: bool) -> float:
    """Return the units after a trade, in whole lots unless it ends the position."""
    if ended:
        return 0.0
    if lot > 0.0:
        change = np.rint(change / lot) * lot
    return before + change


@njit(cache=True, nogil=True, error_model="numpy")
def _fill_orders(reel: Reel, s: State, out: Tracks, at: int) -> int:
    """Fill every open order whose moment is `at`; return the status."""
    nav = _mark(reel, s, at)
    if not nav > 0.0:
        return FAILED
    room = s.number[FILLS] + len(s.units) <= len(out.fill_place)
    if len(out.fill_place) and not room:
        return FULL
    power = _sell(reel, s, out, at, nav)
    for c in range(len(s.cash)):
        if s.cash[c] != 0.0:
            power += s.cash[c] * (reel.fx[at, c] * (1.0 - reel.spread[c]))
    unbought = _afford(reel, s, at, nav, power)
    _pay(reel, s, out, at)
    if len(out.unbought):
        out.unbought[s.number[MOMENTS]] = unbought / nav
    s.number[MOMENTS] += 1
    _settle(reel, s, at)
    for c in range(len(s.cash)):
        if not np.isfinite(s.cash[c]):
            return FAILED
    return DONE


@njit(cache=True, nogil=True, error_model="numpy")
def _mark(reel: Reel, s: State, at: int) -> float:
    """Value all at the moment `at`; return NAV, NaN without a rate.

    `flag` is 1 for the listed orders that fill now, and `unit_value` holds what a unit
    of each listed asset is worth.
    """
    units, waits, fill_at, flag, listed = s.units, s.waits, s.fill_at, s.flag, s.listed
    unit_value, paid, paid_bar = s.unit_value, s.paid, s.bar
    mark, fill, bar = reel.mark[at], reel.fill[at], reel.bar[at]
    fx, currency_of, opens = reel.fx[at], reel.currency_of, reel.opens
    nav = 0.0
    for c in range(len(s.cash)):
        if s.cash[c] != 0.0:
            nav += s.cash[c] * fx[c]
    for i in range(len(units)):
        if units[i] != 0.0:
            price = mark[i]
            if opens:
                if waits[i] and fill_at[i] == at:
                    price = fill[i]
                elif bar[i] == paid_bar[i]:
                    price = paid[i]
            nav += units[i] * price * fx[currency_of[i]]
    for place_of in range(s.number[OPEN]):
        i = listed[place_of]
        filling = waits[i] and fill_at[i] == at
        flag[i] = filling
        price = mark[i]  # at a close, what fills there is what marks from there on
        if opens and filling:
            price = fill[i]
        elif opens and bar[i] == paid_bar[i]:
            price = paid[i]
        rate = fx[currency_of[i]]
        if filling and np.isnan(rate):
            return np.nan
        unit_value[i] = price * rate
    return nav


@njit(cache=True, nogil=True, error_model="numpy")
def _sell(reel: Reel, s: State, out: Tracks, at: int, nav: float) -> float:
    """Make the sales of a moment; return what those that wait should bring.

    Leaves in `gap` what each purchase wants, 0 elsewhere. `flag` gains 2 where an order
    stays open, 4 where the trade ends a position.
    """
    units, waits, flag, target, gaps = s.units, s.waits, s.flag, s.target, s.gap
    unit_value, cash, due = s.unit_value, s.cash, reel.due[at]
    fx, currency_of, venue_of = reel.fx[at], reel.currency_of, reel.venue_of
    charge_of = reel.charge_of
    tax_sell, spread, slippage, lot = (
        reel.tax_sell[at],
        reel.spread,
        reel.slippage,
        reel.lot,
    )
    limited, capped, charged = (
        len(reel.no_buy) > 0,
        len(reel.most) > 0,
        len(reel.charges) > 0,
    )
    no_buy, no_sell = reel.no_buy, reel.no_sell
    most, depth, charges = reel.most, reel.impact, reel.charges
    totals, place, number = out.totals, out.fill_place, out.fill_number
    keep, k, decided = len(place) > 0, s.number[FILLS], s.number[DECIDED]
    coming, slipped, taxed, charged_sum = 0.0, 0.0, 0.0, 0.0
    moved_sum, traded = 0.0, 0.0
    listed = s.listed
    for place_of in range(s.number[OPEN]):
        i = listed[place_of]
        gaps[i] = 0.0
        if not waits[i]:
            continue
        held = units[i] * unit_value[i] if units[i] != 0.0 else 0.0
        gap = target[i] * nav - held
        size = np.abs(gap)
        if size <= DUST * nav:
            continue
        can = flag[i] & 1 == 1
        if limited and can:
            can = not (no_sell[at, i] if gap < 0.0 else no_buy[at, i])
        c, tax = currency_of[i], tax_sell[venue_of[i]]
        if not can:
            flag[i] |= 2
            if gap < 0.0 and due[i]:
                lost = slippage + tax + spread[c] * (1.0 - slippage - tax)
                coming += size * (1.0 - lost)
            continue
        rate, unit = fx[c], unit_value[i]
        ended = target[i] == 0.0
        if capped and size > most[at, i] * rate:
            size = most[at, i] * rate
            flag[i] |= 2
            ended = False
        if ended:
            flag[i] |= 4
        else:
            size = _whole_lots(size, unit, lot[i])
        if gap > 0.0:
            gaps[i] = size
            continue
        if size <= 0.0:
            continue
        charge, moved = 0.0, 0.0
        if charged:
            charge = (
                _charges_of(charges, at, 1, charge_of[i], size / rate, size / unit)
                * rate
            )
        if capped and depth[at, i] != 0.0:
            moved = size * depth[at, i] * np.sqrt(size / rate)
        proceeds = (size * (1.0 - (slippage + tax)) - charge - moved) / rate
        cash[c] += proceeds
        before = units[i]
        units[i] = _after(before, -size / unit, lot[i], ended)
        slipped += size * slippage
        taxed += size * tax
        charged_sum += charge
        moved_sum += moved
        traded += size
        if keep and units[i] != before:
            place[k, 0], place[k, 1], place[k, 2] = at, decided, i
            number[k, 0], number[k, 1] = units[i] - before, size
            number[k, 2], number[k, 3] = size * slippage, size * tax
            number[k, 4], number[k, 5] = charge, moved
            number[k, 6], number[k, 7] = 0.0, proceeds
            k += 1
    s.number[FILLS] = k
    totals[SLIPPAGE] += slipped
    totals[TAX] += taxed
    totals[COMMISSION] += charged_sum
    totals[IMPACT] += moved_sum
    totals[TRADED] += traded
    return coming


@njit(cache=True, nogil=True, error_model="numpy")
def _afford(reel: Reel, s: State, at: int, nav: float, power: float) -> float:
    """Write into `bought` the purchases that the power pays for; return the rest.

    The rest is the value not bought, account's currency. `local`, `extra` and `moved`
    get what each purchase costs without conversion, its charges and its impact.
    """
    gaps, bought, unit_value = s.gap, s.bought, s.unit_value
    fx, currency_of, venue_of = reel.fx[at], reel.currency_of, reel.venue_of
    charge_of = reel.charge_of
    tax_buy, spread, slippage, lot = (
        reel.tax_buy[at],
        reel.spread,
        reel.slippage,
        reel.lot,
    )
    capped, charged = len(reel.most) > 0, len(reel.charges) > 0
    depth, charges, extra, moved = reel.impact, reel.charges, s.extra, s.moved
    need, beside, wanted = 0.0, 0.0, 0.0
    listed, count = s.listed, s.number[OPEN]
    for place_of in range(count):
        i = listed[place_of]
        bought[i] = gaps[i]
        if gaps[i] > 0.0:
            c, tax = currency_of[i], tax_buy[venue_of[i]]
            added = slippage + tax + spread[c] * (1.0 + slippage + tax)
            need += gaps[i] * (1.0 + added)
            wanted += gaps[i]
            extra[i], moved[i] = 0.0, 0.0
            if charged:
                extra[i] = (
                    _charges_of(
                        charges,
                        at,
                        0,
                        charge_of[i],
                        gaps[i] / fx[c],
                        gaps[i] / unit_value[i],
                    )
                    * fx[c]
                )
            if capped and depth[at, i] != 0.0:
                moved[i] = gaps[i] * depth[at, i] * np.sqrt(gaps[i] / fx[c])
            beside += (extra[i] + moved[i]) * (1.0 + spread[c])
    if np.isnan(need) or np.isnan(beside):
        s.cash[0] = np.nan  # a tax without a rate: the status says so
        return 0.0
    free = max(power - beside, 0.0)
    missed, scaled = 0.0, need > free
    if scaled:
        missed = (1.0 - free / need) * wanted
    for place_of in range(count):
        i = listed[place_of]
        if gaps[i] > 0.0:
            c = currency_of[i]
            if scaled:
                bought[i] = _whole_lots(gaps[i] * (free / need), unit_value[i], lot[i])
            if bought[i] <= DUST * nav:
                bought[i] = 0.0
            if scaled and charged:
                extra[i] = (
                    _charges_of(
                        charges,
                        at,
                        0,
                        charge_of[i],
                        bought[i] / fx[c],
                        bought[i] / unit_value[i],
                    )
                    * fx[c]
                )
            if scaled and capped:
                moved[i] = bought[i] * depth[at, i] * np.sqrt(bought[i] / fx[c])
    return missed


@njit(cache=True, nogil=True, error_model="numpy")
def _pay(reel: Reel, s: State, out: Tracks, at: int) -> None:
    """Pay for the purchases in `bought` and book them."""
    units, flag, gaps, bought = s.units, s.flag, s.gap, s.bought
    unit_value, cash, local = s.unit_value, s.cash, s.local
    fx, currency_of, venue_of = reel.fx[at], reel.currency_of, reel.venue_of
    tax_buy, spread, slippage, lot = (
        reel.tax_buy[at],
        reel.spread,
        reel.slippage,
        reel.lot,
    )
    extra, moved = s.extra, s.moved
    needed, share = np.zeros(len(cash)), np.zeros(len(cash))
    listed, count = s.listed, s.number[OPEN]
    for place_of in range(count):
        i = listed[place_of]
        if bought[i] > 0.0:
            tax = tax_buy[venue_of[i]]
            local[i] = bought[i] * (1.0 + slippage + tax) + extra[i] + moved[i]
            needed[currency_of[i]] += local[i]
    if not reel.sweep:
        for c in range(1, len(cash)):
            if cash[c] > 0.0 and needed[c] > 0.0:
                used = min(cash[c] * fx[c], needed[c])
                cash[c] -= used / fx[c]
                share[c] = used / needed[c]
    totals, place, number = out.totals, out.fill_place, out.fill_number
    keep, k, decided = len(place) > 0, s.number[FILLS], s.number[DECIDED]
    paid, slipped, taxed, charged = 0.0, 0.0, 0.0, 0.0
    impact, traded, changed = 0.0, 0.0, 0.0
    for place_of in range(count):
        i = listed[place_of]
        if bought[i] > 0.0:
            c, tax = currency_of[i], tax_buy[venue_of[i]]
            converted = local[i] - local[i] * share[c]
            paid += converted * (1.0 + spread[c])
            before = units[i]
            ended = flag[i] & 4 == 4 and bought[i] == gaps[i]
            units[i] = _after(before, bought[i] / unit_value[i], lot[i], ended)
            slipped += bought[i] * slippage
            taxed += bought[i] * tax
            charged += extra[i]
            impact += moved[i]
            traded += bought[i]
            changed += converted * spread[c]
            if keep and units[i] != before:
                place[k, 0], place[k, 1], place[k, 2] = at, decided, i
                number[k, 0], number[k, 1] = units[i] - before, bought[i]
                number[k, 2], number[k, 3] = bought[i] * slippage, bought[i] * tax
                number[k, 4], number[k, 5] = extra[i], moved[i]
                number[k, 6], number[k, 7] = converted * spread[c], 0.0
                k += 1
    cash[0] -= paid
    s.number[FILLS] = k
    totals[SLIPPAGE] += slipped
    totals[TAX] += taxed
    totals[COMMISSION] += charged
    totals[IMPACT] += impact
    totals[FX] += changed
    totals[TRADED] += traded


@njit(cache=True, nogil=True, error_model="numpy")
def _settle(reel: Reel, s: State, at: int) -> None:
    """Close the orders that filled, and send on those that stay open."""
    waits, fill_at, flag, paid, bar = s.waits, s.fill_at, s.flag, s.paid, s.bar
    fill, own_bar, later = reel.fill[at], reel.bar[at], reel.next_fill[at + 1]
    listed, opens, kept = s.listed, reel.opens, 0
    for place_of in range(s.number[OPEN]):
        i = listed[place_of]
        if flag[i] & 1:
            if opens:
                paid[i] = fill[i]
                bar[i] = own_bar[i]
            if flag[i] & 2:
                fill_at[i] = later[i]
            else:
                waits[i] = False
        if waits[i]:
            listed[kept] = i
            kept += 1
    s.number[OPEN] = kept
