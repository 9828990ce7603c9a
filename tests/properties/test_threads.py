"""The same inputs give the same bits, however many threads add them up."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from threadpoolctl import threadpool_limits

from engine import app
from engine.study import run_study
from engine.study_result import StudyResult


def test_a_study_does_not_depend_on_the_number_of_threads(root: Path) -> None:
    inputs = app.inputs_of(root / "examples" / "open_weights.toml")
    results: list[StudyResult] = []
    for threads in (1, 4):
        with threadpool_limits(limits=threads, user_api="blas"):
            results.append(run_study(inputs))
    one, other = results
    for got, wanted in (
        (one.performance, other.performance),
        (one.backtest.nav.to_frame(), other.backtest.nav.to_frame()),
        (one.events.table, other.events.table),
        (one.claims.table, other.claims.table),
    ):
        pd.testing.assert_frame_equal(got, wanted, rtol=0, atol=0)
