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


#: Columns that say what a share paid and became on an ex-day.
ACTIONS = ("dividend", "split")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RawBars:
    """Prices as they were traded, for lines whose files say what their shares paid.

    close, open : (sessions, lines) as traded that day, NaN without a bar. dividend :
    per share on its ex-day, 0 without one. split : new shares for one old from that
    session on, 1 without one; a dividend of the same day is per new share. On a day
    without a session they move to the next one.
    """

    close: pd.DataFrame
    open: pd.DataFrame
    dividend: pd.DataFrame
    split: pd.DataFrame

    def first(self, count: int) -> RawBars:
        """Return the first `count` sessions, without copying."""
        return RawBars(
            close=self.close.iloc[:count],
            open=self.open.iloc[:count],
            dividend=self.dividend.iloc[:count],
            split=self.split.iloc[:count],
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bars:
    """Prices of the lines of one exchange, in each line's own currency.

    All frames are panels of shape (sessions, assets) on ``sessions.days``.

    price : closing price that values and earns. Total return (dividends reinvested)
        where the file has adjusted closes, else the plain close; NaN without a bar.
    open : opening price on the same basis as `price`; NaN where the file has none.
    flat : True for a row with open = high = low = close and no volume (a half day in
        some feeds): it values, and it is flagged.
    turnover : value traded, own currency; NaN where closes or volume are unknown.
    raw : the lines that are traded at raw prices; None if there are none.
    """

    sessions: Sessions
    price: pd.DataFrame
    open: pd.DataFrame
    flat: pd.DataFrame
    turnover: pd.DataFrame | None = None
    raw: RawBars | None = None

    def first(self, count: int) -> Bars:
        """Return the first `count` sessions, without copying."""
        return Bars(
            sessions=self.sessions.first(count),
            price=self.price.iloc[:count],
            open=self.open.iloc[:count],
            flat=self.flat.iloc[:count],
            turnover=None if self.turnover is None else self.turnover.iloc[:count],
            raw=None if self.raw is None else self.raw.first(count),
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
    flat, turnover = np.zeros(shape, dtype=bool), np.full(shape, np.nan)
    raw = _raw_bars(own, {name: one for name, one in frames.items() if is_raw(one)})
    for column, (symbol, frame) in enumerate(frames.items()):
        rows, kept = on_sessions(own, frame)
        price[rows, column] = frame[basis_column(frame)].to_numpy()[kept]
        opened[rows, column] = _opens(frame)[kept]
        flat[rows, column] = flat_rows(frame)[kept]
        if {"close", "volume"} <= set(frame.columns):
            traded = frame["close"].to_numpy() * frame["volume"].to_numpy()
            turnover[rows, column] = traded[kept]
        if raw is not None and symbol in raw.close and "adj_close" not in frame:
            earned = _reinvested(raw, symbol)
            opened[:, column] *= earned / price[:, column]
            price[:, column] = earned
    symbols = list(frames)
    return Bars(
        sessions=own,
        price=as_panel(price, own.days, symbols),
        open=as_panel(opened, own.days, symbols),
        flat=as_panel(flat, own.days, symbols),
        turnover=as_panel(turnover, own.days, symbols),
        raw=raw,
    )


def is_raw(frame: pd.DataFrame) -> bool:
    """Return whether a frame has closes as traded, and what its shares paid."""
    return "close" in frame.columns and bool(set(ACTIONS) & set(frame.columns))


def ex_closes(
    close: np.ndarray, dividend: np.ndarray, split: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return what the last close known before and in each session is worth.

    Parameters
    ----------
    close, dividend, split : ndarray of shape (S, n)
        As in `RawBars`.

    Returns
    -------
    before : ndarray of shape (S, n)
        The last close before session s, less the dividend and through the split of s.
    after : ndarray of shape (S + 1, n)
        The last close among the first s sessions, through every split and dividend of
        those sessions; NaN before the first bar.
    """
    sessions, lines = close.shape
    before, after = np.empty((sessions, lines)), np.full((sessions + 1, lines), np.nan)
    for s in range(sessions):
        before[s] = after[s] / split[s] - dividend[s]
        after[s + 1] = np.where(np.isnan(close[s]), before[s], close[s])
    return before, after


def _raw_bars(own: Sessions, frames: Mapping[str, pd.DataFrame]) -> RawBars | None:
    """Return the prices as traded of the frames that have them."""
    if not frames:
        return None
    shape, days = (len(own), len(frames)), own.days.to_numpy()
    close, opened = np.full(shape, np.nan), np.full(shape, np.nan)
    dividend, split = np.zeros(shape), np.ones(shape)
    for column, frame in enumerate(frames.values()):
        rows, kept = on_sessions(own, frame)
        close[rows, column] = frame["close"].to_numpy()[kept]
        if "open" in frame.columns:
            opened[rows, column] = frame["open"].to_numpy()[kept]
        place = np.searchsorted(days, frame.index.to_numpy().astype("datetime64[ns]"))
        there = (place < len(days)) & (frame.index >= own.days[0])
        paid, became = actions_of(frame)
        np.add.at(dividend[:, column], place[there], paid[there])
        np.multiply.at(split[:, column], place[there], became[there])
    panels = [
        as_panel(one, own.days, list(frames))
        for one in (close, opened, dividend, split)
    ]
    return RawBars(close=panels[0], open=panels[1], dividend=panels[2], split=panels[3])


def actions_of(frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return dividends (0: none) and splits (1: none) by row; a blank is none."""
    nothing = pd.Series(0.0, index=frame.index)
    paid = frame.get("dividend", nothing).fillna(0.0).to_numpy()
    became = frame.get("split", nothing).fillna(0.0).to_numpy()
    return paid, np.where(became == 0.0, 1.0, became)


def _reinvested(raw: RawBars, symbol: str) -> np.ndarray:
    """Return closes with dividends reinvested from the first bar on, shape (S,).

    They equal the first close there, so that what comes later changes no earlier value.
    """
    close, dividend, split = (
        panel[[symbol]].to_numpy() for panel in (raw.close, raw.dividend, raw.split)
    )
    before, _ = ex_closes(close, dividend, split)
    growth = np.where(np.isnan(before) | np.isnan(close), 1.0, close / before)
    start = close[~np.isnan(close)][:1]
    earned = np.cumprod(growth) * (start[0] if len(start) else np.nan)
    index: np.ndarray = np.where(np.isnan(close[:, 0]), np.nan, earned)
    return index


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
    if is_raw(frame):
        _check_actions(symbol, frame)


def _check_actions(symbol: str, frame: pd.DataFrame) -> None:
    """Raise `DataError` for dividends and splits that raw closes cannot have had."""
    close = frame["close"].to_numpy()
    paid, became = actions_of(frame)
    _complain(symbol, frame, (close <= 0.0) | np.isinf(close), "no positive close")
    odd = ~np.isfinite(paid) | (paid < 0.0)
    _complain(symbol, frame, odd, "a dividend that is no amount")
    odd = ~np.isfinite(became) | (became < 0.0)
    _complain(symbol, frame, odd, "a split that is no ratio")
    nothing = np.zeros((len(close), 1))
    ex = ex_closes(close[:, None], nothing, became[:, None])[0][:, 0]
    odd = paid >= ex
    _complain(symbol, frame, odd, "a dividend that is not below the close before it")
    unmoved = np.abs(np.log(close / (ex * became))) < np.log(1.2)
    odd = unmoved & (np.abs(np.log(close / ex)) > np.log(1.5))
    _complain(
        symbol,
        frame,
        odd & (became != 1.0),
        "a split that its close did not follow; closes that are adjusted for splits go "
        "without the column split",
    )


def _complain(symbol: str, frame: pd.DataFrame, wrong: np.ndarray, what: str) -> None:
    """Raise `DataError` naming the first day of a frame where `wrong` holds, if any."""
    if wrong.any():
        day = frame.index[int(np.argmax(wrong))].date()
        raise DataError(f"{symbol}: {day} has {what}")


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
