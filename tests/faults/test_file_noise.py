"""Damaged bytes: whatever a file holds, it is read or refused with a `DataError`."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine.errors import DataError
from engine.market.listing import Line, Universe
from engine.sources.files.folder import FolderPrices, FolderSignals

NVIDIA = Line(symbol="NVDA", entity="nvidia", mic="XNAS", currency="USD")
NOBODY = Universe(
    name="none", title="", layers=(), entities={}, lines={}, benchmarks={}
)
PRICES = (
    b"date,open,high,low,close,adj_close,volume\n"
    b"2025-01-24,5,6,4,5,5,100\n2025-01-27,4,5,3,4,4,50\n"
)
SIGNALS = (
    b"series,entity,value_date,known_at,value,unit,quality,source\n"
    b"share,a,2025-02-16,2025-02-17T00:00:00Z,0.5,fraction,observed,x\n"
    b"share,b,2025-02-16,2025-02-17,0.5,fraction,observed,x\n"
)
SETTINGS = b'[fx]\npairs = ["KRW=X"]\nfix = "14:15"\ntimezone = "Europe/Berlin"\n'
ODD = b',"\n\r\x00 -e9;='


def damaged(content: bytes, rng: np.random.Generator) -> bytes:
    """The content with one to four bytes changed, lost or added."""
    held = bytearray(content)
    for _ in range(rng.integers(1, 5)):
        at = int(rng.integers(len(held)))
        kind = rng.integers(3)
        if kind == 0:
            held[at] = int(rng.integers(256))
        elif kind == 1:
            del held[at]
        else:
            held.insert(at, ODD[int(rng.integers(len(ODD)))])
    return bytes(held)


def prices_complaint(folder: Path) -> str:
    """What the source refuses the folder for, or nothing."""
    try:
        FolderPrices(folder).load([NVIDIA], dt.date(2025, 1, 1), dt.date(2025, 12, 31))
    except DataError as error:
        return str(error)
    return ""


def signals_complaint(folder: Path) -> str:
    try:
        FolderSignals(folder).load(NOBODY)
    except DataError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("target", ["NVDA.csv", "KRW=X.csv", "folder.toml"])
def test_damaged_prices_are_read_or_refused(tmp_path: Path, target: str) -> None:
    rng = np.random.default_rng(7)
    whole = {"NVDA.csv": PRICES, "KRW=X.csv": PRICES, "folder.toml": SETTINGS}
    for name, content in whole.items():
        (tmp_path / name).write_bytes(content)
    complaints = []
    for _ in range(150):
        (tmp_path / target).write_bytes(damaged(whole[target], rng))
        complaints.append(prices_complaint(tmp_path))
    refused = [complaint for complaint in complaints if complaint]
    assert 0 < len(refused) < len(complaints)
    assert all(target in complaint for complaint in refused)


def test_damaged_signals_are_read_or_refused(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    complaints = []
    for _ in range(200):
        (tmp_path / "a.csv").write_bytes(damaged(SIGNALS, rng))
        complaints.append(signals_complaint(tmp_path))
    refused = [complaint for complaint in complaints if complaint]
    assert 0 < len(refused) < len(complaints)
    assert all("a.csv" in complaint for complaint in refused)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_a_parquet_file_cut_short_is_refused(tmp_path: Path, share: float) -> None:
    days = pd.DatetimeIndex(["2025-01-24", "2025-01-27"], name="date")
    place = tmp_path / "NVDA.parquet"
    pd.DataFrame({"close": [5.0, 4.0]}, index=days).to_parquet(place)
    assert prices_complaint(tmp_path) == ""
    whole = place.read_bytes()
    place.write_bytes(whole[: int(len(whole) * share)])
    assert "NVDA.parquet: not a Parquet file" in prices_complaint(tmp_path)
