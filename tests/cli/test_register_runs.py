"""A run keeps the register it counted from, and `verify` holds both against it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.register_cases import edited, registered_at, write_thesis
from tests.terminal import Terminal


@pytest.fixture
def asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Terminal:
    path = write_thesis(tmp_path)
    registered_at(monkeypatch, "2025-03-03T15:00", path)
    terminal = Terminal(tmp_path, monkeypatch, capsys)
    done = terminal("run", "t.toml", "--out", "r")
    assert done.code == 0, done.err
    return terminal


def test_a_run_says_what_counts_and_outlives_later_entries(
    asked: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = asked.folder / "r"
    register = asked.folder / "register.jsonl"
    assert (run / "register.jsonl").read_bytes() == register.read_bytes()
    head = json.loads(register.read_text())["sha256"]
    manifest = json.loads((run / "manifest.json").read_text())
    assert manifest["register"] == {
        "file": "register.jsonl",
        "head": head,
        "entries": 1,
        "counts": "registered",
    }
    summary = json.loads((run / "summary.json").read_text())
    assert summary["register"] == head
    assert (summary["counts"], summary["counts_from"]) == ("registered", "2025-03-04")
    assert {one["counts"] for one in summary["claims"]} == {"registered"}
    page = (run / "report.html").read_text()
    assert head in page
    assert "counts from 2025-03-04, registered" in page
    assert "In-sample before 4 March 2025, the day after the thesis was" in page

    write_thesis(asked.folder, edited("min_effect = 0.05", "min_effect = 0.04"))
    registered_at(monkeypatch, "2025-05-05T15:00", Path("t.toml"))
    again = asked("verify", "r")
    assert again.code == 0, again.err
    assert "derived again" in again.out

    held = register.read_text().splitlines(keepends=True)
    register.unlink()
    registered_at(monkeypatch, "2025-02-02T15:00", Path("t.toml"))  # a better date
    asked.refuses(1, "verify", "r", "--hashes-only", words=("written anew",))
    register.unlink()
    assert asked("verify", "r", "--hashes-only").code == 0
    register.write_text(held[0])
    assert asked("verify", "r", "--hashes-only").code == 0

    kept = run / "register.jsonl"
    kept.write_text(kept.read_text().replace("2025-03-03", "2025-01-03"))
    asked.refuses(1, "verify", "r", words=("changed: register.jsonl",))


def test_a_copy_that_is_not_what_the_manifest_names_is_refused(
    asked: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Someone who puts the file's hash right in the manifest still meets the chain."""
    from engine.runs.archive import file_hashes

    run = asked.folder / "r"
    (asked.folder / "register.jsonl").unlink()
    registered_at(monkeypatch, "2025-01-03T15:00", Path("t.toml"))
    (run / "register.jsonl").write_bytes((asked.folder / "register.jsonl").read_bytes())
    place = run / "manifest.json"
    manifest = json.loads(place.read_text()) | {"files": file_hashes(run)}
    place.write_text(json.dumps(manifest))
    asked.refuses(1, "verify", "r", words=("run the thesis again",))
    manifest["register"] = {"file": 3}
    place.write_text(json.dumps(manifest))
    asked.refuses(1, "verify", "r", words=("register is missing or damaged",))
