"""The thesis score as raw numbers: what it is, and everything that it is made from."""

from __future__ import annotations

import numpy as np
import pandas as pd

from engine.evidence.claims import CLAIM_TESTS
from engine.study_result import StudyResult


def scores(result: StudyResult) -> pd.DataFrame:
    """Return the thesis score of each sample."""
    return pd.DataFrame(
        [
            {
                "sample": one.sample,
                "score": one.score,
                "low": one.interval[0],
                "high": one.interval[1],
                "claims": one.claims,
                "testable": one.testable,
                "counted": one.counted,
                "note": one.note,
            }
            for one in result.claims.scores
        ]
    )


def entered(result: StudyResult) -> pd.DataFrame:
    """Return one row per sample and claim that entered the score.

    With `correlation`, `w'z / sqrt(w'Rw)` of a sample gives its Z.
    """
    quality = {claim.id: claim.quality for claim in result.thesis.claims}
    tests = {one.id: CLAIM_TESTS[one.test] for one in result.claims.results}
    columns = ("sample", "claim", "z", "weight", "quality", "of_portfolio")
    rows = [
        (
            one.sample,
            name,
            z,
            weight,
            quality.get(name, ""),
            tests[name].of_portfolio,
        )
        for one in result.claims.scores
        for name, z, weight in zip(one.entered, one.z, one.weights, strict=True)
    ]
    return pd.DataFrame(rows, columns=list(columns))


def correlation(result: StudyResult) -> pd.DataFrame:
    """Return R, the claims' correlation under the null, one row per ordered pair."""
    parts = [
        pd.DataFrame(
            {
                "sample": one.sample,
                "claim": np.repeat(one.entered, len(one.entered)),
                "other": np.tile(one.entered, len(one.entered)),
                "correlation": np.ravel(one.correlation),
            }
        )
        for one in result.claims.scores
        if one.entered
    ]
    columns = ["sample", "claim", "other", "correlation"]
    return (
        pd.concat(parts, ignore_index=True)[columns]
        if parts
        else pd.DataFrame(columns=columns)
    )
