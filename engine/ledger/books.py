"""What a walk recorded, as a `Backtest`."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from engine.errors import at_most
from engine.ledger.account import check_worth
from engine.ledger.backtest import TRADE_COLUMNS, Backtest
from engine.ledger.records import Walk

#: What any account may pay; the other kinds appear where the settings ask for them.
COST_KINDS = ("slippage", "tax", "fx", "interest")
#: Buys cut by a smaller share of NAV are the cost of trading, not a lack of funds.
_WORTH_SAYING = 0.01


def backtest_of(
    walk: Walk, *, name: str, targets: Mapping[pd.Timestamp, np.ndarray]
) -> Backtest:
    """Return the finished walk as tables."""
    tape = walk.tape
    held = walk.holdings != 0.0
    value, nav = worth(walk)
    symbols, currencies = tape.symbols, pd.Index(tape.currencies)
    trades, costs = _trades(walk), paid(walk)

    def by_session(values: np.ndarray, columns: pd.Index) -> pd.DataFrame:
        return pd.DataFrame(values, index=tape.days, columns=columns)

    return Backtest(
        name=name,
        base=tape.base,
        nav=pd.Series(nav, index=tape.days, name=name),
        holdings=by_session(walk.holdings, symbols),
        weights=by_session(value / nav[:, None], symbols),
        cash=by_session(walk.cash, currencies),
        price=by_session(walk.price, symbols),
        fx=by_session(tape.home_fx, currencies),
        trades=trades,
        costs=by_session(np.column_stack([*costs.values()]), pd.Index([*costs])),
        targets=pd.DataFrame(
            np.array(list(targets.values())).reshape(len(targets), len(symbols)),
            index=pd.DatetimeIndex(list(targets), name="session").as_unit("ns"),
            columns=symbols,
        ),
        waiting=by_session(walk.waiting, symbols),
        stale=by_session(held & tape.stale, symbols),
        notes=_notes(walk, held & tape.stale, trades),
    )


def worth(walk: Walk) -> tuple[np.ndarray, np.ndarray]:
    """Return the value of each holding (T, N) and NAV (T,), the account's currency."""
    tape = walk.tape
    rate = tape.home_fx[:, tape.currency_of]
    held, cash = walk.holdings != 0.0, walk.cash
    value = np.where(held, walk.holdings * walk.price * rate, 0.0)
    nav = value.sum(axis=1)
    nav += np.where(cash != 0.0, cash * tape.home_fx, 0.0).sum(axis=1)
    check_worth(float(nav.min()), tape.days[int(nav.argmin())])
    return value, nav


def _trades(walk: Walk) -> pd.DataFrame:
    """Return one row per fill, in time order, columns `TRADE_COLUMNS`.

    `session` is the asset's own; `waited` counts the home closes at which the order
    stood open. A foreign seller's spread is paid at the sweep, at that fix.
    """
    tape, fills = walk.tape, walk.fills
    asset, at = fills.asset, fills.at
    currency, home = tape.currency_of[asset], tape.closing[at]
    spread = tape.spread[currency] if tape.rules.sweep else np.zeros(len(asset))
    swept = np.where(
        spread > 0.0, np.abs(fills.proceeds) * tape.home_fx[home, currency] * spread, 0
    )
    columns = {
        "filled_utc": tape.moments[at],
        "session": tape.own_day[at, tape.venue_of[asset]].astype("datetime64[ns]"),
        "decided": tape.days[fills.decided].to_numpy(),
        "asset": tape.symbols[asset],
        "side": pd.Index(["sell", "buy"])[(fills.units > 0.0).astype(np.int64)],
        "units": fills.units,
        "price": tape.fill[at, asset],
        "currency": pd.Index(tape.currencies)[currency],
        "fx": tape.fx[at, currency],
        "value": fills.value,
        "slippage": fills.slippage,
        "tax": fills.tax,
        "commission": fills.commission,
        "impact": fills.impact,
        "fx_cost": fills.fx_cost + swept,
        "waited": home - fills.decided - 1,
    }
    return pd.DataFrame(columns)[list(TRADE_COLUMNS)]


def paid(walk: Walk) -> dict[str, np.ndarray]:
    """Return what was paid by kind, each (T,) by home session, its currency."""
    tape, fills = walk.tape, walk.fills
    count = len(tape.days)

    def by_session(at: np.ndarray, amount: np.ndarray) -> np.ndarray:
        return np.bincount(tape.closing[at], amount, minlength=count)

    rules = tape.rules
    kinds = {
        "slippage": by_session(fills.at, fills.slippage),
        "tax": by_session(fills.at, fills.tax),
        "fx": by_session(fills.at, fills.fx_cost) + walk.sweep,
        "interest": walk.interest,
    }
    if len(rules.charges):
        kinds["commission"] = by_session(fills.at, fills.commission)
    if rules.impact.any():
        kinds["impact"] = by_session(fills.at, fills.impact)
    if rules.short.any():
        kinds["borrow"] = walk.borrow
    if len(tape.actions.moment):
        when = tape.actions.moment[walk.events.event]
        kinds["withholding"] = by_session(when, walk.events.withheld)
    return {kind: amount + 0.0 for kind, amount in kinds.items()}  # no negative zero


def _notes(walk: Walk, stale: np.ndarray, trades: pd.DataFrame) -> tuple[str, ...]:
    """Return what a reader must know about the simulation."""
    tape = walk.tape
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
    missed = walk.unbought[walk.unbought > _WORTH_SAYING]
    if len(missed):
        notes.append(
            f"cash did not cover all buys at {len(missed)} moments; at worst "
            f"{max(missed):.1%} of NAV stayed unbought until the next decision"
        )
    symbols = tape.symbols
    if walk.waiting[-1].any():
        names = symbols[walk.waiting[-1]]
        notes.append(f"orders still open at the end: {at_most(names)}")
    if stale.any():
        names = symbols[np.flatnonzero(stale.any(axis=0))]
        notes.append(
            f"held at a stale price on {int(stale.any(axis=1).sum())} sessions: "
            f"{at_most(names)}"
        )
    return tuple(notes)
