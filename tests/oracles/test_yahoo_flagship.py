"""The flagship on Yahoo's prices equals the flagship on files of the same numbers."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import engine
from engine.sources.store.store import Store
from engine.sources.stored.prices import StoredPrices
from tests.flagship import FLAGSHIP
from tests.loopback import (
    Console,
    file_columns,
    make_certificate,
    quotes_of_files,
    write_files,
)
from tests.yahoo_server import Quote, serve

pytestmark = [pytest.mark.shared, pytest.mark.xdist_group("yahoo-flagship")]

#: Splits that the closes of the files are divided by already (its README says so).
SPLITS = {
    "NVDA": {dt.date(2024, 6, 10): (10.0, 1.0)},
    "AVGO": {dt.date(2024, 7, 15): (10.0, 1.0)},
}
PERIOD = ("--start", "2023-01-03", "--end", "2025-10-31")
#: What a run says of where its prices came from, and nothing else.
PROVENANCE = ("prices",)
#: Four years of returns of prices that were collected in single precision.
SINGLE_PRECISION = 1e-5


@pytest.fixture(scope="module")
def quotes(shared: Path) -> dict[str, Quote]:
    return quotes_of_files(shared / "market" / "prices", splits=SPLITS)


@dataclass(frozen=True, kw_only=True)
class Runs:
    """The run folders on Yahoo's prices and on files, and the store of the first."""

    yahoo: Path
    files: Path
    store: Store


@pytest.fixture(scope="module")
def runs(
    quotes: dict[str, Quote], shared: Path, tmp_path_factory: pytest.TempPathFactory
) -> Runs:
    work = tmp_path_factory.mktemp("flagship")
    made = make_certificate(work / "certificate")
    files = write_files(work / "prices", quotes)
    signals = ("--signals", shared / "signals" / "long", *PERIOD)
    with serve(quotes, certificate=made) as server:
        assay = Console(work, server.port, made[0], work / "home")
        started = [
            assay.start("run", FLAGSHIP, "--prices", prices, *signals, "--out", out)
            for prices, out in (("yahoo", "yahoo"), (files, "files"))
        ]
        for process in started:
            _finish(process)
    return Runs(yahoo=work / "yahoo", files=work / "files", store=assay.store)


def _finish(process: subprocess.Popen[str]) -> None:
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err


def summary(folder: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((folder / "summary.json").read_text())
    return told


def tables(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "tables").glob("*.csv")}


def test_dividends_and_splits_are_in_what_yahoo_tells(
    runs: Runs, quotes: dict[str, Quote]
) -> None:
    actions = runs.store.read(series=["price.dividend", "price.split"])
    paid = actions[actions["series"] == "price.dividend"].groupby("line").size()
    assert paid.to_dict() == {
        symbol: len(quotes[symbol].dividends)
        for symbol in set(runs.store.read()["line"])
        if quotes[symbol].dividends
    }
    assert {"NVDA", "AVGO", "SPY", "SMH"} <= set(paid.index)
    split = actions[actions["series"] == "price.split"].set_index("line")
    assert split["value"].to_dict() == {"NVDA": 10.0, "AVGO": 10.0}


def test_total_returns_are_those_of_the_collected_files(
    runs: Runs, quotes: dict[str, Quote], shared: Path
) -> None:
    universe = engine.load_universe("ai-stack")
    held = sorted(set(runs.store.read()["line"]) & set(quotes))
    lines = [line for line in map(universe.line, held) if line is not None]
    first, last = dt.date(2021, 1, 1), dt.date(2025, 10, 31)
    read = StoredPrices(store=runs.store).load(lines, first, last)
    assert len(read.frames) == len(lines) >= 20
    for symbol, frame in read.frames.items():
        collected = file_columns(shared / "market" / "prices" / f"{symbol}.csv")
        theirs = pd.Series({day: adjusted for day, (_, adjusted) in collected.items()})
        ours = pd.Series(frame["adj_close"].to_numpy(), frame.index.date)
        assert ours.index.equals(theirs.index)
        ours, theirs = ours / ours.iloc[-1], theirs / theirs.iloc[-1]
        np.testing.assert_allclose(ours, theirs, rtol=SINGLE_PRECISION, err_msg=symbol)


def test_the_headline_is_the_same(runs: Runs) -> None:
    yahoo, files = summary(runs.yahoo), summary(runs.files)
    assert (yahoo["prices"], files["prices"]) == ("yahoo", "folder")
    for name in PROVENANCE:
        del yahoo[name], files[name]
    assert yahoo == files
    assert yahoo["claims"]
    assert yahoo["events"]


def test_every_table_is_the_same_to_the_last_digit(runs: Runs) -> None:
    yahoo, files = tables(runs.yahoo), tables(runs.files)
    assert set(yahoo) == set(files)
    assert len(yahoo) > 15
    different = {name for name in yahoo if yahoo[name] != files[name]}
    # the source of each row, and a placebo that a run does not fetch: see below
    assert different == {"claim_rows.csv", "claims_beside.csv", "explained.csv"}


@pytest.mark.parametrize("name", ["claim_rows", "explained"])
def test_rows_differ_in_their_source_alone(runs: Runs, name: str) -> None:
    yahoo, files = (
        pd.read_csv(folder / "tables" / f"{name}.csv")
        for folder in (runs.yahoo, runs.files)
    )
    told = yahoo["source"].str.replace(r"\byahoo\b", "folder", regex=True)
    told = told.str.replace(r"^stored (\w+=X)$", r"\1.csv", regex=True)
    pd.testing.assert_frame_equal(yahoo.assign(source=told), files, check_exact=True)


def test_a_run_does_not_fetch_the_placebo(runs: Runs) -> None:
    """Micron lies among the files; the store was never asked for it, and says so."""
    yahoo, files = (
        pd.read_csv(folder / "tables" / "claims_beside.csv")
        for folder in (runs.yahoo, runs.files)
    )
    placebo = files["against"] == "placebo"
    pd.testing.assert_frame_equal(yahoo[~placebo], files[~placebo], check_exact=True)
    assert files[placebo]["estimate"].notna().any()
    assert yahoo[placebo]["estimate"].isna().all()
    assert yahoo[placebo]["reason"].str.contains("no price of the placebo's").any()
    assert "MU" not in set(runs.store.read()["line"])
