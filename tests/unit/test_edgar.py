"""Quarters from year-to-date filings, dated by their first filing."""

from __future__ import annotations

import datetime as dt
import gzip
import itertools

import pandas as pd
import pytest

from engine.errors import UsageError
from engine.market.signals import COLUMNS, Signals
from engine.sources.filings.client import CONTACT as SETTING
from engine.sources.filings.client import EdgarClient, Pace
from engine.sources.filings.edgar import COMPANIES, EdgarSignals, capex_rows, known_at
from tests.company_concepts import (
    CONTACT,
    PPE,
    PRODUCTIVE,
    Answer,
    Clock,
    address,
    document,
    fact,
    from_documents,
    serving,
)
from universes.loader import load

#: A calendar year filed as most companies do: year to date, a year in the 10-K.
YEAR = [
    fact("2023-01-01", "2023-03-31", 10, "2023-04-27"),
    fact("2023-01-01", "2023-06-30", 22, "2023-07-27"),
    fact("2023-01-01", "2023-09-30", 36, "2023-10-26"),
    fact("2023-01-01", "2023-12-31", 53, "2024-02-02", "10-K"),
]


def rows_of(facts: list[dict], concept: str = PPE) -> list[tuple]:
    rows, _ = capex_rows("meta", {concept: document(facts, concept=concept)})
    return told(rows)


def told(rows: pd.DataFrame) -> list[tuple]:
    """Each row as (quarter's end, day it was known, value, source)."""
    return [
        (str(end.date()), str(known.date()), value, source)
        for end, known, value, source in zip(
            rows["value_date"],
            rows["known_at"],
            rows["value"],
            rows["source"],
            strict=True,
        )
    ]


def test_quarters_follow_from_the_year_to_date():
    assert rows_of(YEAR) == [
        ("2023-03-31", "2023-04-27", 10.0, "SEC 10-Q"),
        ("2023-06-30", "2023-07-27", 12.0, "SEC 10-Q"),
        ("2023-09-30", "2023-10-26", 14.0, "SEC 10-Q"),
        ("2023-12-31", "2024-02-02", 17.0, "SEC 10-K"),
    ]


def test_rows_are_observations_in_the_long_format():
    rows, found = capex_rows("meta", {PPE: document(YEAR)})
    assert tuple(rows.columns) == COLUMNS
    assert str(rows["value_date"].dtype) == str(rows["known_at"].dtype)
    assert str(rows["known_at"].dtype) == "datetime64[ns]"
    assert set(rows["series"]) == {"capex_quarterly"}
    assert set(rows["quality"]) == {"observed"}
    assert set(rows["unit"]) == {"USD"}
    assert found == ()


def test_a_repeated_amount_keeps_its_first_filing():
    later = [
        fact("2023-01-01", "2023-03-31", 10, "2024-04-25"),
        fact("2023-01-01", "2023-12-31", 53, "2025-01-30", "10-K"),
    ]
    assert rows_of([*later, *YEAR]) == rows_of(YEAR)
    _, found = capex_rows("meta", {PPE: document([*later, *YEAR])})
    assert found == ()


def test_a_restatement_is_a_new_vintage():
    restated = fact("2023-01-01", "2023-03-31", 11, "2024-04-25")
    rows, found = capex_rows("meta", {PPE: document([*YEAR, restated])})
    assert told(rows)[:2] == [
        ("2023-03-31", "2023-04-27", 10.0, "SEC 10-Q"),
        ("2023-03-31", "2024-04-25", 11.0, "SEC 10-Q"),
    ]
    (only,) = found
    assert "restated: 2023-03-31" in only.what
    signals = Signals(observations=rows.sort_values("known_at"), roles={})
    before = signals.first(
        signals.known_by(pd.Timestamp("2024-04-01").to_datetime64())
    ).read("capex_quarterly")
    after = signals.read("capex_quarterly")
    assert before["value"].iloc[0] == 10.0
    assert after["value"].iloc[0] == 11.0


