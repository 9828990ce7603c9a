"""How often to ask again, how long to wait, and when to stop asking at all."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

#: Waits some seconds, or until the event is set.
Pause = Callable[[float, threading.Event], object]


def wait(seconds: float, stop: threading.Event) -> None:
    """Wait some seconds, or until `stop` is set."""
    stop.wait(seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Exponential back-off with jitter.

    Before the n-th attempt again (n = 1, 2, ...) a line waits ``first_s * 2^(n - 1)``
    seconds, at most `longest_s`, times a uniform draw from [0.5, 1.5). After
    `give_up_after` bad answers in a row, over all lines, nothing is asked any more.
    """

    attempts: int = 5
    first_s: float = 2.0
    longest_s: float = 60.0
    give_up_after: int = 12
    pause: Pause = wait

    def seconds(self, again: int, rng: np.random.Generator) -> float:
        """Return how long to wait before the n-th attempt again, in seconds."""
        longest = min(self.longest_s, self.first_s * 2.0 ** (again - 1))
        return float(longest * rng.uniform(0.5, 1.5))


@dataclass(slots=True, kw_only=True)
class Breaker:
    """The circuit breaker of one fetch, shared by its threads.

    It opens after `limit` bad answers in a row, and stays open.
    """

    limit: int
    failures: int = 0
    open: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, bad: int) -> None:
        """Take note of one answer: 0 for a good one, else how much it counts."""
        with self.lock:
            self.failures = self.failures + bad if bad else 0
            self.open = self.open or self.failures >= self.limit
