"""Scores, risk and decisions as values, so that any weight can be explained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scorecard:
    """Scores of N assets by K factors at one moment.

    score : (N,) in [-1, 1]; 0 where withheld.
    contributions : (N, K) each factor's decayed, normalised value in [-1, 1] for the
        asset, NaN where it says nothing of it. The composite is their mean weighted by
        `factor_weights` over the factors present.
    coverage : (N,) share of factor weight present.
    withheld : (N,) True below the floor.
    absent : factor -> why it could not speak at all.
    """

    score: pd.Series
    contributions: pd.DataFrame
    coverage: pd.Series
    withheld: pd.Series
    factor_weights: pd.Series
    absent: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Risk:
    """Covariance of daily base-currency returns.

    covariance : (n, n) positive semidefinite, over the assets with enough history.
    observations : (N,) number of returns of each asset.
    held_out : asset -> why it has no estimate and is not bought.
    proxied : asset -> why another return stands in for its own.
    by_layer : whether the estimate knew the assets' layers.
    """

    covariance: pd.DataFrame
    observations: pd.Series
    held_out: Mapping[str, str] = field(default_factory=dict)
    proxied: Mapping[str, str] = field(default_factory=dict)
    by_layer: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Decision:
    """What was decided at one home close, and from what.

    `weights` are targets of shape (N,) over all assets (0 = none), `cash` the rest, of
    which the trades are expected to cost `costs`: all shares of net asset value at the
    decision.
    `status` is the solver's word, `notes` what a reader must know (a leg without
    tradeable members, an asset held out or fixed). `objective` is what was maximised;
    `alpha` is NaN for an asset without a risk estimate.

    solver : what computed the weights ("none" for a closed form). residual : how far
        they are from optimal (`engine.portfolio.solution.Solution`), NaN for a closed
        form. fallback : why an earlier way was not taken, "" where the first one was.
    prices : shadow prices: what the objective, over one rebalance period, would gain
        per unit of each limit that binds, by setting ("portfolio.cash minimum",
        "portfolio.max_weight (NVDA)"). None for closed forms, whole numbers, ratios.
    slacks : setting -> by how much it was widened, only with ``portfolio.relax``.
    unplaced : assets that get no order, because minimum charges would make it too dear:
        the ledger leaves them alone, whatever their prices do until the others fill.
    """

    session: pd.Timestamp
    moment: np.datetime64
    weights: pd.Series
    cash: float
    scorecard: Scorecard
    alpha: pd.Series
    status: str
    objective: float
    costs: float = 0.0
    notes: tuple[str, ...] = ()
    solver: str = ""
    residual: float = float("nan")
    fallback: str = ""
    prices: Mapping[str, float] = field(default_factory=dict)
    slacks: Mapping[str, float] = field(default_factory=dict)
    unplaced: tuple[str, ...] = ()
