"""One account walking along a tape: fills, interest and the sweep at each home close.

All state of a simulation lives in `Account`; the arithmetic of one moment is the pure
function `trade`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from engine.costs.model import SIDES, buying_cost, selling_cost
from engine.errors import CurrencyError, DataError
from engine.ledger.tape import Tape

_YEAR = np.timedelta64(365, "D")
#: Orders below this share of NAV are rounding, not trades.
_DUST = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Moment:
    """What is known when some assets fill: N assets, C currencies.

    price : (N,) last known prices, the fills' own where they fill; rate : (N,) units
    of the account's currency per unit of the asset's; fx : (C,) the same by currency.
    currency_of : (N,) place of each asset's currency; currency 0 is the account's.
    tax_buy, tax_sell : (N,); slippage : a fraction; spread : (C,) of what is converted.
    filling : (N,) whether an order fills now; coming : (N,) whether a sale that waits
    can be expected by the home close.
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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fill:
    """What one moment did to the account, all of shape (N,) unless said.

    change : units bought (+) or sold (-). value : their absolute value, slippage and
    tax what they cost, fx_cost what buyers paid to convert: the account's currency.
    proceeds : what sellers got, own currency. nav : what all was sized on. unbought :
    the buys that the buying power did not cover, as a share of it.
    """

    units: np.ndarray
    cash: np.ndarray
    change: np.ndarray
    value: np.ndarray
    slippage: np.ndarray
    tax: np.ndarray
    fx_cost: np.ndarray
    proceeds: np.ndarray
    nav: float
    unbought: float


def trade(units: np.ndarray, cash: np.ndarray, target: np.ndarray, now: Moment) -> Fill:
    """Return the account after every fill of one moment.

    NAV is valued once, before any fill; sells go first; buys share what they leave.
    Buying power is the cash of all currencies, net of the cost of converting it, plus
    what sales that wait will bring by the home close: an Asian buy may overdraw the
    account until the American sale that funds it.

    Parameters
    ----------
    units : ndarray of shape (N,)
        Holdings before.
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
    gap = target * nav - held
    gap[np.abs(gap) <= _DUST * nav] = 0.0
    lost = selling_cost(now.slippage, now.tax_sell, spread)
    added = buying_cost(now.slippage, now.tax_buy, spread)
    sold = np.where(now.filling & (gap < 0.0), -gap, 0.0)
    bought = np.where(now.filling & (gap > 0.0), gap, 0.0)

    local_loss = now.slippage + now.tax_sell
    kept = np.where(sold > 0.0, sold * (1.0 - local_loss), 0.0)
    proceeds = _over(kept, now.rate)
    cash = cash + np.bincount(now.currency_of, proceeds, minlength=len(cash))
    waiting = np.where(now.coming & (gap < 0.0), -gap * (1.0 - lost), 0.0)
    power = _worth(cash, now.fx * (1.0 - now.spread)) + waiting.sum()
    need = np.where(bought > 0.0, bought * (1.0 + added), 0.0).sum()
    scale = 1.0 if need <= max(power, 0.0) else max(power, 0.0) / need
    unbought = (1.0 - scale) * bought.sum() / nav
    bought = bought * scale
    bought[bought <= _DUST * nav] = 0.0
    paid = np.where(bought > 0.0, bought * (1.0 + added), 0.0)
    cash[0] -= paid.sum()

    change = _over(bought - sold, unit_value)
    left = np.where((target == 0.0) & (sold > 0.0), 0.0, units + change)
    value = bought + sold
    tax_rate = np.where(sold > 0.0, now.tax_sell, now.tax_buy)
    converted = bought * (1.0 + now.slippage + now.tax_buy)
    return Fill(
        units=left,
        cash=cash,
        change=left - units,
        value=value,
        slippage=value * now.slippage,
        tax=np.where(value > 0.0, value * tax_rate, 0.0),
        fx_cost=np.where(bought > 0.0, converted * spread, 0.0),
        proceeds=proceeds,
        nav=float(nav),
        unbought=float(unbought),
    )


def _worth(cash: np.ndarray, fx: np.ndarray) -> float:
    """Return cash of all currencies in the account's; an unused rate may be NaN."""
    return float(np.where(cash != 0.0, cash * fx, 0.0).sum())


