"""Files of any house read as tables of text: CSV, Parquet and Excel."""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from engine.errors import DataError, at_most, nearest
from engine.sources.files.table import (
    parquet_cells,
    read_bytes,
    read_text,
)
from engine.sources.imports.mapping import SEPARATORS, FileMapping
from engine.sources.imports.sheet import Sheet

TEXTS = (".csv", ".tsv", ".txt")
SUFFIXES = (*TEXTS, ".parquet", ".xlsx")
#: Bytes of a file, and of one of its rows, beyond which it is no table of ours.
LARGEST_FILE, LONGEST_ROW = 1 << 30, 1 << 20
#: Rows that a separator is told by.
SAMPLE_ROWS = 200
#: What houses write for nothing.
BLANK = frozenset({"", "null", "nan", "na", "n/a", "none", "#n/a"})
NAMES = {sign: word for word, sign in SEPARATORS.items()}


def read_sheet(place: Path, mapping: FileMapping) -> Sheet:
    """Return a file's table.

    Raises
    ------
    DataError
        It cannot be read, is empty, is none of `SUFFIXES`, repeats a column, has rows
        of another length than its header, merged cells, or formulas without a result.
    """
    suffix = place.suffix.lower()
    if suffix not in SUFFIXES:
        hint = "; save it as .xlsx" if suffix in (".xls", ".xlsm", ".ods") else ""
        raise DataError(
            f"{place.name}: {suffix or 'a file without ending'} is not read; it takes "
            f"{', '.join(SUFFIXES)}{hint}"
        )
    try:
        size = place.stat().st_size
    except OSError as error:
        raise DataError(f"{place.name}: cannot be read: {error.strerror}") from error
    if size > LARGEST_FILE:
        raise DataError(
            f"{place.name}: {size / 1e6:,.0f} MB are too much for one file; split it"
        )
    if size == 0:
        raise DataError(f"{place.name}: the file is empty")
    if suffix != ".xlsx" and mapping.sheet:
        raise DataError(
            f"{place.name}: the mapping names sheet {mapping.sheet!r}, but only Excel "
            "files have sheets"
        )
    content = read_bytes(place)
    if suffix in TEXTS:
        return _text_sheet(place, content, mapping)
    if suffix == ".parquet":
        return _parquet_sheet(place, content)
    from engine.sources.imports.excel import excel_rows  # loads openpyxl: 0.2 s

    told = excel_rows(place, content, mapping.sheet, mapping.decimal)
    try:
        sheet = _sheet(
            place,
            told.rows,
            content,
            mapping,
            says=(told.says,),
            typed=True,
            title=told.title,
        )
    except DataError as error:
        raise DataError(
            f"{error}; or {told.hint}" if told.hint else str(error)
        ) from error
    return replace(sheet, hint=told.hint)


def _text_sheet(place: Path, content: bytes, mapping: FileMapping) -> Sheet:
    """Return the table of a text file."""
    if b"\0" in content[:4096] and not content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError(f"{place.name}: holds binary data, not text")
    longest = max(map(len, content.split(b"\n")))
    if longest > LONGEST_ROW:
        raise DataError(
            f"{place.name}: a row of {longest / 1e6:,.1f} MB is no row of a table"
        )
    text = read_text(place, content)
    if not text.strip():
        raise DataError(f"{place.name}: the file is empty")
    separator = mapping.separator or _separator(text)
    try:
        lines = io.StringIO(text, newline="")
        rows = list(csv.reader(lines, delimiter=separator, strict=True))
    except csv.Error as error:
        raise DataError(
            f"{place.name}: not a table, or a quotation mark is not closed: {error}"
        ) from error
    said = f"text, columns separated by {NAMES.get(separator, separator)}"
    return _sheet(place, rows, content, mapping, says=(said,), typed=False)


def _separator(text: str) -> str:
    """Return the sign that cuts most rows into as many cells, and the most of them."""
    lines = text.lstrip("\r\n").splitlines()[:SAMPLE_ROWS]
    best, found = (0.0, 0), ","
    for sign in NAMES:
        try:
            widths = [len(row) for row in csv.reader(lines, delimiter=sign) if row]
        except csv.Error:
            continue
        if widths and widths[0] > 1:
            alike = sum(width == widths[0] for width in widths) / len(widths)
            best, found = max((best, found), ((alike, widths[0]), sign))
    return found


def _parquet_sheet(place: Path, content: bytes) -> Sheet:
    """Return the table of a Parquet file, its index among the columns."""
    cells = parquet_cells(place, content)
    if len(cells) == 0:
        raise DataError(f"{place.name}: has columns and no rows")
    heads = _heads(place.name, [str(name) for name in cells.columns])
    cells = cells.set_axis(list(heads), axis=1)
    cells.index = pd.RangeIndex(1, len(cells) + 1)
    return Sheet(
        path=place,
        name=place.name,
        cells=cells,
        heads=heads,
        digest=hashlib.sha256(content).hexdigest(),
        typed=True,
        says=("Parquet, which keeps days and numbers as such",),
    )


