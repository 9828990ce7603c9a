"""The portfolio constants of PyPortfolioOpt's tests, re-solved, and closed forms.

The convention that reproduces them: simple returns of the daily prices, days without
any price dropped, ``returns.cov()`` (pairwise complete, ddof 1) times 252, and the
compounded mean ``prod(1 + r) ** (252 / count) - 1``. Expected performance is
(return, volatility); the published constants were found with a loose solver, so the
re-solved ones (``independent_cvxpy``) are compared as well.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine.portfolio.covariance import pairwise_covariance, shrink
from engine.portfolio.frontier import minimum_variance, utility
from engine.portfolio.risk import estimate
from tests.tolerances import ORACLE, SOLVER

pytestmark = pytest.mark.shared


@pytest.fixture(scope="module")
def expected(shared: Path) -> dict:
    return json.loads((shared / "oracles/portfolio/expected.json").read_text())


@pytest.fixture(scope="module")
def returns(shared: Path) -> pd.DataFrame:
    prices = pd.read_csv(
        shared / "oracles/portfolio/stock_prices.csv", index_col="date"
    )
    prices.index = pd.DatetimeIndex(prices.index, name="session").as_unit("ns")
    return prices.pct_change(fill_method=None).dropna(how="all")


@pytest.fixture(scope="module")
def covariance(returns: pd.DataFrame) -> pd.DataFrame:
    names = list(returns)
    values = pairwise_covariance(returns.to_numpy(), returns.notna().to_numpy())
    return pd.DataFrame(252 * values, index=names, columns=names)


@pytest.fixture(scope="module")
def mean(returns: pd.DataFrame) -> pd.Series:
    return (1 + returns).prod() ** (252 / returns.count()) - 1


def check(weights: pd.Series, case: dict, mean: pd.Series, covariance) -> None:
    performance = [weights @ mean, np.sqrt(weights @ covariance @ weights)]
    for key in ("expected_ret_vol_sharpe", "independent_cvxpy"):
        assert performance == pytest.approx(case[key][:2], abs=SOLVER)
    assert weights.sum() == pytest.approx(1.0, abs=SOLVER)


def test_minimum_variance_long(covariance, mean, expected):
    weights = minimum_variance(covariance)
    check(weights, expected["min_vol_long"], mean, covariance)
    assert weights.min() > -SOLVER


def test_minimum_variance_short(covariance, mean, expected):
    weights = minimum_variance(covariance, long_only=False)
    check(weights, expected["min_vol_short"], mean, covariance)
    published = pd.Series(expected["min_vol_short"]["weights"])  # six decimals
    assert (weights - published).abs().max() < SOLVER
    closed = np.linalg.solve(covariance, np.ones(len(covariance)))
    np.testing.assert_allclose(weights, closed / closed.sum(), atol=SOLVER)
    assert expected["closed_form_minvar"][:2] == pytest.approx(
        [weights @ mean, np.sqrt(weights @ covariance @ weights)], abs=SOLVER
    )


def test_target_return_long(covariance, mean, expected):
    weights = minimum_variance(covariance, expected=mean, target_return=0.25)
    check(weights, expected["eff_return_0.25_long"], mean, covariance)


def test_maximum_utility_at_risk_aversion_two(covariance, mean, expected):
    weights = utility(covariance, expected=mean, reward=1 / 2)
    check(weights, expected["max_utility_delta2_long"], mean, covariance)


def test_two_assets_closed_form(expected):
    case = expected["two_asset_minvar"]
    both = case["rho"] * case["s1"] * case["s2"]
    covariance = pd.DataFrame([[case["s1"] ** 2, both], [both, case["s2"] ** 2]])
    assert minimum_variance(covariance)[0] == pytest.approx(case["w1"], abs=SOLVER)


def test_constant_correlation_shrinkage(returns, expected):
    # PyPortfolioOpt shrinks the pairwise-complete covariance with moments in which a
    # missing return counts as 0: given exactly these two, the estimator is the same
    filled = returns.fillna(0.0).to_numpy()
    sample = pairwise_covariance(returns.to_numpy(), returns.notna().to_numpy())
    shrunk, delta = shrink(filled, np.ones_like(filled, dtype=bool), sample)
    case = expected["lw_constant_correlation"]
    assert delta == pytest.approx(case["delta"], rel=ORACLE)
    assert 252 * np.trace(shrunk) == pytest.approx(case["trace"], rel=ORACLE)
    row, column = returns.columns.get_loc("AAPL"), returns.columns.get_loc("GOOG")
    assert 252 * shrunk[row, column] == pytest.approx(case["AAPL_GOOG"], rel=ORACLE)


def test_our_shrinkage_leaves_missing_returns_out(returns, expected):
    # the deliberate difference: fewer observations than rows, so more shrinkage
    values, seen = returns.to_numpy(), returns.notna().to_numpy()
    _, delta = shrink(values, seen, pairwise_covariance(values, seen))
    assert delta > 2 * expected["lw_constant_correlation"]["delta"]
    risk = estimate(returns, "ledoit_wolf", 60)
    assert not risk.held_out
    assert np.linalg.eigvalsh(risk.covariance)[0] > 0
