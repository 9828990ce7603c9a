"""The store: what is kept, what is chosen, what leaves and comes back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine.errors import DataError
from engine.sources.store.select import known_values, moment
from engine.sources.store.store import Store, store_folder


def rows(*told: tuple[str, str, str, str, float]) -> pd.DataFrame:
    table = pd.DataFrame(
        told, columns=["series", "line", "value_date", "known_at", "value"]
    )
    return table.assign(
        value_date=pd.to_datetime(table["value_date"], format="ISO8601"),
        known_at=pd.to_datetime(table["known_at"], format="ISO8601"),
    )


FIRST = ("capex", "msft", "2025-03-31", "2025-04-30", 10.0)
OTHER = ("capex", "googl", "2025-03-31", "2025-04-25", 7.0)
RESTATED = ("capex", "msft", "2025-03-31", "2025-07-30", 11.0)
LATER = ("capex", "msft", "2025-06-30", "2025-07-30", 12.0)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "deep" / "store")


def test_a_store_without_a_folder_is_empty(store: Store) -> None:
    assert store.read().empty
    assert store.panel("close").empty
    assert store.manifest() == ()
    assert store.check() == ()
    assert store.status().empty
    assert store.gc().unfinished == 0
    assert not store.folder.exists()


def test_the_last_vintage_counts(store: Store) -> None:
    first = store.append(rows(FIRST, OTHER), source="edgar")
    second = store.append(rows(RESTATED, LATER), source="edgar")
    assert first is not None
    assert second is not None
    assert (first.rows, second.rows) == (2, 2)
    assert list(store.read()["value"]) == [7.0, 11.0, 12.0]
    assert list(store.read(as_of="2025-07-29")["value"]) == [7.0, 10.0]
    assert list(store.read(as_of="2025-04-30")["value"]) == [7.0, 10.0]
    assert list(store.read(as_of="2025-04-29")["value"]) == [7.0]
    assert list(store.read(vintage=first.ingested_at)["value"]) == [7.0, 10.0]
    assert list(store.read(lines=["googl"])["value"]) == [7.0]
    assert store.read(series="close").empty
    assert len(store.history()) == 4
    assert store.vintage(first.ingested_at) != store.vintage()


def test_a_read_has_the_columns_of_the_store(store: Store) -> None:
    batch = store.append(rows(FIRST), source="edgar")
    assert batch is not None
    read = store.read()
    assert list(read.iloc[0]) == [
        "capex",
        "msft",
        pd.Timestamp("2025-03-31"),
        pd.Timestamp("2025-04-30"),
        batch.ingested_at,
        10.0,
        "",
        "observed",
        "edgar",
    ]
    assert {str(read[name].dtype) for name in ("value_date", "ingested_at")} == {
        "datetime64[ns]"
    }


def test_a_row_keeps_its_unit_quality_and_source(store: Store) -> None:
    told = rows(FIRST, OTHER).assign(
        unit=["USD", ""], quality=["observed", "bound"], source=["10-Q", "a page"]
    )
    store.append(told, source="one import")
    read = store.read().set_index("line")[["unit", "quality", "source"]]
    assert list(read.loc["msft"]) == ["USD", "observed", "10-Q"]
    assert list(read.loc["googl"]) == ["", "bound", "a page"]
    assert store.append(told, source="one import") is None
    assert store.append(told.assign(unit="USD"), source="one import") is not None
    assert list(store.read()["unit"]) == ["USD", "USD"]


def test_sources_are_read_apart(store: Store) -> None:
    store.append(rows(FIRST), source="filing")
    store.append(rows((*FIRST[:4], 99.0)), source="a page")
    assert list(store.read(source="filing")["value"]) == [10.0]
    assert store.panel("capex", source="filing").iloc[0, 0] == 10.0
    assert list(store.read()["value"]) == [99.0]
    assert store.append(rows(FIRST), source="filing") is None


def test_what_is_withdrawn_is_not_read_but_kept(store: Store) -> None:
    first = store.append(rows(FIRST, OTHER), source="edgar")
    store.append(rows((*FIRST[:4], 0.0)).assign(quality="withdrawn"), source="edgar")
    assert first is not None
    assert list(store.read()["line"]) == ["googl"]
    assert list(store.panel("capex").columns) == ["googl"]
    assert list(store.read(vintage=first.ingested_at)["line"]) == ["googl", "msft"]
    assert len(store.history()) == 3
    store.append(rows(FIRST), source="edgar")
    assert list(store.read()["line"]) == ["googl", "msft"]


def test_what_was_known_before_a_withdrawn_vintage_counts_again(store: Store) -> None:
    store.append(rows(FIRST, RESTATED), source="edgar")
    assert list(store.read()["value"]) == [11.0]
    store.append(rows(RESTATED).assign(quality="withdrawn"), source="edgar")
    assert list(store.read()["value"]) == [10.0]
    assert store.panel("capex").iloc[0, 0] == 10.0


def test_an_earlier_known_row_that_comes_late_does_not_replace(store: Store) -> None:
    store.append(rows(RESTATED), source="edgar")
    store.append(rows(FIRST), source="edgar")
    assert list(store.read()["value"]) == [11.0]
    assert list(store.read(as_of="2025-05-01")["value"]) == [10.0]


def test_what_is_stored_already_is_not_stored_again(store: Store) -> None:
    store.append(rows(FIRST, OTHER), source="edgar")
    digest = store.vintage()
    assert store.append(rows(OTHER, FIRST, FIRST), source="edgar") is None
    assert store.vintage() == digest
    batch = store.append(rows(FIRST, LATER), source="edgar")
    assert batch is not None
    assert batch.rows == 1


def test_a_value_that_goes_and_returns_is_three_rows(store: Store) -> None:
    changed = (*FIRST[:4], 10.5)
    for told in (FIRST, changed, FIRST):
        assert store.append(rows(told), source="edgar") is not None
    assert list(store.history()["value"]) == [10.0, 10.5, 10.0]
    assert list(store.read()["value"]) == [10.0]


def test_a_clock_that_goes_back_does_not_reorder(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = store.append(rows(FIRST), source="edgar")
    assert first is not None
    past = pd.Timestamp("2020-01-01", tz="UTC")
    monkeypatch.setattr(pd.Timestamp, "now", lambda zone: past, raising=True)
    second = store.append(rows((*FIRST[:4], 10.5)), source="edgar")
    assert second is not None
    assert second.ingested_at > first.ingested_at
    assert list(store.read()["value"]) == [10.5]


def test_a_panel_has_the_lines_asked_for(store: Store) -> None:
    store.append(
        rows(
            ("close", "B", "2025-01-03", "2025-01-03T21:00", 2.0),
            ("close", "A", "2025-01-02", "2025-01-02T21:00", 1.0),
            ("open", "A", "2025-01-02", "2025-01-02T21:00", 9.0),
        ),
        source="yahoo",
    )
    panel = store.panel("close")
    assert list(panel.columns) == ["A", "B"]
    assert panel.index.name == "session"
    assert panel.index.unit == "ns"
    np.testing.assert_array_equal(panel, [[1.0, np.nan], [np.nan, 2.0]])
    asked = store.panel("close", lines=["B", "C"], as_of="2025-01-03T21:00")
    np.testing.assert_array_equal(asked, [[2.0, np.nan]])
    assert list(asked.columns) == ["B", "C"]


def test_status_counts(store: Store) -> None:
    store.append(rows(FIRST, OTHER, RESTATED), source="edgar")
    row = store.status().iloc[0]
    assert (row["series"], row["source"], row["lines"], row["rows"]) == (
        "capex",
        "edgar",
        2,
        3,
    )
    assert row["last_known"] == pd.Timestamp("2025-07-30")


def test_packing_changes_no_read_and_no_digest(store: Store) -> None:
    moments = []
    for told in (FIRST, OTHER, RESTATED, LATER):
        batch = store.append(rows(told), source="edgar")
        assert batch is not None
        moments.append(batch.ingested_at)
    before = [(store.vintage(by), store.read(vintage=by)) for by in moments]
    history, manifest = store.history(), store.manifest()
    assert store.gc(fewest=5).packed == 0
    assert store.gc(fewest=2).packed == 4
    assert len(list(store.folder.glob("*.parquet"))) == 1
    assert store.manifest() == manifest
    pd.testing.assert_frame_equal(store.history(), history)
    for by, (digest, read) in zip(moments, before, strict=True):
        assert store.vintage(by) == digest
        pd.testing.assert_frame_equal(store.read(vintage=by), read)
    assert store.append(rows(FIRST), source="edgar") is None
    assert store.append(rows((*FIRST[:4], 3.0)), source="edgar") is not None
    assert list(store.read(as_of="2025-05-01", lines=["msft"])["value"]) == [3.0]


@pytest.mark.parametrize("name", ["out.zip", "out"])
def test_what_is_exported_comes_back(store: Store, tmp_path: Path, name: str) -> None:
    store.append(rows(FIRST, OTHER), source="edgar")
    store.gc(fewest=1)
    store.append(rows(RESTATED), source="edgar")
    archive = store.export(tmp_path / "kept" / name)
    other = Store(tmp_path / "other")
    assert other.import_(archive) == 2
    assert other.import_(archive) == 0
    assert other.vintage() == store.vintage()
    pd.testing.assert_frame_equal(other.history(), store.history())
    with pytest.raises(DataError, match="exists already"):
        store.export(archive)


def test_an_import_joins_two_stores_once(store: Store, tmp_path: Path) -> None:
    store.append(rows(FIRST), source="edgar")
    other = Store(tmp_path / "other")
    other.import_(store.export(tmp_path / "first"))
    other.append(rows(LATER), source="edgar")
    store.append(rows(OTHER), source="edgar")
    store.gc(fewest=1)
    assert other.import_(store.export(tmp_path / "second")) == 1
    assert len(other.history()) == 3
    assert len(other.manifest()) == 3


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"value": [np.nan]}, "row 1: column value holds 'nan'"),
        ({"value": [np.inf]}, "finite"),
        ({"value": ["1"]}, "give numbers"),
        ({"line": [""]}, "column line"),
        ({"line": [None]}, "column line"),
        ({"known_at": [pd.NaT]}, "known_at"),
        ({"known_at": ["2025-01-01"]}, "without a zone"),
        ({"known_at": [pd.Timestamp("2025-01-01", tz="UTC")]}, "without a zone"),
        ({"unit": [None]}, "column unit"),
        ({"quality": ["sure"]}, "one of observed"),
        ({"colour": ["red"]}, "unknown: colour"),
    ],
)
def test_rows_that_cannot_be_stored(
    store: Store, change: dict[str, list[object]], words: str
) -> None:
    wrong = rows(FIRST).assign(**change)
    if "known_at" in change and change["known_at"] == [pd.NaT]:
        wrong["known_at"] = wrong["known_at"].astype("datetime64[ns]")
    with pytest.raises(DataError, match=words):
        store.append(wrong, source="edgar")
    assert not store.folder.exists()


def test_two_values_at_one_moment_are_refused(store: Store) -> None:
    with pytest.raises(DataError, match=r"two values at one moment.*msft"):
        store.append(rows(FIRST, (*FIRST[:4], 11.0)), source="edgar")
    with pytest.raises(DataError, match="no source"):
        store.append(rows(FIRST), source=" ")
    with pytest.raises(DataError, match="missing: known_at"):
        store.append(rows(FIRST).drop(columns="known_at"), source="edgar")


def test_moments() -> None:
    assert moment("2025-01-01T01:00+01:00") == np.datetime64("2025-01-01", "ns")
    for wrong in ("soon", "NaT"):
        with pytest.raises(DataError, match="moment"):
            moment(wrong)


def test_the_newest_value_known_is_of_the_latest_quarter() -> None:
    observations = rows(
        ("capex", "msft", "2025-03-31", "2025-04-30", 10.0),
        ("capex", "msft", "2025-06-30", "2025-07-30", 12.0),
        ("capex", "msft", "2025-03-31", "2025-09-30", 11.0),  # an older quarter
        ("capex", "msft", "2025-06-30", "2025-10-30", 13.0),
        ("capex", "googl", "2025-03-31", "2025-04-25", 7.0),
    ).assign(ingested_at=pd.Timestamp("2026-01-01"))
    days = ["2025-10-30", "2025-10-01", "2025-04-29", "2025-05-01", "2025-05-01"]
    asked = pd.DataFrame(
        {
            "line": ["msft", "msft", "msft", "googl", "orcl"],
            "moment": pd.to_datetime(days),
        }
    )
    np.testing.assert_array_equal(
        known_values(asked, observations), [13.0, 12.0, np.nan, 7.0, np.nan]
    )


def test_assay_home_moves_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_HOME", "/some/where")
    assert store_folder() == Path("/some/where/store")
    monkeypatch.delenv("ASSAY_HOME")
    assert "assay" in str(store_folder())
