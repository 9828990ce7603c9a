"""Days and numbers as houses write them: one way per file, proved by its own cells."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pandas as pd

from engine.errors import DataError
from engine.sources.files.table import DAY, days_of
from engine.sources.imports.sheet import Sheet

#: Form of a day -> the formats that may be meant, and how it is said.
FORMS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (DAY, (("ISO", "ISO (2025-01-27)"),)),
    (r"\d{8}", (("%Y%m%d", "year, month, day without signs (20250127)"),)),
    (r"\d{4}/\d{1,2}/\d{1,2}", (("%Y/%m/%d", "year/month/day"),)),
    (r"\d{1,2}\.\d{1,2}\.\d{4}", (("%d.%m.%Y", "day.month.year"),)),
    (
        r"\d{1,2}/\d{1,2}/\d{4}",
        (("%d/%m/%Y", "day/month/year"), ("%m/%d/%Y", "month/day/year")),
    ),
    (
        r"\d{1,2}-\d{1,2}-\d{4}",
        (("%d-%m-%Y", "day-month-year"), ("%m-%d-%Y", "month-day-year")),
    ),
    (r"\d{1,2}-[A-Za-z]{3}-\d{4}", (("%d-%b-%Y", "day-month-year (27-Jan-2025)"),)),
    (r"[A-Za-z]{3} \d{1,2}, \d{4}", (("%b %d, %Y", "Jan 27, 2025"),)),
)
#: Numbers with a point, with a comma, and what proves either.
POINT, COMMA = ".", ","
PLAIN = re.compile(r"[+-]?\d+(?:[eE][+-]?\d+)?")


def read_days(
    sheet: Sheet, column: str, date_format: str = ""
) -> tuple[pd.DatetimeIndex, str]:
    """Return a column of days (tz-naive, unit ns), and how they are written.

    Raises
    ------
    DataError
        A cell is blank or no day, cells are written in two forms, or every cell could
        be read with the month first as well as with the day first.
    """
    cells = sheet.cells[column]
    _complain(sheet, column, cells.isna().to_numpy(), "is blank")
    if pd.api.types.is_datetime64_any_dtype(cells.dtype):
        return days_of(sheet.table(), column), "kept as days by the file"
    written = cells.astype("str")
    if date_format:
        days = _parsed(written, date_format)
        _complain(
            sheet,
            column,
            np.asarray(days.isna()),
            f"is not of the form {date_format!r}",
        )
        return _in_reach(sheet, column, days), f"{date_format}, as the mapping says"
    form, meanings = _form(sheet, column, written)
    strange = ~written.str.fullmatch(form).to_numpy(bool)
    if strange.any():
        first = str(written.iloc[0])
        _complain(
            sheet,
            column,
            strange,
            f"is another form of date than '{first}' in row "
            f"{sheet.cells.index[0]}; write all days in one form",
        )
    if meanings[0][0] == "ISO":
        return days_of(sheet.table(), column), meanings[0][1]
    return _by_meaning(sheet, column, written, meanings)


def is_day(written: str) -> bool:
    """Return whether a text has one of the forms of a day."""
    return any(re.fullmatch(form, written) for form, _ in FORMS)


def read_numbers(sheet: Sheet, columns: Iterable[str], decimal: str = "") -> Sheet:
    """Return the sheet with these columns as float64, NaN where blank.

    The decimal sign is that which the cells prove, and the same in all of them.

    Raises
    ------
    DataError
        A cell is no number, the cells prove two signs, or they prove none and hold
        commas: ``1,234`` is two numbers.
    """
    names = [name for name in columns if sheet.has(name)]
    texts = [n for n in names if not pd.api.types.is_numeric_dtype(sheet.cells[n])]
    for name in names:
        if sheet.cells[name].dtype == np.bool_:
            whole = np.ones(len(sheet.cells), dtype=bool)
            _complain(sheet, name, whole, "is not a number")
    written = {n: sheet.cells[n].map(_written, na_action="ignore") for n in texts}
    sheet = replace(
        sheet, cells=sheet.cells.assign(**written).astype(dict.fromkeys(texts, "str"))
    )
    sign, said = _decimal_sign(sheet, texts, decimal)
    cells = sheet.cells
    for name in names:
        if name in texts:
            cells = cells.assign(**{name: _numbers(sheet, name, sign)})
        else:
            cells = cells.assign(**{name: sheet.cells[name].astype("float64")})
    return replace(sheet, cells=cells, says=(*sheet.says, said) if said else sheet.says)


def unsigned(number: float | Decimal) -> str:
    """Return a number as a text without a decimal sign, that reads back as the same.

    No reading of points and commas can change it: 115.5 is ``1155e-1``.
    """
    exact = Decimal(repr(number)) if isinstance(number, float) else number
    if not exact.is_finite():
        return str(exact)
    sign, digits, exponent = exact.as_tuple()
    return f"{'-' * sign}{''.join(map(str, digits))}e{exponent}"


def _written(cell: object) -> str:
    """Return a cell as a text; one that the file itself keeps as a number, unsigned."""
    return unsigned(cell) if isinstance(cell, float | Decimal) else str(cell)


def with_days(sheet: Sheet, column: str, days: pd.DatetimeIndex) -> Sheet:
    """Return the sheet with a column of days in place of how they were written."""
    return replace(sheet, cells=sheet.cells.assign(**{column: days}))


def _form(
    sheet: Sheet, column: str, written: pd.Series
) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Return the form of the first day, and what it may mean."""
    first = str(written.iloc[0])
    for form, meanings in FORMS:
        if re.fullmatch(form, first):
            return form, meanings
    number = PLAIN.fullmatch(first.split(".")[0])
    hint = (
        "; a number of days is how spreadsheets keep dates: format the column as a date"
        if number and sheet.typed
        else "; write days as in 2025-01-27, or give date_format in a mapping"
    )
    raise DataError(
        f"{sheet.name}, row {sheet.cells.index[0]}: {column} {first!r} is no day{hint}"
    )


