"""What the store costs: a panel of ten years, and a join on what was known.

1. 500 lines, ten years, in 26 batches: the panel of one series, against plain
   ``pandas.read_parquet`` and ``pivot_table`` of a file that holds only that series.
2. The newest value known at each of a million moments, out of a million observations
   of 500 lines, against a bare ``pandas.merge_asof`` that knows no vintages.

    python benchmarks/store.py
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from measure import table

from engine.sources.store.select import known_values
from engine.sources.store.store import Store

RUNS = 5
LINES = [f"L{number:03d}" for number in range(500)]
SERIES = ("open", "high", "low", "close", "adj_close", "volume")
DAYS = pd.bdate_range("2016-01-04", periods=2520).as_unit("ns")
ALLOWED_PANEL = 1.0
ALLOWED_JOIN = 0.3


def median_seconds(work: Callable[[], object]) -> float:
    """Return the median wall time of several calls after one that is not counted."""
    taken = []
    for _ in range(RUNS + 1):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken[1:])


def price_rows(days: pd.DatetimeIndex, rng: np.random.Generator) -> pd.DataFrame:
    """Return every series of every line on the given days, known two hours after."""
    count = len(SERIES) * len(LINES) * len(days)
    dates = np.tile(days.to_numpy(), len(SERIES) * len(LINES))
    return pd.DataFrame(
        {
            "series": np.repeat(np.array(SERIES), len(LINES) * len(days)),
            "line": np.tile(np.repeat(np.array(LINES), len(days)), len(SERIES)),
            "value_date": dates,
            "known_at": dates + np.timedelta64(22, "h"),
            "value": 100 * np.exp(0.01 * rng.standard_normal(count)),
        }
    )


def panel(folder: Path, rng: np.random.Generator) -> None:
    """Time the panel of one series, first in 26 batches and then packed."""
    store = Store(folder / "store")
    history = len(DAYS) - 500
    store.append(price_rows(DAYS[:history], rng), source="benchmark")
    for first in range(history, len(DAYS), 20):
        store.append(price_rows(DAYS[first : first + 20], rng), source="benchmark")
    weekly = median_seconds(lambda: store.panel("close"))
    batches = len(store.manifest())
    start = time.perf_counter()
    store.gc(fewest=2)
    cleared = time.perf_counter() - start
    packed = median_seconds(lambda: store.panel("close"))
    plain = folder / "close.parquet"
    store.read(series="close")[["line", "value_date", "value"]].to_parquet(plain)
    peer = median_seconds(
        lambda: pd.read_parquet(plain).pivot_table(
            index="value_date", columns="line", values="value"
        )
    )
    size = sum(path.stat().st_size for path in store.folder.iterdir()) / 1e6
    table(
        f"price panel of {len(LINES)} lines x {len(DAYS)} days out of "
        f"{len(SERIES) * len(LINES) * len(DAYS):,} rows ({size:.0f} MB)",
        [
            ("", "seconds", "allowed"),
            (f"store, {batches} batches", f"{weekly:.3f}", f"{ALLOWED_PANEL}"),
            ("store, packed", f"{packed:.3f}", f"{ALLOWED_PANEL}"),
            (
                "pandas: read_parquet of it alone, pivot_table",
                f"{peer:.3f}",
                "",
            ),
            ("(packing, once)", f"{cleared:.3f}", ""),
        ],
    )


def join(rng: np.random.Generator) -> None:
    """Time the as-of join of a million observations onto a million rows."""
    count = 1_000_000
    start = np.datetime64("2016-01-01", "ns")
    span = 10 * 365 * 86_400 * 10**9
    known = start + np.sort(rng.integers(0, span, count)).astype("timedelta64[ns]")
    ordered = pd.DataFrame(
        {
            "line": rng.choice(np.array(LINES), count),
            "value_date": known - np.timedelta64(1, "D"),
            "known_at": known,
            "ingested_at": known,
            "value": rng.standard_normal(count),
        }
    )
    observations = ordered.sort_values(["line", "value_date"])  # as a store reads
    asked = start + np.sort(rng.integers(0, span, count)).astype("timedelta64[ns]")
    rows = pd.DataFrame({"line": rng.choice(np.array(LINES), count), "moment": asked})
    ours = median_seconds(lambda: known_values(rows, observations))
    told = ordered[["line", "known_at", "value"]]

    def bare() -> pd.DataFrame:
        return pd.merge_asof(
            rows, told, left_on="moment", right_on="known_at", by="line"
        )

    assert np.array_equal(
        known_values(rows, observations), bare()["value"], equal_nan=True
    )
    peer = median_seconds(bare)
    table(
        f"as-of join of {count:,} observations onto {count:,} rows",
        [
            ("", "seconds", "allowed"),
            (
                "store, newest value in its last vintage",
                f"{ours:.3f}",
                f"{ALLOWED_JOIN}",
            ),
            ("pandas: bare merge_asof by line, sorted before", f"{peer:.3f}", ""),
        ],
    )


def main() -> None:
    """Print both tables."""
    rng = np.random.default_rng(20260706)
    with tempfile.TemporaryDirectory() as folder:
        panel(Path(folder), rng)
    join(rng)


if __name__ == "__main__":
    main()
