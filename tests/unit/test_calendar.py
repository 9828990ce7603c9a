"""Sessions: closures, half days, corrections, what no calendar can give, the cache."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from engine.errors import CalendarError
from engine.market import calendar
from engine.market.calendar import covered, sessions


def days_of(mic: str, start: str, end: str) -> list[str]:
    own = sessions(mic, dt.date.fromisoformat(start), dt.date.fromisoformat(end))
    return list(own.days.strftime("%m-%d"))


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of its own, with nothing remembered in the process."""
    monkeypatch.setenv("ASSAY_HOME", str(tmp_path / "home"))
    calendar._timetable.cache_clear()
    yield tmp_path / "home" / "calendars"
    calendar._timetable.cache_clear()


def test_the_week_of_the_selloff_differs_by_exchange() -> None:
    week = ("2025-01-24", "2025-02-05")
    assert days_of("XNYS", *week)[:4] == ["01-24", "01-27", "01-28", "01-29"]
    assert days_of("XKRX", *week)[:3] == ["01-24", "01-31", "02-03"]
    assert days_of("XHKG", *week)[:4] == ["01-24", "01-27", "01-28", "02-03"]
    assert days_of("XSHG", *week) == ["01-24", "01-27", "02-05"]


@pytest.mark.parametrize(
    ("mic", "day", "opened", "closed"),
    [
        ("XNYS", "2025-01-27", "14:30", "21:00"),  # winter time
        ("XNYS", "2025-07-07", "13:30", "20:00"),  # summer time
        ("XNYS", "2025-07-03", "13:30", "17:00"),  # half day
        ("XHKG", "2025-01-27", "01:30", "08:00"),
        ("XHKG", "2025-01-28", "01:30", "04:00"),  # half day
        ("XSHG", "2025-01-27", "01:30", "07:00"),
        ("XKRX", "2025-01-31", "00:00", "06:30"),
        ("XKRX", "2025-01-02", "01:00", "06:30"),  # first day of a year: opens late
    ],
)
def test_opens_and_closes_are_utc(mic: str, day: str, opened: str, closed: str) -> None:
    own = sessions(mic, dt.date.fromisoformat(day), dt.date.fromisoformat(day))
    assert str(own.open_utc[0]) == f"{day}T{opened}:00.000000000"
    assert str(own.close_utc[0]) == f"{day}T{closed}:00.000000000"


@pytest.mark.parametrize(
    ("mic", "day"),
    [
        ("XHKG", "2023-09-01"),
        ("XHKG", "2023-09-08"),
        ("XKRX", "2026-06-03"),
        ("XKRX", "2026-07-17"),
    ],
)
def test_overrides_close_days_that_the_library_leaves_open(mic: str, day: str) -> None:
    closed = dt.date.fromisoformat(day)
    around = sessions(mic, closed - dt.timedelta(4), closed + dt.timedelta(4))
    assert len(around) >= 4
    assert np.datetime64(closed) not in around.days.to_numpy()


def test_every_override_says_why_and_where_it_was_read() -> None:
    import tomllib

    rows = tomllib.loads(calendar._overrides().decode())["closed"]
    assert all(row["reason"] and row["source"] for row in rows)
    assert all(row["mic"] in calendar.CALENDARS for row in rows)


def test_exchanges_that_share_sessions_share_a_calendar() -> None:
    span = (dt.date(2025, 1, 2), dt.date(2025, 1, 31))
    assert sessions("XNAS", *span).mic == "XNYS"
    assert sessions("XSHE", *span).days.equals(sessions("XSHG", *span).days)


def test_both_ends_are_included_and_a_weekend_is_empty() -> None:
    assert days_of("XNYS", "2025-01-24", "2025-01-27") == ["01-24", "01-27"]
    assert len(sessions("XNYS", dt.date(2025, 1, 25), dt.date(2025, 1, 26))) == 0


