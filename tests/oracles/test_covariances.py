"""Covariance estimators against other libraries, slow twins and planted truths."""

from __future__ import annotations

import cvxpy as cp
import numpy as np
import pandas as pd
import pytest

from engine.portfolio.covariance import (
    exponential_covariance,
    lagged_covariance,
    layer_factor_covariance,
    pairwise_covariance,
    shrink_to_identity,
    with_lags,
)
from engine.portfolio.risk import Options, estimate, nearest_correlation, nearest_psd
from tests.tolerances import IDENTITY, ORACLE, SOLVER

RNG = np.random.default_rng(61)


@pytest.fixture(autouse=True)
def _same_numbers_whatever_ran_before() -> None:
    RNG.bit_generator.state = np.random.default_rng(61).bit_generator.state


def panel(values: np.ndarray) -> pd.DataFrame:
    days = pd.bdate_range("2024-01-01", periods=len(values), name="session")
    names = [f"A{place:02d}" for place in range(values.shape[1])]
    return pd.DataFrame(values, index=days.as_unit("ns"), columns=names)


def sparse(rows: int, columns: int, missing: float) -> np.ndarray:
    values = 0.02 * RNG.standard_normal((rows, columns))
    values += 0.01 * RNG.standard_normal((rows, 1))
    values[RNG.random(values.shape) < missing] = np.nan
    return values


# --- exponential ----------------------------------------------------------------------


@pytest.mark.parametrize("missing", [0.0, 0.3])
@pytest.mark.parametrize("half_life", [5.0, 63.0])
def test_exponential_weights_are_those_of_pandas(missing, half_life):
    values = sparse(150, 4, missing)
    values[-1] = 0.01  # pandas reports the last row, which must be there
    frame = panel(values)
    theirs = frame.ewm(halflife=half_life).cov().loc[frame.index[-1]].to_numpy()
    ours = exponential_covariance(values, np.isfinite(values), half_life)
    np.testing.assert_allclose(ours, theirs, rtol=1e-8)


def test_exponential_weights_by_hand():
    values = np.array([[0.02, 0.01], [-0.01, 0.03], [0.04, np.nan], [0.01, -0.02]])
    ours = exponential_covariance(values, np.isfinite(values), 1.0)
    weights, rows = np.array([1, 2, 8]) / 11, values[[0, 1, 3]]
    deviation = rows - weights @ rows
    biased = weights @ (deviation[:, 0] * deviation[:, 1])
    assert ours[0, 1] == pytest.approx(biased / (1 - weights @ weights), rel=IDENTITY)


def test_an_endless_half_life_is_the_sample():
    values = sparse(120, 5, 0.2)
    seen = np.isfinite(values)
    np.testing.assert_allclose(
        exponential_covariance(values, seen, 1e9),
        pairwise_covariance(values, seen),
        rtol=1e-6,
    )


# --- shrinkage ------------------------------------------------------------------------


def test_oas_is_that_of_scikit_learn():
    from sklearn.covariance import OAS  # 1.2 s to import

    for rows, columns in ((40, 6), (30, 50), (252, 12)):
        values = sparse(rows, columns, 0.0) * RNG.uniform(0.5, 2, columns)
        fitted = OAS().fit(values)
        sample = pairwise_covariance(values, np.isfinite(values))
        ours, intensity = shrink_to_identity(sample, rows)
        assert intensity == pytest.approx(fitted.shrinkage_, rel=ORACLE)
        # theirs divides by the rows, ours by one less, as everywhere in Assay
        np.testing.assert_allclose(
            ours, fitted.covariance_ * rows / (rows - 1), rtol=1e-8, atol=1e-18
        )


def test_constant_correlation_is_not_the_identity_target_of_scikit_learn():
    from sklearn.covariance import LedoitWolf  # 1.2 s to import

    values = sparse(60, 8, 0.0) * np.linspace(0.5, 3, 8)
    theirs = LedoitWolf().fit(values).covariance_ * 60 / 59
    ours = estimate(panel(values), "ledoit_wolf", 20).covariance.to_numpy()
    own = values.var(axis=0, ddof=1)
    np.testing.assert_allclose(np.diag(ours), own, rtol=IDENTITY)  # variances kept
    assert np.abs(np.diag(theirs) / own - 1).max() > 0.02  # theirs move


# --- layer factors --------------------------------------------------------------------


