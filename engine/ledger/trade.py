"""The arithmetic of one moment: what an account looks like after some assets filled.

This is the definition. `engine.ledger.kernel` computes the same in compiled code and is
held to it by tests.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from engine.costs.model import buying_cost, selling_cost

#: Orders below this share of NAV are rounding, not trades.
DUST = 1e-12
#: Shares this close below a whole lot are a whole lot.
ROUNDING = 1e-9
_YES, _NONE, _ANY = np.array([True]), np.array([0.0]), np.array([np.inf])
_FREE = np.zeros((0, 4, 1))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Terms:
    """What restricts and charges the orders of a moment; by default nothing does.

    may_buy, may_sell : (N,) False on the locked side of a daily price limit.
    lot : (N,) shares that trade together, 0 = fractions too. most : (N,) largest trade,
    own currency. impact : (N,) cost of a trade of value v (own currency), as a fraction
    of it, per root of v. One value stands for all assets.
    charge_buy, charge_sell : (J, 4, N) charges per order: rate on its value, per share,
    at least, at most; own currency.
    sweep : whether foreign cash goes home at the next close; if not, it pays for
    purchases in its currency.
    """

    may_buy: np.ndarray = field(default_factory=lambda: _YES)
    may_sell: np.ndarray = field(default_factory=lambda: _YES)
    lot: np.ndarray = field(default_factory=lambda: _NONE)
    most: np.ndarray = field(default_factory=lambda: _ANY)
    impact: np.ndarray = field(default_factory=lambda: _NONE)
    charge_buy: np.ndarray = field(default_factory=lambda: _FREE)
    charge_sell: np.ndarray = field(default_factory=lambda: _FREE)
    sweep: bool = True


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Moment:
    """What is known when some assets fill: N assets, C currencies.

    price : (N,) last known prices, the fills' own where they fill; rate : (N,) units
    of the account's currency per unit of the asset's; fx : (C,) the same by currency.
    currency_of : (N,) place of each asset's currency; currency 0 is the account's.
    tax_buy, tax_sell : (N,); slippage : a fraction; spread : (C,) of what is converted.
    filling : (N,) whether an order fills now; coming : (N,) whether a sale that is not
    made now can be expected by the home close.
    """

    price: np.ndarray
    rate: np.ndarray
    fx: np.ndarray
    currency_of: np.ndarray
    tax_buy: np.ndarray
    tax_sell: np.ndarray
    slippage: float
    spread: np.ndarray
    filling: np.ndarray
    coming: np.ndarray
    terms: Terms = field(default_factory=Terms)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fill:
    """What one moment did to the account, all of shape (N,) unless said.

    change : units bought (+) or sold (-). value : their absolute value; slippage, tax,
    commission and impact what they cost, fx_cost what buyers paid to convert: the
    account's currency. proceeds : what sellers got, own currency. rest : orders that
    stay open, for a price limit or the limit on participation. nav : what all was sized
    on. unbought : the buys that the buying power did not cover, as a share of it.
    """

    units: np.ndarray
    cash: np.ndarray
    change: np.ndarray
    value: np.ndarray
    slippage: np.ndarray
    tax: np.ndarray
    commission: np.ndarray
    impact: np.ndarray
    fx_cost: np.ndarray
    proceeds: np.ndarray
    rest: np.ndarray
    nav: float
    unbought: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Sizes:
    """Trades wanted, absolute values in the account's currency, all of shape (N,).

    whole : whether the trade ends the position. rest : whether more stays to be done.
    """

    sold: np.ndarray
    bought: np.ndarray
    whole: np.ndarray
    waiting: np.ndarray
    rest: np.ndarray


def trade(units: np.ndarray, cash: np.ndarray, target: np.ndarray, now: Moment) -> Fill:
    """Return the account after every fill of one moment.

    NAV is valued once, before any fill; sells go first; buys share what they leave.
    Buying power is the cash of all currencies, net of the cost of converting it, plus
    what sales that wait will bring by the home close: an Asian buy may overdraw the
    account until the American sale that funds it. Impact and charges of purchases are
    set aside at their full size, so what they cost never overdraws the account.

    Parameters
    ----------
    units : ndarray of shape (N,)
        Holdings before, negative where short.
    cash : ndarray of shape (C,)
        Cash by currency before, each in its own.
    target : ndarray of shape (N,)
        Weights aimed at, as fractions of NAV.
    now : Moment

    Returns
    -------
    Fill
    """
    spread = now.spread[now.currency_of]
    unit_value = now.price * now.rate
    held = np.where(units != 0.0, units * unit_value, 0.0)
    nav = held.sum() + _worth(cash, now.fx)
    wanted = _sizes(target * nav - held, target, unit_value, nav, now)
    sold = wanted.sold
    lost = selling_cost(now.slippage, now.tax_sell, spread)
    added = buying_cost(now.slippage, now.tax_buy, spread)

    sale_charge = _charges(sold, unit_value, now.terms.charge_sell, now.rate)
    sale_impact = _impact(sold, now)
    kept = sold * (1.0 - (now.slippage + now.tax_sell)) - sale_charge - sale_impact
    proceeds = _over(np.where(sold > 0.0, kept, 0.0), now.rate)
    cash = cash + np.bincount(now.currency_of, proceeds, minlength=len(cash))
    coming = np.where(wanted.waiting > 0.0, wanted.waiting * (1.0 - lost), 0.0)
    power = _worth(cash, now.fx * (1.0 - now.spread)) + coming.sum()

    bought, unbought = _affordable(wanted, unit_value, added, spread, power, now)
    bought[bought <= DUST * nav] = 0.0
    buy_charge = _charges(bought, unit_value, now.terms.charge_buy, now.rate)
    buy_impact = _impact(bought, now)
    local = bought * (1.0 + now.slippage + now.tax_buy) + buy_charge + buy_impact
    local = np.where(bought > 0.0, local, 0.0)
    own = np.zeros(len(units)) if now.terms.sweep else _from_own_cash(local, cash, now)
    converted = local - own
    paid = np.where(bought > 0.0, bought * (1.0 + added), 0.0)
    paid += np.where(bought > 0.0, (buy_charge + buy_impact) * (1.0 + spread), 0.0)
    paid -= np.where(own > 0.0, own * (1.0 + spread), 0.0)
    cash[0] -= paid.sum()

    ended = wanted.whole & ((sold > 0.0) | (bought > 0.0) & (bought == wanted.bought))
    change = _over(bought - sold, unit_value)
    if now.terms.lot.any():
        lots = (now.terms.lot > 0.0) & ~ended
        one = np.where(now.terms.lot > 0.0, now.terms.lot, 1.0)
        change = np.where(lots, np.rint(change / one) * one, change)
    left = np.where(ended, 0.0, units + change)
    value = bought + sold
    tax_rate = np.where(sold > 0.0, now.tax_sell, now.tax_buy)
    return Fill(
        units=left,
        cash=cash,
        change=left - units,
        value=value,
        slippage=value * now.slippage,
        tax=np.where(value > 0.0, value * tax_rate, 0.0),
        commission=sale_charge + buy_charge,
        impact=sale_impact + buy_impact,
        fx_cost=np.where(bought > 0.0, converted * spread, 0.0),
        proceeds=proceeds,
        rest=wanted.rest,
        nav=float(nav),
        unbought=float(unbought / nav) if nav else 0.0,
    )


def _sizes(
    gap: np.ndarray,
    target: np.ndarray,
    unit_value: np.ndarray,
    nav: float,
    now: Moment,
) -> _Sizes:
    """Return what the orders want of this moment, within limits and in whole lots.

    `gap` (N,) is what each position lacks of its target. The last trade out of a
    position ignores lots.
    """
    gap = np.where(np.abs(gap) <= DUST * nav, 0.0, gap)
    can = now.filling & np.where(gap < 0.0, now.terms.may_sell, now.terms.may_buy)
    size = np.where(can, np.abs(gap), 0.0)
    limit = np.where(size > 0.0, now.terms.most * now.rate, np.inf)
    cut = size > limit
    whole = can & (target == 0.0) & ~cut
    size = np.minimum(size, limit)
    size = np.where(whole, size, _whole_lots(size, unit_value, now.terms.lot))
    return _Sizes(
        sold=np.where(gap < 0.0, size, 0.0),
        bought=np.where(gap > 0.0, size, 0.0),
        whole=whole,
        waiting=np.where(now.coming & ~can & (gap < 0.0), -gap, 0.0),
        rest=now.filling & (gap != 0.0) & (~can | cut),
    )


def _affordable(
    wanted: _Sizes,
    unit_value: np.ndarray,
    added: np.ndarray,
    spread: np.ndarray,
    power: float,
    now: Moment,
) -> tuple[np.ndarray, float]:
    """Return the purchases (N,) that the power pays for, and the value it does not."""
    bought = wanted.bought
    extra = _charges(bought, unit_value, now.terms.charge_buy, now.rate)
    extra = (extra + _impact(bought, now)) * (1.0 + spread)
    need = np.where(bought > 0.0, bought * (1.0 + added), 0.0).sum()
    free = max(power - np.where(bought > 0.0, extra, 0.0).sum(), 0.0)
    if need <= free:
        return bought.copy(), 0.0
    part = bought * (free / need)
    missed = (1.0 - free / need) * bought.sum()
    return _whole_lots(part, unit_value, now.terms.lot), float(missed)


def _whole_lots(
    value: np.ndarray, unit_value: np.ndarray, lot: np.ndarray
) -> np.ndarray:
    """Return values (N,) cut down to whole lots where there are lots."""
    if not lot.any():
        return value
    lots = (lot > 0.0) & (value > 0.0)
    one = np.where(lots, unit_value * lot, 1.0)
    return np.where(lots, np.floor(value / one + ROUNDING) * one, value)


def _charges(
    value: np.ndarray, unit_value: np.ndarray, charge: np.ndarray, rate: np.ndarray
) -> np.ndarray:
    """Return the charges per order on trades of these values, account's currency."""
    total = np.zeros(len(value))
    if not len(charge):
        return total
    traded = value > 0.0
    money = np.where(traded, rate, 1.0)
    shares = np.where(traded, value / np.where(traded, unit_value, 1.0), 0.0)
    for part, per_share, least, most in charge:
        own = np.clip(value / money * part + shares * per_share, least, most)
        total += np.where(traded, own * money, 0.0)
    return total


