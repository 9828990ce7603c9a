"""What an account recorded, as a `Backtest`."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from engine.errors import at_most
from engine.ledger.account import Account, Executed
from engine.ledger.backtest import TRADE_COLUMNS, Backtest
from engine.ledger.tape import Tape

COST_KINDS = ("slippage", "tax", "fx", "interest")
#: Buys cut by less than this are the cost of trading, not a lack of funds.
_WORTH_SAYING = 0.99


def backtest_of(
    account: Account, *, name: str, targets: Mapping[pd.Timestamp, np.ndarray]
) -> Backtest:
    """Return the finished account as tables."""
    tape = account.tape
    rate = tape.home_fx[:, tape.currency_of]
    held = account.holdings_of != 0.0
    value = np.where(held, account.holdings_of * account.price_of * rate, 0.0)
    cash = account.cash_of
    nav = value.sum(axis=1)
    nav += np.where(cash != 0.0, cash * tape.home_fx, 0.0).sum(axis=1)
    symbols, currencies = tape.symbols, list(tape.currencies)
    trades = _trades(account)
    return Backtest(
        name=name,
        base=tape.base,
        nav=pd.Series(nav, index=tape.days, name=name),
        holdings=pd.DataFrame(account.holdings_of, index=tape.days, columns=symbols),
        weights=pd.DataFrame(value / nav[:, None], index=tape.days, columns=symbols),
        cash=pd.DataFrame(cash, index=tape.days, columns=currencies),
        price=pd.DataFrame(account.price_of, index=tape.days, columns=symbols),
        fx=pd.DataFrame(tape.home_fx, index=tape.days, columns=currencies),
        trades=trades,
        costs=_costs(account),
        targets=pd.DataFrame(
            np.array(list(targets.values())).reshape(len(targets), len(symbols)),
            index=pd.DatetimeIndex(list(targets), name="session").as_unit("ns"),
            columns=symbols,
        ),
        waiting=pd.DataFrame(account.waiting_of, index=tape.days, columns=symbols),
        stale=pd.DataFrame(held & tape.stale, index=tape.days, columns=symbols),
        notes=_notes(account, held & tape.stale, trades),
    )


def _trades(account: Account) -> pd.DataFrame:
    """Return one row per fill, in time order, columns `TRADE_COLUMNS`."""
    parts = [_rows(account.tape, done) for done in account.executed]
    return pd.DataFrame(
        {
            column: np.concatenate([part[column] for part in parts])
            if parts
            else np.empty(0, dtype=_EMPTY.get(column, np.float64))
            for column in TRADE_COLUMNS
        }
    )


_EMPTY: Mapping[str, str] = {
    "filled_utc": "datetime64[ns]",
    "session": "datetime64[ns]",
    "decided": "datetime64[ns]",
    "asset": "str",
    "side": "str",
    "currency": "str",
    "waited": "int64",
}


def _rows(tape: Tape, done: Executed) -> dict[str, np.ndarray]:
    """Return the columns of one moment's fills.

    `session` is the asset's own; `waited` counts the home closes at which the order
    stood open. A foreign seller's spread is paid at the sweep, at that fix.
    """
    at, fill = done.at, done.fill
    some = np.flatnonzero(fill.change)
    currency = tape.currency_of[some]
    home = tape.closing[at]
    swept = fill.proceeds[some] * tape.home_fx[home, currency] * tape.spread[currency]
    count = len(some)
    return {
        "filled_utc": np.full(count, tape.moments[at]),
        "session": tape.own_day[at, tape.venue_of[some]].astype("datetime64[ns]"),
        "decided": np.full(count, tape.days.to_numpy()[done.decided]),
        "asset": np.array(tape.symbols)[some],
        "side": np.where(fill.change[some] > 0.0, "buy", "sell"),
        "units": fill.change[some],
        "price": tape.fill[at, some],
        "currency": np.array(tape.currencies)[currency],
        "fx": tape.fx[at, currency],
        "value": fill.value[some],
        "slippage": fill.slippage[some],
        "tax": fill.tax[some],
        "fx_cost": fill.fx_cost[some] + np.where(swept > 0.0, swept, 0.0),
        "waited": np.full(count, home - done.decided - 1),
    }


def _costs(account: Account) -> pd.DataFrame:
    """Return what was paid by home session and kind, the account's currency."""
    tape = account.tape
    paid = np.zeros((len(tape.days), len(COST_KINDS)))
    for done in account.executed:
        row = paid[tape.closing[done.at]]
        row[0] += done.fill.slippage.sum()
        row[1] += done.fill.tax.sum()
        row[2] += done.fill.fx_cost.sum()
    paid[:, 2] += account.sweep_of
    paid[:, 3] = account.interest_of
    return pd.DataFrame(paid, index=tape.days, columns=list(COST_KINDS))


def _notes(
    account: Account, stale: np.ndarray, trades: pd.DataFrame
) -> tuple[str, ...]:
    """Return what a reader must know about the simulation."""
    tape = account.tape
    notes = []
    if tape.at_close:
        notes.append(
            "no opening price on some sessions, where orders filled at the close: "
            f"{at_most(tape.at_close)}"
        )
    unknown = sorted(mic for mic in tape.venues if not tape.schedule.knows(mic))
    if unknown:
        notes.append(f"no taxes or fees are known for {at_most(unknown)}: none charged")
    late = trades[trades["waited"] > 0]
    if len(late):
        notes.append(
            f"{len(late)} orders waited for their market, {late['waited'].sum()} "
            f"session ends in all, at most {late['waited'].max()}"
        )
    cut = [done.fill.scale for done in account.executed]
    short = [scale for scale in cut if scale < _WORTH_SAYING]
    if short:
        notes.append(
            f"{len(short)} times the cash covered only part of the buys, at worst "
            f"{min(short):.0%}: what should have paid for them had not been sold"
        )
    symbols = np.array(tape.symbols)
    if account.waiting_of[-1].any():
        names = symbols[account.waiting_of[-1]]
        notes.append(f"orders still open at the end: {at_most(names)}")
    if stale.any():
        names = symbols[stale.any(axis=0)]
        notes.append(
            f"held at a stale price on {int(stale.any(axis=1).sum())} sessions: "
            f"{at_most(names)}"
        )
    return tuple(notes)
