"""The flagship's events and claims against the hand-read reference."""

from __future__ import annotations

import csv
import datetime as dt
import re
import tomllib
from pathlib import Path

import pytest

from engine.evidence.windows import day_zero, event_moment
from engine.market.calendar import sessions
from engine.thesis.model import Thesis

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


def test_claims_and_grades(thesis: Thesis, shared: Path) -> None:
    text = (shared / "reference" / "claims.md").read_text(encoding="utf-8")
    grades = {
        line.split("|")[1].strip(): line.split("|")[-2].strip()
        for line in text.splitlines()
        if re.match(r"\| H\d\d ", line)
    }
    for claim in thesis.claims:
        if "law" in claim.id:  # "A for one event, C in general"
            assert claim.grade == "C"
            continue
        number = "H02" if claim.id == "right-layer" else claim.id.split("-")[0]
        if number not in grades:  # monitors and the two readings of cloud have none
            assert number == "cloud" or number[0] == "W"
            continue
        if grades[number][0] != "-":
            assert claim.grade == grades[number][0], claim.id
