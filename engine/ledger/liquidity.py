"""How much of a line can be traded, and what a trade of a given size costs.

The square-root law: a trade of value Q costs ``Y x daily volatility x root(Q / V)`` of
its value, V the mean value traded a day (Toth et al. 2011, Physical Review X 1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.market.bars import Bars
from engine.thesis.model import Execution

#: Own sessions before a trade that volatility and turnover are measured over.
LOOK_BACK = 20
#: Sessions among them that must be known.
FEWEST = 5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Liquidity:
    """What one trade of each line may be, and what it costs.

    most : largest value, own currency; inf where turnover is not known or no limit is
    set. impact : Y x volatility / root of the mean turnover, 0 where that is unknown.
    """

    most: np.ndarray
    impact: np.ndarray


def liquidity_of(bars: Bars, symbols: Sequence[str], terms: Execution) -> Liquidity:
    """Return the liquidity of lines at each session, from the sessions before it.

    Shapes (S, n). A session without a trade counts as turnover 0; one without a bar not
    at all.
    """
    names = list(symbols)
    if bars.turnover is None:
        shape = (len(bars.price), len(names))
        return Liquidity(most=np.full(shape, np.inf), impact=np.zeros(shape))
    return _law(bars.turnover[names].to_numpy(), _returns(bars, names), terms)


def next_liquidity(bars: Bars, symbols: Sequence[str], terms: Execution) -> Liquidity:
    """Return the liquidity of lines at the session after the last of `bars`, (n,).

    What `liquidity_of` has for that session, known the session before.
    """
    names = list(symbols)
    if bars.turnover is None:
        return Liquidity(most=np.full(len(names), np.inf), impact=np.zeros(len(names)))
    blank = np.full((1, len(names)), np.nan)
    turnover = bars.turnover[names].to_numpy()[-LOOK_BACK:]
    returns = _returns(bars, names)[-LOOK_BACK:]
    found = _law(np.vstack([turnover, blank]), np.vstack([returns, blank]), terms)
    return Liquidity(most=found.most[-1], impact=found.impact[-1])


def _returns(bars: Bars, names: list[str]) -> np.ndarray:
    """Return simple returns between consecutive bars, (S, n)."""
    price = bars.price[names]
    found: np.ndarray = (price / price.ffill().shift(1) - 1.0).to_numpy()
    return found


def _law(turnovers: np.ndarray, returns: np.ndarray, terms: Execution) -> Liquidity:
    """Return the liquidity at each session from those before it, (S, n) each."""
    turnover, _ = _trailing(turnovers)
    _, volatility = _trailing(returns)
    known = turnover > 0.0  # False for NaN
    value = np.where(known, turnover, 1.0)
    most = np.full(turnovers.shape, np.inf)
    if terms.max_participation is not None:
        most = np.where(known, terms.max_participation * value, np.inf)
    moves = known & np.isfinite(volatility)
    root = np.where(moves, volatility, 0.0) / np.sqrt(value)
    return Liquidity(most=most, impact=terms.impact * root)


def _trailing(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of the sessions before each, (S, n) each.

    Over the last `LOOK_BACK` sessions; NaN where fewer than `FEWEST` are known.
    """
    known = np.isfinite(values)
    filled = np.where(known, values, 0.0)
    count = _sum_before(known.astype(np.float64))
    total, squares = _sum_before(filled), _sum_before(filled**2)
    enough = count >= FEWEST
    number = np.where(enough, count, np.nan)
    mean = total / number
    variance = (squares - number * mean**2) / (number - 1.0)
    return mean, np.sqrt(np.maximum(variance, 0.0))


def _sum_before(values: np.ndarray) -> np.ndarray:
    """Return the sum of the `LOOK_BACK` rows before each row, shape as `values`."""
    padded = np.vstack([np.zeros((LOOK_BACK, values.shape[1])), values])
    windows = np.lib.stride_tricks.sliding_window_view(padded, LOOK_BACK, axis=0)
    summed: np.ndarray = windows[:-1].sum(axis=-1)
    return summed
