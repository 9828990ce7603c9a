"""The thesis score recomputed from the tables of a run folder, and nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from engine.study_result import StudyResult

pytestmark = pytest.mark.xdist_group("sample")


def test_the_score_follows_from_the_tables_of_the_folder(
    sample_run: tuple[Path, StudyResult],
) -> None:
    tables = sample_run[0] / "tables"
    told = pd.read_csv(tables / "thesis_score.csv").set_index("sample")
    entered = pd.read_csv(tables / "thesis_score_claims.csv")
    pairs = pd.read_csv(tables / "thesis_score_correlation.csv")
    claims = pd.read_csv(tables / "claims.csv").set_index(["claim", "sample"])
    checked = 0
    for sample, own in entered.groupby("sample"):
        z, w = own["z"].to_numpy(), own["weight"].to_numpy()
        r = (
            pairs[pairs["sample"] == sample]
            .pivot_table(index="claim", columns="other", values="correlation")
            .loc[own["claim"], own["claim"]]
            .to_numpy()
        )
        total = w @ z / np.sqrt(w @ r @ w)
        score, low, high = (
            2.0 * stats.norm.cdf(total + shift) - 1.0 for shift in (0.0, -1.96, 1.96)
        )
        row = told.loc[str(sample)]
        assert row["score"] == pytest.approx(score, abs=1e-9)
        assert (row["low"], row["high"]) == pytest.approx((low, high), abs=1e-9)
        assert row["counted"] == len(own)
        for one in own.itertuples():
            assert claims.loc[(one.claim, sample), "z"] == pytest.approx(one.z)
        assert np.linalg.eigvalsh(r).min() > -1e-9
        checked += 1
    assert checked >= 1
    assert set(told.index[told["counted"] > 0]) == set(entered["sample"])
