"""Rows on their way into a store: complete, finite, each said once."""

from __future__ import annotations

import numpy as np
import pandas as pd

from engine.errors import DataError, at_most

#: What a caller gives; the store adds when it got it.
GIVEN = ("series", "line", "value_date", "known_at", "value")
#: What a caller may give, and what it is where nobody says.
OPTIONAL = {"unit": "", "quality": "observed"}
#: One source's saying of one observation.
SAYING = ["series", "line", "value_date", "known_at", "source"]
#: The quality of a row that takes back what its source said before.
WITHDRAWN = "withdrawn"
QUALITIES = ("observed", "forecast", "target", "bound", "disputed", WITHDRAWN)


def checked(rows: pd.DataFrame, *, source: str) -> pd.DataFrame:
    """Return the rows in the store's types and order, without exact repetitions.

    `source` is that of all rows which have no column of that name, and of the whole
    in messages.

    Raises
    ------
    DataError
        A column is missing or unknown, a cell is empty (a unit may be), a moment has a
        zone or is none, a value is not a finite number, a quality is unknown, or a
        source gives two values of one observation at one moment.
    """
    _check_columns(rows, source)
    told = pd.DataFrame(
        {
            "series": _words(rows, "series", source),
            "line": _words(rows, "line", source),
            "value_date": _moments(rows, "value_date", source),
            "known_at": _moments(rows, "known_at", source),
            "value": _numbers(rows, source),
            "unit": _units(rows, source),
            "quality": _qualities(rows, source),
            "source": _words(rows, "source", source) if "source" in rows else source,
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
    known = (*GIVEN, *OPTIONAL, "source")
    strange = [name for name in rows.columns if name not in known]
    if missing or strange:
        raise DataError(
            f"{source}: rows for the store need the columns {', '.join(GIVEN)} and "
            f"may have {', '.join(known[len(GIVEN) :])}; "
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


def _units(rows: pd.DataFrame, source: str) -> np.ndarray | str:
    """Return a column of units; an empty one has none."""
    if "unit" not in rows:
        return OPTIONAL["unit"]
    column = rows["unit"]
    wrong = ~column.map(lambda unit: isinstance(unit, str)).to_numpy(bool)
    _complain(wrong, column, "unit", 'a text ("" for none)', source)
    return column.to_numpy(object)


def _qualities(rows: pd.DataFrame, source: str) -> np.ndarray | str:
    """Return a column of qualities that are known."""
    if "quality" not in rows:
        return OPTIONAL["quality"]
    column = rows["quality"]
    wrong = ~column.isin(QUALITIES).to_numpy(bool)
    _complain(wrong, column, "quality", f"one of {', '.join(QUALITIES)}", source)
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
