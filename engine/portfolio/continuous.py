"""Problems without a search over names: the direct path, then cvxpy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from engine.portfolio import direct
from engine.portfolio.constraints import Limits
from engine.portfolio.objectives.goal import Goal, Quadratic
from engine.portfolio.solution import Solution

Rates = tuple[np.ndarray, np.ndarray]


def answers(
    limits: Limits, goal: Goal, rates: Rates, *, covered: bool
) -> Iterator[Solution]:
    """Yield answers to one problem, the quickest way first.

    A linear problem of whole numbers is HiGHS's, through cvxpy.
    """
    if (
        isinstance(goal, Quadratic)
        and direct.handles(limits, goal)
        and not limits.whole_numbers
    ):
        found = direct.solve(limits, goal, rates, covered=covered)
        yield _checked(found)
        if found.status == direct.INFEASIBLE:  # proven: nothing else can find one
            return
    from engine.portfolio import program  # imports cvxpy: a second, if it is needed

    yield program.solve(limits, goal, rates, covered=covered)


def _checked(found: Solution) -> Solution:
    """Return a direct answer, without its weights where they are not optimal."""
    if found.weights is None or found.residual <= direct.ACCEPTED:
        return found
    word = f"{found.status} only to {found.residual:.1e}"
    return replace(found, weights=None, status=word)
