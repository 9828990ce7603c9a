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

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import piqp

from engine.portfolio.constraints import CAP, CASH, SHORT, TURNOVER, Limits
from engine.portfolio.objectives.goal import Goal, Quadratic
from engine.portfolio.solution import Solution

#: PIQP stops here, in the scaled problem.
PRECISION = 1e-11
#: An answer that misses the optimality conditions by more goes to cvxpy instead.
ACCEPTED = 1e-7
#: Up to this many assets are solved in one piece.
ONE_PIECE = 120
#: Assets that join the first piece for each range, and later at each round.
CANDIDATES, JOIN = 12, 60
#: Stands for "no limit" where the solver wants a number.
UNBOUNDED = 100.0
#: The word for limits that are proven to collide by more than this.
INFEASIBLE, MISSED = "infeasible", 1e-8
_ROUNDS = 40
#: A multiplier below this share of the scale is the solver's rounding.
_BINDS = 1e-7

Rates = tuple[np.ndarray, np.ndarray]


def handles(limits: Limits, goal: Goal) -> bool:
    """Whether the direct path takes this problem."""
    return (
        isinstance(goal, Quadratic)
        and limits.gross is None
        and limits.risk_limit is None
        and not (limits.shorts and limits.borrow.any())
        and not (limits.shorts and limits.forced.any())
    )


