"""Claims about signals against statsmodels, closed forms and slow twins."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import optimize, stats

from engine.evidence.claims.incremental_ratio import incremental
from engine.evidence.claims.regression import hac_regression
from engine.evidence.claims.saturation import fit_logistic
from tests.claim_cases import DAYS, ROWS, day, evidence, thesis
from tests.signal_cases import (
    WEEKS,
    claim_and_span,
    jackknife_hac,
    layers,
    one,
    signals,
)
from tests.tolerances import IDENTITY

N = len(WEEKS)
HEDGE = {"test": "hedge_beta", "layer": "alpha", "role": "share"}
LEAD = {"test": "lead_lag", "layer": "alpha", "role": "share"}
JEVONS = {"test": "demand_elasticity", "price": "price", "quantity": "tokens"}
MARGIN = {
    "test": "incremental_ratio",
    "numerator": "profit",
    "denominator": "revenue",
}


def hac_mean(deviations: np.ndarray, lags: int) -> float:
    """The error of a mean by statsmodels, with the n / (n - 1) correction."""
    fit = sm.OLS(deviations, np.ones(len(deviations))).fit(
        cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": True}
    )
    return float(fit.bse[0])


def rule(n: int) -> int:
    return int(4 * (n / 100) ** (2 / 9))


def p_of(t: float, n: int, k: int, lags: int) -> float:
    return float(2 * stats.t.sf(abs(t), min(n - k, 1.5 * n / (lags + 1))))


@pytest.mark.parametrize("least", [0, 7])
def test_the_regression_is_statsmodels(least: int) -> None:
    rng = np.random.default_rng(2)
    x = np.column_stack([np.ones(90), rng.normal(size=(90, 2)) * [1.0, 1e-6]])
    y = x @ [0.1, 2.0, -3e5] + rng.normal(size=90)
    fit = hac_regression(y, x, least_lags=least)
    assert fit is not None
    second = jackknife_hac(y, x, max(rule(90), least))
    assert fit.coefficients == pytest.approx(second.params, rel=1e-9)
    assert fit.se == pytest.approx(second.bse, rel=1e-9)
    assert fit.influence.mean(axis=0) == pytest.approx([0, 0, 0], abs=1e-6)


def test_a_regression_without_full_rank_is_none() -> None:
    alone = np.column_stack([np.ones(30), np.eye(30)[:, 7]])  # one row decides
    assert hac_regression(np.arange(30.0), alone) is None
    x = np.column_stack([np.ones(30), np.full(30, 2.0)])
    assert hac_regression(np.arange(30.0), x) is None
    assert hac_regression(np.arange(2.0), np.eye(2)) is None


def share(rng: np.random.Generator) -> np.ndarray:
    return np.asarray(0.3 + np.cumsum(rng.normal(0, 0.01, N)))


def week_returns(daily: pd.Series, lag_rows: int = 0) -> np.ndarray:
    """Compound the sessions after one week's row up to the next one's, slowly."""
    out = []
    for first, last in pairwise(WEEKS):
        inside = daily.loc[
            DAYS[first + 1 + lag_rows] : DAYS[min(last + lag_rows, ROWS - 1)]
        ]
        out.append(float(np.prod(1 + inside) - 1))
    return np.array(out)


def test_hedge_beta_from_daily_returns_by_statsmodels() -> None:
    rng = np.random.default_rng(4)
    level = share(rng)
    told = layers(rng.normal(0, 0.01, ROWS - 1))
    market = pd.Series(rng.normal(0, 0.01, ROWS - 1), index=DAYS[1:])
    found = one(
        {**HEDGE, "controls": ["SPY"]},
        signals({("share", "cn"): level}),
        layers=told,
        returns={"SPY": market},
    ).finding
    assert found is not None
    y, control = week_returns(told["alpha"]), week_returns(market)
    x = np.column_stack([np.diff(level), control, np.ones(N - 1)])
    second = jackknife_hac(y, x, rule(N - 1))
    assert found.n == N - 1
    assert found.estimate == pytest.approx(second.params[0], rel=1e-9)
    assert found.se == pytest.approx(second.bse[0], rel=1e-9)
    expected = p_of(second.tvalues[0], N - 1, 3, rule(N - 1))
    assert found.p == pytest.approx(expected, rel=1e-9)


def test_hedge_beta_finds_what_was_planted() -> None:
    rng = np.random.default_rng(5)
    level = share(rng)
    daily = rng.normal(0, 0.004, ROWS - 1)
    for week, last in enumerate(WEEKS[1:]):
        daily[last - 1] += 2.0 * (level[week + 1] - level[week])
    known = signals({("share", "cn"): level})
    assert one(HEDGE, known, layers=layers(daily)).verdict == "supported"
    assert one({**HEDGE, "sign": "-"}, known, layers=layers(daily)).verdict == "refuted"
    found = one(HEDGE, known, layers=layers(daily)).finding
    assert found is not None
    assert found.estimate == pytest.approx(2.0, abs=3 * found.se)


def test_lead_lag_takes_returns_from_known_to_known() -> None:
    """Known at noon one row later: that row's close is the first that can act."""
    rng = np.random.default_rng(6)
    level = share(rng)
    told = layers(rng.normal(0, 0.01, ROWS - 1))
    found = one(LEAD, signals({("share", "cn"): level}), layers=told).finding
    assert found is not None
    after = week_returns(told["alpha"], lag_rows=1)[1:]
    x = np.column_stack([np.diff(level)[:-1], np.ones(N - 2)])
    # the last change became known on the last session: nothing follows it
    second = jackknife_hac(after, x, rule(N - 2))
    assert found.n == N - 2
    assert found.estimate == pytest.approx(second.params[0], rel=1e-9)
    assert found.se == pytest.approx(second.bse[0], rel=1e-9)


