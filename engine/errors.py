"""Every error that Assay raises on purpose.

::

    AssayError                exit code 1
    ├── ThesisError           the thesis file: all problems at once, with file and line
    ├── UniverseError         a universe or one of its lines
    ├── DataError             a price or signal file, or what it holds
    │   ├── CalendarError     sessions that no calendar can give
    │   └── CurrencyError     a currency without a rate, or unknown
    ├── InfeasibleError       constraints that collide
    ├── RunError              a run folder that cannot be written or read
    │   └── TakenError        one that exists already
    ├── RegisterError         a register that is broken or cannot be written
    └── UsageError            exit code 2: a wrong combination of options
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


class AssayError(Exception):
    """Base of every error raised on purpose: its text is what a user reads."""

    exit_code = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing wrong with a thesis file: where, what, and what to do."""

    file: str
    line: int
    where: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        hint = f"; {self.hint}" if self.hint else ""
        return f"{self.file}:{self.line}: {self.where}: {self.message}{hint}"


class ThesisError(AssayError):
    """A thesis file that cannot be used; `problems` holds everything found."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))

    def __reduce__(self) -> tuple[type[ThesisError], tuple[tuple[Problem, ...]]]:
        """Rebuild from the problems, so the error crosses a process."""
        return type(self), (self.problems,)


class UniverseError(AssayError):
    """A universe that does not exist or does not hold together."""


class DataError(AssayError):
    """Prices or signals that cannot be used as they are."""


class CalendarError(DataError):
    """An exchange without a calendar, or dates that its calendar does not cover."""


class CurrencyError(DataError):
    """A currency without a rate, or one that nobody has declared."""


class InfeasibleError(AssayError):
    """Portfolio constraints that cannot all be met."""


class RunError(AssayError):
    """A run folder that exists, cannot be written, or cannot be read."""


class TakenError(RunError):
    """A run folder that exists already."""


class RegisterError(AssayError):
    """A register that is broken, is none, or cannot be read or written."""


class UsageError(AssayError):
    """Options that do not go together."""

    exit_code = 2


def nearest(word: str, known: Iterable[str]) -> str:
    """Return ``"did you mean 'x'?"`` for the nearest known word, or ``""``."""
    by_lower = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return f"did you mean {by_lower[close[0]]!r}?" if close else ""


def at_most(names: Iterable[object], most: int = 5) -> str:
    """Return the names joined by commas, cut after `most` with a count of the rest."""
    listed = [str(name) for name in names]
    head = ", ".join(listed[:most])
    rest = len(listed) - most
    return f"{head} and {rest} more" if rest > 0 else head
