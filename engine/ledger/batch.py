"""Many weight schedules along one tape at once, in compiled code.

Nothing of the market is copied: every schedule reads the same tape. The rule: a study's
own accounts, which follow a policy, are walked by the readable `engine.ledger.account`;
batches of fixed schedules (its random barbells), its baselines whose weights are known
beforehand, single schedules with thousands of decisions, and the many windows about
events (`engine.ledger.windows`) are walked in compiled code.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from engine.errors import DataError
from engine.ledger.account import Account, walk_of
from engine.ledger.backtest import Backtest
from engine.ledger.books import backtest_of, worth
from engine.ledger.compiled import load
from engine.ledger.kernel_types import DONE, FULL, Reel, Tracks
from engine.ledger.records import Events, Fills, Walk
from engine.ledger.simulate import TOLERANCE, check_target, rows_of
from engine.ledger.tape import Tape

#: Asset-sessions of a batch from which it is spread over threads.
_SPREAD_FROM = 10_000_000
_MOST_THREADS = 4
TOTALS = (
    "slippage",
    "tax",
    "commission",
    "impact",
    "fx",
    "interest",
    "borrow",
    "withholding",
    "traded",
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Batch:
    """What S schedules did, over T home sessions.

    nav : (S, T) net asset value at each home close, the account's currency.
    totals : one row per schedule, columns `TOTALS`: what each kind of cost took over
    the whole run (positive = paid) and the value traded, the account's currency.
    """

    days: pd.DatetimeIndex
    nav: np.ndarray
    totals: pd.DataFrame

    def returns(self) -> np.ndarray:
        """Return simple returns per home session, shape (S, T - 1)."""
        found: np.ndarray = self.nav[:, 1:] / self.nav[:, :-1] - 1.0
        return found


def simulate_schedules(
    tape: Tape, schedules: np.ndarray, decide_at: pd.DatetimeIndex
) -> Batch:
    """Return the paths of many accounts that follow fixed target weights.

    Parameters
    ----------
    tape : Tape
    schedules : ndarray of shape (S, D, N)
        Target weights of S schedules at D decisions over the tape's N assets.
    decide_at : DatetimeIndex of shape (D,)
        Home sessions at whose close the weights are decided, increasing.

    Returns
    -------
    Batch
        Each row is what `engine.ledger.simulate.play` gives for that schedule.

    Raises
    ------
    DataError, CurrencyError
        As `engine.ledger.simulate.simulate`, for the first schedule that fails.

    Notes
    -----
    A tape with one currency, one clock, prices on every session and nothing but
    proportional costs takes `engine.ledger.kernel_plain`; every other takes
    `engine.ledger.kernel`. Both leave the interpreter lock, and large batches use up to
    four threads.
    """
    rows = _decisions(tape, schedules, decide_at)
    schedules = _checked(tape, schedules, rows)
    count, sessions = len(schedules), len(tape.days)
    nav, totals = np.empty((count, sessions)), np.zeros((count, len(TOTALS)))
    if is_plain(tape):
        _plain(tape, rows, schedules, nav, totals)
        done = np.isfinite(nav[:, -1]) & (nav.min(axis=1) > 0.0)
    else:
        done = np.zeros(count, dtype=bool)
    if not done.all():
        _general(tape, rows, schedules, nav, totals)
    return Batch(
        days=tape.days, nav=nav, totals=pd.DataFrame(totals, columns=list(TOTALS))
    )


def play_schedule(
    tape: Tape, targets: Mapping[pd.Timestamp, np.ndarray], *, name: str
) -> Backtest:
    """Return the whole account of one fixed schedule, walked in compiled code.

    The same as `engine.ledger.simulate.play` with the policy `fixed`; `targets` maps
    home sessions to weights (N,) over the tape's assets.
    """
    decide_at = pd.DatetimeIndex(list(targets))
    weights = np.array([*targets.values(), np.zeros(len(tape.symbols))])[None, :-1]
    rows = _decisions(tape, weights, decide_at)
    weights = _checked(tape, weights, rows)
    walk = _walk(tape, rows, weights[0], name)
    told = dict(zip(decide_at, weights[0], strict=True))
    return backtest_of(walk, name=name, targets=told)


def is_plain(tape: Tape) -> bool:
    """Return whether nothing but proportional costs can happen on a tape.

    One currency; every moment a home close; taxes alike for all; no interest, lots,
    limits, charges, impact, shorts, dividends or splits.
    """
    rules = tape.rules
    taxes = (tape.tax_buy, tape.tax_sell)
    return (
        len(tape.currencies) == 1
        and len(tape.moments) == len(tape.days)
        and not (tape.earn.any() or tape.owe.any() or rules.lot.any())
        and not (len(rules.no_buy) or len(rules.most) or len(rules.charges))
        and not (len(tape.actions.moment) or (len(rules.short) and rules.short.any()))
        and all(np.array_equal(tax, tax[:, :1] + 0 * tax) for tax in taxes)
    )


def _decisions(
    tape: Tape, schedules: np.ndarray, decide_at: pd.DatetimeIndex
) -> np.ndarray:
    """Return the home rows of the decisions; `DataError` if they do not fit."""
    shape = (len(decide_at), len(tape.symbols))
    if schedules.ndim != 3 or schedules.shape[1:] != shape:
        raise DataError(
            f"schedules have the shape {schedules.shape}; (schedules, {shape[0]} "
            f"decisions, {shape[1]} assets) is asked for"
        )
    rows = np.array(rows_of(tape, decide_at), dtype=np.int64)
    if len(rows) != len(decide_at) or not decide_at.is_monotonic_increasing:
        raise DataError("decisions of schedules must be increasing, each day once")
    return rows


def _checked(tape: Tape, schedules: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return the schedules as the ledger reads them; raise for what cannot be meant.

    The same as `check_target` on each row, which says what is wrong with the first.
    """
    weights: np.ndarray = np.ascontiguousarray(schedules, dtype=np.float64)
    if not weights.size:
        return weights
    low, most = weights.min(), weights.sum(axis=2).max()
    if low >= 0.0 and most <= 1.0:
        return weights
    may, margin = tape.rules.short[rows], tape.execution.short_margin or 0.0
    short = -weights.clip(max=0.0)
    wrong = ~(weights.sum(axis=2) <= 1.0 + TOLERANCE)
    wrong |= ((short > TOLERANCE) & ~may).any(axis=2)
    wrong |= short.sum(axis=2) * margin > 1.0 + TOLERANCE
    for one, d in np.argwhere(wrong):
        told = pd.Series(weights[one, d], index=tape.symbols)
        check_target(told, tape, int(rows[d]))
    return np.where(may, weights, weights.clip(min=0.0))


