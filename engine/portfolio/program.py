"""The optimiser: one parametrised convex programme per shape of problem."""

from __future__ import annotations

import threading
import warnings
from dataclasses import dataclass
from functools import lru_cache

import cvxpy as cp
import numpy as np

from engine.portfolio.constraints import Limits
from engine.portfolio.objectives import Objective

#: Clarabel's stopping tolerances: weights are reported, and compared, to 1e-6.
PRECISION = {"tol_gap_abs": 1e-10, "tol_gap_rel": 1e-10, "tol_feas": 1e-10}
#: Stands for "no limit" where the solver wants a number.
UNBOUNDED = 100.0
SOLVED = (cp.OPTIMAL, cp.OPTIMAL_INACCURATE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What is fixed in a programme: everything else is a parameter.

    members : one mask per budget. trades : whether bought and sold amounts matter
    (costs or turnover). limited : whether turnover is. target : whether the linear
    return has a minimum.
    """

    assets: int
    members: tuple[tuple[bool, ...], ...]
    trades: bool = True
    limited: bool = False
    target: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Program:
    """A compiled programme; `parameters` by name. `lock` guards its mutable state."""

    problem: cp.Problem
    weights: cp.Variable
    parameters: dict[str, cp.Parameter]
    lock: threading.Lock


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Solution:
    """The solver's word and, where it has one, weights before costs, shape (N,)."""

    status: str
    weights: np.ndarray | None


def solve(
    limits: Limits,
    objective: Objective,
    rates: tuple[np.ndarray, np.ndarray],
    *,
    covered: bool,
) -> Solution:
    """Return the weights that maximise `objective` within `limits`.

    `rates` are the costs of buying and of selling, fractions of the value traded,
    shape (N,) each. Where `covered`, the costs leave the minimum of cash untouched
    (self financing: weights + cash left + costs = 1). The answer depends on the
    arguments only: a programme is compiled once per shape, but never started from an
    earlier answer.
    """
    limited = limits.max_turnover is not None
    shape = Shape(
        assets=len(limits.assets),
        members=tuple(tuple(map(bool, b.members)) for b in limits.budgets),
        trades=limited or any(rate.any() for rate in rates),
        limited=limited,
    )
    exits = float(limits.held[limits.forced].sum())
    values = {
        "floor": limits.floor,
        "ceiling": np.minimum(np.minimum(limits.ceiling, limits.cap), UNBOUNDED),
        "low": np.array([budget.low for budget in limits.budgets]),
        "high": np.array([budget.high for budget in limits.budgets]),
        "cash_low": limits.cash[0],
        "cash_high": limits.cash[1],
        "held": limits.held,
        "buy_cost": rates[0],
        "sell_cost": rates[1],
        "buy_cover": rates[0] * covered,
        "sell_cover": rates[1] * covered,
        "counted": np.where(limits.forced, 0.0, 0.5),
        "held_cash": limits.held_cash + exits,
        "max_turnover": limits.max_turnover or 0.0,
    }
    return run(shape, objective, values)


def run(
    shape: Shape, objective: Objective, values: dict[str, np.ndarray | float]
) -> Solution:
    """Return the solution of the programme of this shape at these parameters.

    The objective is divided by the mean of the quadratic's diagonal, so that the
    solver's tolerances mean the same for daily and for yearly returns.
    """
    scale = float(np.diag(objective.quadratic).mean()) or 1.0
    values = values | {
        "factor": _square_root(objective.quadratic / scale),
        "linear": objective.linear / scale,
    }
    for side in ("buy_cost", "sell_cost"):
        if side in values:
            values[side] = values[side] * (objective.cost_weight / scale)
    program = compiled(shape)
    with program.lock:
        for name, parameter in program.parameters.items():
            parameter.value = values[name]
        try:
            with warnings.catch_warnings():
                # an inaccurate optimum warns: it is in the status, and is checked
                warnings.simplefilter("ignore", UserWarning)
                program.problem.solve(solver=cp.CLARABEL, warm_start=False, **PRECISION)
        except cp.SolverError as error:
            return Solution(status=f"failed: {error}", weights=None)
        status = str(program.problem.status)
        found = program.weights.value if status in SOLVED else None
        return Solution(
            status=status, weights=None if found is None else np.array(found)
        )


@lru_cache(maxsize=64)
def compiled(shape: Shape) -> Program:
    """Return the programme of this shape, compiled once (disciplined parametrised)."""
    n, budgets = shape.assets, len(shape.members)
    p = {name: cp.Parameter(n) for name in ("linear", "floor", "ceiling")}
    p["factor"] = cp.Parameter((n, n))
    p["cash_low"], p["cash_high"] = cp.Parameter(), cp.Parameter()
    weights = cp.Variable(n)
    cash = 1.0 - cp.sum(weights)
    loss = 0.5 * cp.sum_squares(p["factor"] @ weights) - p["linear"] @ weights
    rules = [weights >= p["floor"], weights <= p["ceiling"], cash <= p["cash_high"]]
    if budgets:
        p["low"], p["high"] = cp.Parameter(budgets), cp.Parameter(budgets)
        total = np.array(shape.members, dtype=np.float64) @ weights
        rules += [total >= p["low"], total <= p["high"]]
    if shape.target:
        p["expected"], p["target"] = cp.Parameter(n), cp.Parameter()
        rules += [p["expected"] @ weights >= p["target"]]
    if shape.trades:
        trading, costs = _trading(shape, weights, cash, p)
        rules, loss = rules + trading, loss + costs
    else:
        rules += [cash >= p["cash_low"]]
    return Program(
        problem=cp.Problem(cp.Minimize(loss), rules),
        weights=weights,
        parameters=p,
        lock=threading.Lock(),
    )


def _trading(
    shape: Shape,
    weights: cp.Variable,
    cash: cp.Expression,
    p: dict[str, cp.Parameter],
) -> tuple[list[cp.Constraint], cp.Expression]:
    """Return what trades must keep to, and what they cost; adds to `p`."""
    n = shape.assets
    bought, sold = cp.Variable(n, nonneg=True), cp.Variable(n, nonneg=True)
    p["held"] = cp.Parameter(n)
    for name in ("buy_cost", "sell_cost", "buy_cover", "sell_cover"):
        p[name] = cp.Parameter(n, nonneg=True)
    paid = p["buy_cover"] @ bought + p["sell_cover"] @ sold
    rules = [weights == p["held"] + bought - sold, cash - paid >= p["cash_low"]]
    if shape.limited:
        p["counted"] = cp.Parameter(n, nonneg=True)
        p["held_cash"], p["max_turnover"] = cp.Parameter(), cp.Parameter()
        moved, change = cp.Variable(), cash - p["held_cash"]
        rules += [
            moved >= change,
            moved >= -change,
            p["counted"] @ (bought + sold) + 0.5 * moved <= p["max_turnover"],
        ]
    return rules, p["buy_cost"] @ bought + p["sell_cost"] @ sold


def _square_root(matrix: np.ndarray) -> np.ndarray:
    """Return F with F'F equal to a positive semidefinite matrix, shape (n, n)."""
    eigenvalues, vectors = np.linalg.eigh(matrix)
    return np.asarray(np.sqrt(np.maximum(eigenvalues, 0.0))[:, None] * vectors.T)
