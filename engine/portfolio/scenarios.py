"""What objectives and limits need of past returns, beside their covariance."""

from __future__ import annotations

import numpy as np
import pandas as pd

from engine.errors import DataError, at_most
from engine.market.calendar import calendar_of
from engine.market.market import Known
from engine.portfolio.constraints import NOTHING, Limits
from engine.portfolio.covariance import (
    lagged_covariance,
    pairwise_covariance,
)
from engine.thesis.model import Portfolio


def scenarios(
    known: Known, names: pd.Index, rules: Portfolio, limits: Limits
) -> np.ndarray:
    """Return past sessions as equally likely returns of one session, shape (T, N).

    Those of the risk window on which every asset that may be bought has a return. What
    cannot be bought but is held takes part with its own returns and, where one is
    missing, with the mean of the others' that session; what is neither is 0. Raises
    `DataError` where so few sessions are left that the tail is less than one.
    """
    returns = known.home.returns(last=rules.window).reindex(columns=names)
    values = returns.to_numpy(np.float64)
    seen = np.isfinite(values)
    wanted = limits.may_buy & (limits.cap > 0.0)
    if not wanted.any():  # nothing to choose: nothing to measure
        return np.zeros((1, len(names)))
    complete = seen[:, wanted].all(axis=1)
    needed = int(np.ceil(1.0 / (1.0 - rules.cvar_level) - 1e-9))
    if complete.sum() < needed:
        short = names[wanted][np.argsort(seen[:, wanted].sum(axis=0))[:3]]
        raise DataError(
            f"{known.home.sessions.days[-1].date()}: only {complete.sum()} sessions of "
            f"the last {rules.window} have a return of every asset, and a tail of the "
            f"worst {1.0 - rules.cvar_level:.3g} needs {needed}; raise min_history "
            f"(the shortest: {at_most(short)}) or lower cvar_level"
        )
    values, seen = values[complete], seen[complete]
    others = np.where(seen, values, 0.0).sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
    taken = wanted | (np.abs(limits.held) > NOTHING)
    return np.where(taken, np.where(seen, values, others[:, None]), 0.0)


def betas(
    known: Known, names: pd.Index, benchmark: str, rules: Portfolio
) -> np.ndarray:
    """Return each asset's slope on the benchmark's returns, shape (N,), NaN unknown.

    Over the risk window, by pairs of returns; with ``overlap`` above 1, an asset of
    another market counts the benchmark's neighbouring sessions too (Dimson 1979).
    Raises `DataError` where the benchmark has no variance to measure with.
    """
    returns = known.home.returns(last=rules.window)
    if benchmark not in returns or returns[benchmark].count() < rules.min_history:
        raise DataError(
            f"portfolio.beta: the benchmark {benchmark} has fewer than "
            f"{rules.min_history} returns at {known.home.sessions.days[-1].date()}; "
            "name another benchmark first, or leave the limit out"
        )
    values = returns.reindex(columns=[*names, benchmark]).to_numpy(np.float64)
    seen = np.isfinite(values)
    covariance = pairwise_covariance(values, seen)[:, -1]
    home = calendar_of(known.lines[benchmark].mic) if benchmark in known.lines else ""
    apart = np.array(
        [
            name not in known.lines or calendar_of(known.lines[name].mic) != home
            for name in names
        ]
    )
    for lag in range(1, rules.overlap):
        lagged = lagged_covariance(values, seen, lag)
        covariance[:-1] += np.where(apart, lagged[:-1, -1] + lagged[-1, :-1], 0.0)
    return np.asarray(covariance[:-1] / covariance[-1])
