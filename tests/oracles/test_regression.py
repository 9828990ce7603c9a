"""Least squares with long-run errors against statsmodels and a slow readable twin."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from engine.evidence.attribution_study import study_regression
from engine.evidence.regression import INTERCEPT, least_squares
from engine.study_result import StudyResult
from tests.books import closes_of
from tests.flagship import Record
from tests.tolerances import ORACLE


def sample(n: int, k: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Autocorrelated regressors and errors whose variance follows them."""
    rng = np.random.default_rng(seed)
    x = np.ones((n, k))
    x[:, 1:] = rng.normal(0, 0.01, (n, k - 1)).cumsum(axis=0) * 0.1
    x[:, 1:] += rng.normal(0, 0.01, (n, k - 1))
    u = rng.normal(0, 1, n) * (0.005 + np.abs(x[:, -1]))
    for t in range(1, n):
        u[t] += 0.4 * u[t - 1]
    return x @ rng.normal(0, 1, k) + u, x


@pytest.mark.parametrize(("n", "k"), [(60, 2), (250, 4), (880, 7)])
@pytest.mark.parametrize("lags", [0, 1, 6, 20])
def test_newey_and_west_is_statsmodels(n: int, k: int, lags: int) -> None:
    y, x = sample(n, k, seed=n + lags)
    ours = least_squares(y, x, lags)
    theirs = sm.OLS(y, x).fit(cov_type="HAC", cov_kwds={"maxlags": lags}, use_t=True)
    assert ours.coefficients == pytest.approx(theirs.params, rel=ORACLE)
    covariance = np.asarray(theirs.cov_params())
    assert ours.covariance == pytest.approx(
        covariance, rel=1e-8, abs=1e-12 * covariance.max()
    )
    assert ours.r_squared == pytest.approx(theirs.rsquared, rel=ORACLE)
    assert ours.df == theirs.df_resid


def test_newey_and_west_by_double_sums() -> None:
    """Every pair of observations no more than L apart, one by one."""
    y, x = sample(70, 3, seed=5)
    lags = 4
    inverse = np.linalg.inv(x.T @ x)
    u = y - x @ (inverse @ x.T @ y)
    long_run = np.zeros((3, 3))
    for s in range(70):
        for t in range(70):
            weight = max(0.0, 1.0 - abs(s - t) / (lags + 1))
            long_run += weight * u[s] * u[t] * np.outer(x[s], x[t])
    expected = inverse @ long_run @ inverse
    found = least_squares(y, x, lags).covariance
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-12 * expected.max())


def at_closes(study: StudyResult, record: Record) -> pd.DataFrame:
    """Dollars per share of assets and benchmarks at each home close on record."""
    moments = record.closes["SPY"].index
    lines = [*study.assets, *(study.universe.line(s) for s in ("SPY", "SMH"))]
    value = {
        line.symbol: record.price(line.symbol, moments)
        * record.rate(line.currency, moments)
        for line in lines
    }
    return pd.DataFrame(value, index=record.days["SPY"])


def last_moments(study: StudyResult, record: Record) -> pd.DataFrame:
    """When each price of `at_closes` was made."""
    moments = record.closes["SPY"].index
    return pd.DataFrame(
        {
            line.symbol: [
                index[place - 1] if place else pd.NaT
                for index in [record.closes[line.symbol].index]
                for place in index.searchsorted(moments, side="right")
            ]
            for line in study.assets
        },
        index=record.days["SPY"],
    )


def momentum_by_hand(study: StudyResult, record: Record) -> pd.Series:
    """Winners minus losers, session by session, from the files.

    A new close earns what it is worth over the close before it, whatever lay between.
    """
    value = at_closes(study, record)[[line.symbol for line in study.assets]]
    made = last_moments(study, record)
    days, out = value.index, {}
    anchor = value.iloc[0].copy()
    sides: tuple[list[str], list[str]] | None = None
    for t in range(1, len(days)):
        moved = {}
        for s in value:
            fresh = made[s].iloc[t] != made[s].iloc[t - 1] and made[s].notna().iloc[t]
            moved[s] = value[s].iloc[t] / anchor[s] - 1.0 if fresh else 0.0
            anchor[s] = value[s].iloc[t] if fresh else anchor[s]
        if sides is not None:
            up, down = (np.mean([moved[s] for s in one]) for one in sides)
            out[days[t]] = up - down
        ends = t + 1 < len(days) and days[t + 1].month != days[t].month
        if ends and t >= 252:
            past = value.iloc[t - 21] / value.iloc[t - 252] - 1.0
            ranked = past.dropna().sort_values(kind="stable")
            third = len(ranked) // 3
            sides = list(ranked.index[-third:]), list(ranked.index[:third])
    return pd.Series(out)


