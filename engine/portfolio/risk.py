"""How assets move together, from returns that are not all there."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from engine.errors import at_most
from engine.market.panel import check_panel
from engine.portfolio.results import Risk

Method = Literal["sample", "ledoit_wolf"]

#: An eigenvalue of a correlation matrix below this is rounding or a negative one.
SMALLEST_EIGENVALUE = 1e-10
#: A standard deviation of daily returns below this is a price that does not move.
NO_VARIATION = 1e-9


def estimate(returns: pd.DataFrame, method: Method, min_history: int) -> Risk:
    """Return the covariance of returns, with the assets too short for one held out.

    Parameters
    ----------
    returns : DataFrame of shape (T, N)
        A panel of simple returns per session. NaN where an asset had no new close; it
        is never taken as 0.
    method : {"sample", "ledoit_wolf"}
        Pairwise-complete sample covariance (ddof 1), or the same shrunk towards a
        constant correlation (`shrink`).
    min_history : int
        An asset with fewer returns is held out; so is, of two assets with fewer than
        half as many returns in common, the one with the shorter history.

    Returns
    -------
    Risk
        `observations` counts the returns of all N assets; the covariance covers those
        not held out, is symmetric and positive semidefinite (`nearest_psd`).

    Notes
    -----
    Daily returns of markets with different hours are asynchronous: at a New York close
    the last price of Seoul or Shanghai is half a day old, so news of one day reaches
    the two columns a row apart, and covariances between regions are understated (those
    within a region are not). No lead-lag correction is made; where an asset had no new
    close, its next return spans the gap and counts as one observation.
    """
    check_panel(returns, name="returns")
    names = list(returns.columns)
    values = returns.to_numpy(dtype=np.float64)
    seen = np.isfinite(values)
    kept, held_out = _with_history(values, seen, names, min_history)
    values, seen = values[:, kept], seen[:, kept]
    covariance = pairwise_covariance(values, seen)
    if method == "ledoit_wolf":
        covariance, _ = shrink(values, seen, covariance)
    chosen = [names[column] for column in kept]
    return Risk(
        covariance=pd.DataFrame(nearest_psd(covariance), index=chosen, columns=chosen),
        observations=pd.Series(
            np.isfinite(returns.to_numpy()).sum(axis=0), index=names, name="returns"
        ),
        held_out=held_out,
    )


def pairwise_covariance(values: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Return each pair's sample covariance over the rows that both have.

    `values` and the mask `seen` have shape (T, n), the result (n, n), ddof 1, equal to
    ``pandas.DataFrame.cov``. NaN for a pair with fewer than two rows in common.
    """
    filled, mask = _centred(values, seen)
    common = mask.T @ mask
    sums = filled.T @ mask
    with np.errstate(invalid="ignore", divide="ignore"):
        covariance = (filled.T @ filled - sums * sums.T / common) / (common - 1.0)
    covariance[common < 2] = np.nan
    return np.asarray((covariance + covariance.T) / 2.0)


def shrink(
    values: np.ndarray, seen: np.ndarray, sample: np.ndarray
) -> tuple[np.ndarray, float]:
    r"""Return the covariance shrunk to constant correlation, and the intensity.

    Parameters
    ----------
    values, seen : ndarray of shape (T, n)
        Returns and the mask of those that exist.
    sample : ndarray of shape (n, n)
        The covariance to shrink, here pairwise-complete with ddof 1.

    Notes
    -----
    .. math:: \hat\delta = \frac{\sum_{ij} \widehat{Var}(s_{ij}) -
              \widehat{Cov}(f_{ij}, s_{ij})}{\sum_{ij} (f_{ij} - s_{ij})^2}

    clipped to [0, 1], with :math:`f_{ij} = \bar r \sqrt{s_{ii} s_{jj}}`. Each moment
    is a mean over the rows that the pair has in common and its sampling variance falls
    with the number of those rows (that of s_ii with the rows of i), so on complete
    data this is the published estimator. Fewer than two assets, or a sample that is
    the target already, are not shrunk. Unlike PyPortfolioOpt, a missing return is left
    out of the moments, not counted as 0.

    References
    ----------
    Ledoit and Wolf (2004), Journal of Portfolio Management 30(4).
    """
    n = sample.shape[0]
    if n < 2:
        return sample, 0.0
    x, mask = _centred(values, seen)
    common = mask.T @ mask
    variance = np.diag(sample)
    sd = np.sqrt(variance)
    mean_correlation = ((sample / np.outer(sd, sd)).sum() - n) / (n * (n - 1))
    target = mean_correlation * np.outer(sd, sd)
    np.fill_diagonal(target, variance)
    distance = float(((target - sample) ** 2).sum())
    if distance <= (SMALLEST_EIGENVALUE * variance.sum()) ** 2:
        return sample, 0.0
    product = x.T @ x / common
    pi = (x**2).T @ (x**2) / common - 2.0 * product * sample + sample**2
    own_square = (x**2).T @ mask / common
    theta = (
        (x**3).T @ x / common
        - own_square * sample
        - product * variance[:, None]
        + variance[:, None] * sample
    )
    np.fill_diagonal(theta, 0.0)
    rows = np.diag(common)
    rho = (np.diag(pi) / rows).sum() + mean_correlation * (
        np.outer(1.0 / sd, sd) * theta / rows[:, None]
    ).sum()
    intensity = float(np.clip(((pi / common).sum() - rho) / distance, 0.0, 1.0))
    return intensity * target + (1.0 - intensity) * sample, intensity


def nearest_psd(covariance: np.ndarray) -> np.ndarray:
    """Return the matrix itself, or with the negative eigenvalues clipped.

    Eigenvalues of the correlation matrix below 1e-10 are raised to it and the diagonal
    is scaled back to 1 (Rousseeuw and Molenberghs 1993), which keeps every variance.
    A positive definite matrix comes back unchanged.
    """
    if covariance.size == 0:
        return covariance
    sd = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(sd, sd)
    eigenvalues, vectors = np.linalg.eigh(correlation)
    if eigenvalues[0] >= SMALLEST_EIGENVALUE:
        return covariance
    clipped = (vectors * np.maximum(eigenvalues, SMALLEST_EIGENVALUE)) @ vectors.T
    scale = sd / np.sqrt(np.diag(clipped))
    repaired = clipped * np.outer(scale, scale)
    return np.asarray((repaired + repaired.T) / 2.0)


def _with_history(
    values: np.ndarray, seen: np.ndarray, names: list[str], min_history: int
) -> tuple[list[int], dict[str, str]]:
    """Return the columns with enough returns, and why the others are held out."""
    counts = seen.sum(axis=0)
    deviations, _ = _centred(values, seen)
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
    common = seen.T.astype(np.int64) @ seen
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


def _centred(values: np.ndarray, seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return deviations from each column's mean, 0 where missing, and the mask."""
    mask = seen.astype(np.float64)
    filled = np.where(seen, values, 0.0)
    mean = filled.sum(axis=0) / np.maximum(mask.sum(axis=0), 1.0)
    return (filled - mean) * mask, mask
