"""One account walking along a tape: fills, dividends, interest, a sweep at each close.

All state of a simulation lives in `Account`; the arithmetic of one moment is the pure
function `engine.ledger.trade.trade`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from engine.costs.model import SIDES
from engine.errors import CurrencyError
from engine.ledger.records import Events, Fills, Walk
from engine.ledger.solvency import check_worth
from engine.ledger.tape import Tape
from engine.ledger.trade import Fill, Moment, trade

_YEAR = np.timedelta64(365, "D")


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
    name : what messages call it, "" for nothing.
    units : (N,) holdings; cash : (C,) by currency.
    target : (N,) weights aimed at; open_order : (N,) orders that wait; fill_at : (N,)
    their moments on the tape; decided : the home session that placed them.
    row : the next home session to be closed. Records below it are final:
    holdings_of, price_of, waiting_of : (T, N); cash_of : (T, C); interest_of, sweep_of,
    borrow_of : (T,) interest, currency spread and fees for borrowed shares that were
    paid. executed : all fills. events : (event, units, paid, withheld) of the tape's
    actions that met a holding.
    """

    def __init__(self, tape: Tape, name: str = "") -> None:
        sessions, assets = tape.price.shape
        self.tape = tape
        self.name = name
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
        self.borrow_of = np.zeros(sessions)
        self.executed: list[Executed] = []
        self.events: list[tuple[int, float, float, float]] = []
        self._clock = tape.moments[0]
        self._accrued = np.zeros(len(tape.currencies))
        self._paid = np.full(assets, np.nan)
        self._bar = np.full(assets, -1)
        self._action = 0
        self._lent = 0.0  # fees a year for the shares borrowed at the last close

    def order(self, target: np.ndarray, unplaced: np.ndarray | None = None) -> None:
        """Replace all open orders by new targets (N,), decided at the last close.

        Each fills at the asset's own next fill strictly after that close. The assets in
        the mask `unplaced` get none: they stay as they are.
        """
        self.decided = self.row - 1
        self.target = target
        self.open_order = (target != 0.0) | (self.units != 0.0)
        if unplaced is not None:
            self.open_order &= ~unplaced
        self.fill_at = self.tape.next_fill[self.tape.home_at[self.decided] + 1]

    def advance(self, row: int) -> None:
        """Fill and close everything up to and including the close of session `row`."""
        tape = self.tape
        last = tape.home_at[row]
        while True:
            fill = self._next_fill()
            at = min(fill, self._next_action())
            if at > last:
                break
            self._close(int(np.searchsorted(tape.home_at, at)))
            self._accrue(tape.moments[at])
            self._act(at)
            if at == self._next_fill():
                self._fill(at)
        self._close(row + 1)

    def check_worth(self, nav: float, session: pd.Timestamp) -> None:
        """Raise `DataError` unless `nav` is above 0."""
        if not nav > 0.0:
            check_worth(
                nav,
                session,
                name=self.name,
                capital=self.tape.execution.capital,
                charges=sum(float(one.fill.commission.sum()) for one in self.executed),
            )

    def _next_fill(self) -> int:
        """Return the first moment at which an open order can fill; M = never."""
        if not self.open_order.any():
            return len(self.tape.moments)
        return int(self.fill_at[self.open_order].min())

    def _next_action(self) -> int:
        """Return the moment of the next dividend, split or end; M = none is left."""
        actions = self.tape.actions
        if self._action == len(actions.moment):
            return len(self.tape.moments)
        return int(actions.moment[self._action])

    def _act(self, at: int) -> None:
        """Pay dividends, split shares and end listings at the moment `at`."""
        while self._next_action() == at:
            self._meet(self._action, at)
            self._action += 1

    def _meet(self, event: int, at: int) -> None:
        """Let one of the tape's actions happen to the account."""
        tape, actions = self.tape, self.tape.actions
        asset, units = int(actions.asset[event]), 0.0
        units = float(self.units[asset])
        split, dividend = actions.split[event], actions.dividend[event]
        self._paid[asset] = self._paid[asset] / split - dividend
        if actions.ends[event]:
            self.open_order[asset] = False
        if units == 0.0:
            return
        currency = tape.currency_of[asset]
        self._check_rates(np.array([at]), np.arange(len(self.units)) == asset)
        per_share = dividend
        self.units[asset] = units * split
        if actions.ends[event]:
            own = actions.worth[event]
            per_share = own if np.isfinite(own) else 0.0
            self.units[asset] = 0.0
        gross = units * split * per_share
        held_back = max(gross, 0.0) * actions.withheld[event]
        self.cash[currency] += gross - held_back
        rate = tape.fx[at, currency]
        self.events.append((event, units, gross * rate, held_back * rate))

    def _fill(self, at: int) -> None:
        """Fill every open order whose moment is `at`."""
        tape = self.tape
        filling = self.open_order & (self.fill_at == at)
        self._check_rates(np.array([at]), filling | (self.units != 0.0))
        done = trade(self.units, self.cash, self.target, self._moment(at, filling))
        if not (np.isfinite(done.cash).all() and np.isfinite(done.units).all()):
            self._raise_missing_tax(at)
        self.check_worth(done.nav, tape.days[tape.closing[at]])
        self.units, self.cash = done.units, done.cash
        self.open_order = self.open_order & (~filling | done.rest)
        if done.rest.any():
            later = tape.next_fill[at + 1]
            self.fill_at = np.where(done.rest, later, self.fill_at)
        self._paid = np.where(filling, tape.fill[at], self._paid)
        self._bar = np.where(filling, tape.bar[at], self._bar)
        self.executed.append(Executed(at=at, decided=self.decided, fill=done))

    def _moment(self, at: int, filling: np.ndarray) -> Moment:
        """Return what is known at the moment `at`, when the `filling` (N,) fill."""
        tape, venue = self.tape, self.tape.venue_of
        own = np.where(tape.bar[at] == self._bar, self._paid, tape.mark[at])
        return Moment(
            price=np.where(filling, tape.fill[at], own),
            rate=tape.fx[at][tape.currency_of],
            fx=tape.fx[at],
            currency_of=tape.currency_of,
            tax_buy=tape.tax_buy[at, venue],
            tax_sell=tape.tax_sell[at, venue],
            slippage=tape.slippage,
            spread=tape.spread,
            filling=filling,
            coming=self.open_order & tape.due[at],
            terms=tape.rules.at(at),
        )

    def _close(self, stop: int) -> None:
        """Close the home sessions before `stop`: interest, sweep, records."""
        while self.row < stop:
            steady = not self._lent and not (self.units < 0.0).any()
            rows = slice(self.row, stop if steady else self.row + 1)
            at = self.tape.home_at[rows]
            before = self._closed_before()
            self._accrue(self.tape.moments[at[0]])
            self._pay_interest(at[0])
            self._pay_lenders(before, at[0])
            waits = self.cash[self.tape.currency_of] != 0.0
            self._check_rates(at, (self.units != 0.0) | waits)
            self._sweep(at[0])
            self._record(rows, at)
            self.row = rows.stop

    def _closed_before(self) -> np.datetime64:
        """Return the moment of the last recorded home close, or the first there is."""
        moment: np.datetime64 = self.tape.moments[
            self.tape.home_at[max(self.row - 1, 0)]
        ]
        return moment

    def _accrue(self, moment: np.datetime64) -> None:
        """Count interest on cash, each currency at its own rate, up to `moment`."""
        years = (moment - self._clock) / _YEAR
        self._accrued += self.cash * self._rates() * years
        self._clock = moment

    def _rates(self) -> np.ndarray:
        """Return the annual rates (C,) that the cash of the moment earns or pays."""
        return np.where(self.cash >= 0.0, self.tape.earn, self.tape.owe)

    def _pay_interest(self, at: int) -> None:
        """Book the interest counted since the last close, own currency."""
        self.cash += self._accrued
        fx = self.tape.fx[at]
        paid = np.where(self._accrued != 0.0, self._accrued * fx, 0.0)
        self.interest_of[self.row] = -float(paid.sum())
        self._accrued = np.zeros(len(self.cash))

    def _pay_lenders(self, before: np.datetime64, at: int) -> None:
        """Book the fees for shares that were short at the last close."""
        if self._lent:
            fee = self._lent * ((self.tape.moments[at] - before) / _YEAR)
            self.cash[0] -= fee
            self.borrow_of[self.row] = fee

    def _sweep(self, at: int) -> None:
        """Turn foreign cash into the account's currency at the last fix.

        Without a sweep, only as much as an overdraft at home asks for.
        """
        foreign = self.cash != 0.0
        foreign[0] = False
        if not foreign.any():
            return
        tape = self.tape
        amount = np.where(foreign, self.cash * tape.fx[at], 0.0)
        if not tape.rules.sweep:
            amount = self._needed(amount)
        lost = np.abs(amount) * tape.spread
        self.cash[0] += (amount - lost)[foreign].sum()
        moved = np.where(foreign, amount / tape.fx[at], 0.0)
        self.cash -= moved
        if tape.rules.sweep:
            self.cash[foreign] = 0.0
        self.sweep_of[self.row] = lost[foreign].sum()

    def _needed(self, amount: np.ndarray) -> np.ndarray:
        """Return the part of foreign cash (C,) that covers what home cash lacks.

        A foreign overdraft is always covered. Currencies give in their order.
        """
        out: np.ndarray = np.minimum(amount, 0.0)
        spread = self.tape.spread
        lack = -(self.cash[0] + (out * (1.0 + spread)).sum())
        for place in np.flatnonzero(amount > 0.0):
            if lack > 0.0:
                out[place] = min(amount[place], lack / (1.0 - spread[place]))
                lack -= out[place] * (1.0 - spread[place])
        return out

    def _record(self, rows: slice, at: np.ndarray) -> None:
        """Write what stands at the closes `at`: only interest moves between them."""
        tape = self.tape
        years = np.diff(tape.moments[at]) / _YEAR
        growth = 1.0 + self._rates() * years[:, None]
        growth = np.cumprod(np.vstack([np.ones(len(self.cash)), growth]), axis=0)
        cash = self.cash * growth
        self.cash_of[rows] = cash
        earned = np.diff(cash, axis=0)
        fx = tape.fx[at[1:]]
        self.interest_of[rows][1:] = -np.where(earned != 0.0, earned * fx, 0.0).sum(1)
        self.cash = cash[-1].copy()
        self._clock = tape.moments[at[-1]]
        self.holdings_of[rows] = self.units
        self.waiting_of[rows] = self.open_order
        traded_since = tape.bar[at] == self._bar
        self.price_of[rows] = np.where(
            traded_since & (self.units != 0.0), self._paid, tape.price[rows]
        )
        self._lent = self._lending(rows.stop - 1)

    def _lending(self, row: int) -> float:
        """Return the fees a year for what is short at the close of session `row`."""
        short = self.units < 0.0
        if not short.any():
            return 0.0
        tape = self.tape
        rate = tape.fx[tape.home_at[row]][tape.currency_of]
        value = np.where(short, -self.units * self.price_of[row] * rate, 0.0)
        return float((value * tape.borrow[tape.currency_of]).sum())

    def _check_rates(self, at: np.ndarray, needed: np.ndarray) -> None:
        """Raise `CurrencyError` if an asset (N,) that is needed has no rate at `at`."""
        tape = self.tape
        missing = needed & np.isnan(tape.fx[at][:, tape.currency_of])
        if missing.any():
            row, asset = np.argwhere(missing)[0]
            line, moment = tape.lines[asset], tape.moments[at[row]]
            why = tape.rates.why_unknown(line.currency, tape.base, moment)
            raise CurrencyError(
                f"no rate of {line.currency} per {tape.base} at "
                f"{moment.astype('datetime64[m]')} UTC (session "
                f"{tape.days[tape.closing[at[row]]].date()}), needed for "
                f"{line.symbol}: {why}"
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


def walk_of(account: Account) -> Walk:
    """Return what an account has recorded."""
    events = account.events
    return Walk(
        tape=account.tape,
        holdings=account.holdings_of,
        price=account.price_of,
        waiting=account.waiting_of,
        cash=account.cash_of,
        interest=account.interest_of,
        sweep=account.sweep_of,
        borrow=account.borrow_of,
        unbought=np.array([done.fill.unbought for done in account.executed]),
        fills=_fills(account.executed),
        events=Events(
            event=np.array([one[0] for one in events], dtype=np.int64),
            units=np.array([one[1] for one in events]),
            paid=np.array([one[2] for one in events]),
            withheld=np.array([one[3] for one in events]),
        ),
    )


def _fills(executed: Sequence[Executed]) -> Fills:
    """Return all fills as flat arrays, in time order."""
    assets = [np.flatnonzero(done.fill.change) for done in executed]

    def joined(name: str) -> np.ndarray:
        pairs = zip(assets, executed, strict=True)
        return _join([getattr(e.fill, name)[a] for a, e in pairs], float)

    def repeated(name: str) -> np.ndarray:
        pairs = zip(assets, executed, strict=True)
        return _join([np.full(len(a), getattr(e, name)) for a, e in pairs], np.int64)

    return Fills(
        at=repeated("at"),
        decided=repeated("decided"),
        asset=_join(assets, np.int64),
        units=joined("change"),
        value=joined("value"),
        slippage=joined("slippage"),
        tax=joined("tax"),
        commission=joined("commission"),
        impact=joined("impact"),
        fx_cost=joined("fx_cost"),
        proceeds=joined("proceeds"),
    )


def _join(parts: Sequence[np.ndarray], dtype: type) -> np.ndarray:
    """Return the parts as one array, also where there is none."""
    return np.concatenate([np.empty(0, dtype=dtype), *parts])
