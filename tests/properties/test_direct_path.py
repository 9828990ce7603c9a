"""The direct path against the definition in cvxpy, and what both must meet."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
import pytest

from engine.portfolio import direct, program, solvers
from engine.portfolio.certificates import is_proof
from engine.portfolio.constraints import Limits, at_rates, breach, turnover
from engine.portfolio.objectives.goal import Quadratic, nearest_to
from engine.portfolio.objectives.mean_variance import mean_variance
from tests.portfolio_cases import LAYERS, limits
from tests.tolerances import IDENTITY, SOLVER

LEGS = {"a": ("compute", "memory"), "b": ("cloud",), "c": ("labs",)}


@dataclass(frozen=True)
class Case:
    """A random problem with a portfolio that is known to meet its limits."""

    limits: Limits
    goal: Quadratic
    rates: tuple[np.ndarray, np.ndarray]
    feasible: np.ndarray

    def value(self, weights: np.ndarray) -> float:
        costs = at_rates(weights - self.limits.held, *self.rates)
        return self.goal.value(weights, costs)

    def size(self, weights: np.ndarray) -> float:
        """How large the parts of the objective are: it may be 0 by cancellation."""
        risk = 0.5 * weights @ self.goal.quadratic @ weights
        gain = np.abs(self.goal.linear * weights).sum()
        return max(risk + gain, 1e-3 * self.goal.scale)


def draw(seed: int, count: int | None = None) -> Case:
    """Return a problem; some are singular, just feasible, or without any costs."""
    rng = np.random.default_rng(seed)
    n = count or int(rng.integers(2, 41))
    layers = ["compute", *map(str, rng.choice(LAYERS, n - 1))]
    feasible = rng.dirichlet(np.full(n + 1, 0.6))[1:] * 0.95
    held = rng.dirichlet(np.full(n + 1, 0.6))[1:] * rng.choice([0, 1, 1])
    held[rng.random(n) < 0.4] = 0.0
    room, cost = rng.choice([0.0, 0.01, 0.2]), rng.choice([0.0, 0.0007, 0.02])
    rates = np.full(n, cost), np.full(n, 1.5 * cost)
    legs = {}
    for name, members in LEGS.items():
        total = feasible[np.isin(layers, members)].sum()
        legs[name] = (members, (max(total - room, 0.0), min(total + room, 1.0)))
    cash = 1.0 - feasible.sum()
    left = cash - at_rates(feasible - held, *rates)
    moved = (np.abs(feasible - held).sum() + abs(cash - 1.0 + held.sum())) / 2.0
    rows = 60 if rng.random() < 0.7 else max(3, n // 2)  # fewer rows than assets
    returns = rng.standard_normal((rows, n)) * rng.uniform(0.005, 0.04, n)
    covariance = 21 * np.cov(returns, rowvar=False).reshape(n, n)
    kind = rng.integers(3)
    alpha = 0.01 * rng.standard_normal(n) * (kind == 0)
    goal = mean_variance(alpha, covariance, float(rng.choice([1.0, 5.0, 50.0])))
    return Case(
        limits=limits(
            layers,
            legs,
            held=held.tolist(),
            max_weight=min(float(feasible.max()) + room, 1.0),
            cash=(min(max(left - room, -1.0), cash), min(cash + room, 1.0)),
            max_turnover=rng.choice([None, moved + room]),
        ),
        goal=nearest_to(rng.dirichlet(np.ones(n))) if kind == 2 else goal,
        rates=rates,
        feasible=feasible,
    )


def test_a_thousand_random_problems_meet_every_limit_and_are_optimal():
    worst_breach = worst_gap = worst_residual = 0.0
    for seed in range(1_000):
        case = draw(seed)
        found = direct.solve(case.limits, case.goal, case.rates, covered=True)
        assert found.status == "optimal", seed
        assert found.weights is not None
        costs = at_rates(found.weights - case.limits.held, *case.rates)
        worst_breach = max(worst_breach, breach(case.limits, found.weights, costs)[0])
        worst_residual = max(worst_residual, found.residual)
        # cheap certificate on all of them: the portfolio that is known is no better
        gain = case.value(case.feasible) - case.value(found.weights)
        worst_gap = max(worst_gap, gain / case.size(found.weights))
    assert worst_breach <= SOLVER
    assert worst_residual <= 1e-9
    assert worst_gap <= SOLVER


@pytest.mark.parametrize("block", range(4))
def test_the_objective_is_that_of_a_high_accuracy_solve(block, monkeypatch):
    monkeypatch.setattr(
        program,
        "PRECISION",
        {"tol_gap_abs": 1e-13, "tol_gap_rel": 1e-13, "tol_feas": 1e-13},
    )
    for seed in range(block, 1_000, 4):
        case = draw(seed)
        ours = direct.solve(case.limits, case.goal, case.rates, covered=True)
        theirs = program.solve(case.limits, case.goal, case.rates, covered=True)
        assert ours.weights is not None
        assert theirs.weights is not None, seed
        short = case.value(theirs.weights) - case.value(ours.weights)
        assert abs(short) <= SOLVER * case.size(ours.weights), seed


def test_a_large_universe_is_solved_in_pieces_and_still_optimal():
    for seed, count in ((0, 150), (1, 220), (2, 300)):
        case = draw(seed, count)
        one_piece = program.solve(case.limits, case.goal, case.rates, covered=True)
        pieces = direct.solve(case.limits, case.goal, case.rates, covered=True)
        assert pieces.weights is not None
        assert one_piece.weights is not None
        assert pieces.residual <= 1e-9
        short = case.value(one_piece.weights) - case.value(pieces.weights)
        assert short <= SOLVER * case.size(pieces.weights)


def test_a_piece_that_leaves_out_what_matters_is_found_out(monkeypatch):
    case = next(
        one
        for seed in range(100)
        if (one := draw(seed, 300)).goal.linear.any() and one.goal.quadratic[0, 1]
    )
    honest = direct.solve(case.limits, case.goal, case.rates, covered=True)
    monkeypatch.setattr(direct, "_first_piece", lambda problem, free: free[::2])
    monkeypatch.setattr(direct, "_improving", lambda *_: np.array([], dtype=int))
    hasty = direct.solve(case.limits, case.goal, case.rates, covered=True)
    assert hasty.residual > direct.ACCEPTED > honest.residual
    (first, *_) = solvers.answers(case.limits, case.goal, case.rates, covered=True)
    assert first.weights is None
    assert "optimal only to" in first.status


def priced(turnover_limit: float | None, reward: float) -> tuple[Limits, Quadratic]:
    """Return a problem in which several limits bind, each with one price."""
    rng = np.random.default_rng(3)
    n = 16
    returns = rng.standard_normal((60, n)) * rng.uniform(0.01, 0.03, n)
    case = limits(
        [LAYERS[place % 4] for place in range(n)],
        {
            "a": (("compute", "memory"), (0.3, 0.5)),
            "b": (("cloud",), (0.2, 0.3)),
            "c": (("labs",), (0.0, 0.3)),
        },
        held=np.full(n, 0.05).tolist(),
        max_weight=0.12,
        cash=(0.02, 0.15),
        max_turnover=turnover_limit,
    )
    alpha = reward * rng.standard_normal(n)
    return case, mean_variance(alpha, 21 * np.cov(returns, rowvar=False), 5.0)


@pytest.mark.parametrize(
    ("turnover_limit", "reward", "binding"),
    [
        (0.15, 0.01, {"portfolio.max_turnover", "portfolio.max_weight"}),
        (None, 0.0, {"portfolio.cash maximum", "barbell.b.weight minimum"}),
        (None, -0.05, {"portfolio.cash minimum", "barbell.a.weight maximum"}),
    ],
)
def test_shadow_prices_are_what_a_little_more_room_brings(
    turnover_limit, reward, binding
):
    """Each price against the objective at limits moved by a hair."""
    # where costs keep whole legs as they are, a price is an interval: trade freely
    cost = 0.001 if reward else 1e-6
    step, rates = 1e-5, (np.full(16, cost), np.full(16, 2 * cost))
    case, goal = priced(turnover_limit, reward)

    def value(bound: Limits) -> float:
        found = direct.solve(bound, goal, rates, covered=True).weights
        return goal.value(found, at_rates(found - bound.held, *rates))

    prices = direct.solve(case, goal, rates, covered=True).prices
    textbook = program.solve(case, goal, rates, covered=True).prices
    assert binding <= {name.partition(" (")[0] for name in prices}
    assert set(prices) == set(textbook)
    for name, price in prices.items():
        assert price == pytest.approx(textbook[name], rel=1e-4), name
        moved = [_moved(case, name, sign * step) for sign in (1.0, -1.0)]
        slope = (value(moved[0]) - value(moved[1])) / (2 * step)
        assert price == pytest.approx(slope, rel=1e-3, abs=1e-7), name


def _moved(case: Limits, name: str, step: float) -> Limits:
    """Return limits with one of them wider by `step`."""
    if name == "portfolio.max_turnover":
        return dataclasses.replace(case, max_turnover=case.max_turnover + step)
    if name.startswith("portfolio.max_weight"):
        cap = case.cap.copy()
        cap[case.assets.index(name.partition("(")[2].strip(")"))] += step
        return dataclasses.replace(case, cap=cap)
    setting, side = name.rsplit(" ", 1)
    low, high = case.cash
    if setting == "portfolio.cash":
        wider = (low - step, high) if side == "minimum" else (low, high + step)
        return dataclasses.replace(case, cash=wider)
    budgets = [
        dataclasses.replace(
            one,
            low=one.low - step * (one.name == setting and side == "minimum"),
            high=one.high + step * (one.name == setting and side == "maximum"),
        )
        for one in case.budgets
    ]
    return dataclasses.replace(case, budgets=tuple(budgets))


def test_limits_that_cannot_be_met_are_proven_so_and_others_never():
    proven = 0
    for seed in range(150):
        case = draw(seed)
        closed = dataclasses.replace(case.limits, cash=(0.0, 0.0))  # none for costs
        ours = direct.solve(closed, case.goal, case.rates, covered=True)
        theirs = program.solve(closed, case.goal, case.rates, covered=True)
        assert (ours.weights is None) == (theirs.weights is None), seed
        if ours.weights is None:
            assert ours.status == direct.INFEASIBLE, seed
            ways = solvers.answers(closed, case.goal, case.rates, covered=True)
            assert len(list(ways)) == 1  # cvxpy is not asked what is proven
            proven += 1
    assert proven > 50


def test_a_proof_is_checked_and_not_believed():
    box = np.zeros(2), np.ones(2)
    rows, free = np.array([[1.0, 1.0]]), np.array([np.inf])
    three, one = np.array([3.0]), np.array([1.0])
    assert is_proof(np.array([-2.0]), rows, three, free, *box)  # 2 < 3
    assert not is_proof(np.array([-2.0]), rows, one, free, *box)
    assert not is_proof(np.array([2.0]), rows, three, free, *box)
    assert not is_proof(np.array([0.0]), rows, three, free, *box)
    assert not is_proof(np.array([np.nan]), rows, three, free, *box)


@pytest.mark.parametrize("most", [0.0, 1.0])
def test_no_turnover_and_all_of_it(most):
    for seed in range(30):
        case = draw(seed)
        free = dataclasses.replace(
            case.limits,
            budgets=(),
            cash=(-9.0, 9.0),
            cap=np.ones(len(case.feasible)),
            max_turnover=most,
        )
        found = direct.solve(free, case.goal, case.rates, covered=True)
        assert found.weights is not None, seed
        if most == 0.0:
            assert found.weights == pytest.approx(free.held, abs=SOLVER)
        else:  # everything may change hands: no weight is bound by it
            loose = dataclasses.replace(free, cash=(0.0, 1.0), max_turnover=None)
            tight = dataclasses.replace(loose, max_turnover=1.0)
            one, other = (
                direct.solve(bound, case.goal, case.rates, covered=False).weights
                for bound in (loose, tight)
            )
            assert turnover(tight, other) <= 1.0 + IDENTITY
            assert case.value(one) == pytest.approx(case.value(other), abs=1e-9)
