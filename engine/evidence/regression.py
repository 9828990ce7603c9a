r"""What moves an account: its excess returns on a few factors, with errors that last.

Ordinary least squares with the long-run covariance of Newey and West. The routine is
our own and statsmodels its oracle in the tests; why: docs/decisions/0014.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import stdtrit

from engine.evidence.inference import newey_west_lags, two_sided_p
from engine.evidence.regression_factors import ABSENT_BELOW, Factor

Array = npt.NDArray[np.float64]

#: Sessions below which nothing is estimated.
FEWEST_SESSIONS = 60
#: A factor whose part of its own has less than this share of its size is no factor.
_COLLINEAR = 1e-6
INTERCEPT = "residual"
COLUMNS = (
    "sample",
    "factor",
    "proxy",
    "loading",  # of all sessions together; of the residual, a year
    "low",
    "high",
    "se",
    "t",
    "p",
    "same_session",
    "session_before",
    "n",
    "df",
    "hac_lags",
    "r_squared",
    "absent",  # why there is no loading, else empty
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LeastSquares:
    """A regression on k columns over n rows.

    coefficients : (k,); covariance : (k, k) of them, Newey and West.
    r_squared : about the mean. lags : of the covariance. df : n - k.
    """

    coefficients: Array
    covariance: Array
    r_squared: float
    lags: int
    df: int


def least_squares(y: Array, x: Array, lags: int) -> LeastSquares:
    r"""Return ordinary least squares with the covariance of Newey and West.

    Parameters
    ----------
    y : ndarray of shape (n,)
    x : ndarray of shape (n, k)
        With its constant; of full rank, n > k. No NaN.
    lags : int
        0 gives White's covariance. Beyond n - 1 it counts as n - 1.

    Returns
    -------
    LeastSquares

    Notes
    -----
    :math:`(X'X)^{-1} S (X'X)^{-1}` with :math:`S = \Gamma_0 + \sum_{l=1}^{L}
    (1 - l/(L+1)) (\Gamma_l + \Gamma_l')`, :math:`\Gamma_l = \sum_t u_t u_{t-l}
    x_t x_{t-l}'`; no small-sample factor, as statsmodels has it by default.

    References
    ----------
    Newey and West (1987), Econometrica 55.
    """
    n, k = x.shape
    q, r = np.linalg.qr(x)
    coefficients = np.linalg.solve(r, q.T @ y)
    u = y - x @ coefficients
    # moments in the orthonormal basis: (X'X)^-1 X' = R^-1 Q'
    moments = u[:, None] * q
    long_run = moments.T @ moments
    lags = min(lags, n - 1)
    for lag in range(1, lags + 1):
        gamma = moments[lag:].T @ moments[:-lag]
        long_run += (1.0 - lag / (lags + 1.0)) * (gamma + gamma.T)
    inverse = np.linalg.inv(r)
    spread = float(((y - y.mean()) ** 2).sum())
    return LeastSquares(
        coefficients=coefficients,
        covariance=inverse @ long_run @ inverse.T,
        r_squared=1.0 - float(u @ u) / spread if spread > 0.0 else float("nan"),
        lags=lags,
        df=n - k,
    )


def factor_regression(
    excess: pd.Series,
    factors: Sequence[Factor],
    *,
    periods_per_year: float,
    samples: Mapping[str, npt.NDArray[np.bool_]],
) -> pd.DataFrame:
    """Return the loadings of an account on each factor, sample by sample.

    Parameters
    ----------
    excess : Series of shape (n,)
        Returns over the risk-free rate, per home session.
    factors : sequence of Factor
        On the same sessions. One with `lagged` stands in the regression twice: with its
        own session and the one before.
    periods_per_year : float
        For the residual, the part of the return that no factor explains.
    samples : mapping of name to ndarray of shape (n,)
        Which sessions belong to each.

    Returns
    -------
    DataFrame
        Columns `COLUMNS`; one row per sample and factor, `INTERCEPT` first. `loading`
        is the sum over both sessions (Dimson), with its own error; `low` and `high`
        bound 95 %; p of Student's t on n - k. A factor that is absent has NaN and
        says why. Sessions on which a present factor is not known are left out.

    References
    ----------
    Dimson (1979), Journal of Financial Economics 7; Newey and West (1987).
    """
    rows = [
        row
        for sample, chosen in samples.items()
        for row in _sample_rows(sample, excess, factors, chosen, periods_per_year)
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _sample_rows(
    sample: str,
    excess: pd.Series,
    factors: Sequence[Factor],
    chosen: npt.NDArray[np.bool_],
    per_year: float,
) -> list[dict[str, object]]:
    """Return the rows of one sample."""
    present, absent = _present(factors, excess.index, chosen)
    ones = np.ones((len(excess), 1))
    columns = [ones, *(_columns(one, excess.index) for one in present)]
    design = np.hstack(columns)
    known = chosen & np.isfinite(design).all(axis=1)
    n, k = int(known.sum()), design.shape[1]
    if n < max(FEWEST_SESSIONS, 2 * k):
        why = f"fewer than {max(FEWEST_SESSIONS, 2 * k)} sessions"
        return [_absent_row(sample, one, one.absent or why) for one in factors]
    if np.linalg.matrix_rank(design[known]) < k:
        why = "the factors cannot be told from each other"
        return [_absent_row(sample, one, one.absent or why) for one in factors]
    fit = least_squares(excess.to_numpy()[known], design[known], newey_west_lags(n))
    common = {
        "sample": sample,
        "n": n,
        "df": fit.df,
        "hac_lags": fit.lags,
        "r_squared": fit.r_squared,
        "absent": "",
    }
    named = {"factor": INTERCEPT, "proxy": "", "same_session": float("nan")}
    out = [common | named | _combined(fit, [0], per_year)]
    first = 1
    for factor, block in zip(present, columns[1:], strict=True):
        places = list(range(first, first + block.shape[1]))
        first += block.shape[1]
        own = fit.coefficients[places]
        out.append(
            common
            | {
                "factor": factor.name,
                "proxy": factor.proxy,
                "same_session": own[0],
                "session_before": own[1] if len(own) > 1 else float("nan"),
            }
            | _combined(fit, places, 1.0)
        )
    return out + [_absent_row(sample, one, why) for one, why in absent]


def _present(
    factors: Sequence[Factor], days: pd.Index, chosen: npt.NDArray[np.bool_]
) -> tuple[list[Factor], list[tuple[Factor, str]]]:
    """Return the factors that can be told from each other, and why others cannot."""
    present: list[Factor] = []
    absent: list[tuple[Factor, str]] = []
    basis = np.ones((int(chosen.sum()), 1))
    for factor in factors:
        why = factor.absent
        values = np.full(len(chosen), np.nan)
        if factor.returns is not None:
            values = factor.returns.reindex(days).to_numpy(dtype=np.float64)
        known = np.isfinite(values[chosen])
        if not why and known.mean() < ABSENT_BELOW:
            why = f"known on {int(known.sum())} of {len(known)} sessions only"
        if not why:
            column = np.where(known, values[chosen], 0.0)
            rest = column - basis @ np.linalg.lstsq(basis, column, rcond=None)[0]
            if np.linalg.norm(rest) <= _COLLINEAR * np.linalg.norm(column):
                why = "does not move on its own"
        if why:
            absent.append((factor, why))
            continue
        present.append(factor)
        basis = np.column_stack([basis, column])
    return present, absent


def _columns(factor: Factor, days: pd.Index) -> Array:
    """Return a factor's columns (n, 1) or, where it leads, (n, 2)."""
    assert factor.returns is not None
    own = factor.returns.reindex(days).to_numpy(dtype=np.float64)
    if not factor.lagged:
        return own[:, None]
    before = factor.returns.shift(1).reindex(days).to_numpy(dtype=np.float64)
    return np.column_stack([own, before])


def _combined(
    fit: LeastSquares, places: Sequence[int], scale: float
) -> dict[str, float]:
    """Return the sum of some coefficients with its error, times `scale`."""
    ones = np.zeros(len(fit.coefficients))
    ones[list(places)] = scale
    total = float(ones @ fit.coefficients)
    se = max(float(ones @ fit.covariance @ ones), 0.0) ** 0.5
    t = total / se if se > 0.0 else float("nan")
    half = float(stdtrit(fit.df, 0.975)) * se
    return {
        "loading": total,
        "low": total - half,
        "high": total + half,
        "se": se,
        "t": t,
        "p": float(two_sided_p(t, fit.df)),
    }


def _absent_row(sample: str, factor: Factor, why: str) -> dict[str, object]:
    """Return the row of a factor that has no loading."""
    return {
        "sample": sample,
        "factor": factor.name,
        "proxy": factor.proxy,
        "n": 0,
        "absent": why,
    }