def _by_meaning(
    sheet: Sheet,
    column: str,
    written: pd.Series,
    meanings: tuple[tuple[str, str], ...],
) -> tuple[pd.DatetimeIndex, str]:
    """Return the days under the one meaning that all cells allow."""
    read = [(_parsed(written, form), said) for form, said in meanings]
    whole = [(days, said) for days, said in read if not days.isna().any()]
    if len(whole) > 1:
        raise DataError(
            f"{sheet.name}, row {sheet.cells.index[0]}: {column} "
            f"'{written.iloc[0]}' is ambiguous, and so is every other day of the file: "
            "say which comes first in a mapping, as in date_format = "
            f'"{meanings[0][0]}" (day first) or "{meanings[1][0]}" (month first)'
        )
    if not whole:
        none = np.logical_and.reduce([days.isna() for days, _ in read])
        _complain(sheet, column, none, "is no day")
        at = int(np.argmax(read[0][0].isna()))
        raise DataError(
            f"{sheet.name}, row {sheet.cells.index[at]}: {column} "
            f"'{written.iloc[at]}' has the month first, other rows have the day first; "
            "write all days in one form"
        )
    days, said = whole[0]
    if len(meanings) > 1:
        other = next(days for days, words in read if words != said)
        proof = int(np.argmax(other.isna()))
        said += (
            f" (row {sheet.cells.index[proof]}, '{written.iloc[proof]}', allows no "
            "other order)"
        )
    return _in_reach(sheet, column, days), said


def _parsed(written: pd.Series, form: str) -> pd.DatetimeIndex:
    """Return the days of one format, NaT where a cell is of another."""
    days = pd.DatetimeIndex(pd.to_datetime(written, format=form, errors="coerce"))
    if days.tz is not None:
        days = days.tz_localize(None)
    return days.normalize().as_unit("ns")