def test_what_is_known_at_the_close_itself_can_act_at_it() -> None:
    rng = np.random.default_rng(6)
    level, told = share(rng), layers(rng.normal(0, 0.01, ROWS - 1))
    noon, close, evening = (
        one(LEAD, signals({("share", "cn"): level}, hour=hour), layers=told).finding
        for hour in (12, 21, 22)
    )
    assert noon is not None
    assert close is not None
    assert evening is not None
    assert close.estimate == noon.estimate
    assert evening.estimate != noon.estimate


def test_lead_lag_between_two_signals_by_value_date() -> None:
    rng = np.random.default_rng(7)
    leader = share(rng)
    follower = np.zeros(N)
    follower[3:] = np.cumsum(0.5 * np.diff(leader)[:-2])
    follower += np.cumsum(rng.normal(0, 0.002, N))
    known = signals({("share", "cn"): leader, ("sales", "co"): follower})
    claim = {"test": "lead_lag", "role": "share", "follower": "sales", "lag": 2}
    found = one(claim, known).finding
    assert found is not None
    y, x = np.diff(follower)[2:], np.diff(leader)[:-2]
    second = jackknife_hac(y, np.column_stack([x, np.ones(len(x))]), rule(len(x)))
    assert found.n == len(x)
    assert found.estimate == pytest.approx(second.params[0], rel=1e-9)
    assert found.se == pytest.approx(second.bse[0], rel=1e-9)
    assert found.estimate == pytest.approx(0.5, abs=0.1)
    backwards = {**claim, "role": "sales", "follower": "share"}
    assert one(backwards, known).verdict == "inconclusive"


def priced(
    rng: np.random.Generator, e: float, entities: int = 1
) -> dict[tuple[str, str], np.ndarray]:
    """Prices that step down, and tokens that answer with elasticity e."""
    out = {}
    common = rng.normal(0.02, 0.05, N)  # what moves everyone's tokens
    for number in range(entities):
        step = np.where(rng.random(N) < 0.25, -rng.uniform(0.05, 0.4, N), 0.0)
        name = f"v{number}"
        noise = rng.normal(0, 0.03, N)
        out["price", name] = 2.0 * np.exp(np.cumsum(step))
        out["tokens", name] = 1e9 * np.exp(np.cumsum(e * step + common + noise))
    return out


def test_elasticity_of_one_vendor_by_statsmodels() -> None:
    told = priced(np.random.default_rng(8), -1.6)
    found = one(JEVONS, signals(told)).finding
    assert found is not None
    x, y = (np.diff(np.log(told[role, "v0"])) for role in ("price", "tokens"))
    ols = sm.OLS(y, np.column_stack([x, np.ones(N - 1)])).fit()
    assert found.estimate == pytest.approx(1 + ols.params[0], rel=1e-9)
    assert found.se == pytest.approx(jackknife_error(x - x.mean(), y - y.mean()))


