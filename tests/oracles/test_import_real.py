"""Real files imported: every quirk of their READMEs reported, no number changed."""

from __future__ import annotations

import csv
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine.imports import Import, read_files
from engine.sources.imports import Understood
from engine.sources.store import Store

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


@pytest.fixture(scope="module")
def raw(shared: Path) -> Import:
    return read_files([shared / "signals" / "raw"], lag="1d")


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
    assert prices.passed_over == ("folder.toml",)


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


# What ../shared/signals/README.md lists


def test_every_file_of_signals_is_accounted_for(raw: Import) -> None:
    assert {one.name: (one.kind, len(one.rows)) for one in raw.files} == {
        "capex_conflicts.csv": ("claims about capex", 0),
        "capex_quarterly.csv": ("quarterly capex", 71),
        "event_facts_2025-01-27.csv": ("not understood", 0),
        "openrouter_author_share_of_top9_weekly.csv": ("published shares", 202),
        "openrouter_china_share_of_top9_weekly.csv": ("published shares", 46),
        "openrouter_models_weekly_top9.csv": ("token volumes", 340),
    }
    assert raw.count("error") == 0
    assert raw.refused == ""


def test_the_facts_of_an_event_are_no_series(raw: Import) -> None:
    facts = told(raw, "event_facts_2025-01-27.csv", "not understood")
    assert facts["severity"] == "warning"
    assert "fact, value, source" in facts["what"]
    assert "no column of days" in facts["what"]
    assert "mapping" in facts["action"]


def test_facts_alone_are_refused(shared: Path, tmp_path: Path) -> None:
    place = shutil.copy(
        shared / "signals" / "raw" / "event_facts_2025-01-27.csv", tmp_path
    )
    assert read_files([place]).refused.startswith("no file was understood")


def test_published_shares_need_a_lag(shared: Path) -> None:
    found = read_files([shared / "signals" / "raw"])
    refused = [one for one in found.files if not one.usable]
    assert [one.name for one in refused] == [
        "openrouter_author_share_of_top9_weekly.csv",
        "openrouter_china_share_of_top9_weekly.csv",
    ]
    assert all("has no known_at (" in one.findings[0].what for one in refused)
    assert "nothing was stored" in found.refused


def test_zero_that_means_not_listed_is_reported_and_kept(
    raw: Import, shared: Path, tmp_path: Path
) -> None:
    name = "openrouter_china_share_of_top9_weekly.csv"
    zero = told(raw, f"{name}: china_share_of_top9 of cn_oss_models", "exactly 0")
    assert "2 of 46 dates: 2025-12-07, 2025-12-14" in zero["what"]
    assert 'zero = "bound"' in zero["action"]
    rows = file_of(raw, name).rows
    assert rows[rows["value"] == 0.0]["quality"].tolist() == ["observed"] * 2
    mapping = tmp_path / "mapping.toml"
    mapping.write_text('zero = "bound"\n', encoding="utf-8")
    marked = read_files([shared / "signals" / "raw" / name], mapping=mapping, lag="1d")
    (file,) = marked.files
    qualities = file.rows.groupby(file.rows["value"] == 0.0)["quality"].unique()
    assert qualities[True].tolist() == ["bound"]
    assert qualities[False].tolist() == ["observed"]
    assert not marked.findings["what"].str.contains("exactly 0").any()


def test_the_weekly_list_marks_the_same_weeks(raw: Import) -> None:
    rows = file_of(raw, "openrouter_models_weekly_top9.csv").rows
    china = rows[rows["series"] == "cn_token_share_openrouter_top9"]
    bound = china[china["quality"] == "bound"]
    assert [str(day.date()) for day in bound["value_date"]] == [
        "2025-12-07",
        "2025-12-14",
    ]
    where = "openrouter_models_weekly_top9.csv: cn_token_share_openrouter_top9"
    assert told(raw, where, "no Chinese model")["first"] == "2025-12-07"


def test_nothing_is_known_before_the_lists_begin(raw: Import) -> None:
    for name in (
        "openrouter_models_weekly_top9.csv",
        "openrouter_author_share_of_top9_weekly.csv",
        "openrouter_china_share_of_top9_weekly.csv",
    ):
        begin = told(raw, name, "no value of")
        assert "before 2025-02-16, none known before 2025-02-17" in begin["what"]
        told(raw, name, "not of all")


def long_file(shared: Path) -> pd.DataFrame:
    long = pd.read_csv(shared / "signals" / "long" / "observations.csv")
    return long.assign(
        value_date=pd.to_datetime(long["value_date"]).dt.as_unit("ns"),
        known_at=pd.to_datetime(long["known_at"]).dt.tz_localize(None).dt.as_unit("ns"),
    )