def _impact(value: np.ndarray, now: Moment) -> np.ndarray:
    """Return what moving the price costs: impact x root of the own value x value."""
    if not now.terms.impact.any():
        return np.zeros(len(value))
    some = (value > 0.0) & (now.terms.impact != 0.0)
    root = np.sqrt(np.where(some, value, 0.0) / np.where(some, now.rate, 1.0))
    return np.where(some, value * now.terms.impact * root, 0.0)


def _from_own_cash(local: np.ndarray, cash: np.ndarray, now: Moment) -> np.ndarray:
    """Take what it can of the costs `local` (N,) from foreign cash; return it, (N,).

    Lines of one currency share its cash in proportion. `cash` (C,) is reduced.
    """
    need = np.bincount(now.currency_of, local, minlength=len(cash))
    there = np.where(cash > 0.0, cash * now.fx, 0.0)
    there[0] = 0.0
    used = np.minimum(there, need)
    cash -= _over(used, now.fx)
    taken: np.ndarray = local * _over(used, need)[now.currency_of]
    return taken


def _worth(cash: np.ndarray, fx: np.ndarray) -> float:
    """Return cash of all currencies in the account's; an unused rate may be NaN."""
    return float(np.where(cash != 0.0, cash * fx, 0.0).sum())


def _over(amount: np.ndarray, divisor: np.ndarray) -> np.ndarray:
    """Return amount / divisor, 0 where the amount is 0 whatever the divisor."""
    some = amount != 0.0
    return np.where(some, amount / np.where(some, divisor, 1.0), 0.0)
