"""Portfolios of few names and no small positions: a search over convex problems.

HiGHS takes whole numbers with linear objectives only, so for the others the choice of
names is searched by branch and bound: a name is in (at least the smallest position),
out (0), or open, and a problem with open names bounds all that may come of it.

References
----------
Land and Doig (1960), Econometrica 28(3); Bienstock (1996), Mathematical Programming 74.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from engine.portfolio.constraints import (
    ALLOWED_BREACH,
    NAMES,
    Budget,
    Limits,
    trading_costs,
)
from engine.portfolio.continuous import answers
from engine.portfolio.objectives.goal import Goal
from engine.portfolio.solution import Solution

#: Problems solved before the best portfolio found so far is taken, gap and all: where
#: names are nearly alike, as for "equal", no bound ever tells their choices apart.
MOST_PROBLEMS = 500
#: A portfolio this much worse than the bound (a share of it) is the best one.
GAP = 1e-6

Rates = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, slots=True, eq=False, order=False)
class _Branch:
    """A problem with some names in and some out (masks), solved with the rest open."""

    inside: np.ndarray
    outside: np.ndarray
    weights: np.ndarray
    value: float
    solution: Solution


def solve(limits: Limits, goal: Goal, rates: Rates, *, covered: bool) -> Solution:
    """Return the best weights with names counted and small positions forbidden.

    `residual` is the share of the objective by which a better portfolio could still
    exceed the answer: below 1e-6, or what was left after 500 problems.
    """
    search = _Search(limits, goal, rates, covered)
    none = np.zeros(len(limits.assets), dtype=bool)
    root = search.branch(none, none)
    if root is None:
        return Solution(status="infeasible", solver="branch and bound")
    best: _Branch | None = None
    queue, bound = [(-root.value, 0, root)], root.value
    while queue:
        bound = -queue[0][0]
        if best is not None and bound - best.value <= GAP * max(abs(bound), goal.scale):
            break
        if search.solved >= MOST_PROBLEMS:
            break
        branch = heapq.heappop(queue)[2]
        for candidate in search.portfolios(branch):
            if best is None or candidate.value > best.value:
                best = candidate
        for child in search.children(branch):
            if best is None or child.value > best.value:
                heapq.heappush(queue, (-child.value, search.solved, child))
    if best is None:
        return Solution(status="infeasible", solver="branch and bound")
    gap = max(bound - best.value, 0.0) / max(abs(bound), goal.scale) if queue else 0.0
    return Solution(
        status=best.solution.status if gap <= GAP else f"optimal to within {gap:.1e}",
        solver=f"branch and bound ({best.solution.solver})",
        weights=best.weights,
        residual=max(gap, best.solution.residual),
        prices=best.solution.prices,
    )


class _Search:
    """The problems of one search, counted, and the supports that were tried."""

    def __init__(self, limits: Limits, goal: Goal, rates: Rates, covered: bool) -> None:
        self.limits, self.goal, self.rates = limits, goal, rates
        self.covered = covered
        self.solved = 0
        self.tried: set[bytes] = set()
        most = limits.most_names
        self.most = len(limits.assets) if most is None else most

    def branch(self, inside: np.ndarray, outside: np.ndarray) -> _Branch | None:
        """Return the solved problem of these names, or None if nothing meets it."""
        self.solved += 1
        limits = _with_names(self.limits, inside, outside, self.most)
        for solution in answers(limits, self.goal, self.rates, covered=self.covered):
            if solution.weights is not None:
                break
        else:
            return None
        weights = solution.weights
        costs = trading_costs(self.limits, weights, self.rates)
        costs += float(self.limits.borrow @ np.maximum(-weights, 0.0))
        value = self.goal.value(weights, costs)
        return _Branch(inside, outside, weights, value, solution)

    def portfolios(self, branch: _Branch) -> Iterator[_Branch]:
        """Yield portfolios that count: the branch itself, or its largest names."""
        if self._allowed(branch.weights):
            yield branch
            return
        size = np.abs(branch.weights) + 2.0 * branch.inside
        size[self.limits.closed & (self.limits.held != 0.0)] += 4.0
        order = np.argsort(-size, kind="stable")
        kept = np.zeros(len(size), dtype=bool)
        kept[order[: self.most]] = True
        kept &= size >= max(self.limits.smallest / 2.0, ALLOWED_BREACH)
        if kept.tobytes() in self.tried:
            return
        self.tried.add(kept.tobytes())
        found = self.branch(kept & ~self.limits.closed, ~kept)
        if found is not None and self._allowed(found.weights):
            yield found

    def children(self, branch: _Branch) -> Iterator[_Branch]:
        """Yield the two problems with one more name decided."""
        if self._allowed(branch.weights):
            return
        open_ = ~branch.inside & ~branch.outside & ~self.limits.closed
        size = np.abs(branch.weights) / np.maximum(_reach(self.limits), ALLOWED_BREACH)
        undecided = np.flatnonzero(open_ & (np.abs(branch.weights) > ALLOWED_BREACH))
        if not len(undecided):
            return
        place = undecided[np.argmin(np.abs(size[undecided] - 0.5))]
        one = np.zeros(len(size), dtype=bool)
        one[place] = True
        for inside, outside in (
            (branch.inside | one, branch.outside),
            (branch.inside, branch.outside | one),
        ):
            child = self.branch(inside, outside)
            if child is not None:
                yield child

    def _allowed(self, weights: np.ndarray) -> bool:
        """Whether the weights hold few enough names and no small position."""
        held = np.abs(weights) > ALLOWED_BREACH
        small = held & (np.abs(weights) < self.limits.smallest - ALLOWED_BREACH)
        return bool(held.sum() <= self.most and not (small & ~self.limits.closed).any())


def _reach(limits: Limits) -> np.ndarray:
    """Return the largest position that each asset may take, shape (N,)."""
    return np.asarray(np.maximum(limits.highest, -limits.floor))


def _with_names(
    limits: Limits, inside: np.ndarray, outside: np.ndarray, most: int
) -> Limits:
    """Return limits without whole numbers, with names in, out and open.

    Open names share what is left of the count: a name at half of what it may weigh
    counts half.
    """
    budgets = limits.budgets
    reach = _reach(limits)
    if limits.most_names is not None and not limits.shorts:
        open_ = ~inside & ~outside & (reach > 0.0)
        share = np.where(open_, 1.0 / np.where(reach > 0.0, reach, 1.0), 0.0)
        left = most - float((inside & ~limits.closed).sum())
        budgets += (
            Budget(name=NAMES, coefficients=share, low=-np.inf, high=max(left, 0.0)),
        )
    trading = ~limits.closed
    return replace(
        limits,
        budgets=budgets,
        cap=np.where(outside & trading, 0.0, limits.cap),
        short_cap=np.where(outside, 0.0, limits.short_cap),
        may_buy=limits.may_buy & ~outside,
        least=np.where(inside & trading, limits.smallest, -np.inf),
        smallest=0.0,
        most_names=None,
    )
