"""What a walk recorded, as a `Backtest`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from engine.errors import at_most
from engine.ledger.backtest import ACTION_COLUMNS, TRADE_COLUMNS, Backtest
from engine.ledger.records import Walk
from engine.ledger.solvency import check_worth
from engine.ledger.tape import Tape

#: What any account may pay; the other kinds appear where the settings ask for them.
COST_KINDS = ("slippage", "tax", "fx", "interest")
#: Buys cut by a smaller share of NAV are the cost of trading, not a lack of funds.
_WORTH_SAYING = 0.01
#: A target at the very limit of its margin is within it.
_MARGIN_ROUNDING = 1e-6


def backtest_of(
    walk: Walk, *, name: str, targets: Mapping[pd.Timestamp, np.ndarray]
) -> Backtest:
    """Return the finished walk as tables."""
    tape = walk.tape
    held = walk.holdings != 0.0
    value, nav = worth(walk, name)
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
        notes=_notes(walk, held & tape.stale, trades, value / nav[:, None]),
        dividends=by_session(_dividends(walk), symbols),
        actions=_actions(walk),
        fx_effect=pd.Series(_fx_effect(walk), index=tape.days, name="fx_effect"),
    )


def worth(walk: Walk, name: str = "") -> tuple[np.ndarray, np.ndarray]:
    """Return the value of each holding (T, N) and NAV (T,), the account's currency.

    Raises `DataError` about the account `name` if nothing is left of it.
    """
    tape = walk.tape
    rate = tape.home_fx[:, tape.currency_of]
    held, cash = walk.holdings != 0.0, walk.cash
    value = np.where(held, walk.holdings * walk.price * rate, 0.0)
    nav = value.sum(axis=1)
    nav += np.where(cash != 0.0, cash * tape.home_fx, 0.0).sum(axis=1)
    worst = int(nav.argmin())
    fills = walk.fills
    check_worth(
        float(nav[worst]),
        tape.days[worst],
        name=name,
        capital=tape.execution.capital,
        charges=float(fills.commission[tape.closing[fills.at] <= worst].sum()),
    )
    return value, nav


def _trades(walk: Walk) -> pd.DataFrame:
    """Return one row per fill, in time order, columns `TRADE_COLUMNS`.

    `session` is the asset's own; `waited` counts the home closes at which the order
    stood open. A foreign seller's spread is paid at the sweep, at that fix.
    """
    tape, fills = walk.tape, walk.fills
    asset, at = fills.asset, fills.at
    currency, home = tape.currency_of[asset], tape.closing[at]
    swept = _spread_at_sweep(walk, fills.proceeds, home, currency)
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


def _spread_at_sweep(
    walk: Walk, came: np.ndarray, home: np.ndarray, currency: np.ndarray
) -> np.ndarray:
    """Return what cash that came, own currency, paid to go home, (K,), base currency.

    All that came in one session and currency goes home as one sum. Where something is
    owed abroad too (a short position's dividend), the sum is smaller, and what made it
    what it is shares its spread.
    """
    tape, fills = walk.tape, walk.fills
    spread = tape.spread[currency] if tape.rules.sweep else np.zeros(len(came))
    gross = np.zeros((2, *walk.cash.shape))  # what was owed, what came
    sold = tape.closing[fills.at], tape.currency_of[fills.asset]
    at, money = _met(walk)
    acted = tape.closing[at], money
    for place, amount in ((sold, fills.proceeds), (acted, _received(walk))):
        np.add.at(gross, ((amount > 0.0).astype(np.int64), *place), amount)
    net = gross.sum(axis=0)
    side = np.where(net > 0.0, gross[1], gross[0])
    share = np.divide(net, side, where=side != 0.0, out=np.zeros_like(net))
    pays = (spread > 0.0) & (came * net[home, currency] > 0.0)
    paid = np.abs(came) * tape.home_fx[home, currency] * spread
    return np.where(pays, paid * share[home, currency], 0.0)


def _met(walk: Walk) -> tuple[np.ndarray, np.ndarray]:
    """Return the moment of each event and the currency it paid in, (L,) each."""
    event, actions = walk.events.event, walk.tape.actions
    return actions.moment[event], walk.tape.currency_of[actions.asset[event]]


def _received(walk: Walk) -> np.ndarray:
    """Return what each event paid after withholding, own currency (L,)."""
    paid, rate = walk.events.paid - walk.events.withheld, walk.tape.fx[_met(walk)]
    return np.asarray(paid / rate)


def _dividends(walk: Walk) -> np.ndarray:
    """Return cash dividends before withholding, (T, N), account's currency."""
    tape, events = walk.tape, walk.events
    found = np.zeros(tape.price.shape)
    kept = ~tape.actions.ends[events.event]
    event = events.event[kept]
    row, asset = tape.closing[tape.actions.moment[event]], tape.actions.asset[event]
    np.add.at(found, (row, asset), events.paid[kept])
    return found


def _actions(walk: Walk) -> pd.DataFrame:
    """Return what happened to holdings, columns `ACTION_COLUMNS`, in time order."""
    tape, events, all_of = walk.tape, walk.events, walk.tape.actions
    ends, split = all_of.ends[events.event], all_of.split[events.event]
    dividend = all_of.dividend[events.event]
    none = np.zeros(len(split))
    at, money = _met(walk)
    rate = tape.fx[at, money]
    fx_cost = _spread_at_sweep(walk, _received(walk), tape.closing[at], money)
    parts = []
    for kind, rows, value, pays in (
        ("split", split != 1.0, split, False),
        ("dividend", dividend > 0.0, dividend, True),
        ("delisting", ends, all_of.worth[events.event], True),
    ):
        asset = all_of.asset[events.event]
        own = tape.own_day[at, tape.venue_of[asset]].astype("datetime64[ns]")
        columns = {
            "at_utc": tape.moments[at],
            "session": own,
            "asset": tape.symbols[asset],
            "kind": pd.Index([kind]).repeat(len(at)),
            "value": value,
            "units": events.units,
            "currency": pd.Index(tape.currencies)[money],
            "paid": events.paid if pays else none,
            "withheld": events.withheld if pays else none,
            "fx": rate,
            "fx_cost": fx_cost if pays else none,
        }
        parts.append(pd.DataFrame(columns)[rows])
    told: pd.DataFrame = pd.concat(parts)[list(ACTION_COLUMNS)]
    return told.sort_values("at_utc", kind="stable", ignore_index=True)


def _fx_effect(walk: Walk) -> np.ndarray:
    """Return what changes of rates did to what was held the session before, (T,)."""
    tape = walk.tape
    split = np.ones(tape.price.shape)
    place = tape.closing[tape.actions.moment], tape.actions.asset
    np.multiply.at(split, place, tape.actions.split)
    change = np.diff(tape.home_fx, axis=0)
    units = walk.holdings[:-1] * split[1:]
    own = np.where(units != 0.0, units * walk.price[1:], 0.0)
    moved = np.where(own != 0.0, own * change[:, tape.currency_of], 0.0).sum(axis=1)
    cash = walk.cash[:-1]
    moved += np.where(cash != 0.0, cash * change, 0.0).sum(axis=1)
    return np.concatenate([[0.0], moved])


def paid(walk: Walk) -> dict[str, np.ndarray]:
    """Return what was paid by kind, each (T,) by home session, its currency."""
    tape, fills = walk.tape, walk.fills
    count = len(tape.days)

    def by_session(at: np.ndarray, amount: np.ndarray) -> np.ndarray:
        return np.bincount(tape.closing[at], amount, minlength=count)

    kinds = {
        "slippage": by_session(fills.at, fills.slippage),
        "tax": by_session(fills.at, fills.tax),
        "fx": by_session(fills.at, fills.fx_cost) + walk.sweep,
        "interest": walk.interest,
    }
    raw, terms = tape.rules.charge_of % 2 == 1, tape.execution
    if _charged_per_order(tape, raw):
        kinds["commission"] = by_session(fills.at, fills.commission)
    if terms.impact > 0.0:
        kinds["impact"] = by_session(fills.at, fills.impact)
    if terms.short_margin is not None:
        kinds["borrow"] = walk.borrow
    if raw.any():
        when = tape.actions.moment[walk.events.event]
        kinds["withholding"] = by_session(when, walk.events.withheld)
    return {kind: amount + 0.0 for kind, amount in kinds.items()}  # no negative zero


def _charged_per_order(tape: Tape, raw: np.ndarray) -> bool:
    """Return whether some order of these lines can be charged more than a rate.

    It follows from the settings and from which lines are raw, never from what happens.
    """
    whole = {line.mic for line, one in zip(tape.lines, raw, strict=True) if one}
    for row in tape.schedule.rows:
        by_share = row.per_share > 0.0 and row.minimum == 0.0
        markets = whole if by_share else set(tape.venues)
        if not row.proportional and markets.intersection(row.mics):
            return True
    return False


def _notes(
    walk: Walk, stale: np.ndarray, trades: pd.DataFrame, weights: np.ndarray
) -> tuple[str, ...]:
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
    return (*notes, *_rule_notes(walk, weights))


def _rule_notes(walk: Walk, weights: np.ndarray) -> Iterator[str]:
    """Yield what lots, volume and margin left open; `weights` is (T, N)."""
    tape, terms = walk.tape, walk.tape.execution
    owed = weights.sum(axis=1) - 1.0
    lasting = owed > _WORTH_SAYING
    if lasting.any() and terms.short_margin is None:
        count = int(lasting.sum())
        yield (
            f"the account stood overdrawn at {count} home close{'s' * (count > 1)}, by "
            f"{owed.max():.1%} of NAV at worst, for sales that did not come"
        )
    symbols = tape.symbols.to_numpy()
    traded = np.isin(np.arange(len(symbols)), walk.fills.asset)
    if len(tape.rules.most):
        unknown = traded & ~np.isfinite(tape.rules.most).any(axis=0)
        unknown &= ~tape.rules.impact.any(axis=0)
        if unknown.any():
            yield (
                "no turnover is known for these lines, which traded without impact or "
                f"limit on participation: {at_most(symbols[unknown])}"
            )
    if terms.short_margin is not None:
        used = -weights.clip(max=0.0).sum(axis=1) * terms.short_margin
        over = used > 1.0 + _MARGIN_ROUNDING
        if over.any():
            first = tape.days[int(np.argmax(over))].date()
            yield (
                f"short positions grew beyond their margin on {int(over.sum())} "
                f"sessions, first on {first}, up to {used.max():.0%} of NAV; nothing "
                "was closed before the next decision"
            )
