"""Least squares with errors that are allowed to be autocorrelated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.evidence.inference import newey_west_lags, newey_west_mean

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HacFit:
    """A regression of n observations on k columns.

    coefficients, se : (k,). influence : (n, k) with column means zero; the mean over n
    is each coefficient's error to first order. residuals : (n,). `df` are the
    equivalent degrees of freedom of `se`.
    """

    coefficients: Array
    se: Array
    df: float
    lags: int
    influence: Array
    residuals: Array


def hac_regression(y: Array, x: Array, *, least_lags: int = 0) -> HacFit | None:
    r"""Return the regression of y, shape (n,), on the columns of x, shape (n, k).

    The covariance is Newey and West's (1987, Econometrica 55) with
    :math:`\lfloor 4 (n/100)^{2/9} \rfloor` Bartlett lags, at least `least_lags`, of how
    far the coefficients move without each observation: the influence of row t is
    :math:`n (X'X)^{-1} x_t e_t / (1 - h_t)`, the jackknife (HC3 of MacKinnon and White
    1985, Journal of Econometrics 29, with lags). A regressor that moves seldom, like a
    list price, gives few rows much weight h_t, and plain errors are then too small.
    Short samples make them too small as well: t is read on
    :math:`\min(n - k, \tfrac{3}{2} n / (L + 1))` degrees of freedom, the kernel's
    equivalent number of independent terms (Priestley 1981; Sun 2014, Journal of
    Econometrics 178). None where x has no full rank, n <= k, or one row alone decides a
    coefficient.
    """
    n, k = x.shape
    size = np.abs(x).max(axis=0) if n else np.zeros(k)
    if n <= k or not (size > 0).all() or np.linalg.matrix_rank(x / size) < k:
        return None
    inverse = np.linalg.inv((x / size).T @ (x / size)) / np.outer(size, size)
    coefficients = inverse @ (x.T @ y)
    residuals = y - x @ coefficients
    leverage = ((x @ inverse) * x).sum(axis=1)
    if (leverage > 1.0 - 1e-9).any():
        return None
    influence = n * (x * (residuals / (1.0 - leverage))[:, None]) @ inverse
    lags = max(newey_west_lags(n), least_lags)
    errors = [newey_west_mean(column, lags)[1] for column in influence.T]
    return HacFit(
        coefficients=coefficients,
        se=np.array(errors),
        df=equivalent_df(n, k, lags),
        lags=lags,
        influence=influence - influence.mean(axis=0),
        residuals=residuals,
    )


def equivalent_df(n: int, k: int, lags: int) -> float:
    """Return the degrees of freedom on which a Newey-West t is read, at least 1."""
    return float(max(1.0, min(n - k, 1.5 * n / (lags + 1))))


def no_error(fit: HacFit | None, place: int = 0) -> bool:
    """Return whether a coefficient's error cannot be told: no fit, or no residual."""
    if fit is None or not np.isfinite(fit.se[place]):
        return True
    scale = max(abs(float(fit.coefficients[place])), 1e-300)
    return bool(fit.se[place] <= 1e-12 * scale)


def lag_note(fit: HacFit) -> str:
    """Return how the error of a regression was measured, as a claim reports it."""
    return f"Newey-West standard error, {fit.lags} lags, t on {fit.df:.0f} df"


def columns(named: Mapping[str, Array]) -> Array:
    """Return named regressors side by side, shape (n, k)."""
    return np.column_stack(list(named.values()))