def _in_reach(sheet: Sheet, column: str, days: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Return the days; raise `DataError` for one outside 1900 to 2099."""
    far = np.asarray((days.year < 1900) | (days.year > 2099))
    _complain(sheet, column, far, "lies outside 1900 to 2099")
    return days


def _decimal_sign(sheet: Sheet, texts: list[str], decimal: str) -> tuple[str, str]:
    """Return the sign that stands before decimals, and how that was found."""
    if decimal:
        word = {POINT: "a point", COMMA: "a comma"}[decimal]
        return decimal, f"{word} stands before decimals, as the mapping says"
    if not texts:
        return POINT, ""
    if not any(_unclear(sheet.cells[name]) for name in texts):
        pointed = any(
            sheet.cells[name].str.contains(POINT, regex=False).any() for name in texts
        )
        return POINT, "a decimal point" if pointed and not sheet.typed else ""
    signed = [
        (row, cell)
        for name in texts
        for row, cell in sheet.cells[name].dropna().items()
        if POINT in cell or COMMA in cell
    ]
    commas = [one for one in signed if _proves(one[1], COMMA)]
    points = [one for one in signed if _proves(one[1], POINT)]
    if commas and points:
        raise DataError(
            f"{sheet.name}: numbers in two styles: '{commas[0][1]}' in row "
            f"{commas[0][0]}, '{points[0][1]}' in row {points[0][0]}; "
            "write all of them in one"
        )
    if commas:
        return COMMA, f"a decimal comma: '{commas[0][1]}' allows no other reading"
    unclear = [one for one in signed if COMMA in one[1]]
    if unclear and not points:
        raise DataError(
            f"{sheet.name}, row {unclear[0][0]}: '{unclear[0][1]}' may be a "
            "decimal comma or group thousands, and no other cell tells; say decimal = "
            '"," or "." in a mapping'
        )
    grouped = "; commas group thousands" if unclear else ""
    return POINT, f"a decimal point{grouped}" if signed else ""


def _unclear(cells: pd.Series) -> bool:
    """Return whether any cell holds a comma, or more than one point."""
    commas = cells.str.contains(COMMA, regex=False).fillna(False)
    return bool(commas.any() or (cells.str.count(r"\.") > 1).any())


def _proves(cell: str, sign: str) -> bool:
    """Return whether a cell can only be read with this sign before its decimals."""
    other = POINT if sign == COMMA else COMMA
    text = cell.strip().lstrip("+-")
    # 1,234.5 and 1.234.567: the sign that comes once and last, or not repeated
    if text.count(other) > 1 and text.count(sign) <= 1:
        return True
    if sign in text and other in text:
        return text.count(sign) == 1 and text.rindex(sign) > text.rindex(other)
    if text.count(sign) != 1:
        return False
    whole, decimals = text.split(sign)
    grouped = re.fullmatch(r"\d{3}", decimals) and re.fullmatch(r"[1-9]\d{0,2}", whole)
    return not grouped


def _numbers(sheet: Sheet, column: str, sign: str) -> np.ndarray:
    """Return one column of texts as float64; raises `DataError` naming the row."""
    written = sheet.cells[column]
    other = POINT if sign == COMMA else COMMA
    there = written.notna().to_numpy()
    texts = written.to_numpy(dtype=object)
    groups = re.compile(rf"[+-]?\d{{1,3}}(?:{re.escape(other)}\d{{3}})+(?!\d).*")
    values = np.full(len(texts), np.nan)
    if not written.str.contains(f"[{other}_]", regex=True).any():
        told = written[there].str.replace(sign, POINT, regex=False)
        try:
            values[there] = told.to_numpy(dtype=object).astype(np.float64)
            return values
        except ValueError:
            pass  # the slow way below finds the row
    wrong = np.zeros(len(texts), dtype=bool)
    for place in np.flatnonzero(there).tolist():
        text = str(texts[place])
        if other in text:
            if not groups.fullmatch(text):
                wrong[place] = True
                continue
            text = text.replace(other, "")
        try:
            # underscores and hexadecimal are Python's own, no house writes them
            values[place] = float(text.replace(sign, POINT)) if "_" not in text else 0
            wrong[place] = "_" in text
        except ValueError:
            wrong[place] = True
    _complain(sheet, column, wrong, "is not a number")
    return values


def said_days(days: pd.DatetimeIndex) -> str:
    """Return the first and last of some days."""
    first, last = days.min(), days.max()
    return f"{_day(first)} to {_day(last)}"


def _day(moment: pd.Timestamp) -> str:
    """Return a day in ISO form."""
    day: dt.date = moment.date()
    return day.isoformat()


def _complain(sheet: Sheet, column: str, wrong: np.ndarray, what: str) -> None:
    """Raise `DataError` with the first wrong cell of a column, if there is one."""
    if wrong.any():
        at = int(np.argmax(wrong))
        cell = sheet.cells[column].iloc[at]
        shown = "" if pd.isna(cell) else f" '{' '.join(str(cell).split())[:80]}'"
        raise DataError(
            f"{sheet.name}, row {sheet.cells.index[at]}: "
            f"{sheet.heads.get(column, column)}{shown} {what}"
        )
