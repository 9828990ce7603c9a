r"""``"max_score"``: the highest score at a bounded risk.

.. math:: \max_w\; s'w \quad \text{subject to} \quad \sqrt{w'\Sigma w} \le \sigma_{max}

Estimand: the weights of highest mean score s whose yearly volatility is at most
``portfolio.risk_limit``: the point of the efficient frontier at that risk, with scores
for expected returns. The thesis has to set that limit; with any other objective it is
one more limit. Costs only break ties, and ``max_turnover`` bounds them.

References
----------
Markowitz (1952), Journal of Finance 7(1); Lobo, Fazel and Boyd (2007), Annals of
Operations Research 152(1).
"""

from __future__ import annotations

import numpy as np

from engine.portfolio.objectives.goal import TIE_BREAK, Aim, Outlook, Quadratic


def aim(outlook: Outlook) -> Aim:
    """Return the goal of the highest score; the risk limit is among the limits."""
    return Aim(goal=highest(outlook.score))


def highest(score: np.ndarray) -> Quadratic:
    """Return the goal of the highest ``score'w``, shape (N,)."""
    count = len(score)
    return Quadratic(
        linear=score, quadratic=np.zeros((count, count)), cost_weight=TIE_BREAK
    )