def _sheet(
    place: Path,
    rows: Sequence[Sequence[str]],
    content: bytes,
    mapping: FileMapping,
    *,
    says: tuple[str, ...],
    typed: bool,
    title: str = "",
) -> Sheet:
    """Return rows of texts as a table: the header first, blank rows left out."""
    numbered = [
        (number, row) for number, row in enumerate(rows, 1) if any(map(str.strip, row))
    ]
    if mapping.header:
        numbered = [one for one in numbered if one[0] >= mapping.header]
        says = (*says, f"the header is row {mapping.header}, as the mapping says")
    if not numbered:
        raise DataError(f"{place.name}: the file is empty")
    (top, header), body = numbered[0], numbered[1:]
    header = _without_blank_end(header)
    if not body:
        raise DataError(f"{place.name}: has a header and no rows")
    _check_widths(place.name, header, body, top)
    if header[0].strip() == "Price" and body[0][1][0].strip() == "Ticker":
        header, body = _from_yfinance(place.name, header, body)
        says = (*says, "yfinance's own columns: a field and a ticker above each")
    heads = _heads(place.name, header)
    width = len(header)
    grid = np.array([row[:width] for _, row in body], dtype=object)
    cells = pd.DataFrame(grid, columns=list(heads), dtype="str")
    blank = cells.apply(lambda column: column.str.strip().str.lower().isin(BLANK))
    cells = cells.apply(lambda column: column.str.strip()).mask(blank)
    cells.index = pd.Index([number for number, _ in body])
    return Sheet(
        path=place,
        name=place.name,
        cells=cells,
        heads=heads,
        digest=hashlib.sha256(content).hexdigest(),
        typed=typed,
        says=says,
        title=title,
    )


def _without_blank_end(row: Sequence[str]) -> list[str]:
    """Return a header without the blank cells that a trailing separator makes."""
    last = max(place for place, cell in enumerate(row) if cell.strip())
    return list(row[: last + 1])


def _from_yfinance(
    name: str, header: Sequence[str], body: Sequence[tuple[int, Sequence[str]]]
) -> tuple[list[str], list[tuple[int, Sequence[str]]]]:
    """Return what ``yfinance.download(...).to_csv()`` writes, a row per ticker and day.

    Its header is three rows: fields, tickers, and the name of the index. Raises
    `DataError` where no row follows them, or a ticker lacks a field.
    """
    tickers, rest = body[0][1], list(body[1:])
    if rest and rest[0][1][0].strip() == "Date":
        rest = rest[1:]
    if not rest:
        raise DataError(f"{name}: has a header and no rows")
    fields = list(dict.fromkeys(header[1:]))
    place_of = {pair: at for at, pair in enumerate(zip(header, tickers, strict=False))}
    names = list(dict.fromkeys(tickers[1 : len(header)]))
    if len(names) * len(fields) != len(header) - 1 or len(place_of) != len(header):
        raise DataError(
            f"{name}: the first two rows do not name every field of every ticker once"
        )
    rows: list[tuple[int, Sequence[str]]] = [
        (number, [row[0], ticker, *(row[place_of[one, ticker]] for one in fields)])
        for ticker in names
        for number, row in rest
    ]
    return ["Date", "Ticker", *fields], rows


def _check_widths(
    name: str,
    header: Sequence[str],
    body: Iterable[tuple[int, Sequence[str]]],
    top: int,
) -> None:
    """Raise `DataError` for a row with more or fewer cells than the header."""
    width = len(header)
    if width == 1:  # a title, or no table at all: nothing understands it
        return
    for number, row in body:
        if len(row) < width or any(map(str.strip, row[width:])):
            raise DataError(
                f"{name}, row {number}: has {len(row)} cells, the header in row {top} "
                f"has {width}"
            )


def _heads(name: str, header: Sequence[str]) -> dict[str, str]:
    """Return our name -> the file's own for each column; raises on a repetition."""
    ours = [
        head.strip().strip("<>*").strip().lower().replace(" ", "_")
        or f"(column {number})"
        for number, head in enumerate(header, 1)
    ]
    twice = [one for one, count in Counter(ours).items() if count > 1]
    if twice:
        raise DataError(f"{name}: columns appear twice: {at_most(twice)}; keep one")
    return dict(zip(ours, (head.strip() for head in header), strict=True))


def mapped(sheet: Sheet, mapping: FileMapping) -> Sheet:
    """Return the sheet with the columns that a mapping names under our names.

    Raises `DataError` where the file has no such column.
    """
    names: dict[str, str] = {}
    by_head = {head.lower(): column for column, head in sheet.heads.items()}
    for ours, theirs in mapping.columns.items():
        column = by_head.get(theirs.strip().lower())
        if column is None:
            raise DataError(
                f"{sheet.name}: no column {theirs!r}, which the mapping names for "
                f"{ours}; it has {at_most(sheet.heads.values(), 8)}. "
                f"{nearest(theirs, sheet.heads.values())}".rstrip()
            )
        if names.setdefault(column, ours) != ours:
            raise DataError(
                f"{sheet.name}: the mapping names {theirs!r} for two columns: "
                f"{names[column]} and {ours}"
            )
    clash = {ours: f"{ours} (not mapped)" for ours in names.values() if sheet.has(ours)}
    kept = {old: new for old, new in clash.items() if old not in names}
    return sheet.renamed(kept | names)
