"""Day zero of fifteen events on seven exchanges."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest

from engine.evidence.windows import day_zero, event_moment
from engine.market.calendar import Sessions, sessions

pytestmark = pytest.mark.shared

EXCHANGES = ("XNYS", "XHKG", "XSHG", "XKRX", "XTAI", "XTKS", "XAMS")

#: What each word of the timeline says in UTC. A date alone is before the earliest open
#: of the day; "afterUS" is past the New York close (20:00 or 21:00) and before Seoul
#: opens at 00:00; "afterAsia" is past the Hong Kong close (08:00) and before Amsterdam
#: (15:30) and New York close.
TIMING = {
    "day": None,
    "open": None,
    "afterUS": dt.time(21, 30, tzinfo=dt.UTC),
    "afterAsia": dt.time(12, 0, tzinfo=dt.UTC),
}


@pytest.fixture(scope="module")
def timetables() -> dict[str, Sessions]:
    return {
        mic: sessions(mic, dt.date(2024, 12, 2), dt.date(2026, 6, 30))
        for mic in EXCHANGES
    }


@pytest.fixture(scope="module")
def timeline(shared: Path) -> pd.DataFrame:
    return pd.read_csv(
        shared / "oracles" / "timeline" / "event_first_session_by_exchange.csv"
    )


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_first_session_by_exchange(
    exchange: str, timeline: pd.DataFrame, timetables: dict[str, Sessions]
) -> None:
    assert len(timeline) == 15
    timetable = timetables[exchange]
    for event in timeline.to_dict("records"):
        date = dt.date.fromisoformat(event["date"])
        time = TIMING[event["timing"]]
        at = date if time is None else dt.datetime.combine(date, time)
        zero = day_zero(timetable, event_moment(at, timetables.values()))
        assert zero is not None
        assert str(timetable.days[zero].date()) == event[exchange], event["event"]


def test_news_at_the_real_hour_of_gpt5(timetables: dict[str, Sessions]) -> None:
    """10:00 in California on 7 August 2025: New York reacts that day, Asia the next."""
    at = dt.datetime(2025, 8, 7, 10, tzinfo=dt.timezone(-dt.timedelta(hours=7)))
    moment = event_moment(at, timetables.values())
    found = {}
    for mic in ("XNYS", "XHKG", "XSHG", "XKRX"):
        zero = day_zero(timetables[mic], moment)
        assert zero is not None
        found[mic] = timetables[mic].days[zero].date()
    assert found.pop("XNYS") == dt.date(2025, 8, 7)
    assert set(found.values()) == {dt.date(2025, 8, 8)}
