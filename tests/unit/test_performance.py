"""Performance that can be checked by hand, and what degenerate series give."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from engine.errors import DataError
from engine.evidence import metrics
from engine.evidence.inference import (
    benjamini_hochberg,
    block_length,
    detectable_effect,
    fcr_interval_level,
    newey_west_lags,
    newey_west_mean,
    sharpe_difference,
    stationary_bootstrap_indices,
    two_sided_p,
)
from engine.evidence.performance import METRICS, performance_table, summarise
from tests.tolerances import IDENTITY

DAYS = pd.bdate_range("2023-01-02", periods=300)


def _series(seed: int = 1, n: int = 300) -> pd.Series:
    rng = np.random.default_rng(seed)
    return pd.Series(rng.normal(0.0004, 0.01, n), index=DAYS[:n], name="path")


def _summary(returns: pd.Series, benchmark: pd.Series | None = None) -> pd.Series:
    return summarise(
        returns,
        benchmark,
        periods_per_year=252.0,
        rng=np.random.default_rng(0),
        draws=500,
    )


def test_wealth_growth_and_drawdown_of_three_days() -> None:
    r = np.array([-0.10, 0.20, -0.05])
    assert metrics.total_return(r) == pytest.approx(0.9 * 1.2 * 0.95 - 1.0)
    assert metrics.cagr(r, 3.0) == pytest.approx(metrics.total_return(r))
    assert metrics.cagr(r, 6.0) == pytest.approx((0.9 * 1.2 * 0.95) ** 2 - 1.0)
    # a loss on day one is a drawdown from the 1 before it
    assert metrics.max_drawdown(r) == pytest.approx(-0.10)
    assert metrics.drawdowns(r) == pytest.approx([-0.10, 0.0, -0.05])
    assert metrics.calmar_ratio(r, 3.0) == pytest.approx(0.026 / 0.10)
    assert metrics.hit_rate(r) == pytest.approx(1 / 3)


def test_tails_of_ten_returns() -> None:
    r = np.arange(-5, 5) / 100.0
    # the 5 % quantile lies 0.45 of the way from the worst to the next
    assert metrics.value_at_risk(r) == pytest.approx(-0.0455)
    # half an observation is the worst one itself
    assert metrics.expected_shortfall(r) == pytest.approx(-0.05)
    # a quarter of ten: the two worst and half of the third
    assert metrics.expected_shortfall(r, 0.75) == pytest.approx(
        (-0.05 - 0.04 - 0.03 / 2) / 2.5
    )


def test_sortino_divides_by_all_periods() -> None:
    r = np.array([0.02, -0.01, 0.03, 0.0])
    downside = np.sqrt(0.01**2 / 4)
    assert metrics.sortino_ratio(r, 1.0) == pytest.approx(0.01 / downside)


def test_market_line_of_an_exact_relation() -> None:
    b = np.array([0.01, -0.02, 0.005, 0.0, 0.03])
    r = 0.001 + 0.5 * b
    assert metrics.beta(r, b) == pytest.approx(0.5)
    assert metrics.alpha(r, b, 252.0) == pytest.approx(0.252)
    assert metrics.per_period(0.05, 252.0) == pytest.approx(1.05 ** (1 / 252) - 1)


def test_a_series_without_spread_has_no_ratio() -> None:
    flat = np.full(30, 0.001)
    assert np.isnan(metrics.sharpe_ratio(flat, 252.0))
    assert np.isnan(metrics.sortino_ratio(flat, 252.0))
    assert np.isnan(metrics.calmar_ratio(flat, 252.0))
    assert np.isnan(metrics.skewness(flat))
    assert np.isnan(metrics.beta(flat, flat))
    assert np.isnan(metrics.information_ratio(flat, flat, 252.0))
    assert np.isnan(metrics.up_capture(flat, -flat, 252.0))
    assert np.isnan(metrics.probabilistic_sharpe(flat))


def test_summary_names_every_metric_and_orders_its_bounds() -> None:
    found = _summary(_series(), _series(2))
    for metric in METRICS:
        low, high = found[f"{metric}_low"], found[f"{metric}_high"]
        assert low < high, metric
    assert found["sharpe_low"] < found["sharpe"] < found["sharpe_high"]
    assert found["n"] == 300
    assert found["block"] >= 1.0
    days = (DAYS[299] - DAYS[0]).days * 300 / 299
    wealth = 1.0 + found["total_return"]
    assert found["cagr_calendar"] == pytest.approx(wealth ** (365.25 / days) - 1.0)


def test_weekly_numbers_are_those_of_pandas_weeks() -> None:
    own, market = _series(), _series(2)
    found = _summary(own, market)
    weeks = [
        (1.0 + one).groupby(one.index.to_period("W")).prod() - 1.0
        for one in (own, market)
    ]
    slope, intercept = np.polyfit(weeks[1], weeks[0], 1)
    assert found["beta_weekly"] == pytest.approx(slope)
    assert found["alpha_weekly"] == pytest.approx(52 * intercept)
    sharpe = weeks[0].mean() / weeks[0].std() * np.sqrt(52)
    assert found["sharpe_weekly"] == pytest.approx(sharpe)


def test_without_a_benchmark_its_metrics_are_unknown() -> None:
    found = _summary(_series())
    assert np.isnan(
        found[["alpha", "beta_low", "down_capture_high"]].astype(float)
    ).all()
    assert np.isfinite(found["sharpe_low"])


def test_short_series_have_a_value_and_no_interval() -> None:
    found = _summary(_series(n=19))
    assert np.isfinite(found["sharpe"])
    assert np.isnan(found["sharpe_low"])
    empty = _summary(_series(n=0))
    assert empty["n"] == 0
    assert np.isnan(empty["sharpe"])
    one = _summary(_series(n=1))
    assert one["total_return"] == pytest.approx(_series(n=1).iloc[0])


def test_a_path_that_is_its_own_benchmark() -> None:
    found = _summary(_series(), _series())
    assert found["beta"] == pytest.approx(1.0)
    assert found["beta_low"] == pytest.approx(1.0, abs=IDENTITY)
    assert found["alpha"] == pytest.approx(0.0, abs=IDENTITY)
    assert np.isnan(found["information_ratio"])
    assert np.isnan(found["information_ratio_high"])


def test_missing_returns_and_other_sessions_are_errors() -> None:
    gap = _series()
    gap.iloc[7] = np.nan
    with pytest.raises(DataError, match=r"returns of path: nan on 2023-01-11"):
        _summary(gap)
    ruin = _series()
    ruin.iloc[3] = -1.0
    with pytest.raises(DataError, match="never -100 % or less"):
        _summary(ruin)
    with pytest.raises(DataError, match="benchmark: not on the sessions"):
        _summary(_series(), _series(2).iloc[1:])


def test_paths_of_a_table_share_their_draws() -> None:
    one, two = _series(), _series(2)
    options = {"periods_per_year": 252.0, "draws": 300}
    both = performance_table(
        {"a": one, "b": two, "twin": one}, rng=np.random.default_rng(3), **options
    )
    assert list(both.index) == ["a", "b", "twin"]
    pd.testing.assert_series_equal(both.loc["a"], both.loc["twin"], check_names=False)
    again = performance_table(
        {"a": one, "b": two, "twin": one}, rng=np.random.default_rng(3), **options
    )
    pd.testing.assert_frame_equal(both, again)
    assert performance_table({}, rng=np.random.default_rng(3), **options).empty


def test_risk_free_rate_is_taken_off_geometrically() -> None:
    returns = _series()
    found = summarise(
        returns,
        periods_per_year=252.0,
        risk_free=0.05,
        rng=np.random.default_rng(0),
        draws=50,
    )
    excess = returns.to_numpy() - (1.05 ** (1 / 252) - 1.0)
    expected = excess.mean() / excess.std(ddof=1) * np.sqrt(252)
    assert found["sharpe"] == pytest.approx(expected, abs=IDENTITY)


def test_benjamini_hochberg_by_hand() -> None:
    q = benjamini_hochberg([0.01, 0.04, np.nan, 0.03, 0.5])
    assert q == pytest.approx([0.04, 0.16 / 3, np.nan, 0.16 / 3, 0.5], nan_ok=True)
    assert np.isnan(benjamini_hochberg([np.nan])).all()
    assert len(benjamini_hochberg([])) == 0
    assert benjamini_hochberg([0.9, 0.95]) == pytest.approx([0.95, 0.95])


def test_intervals_widen_with_the_number_of_claims() -> None:
    assert fcr_interval_level(2, 10) == pytest.approx(0.98)
    assert fcr_interval_level(0, 10) == pytest.approx(0.99)
    assert fcr_interval_level(10, 10) == pytest.approx(0.90)
    assert np.isnan(fcr_interval_level(0, 0))
    with pytest.raises(ValueError, match="3 selected of 2"):
        fcr_interval_level(3, 2)


def test_degenerate_inference() -> None:
    assert block_length(np.zeros(50)) == 1.0
    assert block_length([0.1, 0.2]) == 1.0
    assert np.isnan(newey_west_mean([1.0], 3)).all()
    assert newey_west_mean([1.0, 3.0], 0) == pytest.approx((2.0, np.sqrt(0.5)))
    assert newey_west_lags(100) == 4
    assert newey_west_lags(0) == 0
    assert np.isnan(detectable_effect(np.nan, 10.0))
    assert np.isnan(detectable_effect(1.0, 0.0))
    assert two_sided_p(1.959963984540054, np.inf) == pytest.approx(0.05)
    assert np.isnan(two_sided_p(np.nan, 5.0))
    with pytest.raises(ValueError, match="at least 1"):
        stationary_bootstrap_indices(10, 0.5, 3, np.random.default_rng(0))
    one = stationary_bootstrap_indices(1, 1.0, 3, np.random.default_rng(0))
    assert one.tolist() == [[0], [0], [0]]


def test_sharpe_difference_of_a_path_with_itself_and_with_a_constant() -> None:
    r = _series().to_numpy()
    same = sharpe_difference(r, r)
    assert same.estimate == 0.0
    assert np.isnan(same.p)
    still = sharpe_difference(r, np.full(300, 0.001))
    assert np.isnan(still.estimate)
    doubled = sharpe_difference(2 * r, r)  # leverage does not change the ratio
    assert doubled.estimate == pytest.approx(0.0, abs=IDENTITY)
    with pytest.raises(ValueError, match="equal length"):
        sharpe_difference(r, r[:-1])


def test_influence_is_the_derivative_of_the_ratio() -> None:
    """Weighting one period a little more moves the ratio by its influence."""
    a, b = _series(3).to_numpy(), _series(4).to_numpy()
    found = sharpe_difference(a, b)
    assert found.influence.mean() == pytest.approx(0.0, abs=IDENTITY)

    def weighted(x: np.ndarray, w: np.ndarray) -> float:
        mean = w @ x
        return float(mean / np.sqrt(w @ (x - mean) ** 2))

    n, step = len(a), 1e-6
    for t in (0, 17, 299):
        w = np.full(n, (1.0 - step) / n)
        w[t] += step
        even = np.full(n, 1.0 / n)
        moved = weighted(a, w) - weighted(b, w) - weighted(a, even) + weighted(b, even)
        assert moved / step == pytest.approx(found.influence[t], rel=1e-4)
