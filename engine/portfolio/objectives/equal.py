"""``"equal"``: equal weights within equal legs, without an estimate of anything.

Estimand: none; the benchmark that estimates have to beat (DeMiguel, Garlappi and Uppal
2009, Review of Financial Studies 22(5)). Where a limit that `within_equal_legs` does
not look at is in the way, the nearest permitted weights.
"""

from __future__ import annotations

from engine.portfolio.objectives.goal import Aim, Outlook, nearest_to
from engine.portfolio.objectives.shares import after_costs, within_equal_legs


def aim(outlook: Outlook) -> Aim:
    """Return equal weights after the costs of reaching them."""
    limits = outlook.limits
    ideal = after_costs(
        limits,
        outlook.buy_cost,
        outlook.sell_cost,
        lambda invested: within_equal_legs(limits, invested),
    )
    return Aim(goal=nearest_to(ideal), ideal=ideal)
