r"""``"risk_parity"``: each asset, or each leg, carries its share of the risk.

.. math:: w_i (\Sigma w)_i = b_i \, w'\Sigma w, \qquad \sum_i b_i = 1

Estimand: the long-only weights whose risk contributions are the budgets b. Without
``portfolio.risk_budgets`` every asset that can be bought has the same budget (equal
risk contribution); with them each leg has its budget, shared equally by its assets.
The weights are those of the convex problem

.. math:: \min_{y > 0} \; \frac12 y'\Sigma y - \sum_i b_i \ln y_i, \quad
          w = y / \textstyle\sum y

scaled to what can be invested. Where a limit is in the way, the nearest permitted
weights: their contributions then differ from the budgets.

References
----------
Maillard, Roncalli and Teiletche (2010), Journal of Portfolio Management 36(4); Spinu
(2013), SSRN 2297383.
"""

from __future__ import annotations

import numpy as np

from engine.errors import DataError
from engine.portfolio.constraints import Limits
from engine.portfolio.objectives.goal import Aim, Outlook, nearest_to
from engine.portfolio.objectives.shares import after_costs

#: A full Newton step from this decrement squares it: what is left is rounding.
_CONVERGED = 1e-9
#: Below this decrement a full step is safe, and the objective too flat to compare.
_QUADRATIC = 1e-5
_STEPS = 200


def aim(outlook: Outlook) -> Aim:
    """Return the weights whose risk contributions are the thesis's budgets."""
    limits = outlook.limits
    budgets = asset_budgets(limits, outlook.rules.risk_budgets)
    chosen = np.flatnonzero(budgets > 0.0)
    parts = np.zeros(len(budgets))
    if len(chosen):
        block = outlook.covariance[np.ix_(chosen, chosen)]
        parts[chosen] = risk_budgeting(block, budgets[chosen])
    kept = np.where(limits.may_sell, 0.0, limits.held)

    def invest(invested: float) -> np.ndarray:
        return np.asarray(kept + parts * max(invested - kept.sum(), 0.0))

    ideal = after_costs(limits, outlook.buy_cost, outlook.sell_cost, invest)
    return Aim(goal=nearest_to(ideal), ideal=ideal)


def asset_budgets(limits: Limits, of_legs: dict[str, float]) -> np.ndarray:
    """Return the share of risk that each asset is to carry, shape (N,), adding up to 1.

    0 for what cannot be bought. A leg without a member that can be bought leaves its
    budget to the others.
    """
    open_ = limits.may_buy & (limits.cap > 0.0)
    if not of_legs:
        return open_ / max(int(open_.sum()), 1)
    budgets = np.zeros(len(limits.assets))
    for budget in limits.budgets:
        leg = budget.name.removeprefix("barbell.").removesuffix(".weight")
        members = budget.members & open_
        if budget.name.startswith("barbell.") and members.any():
            budgets[members] += of_legs.get(leg, 0.0) / members.sum()
    total = budgets.sum()
    return budgets / total if total > 0.0 else budgets


def risk_budgeting(covariance: np.ndarray, budgets: np.ndarray) -> np.ndarray:
    """Return the long-only weights whose risk contributions are `budgets`.

    Shapes (n, n) and (n,); budgets are above 0 and add up to 1, as do the weights.
    Newton's method with a line search (Boyd and Vandenberghe 2004, section 9.5) on the
    convex problem in the module's docstring, in units of each asset's volatility.
    Raises `DataError` where a mix of assets has no risk: no finite weights solve the
    problem then.
    """
    volatility = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(volatility, volatility)
    y = np.sqrt(budgets)
    for _ in range(_STEPS):
        gradient = correlation @ y - budgets / y
        hessian = correlation + np.diag(budgets / y**2)
        try:
            step = np.linalg.solve(hessian, gradient)
        except np.linalg.LinAlgError:  # y has run off along a mix without risk
            break
        decrement = float(np.sqrt(max(gradient @ step, 0.0)))
        y = _searched(correlation, budgets, y, step, decrement)
        if decrement < _CONVERGED:
            weights = y / volatility
            return np.asarray(weights / weights.sum())
    raise DataError(
        "risk parity has no solution: some mix of the assets has no risk at all; take "
        'covariance = "ledoit_wolf", or a window longer than the number of assets'
    )


def _searched(
    correlation: np.ndarray,
    budgets: np.ndarray,
    y: np.ndarray,
    step: np.ndarray,
    decrement: float,
) -> np.ndarray:
    """Return y moved against the step, above 0 and lower by what its slope promises.

    All of the step where it is short, else as much of it as brings a quarter of that.
    """
    if decrement < _QUADRATIC:
        return np.asarray(y - step)

    def loss(at: np.ndarray) -> float:
        return float(0.5 * at @ correlation @ at - budgets @ np.log(at))

    size = min(1.0, 0.99 / max(float((step / y).max()), 1e-300))
    start = loss(y)
    while loss(y - size * step) > start - 0.25 * size * decrement**2:
        size /= 2.0
    return np.asarray(y - size * step)


def risk_contributions(weights: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Return each asset's share of the variance, shape (n,), adding up to 1."""
    part = weights * (covariance @ weights)
    return np.asarray(part / part.sum())
