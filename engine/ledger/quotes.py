"""What the lines of one exchange can be traded at, and what happens to their shares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from engine.costs.rules import market_rules
from engine.market.bars import Bars, ex_closes
from engine.market.listing import Line

_NEVER = np.datetime64("2262-01-01", "ns")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Quotes:
    """Prices of n lines on S sessions of their exchange, in their own currency.

    close, open : (S, n) as traded where the line is raw, else with all reinvested.
    dividend, split : (S, n) 0 and 1 where nothing happens. before, after : (S, n) and
    (S + 1, n) as in `engine.market.bars.ex_closes`; no rows where nothing can happen.
    raw : (n,) whether prices are as traded.
    """

    close: np.ndarray
    open: np.ndarray
    dividend: np.ndarray
    split: np.ndarray
    before: np.ndarray
    after: np.ndarray
    raw: np.ndarray


def quotes_of(bars: Bars, lines: Sequence[Line]) -> Quotes:
    """Return the quotes of some lines of one exchange."""
    symbols = [line.symbol for line in lines]
    close = bars.price[symbols].to_numpy()
    opened = bars.open[symbols].to_numpy()
    known = set() if bars.raw is None else set(bars.raw.close.columns)
    raw = np.array([symbol in known for symbol in symbols])
    dividend, split = np.zeros(close.shape), np.ones(close.shape)
    if bars.raw is not None and raw.any():
        own = [symbol for symbol in symbols if symbol in known]
        close, opened = close.copy(), opened.copy()
        close[:, raw] = bars.raw.close[own].to_numpy()
        opened[:, raw] = bars.raw.open[own].to_numpy()
        dividend[:, raw] = bars.raw.dividend[own].to_numpy()
        split[:, raw] = bars.raw.split[own].to_numpy()
    none = np.zeros((0, len(lines)))
    before, after = none, none
    if raw.any() or any(line.delisted for line in lines):
        before, after = ex_closes(close, dividend, split)
    return Quotes(
        close=close,
        open=opened,
        dividend=dividend,
        split=split,
        before=before,
        after=after,
        raw=raw,
    )


def ends_at(
    lines: Sequence[Line], days: pd.DatetimeIndex, bars: Bars, at_open: bool
) -> np.ndarray:
    """Return when each listing is over, shape (n,), datetime64[ns].

    That is when its exchange's first session after its last day can fill; far away
    while that has not come.
    """
    own = bars.sessions
    at = own.open_utc if at_open else own.close_utc
    over = np.full(len(lines), _NEVER)
    for n, line in enumerate(lines):
        if line.delisted is not None:
            s = int(days.searchsorted(pd.Timestamp(line.delisted), side="right"))
            if s < len(days):
                over[n] = at[s]
    return over


def locked(
    quotes: Quotes, lines: Sequence[Line], days: pd.DatetimeIndex, price: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return where prices (S, n) stand at their upper and at their lower limit.

    The limit counts from the close before, through dividends and splits. A price well
    beyond it shows that none was in force that day (a first session, say).
    """
    dates = days.to_numpy().astype("datetime64[D]")
    high, low = np.zeros(price.shape, dtype=bool), np.zeros(price.shape, dtype=bool)
    for n, line in enumerate(lines):
        if not quotes.raw[n]:
            continue
        limit, slack = market_rules().values("price limit", line, dates)
        moved = price[:, n] / quotes.before[:, n]
        high[:, n] = np.abs(moved / (1.0 + limit) - 1.0) <= slack
        low[:, n] = np.abs(moved / (1.0 - limit) - 1.0) <= slack
    return high, low
