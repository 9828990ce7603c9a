"""Registers that are damaged, forged, locked, full or not there; processes that die."""

from __future__ import annotations

import dataclasses
import datetime as dt
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.errors import RegisterError
from engine.runs import register_file
from engine.runs.register import Register, parse_register, read_register
from tests.register_cases import edited, registered_at, set_clock, write_thesis
from tests.register_chain import chain, content, entry
from tests.terminal import Terminal

PLACE = Path("register.jsonl")
ROOT = Path(__file__).parents[2]


def lines(length: int = 4) -> list[bytes]:
    return content(chain(length)).splitlines(keepends=True)


def forged(number: int) -> list[bytes]:
    """Return a chain in which one entry was changed and given its new hash."""
    entries = chain(4)
    entries[number - 1] = dataclasses.replace(entries[number - 1], thesis="other")
    return content(entries).splitlines(keepends=True)


BROKEN: dict[str, tuple[Callable[[], list[bytes]], str]] = {
    "edited": (
        lambda: [one.replace(b"2026-07-06", b"2025-07-06", 1) for one in lines(1)],
        "entry 1 is not as it was written",
    ),
    "edited in the middle": (
        lambda: [*lines()[:2], lines()[2].replace(b"cdcd", b"dcdc", 1), lines()[3]],
        "entry 3 is not as it was written",
    ),
    "edited at the end": (
        lambda: [*lines()[:3], lines()[3].replace(b"0.1.0", b"0.1.1")],
        "entry 4 is not as it was written",
    ),
    "laid out anew": (
        lambda: [lines()[0].replace(b",", b", ")],
        "entry 1 is not as it was written",
    ),
    "edited with its hash": (lambda: forged(2), "line 3 holds entry 3, which does not"),
    "first removed": (lambda: lines()[1:], "line 1 holds entry 2"),
    "removed": (lambda: [*lines()[:1], *lines()[2:]], "line 2 holds entry 3"),
    "reordered": (
        lambda: [lines()[0], lines()[2], lines()[1], lines()[3]],
        "line 2 holds entry 3",
    ),
    "repeated": (lambda: [*lines(2), lines()[1]], "line 3 holds entry 2"),
    "damaged": (lambda: [*lines(2), b"\0\0\0\n"], "entry 3 cannot be read"),
    "empty line": (lambda: [lines()[0], b"\n", *lines()[1:2]], "entry 2 cannot be"),
    "no register": (lambda: [b"[thesis]\n", b'id = "x"\n'], "is not a register"),
    "JSON of something else": (lambda: [b'{"files": {}}\n'], "is not a register"),
    "not text": (lambda: [b"\xff\xfe\x00\n"], "is not a register"),
    "a list": (lambda: [b"[1]\n"], "is not a register"),
    "newer": (lambda: [b'{"form":3}\n'], "newer version"),
}


@pytest.mark.parametrize(("made", "words"), BROKEN.values(), ids=BROKEN)
def test_the_first_broken_entry_is_named(
    made: Callable[[], list[bytes]], words: str
) -> None:
    with pytest.raises(RegisterError, match=words):
        parse_register(b"".join(made()), PLACE)


def test_time_only_goes_forward() -> None:
    early = entry(1, moment=dt.datetime(2026, 7, 7, tzinfo=dt.UTC))
    late = entry(2, early.sha256, moment=dt.datetime(2026, 7, 1, tzinfo=dt.UTC))
    with pytest.raises(RegisterError, match=r"entry 2 is dated .* before the entry"):
        parse_register(content([early, late]), PLACE)


def test_an_entry_from_the_future_is_refused() -> None:
    now = dt.datetime(2026, 7, 6, 20, 0, tzinfo=dt.UTC)
    with pytest.raises(RegisterError, match=r"entry 3 is dated .* in the future"):
        parse_register(content(chain(3)), PLACE, now=now)
    assert parse_register(content(chain(3)), PLACE, now=now + dt.timedelta(minutes=31))


@pytest.mark.parametrize("cut", [1, 5, 11, 40, 200, -2])
def test_what_a_killed_process_leaves_is_passed_over_and_replaced(
    tmp_path: Path, cut: int
) -> None:
    whole = lines(3)
    file = tmp_path / "register.jsonl"
    file.write_bytes(b"".join(whole[:2]) + whole[2][:cut])
    register = read_register(file)
    assert register.unfinished
    assert [one.number for one in register.entries] == [1, 2]
    made = register_file.append(file, lambda held: entry())
    assert made is not None
    after = read_register(file)
    assert not after.unfinished
    assert [one.number for one in after.entries] == [1, 2, 3]
    assert after.entries[:2] == register.entries


def test_a_first_line_cut_short_is_an_empty_register(tmp_path: Path) -> None:
    file = tmp_path / "register.jsonl"
    file.write_bytes(lines()[0][:90])
    assert read_register(file) == Register(path=file, unfinished=True)
    register_file.append(file, lambda held: entry())
    assert len(read_register(file).entries) == 1


def test_a_last_line_without_its_end_is_an_entry_and_the_next_follows(
    tmp_path: Path,
) -> None:
    file = tmp_path / "register.jsonl"
    file.write_bytes(b"".join(lines(2)).rstrip(b"\n"))
    assert len(read_register(file).entries) == 2
    register_file.append(file, lambda held: entry())
    assert len(read_register(file).entries) == 3


