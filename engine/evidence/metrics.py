"""Measures of a series of returns: pure functions of arrays.

Every function takes simple returns per period as decimal fractions, shape (n,), of an
account that is worth 1 before the first of them. NaN in a series gives NaN; a ratio
without a spread to divide by is NaN, never infinite. `periods_per_year` comes from the
calendar of the series (252 for New York sessions), never from its length.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

Array = npt.NDArray[np.float64]

#: A spread below this share of the largest value is rounding, not risk.
NO_SPREAD = 1e-12


def per_period(annual_rate: float, periods_per_year: float) -> float:
    """Return the rate per period that compounds to an annual rate."""
    return float((1.0 + annual_rate) ** (1.0 / periods_per_year) - 1.0)


def total_return(returns: Array) -> float:
    """Return the compounded return of the whole series; 0 if it is empty."""
    return float(np.prod(1.0 + returns) - 1.0)


def cagr(returns: Array, periods_per_year: float) -> float:
    """Return :math:`W^{periods per year / n} - 1`, W the final wealth; NaN if empty."""
    if len(returns) == 0:
        return float("nan")
    wealth = 1.0 + total_return(returns)
    return float(wealth ** (periods_per_year / len(returns)) - 1.0)


def standard_deviation(values: Array) -> float:
    """Return the standard deviation, ddof 1; NaN below two values."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else float("nan")


def volatility(returns: Array, periods_per_year: float) -> float:
    """Return the annualised standard deviation (ddof 1)."""
    return standard_deviation(returns) * float(np.sqrt(periods_per_year))


def sharpe_ratio(excess: Array, periods_per_year: float) -> float:
    """Return mean over standard deviation (ddof 1) of excess returns, annualised.

    Excess is over the risk-free rate per period (`per_period`). Sharpe (1994), Journal
    of Portfolio Management 21.
    """
    spread = standard_deviation(excess)
    return _ratio(float(excess.mean()), spread, excess, periods_per_year)


def downside_deviation(returns: Array, target: float = 0.0) -> float:
    r"""Return :math:`\sqrt{\sum \min(r - target, 0)^2 / n}` over **all** n periods."""
    if len(returns) == 0:
        return float("nan")
    return float(np.sqrt(np.mean(np.minimum(returns - target, 0.0) ** 2)))


def sortino_ratio(
    returns: Array, periods_per_year: float, target: float = 0.0
) -> float:
    """Return the mean above `target` over the downside deviation, annualised.

    `target` is per period. NaN if no return lies below it. Sortino and Price (1994),
    Journal of Investing 3.
    """
    above = returns - target
    spread = downside_deviation(returns, target)
    return _ratio(float(above.mean()), spread, above, periods_per_year)


def drawdowns(returns: Array) -> Array:
    """Return wealth over its running maximum minus 1, shape (n,).

    The maximum includes the 1 before the first return: a loss on day one counts.
    """
    wealth = np.cumprod(1.0 + returns)
    return np.asarray(wealth / np.maximum(np.maximum.accumulate(wealth), 1.0) - 1.0)


def max_drawdown(returns: Array) -> float:
    """Return the worst drawdown as a return, at most 0; NaN if the series is empty."""
    return float(drawdowns(returns).min()) if len(returns) else float("nan")


def calmar_ratio(returns: Array, periods_per_year: float) -> float:
    """Return CAGR over the size of the worst drawdown; NaN without a drawdown."""
    worst = max_drawdown(returns)
    if not worst < 0.0:
        return float("nan")
    return cagr(returns, periods_per_year) / -worst


def value_at_risk(returns: Array, level: float = 0.95) -> float:
    """Return the (1 - level) quantile of returns, linearly interpolated.

    Historical, not annualised; a loss is negative.
    """
    return float(np.quantile(returns, 1.0 - level)) if len(returns) else float("nan")


def expected_shortfall(returns: Array, level: float = 0.95) -> float:
    r"""Return the mean of the worst (1 - level) n returns, the last one in part.

    With :math:`k = (1 - level) n` the :math:`\lfloor k \rfloor` worst count fully and
    the next with weight :math:`k - \lfloor k \rfloor`. A loss is negative. Rockafellar
    and Uryasev (2002), Journal of Banking and Finance 26.
    """
    n = len(returns)
    if n == 0:
        return float("nan")
    k = (1.0 - level) * n
    worst = np.sort(returns)
    share = np.clip(k - np.arange(n), 0.0, 1.0)
    return float(share @ worst / k)


