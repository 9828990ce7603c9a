"""Every problem as a textbook writes it, in cvxpy: the definition and the oracle.

What the direct path (`engine.portfolio.direct`) does not take is solved here.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import cvxpy as cp  # about a second to import: this module is imported where it is run
import numpy as np

from engine.portfolio.constraints import (
    CAP,
    CASH,
    GROSS,
    MARGIN,
    NAMES,
    REACH,
    RISK,
    SHORT,
    SMALLEST,
    TURNOVER,
    Limits,
)
from engine.portfolio.objectives.goal import Goal
from engine.portfolio.solution import Solution, netted

#: Clarabel's stopping tolerances: weights are reported, and compared, to 1e-6.
PRECISION = {"tol_gap_abs": 1e-10, "tol_gap_rel": 1e-10, "tol_feas": 1e-10}
#: HiGHS proves an integer optimum to this relative gap.
GAP = {"mip_rel_gap": 1e-7, "mip_feasibility_tolerance": 1e-9}
#: Stands for "no limit" where the solver wants a number.
UNBOUNDED = 100.0
#: A multiplier below this share of the scale is the solver's rounding.
_BINDS = 1e-7
#: A usual trade, as a share of the account: the unit of what impact is counted in.
_TRADE = 0.01

Rates = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rule:
    """A constraint and the setting of the thesis file that it stands for.

    `side` is "minimum", "maximum" or "" for a setting with one side; a name of "" is
    the problem's own bookkeeping. `assets` are those of a constraint with N rows.
    """

    constraint: cp.Constraint
    name: str = ""
    side: str = ""
    assets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Programme:
    """A problem with its unknowns: ``weights / whole`` is the answer."""

    problem: cp.Problem
    weights: cp.Expression
    whole: cp.Expression
    rules: tuple[Rule, ...]


def solve(limits: Limits, goal: Goal, rates: Rates, *, covered: bool) -> Solution:
    """Return the weights that maximise `goal` within `limits`.

    `rates` are the costs of buying and of selling, fractions of the value traded,
    shape (N,) each. Where `covered`, the costs leave the minimum of cash untouched
    (self financing: weights + cash left + costs = 1). A linear goal goes to HiGHS,
    with whole numbers too (names counted, small positions forbidden); everything else
    to Clarabel, which takes none: see `engine.portfolio.integers`.
    """
    programme = define(limits, goal, rates, covered=covered)
    problem = programme.problem
    linear = _is_linear(limits, goal)
    name = "highs" if linear else "clarabel"
    try:
        with warnings.catch_warnings():
            # an inaccurate optimum warns: it is in the status, and is checked
            warnings.simplefilter("ignore", UserWarning)
            residual = _by_highs(problem) if linear else _by_clarabel(problem)
    except cp.SolverError as error:
        return Solution(status=f"failed: {error}", solver=name)
    status = str(problem.status)
    if status not in (cp.OPTIMAL, cp.OPTIMAL_INACCURATE):
        return Solution(status=status, solver=name)
    priced = not problem.is_mixed_integer() and not goal.homogeneous
    return Solution(
        status=status,
        solver=name,
        weights=np.asarray(programme.weights.value) / float(programme.whole.value),
        residual=residual,
        prices=_prices(programme, goal.scale, limits.cap) if priced else {},
    )


def _by_clarabel(problem: cp.Problem) -> float:
    """Solve a conic problem; return how far the answer is from optimal."""
    data, chain, inverse = problem.get_problem_data(
        cp.CLARABEL, solver_opts=dict(PRECISION)
    )
    # solved from its data, because only the solver's own answer has its residuals
    answer = chain.solve_via_data(problem, data, solver_opts=dict(PRECISION))
    problem.unpack_results(answer, chain, inverse)
    gap = abs(answer.obj_val - answer.obj_val_dual) / max(1.0, abs(answer.obj_val))
    return float(max(answer.r_prim, answer.r_dual, gap))


def _by_highs(problem: cp.Problem) -> float:
    """Solve a linear problem; return how far the answer is from optimal."""
    integer = problem.is_mixed_integer()
    problem.solve(solver=cp.HIGHS, **(GAP if integer else {}))
    stats = problem.solver_stats.extra_stats
    if integer:
        return float(stats.mip_gap)
    return float(max(stats.max_primal_infeasibility, stats.max_dual_infeasibility))


def define(limits: Limits, goal: Goal, rates: Rates, *, covered: bool) -> Programme:
    """Return the problem of `goal` within `limits`, ready to be solved.

    All amounts are multiples of `whole`: 1, or a free factor where the goal is a ratio.
    """
    n = len(limits.assets)
    whole: cp.Expression = cp.Constant(1.0)
    rules = []
    if goal.homogeneous:
        whole = cp.Variable(nonneg=True)
    bought, sold = cp.Variable(n, nonneg=True), cp.Variable(n, nonneg=True)
    weights = limits.held * whole + bought - sold
    cash = whole - cp.sum(weights)
    loss, own = goal.define(weights)
    rules += [Rule(constraint=one) for one in own]
    rules += _ranges(limits, weights, whole)
    trading = rates[0] @ bought + rates[1] @ sold
    if limits.curved:
        moved, bent = _impact(limits, bought, sold, whole)
        trading = trading + moved
        rules += [Rule(constraint=one) for one in bent]
    paid = float(covered) * trading
    low, high = limits.cash
    rules.append(Rule(constraint=cash - paid >= low * whole, name=CASH, side="minimum"))
    rules.append(Rule(constraint=cash <= high * whole, name=CASH, side="maximum"))
    rules += _turnover(limits, bought, sold, cash, whole)
    if limits.whole_numbers and _is_linear(limits, goal):
        rules += _counted(limits, weights)
    costs = trading + limits.borrow @ cp.neg(weights)
    if goal.cost_weight:
        loss = loss + goal.cost_weight * costs
    return Programme(
        problem=cp.Problem(
            cp.Minimize(loss / goal.scale), [rule.constraint for rule in rules]
        ),
        weights=weights,
        whole=whole,
        rules=tuple(rules),
    )


def _is_linear(limits: Limits, goal: Goal) -> bool:
    """Whether the goal, its costs and all limits are linear."""
    return goal.linear_program and limits.risk_limit is None and not limits.curved


def _impact(
    limits: Limits, bought: cp.Variable, sold: cp.Variable, whole: cp.Expression
) -> tuple[cp.Expression, list[cp.Constraint]]:
    """Return impact as the optimiser counts it, and what defines it.

    For x up to the limit of a session a power cone, ``t**(2/3) whole**(1/3) >= x``, in
    units of a usual trade. What exceeds the limit pays the tangent's slope there.
    """
    orders = limits.orders
    assert orders is not None
    total: cp.Expression = cp.Constant(0.0)
    rules: list[cp.Constraint] = []
    for amount, impact in zip((bought, sold), orders.impact, strict=True):
        some = np.flatnonzero(impact > 0.0)
        if not len(some):
            continue
        session, k = orders.session[some], impact[some]
        x, t = (cp.Variable(len(some), nonneg=True) for _ in range(2))
        capped = np.isfinite(session)
        slope = 1.5 * k * np.sqrt(np.where(capped, session, 0.0))
        rules.append(_TRADE * x <= amount[some])
        if capped.any():
            rules.append(_TRADE * x[capped] <= session[capped] * whole)
        if not capped.all():
            rules.append(_TRADE * x[~capped] >= amount[some][~capped])
        unit = cp.multiply(np.ones(len(some)), whole)
        rules.append(cp.PowCone3D(t, unit, x, 2.0 / 3.0))
        total = total + _TRADE**1.5 * k @ t + slope @ (amount[some] - _TRADE * x)
    return total, rules


def _ranges(
    limits: Limits, weights: cp.Expression, whole: cp.Expression
) -> Iterator[Rule]:
    """Yield what binds each asset, and sums of them."""
    floor, highest = limits.floor, np.minimum(limits.highest, UNBOUNDED)
    if limits.reach is not None:  # named for itself, and CAP for what it is alone
        near = np.minimum(limits.ceiling, UNBOUNDED)
        highest = np.minimum(limits.cap, UNBOUNDED)
        yield Rule(constraint=weights <= near * whole, name=REACH, assets=limits.assets)
    yield Rule(
        constraint=weights >= floor * whole,
        name=SHORT if limits.max_short else "",
        assets=limits.assets,
    )
    yield Rule(constraint=weights <= highest * whole, name=CAP, assets=limits.assets)
    for budget in limits.budgets:
        total = budget.coefficients @ weights
        if np.isfinite(budget.low):
            above = total >= budget.low * whole
            yield Rule(constraint=above, name=budget.name, side="minimum")
        if np.isfinite(budget.high):
            below = total <= budget.high * whole
            yield Rule(constraint=below, name=budget.name, side="maximum")
    if limits.gross is not None:
        yield Rule(constraint=cp.norm1(weights) <= limits.gross * whole, name=GROSS)
    if limits.most_short is not None and limits.shorts:
        short = cp.sum(cp.neg(weights))
        yield Rule(constraint=short <= limits.most_short * whole, name=MARGIN)
    if limits.risk_limit is not None and limits.covariance is not None:
        volatility = cp.norm(_square_root(limits.covariance) @ weights)
        yield Rule(constraint=volatility <= limits.risk_limit * whole, name=RISK)


def _turnover(
    limits: Limits,
    bought: cp.Variable,
    sold: cp.Variable,
    cash: cp.Expression,
    whole: cp.Expression,
) -> Iterator[Rule]:
    """Yield the limit of half the sum of changes, cash included, exits apart."""
    if limits.max_turnover is None:
        return
    exits = float(limits.held[limits.forced].sum())
    moved = cp.abs(cash - (limits.held_cash + exits) * whole)
    traded = (~limits.forced).astype(float) @ (bought + sold)
    half = 0.5 * (traded + moved)
    yield Rule(constraint=half <= limits.max_turnover * whole, name=TURNOVER)


def _counted(limits: Limits, weights: cp.Expression) -> Iterator[Rule]:
    """Yield what counts names and forbids small positions (long only)."""
    chosen = cp.Variable(len(limits.assets), boolean=True)
    highest = np.minimum(limits.highest, UNBOUNDED)
    least = np.where(limits.closed, 0.0, limits.smallest)
    yield Rule(constraint=weights <= cp.multiply(highest, chosen))
    yield Rule(constraint=weights >= cp.multiply(limits.floor, chosen), name=SHORT)
    if limits.smallest:
        yield Rule(constraint=weights >= cp.multiply(least, chosen), name=SMALLEST)
    if limits.most_names is not None:
        yield Rule(constraint=cp.sum(chosen) <= limits.most_names, name=NAMES)


def _prices(
    programme: Programme, scale: float, caps: np.ndarray
) -> Mapping[str, float]:
    """Return what the objective gains per unit of each limit that binds."""
    prices = {}
    for rule in programme.rules:
        if not rule.name or rule.constraint.dual_value is None:
            continue
        multipliers = np.atleast_1d(np.asarray(rule.constraint.dual_value, dtype=float))
        label = f"{rule.name} {rule.side}".rstrip()
        for place in np.flatnonzero(multipliers > _BINDS):
            if rule.name == CAP and not caps[place] > 0.0:
                continue  # in no leg, or to be sold: no limit per name keeps it out
            key = f"{label} ({rule.assets[place]})" if rule.assets else label
            prices[key] = float(multipliers[place]) * scale
    return netted(prices)


def _square_root(matrix: np.ndarray) -> np.ndarray:
    """Return F with F'F equal to a positive semidefinite matrix, shape (n, n)."""
    eigenvalues, vectors = np.linalg.eigh(matrix)
    return np.asarray(np.sqrt(np.maximum(eigenvalues, 0.0))[:, None] * vectors.T)
