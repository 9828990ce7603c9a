"""Claims about returns measure what their docstrings say: by hand, by statsmodels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from engine.evidence.claim_study import span_of
from engine.evidence.claims import CLAIM_TESTS
from engine.evidence.claims.context import basket_returns, one_line_per_firm
from engine.evidence.claims.statistics import from_t
from engine.evidence.score import thesis_score
from engine.evidence.verdict import judge
from engine.market.listing import Line
from engine.market.market import Market
from tests.claim_cases import DAYS, ROWS, day, evidence, judged, measured, thesis
from tests.markets import market
from tests.tolerances import IDENTITY

SPREAD = {"test": "layer_spread", "long": "alpha", "short": "beta"}


def test_layer_spread_is_the_mean_with_newey_wests_error() -> None:
    found = measured(evidence(thesis(SPREAD)))
    daily = found.rows["spread"]
    lags = int(4 * (len(daily) / 100) ** (2 / 9))
    ols = sm.OLS(daily.to_numpy(), np.ones(len(daily))).fit(
        cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": False}
    )
    t = ols.params[0] / ols.bse[0]
    assert found.estimate == pytest.approx(252 * ols.params[0], abs=IDENTITY)
    assert found.se == pytest.approx(252 * ols.bse[0], abs=IDENTITY)
    assert found.p == pytest.approx(2 * stats.t.sf(abs(t), len(daily) - 1), rel=1e-9)
    assert found.n == len(daily) == ROWS - 1


def test_layer_spread_by_hand_on_two_assets() -> None:
    """Alpha gains 1 % a day on half of the days, beta nothing: 0.5 % x 252."""
    days = pd.DatetimeIndex(DAYS[:101], name="session")
    layers = pd.DataFrame(
        {"alpha": np.tile([0.01, 0.0], 50), "beta": np.zeros(100)}, index=days[1:]
    )
    found = measured(evidence(thesis(SPREAD), layers=layers))
    assert found.estimate == pytest.approx(1.26, abs=IDENTITY)
    assert found.n == 100


@pytest.mark.parametrize(("count", "testable"), [(59, False), (60, True)])
def test_layer_spread_needs_sixty_returns(count: int, testable: bool) -> None:
    days = DAYS[1 : count + 1]
    noise = np.random.default_rng(0).normal(0, 0.01, (count, 2))
    layers = pd.DataFrame(noise, index=days, columns=["alpha", "beta"])
    (one,) = judged(evidence(thesis(SPREAD), layers=layers))
    assert (one.verdict != "untestable") == testable
    if not testable:
        assert "59 daily returns" in one.reason


def test_layer_spread_of_an_empty_layer_is_untestable() -> None:
    (one,) = judged(evidence(thesis({**SPREAD, "short": "gamma"})))
    assert (one.verdict, one.reason) == (
        "untestable",
        "no asset of gamma has a price",
    )


def test_layer_spread_splits_at_the_declaration() -> None:
    """The two samples hold every day once, and only their own days."""
    given = evidence(thesis({**SPREAD, "declared": day(200)}))
    before, after = (measured(given, s) for s in ("in-sample", "out-of-sample"))
    assert before.rows.index[-1] < DAYS[200] <= after.rows.index[0]
    assert before.n + after.n == ROWS - 1
    whole = pd.concat([before.rows, after.rows])["spread"]
    spread = given.layer_returns["alpha"] - given.layer_returns["beta"]
    assert (whole == spread).all()


def test_layer_spread_rejects_nothing_at_its_nominal_rate() -> None:
    rng = np.random.default_rng(5)
    about = thesis(SPREAD)
    given = evidence(about)
    test = CLAIM_TESTS["layer_spread"]
    params = test.params(long="alpha", short="beta")
    span = span_of(about.claims[0], given, "in-sample")
    rejected = 0
    for _ in range(400):
        noise = pd.DataFrame(
            rng.normal(0, 0.01, (ROWS - 1, 2)),
            index=DAYS[1:],
            columns=["alpha", "beta"],
        )
        found = test.measure(
            about.claims[0], params, replace(given, layer_returns=noise), span
        )
        rejected += found.p < 0.05
    assert 8 <= rejected <= 34  # 5 % of 400 is 20; 3.2 standard deviations each way


def basket(world: Market, names: tuple[str, ...], stale_after: int = 5) -> pd.Series:
    days = pd.DatetimeIndex(world.home.price.index)
    return basket_returns(world, {"it": names}, days, stale_after=stale_after)["it"]


def test_a_closed_market_keeps_its_mark_and_returns_when_it_reopens() -> None:
    world = market(
        {"XNYS": {"A": [10, 11, 11, 11]}, "XHKG": {"B": [5, None, None, 6]}},
        closed={"XHKG": [1, 2]},
        rates={"HKD": 8.0},
    )
    assert basket(world, ("A", "B")).to_numpy() == pytest.approx(
        [np.nan, 0.05, 0.0, 0.10], nan_ok=True
    )


def test_a_late_listing_joins_the_day_after_its_first_price() -> None:
    world = market({"XNYS": {"A": [10, 11, 11, 11], "B": [None, 5, 6, 6]}})
    assert basket(world, ("A", "B")).to_numpy() == pytest.approx(
        [np.nan, 0.10, 0.10, 0.0], nan_ok=True
    )


def test_an_ended_feed_leaves_the_basket_when_it_is_stale() -> None:
    """A gains 10 % a day, B ends after day 1: its zeros must not halve A for ever."""
    prices = {"A": [10 * 1.1**t for t in range(6)], "B": [5, 5, *[None] * 4]}
    told = basket(market({"XNYS": prices}), ("A", "B"), stale_after=2).to_numpy()
    assert told[1:] == pytest.approx([0.05, 0.05, 0.05, 0.10, 0.10])


def test_two_lines_of_one_firm_count_once() -> None:
    lines = [
        Line(symbol=s, entity=e, mic="XNYS", currency="USD")
        for s, e in (("A", "a"), ("A2", "a"), ("B", "b"))
    ]
    assert [line.symbol for line in one_line_per_firm(lines)] == ["A", "B"]


SHARPE = {"test": "sharpe_difference", "a": "barbell", "b": "SPY"}


def paths(seed: int = 0, **means: float) -> dict[str, pd.Series]:
    rng = np.random.default_rng(seed)
    return {
        name: pd.Series(rng.normal(mean, 0.01, ROWS - 1), index=DAYS[1:])
        for name, mean in ({"barbell": 0.001, "SPY": 0.0} | means).items()
    }


def test_sharpe_difference_by_hand() -> None:
    told = paths()
    found = measured(evidence(thesis(SHARPE, risk_free=0.04), returns=told))
    rate = 1.04 ** (1 / 252) - 1
    ratio = {n: (r - rate).mean() / r.std() * np.sqrt(252) for n, r in told.items()}
    assert found.estimate == pytest.approx(
        ratio["barbell"] - ratio["SPY"], abs=IDENTITY
    )
    assert found.p == pytest.approx(
        2 * stats.norm.sf(abs(found.estimate) / found.se), rel=1e-9
    )
    # independent returns: the variance of each Sharpe ratio is (1 + SR^2 / 2) / years
    years = (ROWS - 1) / 252
    expected = np.sqrt(sum((1 + s**2 / 252 / 2) / years for s in ratio.values()))
    assert found.se == pytest.approx(expected, rel=0.1)


def test_sharpe_difference_says_what_is_missing() -> None:
    told = paths()
    (one,) = judged(evidence(thesis({**SHARPE, "a": "barbel"}), returns=told))
    assert one.verdict == "untestable"
    assert "barbell" in one.reason
    same = dict.fromkeys(told, told["SPY"])
    (one,) = judged(evidence(thesis(SHARPE), returns=same))
    assert one.reason == "barbell and SPY earned the same each day"


def test_a_portfolio_is_out_of_sample_only_once_its_thesis_was_declared() -> None:
    """The claim is older, but factors, weights and events are the thesis's."""
    claim = {**SHARPE, "declared": day(100)}
    given = evidence(thesis(claim, declared=day(300)), returns=paths())
    before, after = (measured(given, s) for s in ("in-sample", "out-of-sample"))
    assert before.n == 299
    assert after.rows.index[0] == DAYS[300]
    layers = evidence(thesis({**SPREAD, "declared": day(100)}, declared=day(300)))
    assert measured(layers, "out-of-sample").rows.index[0] == DAYS[100]


