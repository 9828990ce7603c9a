"""The command line called inside the test's own process, as a user sees it."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.cli import main as command_line


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a command answered: exit code, stdout, stderr."""

    code: int
    out: str
    err: str


class Terminal:
    """A folder in which commands are run without another process.

    What is not caught by the command line fails the test, as a traceback would.
    """

    def __init__(
        self,
        folder: Path,
        patch: pytest.MonkeyPatch,
        capture: pytest.CaptureFixture[str],
    ) -> None:
        self.folder = folder
        self._patch = patch
        self._capture = capture
        patch.chdir(folder)
        patch.setattr(command_line, "_stop_on_signals", lambda: None)

    def __call__(self, *arguments: object) -> Answer:
        """Run ``assay ARGUMENTS`` and return its answer."""
        words = [os.fspath(one) if isinstance(one, Path) else one for one in arguments]
        self._patch.setattr(sys, "argv", ["assay", *map(str, words)])
        self._capture.readouterr()
        code = 0
        try:
            command_line.main()
        except SystemExit as left:
            code = left.code if isinstance(left.code, int) else 1
        printed = self._capture.readouterr()
        return Answer(code=code, out=printed.out, err=printed.err)

    def refuses(self, code: int, *arguments: object, words: tuple[str, ...]) -> str:
        """Assert one message with these words, nothing printed, nothing written."""
        before = tree(self.folder)
        answer = self(*arguments)
        assert answer.code == code, answer
        assert answer.out == ""
        said = [line for line in answer.err.splitlines() if not line.endswith(" ...")]
        assert len([line for line in said if line.startswith("assay: ")]) <= 1, said
        for word in words:
            assert word in answer.err, answer.err
        assert tree(self.folder) == before
        return answer.err


def tree(folder: Path) -> list[str]:
    """Return every file and folder below a folder."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))
