"""Event-study statistics as functions of arrays.

M estimation rows, n firms, k regressors, L window rows. Firms stand on the last axis of
a cross-sectional statistic, so many worlds can be tested at once. Returns are simple
and per session; a NaN row is not an observation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from engine.evidence.inference import two_sided_p

Array = npt.NDArray[np.float64]
Alpha = Literal["estimated", "zero"]

#: A regressor whose own part is below this share of its size is one already there.
COLLINEAR = 1e-10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MarketModel:
    """Least squares of each firm's returns on a constant and its regressors.

    coefficients : (n, k + 1), the intercept first.
    residuals : (M, n), NaN where the row is not an observation.
    variance : (n,) sum of squared residuals over M - k - 1.
    inverse : (n, k + 1, k + 1), the inverse of X'X.
    observations : (n,) M of each firm; df : (n,) M - k - 1.
    """

    coefficients: Array
    residuals: Array
    variance: Array
    inverse: Array
    observations: Array
    df: Array


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cumulative:
    """Cumulative abnormal returns of n firms over one window, each of shape (n,).

    `se` is the standard deviation of the prediction error, `scaled` their ratio.
    """

    car: Array
    se: Array
    df: Array

    @property
    def scaled(self) -> Array:
        """CAR over its standard deviation (SCAR): Student's t on df for each firm."""
        return np.asarray(self.car / self.se)

    @property
    def p(self) -> Array:
        """Two-sided p-values of each firm alone."""
        return two_sided_p(self.scaled, self.df)


def market_model(returns: Array, regressors: Array) -> MarketModel:
    """Return the market model of n firms at once, by closed form.

    Parameters
    ----------
    returns : ndarray of shape (M, n)
    regressors : ndarray of shape (M, k) shared by all firms, or (M, n, k)

    Returns
    -------
    MarketModel
        All NaN for a firm with fewer than k + 2 observations or a regressor that is
        constant or repeats another.

    Notes
    -----
    Columns are centred on each firm's own observations before the normal equations are
    solved, so that they are as exact as an orthogonal decomposition for returns.

    References
    ----------
    MacKinlay (1997), Journal of Economic Literature 35.
    """
    x = _per_firm(regressors, returns.shape[1])
    k = x.shape[2]
    # firms first and time last: every sum runs over one piece of memory
    by_firm = np.array(x.transpose(1, 2, 0), order="C")
    y = np.array(returns.T, order="C")
    x_sum, y_sum = by_firm.sum(axis=2), y.sum(axis=1)
    known = None
    count = np.full(len(y), float(y.shape[1]))
    if not (np.isfinite(y_sum).all() and np.isfinite(x_sum).all()):
        known = np.isfinite(y) & np.isfinite(by_firm).all(axis=1)
        count = known.sum(axis=1).astype(np.float64)
        by_firm[~np.broadcast_to(known[:, None, :], by_firm.shape)] = 0.0
        y[~known] = 0.0
        x_sum, y_sum = by_firm.sum(axis=2), y.sum(axis=1)
    size = _largest(by_firm)
    with np.errstate(invalid="ignore", divide="ignore"):
        x_mean = x_sum / count[:, None]
        y_mean = y_sum / count
    by_firm -= x_mean[..., None]
    y -= y_mean[:, None]
    if known is not None:
        by_firm *= known[:, None, :]
        y *= known
    # einsum: a product of so many small matrices costs more in calls than in sums
    slope_inverse = _inverse(np.einsum("nim,njm->nij", by_firm, by_firm), count, size)
    products = np.einsum("nim,nm->ni", by_firm, y)
    slopes = np.einsum("nij,nj->ni", slope_inverse, products)
    by_firm *= slopes[..., None]
    y -= by_firm[:, 0] if k == 1 else by_firm.sum(axis=1)  # now the residuals
    residuals = y.T
    if known is not None:
        y *= known
        residuals = np.where(known, y, np.nan).T
    df = count - k - 1.0
    with np.errstate(invalid="ignore", divide="ignore"):
        squares = np.einsum("nm,nm->n", y, y)
        variance = np.where(df > 0.0, squares / df, np.nan)
    variance = np.where(np.isfinite(slopes).all(axis=1), variance, np.nan)
    intercept = y_mean - (slopes * x_mean).sum(axis=1)
    return MarketModel(
        coefficients=np.concatenate([intercept[:, None], slopes], axis=1),
        residuals=residuals,
        variance=variance,
        inverse=_with_intercept(slope_inverse, x_mean, count),
        observations=count,
        df=df,
    )