def test_published_shares_are_those_of_the_long_file(raw: Import, shared: Path) -> None:
    """The same numbers, prepared by other hands: percent over 100, no digit lost."""
    rows = file_of(raw, "openrouter_author_share_of_top9_weekly.csv").rows
    long = long_file(shared)
    long = long[long["series"] == "token_share_openrouter_top9"]
    keys = ["entity", "value_date", "known_at", "unit"]
    both = long.merge(
        rows.rename(columns={"line": "entity"}),
        on=keys,
        suffixes=("", "_here"),
        validate="1:1",
    )
    assert len(both) == len(long) == len(rows) == 202
    assert (both["value"] == both["value_here"]).all()


def test_quarters_are_those_of_the_long_file(raw: Import, shared: Path) -> None:
    rows = file_of(raw, "capex_quarterly.csv").rows.rename(columns={"line": "entity"})
    long = long_file(shared)
    long = long[long["series"] == "capex_quarterly"]
    keys = ["series", "entity", "value_date", "value", "unit", "quality"]
    both = long.merge(rows, on=keys, suffixes=("", "_here"), validate="1:1")
    assert len(both) == len(long) == len(rows) == 71
    # that file has every filing at 21:30 UTC: an hour too soon in winter
    later = (both["known_at_here"] - both["known_at"]).dt.total_seconds()
    assert set(later) == {0.0, 3600.0}


def test_units_and_definitions_of_capex_are_reported(raw: Import) -> None:
    name = "capex_quarterly.csv"
    units = told(raw, name, "units differ")
    assert "CNY (alibaba, tencent)" in units["what"]
    assert "USD (alphabet, amazon, meta, microsoft, oracle)" in units["what"]
    leases = told(raw, "capex_quarterly: microsoft", "what is leased is left out")
    assert "PaymentsToAcquirePropertyPlantAndEquipment" in leases["what"]
    told(raw, "capex_quarterly: amazon", "gross: incentives not deducted")


def test_what_is_no_quarter_is_named_and_left_out(raw: Import, shared: Path) -> None:
    place = shared / "signals" / "raw" / "capex_quarterly.csv"
    table = pd.read_csv(place, parse_dates=["period_start", "period_end"])
    days = (table["period_end"] - table["period_start"]).dt.days
    odd = (np.flatnonzero(days > 100) + 2).tolist()
    assert len(odd) == 5
    for row in odd:
        assert "no quarter" in told(raw, f"{place.name}, row {row}", "cover")["what"]


def test_capex_is_never_known_at_the_end_of_its_period(raw: Import) -> None:
    rows = file_of(raw, "capex_quarterly.csv").rows
    lag = (rows["known_at"] - rows["value_date"]).dt.days
    assert lag.min() >= 7
    assert lag.max() <= 150


#: Row of the conflicts file -> what must be found there, by the numbers alone.
CONFLICTS = {
    2: "not the filed amount",
    3: "not the filed amount",
    4: "not the filed amount",
    5: "no number",
    6: "leases may be included",
    7: "leases may be included",
    8: "rounded",
    9: "not the filed amount",
    10: "net of incentives",
    11: "a year's amount",
    12: "a series that ends",
    13: "a date, not an amount",
    14: "unit slip",
    15: "or it is accrued",
    16: "or it is accrued",
}


@pytest.mark.parametrize(("row", "said"), CONFLICTS.items())
def test_every_conflict_is_found_and_named(raw: Import, row: int, said: str) -> None:
    found = [
        one
        for one in file_of(raw, "capex_conflicts.csv").findings
        if one.where.endswith(f", row {row}")
    ]
    assert any(said in one.what for one in found), found
    assert all("the file says: " in one.action for one in found)


def test_no_conflict_is_forgotten(shared: Path) -> None:
    place = shared / "signals" / "raw" / "capex_conflicts.csv"
    with place.open(encoding="utf-8") as lines:
        assert len(list(csv.DictReader(lines))) == len(CONFLICTS)


def test_signals_come_back_from_the_store_as_understood(
    raw: Import, tmp_path: Path
) -> None:
    store = Store(tmp_path / "store")
    assert raw.store(store) == len(raw.rows) == 659
    keys = ["series", "line", "value_date", "known_at", "source"]
    expected = raw.rows.sort_values(keys, ignore_index=True)
    back = store.history().sort_values(keys, ignore_index=True)
    pd.testing.assert_frame_equal(
        back[expected.columns], expected, check_dtype=False, check_exact=True
    )


def test_the_long_file_is_read_as_the_folder_source_reads_it(
    shared: Path,
) -> None:
    (file,) = read_files([shared / "signals" / "long" / "observations.csv"]).files
    assert file.kind == "signals"
    expected = long_file(shared).rename(columns={"entity": "line"})
    pd.testing.assert_frame_equal(
        file.rows, expected[file.rows.columns], check_dtype=False, check_exact=True
    )