def test_a_first_quarter_restated_alone_does_not_move_the_second():
    """12 = 22 - 10 stays until the half year is filed again on the new basis."""
    quarter = fact("2023-01-01", "2023-03-31", 8, "2024-04-25")
    half = fact("2023-01-01", "2023-06-30", 21, "2024-08-01")
    second = [row for row in rows_of([*YEAR, quarter]) if row[0] == "2023-06-30"]
    assert second == [("2023-06-30", "2023-07-27", 12.0, "SEC 10-Q")]
    second = [row for row in rows_of([*YEAR, quarter, half]) if row[0] == "2023-06-30"]
    assert second[1:] == [("2023-06-30", "2024-08-01", 13.0, "SEC 10-Q")]


def test_a_stated_quarter_wins_over_a_derived_one():
    stated = fact("2023-04-01", "2023-06-30", 12.03, "2023-07-27")
    again = [stated | {"filed": "2024-08-01"}, YEAR[1] | {"filed": "2024-08-01"}]
    half_alone = YEAR[1] | {"filed": "2024-02-02"}
    rows = rows_of([*YEAR, stated, *again, half_alone])
    second = [row for row in rows if row[0] == "2023-06-30"]
    assert second == [("2023-06-30", "2023-07-27", 12.03, "SEC 10-Q")]


def test_a_stated_quarter_far_from_the_derived_one_is_reported():
    stated = fact("2023-04-01", "2023-06-30", 15, "2023-07-27")
    _, found = capex_rows("meta", {PPE: document([*YEAR, stated])})
    assert [one.first for one in found if "imply" in one.what] == ["2023-06-30"]


def test_fiscal_years_end_whenever_they_do():
    """May (Oracle), June (Microsoft), and 53 weeks of a retailer's year."""
    oracle = [
        fact("2023-06-01", "2023-08-31", 10, "2023-09-12"),
        fact("2023-06-01", "2023-11-30", 21, "2023-12-12"),
        fact("2023-06-01", "2024-02-29", 33, "2024-03-12"),
        fact("2023-06-01", "2024-05-31", 46, "2024-06-20", "10-K"),
    ]
    assert [(row[0], row[2]) for row in rows_of(oracle)] == [
        ("2023-08-31", 10.0),
        ("2023-11-30", 11.0),
        ("2024-02-29", 12.0),
        ("2024-05-31", 13.0),
    ]
    weeks = [
        fact("2022-09-25", "2022-12-31", 10, "2023-02-03"),
        fact("2022-09-25", "2023-04-01", 21, "2023-05-05"),
        fact("2022-09-25", "2023-07-01", 33, "2023-08-04"),
        fact("2022-09-25", "2023-09-30", 46, "2023-11-03", "10-K"),
    ]
    assert [row[2] for row in rows_of(weeks)] == [10.0, 11.0, 12.0, 13.0]


def test_trailing_twelve_months_are_no_quarter():
    """Amazon's 10-Q states them; they start with no year-to-date amount."""
    trailing = fact("2022-07-01", "2023-06-30", 61, "2023-07-27")
    assert rows_of([*YEAR, trailing]) == rows_of(YEAR)


def test_a_gap_in_the_filings_gives_no_quarter():
    """Without the half year, neither the second nor the third quarter follows."""
    ends = [row[0] for row in rows_of([YEAR[0], *YEAR[2:]])]
    assert ends == ["2023-03-31", "2023-12-31"]


def test_a_concept_switch_is_joined_and_named():
    new = [
        fact("2024-01-01", "2024-03-31", 20, "2024-04-25"),
        fact("2024-01-01", "2024-06-30", 41, "2024-07-25"),
    ]
    rows, found = capex_rows(
        "amazon",
        {PPE: document(YEAR), PRODUCTIVE: document(new, concept=PRODUCTIVE)},
    )
    assert list(rows["value"]) == [10.0, 12.0, 14.0, 17.0, 20.0, 21.0]
    (switch,) = found
    assert switch.what == (
        f"concept switch: {PPE} until 2023-12-31, {PRODUCTIVE} from 2024-03-31"
    )


