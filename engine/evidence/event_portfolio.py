"""Several assets of a panel as one: the firm whose t needs no independence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.evidence.event_panel import EventPanel, Window
from engine.evidence.event_tests import Alpha, Array, Cumulative
from engine.evidence.windows import Positions

#: Exchanges that react this far apart share news across two dates.
ASYNCHRONOUS = np.timedelta64(3, "h")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Portfolio:
    """A subject as a single firm: m members with signed weights.

    columns, weights : (m,) of the panel; weights of a side sum to 1 or -1.
    covariance : (m, m) of the members' residuals on one date, times their weights;
    variance : its sum, that of the portfolio's residual.
    leverage : (q m, q m) what errors in the members' q coefficients add to the
    variance, as a quadratic form of their summed regressors (L, sum x).
    carried : covariance of a residual with the next date's, at least 0.
    count : dates that the least covered pair of members shares; df : M - k - 1 of it.
    """

    columns: Positions
    weights: Array
    covariance: Array
    variance: float
    leverage: Array
    carried: float
    count: int
    df: float


def portfolio_of(
    panel: EventPanel, long: Sequence[int], short: Sequence[int]
) -> Portfolio:
    r"""Return the columns `long` minus `short`, equal weights on each side.

    The portfolio's abnormal return is the weighted sum of its members' own. Where all
    of them share sessions and regressors, least squares is linear in the returns, and
    this is the market model of the portfolio's return series, number for number;
    elsewhere every member keeps the benchmark over its own span of time. With
    :math:`S_{ij}` the residual covariance of two members over the dates they share
    (`Dated`), divisor :math:`M_{ij} - k - 1`, the residual has variance :math:`w'Sw`,
    and errors in the coefficients add :math:`\sum_{ij} w_i w_j S_{ij}\,
    x_i' (X_i'X_i)^{-1} X_i'X_j (X_j'X_j)^{-1} x_j`.

    Where exchanges react hours apart, part of what one of them learns on a date reaches
    the other on the next: residuals of neighbouring dates are correlated, and a sum of
    L of them varies by :math:`2 (L - 1)` times their covariance more. It is taken from
    the estimation window, and as 0 where it would narrow the interval.
    """
    columns = np.array([*long, *short], dtype=np.int64)
    sides = [np.full(len(one), 1.0 / max(len(one), 1)) for one in (long, short)]
    weights = np.concatenate([sides[0], -sides[1]])
    residuals = panel.dated.residuals[:, columns]
    seen = np.isfinite(residuals)
    e = np.where(seen, residuals, 0.0)
    shared = seen.T.astype(np.float64) @ seen
    k = panel.slopes[columns]
    freedom = np.maximum(shared - (k[:, None] + k) / 2.0 - 1.0, 1.0)
    weighted = weights[:, None] * weights * (e.T @ e) / freedom
    design = panel.dated.design[:, columns]
    inverse = panel.model.inverse[columns]
    solved = np.einsum("kia,iab->kib", design, inverse).reshape(len(design), -1)
    q = design.shape[2]
    leverage = (solved.T @ solved).reshape(len(columns), q, len(columns), q)
    reacts = panel.reacts[columns]
    apart = bool(reacts.max() - reacts.min() > ASYNCHRONOUS)
    count = int(shared.min())
    return Portfolio(
        columns=columns,
        weights=weights,
        covariance=weighted,
        variance=float(weighted.sum()),
        leverage=(leverage * weighted[:, None, :, None]).reshape(q * len(columns), -1),
        carried=_carried(residuals @ weights) if apart else 0.0,
        count=count,
        df=count - float(k.max()) - 1.0,
    )


def portfolio_cumulative(
    panel: EventPanel, one: Portfolio, window: Window, alpha: Alpha
) -> Cumulative:
    """Return CAR from the window's start to each of its sessions, arrays of shape (L,).

    `alpha` and the variance are those of `event_tests.cumulative`.
    """
    length, car, sums = _sums(panel, one, window, (alpha,))[0]
    error = np.einsum("ti,ij,tj->t", sums, one.leverage, sums)
    return Cumulative(
        car=car,
        se=_standard_error(one, length, error),
        df=np.full(len(car), one.df),
    )


def portfolio_ends(
    panel: EventPanel, one: Portfolio, window: Window, alpha: Alpha
) -> tuple[float, float, float]:
    """Return CAR over the whole window, its standard error, and the other alpha's CAR.

    The last values of `portfolio_cumulative`, with `alpha` and with the other one.
    """
    other: Alpha = "zero" if alpha == "estimated" else "estimated"
    found, second = _sums(panel, one, window, (alpha, other))
    length, car, sums = found
    error = np.einsum("i,ij,j->", sums[-1], one.leverage, sums[-1])
    se = _standard_error(one, length[-1:], error)
    return float(car[-1]), float(se[0]), float(second[1][-1])


def _sums(
    panel: EventPanel, one: Portfolio, window: Window, alphas: Sequence[Alpha]
) -> list[tuple[Array, Array, Array]]:
    """Return the lengths (L,), CARs (L,) and summed regressors (L, q m) by alpha."""
    rows = panel.rows(window)
    y, x = panel.returns[rows][:, one.columns], panel.regressors[rows][:, one.columns]
    seen = np.isfinite(y) & np.isfinite(x).all(axis=2)
    length = np.arange(1.0, len(y) + 1.0)
    moved = np.cumsum(np.where(seen, y, 0.0), axis=0)
    behind = np.cumsum(np.where(seen[..., None], x, 0.0), axis=0)
    coefficients = panel.model.coefficients[one.columns]
    found = []
    for alpha in alphas:
        total = np.empty((*y.shape, x.shape[2] + 1))
        total[..., 0] = length[:, None] if alpha == "estimated" else 0.0
        total[..., 1:] = behind
        expected = np.einsum("tia,ia->ti", total, coefficients)
        car = (moved - expected) @ one.weights
        found.append((length, car, total.reshape(len(y), -1)))
    return found


def _standard_error(one: Portfolio, length: Array, error: Array) -> Array:
    """Return the deviation of CARs of these lengths (L,), given that of the model."""
    variance = length * one.variance + error + 2.0 * (length - 1.0) * one.carried
    return np.sqrt(np.maximum(variance, 0.0))


def portfolio_return(
    panel: EventPanel, columns: Sequence[int], window: Window
) -> float:
    """Return the compounded raw return of equal weights, rebalanced each own session.

    A member without a bar sits the session out; its next return spans it.
    """
    y = panel.simple[panel.rows(window)][:, list(columns)]
    count = np.isfinite(y).sum(axis=1)
    mean = np.where(np.isfinite(y), y, 0.0).sum(axis=1) / np.maximum(count, 1)
    return float(np.prod(1.0 + mean) - 1.0)


def _carried(residuals: Array) -> float:
    """Return the covariance of neighbouring rows, never below 0; NaN rows are gaps."""
    product = residuals[1:] * residuals[:-1]
    known = np.isfinite(product)
    return max(float(product[known].mean()), 0.0) if known.any() else 0.0
