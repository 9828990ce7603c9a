"""Layer spread: one layer out-earns another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.evidence.claims.context import (
    FEWEST_RETURNS,
    ClaimTest,
    Evidence,
    Span,
)
from engine.evidence.claims.statistics import from_t
from engine.evidence.inference import newey_west_lags, newey_west_mean
from engine.evidence.results import Measurement, Untestable
from engine.thesis.model import Claim


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """Layers, legs or baskets: the spread is `long` minus `short`."""

    long: str
    short: str


def measure(
    claim: Claim, params: Params, evidence: Evidence, span: Span
) -> Measurement | Untestable:
    r"""Return the mean daily spread, annualised by multiplication.

    Equal-weight baskets in the base currency, marked at each home close. The standard
    error is Newey and West's (1987) with :math:`\lfloor 4 (T/100)^{2/9} \rfloor` lags;
    p from Student's t on T - 1 degrees of freedom. Gross of costs: a claim about
    layers, not about a portfolio.
    """
    apart = evidence.sides(params.long, params.short)
    if apart is not None:
        return apart
    spread = evidence.layer_returns[params.long] - evidence.layer_returns[params.short]
    daily = span.cut(spread).dropna()
    if len(daily) < FEWEST_RETURNS:
        return Untestable(
            reason=f"{len(daily)} daily returns of {params.long} minus {params.short} "
            f"in this sample; {FEWEST_RETURNS} needed"
        )
    per_year = evidence.sessions_per_year
    lags = newey_west_lags(len(daily))
    mean, se = newey_west_mean(daily.to_numpy(), lags)
    weights = np.full(len(daily), per_year / len(daily))
    return from_t(
        claim,
        estimate=mean * per_year,
        se=se * per_year,
        df=len(daily) - 1,
        n=len(daily),
        unit="return per year",
        summary=f"{params.long} minus {params.short}, {len(daily)} daily returns",
        assumptions=(
            "equal-weight baskets, gross of costs",
            f"Newey-West standard error, {lags} lags",
        ),
        rows=daily.rename("spread").to_frame(),
        null=daily - mean,
        weights=weights,
    )


TEST = ClaimTest(
    name="layer_spread",
    params=Params,
    measure=measure,
    help="mean return of one layer or leg minus another",
    null="both layers earn the same on average",
    holds="the mean is constant over the sample, and days further apart than the "
    "lags of its error are unrelated",
)
