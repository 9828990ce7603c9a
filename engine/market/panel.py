"""The shape of a panel: sessions down, assets across, NaN where nothing is known."""

from __future__ import annotations

import numpy as np
import pandas as pd

from engine.errors import DataError

SESSION = "session"
Dates = pd.Index | np.ndarray | list[str]


def as_sessions(dates: Dates, *, where: str) -> pd.DatetimeIndex:
    """Return dates as a session index: tz-naive days, unit ns, named ``session``.

    Raises `DataError` naming `where` if they are not dates, repeat, or fall back.
    """
    try:
        index = pd.DatetimeIndex(pd.to_datetime(dates))
    except (ValueError, TypeError) as error:
        raise DataError(f"{where}: dates cannot be read: {error}") from error
    if index.tz is not None:
        index = index.tz_localize(None)
    index = index.normalize().as_unit("ns").rename(SESSION)
    if index.hasnans:
        raise DataError(f"{where}: a row has no date; give every row a date")
    if index.has_duplicates:
        twice = index[index.duplicated()][0].date()
        raise DataError(f"{where}: date {twice} appears twice; keep one row per date")
    if not index.is_monotonic_increasing:
        raise DataError(f"{where}: dates are not increasing; sort the rows by date")
    return index


def check_panel(panel: pd.DataFrame, *, name: str) -> None:
    """Raise `DataError` unless `panel` is a panel: checked once at public entrances."""
    index = panel.index
    if not isinstance(index, pd.DatetimeIndex) or index.tz is not None:
        raise DataError(f"{name}: rows must be a tz-naive DatetimeIndex of sessions")
    if index.has_duplicates or not index.is_monotonic_increasing:
        raise DataError(f"{name}: sessions must be unique and increasing")
    if panel.columns.has_duplicates:
        twice = panel.columns[panel.columns.duplicated()][0]
        raise DataError(f"{name}: column {twice!r} appears twice")
    if any(dtype != np.float64 for dtype in panel.dtypes):
        raise DataError(f"{name}: every column must be float64")


def as_panel(
    values: np.ndarray, days: pd.DatetimeIndex, symbols: list[str]
) -> pd.DataFrame:
    """Return values of shape (sessions, assets) with their labels."""
    return pd.DataFrame(values, index=days, columns=pd.Index(symbols, dtype="str"))
