"""The best weights within limits, checked against every one of them.

Imports cvxpy (about 1 s): import it where an optimisation is about to run.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from engine.errors import InfeasibleError, at_most
from engine.portfolio import program
from engine.portfolio.collisions import explain
from engine.portfolio.constraints import ALLOWED_BREACH, Limits, breach
from engine.portfolio.objectives import Objective, equal_weights

#: A weight, or a change of one, below this is the solver's rounding.
DUST = 1e-8


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Chosen:
    """Weights (N,), the rest in cash, and what reaching them costs; see `Decision`."""

    weights: np.ndarray
    cash: float
    costs: float
    status: str
    objective: float
    notes: tuple[str, ...]


def choose(
    limits: Limits,
    objective: Objective,
    buy_cost: np.ndarray,
    sell_cost: np.ndarray,
    *,
    session: pd.Timestamp,
    ideal: np.ndarray | None = None,
) -> Chosen:
    """Return the best weights within the limits, checked against every one of them.

    `ideal` (N,) is taken as it is where it meets all limits. Where the limits leave no
    cash to pay trading costs from, the costs are left uncovered and a note says so.
    Raises `InfeasibleError` where nothing meets the limits.
    """
    rates = buy_cost, sell_cost
    status = ""
    for covered in (True, False):
        if ideal is not None:
            chosen, missed = _settle(limits, objective, ideal, rates, covered)
            if not missed:
                return replace(chosen, status="closed form")
        solution = program.solve(limits, objective, rates, covered=covered)
        status = solution.status
        if solution.weights is None:
            continue
        chosen, missed = _settle(limits, objective, solution.weights, rates, covered)
        if not missed:
            return replace(chosen, status=status)
        status = f"{status}, but {missed} missed"
    collision = explain(limits, session)
    raise InfeasibleError(
        collision
        or f"{session.date()}: the optimiser found no portfolio ({status}), though the "
        "limits can be met; widen the tightest of them: "
        f"{at_most([budget.name for budget in limits.budgets])}"
    )


def equal_after_costs(
    limits: Limits, buy_cost: np.ndarray, sell_cost: np.ndarray
) -> np.ndarray:
    """Return equal weights that leave the least cash after the costs of reaching them.

    Shape (N,). Each round gains as many digits as a cost rate has zeros.
    """
    weights, costs = limits.held, 0.0
    for _ in range(50):
        weights = equal_weights(limits, 1.0 - limits.cash[0] - costs)
        before, costs = costs, _costs(weights - limits.held, buy_cost, sell_cost)
        if abs(costs - before) < DUST * DUST:
            break
    return weights


def _settle(
    limits: Limits,
    objective: Objective,
    weights: np.ndarray,
    rates: tuple[np.ndarray, np.ndarray],
    covered: bool,
) -> tuple[Chosen, str]:
    """Return weights freed of dust with their costs, and the limit they miss, if any.

    A weight within 1e-8 of 0 or of what is held becomes exactly that; what cannot
    trade keeps exactly what is held.
    """
    still = np.abs(weights - limits.held) < DUST
    still |= ~limits.may_buy & ~limits.may_sell
    settled = np.where(weights < DUST, 0.0, weights)
    settled = np.where(still, limits.held, settled)
    costs = _costs(settled - limits.held, *rates)
    worst, name = breach(limits, settled, costs if covered else 0.0)
    cash = 1.0 - float(settled.sum())
    notes = limits.notes
    if not covered:
        notes += (
            f"the limits leave no cash for trading costs of {costs:.4f}: they overdraw "
            "the account",
        )
    chosen = Chosen(
        weights=settled,
        cash=cash,
        costs=costs,
        status="",
        objective=objective.value(settled, costs),
        notes=notes,
    )
    return chosen, name if worst > ALLOWED_BREACH else ""


def _costs(traded: np.ndarray, buy_cost: np.ndarray, sell_cost: np.ndarray) -> float:
    """Return what trades cost, as a share of net asset value before them."""
    bought, sold = np.maximum(traded, 0.0), np.maximum(-traded, 0.0)
    return float(buy_cost @ bought + sell_cost @ sold)
