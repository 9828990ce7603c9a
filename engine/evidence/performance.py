"""How the paths of a study did, each number with its interval."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from engine.errors import DataError
from engine.evidence import metrics, resampled
from engine.evidence.metrics import Array
from engine.evidence.resampled import Resamples

#: Metrics of a path alone, in the order of the report.
PATH_METRICS = (
    "total_return",
    "cagr",
    "volatility",
    "sharpe",
    "sortino",
    "max_drawdown",
    "calmar",
    "value_at_risk",
    "expected_shortfall",
    "hit_rate",
    "skewness",
    "kurtosis",
)
#: Metrics against a benchmark.
BENCHMARK_METRICS = (
    "alpha",
    "beta",
    "tracking_error",
    "information_ratio",
    "up_capture",
    "down_capture",
)
METRICS = PATH_METRICS + BENCHMARK_METRICS
#: Metrics that follow the order of the days: their bounds are the range over resamples,
#: not a confidence interval, and are labelled so.
RESAMPLING_RANGE = ("max_drawdown", "calmar")
#: Interval level, tail level of VaR and shortfall.
LEVEL = 0.95
#: Weeks, for what the daily closes of far exchanges distort.
WEEKS_PER_YEAR = 52.0
#: Below this many returns no interval is given.
FEWEST_RETURNS = 20
#: Resamples behind an interval.
DRAWS = 2000


def summarise(
    returns: pd.Series,
    benchmark: pd.Series | None = None,
    *,
    periods_per_year: float,
    risk_free: float = 0.0,
    rng: np.random.Generator,
    draws: int = DRAWS,
) -> pd.Series:
    """Return every metric of one path with its bounds; see `performance_table`."""
    table = performance_table(
        {"path": returns},
        benchmark,
        periods_per_year=periods_per_year,
        risk_free=risk_free,
        rng=rng,
        draws=draws,
    )
    return table.T["path"].rename(str(returns.name))


def performance_table(
    paths: Mapping[str, pd.Series],
    benchmark: pd.Series | None = None,
    *,
    periods_per_year: float,
    risk_free: float = 0.0,
    rng: np.random.Generator,
    draws: int = DRAWS,
    resamples: Resamples | None = None,
) -> pd.DataFrame:
    """Return one row per path, with metrics and their 95 % bounds as columns.

    Parameters
    ----------
    paths : mapping of name to Series of shape (n,)
        Simple returns per session; all paths on the same sessions.
    benchmark : Series of shape (n,), optional
        On the same sessions; without it the metrics against it are NaN.
    periods_per_year : float
        Of the calendar: 252 for New York.
    risk_free : float
        Annual rate, decimal fraction; per period it is geometric.
    rng : numpy.random.Generator
    draws : int
        Resamples.
    resamples : Resamples, optional
        Drawn before, of the same returns; `rng` and `draws` are then not used.

    Returns
    -------
    DataFrame
        Columns `METRICS`, each with ``_low`` and ``_high`` (percentiles of a stationary
        bootstrap; for `RESAMPLING_RANGE` the range over resamples), then
        ``probabilistic_sharpe`` (probability that the true Sharpe ratio is positive),
        ``cagr_calendar`` (on days / 365.25), ``sharpe_weekly``, ``alpha_weekly`` and
        ``beta_weekly`` (of weekly returns, which closes hours apart distort less),
        ``n``, ``block`` (mean block length,
        sessions). All paths share their draws, with the longest block any of them
        needs, so their rows can be compared. Bounds are NaN below 20 returns.

    Raises
    ------
    DataError
        A return is missing or -100 % or less (the NAV of an account has neither), or
        the series are on different sessions: nothing is aligned in silence.

    References
    ----------
    Politis and Romano (1994), Journal of the American Statistical Association 89.
    """
    arrays = {name: _checked(series, name) for name, series in paths.items()}
    if not arrays:
        return pd.DataFrame(columns=list(METRICS))
    sessions = next(iter(paths.values())).index
    for name, series in paths.items():
        _same_sessions(series, sessions, name)
    against = None
    if benchmark is not None:
        _same_sessions(benchmark, sessions, "benchmark")
        against = _checked(benchmark, "benchmark")
    rate = metrics.per_period(risk_free, periods_per_year)
    if resamples is None and len(sessions) >= FEWEST_RETURNS:
        resamples = resampled.draw(list(arrays.values()), draws, rng)
    rows = {
        name: _row(values, against, sessions, periods_per_year, rate, resamples)
        for name, values in arrays.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("path")


def _row(
    values: Array,
    benchmark: Array | None,
    sessions: pd.Index,
    per_year: float,
    rate: float,
    resamples: Resamples | None,
) -> dict[str, float]:
    """Return the columns of one path."""
    point = dict.fromkeys(METRICS, float("nan"))
    if len(values):
        point |= _point(values, benchmark, per_year, rate)
    bounds = {}
    if resamples is not None:
        bounds = _bounds(values, benchmark, per_year, rate, resamples)
    row: dict[str, float] = {}
    for metric in METRICS:
        low, high = bounds.get(metric, (float("nan"), float("nan")))
        row |= {metric: point[metric], f"{metric}_low": low, f"{metric}_high": high}
    return row | {
        "probabilistic_sharpe": metrics.probabilistic_sharpe(values - rate),
        "cagr_calendar": _calendar_growth(values, sessions),
        **_weekly(values, benchmark, sessions, rate),
        "n": len(values),
        "block": resamples.block if resamples else float("nan"),
    }


def _checked(returns: pd.Series, name: str) -> Array:
    """Return the values; DataError where one is missing or wipes the account out."""
    values = returns.to_numpy(dtype=np.float64)
    bad = ~(values > -1.0)
    if bad.any():
        where = returns.index[int(bad.argmax())]
        raise DataError(
            f"returns of {name}: {values[bad][0]} on {where}; an account's returns are "
            "never missing and never -100 % or less. Check its NAV"
        )
    return values


def _same_sessions(series: pd.Series, sessions: pd.Index, name: str) -> None:
    if not series.index.equals(sessions):
        raise DataError(
            f"returns of {name}: not on the sessions of the other paths "
            f"({len(series)} rows against {len(sessions)}); cut them to the same period"
        )


def _point(
    values: Array, benchmark: Array | None, per_year: float, rate: float
) -> dict[str, float]:
    """Return every metric of the path as it happened."""
    excess = values - rate
    row = {
        "total_return": metrics.total_return(values),
        "cagr": metrics.cagr(values, per_year),
        "volatility": metrics.volatility(values, per_year),
        "sharpe": metrics.sharpe_ratio(excess, per_year),
        "sortino": metrics.sortino_ratio(values, per_year, rate),
        "max_drawdown": metrics.max_drawdown(values),
        "calmar": metrics.calmar_ratio(values, per_year),
        "value_at_risk": metrics.value_at_risk(values, LEVEL),
        "expected_shortfall": metrics.expected_shortfall(values, LEVEL),
        "hit_rate": metrics.hit_rate(values),
        "skewness": metrics.skewness(values),
        "kurtosis": metrics.kurtosis(values),
    }
    if benchmark is not None:
        other = benchmark - rate
        row |= {
            "alpha": metrics.alpha(excess, other, per_year),
            "beta": metrics.beta(excess, other),
            "tracking_error": metrics.tracking_error(values, benchmark, per_year),
            "information_ratio": metrics.information_ratio(values, benchmark, per_year),
            "up_capture": metrics.up_capture(values, benchmark, per_year),
            "down_capture": metrics.down_capture(values, benchmark, per_year),
        }
    return row


def _bounds(
    values: Array,
    benchmark: Array | None,
    per_year: float,
    rate: float,
    resamples: Resamples,
) -> dict[str, tuple[float, float]]:
    """Return the lower and upper bound of every metric."""
    drawn = resampled.path_metrics(
        values, resamples, periods_per_year=per_year, rate=rate, level=LEVEL
    )
    if benchmark is not None:
        drawn |= resampled.benchmark_metrics(
            values, benchmark, resamples, periods_per_year=per_year, rate=rate
        )
    return {name: resampled.percentiles(drawn[name], LEVEL) for name in drawn}


def _weekly(
    values: Array, benchmark: Array | None, sessions: pd.Index, rate: float
) -> dict[str, float]:
    """Return Sharpe, alpha and beta of weekly returns; NaN off a calendar.

    Exchanges close hours apart, so a day in New York is partly tomorrow's in Asia:
    daily beta is too low and daily alpha too high. Weeks end on Sunday; the first and
    the last may be short.
    """
    names = ("sharpe_weekly", "alpha_weekly", "beta_weekly")
    if not isinstance(sessions, pd.DatetimeIndex) or len(values) < FEWEST_RETURNS:
        return dict.fromkeys(names, float("nan"))
    week = np.asarray(sessions.to_period("W").asi8)
    starts = np.flatnonzero(np.diff(week, prepend=week[0] - 1))

    def excess(returns: Array) -> Array:
        both = np.stack([1.0 + returns, np.full(len(returns), 1.0 + rate)])
        own, free = np.multiply.reduceat(both, starts, axis=1)
        weekly: Array = own - free
        return weekly

    own = excess(values)
    other = excess(benchmark) if benchmark is not None else None
    return {
        "sharpe_weekly": metrics.sharpe_ratio(own, WEEKS_PER_YEAR),
        "alpha_weekly": float("nan")
        if other is None
        else metrics.alpha(own, other, WEEKS_PER_YEAR),
        "beta_weekly": float("nan") if other is None else metrics.beta(own, other),
    }


def _calendar_growth(values: Array, sessions: pd.Index) -> float:
    """Return CAGR on calendar days / 365.25; NaN off a calendar or below two returns.

    The day before the first return is not in the index: the span is stretched by one
    average session.
    """
    n = len(values)
    if n < 2 or not isinstance(sessions, pd.DatetimeIndex):
        return float("nan")
    days = (sessions[-1] - sessions[0]).days * n / (n - 1)
    return float((1.0 + metrics.total_return(values)) ** (365.25 / days) - 1.0)
