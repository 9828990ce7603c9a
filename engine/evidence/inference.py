"""Resampling, dependence and many tests at once: what every p-value rests on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import nctdtrinc, ndtr, ndtri, stdtr, stdtrit

Array = npt.NDArray[np.float64]

#: Above this many degrees of freedom Student's t is taken as normal.
NORMAL_DF = 1e6


def stationary_bootstrap_indices(
    n: int, block: float, draws: int, rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Return positions that resample a series of length n in blocks of random length.

    Parameters
    ----------
    n : int
        Length of the series.
    block : float
        Mean block length, at least 1; lengths are geometric.
    draws : int
        Number of resamples.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of shape (draws, n)
        Positions 0..n-1. Each row starts at a uniform position and goes on to the next
        one (the first follows the last) or, with probability 1/block, jumps to a new
        uniform position. Rows of several series share their indices to stay paired.

    References
    ----------
    Politis and Romano (1994), Journal of the American Statistical Association 89.
    """
    if n < 1 or block < 1.0:
        raise ValueError(f"n = {n} and block = {block} must both be at least 1")
    jump = rng.random((draws, n), dtype=np.float32) < 1.0 / block
    jump[:, 0] = True
    begins = np.flatnonzero(jump)
    starts = rng.integers(0, n, len(begins))
    lengths = np.diff(begins, append=draws * n)
    position = np.repeat(starts - begins, lengths) + np.arange(draws * n)
    position[position >= n] -= n
    return np.asarray(position.reshape(draws, n))


def resample_counts(indices: npt.NDArray[np.int64]) -> Array:
    """Return how often each resample holds each observation, shape (draws, n).

    ``counts @ features`` gives the sums of any features over every resample at once.
    """
    draws, n = indices.shape
    row = np.arange(draws, dtype=np.int64)[:, None] * n
    counts = np.bincount((indices + row).ravel(), minlength=draws * n)
    return counts.reshape(draws, n).astype(np.float64)


def block_length(series: npt.ArrayLike) -> float:
    r"""Return the mean block length that suits a stationary bootstrap of the mean.

    Parameters
    ----------
    series : array_like of shape (n,)
        No NaN; n of at least 10, otherwise 1.

    Returns
    -------
    float
        At least 1, at most min(3 sqrt(n), n/3) rounded up. 1 for a constant series.

    Notes
    -----
    :math:`b = (2 \hat G^2 / \hat D)^{1/3} n^{1/3}` with
    :math:`\hat G = \sum \lambda(k/m) |k| \hat R(k)`,
    :math:`\hat D = 2 (\sum \lambda(k/m) \hat R(k))^2` (the correction of 2009) and the
    flat-top window :math:`\lambda`. m is twice the first lag from which five
    autocorrelations in a row stay inside :math:`2 \sqrt{\log_{10} n / n}`; as in arch,
    that lag is itself among the five, and autocorrelations are normalised by the two
    overlapping parts.

    References
    ----------
    Politis and White (2004), Econometric Reviews 23; Patton, Politis and White (2009),
    Econometric Reviews 28.
    """
    x = np.asarray(series, dtype=np.float64)
    n = len(x)
    centred = x - x.mean() if n else x
    if n < 10 or not np.abs(centred).max() > 1e-14 * max(np.abs(x).max(), 1e-300):
        return 1.0
    run = max(5, int(np.log10(n)))
    most = int(np.ceil(np.sqrt(n))) + run
    most = min(most, n - 3)
    lags = np.arange(most + 1)
    cross = np.array([centred[k:] @ centred[: n - k] for k in lags])
    energy = np.concatenate([[0.0], np.cumsum(centred**2)])
    # the energies leave out one more observation than the lag does, as arch has it
    head, tail = energy[n - lags - 1], energy[n] - energy[lags + 1]
    quiet = np.abs(cross) / np.sqrt(head * tail) < 2.0 * np.sqrt(np.log10(n) / n)
    inside = np.concatenate([[0], np.cumsum(quiet)])
    candidates = np.flatnonzero(
        inside[run : most + 1] - inside[: most + 1 - run] == run
    )
    m = min(2 * max(int(candidates[0]), 1), most) if len(candidates) else most
    k = np.arange(1, m + 1)
    weight = np.minimum(1.0, 2.0 * (1.0 - k / m))
    covariance = cross / n
    g = 2.0 * float(weight * k @ covariance[1 : m + 1])
    spectrum = float(covariance[0] + 2.0 * weight @ covariance[1 : m + 1])
    if spectrum == 0.0:
        return 1.0
    length = (g**2 / spectrum**2 * n) ** (1.0 / 3.0)
    return float(np.clip(length, 1.0, np.ceil(min(3.0 * np.sqrt(n), n / 3.0))))


