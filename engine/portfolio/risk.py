"""How assets move together, from returns that are not all there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from engine.errors import at_most
from engine.market.panel import check_panel
from engine.portfolio.covariance import (
    centred,
    exponential_covariance,
    layer_factor_covariance,
    layer_means,
    pairwise_covariance,
    shrink,
    shrink_to_identity,
    with_lags,
)
from engine.portfolio.results import Risk

Method = Literal["sample", "exponential", "ledoit_wolf", "oas", "layer_factors"]

#: An eigenvalue of a correlation matrix below this is rounding or a negative one.
SMALLEST_EIGENVALUE = 1e-10
#: A standard deviation of daily returns below this is a price that does not move.
NO_VARIATION = 1e-9
#: Higham's projections end when the matrix moves by less, or after so many.
_STILL, _PROJECTIONS = 1e-9, 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a covariance is estimated, beside the method.

    half_life : sessions after which a return counts half ("exponential").
    overlap : sessions over which news may reach markets with other hours; 1 = one.
    short_history : what an asset with too few returns gets: "hold_out" or "proxy".
    layer_of, market_of : what the assets belong to; an asset without a layer has a
        layer of its own, and without markets all assets trade in different ones.
    """

    half_life: float = 63.0
    overlap: int = 1
    short_history: Literal["hold_out", "proxy"] = "hold_out"
    layer_of: Mapping[str, str] | None = None
    market_of: Mapping[str, str] | None = None


def estimate(
    returns: pd.DataFrame,
    method: Method,
    min_history: int,
    options: Options | None = None,
) -> Risk:
    """Return the covariance of returns, with the assets too short for one held out.

    Parameters
    ----------
    returns : DataFrame of shape (T, N)
        A panel of simple returns per session. NaN where an asset had no new close; it
        is never taken as 0.
    method : str
        "sample": pairwise-complete covariance (ddof 1). "exponential": the same with
        weights that halve. "ledoit_wolf": the sample shrunk towards a constant
        correlation (`shrink`). "oas": towards equal variances (`shrink_to_identity`).
        "layer_factors": one factor per layer (`layer_factor_covariance`).
    min_history : int
        An asset with fewer returns is held out, or gets a proxy; so is held out, of two
        assets with fewer than half as many returns in common, the one with the shorter
        history.
    options : Options, optional

    Returns
    -------
    Risk
        `observations` counts the returns of all N assets; the covariance covers those
        not held out, is symmetric and positive semidefinite (`nearest_psd`).

    Notes
    -----
    A *proxy* is the mean return of the asset's layer, over the members with enough
    history, and independent noise that lifts its variance to the mean of theirs: the
    asset's own few returns are not used. Without such a member it is held out.

    Daily returns of markets with different hours are asynchronous: at a New York close
    the last price of Seoul or Shanghai is half a day old, so news of one day reaches
    the two columns a row apart, and covariances between regions are understated (those
    within a region are not). ``overlap=2`` adds what arrives a session later
    (`with_lags`). Where an asset had no new close, its next return spans the gap and
    counts as one observation.
    """
    check_panel(returns, name="returns")
    options = options or Options()
    names = list(returns.columns)
    values = returns.to_numpy(dtype=np.float64)
    seen = np.isfinite(values)
    counts = seen.sum(axis=0)
    kept, held_out = _with_history(values, seen, names, min_history)
    proxied: dict[str, str] = {}
    extra = np.zeros(len(names))
    if options.short_history == "proxy":
        values, extra, proxied = _with_proxies(
            values, kept, held_out, names, _labels(names, options.layer_of)
        )
        seen = np.isfinite(values)
        held_out = {name: held_out[name] for name in held_out if name not in proxied}
        kept = [place for place, name in enumerate(names) if name not in held_out]
    chosen = [names[column] for column in kept]
    if len(kept) < len(names):
        values, seen = values[:, kept], seen[:, kept]
    covariance = _covariance(values, seen, chosen, method, options)
    covariance = nearest_psd(covariance + np.diag(extra[kept]))
    columns = returns.columns  # an index of strings is slow to make
    labels = columns if len(kept) == len(names) else columns[kept]
    return Risk(
        covariance=pd.DataFrame(covariance, index=labels, columns=labels),
        observations=pd.Series(counts, index=columns, name="returns"),
        held_out=held_out,
        proxied=proxied,
        by_layer=options.layer_of is not None,
    )


def _covariance(
    values: np.ndarray,
    seen: np.ndarray,
    names: Sequence[str],
    method: Method,
    options: Options,
) -> np.ndarray:
    """Return the estimate of one method, shape (n, n)."""
    if not names:
        return np.zeros((0, 0))
    if method == "exponential":
        sample = exponential_covariance(values, seen, options.half_life)
    else:
        sample = pairwise_covariance(values, seen)
    if method == "layer_factors":
        groups = _labels(names, options.layer_of)
        sample = layer_factor_covariance(values, seen, groups, sample)
    if options.overlap > 1:
        markets = _labels(names, options.market_of)
        apart = markets[:, None] != markets[None, :]
        sample = with_lags(sample, values, seen, options.overlap, apart)
    if method == "ledoit_wolf":
        return shrink(values, seen, sample)[0]
    if method == "oas":
        mask = seen.astype(np.float64)
        return shrink_to_identity(sample, float((mask.T @ mask).mean()))[0]
    return sample


