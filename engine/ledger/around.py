"""A backtest about an event: every path from a few sessions before it to long after."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from engine.errors import DataError
from engine.ledger.simulate import check_target
from engine.ledger.tape import Tape
from engine.ledger.windows import Plan, may_open, open_accounts


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Window:
    """Fresh accounts over one window about an event.

    nav : (sessions, paths) growth of 1 from the window's first close; the rows are
        home sessions relative to day zero.
    summary : one row per path: `total_return`; `before` and `since`, the returns up to
        the close before day zero and from it; `max_drawdown` (negative); `costs` paid,
        as a share of the starting capital; `trades`; `waited`, the session ends at
        which orders stood open, summed over assets.
    note : what was cut off, or empty.
    zero : the row of day zero on the tape.
    """

    nav: pd.DataFrame
    summary: pd.DataFrame
    note: str
    zero: int


def around(
    tape: Tape,
    *,
    at_session: pd.Timestamp,
    plan: Plan,
    before: int = 20,
    after: int = 120,
) -> Window:
    """Return what each path would have done about an event.

    Every path opens an account at the close of session -`before` and takes there the
    weights of its last decision up to that session (cash if it had none yet), paying
    for the purchase like any other; then it follows its later decisions.

    Parameters
    ----------
    tape : Tape
        The study's period and costs over every line that some path holds.
    at_session : Timestamp
        Day zero of the event on the home calendar.
    plan : Plan
        Target weights of each path, laid out by `engine.ledger.windows.lay_out`.
    before, after : int
        Home sessions to show before and after day zero.

    Raises
    ------
    DataError
        `at_session` is not a session of the tape, or a path's standing weights may not
        be ordered at the first session.
    """
    days = tape.days
    zero = int(days.get_indexer(pd.DatetimeIndex([at_session]))[0])
    if zero < 0:
        raise DataError(
            f"{at_session.date()} is not a home session between {days[0].date()} and "
            f"{days[-1].date()}"
        )
    low, high = max(zero - before, 0), min(zero + after, len(days) - 1)
    paths = np.arange(len(plan.names))
    for path in paths.tolist():
        _check_standing(tape, plan, path, low)
    opened = open_accounts(
        tape,
        plan,
        path=paths,
        first=np.full(len(paths), low),
        last=np.full(len(paths), high),
    )
    growth = opened.nav / opened.nav[:, :1]
    relative = pd.RangeIndex(low - zero, high - zero + 1, name="relative")
    before_zero, since = split_at(growth, zero - low)
    summary = {
        "total_return": growth[:, -1] - 1.0,
        "before": before_zero,
        "since": since,
        "max_drawdown": (growth / np.maximum.accumulate(growth, axis=1) - 1.0).min(1),
        "costs": opened.costs / opened.nav[:, 0],
        "trades": opened.trades,
        "waited": opened.waited,
    }
    return Window(
        nav=pd.DataFrame(growth.T, index=relative, columns=list(plan.names)),
        summary=pd.DataFrame(summary, index=list(plan.names)),
        note=_note(low - zero, high - zero, before, after),
        zero=zero,
    )


def split_at(growth: np.ndarray, zero: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the returns up to the close before day zero, and from it to the end.

    growth : (..., L) of 1 from the first close; `zero` is day zero's place in it.
    """
    eve = growth[..., max(zero - 1, 0)]
    return eve - 1.0, growth[..., -1] / eve - 1.0


def _check_standing(tape: Tape, plan: Plan, path: int, row: int) -> None:
    """Raise `DataError` if a path's standing weights may not be ordered at a row."""
    if may_open(tape, plan, path, np.array([row])).all():
        return
    place = int(np.searchsorted(plan.of(path), row, side="right")) - 1
    weights = plan.targets[plan.edges[path] + place]
    check_target(pd.Series(weights, index=tape.symbols), tape, row)


def _note(low: int, high: int, before: int, after: int) -> str:
    """Return what the window lacks, or nothing."""
    lacking = []
    if low > -before:
        lacking.append(f"the study begins {-low} sessions before the event")
    if high < after:
        lacking.append(f"the study ends {high} sessions after the event")
    return " and ".join(lacking)
