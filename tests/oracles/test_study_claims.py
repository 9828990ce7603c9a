"""Claims of the flagship, computed a second time: statsmodels, resampling, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats
from statsmodels.stats.multitest import multipletests

from engine.evidence.results import ClaimResult
from engine.study_result import StudyResult
from tests.flagship import Record
from tests.tolerances import IDENTITY

#: METHODS.md, "Thesis score".
QUALITY = {"filing": 1.0, "primary": 0.8, "press": 0.5, "aggregator": 0.2}


#: The second claim of each mirrored pair: it takes the q of the first.
MIRRORS = {"H27-bubble": "H27-compute", "cloud-above": "cloud-below"}


def claim(study: StudyResult, name: str, sample: str = "in-sample") -> ClaimResult:
    (found,) = [
        one for one in study.claims.results if one.id == name and one.sample == sample
    ]
    assert found.finding is not None, found.reason
    return found


def basket(study: StudyResult, record: Record, layer: str) -> pd.Series:
    """Mean dollar return of the layer's lines at each New York close, by hand.

    A line whose market was closed adds nothing that day; its next close brings it all.
    """
    home = record.closes["SPY"]
    closes = pd.DatetimeIndex(home.index)
    total, count = np.zeros(len(closes)), np.zeros(len(closes))
    for line in study.assets:
        if study.universe.layer_of(line.symbol) != layer:
            continue
        own = record.closes[line.symbol]
        newest = own.index.searchsorted(closes, side="right")
        value = record.price(line.symbol, closes) * record.rate(line.currency, closes)
        last = np.nan
        for row, bars in enumerate(newest):
            before = newest[row - 1] if row else 0
            if bars > before:
                total[row] += np.nan_to_num(value[row] / last - 1.0)
                last = value[row]
            count[row] += before > 0
    mean = pd.Series(
        total / np.where(count > 0, count, np.nan), index=record.days["SPY"]
    )
    return mean.reindex(study.backtest.nav.index[1:])


@pytest.mark.parametrize(
    ("name", "long", "short"),
    [("H06-compute-proxy", "compute", "labs"), ("H06-cloud-proxy", "cloud", "labs")],
)
def test_layer_spread_from_files_by_statsmodels(
    study: StudyResult, record: Record, name: str, long: str, short: str
) -> None:
    found = claim(study, name).finding
    assert found is not None
    spread = (basket(study, record, long) - basket(study, record, short)).dropna()
    lags = int(4 * (len(spread) / 100) ** (2 / 9))
    ols = sm.OLS(spread.to_numpy(), np.ones(len(spread))).fit(
        cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": False}
    )
    assert found.n == len(spread) == len(study.backtest.nav) - 1
    assert found.estimate == pytest.approx(252 * ols.params[0], abs=IDENTITY)
    assert found.se == pytest.approx(252 * ols.bse[0], abs=IDENTITY)
    p = 2 * stats.t.sf(abs(ols.params[0] / ols.bse[0]), len(spread) - 1)
    assert found.p == pytest.approx(p, rel=1e-6)


@pytest.mark.parametrize("other", ["infrastructure", "distribution"])
def test_sharpe_difference_by_resampling_blocks(study: StudyResult, other: str) -> None:
    """The estimate exactly; its error within 15 % of a circular block bootstrap's."""
    one = claim(study, f"H01-{other}")
    found = one.finding
    assert found is not None
    # the barbell is the thesis's, so the later of the two declarations counts
    declared = pd.Timestamp(max(one.declared, str(study.thesis.about.declared)))
    pair = np.column_stack(
        [
            path.returns[path.returns.index < declared]
            for path in (study.backtest, study.baselines[f"{other} alone"])
        ]
    )

    def difference(r: np.ndarray) -> float:
        ratio = r.mean(axis=0) / r.std(axis=0, ddof=1) * np.sqrt(252)
        return float(ratio[0] - ratio[1])

    assert found.n == len(pair)
    assert found.estimate == pytest.approx(difference(pair), abs=IDENTITY)
    rng = np.random.default_rng(8)
    size = 10
    drawn = []
    for _ in range(2000):
        starts = rng.integers(0, len(pair), -(-len(pair) // size))
        rows = (starts[:, None] + np.arange(size)).ravel()[: len(pair)] % len(pair)
        drawn.append(difference(pair[rows]))
    assert found.se == pytest.approx(np.std(drawn), rel=0.15)
    low, high = np.percentile(drawn, [0.5, 99.5])
    assert low < found.estimate < high
    tail = 2 * min(np.mean(np.array(drawn) <= 0), np.mean(np.array(drawn) >= 0))
    assert found.p == pytest.approx(tail, abs=0.12)


def test_q_values_are_statsmodels(study: StudyResult) -> None:
    """m is the number of testable claims of the sample; mirrors count once."""
    counted = 0
    for sample in ("in-sample", "out-of-sample"):
        rows = [
            one
            for one in study.claims.results
            if one.sample == sample
            and one.finding is not None
            and np.isfinite(one.finding.p)
        ]
        alone = [one for one in rows if one.id not in MIRRORS]
        if not alone:
            continue
        p = [one.finding.p for one in alone if one.finding]
        _, q, _, _ = multipletests(p, method="fdr_bh")
        assert [one.q for one in alone] == pytest.approx(q, abs=1e-12)
        mirror = {one.id: one.q for one in rows}
        for second, first in MIRRORS.items():
            if second in mirror:
                assert mirror[second] == mirror[first]
        counted += len(alone)
    assert counted >= 12


def test_intervals_and_verdicts_agree(study: StudyResult) -> None:
    """The level is 1 - 0.1 R / m, so an interval excludes 0 exactly where q < 0.1."""
    for sample in ("in-sample", "out-of-sample"):
        rows = [
            one
            for one in study.claims.results
            if one.sample == sample
            and one.finding is not None
            and np.isfinite(one.finding.p)
        ]
        once = [one for one in rows if one.id not in MIRRORS]
        found = sum(one.q < 0.1 for one in once)
        for one in rows:
            level = 0.1 * max(found, 1) / len(once)
            found_df = one.finding.df if np.isfinite(one.finding.df) else 1e12
            half = stats.t.isf(level / 2, found_df) * one.finding.se
            expected = (one.finding.estimate - half, one.finding.estimate + half)
            assert one.interval == pytest.approx(expected, rel=1e-6)
            assert (expected[0] > 0 or expected[1] < 0) == (one.q < 0.1), one.id
            sign = 1.0 if one.sign == "+" else -1.0
            if one.verdict == "supported":
                assert one.q < 0.1
                assert sign * one.finding.estimate > 0
            if one.verdict == "inconclusive":
                best = max(sign * expected[0], sign * expected[1])
                assert one.q >= 0.1
                assert best >= one.min_effect


def test_the_score_is_a_weighted_z_of_the_laws(study: StudyResult) -> None:
    """Rebuilt with R from 4,000 plain resamples: the joint null moves it little."""
    (score,) = [one for one in study.claims.scores if one.sample == "in-sample"]
    by_id = {one.id: one for one in study.thesis.claims}
    laws = [
        one
        for one in study.claims.results
        if one.sample == "in-sample"
        and one.scope == "law"
        and one.finding is not None
        and np.isfinite(one.finding.p)
    ]
    assert score.counted == len(laws) >= 8
    w = np.array([QUALITY[by_id[one.id].quality] for one in laws])
    signs = np.array([1.0 if one.sign == "+" else -1.0 for one in laws])
    z = []
    for one, sign in zip(laws, signs, strict=True):
        assert one.finding is not None
        t = one.finding.estimate / one.finding.se
        df = min(one.finding.df, 1e12)
        score_of_t = stats.norm.isf(stats.t.sf(abs(t), df))
        z.append(sign * np.sign(t) * min(score_of_t, 8.0))  # cut, as documented
        assert one.finding.z == pytest.approx(z[-1], abs=1e-9)
    correlation = resampled_correlation(laws, signs)
    total = w @ z / np.sqrt(w @ correlation @ w)
    assert 2 * stats.norm.cdf(total) - 1 == pytest.approx(score.score, abs=0.02)
    # unequal weights, correlated claims: not the independent closed form
    low, high = (2 * stats.norm.cdf(total + s) - 1 for s in (-1.96, 1.96))
    assert score.interval == pytest.approx((low, high), abs=0.06)


def resampled_correlation(laws: list[ClaimResult], signs: np.ndarray) -> np.ndarray:
    """Correlation of the statistics under the null, sessions drawn in whole blocks."""
    nulls = pd.concat([one.finding.null for one in laws if one.finding], axis=1)
    x = nulls.sort_index().fillna(0.0).to_numpy() * signs
    a = np.column_stack(
        [
            one.finding.weights.reindex(nulls.sort_index().index).fillna(0.0)
            for one in laws
            if one.finding is not None and one.finding.weights is not None
        ]
    )
    rng = np.random.default_rng(99)
    sums = []
    for _ in range(4000):
        starts = rng.integers(0, len(x), -(-len(x) // 20))
        rows = ((starts[:, None] + np.arange(20)).ravel() % len(x))[: len(x)]
        sums.append((a * x[rows]).sum(axis=0))
    return np.corrcoef(np.array(sums).T)
