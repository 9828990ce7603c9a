"""A policy played on a market: decide at home closes, trade at each asset's own next.

Timing. A decision taken at a home close fills for each asset at its own next close (or
open) strictly later, on its own exchange, on a day with a bar; until then the order
waits, and a new decision replaces it. All that fills at one moment is sized together
on NAV marked then with last known prices and rates. Foreign proceeds stay in their
currency until the first home close at or after the sale and are then swept home.

With ``next_open`` an account knows its own fill at the open, although the engine counts
a bar as known only at its close; closes value everything else.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from engine.costs.fees import FeeSchedule
from engine.errors import DataError, at_most
from engine.ledger.account import Account, walk_of
from engine.ledger.backtest import Backtest
from engine.ledger.books import backtest_of
from engine.ledger.tape import Tape, record
from engine.market.listing import Line
from engine.market.market import Market
from engine.thesis.model import Execution

#: A solver meets its limits to about this much; more is a wrong target.
TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AccountView:
    """An account as a policy sees it at a home close.

    weights : (N,) shares of NAV held in each asset. cash : share of NAV in cash of all
    currencies. tradeable : (N,) whether the asset has a price that is not stale, and
    its currency a rate. first : True until a decision has been given. nav : the account
    is worth, its currency. price : (N,) last prices, own currency. rate : (N,) the
    account's currency per unit of it. shortable : (N,) whether the thesis and the
    market allow a short position.
    """

    weights: pd.Series
    cash: float
    tradeable: pd.Series
    first: bool
    nav: float
    price: np.ndarray
    rate: np.ndarray
    shortable: pd.Series


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Orders:
    """Target weights by asset, the rest being cash, and assets that get no order."""

    weights: pd.Series
    unplaced: tuple[str, ...]


#: Session and its close (UTC) -> target weights by asset, the rest being cash; or None
#: to leave open orders as they are.
Policy = Callable[
    [pd.Timestamp, np.datetime64, AccountView], "pd.Series | Orders | None"
]


def fixed(targets: Mapping[pd.Timestamp, pd.Series]) -> Policy:
    """Return the policy that gives these target weights at their sessions."""
    known = dict(targets)

    def policy(
        session: pd.Timestamp, moment: np.datetime64, account: AccountView
    ) -> pd.Series | None:
        return known.get(session)

    return policy


def simulate(
    market: Market,
    *,
    name: str,
    assets: Sequence[Line],
    decide_at: pd.DatetimeIndex,
    policy: Policy,
    execution: Execution,
    base: str,
    schedule: FeeSchedule,
    start: dt.date,
    end: dt.date,
) -> Backtest:
    """Return what an account that follows `policy` would have done.

    Parameters
    ----------
    market : Market
    name : str
        Name of the backtest.
    assets : sequence of Line
        The N lines it may hold, each with a price in `market`.
    decide_at : DatetimeIndex
        Home sessions at whose close the policy is asked.
    policy : Policy
    execution : Execution
        Timing, capital and costs.
    base : str
        Currency of the account, in which capital is given.
    schedule : FeeSchedule
        Dated taxes and fees.
    start, end : date
        The account opens with its capital at the close of the first home session not
        before `start`, and ends with the last one not after `end`.

    Returns
    -------
    Backtest

    Raises
    ------
    DataError
        No home session in the period, an asset without prices, a decision that is not
        on a home session, weights that are not known, negative, or above 1 in sum; a
        tax without a rate; an account that is worth nothing.
    CurrencyError
        A currency without rates, or a hole in the rates of one that is held.
    """
    tape = record(
        market,
        assets,
        execution=execution,
        base=base,
        schedule=schedule,
        start=start,
        end=end,
    )
    return play(tape, name=name, decide_at=decide_at, policy=policy)


def play(
    tape: Tape, *, name: str, decide_at: pd.DatetimeIndex, policy: Policy
) -> Backtest:
    """Return what an account that follows `policy` does along a tape."""
    account, targets = walk(tape, name=name, decide_at=decide_at, policy=policy)
    return backtest_of(walk_of(account), name=name, targets=targets)


def walk(
    tape: Tape, *, name: str = "", decide_at: pd.DatetimeIndex, policy: Policy
) -> tuple[Account, dict[pd.Timestamp, np.ndarray]]:
    """Return an account at the tape's end, and the targets it was given."""
    account = Account(tape, name)
    targets: dict[pd.Timestamp, np.ndarray] = {}
    for row in rows_of(tape, decide_at):
        account.advance(row)
        session = tape.days[row]
        moment = tape.moments[tape.home_at[row]]
        wanted = policy(session, moment, _view(account, first=not targets))
        if wanted is None:
            continue
        if isinstance(wanted, Orders):
            targets[session] = check_target(wanted.weights, tape, row)
            still = tape.symbols.isin(wanted.unplaced)
            account.order(targets[session], still)
        else:
            targets[session] = check_target(wanted, tape, row)
            account.order(targets[session])
    account.advance(len(tape.days) - 1)
    return account, targets


