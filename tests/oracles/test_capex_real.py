"""Capital expenditure as filed: quarters derived again, circulating errors found."""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path

import pandas as pd
import pytest

from engine.market.signals import COLUMNS
from engine.sources.filings.capex_checks import capex_findings
from engine.sources.filings.edgar import EdgarSignals
from tests.company_concepts import (
    PPE,
    PRODUCTIVE,
    address,
    document,
    fact,
    from_documents,
    serving,
)
from universes.loader import load

pytestmark = pytest.mark.shared

ENTITIES = {
    "AMZN": "amazon",
    "GOOGL": "alphabet",
    "META": "meta",
    "MSFT": "microsoft",
    "ORCL": "oracle",
    "TENCENT": "tencent",
}
#: First month of the fiscal year, where it is not January.
FISCAL = {"MSFT": 7, "ORCL": 6}
#: The half year before the first listed quarter of a fiscal year begun earlier.
BEFORE = {"MSFT": ("2022-07-01", "2022-12-31", 12_557_000_000, "2023-01-24")}
FAKE = "https://technextasia.com/blog/big-tech-ai-infrastructure-2026"


def filed_quarters(shared: Path) -> list[dict[str, str]]:
    path = shared / "signals" / "raw" / "capex_quarterly.csv"
    with path.open(encoding="utf-8") as lines:
        return [row for row in csv.DictReader(lines) if row["form"].startswith("10-")]


def year_start(company: str, day: str) -> str:
    """The first day of the fiscal year that a day belongs to."""
    year, month = int(day[:4]), int(day[5:7])
    first = FISCAL.get(company, 1)
    return f"{year if month >= first else year - 1}-{first:02d}-01"


def filings(company: str, rows: list[dict[str, str]]) -> list[dict]:
    """Every amount that a company's filings would state, repeats included.

    The year to date in every filing, the quarter alone where the file says it was
    stated, and both again a year later as the comparative figures.
    """
    facts = []
    sums: dict[str, float] = {}
    if company in BEFORE:
        start, end, value, filed = BEFORE[company]
        sums[start] = value
        facts.append(fact(start, end, value, filed))
    for place, row in enumerate(rows):
        start, end, value = row["period_start"], row["period_end"], float(row["value"])
        begun = year_start(company, start)
        sums[begun] = sums.get(begun, 0.0) + value
        dates = [(row["first_filed_or_release_date"], row["form"])]
        if place + 4 < len(rows):
            later = rows[place + 4]
            dates.append((later["first_filed_or_release_date"], later["form"]))
        for filed, form in dates:
            if row["method"] == "direct" or start == begun:
                facts.append(fact(start, end, value, filed, form))
            if start != begun:
                facts.append(fact(begun, end, sums[begun], filed, form))
        if company == "AMZN" and place >= 3:
            trailing = sum(float(one["value"]) for one in rows[place - 3 : place + 1])
            first = rows[place - 3]["period_start"]
            facts.append(fact(first, end, trailing, dates[0][0], row["form"]))
    return facts


def served(shared: Path) -> dict[str, bytes]:
    by_company: dict[str, list[dict[str, str]]] = {}
    for row in filed_quarters(shared):
        by_company.setdefault(row["company"], []).append(row)
    documents = {}
    for company, rows in by_company.items():
        concept = PRODUCTIVE if company == "AMZN" else PPE
        documents[address(ENTITIES[company], concept)] = document(
            filings(company, rows), concept=concept
        )
    return documents


