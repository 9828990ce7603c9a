"""The linear limits that a thesis file sets, as rows of a matrix."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from engine.portfolio.constraints import (
    CAP,
    CASH,
    GROSS,
    MARGIN,
    NAMES,
    TURNOVER,
    Limits,
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Row:
    """One linear limit ``coefficients @ x <= bound``, and the setting it comes from.

    x stacks weights, bought and sold (N each), cash, its rise and its fall, and short
    positions (N): shape (4 N + 3,). Rows with the same `name` and `side` are one
    setting; `place` is the asset of a limit per name.
    """

    name: str
    side: str  # "minimum", "maximum", or "" for a setting with one side
    value: float
    coefficients: np.ndarray
    bound: float
    place: int | None = None

    @property
    def setting(self) -> tuple[str, str]:
        """What the thesis file sets: a name and a side."""
        return self.name, self.side


def rows_of(limits: Limits) -> list[Row]:
    """Return every linear limit that the thesis file sets, as rows."""
    n = len(limits.assets)
    identity = np.eye(4 * n + 3)
    rows = []
    cash = np.zeros(n + 1)
    cash[n] = 1.0
    sums = [
        (budget.name, budget.low, budget.high, np.append(budget.coefficients, 0.0))
        for budget in limits.budgets
    ]
    for name, low, high, coefficients in [*sums, (CASH, *limits.cash, cash)]:
        total = np.zeros(4 * n + 3)
        total[:n], total[3 * n] = coefficients[:n], coefficients[n]
        if np.isfinite(low):
            rows.append(_row(name, "minimum", low, -total, -low))
        if np.isfinite(high):
            rows.append(_row(name, "maximum", high, total, high))
    for place in np.flatnonzero(limits.may_sell & (limits.cap > 0)):
        cap = float(limits.cap[place])
        row = _row(CAP, "", limits.max_weight, identity[place], cap)
        rows.append(replace(row, place=int(place)))
    if limits.max_turnover is not None:
        half = np.zeros(4 * n + 3)
        half[n : 3 * n] = np.tile(np.where(limits.forced, 0.0, 0.5), 2)
        half[3 * n + 1 : 3 * n + 3] = 0.5
        rows.append(_row(TURNOVER, "", limits.max_turnover, half, limits.max_turnover))
    if limits.gross is not None:
        gross = np.zeros(4 * n + 3)
        gross[:n], gross[3 * n + 3 :] = 1.0, 2.0
        rows.append(_row(GROSS, "", limits.gross, gross, limits.gross))
    if limits.most_short is not None and limits.shorts:
        short = np.zeros(4 * n + 3)
        short[3 * n + 3 :] = 1.0
        rows.append(_row(MARGIN, "", limits.most_short, short, limits.most_short))
    if limits.most_names is not None and not limits.shorts:
        reach = np.where(np.isfinite(limits.highest), limits.highest, 0.0)
        share = np.zeros(4 * n + 3)
        share[:n] = np.divide(1.0, reach, out=np.zeros(n), where=reach > 0.0)
        most = float(limits.most_names)
        rows.append(_row(NAMES, "", most, share, most))
    return rows


def _row(
    name: str, side: str, value: float, coefficients: np.ndarray, bound: float
) -> Row:
    """Return a row, by position."""
    return Row(
        name=name, side=side, value=value, coefficients=coefficients, bound=bound
    )
