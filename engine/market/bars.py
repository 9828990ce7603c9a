"""Prices on their own exchange's sessions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from engine.errors import DataError
from engine.market.calendar import Sessions
from engine.market.panel import as_panel

#: Columns that may hold what an asset earns, the better one first.
CLOSES = ("adj_close", "close")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bars:
    """Prices of the lines of one exchange, in each line's own currency.

    All frames are panels of shape (sessions, assets) on ``sessions.days``.

    price : closing price that values and earns. Total return (dividends reinvested)
        where the file has adjusted closes, else the plain close; NaN without a bar.
    open : opening price on the same basis as `price`; NaN where the file has none.
    flat : True for a row with open = high = low = close and no volume (a half day in
        some feeds): it values, and it is flagged.
    """

    sessions: Sessions
    price: pd.DataFrame
    open: pd.DataFrame
    flat: pd.DataFrame

    def first(self, count: int) -> Bars:
        """Return the first `count` sessions, without copying."""
        return Bars(
            sessions=self.sessions.first(count),
            price=self.price.iloc[:count],
            open=self.open.iloc[:count],
            flat=self.flat.iloc[:count],
        )

    def returns(self) -> pd.DataFrame:
        """Return simple returns between consecutive bars of each asset.

        NaN where the asset had no bar; the next return spans the gap.
        """
        last = self.price.ffill().shift(1)
        return self.price / last - 1.0


def build_bars(own: Sessions, frames: Mapping[str, pd.DataFrame]) -> Bars:
    """Return the bars of one exchange's lines on its sessions.

    Parameters
    ----------
    own : Sessions
        The T sessions of the exchange.
    frames : mapping of symbol to DataFrame
        As in `engine.interfaces.PriceData`. Rows on a day that is not one of the
        sessions are left out; sessions without a row are NaN.

    Notes
    -----
    The basis follows from which columns a frame has, never from their values: values
    that lie in the future must not decide how the past is read.
    """
    shape = (len(own), len(frames))
    price, opened = np.full(shape, np.nan), np.full(shape, np.nan)
    flat = np.zeros(shape, dtype=bool)
    for column, frame in enumerate(frames.values()):
        rows, kept = on_sessions(own, frame)
        price[rows, column] = frame[basis_column(frame)].to_numpy()[kept]
        opened[rows, column] = _opens(frame)[kept]
        flat[rows, column] = flat_rows(frame)[kept]
    symbols = list(frames)
    return Bars(
        sessions=own,
        price=as_panel(price, own.days, symbols),
        open=as_panel(opened, own.days, symbols),
        flat=as_panel(flat, own.days, symbols),
    )


def check_frame(symbol: str, frame: pd.DataFrame) -> None:
    """Raise `DataError` unless a source's frame can be laid on sessions."""
    index = frame.index
    if not isinstance(index, pd.DatetimeIndex) or index.tz is not None:
        raise DataError(f"{symbol}: prices need a tz-naive DatetimeIndex of days")
    if index.has_duplicates or not index.is_monotonic_increasing:
        raise DataError(f"{symbol}: days must be unique and increasing")
    prices = frame[[basis_column(frame), *({"open"} & set(frame.columns))]].to_numpy()
    wrong = ((prices <= 0.0) | np.isinf(prices)).any(axis=1)
    if wrong.any():
        day = index[int(np.argmax(wrong))].date()
        raise DataError(f"{symbol}: the price of {day} is not a positive number")


def basis_column(frame: pd.DataFrame) -> str:
    """Return the column that values and earns: adjusted closes where there are any."""
    for name in CLOSES:
        if name in frame.columns:
            return name
    raise DataError("prices need a column adj_close or close")


def on_sessions(own: Sessions, frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return for the frame's rows that fall on a session its place, and which do.

    Shapes (K,) of places in the sessions and (F,) of booleans over the frame's rows,
    with K the number that do.
    """
    days = own.days.to_numpy()
    asked = frame.index.to_numpy().astype("datetime64[ns]")
    place = np.searchsorted(days, asked)
    kept = place < len(days)
    kept[kept] = days[place[kept]] == asked[kept]
    return place[kept], kept


def _opens(frame: pd.DataFrame) -> np.ndarray:
    """Return opening prices on the basis of the closes, NaN where that is unknown."""
    if "open" not in frame.columns:
        return np.full(len(frame), np.nan)
    opened: np.ndarray = frame["open"].to_numpy()
    if basis_column(frame) == "close":
        return opened
    if "close" not in frame.columns:
        return np.full(len(frame), np.nan)
    adjustment = frame["adj_close"].to_numpy() / frame["close"].to_numpy()
    adjusted: np.ndarray = opened * adjustment
    return adjusted


def flat_rows(frame: pd.DataFrame) -> np.ndarray:
    """Return True where open = high = low = close and nothing was traded."""
    if not {"open", "high", "low", "close", "volume"} <= set(frame.columns):
        return np.zeros(len(frame), dtype=bool)
    prices = frame[["open", "high", "low", "close"]].to_numpy()
    still = (prices == prices[:, :1]).all(axis=1)
    flat: np.ndarray = still & (frame["volume"].to_numpy() == 0)
    return flat
