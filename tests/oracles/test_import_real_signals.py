"""Real signals imported: every trap of their README reported, nothing changed."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine.imports import Import, read_files
from engine.sources.imports import Understood
from engine.sources.store import Store

pytestmark = pytest.mark.shared


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
