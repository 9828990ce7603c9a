r"""The common problems without cvxpy: a quadratic goal within sums, caps and turnover.

.. math:: \min_{w, s}\; \tfrac12 w'Qw - a'w + buy'(w - h + s) + sell's

with :math:`s \ge h - w` and :math:`s \ge 0` the amounts sold, only for assets that may
go either way from what is held, h. Half the sum of absolute changes, cash included, is
the larger of all purchases and all sales, so a turnover limit is two linear rows. The
dense interior-point solver PIQP takes the result.

A large universe is solved on the assets that matter: what is held and what looks best,
then whatever the multipliers say would still improve the answer, until nothing would.
The end is optimal for the whole universe, and checked there.

References
----------
Schwan et al. (2023), PIQP, IEEE CDC; Desaulniers et al. (2005), Column Generation.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import piqp

from engine.portfolio.certificates import is_proof, prices_of, residual_of, slopes
from engine.portfolio.constraints import Limits
from engine.portfolio.direct_problem import Piece, Problem, Rates, problem_of
from engine.portfolio.objectives.goal import Goal, Quadratic
from engine.portfolio.solution import Solution, netted

#: PIQP stops here, in the scaled problem.
PRECISION = 1e-11
#: An answer that misses the optimality conditions by more goes to cvxpy instead.
ACCEPTED = 1e-7
#: Up to this many assets are solved in one piece.
ONE_PIECE = 120
#: Assets that join the first piece for each range, and later at each round.
CANDIDATES, JOIN = 12, 60
#: The word for limits that are proven to collide.
INFEASIBLE = "infeasible"
_ROUNDS = 40


def handles(limits: Limits, goal: Goal) -> bool:
    """Whether the direct path takes this problem."""
    return (
        isinstance(goal, Quadratic)
        and limits.gross is None
        and limits.risk_limit is None
        and not limits.curved
        and not (limits.shorts and limits.most_short is not None)
        and not (limits.shorts and limits.borrow.any())
        and not (limits.shorts and limits.forced.any())
    )


def solve(limits: Limits, goal: Quadratic, rates: Rates, *, covered: bool) -> Solution:
    """Return the weights that maximise `goal` within `limits`.

    The arguments are those of `engine.portfolio.program.solve`, whose answer this is
    to solver tolerance. The answer depends on the arguments only.
    """
    problem = problem_of(limits, goal, rates, covered)
    free = np.flatnonzero(problem.high > problem.low)
    chosen = free if len(free) <= ONE_PIECE else _first_piece(problem, free)
    for _ in range(_ROUNDS):
        piece = _solve_piece(problem, chosen)
        if piece.weights is None and len(chosen) < len(free):
            chosen = free  # the piece may be too small to meet the limits
            continue
        if piece.weights is None:
            return Solution(status=piece.status, solver="piqp")
        better = _improving(problem, piece, free, chosen)
        if not len(better):
            break
        chosen = np.sort(np.concatenate([chosen, better]))
    assert piece.weights is not None
    residual = residual_of(problem, piece)
    return Solution(
        status=piece.status,
        solver="piqp",
        weights=piece.weights,
        residual=residual,
        prices=netted(dict(prices_of(problem, piece))),
    )


def _first_piece(problem: Problem, free: np.ndarray) -> np.ndarray:
    """Return what is held, and for each range the assets that would help it most."""
    slope = problem.quadratic @ problem.rest + problem.linear
    order = free[np.argsort(slope[free], kind="stable")]
    limits = problem.limits
    inside = (problem.low < problem.rest) & (problem.rest < problem.high)
    chosen = set(free[(inside | (problem.rest != 0.0))[free]].tolist())
    for budget in limits.budgets:
        members = order[budget.members[order]]
        largest = float(np.median(problem.high[members])) if len(members) else 1.0
        needed = int(np.ceil(max(budget.low, 0.0) / max(largest, 1e-4)))
        chosen.update(members[: CANDIDATES + needed].tolist())
    needed = int(np.ceil(1.0 / max(float(np.median(problem.high[free])), 1e-4)))
    chosen.update(order[: CANDIDATES + min(needed, len(free) // 2)].tolist())
    return np.array(sorted(chosen), dtype=np.int64)


def _solve_piece(problem: Problem, chosen: np.ndarray) -> Piece:
    """Return the best answer that moves only the weights of `chosen`."""
    n, k = len(problem.linear), len(chosen)
    either = chosen[problem.either[chosen]]
    still = problem.rest.copy()
    still[chosen] = 0.0
    solver = piqp.DenseSolver()
    solver.settings.eps_abs = solver.settings.eps_rel = PRECISION
    solver.settings.eps_duality_gap_abs = PRECISION
    solver.settings.eps_duality_gap_rel = PRECISION
    matrices = _matrices(problem, chosen, either, still)
    solver.setup(*matrices)
    status = solver.solve()
    result = solver.result
    solved = status == piqp.PIQP_SOLVED
    count = len(problem.names)
    rows = result.z_u - result.z_l
    if solved:
        word = "optimal"
    elif is_proof(rows, *matrices[4:]):
        word = INFEASIBLE
    else:
        word = str(status).rpartition("PIQP_")[2].lower()
    bounds = result.z_bu - result.z_bl
    weights = still
    weights[chosen] = result.x[:k]
    return Piece(
        status=word,
        weights=weights if solved else None,
        sold=_scattered(n, either, result.x[k:]),
        on_rows=rows[:count],
        on_sale=_scattered(n, either, rows[count:]),
        on_bounds=_scattered(n, chosen, bounds[:k]),
        on_sold=_scattered(n, either, bounds[k:]),
    )


def _matrices(
    problem: Problem, chosen: np.ndarray, either: np.ndarray, still: np.ndarray
) -> tuple[Any, ...]:
    """Return what PIQP wants: Hessian, slope, no equalities, rows and bounds.

    Its unknowns are the weights of `chosen` and the amounts sold of `either`; `still`
    (N,) holds the weights of all others.
    """
    k, size = len(chosen), len(chosen) + len(either)
    hessian = np.zeros((size, size))
    hessian[:k, :k] = problem.quadratic[np.ix_(chosen, chosen)]
    slope = problem.linear[chosen] + problem.quadratic[chosen] @ still
    sale = np.zeros((len(either), size))  # w + s >= held
    sale[np.arange(len(either)), np.flatnonzero(problem.either[chosen])] = 1.0
    sale[np.arange(len(either)), k + np.arange(len(either))] = 1.0
    fixed = problem.row_w @ still
    sums = np.hstack([problem.row_w[:, chosen], problem.row_s[:, either]])
    held = problem.limits.held[either]
    return (
        hessian,
        np.concatenate([slope, problem.on_sold[either]]),
        None,
        None,
        np.vstack([sums, sale]),
        np.concatenate([problem.row_low - fixed, held]),
        np.concatenate([problem.row_high - fixed, np.full(len(held), np.inf)]),
        np.concatenate([problem.low[chosen], np.zeros(len(held))]),
        np.concatenate([problem.high[chosen], held - problem.low[either]]),
    )


def _improving(
    problem: Problem, piece: Piece, free: np.ndarray, chosen: np.ndarray
) -> np.ndarray:
    """Return assets outside the piece whose weight the multipliers say should move."""
    if len(chosen) == len(free):
        return np.array([], dtype=np.int64)
    outside = np.setdiff1d(free, chosen)
    slope = slopes(problem, piece)[outside]
    rest = problem.rest[outside]
    gain = np.where(rest < problem.high[outside], -slope, 0.0)
    gain = np.maximum(gain, np.where(rest > problem.low[outside], slope, 0.0))
    order = outside[np.argsort(-gain, kind="stable")]
    return order[: min(JOIN, int((gain > ACCEPTED / 10.0).sum()))]


def _scattered(count: int, places: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return an array of `count` zeros with values at places."""
    full = np.zeros(count)
    full[places] = values
    return full
