"""``assay data check``: what it prints, what it costs, what it leaves alone."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.clean_prices import clean_frame, multiplied
from tests.terminal import Terminal, tree


@pytest.fixture
def assay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Terminal:
    return Terminal(tmp_path, monkeypatch, capsys)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one clean line of the packaged universe."""
    place = tmp_path / "prices"
    place.mkdir()
    write(place / "NVDA.csv", clean())
    return place


def clean() -> pd.DataFrame:
    return clean_frame("XNYS", np.random.default_rng(1))


def write(place: Path, frame: pd.DataFrame) -> None:
    frame.rename_axis("date").to_csv(place)


def found_in(assay: Terminal, folder: Path, *more: str) -> list[dict[str, str]]:
    answer = assay("data", "check", folder, "--format", "json", *more)
    assert answer.code == 0, answer
    rows: list[dict[str, str]] = json.loads(answer.out)
    return rows


def test_a_clean_folder_has_nothing_to_show(assay: Terminal, folder: Path) -> None:
    answer = assay("data", "check", folder)
    assert answer.code == 0
    assert answer.out == ""
    assert "nothing to show" in answer.err
    assert answer.err.endswith(
        "1 line, 0 currencies, 0 unusable files, 0 unknown files: 0 errors, "
        "0 warnings, 0 info; nothing was changed\n"
    )
    assert found_in(assay, folder) == []


def test_findings_are_rows_the_gravest_first(assay: Terminal, folder: Path) -> None:
    frame = clean()
    write(folder / "NVDA.csv", multiplied(frame, slice(100, None), 0.1))
    write(folder / "AMD.csv", frame.iloc[:150])
    write(folder / "ZZZZ.csv", frame)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    rows = found_in(assay, folder)
    assert [(row["severity"], row["where"]) for row in rows] == [
        ("error", "NVDA"),
        ("warning", "AMD"),
        ("info", "ZZZZ.csv"),
    ]
    assert rows[0]["first"] == rows[0]["last"] == str(frame.index[100].date())
    assert "a split of 10:1" in rows[0]["what"]
    assert "ai-stack" in rows[2]["what"]
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    assert tree(folder) == ["AMD.csv", "NVDA.csv", "ZZZZ.csv"]


def test_the_three_formats_say_the_same(assay: Terminal, folder: Path) -> None:
    write(folder / "NVDA.csv", multiplied(clean(), slice(100, None), 0.1))
    (told,) = found_in(assay, folder)
    text = assay("data", "check", folder, "--format", "csv").out
    assert list(csv.DictReader(io.StringIO(text))) == [told]
    drawn = assay("data", "check", folder)
    assert drawn.code == 0
    assert "split of 10:1" in " ".join(drawn.out.split())
    assert "1 error, 0 warnings" in drawn.err


def test_a_file_that_a_study_refuses_hides_no_other(
    assay: Terminal, folder: Path
) -> None:
    frame = clean()
    wrong = frame.copy()
    wrong.iloc[7, wrong.columns.get_loc("adj_close")] = -1.0
    write(folder / "AMD.csv", wrong)
    (folder / "META.csv").write_text("")
    (folder / "KRW=X.csv").write_text("date,close\n2024-01-02,abc\n")
    write(folder / "NVDA.csv", multiplied(frame, slice(100, None), 0.1))
    rows = found_in(assay, folder)
    assert [row["where"] for row in rows] == ["AMD", "KRW=X", "META", "NVDA"]
    assert {row["severity"] for row in rows} == {"error"}
    assert "AMD.csv, row 9: adj_close -1.0 is not positive" in rows[0]["what"]
    assert "META.csv: the file is empty" in rows[2]["what"]
    assert "3 unusable files" in assay("data", "check", folder).err


def test_names_that_a_study_would_not_find(assay: Terminal, folder: Path) -> None:
    write(folder / "amd.csv", clean())
    write(folder / "688256.SH.csv", clean())
    rows = {row["where"]: row for row in found_in(assay, folder)}
    assert "rename it to AMD.csv" in rows["amd.csv"]["action"]
    assert "rename it to 688256.SS.csv" in rows["688256.SH"]["what"]


def test_one_symbol_in_two_files_is_an_error(assay: Terminal, folder: Path) -> None:
    clean().rename_axis("date").reset_index().to_parquet(folder / "NVDA.parquet")
    (row,) = found_in(assay, folder)
    assert row["severity"] == "error"
    assert "another file holds the same symbol" in row["what"]
    rates = pd.DataFrame({"close": [7.8]}, index=clean().index[:1])
    write(folder / "HKD=X.csv", rates)
    rates.rename_axis("date").reset_index().to_parquet(folder / "HKD=X.parquet")
    wheres = [row["where"] for row in found_in(assay, folder)]
    assert wheres[:2] == ["HKD=X", "NVDA"]


def test_rates_without_a_time_of_fixing_are_named(
    assay: Terminal, folder: Path
) -> None:
    days = pd.bdate_range("2024-01-01", "2024-12-31")
    rate = pd.DataFrame({"close": np.linspace(7.7, 7.9, len(days))}, index=days)
    write(folder / "HKD=X.csv", rate)
    (row,) = found_in(assay, folder)
    assert "when these exchange rates were fixed" in row["what"]
    (folder / "folder.toml").write_text('[fx]\nfix = "14:15"\ntimezone = "UTC"\n')
    assert found_in(assay, folder) == []


def test_another_universe_knows_other_lines(assay: Terminal, folder: Path) -> None:
    write(folder / "ZZZZ.csv", clean())
    names = [
        row["where"] for row in found_in(assay, folder, "--universe", "ai-placebo")
    ]
    assert "ZZZZ.csv" in names


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("nowhere",), ("nowhere", "no such folder")),
        (("prices/NVDA.csv",), ("not a folder",)),
        (("empty",), ("empty", "holds no price files")),
        (("prices", "--universe", "ai-stak"), ("ai-stak", "ai-stack")),
        (("broken",), ("folder.toml", "not valid TOML")),
    ],
)
def test_what_cannot_be_read_is_one_message(
    assay: Terminal, folder: Path, more: tuple[str, ...], words: tuple[str, ...]
) -> None:
    (folder.parent / "empty").mkdir()
    (folder.parent / "broken").mkdir()
    write(folder.parent / "broken" / "NVDA.csv", clean())
    (folder.parent / "broken" / "folder.toml").write_text("[fx\n")
    assay.refuses(1, "data", "check", *more, words=words)


def test_wrong_usage(assay: Terminal) -> None:
    assay.refuses(2, "data", "check", "a", "b", words=("unexpected extra argument",))
    assay.refuses(2, "data", "chek", words=("chek",))


def test_a_refused_import_ends_with_1(assay: Terminal) -> None:
    (assay.folder / "NVDA.csv").write_text(
        "date,close\n2025-01-27,118.42\n2025-01-28,x"
    )
    for options in ((), ("--dry-run",)):
        answer = assay("data", "import", "NVDA.csv", *options)
        assert answer.code == 1
        assert "nothing was stored" in answer.err
