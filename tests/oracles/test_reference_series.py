"""The documents' figures against the hand-read series of the reference."""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd
import pytest

from engine.sources import reference
from tests.tolerances import IDENTITY

pytestmark = pytest.mark.shared
SCALE = {
    "percent": 0.01,
    "tokens_trillion_per_week": 1e12,
    "tokens_trillion_per_day": 1e12,
    "million": 1e6,
    "CNY_bn": 1e9,
    "USD_bn": 1e9,
    "USD_mn": 1e6,
    "USD_mn_per_day": 1e6,
    "stacks_million": 1e6,
    "USD_per_mtok": 1.0,
    "packages": 1.0,
    "count": 1.0,
}
LEFT_OUT = {
    *("S26", "S27"),  # price ratios follow from prices
    *("S32", "S33", "S39", "S40", "S54", "S55"),  # prices say them better
    *("S41", "S42"),  # sums of marks of different dates
    *("S49", "S50", "S51"),  # training costs, not comparable
    "S53",  # a misreading
}
#: A quarter that its document calls the year 2024.
MISDATED = {("S19", "2024-12-31"), ("S20", "2024-12-31")}
#: Disputed only because of the quarter that shares their series there.
CLEAN = {("S19", "2026-03-31"), ("S20", "2026-03-31")}


def test_every_usable_figure_is_there_as_read(shared: Path) -> None:
    ours = pd.read_csv(Path(reference.__file__).with_name("reference.csv"), dtype=str)
    text = (shared / "reference" / "series.csv").read_text(encoding="utf-8")
    theirs = list(csv.DictReader(text.splitlines()))
    expected = [row for row in theirs if row["series_id"][:3] not in LEFT_OUT]
    assert {row["series_id"][:3] for row in theirs} == LEFT_OUT | set(ours["id"])
    assert len(ours) == len(expected)
    for row in expected:
        key = (row["series_id"][:3], row["date"])
        day = "2025-09-30" if key in MISDATED else row["date"]
        found = ours[
            (ours["id"] == key[0])
            & (ours["entity"] == row["entity"])
            & (ours["value_date"] == day)
        ]
        assert len(found) == 1, key
        one = found.iloc[0]
        value = float(row["value"]) * SCALE[row["unit"]]
        assert float(one["value"]) == pytest.approx(value, rel=IDENTITY)
        assert one["known_at"] == row["available_from"]
        assert one["source"] == f"doc {row['source_doc'][:3]}"
        usual = "observed" if key in CLEAN else row["obs_type"]
        assert one["quality"] == usual.replace("period_average", "observed"), key


def test_a_series_has_one_definition(shared: Path) -> None:
    ours = pd.read_csv(Path(reference.__file__).with_name("reference.csv"), dtype=str)
    assert (ours.groupby("series")["unit"].nunique().to_numpy() == 1).all()
    text = (shared / "reference" / "series_meta.csv").read_text(encoding="utf-8")
    units = {row["series_id"][:3]: row for row in csv.DictReader(text.splitlines())}
    metrics = ours["id"].map(lambda number: units[number]["metric"])
    per_series = metrics.groupby(ours["series"]).nunique()
    # vendor shares and their upper bounds share a metric; all others are single
    assert (per_series.to_numpy() == 1).all()
