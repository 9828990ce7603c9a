"""What a portfolio is chosen for, in the one form that the optimiser takes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.portfolio.constraints import Limits

#: Weight of trading costs when only the distance to an ideal counts: it breaks ties,
#: and moves no weight by more than this share of a cost rate.
TIE_BREAK = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Objective:
    r"""Maximise :math:`a'w - \frac12 w'Qw - k \cdot costs` over N weights.

    linear : a, shape (N,). quadratic : Q, shape (N, N), positive semidefinite.
    cost_weight : k >= 0.
    """

    linear: np.ndarray
    quadratic: np.ndarray
    cost_weight: float = 1.0

    def value(self, weights: np.ndarray, costs: float) -> float:
        """Return the objective at these weights and costs."""
        risk = 0.5 * float(weights @ self.quadratic @ weights)
        return float(self.linear @ weights) - risk - self.cost_weight * costs


def mean_variance(
    alpha: np.ndarray, covariance: np.ndarray, risk_aversion: float
) -> Objective:
    """Return expected return less half the risk aversion times variance, less costs.

    Shapes (N,) and (N, N), both over one rebalance period, so that costs are amortised
    over it. With alpha 0 this is minimum variance net of costs: the risk aversion then
    only weighs variance against costs, and as cash has no variance, the portfolio
    holds as much of it as the limits allow (Markowitz 1952, Journal of Finance 7(1)).
    """
    return Objective(linear=alpha, quadratic=risk_aversion * covariance)


def nearest_to(ideal: np.ndarray) -> Objective:
    """Return the objective whose optimum is the permitted point nearest to `ideal`.

    Distance is the sum of squared differences; shape (N,).
    """
    return Objective(linear=ideal, quadratic=np.eye(len(ideal)), cost_weight=TIE_BREAK)


def equal_weights(limits: Limits, invested: float) -> np.ndarray:
    """Return equal weights within equal legs, shape (N,).

    They add up to `invested`, or as near to it as the legs allow. Each leg receives an
    equal share, moved into its range; within a leg each asset that can be bought
    receives an equal weight, moved under its cap and above what cannot be sold, and
    what that frees or takes is spread over the others. Turnover and extra layer limits
    are not looked at: `nearest_to` meets them. A leg is a budget whose name begins
    with ``barbell.``; an asset of two legs counts for the first.
    """
    low = limits.floor
    high = np.maximum(np.minimum(limits.ceiling, limits.cap), low)
    high = np.where(limits.may_buy, high, low)
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
        weights[members] = spread(low[members], high[members], float(share))
    return weights


def spread(low: np.ndarray, high: np.ndarray, total: float) -> np.ndarray:
    """Return equal parts moved into [low, high], adding up to `total` where they can.

    The parts are ``clip(t, low, high)`` for the level t that gives the total; all at
    their highest (lowest) where the total is out of reach. Shape (n,).
    """
    if high.sum() <= total:
        return high.copy()
    if low.sum() >= total:
        return low.copy()
    levels = np.unique(np.concatenate([low, high]))
    sums = np.array([np.clip(level, low, high).sum() for level in levels])
    above = int(np.searchsorted(sums, total))
    step = (total - sums[above - 1]) / (sums[above] - sums[above - 1])
    level = levels[above - 1] + step * (levels[above] - levels[above - 1])
    return np.asarray(np.clip(level, low, high))