@pytest.fixture
def fetched(shared: Path, monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving(from_documents(served(shared))) as server:
        supplied = EdgarSignals(client=server.client()).load(load("ai-stack"))
    assert [f for f in supplied.findings if f.severity != "info"] == []
    return supplied.signals.observations


def test_every_filed_quarter_is_derived_again(shared: Path, fetched: pd.DataFrame):
    expected = {
        (ENTITIES[row["company"]], row["period_end"]): (
            float(row["value"]),
            row["first_filed_or_release_date"],
            f"SEC {row['form']}",
            row["unit"],
        )
        for row in filed_quarters(shared)
    }
    found = {
        (entity, str(end.date())): (value, str(known.date()), source, unit)
        for entity, end, known, value, source, unit in zip(
            fetched["entity"],
            fetched["value_date"],
            fetched["known_at"],
            fetched["value"],
            fetched["source"],
            fetched["unit"],
            strict=True,
        )
    }
    assert len(expected) == 66
    assert found == expected
    assert len(fetched) == len(found)


def test_the_long_file_has_them_at_most_an_hour_sooner(
    shared: Path, fetched: pd.DataFrame
):
    """It puts each filing at 21:30 UTC: in winter the SEC accepts an hour longer."""
    long = pd.read_csv(shared / "signals" / "long" / "observations.csv")
    long = long[(long["series"] == "capex_quarterly") & (long["unit"] == "USD")]
    long = long.assign(
        value_date=pd.to_datetime(long["value_date"]),
        known_at=pd.to_datetime(long["known_at"]).dt.tz_localize(None),
    )
    both = long.merge(fetched, on=["entity", "value_date"], suffixes=("", "_here"))
    assert len(both) == len(long) == len(fetched)
    for column in ("value", "unit", "quality", "source"):
        assert (both[column] == both[f"{column}_here"]).all(), column
    later = both["known_at_here"] - both["known_at"]
    assert set(later.dt.total_seconds()) == {0.0, 3600.0}


# The fifteen circulating figures


def quarter_end(period: str) -> dt.date:
    last = {"Q1": (3, 31), "Q2": (6, 30), "Q3": (9, 30), "Q4": (12, 31), "FY": (12, 31)}
    return dt.date(int(period[:4]), *last[period[4:]])


def row(
    entity: str,
    end: dt.date,
    value: float,
    source: str,
    *,
    unit: str = "USD",
    known: dt.date | None = None,
) -> dict[str, object]:
    known = known or end + dt.timedelta(days=40)
    return {
        "series": "capex_quarterly",
        "entity": entity,
        "value_date": pd.Timestamp(end),
        "known_at": pd.Timestamp(known),
        "value": value,
        "unit": unit,
        "quality": "observed",
        "source": source,
    }


@pytest.fixture
def filed(shared: Path) -> pd.DataFrame:
    """The long file's capex, and what the conflicts file says was filed after it."""
    long = pd.read_csv(shared / "signals" / "long" / "observations.csv")
    long = long[long["series"] == "capex_quarterly"]
    long = long.assign(
        value_date=pd.to_datetime(long["value_date"]),
        known_at=pd.to_datetime(long["known_at"]).dt.tz_localize(None),
    )
    more = [
        row("amazon", dt.date(2025, 12, 31), 39.5031e9, "SEC 10-K"),
        row("microsoft", dt.date(2025, 12, 31), 29.8761e9, "SEC 10-Q"),
        row("alphabet", dt.date(2025, 12, 31), 27.8511e9, "SEC 10-K"),
        row("meta", dt.date(2025, 12, 31), 21.3831e9, "SEC 10-K"),
        row("oracle", dt.date(2026, 2, 28), 18.0001e9, "SEC 10-Q"),
        row("microsoft", dt.date(2026, 3, 31), 30.876e9, "SEC 10-Q"),
        row("alphabet", dt.date(2026, 3, 31), 35.674e9, "SEC 10-Q"),
        row("amazon", dt.date(2026, 3, 31), 44.2e9, "SEC 10-Q"),
        row("meta", dt.date(2026, 3, 31), 18.997e9, "SEC 10-Q"),
    ]
    frame = pd.concat([long[list(COLUMNS)], pd.DataFrame(more)], ignore_index=True)
    return frame[frame["entity"] != "alibaba"].reset_index(drop=True)


#: company, period, amount claimed, unit, the source's words, what must be found.
CLAIMS = [
    ("MSFT", "2026Q1", 22.6e9, "USD", FAKE, "not the filed amount"),
    ("GOOGL", "2026Q1", 17.4e9, "USD", FAKE, "about that of 2025-03-31"),
    ("AMZN", "2026Q1", 26.3e9, "USD", FAKE, "not the filed amount"),
    ("META", "2026Q1", float("nan"), "USD", "lowdown.today", "no number"),
    ("MSFT", "2025Q3", 35e9, "USD", "a page", "leases may be included"),
    ("META", "2024FY", 39.225e9, "USD", "earnings slides", "a year's amount"),
    ("MSFT", "2025Q3", 26.0e9, "USD", "hand-made series", "rounded"),
    ("AMZN", "2025Q3", 30.0e9, "USD", "hand-made series", "not the filed amount"),
    ("AMZN", "2025Q2", 31.4e9, "USD", "a page", "net of incentives"),
    ("AMZN", "2025FY", 125e9, "USD", "press", "a year's amount"),
    ("AMZN", "2025FY", 131e9, "USD", "press", "a year's amount"),
    ("TENCENT", "2025Q1", 274.8e9, "CNY", "reportify.ai", "unit slip: 274.8bn"),
    ("TENCENT", "2024Q4", 39e9, "CNY", "Reuters", "or it is accrued"),
    ("TENCENT", "2025Q3", 20.0e9, "CNY", "hk01, cash paid", "paid in cash"),
]


def test_what_was_filed_is_clean(filed: pd.DataFrame):
    found = [f for f in capex_findings(filed) if "tencent" not in f.where]
    assert found == []


@pytest.mark.parametrize(
    ("company", "period", "value", "unit", "words", "said"), CLAIMS
)
def test_a_circulating_figure_is_found(
    filed: pd.DataFrame,
    company: str,
    period: str,
    value: float,
    unit: str,
    words: str,
    said: str,
):
    entity = ENTITIES[company]
    claim = row(entity, quarter_end(period), value, words, unit=unit)
    with_claim = pd.concat([filed, pd.DataFrame([claim])], ignore_index=True)
    before = capex_findings(filed)
    new = [one for one in capex_findings(with_claim) if one not in before]
    place = f"capex_quarterly: {entity}, row {len(with_claim)}"
    assert {one.where for one in new} == {place}
    assert any(said in one.what for one in new), new
    assert {one.first for one in new} == {str(quarter_end(period))}
    assert all(one.action and one.severity in ("warning", "error") for one in new)


def test_the_claims_are_the_files_own(shared: Path):
    """Every row of the conflicts file is tried above or below."""
    path = shared / "signals" / "raw" / "capex_conflicts.csv"
    with path.open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    tried = {(company, period) for company, period, *_ in CLAIMS}
    rest = {(one["company"], one["period"]) for one in rows} - tried
    assert rest == {("AMZN", "2017+"), ("ANY", "all")}


def test_a_concept_switch_that_ends_a_series_is_found(filed: pd.DataFrame):
    late = (filed["entity"] == "amazon") & (filed["value_date"] > "2023-12-31")
    found = capex_findings(filed[~late])
    (only,) = [one for one in found if one.where == "capex_quarterly: amazon"]
    assert only.severity == "error"
    assert only.what.startswith("series ends on 2023-12-31")
    assert PRODUCTIVE in only.action


def test_the_last_filing_instead_of_the_first_is_found(filed: pd.DataFrame):
    own = filed["entity"] == "amazon"
    wrong = filed.assign(
        known_at=filed["known_at"].where(
            ~own, filed["known_at"] + pd.Timedelta(days=364)
        )
    )
    (only,) = [f for f in capex_findings(wrong) if "amazon" in f.where]
    assert only.what.startswith("last filing, not first")
    assert "17 of 17 quarters" in only.what


def test_the_end_of_the_period_as_known_date_is_found(filed: pd.DataFrame):
    wrong = filed.assign(known_at=filed["value_date"])
    found = [f for f in capex_findings(wrong) if "before any company" in f.what]
    assert len(found) == filed["entity"].nunique()
