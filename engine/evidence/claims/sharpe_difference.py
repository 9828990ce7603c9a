"""Sharpe difference: one path is better paid for its risk than another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from engine.errors import nearest
from engine.evidence.claims.context import (
    FEWEST_RETURNS,
    ClaimTest,
    Evidence,
    Span,
)
from engine.evidence.claims.statistics import from_t
from engine.evidence.inference import sharpe_difference
from engine.evidence.results import Measurement, Untestable
from engine.thesis.model import Claim


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """Two paths.

    "barbell", "<leg> alone", "equal weight", "inverse volatility", "anti-thesis", or a
    benchmark.
    """

    a: str
    b: str


def measure(
    claim: Claim, params: Params, evidence: Evidence, span: Span
) -> Measurement | Untestable:
    """Return the difference of annualised Sharpe ratios, `a` minus `b`, net of costs.

    The standard error is the delta method with a HAC covariance of the moments
    (Ledoit and Wolf 2008, Journal of Empirical Finance 15); p two-sided, normal.
    """
    for name in (params.a, params.b):
        if name not in evidence.returns:
            hint = nearest(name, evidence.returns)
            return Untestable(reason=f"no path is called {name!r}. {hint}".strip())
    both = pd.concat(
        [span.cut(evidence.returns[params.a]), span.cut(evidence.returns[params.b])],
        axis=1,
        join="inner",
    ).dropna()
    if len(both) < FEWEST_RETURNS:
        return Untestable(
            reason=f"{len(both)} daily returns in this sample; {FEWEST_RETURNS} needed"
        )
    per_year = evidence.sessions_per_year
    per_period = (1.0 + evidence.thesis.about.risk_free) ** (1 / per_year) - 1
    found = sharpe_difference(
        both.iloc[:, 0].to_numpy() - per_period,
        both.iloc[:, 1].to_numpy() - per_period,
    )
    if not found.se > 0:
        return Untestable(reason=f"{params.a} and {params.b} earned the same each day")
    scale = float(np.sqrt(per_year))
    n = len(both)
    return from_t(
        claim,
        estimate=found.estimate * scale,
        se=found.se * scale,
        df=float("inf"),
        n=n,
        unit="Sharpe ratio",
        summary=f"Sharpe ratio of {params.a} minus {params.b}, {n} daily returns",
        assumptions=("net of costs", "HAC delta method, normal p"),
        rows=both.set_axis([params.a, params.b], axis=1),
        null=pd.Series(found.influence, index=both.index),
        weights=np.full(n, scale / n),
    )


TEST = ClaimTest(
    name="sharpe_difference",
    params=Params,
    measure=measure,
    help="annualised Sharpe ratio of one path minus another, net of costs",
    null="both paths have the same Sharpe ratio",
    holds="the sample is long, for p is normal, and days further apart than the lags "
    "of its error are unrelated",
    of_portfolio=True,
)
