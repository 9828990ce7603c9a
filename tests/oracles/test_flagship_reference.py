"""The flagship's events and claims against the hand-read reference."""

from __future__ import annotations

import csv
import datetime as dt
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.evidence.windows import day_zero, event_moment
from engine.market.calendar import sessions
from engine.thesis.model import Claim, Thesis

pytestmark = pytest.mark.shared
#: Event of the thesis -> rows of events.csv for its day, its reaction and its drift.
EVENTS = {
    "hbm-controls": ("E07", "E07", None),
    "deepseek-r1": ("E08", "E08", None),
    "deepseek-selloff": ("E09", "E09", "E10"),
    "diffusion-rescinded": ("E12", "E12", None),
    "ai-plus": ("E13", "E13", None),
    "alibaba-september-quarter": ("E15", "E15", None),
    "seedance-2": ("E22", "E22", None),
    "sora-ends": ("E26", "E26", None),
    "deepseek-v4": ("E30", None, "E30"),
    "alibaba-fiscal-2026": ("E33", "E33", None),
    "v4-price-cut": ("E34", None, "E34"),
    "bis-parent-rule": ("E37", "E37", None),
}
#: Event of the thesis -> day in the timeline oracle.
TIMELINE = {
    "deepseek-r1": "2025-01-20",
    "deepseek-selloff": "2025-01-27",
    "h20-licence": "2025-04-15",
    "qwen3": "2025-04-28",
    "diffusion-rescinded": "2025-05-13",
    "kimi-k2": "2025-07-11",
    "deepseek-v3.1": "2025-08-21",
    "deepseek-v3.2": "2025-09-29",
    "deepseek-v4": "2026-04-24",
    "bis-parent-rule": "2026-05-31",
}
LAYERS = ("compute", "memory", "cloud", "application", "labs")


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


@pytest.fixture(scope="module")
def thesis(root: Path) -> Thesis:
    text = (root / "examples" / "open_weights.toml").read_text(encoding="utf-8")
    return Thesis.model_validate(tomllib.loads(text))


@pytest.fixture(scope="module")
def rows(shared: Path) -> dict[str, dict[str, str]]:
    return {row["id"]: row for row in read(shared / "reference" / "events.csv")}


def signs(row: dict[str, str]) -> dict[str, str]:
    return {
        layer: "+" if row[f"sign_{layer}"] == "1" else "-"
        for layer in LAYERS
        if row[f"sign_{layer}"]
    }


def test_every_event_is_checked(thesis: Thesis) -> None:
    assert {event.id for event in thesis.events} == EVENTS.keys() | TIMELINE.keys()
    assert len(EVENTS) >= 8


@pytest.mark.parametrize("identifier", EVENTS)
def test_days_and_signs(
    thesis: Thesis, rows: dict[str, dict[str, str]], identifier: str
) -> None:
    event = thesis.event(identifier)
    on, reaction, drift = EVENTS[identifier]
    day = event.at.date() if isinstance(event.at, dt.datetime) else event.at
    # a month in the reference has its public day in the timeline or in its note
    assert day.isoformat().startswith(rows[on]["date"])
    if rows[on]["precision"] == "month":
        note = rows[on]["note"] + rows[on]["title"]
        assert day.isoformat() in note or identifier in TIMELINE
    assert event.expected.reaction == (signs(rows[reaction]) if reaction else {})
    assert event.expected.drift == (signs(rows[drift]) if drift else {})
    first = rows[on]["first_us_session"]
    if first:
        calendar = sessions("XNYS", dt.date(2024, 1, 1), dt.date(2026, 7, 31))
        zero = day_zero(calendar, event_moment(event.at, [calendar]))
        assert zero is not None
        assert calendar.days[zero].date().isoformat() == first


@pytest.mark.parametrize("identifier", TIMELINE)
def test_first_sessions(thesis: Thesis, shared: Path, identifier: str) -> None:
    path = shared / "oracles" / "timeline" / "event_first_session_by_exchange.csv"
    row = next(row for row in read(path) if row["date"] == TIMELINE[identifier])
    span = (dt.date(2024, 1, 1), dt.date(2026, 7, 31))
    calendars = [sessions(mic, *span) for mic in ("XNYS", "XHKG", "XSHG", "XKRX")]
    moment = event_moment(thesis.event(identifier).at, calendars)
    for calendar in calendars:
        zero = day_zero(calendar, moment)
        assert zero is not None
        assert calendar.days[zero].date().isoformat() == row[calendar.mic]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hypothesis:
    """A row of claims.md."""

    documents: frozenset[str]
    grade: str
    tickers: frozenset[str]


