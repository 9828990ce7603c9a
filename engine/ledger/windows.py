"""Fresh accounts over many stretches of one tape, walked in compiled code.

What a study asks of the days about an event: the same paths, begun on another day.
Nothing of the market or of the decisions is copied for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from engine.errors import DataError, at_most
from engine.ledger.account import Account, walk_of
from engine.ledger.batch import reel_of, spread_out
from engine.ledger.books import worth
from engine.ledger.compiled import load
from engine.ledger.kernel_types import DONE, FULL
from engine.ledger.simulate import TOLERANCE, check_target
from engine.ledger.tape import Tape, cut

#: Fills for which there is room at first, per asset and decision.
_FILLS_EACH = 2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plan:
    """Fixed schedules of P paths, laid out once for all the accounts that follow them.

    rows : (D,) home session of each decision, path after path, -1 before the tape's
        first. targets : (D, N). edges : (P + 1,) where each path's decisions begin.
    """

    names: tuple[str, ...]
    rows: np.ndarray
    targets: np.ndarray
    edges: np.ndarray

    def of(self, path: int) -> np.ndarray:
        """Return the home sessions of one path's decisions."""
        found: np.ndarray = self.rows[self.edges[path] : self.edges[path + 1]]
        return found


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Opened:
    """What W fresh accounts did, each over its own home sessions.

    nav : (W, L) net asset value from the first close on, NaN after the last. costs :
    (W,) paid, the account's currency; interest earned is not taken off. trades,
    waited : (W,) fills, and session ends at which orders stood open, summed over
    assets; -1 where they were not counted.
    """

    nav: np.ndarray
    costs: np.ndarray
    trades: np.ndarray
    waited: np.ndarray


def lay_out(
    tape: Tape, schedules: Mapping[str, Mapping[pd.Timestamp, pd.Series]]
) -> Plan:
    """Return the plan of these schedules: path -> home session -> target weights.

    Decisions after the tape are left out.

    Raises
    ------
    DataError
        A decision is not on a home session, or its weights cannot be meant.
    """
    rows: list[int] = []
    targets: list[np.ndarray] = []
    edges = [0]
    for schedule in schedules.values():
        for day in sorted(schedule):
            row = int(tape.days.searchsorted(day, side="right")) - 1
            if day > tape.days[-1]:
                continue
            if row >= 0 and tape.days[row] != day:
                raise DataError(
                    f"decisions on {at_most([str(day.date())])} are not on home "
                    f"sessions between {tape.days[0].date()} and "
                    f"{tape.days[-1].date()}"
                )
            rows.append(row)
            targets.append(check_target(schedule[day], tape, max(row, 0)))
        edges.append(len(rows))
    return Plan(
        names=tuple(schedules),
        rows=np.array(rows, dtype=np.int64),
        targets=np.array(targets).reshape(len(rows), len(tape.symbols)),
        edges=np.array(edges, dtype=np.int64),
    )


def open_accounts(
    tape: Tape,
    plan: Plan,
    *,
    path: np.ndarray,
    first: np.ndarray,
    last: np.ndarray,
    count: bool = True,
) -> Opened:
    """Return what fresh accounts do that follow paths of a plan from some day on.

    Each opens at the close of its first home session, takes there the weights of its
    path's last decision up to it (cash if there is none yet), pays for them like any
    other, and follows the later decisions up to its last session.

    Parameters
    ----------
    tape : Tape
    plan : Plan
    path, first, last : ndarray of shape (W,)
        Place of the path in the plan; first and last home session on the tape.
    count : bool
        Whether to count fills and waiting orders, too.

    Raises
    ------
    DataError, CurrencyError
        What the readable account says of the first account that fails.
    """
    spans = _spans(plan, path, first, last)
    length = int((last - first).max()) + 1 if len(spans) else 0
    nav = np.full((len(spans), length), np.nan)
    told, status = np.zeros((len(spans), 3)), np.zeros(len(spans), dtype=np.int64)
    reel, run_windows = reel_of(tape), load("kernel").run_windows
    decisions = int((spans[:, 3] - spans[:, 2]).max(initial=0))
    room = _FILLS_EACH * len(tape.symbols) * (decisions + 1) if count else 0

    def run(part: slice) -> None:
        run_windows(
            reel, plan.rows, plan.targets, spans[part], room,
            nav[part], told[part], status[part],
        )  # fmt: skip

    while True:
        spread_out(run, len(spans), length * len(tape.symbols))
        if not (status == FULL).any():
            break
        room *= 4
    if (status != DONE).any():
        _raise(tape, plan, spans[int(np.argmax(status != DONE))])
    counts = told[:, 1:].astype(np.int64) if count else np.full((len(spans), 2), -1)
    return Opened(nav=nav, costs=told[:, 0], trades=counts[:, 0], waited=counts[:, 1])


def may_open(tape: Tape, plan: Plan, path: int, first: np.ndarray) -> np.ndarray:
    """Return at which sessions a path's standing weights may be ordered, (S,).

    What was sold short when it was decided may be forbidden later.
    """
    rows = plan.of(path)
    if not len(rows):
        return np.ones(len(first), dtype=bool)
    place = np.searchsorted(rows, first, side="right") - 1
    standing = plan.targets[plan.edges[path] + np.maximum(place, 0)]
    forbidden = (standing < -TOLERANCE) & ~tape.rules.short[first]
    return np.asarray((place < 0) | ~forbidden.any(axis=1))


def _spans(
    plan: Plan, path: np.ndarray, first: np.ndarray, last: np.ndarray
) -> np.ndarray:
    """Return the spans (W, 4) that the compiled walk reads."""
    spans = np.empty((len(path), 4), dtype=np.int64)
    spans[:, 0], spans[:, 1] = first, last
    for one in range(len(plan.names)):
        chosen, rows = path == one, plan.of(one)
        standing = np.searchsorted(rows, first[chosen], side="right") - 1
        spans[chosen, 2] = plan.edges[one] + np.maximum(standing, 0)
        spans[chosen, 3] = plan.edges[one] + np.searchsorted(
            rows, last[chosen], side="right"
        )
    return spans


def _raise(tape: Tape, plan: Plan, span: np.ndarray) -> None:
    """Raise what the readable account says of one that failed."""
    first, last, begin, stop = span.tolist()
    account = Account(cut(tape, first, last + 1))
    for place in range(begin, stop):
        account.advance(max(int(plan.rows[place]) - first, 0))
        account.order(plan.targets[place])
    account.advance(last - first)
    worth(walk_of(account))
    raise AssertionError("the readable account does what the compiled one could not")
