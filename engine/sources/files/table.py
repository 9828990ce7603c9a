"""Tables read from a folder, with the row each value stands in, for clear messages."""

from __future__ import annotations

import csv
import hashlib
import io
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from engine.errors import DataError, at_most

#: A day, or the midnight that Yahoo's own index writes for it.
DAY = (
    r"(?:19|20)\d{2}-\d{2}-\d{2}(?:[ T]00:00(?::00(?:\.0+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?"
)

#: Numbers beyond it, or below its inverse, overflow in a ratio or a square.
LARGEST = 1e60


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Table:
    """One file's cells; the index of `cells` is the row in the file, from 1.

    Column names are lower case with underscores (``Adj Close`` is ``adj_close``).
    `digest` is the SHA-256 of the file's bytes.
    """

    name: str
    cells: pd.DataFrame
    digest: str

    def has(self, column: str) -> bool:
        """Return whether the file has this column."""
        return column in self.cells.columns

    def complain(self, wrong: np.ndarray, what: str) -> None:
        """Raise `DataError` naming the first row where `wrong` holds, if any.

        `what` may use fields by column name, as in ``{close}``.
        """
        if wrong.any():
            at = int(np.argmax(wrong))
            row = {
                str(name): _shown(cell) for name, cell in self.cells.iloc[at].items()
            }
            place = f"{self.name}, row {self.cells.index[at]}"
            raise DataError(f"{place}: {what.format(**row)}")


def folder_files(folder: Path, suffixes: Iterable[str], *, kind: str) -> list[Path]:
    """Return the files of a folder with one of the suffixes, in order of name.

    Raises `DataError` where the folder is missing, not a folder, cannot be read, or
    has no such file; `kind` says in the message what they would hold.
    """
    wanted = tuple(suffixes)
    if not folder.exists():
        raise DataError(f"{folder}: no such folder of {kind}")
    if not folder.is_dir():
        raise DataError(f"{folder}: not a folder; give the folder that holds {kind}")
    try:
        names = sorted(place for place in folder.iterdir() if place.is_file())
    except OSError as error:
        raise DataError(f"{folder}: cannot be read: {error.strerror}") from error
    found = [place for place in names if place.suffix.lower() in wanted]
    if not found:
        raise DataError(
            f"{folder}: holds no {kind} ({' or '.join('*' + end for end in wanted)})"
        )
    return found


def read_bytes(place: Path) -> bytes:
    """Return a file's bytes, or raise `DataError` saying why not."""
    try:
        return place.read_bytes()
    except OSError as error:
        raise DataError(f"{place.name}: cannot be read: {error.strerror}") from error