def beta(excess: Array, benchmark_excess: Array) -> float:
    """Return the slope of excess returns on the benchmark's; NaN if that is flat."""
    if len(excess) < 2 or _flat(standard_deviation(benchmark_excess), benchmark_excess):
        return float("nan")
    centred = benchmark_excess - benchmark_excess.mean()
    return float(centred @ excess / (centred @ centred))


def alpha(excess: Array, benchmark_excess: Array, periods_per_year: float) -> float:
    """Return Jensen's alpha, annualised by multiplication (arithmetic).

    Jensen (1968), Journal of Finance 23.
    """
    slope = beta(excess, benchmark_excess)
    per = excess.mean() - slope * benchmark_excess.mean()
    return float(per * periods_per_year)


def tracking_error(returns: Array, benchmark: Array, periods_per_year: float) -> float:
    """Return the annualised standard deviation of the active return."""
    return volatility(returns - benchmark, periods_per_year)


def information_ratio(
    returns: Array, benchmark: Array, periods_per_year: float
) -> float:
    """Return mean over standard deviation of the active return, annualised.

    Arithmetic active returns; NaN for a series that is its own benchmark.
    """
    active = returns - benchmark
    spread = standard_deviation(active)
    if not spread > NO_SPREAD * max(np.abs(returns).max(initial=0.0), NO_SPREAD):
        return float("nan")
    return _ratio(float(active.mean()), spread, active, periods_per_year)


def up_capture(returns: Array, benchmark: Array, periods_per_year: float) -> float:
    """Return annualised growth over the benchmark's, in periods when that rose.

    Geometric. Periods in which the benchmark was flat count neither up nor down
    (PerformanceAnalytics counts them as down). NaN if there is none.
    """
    return _capture(returns, benchmark, benchmark > 0.0, periods_per_year)


def down_capture(returns: Array, benchmark: Array, periods_per_year: float) -> float:
    """Return annualised growth over the benchmark's, in periods when that fell.

    As `up_capture`; below 1 is less of the loss.
    """
    return _capture(returns, benchmark, benchmark < 0.0, periods_per_year)


def hit_rate(returns: Array) -> float:
    """Return the share of periods with a return above zero."""
    return float(np.mean(returns > 0.0)) if len(returns) else float("nan")


def skewness(returns: Array) -> float:
    """Return the third central moment over the cubed deviation (ddof 0)."""
    return _standardised_moment(returns, 3)


def kurtosis(returns: Array) -> float:
    """Return the fourth standardised moment (ddof 0), not in excess: normal is 3."""
    return _standardised_moment(returns, 4)


def probabilistic_sharpe(excess: Array, threshold: float = 0.0) -> float:
    r"""Return the probability that the true Sharpe ratio exceeds a threshold.

    Both per period: :math:`\Phi\bigl((SR - SR^*) \sqrt{n - 1} / \sqrt{1 - \gamma_3 SR +
    (\gamma_4 - 1) SR^2 / 4}\bigr)`, :math:`\gamma_4` not in excess. Bailey and Lopez de
    Prado (2012), Journal of Risk 15.
    """
    ratio = sharpe_ratio(excess, 1.0) if len(excess) else float("nan")
    if np.isnan(ratio):
        return float("nan")
    shape = 1.0 - skewness(excess) * ratio + (kurtosis(excess) - 1.0) / 4.0 * ratio**2
    return float(ndtr((ratio - threshold) * np.sqrt(len(excess) - 1) / np.sqrt(shape)))


def _flat(spread: float, values: Array) -> bool:
    """Return whether a spread is rounding noise beside the values themselves."""
    return not spread > NO_SPREAD * float(np.abs(values).max(initial=0.0))


def _ratio(mean: float, spread: float, values: Array, periods_per_year: float) -> float:
    if _flat(spread, values):
        return float("nan")
    return float(mean / spread * np.sqrt(periods_per_year))


def _capture(
    returns: Array, benchmark: Array, chosen: npt.NDArray[np.bool_], per_year: float
) -> float:
    if not chosen.any():
        return float("nan")
    return cagr(returns[chosen], per_year) / cagr(benchmark[chosen], per_year)


def _standardised_moment(values: Array, order: int) -> float:
    if len(values) < 2 or _flat(float(values.std()), values):
        return float("nan")
    centred = values - values.mean()
    return float(np.mean(centred**order) / np.mean(centred**2) ** (order / 2))