def test_the_flagships_regression_from_the_files_by_statsmodels(
    study: StudyResult, record: Record
) -> None:
    found = study.regression.set_index("factor")
    assert found.index.tolist() == [
        INTERCEPT,
        "market",
        "semiconductors",
        "momentum",
        "USD",
    ]
    assert (found["absent"] == "").all()
    moves = at_closes(study, record)[["SPY", "SMH"]].pct_change()
    days = study.backtest.returns.index
    at = closes_of(study.backtest, record)
    used = {line.currency for line in study.assets} - {"USD"}
    rates = pd.DataFrame(
        {name: record.rate(name, at) for name in used}, index=study.backtest.nav.index
    )
    spy, beyond = moves["SPY"], moves["SMH"] - moves["SPY"]
    x = pd.DataFrame(
        {
            "one": 1.0,
            "market": spy.reindex(days),
            "market before": spy.shift(1).reindex(days),
            "semiconductors": beyond.reindex(days),
            "semiconductors before": beyond.shift(1).reindex(days),
            "momentum": momentum_by_hand(study, record).reindex(days),
            "USD": -rates.pct_change().mean(axis=1).reindex(days),
        }
    )
    x = x.dropna()  # the sample world is a year old before it knows momentum
    assert len(days) - 20 < len(x) <= len(days)
    lags = int(4 * (len(x) / 100) ** (2 / 9))
    fit = sm.OLS(study.backtest.returns.reindex(x.index), x).fit(
        cov_type="HAC", cov_kwds={"maxlags": lags}, use_t=True
    )
    sums = {
        INTERCEPT: [252.0, 0, 0, 0, 0, 0, 0],
        "market": [0, 1, 1, 0, 0, 0, 0],
        "semiconductors": [0, 0, 0, 1, 1, 0, 0],
        "momentum": [0, 0, 0, 0, 0, 1, 0],
        "USD": [0, 0, 0, 0, 0, 0, 1],
    }
    for name, weights in sums.items():
        told = fit.t_test(np.array([weights], dtype=float))
        row = found.loc[name]
        low, high = told.conf_int()[0]
        for ours, theirs in (
            ("loading", told.effect[0]),
            ("se", told.sd[0, 0]),
            ("t", told.tvalue[0, 0]),
            ("p", told.pvalue),
            ("low", low),
            ("high", high),
        ):
            assert row[ours] == pytest.approx(float(theirs), rel=1e-6, abs=1e-9), (
                name,
                ours,
            )
    assert found.loc["market", "same_session"] == pytest.approx(fit.params["market"])
    assert found.loc["market", "session_before"] == pytest.approx(
        fit.params["market before"]
    )
    assert (found["r_squared"] - fit.rsquared).abs().max() < ORACLE
    assert (found["n"] == len(x)).all()
    assert (found["hac_lags"] == lags).all()


@pytest.mark.xdist_group("sample")
def test_the_risk_free_rate_is_taken_from_both_sides(
    sample_study: StudyResult,
) -> None:
    """y - f = a' + b (x - f) + ..., so that a' = a - f (1 - b); loadings stay."""
    thesis = sample_study.thesis
    about = thesis.about.model_copy(update={"risk_free": 0.05})
    paid = study_regression(
        sample_study.market,
        thesis.model_copy(update={"about": about}),
        sample_study.assets,
        [sample_study.market.lines[name] for name in ("SPY", "SMH")],
        sample_study.backtest,
    ).set_index("factor")
    free = sample_study.regression.set_index("factor")
    rate = 1.05 ** (1 / 252) - 1
    beta = free.loc["market", "loading"]
    expected = free.loc[INTERCEPT, "loading"] - 252 * rate * (1.0 - beta)
    assert paid.loc[INTERCEPT, "loading"] == pytest.approx(expected, abs=1e-9)
    assert abs(1.0 - beta) > 0.01
    for name in ("market", "semiconductors", "momentum", "USD"):
        assert paid.loc[name, "loading"] == pytest.approx(free.loc[name, "loading"])
