"""Which solver takes a problem: a search over names, or a problem without."""

from __future__ import annotations

from collections.abc import Iterator

from engine.portfolio import continuous
from engine.portfolio.constraints import Limits
from engine.portfolio.continuous import Rates
from engine.portfolio.objectives.goal import Goal
from engine.portfolio.solution import Solution


def answers(
    limits: Limits, goal: Goal, rates: Rates, *, covered: bool
) -> Iterator[Solution]:
    """Yield answers to one problem, the quickest way first.

    The caller takes the first that meets its checks; what comes later is not computed
    before it is asked for. A problem of whole numbers is a search over problems
    without (`engine.portfolio.integers`), but for a linear one, which HiGHS takes.
    """
    searched = not goal.linear_program or limits.risk_limit is not None
    searched = searched or limits.curved
    if limits.whole_numbers and searched:
        from engine.portfolio import integers  # only where names are counted

        yield integers.solve(limits, goal, rates, covered=covered)
        return
    yield from continuous.answers(limits, goal, rates, covered=covered)
