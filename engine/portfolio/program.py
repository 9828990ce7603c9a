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
    buy_cost: np.ndarray,
    sell_cost: np.ndarray,
) -> Solution:
    """Return the weights that maximise `objective` within `limits`.

    Weights are shares of net asset value now: what remains after costs is
    ``1 - costs``, and every budget, cap and cash range binds shares of that remainder
    (self financing: weights + cash + costs = 1). `buy_cost` and `sell_cost` are
    fractions of the value traded, shape (N,). The answer depends on the arguments
    only: a programme is compiled once per shape, but never started from an earlier
    answer.
    """
    shape = Shape(
        assets=len(limits.assets),
        members=tuple(tuple(map(bool, b.members)) for b in limits.budgets),
        trades=bool(buy_cost.any() or sell_cost.any())
        or limits.max_turnover is not None,
        limited=limits.max_turnover is not None,
    )
    exits = float(limits.held[limits.forced].sum())
    values = {
        "floor": limits.floor,
        "ceiling": limits.ceiling,
        "cap": np.minimum(limits.cap, UNBOUNDED),
        "low": np.array([budget.low for budget in limits.budgets]),
        "high": np.array([budget.high for budget in limits.budgets]),
        "cash_low": limits.cash[0],
        "cash_high": limits.cash[1],
        "held": limits.held,
        "buy_cost": buy_cost,
        "sell_cost": sell_cost,
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
        "cost_weight": objective.cost_weight / scale,
    }
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
    p = {name: cp.Parameter(n) for name in ("linear", "floor", "ceiling", "cap")}
    p["factor"] = cp.Parameter((n, n))
    p["cash_low"], p["cash_high"] = cp.Parameter(), cp.Parameter()
    weights = cp.Variable(n)
    rest: cp.Expression = cp.Constant(1.0)
    rules: list[cp.Constraint] = []
    if shape.trades:
        rest = cp.Variable()
        rules += _trading(shape, weights, rest, p)
    cash = rest - cp.sum(weights)
    rules += [weights >= p["floor"], weights <= p["ceiling"]]
    rules += [weights <= p["cap"] * rest]
    rules += [cash >= p["cash_low"] * rest, cash <= p["cash_high"] * rest]
    if budgets:
        p["low"], p["high"] = cp.Parameter(budgets), cp.Parameter(budgets)
        total = np.array(shape.members, dtype=np.float64) @ weights
        rules += [total >= p["low"] * rest, total <= p["high"] * rest]
    loss = 0.5 * cp.sum_squares(p["factor"] @ weights) - p["linear"] @ weights
    if shape.trades:
        p["cost_weight"] = cp.Parameter(nonneg=True)
        loss = loss - p["cost_weight"] * rest
    if shape.target:
        p["expected"], p["target"] = cp.Parameter(n), cp.Parameter()
        rules += [p["expected"] @ weights >= p["target"]]
    return Program(
        problem=cp.Problem(cp.Minimize(loss), rules),
        weights=weights,
        parameters=p,
        lock=threading.Lock(),
    )


def _trading(
    shape: Shape, weights: cp.Variable, rest: cp.Variable, p: dict[str, cp.Parameter]
) -> list[cp.Constraint]:
    """Return what links weights to trades, costs and turnover; adds to `p`."""
    n = shape.assets
    bought, sold = cp.Variable(n, nonneg=True), cp.Variable(n, nonneg=True)
    p["held"] = cp.Parameter(n)
    p["buy_cost"], p["sell_cost"] = (cp.Parameter(n, nonneg=True) for _ in range(2))
    rules = [
        weights == p["held"] + bought - sold,
        rest == 1.0 - p["buy_cost"] @ bought - p["sell_cost"] @ sold,
    ]
    if shape.limited:
        p["counted"] = cp.Parameter(n, nonneg=True)
        p["held_cash"], p["max_turnover"] = cp.Parameter(), cp.Parameter()
        moved, change = cp.Variable(), rest - cp.sum(weights) - p["held_cash"]
        rules += [
            moved >= change,
            moved >= -change,
            p["counted"] @ (bought + sold) + 0.5 * moved <= p["max_turnover"],
        ]
    return rules


def _square_root(matrix: np.ndarray) -> np.ndarray:
    """Return F with F'F equal to a positive semidefinite matrix, shape (n, n)."""
    eigenvalues, vectors = np.linalg.eigh(matrix)
    return np.asarray(np.sqrt(np.maximum(eigenvalues, 0.0))[:, None] * vectors.T)
