"""Estimators of a covariance from returns that are not all there.

All take returns and the mask of those that exist, both of shape (T, n), and return a
matrix of shape (n, n) that need not be positive semidefinite yet.
"""

from __future__ import annotations

import numpy as np

#: Shrinkage towards a target this close (a share of the variance) changes nothing.
_SAME = 1e-10


def pairwise_covariance(values: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Return each pair's sample covariance over the rows that both have.

    `values` and the mask `seen` have shape (T, n), the result (n, n), ddof 1, equal to
    ``pandas.DataFrame.cov``. NaN for a pair with fewer than two rows in common.
    """
    filled, mask = centred(values, seen)
    if seen.all() and len(values) > 1:
        return np.asarray(filled.T @ filled / (len(values) - 1.0))
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
    x, mask = centred(values, seen)
    variance = np.diag(sample)
    sd = np.sqrt(variance)
    mean_correlation = ((sample / np.outer(sd, sd)).sum() - n) / (n * (n - 1))
    target = mean_correlation * np.outer(sd, sd)
    np.fill_diagonal(target, variance)
    distance = float(((target - sample) ** 2).sum())
    if distance <= (_SAME * variance.sum()) ** 2:
        return sample, 0.0
    sums = _complete_sums if seen.all() else _pairwise_sums
    pi, theta = sums(x, mask, sample, sd)
    intensity = float(np.clip((pi - mean_correlation * theta) / distance, 0.0, 1.0))
    return intensity * target + (1.0 - intensity) * sample, intensity


def _pairwise_sums(
    x: np.ndarray, mask: np.ndarray, sample: np.ndarray, sd: np.ndarray
) -> tuple[float, float]:
    """Return the sums of sampling variances and of covariances with the target's.

    Over all pairs but an asset with itself, whose two sums cancel: each moment is a
    mean over the rows that the pair has in common.
    """
    common, squares, variance = mask.T @ mask, x * x, sd * sd
    product = x.T @ x / common
    pi = squares.T @ squares / common - 2.0 * product * sample + sample**2
    theta = (
        (squares * x).T @ x / common
        - squares.T @ mask / common * sample
        - product * variance[:, None]
        + variance[:, None] * sample
    )
    np.fill_diagonal(pi, 0.0)
    np.fill_diagonal(theta, 0.0)
    of_target = np.outer(1.0 / sd, sd) * theta / np.diag(common)[:, None]
    return float((pi / common).sum()), float(of_target.sum())


def _complete_sums(
    x: np.ndarray, mask: np.ndarray, sample: np.ndarray, sd: np.ndarray
) -> tuple[float, float]:
    """Return what `_pairwise_sums` does, where no return is missing.

    A sum over pairs of a mean over rows is a mean over rows of a product of two sums:
    of N x T numbers instead of N x N products of T, which a large universe notices.
    """
    rows, squares, variance = float(len(mask)), x * x, sd * sd
    fourth, own = (squares * squares).mean(axis=0), squares.mean(axis=0)
    crossed = float(((x @ sample) * x).sum()) / rows  # products times the sample
    pi = float((squares.sum(axis=1) ** 2).mean()) - 2.0 * crossed
    pi += float((sample * sample).sum())
    pi -= float((fourth - 2.0 * own * variance + variance * variance).sum())
    weighted = x @ sd
    cubed = (squares * x) @ (1.0 / sd)
    theta = float((cubed * weighted).mean()) - float(fourth.sum())
    beside = sample @ sd - variance * sd  # sum of s_ij sd_j over the others
    products = x.T @ weighted / rows - own * sd
    theta += float(((variance - own) / sd) @ beside) - float(sd @ products)
    return pi / rows, theta / rows


def exponential_covariance(
    values: np.ndarray, seen: np.ndarray, half_life: float
) -> np.ndarray:
    r"""Return each pair's covariance with weights that halve every `half_life` rows.

    .. math:: w_t = 0.5^{(T - 1 - t) / h}

    Means and products are weighted over the rows that the pair has in common, and the
    bias of weighted means is taken out, so the result equals the last block of
    ``pandas.DataFrame.ewm(halflife=h).cov()`` (RiskMetrics 1996, without its mean of
    0).
    """
    weight = 0.5 ** (np.arange(len(values) - 1, -1, -1) / half_life)
    x, mask = np.where(seen, values, 0.0), seen.astype(np.float64)
    weighted, counted = x * weight[:, None], mask * weight[:, None]
    total = counted.T @ mask
    squares = (counted * weight[:, None]).T @ mask
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = weighted.T @ mask / total  # of the row's asset, over the pair's rows
        biased = weighted.T @ x / total - mean * mean.T
        covariance = biased * total**2 / (total**2 - squares)
    covariance[mask.T @ mask < 2] = np.nan
    return np.asarray((covariance + covariance.T) / 2.0)


def shrink_to_identity(
    sample: np.ndarray, observations: float
) -> tuple[np.ndarray, float]:
    r"""Return the covariance shrunk to equal variances, and the intensity (OAS).

    .. math:: \hat\rho = \frac{\overline{s^2} + \mu^2}
              {(T + 1)(\overline{s^2} - \mu^2 / n)}, \qquad \mu = tr(S) / n

    with the mean :math:`\overline{s^2}` of all squared entries: the form that
    scikit-learn has. `observations` is T, here the mean number of rows that a pair has
    in common. Variances move towards their mean, so calm assets count as riskier than
    they were.

    References
    ----------
    Chen, Wiesel, Eldar and Hero (2010), IEEE Transactions on Signal Processing 58(10).
    """
    n = len(sample)
    square, mean = float((sample**2).mean()), float(np.trace(sample)) / n
    below = (observations + 1.0) * (square - mean**2 / n)
    intensity = 1.0 if below <= 0.0 else min((square + mean**2) / below, 1.0)
    shrunk = (1.0 - intensity) * sample
    return shrunk + intensity * mean * np.eye(n), intensity


def layer_means(
    values: np.ndarray, seen: np.ndarray, groups: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return each group's mean return per row, (T, G), over the members seen; NaN else.

    `groups` (n,) holds labels; the second value is the group number of each asset.
    """
    _, number = np.unique(groups, return_inverse=True)
    member = np.eye(number.max() + 1)[number]  # (n, G)
    count = seen @ member
    total = np.where(seen, values, 0.0) @ member
    mean = np.full(total.shape, np.nan)
    np.divide(total, count, out=mean, where=count > 0)
    return mean, number


def layer_factor_covariance(
    values: np.ndarray, seen: np.ndarray, groups: np.ndarray, sample: np.ndarray
) -> np.ndarray:
    r"""Return the covariance of a model with one factor per layer.

    .. math:: \sigma_{ij} = \beta_i \beta_j \, Cov(f_{l(i)}, f_{l(j)}), \qquad
              \sigma_{ii} = s_{ii}

    with the layer's mean return f as the factor, :math:`\beta_i` the slope of asset i
    on its own layer's, and variances from `sample`. It has as many parameters as
    assets, not as pairs, and is positive semidefinite where the factors' covariance
    is (Sharpe 1963, Management Science 9(2), by group).
    """
    factors, number = layer_means(values, seen, groups)
    known = np.isfinite(factors)
    both = np.hstack([values, np.where(known, factors, 0.0)])
    joint = pairwise_covariance(both, np.hstack([seen, known]))
    n = values.shape[1]
    among = joint[n:, n:]
    variance = np.diag(among)
    own = joint[np.arange(n), n + number]
    slope = np.divide(
        own, variance[number], out=np.zeros(n), where=variance[number] > 0.0
    )
    covariance = np.outer(slope, slope) * np.nan_to_num(among)[np.ix_(number, number)]
    np.fill_diagonal(covariance, np.diag(sample))
    return np.asarray(covariance)


def lagged_covariance(values: np.ndarray, seen: np.ndarray, lag: int) -> np.ndarray:
    """Return Cov(x_i at t, x_j at t - lag) per pair over the rows where both exist.

    Shape (n, n), not symmetric; deviations from each asset's own mean, divided by the
    number of rows in common less 1; 0 for a pair with fewer than two.
    """
    deviations, mask = centred(values, seen)
    later, earlier = deviations[lag:], deviations[:-lag]
    common = mask[lag:].T @ mask[:-lag]
    return np.asarray((later.T @ earlier) / np.maximum(common - 1.0, 1.0))


def with_lags(
    covariance: np.ndarray,
    values: np.ndarray,
    seen: np.ndarray,
    overlap: int,
    apart: np.ndarray,
) -> np.ndarray:
    r"""Return a covariance whose pairs across markets count news that arrives later.

    .. math:: \hat\sigma_{ij} = \sum_{k = -(q - 1)}^{q - 1} Cov(r_{i,t}, r_{j,t-k})

    for the pairs in the mask `apart` (n, n), q = `overlap`. Closes hours apart spread
    a pair's covariance over neighbouring sessions; their sum restores it. Variances,
    and pairs of one market, stay as they are. The result may be indefinite.

    References
    ----------
    Scholes and Williams (1977), Journal of Financial Economics 5(3); Dimson (1979),
    ibid. 7(2); Burns, Engle and Mezrich (1998), Journal of Derivatives 5(4).
    """
    corrected = covariance.copy()
    for lag in range(1, min(overlap, len(values) - 1)):
        lagged = lagged_covariance(values, seen, lag)
        corrected += np.where(apart, lagged + lagged.T, 0.0)
    return corrected


def centred(values: np.ndarray, seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return deviations from each column's mean, 0 where missing, and the mask."""
    if seen.all() and len(values):
        return values - values.mean(axis=0), np.ones_like(values)
    mask = seen.astype(np.float64)
    filled = np.where(seen, values, 0.0)
    mean = filled.sum(axis=0) / np.maximum(mask.sum(axis=0), 1.0)
    return (filled - mean) * mask, mask
