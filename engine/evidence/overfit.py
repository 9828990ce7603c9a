"""How much of a good result is the search for it: deflated Sharpe ratio, PBO."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

Array = npt.NDArray[np.float64]


def expected_maximum(trials: int) -> float:
    r"""Return the expected maximum of `trials` independent standard normal values.

    :math:`(1 - \gamma) \Phi^{-1}(1 - 1/N) + \gamma \Phi^{-1}(1 - 1/(N e))` with Euler's
    constant; zero for one trial. Raises ValueError below one.

    References
    ----------
    Bailey and Lopez de Prado (2014), Journal of Portfolio Management 40.
    """
    if trials < 1:
        raise ValueError(f"{trials} trials: at least one was made")
    if trials == 1:
        return 0.0
    first, second = ndtri(1.0 - 1.0 / trials), ndtri(1.0 - 1.0 / (trials * np.e))
    return float((1.0 - np.euler_gamma) * first + np.euler_gamma * second)


def sharpe_shape(ratio: float, skewness: float, kurtosis: float) -> float:
    r"""Return :math:`1 - \gamma_3 SR + (\gamma_4 - 1) SR^2 / 4`, kurtosis 3 if normal.

    The variance of a Sharpe ratio per period, times the number of periods less one.
    """
    return 1.0 - skewness * ratio + (kurtosis - 1.0) / 4.0 * ratio**2


def deflated_sharpe(
    ratio: float,
    periods: int,
    *,
    skewness: float,
    kurtosis: float,
    trials: int,
    variance: float,
) -> float:
    """Return the probability that the best of several paths has a true ratio above 0.

    Parameters
    ----------
    ratio : float
        Sharpe ratio of the path that was chosen, per period.
    periods : int
        Returns that it was measured on.
    skewness, kurtosis : float
        Of these returns; the kurtosis of a normal is 3.
    trials : int
        Independent paths that were tried. One leaves the probabilistic Sharpe ratio.
    variance : float
        Of the Sharpe ratios of the trials, per period.

    References
    ----------
    Bailey and Lopez de Prado (2014), Journal of Portfolio Management 40.
    """
    threshold = np.sqrt(variance) * expected_maximum(trials)
    shape = sharpe_shape(ratio, skewness, kurtosis)
    return float(ndtr((ratio - threshold) * np.sqrt((periods - 1) / shape)))


def minimum_track_record(
    ratio: float,
    threshold: float = 0.0,
    *,
    skewness: float = 0.0,
    kurtosis: float = 3.0,
    confidence: float = 0.95,
) -> float:
    """Return how many returns show that a Sharpe ratio exceeds a threshold.

    Both per period. Infinite where it does not. Bailey and Lopez de Prado (2012),
    Journal of Risk 15.
    """
    if not ratio > threshold:
        return float("inf")
    distance = float(ndtri(confidence)) / (ratio - threshold)
    return 1.0 + sharpe_shape(ratio, skewness, kurtosis) * distance**2


def overfitting_probability(returns: Array, blocks: int) -> float:
    """Return the probability of backtest overfitting (PBO) of a grid of paths.

    The rows of `returns`, (T, N), are cut into `blocks` equal parts, in order; what
    does not divide is left out at the end. For every choice of half of them: the
    path with the best Sharpe ratio there, ranked among all in the other half. PBO
    is how often it comes out in the lower half, the median included. NaN for fewer
    than two paths.

    Raises ValueError for an odd number of blocks, or fewer than two rows in one.

    References
    ----------
    Bailey, Borwein, Lopez de Prado and Zhu (2017), Journal of Computational Finance 20.
    """
    length = len(returns) // blocks if blocks > 0 else 0
    if blocks < 2 or blocks % 2 or length < 2:
        raise ValueError(
            f"{blocks} blocks of {len(returns)} rows: an even number with two rows each"
        )
    paths = returns.shape[1]
    if paths < 2:
        return float("nan")
    parts = returns[: blocks * length].reshape(blocks, length, paths)
    total, squares = parts.sum(axis=1), (parts**2).sum(axis=1)
    picks = list(combinations(range(blocks), blocks // 2))
    chosen = np.zeros((len(picks), blocks))
    for row, pick in enumerate(picks):
        chosen[row, list(pick)] = 1.0
    inside = _ratios(chosen, total, squares, length)
    outside = _ratios(1.0 - chosen, total, squares, length)
    best = inside.argmax(axis=1)
    own = outside[np.arange(len(picks)), best][:, None]
    rank = (outside < own).sum(axis=1) + ((outside == own).sum(axis=1) + 1.0) / 2.0
    return float(np.mean(rank <= (paths + 1.0) / 2.0))


def _ratios(chosen: Array, total: Array, squares: Array, length: int) -> Array:
    """Return Sharpe ratios (C, N) of the blocks that each row of `chosen` names."""
    count = chosen.sum(axis=1)[:, None] * length
    mean = chosen @ total / count
    variance = (chosen @ squares - count * mean**2) / (count - 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(variance > 0.0, mean / np.sqrt(variance), -np.inf)
