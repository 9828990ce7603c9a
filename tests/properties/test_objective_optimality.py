"""Whatever the objective, no permitted portfolio is better."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from engine.portfolio.choice import choose
from engine.portfolio.constraints import at_rates, breach, risk
from engine.portfolio.objectives.goal import Aim, Goal
from engine.portfolio.objectives.max_diversification import MaxDiversification
from engine.portfolio.objectives.max_score import highest
from engine.portfolio.objectives.min_cvar import MinCvar
from tests.properties.test_direct_path import Case, draw
from tests.tolerances import SOLVER

SESSION = pd.Timestamp("2024-03-28")


def problem(kind: str, seed: int) -> tuple[Case, Goal]:
    """Return a random problem with another goal, and a risk limit for the score."""
    case, rng = draw(seed), np.random.default_rng([seed, 1])
    n = len(case.feasible)
    returns = 0.02 * rng.standard_normal((80, n)) + 0.01 * rng.standard_normal((80, 1))
    covariance = np.cov(returns, rowvar=False).reshape(n, n)
    if kind == "min_cvar":
        return case, MinCvar(scenarios=returns, level=0.9)
    if kind == "max_diversification":
        return case, MaxDiversification(covariance=covariance)
    bound = dataclasses.replace(case.limits, covariance=covariance)
    level = 1.02 * risk(bound, case.feasible)
    bound = dataclasses.replace(bound, risk_limit=level)
    return dataclasses.replace(case, limits=bound), highest(rng.standard_normal(n))


@pytest.mark.parametrize("kind", ["min_cvar", "max_diversification", "max_score"])
def test_no_permitted_portfolio_is_better(kind):
    rivals = 0
    for seed in range(30):
        case, goal = problem(kind, seed)
        answer = choose(case.limits, Aim(goal=goal), *case.rates, session=SESSION)
        assert answer.status.startswith("optimal")
        assert breach(case.limits, answer.weights, answer.costs)[0] <= SOLVER
        rng = np.random.default_rng([seed, 2])
        nearby = answer.weights + 0.02 * rng.standard_normal((20, len(case.feasible)))
        shares = rng.uniform(0.0, 1.0, (20, 1))
        between = shares * answer.weights + (1 - shares) * case.feasible
        for weights in [case.feasible, *between, *np.maximum(nearby, 0.0)]:
            costs = at_rates(weights - case.limits.held, *case.rates)
            if breach(case.limits, weights, costs)[0] > 0.0 or not weights.any():
                continue
            rivals += 1
            value = goal.value(weights, costs)
            assert answer.objective >= value - SOLVER * max(abs(value), 0.01), seed
    assert rivals > 300
