"""Kill criteria replayed: when a thesis would have been stopped, and what that did."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from engine.ledger.backtest import Backtest
from engine.ledger.simulate import fixed, play
from engine.ledger.tape import Tape
from engine.market.market import Market
from engine.thesis.model import Kill, Thesis

KILL_COLUMNS = (
    "criterion",
    "says",
    "watched",
    "stopped",  # home session at whose close it was decided; NaT where never
    "why",
    "sample",  # of the stop
    "first",  # whether it was the first of all to stop
    "return_before",  # of the account from the start to the stop
    "return_after",  # of the account that went on, from the stop to the end
    "return_stopped",  # of the account that was stopped, over the whole study
    "return_kept",
    "saved",  # worth of the stopped account over that of the other, minus 1
    "drawdown_stopped",
    "drawdown_kept",
    "costs_of_stopping",  # share of NAV at the stop
)


def no_kill() -> pd.DataFrame:
    """Return the table of a thesis without criteria."""
    return pd.DataFrame(columns=list(KILL_COLUMNS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """One criterion and the home session at whose close it stopped the thesis."""

    kill: Kill
    watched: str
    session: pd.Timestamp | None
    why: str


def find_stops(
    thesis: Thesis, market: Market, paths: Mapping[str, Backtest]
) -> tuple[Stop, ...]:
    """Return when each criterion of the thesis stopped it, if it did.

    Only what was known at a home close counts: a signal from the moment it became
    known, with the values known then. Criteria are read from the study's first session
    on, whenever they were written.
    """
    days = pd.DatetimeIndex(next(iter(paths.values())).nav.index)
    return tuple(_stop(kill, market, paths, days) for kill in thesis.kill)


def _stop(
    kill: Kill, market: Market, paths: Mapping[str, Backtest], days: pd.DatetimeIndex
) -> Stop:
    if kill.role is not None:
        return _of_signal(kill, market, days)
    missing = [
        name
        for name in (kill.path, kill.behind)
        if name is not None and name not in paths
    ]
    if missing:
        why = f"no account is called {missing[0]!r} in this study"
        return Stop(kill=kill, watched=kill.path, session=None, why=why)
    account = paths[kill.path]
    if kill.drawdown is not None:
        level, line = account.drawdown, -kill.drawdown
        watched = f"fall of {kill.path} from its peak"
    else:
        other = paths[str(kill.behind)].nav
        grown = (account.nav / account.nav.iloc[0]) / (other / other.iloc[0])
        level, line = grown - 1.0, -float(kill.by or 0.0)
        watched = f"{kill.path} against {kill.behind}"
    met = (level <= line).to_numpy()
    if not met.any():
        worst = float(level.min())
        why = f"never met: {_percent(worst)} at worst, {_percent(line)} needed"
        return Stop(kill=kill, watched=watched, session=None, why=why)
    at = int(met.argmax())
    why = f"{_percent(float(level.iloc[at]))} at the close, {_percent(line)} needed"
    return Stop(kill=kill, watched=watched, session=days[at], why=why)


def _percent(value: float) -> str:
    """Return ``12.3%``, with a true minus where it is below zero."""
    return f"{value:.1%}".replace("-", "\N{MINUS SIGN}")


def _of_signal(kill: Kill, market: Market, days: pd.DatetimeIndex) -> Stop:
    """Return when a signal met a criterion, or failed to by its deadline."""
    watched = _signal_words(kill)
    told = _told(kill, market)
    sessions = market.home.sessions
    closes = sessions.close_utc[sessions.days.isin(days)]
    entities = len(told["entity"].unique())
    if entities != 1:
        of = f" of {kill.entity}" if kill.entity else ""
        why = f"no observation of {kill.role}{of}"
        if entities:
            why = f"{kill.role} is known of {entities} entities; name one: 'entity'"
        return Stop(kill=kill, watched=watched, session=None, why=why)
    moment = met_at(kill, told)
    place = len(days)
    if moment is not None:
        place = int(np.searchsorted(closes, moment, side="left"))
    if kill.deadline is None:
        if place == len(days):
            return Stop(kill=kill, watched=watched, session=None, why="never met")
        why = f"met by what was known on {pd.Timestamp(str(moment)).date()}"
        return Stop(kill=kill, watched=watched, session=days[place], why=why)
    due = int(days.searchsorted(pd.Timestamp(kill.deadline)))
    if place <= due and place < len(days):
        why = f"no stop: met on {days[place].date()}, in time"
        return Stop(kill=kill, watched=watched, session=None, why=why)
    if due == len(days):
        why = f"not due before {kill.deadline}"
        return Stop(kill=kill, watched=watched, session=None, why=why)
    why = f"not met by {kill.deadline}"
    return Stop(kill=kill, watched=watched, session=days[due], why=why)


def _told(kill: Kill, market: Market) -> pd.DataFrame:
    """Return the observations that a criterion reads, in the order they became known.

    All vintages: a restatement counts from when it was known.
    """
    signals = market.signals
    series = signals.roles.get(str(kill.role), str(kill.role))
    frame = signals.observations
    chosen = frame[(frame["series"] == series) & (frame["quality"] == "observed")]
    return chosen if kill.entity is None else chosen[chosen["entity"] == kill.entity]


def met_at(kill: Kill, told: pd.DataFrame) -> np.datetime64 | None:
    """Return the moment at which a signal's condition was first known to be met.

    `told` holds `value_date`, `known_at` and `value` in the order of `known_at`. The
    condition looks at the newest `times` value dates known at each moment.
    """
    known: dict[np.datetime64, float] = {}
    dates: list[np.datetime64] = []
    peak = -np.inf
    for date, moment, value in zip(
        told["value_date"].to_numpy(),
        told["known_at"].to_numpy(),
        told["value"].to_numpy(),
        strict=True,
    ):
        if date not in known:
            dates.append(date)
            dates.sort()
        known[date] = float(value)
        peak = max(peak, float(value))
        newest = [known[one] for one in dates[-kill.times :]]
        if len(newest) == kill.times and all(_meets(kill, v, peak) for v in newest):
            return np.datetime64(moment)
    return None


def _meets(kill: Kill, value: float, peak: float) -> bool:
    if kill.above is not None:
        return value > kill.above
    if kill.below is not None:
        return value < kill.below
    return value <= peak - float(kill.off_peak or 0.0)


def _signal_words(kill: Kill) -> str:
    """Return ``token share above 0.3, 12 in a row, by 2026-06-30``."""
    word = next(w for w in ("above", "below", "off_peak") if getattr(kill, w))
    line = f"{getattr(kill, word):g}"
    of = f" of {kill.entity}" if kill.entity else ""
    condition = f"{line} off its peak" if word == "off_peak" else f"{word} {line}"
    parts = [f"{str(kill.role).replace('_', ' ')}{of} {condition}"]
    if kill.times > 1:
        parts.append(f"{kill.times} in a row")
    if kill.deadline is not None:
        parts.append(f"by {kill.deadline}")
    return ", ".join(parts)


def stopped_account(tape: Tape, account: Backtest, session: pd.Timestamp) -> Backtest:
    """Return the account that sells everything from a decision on, and stays in cash.

    Up to `session` it gives the account's own targets on the same tape; then none: its
    holdings go at each asset's next close, at the ledger's costs, and nothing follows.
    """
    before = account.targets[account.targets.index < session]
    symbols = account.targets.columns
    targets = {
        day: pd.Series(row, index=symbols)
        for day, row in zip(
            pd.DatetimeIndex(before.index), before.to_numpy(), strict=True
        )
    }
    targets[session] = pd.Series(0.0, index=symbols)
    return play(
        tape,
        name=f"{account.name} stopped",
        decide_at=pd.DatetimeIndex(sorted(targets)),
        policy=fixed(targets),
    )


def replay(
    thesis: Thesis, stops: Sequence[Stop], tape: Tape, account: Backtest
) -> pd.DataFrame:
    """Return one row per criterion, columns `KILL_COLUMNS`: what stopping did.

    The stopped account is played again on the same tape, so that its sales cost what
    every trade costs. `saved` above zero: stopping was worth it.
    """
    happened = [one.session for one in stops if one.session is not None]
    first = min(happened, default=None)
    played = {
        session: stopped_account(tape, account, session)
        for session in dict.fromkeys(happened)
    }
    rows = []
    for one in stops:
        told: dict[str, object] = {
            "criterion": one.kill.id,
            "says": one.kill.says,
            "watched": one.watched,
            "stopped": one.session if one.session is not None else pd.NaT,
            "why": one.why,
            "sample": _sample(thesis.declared_of(one.kill), one.session),
            "first": one.session is not None and one.session == first,
        }
        if one.session is not None:
            told |= _difference(account, played[one.session], one.session)
        rows.append(told)
    table = pd.DataFrame(rows, columns=list(KILL_COLUMNS))
    return table.astype({"stopped": "datetime64[ns]"})


def _sample(declared: dt.date | None, session: pd.Timestamp | None) -> str:
    if session is None:
        return ""
    after = declared is not None and session >= pd.Timestamp(declared)
    return "out-of-sample" if after else "in-sample"


def _difference(
    account: Backtest, stopped: Backtest, session: pd.Timestamp
) -> dict[str, object]:
    """Return how the two accounts compare, as shares of worth."""
    kept, cash = account.nav, stopped.nav
    at = float(kept.loc[session])
    paid = stopped.costs.sum(axis=1)
    return {
        "return_before": at / float(kept.iloc[0]) - 1.0,
        "return_after": float(kept.iloc[-1]) / at - 1.0,
        "return_stopped": float(cash.iloc[-1] / cash.iloc[0]) - 1.0,
        "return_kept": float(kept.iloc[-1] / kept.iloc[0]) - 1.0,
        "saved": float(cash.iloc[-1] / kept.iloc[-1]) - 1.0,
        "drawdown_stopped": float(stopped.drawdown.min()),
        "drawdown_kept": float(account.drawdown.min()),
        "costs_of_stopping": float(paid[paid.index > session].sum()) / at,
    }
