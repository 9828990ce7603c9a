r"""``"max_diversification"``: the most risk that holding things together takes away.

.. math:: \max_w\; \frac{\sigma'w}{\sqrt{w'\Sigma w}}

Estimand: the weights of highest diversification ratio: the mean volatility of the
holdings over the volatility of the portfolio. The ratio does not change when weights
are scaled, so it is found as :math:`\min y'\Sigma y` with :math:`\sigma'y = 1`, and all
limits scaled by the same unknown factor: within the limits the optimum is exact. Costs
are paid from cash but not traded off; ``max_turnover`` bounds them.

References
----------
Choueifaty and Coignard (2008), Journal of Portfolio Management 35(1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from engine.portfolio.objectives.goal import Aim, Outlook

if TYPE_CHECKING:
    import cvxpy as cp


def aim(outlook: Outlook) -> Aim:
    """Return the goal of highest diversification ratio."""
    return Aim(goal=MaxDiversification(covariance=outlook.covariance))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MaxDiversification:
    """Highest mean volatility over the portfolio's; covariance (N, N)."""

    covariance: np.ndarray

    cost_weight = 0.0
    scale = 1.0
    linear_program = False
    homogeneous = True

    def value(self, weights: np.ndarray, costs: float) -> float:
        """Return the diversification ratio, 1 where nothing is held."""
        risk = float(np.sqrt(max(weights @ self.covariance @ weights, 0.0)))
        mean = float(np.sqrt(np.diag(self.covariance)) @ weights)
        return mean / risk if risk > 0.0 else 1.0

    def define(
        self, weights: cp.Expression
    ) -> tuple[cp.Expression, list[cp.Constraint]]:
        """Return the variance of weights scaled to a mean volatility of 1."""
        import cvxpy as cp  # a second to import, needed off the direct path only

        volatility = np.sqrt(np.diag(self.covariance))
        size = float(np.mean(volatility))
        correlated = cp.psd_wrap(self.covariance / size**2)
        return cp.quad_form(weights, correlated), [volatility / size @ weights == 1.0]
