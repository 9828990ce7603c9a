"""Why no portfolio exists: which limits collide, and by how much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from engine.portfolio.constraints import Limits

#: Limits missed by less than this can be met.
MET = 1e-7
_CAPS = "portfolio.max_weight"
_CASH = "portfolio.cash"
_TURNOVER = "portfolio.max_turnover"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Row:
    """One linear limit ``coefficients @ x <= bound``, and the setting it comes from.

    x stacks weights, bought and sold (N each), cash, its rise and its fall: shape
    (3 N + 3,). Rows with the same `name` and `side` are one setting.
    """

    name: str
    side: str  # "minimum", "maximum", or "" for a setting with one side
    value: float
    coefficients: np.ndarray
    bound: float

    @property
    def setting(self) -> tuple[str, str]:
        """What the thesis file sets: a name and a side."""
        return self.name, self.side


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Solved:
    """A linear programme's least value and what stands behind it.

    multipliers : (rows,) >= 0. floors, ceilings : what weights that cannot be sold
    or bought add to and take from the value.
    """

    value: float
    multipliers: np.ndarray
    floors: float
    ceilings: float


def explain(limits: Limits, session: pd.Timestamp) -> str | None:
    """Return one sentence on the limits that collide, or None if all can be met.

    A collision is a set of settings that cannot hold together although any of them
    left out would let the others: found by leaving out one after the other. The
    elastic problem with the least total slack then says by how much they collide, and
    its multipliers which sums stand against each other. Trading costs are left out, so
    that the sums are those of the thesis file.
    """
    rows = _rows(limits)
    clashes = []
    while _least_slack(limits, rows).value > MET:
        clash = _irreducible(limits, rows)
        clashes.append(_sentence(limits, clash))
        found = {row.setting for row in clash}
        rows = [row for row in rows if row.setting not in found]
    if not clashes:
        return None
    return (
        f"{session.date()}: no portfolio meets the limits of the thesis: "
        f"{'; and '.join(clashes)}. Relax one of the limits named"
    )


def _rows(limits: Limits) -> list[_Row]:
    """Return every limit that the thesis file sets, as rows."""
    n = len(limits.assets)
    identity = np.eye(3 * n + 3)
    rows = []
    ranges = [
        (budget.name, budget.low, budget.high, np.flatnonzero(budget.members))
        for budget in limits.budgets
    ]
    for name, low, high, places in [*ranges, (_CASH, *limits.cash, np.array([3 * n]))]:
        total = identity[places].sum(axis=0)
        rows.append(_row(name, "minimum", low, -total, -low))
        rows.append(_row(name, "maximum", high, total, high))
    for place in np.flatnonzero(limits.may_sell & (limits.cap > 0)):
        cap = float(limits.cap[place])
        rows.append(_row(_CAPS, "", limits.max_weight, identity[place], cap))
    if limits.max_turnover is not None:
        half = np.zeros(3 * n + 3)
        half[n : 3 * n] = np.tile(np.where(limits.forced, 0.0, 0.5), 2)
        half[3 * n + 1 :] = 0.5
        rows.append(_row(_TURNOVER, "", limits.max_turnover, half, limits.max_turnover))
    return rows


def _row(
    name: str, side: str, value: float, coefficients: np.ndarray, bound: float
) -> _Row:
    """Return a row, by position."""
    return _Row(
        name=name, side=side, value=value, coefficients=coefficients, bound=bound
    )


def _least_slack(limits: Limits, rows: Sequence[_Row]) -> _Solved:
    """Return the elastic problem's solution: the least total slack that rows need."""
    width = 3 * len(limits.assets) + 3
    cost = np.concatenate([np.zeros(width), np.ones(len(rows))])
    return _solve(limits, rows, cost)


