"""From an estimate on sparse dates to what every claim test returns."""

from __future__ import annotations

import numpy as np
import pandas as pd

from engine.evidence.claims.regression import HacFit, equivalent_df, lag_note
from engine.evidence.claims.series import few, on_sessions
from engine.evidence.claims.statistics import from_t
from engine.evidence.inference import newey_west_lags, newey_west_mean
from engine.evidence.results import Measurement
from engine.thesis.model import Claim


def from_slope(
    claim: Claim,
    fit: HacFit,
    rows: pd.DataFrame,
    *,
    day: str,
    home: pd.DatetimeIndex,
    unit: str,
    summary: str,
    notes: tuple[str, ...],
) -> Measurement:
    """Return a measurement of a fit's first coefficient.

    `rows` are what was regressed, (n, ...); its column `day` says when each was over.
    """
    n = len(rows)
    null, weights = on_sessions(fit.influence[:, 0], rows[day].to_numpy(), home, 1 / n)
    return from_t(
        claim,
        estimate=float(fit.coefficients[0]),
        se=float(fit.se[0]),
        df=fit.df,
        n=n,
        unit=unit,
        summary=summary,
        assumptions=(*notes, lag_note(fit), *few(n)),
        rows=rows,
        null=null,
        weights=weights,
    )


def from_mean(
    claim: Claim,
    values: np.ndarray,
    rows: pd.DataFrame,
    *,
    days: np.ndarray,
    home: pd.DatetimeIndex,
    unit: str,
    summary: str,
    notes: tuple[str, ...],
    least_lags: int = 0,
) -> Measurement | None:
    """Return a measurement of the mean of values, shape (n,), one per day of `days`.

    Newey-West error times n / (n - 1) under the root, t on `equivalent_df`. None where
    the values do not vary.
    """
    n = len(values)
    lags = max(newey_west_lags(n), least_lags)
    mean, error = newey_west_mean(values, lags)
    if not error > 1e-12:
        return None
    null, weights = on_sessions(values - mean, days, home, 1 / n)
    return from_t(
        claim,
        estimate=mean,
        se=error * float(np.sqrt(n / (n - 1))),
        df=equivalent_df(n, 1, lags),
        n=n,
        unit=unit,
        summary=summary,
        assumptions=(*notes, f"Newey-West standard error, {lags} lags", *few(n)),
        rows=rows,
        null=null,
        weights=weights,
    )
