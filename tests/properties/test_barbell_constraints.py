"""Whatever the limits, a portfolio that can meet them does, and none is better."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.portfolio.barbell import decide
from engine.portfolio.choice import Chosen, choose
from engine.portfolio.collisions import explain
from engine.portfolio.constraints import Budget, Limits
from engine.portfolio.objectives.goal import Aim, Quadratic, nearest_to
from engine.portfolio.objectives.mean_variance import mean_variance
from engine.portfolio.scoring import WeightedFactor
from tests.portfolio_cases import LAYERS, Across, known, limits, lines, thesis
from tests.tolerances import SOLVER

SESSION = pd.Timestamp("2024-03-28")
LEGS = (("compute", "memory"), ("cloud",), ("labs",))


@dataclass(frozen=True)
class Case:
    """A problem with portfolios that are known to meet its limits."""

    layers: list[str]
    ranges: list[tuple[float, float]]
    cap: float
    cash: tuple[float, float]
    held: np.ndarray
    max_turnover: float | None
    feasible: np.ndarray  # (portfolios, N)
    cost: float
    objective: Quadratic

    def limits(self) -> Limits:
        legs = {
            name: (members, bounds)
            for name, members, bounds in zip("abc", LEGS, self.ranges, strict=True)
        }
        return limits(
            self.layers,
            legs,
            held=self.held.tolist(),
            max_weight=self.cap,
            cash=self.cash,
            max_turnover=self.max_turnover,
        )

    def chosen(self) -> Chosen:
        rates = np.full(len(self.layers), self.cost)
        return choose(
            self.limits(), Aim(goal=self.objective), rates, rates, session=SESSION
        )


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Draw portfolios first, then limits that all of them meet: just, or with room."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count = draw(st.integers(3, 12))
    others = rng.choice(LAYERS, count - 3)
    layers = ["compute", "cloud", "labs", *map(str, others)]  # no leg is empty
    feasible = rng.dirichlet(np.full(count + 1, 0.6), draw(st.integers(1, 4)))[:, 1:]
    feasible *= 0.95  # room for the highest costs: both sides at 2 % each
    held = rng.dirichlet(np.full(count + 1, 0.6))[1:] * draw(st.sampled_from([0, 1]))
    room = draw(st.sampled_from([0.0, 0.02, 0.3]))
    cost = draw(st.sampled_from([0.0, 0.001, 0.02]))
    totals = [feasible[:, np.isin(layers, members)].sum(axis=1) for members in LEGS]
    cash = 1.0 - feasible.sum(axis=1)
    left = cash - cost * np.abs(feasible - held).sum(axis=1)
    turnover = (np.abs(feasible - held).sum(axis=1) + abs(cash - 1 + held.sum())) / 2
    around = np.cov(rng.standard_normal((3 * count, count)), rowvar=False) * 0.01
    objective = draw(
        st.sampled_from(
            [
                mean_variance(0.01 * rng.standard_normal(count), around, 5.0),
                mean_variance(np.zeros(count), around, 1.0),
                nearest_to(rng.dirichlet(np.ones(count))),
            ]
        )
    )
    return Case(
        layers=layers,
        ranges=[(max(t.min() - room, 0.0), min(t.max() + room, 1.0)) for t in totals],
        cap=min(float(feasible.max()) + room, 1.0),
        cash=(max(left.min() - room, 0.0), min(cash.max() + room, 1.0)),
        held=held,
        max_turnover=draw(st.sampled_from([None, float(turnover.max()) + room])),
        feasible=feasible,
        cost=cost,
        objective=objective,
    )


@given(cases())
@settings(max_examples=60, deadline=None)
def test_every_limit_is_met(case: Case):
    chosen = case.chosen()
    weights = chosen.weights
    assert weights.min() >= 0.0
    assert weights.max() <= case.cap + SOLVER
    assert abs(weights.sum() + chosen.cash - 1.0) <= SOLVER
    assert chosen.cash <= case.cash[1] + SOLVER
    assert chosen.cash - chosen.costs >= case.cash[0] - SOLVER
    for members, (low, high) in zip(LEGS, case.ranges, strict=True):
        total = weights[np.isin(case.layers, members)].sum()
        assert low - SOLVER <= total <= high + SOLVER
    traded = np.abs(weights - case.held).sum()
    assert abs(chosen.costs - case.cost * traded) <= SOLVER
    if case.max_turnover is not None:
        change = abs(chosen.cash - (1.0 - case.held.sum()))
        assert (traded + change) / 2 <= case.max_turnover + SOLVER


@given(cases(), st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_no_permitted_portfolio_is_better(case: Case, seed: int):
    chosen = case.chosen()
    rng = np.random.default_rng(seed)
    mixes = rng.dirichlet(np.ones(len(case.feasible)), 30) @ case.feasible
    for weights in [*case.feasible, *mixes]:
        costs = case.cost * np.abs(weights - case.held).sum()
        rival = case.objective.value(weights, costs)
        assert chosen.objective >= rival - 1e-8


@given(cases(), st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_the_order_of_the_optimisers_assets_does_not_matter(case: Case, seed: int):
    order = np.random.default_rng(seed).permutation(len(case.layers))
    objective = case.objective
    shuffled = dataclasses.replace(
        case,
        layers=[case.layers[place] for place in order],
        held=case.held[order],
        objective=dataclasses.replace(
            objective,
            linear=objective.linear[order],
            quadratic=objective.quadratic[np.ix_(order, order)],
        ),
    )
    ours, theirs = case.chosen(), shuffled.chosen()
    assert abs(ours.objective - theirs.objective) <= 1e-9
    assert np.abs(ours.weights[order] - theirs.weights).max() <= 1e-5


@given(st.permutations(range(12)))
@settings(max_examples=15, deadline=None)
def test_the_order_of_assets_does_not_change_a_decision(order: list[int]):
    original = _decision(list(range(12)))
    shuffled = _decision(order)
    assert shuffled.weights.index.tolist() == [f"S{place:02d}" for place in order]
    pd.testing.assert_series_equal(
        shuffled.weights.sort_index(), original.weights, check_exact=True
    )
    assert shuffled.cash == original.cash


def _decision(order: list[int]):
    rng = np.random.default_rng(42)
    names = [f"S{place:02d}" for place in range(12)]
    world = known(0.02 * rng.standard_normal((200, 12)), names)
    layer_of = {name: LAYERS[place % 4] for place, name in enumerate(names)}
    chosen = [names[place] for place in order]
    exposures = pd.DataFrame(
        [[float(layer_of[name] == layer) for layer in LAYERS] for name in chosen],
        index=chosen,
        columns=list(LAYERS),
    )
    views: Mapping[str, float] = dict(zip(names, rng.standard_normal(12), strict=True))
    cost = pd.Series(0.001, index=chosen)
    return decide(
        world,
        thesis=thesis(
            {
                "ends": {"layers": ["compute", "memory", "cloud"], "weight": [0.5, 1]},
                "middle": {"layers": ["labs"], "weight": [0.0, 0.1]},
            },
            max_weight=0.15,
            max_turnover=0.3,
        ),
        assets=lines(chosen),
        factors=[WeightedFactor(name="view", weight=1.0, factor=Across(views))],
        exposures=exposures,
        layer_of=layer_of,
        held=pd.Series({"S00": 0.15, "S05": 0.15, "S10": 0.15, "S01": 0.15}),
        held_cash=0.4,
        first=False,
        buy_cost=cost,
        sell_cost=cost,
    )


@given(cases(), st.floats(0.01, 0.3))
@settings(max_examples=40, deadline=None)
def test_a_collision_is_named_exactly_where_there_is_one(case: Case, gap: float):
    assert explain(case.limits(), SESSION) is None
    # ask more of one leg than its names may hold
    met = case.limits()
    members = met.budgets[0].members
    possible = float(members.sum()) * case.cap
    asked = Budget(
        name="barbell.a.weight",
        coefficients=members.astype(float),
        low=possible + gap,
        high=2.0,
    )
    message = explain(
        dataclasses.replace(met, budgets=(asked,), max_turnover=None, cash=(-9.0, 9.0)),
        SESSION,
    )
    assert message is not None
    assert "barbell.a.weight minimum" in message
    if possible < 1.0:  # else it is the whole portfolio that does not reach
        assert "portfolio.max_weight" in message
        short = re.search(r"\(([0-9.]+) short\)", message)
        assert short is not None
        assert float(short[1]) == pytest.approx(gap, abs=0.005 + 1e-6)