def abnormal_returns(model: MarketModel, returns: Array, regressors: Array) -> Array:
    """Return what the model does not expect, shape (L, n), NaN without a return."""
    x = _per_firm(regressors, returns.shape[1])
    expected = model.coefficients[:, 0] + (x * model.coefficients[:, 1:]).sum(axis=2)
    return np.asarray(returns - expected)


def prediction_variance(model: MarketModel, regressors: Array) -> Array:
    r"""Return the variance of each one-day abnormal return, shape (L, n).

    :math:`s_i^2 (1 + x_t' (X'X)^{-1} x_t)`, x with the constant. Patell (1976), Journal
    of Accounting Research 14.
    """
    x = _per_firm(regressors, len(model.variance))
    full = np.concatenate([np.ones((*x.shape[:2], 1)), x], axis=2)
    leverage = np.einsum("tnj,njk,tnk->tn", full, model.inverse, full)
    return np.asarray(model.variance * (1.0 + leverage))


def cumulative(
    model: MarketModel,
    returns: Array,
    regressors: Array,
    *,
    alpha: Alpha = "estimated",
) -> Cumulative:
    r"""Return cumulative abnormal returns over a window, with their prediction error.

    Parameters
    ----------
    model : MarketModel
        Of the n firms, from rows outside the window.
    returns : ndarray of shape (L, n)
        A NaN row has no return of its own: the next one spans it. It still counts as a
        session, with its intercept and its variance.
    regressors : ndarray of shape (L, k) or (L, n, k)
    alpha : {"estimated", "zero"}
        ``"estimated"``: :math:`\sum (R - \hat\alpha - \hat\beta' x)` with variance
        :math:`s^2 (L + \bar x' (X'X)^{-1} \bar x)`, :math:`\bar x = (L, \sum x)`.
        ``"zero"``: :math:`\sum (R - \hat\beta' x)` with the slopes of the same model
        (estimated beside an intercept) and the variance that belongs to a true
        intercept of zero, :math:`s^2 (L + \sum x' V \sum x)`, V the block of the slopes
        in :math:`(X'X)^{-1}`; for one regressor :math:`s^2 (L + (\sum x)^2 / SSX)`.

    Returns
    -------
    Cumulative
        Degrees of freedom M - k - 1; NaN for a firm without any return.

    References
    ----------
    Campbell, Lo and MacKinlay (1997), The Econometrics of Financial Markets, ch. 4;
    Salinger (1992), Journal of Financial and Quantitative Analysis 27.
    """
    x = _per_firm(regressors, returns.shape[1])
    seen = np.isfinite(returns) & np.isfinite(x).all(axis=2)
    length = float(len(returns))
    total_x = np.where(seen[..., None], x, 0.0).sum(axis=0)
    total_y = np.where(seen, returns, 0.0).sum(axis=0)
    car = total_y - (total_x * model.coefficients[:, 1:]).sum(axis=1)
    if alpha == "estimated":
        car = car - length * model.coefficients[:, 0]
        constant = np.full((len(car), 1), length)
        full = np.concatenate([constant, total_x], axis=1)
        spread = np.einsum("nj,njk,nk->n", full, model.inverse, full)
    else:
        slopes = model.inverse[:, 1:, 1:]
        spread = np.einsum("nj,njk,nk->n", total_x, slopes, total_x)
    empty = ~seen.any(axis=0)
    return Cumulative(
        car=np.where(empty, np.nan, car),
        se=np.sqrt(model.variance * (length + spread)),
        df=model.df,
    )


def mean_correlation(residuals: Array) -> float:
    """Return the mean off-diagonal correlation of residuals, pairwise complete.

    Shape (M, n). Pairs with fewer than three common rows are left out; NaN if none is
    left or n < 2.
    """
    n = residuals.shape[1]
    seen = np.isfinite(residuals).astype(np.float64)
    e = np.where(seen > 0.0, residuals, 0.0)
    count = seen.T @ seen
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (e.T @ seen) / count  # of firm i over the rows it shares with j
        covariance = (e.T @ e) / count - mean * mean.T
        variance = ((e**2).T @ seen) / count - mean**2
        correlation = covariance / np.sqrt(variance * variance.T)
    chosen = ~np.eye(n, dtype=bool) & (count >= 3.0) & np.isfinite(correlation)
    return float(correlation[chosen].mean()) if chosen.any() else float("nan")


def cross_sectional_t(car: Array) -> Array:
    """Return mean CAR over its cross-sectional standard error, firms on the last axis.

    Student's t on n - 1; assumes independent firms, which a shared date denies: for
    reference only. NaN if n < 2.
    """
    return _mean_over_error(car)