def _plain(
    tape: Tape,
    rows: np.ndarray,
    schedules: np.ndarray,
    nav: np.ndarray,
    totals: np.ndarray,
) -> None:
    """Walk all schedules with proportional costs only; write nav and totals."""
    run_plain = load("kernel_plain").run_plain
    told = np.zeros((len(schedules), 3))
    buy, sell = (
        np.ascontiguousarray(tax[:, 0]) for tax in (tape.tax_buy, tape.tax_sell)
    )

    def run(part: slice) -> None:
        run_plain(
            tape.fill, rows, schedules[part], tape.slippage, buy, sell,
            float(tape.execution.capital), nav[part], told[part],
        )  # fmt: skip

    spread_out(run, len(schedules), tape.fill.size)
    totals[:, [TOTALS.index(name) for name in ("slippage", "tax", "traded")]] = told


def _general(
    tape: Tape,
    rows: np.ndarray,
    schedules: np.ndarray,
    nav: np.ndarray,
    totals: np.ndarray,
) -> None:
    """Walk all schedules with every feature; write nav and totals."""
    run_all = load("kernel").run_all
    reel = reel_of(tape)
    status = np.zeros(len(schedules), dtype=np.int64)
    totals[:] = 0.0

    def run(part: slice) -> None:
        run_all(reel, rows, schedules[part], nav[part], totals[part], status[part])

    spread_out(run, len(schedules), tape.fill.size)
    if (status != DONE).any():
        _raise(tape, rows, schedules[int(np.argmax(status != DONE))])


def spread_out(run: Callable[[slice], None], count: int, size: int) -> None:
    """Call `run` on slices of `count` schedules, on threads if there is much to do.

    One processor is left to the rest of a study, which goes on meanwhile.
    """
    threads = min(_MOST_THREADS, (os.cpu_count() or 1) - 1, count)
    if count * size < _SPREAD_FROM or threads < 2:
        run(slice(0, count))
        return
    edges = np.linspace(0, count, threads + 1).astype(int).tolist()
    parts = [slice(low, high) for low, high in pairwise(edges)]
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(run, parts))


