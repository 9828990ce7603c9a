"""Real prices imported: every quirk of their README reported, no number changed."""

from __future__ import annotations

import csv
import datetime as dt
import re
from pathlib import Path

import pandas as pd
import pytest

from engine.imports import Import, read_files
from engine.sources.files import FolderPrices
from engine.sources.imports import Understood
from engine.sources.store import Store
from engine.sources.stored_prices import StoredPrices
from universes.loader import load

pytestmark = pytest.mark.shared

HONG_KONG = ["0700.HK", "0981.HK", "0992.HK", "1024.HK", "1211.HK", "1810.HK"]
ADJUSTED_ONLY = [
    "000660.KS",
    "000977.SZ",
    "002230.SZ",
    "005930.KS",
    "688256.SS",
    "ACWI",
    "KC",
]
MICRON = '[lines.MU]\nmic = "XNAS"\ncurrency = "USD"\n'
FIELDS = ("open", "high", "low", "close", "adj_close", "volume")


@pytest.fixture(scope="module")
def prices(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Import:
    """The folder; the universe has no Micron, so a mapping says where it trades."""
    mapping = tmp_path_factory.mktemp("mapping") / "micron.toml"
    mapping.write_text(MICRON, encoding="utf-8")
    return read_files([shared / "market" / "prices"], mapping=mapping)


def file_of(found: Import, name: str) -> Understood:
    (one,) = [file for file in found.files if file.name == name]
    return one


def told(found: Import, where: str, words: str) -> pd.Series:
    """The one finding about a place with these words."""
    table = found.findings
    rows = table[(table["where"] == where) & table["what"].str.contains(words)]
    assert len(rows) == 1, rows.to_dict("records")
    return rows.iloc[0]


def written(place: Path) -> dict[tuple[str, str], float]:
    """Every number of a file by field and day, read with Python's own parser."""
    with place.open(encoding="utf-8") as lines:
        return {
            (f"price.{name}", row["date"]): float(row[name])
            for row in csv.DictReader(lines)
            for name in FIELDS
            if row[name]
        }


def test_the_store_gives_back_every_number_of_every_file(
    prices: Import, shared: Path, tmp_path: Path
) -> None:
    store = Store(tmp_path / "store")
    assert prices.store(store) == len(prices.rows)
    places = sorted((shared / "market" / "prices").glob("*.csv"))
    assert len(places) == 29
    back = store.read(source="files")
    days = back["value_date"].dt.strftime("%Y-%m-%d")
    total = 0
    for place in places:
        own = back["line"] == place.stem
        held = dict(
            zip(
                zip(back["series"][own], days[own], strict=True),
                back["value"][own].tolist(),
                strict=True,
            )
        )
        assert held == written(place), place.name
        total += len(held)
    assert total == len(back) == len(prices.rows) > 130_000


def test_a_study_reads_the_store_as_it_reads_the_folder(
    prices: Import, shared: Path, tmp_path: Path
) -> None:
    """Frames and rates of both sources are the same, to the last digit."""
    store = Store(tmp_path / "store")
    prices.store(store)
    universe = load("ai-stack")
    folder = shared / "market" / "prices"
    lines = [
        line
        for line in (*universe.lines.values(), *universe.benchmarks.values())
        if (folder / f"{line.symbol}.csv").is_file()
    ]
    span = (dt.date(2021, 1, 1), dt.date(2025, 12, 31))
    there = FolderPrices(folder).load(lines, *span)
    here = StoredPrices(store=store, source="files").load(lines, *span)
    assert here.frames.keys() == there.frames.keys()
    assert len(here.frames) == 25
    for symbol, frame in there.frames.items():
        pd.testing.assert_frame_equal(
            here.frames[symbol][frame.columns],
            frame,
            check_exact=True,
            check_freq=False,
            check_names=False,
        )
    for currency in ("HKD", "CNY", "KRW"):
        mine, other = here.fixings[currency], there.fixings[currency]
        assert (mine.per_usd == other.per_usd).all()
        assert (mine.fixed_utc == other.fixed_utc).all()


def test_an_import_said_again_stores_nothing(
    prices: Import, shared: Path, tmp_path: Path
) -> None:
    store = Store(tmp_path / "store")
    prices.store(store)
    vintage = store.vintage()
    assert read_files([shared / "market" / "prices"]).store(store) == 0
    assert prices.store(store) == 0
    assert store.vintage() == vintage


def test_a_line_that_nobody_knows_is_named_and_left_out(shared: Path) -> None:
    found = read_files([shared / "market" / "prices" / "MU.csv"])
    stranger = told(found, "MU.csv", "'MU' is no line")
    assert stranger["severity"] == "warning"
    assert len(found.rows) == 0


def test_no_price_is_known_before_its_session_closed(prices: Import) -> None:
    rows = prices.rows
    bar = rows[rows["value_date"] == "2025-01-27"]
    known = bar[bar["series"] == "price.adj_close"].set_index("line")["known_at"]
    assert str(known["NVDA"]) == "2025-01-27 21:00:00"
    assert str(known["0700.HK"]) == "2025-01-27 08:00:00"
    assert str(known["688256.SS"]) == "2025-01-27 07:00:00"
    assert str(known["HKD=X"]) == "2025-01-27 13:15:00"  # 14:15 in Frankfurt
    summer = rows[(rows["line"] == "HKD=X") & (rows["value_date"] == "2025-07-01")]
    assert set(summer["known_at"].astype(str)) == {"2025-07-01 12:15:00"}


def test_units_are_the_lines_currencies(prices: Import) -> None:
    rows = prices.rows
    closes = rows[rows["series"] == "price.adj_close"].groupby("line")["unit"]
    units = closes.unique().map(list).to_dict()
    assert units["0700.HK"] == units["HKD=X"] == ["HKD"]
    assert units["NVDA"] == units["BABA"] == ["USD"]
    assert units["000660.KS"] == ["KRW"]
    assert units["688256.SS"] == ["CNY"]


# What ../shared/market/README.md lists


def test_no_file_of_the_folder_is_refused(prices: Import) -> None:
    assert prices.refused == ""
    assert prices.count("error") == 0
    kinds = {one.name: one.kind for one in prices.files}
    assert kinds.pop("CNY=X.csv") == "exchange rates"
    assert kinds.pop("HKD=X.csv") == kinds.pop("KRW=X.csv") == "exchange rates"
    assert set(kinds.values()) == {"prices"}
    assert prices.passed_over == ()


def test_adjustment_that_differs_by_file_is_reported(prices: Import) -> None:
    across = told(prices, "prices", "adjustment differs by line")
    only = re.search(r"adjusted closes only \((.+?)\)", across["what"])
    equal = re.search(r"equals its adjusted close \((.+?)\)", across["what"])
    assert only is not None
    assert equal is not None
    assert only[1].split(", ") == ADJUSTED_ONLY
    assert set(HONG_KONG) < set(equal[1].split(", "))
    for symbol in ADJUSTED_ONLY:
        told(prices, symbol, "only adj_close")
        blank = told(prices, symbol, "blank in every row")
        assert "open, high, low, close, volume" in blank["what"]
    for symbol in HONG_KONG:
        told(prices, symbol, "adj_close equals close on every row")


def test_blank_cells_are_reported_and_not_stored(prices: Import) -> None:
    rows = prices.rows
    held = rows[rows["line"] == "HKD=X"]["series"].unique().tolist()
    assert held == ["price.close", "price.adj_close"]
    blank = [
        finding.what
        for finding in file_of(prices, "HKD=X.csv").findings
        if "blank in every row" in finding.what
    ]
    assert blank == ["blank in every row: open, high, low, volume"]


def test_starts_and_ends_that_differ_are_reported(prices: Import) -> None:
    for symbol in ("BABA", "BIDU", "KWEB"):
        assert told(prices, symbol, "begins 89 own sessions")["first"] == "2021-05-12"
    for symbol in HONG_KONG:
        ends = told(prices, symbol, "feed ends 1 own session before")
        assert ends["last"] == "2025-10-30"


def test_flat_half_days_are_reported(prices: Import) -> None:
    half = told(prices, "XHKG", "flat rows without volume")
    assert "8 half days" in half["what"]
    assert half["first"] == "2021-02-11"
    assert half["last"] == "2025-01-28"


def test_closed_markets_are_no_missing_bars(prices: Import) -> None:
    """Korea, the mainland and Hong Kong were shut around the flagship event."""
    gaps = prices.findings[prices.findings["what"].str.contains("no line has a bar")]
    assert gaps["where"].tolist() == ["XKRX"]
    assert not gaps["what"].str.contains("2025-01").any()


def test_rates_of_the_folder_are_understood(prices: Import) -> None:
    for name in ("HKD=X.csv", "CNY=X.csv", "KRW=X.csv"):
        says = " ".join(file_of(prices, name).says)
        assert "known at 14:15 Europe/Berlin of their day, as folder.toml says" in says
    told(prices, "HKD", "no rate on .* weekdays")


def test_splits_that_are_in_the_prices_already_are_no_jumps(prices: Import) -> None:
    assert not prices.findings["what"].str.contains("split").any()
