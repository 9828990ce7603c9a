"""The daily rows that an event's cumulative abnormal return adds up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from engine.evidence.event_panel import EventPanel, Window
from engine.evidence.event_tests import Alpha

DAILY_COLUMNS = (
    "symbol",
    "session",  # the day, on the member's own exchange
    "relative",  # sessions from its day zero
    "known_at",  # its close, UTC
    "return",  # NaN without a bar: the next return spans it
    "expected",  # by its model, with the intercept that the test takes
    "weight",  # of the member in the portfolio
)


def daily_rows(
    panel: EventPanel,
    members: tuple[Sequence[str], Sequence[str]],
    window: Window,
    alpha: Alpha,
) -> pd.DataFrame:
    """Return one row per member (long, then short) and session of a window.

    The sum over all rows of weight x (return - expected), a missing return as 0, is the
    portfolio's cumulative abnormal return. Columns `DAILY_COLUMNS`.
    """
    rows = panel.rows(window)
    columns = [panel.columns(side) for side in members]
    chosen = [*columns[0], *columns[1]]
    y, x = panel.returns[rows][:, chosen], panel.regressors[rows][:, chosen]
    seen = np.isfinite(y) & np.isfinite(x).all(axis=2)
    total = np.empty((*y.shape, x.shape[2] + 1))
    total[..., 0] = 1.0 if alpha == "estimated" else 0.0
    total[..., 1:] = np.where(seen[..., None], x, 0.0)
    expected = np.einsum("tia,ia->ti", total, panel.model.coefficients[chosen])
    weights = [
        sign / len(side)
        for side, sign in zip(columns, (1.0, -1.0), strict=True)
        for _ in side
    ]
    length = window[1] - window[0] + 1
    held = [panel.histories[column].sessions for column in chosen]
    first = [int(panel.zero[column]) + window[0] for column in chosen]
    return pd.DataFrame(
        {
            "symbol": np.repeat([panel.symbols[one] for one in chosen], length),
            "session": np.concatenate(
                [
                    one.days.to_numpy()[a : a + length]
                    for one, a in zip(held, first, strict=True)
                ]
            ),
            "relative": np.tile(np.arange(window[0], window[1] + 1), len(chosen)),
            "known_at": np.concatenate(
                [
                    one.close_utc[a : a + length]
                    for one, a in zip(held, first, strict=True)
                ]
            ),
            "return": np.where(seen, y, np.nan).T.ravel(),
            "expected": expected.T.ravel(),
            "weight": np.repeat(weights, length),
        },
        columns=list(DAILY_COLUMNS),
    )


def joined(daily: Mapping[str, pd.DataFrame | None]) -> pd.DataFrame:
    """Return the daily rows of several events, with the event's id first."""
    parts = {name: one for name, one in daily.items() if one is not None}
    if not parts:
        return pd.DataFrame(columns=["event", *DAILY_COLUMNS])
    whole = pd.concat(parts.values(), ignore_index=True)
    whole.insert(
        0, "event", np.repeat(list(parts), [len(one) for one in parts.values()])
    )
    return whole
