"""The metrics of many resamples of a series at once.

Most metrics are functions of sums over periods, so `counts @ features` gives them for
every resample in one product; quantiles need the smallest returns in order, and only
the drawdown needs the resampled paths themselves. Each has its slow twin in
`engine.evidence.metrics`, and the two are compared by the tests.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.evidence.inference import (
    block_length,
    resample_counts,
    stationary_bootstrap_indices,
)
from engine.evidence.metrics import NO_SPREAD, Array


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Resamples:
    """The same stationary-bootstrap draws for several series.

    `indices` and `counts` have shape (n, draws): one row per period, so that a step in
    time is one operation on contiguous draws. `block` is the mean block length.
    """

    block: float
    indices: npt.NDArray[np.int64]
    counts: Array


def draw(series: list[Array], draws: int, rng: np.random.Generator) -> Resamples:
    """Return draws with the longest block that any of the series needs."""
    block = max(block_length(values) for values in series)
    indices = stationary_bootstrap_indices(len(series[0]), block, draws, rng)
    return Resamples(
        block=block,
        indices=np.ascontiguousarray(indices.T),
        counts=np.ascontiguousarray(resample_counts(indices).T),
    )


def path_metrics(
    returns: Array,
    resamples: Resamples,
    *,
    periods_per_year: float,
    rate: float,
    level: float,
) -> dict[str, Array]:
    """Return the metrics of a path alone over its resamples, arrays of shape (draws,).

    `rate` is the risk-free rate per period, `level` that of VaR and shortfall.
    """
    n, year = len(returns), np.sqrt(periods_per_year)
    middle = returns.mean()
    centred = returns - middle
    features = np.array(
        [
            centred,
            centred**2,
            centred**3,
            centred**4,
            np.log1p(returns),
            np.minimum(returns - rate, 0.0) ** 2,
            returns > 0.0,
        ]
    )
    m1, m2, m3, m4, log, below, hits = features @ resamples.counts / n
    variance = np.maximum(m2 - m1**2, 0.0)
    spread = _positive(np.sqrt(variance), returns)
    deviation = spread * np.sqrt(n / (n - 1))
    excess = m1 + middle - rate
    growth = np.expm1(log * periods_per_year)
    worst = max_drawdowns(returns, resamples.indices)
    quantile, shortfall = tails(returns, resamples.counts, level)
    third = m3 - 3.0 * m1 * m2 + 2.0 * m1**3
    fourth = m4 - 4.0 * m1 * m3 + 6.0 * m1**2 * m2 - 3.0 * m1**4
    return {
        "total_return": np.expm1(log * n),
        "cagr": growth,
        "volatility": np.sqrt(variance * n / (n - 1)) * year,
        "sharpe": excess / deviation * year,
        "sortino": excess / _positive(np.sqrt(below), returns) * year,
        "max_drawdown": worst,
        "calmar": growth / np.where(worst < 0.0, -worst, np.nan),
        "value_at_risk": quantile,
        "expected_shortfall": shortfall,
        "hit_rate": hits,
        "skewness": third / spread**3,
        "kurtosis": fourth / spread**4,
    }


def benchmark_metrics(
    returns: Array,
    benchmark: Array,
    resamples: Resamples,
    *,
    periods_per_year: float,
    rate: float,
) -> dict[str, Array]:
    """Return the metrics against a benchmark over paired resamples, shape (draws,)."""
    n, year = len(returns), np.sqrt(periods_per_year)
    active = returns - benchmark
    middles = returns.mean(), benchmark.mean(), active.mean()
    x, b, d = returns - middles[0], benchmark - middles[1], active - middles[2]
    up, down = benchmark > 0.0, benchmark < 0.0
    logs = np.log1p(returns), np.log1p(benchmark)
    features = np.array(
        [
            *(x, b, b**2, x * b, d, d**2),
            *(up, up * logs[0], up * logs[1]),
            *(down, down * logs[0], down * logs[1]),
        ]
    )
    sums = features @ resamples.counts
    mx, mb, mbb, mxb, md, mdd = sums[:6] / n
    spread = np.sqrt(np.maximum(mbb - mb**2, 0.0))
    slope = (mxb - mx * mb) / _positive(spread, benchmark) ** 2
    error = np.sqrt(np.maximum(mdd - md**2, 0.0) * n / (n - 1))
    return {
        "alpha": (mx + middles[0] - rate - slope * (mb + middles[1] - rate))
        * periods_per_year,
        "beta": slope,
        "tracking_error": error * year,
        "information_ratio": (md + middles[2]) / _positive(error, returns) * year,
        "up_capture": _captures(sums[6:9], periods_per_year),
        "down_capture": _captures(sums[9:12], periods_per_year),
    }


def max_drawdowns(returns: Array, indices: npt.NDArray[np.int64]) -> Array:
    """Return the worst drawdown of each resampled path, shape (draws,), at most 0.

    `indices` has shape (n, draws). All paths take a step together; each keeps its log
    wealth, its peak (at least the 0 before the first return) and its worst fall.
    """
    log = np.log1p(returns)
    wealth, peak, worst, step = (np.zeros(indices.shape[1]) for _ in range(4))
    for positions in indices:
        np.take(log, positions, out=step, mode="clip")
        wealth += step
        np.maximum(peak, wealth, out=peak)
        np.subtract(wealth, peak, out=step)
        np.minimum(worst, step, out=worst)
    return np.asarray(np.expm1(worst))


def tails(returns: Array, counts: Array, level: float) -> tuple[Array, Array]:
    """Return value at risk and expected shortfall of each resample, shape (draws,).

    `metrics.value_at_risk` (linear interpolation between order statistics) and
    `metrics.expected_shortfall` (fractional tail) on the sorted original returns, each
    as often as the resample holds it; `counts` has shape (n, draws).
    """
    n = len(returns)
    order = np.argsort(returns, kind="stable")
    k = (1.0 - level) * n
    # as few of the smallest returns as hold the tail in every resample
    width = int(min(n, 2 * np.ceil(k) + 8))
    held = np.cumsum(counts[order[:width]], axis=0)
    while width < n and held[-1].min() < np.ceil(k) + 2:
        width = min(n, 2 * width)
        held = np.cumsum(counts[order[:width]], axis=0)
    worst = returns[order[:width]]
    weight = np.diff(np.minimum(held, k), axis=0, prepend=0.0)
    position = (n - 1) * (1.0 - level)
    low = int(np.floor(position))
    at = [worst[(held <= place).sum(axis=0)] for place in (low, min(low + 1, n - 1))]
    quantile = at[0] + (position - low) * (at[1] - at[0])
    return quantile, np.asarray(worst @ weight / k)


def percentiles(values: Array, level: float) -> tuple[float, float]:
    """Return the central `level` range of values, NaN left out; NaN if none is left."""
    known = values[np.isfinite(values)]
    if len(known) == 0:
        return float("nan"), float("nan")
    low, high = np.quantile(known, [(1.0 - level) / 2.0, (1.0 + level) / 2.0])
    return float(low), float(high)


def _positive(spread: Array, values: Array) -> Array:
    """Return spreads, NaN where they are rounding noise beside the values."""
    least = NO_SPREAD * float(np.abs(values).max())
    return np.where(spread > least, spread, np.nan)


def _captures(sums: Array, periods_per_year: float) -> Array:
    """Return annualised growth over the benchmark's from (count, log, log) sums."""
    count = np.where(sums[0] > 0.0, sums[0], np.nan)
    own, other = np.expm1(sums[1:] * periods_per_year / count)
    return np.asarray(own / np.where(other != 0.0, other, np.nan))
