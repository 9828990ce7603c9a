"""Hedge beta: a layer gains while a signal rises."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from engine.errors import nearest
from engine.evidence.claims.context import ClaimTest, Evidence, Span
from engine.evidence.claims.regression import hac_regression, no_error
from engine.evidence.claims.series import (
    FEWEST_CHANGES,
    How,
    changes,
    period_returns,
    series_name,
)
from engine.evidence.claims.sparse import from_slope
from engine.evidence.results import Measurement, Untestable
from engine.thesis.model import Claim


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """A layer or leg, the signal it hedges, and paths that are held constant."""

    layer: str
    role: str
    entity: str | None = None
    controls: tuple[str, ...] = ()
    change: How = "difference"


def measure(
    claim: Claim, params: Params, evidence: Evidence, span: Span
) -> Measurement | Untestable:
    r"""Return the layer's return per unit of the signal's change, in the same period.

    .. math:: r_t = a + \beta \, \Delta s_t + \sum_k \gamma_k c_{kt} + e_t

    A period runs from one value date of the signal to the next; returns compound over
    its home sessions. Newey-West error. The two move together: no cause is claimed.
    """
    if not evidence.members(params.layer):
        return Untestable(reason=f"no asset of {params.layer} has a price")
    for name in params.controls:
        if name not in evidence.returns:
            hint = nearest(name, evidence.returns)
            return Untestable(reason=f"no path is called {name!r}. {hint}".strip())
    moves = changes(evidence, params.role, params.entity, span, params.change)
    if isinstance(moves, Untestable):
        return moves
    rows = _periods(moves, params, evidence, span)
    if len(rows) < FEWEST_CHANGES:
        return Untestable(
            reason=f"{len(rows)} periods with a return of {params.layer} and a change "
            f"of {params.role} in this sample; {FEWEST_CHANGES} needed"
        )
    x = rows[["change", *params.controls]].to_numpy()
    n = len(rows)
    fit = hac_regression(rows["return"].to_numpy(), np.column_stack([x, np.ones(n)]))
    if fit is None or no_error(fit):
        return Untestable(
            reason=f"{params.role} or a control does not vary by itself in this sample"
        )
    name = series_name(evidence.market.signals, params.role)
    held = f", given {', '.join(params.controls)}" if params.controls else ""
    return from_slope(
        claim,
        fit,
        rows,
        day="value_date",
        home=evidence.home,
        unit="beta",
        summary=f"return of {params.layer} per unit of change of {name}{held}; {n} "
        "periods",
        notes=("same period, by value date: an association",),
    )


def _periods(
    moves: pd.DataFrame, params: Params, evidence: Evidence, span: Span
) -> pd.DataFrame:
    """Return the signal's changes with the returns of the same sessions."""
    home = evidence.home
    first, last = (
        home.searchsorted(pd.DatetimeIndex(moves[column]), "right") - 1
        for column in ("before", "value_date")
    )
    inside = (
        (moves["before"] >= span.first) & (moves["value_date"] < span.end)
    ).to_numpy()
    told = {
        "return": evidence.layer_returns[params.layer],
        **{name: evidence.returns[name].reindex(home) for name in params.controls},
    }
    found = {name: period_returns(one, first, last) for name, one in told.items()}
    return moves.assign(**found)[inside].dropna().reset_index(drop=True)


TEST = ClaimTest(
    name="hedge_beta",
    params=Params,
    measure=measure,
    help="return of a layer or leg per unit of a signal's change, same period",
    null="the layer's return has nothing to do with the signal's change in the same "
    "period, the controls given",
    holds="the slope is constant, and periods further apart than the lags of its "
    "error are unrelated",
)
