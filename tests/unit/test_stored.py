"""What a study reads of the store: lines, rates and signals, of one vintage."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import universes.loader
from engine import data
from engine.errors import DataError, UsageError
from engine.market.listing import Line
from engine.sources import edgar
from engine.sources.edgar import COMPANIES
from engine.sources.price_rows import price_rows, session_ends
from engine.sources.store import Store, store_folder
from engine.sources.stored_prices import (
    YAHOO,
    StoredPrices,
    read_lines,
    with_actions,
)
from engine.sources.stored_signals import StoredSignals
from engine.sources.yahoo_store import last_settled
from engine.supply import Choice, check_choice, vintage_moment
from tests.company_concepts import (
    address,
    document,
    fact,
    from_documents,
    serving,
)

DAYS = pd.DatetimeIndex(["2025-01-23", "2025-01-24", "2025-01-27"], name="session")
START, END = dt.date(2025, 1, 23), dt.date(2025, 1, 27)
NVDA = Line(symbol="NVDA", entity="nvidia", mic="XNAS", currency="USD")
TENCENT = Line(symbol="0700.HK", entity="tencent", mic="XHKG", currency="HKD")


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("ASSAY_HOME", str(tmp_path))
    return Store(store_folder())


def put(
    store: Store,
    symbol: str,
    closes: list[float],
    *,
    unit: str = "USD",
    mic: str = "XNAS",
    source: str = "mine",
) -> None:
    frame = pd.DataFrame({"close": closes}, index=DAYS[: len(closes)])
    known = session_ends(pd.DatetimeIndex(frame.index), mic)
    rows = price_rows(symbol, frame, unit=unit, known_at=known)
    store.append(rows, source=source)


def test_prices_come_back_as_they_were_stored(store: Store) -> None:
    put(store, "NVDA", [147.22, 142.62, 118.42])
    given = StoredPrices(store=store, source="mine").load([NVDA], START, END)
    assert given.frames["NVDA"]["close"].tolist() == [147.22, 142.62, 118.42]
    assert given.frames["NVDA"].index.equals(DAYS.as_unit("ns"))
    assert given.origin.name == "store:mine"
    assert given.origin.vintage is not None
    assert given.origin.vintage.sha256 == store.vintage()


def test_a_study_s_period_cuts_them(store: Store) -> None:
    put(store, "NVDA", [147.22, 142.62, 118.42])
    day = dt.date(2025, 1, 24)
    given = StoredPrices(store=store, source="mine").load([NVDA], day, day)
    assert given.frames["NVDA"]["close"].tolist() == [142.62]


def test_sources_are_not_mixed(store: Store) -> None:
    put(store, "NVDA", [147.0, 142.0, 118.0])
    put(store, "NVDA", [1.0, 2.0, 3.0], source="other")
    given = StoredPrices(store=store, source="mine").load([NVDA], START, END)
    assert given.frames["NVDA"]["close"].tolist() == [147.0, 142.0, 118.0]
    with pytest.raises(DataError, match="no price from yahoo"):
        StoredPrices(store=store).load([NVDA], START, END)


def test_a_line_in_another_currency_is_left_out_and_named(store: Store) -> None:
    put(store, "NVDA", [147.0])
    put(store, "0700.HK", [400.0], unit="CNY", mic="XHKG")
    given = StoredPrices(store=store, source="mine").load([NVDA, TENCENT], START, END)
    assert list(given.frames) == ["NVDA"]
    (found,) = given.findings
    assert (found.severity, found.where) == ("error", "0700.HK")
    assert "stored in CNY, the universe says HKD" in found.what


def test_an_earlier_vintage_is_read_again(store: Store) -> None:
    put(store, "NVDA", [147.0, 142.0])
    first = StoredPrices(store=store, source="mine").load([NVDA], START, END)
    put(store, "NVDA", [147.0, 142.5, 118.0])
    now = StoredPrices(store=store, source="mine").load([NVDA], START, END)
    assert now.frames["NVDA"]["close"].tolist() == [147.0, 142.5, 118.0]
    assert first.origin.vintage is not None
    moment = np.datetime64(first.origin.vintage.moment, "ns")
    again = StoredPrices(store=store, source="mine", vintage=moment)
    then = again.load([NVDA], START, END)
    assert then.frames["NVDA"]["close"].tolist() == [147.0, 142.0]
    assert then.origin == first.origin


def test_rates_are_known_at_their_fix(store: Store) -> None:
    put(store, "0700.HK", [400.0, 401.0], unit="HKD", mic="XHKG")
    frame = pd.DataFrame({"close": [7.78, 7.79]}, index=DAYS[:2])
    fixed = np.array(["2025-01-23T13:15", "2025-01-24T13:15"], "datetime64[ns]")
    rows = price_rows("HKD=X", frame, unit="HKD", known_at=fixed)
    store.append(rows, source="mine")
    given = StoredPrices(store=store, source="mine").load([TENCENT], START, END)
    assert given.fixings["HKD"].per_usd.tolist() == [7.78, 7.79]
    assert given.fixings["HKD"].fixed_utc.tolist() == fixed.tolist()


def test_dividends_of_a_day_add_up_and_count_from_the_next_row() -> None:
    frame = pd.DataFrame({"close": [10.0, 11.0, 12.0]}, index=DAYS)
    days = ["2025-01-24", "2025-01-24", "2025-01-25", "2025-01-25", "2025-02-01"]
    actions = pd.DataFrame(
        {
            "session": pd.to_datetime(days),
            "kind": ["dividend", "dividend", "split", "split", "dividend"],
            "value": [0.5, 0.25, 2.0, 3.0, 9.0],
        }
    )
    got = with_actions(frame, actions)
    assert got["dividend"].tolist() == [0.0, 0.75, 0.0]
    assert got["split"].tolist() == [0.0, 0.0, 6.0]
    assert list(with_actions(frame, actions.iloc[:0]).columns) == ["close"]


@pytest.mark.parametrize(
    ("mic", "end", "now", "last"),
    [
        ("XNAS", "2025-01-27", "2025-01-27T21:59", "2025-01-24"),
        ("XNAS", "2025-01-27", "2025-01-27T22:00", "2025-01-27"),
        ("XNAS", "2025-01-26", "2025-02-01T00:00", "2025-01-24"),
        ("XKRX", "2025-01-30", "2025-02-01T00:00", "2025-01-24"),  # new year's closure
        ("", "2025-01-26", "2025-01-25T00:59", "2025-01-23"),
        ("", "2025-01-26", "2025-01-25T01:00", "2025-01-24"),
    ],
)
def test_what_counts_as_up_to_date(mic: str, end: str, now: str, last: str) -> None:
    got = last_settled(mic, dt.date.fromisoformat(end), np.datetime64(now, "ns"))
    assert got == pd.Timestamp(last)


def test_beyond_a_calendar_nobody_knows() -> None:
    now = np.datetime64("2027-02-01", "ns")
    assert last_settled("XSHG", dt.date(2027, 1, 31), now) is None


def signal(value: float, known: str, **changed: str) -> pd.DataFrame:
    row = {
        "series": "capex_quarterly",
        "line": "meta",
        "value_date": pd.Timestamp("2025-03-31"),
        "known_at": pd.Timestamp(known),
        "value": value,
        "unit": "USD",
    }
    return pd.DataFrame([row | changed])


def test_signals_keep_their_restatements(store: Store) -> None:
    store.append(signal(10.0, "2025-04-30"), source="10-Q")
    store.append(signal(11.0, "2025-07-30"), source="10-Q")
    store.append(signal(10.5, "2025-04-30"), source="a page")
    put(store, "NVDA", [1.0])
    given = StoredSignals(store=store).load(universes.loader.load("ai-stack"))
    rows = given.signals.observations
    assert rows["value"].tolist() == [10.5, 11.0]  # the last stored of one moment
    assert rows["entity"].tolist() == ["meta", "meta"]
    assert rows["source"].tolist() == ["a page", "10-Q"]
    assert given.signals.roles == {"capex": "capex_quarterly"}
    store.append(signal(0.0, "2025-07-30", quality="withdrawn"), source="10-Q")
    again = StoredSignals(store=store).load(universes.loader.load("ai-stack"))
    assert again.signals.observations["value"].tolist() == [10.5]
    assert given.origin.vintage is not None
    moment = np.datetime64(given.origin.vintage.moment, "ns")
    then = StoredSignals(store=store, vintage=moment)
    assert then.load(universes.loader.load("ai-stack")).origin == given.origin


def test_a_store_without_signals_says_how_to_get_some(store: Store) -> None:
    with pytest.raises(DataError, match="holds no signal; bring some by assay data"):
        StoredSignals(store=store).load(universes.loader.load("ai-stack"))


@pytest.mark.parametrize(
    ("told", "moment"),
    [
        ("2026-07-06", "2026-07-06T23:59:59.999999999"),
        (dt.date(2026, 7, 6), "2026-07-06T23:59:59.999999999"),
        ("2026-07-06T20:00", "2026-07-06T20:00"),
        ("2026-07-06T20:00+02:00", "2026-07-06T18:00"),
        (dt.datetime(2026, 7, 6, 20), "2026-07-06T20:00"),
    ],
)
def test_a_vintage_is_a_moment_or_a_whole_day(told: dt.date | str, moment: str) -> None:
    assert vintage_moment(told) == np.datetime64(moment, "ns")


def test_a_vintage_that_is_none() -> None:
    assert vintage_moment(None) is None
    with pytest.raises(UsageError, match="'soon' is no day or moment"):
        vintage_moment("soon")
    with pytest.raises(UsageError, match="--vintage is about the store"):
        check_choice(Choice(vintage="2026-07-06"))


def test_filings_are_fetched_into_the_store(
    store: Store, monkeypatch: pytest.MonkeyPatch, root: Path
) -> None:
    class Nothing:
        """A source of prices that has all it needs."""

        def __init__(self) -> None:
            self.store = store

        def gather(self, *asked: object, whole: bool) -> data.Gathered:
            return data.Gathered(asked=0, stored={}, missed=(), findings=())

    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    filed = [fact("2023-01-01", "2023-03-31", 10, "2023-04-27")]
    documents = {address(one, edgar.CONCEPTS[0]): document(filed) for one in COMPANIES}
    thesis = root / "examples" / "minimal.toml"
    with serving(from_documents(documents)) as server:
        got, again = (
            data.fetch(
                thesis,
                signals="edgar",
                source=Nothing(),  # type: ignore[arg-type]
                filings=edgar.EdgarSignals(client=server.client()),
            )
            for _ in range(2)
        )
    assert got.table.iloc[-1]["rows"] == len(COMPANIES)
    assert again.table.iloc[-1]["rows"] == 0
    rows = store.read(series="capex_quarterly")
    assert sorted(rows["line"]) == sorted(COMPANIES)
    assert set(rows["unit"]) == {"USD"}
    assert set(rows["known_at"]) == {pd.Timestamp("2023-04-27T21:30")}


def test_other_signals_cannot_be_fetched(store: Store, root: Path) -> None:
    with pytest.raises(UsageError, match="--signals edgr cannot be fetched"):
        data.fetch(root / "examples" / "minimal.toml", signals="edgr")


def test_a_pair_without_prices_is_no_line(store: Store) -> None:
    assert read_lines(store, ["NVDA"], source=YAHOO) == {}
