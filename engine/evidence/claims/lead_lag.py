"""Lead-lag: a signal moves first, and a layer or another signal follows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

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
    """The leading signal, and what follows it `lag` observations later."""

    role: str
    entity: str | None = None
    layer: str | None = None
    follower: str | None = None
    follower_entity: str | None = None
    lag: int = 1
    change: How = "difference"

    def __post_init__(self) -> None:
        if (self.layer is None) == (self.follower is None):
            raise ValueError("give either 'layer' or 'follower'")
        if self.lag < 1:
            raise ValueError("'lag' must be at least 1")


def measure(
    claim: Claim, params: Params, evidence: Evidence, span: Span
) -> Measurement | Untestable:
    r"""Return the slope of what follows on the signal's change.

    .. math:: y_{t+1..t+h} = a + b \, \Delta s_t + e

    A layer: its return from the first home close at which the change was known to the
    one at which the h-th observation after it was: nobody needs to know more. A signal:
    its change h observations later, by value date. Newey-West error with at least h - 1
    lags. A predictor that depends on past returns biases the slope in short samples
    (Stambaugh 1999, Journal of Financial Economics 54): not corrected.
    """
    if params.layer is not None and not evidence.members(params.layer):
        return Untestable(reason=f"no asset of {params.layer} has a price")
    moves = changes(evidence, params.role, params.entity, span, params.change)
    if isinstance(moves, Untestable):
        return moves
    rows = (
        _returns_after(moves, params.layer, params.lag, evidence, span)
        if params.layer is not None
        else _changes_after(moves, params, evidence, span)
    )
    if isinstance(rows, Untestable):
        return rows
    follower = params.layer or params.follower
    n = len(rows)
    if n < FEWEST_CHANGES:
        return Untestable(
            reason=f"{n} changes of {params.role} are followed by one of {follower} in "
            f"this sample; {FEWEST_CHANGES} needed"
        )
    fit = hac_regression(
        rows["after"].to_numpy(),
        np.column_stack([rows["change"], np.ones(n)]),
        least_lags=params.lag - 1,
    )
    if fit is None or no_error(fit):
        return Untestable(reason=f"{params.role} or {follower} does not vary")
    name = series_name(evidence.market.signals, params.role)
    return from_slope(
        claim,
        fit,
        rows,
        day="ends",
        home=evidence.home,
        unit="beta" if params.layer is not None else "slope",
        summary=f"{follower} after {name}, {params.lag} later; {n} observations",
        notes=("Stambaugh bias not corrected",),
    )


def _returns_after(
    moves: pd.DataFrame, layer: str, lag: int, evidence: Evidence, span: Span
) -> pd.DataFrame:
    """Return changes with the layer's return from known to known, `lag` later."""
    sessions = evidence.market.home.sessions
    home = evidence.home
    closes = sessions.close_utc[sessions.days.isin(home)]
    known = np.maximum.accumulate(moves["known_at"].to_numpy())
    first = np.searchsorted(closes, known, side="left")
    first = np.where(first < len(home), first, len(home))
    last = np.concatenate([first[lag:], np.full(min(lag, len(first)), len(home))])
    ends = home[np.minimum(last, len(home) - 1)]
    rows = moves.assign(
        after=period_returns(evidence.layer_returns[layer], first, last), ends=ends
    )
    inside = (known >= span.first.to_datetime64()) & (ends < span.end)
    kept: pd.DataFrame = rows[inside].dropna()
    return kept.reset_index(drop=True)


def _changes_after(
    moves: pd.DataFrame, params: Params, evidence: Evidence, span: Span
) -> pd.DataFrame | Untestable:
    """Return changes with the follower's change `lag` of its observations later."""
    follower = str(params.follower)
    after = changes(evidence, follower, params.follower_entity, span, params.change)
    if isinstance(after, Untestable):
        return after
    # the newest leader not dated after the follower's own date, `lag` changes back
    place = np.searchsorted(
        moves["value_date"].to_numpy(), after["value_date"].to_numpy(), side="right"
    )
    source = place - 1 - params.lag
    usable = source >= 0
    chosen = moves.iloc[source[usable]].reset_index(drop=True)
    followed = after[usable].reset_index(drop=True)
    return chosen.assign(after=followed["change"], ends=followed["value_date"])


TEST = ClaimTest(
    name="lead_lag",
    params=Params,
    measure=measure,
    help="what a layer or a signal does after another signal has moved",
    null="what follows has nothing to do with the signal's change before it",
    holds="the signal does not itself answer past returns: that bias is not corrected",
)
