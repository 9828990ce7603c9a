"""``assay data import``: what it prints, what it stores, what it leaves alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from engine.cli.commands.data_import import import_
from engine.sources.store import Store, store_folder
from tests.terminal import tree

SOUND = "date,close\n2025-01-24,142.62\n2025-01-27,118.42\n"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ASSAY_HOME", str(tmp_path / "home"))
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "NVDA.csv").write_text(SOUND, encoding="utf-8")
    return tmp_path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(import_, [str(one) for one in arguments])


def test_understanding_comes_first_then_findings_then_the_store(place: Path) -> None:
    answer = run(place / "files")
    assert answer.exit_code == 0, answer
    lines = answer.stderr.splitlines()
    assert lines[0] == "NVDA.csv: prices, 2 rows"
    assert "  long: a row per day of NVDA, by the file's name" in lines
    assert lines[-1] == f"2 of 2 rows were new; stored in {store_folder()}"
    assert "no adj_close" in answer.stdout
    rows = Store(store_folder()).read(source="files")
    assert rows["value"].tolist() == [142.62, 118.42]
    again = run(place / "files")
    assert again.stderr.splitlines()[-1].startswith("0 of 2 rows were new")


def test_a_dry_run_stores_nothing(place: Path) -> None:
    before = tree(place)
    answer = run(place / "files", "--dry-run")
    assert answer.exit_code == 0
    assert answer.stderr.splitlines()[-1] == (
        "2 rows would be stored from 1 file; dry run"
    )
    assert tree(place) == before


def test_an_error_stores_nothing_and_is_the_first_finding(place: Path) -> None:
    bad = place / "files" / "AMD.csv"
    bad.write_text(SOUND.replace("118.42", "ten"), encoding="utf-8")
    before = tree(place)
    answer = run(place / "files", "--format", "json")
    assert answer.exit_code == 1
    rows = json.loads(answer.stdout)
    assert rows[0]["file"] == "AMD.csv"
    assert "row 3: close 'ten' is not a number" in rows[0]["what"]
    assert answer.stderr.splitlines()[-1].startswith("assay: 1 error above")
    assert tree(place) == before


def test_source_lag_and_mapping_are_handed_on(place: Path) -> None:
    signals = place / "files" / "users.csv"
    signals.write_text("date,users\n2025-01-05,7\n", encoding="utf-8")
    mapping = place / "mapping.toml"
    mapping.write_text(
        'series = "users"\nentity = "openai"\n[columns]\nvalue = "users"\n',
        encoding="utf-8",
    )
    answer = run(signals, "--mapping", mapping, "--lag", "2w", "--source", "house")
    assert answer.exit_code == 0, answer.stderr
    (row,) = Store(store_folder()).read().itertuples()
    assert (row.series, row.line, row.value, row.source) == (
        "users",
        "openai",
        7.0,
        "house",
    )
    assert str(row.known_at) == "2025-01-19 00:00:00"


def test_an_export_comes_in_alone_with_its_own_moments(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(place / "files")
    here = Store(store_folder())
    export = here.export(place / "export.zip")
    monkeypatch.setenv("ASSAY_HOME", str(place / "other"))
    mixed = run(export, place / "files")
    assert mixed.exit_code == 2
    assert "import it alone" in mixed.stderr
    assert not store_folder().exists()
    answer = run(export)
    assert answer.exit_code == 0, answer
    assert Store(store_folder()).vintage() == here.vintage()
