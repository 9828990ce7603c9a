"""A thesis made of noise: its score covers zero as often as its interval says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.thesis_score import (
    SEED,
    bootstrap_correlation,
    coverage,
    lag_weights,
    noise,
    total_z,
)
from engine.evidence.claims.statistics import from_t
from engine.evidence.inference import stationary_bootstrap_indices
from engine.evidence.score import null_correlation, thesis_score
from engine.evidence.verdict import judge
from tests.claim_cases import thesis

SPREAD = {"test": "layer_spread", "long": "alpha", "short": "beta", "quality": "press"}


def measured(about, x: np.ndarray):
    """Return what each law of a thesis finds in one world, x of shape (T, k)."""
    days = pd.date_range("2020-01-01", periods=len(x))
    return [
        (
            claim,
            from_t(
                claim,
                estimate=float(column.mean()),
                se=float(column.std(ddof=1) / np.sqrt(len(column))),
                df=len(column) - 1,
                n=len(column),
                unit="return per year",
                summary="",
                assumptions=(),
                rows=pd.DataFrame(),
                null=pd.Series(column - column.mean(), index=days),
                weights=np.full(len(column), 1 / len(column)),
            ),
        )
        for claim, column in zip(about.claims, x.T, strict=True)
    ]


def test_lag_weights_are_those_of_the_bootstrap() -> None:
    """How often two places so far apart stay so far apart, counted in draws."""
    rng = np.random.default_rng(3)
    draws = stationary_bootstrap_indices(40, 5.0, 40_000, rng)
    weights = lag_weights(40, 5.0)
    for lag in (1, 3, 10):
        kept = (draws[:, lag:] - draws[:, :-lag]) % 40 == lag
        # a jump lands there by chance one time in forty
        stay = (kept.mean() - 1 / 40) / (1 - 1 / 40)
        assert stay == pytest.approx(0.8**lag, abs=0.01)
        assert weights[lag] == pytest.approx(
            (1 - lag / 40) * 0.8**lag + lag / 40 * 0.8 ** (40 - lag)
        )


def test_the_closed_form_is_where_the_engines_draws_tend_to() -> None:
    about = thesis(*({**SPREAD, "id": f"c{n}"} for n in range(4)))
    x = noise(np.random.default_rng(4), 1, 300, 4, 0.4)
    found = measured(about, x[0])
    drawn = np.mean(
        [null_correlation(found, np.random.default_rng(seed)) for seed in range(12)],
        axis=0,
    )
    exact = bootstrap_correlation(x, 20.0)[0]
    # 12,000 draws: a correlation's error is below 0.01
    assert drawn == pytest.approx(exact, abs=0.03)
    assert np.abs(exact - np.eye(4)).max() > 0.2


@pytest.mark.parametrize("claims", [1, 10, 28])
@pytest.mark.parametrize("correlation", [0.0, 0.25, 0.5])
def test_the_interval_covers_zero_in_93_to_97_percent(
    claims: int, correlation: float
) -> None:
    share = coverage(
        2, worlds=1500, sessions=400, claims=claims, correlation=correlation
    )
    assert 0.93 <= share <= 0.97


def test_without_the_correlation_the_interval_is_wrong() -> None:
    """What R is for: taken as independent, ten claims cover far too seldom."""
    x = noise(np.random.default_rng(6), 500, 400, 10, 0.5)
    covered = np.abs(total_z(x)) < 1.96
    t = x.mean(axis=1) / (x.std(axis=1) / 20.0)
    naive = np.abs(t.sum(axis=1) / np.sqrt(10)) < 1.96
    assert covered.mean() > 0.92
    assert naive.mean() < 0.70


def test_the_engines_own_score_covers_zero_too() -> None:
    """120 worlds through judge and thesis_score: 95 % is 114, 4.6 deviations below."""
    about = thesis(*({**SPREAD, "id": f"c{n}"} for n in range(10)))
    rng = np.random.default_rng(7)
    covered = 0
    for x in noise(rng, 120, 250, 10, 0.3):
        verdicts = judge(about, "in-sample", measured(about, x))
        score = thesis_score(about, "in-sample", verdicts, rng)
        covered += score.interval[0] < 0.0 < score.interval[1]
    assert 103 <= covered <= 120


def test_the_committed_table_is_what_the_script_gives() -> None:
    """The cells of 250 sessions and few claims, made again."""
    root = Path(__file__).parents[2]
    told = pd.read_csv(root / "docs" / "thesis_score_coverage.csv")
    assert len(told) == 36
    assert told["covers_zero"].between(0.92, 0.97).all()
    long = told[told["sessions"] == 875]
    assert long["covers_zero"].between(0.93, 0.97).all()
    for row in told[(told["sessions"] == 250) & (told["claims"] < 28)].itertuples():
        again = coverage(
            SEED,
            worlds=row.worlds,
            sessions=row.sessions,
            claims=row.claims,
            correlation=row.correlation,
            df=np.inf if row.returns == "normal" else 5.0,
        )
        assert again == pytest.approx(row.covers_zero, abs=2e-4), row
