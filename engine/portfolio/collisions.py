"""Why no portfolio exists: which limits collide, and by how much."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from engine.portfolio.constraints import (
    CAP,
    NAMES,
    RISK,
    SHORT,
    SMALLEST,
    TURNOVER,
    Limits,
)
from engine.portfolio.limit_rows import Row, rows_of
from engine.portfolio.shortfalls import largest_position, least_names, least_risk

#: Limits missed by less than this can be met.
MET = 1e-7


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Solved:
    """A linear programme's least value and what stands behind it.

    slacks, multipliers : (rows,) >= 0. floors, ceilings : what weights that cannot be
    sold or bought add to and take from the value; shorts : what selling short takes.
    """

    value: float
    slacks: np.ndarray
    multipliers: np.ndarray
    floors: float
    ceilings: float
    shorts: float


def explain(limits: Limits, session: pd.Timestamp) -> str | None:
    """Return one sentence on the limits that collide, or None if all can be met.

    A collision is a set of settings that cannot hold together although any of them
    left out would let the others: found by leaving out one after the other. The
    elastic problem with the least total slack then says by how much they collide, and
    its multipliers which sums stand against each other. Trading costs are left out, so
    that the sums are those of the thesis file.
    """
    rows = rows_of(limits)
    clashes = []
    while least_slack(limits, rows).value > MET:
        clash = _irreducible(limits, rows)
        clashes.append(_sentence(limits, clash))
        found = {row.setting for row in clash}
        rows = [row for row in rows if row.setting not in found]
    clashes = clashes or list(_beyond_sums(limits))
    if not clashes:
        return None
    return (
        f"{session.date()}: no portfolio meets the limits of the thesis: "
        f"{'; and '.join(clashes)}. Relax one of the limits named"
    )


def _beyond_sums(limits: Limits) -> Iterator[str]:
    """Yield what keeps the limits that are no sums from being met, the others met."""
    most = least_names(limits)
    if limits.most_names is not None and most > limits.most_names:
        yield (
            f"the other limits need {most} names, but {NAMES} allows "
            f"{limits.most_names} ({most - limits.most_names} short)"
        )
        return
    position = largest_position(limits, most)
    if position < limits.smallest - MET:
        short = limits.smallest - position
        digits = _digits(short)
        yield (
            f"the other limits need a position of at most {position:.{digits}f}, but "
            f"{SMALLEST} asks for {limits.smallest:.{digits}f} "
            f"({short:.{digits}f} short)"
        )
        return
    if limits.risk_limit is not None:
        needed = least_risk(limits)
        short = needed - limits.risk_limit
        if short > MET:
            digits = _digits(short)
            yield (
                f"the other limits need a yearly volatility of {needed:.{digits}f}, "
                f"but {RISK} allows {limits.risk_limit:.{digits}f} "
                f"({short:.{digits}f} short)"
            )


def least_slack(limits: Limits, rows: Sequence[Row]) -> Solved:
    """Return the elastic problem's solution: the least total slack that rows need."""
    width = 4 * len(limits.assets) + 3
    cost = np.concatenate([np.zeros(width), np.ones(len(rows))])
    return _solve(limits, rows, cost)


def _solve(limits: Limits, rows: Sequence[Row], cost: np.ndarray) -> Solved:
    """Minimise ``cost @ x`` subject to the rows, elastic where cost has slacks."""
    from scipy.optimize import linprog  # 0.3 s to import, needed only on failure

    n, width = len(limits.assets), 4 * len(limits.assets) + 3
    gives = np.eye(len(rows), len(cost) - width)
    programme = elastic_programme(limits, rows, gives)
    solved = linprog(cost, method="highs-ds", **programme)
    ceiling = programme["bounds"][:n, 1]
    return Solved(
        value=float(solved.fun),
        slacks=np.asarray(solved.x[width:]),
        multipliers=-np.asarray(solved.ineqlin.marginals)[: len(rows)],
        floors=float(solved.lower.marginals[:n] @ np.maximum(limits.floor, 0.0)),
        shorts=float(solved.lower.marginals[:n] @ np.maximum(-limits.floor, 0.0)),
        ceilings=-float(
            solved.upper.marginals[:n] @ np.where(np.isinf(ceiling), 0.0, ceiling)
        ),
    )


