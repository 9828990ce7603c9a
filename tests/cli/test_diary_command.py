"""``assay diary`` in a terminal: what is out of sample is called so, no more."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

import engine
from tests import desk
from tests.terminal import Terminal

ASKED = ("--prices", "prices", "--out", "d", "--from", "2023-10-02", "--to")


@pytest.fixture
def asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Terminal:
    return Terminal(desk.write_desk(tmp_path), monkeypatch, capsys)


def test_returns_before_the_declaration_are_never_out_of_sample(
    asked: Terminal,
) -> None:
    answer = asked("diary", "t.toml", *ASKED, "2023-10-20")
    assert answer.code == 0, answer.err
    for word in ("return_all", "return_in", "return_out", "in sample", "log_score"):
        assert (word in answer.out) == word.startswith("return"), word
    assert "verdicts and score out of sample, and returns" in answer.out
    rows = [line for line in answer.out.splitlines() if "2023-10-" in line]
    assert len(rows) == 2
    for line in rows:
        *_, whole, seen, later = [cell.strip() for cell in line.strip("│ ").split("│")]
        assert whole == seen != later == "\N{EN DASH}"
    assert "the thesis counts from 1 November 2023, after all dates" in answer.err
    assert "its part before 1 November 2023; out of sample, from that" in answer.err
    assert "more columns" not in answer.err


def test_the_out_of_sample_return_is_that_of_the_run(asked: Terminal) -> None:
    answer = asked(
        "diary", "t.toml", *ASKED, "2024-02-02", "--every", "quarter", "--format", "csv"
    )
    assert answer.code == 0, answer.err
    rows = [
        row
        for row in csv.DictReader(io.StringIO(answer.out))
        if (row["kind"], row["name"], row["as_of"])
        == ("return", "barbell", "2024-02-02")
    ]
    run = engine.run("t.toml", prices="prices", as_of="2024-02-02")
    table = run.performance.set_index(["path", "sample"])["total_return"]["barbell"]
    assert {row["sample"]: float(row["value"]) for row in rows} == pytest.approx(
        table.to_dict()
    )
    assert {row["sample"]: row["state"] for row in rows} == {
        "all": "since the start, in-sample before 2023-11-01",
        "in-sample": "before 2023-11-01",
        "out-of-sample": "since 2023-11-01",
    }
    page = Path("d/diary.html").read_text(encoding="utf-8")
    assert "Return in all" in page
    assert "score and growth" not in page
