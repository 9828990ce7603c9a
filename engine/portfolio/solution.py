"""What a solver answers: weights, its word, and how far they are from optimal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np


def netted(prices: Mapping[str, float]) -> dict[str, float]:
    """Return shadow prices with one for a limit whose two sides both have one.

    Where a range is one number, what a solver splits over its sides is one price.
    """
    found = dict(prices)
    for low in [name for name in prices if name.endswith(" minimum")]:
        high = f"{low.removesuffix(' minimum')} maximum"
        if high not in prices:
            continue
        net = prices[low] - prices[high]
        del found[high if net >= 0.0 else low]
        found[low if net >= 0.0 else high] = abs(net)
    return {name: price for name, price in found.items() if price > 0.0}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Solution:
    """The solver's word and, where it has one, weights before costs, shape (N,).

    residual : how far the answer misses the conditions of Karush, Kuhn and Tucker:
        the largest of the stationarity, feasibility and complementarity errors of the
        problem whose objective is divided by its scale. For a conic or an integer
        problem the solver's own: its relative gap, or the larger of its residuals.
    prices : what the objective would gain per unit of each limit that binds, by
        setting and side ("portfolio.cash maximum"); for a limit per name also the
        asset ("portfolio.max_weight (NVDA)").
    """

    status: str
    solver: str
    weights: np.ndarray | None = None
    residual: float = float("nan")
    prices: Mapping[str, float] = field(default_factory=dict)