def test_a_session_is_closed_at_its_close_and_not_before() -> None:
    own = sessions("XNYS", dt.date(2025, 1, 24), dt.date(2025, 1, 28))
    assert own.closed_by(np.datetime64("2025-01-27T20:59:59.999999999")) == 1
    assert own.closed_by(np.datetime64("2025-01-27T21:00")) == 2
    assert own.first(2).days.equals(own.days[:2])


def test_the_index_is_a_session_index() -> None:
    own = sessions("XHKG", dt.date(2024, 1, 1), dt.date(2024, 12, 31))
    assert own.days.name == "session"
    assert own.days.dtype == "datetime64[ns]"
    assert own.days.tz is None
    assert own.days.is_unique
    assert own.days.is_monotonic_increasing
    assert (own.open_utc < own.close_utc).all()


def test_an_unknown_exchange_is_answered_with_the_nearest() -> None:
    with pytest.raises(CalendarError, match=r"'XNYSE'.*did you mean 'XNYS'"):
        sessions("XNYSE", dt.date(2025, 1, 1), dt.date(2025, 2, 1))


def test_dates_beyond_a_calendar_are_refused_not_guessed() -> None:
    assert covered("XSHE") == (dt.date(2015, 1, 1), dt.date(2026, 12, 31))
    with pytest.raises(CalendarError, match="XSHG covers 2015-01-01 to 2026-12-31"):
        sessions("XSHG", dt.date(2026, 1, 1), dt.date(2027, 1, 4))
    with pytest.raises(CalendarError, match="covers 2015-01-01"):
        sessions("XNYS", dt.date(2014, 12, 31), dt.date(2025, 1, 1))


def test_a_start_after_the_end_is_refused() -> None:
    with pytest.raises(CalendarError, match="start after end"):
        sessions("XNYS", dt.date(2025, 2, 1), dt.date(2025, 1, 1))


def test_cached_sessions_cannot_be_changed_by_a_caller() -> None:
    own = sessions("XNYS", dt.date(2025, 1, 2), dt.date(2025, 1, 31))
    with pytest.raises(ValueError, match="read-only"):
        own.close_utc[0] = np.datetime64("2030-01-01")


def test_a_warm_start_does_not_import_exchange_calendars(
    empty_cache: Path, root: Path
) -> None:
    told = (
        "import sys, datetime as dt\n"
        "from engine.market.calendar import sessions\n"
        "own = sessions('XSHG', dt.date(2025, 1, 1), dt.date(2025, 12, 31))\n"
        "print(len(own), 'exchange_calendars' in sys.modules)\n"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", told],
            cwd=root,
            env=os.environ | {"PYTHONPATH": str(root)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        for _ in range(2)
    ]
    assert runs == [["243", "True"], ["243", "False"]]
    assert [place.suffix for place in empty_cache.iterdir()] == [".sessions"]


@pytest.mark.parametrize("damage", ["emptied", "cut", "flipped"])
def test_a_damaged_cache_is_built_again(empty_cache: Path, damage: str) -> None:
    before = sessions("XSHG", dt.date(2025, 1, 1), dt.date(2025, 12, 31))
    (place,) = empty_cache.iterdir()
    good = place.read_bytes()
    bad = {
        "emptied": b"",
        "cut": good[:1000],
        "flipped": good[:500] + bytes([good[500] ^ 1]) + good[501:],
    }
    place.write_bytes(bad[damage])
    calendar._timetable.cache_clear()
    after = sessions("XSHG", dt.date(2025, 1, 1), dt.date(2025, 12, 31))
    assert after.days.equals(before.days)
    assert place.read_bytes() == good


def test_a_cache_that_cannot_be_written_is_no_error(
    empty_cache: Path, tmp_path: Path
) -> None:
    (tmp_path / "home").write_text("a file where the folder should be")
    own = sessions("XSHG", dt.date(2025, 1, 1), dt.date(2025, 12, 31))
    assert len(own) == 243
