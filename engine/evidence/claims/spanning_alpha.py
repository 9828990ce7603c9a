"""Spanning alpha: a path earns what a mix of others would not have."""

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
from engine.evidence.claims.regression import hac_regression, lag_note, no_error
from engine.evidence.claims.statistics import from_t
from engine.evidence.results import Measurement, Untestable
from engine.thesis.model import Claim


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """Path `a`, and the paths `against` that are to span it."""

    a: str
    against: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.against:
            raise ValueError("'against' is empty; name at least one path")
        if self.a in self.against:
            raise ValueError(f"'against' names {self.a!r} itself; take it out")


def measure(
    claim: Claim, params: Params, evidence: Evidence, span: Span
) -> Measurement | Untestable:
    r"""Return the annualised intercept of the spanning regression, net of costs.

    .. math:: r_a - r_f = \alpha + \sum_k \beta_k (r_k - r_f) + e

    (Jensen 1968, Journal of Finance 23; spanning: Huberman and Kandel 1987, Journal of
    Finance 42.) Alpha times the sessions of a year; Newey-West error.
    """
    rows = _together([params.a, *params.against], evidence, span)
    if isinstance(rows, Untestable):
        return rows
    per_year = evidence.sessions_per_year
    excess = rows.to_numpy() - (
        (1.0 + evidence.thesis.about.risk_free) ** (1 / per_year) - 1
    )
    n = len(rows)
    fit = hac_regression(excess[:, 0], np.column_stack([np.ones(n), excess[:, 1:]]))
    spanned = ", ".join(params.against)
    if fit is None or no_error(fit) or _exact(fit.residuals, excess[:, 0]):
        return Untestable(
            reason=f"{params.a} is a mix of {spanned}, or these are one path: no "
            "intercept can be told"
        )
    betas = ", ".join(
        f"{beta:.2f} {name}"
        for beta, name in zip(fit.coefficients[1:], params.against, strict=True)
    )
    return from_t(
        claim,
        estimate=float(fit.coefficients[0]) * per_year,
        se=float(fit.se[0]) * per_year,
        df=fit.df,
        n=n,
        unit="return per year",
        summary=f"alpha of {params.a} over {betas}; {n} daily returns",
        assumptions=("net of costs", "constant betas", lag_note(fit)),
        rows=rows,
        null=pd.Series(fit.influence[:, 0], index=rows.index),
        weights=np.full(n, per_year / n),
    )


def _together(
    names: list[str], evidence: Evidence, span: Span
) -> pd.DataFrame | Untestable:
    """Return the paths' returns on the sessions of the span that all of them have."""
    for name in names:
        if name not in evidence.returns:
            hint = nearest(name, evidence.returns)
            return Untestable(reason=f"no path is called {name!r}. {hint}".strip())
    cut = [span.cut(evidence.returns[name]) for name in names]
    rows = pd.concat(cut, axis=1, join="inner", keys=names).dropna()
    if len(rows) < FEWEST_RETURNS:
        return Untestable(
            reason=f"{len(rows)} daily returns in this sample; {FEWEST_RETURNS} needed"
        )
    return rows


def _exact(residuals: np.ndarray, y: np.ndarray) -> bool:
    """Return whether the regression leaves rounding alone."""
    return bool(np.abs(residuals).max() <= 1e-12 * max(np.abs(y).max(), 1e-300))


TEST = ClaimTest(
    name="spanning_alpha",
    params=Params,
    measure=measure,
    help="what a path earns beyond the best fitting mix of others, net of costs",
    null="the path earns what the best mix of the others earns: alpha is zero",
    holds="betas are constant over the sample, and days further apart than the lags "
    "of its error are unrelated",
    of_portfolio=True,
)
