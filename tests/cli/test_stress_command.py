"""``assay stress``: what moves, what is seen, and a thesis that has neither."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from click.testing import CliRunner

from engine.cli.commands.parts import stress
from tests.flagship import FLAGSHIP


@pytest.fixture
def runner() -> CliRunner:
    return CliRunner(env={"COLUMNS": "200"})


def test_a_terminal_shows_what_moves_and_what_is_seen(runner: CliRunner) -> None:
    found = runner.invoke(stress, [str(FLAGSHIP)])
    assert found.exit_code == 0, found.output
    for words in (
        "Stress (SIMULATED)",
        "Seen at the end (SIMULATED)",
        "Effect by weights (SIMULATED)",
        "no observation of restricting_countries",
    ):
        assert words in found.stdout
    assert "assumptions, not findings" in found.stderr
    assert "hbm-ceiling: stated: no factor reads it" in found.stderr


def test_csv_has_every_layer_under_every_mechanism(runner: CliRunner) -> None:
    found = runner.invoke(stress, [str(FLAGSHIP), "--format", "csv"])
    rows = list(csv.DictReader(io.StringIO(found.stdout)))
    assert len(rows) == 7 * 5
    assert {row["stamp"] for row in rows} == {"SIMULATED"}
    before = {row["layer"]: row["before"] for row in rows}
    assert all(row["before"] == before[row["layer"]] for row in rows)


def test_as_of_a_day_before_they_were_stated_there_are_none(runner: CliRunner) -> None:
    found = runner.invoke(stress, [str(FLAGSHIP), "--as-of", "2026-05-29"])
    assert found.exit_code == 0, found.output
    assert "no [[mechanisms]] and no [[scenarios]]" in found.stderr


def test_a_thesis_without_either_says_so(runner: CliRunner, root: Path) -> None:
    found = runner.invoke(stress, [str(root / "examples" / "minimal.toml")])
    assert found.exit_code == 0, found.output
    assert "no [[mechanisms]] and no [[scenarios]]" in found.stderr
    assert found.stdout == ""