def jackknife_error(x: np.ndarray, y: np.ndarray) -> float:
    """Bartlett error of the slopes without one date (last axis), one by one."""
    x, y = np.atleast_2d(x), np.atleast_2d(y)
    whole = (x * y).sum() / (x * x).sum()
    moved = []
    for at in range(x.shape[1]):
        left, right = np.delete(x, at, axis=1), np.delete(y, at, axis=1)
        moved.append(whole - (left * right).sum() / (left * left).sum())
    count, told = len(moved), np.array(moved) - np.mean(moved)
    lags = rule(count)
    total = told @ told
    for k in range(1, lags + 1):
        total += 2 * (1 - k / (lags + 1)) * (told[k:] @ told[:-k])
    return float(np.sqrt(total))


def test_elasticity_of_a_panel_is_least_squares_with_a_dummy_per_date() -> None:
    told = priced(np.random.default_rng(9), -1.6, entities=4)
    found = one(JEVONS, signals(told)).finding
    assert found is not None
    names = [f"v{number}" for number in range(4)]
    x = np.concatenate([np.diff(np.log(told["price", name])) for name in names])
    y = np.concatenate([np.diff(np.log(told["tokens", name])) for name in names])
    dummies = np.tile(np.eye(N - 1), (4, 1))
    ols = sm.OLS(y, np.column_stack([x, dummies])).fit()
    assert found.estimate == pytest.approx(1 + ols.params[0], rel=1e-9)
    by_date = [v.reshape(4, N - 1) for v in (x, y)]
    within = [v - v.mean(axis=0) for v in by_date]
    assert found.se == pytest.approx(jackknife_error(*within), rel=1e-9)


@pytest.mark.parametrize(
    ("e", "verdict"), [(-2.0, "supported"), (0.0, "refuted"), (-1.0, "inconclusive")]
)
def test_jevons_needs_more_than_proportional_demand(e: float, verdict: str) -> None:
    known = signals(priced(np.random.default_rng(10), e, entities=3))
    assert one({**JEVONS, "sign": "-"}, known).verdict == verdict


def test_a_share_times_the_total_is_the_quantity() -> None:
    rng = np.random.default_rng(11)
    told = priced(rng, -1.5)
    total = np.exp(np.cumsum(rng.normal(0, 0.1, N)))
    shares = {
        ("price", "v0"): told["price", "v0"],
        ("tokens", "v0"): told["tokens", "v0"] / total,
        ("all", "world"): total,
    }
    direct = one(JEVONS, signals(told)).finding
    split = one({**JEVONS, "total": "all"}, signals(shares)).finding
    assert direct is not None
    assert split is not None
    assert split.estimate == pytest.approx(direct.estimate, abs=IDENTITY)


def test_trend_is_the_mean_change_per_year_by_hand() -> None:
    level = np.array([0.1, 0.2, 0.15] * 20)[:N]
    found = one({"test": "trend", "role": "share"}, signals({("share", "cn"): level}))
    assert found.finding is not None
    count = len(level)
    span = (DAYS[WEEKS[count - 1]] - DAYS[WEEKS[0]]).days / 365.25
    assert found.finding.estimate == pytest.approx((level[-1] - level[0]) / span)
    moved = np.diff(level)
    error = hac_mean(moved - moved.mean(), rule(count - 1))
    assert found.finding.se == pytest.approx(error * (count - 1) / span, rel=1e-3)


def test_trend_of_a_growing_series_in_logs() -> None:
    rng = np.random.default_rng(12)
    level = np.exp(np.cumsum(rng.normal(0.02, 0.02, N)))
    claim = {"test": "trend", "role": "share", "change": "log"}
    found = one(claim, signals({("share", "cn"): level}))
    assert found.verdict == "supported"
    assert found.finding is not None
    assert found.finding.estimate == pytest.approx(
        0.02 * 52.18, abs=3 * found.finding.se
    )


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_logistic_is_found_again(sign: float) -> None:
    t = np.linspace(0, 3, 120)
    values = 0.6 / (1 + np.exp(-sign * 4.0 * (t - 1.4)))
    fit = fit_logistic(t, values + np.random.default_rng(1).normal(0, 0.004, 120))
    assert fit is not None
    assert fit.ceiling == pytest.approx(0.6, rel=0.02)
    assert fit.rate == pytest.approx(sign * 4.0, rel=0.05)
    assert fit.middle == pytest.approx(1.4, abs=0.03)


