"""Where the time of one cold flagship run goes: imports, computation, rendering."""

from __future__ import annotations

import importlib
import sys
import time
from pathlib import Path


def main(thesis: str, out: str) -> None:
    """Run a thesis and print seconds per phase, one per line."""
    start = time.perf_counter()
    deliver = importlib.import_module("engine.deliver")
    importlib.import_module("reports.render")
    imported = time.perf_counter()
    marks: list[tuple[str, float]] = []
    deliver.run_to_folder(
        Path(thesis),
        out=Path(out),
        progress=lambda step: marks.append((step, time.perf_counter())),
    )
    end = time.perf_counter()
    print(f"importing\t{imported - start:.3f}")
    for (step, begun), (_, next_begun) in zip(
        marks, [*marks[1:], ("", end)], strict=True
    ):
        print(f"{step}\t{next_begun - begun:.3f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
