"""From an estimate and its standard error to what every claim test returns."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import ndtri, stdtr

from engine.evidence.inference import detectable_effect
from engine.evidence.results import Measurement, RobustTest
from engine.thesis.model import Claim

#: Normal scores are cut here: a t of 40 is no more evidence than one of 8.
MOST_Z = 8.0


def direction(claim: Claim) -> float:
    """Return +1 or -1: the sign that the claim expects."""
    return 1.0 if claim.sign == "+" else -1.0


def normal_score(t: float, df: float) -> float:
    """Return the standard normal value with the same tail probability as t on df."""
    lower = -abs(t)
    score = -float(ndtri(stdtr(df, lower)))
    return float(np.copysign(min(score, MOST_Z), t))


def from_t(
    claim: Claim,
    *,
    estimate: float,
    se: float,
    df: float,
    n: int,
    unit: str,
    summary: str,
    assumptions: tuple[str, ...],
    rows: pd.DataFrame,
    null: pd.Series,
    weights: np.ndarray,
    robust: tuple[RobustTest, ...] = (),
) -> Measurement:
    """Return a measurement whose p-value is Student's t, two-sided."""
    t = estimate / se if se > 0 else float("nan")
    p = float(2 * stdtr(df, -abs(t)))
    return Measurement(
        estimate=estimate,
        se=se,
        df=df,
        p=p,
        z=direction(claim) * normal_score(t, df),
        n=n,
        unit=unit,
        detectable=detectable_effect(se, df),
        summary=summary,
        assumptions=assumptions,
        rows=rows,
        null=null,
        weights=pd.Series(weights, index=null.index),
        robust=robust,
    )
