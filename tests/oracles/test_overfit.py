"""Deflated Sharpe ratio, track record and PBO against published numbers and R."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from engine.evidence import metrics
from engine.evidence.overfit import (
    deflated_sharpe,
    expected_maximum,
    minimum_track_record,
    overfitting_probability,
)
from tests.tolerances import IDENTITY, ORACLE


@pytest.fixture(scope="module")
def folder(shared: Path) -> Path:
    return shared / "oracles" / "overfit"


@pytest.fixture(scope="module")
def told(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        (folder / "psr_dsr_mintrl_expected.json").read_text()
    )
    return found


@pytest.mark.shared
def test_the_expected_maximum_of_so_many_trials(told: dict[str, Any]) -> None:
    for trials, value in told["E_max_N"].items():
        assert expected_maximum(int(trials)) == pytest.approx(value, abs=ORACLE)


@pytest.mark.shared
def test_the_deflated_ratio_of_the_paper(told: dict[str, Any]) -> None:
    """2.5 a year over five years of days, the best of 100 with variance one half."""
    paper = told["BLdP2014"]
    ratio = 2.5 / np.sqrt(250.0)
    assert ratio == pytest.approx(paper["SR_daily"], abs=ORACLE)
    for key, trials, skewness, kurtosis in (
        ("DSR", 100, -3.0, 10.0),
        ("DSR_N46", 46, -3.0, 10.0),
        ("DSR_N88_normal", 88, 0.0, 3.0),
        ("DSR_normal_N100", 100, 0.0, 3.0),
    ):
        found = deflated_sharpe(
            ratio,
            1250,
            skewness=skewness,
            kurtosis=kurtosis,
            trials=trials,
            variance=0.5 / 250.0,
        )
        assert found == pytest.approx(paper[key], abs=ORACLE), key


@pytest.mark.shared
def test_the_probabilistic_ratio_is_that_of_one_trial(told: dict[str, Any]) -> None:
    for key, skewness, kurtosis in (
        ("PSR_paper_sr0.458_n24_sk-2.448_ku10.164", -2.448, 10.164),
        ("PSR_paper_normal", 0.0, 3.0),
    ):
        found = deflated_sharpe(
            0.458, 24, skewness=skewness, kurtosis=kurtosis, trials=1, variance=9.0
        )
        assert found == pytest.approx(told[key], abs=ORACLE), key


@pytest.mark.shared
def test_the_track_record_that_a_ratio_needs(told: dict[str, Any]) -> None:
    for per_year in (252, 250):
        found = minimum_track_record(2 / np.sqrt(per_year), 1 / np.sqrt(per_year))
        assert found == pytest.approx(told[f"MinTRL_ann2_vs1_{per_year}"], abs=1e-9)
    for key, per_year, shape in (
        ("MinTRL_years_252", 252, {}),
        ("MinTRL_years_52", 52, {}),
        ("MinTRL_years_12", 12, {}),
        ("MinTRL_years_12_sk-0.72_ku5.78", 12, {"skewness": -0.72, "kurtosis": 5.78}),
    ):
        needed = minimum_track_record(
            2 / np.sqrt(per_year), 1 / np.sqrt(per_year), **shape
        )
        assert needed / per_year == pytest.approx(told[key], abs=ORACLE), key


@pytest.mark.shared
def test_track_record_and_probability_agree_on_bacons_months(
    told: dict[str, Any], shared: Path
) -> None:
    """At the length it asks for, the probabilistic Sharpe ratio is the confidence."""
    bacon = told["bacon"]
    shape = {"skewness": bacon["skew"], "kurtosis": bacon["kurt"]}
    needed = minimum_track_record(bacon["sr"], 0.05, **shape)
    assert needed == pytest.approx(bacon["MinTRL05"], abs=1e-9)
    file = shared / "oracles" / "metrics" / "portfolio_bacon.csv"
    months = pd.read_csv(file).iloc[:, 1].to_numpy(float)
    found = deflated_sharpe(bacon["sr"], len(months), **shape, trials=1, variance=1.0)
    assert found == pytest.approx(metrics.probabilistic_sharpe(months), abs=ORACLE)
    assert np.isinf(minimum_track_record(0.1, 0.1))


@pytest.mark.shared
def test_the_probability_of_overfitting_is_that_of_rs_pbo(folder: Path) -> None:
    returns = pd.read_csv(folder / "cran_pbo_seed852_matrix.csv").to_numpy(float)
    expected = pd.read_csv(folder / "cran_pbo_expected.csv")
    assert len(expected) == 3
    for row in expected.itertuples():
        found = overfitting_probability(returns, int(row.s))
        assert found == pytest.approx(row.phi, abs=IDENTITY), row.s


def test_overfitting_by_a_slow_second_route() -> None:
    """Every choice of blocks, its rows put together and ranked one by one."""
    returns = np.random.default_rng(2).normal(0.0, 0.01, (61, 7))
    block = np.arange(60) // 10  # one row left out
    low = []
    for pick in itertools.combinations(range(6), 3):
        there = np.isin(block, pick)
        halves = (returns[:60][there], returns[:60][~there])
        ratios = [one.mean(axis=0) / one.std(axis=0, ddof=1) for one in halves]
        best = int(ratios[0].argmax())
        rank = 1 + int((ratios[1] < ratios[1][best]).sum())
        low.append(rank <= 4)
    assert overfitting_probability(returns, 6) == pytest.approx(np.mean(low))


def test_a_path_with_skill_is_not_overfit_and_noise_is_a_coin() -> None:
    rng = np.random.default_rng(5)
    noise = [
        overfitting_probability(rng.normal(0.0, 0.01, (240, 20)), 8) for _ in range(40)
    ]
    assert np.mean(noise) == pytest.approx(0.5, abs=0.1)
    skilled = rng.normal(0.0, 0.01, (240, 20))
    skilled[:, 3] += 0.006
    assert overfitting_probability(skilled, 8) == 0.0


def test_what_has_no_answer_says_so() -> None:
    assert np.isnan(overfitting_probability(np.zeros((40, 1)), 4))
    for blocks in (0, 3, 30):
        with pytest.raises(ValueError, match="an even number with two rows each"):
            overfitting_probability(np.zeros((40, 3)), blocks)
    assert expected_maximum(1) == 0.0
    with pytest.raises(ValueError, match="at least one"):
        expected_maximum(0)
