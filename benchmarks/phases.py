"""Where the time of one cold flagship run goes: imports, computation, rendering."""

from __future__ import annotations

import sys
import time
from pathlib import Path

START = time.perf_counter()

import engine.deliver
import reports.render  # noqa: F401 - loaded here so that imports count as imports

IMPORTED = time.perf_counter()


def main(thesis: str, out: str) -> None:
    """Run a thesis and print seconds per phase, one per line."""
    marks: list[tuple[str, float]] = []
    engine.deliver.run_to_folder(
        Path(thesis),
        out=Path(out),
        progress=lambda step: marks.append((step, time.perf_counter())),
    )
    end = time.perf_counter()
    print(f"importing\t{IMPORTED - START:.3f}")
    for (step, begun), (_, next_begun) in zip(
        marks, [*marks[1:], ("", end)], strict=True
    ):
        print(f"{step}\t{next_begun - begun:.3f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