def read_text(place: Path, content: bytes) -> str:
    """Return a file's content as text, or raise `DataError` unless it is UTF-8."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise DataError(
            f"{place.name}, row {line}: not UTF-8 (byte 0x{content[error.start]:02x}); "
            "save the file as UTF-8"
        ) from error
    if "\0" in text:
        raise DataError(f"{place.name}: not UTF-8 text; save the file as UTF-8")
    return text


def read_csv(place: Path, *, as_text: bool = False) -> Table:
    """Return a CSV file's cells; with `as_text` nothing is taken for a number.

    Raises `DataError` for a file that is empty, has a header only, repeats a column,
    is not UTF-8, or has a row with more cells than the header.
    """
    content = read_bytes(place)
    whole = read_text(place, content)
    text = whole.lstrip("\r\n")
    if not text.strip():
        raise DataError(f"{place.name}: the file is empty")
    try:
        header = next(csv.reader(io.StringIO(text, newline=None)))
    except csv.Error as error:
        raise DataError(f"{place.name}: the header cannot be read: {error}") from error
    columns = _column_names(place, header)
    with warnings.catch_warnings():
        # A row longer than the header would otherwise lose its end
        warnings.simplefilter("error", pd.errors.ParserWarning)
        try:
            cells = pd.read_csv(
                io.StringIO(text),
                header=0,
                names=columns,
                index_col=False,
                skip_blank_lines=False,
                low_memory=False,
                dtype="str" if as_text else None,
                keep_default_na=not as_text,
                na_values=[""] if as_text else None,
            )
        except pd.errors.ParserWarning as error:
            raise DataError(
                f"{place.name}: rows have more cells than the header's {len(columns)}"
            ) from error
        except (pd.errors.ParserError, ValueError) as error:
            raise DataError(
                f"{place.name}: not a table: {str(error).strip()}"
            ) from error
    above = whole[: len(whole) - len(text)].count("\n") + 2
    cells.index = pd.RangeIndex(above, len(cells) + above)
    return _table(place, cells, content)


def read_parquet(place: Path) -> Table:
    """Return a Parquet file's cells, its index among the columns.

    Raises `DataError` for a file that is no Parquet file, is empty, or has nested
    columns.
    """
    content = read_bytes(place)
    cells = parquet_cells(place, content)
    cells = cells.set_axis(_column_names(place, cells.columns), axis=1)
    cells.index = pd.RangeIndex(1, len(cells) + 1)
    return _table(place, cells, content)


def parquet_cells(place: Path, content: bytes) -> pd.DataFrame:
    """Return what a Parquet file holds, an index of its own as the first column.

    An index without a name is called ``date`` if it holds days, else nothing. Raises
    `DataError` for what is no Parquet file, or has nested columns.
    """
    import pyarrow  # a tenth of a second: only where there is Parquet

    try:
        cells = pd.read_parquet(io.BytesIO(content))
    except (pyarrow.ArrowException, OSError, ValueError, KeyError) as error:
        raise DataError(f"{place.name}: not a Parquet file: {error}") from error
    if cells.columns.nlevels > 1 or cells.index.nlevels > 1:
        raise DataError(f"{place.name}: columns or rows are nested; keep one level")
    if isinstance(cells.index, pd.RangeIndex):
        return cells
    unnamed = "date" if isinstance(cells.index, pd.DatetimeIndex) else ""
    name = unnamed if cells.index.name is None else str(cells.index.name)
    return cells.rename_axis(index=name).reset_index()


def days_of(table: Table, column: str) -> pd.DatetimeIndex:
    """Return a column of days, tz-naive, unit ns; local where it carries a zone.

    Raises `DataError` naming the row for anything but a day: other orders of day and
    month are ambiguous, and a time of day cannot tell whose day it is.
    """
    cells = table.cells[column]
    table.complain(cells.isna().to_numpy(), f"has no {column}")
    if pd.api.types.is_datetime64_any_dtype(cells.dtype):
        moments = pd.DatetimeIndex(cells).tz_localize(None)
        far = np.asarray((moments.year < 1900) | (moments.year > 2099))
        table.complain(far, f"{column} {{{column}}} lies outside 1900 to 2099")
        wrong = np.asarray(moments != moments.normalize())
        table.complain(wrong, f"{column} {{{column}}} carries a time of day; give days")
        return moments.as_unit("ns")
    written = cells.astype("str")
    parsed = pd.to_datetime(
        written.where(written.str.fullmatch(DAY)).str[:10],
        format="%Y-%m-%d",
        errors="coerce",
    )
    wrong = parsed.isna().to_numpy()
    table.complain(wrong, f"{column} '{{{column}}}' is not a day as in 2025-01-27")
    return pd.DatetimeIndex(parsed).as_unit("ns")


def numbers_of(table: Table, column: str) -> np.ndarray:
    """Return a column as float64, NaN where it is blank.

    Raises `DataError` naming the first row that holds no finite number.
    """
    cells = table.cells[column]
    if cells.dtype == np.bool_:
        table.complain(np.ones(len(cells), dtype=bool), _not_a_number(column))
    try:
        read = pd.to_numeric(cells, errors="coerce")
    except OverflowError as error:
        raise DataError(f"{table.name}: {column} has a number too large") from error
    values = read.to_numpy(np.float64, na_value=np.nan)
    blank = cells.isna().to_numpy()
    table.complain(np.isnan(values) & ~blank, _not_a_number(column))
    table.complain(np.isinf(values), f"{column} is infinite")
    size = np.abs(values)
    beyond = (size > LARGEST) | ((size > 0.0) & (size < 1.0 / LARGEST))
    table.complain(
        beyond, f"{column} {{{column}}} is too large or small to reckon with"
    )
    return values


def combined_digest(tables: Sequence[tuple[str, str]]) -> str:
    """Return one SHA-256 over the names and digests of files, whatever their order."""
    told = "\n".join(f"{name} {digest}" for name, digest in sorted(tables))
    return hashlib.sha256(told.encode()).hexdigest()


def _shown(cell: object) -> object:
    """Return a cell as a message shows it: of a day no hours."""
    midnight = isinstance(cell, pd.Timestamp) and cell == cell.normalize()
    return f"{cell:%Y-%m-%d}" if midnight else cell


def _table(place: Path, cells: pd.DataFrame, content: bytes) -> Table:
    """Return the table without its blank rows; raise `DataError` if none is left."""
    cells = cells.loc[~cells.isna().all(axis=1)]
    if len(cells) == 0:
        raise DataError(f"{place.name}: has a header and no rows")
    digest = hashlib.sha256(content).hexdigest()
    return Table(name=place.name, cells=cells, digest=digest)


def _column_names(place: Path, header: Iterable[object]) -> list[str]:
    """Return names in lower case with underscores, each once; a blank one numbered."""
    names = [
        str(cell).strip().lower().replace(" ", "_") or f"(column {number})"
        for number, cell in enumerate(header, 1)
    ]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"{place.name}: columns appear twice: {at_most(twice)}")
    return names


def _not_a_number(column: str) -> str:
    """Return the message for a cell that is no number."""
    return f"{column} '{{{column}}}' is not a number"
