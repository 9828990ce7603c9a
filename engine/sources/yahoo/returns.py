"""Total returns from closes, dividends and splits; when a history is out of date."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from engine.errors import DataError
from engine.market.market import Finding

#: Overlapping closes that differ by more have changed their unit or their splits.
SAME_CLOSE = 1e-3
#: A return of ours and one of Yahoo's adjusted closes that differ by more are named.
SAME_RETURN = 1e-3
#: Adjusted closes that moved by more have had a dividend taken off.
SAME_ADJUSTED = 1e-5
PRICES = ["open", "high", "low", "close", "adj_close"]
#: What a study reads of a line.
GIVEN = [*PRICES, "volume"]
#: Splits at least this large can be told from a day's move.
VISIBLE_SPLIT = 1.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Held:
    """What is already held of a line: closes by session, and splits by ex-day.

    With the adjusted closes as well, a change of all of them is noticed too.
    """

    close: pd.Series
    splits: pd.Series
    adj_close: pd.Series | None = None


def total_return_index(
    close: np.ndarray, dividends: np.ndarray, splits: np.ndarray | None = None
) -> np.ndarray:
    r"""Return closes with dividends reinvested, equal to `close` at its last value.

    Parameters
    ----------
    close : ndarray of shape (T,)
        Closing prices; NaN without a bar.
    dividends : ndarray of shape (T,)
        Dividend per share on its ex-day, else 0, on the share count of the close
        before it. On a day without a bar it counts from the next one.
    splits : ndarray of shape (T,), optional
        New shares per old on the ex-day, else 0 or 1, for closes as they traded.
        Leave it out for Yahoo's, which are divided by every later split already, as
        its dividends are.

    Returns
    -------
    ndarray of shape (T,)
        NaN where `close` is.

    Raises
    ------
    DataError
        A dividend is negative or not below the close before it, or a split is
        negative.

    Notes
    -----
    With ex-days :math:`s`, :math:`C_{s-}` the last close before one:

    .. math:: A_t = C_t \prod_{s > t} \frac{1 - D_s / C_{s-}}{S_s}

    which is Yahoo's convention for ``adj_close``. It reinvests at the close before the
    ex-day less the dividend; the return over an ex-day is :math:`C_s / (C_{s-} - D_s)`.
    A dividend before the first bar changes nothing.
    """
    before = np.concatenate([[np.nan], _carried(close)[:-1]])
    paid = np.where(np.isnan(before), 0.0, dividends)
    wrong = (dividends < 0.0) | np.isnan(dividends) | (paid >= before)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DataError(
            f"row {row}: a dividend of {dividends[row]:g} on a close of "
            f"{before[row]:g} before it; one of them is wrong: leave the line out"
        )
    kept = 1.0 - np.divide(paid, before, out=np.zeros(len(close)), where=paid > 0.0)
    if splits is not None:
        if (splits < 0.0).any():
            raise DataError(f"row {int(np.argmax(splits < 0.0))}: a negative split")
        kept = kept / np.where(splits == 0.0, 1.0, splits)
    # An ex-day on which there is no bar still stands between the bars around it.
    later = np.concatenate([np.cumprod(kept[::-1])[::-1][1:], [1.0]])
    index: np.ndarray = close * later
    present = np.flatnonzero(~np.isnan(close))
    if len(present):
        index = index / later[present[-1]]
    return index


def refetch_reason(held: Held, fresh: pd.DataFrame, splits: pd.Series) -> str:
    """Return why a line's whole history must be fetched again, or ``""``.

    Yahoo divides all past prices by a new split, so closes held before it are in old
    shares. `fresh` are the newly fetched bars, overlapping what is held, and `splits`
    their splits by ex-day. A reason is a split that is not held or has another ratio,
    or overlapping closes that all moved by one factor.
    """
    before = {_day(day): float(ratio) for day, ratio in held.splits.items()}
    for day, ratio in ((_day(day), float(ratio)) for day, ratio in splits.items()):
        if day not in before:
            return f"split {ratio:g} for 1 on {day} is new"
        if not np.isclose(before[day], ratio):
            return f"split of {day} is {ratio:g}, was {before[day]:g} for 1"
    both = held.close.dropna().index.intersection(fresh.index)
    if len(both) == 0:
        return "nothing overlaps what is held"
    factor = fresh["close"].loc[both].to_numpy() / held.close.loc[both].to_numpy()
    factor = factor[~np.isnan(factor)]
    moved = np.abs(factor - 1.0) > SAME_CLOSE
    if len(factor) and moved.all() and np.ptp(factor) <= SAME_CLOSE * abs(factor[0]):
        return f"all closes are {factor[0]:.6g} times what is held"
    return _readjusted(held, fresh)


def _readjusted(held: Held, fresh: pd.DataFrame) -> str:
    """Return that the adjusted closes have moved away from those held, or ``""``."""
    if held.adj_close is None:
        return ""
    both = held.adj_close.dropna().index.intersection(fresh.index)
    before = held.adj_close.loc[both].to_numpy()
    moved = np.abs(fresh["adj_close"].loc[both].to_numpy() / before - 1.0)
    if (moved > SAME_ADJUSTED).any():
        return "its adjusted closes are not those held: a dividend, or a correction"
    return ""


def total_return_frame(
    symbol: str, frame: pd.DataFrame, actions: pd.DataFrame
) -> tuple[pd.DataFrame, tuple[Finding, ...]]:
    """Return Yahoo's bars with our total return as `adj_close`, and what was found.

    Prices that are no positive number are unknown; a row without a close is left out.
    """
    usable, found = positive_prices(symbol, frame.reindex(columns=GIVEN))
    ours = adjusted_closes(symbol, usable, actions)
    notes = [*found, *adjustment_findings(symbol, usable, actions)]
    return usable.assign(adj_close=ours), (*notes, *_gains(symbol, actions))


def positive_prices(
    symbol: str, frame: pd.DataFrame
) -> tuple[pd.DataFrame, tuple[Finding, ...]]:
    """Return the rows that have a close, with prices above zero or NaN."""
    values = frame[PRICES].to_numpy()
    odd = ~np.isnan(values) & ~((values > 0.0) & np.isfinite(values))
    days = pd.DatetimeIndex(frame.index)
    found = [
        Finding(
            severity="warning",
            where=symbol,
            what=f"{name} is not a positive number on {int(rows.sum())} sessions",
            action="left out" if name == "close" else f"{name} is unknown there",
            first=_day(days[rows][0]),
            last=_day(days[rows][-1]),
        )
        for name, rows in zip(PRICES, odd.T, strict=True)
        if rows.any()
    ]
    kept = np.where(odd, np.nan, values).T
    usable = frame.assign(**dict(zip(PRICES, kept, strict=True)))
    return usable[usable["close"].notna()], tuple(found)


def _gains(symbol: str, actions: pd.DataFrame) -> Iterator[Finding]:
    """Yield that a fund paid capital gains, which Yahoo lists apart."""
    count = int((actions["kind"] == "capital_gain").sum())
    if count:
        yield Finding(
            severity="info",
            where=symbol,
            what=f"paid {count} capital gains that Yahoo lists apart from dividends",
            action="not added: Yahoo's dividends of a fund may hold them already",
        )


def adjusted_closes(
    symbol: str, frame: pd.DataFrame, actions: pd.DataFrame
) -> np.ndarray:
    """Return our total-return closes of a line's frame, shape (T,).

    `frame` has a column ``close`` divided by all splits; `actions` has the columns
    ``session, kind, value``. A dividend on a day without a row counts from the next.
    Raises `DataError` naming the line for a dividend that cannot be.
    """
    rows = actions[actions["kind"] == "dividend"]
    place = frame.index.searchsorted(pd.DatetimeIndex(rows["session"]))
    inside = place < len(frame)
    dividends = np.zeros(len(frame))
    np.add.at(dividends, place[inside], rows["value"].to_numpy()[inside])
    try:
        return total_return_index(frame["close"].to_numpy(), dividends)
    except DataError as error:
        raise DataError(f"{symbol}: {error}") from error


def adjustment_findings(
    symbol: str, frame: pd.DataFrame, actions: pd.DataFrame
) -> Iterator[Finding]:
    """Yield where Yahoo's closes, dividends, splits and adjusted closes disagree."""
    close = frame["close"].to_numpy()
    splits = actions[actions["kind"] == "split"]
    ex_days = pd.DatetimeIndex(splits["session"])
    places = frame.index.searchsorted(ex_days)
    for day, place, ratio in zip(ex_days, places, splits["value"], strict=True):
        if 0 < place < len(close) and max(ratio, 1 / ratio) >= VISIBLE_SPLIT:
            off = np.log(close[place] / close[place - 1]) + np.log(ratio)
            if abs(off) < 0.5 * abs(np.log(ratio)):
                yield Finding(
                    severity="error",
                    where=symbol,
                    what=f"closes before {_day(day)} do not look divided by "
                    f"its split of {ratio:g} for 1",
                    action="used as they are; leave the line out, or give its file",
                    first=_day(day),
                )
    theirs = _changes(frame["adj_close"].to_numpy())
    ours = _changes(adjusted_closes(symbol, frame, actions))
    apart = np.flatnonzero(np.abs(ours - theirs) > SAME_RETURN)
    if len(apart):
        days = pd.DatetimeIndex(frame.index)[apart]
        yield Finding(
            severity="warning",
            where=symbol,
            what=f"our total return and Yahoo's adjusted close differ on {len(apart)} "
            f"sessions, first {_day(days[0])}",
            action="ours is used, from closes and dividends; a dividend may be missing "
            "or in another currency",
            first=_day(days[0]),
            last=_day(days[-1]),
        )


def _carried(values: np.ndarray) -> np.ndarray:
    """Return values of shape (T,) with NaN replaced by the last number before it."""
    seen = np.maximum.accumulate(np.where(np.isnan(values), 0, np.arange(len(values))))
    carried: np.ndarray = values[seen]
    return carried


def _changes(values: np.ndarray) -> np.ndarray:
    """Return simple returns of shape (T,), the first one NaN."""
    return np.concatenate([[np.nan], values[1:] / values[:-1] - 1.0])


def _day(moment: object) -> str:
    """Return a day in ISO form."""
    return pd.Timestamp(str(moment)).date().isoformat()