def _raise(tape: Tape, rows: np.ndarray, targets: np.ndarray, name: str = "") -> None:
    """Raise what the readable account says of a schedule that failed."""
    account = Account(tape, name)
    for row, target in zip(rows.tolist(), targets, strict=True):
        account.advance(row)
        account.order(target)
    account.advance(len(tape.days) - 1)
    worth(walk_of(account), name)
    raise AssertionError("the readable account does what the compiled one could not")


def _walk(tape: Tape, rows: np.ndarray, targets: np.ndarray, name: str) -> Walk:
    """Return one account along the tape with all its records."""
    run = load("kernel").run
    reel = reel_of(tape)
    room = targets.size + len(tape.symbols)
    while True:
        out = _tracks(tape, room)
        status = run(reel, rows, targets, out)
        if status != FULL:
            break
        room *= 4
    if status != DONE:
        _raise(tape, rows, targets, name)
    return _read(tape, out)


def _tracks(tape: Tape, room: int) -> Tracks:
    """Return empty tracks that keep everything, with room for that many fills."""
    sessions, assets = tape.price.shape
    return Tracks(
        nav=np.zeros(sessions),
        interest=np.zeros(sessions),
        swept=np.zeros(sessions),
        borrowed=np.zeros(sessions),
        totals=np.zeros(len(TOTALS)),
        holdings=np.zeros((sessions, assets)),
        price=tape.price.copy(),
        waiting=np.zeros((sessions, assets), dtype=np.bool_),
        cash=np.zeros((sessions, len(tape.currencies))),
        fill_place=np.full((room, 3), -1),
        fill_number=np.zeros((room, 8)),
        unbought=np.zeros(len(tape.moments)),
        event=np.full((len(tape.actions.moment), 4), -1.0),
    )


def _read(tape: Tape, out: Tracks) -> Walk:
    """Return what the compiled walk wrote as the readable one would have left it."""
    fills = int((out.fill_place[:, 0] >= 0).sum())
    place, number = out.fill_place[:fills], out.fill_number[:fills]
    order = np.lexsort((place[:, 2], place[:, 0]))  # sales were written first
    place, number = place[order], number[order]
    met = out.event[out.event[:, 0] >= 0.0]
    return Walk(
        tape=tape,
        holdings=out.holdings,
        price=out.price,
        waiting=out.waiting,
        cash=out.cash,
        interest=out.interest,
        sweep=out.swept,
        borrow=out.borrowed,
        unbought=out.unbought,
        fills=Fills(
            at=place[:, 0],
            decided=place[:, 1],
            asset=place[:, 2],
            units=number[:, 0],
            value=number[:, 1],
            slippage=number[:, 2],
            tax=number[:, 3],
            commission=number[:, 4],
            impact=number[:, 5],
            fx_cost=number[:, 6],
            proceeds=number[:, 7],
        ),
        events=Events(
            event=met[:, 0].astype(np.int64),
            units=met[:, 1],
            paid=met[:, 2],
            withheld=met[:, 3],
        ),
    )


def reel_of(tape: Tape) -> Reel:
    """Return a tape's arrays as the compiled walk reads them, without copying.

    The types are the same for every tape: another type would be compiled anew.
    """
    rules, actions = tape.rules, tape.actions
    return Reel(
        time=tape.moments.astype("datetime64[ns]").view(np.int64),
        home_at=tape.home_at,
        price=tape.price,
        mark=tape.mark,
        bar=tape.bar,
        fill=tape.fill,
        next_fill=tape.next_fill,
        due=tape.due,
        fx=np.require(tape.fx, requirements=("C", "W")),  # pandas may lock it
        tax_buy=tape.tax_buy,
        tax_sell=tape.tax_sell,
        currency_of=tape.currency_of,
        venue_of=tape.venue_of,
        spread=tape.spread,
        earn=tape.earn,
        owe=tape.owe,
        borrow=tape.borrow,
        no_buy=rules.no_buy,
        no_sell=rules.no_sell,
        lot=rules.lot,
        most=rules.most,
        impact=rules.impact,
        charges=rules.charges,
        charge_of=rules.charge_of,
        action_at=actions.moment,
        action_asset=actions.asset,
        action_split=actions.split,
        action_dividend=actions.dividend,
        action_withheld=actions.withheld,
        action_ends=actions.ends,
        action_worth=actions.worth,
        slippage=float(tape.slippage),
        capital=float(tape.execution.capital),
        sweep=rules.sweep,
        opens=tape.execution.at == "next_open",
    )