def _over(amount: np.ndarray, divisor: np.ndarray) -> np.ndarray:
    """Return amount / divisor, 0 where the amount is 0 whatever the divisor."""
    some = amount != 0.0
    return np.where(some, amount / np.where(some, divisor, 1.0), 0.0)


def check_worth(nav: float, session: pd.Timestamp) -> None:
    """Raise `DataError` if nothing is left: weights of nothing mean nothing."""
    if not nav > 0.0:
        raise DataError(
            f"the account is worth {nav:,.0f} on {session.date()}: an overdraft bought "
            "what then lost more than the account had. Look for wrong prices around "
            "that day"
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Executed:
    """A fill with its moment on the tape and the home session that decided it."""

    at: int
    decided: int
    fill: Fill


class Account:
    """The state of one simulation and what it has recorded so far.

    Attributes
    ----------
    units : (N,) holdings; cash : (C,) by currency.
    target : (N,) weights aimed at; open_order : (N,) orders that wait; fill_at : (N,)
    their moments on the tape; decided : the home session that placed them.
    row : the next home session to be closed. Records below it are final:
    holdings_of, price_of, waiting_of : (T, N); cash_of : (T, C); interest_of,
    sweep_of : (T,) interest and currency spread paid. executed : all fills.
    """

    def __init__(self, tape: Tape) -> None:
        sessions, assets = tape.price.shape
        self.tape = tape
        self.units = np.zeros(assets)
        self.cash = np.zeros(len(tape.currencies))
        self.cash[0] = tape.execution.capital
        self.target = np.zeros(assets)
        self.open_order = np.zeros(assets, dtype=bool)
        self.fill_at = np.full(assets, len(tape.moments))
        self.decided = -1
        self.row = 0
        self.holdings_of = np.zeros((sessions, assets))
        self.price_of = tape.price.copy()
        self.waiting_of = np.zeros((sessions, assets), dtype=bool)
        self.cash_of = np.zeros((sessions, len(tape.currencies)))
        self.interest_of = np.zeros(sessions)
        self.sweep_of = np.zeros(sessions)
        self.executed: list[Executed] = []
        self._clock = tape.moments[0]
        self._accrued = 0.0
        self._paid = np.full(assets, np.nan)
        self._bar = np.full(assets, -1)

    def order(self, target: np.ndarray) -> None:
        """Replace all open orders by new targets (N,), decided at the last close.

        Each fills at the asset's own next fill strictly after that close.
        """
        self.decided = self.row - 1
        self.target = target
        self.open_order = (target > 0.0) | (self.units != 0.0)
        self.fill_at = self.tape.next_fill[self.tape.home_at[self.decided] + 1]

    def advance(self, row: int) -> None:
        """Fill and close everything up to and including the close of session `row`."""
        tape = self.tape
        while self.open_order.any():
            at = int(self.fill_at[self.open_order].min())
            if at > tape.home_at[row]:
                break
            self._close(int(np.searchsorted(tape.home_at, at)))
            self._accrue(tape.moments[at])
            self._fill(at)
        self._close(row + 1)

    def _fill(self, at: int) -> None:
        """Fill every open order whose moment is `at`."""
        tape = self.tape
        filling = self.open_order & (self.fill_at == at)
        self._check_rates(np.array([at]), filling | (self.units != 0.0))
        fx, venue = tape.fx[at], tape.venue_of
        own = np.where(tape.bar[at] == self._bar, self._paid, tape.mark[at])
        now = Moment(
            price=np.where(filling, tape.fill[at], own),
            rate=fx[tape.currency_of],
            fx=fx,
            currency_of=tape.currency_of,
            tax_buy=tape.tax_buy[at, venue],
            tax_sell=tape.tax_sell[at, venue],
            slippage=tape.slippage,
            spread=tape.spread,
            filling=filling,
            coming=self.open_order & ~filling & tape.due[at],
        )
        done = trade(self.units, self.cash, self.target, now)
        if not np.isfinite(done.cash).all():
            self._raise_missing_tax(at)
        check_worth(done.nav, tape.days[tape.closing[at]])
        self.units, self.cash = done.units, done.cash
        self.open_order = self.open_order & ~filling
        self._paid = np.where(filling, tape.fill[at], self._paid)
        self._bar = np.where(filling, tape.bar[at], self._bar)
        self.executed.append(Executed(at=at, decided=self.decided, fill=done))

    def _close(self, stop: int) -> None:
        """Close the home sessions before `stop`: interest, sweep, records."""
        if self.row >= stop:
            return
        rows = slice(self.row, stop)
        at = self.tape.home_at[rows]
        self._accrue(self.tape.moments[at[0]])
        self.cash[0] += self._accrued
        self.interest_of[self.row] = -self._accrued
        self._accrued = 0.0
        waits = self.cash[self.tape.currency_of] != 0.0
        self._check_rates(at, (self.units != 0.0) | waits)
        self._sweep(at[0])
        self._record(rows, at)
        self.row = stop

    def _accrue(self, moment: np.datetime64) -> None:
        """Count interest on the account's own currency up to `moment`."""
        years = (moment - self._clock) / _YEAR
        self._accrued += float(self.cash[0] * self._rate() * years)
        self._clock = moment

    def _rate(self) -> float:
        """Return the annual rate that the cash of the moment earns or pays."""
        terms = self.tape.execution
        return terms.cash_rate if self.cash[0] >= 0.0 else terms.overdraft_rate

    def _sweep(self, at: int) -> None:
        """Turn foreign cash into the account's currency at the last fix."""
        foreign = self.cash != 0.0
        foreign[0] = False
        if not foreign.any():
            return
        amount = self.cash[foreign] * self.tape.fx[at, foreign]
        lost = amount * self.tape.spread[foreign]
        self.cash[0] += (amount - lost).sum()
        self.cash[foreign] = 0.0
        self.sweep_of[self.row] = lost.sum()

    def _record(self, rows: slice, at: np.ndarray) -> None:
        """Write what stands at the closes `at`: only interest moves between them."""
        years = np.diff(self.tape.moments[at]) / _YEAR
        growth = np.cumprod(np.concatenate([[1.0], 1.0 + self._rate() * years]))
        own_cash = self.cash[0] * growth
        self.cash_of[rows] = self.cash
        self.cash_of[rows, 0] = own_cash
        self.interest_of[rows][1:] = -np.diff(own_cash)
        self.cash[0] = own_cash[-1]
        self._clock = self.tape.moments[at[-1]]
        self.holdings_of[rows] = self.units
        self.waiting_of[rows] = self.open_order
        traded_since = self.tape.bar[at] == self._bar
        self.price_of[rows] = np.where(
            traded_since & (self.units != 0.0), self._paid, self.tape.price[rows]
        )

    def _check_rates(self, at: np.ndarray, needed: np.ndarray) -> None:
        """Raise `CurrencyError` if an asset (N,) that is needed has no rate at `at`."""
        tape = self.tape
        missing = needed & np.isnan(tape.fx[at][:, tape.currency_of])
        if missing.any():
            row, asset = np.argwhere(missing)[0]
            moment = at[row]
            raise CurrencyError(
                f"no rate of {tape.lines[asset].currency} per {tape.base} at "
                f"{tape.moments[moment].astype('datetime64[m]')} UTC (session "
                f"{tape.days[tape.closing[moment]].date()}), needed for "
                f"{tape.lines[asset].symbol}; complete the exchange rates"
            )

    def _raise_missing_tax(self, at: int) -> None:
        """Raise the schedule's own `DataError` for the open order without a rate."""
        tape = self.tape
        for asset in np.flatnonzero(self.open_order):
            line, venue = tape.lines[asset], tape.venue_of[asset]
            days = tape.own_day[at, venue], tape.settle_day[at, venue]
            for side in SIDES:
                tape.schedule.rate(line.mic, side, *(day.item() for day in days))
        raise AssertionError("cash is not finite although every rate is known")
