"""Limits beyond legs and caps: currencies, countries, beta, shorts, names, risk."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pandas as pd
import pytest

from engine.portfolio import integers, solvers
from engine.portfolio.choice import Chosen, choose
from engine.portfolio.constraints import Limits, breach, risk
from engine.portfolio.objectives.goal import Aim, Goal, Quadratic
from engine.portfolio.objectives.max_score import highest
from engine.portfolio.objectives.mean_variance import mean_variance
from engine.portfolio.objectives.min_cvar import MinCvar
from tests.portfolio_cases import limits
from tests.tolerances import IDENTITY, SOLVER

SESSION = pd.Timestamp("2024-03-28")
N = 8
MICS = ["XNYS", "XNYS", "XNYS", "XHKG", "XHKG", "XSHG", "XKRX", "XKRX"]
LAYER = ["compute", "memory", "cloud", "labs"] * 2
ANY = {"all": (("compute", "memory", "cloud", "labs"), (0.0, 1.0))}
RNG = np.random.default_rng(29)
RETURNS = RNG.standard_normal((90, N)) * RNG.uniform(0.01, 0.03, N)
COVARIANCE = 21 * np.cov(RETURNS, rowvar=False)
ALPHA = 0.01 * RNG.standard_normal(N)
GOAL = mean_variance(ALPHA, COVARIANCE, 10.0)
FREE = np.zeros(N)
CVAR = MinCvar(scenarios=RETURNS, level=0.9)


def case(**settings: object) -> Limits:
    return limits(LAYER, ANY, **{"mics": MICS, "max_weight": 0.5, **settings})


def chosen(bound: Limits, goal: Goal = GOAL, cost: float = 0.0) -> Chosen:
    return choose(bound, Aim(goal=goal), FREE + cost, FREE + cost, session=SESSION)


def held_in(weights: np.ndarray, mic: str) -> float:
    return sum(w for w, one in zip(weights, MICS, strict=True) if one == mic)


# --- sums -----------------------------------------------------------------------------


def test_currencies_and_countries_bind():
    loose = chosen(case()).weights
    bound = case(
        currencies={"USD": (0.4, 0.45), "HKD": (0.0, 0.1)},
        countries={"KR": (0.05, 0.06), "CN": (0.0, 0.02)},
    )
    tight = chosen(bound)
    assert 0.4 - SOLVER <= held_in(tight.weights, "XNYS") <= 0.45 + SOLVER
    assert held_in(tight.weights, "XHKG") <= 0.1 + SOLVER
    assert 0.05 - SOLVER <= held_in(tight.weights, "XKRX") <= 0.06 + SOLVER
    assert held_in(tight.weights, "XSHG") <= 0.02 + SOLVER
    assert not 0.4 <= held_in(loose, "XNYS") <= 0.45  # it had to be bound
    assert tight.solver == "piqp"
    assert any(name.startswith("portfolio.countries.KR") for name in tight.prices)


def test_a_minimum_of_a_country_that_is_closed_is_waived():
    closed = [mic != "XKRX" for mic in MICS]
    bound = case(countries={"KR": (0.2, 0.5)}, tradeable=closed)
    assert held_in(chosen(bound).weights, "XKRX") == 0.0
    assert any("portfolio.countries.KR: no member" in note for note in bound.notes)


def test_beta_to_the_benchmark():
    beta = np.array([1.6, 1.2, 0.4, 0.8, 1.1, 0.2, 0.9, 1.4])
    for between in ((0.3, 0.5), (0.9, 0.95)):
        weights = chosen(case(betas=beta, beta=between)).weights
        assert between[0] - SOLVER <= weights @ beta <= between[1] + SOLVER


# --- short positions ------------------------------------------------------------------


def test_short_positions_within_gross_and_net_but_never_on_the_mainland():
    bound = case(max_short=0.3, max_gross=1.4, net=(-0.1, 0.2), cash=(-5.0, 5.0))
    answer = chosen(bound)
    assert answer.weights[MICS.index("XSHG")] >= 0.0
    assert answer.weights.min() < -0.05
    assert answer.weights.min() >= -0.3 - SOLVER
    assert np.abs(answer.weights).sum() <= 1.4 + SOLVER
    assert -0.1 - SOLVER <= answer.weights.sum() <= 0.2 + SOLVER
    assert answer.cash == pytest.approx(1.0 - answer.weights.sum())
    assert bound.short_cap[MICS.index("XSHG")] == 0.0


def test_without_gross_and_borrowing_short_positions_take_the_direct_path():
    bound = case(max_short=0.2, cash=(-5.0, 5.0))
    quick = list(
        itertools.islice(solvers.answers(bound, GOAL, (FREE, FREE), covered=False), 2)
    )
    assert [one.solver for one in quick] == ["piqp", "clarabel"]
    assert quick[0].weights == pytest.approx(quick[1].weights, abs=1e-5)
    assert quick[0].weights.min() < -0.05


def test_borrowing_costs_make_short_positions_smaller():
    free = case(max_short=0.3, cash=(-5.0, 5.0))
    dear = dataclasses.replace(free, borrowed=np.full(N, 0.01))
    one, other = chosen(free), chosen(dear)
    assert np.minimum(other.weights, 0).sum() > np.minimum(one.weights, 0).sum() + 0.01
    short = np.maximum(-other.weights, 0.0).sum()
    assert other.objective == pytest.approx(
        GOAL.value(other.weights, 0.01 * short), abs=IDENTITY
    )
    assert other.costs == 0.0  # borrowing is paid over the period, not by the trade
    assert one.objective > other.objective


def test_a_short_position_may_be_bought_back_where_nothing_may_be_opened():
    held = [0.0] * N
    held[0] = -0.2
    out = {"A00": "5 of 60 returns"}
    bound = case(max_short=0.3, cash=(-5, 5), held=held, held_out=out)
    assert bound.floor[0] == -0.2
    assert bound.ceiling[0] == 0.0
    assert -0.2 - SOLVER <= chosen(bound).weights[0] <= SOLVER
    closed = [True] * N
    closed[0] = False
    stuck = case(max_short=0.3, cash=(-5, 5), held=held, tradeable=closed)
    assert chosen(stuck).weights[0] == -0.2
    forced = [False] * N
    forced[0] = True
    exit_ = case(max_short=0.3, cash=(-5, 5), held=held, forced=forced)
    assert chosen(exit_).weights[0] == pytest.approx(0.0, abs=SOLVER)


def test_long_only_takes_a_negative_rounding_for_nothing():
    assert case(held=[-1e-15] + [0.0] * 7).held.min() == 0.0


# --- risk -----------------------------------------------------------------------------


@pytest.mark.parametrize("goal", [GOAL, highest(ALPHA), CVAR])
def test_a_risk_limit_binds_any_objective(goal):
    bound = case(cash=(0.0, 0.2))
    free = chosen(bound, goal).weights
    calmest = chosen(bound, mean_variance(FREE, COVARIANCE, 1.0)).weights
    yearly = 12 * COVARIANCE
    bare = dataclasses.replace(bound, covariance=yearly)
    level = 0.5 * risk(bare, free) + 0.5 * risk(bare, calmest)
    answer = chosen(dataclasses.replace(bare, risk_limit=level), goal)
    assert risk(bare, answer.weights) <= level + SOLVER
    assert risk(bare, free) > level  # it had to be bound
    assert risk(bare, answer.weights) == pytest.approx(level, abs=1e-5)
    mixes = RNG.dirichlet(np.ones(2), 200) @ np.vstack([free, calmest])
    for rival in mixes:
        if risk(bare, rival) <= level:
            assert goal.value(answer.weights, 0) >= goal.value(rival, 0) - SOLVER


# --- names and small positions --------------------------------------------------------


def best_by_enumeration(bound: Limits, goal: Goal, most: int, smallest: float) -> float:
    """Solve every choice of names: each in with at least the smallest, or out."""
    values = []
    plain = dataclasses.replace(bound, smallest=0.0, most_names=None)
    for names in itertools.product([False, True], repeat=N):
        if sum(names) > most:
            continue
        inside = np.array(names)
        one = dataclasses.replace(
            plain,
            cap=np.where(inside, plain.cap, 0.0),
            least=np.where(inside, smallest, 0.0),
        )
        answer = next(solvers.answers(one, goal, (FREE, FREE), covered=False))
        if answer.weights is not None:  # else: nothing meets the limits with these
            values.append(goal.value(answer.weights, 0.0))
    return max(values)


@pytest.mark.parametrize(
    ("most", "smallest", "goal"),
    [
        (3, 0.0, GOAL),
        (8, 0.2, GOAL),
        (3, 0.25, GOAL),
        (3, 0.15, mean_variance(FREE, COVARIANCE, 1.0)),
        (2, 0.0, Quadratic(linear=np.full(N, 0.1), quadratic=np.eye(N))),
    ],
)
def test_few_names_and_no_small_positions_are_the_best_of_all_choices(
    most, smallest, goal
):
    bound = case(max_names=most, min_position=smallest, cash=(0.0, 0.3))
    answer = chosen(bound, goal)
    held = answer.weights > SOLVER
    assert held.sum() <= most
    assert (answer.weights[held] >= smallest - SOLVER).all()
    best = best_by_enumeration(bound, goal, most, smallest)
    assert answer.objective == pytest.approx(best, rel=SOLVER, abs=1e-9)
    assert answer.solver.startswith("branch and bound")
    free = dataclasses.replace(bound, smallest=0.0, most_names=None)
    unbound = chosen(free, goal).weights
    small = (unbound > SOLVER) & (unbound < smallest)
    assert (unbound > SOLVER).sum() > most or small.any()  # it had to be bound


def test_a_linear_objective_with_few_names_goes_to_highs():
    goal = CVAR
    bound = case(max_names=3, min_position=0.1, cash=(0.0, 0.1))
    answer = chosen(bound, goal)
    assert answer.solver == "highs"
    held = answer.weights > SOLVER
    assert held.sum() <= 3
    assert (answer.weights[held] >= 0.1 - SOLVER).all()
    values = []
    for names in itertools.combinations(range(N), 3):
        cap = np.where(np.isin(np.arange(N), names), bound.cap, 0.0)
        least = np.where(cap > 0.0, 0.1, 0.0)
        one = dataclasses.replace(
            bound, cap=cap, least=least, most_names=None, smallest=0.0
        )
        (solution,) = solvers.answers(one, goal, (FREE, FREE), covered=False)
        values.append(goal.value(solution.weights, 0.0))
    assert answer.objective == pytest.approx(max(values), rel=SOLVER)


def test_closed_holdings_count_as_names_but_may_be_small():
    held = [0.02] + [0.0] * 7
    closed = [False] + [True] * 7
    bound = case(
        max_names=3, min_position=0.2, held=held, tradeable=closed, cash=(0, 0.5)
    )
    weights = chosen(bound).weights
    assert weights[0] == 0.02
    assert (weights > SOLVER).sum() <= 3
    assert (weights[1:][weights[1:] > SOLVER] >= 0.2 - SOLVER).all()


def test_a_breach_is_named():
    bound = case(max_names=2, min_position=0.1, max_turnover=0.3, cash=(0.1, 0.9))
    assert breach(bound, FREE, 0.0)[1] == "portfolio.cash"
    assert breach(bound, np.array([0.3, 0.2, 0.2, 0, 0, 0, 0, 0]), 0)[1] == (
        "portfolio.max_names"
    )
    assert breach(bound, np.array([0.3, 0.02, 0, 0, 0, 0, 0, 0]), 0)[1] == (
        "portfolio.min_position"
    )
    gross = case(max_short=0.5, max_gross=0.4, cash=(-5, 5))
    assert breach(gross, np.array([0.4, -0.4, 0, 0, 0, 0, 0, 0]), 0)[1] == (
        "portfolio.max_gross"
    )
    lower = case(max_short=0.2, cash=(-5, 5))
    assert breach(lower, np.array([0.5, -0.3, 0, 0, 0, 0, 0, 0]), 0)[1] == (
        "portfolio.max_short"
    )
    calm = dataclasses.replace(case(), risk_limit=0.01, covariance=np.eye(N))
    assert breach(calm, np.full(N, 0.1), 0)[1] == "portfolio.risk_limit"


# --- shadow prices off the direct path ------------------------------------------------


def test_the_price_of_risk_is_what_a_little_more_brings():
    bare = dataclasses.replace(case(cash=(0.0, 0.2)), covariance=12 * COVARIANCE)
    goal, step = highest(ALPHA), 1e-4
    free = chosen(bare, goal).weights
    level = 0.7 * risk(bare, free)
    at, above, below = (
        chosen(dataclasses.replace(bare, risk_limit=level + move), goal)
        for move in (0.0, step, -step)
    )
    slope = (above.objective - below.objective) / (2 * step)
    assert at.prices["portfolio.risk_limit"] == pytest.approx(slope, rel=1e-3)


def test_the_price_of_gross_positions():
    bound = case(max_short=0.3, max_gross=1.1, cash=(-5.0, 5.0), max_weight=0.9)
    at, above, below = (
        chosen(dataclasses.replace(bound, gross=1.1 + move))
        for move in (0, 1e-4, -1e-4)
    )
    slope = (above.objective - below.objective) / 2e-4
    assert at.prices["portfolio.max_gross"] == pytest.approx(slope, rel=1e-3)


def test_prices_of_a_linear_programme():
    bound = case(countries={"US": (0.55, 0.9)}, cash=(0.0, 0.1), max_weight=0.3)
    at = chosen(bound, CVAR)
    moved = []
    for step in (1e-5, -1e-5):
        budgets = [
            dataclasses.replace(one, low=one.low - step * (one.low == 0.55))
            for one in bound.budgets
        ]
        wider = dataclasses.replace(bound, budgets=tuple(budgets))
        moved.append(chosen(wider, CVAR).objective)
    price = at.prices["portfolio.countries.US minimum"]
    assert price == pytest.approx((moved[0] - moved[1]) / 2e-5, rel=1e-3)
    assert price > 0.0


def test_a_search_that_ends_early_says_how_good_its_answer_is(monkeypatch):
    bound = case(max_names=3, min_position=0.15, cash=(0.0, 0.3))
    goal = mean_variance(FREE, COVARIANCE, 1.0)
    proven = chosen(bound, goal)
    monkeypatch.setattr(integers, "MOST_PROBLEMS", 2)
    early = chosen(bound, goal)
    assert early.status.startswith("optimal to within ")
    assert early.residual > integers.GAP > proven.residual
    worse = proven.objective - early.objective
    assert (
        -1e-9 <= worse <= early.residual * max(abs(early.objective), goal.scale) * 1.5
    )
