"""From a score to an expected return."""

from __future__ import annotations

import pandas as pd


def expected_returns(score: pd.Series, volatility: pd.Series, ic: float) -> pd.Series:
    r"""Return the expected return of each asset over the rebalance period.

    Parameters
    ----------
    score : Series of N scores in [-1, 1]
    volatility : Series, by asset
        Standard deviation of the return over the same period, decimal fraction.
    ic : float
        Information coefficient: the correlation of scores with later returns that the
        thesis claims.

    Returns
    -------
    Series
        Aligned to `score`; NaN where the volatility is not known: without a risk
        there is no expected return.

    Notes
    -----
    .. math:: \alpha_i = IC \, \sigma_i \, s_i

    Costs that are compared with it are amortised over the same period.

    References
    ----------
    Grinold (1994), Journal of Portfolio Management 20(4).
    """
    sigma = volatility.reindex(score.index)
    return (ic * sigma * score).rename("alpha")
