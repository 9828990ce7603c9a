"""A backtest about an event: every path from a few sessions before it to long after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from engine.errors import DataError
from engine.ledger.account import walk_of
from engine.ledger.books import paid, worth
from engine.ledger.records import Walk
from engine.ledger.simulate import fixed, walk
from engine.ledger.tape import Tape, cut


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
    """

    nav: pd.DataFrame
    summary: pd.DataFrame
    note: str


def around(
    tape: Tape,
    *,
    at_session: pd.Timestamp,
    schedules: Mapping[str, Mapping[pd.Timestamp, pd.Series]],
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
    schedules : mapping of path name to mapping of session to Series
        Target weights by decision session; every asset is one of the tape's.
    before, after : int
        Home sessions to show before and after day zero.

    Raises
    ------
    DataError
        `at_session` is not a session of the tape, or a path holds an unknown line.
    """
    days = tape.days
    zero = int(days.get_indexer(pd.DatetimeIndex([at_session]))[0])
    if zero < 0:
        raise DataError(
            f"{at_session.date()} is not a home session between {days[0].date()} and "
            f"{days[-1].date()}"
        )
    low, high = max(zero - before, 0), min(zero + after, len(days) - 1)
    window = cut(tape, low, high + 1)
    paths = {name: _walk(window, targets) for name, targets in schedules.items()}
    growth = {name: worth(path)[1] for name, path in paths.items()}
    relative = pd.RangeIndex(low - zero, high - zero + 1, name="relative")
    nav = pd.DataFrame(
        {name: one / one[0] for name, one in growth.items()}, index=relative
    )
    return Window(
        nav=nav,
        summary=pd.DataFrame.from_dict(
            {
                name: _row(path, growth[name], zero - low)
                for name, path in paths.items()
            },
            orient="index",
            columns=_COLUMNS,
        ),
        note=_note(low - zero, high - zero, before, after),
    )


_COLUMNS = [
    "total_return",
    "before",
    "since",
    "max_drawdown",
    "costs",
    "trades",
    "waited",
]


def _walk(tape: Tape, targets: Mapping[pd.Timestamp, pd.Series]) -> Walk:
    """Return one path: its standing weights at the first session, then its own."""
    first, last = tape.days[0], tape.days[-1]
    inside = {day: targets[day] for day in sorted(targets) if first < day <= last}
    standing = [day for day in sorted(targets) if day <= first]
    if standing:
        inside = {first: targets[standing[-1]], **inside}
    account, _ = walk(
        tape,
        decide_at=pd.DatetimeIndex(list(inside), name="session"),
        policy=fixed(inside),
    )
    return walk_of(account)


def _row(path: Walk, nav: np.ndarray, zero: int) -> tuple[float, ...]:
    """Return one path's row of the summary; `zero` is day zero's place."""
    eve = nav[max(zero - 1, 0)]
    return (
        nav[-1] / nav[0] - 1.0,
        eve / nav[0] - 1.0,
        nav[-1] / eve - 1.0,
        float((nav / np.maximum.accumulate(nav) - 1.0).min()),
        sum(float(kind.clip(min=0.0).sum()) for kind in paid(path).values()) / nav[0],
        len(path.fills.units),
        int(path.waiting.sum()),
    )


def _note(low: int, high: int, before: int, after: int) -> str:
    """Return what the window lacks, or nothing."""
    lacking = []
    if low > -before:
        lacking.append(f"the study begins {-low} sessions before the event")
    if high < after:
        lacking.append(f"the study ends {high} sessions after the event")
    return " and ".join(lacking)