def benjamini_hochberg(p: npt.ArrayLike) -> Array:
    r"""Return q-values: the false discovery rate at which each test is rejected.

    Shape (m,) in, (m,) out. NaN stays NaN and does not count among the tests.
    :math:`q_{(i)} = \min_{j \ge i} \min(1, m p_{(j)} / j)`.

    References
    ----------
    Benjamini and Hochberg (1995), Journal of the Royal Statistical Society B 57.
    """
    values = np.asarray(p, dtype=np.float64)
    q = np.full(values.shape, np.nan)
    tested = np.flatnonzero(np.isfinite(values))
    order = tested[np.argsort(values[tested], kind="stable")]
    m = len(order)
    scaled = values[order] * m / np.arange(1, m + 1)
    q[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return q


def fcr_interval_level(selected: int, m: int, alpha: float = 0.10) -> float:
    """Return the coverage of intervals that allows for the selection of some.

    ``1 - alpha * R / m`` for R of m parameters selected by Benjamini and Hochberg at
    `alpha`: the expected share of selected intervals that miss is then at most `alpha`,
    and an interval excludes zero exactly where q < alpha. With none selected, R counts
    as 1. NaN without a test.

    References
    ----------
    Benjamini and Yekutieli (2005), Journal of the American Statistical Association 100.
    """
    if not 0 <= selected <= m:
        raise ValueError(f"{selected} selected of {m}")
    return 1.0 - alpha * max(selected, 1) / m if m else float("nan")


def newey_west_mean(series: npt.ArrayLike, lags: int) -> tuple[float, float]:
    r"""Return the mean of a series and its standard error under autocorrelation.

    Bartlett weights: :math:`\hat V = \hat\gamma_0 + 2 \sum_{k=1}^{L} (1 - k/(L+1))
    \hat\gamma_k`, se :math:`= \sqrt{\hat V / n}`, no small-sample factor. Shape (n,),
    no NaN. Both NaN for fewer than two values; lags beyond n - 1 count as n - 1.

    References
    ----------
    Newey and West (1987), Econometrica 55.
    """
    x = np.asarray(series, dtype=np.float64)
    n = len(x)
    if n < 2:
        return float("nan"), float("nan")
    mean = float(x.mean())
    centred = x - mean
    lags = min(lags, n - 1)
    long_run = float(centred @ centred)
    for k in range(1, lags + 1):
        long_run += 2.0 * (1.0 - k / (lags + 1)) * float(centred[k:] @ centred[:-k])
    return mean, float(np.sqrt(long_run)) / n


def newey_west_lags(n: int) -> int:
    r"""Return :math:`\lfloor 4 (n/100)^{2/9} \rfloor`, the usual number of lags."""
    return int(4.0 * (n / 100.0) ** (2.0 / 9.0)) if n > 0 else 0


def two_sided_p(t: npt.ArrayLike, df: npt.ArrayLike) -> Array:
    """Return the two-sided p-value of Student's t; df may be infinite, NaN stays."""
    freedom, below = np.asarray(df, dtype=np.float64), -np.abs(np.asarray(t))
    normal = freedom > NORMAL_DF
    if normal.all():
        tail = ndtr(below)
    elif not normal.any():
        tail = stdtr(freedom, below)
    else:
        tail = np.where(
            normal, ndtr(below), stdtr(np.minimum(freedom, NORMAL_DF), below)
        )
    return np.asarray(2.0 * tail, dtype=np.float64)


def detectable_effect(
    se: float, df: float, power: float = 0.8, level: float = 0.05
) -> float:
    """Return the smallest true effect that a two-sided t test finds with `power`.

    `se` times the noncentrality at which Student's t on `df` degrees of freedom
    exceeds its critical value with probability `power`; the far tail is neglected. With
    infinite `df` the factor is 2.80. NaN where `se` or `df` is NaN or df < 1.
    """
    if not (np.isfinite(se) and df >= 1.0):
        return float("nan")
    if df > NORMAL_DF:
        return float(se * (ndtri(1.0 - level / 2.0) + ndtri(power)))
    critical = stdtrit(df, 1.0 - level / 2.0)
    return float(se * nctdtrinc(df, 1.0 - power, critical))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SharpeDifference:
    """Difference of two per-period Sharpe ratios.

    `influence`, shape (n,), has mean zero; the estimate's error is its mean to first
    order, so `se` is the long-run standard error of that mean. `p` is two-sided and
    normal.
    """

    estimate: float
    se: float
    p: float
    influence: Array


def sharpe_influence(excess: Array) -> Array:
    r"""Return each period's influence on the Sharpe ratio, shape (n,).

    :math:`\psi_t = z_t - \tfrac{1}{2} SR (z_t^2 - 1)` with
    :math:`z_t = (r_t - \bar r) / s` and s with ddof 0, so that the mean is zero.
    """
    spread = excess.std()
    z = (excess - excess.mean()) / spread
    return np.asarray(z - 0.5 * excess.mean() / spread * (z**2 - 1.0))


def sharpe_difference(a: npt.ArrayLike, b: npt.ArrayLike) -> SharpeDifference:
    """Return how much better `a` is paid for its risk than `b`, per period.

    Parameters
    ----------
    a, b : array_like of shape (n,)
        Excess returns of the same periods, no NaN, n of at least 3.

    Returns
    -------
    SharpeDifference
        Sharpe ratios with ddof 1. The standard error is the delta method with a
        Newey-West long-run variance of the paired influence series, lags
        `newey_west_lags`. NaN where a series is constant.

    Notes
    -----
    Ledoit and Wolf use a prewhitened kernel; the Bartlett kernel stands here because
    daily returns are nearly uncorrelated and every other test uses it.

    References
    ----------
    Ledoit and Wolf (2008), Journal of Empirical Finance 15.
    """
    first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if first.shape != second.shape or first.ndim != 1 or len(first) < 3:
        raise ValueError(
            f"two series of equal length >= 3, not {first.shape}, {second.shape}"
        )
    n = len(first)
    if min(first.std(), second.std()) <= 1e-14:
        nothing = float("nan")
        return SharpeDifference(
            estimate=nothing, se=nothing, p=nothing, influence=np.full(n, np.nan)
        )
    ratios = [x.mean() / x.std(ddof=1) for x in (first, second)]
    influence = sharpe_influence(first) - sharpe_influence(second)
    _, se = newey_west_mean(influence, newey_west_lags(n))
    estimate = float(ratios[0] - ratios[1])
    z = estimate / se if se > 0.0 else float("nan")
    return SharpeDifference(
        estimate=estimate, se=se, p=float(two_sided_p(z, np.inf)), influence=influence
    )
