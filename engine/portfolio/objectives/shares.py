"""Shares of legs and of the names within them: closed forms without an optimiser."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from engine.portfolio.constraints import Limits, at_rates

#: Rounds end when costs change by less than this.
_SETTLED = 1e-16


def after_costs(
    limits: Limits,
    buy_cost: np.ndarray,
    sell_cost: np.ndarray,
    invest: Callable[[float], np.ndarray],
) -> np.ndarray:
    """Return weights that leave the least cash after the costs of reaching them.

    `invest` gives weights (N,) for the share to be invested. Each round gains as many
    digits as a cost rate has zeros.
    """
    weights, costs = limits.held, 0.0
    for _ in range(50):
        weights = invest(1.0 - limits.cash[0] - costs)
        traded = weights - limits.held
        before = costs
        costs = at_rates(traded, buy_cost, sell_cost)
        if limits.orders is not None:
            costs += float(limits.orders.expected(traded).sum())
        if abs(costs - before) < _SETTLED:
            break
    return weights


def within_equal_legs(
    limits: Limits, invested: float, parts: np.ndarray | None = None
) -> np.ndarray:
    """Return weights in proportion to `parts` within equal legs, shape (N,).

    They add up to `invested`, or as near to it as the legs allow. Each leg receives an
    equal share, moved into its range; within a leg each asset that can be bought
    receives a weight in proportion to its part (default: equal ones), moved under its
    cap and above what cannot be sold, and what that frees or takes is spread over the
    others. Turnover and extra limits are not looked at: `nearest_to` meets them. A leg
    is a budget whose name begins with ``barbell.``; an asset of two legs counts for
    the first.
    """
    parts = np.ones(len(limits.assets)) if parts is None else parts
    low = np.maximum(limits.floor, np.where(limits.closed, -np.inf, 0.0))
    high = np.where(limits.may_buy, np.maximum(limits.highest, low), low)
    legs, taken = [], np.zeros(len(low), dtype=bool)
    for budget in limits.budgets:
        if budget.name.startswith("barbell."):
            legs.append((budget, budget.members & ~taken))
            taken |= budget.members
    leg_low = np.array(
        [max(budget.low, low[members].sum()) for budget, members in legs]
    )
    leg_high = np.array(
        [min(budget.high, high[members].sum()) for budget, members in legs]
    )
    shares = spread(leg_low, np.maximum(leg_high, leg_low), invested)
    weights = low.copy()
    for share, (_, members) in zip(shares, legs, strict=True):
        weights[members] = spread(
            low[members], high[members], float(share), parts[members]
        )
    return np.asarray(weights)


def spread(
    low: np.ndarray, high: np.ndarray, total: float, parts: np.ndarray | None = None
) -> np.ndarray:
    """Return proportional parts moved into [low, high], adding up to `total`.

    The result is ``clip(t * parts, low, high)`` for the level t that gives the total;
    all at their highest (lowest) where the total is out of reach. `parts` are above 0;
    by default they are equal. Shape (n,).
    """
    if high.sum() <= total:
        return high.copy()
    if low.sum() >= total:
        return low.copy()
    sizes = np.ones(len(low)) if parts is None else parts
    levels = np.unique(np.concatenate([low / sizes, high / sizes]))
    sums = np.array([np.clip(level * sizes, low, high).sum() for level in levels])
    above = int(np.searchsorted(sums, total))
    step = (total - sums[above - 1]) / (sums[above] - sums[above - 1])
    level = levels[above - 1] + step * (levels[above] - levels[above - 1])
    return np.asarray(np.clip(level * sizes, low, high))
