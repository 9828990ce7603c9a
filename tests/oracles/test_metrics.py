"""Performance metrics against R PerformanceAnalytics, other libraries and papers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine.evidence import metrics
from tests.tolerances import ORACLE

pytestmark = pytest.mark.shared

MONTHS = 12.0


@pytest.fixture(scope="module")
def bacon(shared: Path) -> pd.DataFrame:
    """Bacon's 24 monthly returns of a portfolio and its benchmark."""
    return pd.read_csv(shared / "oracles" / "metrics" / "portfolio_bacon.csv")


@pytest.fixture(scope="module")
def library(shared: Path) -> dict[str, dict[str, float]]:
    file = shared / "oracles" / "metrics" / "library_comparison.json"
    found: dict[str, dict[str, float]] = json.loads(file.read_text())["bacon_monthly"]
    return found


def test_metrics_of_bacons_returns(
    bacon: pd.DataFrame, library: dict[str, dict[str, float]]
) -> None:
    r, b = bacon["portfolio"].to_numpy(), bacon["benchmark"].to_numpy()
    expected = library["ours"]
    found = {
        "total": metrics.total_return(r),
        "cagr_n": metrics.cagr(r, MONTHS),
        "vol": metrics.volatility(r, MONTHS),
        "sharpe": metrics.sharpe_ratio(r, MONTHS),
        "downside_dev_full_N": metrics.downside_deviation(r) * np.sqrt(MONTHS),
        "sortino": metrics.sortino_ratio(r, MONTHS),
        "mdd": metrics.max_drawdown(r),
        "calmar": metrics.calmar_ratio(r, MONTHS),
        "VaR95_hist_linear": metrics.value_at_risk(r),
        "CVaR95_RU": metrics.expected_shortfall(r),
        "beta": metrics.beta(r, b),
        "alpha_ann_mult": metrics.alpha(r, b, MONTHS),
        "TE": metrics.tracking_error(r, b, MONTHS),
        "IR_arith": metrics.information_ratio(r, b, MONTHS),
        "upcap_geo": metrics.up_capture(r, b, MONTHS),
    }
    for name, value in found.items():
        assert value == pytest.approx(expected[name], abs=ORACLE), name


def test_flat_benchmark_months_are_left_out_of_capture(
    bacon: pd.DataFrame, library: dict[str, dict[str, float]]
) -> None:
    """Empyrical drops the flat month as we do; the key "ours" counts it as down."""
    r, b = bacon["portfolio"].to_numpy(), bacon["benchmark"].to_numpy()
    assert (b == 0.0).sum() == 1
    found = metrics.down_capture(r, b, MONTHS)
    assert found == pytest.approx(library["empyrical"]["downcap"], abs=ORACLE)
    assert found != pytest.approx(library["ours"]["downcap_geo"], abs=1e-3)


def test_performance_analytics_agrees(bacon: pd.DataFrame, shared: Path) -> None:
    table = pd.read_csv(
        shared / "oracles" / "metrics" / "PerformanceAnalytics_bacon_expected.csv"
    ).set_index("metric")["value"]
    r, b = bacon["portfolio"].to_numpy(), bacon["benchmark"].to_numpy()
    found = {
        "skew_moment": metrics.skewness(r),
        "kurt_moment": metrics.kurtosis(r),
        "Return.cumulative": metrics.total_return(r),
        "Return.annualized_geo": metrics.cagr(r, MONTHS),
        "StdDev.annualized": metrics.volatility(r, MONTHS),
        "Sharpe_ann_arith_Rf0": metrics.sharpe_ratio(r, MONTHS),
        "DownsideDev_MAR0.5pct": metrics.downside_deviation(r, 0.005),
        "Sortino_MAR0.5pct": metrics.sortino_ratio(r, 1.0, 0.005),
        "maxDrawdown": -metrics.max_drawdown(r),
        "Calmar": metrics.calmar_ratio(r, MONTHS),
        "VaR95_hist": metrics.value_at_risk(r),
        "beta": metrics.beta(r, b),
        "alpha_monthly": metrics.alpha(r, b, 1.0),
        "TE": metrics.tracking_error(r, b, MONTHS),
    }
    for name, value in found.items():
        assert value == pytest.approx(table[name], abs=ORACLE), name


def test_sortino_of_the_red_rock_example(shared: Path) -> None:
    case = json.loads((shared / "oracles" / "analytic_oracles.json").read_text())[
        "sortino_red_rock"
    ]
    returns = np.array(case["returns"])
    assert metrics.downside_deviation(returns) == pytest.approx(
        case["target_downside_dev"], abs=ORACLE
    )
    assert metrics.sortino_ratio(returns, 1.0) == pytest.approx(
        case["sortino"], abs=ORACLE
    )


def test_sharpe_of_pypbo(shared: Path) -> None:
    case = json.loads((shared / "oracles" / "analytic_oracles.json").read_text())[
        "sharpe_pypbo"
    ]
    excess = np.array(case["returns"]) - case["rf_per_period"]
    # printed with six digits
    assert metrics.sharpe_ratio(excess, 1.0) == pytest.approx(case["sharpe"], abs=5e-7)


def test_probabilistic_sharpe(bacon: pd.DataFrame, shared: Path) -> None:
    file = shared / "oracles" / "overfit" / "psr_dsr_mintrl_expected.json"
    expected = json.loads(file.read_text())["bacon"]
    r = bacon["portfolio"].to_numpy()
    assert metrics.probabilistic_sharpe(r) == pytest.approx(
        expected["PSR0"], abs=ORACLE
    )
    assert metrics.probabilistic_sharpe(r, 0.1) == pytest.approx(
        expected["PSR01"], abs=ORACLE
    )
