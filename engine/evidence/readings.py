"""How far other readings of a thesis are from its own: differences with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from engine.evidence import metrics, resampled
from engine.evidence.metrics import Array
from engine.evidence.performance import LEVEL
from engine.evidence.resampled import Resamples
from engine.evidence.samples import samples_of
from engine.market.calendar import SESSIONS_PER_YEAR
from engine.thesis.model import About

DIFFERENCE_COLUMNS = (
    "path",
    "against",
    "sample",
    "metric",
    "value",
    "other",
    "difference",
    "low",
    "high",
    "n",
)


def no_differences() -> pd.DataFrame:
    """Return an empty table of differences."""
    return pd.DataFrame(columns=list(DIFFERENCE_COLUMNS))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Readings:
    """The other readings of a thesis beside its own.

    differences : see `path_differences`; one path per reading, against the barbell.
    notes : why a reading could not be held.
    """

    differences: pd.DataFrame = field(default_factory=no_differences)
    notes: tuple[str, ...] = ()


def path_differences(
    returns: Mapping[str, pd.Series],
    names: Sequence[str],
    about: About,
    drawn: Mapping[str, Resamples],
    *,
    against: str,
) -> pd.DataFrame:
    """Return how far paths are from another, each difference with its interval.

    Parameters
    ----------
    returns : mapping of path to Series of shape (n,)
        Paths of the study, on the same sessions.
    names : sequence of str
        The paths to compare.
    about : About
    drawn : mapping of sample to Resamples
        Those behind `performance_by_sample`.
    against : str
        The path that is subtracted.

    Returns
    -------
    DataFrame
        `DIFFERENCE_COLUMNS`, one row per path, sample and metric (``total_return``,
        ``cagr``, ``sharpe``, ``volatility``): ``value`` less ``other``, with the 95 %
        percentile interval of the difference over paired resamples; NaN below 20
        returns.
    """
    sessions = pd.DatetimeIndex(returns[against].index)
    rows: list[dict[str, object]] = []
    for sample, inside in samples_of(about, sessions).items():
        arrays = {
            name: returns[name].to_numpy(dtype=np.float64)[inside]
            for name in {*names, against}
        }
        other = _measured(arrays[against], drawn.get(sample), about)
        for name in names:
            own = _measured(arrays[name], drawn.get(sample), about)
            rows += [
                {
                    "path": name,
                    "against": against,
                    "sample": sample,
                    "metric": metric,
                    **_compared(own[metric], other[metric]),
                    "n": int(inside.sum()),
                }
                for metric in own
            ]
    return pd.DataFrame(rows, columns=list(DIFFERENCE_COLUMNS))


def _compared(own: tuple[float, Array], other: tuple[float, Array]) -> dict[str, float]:
    """Return the columns of one difference."""
    low, high = resampled.percentiles(own[1] - other[1], LEVEL)
    return {
        "value": own[0],
        "other": other[0],
        "difference": own[0] - other[0],
        "low": low,
        "high": high,
    }


def _measured(
    returns: Array, drawn: Resamples | None, about: About
) -> dict[str, tuple[float, Array]]:
    """Return each metric of a path, with its value in every resample."""
    year = SESSIONS_PER_YEAR[about.calendar]
    rate = metrics.per_period(about.risk_free, year)
    points = {
        "total_return": metrics.total_return(returns),
        "cagr": metrics.cagr(returns, year),
        "sharpe": metrics.sharpe_ratio(returns - rate, year),
        "volatility": metrics.volatility(returns, year),
    }
    if drawn is None:
        return {name: (value, np.empty(0)) for name, value in points.items()}
    n, middle = len(returns), returns.mean()
    centred = returns - middle
    features = np.array([centred, centred**2, np.log1p(returns)])
    m1, m2, log = features @ drawn.counts / n
    variance = np.maximum(m2 - m1**2, 0.0) * n / (n - 1)
    spread = np.sqrt(np.where(variance > 0.0, variance, np.nan))
    resamples = {
        "total_return": np.expm1(log * n),
        "cagr": np.expm1(log * year),
        "sharpe": (m1 + middle - rate) / spread * np.sqrt(year),
        "volatility": spread * np.sqrt(year),
    }
    return {name: (value, resamples[name]) for name, value in points.items()}
