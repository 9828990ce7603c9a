"""Signals in files of other houses: when they were known, whose they are."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from engine.imports import read_files
from engine.sources.imports import Understood, understand
from engine.sources.imports_mapping import mapping_of
from universes.loader import load

UNIVERSE = load("ai-stack")


def read(place: Path, **told: object) -> Understood:
    file = understand(place, universe=UNIVERSE, mapping=mapping_of(told, where="m"))
    assert file.usable, file.findings
    return file


def save(place: Path, text: str) -> Path:
    place.write_text(text, encoding="utf-8")
    return place


def told(file: Understood) -> str:
    return "\n".join(file.says)


def test_a_lag_stands_in_only_where_known_at_is_missing(tmp_path: Path) -> None:
    place = save(
        tmp_path / "signals.csv",
        "series,entity,value_date,known_at,value,unit,quality,source\n"
        "users,openai,2025-01-05,2025-01-20T10:00:00+02:00,1.5,users,observed,me\n"
        "users,openai,2025-01-12,,2.5,users,observed,me\n",
    )
    file = read(place, lag="45d")
    assert file.rows["known_at"].astype(str).tolist() == [
        "2025-01-20 08:00:00",
        "2025-02-26 00:00:00",
    ]
    assert "value date plus the lag of 45 days in 1 row without it" in told(file)


def test_signals_of_parquet_keep_their_moments(tmp_path: Path) -> None:
    moments = pd.DatetimeIndex(["2025-01-20 10:00"]).tz_localize("Asia/Shanghai")
    pd.DataFrame(
        {
            "series": "users",
            "entity": "openai",
            "value_date": pd.DatetimeIndex(["2025-01-05"]),
            "known_at": moments,
            "value": 1.5,
        }
    ).to_parquet(tmp_path / "signals.parquet")
    file = read(tmp_path / "signals.parquet")
    assert file.rows["known_at"].astype(str).tolist() == ["2025-01-20 02:00:00"]
    assert file.rows["source"].tolist() == ["signals.parquet"]


def test_wide_signals_have_an_entity_per_column(tmp_path: Path) -> None:
    place = save(
        tmp_path / "users.csv", "date,openai,deepseek\n2025-01-05,1,2\n2025-01-12,3,\n"
    )
    file = read(place, layout="wide", series="users", lag="1d")
    assert file.kind == "signals"
    assert list(zip(file.rows["line"], file.rows["value"], strict=True)) == [
        ("openai", 1.0),
        ("openai", 3.0),
        ("deepseek", 2.0),
    ]


def test_a_blank_share_is_no_number(tmp_path: Path) -> None:
    place = save(
        tmp_path / "shares.csv",
        "week_date,author,share_of_top9_pct\n2025-02-16,openai,\n"
        "2025-02-23,openai,1e-05\n",
    )
    file = understand(
        place, universe=UNIVERSE, mapping=mapping_of({"lag": "1d"}, where="m")
    )
    assert "row 2: has no value" in file.findings[0].what
    place.write_text(
        place.read_text("utf-8").replace("openai,\n", "openai,12.3\n"), "utf-8"
    )
    assert read(place, lag="1d").rows["value"].tolist() == [0.123, 1e-07]


def test_a_company_that_nobody_knows_is_named(tmp_path: Path) -> None:
    place = save(
        tmp_path / "capex.csv",
        "company,period_start,period_end,value,unit,first_filed_or_release_date,form\n"
        "MSFT,2025-01-01,2025-03-31,16745000000,USD,2025-04-30,10-Q\n"
        "ACME,2025-01-01,2025-03-31,16745000000,USD,2025-04-30,10-Q\n",
    )
    file = read(place)
    assert file.rows["line"].tolist() == ["microsoft"]
    assert str(file.rows["known_at"].iloc[0]) == "2025-04-30 21:30:00"
    assert any("'ACME' is no entity" in one.what for one in file.findings)
    known = read(place, entities={"ACME": "oracle"})
    assert known.rows["line"].tolist() == ["microsoft", "oracle"]


def test_wrong_capex_is_refused(tmp_path: Path) -> None:
    """A quarter known two years late is an error of the file, not a claim."""
    head = "company,period_start,period_end,value,unit,first_filed_or_release_date,form"
    quarters = [("01-01", "03-31"), ("04-01", "06-30"), ("07-01", "09-30")]
    rows = [
        f"MSFT,2023-{start},2023-{end},{9917 + n}000000,USD,2025-12-01,10-Q"
        for n, (start, end) in enumerate(quarters)
    ]
    place = save(tmp_path / "capex.csv", "\n".join([head, *rows]) + "\n")
    file = understand(place, universe=UNIVERSE)
    assert not file.usable
    assert file.findings[0].what.startswith("last filing, not first")


def test_values_that_nobody_can_know_yet_are_reported(tmp_path: Path) -> None:
    later = (pd.Timestamp.now("UTC") + pd.Timedelta(200, "D")).date()
    place = save(
        tmp_path / "signals.csv",
        "series,entity,value_date,known_at,value\n"
        f"users,openai,2025-01-05,2025-01-06,1\nusers,openai,{later},{later},2\n",
    )
    found = read_files([place])
    late = found.findings[found.findings["what"].str.contains("only after now")]
    assert late["severity"].tolist() == ["warning"]
    what = f"1 value is known only after now, from {later + pd.Timedelta(1, 'D')} on:"
    assert late["what"].iloc[0].startswith(what)