def test_an_edited_last_line_without_its_end_is_not_taken_for_unfinished() -> None:
    told = b"".join(lines(2)).rstrip(b"\n").replace(b'"entry":2', b'"entry":3')
    with pytest.raises(RegisterError, match="entry 2 is not as it was written"):
        parse_register(told, PLACE)


# ---- processes -----------------------------------------------------------------------

APPEND = """
import sys
from pathlib import Path
from engine.runs.register_file import append
from tests.register_chain import entry
for number in range(int(sys.argv[3])):
    append(Path(sys.argv[1]), lambda held: entry(thesis=f"{sys.argv[2]}-{number}"))
print("done")
"""


def appending(file: Path, name: str, count: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", APPEND, str(file), name, str(count)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
    )


def test_several_processes_at_once_lose_nothing(tmp_path: Path) -> None:
    file = tmp_path / "register.jsonl"
    started = [appending(file, f"p{number}", 25) for number in range(3)]
    for one in started:
        assert one.communicate()[0] == b"done\n"
    told = [one.thesis for one in read_register(file).entries]
    assert sorted(told) == sorted(f"p{one}-{n}" for one in range(3) for n in range(25))


def test_a_killed_process_leaves_a_register_that_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "register.jsonl"
    before = 0
    for number in range(4):
        writer = appending(file, f"k{number}", 100_000)
        size = file.stat().st_size if file.exists() else 0
        deadline = time.monotonic() + 60
        while not file.exists() or file.stat().st_size < size + 20_000:
            assert time.monotonic() < deadline
            time.sleep(0.001)
        writer.send_signal(signal.SIGKILL)
        writer.communicate()
        after = len(read_register(file).entries)
        assert after > before
        before = after
    register_file.append(file, lambda held: entry())
    assert len(read_register(file).entries) == before + 1


def test_who_keeps_the_register_too_long_is_reported(tmp_path: Path) -> None:
    import fcntl

    file = tmp_path / "register.jsonl"
    with file.open("wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(RegisterError, match="another process"):
            register_file.append(file, lambda kept: entry(), patience_seconds=0.02)


def test_a_short_write_is_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "register.jsonl"
    file.write_bytes(b"".join(lines(2)))
    write = os.write
    monkeypatch.setattr(
        register_file.os, "write", lambda handle, line: write(handle, line[:50])
    )
    with pytest.raises(RegisterError, match=r"No space left.*free some space"):
        register_file.append(file, lambda held: entry())
    assert file.read_bytes() == b"".join(lines(2))


# ---- the command ---------------------------------------------------------------------


@pytest.fixture
def asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Terminal:
    monkeypatch.setenv("ASSAY_HOME", str(tmp_path / "home"))
    write_thesis(tmp_path)
    return Terminal(tmp_path, monkeypatch, capsys)


@pytest.mark.parametrize(
    ("code", "arguments", "words"),
    [
        (2, ["register"], ("name the thesis", "--show")),
        (2, ["register", "t.toml", "--check", "--tag"], ("--tag",)),
        (2, ["register", "none.toml"], ("no such file",)),
        (1, ["register", "--check"], ("register.jsonl", "there is no register here")),
        (1, ["register", "--show", "--register", "x"], ("x", "no register here")),
        (1, ["register", "t.toml", "--register", "/dev/full"], ("No space left",)),
        (1, ["register", "t.toml", "--register", "no/x"], ("No such file",)),
        (1, ["register", "t.toml", "--register", "."], ("cannot be written",)),
        (1, ["register", "t.toml", "--register", "t.toml"], ("is not a register",)),
        (1, ["claims", "t.toml", "--register", "x"], ("--register x", "no such file")),
        (1, ["claims", "t.toml", "--register", "t.toml"], ("is not a register",)),
        (2, ["register", "t.toml", "--register", "none"], ("is no register",)),
        (2, ["register", "t.toml", "--tag"], ("not in a git repository",)),
    ],
)
def test_one_message(
    asked: Terminal,
    monkeypatch: pytest.MonkeyPatch,
    code: int,
    arguments: list[str],
    words: tuple[str, ...],
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(asked.folder.parent))
    asked.refuses(code, *arguments, words=words)


def test_a_clock_set_back_is_refused(
    asked: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    registered_at(monkeypatch, "2025-03-03T10:00", Path("t.toml"))
    write_thesis(asked.folder, edited("min_effect = 0.05", "min_effect = 0.04"))
    set_clock(monkeypatch, "2025-03-03T09:59")
    asked.refuses(1, "register", "t.toml", words=("09:59", "10:00", "set the clock"))


def test_a_thesis_that_changed_its_id_is_refused_by_all(asked: Terminal) -> None:
    """Else an edited claim could shed its register by a new id."""
    asked("register", "t.toml")
    write_thesis(asked.folder, edited('id = "small"', 'id = "smaller"'))
    for command in ("register", "claims"):
        words = ("'small'", "'smaller'", "entry 1")
        asked.refuses(2, command, "t.toml", words=words)


def test_no_git_is_one_message(
    asked: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    asked.refuses(2, "register", "t.toml", "--tag", words=("needs git",))


def test_a_study_refuses_a_broken_register_and_can_do_without(asked: Terminal) -> None:
    asked("register", "t.toml")
    file = asked.folder / "register.jsonl"
    file.write_text(file.read_text().replace('"entry":1', '"entry":2'))
    for command in ("register", "score"):
        asked.refuses(1, command, "t.toml", words=("entry 1 is not as it was",))
    assert asked("score", "t.toml", "--register", "none").code == 0
