"""A fresh account over one window, walked by the readable ledger: the oracle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from engine.ledger.account import walk_of
from engine.ledger.books import paid, worth
from engine.ledger.simulate import fixed, walk
from engine.ledger.tape import Tape, cut
from engine.ledger.windows import Opened
from tests.tolerances import TWIN

Schedule = Mapping[pd.Timestamp, pd.Series]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Readable:
    """What one account did: nav (sessions,), costs in money, fills, waiting orders."""

    nav: np.ndarray
    costs: float
    trades: int
    waited: int


def readable_window(tape: Tape, schedule: Schedule, low: int, high: int) -> Readable:
    """Return one path from home session `low` to `high`, on a tape cut to them."""
    window = cut(tape, low, high + 1)
    first, last = window.days[0], window.days[-1]
    inside = {day: schedule[day] for day in sorted(schedule) if first < day <= last}
    standing = [day for day in sorted(schedule) if day <= first]
    if standing:
        inside = {first: schedule[standing[-1]], **inside}
    account, _ = walk(
        window,
        decide_at=pd.DatetimeIndex(list(inside), name="session"),
        policy=fixed(inside),
    )
    found = walk_of(account)
    costs = sum(float(kind.clip(min=0.0).sum()) for kind in paid(found).values())
    return Readable(
        nav=worth(found)[1],
        costs=costs,
        trades=len(found.fills.units),
        waited=int(found.waiting.sum()),
    )


def check_window(told: Readable, opened: Opened, place: int) -> None:
    """The compiled account of this place is the readable one, to rounding."""
    count = len(told.nav)
    nav = opened.nav[place]
    assert (np.abs(nav[:count] / told.nav - 1.0) <= TWIN).all()
    assert np.isnan(nav[count:]).all()
    capital = told.nav.max()
    assert opened.costs[place] == pytest.approx(
        told.costs, rel=1e-9, abs=TWIN * capital
    )
    assert opened.trades[place] == told.trades
    assert opened.waited[place] == told.waited