def solve(limits: Limits, goal: Quadratic, rates: Rates, *, covered: bool) -> Solution:
    """Return the weights that maximise `goal` within `limits`.

    The arguments are those of `engine.portfolio.program.solve`, whose answer this is
    to solver tolerance. The answer depends on the arguments only.
    """
    problem = _problem(limits, goal, rates, covered)
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
    residual = _residual(problem, piece)
    return Solution(
        status=piece.status,
        solver="piqp",
        weights=piece.weights,
        residual=residual,
        prices=dict(_prices(problem, piece)),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Row:
    """``low <= on_weights @ w + on_sold @ s <= high``, shape (N,) each."""

    name: str
    on_weights: np.ndarray
    on_sold: np.ndarray
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Problem:
    """The scaled problem over N weights w in [low, high] and amounts sold s.

    either : mask of the assets with an amount sold of their own. linear, on_sold :
    costs of w and of s. rest : the weights of what is in no piece. names, row_w, row_s,
    row_low, row_high : the limits on sums, shapes (R,), (R, N), (R, N), (R,), (R,).
    """

    limits: Limits
    quadratic: np.ndarray
    linear: np.ndarray
    on_sold: np.ndarray
    names: tuple[str, ...]
    row_w: np.ndarray
    row_s: np.ndarray
    row_low: np.ndarray
    row_high: np.ndarray
    low: np.ndarray
    high: np.ndarray
    either: np.ndarray
    rest: np.ndarray
    scale: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Piece:
    """An answer over a piece: weights (N,) and sold (N,), and all multipliers.

    on_rows : (R,) positive where a maximum binds, negative where a minimum does.
    on_sale : (N,) of s >= h - w. on_bounds, on_sold : (N,) of the bounds of w and s.
    """

    status: str
    weights: np.ndarray | None
    sold: np.ndarray
    on_rows: np.ndarray
    on_sale: np.ndarray
    on_bounds: np.ndarray
    on_sold: np.ndarray


def _problem(limits: Limits, goal: Quadratic, rates: Rates, covered: bool) -> _Problem:
    """Return the problem with its objective divided by the goal's scale."""
    held, scale = limits.held, goal.scale
    low = np.maximum(limits.floor, -UNBOUNDED)
    high = np.maximum(np.minimum(limits.highest, UNBOUNDED), low)
    traded = limits.max_turnover is not None or rates[0].any() or rates[1].any()
    either = (low < held) & (held < high) & traded
    only_sold = (held >= high) & ~either
    # what a unit of weight, and of an amount sold, adds to purchases and to sales
    bought = np.where(only_sold, 0.0, 1.0) if traded else np.zeros(len(held))
    sale = np.where(only_sold, -1.0, 0.0) if traded else np.zeros(len(held))
    costs = rates[0] * bought + rates[1] * sale
    sold_costs = np.where(either, rates[0] + rates[1], 0.0)
    rows = tuple(
        _rows(limits, costs * covered, sold_costs * covered, (bought, sale, either))
    )
    weight = goal.cost_weight / scale
    return _Problem(
        limits=limits,
        quadratic=goal.quadratic / scale,
        linear=weight * costs - goal.linear / scale,
        on_sold=weight * sold_costs,
        names=tuple(row.name for row in rows),
        row_w=np.array([row.on_weights for row in rows]),
        row_s=np.array([row.on_sold for row in rows]),
        row_low=np.array([row.low for row in rows]),
        row_high=np.array([row.high for row in rows]),
        low=low,
        high=high,
        either=either,
        rest=np.clip(held, low, high),
        scale=scale,
    )


def _rows(
    limits: Limits,
    paid: np.ndarray,
    paid_sold: np.ndarray,
    flows: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> Iterator[_Row]:
    """Yield the limits on sums: budgets, cash before and after costs, turnover."""
    held, none = limits.held, np.zeros(len(limits.held))
    for budget in limits.budgets:
        yield _Row(
            name=budget.name,
            on_weights=budget.coefficients,
            on_sold=none,
            low=budget.low,
            high=budget.high,
        )
    low, high = limits.cash
    ones = np.ones(len(held))
    # 1 - sum(w) - costs >= low, costs being paid @ (w - held) + paid_sold @ s
    most = 1.0 - low + float(paid @ held)
    if paid.any() or paid_sold.any():
        yield _Row(CASH, ones + paid, paid_sold, -np.inf, most)
        yield _Row(CASH, ones, none, 1.0 - high, np.inf)
    else:
        yield _Row(CASH, ones, none, 1.0 - high, most)
    if limits.max_turnover is not None:
        bought, sale, either = flows
        counted = (~limits.forced).astype(np.float64)
        for flow in (bought, sale):
            on = flow * counted
            reach = limits.max_turnover + float(on @ held)
            yield _Row(TURNOVER, on, either * counted, -np.inf, reach)


def _first_piece(problem: _Problem, free: np.ndarray) -> np.ndarray:
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


def _solve_piece(problem: _Problem, chosen: np.ndarray) -> _Piece:
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
    elif _is_proof(rows, *matrices[4:]):
        word = INFEASIBLE
    else:
        word = str(status).rpartition("PIQP_")[2].lower()
    bounds = result.z_bu - result.z_bl
    weights = still
    weights[chosen] = result.x[:k]
    return _Piece(
        status=word,
        weights=weights if solved else None,
        sold=_scattered(n, either, result.x[k:]),
        on_rows=rows[:count],
        on_sale=_scattered(n, either, rows[count:]),
        on_bounds=_scattered(n, chosen, bounds[:k]),
        on_sold=_scattered(n, either, bounds[k:]),
    )


def _is_proof(
    multipliers: np.ndarray,
    rows: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    least: np.ndarray,
    most: np.ndarray,
) -> bool:
    """Whether multipliers of the rows prove that nothing meets them (Farkas 1902).

    Their sum of rows would have to be below what it is at the best corner of the box
    [least, most]. True for any multipliers, so no solver has to be trusted.
    """
    size = np.abs(multipliers).max(initial=0.0)
    if not np.isfinite(size) or size == 0.0:
        return False
    y = multipliers / size
    y = np.where((y > 0.0) & np.isinf(high) | (y < 0.0) & np.isinf(low), 0.0, y)
    reach = y @ rows
    smallest = np.where(reach > 0.0, reach * least, reach * most).sum()
    bounds = np.where(y > 0.0, high, np.where(y < 0.0, low, 0.0))
    return bool(smallest > float(y @ bounds) + MISSED)


def _matrices(
    problem: _Problem, chosen: np.ndarray, either: np.ndarray, still: np.ndarray
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


def _slopes(problem: _Problem, piece: _Piece) -> np.ndarray:
    """Return the Lagrangian's slope in each weight, its bounds apart, shape (N,)."""
    slope = problem.quadratic @ piece.weights + problem.linear
    return np.asarray(slope + piece.on_rows @ problem.row_w + piece.on_sale)


def _improving(
    problem: _Problem, piece: _Piece, free: np.ndarray, chosen: np.ndarray
) -> np.ndarray:
    """Return assets outside the piece whose weight the multipliers say should move."""
    if len(chosen) == len(free):
        return np.array([], dtype=np.int64)
    outside = np.setdiff1d(free, chosen)
    slope = _slopes(problem, piece)[outside]
    rest = problem.rest[outside]
    gain = np.where(rest < problem.high[outside], -slope, 0.0)
    gain = np.maximum(gain, np.where(rest > problem.low[outside], slope, 0.0))
    order = outside[np.argsort(-gain, kind="stable")]
    return order[: min(JOIN, int((gain > ACCEPTED / 10.0).sum()))]


def _residual(problem: _Problem, piece: _Piece) -> float:
    """Return how far an answer misses the conditions of Karush, Kuhn and Tucker.

    Over the whole universe: an asset outside the piece stands at a bound, whose
    multiplier may have one sign only.
    """
    weights, sold = piece.weights, piece.sold
    assert weights is not None
    slope = _slopes(problem, piece)
    at_low, at_high = weights <= problem.low, weights >= problem.high
    inside = slope + piece.on_bounds
    outside = piece.on_bounds == 0.0
    inside = np.where(outside & at_low & ~at_high, np.minimum(inside, 0.0), inside)
    inside = np.where(outside & at_high & ~at_low, np.maximum(inside, 0.0), inside)
    inside = np.where(at_low & at_high, 0.0, inside)
    worst = [np.abs(inside).max(initial=0.0)]
    stationary = problem.on_sold + piece.on_rows @ problem.row_s + piece.on_sale
    worst.append(np.abs(stationary + piece.on_sold)[problem.either].max(initial=0.0))
    totals = problem.row_w @ weights + problem.row_s @ sold
    low, high = problem.row_low, problem.row_high
    worst.append(np.maximum(low - totals, totals - high).max(initial=0.0))
    used = np.where(piece.on_rows > 0.0, high - totals, totals - low)
    binding = np.abs(piece.on_rows) > 0.0
    worst.append(np.abs(piece.on_rows * used)[binding].max(initial=0.0))
    worst.append(np.maximum(problem.low - weights, weights - problem.high).max())
    reach = np.where(
        piece.on_bounds > 0.0, problem.high - weights, weights - problem.low
    )
    worst.append(np.abs(piece.on_bounds * reach).max())
    lack = problem.limits.held - weights - sold
    worst.append(lack[problem.either].max(initial=0.0))
    worst.append(np.abs(piece.on_sale * lack).max())
    return float(max(worst))


def _prices(problem: _Problem, piece: _Piece) -> Iterator[tuple[str, float]]:
    """Yield what the objective gains per unit of each limit that binds."""
    totals: dict[str, float] = {}
    for name, multiplier in zip(problem.names, piece.on_rows, strict=True):
        side = "maximum" if multiplier > 0.0 else "minimum"
        if name == CASH:  # a maximum of what is invested is a minimum of cash
            side = "minimum" if multiplier > 0.0 else "maximum"
        label = name if name == TURNOVER else f"{name} {side}"
        totals[label] = totals.get(label, 0.0) + abs(float(multiplier))
    limits = problem.limits
    for name, one in totals.items():
        if one > _BINDS:
            yield name, one * problem.scale
    for place in np.flatnonzero(np.abs(piece.on_bounds) > _BINDS):
        multiplier = float(piece.on_bounds[place])
        if multiplier > 0.0 and limits.cap[place] <= limits.ceiling[place]:
            yield f"{CAP} ({limits.assets[place]})", multiplier * problem.scale
        elif multiplier < 0.0 and limits.short_cap[place] > 0.0:
            yield f"{SHORT} ({limits.assets[place]})", -multiplier * problem.scale


def _scattered(count: int, places: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return an array of `count` zeros with values at places."""
    full = np.zeros(count)
    full[places] = values
    return full