def _labels(names: Sequence[str], of: Mapping[str, str] | None) -> np.ndarray:
    """Return what each asset belongs to, its own name where nothing is known."""
    return np.array([(of or {}).get(name, name) for name in names], dtype=str)


def _with_proxies(
    values: np.ndarray,
    kept: Sequence[int],
    held_out: Mapping[str, str],
    names: Sequence[str],
    layers: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, dict[str, str]]:
    """Return (T, N) returns with layer means for short histories.

    Also what their variances lack, (N,), and the reason for each proxy.
    """
    filled, extra = values.copy(), np.zeros(len(names))
    proxied: dict[str, str] = {}
    known = list(kept)
    for place, name in enumerate(names):
        members = [one for one in known if layers[one] == layers[place]]
        if name not in held_out or not members or "variation" in held_out[name]:
            continue
        member_values = values[:, members]
        member_seen = np.isfinite(member_values)
        one_group = np.zeros(len(members), dtype=np.int64)
        filled[:, place] = layer_means(member_values, member_seen, one_group)[0][:, 0]
        own = np.diag(pairwise_covariance(member_values, member_seen)).mean()
        extra[place] = max(own - np.nanvar(filled[:, place], ddof=1), 0.0)
        proxied[name] = f"{held_out[name]}; the mean of {layers[place]} stands in"
    return filled, extra, proxied


def nearest_psd(covariance: np.ndarray) -> np.ndarray:
    """Return the matrix itself, or the nearest that is positive semidefinite.

    Nearest in the correlation (Frobenius norm) with every variance kept: Higham's
    alternating projections on matrices without negative eigenvalues and on those with
    a diagonal of 1, with Dykstra's correction. A matrix whose correlation has no
    eigenvalue below 1e-10 comes back unchanged.

    References
    ----------
    Higham (2002), IMA Journal of Numerical Analysis 22(3).
    """
    if covariance.size == 0:
        return covariance
    sd = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(sd, sd)
    if _is_positive(correlation):
        return covariance
    repaired = _clipped(nearest_correlation(correlation)) * np.outer(sd, sd)
    return np.asarray((repaired + repaired.T) / 2.0)


def nearest_correlation(matrix: np.ndarray) -> np.ndarray:
    """Return the correlation matrix nearest to a symmetric one (Higham 2002)."""
    nearest, correction = matrix, np.zeros_like(matrix)
    for _ in range(_PROJECTIONS):
        shifted = nearest - correction
        eigenvalues, vectors = np.linalg.eigh(shifted)
        positive = (vectors * np.maximum(eigenvalues, 0.0)) @ vectors.T
        correction = positive - shifted
        before, nearest = nearest, positive.copy()
        np.fill_diagonal(nearest, 1.0)
        if np.abs(nearest - before).max() < _STILL:
            break
    return np.asarray((nearest + nearest.T) / 2.0)


def _is_positive(correlation: np.ndarray) -> bool:
    """Whether no eigenvalue is below 1e-10: by Cholesky, a tenth of the time."""
    try:
        np.linalg.cholesky(correlation - SMALLEST_EIGENVALUE * np.eye(len(correlation)))
    except np.linalg.LinAlgError:
        return False
    return True


def _clipped(correlation: np.ndarray) -> np.ndarray:
    """Return a correlation with eigenvalues of at least 1e-10, its diagonal 1."""
    eigenvalues, vectors = np.linalg.eigh(correlation)
    clipped = (vectors * np.maximum(eigenvalues, SMALLEST_EIGENVALUE)) @ vectors.T
    scale = 1.0 / np.sqrt(np.diag(clipped))
    return np.asarray(clipped * np.outer(scale, scale))


def _with_history(
    values: np.ndarray, seen: np.ndarray, names: list[str], min_history: int
) -> tuple[list[int], dict[str, str]]:
    """Return the columns with enough returns, and why the others are held out."""
    counts = seen.sum(axis=0)
    deviations, _ = centred(values, seen)
    spread = np.sqrt((deviations**2).sum(axis=0) / np.maximum(counts, 1))
    held_out: dict[str, str] = {}
    kept = []
    for column, name in enumerate(names):
        if counts[column] < min_history:
            held_out[name] = f"{counts[column]} of {min_history} returns"
        elif spread[column] <= NO_VARIATION:
            held_out[name] = f"{counts[column]} returns without variation"
        else:
            kept.append(column)
    least = max(2, min_history // 2)
    if min(counts, default=0) == len(values):  # complete: every pair has all rows
        return kept, held_out
    mask = seen.astype(np.float64)  # whole numbers have no fast matrix product
    common = mask.T @ mask
    while len(kept) > 1:
        short = common[np.ix_(kept, kept)] < least
        if not short.any():
            break
        lonely = [column for row, column in enumerate(kept) if short[row].any()]
        out = min(lonely, key=lambda column: (counts[column], names[column]))
        others = [names[c] for c in kept if c != out and common[out, c] < least]
        held_out[names[out]] = (
            f"fewer than {least} returns in common with {at_most(others)}"
        )
        kept.remove(out)
    return kept, held_out
