r"""``"inverse_volatility"``: the calmer, the heavier, within equal legs.

.. math:: w_i \propto 1 / \sigma_i \quad \text{within each leg}

Estimand: equal risk contributions, if all assets of a leg were equally correlated
(Maillard, Roncalli and Teiletche 2010, Journal of Portfolio Management 36(4)). Legs
have equal shares, moved into their ranges, as in ``"equal"``. Where another limit is in
the way, the nearest permitted weights.
"""

from __future__ import annotations

from engine.portfolio.objectives.goal import Aim, Outlook, nearest_to
from engine.portfolio.objectives.shares import after_costs, within_equal_legs


def aim(outlook: Outlook) -> Aim:
    """Return weights in inverse proportion to volatility, after costs."""
    limits = outlook.limits
    ideal = after_costs(
        limits,
        outlook.buy_cost,
        outlook.sell_cost,
        lambda invested: within_equal_legs(limits, invested, 1.0 / outlook.volatility),
    )
    return Aim(goal=nearest_to(ideal), ideal=ideal)
