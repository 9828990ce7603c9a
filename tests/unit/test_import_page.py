"""docs/import.md: every example runs, every key of a mapping is there."""

from __future__ import annotations

import csv
import io
import re
import tomllib
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from engine.imports import Import, read_files
from engine.sources.imports_mapping import CHOICES, KEYS, SEPARATORS
from engine.sources.imports_tables import SUFFIXES

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "import.md").read_text("utf-8")
EXAMPLES = re.findall(r"^```csv\n(.*?)^```\n\n^```toml\n(.*?)^```", PAGE, re.M | re.S)


def run(folder: Path, number: int, *, mapped: bool = True) -> Import:
    text, told = EXAMPLES[number]
    place = folder / "example.csv"
    if "sheet" in tomllib.loads(told):
        place = folder / "example.xlsx"
        book = openpyxl.Workbook()
        sheet = book.create_sheet("Users")
        for row in csv.reader(io.StringIO(text)):
            sheet.append(row)
        book.save(place)
    else:
        place.write_text(text, encoding="utf-8")
    mapping = folder / "example.toml"
    mapping.write_text(told, encoding="utf-8")
    return read_files([place], mapping=mapping if mapped else None)


def said(found: Import) -> dict[tuple[str, str, str], float]:
    rows = found.rows
    days = rows["value_date"].dt.strftime("%Y-%m-%d")
    keys = zip(rows["series"], rows["line"], days, strict=True)
    return dict(zip(keys, rows["value"].tolist(), strict=True))


def test_every_key_has_a_row_and_an_example() -> None:
    below = PAGE.split("## Mapping")[1]
    listed = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", below, re.M)
    keys = [key for cell in listed for key in re.findall(r"`(\w+)`", cell)]
    assert sorted(keys) == sorted(KEYS)
    shown = {key for _, told in EXAMPLES for key in tomllib.loads(told)}
    assert shown == set(KEYS)


def test_the_words_are_those_of_the_code() -> None:
    for key in ("layout", "decimal"):
        for word in CHOICES[key]:
            assert f'`"{word}"`' in PAGE, word
    for word in SEPARATORS:
        assert f'`"{word}"`' in PAGE, word
    assert {".csv", ".parquet", ".xlsx"} < set(SUFFIXES)


@pytest.mark.parametrize("number", range(4))
def test_without_its_mapping_an_example_is_not_understood(
    tmp_path: Path, number: int
) -> None:
    assert run(tmp_path, number, mapped=False).refused


def test_a_wide_file_under_names_of_its_own(tmp_path: Path) -> None:
    found = run(tmp_path, 0)
    assert found.refused == ""
    assert said(found) == {
        ("price.adj_close", "NVDA", "2025-04-03"): 101.8,
        ("price.adj_close", "NVDA", "2025-04-04"): 94.31,
        ("price.adj_close", "AMD", "2025-04-03"): 93.8,
        ("price.adj_close", "AMD", "2025-04-04"): 85.76,
    }


def test_a_line_that_the_universe_does_not_have(tmp_path: Path) -> None:
    found = run(tmp_path, 1)
    assert found.refused == ""
    assert said(found) == {
        ("price.close", "MU", "2025-01-27"): 91.08,
        ("price.close", "MU", "2025-01-28"): 90.12,
    }
    assert set(found.rows["source"]) == {"my_house"} == {found.source}
    assert set(found.rows["unit"]) == {"USD"}


def test_a_signal_of_days_and_numbers(tmp_path: Path) -> None:
    found = run(tmp_path, 2)
    assert found.refused == ""
    assert said(found) == {
        ("downloads", "deepseek", "2025-01-05"): 0.0,
        ("downloads", "deepseek", "2025-01-12"): 1250.0,
    }
    rows = found.rows
    assert rows["quality"].tolist() == ["bound", "observed"]
    assert set(rows["unit"]) == {"downloads"}
    assert (rows["known_at"] - rows["value_date"]).tolist() == [pd.Timedelta("2D")] * 2


def test_names_of_companies_in_a_second_sheet(tmp_path: Path) -> None:
    found = run(tmp_path, 3)
    assert found.refused == ""
    assert said(found) == {("users", "deepseek", "2025-01-05"): 1.5}
    assert str(found.rows["known_at"].iloc[0]) == "2025-01-12 09:00:00"
    assert "sheet 'Users' (as the mapping says; not read: Sheet)" in " ".join(
        found.files[0].says
    )
