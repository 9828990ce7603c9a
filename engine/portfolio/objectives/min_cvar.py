r"""``"min_cvar"``: the mildest mean of the worst sessions.

.. math:: \min_{w, t}\; t + \frac{1}{(1 - \beta) T} \sum_k (-r_k'w - t)^+

Estimand: the weights of least conditional value at risk: the mean loss in the worst
``1 - portfolio.cvar_level`` of the sessions of the risk window, a fraction of a session
counted in part. The scenarios are sessions on which every asset that could be bought
has a return: a missing return is never taken as 0. As cash never loses, as much of it
is held as the limits allow. Costs only break ties, and ``max_turnover`` bounds them.

References
----------
Rockafellar and Uryasev (2000), Journal of Risk 2(3).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from engine.portfolio.objectives.goal import TIE_BREAK, Aim, Outlook

if TYPE_CHECKING:
    import cvxpy as cp


def aim(outlook: Outlook) -> Aim:
    """Return the goal of least conditional value at risk."""
    return Aim(
        goal=MinCvar(scenarios=outlook.scenarios(), level=outlook.rules.cvar_level)
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MinCvar:
    """Least mean loss in the worst ``1 - level`` of `scenarios`, shape (T, N)."""

    scenarios: np.ndarray
    level: float
    cost_weight: float = TIE_BREAK

    linear_program = True
    homogeneous = False

    @property
    def scale(self) -> float:
        """Standard deviation of all returns: losses are then of order 1."""
        return float(self.scenarios.std()) or 1.0

    def value(self, weights: np.ndarray, costs: float) -> float:
        """Return minus the conditional value at risk, less what breaks ties."""
        losses = -self.scenarios @ weights
        return -cvar(losses, self.level) - self.cost_weight * costs

    def define(
        self, weights: cp.Expression
    ) -> tuple[cp.Expression, list[cp.Constraint]]:
        """Return the loss beyond a free threshold, as a linear programme."""
        import cvxpy as cp  # a second to import, needed off the direct path only

        count = len(self.scenarios)
        threshold, beyond = cp.Variable(), cp.Variable(count, nonneg=True)
        rules = [beyond >= -(self.scenarios @ weights) - threshold]
        return threshold + cp.sum(beyond) / ((1.0 - self.level) * count), rules


def cvar(losses: np.ndarray, level: float) -> float:
    """Return the mean of the worst ``1 - level`` of losses, shape (T,).

    The last loss counts with the fraction that is left of the tail.
    """
    worst = np.sort(losses)[::-1]
    tail = (1.0 - level) * len(worst)
    share = np.clip(tail - np.arange(len(worst)), 0.0, 1.0)
    return float(share @ worst / tail)
