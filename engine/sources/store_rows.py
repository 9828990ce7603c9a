"""Rows on their way into a store: complete, finite, each said once."""

from __future__ import annotations

import numpy as np
import pandas as pd

from engine.errors import DataError, at_most

#: What a caller gives; the store adds when it got it, and from whom.
GIVEN = ("series", "line", "value_date", "known_at", "value")
#: One saying of one observation.
SAYING = ["series", "line", "value_date", "known_at"]


def checked(rows: pd.DataFrame, *, source: str) -> pd.DataFrame:
    """Return the rows in the store's types and order, without exact repetitions.

    Raises
    ------
    DataError
        A column is missing or unknown, a cell is empty, a moment has a zone or is
        none, a value is not a finite number, or two rows say different values of one
        observation at one moment.
    """
    _check_columns(rows, source)
    told = pd.DataFrame(
        {
            "series": _words(rows, "series", source),
            "line": _words(rows, "line", source),
            "value_date": _moments(rows, "value_date", source),
            "known_at": _moments(rows, "known_at", source),
            "value": _numbers(rows, source),
        }
    )
    told = told.drop_duplicates().sort_values(SAYING, kind="stable", ignore_index=True)
    twice = told.duplicated(SAYING)
    if twice.any():
        row = told[twice].iloc[0]
        raise DataError(
            f"{source}: {int(twice.sum())} observations have two values at one "
            f"moment, the first is {row['series']} of {row['line']} for "
            f"{row['value_date']} known at {row['known_at']}; keep one of them"
        )
    return told


def _check_columns(rows: pd.DataFrame, source: str) -> None:
    """Raise `DataError` unless the rows have just the columns a caller gives."""
    if not source.strip():
        raise DataError("rows for the store come from no source; name one")
    missing = [name for name in GIVEN if name not in rows.columns]
    strange = [name for name in rows.columns if name not in GIVEN]
    if missing or strange:
        raise DataError(
            f"{source}: rows for the store need the columns {', '.join(GIVEN)}; "
            f"missing: {at_most(missing) or 'none'}; "
            f"unknown: {at_most(strange) or 'none'}"
        )


def _words(rows: pd.DataFrame, name: str, source: str) -> np.ndarray:
    """Return a column of names, none of them empty."""
    column = rows[name]
    codes, words = pd.factorize(column)
    poor = [not (isinstance(word, str) and word.strip()) for word in words]
    wrong = np.array([*poor, True])[codes]  # code -1, an empty cell, is the last
    _complain(wrong, column, name, "a name", source)
    return column.to_numpy(object)


def _moments(rows: pd.DataFrame, name: str, source: str) -> np.ndarray:
    """Return a column of moments in UTC without a zone, in nanoseconds."""
    column = rows[name]
    if not isinstance(column.dtype, np.dtype) or column.dtype.kind != "M":
        raise DataError(
            f"{source}: column {name} is {column.dtype}; give moments in UTC "
            "without a zone (datetime64)"
        )
    _complain(column.isna().to_numpy(), column, name, "a moment", source)
    try:
        return pd.DatetimeIndex(column).as_unit("ns").to_numpy()
    except pd.errors.OutOfBoundsDatetime as error:
        raise DataError(
            f"{source}: column {name} holds a moment outside 1678 to 2262 ({error})"
        ) from error


def _numbers(rows: pd.DataFrame, source: str) -> np.ndarray:
    """Return the values as finite doubles; -0.0 becomes 0.0."""
    column = rows["value"]
    if column.dtype.kind not in "fiu":
        raise DataError(f"{source}: column value is {column.dtype}; give numbers")
    numbers = column.to_numpy(np.float64, na_value=np.nan)
    wrong = ~np.isfinite(numbers)
    _complain(wrong, column, "value", "a finite number (leave out unknown)", source)
    return numbers + 0.0


def _complain(
    wrong: np.ndarray, column: pd.Series, name: str, need: str, source: str
) -> None:
    """Raise `DataError` with the first wrong cell, if there is one."""
    if wrong.any():
        row = int(wrong.argmax())
        raise DataError(
            f"{source}: row {row + 1}: column {name} holds "
            f"{str(column.iloc[row])!r}, not {need} "
            f"({int(wrong.sum())} such rows); nothing was stored"
        )
