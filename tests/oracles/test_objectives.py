"""Objectives against published constants, closed forms and textbook formulations."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import cvxpy as cp
import numpy as np
import pandas as pd
import pytest

from engine.errors import DataError, InfeasibleError, UsageError
from engine.portfolio import frontier
from engine.portfolio.covariance import pairwise_covariance
from engine.portfolio.objectives import OBJECTIVES
from engine.portfolio.objectives.goal import Outlook
from engine.portfolio.objectives.min_cvar import cvar
from engine.portfolio.objectives.risk_parity import (
    asset_budgets,
    risk_budgeting,
    risk_contributions,
)
from engine.thesis.portfolio import Portfolio
from tests.portfolio_cases import limits
from tests.tolerances import IDENTITY, ORACLE, SOLVER

RNG = np.random.default_rng(17)


@pytest.fixture(autouse=True)
def _same_numbers_whatever_ran_before() -> None:
    RNG.bit_generator.state = np.random.default_rng(17).bit_generator.state


@pytest.fixture(scope="module")
def expected(shared: Path) -> dict:
    return json.loads((shared / "oracles/portfolio/expected.json").read_text())


@pytest.fixture(scope="module")
def returns(shared: Path) -> pd.DataFrame:
    prices = pd.read_csv(
        shared / "oracles/portfolio/stock_prices.csv", index_col="date"
    )
    return prices.pct_change(fill_method=None).dropna(how="all")


@pytest.fixture(scope="module")
def mean(returns: pd.DataFrame) -> pd.Series:
    return (1 + returns).prod() ** (252 / returns.count()) - 1


@pytest.fixture(scope="module")
def covariance(returns: pd.DataFrame) -> pd.DataFrame:
    values = pairwise_covariance(returns.to_numpy(), returns.notna().to_numpy())
    return pd.DataFrame(252 * values, index=list(returns), columns=list(returns))


# --- published constants --------------------------------------------------------------


@pytest.mark.shared
def test_highest_return_at_a_target_volatility(covariance, mean, expected):
    weights = frontier.highest_return(covariance, mean, volatility=0.19)
    found = [weights @ mean, np.sqrt(weights @ covariance @ weights)]
    case = expected["eff_risk_0.19_long"]
    assert found == pytest.approx(case["expected_ret_vol_sharpe"][:2], abs=SOLVER)
    assert found == pytest.approx(case["independent_cvxpy"][:2], abs=SOLVER)
    published = pd.Series(case["weights"])
    assert (weights - published).abs().max() < 2 * SOLVER  # printed with six decimals


@pytest.mark.shared
def test_least_cvar_and_with_a_target_return(returns, mean, expected):
    complete = returns.dropna()
    assert len(complete) == expected["min_cvar95_long"]["T"]
    for key, target in (("min_cvar95_long", None), ("cvar95_ret20", 0.2)):
        weights = frontier.minimum_cvar(
            complete, level=0.95, expected=mean, target_return=target
        )
        losses = -(complete.to_numpy() @ weights.to_numpy())
        found = [weights @ mean, cvar(losses, 0.95)]
        case = expected[key]
        # the tail is flat: weights that differ in the fourth digit share a CVaR
        assert found[1] == pytest.approx(case["cvxpy"][1], rel=SOLVER)
        assert found[0] == pytest.approx(case["cvxpy"][0], abs=1e-5)
        assert found[1] <= case["cvxpy"][1] + 1e-12


@pytest.mark.shared
def test_equal_risk_contributions_published(expected):
    case = expected["erc_equal_corr"]
    correlation = np.full((3, 3), case["rho"]) + (1 - case["rho"]) * np.eye(3)
    matrix = correlation * np.outer(case["vols"], case["vols"])
    weights = risk_budgeting(matrix, np.full(3, 1 / 3))
    assert weights == pytest.approx(case["weights"], abs=ORACLE)
    assert risk_contributions(weights, matrix) == pytest.approx(
        case["rc_share"], abs=ORACLE
    )
    two = expected["two_asset_minvar"]  # the same pair: ERC weights are s2 / (s1 + s2)
    both = two["rho"] * two["s1"] * two["s2"]
    pair = np.array([[two["s1"] ** 2, both], [both, two["s2"] ** 2]])
    assert risk_budgeting(pair, np.array([0.5, 0.5]))[0] == pytest.approx(
        expected["two_asset_erc"]["w1"], abs=ORACLE
    )


@pytest.mark.shared
def test_a_missing_return_taken_as_zero_lowers_every_estimate(returns, mean):
    """What zero-filling does: UAA and FB listed late, and seem calm."""
    filled = returns.fillna(0.0)
    gaps = returns.isna().mean()
    lower = filled.std() / returns.std()
    assert lower.to_numpy() == pytest.approx(np.sqrt(1 - gaps), rel=0.02)
    assert lower["BABA"] < 0.5
    risk_of = {}
    for name, panel in (("honest", returns), ("filled", filled)):
        values = pairwise_covariance(panel.to_numpy(), panel.notna().to_numpy())
        names = list(panel)
        covariance = pd.DataFrame(252 * values, index=names, columns=names)
        risk_of[name] = frontier.minimum_variance(covariance)
    late = gaps.index[gaps > 0.5]
    assert risk_of["filled"][late].sum() > risk_of["honest"][late].sum() + 0.3


# --- closed forms ---------------------------------------------------------------------


def frame(matrix: np.ndarray) -> pd.DataFrame:
    names = [f"A{place}" for place in range(len(matrix))]
    return pd.DataFrame(matrix, index=names, columns=names)


def random_covariance(count: int) -> np.ndarray:
    root = RNG.standard_normal((3 * count, count)) * RNG.uniform(0.5, 3, count)
    return root.T @ root / (3 * count)


def test_risk_parity_of_uncorrelated_assets_is_inverse_volatility():
    volatility = np.array([0.1, 0.15, 0.3, 0.6])
    weights = risk_budgeting(np.diag(volatility**2), np.full(4, 0.25))
    assert weights == pytest.approx(1 / volatility / (1 / volatility).sum())


def test_budgets_of_uncorrelated_assets_go_with_their_root():
    budgets = np.array([0.5, 0.3, 0.2])
    weights = risk_budgeting(np.eye(3), budgets)
    assert weights == pytest.approx(np.sqrt(budgets) / np.sqrt(budgets).sum())


@pytest.mark.parametrize("count", [2, 7, 30, 200])
def test_risk_contributions_are_the_budgets(count):
    covariance = random_covariance(count)
    budgets = RNG.dirichlet(np.ones(count)) + 1e-3
    budgets /= budgets.sum()
    weights = risk_budgeting(covariance, budgets)
    assert weights.min() > 0.0
    assert risk_contributions(weights, covariance) == pytest.approx(
        budgets, abs=IDENTITY
    )


@pytest.mark.parametrize("count", [22, 100, 500])
def test_budgets_that_differ_by_a_million(count):
    budgets = RNG.dirichlet(np.full(count, 0.3)) + 1e-9
    budgets /= budgets.sum()
    assert budgets.max() / budgets.min() > 1e5
    covariance = random_covariance(count)
    weights = risk_budgeting(covariance, budgets)
    found = risk_contributions(weights, covariance)
    assert found == pytest.approx(budgets, rel=1e-6, abs=1e-12)


def test_risk_parity_is_the_convex_problem_of_spinu():
    covariance, budgets = random_covariance(6), RNG.dirichlet(np.ones(6))
    y = cp.Variable(6)
    loss = 0.5 * cp.quad_form(y, covariance) - budgets @ cp.log(y)
    accurate = {"tol_gap_abs": 1e-11, "tol_gap_rel": 1e-11, "tol_feas": 1e-11}
    cp.Problem(cp.Minimize(loss)).solve(solver=cp.CLARABEL, **accurate)
    assert risk_budgeting(covariance, budgets) == pytest.approx(
        y.value / y.value.sum(), abs=3 * SOLVER
    )


def test_risk_parity_without_risk_is_an_error():
    hedged = np.array([[1.0, -1.0], [-1.0, 1.0]])  # half of each: no risk at all
    with pytest.raises(DataError, match="no risk at all"):
        risk_budgeting(hedged, np.array([0.5, 0.5]))


def test_most_diversified_is_least_variance_of_the_correlation():
    # Choueifaty and Coignard (2008): scale by volatility, minimise, scale back
    covariance = random_covariance(8)
    volatility = np.sqrt(np.diag(covariance))
    calm = frontier.minimum_variance(
        frame(covariance / np.outer(volatility, volatility))
    )
    unscaled = calm.to_numpy() / volatility
    weights = frontier.most_diversified(frame(covariance))
    assert weights.to_numpy() == pytest.approx(unscaled / unscaled.sum(), abs=1e-5)


def test_most_diversified_of_equal_volatility_and_correlation_is_equal():
    matrix = 0.04 * (0.3 + 0.7 * np.eye(5))
    weights = frontier.most_diversified(frame(matrix))
    assert weights.to_numpy() == pytest.approx(np.full(5, 0.2), abs=SOLVER)


def test_cvar_counts_the_fraction_of_a_scenario_that_is_left():
    losses = np.array([0.0, 1.0, 2.0, 3.0, 4.0])
    assert cvar(losses, 0.8) == pytest.approx(4.0)  # the worst one
    assert cvar(losses, 0.7) == pytest.approx((4.0 + 0.5 * 3.0) / 1.5)
    threshold = cp.Variable()
    textbook = threshold + cp.sum(cp.pos(losses - threshold)) / (0.3 * 5)
    assert cvar(losses, 0.7) == pytest.approx(
        cp.Problem(cp.Minimize(textbook)).solve(solver=cp.CLARABEL), abs=SOLVER
    )


def test_wrong_use_of_the_frontier():
    covariance = frame(0.04 * np.eye(2))
    with pytest.raises(InfeasibleError, match=r"volatility of at most 0\.01"):
        frontier.highest_return(
            covariance, pd.Series({"A0": 1, "A1": 2}), volatility=0.01
        )
    with pytest.raises(UsageError, match="lacks a return"):
        frontier.minimum_cvar(pd.DataFrame({"A": [0.1, np.nan]}))
    with pytest.raises(UsageError, match="needs expected returns"):
        frontier.minimum_cvar(pd.DataFrame({"A": [0.1]}), target_return=0.1)


# --- what a thesis asks of an objective -----------------------------------------------


def outlook(**rules: object) -> Outlook:
    case = limits(
        ["compute", "compute", "memory", "cloud"],
        {
            "a": (("compute", "memory"), (0.0, 1.0)),
            "b": (("cloud",), (0.0, 1.0)),
        },
        max_weight=1.0,
    )
    covariance = random_covariance(4) * 1e-3
    return Outlook(
        limits=case,
        rules=Portfolio.model_validate(rules),
        score=np.array([0.5, -0.2, 0.1, 0.9]),
        alpha=np.array([0.02, -0.01, 0.0, 0.03]),
        covariance=covariance,
        buy_cost=np.zeros(4),
        sell_cost=np.zeros(4),
        scenarios=lambda: RNG.standard_normal((50, 4)),
    )


def test_every_objective_of_the_model_is_in_the_catalogue():
    words = Portfolio.model_fields["objective"].annotation.__args__
    assert set(OBJECTIVES) == set(words)
    for name, aim in OBJECTIVES.items():
        goal = aim(outlook(risk_limit=0.2)).goal
        assert np.isfinite(goal.value(np.full(4, 0.25), 0.01)), name


def test_leg_budgets_are_shared_by_what_can_be_bought():
    seen = outlook(risk_budgets={"a": 0.6, "b": 0.2})
    assert asset_budgets(seen.limits, seen.rules.risk_budgets) == pytest.approx(
        [0.25, 0.25, 0.25, 0.25]  # 0.6 / 0.8 over three, 0.2 / 0.8 over one
    )
    closed = dataclasses.replace(
        seen.limits, may_buy=np.array([True, False, True, False])
    )
    assert asset_budgets(closed, {"a": 0.6, "b": 0.2}) == pytest.approx(
        [0.5, 0, 0.5, 0]
    )
    assert asset_budgets(closed, {}) == pytest.approx([0.5, 0.0, 0.5, 0.0])
    ideal = OBJECTIVES["risk_parity"](seen).ideal
    assert ideal.sum() == pytest.approx(1.0)
    assert risk_contributions(ideal, seen.covariance) == pytest.approx([0.25] * 4)


def test_inverse_volatility_within_equal_legs():
    seen = outlook()
    ideal = OBJECTIVES["inverse_volatility"](seen).ideal
    assert ideal[3] == pytest.approx(0.5)
    inverse = 1 / seen.volatility[:3]
    assert ideal[:3] == pytest.approx(0.5 * inverse / inverse.sum())
