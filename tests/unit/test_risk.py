"""Covariances of returns that are not all there."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from engine.errors import DataError
from engine.portfolio.covariance import pairwise_covariance, shrink
from engine.portfolio.risk import estimate, nearest_psd
from tests.tolerances import IDENTITY

RNG = np.random.default_rng(11)


def panel(values: np.ndarray, names: str = "ABCDEFGH") -> pd.DataFrame:
    days = pd.bdate_range("2024-01-01", periods=len(values), name="session")
    return pd.DataFrame(
        values, index=days.as_unit("ns"), columns=list(names[: values.shape[1]])
    )


def returns(rows: int, columns: int, missing: float = 0.0) -> pd.DataFrame:
    common = RNG.standard_normal((rows, 2))
    loadings = np.array([[2.0, 1.5, 0.3, 0.2, 0.9, 0.0], [0, 0.2, 1, 2, 0.4, 0.7]])
    values = 0.01 * common @ loadings[:, :columns]
    values += 0.02 * RNG.standard_normal((rows, columns))
    values[RNG.random((rows, columns)) < missing] = np.nan
    return panel(values)


def published_estimator(returns: np.ndarray) -> tuple[np.ndarray, float]:
    """Ledoit and Wolf (2004), appendix B, sums written out one by one.

    The one difference: the sample covariance has ddof 1, as everywhere in Assay. With
    NaN each moment is a mean over the rows of the pair, s_ij varies with the number of
    those rows, and its covariance with s_ii with the number of rows of i.
    """
    n = returns.shape[1]
    x = returns - np.nanmean(returns, axis=0)
    s = pd.DataFrame(returns).cov().to_numpy()
    rows = np.isfinite(x).sum(axis=0)
    r = sum(
        s[i, j] / np.sqrt(s[i, i] * s[j, j])
        for i in range(n)
        for j in range(n)
        if i != j
    ) / (n * (n - 1))
    top = gamma = 0.0
    f = np.empty((n, n))
    for i in range(n):
        for j in range(n):
            f[i, j] = s[i, i] if i == j else r * np.sqrt(s[i, i] * s[j, j])
            deviation = x[:, i] * x[:, j] - s[i, j]
            gamma += (f[i, j] - s[i, j]) ** 2
            if i == j:
                continue  # the target's variances are the sample's: they cancel
            top += np.nanmean(deviation**2) / np.isfinite(deviation).sum()
            theta_i = np.nanmean((x[:, i] ** 2 - s[i, i]) * deviation) / rows[i]
            theta_j = np.nanmean((x[:, j] ** 2 - s[j, j]) * deviation) / rows[j]
            ratio = np.sqrt(s[j, j] / s[i, i])
            top -= r / 2 * (ratio * theta_i + theta_j / ratio)
    delta = min(max(top / gamma, 0.0), 1.0)
    return delta * f + (1 - delta) * s, delta


def test_pairwise_covariance_is_that_of_pandas():
    sparse = returns(120, 6, missing=0.3)
    ours = pairwise_covariance(sparse.to_numpy(), sparse.notna().to_numpy())
    np.testing.assert_allclose(ours, sparse.cov().to_numpy(), rtol=IDENTITY)


def test_a_pair_without_common_rows_has_no_covariance():
    values = np.full((6, 2), np.nan)
    values[:3, 0] = values[3:, 1] = [0.01, -0.02, 0.03]
    ours = pairwise_covariance(values, np.isfinite(values))
    assert np.isnan(ours[0, 1])
    assert ours[0, 0] == pytest.approx(np.var([0.01, -0.02, 0.03], ddof=1))


@pytest.mark.parametrize("late", [0, 60], ids=["complete", "with a late listing"])
def test_shrinkage_is_the_published_one(late):
    values = returns(90, 5).to_numpy(copy=True)
    values[:late, 1] = np.nan
    seen = np.isfinite(values)
    ours, delta = shrink(values, seen, pairwise_covariance(values, seen))
    expected, expected_delta = published_estimator(values)
    assert 0.01 < expected_delta < 0.99  # neither end: a comparison that can fail
    assert delta == pytest.approx(expected_delta, rel=IDENTITY)
    np.testing.assert_allclose(ours, expected, rtol=IDENTITY)


def test_fewer_returns_are_shrunk_harder():
    complete = returns(400, 5)
    thinned = complete.mask(RNG.random(complete.shape) < 0.7)
    deltas = [
        shrink(
            frame.to_numpy(),
            frame.notna().to_numpy(),
            pairwise_covariance(frame.to_numpy(), frame.notna().to_numpy()),
        )[1]
        for frame in (complete, thinned)
    ]
    assert deltas[1] > 2 * deltas[0]


def test_two_assets_have_nothing_to_shrink():
    pair = returns(100, 2).to_numpy()
    seen = np.ones_like(pair, dtype=bool)
    sample = pairwise_covariance(pair, seen)
    shrunk, delta = shrink(pair, seen, sample)
    assert delta == 0.0
    assert shrunk is sample


def test_a_missing_return_is_not_a_zero():
    sparse = returns(300, 4, missing=0.4)
    honest = estimate(sparse, "ledoit_wolf", 60).covariance
    filled = estimate(sparse.fillna(0.0), "ledoit_wolf", 60).covariance
    # 40 % of zeros take about 40 % of the variance away
    ratio = np.diag(filled) / np.diag(honest)
    assert (ratio < 0.75).all()


def test_pairwise_covariance_that_is_not_positive_is_clipped():
    correlation = np.array([[1.0, 0.9, -0.9], [0.9, 1.0, 0.9], [-0.9, 0.9, 1.0]])
    broken = correlation * np.outer([1, 2, 3], [1, 2, 3])
    assert np.linalg.eigvalsh(broken)[0] < -0.5
    repaired = nearest_psd(broken)
    assert np.linalg.eigvalsh(repaired)[0] >= 0
    np.testing.assert_allclose(np.diag(repaired), np.diag(broken), rtol=IDENTITY)
    np.testing.assert_array_equal(repaired, repaired.T)


def test_a_positive_definite_matrix_comes_back_unchanged():
    covariance = np.cov(returns(50, 4).to_numpy(), rowvar=False)
    assert nearest_psd(covariance) is covariance


@pytest.mark.parametrize("method", ["sample", "ledoit_wolf"])
def test_short_histories_are_held_out_with_the_reason(method):
    sparse = returns(100, 4)
    sparse.loc[sparse.index[:70], "C"] = np.nan
    sparse["D"] = np.nan
    risk = estimate(sparse, method, 60)
    assert risk.held_out == {"C": "30 of 60 returns", "D": "0 of 60 returns"}
    assert list(risk.covariance) == ["A", "B"]
    assert risk.observations.tolist() == [100, 100, 30, 0]


def test_a_price_that_does_not_move_is_held_out():
    still = returns(100, 3)
    still["B"] = 0.0
    risk = estimate(still, "sample", 60)
    assert risk.held_out == {"B": "100 returns without variation"}


def test_of_two_histories_that_hardly_meet_the_shorter_is_held_out():
    apart = returns(140, 3)
    apart.loc[apart.index[75:], "A"] = np.nan
    apart.loc[apart.index[:70], "B"] = np.nan
    risk = estimate(apart, "ledoit_wolf", 60)
    assert risk.held_out == {"B": "fewer than 30 returns in common with A"}
    assert list(risk.covariance) == ["A", "C"]


def test_nothing_to_estimate_is_an_empty_covariance():
    risk = estimate(panel(np.full((10, 2), np.nan)), "ledoit_wolf", 60)
    assert risk.covariance.shape == (0, 0)
    assert set(risk.held_out) == {"A", "B"}


def test_one_asset_has_its_variance():
    alone = returns(80, 1)
    risk = estimate(alone, "ledoit_wolf", 60)
    assert risk.covariance.loc["A", "A"] == pytest.approx(alone["A"].var())


def test_returns_must_be_a_panel():
    with pytest.raises(DataError, match="increasing"):
        estimate(returns(70, 2).iloc[::-1], "sample", 60)
