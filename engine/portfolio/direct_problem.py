"""The quadratic problem that the direct path hands to its solver, as arrays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from engine.portfolio.constraints import CASH, TURNOVER, Limits
from engine.portfolio.objectives.goal import Quadratic

#: Stands for "no limit" where the solver wants a number.
UNBOUNDED = 100.0

Rates = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """``low <= on_weights @ w + on_sold @ s <= high``, shape (N,) each."""

    name: str
    on_weights: np.ndarray
    on_sold: np.ndarray
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Problem:
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
class Piece:
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


def problem_of(limits: Limits, goal: Quadratic, rates: Rates, covered: bool) -> Problem:
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
    return Problem(
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
) -> Iterator[Row]:
    """Yield the limits on sums: budgets, cash before and after costs, turnover."""
    held, none = limits.held, np.zeros(len(limits.held))
    for budget in limits.budgets:
        yield Row(
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
        yield Row(CASH, ones + paid, paid_sold, -np.inf, most)
        yield Row(CASH, ones, none, 1.0 - high, np.inf)
    else:
        yield Row(CASH, ones, none, 1.0 - high, most)
    if limits.max_turnover is not None:
        bought, sale, either = flows
        counted = (~limits.forced).astype(np.float64)
        for flow in (bought, sale):
            on = flow * counted
            reach = limits.max_turnover + float(on @ held)
            yield Row(TURNOVER, on, either * counted, -np.inf, reach)
