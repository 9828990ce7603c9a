"""What every objective is given, and what it answers with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from engine.portfolio.constraints import Limits
from engine.thesis.model import Portfolio

if TYPE_CHECKING:
    import cvxpy as cp

#: Weight of trading costs where the objective is not money: it breaks ties, and moves
#: no weight by more than this share of a cost rate.
TIE_BREAK = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outlook:
    """What an objective may be chosen from, over N assets in the order of the limits.

    score : (N,) in [-1, 1], 0 where withheld. alpha : (N,) expected return, 0 where
    there is none. covariance : (N, N). Both over one rebalance period.
    scenarios : returns per session, shape (T, N), no NaN, made where they are wanted.
    """

    limits: Limits
    rules: Portfolio
    score: np.ndarray
    alpha: np.ndarray
    covariance: np.ndarray
    buy_cost: np.ndarray
    sell_cost: np.ndarray
    scenarios: Callable[[], np.ndarray]

    @property
    def volatility(self) -> np.ndarray:
        """Standard deviation over one rebalance period, shape (N,)."""
        return np.asarray(np.sqrt(np.diag(self.covariance)))


class Goal(Protocol):
    """What is maximised: a function of weights and of what reaching them costs.

    cost_weight : what a unit of costs takes from it. scale : the size of its numbers,
    by which the solver's problem is divided. linear_program : whether it and its rules
    are linear. homogeneous : whether it is a ratio that does not change when weights
    are scaled; its programme then searches ``y = w * whole`` with a free `whole` > 0.
    """

    @property
    def cost_weight(self) -> float: ...  # noqa: D102 -- see the class

    @property
    def scale(self) -> float: ...  # noqa: D102 -- see the class

    @property
    def linear_program(self) -> bool: ...  # noqa: D102 -- see the class

    @property
    def homogeneous(self) -> bool: ...  # noqa: D102 -- see the class

    def value(self, weights: np.ndarray, costs: float) -> float:
        """Return the objective at weights (N,) and costs, a share of the account."""
        ...

    def define(
        self, weights: cp.Expression
    ) -> tuple[cp.Expression, list[cp.Constraint]]:
        """Return the convex loss, costs apart, and what defines it, in cvxpy."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Aim:
    """The goal, and weights (N,) to take as they are where they meet all limits."""

    goal: Goal
    ideal: np.ndarray | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Quadratic:
    r"""Maximise :math:`a'w - \frac12 w'Qw - k \cdot costs` over N weights.

    linear : a, shape (N,). quadratic : Q, shape (N, N), positive semidefinite.
    cost_weight : k >= 0.
    """

    linear: np.ndarray
    quadratic: np.ndarray
    cost_weight: float = 1.0

    homogeneous = False

    @property
    def linear_program(self) -> bool:
        """Whether there is no quadratic part."""
        return not self.quadratic.any()

    @property
    def scale(self) -> float:
        """Mean of the quadratic's diagonal.

        Divided by it, daily and yearly returns mean the same to a solver's tolerances.
        """
        return float(np.diag(self.quadratic).mean()) or 1.0

    def value(self, weights: np.ndarray, costs: float) -> float:
        """Return the objective at these weights and costs."""
        risk = 0.5 * float(weights @ self.quadratic @ weights)
        return float(self.linear @ weights) - risk - self.cost_weight * costs

    def define(
        self, weights: cp.Expression
    ) -> tuple[cp.Expression, list[cp.Constraint]]:
        """Return half the variance less the linear part."""
        import cvxpy as cp  # a second to import, needed off the direct path only

        gain = self.linear @ weights
        if not self.quadratic.any():
            return -gain, []
        return 0.5 * cp.quad_form(weights, cp.psd_wrap(self.quadratic)) - gain, []


def nearest_to(ideal: np.ndarray) -> Quadratic:
    """Return the objective whose optimum is the permitted point nearest to `ideal`.

    Distance is the sum of squared differences; shape (N,).
    """
    return Quadratic(linear=ideal, quadratic=np.eye(len(ideal)), cost_weight=TIE_BREAK)
