"""The compiled arithmetic of one moment: `engine.ledger.trade`, asset by asset."""

from __future__ import annotations

import numpy as np
from numba import njit

from engine.ledger.kernel_types import (
    COMMISSION,
    DECIDED,
    DONE,
    FAILED,
    FILLS,
    FULL,
    FX,
    IMPACT,
    MOMENTS,
    OPEN,
    SLIPPAGE,
    TAX,
    TRADED,
    Reel,
    State,
    Tracks,
)
from engine.ledger.trade import DUST, ROUNDING


@njit(cache=True, nogil=True, error_model="numpy")
def charges_of(charge: np.ndarray, value: float, shares: float) -> float:
    """Return the charges (J, 4) on an order of a value and shares, own currency."""
    total = 0.0
    for j in range(len(charge)):
        own = value * charge[j, 0] + shares * charge[j, 1]
        if np.isnan(own):
            return np.nan
        total += min(max(own, charge[j, 2]), charge[j, 3])
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def whole_lots(value: float, unit: float, lot: float) -> float:
    """Return a value cut down to whole lots where there are lots."""
    if lot <= 0.0 or value <= 0.0:
        return value
    return np.floor(value / (unit * lot) + ROUNDING) * (unit * lot)


@njit(cache=True, nogil=True, error_model="numpy")
def after(before: float, change: float, lot: float, ended: bool) -> float:
    """Return the units after a trade, in whole lots unless it ends the position."""
    if ended:
        return 0.0
    if lot > 0.0:
        change = np.rint(change / lot) * lot
    return before + change


@njit(cache=True, nogil=True, error_model="numpy")
def fill_orders(reel: Reel, s: State, out: Tracks, at: int) -> int:
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
    """Value all at the moment `at` into `unit_value`; return NAV, NaN without a rate.

    `flag` is 1 where an order fills now.
    """
    units, waits, fill_at, flag = s.units, s.waits, s.fill_at, s.flag
    unit_value, paid, paid_bar = s.unit_value, s.paid, s.bar
    mark, fill, bar = reel.mark[at], reel.fill[at], reel.bar[at]
    fx, currency_of, opens = reel.fx[at], reel.currency_of, reel.opens
    nav = 0.0
    for i in range(len(units)):
        filling = waits[i] and fill_at[i] == at
        flag[i] = filling
        if not waits[i] and units[i] == 0.0:
            continue
        price = mark[i]
        if filling:
            price = fill[i]
        elif opens and bar[i] == paid_bar[i]:
            price = paid[i]
        rate = fx[currency_of[i]]
        if (filling or units[i] != 0.0) and np.isnan(rate):
            return np.nan
        unit_value[i] = price * rate
        if units[i] != 0.0:
            nav += units[i] * unit_value[i]
    for c in range(len(s.cash)):
        if s.cash[c] != 0.0:
            nav += s.cash[c] * fx[c]
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
    coming, slipped, taxed, charged_sum, moved_sum, traded = (
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
    )
    for i in range(len(units)):
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
            size = whole_lots(size, unit, lot[i])
        if gap > 0.0:
            gaps[i] = size
            continue
        if size <= 0.0:
            continue
        charge, moved = 0.0, 0.0
        if charged:
            charge = (
                charges_of(charges[at, 1, :, :, charge_of[i]], size / rate, size / unit)
                * rate
            )
        if capped and depth[at, i] != 0.0:
            moved = size * depth[at, i] * np.sqrt(size / rate)
        proceeds = (size * (1.0 - (slippage + tax)) - charge - moved) / rate
        cash[c] += proceeds
        before = units[i]
        units[i] = after(before, -size / unit, lot[i], ended)
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
    for i in range(len(gaps)):
        bought[i] = gaps[i]
        if gaps[i] > 0.0:
            c, tax = currency_of[i], tax_buy[venue_of[i]]
            added = slippage + tax + spread[c] * (1.0 + slippage + tax)
            need += gaps[i] * (1.0 + added)
            wanted += gaps[i]
            extra[i], moved[i] = 0.0, 0.0
            if charged:
                extra[i] = (
                    charges_of(
                        charges[at, 0, :, :, charge_of[i]],
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
    for i in range(len(gaps)):
        if gaps[i] > 0.0:
            c = currency_of[i]
            if scaled:
                bought[i] = whole_lots(gaps[i] * (free / need), unit_value[i], lot[i])
            if bought[i] <= DUST * nav:
                bought[i] = 0.0
            if scaled and charged:
                extra[i] = (
                    charges_of(
                        charges[at, 0, :, :, charge_of[i]],
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
    for i in range(len(units)):
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
    paid, slipped, taxed, charged, impact, traded, changed = (
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
    )
    for i in range(len(units)):
        if bought[i] > 0.0:
            c, tax = currency_of[i], tax_buy[venue_of[i]]
            converted = local[i] - local[i] * share[c]
            paid += converted * (1.0 + spread[c])
            before = units[i]
            ended = flag[i] & 4 == 4 and bought[i] == gaps[i]
            units[i] = after(before, bought[i] / unit_value[i], lot[i], ended)
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
    closed = 0
    for i in range(len(waits)):
        if flag[i] & 1:
            paid[i] = fill[i]
            bar[i] = own_bar[i]
            if flag[i] & 2:
                fill_at[i] = later[i]
            else:
                waits[i] = False
                closed += 1
    s.number[OPEN] -= closed