def test_without_a_declaration_everything_is_in_sample() -> None:
    given = evidence(thesis(SPREAD), returns=paths())
    assert measured(given).n == ROWS - 1
    (after,) = judged(given, "out-of-sample")
    assert after.reason == "no declaration date: everything is in-sample"


def test_the_null_series_rebuilds_what_the_claim_estimates() -> None:
    """The score resamples it: mean zero, weights that rebuild the statistic."""
    found = measured(evidence(thesis(SPREAD)))
    assert found.null is not None
    assert found.weights is not None
    assert found.null.mean() == pytest.approx(0.0, abs=IDENTITY)
    rebuilt = (found.weights * found.rows["spread"]).sum()
    assert rebuilt == pytest.approx(found.estimate, abs=IDENTITY)


def test_the_score_of_independent_laws_is_the_closed_form() -> None:
    """2 Phi(sum w z / sqrt(sum w^2)) - 1, where no law shares anything with another."""
    qualities = {"filing": 1.0, "primary": 0.8, "press": 0.5, "aggregator": 0.2}
    about = thesis(
        *({**SPREAD, "id": name, "quality": name} for name in qualities),
        declared=day(ROWS - 1),
    )
    rng = np.random.default_rng(11)
    t = {"filing": 0.4, "primary": 1.1, "press": -0.3, "aggregator": 2.0}
    found = []
    for claim in about.claims:
        # independent noise that nobody else has
        noise = pd.Series(rng.normal(0, 1, 5000), index=pd.RangeIndex(5000))
        found.append(
            (
                claim,
                from_t(
                    claim,
                    estimate=t[claim.id],
                    se=1.0,
                    df=1e9,
                    n=5000,
                    unit="",
                    summary="",
                    assumptions=(),
                    rows=pd.DataFrame(),
                    null=noise,
                    weights=np.full(5000, 1 / 5000),
                ),
            )
        )
    score = thesis_score(
        about, "in-sample", judge(about, "in-sample", found), np.random.default_rng(1)
    )
    w = np.array(list(qualities.values()))
    total = w @ np.array([t[name] for name in qualities]) / np.sqrt(w @ w)
    assert score.counted == 4
    assert score.score == pytest.approx(2 * stats.norm.cdf(total) - 1, abs=0.03)
    low = 2 * stats.norm.cdf(total - 1.96) - 1
    assert score.interval[0] == pytest.approx(low, abs=0.03)
