"""Processes that draw the figures while this one does something else.

A drawing holds the interpreter for a tenth of a second, and the first one starts a
JavaScript engine. Processes of their own start theirs while the study is computed, and
draw while tables are written. They are a help and no more: what they do not deliver,
for whatever reason, is drawn here, and the drawing is the same byte for byte.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from reports.document import Figure
from reports.drawing import FONTS, VEGA_LITE, draw, own_ids, specification

DRAFTSMAN = Path(__file__).with_name("draftsman.py")
#: A figure's id and its specification.
_Job = tuple[str, str]
#: Seconds after which a drawing is no longer waited for.
PATIENCE = 60.0


class Draftsmen:
    """Several processes that draw; give them figures as they come."""

    def __init__(self, processes: list[subprocess.Popen[bytes]]) -> None:
        self._processes = processes
        self._threads: list[threading.Thread] = []
        self._asked: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._drawn: dict[str, str] = {}
        self._figures: list[Figure] = []
        self._closed = False

    @property
    def works(self) -> bool:
        """Whether there is any process to draw."""
        return bool(self._processes)

    def begin(self, figures: Iterable[Figure]) -> None:
        """Hand out figures to draw, before or after others; returns at once."""
        more = list(figures)
        self._figures += more
        texts = [(one.id, specification(one)) for one in more]
        # those of many marks take longest, and are not to be left for the end
        for job in sorted(texts, key=lambda job: -job[1].count('"mark"')):
            self._asked.put(job)
        if self._threads:
            return
        for process in self._processes:
            thread = threading.Thread(
                target=_employ, args=(process, self._asked, self._drawn), daemon=True
            )
            thread.start()
            self._threads.append(thread)

    def finish(self) -> dict[str, str]:
        """Return the SVG of each figure by its id, as `draw` does.

        No other figure is taken afterwards.
        """
        self._say_no_more()
        last = time.monotonic() + PATIENCE
        for thread in self._threads:
            thread.join(timeout=max(last - time.monotonic(), 0.0))
        drawn = dict(self._drawn)
        missing = [one for one in self._figures if one.id not in drawn]
        if self._closed and missing:
            raise RuntimeError("the drawings were given up: nobody waits for them")
        drawn |= draw(missing) if missing else {}
        return {one.id: drawn[one.id] for one in self._figures}

    def _say_no_more(self) -> None:
        for _ in self._processes:
            self._asked.put(None)

    def close(self) -> None:
        """End the processes, whatever they do; what is not drawn stays undrawn."""
        self._closed = True
        self._say_no_more()
        for process in self._processes:
            process.kill()
        for thread in self._threads:
            thread.join(timeout=1.0)
        for process in self._processes:
            process.wait()
            for pipe in (process.stdin, process.stdout):
                with contextlib.suppress(OSError):
                    pipe.close() if pipe else None


@contextmanager
def draftsmen(count: int | None = None) -> Iterator[Draftsmen]:
    """Yield processes that draw, and end them with the block.

    `count` is by default what the machine has to spare: none where there is one
    processor, else one less than there are, and at most three.
    """
    crew = Draftsmen([])
    try:
        for _ in range(spare_processors() if count is None else count):
            # in the crew as soon as it runs, so that an interruption ends it
            with contextlib.suppress(OSError, ImportError, ValueError):
                crew._processes.append(_start())
        yield crew
    finally:
        crew.close()


def spare_processors() -> int:
    """Return how many processes may draw beside this one."""
    if hasattr(os, "sched_getaffinity"):
        processors = len(os.sched_getaffinity(0))
    else:
        processors = os.cpu_count() or 1
    return min(processors - 1, 3)


def _start() -> subprocess.Popen[bytes]:
    """Start one; `OSError` or `ImportError` where that is not possible."""
    vega = find_spec("vl_convert")
    if vega is None or not vega.origin or not _is_python(sys.executable):
        raise ImportError("no interpreter or no Vega to start")
    packages = str(Path(vega.origin).parents[1])
    return subprocess.Popen(
        # as little as possible is imported: no site, no environment, no folder
        [sys.executable, "-ISB", str(DRAFTSMAN), packages, str(FONTS), VEGA_LITE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )


def _is_python(executable: str | None) -> bool:
    """Return whether that is an interpreter, and not a program that holds one."""
    return "python" in Path(executable or "").name.lower()


def _employ(
    process: subprocess.Popen[bytes],
    asked: queue.SimpleQueue[_Job | None],
    drawn: dict[str, str],
) -> None:
    """Let one process draw what is asked for, until nothing is or it fails."""
    assert process.stdin is not None
    assert process.stdout is not None
    # a process that is gone leaves its figure, and others, undrawn
    with contextlib.suppress(OSError, ValueError):
        while (job := asked.get()) is not None:
            name, text = job
            process.stdin.write(text.encode() + b"\n")
            process.stdin.flush()
            svg = json.loads(process.stdout.readline())
            if isinstance(svg, str):
                drawn[name] = own_ids(svg, name)