def patell(scaled: Array, df: Array) -> Array:
    r"""Return Patell's Z, firms on the last axis: standard normal if independent.

    :math:`\sum SCAR_i / \sqrt{\sum \nu_i / (\nu_i - 2)}` with :math:`\nu = M - k - 1`,
    for one regressor (M - 2)/(M - 4). The R package estudy2 divides residuals by M - 1
    instead. Patell (1976), Journal of Accounting Research 14.
    """
    variance = np.broadcast_to(df / (df - 2.0), scaled.shape).sum(axis=-1)
    return np.asarray(scaled.sum(axis=-1) / np.sqrt(variance))


def adjusted_patell(scaled: Array, df: Array, correlation: npt.ArrayLike) -> Array:
    r"""Return Patell's Z over :math:`\sqrt{1 + (n - 1) \bar r}`.

    `correlation` is the mean off-diagonal correlation of estimation residuals. Kolari
    and Pynnonen (2010), Review of Financial Studies 23.
    """
    n = scaled.shape[-1]
    return np.asarray(
        patell(scaled, df) / np.sqrt(1.0 + (n - 1) * np.asarray(correlation))
    )


def bmp(scaled: Array) -> Array:
    """Return the standardised cross-sectional t, firms on the last axis.

    Mean SCAR over its cross-sectional standard error, Student's t on n - 1; NaN if
    n < 2. Boehmer, Musumeci and Poulsen (1991), Journal of Financial Economics 30.
    """
    return _mean_over_error(scaled)


def adjusted_bmp(scaled: Array, correlation: npt.ArrayLike) -> Array:
    r"""Return the Kolari-Pynnonen statistic for firms that share one date.

    BMP times :math:`\sqrt{(1 - \bar r) / (1 + (n - 1) \bar r)}`, firms on the last
    axis; Student's t on n - 1. NaN if n < 2. Kolari and Pynnonen (2010), Review of
    Financial Studies 23.
    """
    n = scaled.shape[-1]
    r = np.asarray(correlation)
    return np.asarray(bmp(scaled) * np.sqrt((1.0 - r) / (1.0 + (n - 1) * r)))


def _mean_over_error(values: Array) -> Array:
    n = values.shape[-1]
    if n < 2:
        return np.full(values.shape[:-1], np.nan)
    spread = values.std(axis=-1, ddof=1)
    return np.asarray(
        values.mean(axis=-1) / np.where(spread > 0.0, spread, np.nan) * np.sqrt(n)
    )


def _per_firm(regressors: Array, n: int) -> Array:
    """Return regressors of shape (rows, n, k), repeated where they are shared."""
    if regressors.ndim == 3:
        return regressors
    rows, k = regressors.shape
    return np.broadcast_to(regressors[:, None, :], (rows, n, k))


def _largest(by_firm: Array) -> Array:
    """Return the largest size of each regressor (n, k, M), (n, k); 0 without one."""
    if by_firm.size == 0:
        return np.zeros(by_firm.shape[:2])
    return np.asarray(np.maximum(by_firm.max(axis=2), -by_firm.min(axis=2)))


def _inverse(cross: Array, count: Array, largest: Array) -> Array:
    """Return inverses (n, k, k) of centred cross products; NaN where singular."""
    size = np.sqrt(np.einsum("nkk->nk", cross))
    scale = largest * np.sqrt(count)[:, None]
    good = (size > COLLINEAR * scale).all(axis=1) & (count > cross.shape[1] + 1)
    safe = np.where(size > 0.0, size, 1.0)
    correlation = cross / safe[:, :, None] / safe[:, None, :]
    good &= np.abs(
        np.linalg.det(np.where(np.isfinite(correlation), correlation, 0.0))
    ) > (COLLINEAR)
    identity = np.eye(cross.shape[1])
    solved = np.linalg.inv(np.where(good[:, None, None], correlation, identity))
    inverse = solved / safe[:, :, None] / safe[:, None, :]
    return np.where(good[:, None, None], inverse, np.nan)


def _with_intercept(slopes: Array, mean: Array, count: Array) -> Array:
    """Return (X'X)^-1 with the constant first, from its slope block and the means."""
    n, k = mean.shape
    inverse = np.empty((n, k + 1, k + 1))
    side = -np.einsum("nij,nj->ni", slopes, mean)
    with np.errstate(divide="ignore", invalid="ignore"):
        corner = 1.0 / count - np.einsum("ni,ni->n", mean, side)
    inverse[:, 0, 0] = corner
    inverse[:, 0, 1:] = side
    inverse[:, 1:, 0] = side
    inverse[:, 1:, 1:] = slopes
    return inverse
