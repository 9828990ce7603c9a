"""Whole-process time and memory of commands, run in turn so that drift hits both."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Median seconds and peak memory (MB) of one command over several runs."""

    seconds: float
    megabytes: float
    runs: int


def once(command: Sequence[str], env: Mapping[str, str]) -> tuple[float, float]:
    """Return wall seconds and peak resident megabytes of one run."""
    start = time.perf_counter()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            command, env=dict(env), stdout=subprocess.DEVNULL, stderr=said
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if status != 0:
            said.seek(0)
            complaint = said.read().decode(errors="replace")[-2000:]
            sys.exit(f"{' '.join(command)} failed:\n{complaint}")
    return seconds, usage.ru_maxrss / 1024


def in_turn(
    commands: Mapping[str, Sequence[str]], *, runs: int, env: Mapping[str, str]
) -> dict[str, Cost]:
    """Return the median cost of each command; one run each first is not counted."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for turn in range(runs + 1):
        for name, command in commands.items():
            cost = once(command, env)
            if turn > 0:
                taken[name].append(cost)
    return {
        name: Cost(
            seconds=statistics.median(seconds for seconds, _ in costs),
            megabytes=max(megabytes for _, megabytes in costs),
            runs=runs,
        )
        for name, costs in taken.items()
    }


def table(title: str, rows: Sequence[Sequence[str]]) -> None:
    """Print rows as an aligned table; the first is the heading."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    print(f"\n{title}")
    for number, row in enumerate(rows):
        cells = [
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        print("  " + "  ".join(cells))
        if number == 0:
            print("  " + "  ".join("-" * width for width in widths))
