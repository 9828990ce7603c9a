"""A run that is stopped from outside leaves no half folder, whatever the moment."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from engine import deliver
from engine.runs import archive, folder
from engine.study_result import StudyResult
from tests import desk
from tests.terminal import Terminal, tree

ROOT = Path(__file__).parents[2]
#: The command line, but with reports that begin, say so, and wait for ever.
WAITING = """
import sys
from engine import deliver
from engine.cli.main import main

def render(result, work, provenance, begun):
    (work / "report.html").write_text("half a report")
    print(f"half written: {work.name}", file=sys.stderr, flush=True)
    sys.stdin.read()

deliver._render = render
sys.argv = ["assay", *sys.argv[1:]]
main()
"""


def start(place: Path, *arguments: str) -> subprocess.Popen[str]:
    run = ("run", "t.toml", "--prices", "prices")
    return subprocess.Popen(
        [sys.executable, "-c", WAITING, *run, *arguments],
        cwd=place,
        env=dict(os.environ) | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(process: subprocess.Popen[str], words: str) -> str:
    """Return the line of stderr that holds the words."""
    assert process.stderr is not None
    for line in process.stderr:
        if words in line:
            return line
    raise AssertionError(f"the run ended before it said {words!r}")


@pytest.mark.parametrize(
    ("number", "moment", "arguments"),
    [
        (signal.SIGINT, "deciding and trading", ("--out", "new/out")),
        (signal.SIGTERM, "loading prices", ()),
        (signal.SIGINT, "half written", ("--out", "new/out")),
        (signal.SIGTERM, "half written", ()),
        (signal.SIGHUP, "half written", ("--out", "out")),
    ],
)
def test_a_signal_leaves_nothing(
    tmp_path: Path, number: signal.Signals, moment: str, arguments: tuple[str, ...]
) -> None:
    before = tree(desk.write_desk(tmp_path))
    with start(tmp_path, *arguments) as process:
        line = wait_for(process, moment)
        if moment == "half written":
            name = line.split(": ")[1].strip()
            (unfinished,) = tmp_path.rglob(name)
            assert (unfinished / "tables" / "nav.csv").exists()
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert err.splitlines()[-1] == "stopped; nothing was left half-written"
    assert "Traceback" not in err
    assert out == ""
    assert tree(tmp_path) == before


def test_an_ignored_hangup_stays_ignored(tmp_path: Path) -> None:
    desk.write_desk(tmp_path)
    kept = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        process = start(tmp_path, "--out", "out")
    finally:
        signal.signal(signal.SIGHUP, kept)
    with process:
        wait_for(process, "half written")
        process.send_signal(signal.SIGHUP)
        process.communicate(input="go on", timeout=60)
    assert process.returncode == 0
    assert (tmp_path / "out" / "manifest.json").exists()


@pytest.mark.parametrize(
    ("module", "function"),
    [
        (deliver, "manifest_of"),
        (archive, "summary"),
        (archive, "_csv"),
        (deliver, "_render"),
        (archive, "file_hashes"),
        (folder, "_move"),
    ],
)
def test_an_interruption_of_any_step_leaves_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    module: object,
    function: str,
) -> None:
    def interrupted(*arguments: object, **rest: object) -> None:
        raise KeyboardInterrupt

    def render(result: StudyResult, work: Path, *rest: object) -> None:
        (work / "report.html").write_text("report")

    terminal = Terminal(desk.write_desk(tmp_path), monkeypatch, capsys)
    before = tree(tmp_path)
    monkeypatch.setattr(deliver, "_render", render)
    monkeypatch.setattr(module, function, interrupted)
    answer = terminal("run", "t.toml", "--prices", "prices", "--out", "new/out")
    assert answer.code == 130
    assert "stopped; nothing was left half-written" in answer.err
    assert tree(tmp_path) == before


def test_an_impatient_user_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remove = shutil.rmtree
    presses = iter([KeyboardInterrupt, KeyboardInterrupt])

    def interrupted(work: Path, *, ignore_errors: bool) -> None:
        (work / "half.html").unlink(missing_ok=True)
        for error in presses:
            raise error
        remove(work, ignore_errors=ignore_errors)

    def write() -> None:
        with folder.new_folder(tmp_path / "out") as work:
            (work / "half.html").write_text("half")
            (work / "tables").mkdir()
            raise KeyboardInterrupt

    monkeypatch.setattr(shutil, "rmtree", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write()
    assert list(tmp_path.iterdir()) == []
