"""What an answer of the direct path is worth: its residual, its prices, its proofs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from engine.portfolio.constraints import CAP, CASH, REACH, SHORT, TURNOVER
from engine.portfolio.direct_problem import Piece, Problem

#: A multiplier below this share of the scale is the solver's rounding.
_BINDS = 1e-7
#: Limits are proven to collide where they do by more than this.
_MISSED = 1e-8


def slopes(problem: Problem, piece: Piece) -> np.ndarray:
    """Return the Lagrangian's slope in each weight, its bounds apart, shape (N,)."""
    slope = problem.quadratic @ piece.weights + problem.linear
    return np.asarray(slope + piece.on_rows @ problem.row_w + piece.on_sale)


def residual_of(problem: Problem, piece: Piece) -> float:
    """Return how far an answer misses the conditions of Karush, Kuhn and Tucker.

    Over the whole universe: an asset outside the piece stands at a bound, whose
    multiplier may have one sign only.
    """
    weights, sold = piece.weights, piece.sold
    assert weights is not None
    slope = slopes(problem, piece)
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


def prices_of(problem: Problem, piece: Piece) -> Iterator[tuple[str, float]]:
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
            if limits.cap[place] == 0.0:
                continue  # in no leg, or to be sold: no limit per name keeps it out
            yield f"{CAP} ({limits.assets[place]})", multiplier * problem.scale
        elif multiplier > 0.0 and limits.reach is not None and limits.may_buy[place]:
            yield f"{REACH} ({limits.assets[place]})", multiplier * problem.scale
        elif multiplier < 0.0 and limits.short_cap[place] > 0.0:
            yield f"{SHORT} ({limits.assets[place]})", -multiplier * problem.scale


def is_proof(
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
    return bool(smallest > float(y @ bounds) + _MISSED)