@pytest.fixture(scope="module")
def reference(shared: Path) -> str:
    return (shared / "reference" / "claims.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def hypotheses(reference: str) -> dict[str, Hypothesis]:
    rows = {}
    for line in reference.splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if re.match(r"\| H\d\d ", line):
            rows[cells[1]] = Hypothesis(
                documents=frozenset(re.findall(r"\b00[0-4]\b", cells[2])),
                grade=cells[-2],
                tickers=frozenset(
                    re.findall(r"\b(?:\d{4,6}\.[A-Z]{2}|[A-Z]{4,5})\b", cells[3])
                ),
            )
    return rows


@pytest.fixture(scope="module")
def available(reference: str) -> dict[str, dt.date]:
    """The day from which each document counts, from the head of claims.md."""
    (line,) = [one for one in reference.splitlines() if one.startswith("Out-of-sample")]
    found = re.findall(r"(00[0-4]) -> (\d{4}-\d\d-\d\d)", line)
    return {document: dt.date.fromisoformat(day) for document, day in found}


def parts(thesis: Thesis, number: str) -> list[Claim]:
    """The claims that a hypothesis or a monitor has in the thesis."""
    return [
        claim
        for claim in thesis.claims
        if claim.id.split("-")[0] == number
        or (number, claim.id) == ("H02", "right-layer")
    ]


def documents(claim: Claim) -> set[str]:
    return {code.strip() for code in claim.document.split(",")}


def test_all_hypotheses_were_read(hypotheses: dict[str, Hypothesis]) -> None:
    assert list(hypotheses) == [f"H{number:02d}" for number in range(1, 29)]
    assert hypotheses["H17"].documents == {"000"}
    assert hypotheses["H23"].documents == {"000", "002", "004"}
    assert hypotheses["H26"].tickers == {"GOOGL", "META", "MSFT", "NVDA"}


@pytest.mark.parametrize("number", [f"H{number:02d}" for number in range(1, 29)])
def test_documents_grades_and_dates_are_those_of_the_reference(
    thesis: Thesis,
    hypotheses: dict[str, Hypothesis],
    available: dict[str, dt.date],
    number: str,
) -> None:
    row, claims = hypotheses[number], parts(thesis, number)
    stated = {claim.id: documents(claim) for claim in claims}
    if row.documents:  # H25 and the rest name theirs
        assert set().union(*stated.values()) == row.documents
    for claim in claims:
        # "A for one event; C in general", "B for HHI, C for returns": the first letter
        general = number == "H02" and claim.scope == "law"
        grade = "C" if general else row.grade[0]
        if grade != "-":  # two rows have none
            assert claim.grade == grade, claim.id
        first = min(available[code] for code in stated[claim.id])
        assert thesis.declared_of(claim) == first, claim.id


def test_monitors_are_of_004_from_its_day(
    thesis: Thesis, available: dict[str, dt.date]
) -> None:
    for number in range(1, 6):
        for claim in parts(thesis, f"W{number}"):
            assert documents(claim) == {"004"}
            assert thesis.declared_of(claim) == available["004"]


@pytest.mark.parametrize(
    ("number", "baskets"),
    [
        ("H26", ["us_ai"]),
        ("H27", ["nvidia", "us_labs"]),
        ("H28", ["chinese_labs", "chinese_chips", "nvidia"]),
        ("H12", ["chinese_chips"]),
        ("H21", ["chinese_compute"]),
        ("H14", ["servers"]),
        ("H04", ["hedge"]),
    ],
)
def test_baskets_hold_the_firms_that_the_reference_names(
    thesis: Thesis, hypotheses: dict[str, Hypothesis], number: str, baskets: list[str]
) -> None:
    """Microsoft has a line and no layer, so it is in no study: it is left out."""
    held = {ticker for name in baskets for ticker in thesis.baskets[name]}
    short = {"AMD"}  # of three letters, which are words elsewhere
    named = hypotheses[number].tickers - {"MSFT"}
    if number in ("H27", "H04"):  # the US labs of H27 are those of H26, H04 names both
        named |= {"GOOGL", "META", "NVDA", "AVGO"}
        named -= {"GOOGL", "META"} if number == "H04" else {"AVGO"}
    assert held - short == named
    used = {
        claim.params.get(key)
        for claim in parts(thesis, number)
        for key in ("layer", "long", "short")
    }
    assert set(baskets) <= used
