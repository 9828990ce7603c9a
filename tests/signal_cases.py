"""Signals on the small world of `tests.claim_cases`, and what a claim finds in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import statsmodels.api as sm

from engine.evidence.claim_study import span_of
from engine.evidence.claims import CLAIM_TESTS
from engine.evidence.claims.context import Evidence
from engine.evidence.results import ClaimResult
from engine.market.signals import COLUMNS, Signals
from tests.claim_cases import DAYS, ROWS, evidence, judged, thesis

#: Rows of the small world on which a weekly signal has its dates.
WEEKS = tuple(range(4, ROWS, 5))


def signals(
    series: Mapping[tuple[str, str], Sequence[float]],
    *,
    rows: Sequence[int] = WEEKS,
    late: int = 1,
    hour: int = 12,
) -> Signals:
    """Return observations by (series, entity), known `late` rows later at `hour`."""
    frames = [
        pd.DataFrame(
            {
                "series": name,
                "entity": entity,
                "value_date": DAYS[list(rows[: len(values)])],
                "known_at": DAYS[
                    np.minimum(np.array(rows[: len(values)]) + late, ROWS - 1)
                ]
                + pd.Timedelta(hours=hour),
                "value": np.asarray(values, dtype=np.float64),
                "unit": "fraction",
                "quality": "observed",
                "source": "",
            }
        )
        for (name, entity), values in series.items()
    ]
    every = pd.concat(frames).sort_values("known_at", kind="stable")
    return Signals(observations=every[list(COLUMNS)].reset_index(drop=True))


def one(
    claim: Mapping[str, Any],
    known: Signals | None = None,
    *,
    sample: str = "in-sample",
    **more: Any,
) -> ClaimResult:
    """Return the verdict of one claim on the small world."""
    given = evidence(thesis(claim), signals=known, **more)
    return judged(given, sample)[0]


def layers(alpha: np.ndarray, beta: np.ndarray | None = None) -> pd.DataFrame:
    """Return layer returns on every session but the first."""
    days = DAYS[1 : len(alpha) + 1]
    told = {"alpha": alpha, "beta": np.zeros(len(alpha)) if beta is None else beta}
    return pd.DataFrame(told, index=days)


def claim_and_span(given: Evidence) -> Any:
    """Return what `measure` takes for the only claim, in-sample."""
    (claim,) = given.thesis.claims
    test = CLAIM_TESTS[claim.test]
    return test, claim, test.params(**claim.params), span_of(claim, given, "in-sample")


def jackknife_hac(y: np.ndarray, x: np.ndarray, lags: int) -> SimpleNamespace:
    """The second route: statsmodels without each row in turn, Bartlett weights."""
    fit = sm.OLS(y, x).fit()
    moved = fit.params - np.array(
        [
            sm.OLS(np.delete(y, row), np.delete(x, row, axis=0)).fit().params
            for row in range(len(y))
        ]
    )
    moved -= moved.mean(axis=0)
    total = (moved**2).sum(axis=0)
    for k in range(1, lags + 1):
        total += 2 * (1 - k / (lags + 1)) * (moved[k:] * moved[:-k]).sum(axis=0)
    error = np.sqrt(total)
    return SimpleNamespace(params=fit.params, bse=error, tvalues=fit.params / error)