def test_layer_factors_by_slow_regressions():
    values = sparse(200, 6, 0.1)
    groups = np.array(["x", "x", "x", "y", "y", "z"])
    frame = panel(values)
    layer = frame.T.groupby(groups).mean().T
    among = layer.cov()
    expected = np.empty((6, 6))
    slope = []
    for place, group in enumerate(groups):
        both = pd.concat([frame.iloc[:, place], layer[group]], axis=1)
        slope.append(both.cov().iloc[0, 1] / among.loc[group, group])
    for i in range(6):
        for j in range(6):
            shared = among.loc[groups[i], groups[j]]
            expected[i, j] = (
                slope[i] * slope[j] * shared if i != j else frame.iloc[:, i].var()
            )
    seen = np.isfinite(values)
    ours = layer_factor_covariance(
        values, seen, groups, pairwise_covariance(values, seen)
    )
    np.testing.assert_allclose(ours, expected, rtol=1e-9)


def test_layer_factors_recover_a_world_of_layers():
    groups = np.repeat(["a", "b", "c"], 20)
    factors = (
        RNG.standard_normal((4000, 3))
        @ np.linalg.cholesky(
            np.array([[1.0, 0.5, 0.2], [0.5, 1.0, 0.4], [0.2, 0.4, 1.0]])
        ).T
    )
    slope = RNG.uniform(0.5, 1.5, 60)
    number = np.repeat([0, 1, 2], 20)
    values = 0.01 * factors[:, number] * slope + 0.02 * RNG.standard_normal((4000, 60))
    truth = (
        1e-4
        * np.outer(slope, slope)
        * np.array([[1.0, 0.5, 0.2], [0.5, 1.0, 0.4], [0.2, 0.4, 1.0]])[
            np.ix_(number, number)
        ]
    )
    np.fill_diagonal(truth, 1e-4 * slope**2 + 4e-4)
    few = panel(values[:120])
    of = dict(zip(few.columns, groups, strict=True))
    model = estimate(few, "layer_factors", 60, Options(layer_of=of)).covariance
    sample = estimate(few, "sample", 60).covariance
    off = ~np.eye(60, dtype=bool)
    error = {
        name: np.sqrt(((matrix.to_numpy() - truth)[off] ** 2).mean())
        for name, matrix in (("model", model), ("sample", sample))
    }
    assert error["model"] < 0.7 * error["sample"]


# --- markets with different hours -----------------------------------------------------