def elastic_programme(
    limits: Limits, rows: Sequence[Row], gives: np.ndarray
) -> dict[str, np.ndarray]:
    """Return rows, flows and bounds as `scipy.optimize.linprog` takes them.

    `gives` (rows, K) is what each of K slacks adds to the bound of each row; the
    slacks stand behind what a `Row` stacks, from 0 up.
    """
    n, width, slacks = len(limits.assets), 4 * len(limits.assets) + 3, gives.shape[1]
    matrix = np.array([row.coefficients for row in rows]).reshape(len(rows), width)
    shorts = np.zeros((n, width + slacks))  # -w - short <= 0
    shorts[:, :n], shorts[:, 3 * n + 3 : width] = -np.eye(n), -np.eye(n)
    flows = np.zeros((n + 2, width + slacks))
    flows[:n, : 3 * n] = np.hstack([np.eye(n), -np.eye(n), np.eye(n)])  # w - b + s
    flows[n, 3 * n :][:3] = 1.0, -1.0, 1.0  # cash - rise + fall
    flows[n + 1, :n], flows[n + 1, 3 * n] = 1.0, 1.0  # weights + cash
    exits = float(limits.held[limits.forced].sum())
    bounds = np.zeros((width + slacks, 2))
    bounds[:, 1] = np.inf
    bounds[:n, 0] = limits.floor
    bounds[:n, 1] = np.maximum(
        np.where(limits.cap > 0, limits.ceiling, 0.0), limits.floor
    )
    bounds[3 * n, 0] = -np.inf
    return {
        "A_ub": np.vstack([np.hstack([matrix, -gives]), shorts]),
        "b_ub": np.concatenate([[row.bound for row in rows], np.zeros(n)]),
        "A_eq": flows,
        "b_eq": np.concatenate([limits.held, [limits.held_cash + exits, 1.0]]),
        "bounds": bounds,
    }


def _irreducible(limits: Limits, rows: Sequence[Row]) -> list[Row]:
    """Return rows that collide and would not if any one setting were left out."""
    left = list(rows)
    for setting in dict.fromkeys(row.setting for row in rows):
        without = [row for row in left if row.setting != setting]
        if least_slack(limits, without).value > MET:
            left = without
    return left


def _sentence(limits: Limits, clash: Sequence[Row]) -> str:
    """Return the arithmetic of one collision, in the thesis file's words."""
    for row in clash:
        if row.name == TURNOVER:
            return _turnover_sentence(limits, clash, row)
    solved = least_slack(limits, clash)
    binding = [
        (row, float(times))
        for row, times in zip(clash, solved.multipliers, strict=True)
        if times > MET and row.name != CAP
    ]
    capped = [
        float(times)
        for row, times in zip(clash, solved.multipliers, strict=True)
        if times > MET and row.name == CAP
    ]
    needs = [(_term(r, t), r.value * t) for r, t in binding if r.side == "minimum"]
    allows = [(_term(r, t), r.value * t) for r, t in binding if r.side != "minimum"]
    if capped:
        caps = f"{CAP} {limits.max_weight:.2f} x {len(capped)} tradeable names"
        allows.append((caps, limits.max_weight * sum(capped)))
    needs.append((f"what cannot be sold {solved.floors:.2f}", solved.floors))
    allows.append((f"what cannot be added to {solved.ceilings:.2f}", solved.ceilings))
    allows.append((f"{SHORT} {limits.max_short:.2f} of every name", solved.shorts))
    # weights and cash add up to 1: what is left over stands on one of the sides
    whole = _total(allows) + solved.value - _total(needs)
    needs.append(("the whole portfolio", max(whole, 0.0)))
    allows.append(("the whole portfolio", max(-whole, 0.0)))
    digits = _digits(solved.value)
    return (
        f"{_listed(needs)} needs {_total(needs):.{digits}f}, but {_listed(allows)} "
        f"allows {_total(allows):.{digits}f} ({solved.value:.{digits}f} short)"
    )


def _turnover_sentence(limits: Limits, clash: Sequence[Row], limit: Row) -> str:
    """Return how much turnover the other settings of a collision ask for."""
    others = [row for row in clash if row is not limit]
    needed = _solve(limits, others, limit.coefficients).value
    named = dict.fromkeys(_term(row, 1.0) for row in others)
    short = needed - limit.value
    digits = _digits(min(short, limit.value))
    drift = "" if limit.value else "; 0 lets nothing back that prices carry beyond it"
    return (
        f"{' and '.join(named)} needs a turnover of {needed:.{digits}f} from what is "
        f"held, but {TURNOVER} allows {limit.value:.{digits}f} "
        f"({short:.{digits}f} short{drift})"
    )


def _digits(short: float) -> int:
    """Return the decimals that show by how much a limit is missed."""
    return 2 if short >= 0.005 else 6


def _term(row: Row, times: float) -> str:
    """Return a setting as the thesis file has it: name, side, value."""
    if row.name == NAMES:  # counted, each at the most that a name may weigh
        return f"{NAMES} {row.value:.0f} x {times:.2f}"
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
