"""What a decision says of limits and orders: nothing twice, nothing untrue."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from engine.errors import InfeasibleError
from engine.portfolio import direct, program
from engine.portfolio.choice import CONIC_DUST, choose, freed
from engine.portfolio.objectives.goal import Aim, Quadratic
from engine.portfolio.objectives.mean_variance import mean_variance
from engine.portfolio.objectives.min_cvar import MinCvar
from engine.portfolio.solution import netted
from tests.portfolio_cases import limits
from tests.properties.test_full_costs import orders

SESSION = pd.Timestamp("2024-03-28")
N = 6
RETURNS = np.random.default_rng(3).standard_normal((80, N)) * 0.01
RISK = np.cov(RETURNS, rowvar=False)
FREE = np.zeros(N), np.zeros(N)
GOAL = mean_variance(np.linspace(0.01, 0.06, N), RISK, 5.0)
LEGS = {"a": (("compute",), (0.0, 1.0))}


def solvers_of(case):
    """Return both answers to one problem: the direct one and the definition's."""
    return [one.solve(case, GOAL, FREE, covered=False) for one in (direct, program)]


def test_an_asset_of_no_leg_has_no_price_of_the_limit_per_name():
    case = limits(["compute"] * 5 + ["labs"], LEGS, max_weight=0.3)
    for solution in solvers_of(case):
        assert solution.weights[5] == pytest.approx(0.0, abs=1e-6)
        assert "portfolio.max_weight (A04)" in solution.prices
        assert "portfolio.max_weight (A05)" not in solution.prices


def test_what_must_be_sold_has_no_price_of_the_limit_per_name():
    case = limits(
        ["compute"] * 6, LEGS, held=[0.0] * 5 + [0.2], forced=[False] * 5 + [True]
    )
    for solution in solvers_of(case):
        assert "portfolio.max_weight (A05)" not in solution.prices


def test_a_short_position_in_no_leg_is_bought_back_to_nothing_and_no_limit():
    case = limits(
        ["compute"] * 5 + ["labs"],
        LEGS,
        held=[0.0] * 5 + [-0.1],
        max_weight=0.3,
        max_short=0.2,
    )
    for solution in solvers_of(case):
        assert solution.weights[5] == pytest.approx(0.0, abs=1e-6)
        assert "portfolio.max_weight (A04)" in solution.prices
        assert "portfolio.max_weight (A05)" not in solution.prices


def test_a_range_of_one_number_has_one_price():
    """Its price is what a little more of it brings, as a difference shows."""
    for cash in (0.05, 0.3):
        case = limits(["compute"] * N, LEGS, max_weight=0.3, cash=(cash, cash))
        moved = dataclasses.replace(case, cash=(cash + 1e-4, cash + 1e-4))
        for one in (direct, program):
            at, near = (
                one.solve(each, GOAL, FREE, covered=True) for each in (case, moved)
            )
            found = {key: p for key, p in at.prices.items() if "cash" in key}
            assert list(found) == ["portfolio.cash minimum"]
            lost = GOAL.value(at.weights, 0.0) - GOAL.value(near.weights, 0.0)
            assert found["portfolio.cash minimum"] == pytest.approx(
                lost / 1e-4, rel=1e-2
            )


def test_a_linear_programme_has_one_price_of_a_range_of_one_number():
    case = limits(["compute"] * N, LEGS, max_weight=0.3, cash=(0.0, 0.0))
    cvar = MinCvar(scenarios=RETURNS, level=0.9)
    solution = program.solve(case, cvar, FREE, covered=False)
    assert sum("cash" in name for name in solution.prices) == 1


def test_prices_of_two_sides_are_netted_by_hand():
    both = {"x minimum": 0.5, "x maximum": 0.2, "y maximum": 0.1}
    assert netted(both) == pytest.approx({"x minimum": 0.3, "y maximum": 0.1})
    turned = {"x minimum": 0.2, "x maximum": 0.5}
    assert netted(turned) == pytest.approx({"x maximum": 0.3})
    assert netted({"x minimum": 0.2, "x maximum": 0.2}) == {}


@pytest.mark.parametrize("seed", range(30))
def test_no_name_is_both_ordered_and_not(seed: int):
    """Random small accounts: the notes agree with the weights, and list every name."""
    rng = np.random.default_rng(seed)
    n = 16
    told = dataclasses.replace(
        orders(rng, n, least=float(rng.choice([1e-4, 5e-4, 2e-3]))),
        impact=np.zeros((2, n)),
        largest_fixed=0.01,
    )
    held = rng.dirichlet(np.full(n + 1, 0.7))[:n] * 0.9
    legs = {
        "a": (("compute",), (0.4, 0.6)),
        "b": (("cloud",), (0.3, 0.5)),
    }
    case = limits(
        ["compute"] * 9 + ["cloud"] * 7, legs, held=held.tolist(), max_weight=0.15
    )
    case = dataclasses.replace(case, orders=told)
    alpha = 0.02 * rng.standard_normal(n)
    goal = Quadratic(linear=alpha, quadratic=np.eye(n) * 0.05)
    free = np.zeros(n)
    answer = choose(case, Aim(goal=goal), free, free, session=SESSION)
    traded = answer.weights - held
    added = told.fixed(traded) / np.where(traded != 0.0, np.abs(traded), 1.0)
    names = np.array(case.assets)
    dear = set(names[(traded != 0.0) & (added > 0.01)])
    assert listed(answer.notes, "limits ask for") == dear
    assert not listed(answer.notes, "no order") & set(names[traded != 0.0])


def listed(notes: tuple[str, ...], word: str) -> set[str]:
    """Return the names that the note with a word lists."""
    for note in notes:
        if word in note:
            assert "more" not in note.rpartition(": ")[2]
            return set(note.rpartition(": ")[2].split(", "))
    return set()


def test_what_a_conic_solver_leaves_is_no_order():
    """Weights that ought to be 0 and that ought to stay, each missed by 1e-7."""
    held = np.array([0.0, 0.2, 0.3, 0.0])
    found = freed(np.array([1e-7, 0.2 - 1e-7, 0.3 + 1e-6, -9e-8]), held, CONIC_DUST)
    assert found.tolist() == [0.0, 0.2, 0.3 + 1e-6, 0.0]


def test_no_turnover_at_all_says_why_it_stops():
    held = [0.35, 0.2, 0.1, 0.1, 0.1, 0.1]
    case = limits(["compute"] * N, LEGS, held=held, max_weight=0.3, max_turnover=0.0)
    with pytest.raises(InfeasibleError, match="lets nothing back that prices carry"):
        choose(case, Aim(goal=GOAL), *FREE, session=SESSION)
