"""Trend: a signal rises, by so much a year."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.evidence.claims.context import ClaimTest, Evidence, Span
from engine.evidence.claims.regression import equivalent_df
from engine.evidence.claims.series import (
    How,
    changes,
    few,
    on_sessions,
    series_name,
    years,
)
from engine.evidence.claims.statistics import from_t
from engine.evidence.inference import newey_west_lags, newey_west_mean
from engine.evidence.results import Measurement, Untestable
from engine.thesis.model import Claim


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """A signal; `change` "log" measures growth instead of difference.

    `concentration`: the sum of the squared values of all entities instead of one.
    """

    role: str
    entity: str | None = None
    change: How = "difference"
    concentration: bool = False

    def __post_init__(self) -> None:
        if self.concentration and self.entity is not None:
            raise ValueError("'concentration' is of all entities; leave out 'entity'")


def measure(
    claim: Claim, params: Params, evidence: Evidence, span: Span
) -> Measurement | Untestable:
    r"""Return the signal's mean change per year.

    .. math:: g = \sum \Delta s_t / \sum \Delta t

    with the Newey-West error of the sum of :math:`\Delta s_t - g \Delta t_t`. Changes
    are tested, not a line through levels, whose residuals wander: a random walk without
    drift then passes for a trend (Granger and Newbold 1974, Journal of Econometrics 2).
    Where the signal does return to a line, the error is too large, never too small.
    """
    rows = changes(
        evidence,
        params.role,
        params.entity,
        span,
        params.change,
        concentration=params.concentration,
    )
    if isinstance(rows, Untestable):
        return rows
    moved, length = rows["change"].to_numpy(), years(rows)
    slope = float(moved.sum() / length.sum())
    deviations = moved - slope * length
    n = len(rows)
    lags = newey_west_lags(n)
    error = newey_west_mean(deviations, lags)[1] * n * np.sqrt(n / (n - 1))
    se = float(error / length.sum())
    name = series_name(evidence.market.signals, params.role)
    name = f"concentration of {name}" if params.concentration else name
    if not se > 1e-12 * max(abs(slope), 1e-300):
        return Untestable(
            reason=f"{name} does not move, or always alike: no error can be told"
        )
    null, weights = on_sessions(
        deviations, rows["value_date"].to_numpy(), evidence.home, 1.0 / length.sum()
    )
    of = f" of {params.entity}" if params.entity else ""
    return from_t(
        claim,
        estimate=slope,
        se=se,
        df=equivalent_df(n, 1, lags),
        n=n,
        unit="log points per year" if params.change == "log" else "per year",
        summary=f"mean change of {name}{of} per year, {n} changes",
        assumptions=(
            "drift of a series in differences",
            f"Newey-West standard error, {lags} lags",
            *few(n),
        ),
        rows=rows,
        null=null,
        weights=weights,
    )


TEST = ClaimTest(
    name="trend",
    params=Params,
    measure=measure,
    help="mean change of a signal per year",
    null="the signal has no drift: its mean change is zero",
    holds="changes further apart than the lags of its error are unrelated",
)
