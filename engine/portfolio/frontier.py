"""Fully invested portfolios from given estimates: without a thesis, costs or trades.

For research, and to hold every objective to published numbers. The one rule beside the
weights' signs and sum is the target that a function names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from engine.errors import InfeasibleError, UsageError
from engine.portfolio.constraints import Budget, Limits
from engine.portfolio.objectives.goal import Goal, Quadratic
from engine.portfolio.objectives.max_diversification import MaxDiversification
from engine.portfolio.objectives.max_score import highest
from engine.portfolio.objectives.min_cvar import MinCvar
from engine.portfolio.objectives.risk_parity import risk_budgeting
from engine.portfolio.solvers import answers

#: The largest weight, long or short, where nothing bounds it.
UNBOUNDED = 100.0


def minimum_variance(
    covariance: pd.DataFrame,
    *,
    long_only: bool = True,
    expected: pd.Series | None = None,
    target_return: float | None = None,
) -> pd.Series:
    """Return fully invested weights of least variance, adding up to 1.

    With `target_return` (which needs `expected`) the expected return is at least that.
    No other limits; `long_only=False` allows a weight down to -100 (Markowitz 1952).
    """
    return utility(
        covariance,
        expected=expected,
        target_return=target_return,
        long_only=long_only,
    )


def utility(
    covariance: pd.DataFrame,
    *,
    expected: pd.Series | None = None,
    reward: float = 0.0,
    target_return: float | None = None,
    long_only: bool = True,
) -> pd.Series:
    """Return fully invested weights maximising ``reward * expected'w - w'Qw / 2``.

    `reward` is 1 / risk aversion. Raises `UsageError` for a target without expected
    returns, `InfeasibleError` for one out of reach.
    """
    names = list(covariance.index)
    if expected is None and (reward or target_return is not None):
        raise UsageError("a target return or a reward needs expected returns")
    mean = np.zeros(len(names))
    if expected is not None:
        mean = expected[names].to_numpy(np.float64)
    goal = Quadratic(linear=reward * mean, quadratic=covariance.to_numpy(np.float64))
    limits = _whole(names, long_only=long_only)
    return _best(_with_target(limits, mean, target_return), goal, names)


def highest_return(
    covariance: pd.DataFrame,
    expected: pd.Series,
    *,
    volatility: float,
    long_only: bool = True,
) -> pd.Series:
    """Return fully invested weights of highest return at a volatility of at most this.

    `covariance` (n, n) and `expected` (n,) over the period of `volatility`. Raises
    `InfeasibleError` where no weights are as calm.
    """
    names = list(covariance.index)
    limits = _whole(
        names,
        long_only=long_only,
        risk_limit=volatility,
        covariance=covariance.to_numpy(np.float64),
    )
    return _best(limits, highest(expected[names].to_numpy(np.float64)), names)


def minimum_cvar(
    returns: pd.DataFrame,
    *,
    level: float = 0.95,
    expected: pd.Series | None = None,
    target_return: float | None = None,
) -> pd.Series:
    """Return fully invested long weights of least conditional value at risk.

    `returns` (T, n) without NaN are the scenarios (Rockafellar and Uryasev 2000).
    Raises `UsageError` for a missing return or a target without expected returns.
    """
    names = list(returns.columns)
    scenarios = returns.to_numpy(np.float64)
    if not np.isfinite(scenarios).all():
        raise UsageError("a scenario lacks a return; leave out its row or its asset")
    if expected is None and target_return is not None:
        raise UsageError("a target return needs expected returns")
    mean = np.zeros(len(names))
    if expected is not None:
        mean = expected[names].to_numpy(np.float64)
    limits = _with_target(_whole(names), mean, target_return)
    return _best(limits, MinCvar(scenarios=scenarios, level=level), names)


def most_diversified(covariance: pd.DataFrame) -> pd.Series:
    """Return fully invested long weights of highest diversification ratio."""
    goal = MaxDiversification(covariance=covariance.to_numpy(np.float64))
    names = list(covariance.index)
    return _best(_whole(names), goal, names)


def risk_parity(
    covariance: pd.DataFrame, budgets: pd.Series | None = None
) -> pd.Series:
    """Return long weights whose risk contributions are `budgets` (default: equal).

    Budgets are above 0 and are scaled to add up to 1.
    """
    names = list(covariance.index)
    shares = np.full(len(names), 1.0)
    if budgets is not None:
        shares = budgets[names].to_numpy(np.float64)
    weights = risk_budgeting(covariance.to_numpy(np.float64), shares / shares.sum())
    return pd.Series(weights, index=names, name="weight")


def _whole(
    names: Sequence[object],
    *,
    long_only: bool = True,
    risk_limit: float | None = None,
    covariance: np.ndarray | None = None,
) -> Limits:
    """Return limits that ask for nothing but a weight sum of 1."""
    n = len(names)
    return Limits(
        assets=tuple(map(str, names)),
        budgets=(),
        cap=np.full(n, UNBOUNDED),
        short_cap=np.full(n, 0.0 if long_only else UNBOUNDED),
        may_buy=np.ones(n, dtype=bool),
        may_sell=np.ones(n, dtype=bool),
        held=np.zeros(n),
        held_cash=1.0,
        cash=(0.0, 0.0),
        forced=np.zeros(n, dtype=bool),
        max_turnover=None,
        max_weight=UNBOUNDED,
        risk_limit=risk_limit,
        covariance=covariance,
    )


def _with_target(limits: Limits, mean: np.ndarray, target: float | None) -> Limits:
    """Return limits with a least expected return, where there is a target."""
    if target is None:
        return limits
    wanted = Budget(name="target return", coefficients=mean, low=target, high=np.inf)
    return replace(limits, budgets=(wanted,))


def _best(limits: Limits, goal: Goal, names: Sequence[object]) -> pd.Series:
    """Return the optimal weights; raise `InfeasibleError` where there are none."""
    free = np.zeros(len(limits.assets)), np.zeros(len(limits.assets))
    word = ""
    for solution in answers(limits, goal, free, covered=False):
        if solution.weights is not None:
            return pd.Series(solution.weights, index=list(names), name="weight")
        word = solution.status
    target = limits.budgets[0] if limits.budgets else None
    if target is not None:
        raise InfeasibleError(
            f"no fully invested portfolio reaches the target return {target.low}; "
            f"the largest expected return is {target.coefficients.max()} ({word})"
        )
    raise InfeasibleError(
        f"no fully invested portfolio has a volatility of at most {limits.risk_limit} "
        f"({word})"
    )