def _solve(limits: Limits, rows: Sequence[_Row], cost: np.ndarray) -> _Solved:
    """Minimise ``cost @ x`` subject to the rows, elastic where cost has slacks."""
    from scipy.optimize import linprog  # 0.3 s to import, needed only on failure

    n, width = len(limits.assets), 3 * len(limits.assets) + 3
    slacks = len(cost) - width
    matrix = np.array([row.coefficients for row in rows]).reshape(len(rows), width)
    flows = np.zeros((n + 2, width + slacks))
    flows[:n, : 3 * n] = np.hstack([np.eye(n), -np.eye(n), np.eye(n)])  # w - b + s
    flows[n, 3 * n :][:3] = 1.0, -1.0, 1.0  # cash - rise + fall
    flows[n + 1, :n], flows[n + 1, 3 * n] = 1.0, 1.0  # weights + cash
    exits = float(limits.held[limits.forced].sum())
    ceiling = np.maximum(np.where(limits.cap > 0, limits.ceiling, 0.0), limits.floor)
    buyable = np.isinf(ceiling)
    bounds = np.zeros((width + slacks, 2))
    bounds[:, 1] = np.inf
    bounds[:n, 0], bounds[:n, 1] = limits.floor, ceiling
    bounds[3 * n, 0] = -np.inf
    solved = linprog(
        cost,
        A_ub=np.hstack([matrix, -np.eye(len(rows), slacks)]),
        b_ub=np.array([row.bound for row in rows]),
        A_eq=flows,
        b_eq=np.concatenate([limits.held, [limits.held_cash + exits, 1.0]]),
        bounds=bounds,
        method="highs-ds",
    )
    return _Solved(
        value=float(solved.fun),
        multipliers=-np.asarray(solved.ineqlin.marginals),
        floors=float(solved.lower.marginals[:n] @ limits.floor),
        ceilings=-float(solved.upper.marginals[:n] @ np.where(buyable, 0.0, ceiling)),
    )


def _irreducible(limits: Limits, rows: Sequence[_Row]) -> list[_Row]:
    """Return rows that collide and would not if any one setting were left out."""
    left = list(rows)
    for setting in dict.fromkeys(row.setting for row in rows):
        without = [row for row in left if row.setting != setting]
        if _least_slack(limits, without).value > MET:
            left = without
    return left


def _sentence(limits: Limits, clash: Sequence[_Row]) -> str:
    """Return the arithmetic of one collision, in the thesis file's words."""
    for row in clash:
        if row.name == _TURNOVER:
            return _turnover_sentence(limits, clash, row)
    solved = _least_slack(limits, clash)
    binding = [
        (row, float(times))
        for row, times in zip(clash, solved.multipliers, strict=True)
        if times > MET and row.name != _CAPS
    ]
    capped = [
        float(times)
        for row, times in zip(clash, solved.multipliers, strict=True)
        if times > MET and row.name == _CAPS
    ]
    needs = [(_term(r, t), r.value * t) for r, t in binding if r.side == "minimum"]
    allows = [(_term(r, t), r.value * t) for r, t in binding if r.side == "maximum"]
    if capped:
        caps = f"{_CAPS} {limits.max_weight:.2f} x {len(capped)} tradeable names"
        allows.append((caps, limits.max_weight * sum(capped)))
    needs.append((f"what cannot be sold {solved.floors:.2f}", solved.floors))
    allows.append((f"what cannot be added to {solved.ceilings:.2f}", solved.ceilings))
    # weights and cash add up to 1: what is left over stands on one of the sides
    whole = _total(allows) + solved.value - _total(needs)
    needs.append(("the whole portfolio", max(whole, 0.0)))
    allows.append(("the whole portfolio", max(-whole, 0.0)))
    digits = _digits(solved.value)
    return (
        f"{_listed(needs)} needs {_total(needs):.{digits}f}, but {_listed(allows)} "
        f"allows {_total(allows):.{digits}f} ({solved.value:.{digits}f} short)"
    )


def _turnover_sentence(limits: Limits, clash: Sequence[_Row], limit: _Row) -> str:
    """Return how much turnover the other settings of a collision ask for."""
    others = [row for row in clash if row is not limit]
    needed = _solve(limits, others, limit.coefficients).value
    named = dict.fromkeys(_term(row, 1.0) for row in others)
    short = needed - limit.value
    digits = _digits(min(short, limit.value))
    return (
        f"{' and '.join(named)} needs a turnover of {needed:.{digits}f} from what is "
        f"held, but {_TURNOVER} allows {limit.value:.{digits}f} "
        f"({short:.{digits}f} short)"
    )


def _digits(short: float) -> int:
    """Return the decimals that show by how much a limit is missed."""
    return 2 if short >= 0.005 else 6


def _term(row: _Row, times: float) -> str:
    """Return a setting as the thesis file has it: name, side, value."""
    factor = "" if abs(times - 1.0) < MET else f"{times:.2g} x "
    side = f" {row.side}" if row.side else ""
    return f"{factor}{row.name}{side} {row.value:.2f}"


def _total(terms: Sequence[tuple[str, float]]) -> float:
    """Return the sum of the terms."""
    return sum(value for _, value in terms)


def _listed(terms: Sequence[tuple[str, float]]) -> str:
    """Return the terms that count for something, joined by plus signs."""
    named = [text for text, value in terms if value > MET]
    return " + ".join(named) or "nothing"