def rows_of(tape: Tape, decide_at: pd.DatetimeIndex) -> list[int]:
    """Return the home rows of the decisions; `DataError` if one is not on a session."""
    rows = tape.days.get_indexer(decide_at)
    if (rows < 0).any():
        wrong = [str(day.date()) for day in decide_at[rows < 0]]
        raise DataError(
            f"decisions on {at_most(wrong)} are not on home sessions between "
            f"{tape.days[0].date()} and {tape.days[-1].date()}"
        )
    return sorted(set(rows.tolist()))


def _view(account: Account, *, first: bool) -> AccountView:
    """Return the account at the home close that it has just recorded."""
    tape, row = account.tape, account.row - 1
    fx = tape.fx[tape.home_at[row]]
    rate = fx[tape.currency_of]
    price = account.price_of[row]
    held = np.where(account.units != 0.0, account.units * price * rate, 0.0)
    cash = float(np.where(account.cash != 0.0, account.cash * fx, 0.0).sum())
    nav = held.sum() + cash
    account.check_worth(nav, tape.days[row])
    return AccountView(
        weights=pd.Series(held / nav, index=tape.symbols),
        cash=cash / nav,
        tradeable=pd.Series(tradeable_at(tape, row), index=tape.symbols),
        first=first,
        nav=float(nav),
        price=price,
        rate=rate,
        shortable=pd.Series(tape.rules.short[row], index=tape.symbols),
    )


def tradeable_at(tape: Tape, row: int) -> np.ndarray:
    """Return which assets can trade at a home close, (N,): a fresh price and a rate."""
    rate = tape.fx[tape.home_at[row]][tape.currency_of]
    fresh = np.isfinite(tape.price[row]) & ~tape.stale[row]
    return np.asarray(fresh & np.isfinite(rate))


def check_target(wanted: pd.Series, tape: Tape, row: int) -> np.ndarray:
    """Return target weights as an array over all assets (0 where not named).

    What a solver leaves below zero by rounding is zero. Raises `DataError` for
    anything that cannot be meant.
    """
    symbols, where = tape.symbols, f"target weights of {tape.days[row].date()}"
    if wanted.index is not symbols:
        wanted = _named(wanted, symbols, where)
    target: np.ndarray = wanted.to_numpy(dtype=np.float64)
    unknown = np.isnan(target)
    if unknown.any():
        raise DataError(
            f"{where}: {at_most(symbols[unknown])} have no number; write 0 for none"
        )
    may = tape.rules.short[row]
    if (target < -TOLERANCE).any():
        _check_shorts(target, may, tape, where)
    if target.sum() > 1.0 + TOLERANCE:
        raise DataError(f"{where} sum to {target.sum():.6f}, which is more than 1")
    return np.where(may, target, target.clip(min=0.0))


def _check_shorts(target: np.ndarray, may: np.ndarray, tape: Tape, where: str) -> None:
    """Raise `DataError` for shorts that the thesis, a market or margin forbids.

    `may` (N,) says which lines can be sold short that day.
    """
    margin, short = tape.execution.short_margin, target < -TOLERANCE
    if margin is None:
        worst = tape.symbols[int(np.argmin(target))]
        raise DataError(
            f"{where}: {worst} is negative; this ledger holds no shorts unless "
            "execution.short_margin is set"
        )
    if (short & ~may).any():
        line = tape.lines[int(np.argmax(short & ~may))]
        raise DataError(
            f"{where}: {line.symbol} is negative; {line.mic} allows no short sales "
            "that day, or nobody knows that it does (engine/costs/rules.csv)"
        )
    total = -float(target[short].sum())
    if total * margin > 1.0 + TOLERANCE:
        raise DataError(
            f"{where}: shorts of {total:.1%} of NAV ask for a margin of "
            f"{total * margin:.1%} of it; hold less short, or lower "
            "execution.short_margin"
        )


def _named(wanted: pd.Series, symbols: pd.Index, where: str) -> pd.Series:
    """Return the weights over all assets, 0 where not named."""
    place = symbols.get_indexer(wanted.index)
    if (place < 0).any():
        unknown = wanted.index.difference(symbols)
        raise DataError(f"{where}: {at_most(unknown)} are not assets of this ledger")
    if wanted.index.has_duplicates:
        twice = wanted.index[wanted.index.duplicated()][0]
        raise DataError(f"{where}: {twice} appears twice")
    weights = np.zeros(len(symbols))
    weights[place] = wanted.to_numpy(dtype=np.float64)
    return pd.Series(weights, index=symbols)
