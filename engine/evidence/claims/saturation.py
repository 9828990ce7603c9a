"""Saturation: a signal's pace changes, and the logistic curve that would say why."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from engine.evidence.claims.context import ClaimTest, Evidence, Span
from engine.evidence.claims.regression import equivalent_df
from engine.evidence.claims.series import (
    FEWEST_CHANGES,
    changes,
    few,
    on_sessions,
    series_name,
    years,
)
from engine.evidence.claims.statistics import from_t
from engine.evidence.inference import newey_west_lags, newey_west_mean
from engine.evidence.results import Measurement, Untestable
from engine.thesis.model import Claim

#: Steps in which a logistic curve has to settle, and the share of the sum of squares
#: that a step must gain to go on.
_MOST_STEPS, _SETTLED = 300, 1e-12
#: Rate times the mean gap between observations above which a curve is a jump.
_JUMP = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """A signal between zero and a ceiling; `by` is when its pace must have turned."""

    role: str
    entity: str | None = None
    by: dt.date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Logistic:
    r"""The curve :math:`K / (1 + e^{-r (t - t_0)})`; `middle` is t0 in years."""

    ceiling: float
    rate: float
    middle: float


def measure(
    claim: Claim, params: Params, evidence: Evidence, span: Span
) -> Measurement | Untestable:
    r"""Return the pace of the later half of the sample minus that of the earlier half.

    .. math:: \frac{\sum_{late} \Delta s}{\sum_{late} \Delta t}
              - \frac{\sum_{early} \Delta s}{\sum_{early} \Delta t}

    per year, with the Newey-West error of both sums. Saturation is a fall (Verhulst
    1838: growth beyond the inflection slows). The logistic's own inflection and ceiling
    are not identified before the curve has turned, so they decide nothing: the fit
    stands in the summary where its turn lies inside the sample.
    """
    if params.by is not None:
        until = pd.Timestamp(params.by) + pd.Timedelta(days=1)
        span = replace(span, end=min(span.end, until))
    rows = changes(evidence, params.role, params.entity, span, "difference")
    if isinstance(rows, Untestable):
        return rows
    n = len(rows)
    name = series_name(evidence.market.signals, params.role)
    if n < 2 * FEWEST_CHANGES:
        return Untestable(
            reason=f"{n} changes of {name} became known in this sample; "
            f"{2 * FEWEST_CHANGES} needed, {FEWEST_CHANGES} in each half"
        )
    early, late, deviations = _paces(rows["change"].to_numpy(), years(rows))
    lags = newey_west_lags(n)
    se = float(newey_west_mean(deviations, lags)[1] * n * np.sqrt(n / (n - 2)))
    if not se > 1e-12 * max(abs(late), abs(early), 1e-300):
        return Untestable(reason=f"{name} moves always alike: no error can be told")
    null, weights = on_sessions(
        deviations, rows["value_date"].to_numpy(), evidence.home, 1.0
    )
    of = f" of {params.entity}" if params.entity else ""
    return from_t(
        claim,
        estimate=late - early,
        se=se,
        df=equivalent_df(n, 2, lags),
        n=n,
        unit="per year",
        summary=f"change of pace of {name}{of}: {late:.3g} a year after {early:.3g}; "
        f"{_told(rows)}",
        assumptions=(
            "halves of the sample, drift of a series in differences",
            f"Newey-West standard error, {lags} lags",
            *few(n),
        ),
        rows=rows,
        null=null,
        weights=weights,
    )


def _paces(moved: np.ndarray, length: np.ndarray) -> tuple[float, float, np.ndarray]:
    """Return the pace of both halves, and each change's part in their difference.

    Changes and their lengths in years, shape (n,); the parts have mean zero.
    """
    second = np.cumsum(length) > length.sum() / 2.0
    times = [float(length[at].sum()) for at in (~second, second)]
    early, late = (
        float(moved[at].sum()) / time
        for at, time in zip((~second, second), times, strict=True)
    )
    parts = np.where(
        second,
        (moved - late * length) / times[1],
        -(moved - early * length) / times[0],
    )
    return early, late, parts


def _told(rows: pd.DataFrame) -> str:
    """Return what a logistic curve would say of the sample."""
    first = rows["value_date"].iloc[0]
    length = np.cumsum(years(rows)) - years(rows)[0]
    fit = fit_logistic(length, rows["value"].to_numpy())
    if fit is None or not 0.0 < fit.middle < length[-1]:
        return "a logistic curve has no turn inside the sample"
    turn = first + pd.Timedelta(days=365.25 * fit.middle)
    return f"a logistic curve turns in {turn:%B %Y}, towards {fit.ceiling:.3g}"


def fit_logistic(t: np.ndarray, values: np.ndarray) -> Logistic | None:
    """Return the least-squares logistic through values, shape (n,), at t in years.

    Rising or falling (a negative rate). For each rate and middle on a grid the ceiling
    is linear and solved exactly; the best of them is refined. None where no curve with
    a positive ceiling fits better than a constant, and where the best one jumps: goes
    from 12 % to 88 % of its ceiling between two observations.
    """
    reach = float(t[-1] - t[0])
    spread = float(((values - values.mean()) ** 2).sum())
    if not (reach > 0 and spread > 0):
        return None
    rates = np.outer([1.0, -1.0], np.geomspace(0.5, 40.0, 12) / reach).ravel()
    middles = t[0] + reach * np.linspace(-0.5, 1.5, 21)
    curve = _unit(t, rates[:, None, None], middles[None, :, None])
    ceiling = (curve @ values) / (curve**2).sum(axis=-1)
    miss = ((ceiling[..., None] * curve - values) ** 2).sum(axis=-1)
    row, column = np.unravel_index(int(miss.argmin()), miss.shape)
    start = np.array([ceiling[row, column], rates[row], middles[column]])
    found, cost = _refined(t, values, start)
    if found is None or not (found[0] > 0 and cost < spread):
        return None
    ceiling_, rate, middle = (float(one) for one in found)
    if abs(rate) * reach > _JUMP * (len(t) - 1):
        return None
    return Logistic(ceiling=ceiling_, rate=rate, middle=middle)


def _refined(
    t: np.ndarray, values: np.ndarray, start: np.ndarray
) -> tuple[np.ndarray | None, float]:
    """Return ceiling, rate and middle of least squares, and the sum of squares.

    From `start` by damped Gauss-Newton steps; None where they do not settle. By hand,
    because importing an optimiser takes as long as testing a dozen claims.

    References
    ----------
    Marquardt (1963), Journal of the Society for Industrial and Applied Mathematics 11.
    """
    at, damping = start, 1e-3
    miss = at[0] * _unit(t, at[1], at[2]) - values
    cost = float(miss @ miss)
    for _ in range(_MOST_STEPS):
        curve = _unit(t, at[1], at[2])
        steep = at[0] * curve * (1.0 - curve)
        slopes = np.column_stack([curve, steep * (t - at[2]), -steep * at[1]])
        normal = slopes.T @ slopes
        scale = np.diag(normal)
        held = np.diag(damping * np.maximum(scale, 1e-12 * scale.max()))
        tried = at - np.linalg.solve(normal + held, slopes.T @ miss)
        missed = tried[0] * _unit(t, tried[1], tried[2]) - values
        left = float(missed @ missed)
        if left < cost:
            gained, at, miss, cost = cost - left, tried, missed, left
            damping = max(damping / 10.0, 1e-12)
            if gained <= _SETTLED * cost:
                return at, cost
        elif damping > 1e9:  # no step however short is better
            return at, cost
        else:
            damping *= 10.0
    return None, cost


def _unit(t: np.ndarray, rate: object, middle: object) -> np.ndarray:
    """Return logistic curves with ceiling 1."""
    exponent = -np.asarray(rate) * (t - np.asarray(middle))
    return np.asarray(1.0 / (1.0 + np.exp(np.clip(exponent, -500.0, 500.0))))


TEST = ClaimTest(
    name="saturation",
    params=Params,
    measure=measure,
    help="change of a signal's pace between the halves of the sample; logistic shown",
    null="the pace is the same in both halves of the sample",
    holds="changes further apart than the lags of its error are unrelated",
)
