"""An estimation window by date, where firms of several exchanges meet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.evidence.event_tests import Array
from engine.evidence.windows import Positions


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dated:
    """An estimation window with every date in one row, K rows, n assets.

    Counted in own sessions, two exchanges drift apart at each holiday of one of them;
    firms that move together on the event's date must be seen to do so before it. A row
    holds each asset's session as many days before its reaction to the news: the same
    date, or the next one for an exchange that reacts a day later.

    residuals : (K, n) of each asset's own model, NaN where it has none.
    design : (K, n, k + 1) constant and regressors of those observations, else 0.
    """

    residuals: Array
    design: Array


def by_date(
    residuals: Array,
    regressors: Array,
    after: Sequence[np.ndarray],
    place: Positions,
) -> Dated:
    """Return estimation rows (M, n) date by date.

    `after` is the time of every session of an asset since the date on which its
    exchange would have reacted.
    """
    day = np.timedelta64(1, "D")
    rows = [np.flatnonzero(np.isfinite(column)) for column in residuals.T]
    dates = [
        time[place[seen, column]] // day
        for column, (time, seen) in enumerate(zip(after, rows, strict=True))
    ]
    keys = np.unique(np.concatenate(dates)) if dates else np.array([], dtype=np.int64)
    out = np.full((len(keys), len(dates)), np.nan)
    design = np.zeros((*out.shape, regressors.shape[2] + 1))
    for column, (seen, date) in enumerate(zip(rows, dates, strict=True)):
        at = np.searchsorted(keys, date)
        out[at, column] = residuals[seen, column]
        design[at, column, 0] = 1.0
        design[at, column, 1:] = regressors[seen, column]
    return Dated(residuals=out, design=design)
