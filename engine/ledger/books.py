"""What an account recorded, as a `Backtest`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from engine.errors import at_most
from engine.ledger.account import Account, Executed, check_worth
from engine.ledger.backtest import TRADE_COLUMNS, Backtest

COST_KINDS = ("slippage", "tax", "fx", "interest")
#: Buys cut by a smaller share of NAV are the cost of trading, not a lack of funds.
_WORTH_SAYING = 0.01


def backtest_of(
    account: Account, *, name: str, targets: Mapping[pd.Timestamp, np.ndarray]
) -> Backtest:
    """Return the finished account as tables."""
    tape = account.tape
    held, cash = account.holdings_of != 0.0, account.cash_of
    value, nav = worth(account)
    symbols, currencies = tape.symbols, pd.Index(tape.currencies)
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
        costs=pd.DataFrame(paid(account), index=tape.days, columns=list(COST_KINDS)),
        targets=pd.DataFrame(
            np.array(list(targets.values())).reshape(len(targets), len(symbols)),
            index=pd.DatetimeIndex(list(targets), name="session").as_unit("ns"),
            columns=symbols,
        ),
        waiting=pd.DataFrame(account.waiting_of, index=tape.days, columns=symbols),
        stale=pd.DataFrame(held & tape.stale, index=tape.days, columns=symbols),
        notes=_notes(account, held & tape.stale, trades),
    )


def worth(account: Account) -> tuple[np.ndarray, np.ndarray]:
    """Return the value of each holding (T, N) and NAV (T,), the account's currency."""
    tape = account.tape
    rate = tape.home_fx[:, tape.currency_of]
    held, cash = account.holdings_of != 0.0, account.cash_of
    value = np.where(held, account.holdings_of * account.price_of * rate, 0.0)
    nav = value.sum(axis=1)
    nav += np.where(cash != 0.0, cash * tape.home_fx, 0.0).sum(axis=1)
    check_worth(float(nav.min()), tape.days[int(nav.argmin())])
    return value, nav


def _trades(account: Account) -> pd.DataFrame:
    """Return one row per fill, in time order, columns `TRADE_COLUMNS`.

    `session` is the asset's own; `waited` counts the home closes at which the order
    stood open. A foreign seller's spread is paid at the sweep, at that fix.
    """
    tape, executed = account.tape, account.executed
    assets = [np.flatnonzero(done.fill.change) for done in executed]
    asset = _join(assets, np.int64)
    at = _join([np.full(len(a), e.at) for a, e in _pairs(assets, executed)], np.int64)
    decided = _join(
        [np.full(len(a), e.decided) for a, e in _pairs(assets, executed)], np.int64
    )
    units, value, slippage, tax, converted, proceeds = (
        _join([getattr(e.fill, name)[a] for a, e in _pairs(assets, executed)], float)
        for name in ("change", "value", "slippage", "tax", "fx_cost", "proceeds")
    )
    currency, home = tape.currency_of[asset], tape.closing[at]
    spread = tape.spread[currency]
    swept = np.where(spread > 0.0, proceeds * tape.home_fx[home, currency] * spread, 0)
    columns = {
        "filled_utc": tape.moments[at],
        "session": tape.own_day[at, tape.venue_of[asset]].astype("datetime64[ns]"),
        "decided": tape.days[decided].to_numpy(),
        "asset": tape.symbols[asset],
        "side": pd.Index(["sell", "buy"])[(units > 0.0).astype(np.int64)],
        "units": units,
        "price": tape.fill[at, asset],
        "currency": pd.Index(tape.currencies)[currency],
        "fx": tape.fx[at, currency],
        "value": value,
        "slippage": slippage,
        "tax": tax,
        "fx_cost": converted + swept,
        "waited": home - decided - 1,
    }
    return pd.DataFrame(columns)[list(TRADE_COLUMNS)]


def _pairs(
    assets: Sequence[np.ndarray], executed: Sequence[Executed]
) -> Iterator[tuple[np.ndarray, Executed]]:
    return zip(assets, executed, strict=True)


def _join(parts: Sequence[np.ndarray], dtype: type) -> np.ndarray:
    """Return the parts as one array, also where there is none."""
    return np.concatenate([np.empty(0, dtype=dtype), *parts])


def paid(account: Account) -> np.ndarray:
    """Return what was paid by home session and kind (T, kinds), its currency."""
    tape = account.tape
    costs = np.zeros((len(tape.days), len(COST_KINDS)))
    for done in account.executed:
        row = costs[tape.closing[done.at]]
        row[0] += done.fill.slippage.sum()
        row[1] += done.fill.tax.sum()
        row[2] += done.fill.fx_cost.sum()
    costs[:, 2] += account.sweep_of
    costs[:, 3] = account.interest_of
    costs += 0.0  # no negative zero
    return costs


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
            f"orders that waited for a closed market: {len(late)}, for "
            f"{late['waited'].mean():.1f} sessions on average, "
            f"{late['waited'].max()} at most"
        )
    unbought = [done.fill.unbought for done in account.executed]
    missed = [share for share in unbought if share > _WORTH_SAYING]
    if missed:
        notes.append(
            f"cash did not cover all buys at {len(missed)} moments; at worst "
            f"{max(missed):.1%} of NAV stayed unbought until the next decision"
        )
    symbols = tape.symbols
    if account.waiting_of[-1].any():
        names = symbols[account.waiting_of[-1]]
        notes.append(f"orders still open at the end: {at_most(names)}")
    if stale.any():
        names = symbols[np.flatnonzero(stale.any(axis=0))]
        notes.append(
            f"held at a stale price on {int(stale.any(axis=1).sum())} sessions: "
            f"{at_most(names)}"
        )
    return tuple(notes)