@pytest.mark.parametrize("seed", range(20))
def test_the_logistic_is_that_of_least_squares(seed: int) -> None:
    """An optimiser of its own kind, started at the truth, finds nothing better."""
    rng = np.random.default_rng(seed)
    n, sign = int(rng.integers(40, 150)), rng.choice([-1.0, 1.0])
    truth = np.array([rng.uniform(0.2, 50), sign * rng.uniform(2, 8), 1.5])
    t = np.sort(rng.uniform(0, 3, n))

    def miss(p: np.ndarray) -> np.ndarray:
        return np.asarray(p[0] / (1 + np.exp(-p[1] * (t - p[2]))) - values)

    values = np.zeros(n)
    values = miss(truth) + rng.normal(0, 0.03 * truth[0], n)
    found = optimize.least_squares(miss, truth, method="lm", xtol=1e-12, ftol=1e-14)
    fit = fit_logistic(t, values)
    assert fit is not None
    mine = np.array([fit.ceiling, fit.rate, fit.middle])
    np.testing.assert_allclose(mine, found.x, rtol=1e-4)
    assert (miss(mine) ** 2).sum() <= 2 * found.cost * (1 + 1e-9)


def test_a_jump_is_no_logistic() -> None:
    t = np.linspace(0, 3, 60)
    noise = np.random.default_rng(2).normal(0, 0.01, 60)
    steep = 1.0 / (1.0 + np.exp(-40.0 * (t - 1.4)))  # over three observations
    assert fit_logistic(t, steep + noise) is not None
    assert fit_logistic(t, np.where(t < 1.4, 0.0, 1.0) + noise) is None


def test_nothing_logistic_in_a_constant() -> None:
    assert fit_logistic(np.linspace(0, 1, 30), np.full(30, 0.4)) is None


def test_saturation_is_the_change_of_pace() -> None:
    rng = np.random.default_rng(13)
    t = np.arange(N) / N
    level = 0.6 / (1 + np.exp(-14 * (t - 0.35))) + rng.normal(0, 0.002, N)
    claim = {"test": "saturation", "role": "share", "sign": "-"}
    found = one(claim, signals({("share", "cn"): level}))
    assert found.verdict == "supported"
    assert found.finding is not None
    rows = found.finding.rows
    length = (rows["value_date"] - rows["before"]).dt.days.to_numpy() / 365.25
    late = np.cumsum(length) > length.sum() / 2
    pace = [rows["change"][at].sum() / length[at].sum() for at in (late, ~late)]
    assert found.finding.estimate == pytest.approx(pace[0] - pace[1], abs=IDENTITY)
    assert "a logistic curve turns in" in found.finding.summary
    steady = signals({("share", "cn"): 0.1 + 0.002 * np.arange(N)})
    assert "always alike" in one(claim, steady).reason


def test_incremental_ratio_of_one_step_is_the_incremental_margin() -> None:
    """Alibaba Cloud's two years: 9.2 % on what was added, 8.9 % before."""
    rows = incremental(
        pd.Index([0, 1]), np.array([10.556, 14.265]), np.array([118.028, 158.132]), 1
    )
    theta = float(rows["ratio_change"].iloc[0] / rows["growth"].iloc[0])
    added = (14.265 - 10.556) / (158.132 - 118.028)
    assert theta == pytest.approx(added - 10.556 / 118.028, abs=IDENTITY)
    assert added == pytest.approx(0.0925, abs=5e-5)


def test_incremental_ratio_by_statsmodels_and_as_planted() -> None:
    rng = np.random.default_rng(14)
    revenue = 100 * np.exp(np.cumsum(rng.normal(0.03, 0.02, N)))
    profit = np.empty(N)
    profit[0] = 9.0
    for t in range(1, N):  # a quarter of what is added, of an average below a tenth
        profit[t] = profit[t - 1] + 0.25 * (revenue[t] - revenue[t - 1])
    profit += rng.normal(0, 0.05, N)
    known = signals({("profit", "co"): profit, ("revenue", "co"): revenue})
    found = one(MARGIN, known)
    assert found.verdict == "supported"
    ratio = profit / revenue
    y, x = np.diff(ratio), np.diff(revenue) / revenue[1:]
    second = jackknife_hac(y, x, rule(N - 1))
    assert found.finding is not None
    assert found.finding.estimate == pytest.approx(second.params[0], rel=1e-9)
    assert found.finding.se == pytest.approx(second.bse[0], rel=1e-9)


