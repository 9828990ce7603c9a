"""Diaries of days that make none, in folders that are not theirs, and interrupted."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine import diary
from engine.diary import check_days, keep_diary
from engine.errors import DataError, UsageError
from engine.runs.diary import read_entry
from engine.study import run_study
from engine.study_inputs import StudyInputs
from engine.study_result import StudyResult
from tests import desk
from tests.register_cases import edited, write_thesis
from tests.terminal import Terminal

FIRST, LAST = dt.date(2025, 2, 28), dt.date(2025, 5, 30)
DAYS = ("2025-02-28", "2025-03-28", "2025-04-28", "2025-05-28", "2025-05-30")


@pytest.fixture
def asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Terminal:
    write_thesis(tmp_path)
    return Terminal(tmp_path, monkeypatch, capsys)


class Studies:
    """Counts studies, and stops or fails at one of them."""

    def __init__(self, stop_at: int = 0) -> None:
        self.days: list[str] = []
        self.stop_at = stop_at

    def __call__(self, inputs: StudyInputs, *, beside: bool) -> StudyResult:
        self.days.append(str(inputs.thesis.about.end))
        if len(self.days) == self.stop_at:
            raise KeyboardInterrupt
        return run_study(inputs, beside=beside)


@pytest.mark.parametrize(
    ("first", "last", "every", "days"),
    [
        ("2025-01-31", "2025-04-30", "month", "01-31 02-28 03-31 04-30"),
        ("2024-11-30", "2025-02-15", "month", "11-30 12-30 01-30 02-15"),
        ("2025-01-15", "2025-08-01", "quarter", "01-15 04-15 07-15 08-01"),
        ("2024-12-31", "2025-03-31", "quarter", "12-31 03-31"),
        ("2025-01-15", "2025-01-15", "month", "01-15"),
        ("2023-12-29", "2024-02-29", "month", "12-29 01-29 02-29"),
    ],
)
def test_days(first: str, last: str, every: str, days: str) -> None:
    found = check_days(dt.date.fromisoformat(first), dt.date.fromisoformat(last), every)
    assert [f"{day:%m-%d}" for day in found] == days.split()


@pytest.mark.parametrize(
    ("code", "options", "words"),
    [
        (2, ["--from", "2025-06-02"], ("2025-06-02 is after --to 2025-05-30",)),
        (2, ["--from", "2025-01-02"], ("not after the study's start 2025-01-02",)),
        (2, ["--from", "2025-13-02"], ("2025-13-02",)),
        (2, ["--to", "2999-01-01"], ("in the future",)),
        (2, ["--every", "day"], ("month", "quarter")),
        (2, ["--jobs", "0"], ("--jobs 0",)),
        (2, ["--as-of", "2025-03-03"], ("--from and --to",)),
        (1, ["--out", "t.toml"], ("t.toml", "is a file")),
        (1, ["--out", "."], ("holds something that is no diary",)),
        (1, ["--out", "t.toml/d"], ("t.toml",)),
        (1, ["--prices", "nowhere"], ("nowhere",)),
        (2, ["--vintage", "2025-01-01"], ("--vintage",)),
    ],
)
def test_one_message(
    asked: Terminal, code: int, options: list[str], words: tuple[str, ...]
) -> None:
    base = {"--from": "2025-02-28", "--to": "2025-05-30", "--out": "d"}
    told = base | dict(zip(options[::2], options[1::2], strict=True))
    flat = [word for pair in told.items() for word in pair]
    asked.refuses(code, "diary", "t.toml", *flat, words=words)


def test_an_option_that_is_none_is_named(tmp_path: Path) -> None:
    path = write_thesis(tmp_path)
    with pytest.raises(UsageError, match=r"'as_of'"):
        keep_diary(path, first=FIRST, last=LAST, as_of="2025-03-03")
    with pytest.raises(UsageError, match=r"--every 'day'"):
        keep_diary(path, first=FIRST, last=LAST, every="day")


def test_what_is_finished_is_kept_and_continued(
    asked: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("diary", "t.toml", "--from", FIRST, "--to", LAST, "--out", "d")
    first = Studies(stop_at=3)
    monkeypatch.setattr(diary, "run_study", first)
    stopped = asked(*words)
    assert stopped.code == 130
    assert "2 of 5 dates are kept in d" in stopped.err
    kept = sorted(path.stem for path in (asked.folder / "d").rglob("*.json"))
    assert kept == list(DAYS[:2])
    assert not list((asked.folder / "d").rglob(".*"))

    second = Studies()
    monkeypatch.setattr(diary, "run_study", second)
    done = asked(*words)
    assert done.code == 0, done.err
    assert second.days == list(DAYS[2:])
    page = (asked.folder / "d" / "diary.html").read_bytes()

    third = Studies()
    monkeypatch.setattr(diary, "run_study", third)
    assert asked(*words).code == 0
    assert third.days == []
    assert (asked.folder / "d" / "diary.html").read_bytes() == page

    write_thesis(asked.folder, edited("min_effect = 0.05", "min_effect = 0.04"))
    assert asked(*words).code == 0
    assert third.days == list(DAYS)


def test_a_damaged_entry_is_studied_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_thesis(tmp_path)
    folder, before = keep_diary(path, first=FIRST, last=FIRST, out=tmp_path / "d")
    place = folder / "entries" / f"{FIRST}.json"
    place.write_text(place.read_text()[:200])
    assert read_entry(folder, FIRST) is None
    _, after = keep_diary(path, first=FIRST, last=FIRST, out=tmp_path / "d")
    assert after.entries[0].summary == before.entries[0].summary


def test_another_thesis_s_diary_is_left_alone(asked: Terminal) -> None:
    words = ("--from", FIRST, "--to", FIRST, "--out", "d")
    assert asked("diary", "t.toml", *words).code == 0
    write_thesis(asked.folder, edited('id = "small"', 'id = "other"'), "o.toml")
    asked.refuses(1, "diary", "o.toml", *words, words=("'small'", "'other'"))


def test_a_full_disk_is_one_message(
    asked: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, text: str, encoding: str = "") -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    answer = asked("diary", "t.toml", "--from", FIRST, "--to", FIRST, "--out", "d")
    assert answer.code == 1
    assert "No space left on device" in answer.err
    assert "are kept" in answer.err


def test_a_day_without_a_study_is_told_and_the_others_go_on(tmp_path: Path) -> None:
    """Prices begin in December: as of November there is nothing to study."""
    folder = desk.write_desk(tmp_path)
    desk.between("2023-12-01", "2024-03-28")(folder / "prices")
    options = {"prices": folder / "prices", "signals": "reference"}
    out, kept = keep_diary(
        folder / "t.toml",
        first=dt.date(2023, 11, 29),
        last=dt.date(2024, 1, 29),
        out=tmp_path / "d",
        **options,
    )
    failed = [str(one.as_of) for one in kept.entries if one.failed]
    assert failed == ["2023-11-29"]
    table = (out / "diary.csv").read_text().splitlines()
    assert table[1].startswith("2023-11-29,failed,study,")
    assert kept.entries[0].failed in (out / "diary.html").read_text()
    assert json.loads((out / "diary.json").read_text())["thesis"] == "desk"
    with pytest.raises(DataError, match="no date could be studied; 2023-11-29"):
        keep_diary(
            folder / "t.toml",
            first=dt.date(2023, 11, 29),
            last=dt.date(2023, 11, 29),
            out=tmp_path / "e",
            **options,
        )


def test_processes_finish_what_is_under_way_and_leave_the_rest(tmp_path: Path) -> None:
    """Ctrl-C in a terminal reaches every process; what was finished stays."""
    write_thesis(tmp_path)
    entries = tmp_path / "d" / "entries"
    words = [
        "diary", "t.toml", "--from", "2025-01-31", "--to", "2025-09-30",
        "--out", "d", "--jobs", "2",
    ]  # fmt: skip
    running = subprocess.Popen(
        [sys.executable, "-m", "engine.cli", *words],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while not list(entries.glob("*.json")) and running.poll() is None:
        time.sleep(0.01)
    os.killpg(running.pid, signal.SIGINT)
    _, said = running.communicate(timeout=120)
    assert running.returncode == 130, said
    assert "dates are kept in d" in said
    assert "Traceback" not in said
    kept = [path.stem for path in entries.iterdir()]
    assert 1 <= len(kept) < 9
    for day in kept:
        assert read_entry(tmp_path / "d", dt.date.fromisoformat(day)) is not None
