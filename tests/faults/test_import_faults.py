"""Files that cannot be imported: one clear message each, and nothing stored."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from tests.import_cases import (
    BAR,
    GOOD,
    SIGNAL,
    bars,
    read,
    refused,
    save,
)


def test_the_file_that_the_others_are_made_from_is_sound(tmp_path: Path) -> None:
    file = read(save(tmp_path, "NVDA.csv", GOOD))
    assert file.usable
    assert (file.kind, len(file.rows)) == ("prices", 30)
    assert read(save(tmp_path, "AMD.csv", bars())).usable


TEXTS: dict[str, tuple[str | bytes, tuple[str, ...]]] = {
    "empty": ("", ("the file is empty",)),
    "blank": (" \n\n \n", ("the file is empty",)),
    "header only": (BAR, ("header and no rows",)),
    "binary": (bytes(range(256)) * 40, ("binary data",)),
    "latin 1": (GOOD.encode() + b"# \xe9t\xe9\n", ("row 7", "UTF-8")),
    "utf 16": (GOOD.encode("utf-16"), ("UTF-8",)),
    "repeated columns": (
        GOOD.replace("open,high", "open,Open"),
        ("columns appear twice: open",),
    ),
    "columns that mean the same": (
        GOOD.replace("open,", "adjclose,"),
        ("adjclose, adj_close both mean adj_close", "[columns]"),
    ),
    "a short row": (GOOD + "2025-01-28,10\n", ("row 7", "2 cells", "has 7")),
    "a long row": (GOOD + "2025-01-28,1,2,3,4,5,6,7,8\n", ("row 7", "9 cells")),
    "text in a number": (bars(close="ten"), ("row 4", "close 'ten' is not a number")),
    "a comma too many": (
        bars(close='"1,05"'),
        ("two styles", "'1,05' in row 4", "'10.5' in row 2"),
    ),
    "badly grouped": (
        bars(volume='"1,00,0"'),
        ("row 4", "volume '1,00,0' is not a number"),
    ),
    "underscores": (bars(volume="1_000"), ("row 4", "volume '1_000'")),
    "a percent sign": (bars(close="10.5%"), ("row 4", "close '10.5%'")),
    "an infinite price": (bars(close="inf"), ("row 4", "infinite")),
    "a negative price": (bars(low="-9.5"), ("row 4", "low", "not positive")),
    "a price of nought": (bars(close="0"), ("row 4", "close", "not positive")),
    "a negative volume": (bars(volume="-1"), ("row 4", "volume", "negative")),
    "no date": (bars(date=""), ("row 4", "date is blank")),
    "another form of date": (
        bars(date="23.01.2025"),
        ("row 4", "date '23.01.2025'", "another form", "'2025-01-21' in row 2"),
    ),
    "a time of day": (bars(date="2025-01-23 15:30:00"), ("row 4", "another form")),
    "a day that is none": (bars(date="2025-02-30"), ("row 4", "2025-02-30")),
    "a duplicated date": (bars(date="2025-01-22"), ("row 4", "appears twice")),
    "a duplicated date, the newest first": (
        "date,close\n2025-01-23,1\n2025-01-22,2\n2025-01-22,3\n2025-01-21,4\n",
        ("row 4", "date 2025-01-22 appears twice (first in row 3)"),
    ),
    "a duplicated date written otherwise": (
        "date,close\n22.01.2025,2\n22.01.2025,3\n",
        ("row 3", "date 2025-01-22 appears twice (first in row 2)"),
    ),
    "days out of order": (bars(date="2025-01-02"), ("row 4", "before the date above")),
    "no closing price": (
        "date,symbol,open,adj_close\n2025-01-21,NVDA,1,\n",
        ("no close or adj_close in any row",),
    ),
    "weekly bars of Stooq": (
        "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>\n"
        "NVDA.US,W,20250124,000000,1,1,1,1,1\n",
        ("row 2", "period W, not D"),
    ),
    "ambiguous dates": (
        "date,close\n03/04/2025,1\n04/04/2025,2\n",
        ("row 2", "'03/04/2025' is ambiguous", "date_format", '"%d/%m/%Y"'),
    ),
    "two orders of day and month": (
        "date,close\n13/04/2025,1\n04/14/2025,2\n",
        ("row 3", "'04/14/2025' has the month first"),
    ),
    "a decimal comma that may group": (
        'date;close\n2025-01-21;"1,234"\n2025-01-22;"1,235"\n',
        ("row 2", "'1,234' may be a decimal comma", 'decimal = ","'),
    ),
    "a spreadsheet's number for a day": (
        "date,close\n45678,1\n45679,2\n",
        ("row 2", "date '45678' is no day"),
    ),
    "a quote that never closes": (
        'date,close\n2025-01-21,"1\n2025-01-22,2\n',
        ("a quotation mark is not closed",),
    ),
    "a cell over two rows": (
        'date,close\n2025-01-21,"1\n2"\n2025-01-22,2\n',
        ("row 2", "close '1 2' is not a number"),
    ),
}


@pytest.mark.parametrize("case", TEXTS)
def test_a_bad_text_file_gets_one_message(tmp_path: Path, case: str) -> None:
    text, words = TEXTS[case]
    refused(save(tmp_path, "NVDA.csv", text), *words)


def test_a_row_of_two_hundred_megabytes_is_no_row(tmp_path: Path) -> None:
    place = tmp_path / "NVDA.csv"
    with place.open("wb") as out:
        out.write(GOOD.encode())
        for _ in range(200):
            out.write(b"x" * 1_000_000)
    assert len(refused(place, "a row of 200.0 MB is no row of a table")) < 200


def test_a_file_too_large_is_refused_unread(tmp_path: Path) -> None:
    place = tmp_path / "NVDA.csv"
    with place.open("wb") as out:
        out.truncate(3 << 30)  # sparse: takes no room
    refused(place, "3,221 MB are too much")


def test_another_kind_of_file_is_named(tmp_path: Path) -> None:
    refused(save(tmp_path, "NVDA.xls", GOOD), ".xls is not read", "save it as .xlsx")
    refused(save(tmp_path, "NVDA", GOOD), "a file without ending is not read")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    refused(tmp_path / "NVDA.csv", "cannot be read")


# Signals

SIGNALS: dict[str, tuple[str, tuple[str, ...]]] = {
    "no known_at": (
        SIGNAL + "share,openai,2025-01-05,2025-01-06,0.5,fraction,observed,me\n"
        "share,openai,2025-01-12,,0.5,fraction,observed,me\n",
        ("row 3", "has no known_at (1 such row)", "--lag 45d", 'lag = "45d"'),
    ),
    "no column known_at": (
        "series,entity,value_date,value\nshare,openai,2025-01-05,0.5\n",
        ("row 2", "has no known_at (1 such row)"),
    ),
    "no column entity": (
        "series,value_date,value\nshare,2025-01-05,0.5\n",
        ("no column entity", 'entity = "..."'),
    ),
    "no entity": (
        SIGNAL + "share,,2025-01-05,2025-01-06,0.5,fraction,observed,me\n",
        ("row 2", "has no entity"),
    ),
    "known before it happened": (
        SIGNAL + "share,openai,2025-01-05,2025-01-01,0.5,fraction,observed,me\n",
        ("row 2", "before it happened"),
    ),
    "a quality nobody knows": (
        SIGNAL + "share,openai,2025-01-05,2025-01-06,0.5,fraction,observd,me\n",
        ("row 2", "did you mean 'observed'?"),
    ),
    "the same thing twice": (
        SIGNAL + "share,openai,2025-01-05,2025-01-06,0.5,fraction,observed,me\n" * 2,
        ("row 3", "for 2025-01-05 known at 2025-01-06", "appears twice"),
    ),
    "a moment that is none": (
        SIGNAL + "share,openai,2025-01-05,soon: today,0.5,fraction,observed,me\n",
        ("row 2", "is not a moment"),
    ),
    "a series of prices": (
        SIGNAL + "price.close,NVDA,2025-01-05,2025-01-06,0.5,USD,observed,me\n",
        ("price.close", "begin like prices"),
    ),
    "no value": (
        SIGNAL + "share,openai,2025-01-05,2025-01-06,,fraction,observed,me\n",
        ("row 2", "has no value"),
    ),
    "a model listed twice": (
        "week_date,rank,model_slug,total_tokens\n2025-02-16,1,a/b,10\n"
        "2025-02-16,2,a/b,10\n",
        ("row 3", "listed twice"),
    ),
    "capex filed before its quarter ended": (
        "company,period_start,period_end,value,unit,first_filed_or_release_date,form\n"
        "MSFT,2025-01-01,2025-03-31,16745000000,USD,2025-03-01,10-Q\n",
        ("row 2", "filed before its period ended"),
    ),
}


@pytest.mark.parametrize("case", SIGNALS)
def test_a_bad_file_of_signals_gets_one_message(tmp_path: Path, case: str) -> None:
    text, words = SIGNALS[case]
    refused(save(tmp_path, "signals.csv", text), *words)


# Excel and Parquet


def workbook(change: Callable[[openpyxl.Workbook], None]) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (
        ["date", "close"],
        [dt.datetime(2025, 1, 21), 1.5],
        [dt.datetime(2025, 1, 22), 2.5],
    ):
        sheet.append(row)
    change(book)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def set_cell(name: str, value: object) -> Callable[[openpyxl.Workbook], None]:
    def change(book: openpyxl.Workbook) -> None:
        book.active[name] = value
        if isinstance(value, float):
            book.active[name].number_format = "General"

    return change


WORKBOOKS: dict[str, tuple[Callable[[openpyxl.Workbook], None], tuple[str, ...]]] = {
    "merged cells": (
        lambda book: book.active.merge_cells("A1:B1"),
        ("sheet 'Sheet'", "merged cells (A1:B1)", "unmerge"),
    ),
    "a formula without a result": (
        set_cell("B3", "=B2+1"),
        ("row 3", "'=B2+1' has no result"),
    ),
    "an empty sheet": (
        lambda book: book.active.delete_rows(1, 9),
        ("the sheet is empty",),
    ),
    "text in a number": (set_cell("B3", "two"), ("row 3", "close 'two'")),
    "a number for a day": (set_cell("A2", 45678.5), ("row 2", "format the column")),
    "a time of day": (
        set_cell("A3", dt.datetime(2025, 1, 22, 16)),
        ("row 3", "another form of date"),
    ),
}


@pytest.mark.parametrize("case", WORKBOOKS)
def test_a_bad_workbook_gets_one_message(tmp_path: Path, case: str) -> None:
    change, words = WORKBOOKS[case]
    refused(save(tmp_path, "NVDA.xlsx", workbook(change)), *words)


def test_a_missing_sheet_is_named(tmp_path: Path) -> None:
    place = save(tmp_path, "NVDA.xlsx", workbook(lambda book: None))
    refused(place, "no sheet 'Shet'", "it has Sheet", "'Sheet'?", sheet="Shet")
    refused(save(tmp_path, "NVDA.csv", GOOD), "only Excel files", sheet="Sheet")


@pytest.mark.parametrize("name", ["NVDA.xlsx", "NVDA.parquet"])
@pytest.mark.parametrize("content", [b"PK\x03\x04junk", b"PAR1junkPAR1", b"x" * 99])
def test_junk_is_no_workbook_and_no_parquet(
    tmp_path: Path, name: str, content: bytes
) -> None:
    refused(save(tmp_path, name, content), "not a")


def test_a_truncated_workbook_is_damaged(tmp_path: Path) -> None:
    whole = workbook(lambda book: None)
    refused(save(tmp_path, "NVDA.xlsx", whole[: len(whole) // 2]), "not an Excel")


def test_parquet_that_is_no_table(tmp_path: Path) -> None:
    place = tmp_path / "NVDA.parquet"
    nested = pd.DataFrame(
        [[1.0, 2.0]], columns=pd.MultiIndex.from_product([["NVDA"], ["open", "close"]])
    )
    nested.to_parquet(place)
    refused(place, "nested")
    pd.DataFrame({"date": [], "close": []}).to_parquet(place)
    refused(place, "no rows")
