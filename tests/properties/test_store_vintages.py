"""Any history of batches reads like a list of rows searched from its start."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.sources.store.store import Store

Row = tuple[str, str, int, int, float]
DAY = pd.Timestamp("2025-01-01")
FAR = 10**6

row = st.tuples(
    st.sampled_from(["capex", "close"]),
    st.sampled_from(["A", "B", "Ä"]),
    st.integers(0, 2),
    st.integers(0, 3),
    st.sampled_from([1.0, 2.0, 3.0]),
)
batches = st.lists(
    st.lists(row, min_size=1, max_size=6, unique_by=lambda told: told[:4]), max_size=6
)


def twin(history: list[tuple[Row, int]], as_of: int, vintage: int) -> dict[str, float]:
    """The last value per observation among rows known and ingested by then."""
    last: dict[tuple[str, str, int], tuple[int, int, float]] = {}
    for (series, line, of, known, value), ingested in history:
        if known <= as_of and ingested <= vintage:
            new = (known, ingested, value)
            old = last.get((series, line, of), (-1, -1, 0.0))
            last[series, line, of] = max(old, new, key=lambda told: told[:2])
    return {f"{key}": told[2] for key, told in sorted(last.items())}


def table_of(told: list[Row]) -> pd.DataFrame:
    table = pd.DataFrame(
        told, columns=["series", "line", "value_date", "known_at", "value"]
    )
    return table.assign(
        value_date=DAY + pd.to_timedelta(table["value_date"], unit="D"),
        known_at=DAY + pd.to_timedelta(table["known_at"], unit="D"),
    )


def as_said(read: pd.DataFrame) -> dict[str, float]:
    days = (read["value_date"] - DAY).dt.days.tolist()
    keys = zip(read["series"], read["line"], days, strict=True)
    return dict(zip(map(str, keys), read["value"], strict=True))


@settings(max_examples=40)
@given(told=batches, pack_after=st.integers(0, 5), as_of=st.integers(0, 3))
def test_reads_equal_a_list_of_rows(
    told: list[list[Row]], pack_after: int, as_of: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "store")
        history: list[tuple[Row, int]] = []
        stored_at: list[tuple[int, pd.Timestamp, str]] = []
        for number, batch in enumerate(told):
            kept = store.append(table_of(batch), source="test")
            history += [(one, number) for one in batch]
            if kept is not None:
                stored_at.append((number, kept.ingested_at, store.vintage()))
            assert store.append(table_of(batch), source="test") is None
            if number == pack_after:
                store.gc(fewest=1)
        moment = DAY + pd.Timedelta(as_of, "D")
        assert as_said(store.read()) == twin(history, FAR, FAR)
        assert as_said(store.read(as_of=moment)) == twin(history, as_of, FAR)
        for number, ingested_at, digest in stored_at:
            read = store.read(as_of=moment, vintage=ingested_at)
            assert as_said(read) == twin(history, as_of, number)
            assert store.vintage(ingested_at) == digest
        panel = store.panel("close", lines=["Ä", "A"], as_of=moment)
        expected = {
            key: value
            for key, value in twin(history, as_of, FAR).items()
            if key.startswith("('close'") and "'B'" not in key
        }
        named = {
            str(("close", line, (day - DAY).days)): value
            for line in panel.columns
            for day, value in panel[line].items()
            if np.isfinite(value)
        }
        assert named == expected
