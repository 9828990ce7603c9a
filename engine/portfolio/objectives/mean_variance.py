r"""``"mean_variance"``: expected return less risk and costs.

.. math:: \max_w\; \alpha'w - \frac{\gamma}{2} w'\Sigma w - costs

Estimand: the weights of greatest expected utility over one rebalance period, where
:math:`\alpha` comes from the scores, :math:`\gamma` is the risk aversion.

References
----------
Markowitz (1952), Journal of Finance 7(1).
"""

from __future__ import annotations

import numpy as np

from engine.portfolio.objectives.goal import Aim, Outlook, Quadratic


def aim(outlook: Outlook) -> Aim:
    """Return the mean-variance goal of a thesis."""
    return Aim(
        goal=mean_variance(
            outlook.alpha, outlook.covariance, outlook.rules.risk_aversion
        )
    )


def mean_variance(
    alpha: np.ndarray, covariance: np.ndarray, risk_aversion: float
) -> Quadratic:
    """Return expected return less half the risk aversion times variance, less costs.

    Shapes (N,) and (N, N), both over one rebalance period, so that costs are amortised
    over it.
    """
    return Quadratic(linear=alpha, quadratic=risk_aversion * covariance)
