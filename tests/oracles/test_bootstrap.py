"""Resampling and dependence against arch, statsmodels and slow readable twins."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats
from statsmodels.stats.multitest import multipletests

from engine.evidence import metrics, resampled
from engine.evidence.inference import (
    benjamini_hochberg,
    block_length,
    detectable_effect,
    newey_west_mean,
    resample_counts,
    stationary_bootstrap_indices,
)
from tests.tolerances import IDENTITY, ORACLE


@pytest.mark.shared
def test_block_length_of_archs_series(shared: Path) -> None:
    folder = shared / "oracles" / "overfit"
    series = np.loadtxt(folder / "arch_ar03_first2000.csv")
    expected = json.loads((folder / "arch_expected.json").read_text())
    stationary, _ = expected["block_first2000"]
    assert block_length(series) == pytest.approx(stationary, abs=ORACLE)


@pytest.mark.parametrize("n", [12, 60, 120, 500, 1130])
@pytest.mark.parametrize("persistence", [0.0, 0.3, 0.9])
def test_block_length_is_archs_on_any_series(n: int, persistence: float) -> None:
    from arch.bootstrap import optimal_block_length

    noise = np.random.default_rng(n).normal(size=n)
    series = np.zeros(n)
    for t in range(1, n):
        series[t] = persistence * series[t - 1] + noise[t]
    expected = float(optimal_block_length(series)["stationary"].iloc[0])
    assert block_length(series) == pytest.approx(max(expected, 1.0), abs=ORACLE)


def test_resamples_have_the_law_of_the_stationary_bootstrap() -> None:
    """Uniform positions; the next one follows with probability 1 - p + p/n."""
    n, block, draws = 250, 8.0, 4000
    rng = np.random.default_rng(1)
    indices = stationary_bootstrap_indices(n, block, draws, rng)
    assert indices.shape == (draws, n)
    assert indices.min() == 0
    assert indices.max() == n - 1
    follows = np.diff(indices, axis=1) % n == 1
    expected = 1.0 - 1.0 / block + 1.0 / block / n
    # a Monte-Carlo error of 3.5 standard deviations
    error = 3.5 * np.sqrt(expected * (1.0 - expected) / follows.size)
    assert follows.mean() == pytest.approx(expected, abs=error)
    first = np.bincount(indices[:, 0], minlength=n)
    assert stats.chisquare(first).pvalue > 1e-3
    counts = resample_counts(indices)
    assert (counts.sum(axis=1) == n).all()
    assert (counts[7] == np.bincount(indices[7], minlength=n)).all()


def test_variance_of_the_mean_is_that_of_politis_and_romano() -> None:
    """Their closed form: autocovariances of the circle, weighted by the blocks."""
    rng = np.random.default_rng(2)
    n, block = 200, 10.0
    x = np.convolve(rng.normal(size=n + 4), np.ones(5) / 5, "valid")
    centred = x - x.mean()
    q = 1.0 - 1.0 / block
    circle = np.array([centred @ np.roll(centred, -k) / n for k in range(n)])
    lags = np.arange(1, n)
    weight = (1.0 - lags / n) * q**lags
    variance = (circle[0] + 2.0 * weight @ circle[1:]) / n
    indices = stationary_bootstrap_indices(n, block, 20_000, rng)
    found = x[indices].mean(axis=1).var()
    assert found == pytest.approx(variance, rel=0.04)  # 3.5 Monte-Carlo errors


def test_fast_metrics_are_the_slow_ones_of_each_resample() -> None:
    rng = np.random.default_rng(5)
    n, year, rate = 130, 252.0, 0.0001
    benchmark = rng.standard_t(4, n) * 0.01
    returns = 0.0005 + 0.8 * benchmark + rng.standard_t(4, n) * 0.006
    benchmark[::9] = 0.0
    sample = resampled.draw([returns, benchmark], 60, rng)
    alone = resampled.path_metrics(
        returns, sample, periods_per_year=year, rate=rate, level=0.95
    )
    beside = resampled.benchmark_metrics(
        returns, benchmark, sample, periods_per_year=year, rate=rate
    )
    for draw in range(60):
        r, b = returns[sample.indices[:, draw]], benchmark[sample.indices[:, draw]]
        slow = {
            "total_return": metrics.total_return(r),
            "cagr": metrics.cagr(r, year),
            "volatility": metrics.volatility(r, year),
            "sharpe": metrics.sharpe_ratio(r - rate, year),
            "sortino": metrics.sortino_ratio(r, year, rate),
            "max_drawdown": metrics.max_drawdown(r),
            "calmar": metrics.calmar_ratio(r, year),
            "value_at_risk": metrics.value_at_risk(r),
            "expected_shortfall": metrics.expected_shortfall(r),
            "hit_rate": metrics.hit_rate(r),
            "skewness": metrics.skewness(r),
            "kurtosis": metrics.kurtosis(r),
            "alpha": metrics.alpha(r - rate, b - rate, year),
            "beta": metrics.beta(r - rate, b - rate),
            "tracking_error": metrics.tracking_error(r, b, year),
            "information_ratio": metrics.information_ratio(r, b, year),
            "up_capture": metrics.up_capture(r, b, year),
            "down_capture": metrics.down_capture(r, b, year),
        }
        fast = {name: values[draw] for name, values in (alone | beside).items()}
        assert fast.keys() == slow.keys()
        for name, value in slow.items():
            assert fast[name] == pytest.approx(value, rel=IDENTITY), name


def test_intervals_are_archs() -> None:
    """Percentile intervals of a Sharpe ratio, two Monte-Carlo runs of 4,000 draws."""
    from arch.bootstrap import StationaryBootstrap

    rng = np.random.default_rng(11)
    returns = rng.normal(0.0006, 0.01, 400)
    sample = resampled.draw([returns], 4000, rng)
    found = resampled.path_metrics(
        returns, sample, periods_per_year=252.0, rate=0.0, level=0.95
    )
    low, high = resampled.percentiles(found["sharpe"], 0.95)
    arch = StationaryBootstrap(sample.block, returns, seed=np.random.default_rng(12))
    expected = arch.conf_int(
        lambda x: metrics.sharpe_ratio(x, 252.0), reps=4000, method="percentile"
    ).ravel()
    error = found["sharpe"].std() * 0.12  # of a 2.5 % quantile at 4,000 draws, twice
    assert [low, high] == pytest.approx(expected, abs=error)


def test_newey_west_is_statsmodels() -> None:
    series = np.random.default_rng(4).standard_t(5, 300).cumsum() * 0.01
    for lags in (0, 1, 6, 20):
        fit = sm.OLS(series, np.ones(300)).fit(
            cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": False}
        )
        mean, se = newey_west_mean(series, lags)
        assert mean == pytest.approx(fit.params[0], abs=IDENTITY)
        assert se == pytest.approx(fit.bse[0], abs=IDENTITY)


def test_false_discovery_rate_is_statsmodels() -> None:
    p = np.random.default_rng(6).uniform(size=40) ** 2
    expected = multipletests(p, method="fdr_bh")[1]
    assert benjamini_hochberg(p) == pytest.approx(expected, abs=IDENTITY)
    with_gaps = np.insert(p, [0, 20], np.nan)
    found = benjamini_hochberg(with_gaps)
    assert np.isnan(found[[0, 21]]).all()
    assert np.delete(found, [0, 21]) == pytest.approx(expected, abs=IDENTITY)


@pytest.mark.parametrize("df", [3.0, 30.0, 238.0])
def test_detectable_effect_has_the_power_it_promises(df: float) -> None:
    effect = detectable_effect(0.02, df)
    critical = stats.t.ppf(0.975, df)
    power = stats.nct.sf(critical, df, effect / 0.02)
    assert power == pytest.approx(0.8, abs=1e-6)
    assert detectable_effect(1.0, np.inf) == pytest.approx(2.801585, abs=1e-6)


def test_seeds_reproduce() -> None:
    one, two = (
        stationary_bootstrap_indices(50, 4.0, 10, np.random.default_rng(9))
        for _ in range(2)
    )
    pd.testing.assert_frame_equal(pd.DataFrame(one), pd.DataFrame(two))
