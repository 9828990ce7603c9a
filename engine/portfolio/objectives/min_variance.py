r"""``"min_variance"``: least risk net of costs.

.. math:: \min_w\; \frac{\gamma}{2} w'\Sigma w + costs

Estimand: the weights of least variance; the risk aversion :math:`\gamma` only weighs
variance against costs. As cash has no variance, as much of it is held as the limits
allow.

References
----------
Markowitz (1952), Journal of Finance 7(1).
"""

from __future__ import annotations

import numpy as np

from engine.portfolio.objectives.goal import Aim, Outlook
from engine.portfolio.objectives.mean_variance import mean_variance


def aim(outlook: Outlook) -> Aim:
    """Return the minimum-variance goal of a thesis."""
    nothing = np.zeros_like(outlook.alpha)
    return Aim(
        goal=mean_variance(nothing, outlook.covariance, outlook.rules.risk_aversion)
    )