CASES: dict[str, dict[str, Any]] = {
    "hedge_beta": HEDGE,
    "lead_lag": LEAD,
    "demand_elasticity": {**JEVONS, "quantity": "sold"},
    "trend": {"test": "trend", "role": "share"},
    "saturation": {"test": "saturation", "role": "share"},
    "incremental_ratio": MARGIN,
    # list prices move in few weeks, and those weigh much
    "lead_lag after steps": {
        "test": "lead_lag",
        "role": "price",
        "follower": "share",
        "change": "log",
    },
}


def world(rng: np.random.Generator) -> dict[tuple[str, str], np.ndarray]:
    """A world in which every claim of `CASES` is empty."""
    price = np.cumsum(np.where(rng.random(N) < 0.25, rng.normal(0, 0.2, N), 0.0))
    noise = np.cumsum(rng.normal(0, 0.05, N))
    revenue = 100 * np.exp(np.cumsum(rng.normal(0.03, 0.03, N)))
    return {
        ("share", "cn"): share(rng),
        ("price", "v0"): np.exp(price),
        ("sold", "v0"): np.exp(noise - price),  # e = -1: spending does not answer
        ("revenue", "co"): revenue,
        ("profit", "co"): revenue * (0.1 + np.cumsum(rng.normal(0, 0.002, N))),
    }


@pytest.mark.parametrize("name", CASES)
def test_an_empty_claim_is_rejected_at_its_nominal_rate(name: str) -> None:
    """5 % of 300 worlds is 15; the bounds are 3.3 standard deviations each way."""
    rng = np.random.default_rng(sum(map(ord, name)))
    given = evidence(thesis(CASES[name]), signals=signals(world(rng)))
    test, claim, params, span = claim_and_span(given)
    rejected = 0
    for _ in range(300):
        noise = replace(
            given,
            market=replace(given.market, signals=signals(world(rng))),
            layer_returns=layers(rng.normal(0, 0.01, ROWS - 1)),
        )
        rejected += test.measure(claim, params, noise, span).p < 0.05
    assert 2 <= rejected <= 28


@pytest.mark.parametrize("name", CASES)
def test_what_comes_after_the_sample_changes_nothing(name: str) -> None:
    """Bit for bit: later observations are noise, restated, or not there at all."""
    rng = np.random.default_rng(21)
    declared = day(300)
    claim = {**CASES[name], "declared": declared}
    told = world(rng)
    whole = signals(told)
    frame = whole.observations
    later = (frame["known_at"] >= pd.Timestamp(declared)).to_numpy()
    noise = frame.copy()
    noise.loc[later, "value"] = rng.uniform(0.1, 9.0, later.sum())
    restated = frame[~later].assign(
        known_at=DAYS[400], value=rng.uniform(0.1, 9.0, (~later).sum())
    )
    again = pd.concat([frame, restated]).sort_values("known_at", kind="stable")
    returns = layers(rng.normal(0, 0.01, ROWS - 1))
    changed = returns.copy()
    changed.loc[changed.index >= pd.Timestamp(declared)] = 0.5
    first = one(claim, whole, layers=returns).finding
    assert first is not None
    for other in (noise, again, frame[~later]):
        known = replace(whole, observations=other.reset_index(drop=True))
        second = one(claim, known, layers=changed).finding
        assert second is not None
        assert (second.estimate, second.se) == (first.estimate, first.se)
        pd.testing.assert_frame_equal(first.rows, second.rows)


@pytest.mark.parametrize("name", CASES)
def test_the_null_rebuilds_the_error_and_lies_on_home_sessions(name: str) -> None:
    given = evidence(
        thesis(CASES[name]),
        signals=signals(world(np.random.default_rng(3))),
        layers=layers(np.random.default_rng(3).normal(0, 0.01, ROWS - 1)),
    )
    test, claim, params, span = claim_and_span(given)
    found = test.measure(claim, params, given, span)
    assert found.null is not None
    assert found.weights is not None
    assert found.null.index.isin(given.home).all()
    assert (found.null * found.weights).sum() == pytest.approx(0.0, abs=1e-9)
    # the error without its autocorrelation is the root of the summed squares
    plain = float(np.sqrt(((found.null * found.weights) ** 2).sum()))
    assert 0.5 < found.se / plain < 2.0