def test_another_definition_is_reported_and_never_a_vintage():
    new = [
        fact("2023-01-01", "2023-03-31", 13, "2024-04-25"),
        fact("2024-01-01", "2024-03-31", 20, "2024-04-25"),
    ]
    rows, found = capex_rows(
        "amazon",
        {PPE: document(YEAR), PRODUCTIVE: document(new, concept=PRODUCTIVE)},
    )
    assert [row[2] for row in told(rows) if row[0] == "2023-03-31"] == [10.0]
    assert any("concepts differ for 1 quarters: 2023-03-31" in f.what for f in found)


def test_a_switch_within_the_year_keeps_the_first_filing():
    """Half a year under the new concept less a quarter under the old: named so."""
    new = [
        fact("2023-01-01", "2023-06-30", 22, "2023-07-27"),
        fact("2023-01-01", "2023-03-31", 10, "2024-04-25"),
    ]
    rows, found = capex_rows(
        "amazon",
        {PPE: document(YEAR[:1]), PRODUCTIVE: document(new, concept=PRODUCTIVE)},
    )
    assert told(rows)[1][:3] == ("2023-06-30", "2023-07-27", 12.0)
    assert any("under two concepts: 2023-06-30" in one.what for one in found)


@pytest.mark.parametrize(
    ("filed", "utc"),
    [("2024-07-30", "2024-07-30 21:30"), ("2024-01-30", "2024-01-30 22:30")],
)
def test_a_filing_is_known_when_its_day_can_take_no_more(filed: str, utc: str):
    assert known_at(dt.date.fromisoformat(filed)) == pd.Timestamp(utc)


def test_the_source_joins_all_companies(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    documents = {address(entity, PPE): document(YEAR) for entity in COMPANIES}
    with serving(from_documents(documents)) as server:
        supplied = EdgarSignals(client=server.client()).load(load("ai-stack"))
        again = EdgarSignals(client=server.client()).load(load("ai-stack"))
    rows = supplied.signals.observations
    assert len(rows) == 4 * len(COMPANIES)
    assert rows["known_at"].is_monotonic_increasing
    assert supplied.signals.roles == {"capex": "capex_quarterly"}
    assert not supplied.origin.simulated
    assert supplied.origin.digest == again.origin.digest
    assert {agent for _, agent, _ in server.seen} == {CONTACT}


def test_a_packed_answer_is_unpacked(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    packed = Answer(
        body=gzip.compress(document(YEAR)), headers={"Content-Encoding": "gzip"}
    )
    with serving(lambda path, count: packed) as server:
        assert server.client().fetch("/x") == document(YEAR)


def test_ten_requests_a_second_at_most():
    clock = Clock()
    pace = Pace(clock=lambda: clock.now, sleep=clock.sleep)
    starts = []
    for _ in range(40):
        pace.wait()
        starts.append(clock.now)
        clock.now += 0.003
    for first, eleventh in itertools.pairwise(starts[::10]):
        assert eleventh - first >= 1.0 - 1e-9
    assert starts[-1] - starts[0] < 4.0


def test_a_slow_server_costs_no_extra_wait():
    clock = Clock()
    pace = Pace(clock=lambda: clock.now, sleep=clock.sleep)
    for _ in range(3):
        pace.wait()
        clock.now += 0.5
    assert clock.slept == []


def test_without_a_contact_nothing_is_asked(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(SETTING, raising=False)
    with pytest.raises(UsageError, match=f'set {SETTING}="Your Name you@example.com"'):
        EdgarSignals().load(load("ai-stack"))


@pytest.mark.parametrize("contact", ["Somebody", "a@b.c\r\nX: y", "Zoë z@example.com"])
def test_a_contact_is_a_name_and_an_address(contact: str):
    with pytest.raises(UsageError, match="is no contact"):
        EdgarClient(contact=contact)
