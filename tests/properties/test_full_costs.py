"""The optimum with every cost counted, against the one with rates alone."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from engine.costs.orders import OrderCosts
from engine.portfolio.choice import Chosen, choose
from engine.portfolio.constraints import Limits, at_rates, breach
from engine.portfolio.objectives.goal import Aim, Goal, Quadratic
from engine.portfolio.objectives.max_diversification import MaxDiversification
from tests.portfolio_cases import limits
from tests.properties.test_direct_path import draw
from tests.tolerances import SOLVER

SESSION = pd.Timestamp("2024-03-28")


def orders(
    rng: np.random.Generator,
    count: int,
    *,
    limited: bool = False,
    least: float = 0.0,
) -> OrderCosts:
    """Impact of 0 to 2 % of NAV on a trade of all of it; a third without any."""
    impact = rng.uniform(0.0, 0.1, count) * (rng.random(count) > 0.3)
    session = rng.choice([0.005, 0.05, np.inf], count)
    minima = np.zeros((2, 1, 3, count))
    minima[:, 0, 1], minima[:, 0, 2] = least, np.inf
    return OrderCosts(
        per_share=np.zeros((2, count)),
        impact=np.array([1.001 * impact, 0.999 * impact]),
        session=session if limited else np.full(count, np.inf),
        charges=minima if least else minima[:, :0],
        sessions=1_000,
        largest_fixed=np.inf,
    )


def compared(seed: int, *, limited: bool = False, least: float = 0.0) -> float:
    """Return by how much the full model is better, as a share of the objective's parts.

    With room in cash for any costs: which of the two is better is the question.
    """
    case = draw(seed)
    rng = np.random.default_rng(10_000 + seed)
    told = orders(rng, len(case.limits.held), limited=limited, least=least)
    full = dataclasses.replace(
        case.limits, orders=told, cash=(-1.0, 1.0), max_turnover=None
    )
    plain = dataclasses.replace(full, orders=None)

    def value(bound: Limits) -> float:
        aim = Aim(goal=case.goal)
        weights = choose(bound, aim, *case.rates, session=SESSION).weights
        assert breach(full, weights, 0.0)[0] <= SOLVER
        traded = weights - full.held
        costs = at_rates(traded, *case.rates)
        beyond = told.convex(traded) if limited else told.expected(traded)
        return case.goal.value(weights, costs + float(beyond.sum()))

    return (value(full) - value(plain)) / case.size(case.feasible)


@pytest.mark.parametrize("block", range(2))
@pytest.mark.parametrize(
    "model", [{}, {"limited": True}, {"least": 1e-4}, {"least": 1e-3}], ids=str
)
def test_counting_every_cost_is_never_worse(model: dict[str, float], block: int):
    """On 200 random problems: impact, participation, minima of 1 and 10 bp of NAV."""
    gains = np.array([compared(seed, **model) for seed in range(block, 200, 2)])
    assert gains.min() >= -SOLVER
    assert (gains > 1e-4).sum() > 50  # and better on most


def one(impact: float, alpha: float, session: float = np.inf) -> float:
    """Return what is bought of one asset at an impact and without risk to speak of."""
    told = orders(np.random.default_rng(0), 1)
    told = dataclasses.replace(
        told, impact=np.full((2, 1), impact), session=np.array([session])
    )
    bound = limits(["compute"], {"a": (("compute",), (0.0, 1.0))}, max_weight=1.0)
    goal = Quadratic(linear=np.array([alpha]), quadratic=np.array([[1e-9]]))
    free = np.zeros(1)
    done = choose(
        dataclasses.replace(bound, orders=told), Aim(goal=goal), free, free,
        session=SESSION,
    )  # fmt: skip
    assert done.solver == "clarabel"
    return float(done.weights[0])


@pytest.mark.parametrize("alpha", [0.002, 0.01, 0.04])
def test_one_asset_is_bought_until_its_marginal_impact_is_its_return(alpha: float):
    """Of alpha w - k w**1.5 the best is w = (2 alpha / 3 k)**2."""
    assert one(0.1, alpha) == pytest.approx((alpha / 0.15) ** 2, abs=1e-6)


def test_beyond_a_session_the_slope_stays_what_it_is_there():
    slope = 1.5 * 0.1 * np.sqrt(0.01)
    assert one(0.1, 0.99 * slope, 0.01) == pytest.approx(0.99**2 * 0.01, abs=1e-6)
    assert one(0.1, 1.05 * slope, 0.01) > 0.2  # the rest costs no more: all of it


@pytest.mark.parametrize("kind", ["ratio", "linear"])
def test_goals_that_are_no_quadratic_count_impact_too(kind: str) -> None:
    """A ratio scales its trades, a linear goal leaves its linear solver; cash pays."""
    rng, n = np.random.default_rng(5), 8
    covariance = np.cov(rng.standard_normal((60, n)), rowvar=False)
    goal: Goal = MaxDiversification(covariance=covariance)
    if kind == "linear":
        goal = Quadratic(linear=rng.standard_normal(n), quadratic=np.zeros((n, n)))
    told = dataclasses.replace(orders(rng, n), impact=np.full((2, n), 0.05))
    bound = limits(
        ["compute"] * n, {"a": (("compute",), (0.5, 1.0))}, max_weight=0.4,
        cash=(0.01, 1.0),
    )  # fmt: skip
    rates = np.full(n, 1e-3), np.full(n, 1e-3)
    done = choose(
        dataclasses.replace(bound, orders=told), Aim(goal=goal), *rates, session=SESSION
    )
    assert done.solver == "clarabel"
    assert not done.fallback
    spent = 1e-3 * done.weights.sum() + 0.05 * (done.weights**1.5).sum()
    assert done.costs == pytest.approx(spent, rel=1e-12)
    assert done.cash - done.costs >= 0.01 - SOLVER


def test_no_trade_exceeds_what_participation_lets_through_in_time() -> None:
    bound = limits(
        ["compute"] * 4, {"a": (("compute",), (0.0, 1.0))}, max_weight=0.5,
        held=[0.3, 0.0, 0.2, 0.0],
    )  # fmt: skip
    goal = Quadratic(linear=np.array([-1.0, 1.0, 0.0, 0.5]), quadratic=np.eye(4))
    told = dataclasses.replace(
        orders(np.random.default_rng(0), 4),
        impact=np.zeros((2, 4)),
        session=np.array([0.01, 0.02, np.inf, np.inf]),
        sessions=3,
    )
    bound = dataclasses.replace(bound, orders=told)
    free = np.zeros(4)
    done = choose(bound, Aim(goal=goal), free, free, session=SESSION)
    assert done.weights[:2] == pytest.approx([0.27, 0.06], abs=1e-6)
    assert "execution.max_participation (A01)" in done.prices
    # asked for more than that, the limits come first, and the orders wait
    leg = limits(
        ["compute"] * 2, {"a": (("compute",), (0.8, 1.0))}, max_weight=0.5
    )  # fmt: skip
    leg = dataclasses.replace(leg, orders=told.take([0, 1]))
    done = choose(leg, Aim(goal=goal_of(2)), free[:2], free[:2], session=SESSION)
    assert done.weights.sum() >= 0.8 - SOLVER
    assert any("max_participation" in note for note in done.notes)


def goal_of(count: int) -> Quadratic:
    return Quadratic(linear=np.zeros(count), quadratic=np.eye(count))


def small_account(least: float, *, leg: float = 0.0) -> Chosen:
    """Return 20 names that are wanted more and more, orders of at least so much."""
    n, told = 20, orders(np.random.default_rng(0), 20, least=least)
    told = dataclasses.replace(told, impact=np.zeros((2, n)), largest_fixed=0.01)
    bound = limits(
        ["compute"] * n, {"a": (("compute",), (leg, 1.0))}, max_weight=0.05
    )  # fmt: skip
    goal = Quadratic(linear=np.linspace(0.001, 0.05, n), quadratic=np.eye(n))
    free = np.zeros(n)
    return choose(
        dataclasses.replace(bound, orders=told), Aim(goal=goal), free, free,
        session=SESSION,
    )  # fmt: skip


def test_orders_too_small_for_their_minimum_are_not_placed() -> None:
    free, charged = small_account(0.0), small_account(2e-4)
    bought = charged.weights[charged.weights > 0.0]
    assert (free.weights > 0.0).sum() == 20
    assert 2e-4 / bought.min() <= 0.01
    assert 5 < len(bought) < 18
    assert charged.costs == pytest.approx(2e-4 * len(bought), rel=1e-9)
    assert charged.cash >= charged.costs
    (note,) = [one for one in charged.notes if "no order" in one]
    assert "more than 1.00% of it: A00" in note


def test_orders_that_the_limits_ask_for_are_placed_and_said() -> None:
    """The leg has to be full, and no order of it is large enough."""
    charged = small_account(5e-3, leg=0.9)
    assert charged.weights.sum() >= 0.9 - SOLVER
    count = int((charged.weights > 0.0).sum())
    assert count < 20
    assert charged.costs == pytest.approx(5e-3 * count, rel=1e-9)
    (note,) = [one for one in charged.notes if "limits ask for" in one]
    assert "minimum charges add more than 1.00%" in note
