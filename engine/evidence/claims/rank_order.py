"""Rank order: layers come out in the order that the thesis gives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from engine.evidence.claims.context import (
    ClaimTest,
    Evidence,
    Span,
)
from engine.evidence.claims.series import (
    FEWEST_CHANGES,
    by_entity,
    observations,
    series_name,
)
from engine.evidence.claims.sparse import from_mean
from engine.evidence.results import Measurement, Untestable
from engine.thesis.model import Claim


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """Layers or legs, the highest first, ranked by return over blocks of sessions.

    With `role`, by the values of that signal instead, whose entities are the layers.
    """

    layers: tuple[str, ...]
    sessions: int = 5
    role: str | None = None

    def __post_init__(self) -> None:
        if len(set(self.layers)) != len(self.layers) or len(self.layers) < 2:
            raise ValueError("'layers' needs at least two different layers")
        if self.sessions < 1:
            raise ValueError("'sessions' must be at least 1")


def measure(
    claim: Claim, params: Params, evidence: Evidence, span: Span
) -> Measurement | Untestable:
    r"""Return the mean rank correlation of the expected order with each block's order.

    Spearman's, one per block of sessions (or per date of the signal), as in Page's test
    for ordered alternatives (1963, Journal of the American Statistical Association 58),
    but with a Newey-West error over blocks, because blocks may depend on each other.
    It counts how often one layer beats another, not by how much.
    """
    table = (
        _returns(params, evidence, span)
        if params.role is None
        else _values(params.role, params.layers, evidence, span)
    )
    if isinstance(table, Untestable):
        return table
    found = rank_correlations(table.to_numpy())
    measured = from_mean(
        claim,
        found,
        table.assign(rank_correlation=found),
        days=pd.DatetimeIndex(table.index).to_numpy(),
        home=evidence.home,
        unit="rank correlation",
        summary=_told(params, table, evidence),
        notes=("counts wins, not their size",),
    )
    return measured or Untestable(
        reason="every block has the same order: no error can be told; look at the "
        "values themselves"
    )


def _told(params: Params, table: pd.DataFrame, evidence: Evidence) -> str:
    """Return what was ordered, and by what."""
    what = f"{params.sessions}-session return"
    if params.role is not None:
        what = series_name(evidence.market.signals, params.role)
    means = ", ".join(f"{name} {table[name].mean():.4g}" for name in params.layers)
    names = ", ".join(params.layers)
    return f"order of {names} by {what}, {len(table)} blocks; means: {means}"


def rank_correlations(values: np.ndarray) -> np.ndarray:
    """Return each row's Spearman correlation with the order n, n - 1, ..., 1.

    Shape (T, n) in, (T,) out; ties share their mean rank, a row of ties gives 0.
    """
    smaller = (values[:, :, None] > values[:, None, :]).sum(axis=2)
    ties = (values[:, :, None] == values[:, None, :]).sum(axis=2)
    ranks = smaller + (ties - 1) / 2.0
    centred = ranks - ranks.mean(axis=1, keepdims=True)
    expected = np.arange(values.shape[1])[::-1] - (values.shape[1] - 1) / 2.0
    size = np.sqrt((centred**2).sum(axis=1) * (expected @ expected))
    return np.asarray(centred @ expected / np.where(size > 0, size, 1.0))


def _returns(
    params: Params, evidence: Evidence, span: Span
) -> pd.DataFrame | Untestable:
    """Return compounded returns of the layers by whole block of sessions."""
    apart = evidence.sides(*params.layers)
    if apart is not None:
        return apart
    daily = evidence.layer_returns[list(params.layers)]
    inside = daily[(daily.index >= span.first) & (daily.index < span.end)].dropna()
    blocks = len(inside) // params.sessions
    if blocks < FEWEST_CHANGES:
        return Untestable(
            reason=f"{blocks} blocks of {params.sessions} sessions in this sample; "
            f"{FEWEST_CHANGES} needed"
        )
    kept = inside.iloc[: blocks * params.sessions]
    growth = np.log1p(kept.to_numpy()).reshape(blocks, params.sessions, -1).sum(axis=1)
    return pd.DataFrame(
        np.expm1(growth),
        index=kept.index[params.sessions - 1 :: params.sessions],
        columns=list(params.layers),
    )


def _values(
    role: str, layers: tuple[str, ...], evidence: Evidence, span: Span
) -> pd.DataFrame | Untestable:
    """Return the signal's values by date, on dates that have one of every layer."""
    signals = evidence.market.signals
    known = observations(signals, role, span)
    absent = [name for name in layers if name not in set(known["entity"])]
    if absent:
        return Untestable(
            reason=f"no observation of {series_name(signals, role)} of "
            f"{', '.join(absent)}"
        )
    whole = by_entity(known)[list(layers)].dropna()
    if len(whole) < FEWEST_CHANGES:
        return Untestable(
            reason=f"{len(whole)} dates with {role} of every layer in this sample; "
            f"{FEWEST_CHANGES} needed"
        )
    return whole


TEST = ClaimTest(
    name="rank_order",
    params=Params,
    measure=measure,
    help="mean rank correlation of layers with the order that is expected",
    null="the layers come in any order: the mean rank correlation is zero",
    holds="blocks further apart than the lags of its error are unrelated",
)
