"""Event-study statistics against estudy2, R EventStudy and statsmodels."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from engine.evidence.event_tests import (
    abnormal_returns,
    adjusted_bmp,
    adjusted_patell,
    bmp,
    cross_sectional_t,
    cumulative,
    market_model,
    mean_correlation,
    patell,
    prediction_variance,
)
from tests.tolerances import IDENTITY, ORACLE

pytestmark = pytest.mark.shared

FIRMS = ["AMZN", "NFLX", "SHOP", "FB", "UPWK"]
EVENT_WEEK = slice("2020-03-16", "2020-03-20")
ESTIMATION_DAYS = 240
_LENGTHS = (1, 1, 1, 1, 1, 5)


class Balanced:
    """Five firms that share one event week, and everything computed of them."""

    def __init__(self, folder: Path) -> None:
        rates = _dated(folder / "estudy2_balanced5_rates.csv")
        estimation, week = rates.iloc[:ESTIMATION_DAYS], rates.loc[EVENT_WEEK]
        self.week = week.index
        self.y, self.x = _arrays(estimation)
        self.week_y, self.week_x = _arrays(week)
        self.model = market_model(self.y, self.x)
        self.abnormal = abnormal_returns(self.model, self.week_y, self.week_x)
        variance = prediction_variance(self.model, self.week_x)
        self.scaled = self.abnormal / np.sqrt(variance)
        self.correlation = mean_correlation(self.model.residuals)
        self.expected = json.loads(
            (folder / "python_balanced5_expected.json").read_text()
        )

    def window(self, days: int) -> tuple[np.ndarray, np.ndarray]:
        """CAR and SCAR of the first days of the week."""
        found = cumulative(self.model, self.week_y[:days], self.week_x[:days])
        return found.car, found.scaled


def _dated(file: Path) -> pd.DataFrame:
    return pd.read_csv(file, parse_dates=["date"], index_col="date")


def _sipemu(file: Path) -> pd.DataFrame:
    """The last column, "[0, 1]", holds a comma without quotes."""
    names = file.read_text().splitlines()[0].split(",")
    return pd.read_csv(file, names=[*names, "window_end"], skiprows=1)


def _arrays(rates: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    return rates[FIRMS].to_numpy(), rates[["GSPC"]].to_numpy()


@pytest.fixture(scope="module")
def folder(shared: Path) -> Path:
    return shared / "oracles" / "event_study"


@pytest.fixture(scope="module")
def balanced(folder: Path) -> Balanced:
    return Balanced(folder)


def test_abnormal_returns_are_estudy2s(balanced: Balanced, folder: Path) -> None:
    expected = _dated(folder / "estudy2_balanced5_abnormal_expected.csv")[FIRMS]
    week = expected.loc[balanced.week].to_numpy()
    assert balanced.abnormal == pytest.approx(week, abs=ORACLE)
    estimation = expected.iloc[:ESTIMATION_DAYS].to_numpy()
    assert balanced.model.residuals == pytest.approx(estimation, abs=ORACLE)


def test_statistics_of_each_day(balanced: Balanced) -> None:
    expected, r, df = balanced.expected, balanced.correlation, balanced.model.df
    assert r == pytest.approx(expected["rbar"], abs=ORACLE)
    assert patell(balanced.scaled, df) == pytest.approx(expected["patell"], abs=ORACLE)
    assert bmp(balanced.scaled) == pytest.approx(expected["bmp"], abs=ORACLE)
    assert adjusted_bmp(balanced.scaled, r) == pytest.approx(
        expected["adj_bmp"], abs=ORACLE
    )
    assert adjusted_patell(balanced.scaled, df, r) == pytest.approx(
        expected["adj_patell"], abs=ORACLE
    )


def test_statistics_of_the_week(balanced: Balanced) -> None:
    expected, r = balanced.expected, balanced.correlation
    found = cumulative(balanced.model, balanced.week_y, balanced.week_x)
    for name, values in (("CAR", found.car), ("CAR_se", found.se)):
        wanted = [expected[name][firm] for firm in FIRMS]
        assert values == pytest.approx(wanted, abs=ORACLE)
    scaled = found.scaled
    assert scaled == pytest.approx([expected["SCAR"][f] for f in FIRMS], abs=ORACLE)
    assert found.car.mean() == pytest.approx(expected["CAAR"], abs=ORACLE)
    assert patell(scaled, found.df) == pytest.approx(
        expected["CAAR_patell"], abs=ORACLE
    )
    assert bmp(scaled) == pytest.approx(expected["CAAR_bmp"], abs=ORACLE)
    assert adjusted_bmp(scaled, r) == pytest.approx(
        expected["CAAR_adj_bmp"], abs=ORACLE
    )


def test_r_eventstudy_agrees(balanced: Balanced, folder: Path) -> None:
    read = {
        name: _sipemu(folder / f"sipemu_balanced5_{name}_expected.csv")
        for name in ("CSectT", "BMP", "KP", "PatellZ")
    }
    r, df = balanced.correlation, balanced.model.df
    daily = {
        ("CSectT", "aar_t"): cross_sectional_t(balanced.abnormal),
        ("BMP", "bmp_t"): bmp(balanced.scaled),
        # its mean_sar leaves the prediction error out, which the ratio cancels here
        ("KP", "kp_t"): adjusted_bmp(balanced.scaled, r),
        ("PatellZ", "aar_z"): patell(balanced.scaled, df),
    }
    for (table, column), values in daily.items():
        assert values == pytest.approx(read[table][column].to_numpy(), abs=ORACLE)
    windows = [balanced.window(days) for days in range(1, 6)]
    cumulated = {
        ("CSectT", "caar_t"): [cross_sectional_t(car) for car, _ in windows],
        ("BMP", "cbmp_t"): [bmp(scaled) for _, scaled in windows],
        ("KP", "ckp_t"): [adjusted_bmp(scaled, r) for _, scaled in windows],
        # its cumulated Patell adds the daily ones as if they were independent
        ("PatellZ", "caar_z"): [
            patell(balanced.scaled, df)[:days].sum() / np.sqrt(days)
            for days in range(1, 6)
        ],
    }
    for (table, column), values in cumulated.items():
        wanted = read[table][column].to_numpy()
        assert np.array(values, dtype=float) == pytest.approx(wanted, abs=ORACLE)


def test_estudy2s_parametric_tests_of_each_day(
    balanced: Balanced, folder: Path
) -> None:
    """Its residual variance divides by M - 1, so its Patell is ours by a known root."""
    table = pd.read_csv(folder / "estudy2_balanced5_parametric_expected.csv")
    root = np.sqrt((ESTIMATION_DAYS - 1) / (ESTIMATION_DAYS - 2))
    for column, values in (
        ("mean", balanced.abnormal.mean(axis=1)),
        ("pt_stat", patell(balanced.scaled, balanced.model.df) * root),
        ("bh_stat", bmp(balanced.scaled)),
        ("t_test_stat", cross_sectional_t(balanced.abnormal)),
    ):
        assert values == pytest.approx(table[column].to_numpy(), abs=ORACLE), column


def test_the_portfolio_t_without_its_prediction_error_is_brown_and_warners(
    balanced: Balanced, folder: Path
) -> None:
    """AAR / sd, and the sum over sd sqrt(L): the error of the estimates is left out."""
    table = pd.read_csv(folder / "estudy2_balanced5_parametric_expected.csv")
    week = pd.read_csv(folder / "estudy2_balanced5_car_parametric_expected.csv")
    whole = week.set_index("name").loc["car_brown_warner_1985"]
    one = market_model(balanced.y.mean(axis=1)[:, None], balanced.x)
    m = ESTIMATION_DAYS
    biased = float(one.residuals.std(ddof=1))
    assert np.sqrt(one.variance[0] * (m - 2) / (m - 1)) == pytest.approx(biased)
    found = [
        cumulative(one, balanced.week_y.mean(axis=1)[rows, None], balanced.week_x[rows])
        for rows in ([0], [1], [2], [3], [4], [0, 1, 2, 3, 4])
    ]
    cars = np.array([each.car[0] for each in found])
    naive = cars / (biased * np.sqrt(_LENGTHS))
    wanted = [*table["bw_1985_stat"], whole["statistic"]]
    assert naive == pytest.approx(wanted, abs=ORACLE)
    assert balanced.abnormal.mean() == pytest.approx(whole["car_mean"], abs=ORACLE)
    # in a wild week the prediction error makes every statistic smaller
    errors = np.array([each.se[0] for each in found])
    assert (np.abs(cars / errors) < np.abs(naive)).all()


def test_portfolio_t_is_the_prediction_error_of_statsmodels(
    balanced: Balanced,
) -> None:
    """One day: OLS forecast error. Five days: the mean of five forecasts, times five.

    The second by the covariance of the coefficients, a route our code does not take.
    """
    ols = sm.OLS(balanced.y.mean(axis=1), sm.add_constant(balanced.x)).fit()
    week, market = balanced.week_y.mean(axis=1), balanced.week_x
    model = market_model(balanced.y.mean(axis=1)[:, None], balanced.x)
    forecast = ols.get_prediction(sm.add_constant(market))
    for day in range(5):
        found = cumulative(model, week[[day], None], market[[day]])
        t = (week[day] - forecast.predicted_mean[day]) / forecast.se_obs[day]
        assert found.scaled[0] == pytest.approx(t, abs=ORACLE)
    found = cumulative(model, week[:, None], market)
    x = np.array([5.0, market.sum()])
    error = np.sqrt(5 * ols.scale + x @ ols.cov_params() @ x)
    t = (week.sum() - x @ ols.params) / error
    assert found.scaled[0] == pytest.approx(t, abs=ORACLE)
    assert found.df[0] == ols.df_resid == 238
    assert found.p[0] == pytest.approx(_two_sided(t, 238), abs=ORACLE)


def test_zero_intercept_has_the_variance_of_the_slope_alone(balanced: Balanced) -> None:
    r"""METHODS: s^2 [L + (sum x)^2 / SSX], slope from the model with its intercept."""
    found = cumulative(balanced.model, balanced.week_y, balanced.week_x, alpha="zero")
    market, week = balanced.x[:, 0], balanced.week_x[:, 0]
    spread = ((market - market.mean()) ** 2).sum()
    for firm in range(5):
        ols = sm.OLS(balanced.y[:, firm], sm.add_constant(market)).fit()
        car = (balanced.week_y[:, firm] - ols.params[1] * week).sum()
        variance = ols.scale * (5 + week.sum() ** 2 / spread)
        assert found.car[firm] == pytest.approx(car, abs=ORACLE)
        assert found.se[firm] == pytest.approx(np.sqrt(variance), abs=ORACLE)


def test_two_regressors_and_missing_rows_against_statsmodels() -> None:
    """Firms with their own regressors and their own gaps."""
    rng = np.random.default_rng(3)
    x = rng.normal(0, 0.01, (120, 4, 2))
    y = 0.0005 + x @ np.array([1.2, 0.4]) + rng.normal(0, 0.02, (120, 4))
    y[rng.random(y.shape) < 0.1] = np.nan
    window_x, window_y = rng.normal(0, 0.01, (7, 4, 2)), rng.normal(0, 0.02, (7, 4))
    model = market_model(y, x)
    found = cumulative(model, window_y, window_x)
    for firm in range(4):
        seen = np.isfinite(y[:, firm])
        ols = sm.OLS(y[seen, firm], sm.add_constant(x[seen, firm])).fit()
        assert model.coefficients[firm] == pytest.approx(ols.params, abs=IDENTITY)
        assert model.variance[firm] == pytest.approx(ols.scale, abs=IDENTITY)
        total = np.array([7.0, *window_x[:, firm].sum(axis=0)])
        error = np.sqrt(7 * ols.scale + total @ ols.cov_params() @ total)
        assert found.se[firm] == pytest.approx(error, abs=IDENTITY)
        assert found.df[firm] == ols.df_resid


def test_mean_correlation_is_pandas_pairwise_complete() -> None:
    rng = np.random.default_rng(8)
    e = 0.3 + rng.normal(size=(40, 4)) + 0.7 * rng.normal(size=(40, 1))
    e[rng.random(e.shape) < 0.3] = np.nan
    matrix = pd.DataFrame(e).corr().to_numpy()
    expected = matrix[~np.eye(4, dtype=bool)].mean()
    assert mean_correlation(e) == pytest.approx(expected, abs=IDENTITY)
    assert np.isnan(mean_correlation(e[:, :1]))


def _two_sided(t: float, df: int) -> float:
    from scipy import stats

    return float(2 * stats.t.sf(abs(t), df))


def test_kolari_pynnonen_factor_of_published_tables(shared: Path) -> None:
    """The multiplier depends on n and r only: printed pairs share one ratio."""
    oracles = json.loads((shared / "oracles" / "analytic_oracles.json").read_text())
    scaled = np.random.default_rng(0).normal(size=50)
    df = np.full(50, 200.0)
    for case in oracles["KP_factor"]:
        if "adjBMP" in case:
            r = case["rbar"]
            assert adjusted_bmp(scaled, r) / bmp(scaled) == pytest.approx(
                case["adjBMP"], abs=ORACLE
            )
            assert adjusted_patell(scaled, df, r) / patell(scaled, df) == (
                pytest.approx(case["adjPatell"], abs=ORACLE)
            )
