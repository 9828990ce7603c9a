"""By how much limits that are no sums are missed: names, small positions, risk."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.portfolio.constraints import Limits, risk
from engine.portfolio.limit_rows import rows_of
from engine.portfolio.objectives.goal import Quadratic
from engine.portfolio.solvers import answers

#: A smallest position is found to this.
_STEP = 1e-6


def least_names(limits: Limits) -> int:
    """Return how many names the other limits need, at least the number allowed.

    Small positions are permitted here. All names where there is no limit.
    """
    most = limits.most_names
    if most is None:
        return len(limits.assets)
    while most < len(limits.assets) and not _countable(limits, 0.0, most):
        most += 1
    return most


def largest_position(limits: Limits, most: int) -> float:
    """Return the largest smallest position, up to the one set, that can be met.

    With at most `most` names; to 1e-6, from below.
    """
    if not limits.smallest or _countable(limits, limits.smallest, most):
        return limits.smallest
    low, high = 0.0, limits.smallest
    while high - low > _STEP:
        middle = (low + high) / 2.0
        low, high = (
            (middle, high) if _countable(limits, middle, most) else (low, middle)
        )
    return low


def least_risk(limits: Limits) -> float:
    """Return the least volatility that the other limits allow; 0 if there is none.

    Trading costs are left out.
    """
    if limits.covariance is None:
        return 0.0
    count = len(limits.assets)
    calm = Quadratic(linear=np.zeros(count), quadratic=limits.covariance)
    free = np.zeros(count), np.zeros(count)
    others = replace(limits, risk_limit=None)
    for solution in answers(others, calm, free, covered=False):
        if solution.weights is not None:
            return risk(limits, solution.weights)
    return 0.0


def _countable(limits: Limits, smallest: float, most: int) -> bool:
    """Whether some weights meet all sums with this smallest position and count."""
    # 0.3 s to import, needed only on failure
    from scipy.optimize import Bounds, LinearConstraint, milp

    n = len(limits.assets)
    width = 4 * n + 3
    rows = rows_of(replace(limits, most_names=None))
    matrix = np.array([row.coefficients for row in rows]).reshape(len(rows), width)
    bounds = np.array([row.bound for row in rows])
    reach = np.where(np.isfinite(limits.highest), limits.highest, limits.held)
    floor = limits.floor
    least = np.where(limits.closed, floor, np.where(limits.shorts, floor, smallest))
    flows = np.zeros((n + 2, width + n))
    flows[:n, : 3 * n] = np.hstack([np.eye(n), -np.eye(n), np.eye(n)])
    flows[n, 3 * n :][:3] = 1.0, -1.0, 1.0
    flows[n + 1, :n], flows[n + 1, 3 * n] = 1.0, 1.0
    exits = float(limits.held[limits.forced].sum())
    equal = np.concatenate([limits.held, [limits.held_cash + exits, 1.0]])
    none = np.zeros((n, 3 * n + 3))
    at_most = np.hstack([np.eye(n), none, -np.diag(reach)])
    at_least = np.hstack([np.eye(n), none, -np.diag(least)])
    short = np.hstack([np.eye(n), none, np.zeros((n, n))])
    short[:, 3 * n + 3 : width] = np.eye(n)
    count = np.concatenate([np.zeros(width), np.ones(n)])
    low = np.zeros(width + n)
    low[:n], low[3 * n] = np.minimum(floor, 0.0), -np.inf
    high = np.full(width + n, np.inf)
    high[width:] = 1.0
    solved = milp(
        np.zeros(width + n),
        constraints=[
            LinearConstraint(np.hstack([matrix, np.zeros((len(rows), n))]), ub=bounds),
            LinearConstraint(flows, equal, equal),
            LinearConstraint(at_most, ub=np.zeros(n)),
            LinearConstraint(at_least, lb=np.zeros(n)),
            LinearConstraint(short, lb=np.zeros(n)),
            LinearConstraint(count[None, :], ub=np.array([float(most)])),
        ],
        bounds=Bounds(low, high),
        integrality=np.concatenate([np.zeros(width), np.ones(n)]),
    )
    return bool(solved.status == 0)
