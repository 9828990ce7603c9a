"""A run folder appears whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.errors import RunError
from engine.runs.folder import check_target, new_folder


def test_it_appears_whole(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "run"
    with new_folder(target) as work:
        (work / "report.html").write_text("done")
        assert not target.exists()
    assert (target / "report.html").read_text() == "done"
    assert [path.name for path in target.parent.iterdir()] == ["run"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, RunError])
def test_an_interrupted_run_leaves_nothing(
    tmp_path: Path, error: type[BaseException]
) -> None:
    target = tmp_path / "run"

    def interrupted() -> None:
        with new_folder(target) as work:
            (work / "half.html").write_text("half")
            raise error("stop")

    with pytest.raises(error):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_what_exists_is_never_replaced(tmp_path: Path) -> None:
    target = tmp_path / "run"
    target.mkdir()
    (target / "old.html").write_text("old")
    with pytest.raises(RunError, match=r"exists already; name another folder"):
        check_target(target)
    with pytest.raises(RunError), new_folder(target):
        raise AssertionError("must not begin")
    assert (target / "old.html").read_text() == "old"


def test_one_that_appears_meanwhile_is_kept(tmp_path: Path) -> None:
    target = tmp_path / "run"

    def overtaken() -> None:
        with new_folder(target) as work:
            (work / "new.html").write_text("new")
            target.mkdir()

    with pytest.raises(RunError, match="appeared while"):
        overtaken()
    assert list(target.iterdir()) == []


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="is a file, not a folder"):
        check_target(tmp_path / "file" / "run")


def test_a_folder_that_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(RunError, match="cannot be written; change --out"):
        check_target(tmp_path / "run")
