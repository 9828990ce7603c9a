"""Excel workbooks as rows of texts; imported only where a file is one."""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from engine.errors import DataError, at_most, nearest
from engine.sources.imports_cells import unsigned

#: A text that may be a number with a comma before its decimals.
COMMA_NUMBER = re.compile(r"[+-]?[\d.]+(?:,\d+)+")


class _Cells(Protocol):
    """What is used of a worksheet."""

    title: str

    def iter_rows(self, *, values_only: bool) -> list[tuple[object, ...]]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ExcelRows:
    """One worksheet's rows as texts, its title, and how it was chosen.

    `hint` says how to choose another one; empty where there is none, or one was named.
    """

    rows: list[list[str]]
    title: str
    says: str
    hint: str


def excel_rows(
    place: Path, content: bytes, wanted: str, decimal: str = ""
) -> ExcelRows:
    """Return the rows of the sheet `wanted` (default: the first).

    Numbers become the shortest text that reads back as the same number, days and
    moments ISO. Where `decimal`, or a text in the sheet, puts a comma before decimals,
    what the workbook keeps as numbers is written without any sign: 115.5 is 1155e-1.

    Raises
    ------
    DataError
        The file is no workbook, has no such sheet or an empty one, has merged cells,
        or a formula whose result nobody has calculated.
    """
    book = _book(place, content, results=True)
    names = [sheet.title for sheet in book.worksheets]
    if wanted and wanted not in names:
        raise DataError(
            f"{place.name}: no sheet {wanted!r}; it has {at_most(names)}. "
            f"{nearest(wanted, names)}".rstrip()
        )
    if not names:
        raise DataError(f"{place.name}: has no sheet of cells")
    title = wanted or names[0]
    sheet = book[title]
    where = f"{place.name}, sheet {title!r}"
    others = [name for name in names if name != title]
    hint = ""
    if others and not wanted:
        hint = f'say sheet = "{others[0]}" in a mapping (it has {at_most(names)})'
    more = f"; or {hint}" if hint else ""
    merged = sorted(str(one) for one in sheet.merged_cells.ranges)
    if merged:
        raise DataError(
            f"{where}: merged cells ({at_most(merged)}): which row or column they "
            f"belong to is open; unmerge them{more}"
        )
    _check_formulas(where, sheet, _book(place, content, results=False)[title])
    cells = list(sheet.iter_rows(values_only=True))
    comma = decimal == "," or any(_has_comma(cell) for row in cells for cell in row)
    rows = [[_text(cell, comma=comma) for cell in row] for row in cells]
    if not any(any(row) for row in rows):
        raise DataError(f"{where}: the sheet is empty{more}")
    says = f"Excel, sheet {title!r}" + (
        f" ({'as the mapping says' if wanted else 'the first'}; not read: "
        f"{at_most(others)})"
        if others
        else ""
    )
    return ExcelRows(rows=rows, title=title, says=says, hint=hint)


def _book(place: Path, content: bytes, *, results: bool) -> openpyxl.Workbook:
    """Return the workbook, with the results of its formulas or with their text."""
    try:
        return openpyxl.load_workbook(io.BytesIO(content), data_only=results)
    except (zipfile.BadZipFile, InvalidFileException, KeyError, OSError) as error:
        raise DataError(f"{place.name}: not an Excel workbook (.xlsx)") from error
    except (ValueError, TypeError, SyntaxError) as error:
        raise DataError(f"{place.name}: the workbook is damaged: {error}") from error


def _check_formulas(where: str, results: _Cells, texts: _Cells) -> None:
    """Raise `DataError` where a formula has no result, or the result is an error."""
    pairs = zip(
        results.iter_rows(values_only=True),
        texts.iter_rows(values_only=True),
        strict=True,
    )
    for number, (row, written) in enumerate(pairs, 1):
        for result, text in zip(row, written, strict=True):
            formula = isinstance(text, str) and text.startswith("=")
            if formula and result is None:
                raise DataError(
                    f"{where}, row {number}: the formula {text!r} has no result; open "
                    "the file in a spreadsheet, save it, or paste values"
                )


def _has_comma(cell: object) -> bool:
    """Return whether a cell is a text that reads as a number with a comma."""
    return isinstance(cell, str) and COMMA_NUMBER.fullmatch(cell.strip()) is not None


def _text(cell: object, *, comma: bool) -> str:
    """Return one cell as a text; a number without a sign where texts have a comma."""
    if cell is None:
        return ""
    if isinstance(cell, dt.datetime):
        midnight = cell.time() == dt.time()
        return str(cell.date()) if midnight else cell.isoformat()
    if isinstance(cell, float):
        return unsigned(cell) if comma else repr(cell)
    return str(cell)
