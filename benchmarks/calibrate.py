"""``make calibrate``: how often the event tests reject, as a table.

20,000 worlds a cell for size, 4,000 for power, seeds fixed. Writes
``docs/calibration.csv`` (every number) and the tables of ``docs/calibration.md``.
"""

from __future__ import annotations

import csv
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from pathlib import Path

from benchmarks import power_figure
from engine.evidence.event_calibration import (
    NOMINAL,
    ROW_TESTS,
    Setting,
    Treatment,
    rejection_rates,
)

DOCS = Path(__file__).resolve().parent.parent / "docs"
SEED = 20260706
SIZE_WORLDS, POWER_WORLDS = 20_000, 4_000
FIRMS, CORRELATIONS, LAWS = (5, 10, 30), (0.0, 0.25, 0.5), ("normal", "t5")
LENGTHS, JUMPS = (1, 5, 20, 120), (1.0, 1.5)
#: Abnormal return of every firm on day zero; their residuals vary by 1 to 3 % a day.
EFFECTS = (0.005, 0.01, 0.02, 0.03, 0.05)
POWER_LENGTHS = (1, 5, 20)
COLUMNS = ("firms", "correlation", "law", "length", "jump", "effect", "worlds")
Row = dict[str, object]

HEADS = {
    "portfolio": "portfolio",
    "adjusted_patell": "adj. Patell",
    "adjusted_bmp": "adj. BMP",
    "grank": "GRANK",
    "rank": "rank",
    "sign": "sign",
    "patell": "Patell",
    "bmp": "BMP",
    "cross_sectional": "cross-sect.",
    "generalised_sign": "gen. sign",
}


def jobs() -> Iterator[tuple[Setting, tuple[Treatment, ...], int]]:
    """Yield every setting, the heaviest first."""
    for firms, correlation, law in product(reversed(FIRMS), CORRELATIONS, LAWS):
        setting = Setting(firms=firms, correlation=correlation, law=law)
        size = tuple(
            Treatment(length=length, jump=jump)
            for length, jump in product(LENGTHS, JUMPS)
        )
        yield setting, size, SIZE_WORLDS
        if law == "normal":
            power = tuple(
                Treatment(length=length, effect=effect)
                for length, effect in product(POWER_LENGTHS, EFFECTS)
            )
            yield setting, power, POWER_WORLDS


def measured(job: tuple[Setting, tuple[Treatment, ...], int]) -> list[Row]:
    """Return the rows of one setting."""
    setting, treatments, worlds = job
    rates = rejection_rates(setting, treatments, worlds=worlds, seed=SEED)
    return [
        {
            "firms": setting.firms,
            "correlation": setting.correlation,
            "law": setting.law,
            "length": one.length,
            "jump": one.jump,
            "effect": one.effect,
            "worlds": worlds,
        }
        | {name: f"{rate:.5f}" for name, rate in rates[one].items()}
        for one in treatments
    ]


def main(workers: int) -> None:
    """Run every cell and write the table."""
    begun = time.perf_counter()
    every = list(jobs())
    rows: list[Row] = []
    with ProcessPoolExecutor(workers) as pool:
        for number, found in enumerate(pool.map(measured, every), 1):
            rows += found
            seconds = time.perf_counter() - begun
            print(f"{number} of {len(every)}, {seconds:.0f} s", flush=True)
    order = {law: place for place, law in enumerate(LAWS)}
    rows.sort(
        key=lambda row: (
            row["effect"] != 0.0,
            order[str(row["law"])],
            row["jump"],
            row["firms"],
            row["correlation"],
            row["length"],
            row["effect"],
        )
    )
    with (DOCS / "calibration.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, [*COLUMNS, *ROW_TESTS], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    power_figure.main()
    page = DOCS / "calibration.md"
    head, _, _ = page.read_text(encoding="utf-8").partition("## Tables")
    page.write_text(head + "\n".join(tables(rows)) + "\n", encoding="utf-8")


def tables(rows: list[Row]) -> Iterator[str]:
    """Yield the lines of the page from its heading "Tables" on."""
    yield "## Tables"
    yield ""
    yield f"Percent of worlds in which a test rejects at {NOMINAL:.0%}, two-sided."
    for law, jump in product(LAWS, JUMPS):
        chosen = [
            row
            for row in rows
            if row["effect"] == 0.0 and row["law"] == law and row["jump"] == jump
        ]
        named = "normal" if law == "normal" else "Student-t(5)"
        what = "" if jump == 1.0 else f", volatility times {jump:g} in the window"
        yield ""
        yield f"### No effect, {named} residuals{what}"
        yield ""
        yield from _lines(chosen, ("firms", "correlation", "length"))
    yield ""
    yield "### A planted effect on day zero, normal residuals"
    yield ""
    chosen = [row for row in rows if row["effect"] != 0.0]
    yield from _lines(chosen, ("firms", "correlation", "length", "effect"))


def _lines(rows: list[Row], keys: tuple[str, ...]) -> Iterator[str]:
    yield "| " + " | ".join([*keys, *HEADS.values()]) + " |"
    yield "|" + "---:|" * (len(keys) + len(HEADS))
    for row in rows:
        where = [f"{row[key]:g}" for key in keys]
        rates = [f"{100.0 * float(str(row[name])):.1f}" for name in HEADS]
        yield "| " + " | ".join([*where, *rates]) + " |"


if __name__ == "__main__":
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")  # read when a worker starts
    main(int(sys.argv[1]) if len(sys.argv) > 1 else max((os.cpu_count() or 2) - 1, 1))