def asynchronous(rows: int, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Two markets on one factor: the second sees `share` of a session a row later.

    The true covariance of a session is the first value of both; the last two columns
    trade in the second market.
    """
    early = np.sqrt(1 - share) * RNG.standard_normal(rows + 1)
    late = np.sqrt(share) * RNG.standard_normal(rows + 1)
    own = RNG.standard_normal((rows, 4))
    here = (early + late)[1:, None] + own[:, :2]
    there = (early[1:] + late[:-1])[:, None] + own[:, 2:]
    truth = np.ones((4, 4)) + np.eye(4)
    return 0.01 * np.hstack([here, there]), 1e-4 * truth


def test_an_overlap_of_two_restores_what_hours_apart_take():
    values, truth = asynchronous(60_000, 0.6)
    market = {"A00": "XNYS", "A01": "XNYS", "A02": "XKRX", "A03": "XKRX"}
    found = {
        overlap: estimate(
            panel(values), "sample", 60, Options(overlap=overlap, market_of=market)
        ).covariance.to_numpy()
        for overlap in (1, 2)
    }
    assert found[1][0, 2] == pytest.approx(0.4 * truth[0, 2], rel=0.1)  # 60 % lost
    np.testing.assert_allclose(found[2], truth, rtol=0.05)
    # variances and pairs of one market are not touched
    np.testing.assert_array_equal(np.diag(found[2]), np.diag(found[1]))
    assert found[2][0, 1] == found[1][0, 1]
    assert found[2][2, 3] == found[1][2, 3]


def test_lagged_sums_by_hand():
    values = sparse(30, 3, 0.2)
    x = values - np.nanmean(values, axis=0)
    apart = np.ones((3, 3), dtype=bool) & ~np.eye(3, dtype=bool)
    sample = pairwise_covariance(values, np.isfinite(values))
    expected = sample.copy()
    for i in range(3):
        for j in range(3):
            for lag in (1, 2):
                for a, b in ((i, j), (j, i)):
                    products = [
                        x[t, a] * x[t - lag, b]
                        for t in range(lag, 30)
                        if np.isfinite(x[t, a]) and np.isfinite(x[t - lag, b])
                    ]
                    if i != j:
                        expected[i, j] += sum(products) / (len(products) - 1)
    ours = with_lags(sample, values, np.isfinite(values), 3, apart)
    np.testing.assert_allclose(ours, expected, rtol=1e-9)
    assert lagged_covariance(values, np.isfinite(values), 1).shape == (3, 3)


def test_lagged_sums_that_are_indefinite_are_repaired():
    few = panel(sparse(25, 12, 0.0))
    risk = estimate(few, "sample", 20, Options(overlap=5))
    assert np.linalg.eigvalsh(risk.covariance)[0] > 0.0
    own = few.var().to_numpy()
    np.testing.assert_allclose(np.diag(risk.covariance), own, rtol=IDENTITY)


# --- the nearest positive semidefinite matrix -----------------------------------------


def test_the_example_of_higham():
    """Higham (2002), section 4: the unit matrix with ones beside the diagonal."""
    broken = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 1.0]])
    nearest = nearest_correlation(broken)
    published = np.array(
        [[1.0, 0.7607, 0.1573], [0.7607, 1.0, 0.7607], [0.1573, 0.7607, 1.0]]
    )
    assert np.abs(nearest - published).max() < 5e-5


def test_no_correlation_matrix_is_nearer():
    scattered = np.clip(np.eye(6) + 0.9 * RNG.standard_normal((6, 6)), -1, 1)
    broken = (scattered + scattered.T) / 2
    np.fill_diagonal(broken, 1.0)
    assert np.linalg.eigvalsh(broken)[0] < -0.1
    free = cp.Variable((6, 6), PSD=True)
    loss = cp.sum_squares(free - broken)
    cp.Problem(cp.Minimize(loss), [cp.diag(free) == 1]).solve(solver=cp.CLARABEL)
    assert np.abs(nearest_correlation(broken) - free.value).max() < 1e-5
    sd = np.array([1.0, 2.0, 0.5, 3.0, 1.0, 1.0])
    repaired = nearest_psd(broken * np.outer(sd, sd))
    assert np.abs(repaired / np.outer(sd, sd) - free.value).max() < 1e-5
    assert np.linalg.eigvalsh(repaired)[0] > 0.0


# --- short histories ------------------------------------------------------------------


def test_a_proxy_has_its_layer_s_covariance_and_mean_variance():
    values = sparse(200, 5, 0.0)
    values[:180, 4] = np.nan  # twenty returns
    of = dict(
        zip([f"A{n:02d}" for n in range(5)], ["x", "x", "x", "y", "x"], strict=True)
    )
    options = Options(short_history="proxy", layer_of=of)
    risk = estimate(panel(values), "sample", 60, options)
    assert risk.proxied == {"A04": "20 of 60 returns; the mean of x stands in"}
    assert risk.held_out == {}
    assert risk.observations["A04"] == 20
    frame = panel(values)
    layer = frame[["A00", "A01", "A02"]].mean(axis=1)
    for other in ("A00", "A03"):
        expected = np.cov(layer, frame[other])[0, 1]
        assert risk.covariance.loc["A04", other] == pytest.approx(expected)
    mean_variance = frame[["A00", "A01", "A02"]].var().mean()
    assert risk.covariance.loc["A04", "A04"] == pytest.approx(mean_variance)
    assert np.linalg.eigvalsh(risk.covariance)[0] > 0.0
    plain = estimate(panel(values), "sample", 60)
    assert plain.held_out == {"A04": "20 of 60 returns"}
    assert plain.proxied == {}
    np.testing.assert_allclose(
        risk.covariance.iloc[:4, :4], plain.covariance, atol=SOLVER * 1e-4
    )


def test_two_proxies_of_a_layer_move_together_and_a_lone_one_is_held_out():
    values = sparse(200, 5, 0.0)
    values[:180, 2:] = np.nan
    of = dict(
        zip([f"A{n:02d}" for n in range(5)], ["x", "x", "x", "x", "y"], strict=True)
    )
    options = Options(short_history="proxy", layer_of=of)
    risk = estimate(panel(values), "ledoit_wolf", 60, options)
    assert set(risk.proxied) == {"A02", "A03"}
    assert risk.held_out == {"A04": "20 of 60 returns"}
    assert risk.covariance.loc["A02", "A03"] > 0.0


@pytest.mark.parametrize(
    "method", ["sample", "exponential", "ledoit_wolf", "oas", "layer_factors"]
)
def test_a_missing_return_is_never_a_zero(method):
    """Taking 40 % of the returns away must not take 40 % of the variance away."""
    complete = sparse(400, 6, 0.0)
    thinned = np.where(RNG.random(complete.shape) < 0.4, np.nan, complete)
    of = dict.fromkeys([f"A{n:02d}" for n in range(6)], "x")
    options = Options(layer_of=of, half_life=100.0)
    variance = {
        name: np.diag(estimate(panel(values), method, 60, options).covariance).mean()
        for name, values in (
            ("complete", complete),
            ("thinned", thinned),
            ("zeros", np.nan_to_num(thinned)),
        )
    }
    assert variance["thinned"] == pytest.approx(variance["complete"], rel=0.15)
    assert variance["zeros"] < 0.75 * variance["complete"]
