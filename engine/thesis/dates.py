"""Days and moments of a thesis file, as TOML dates or as quoted ISO text."""

from __future__ import annotations

import datetime as dt
import re
from typing import TypeVar

from engine.thesis.complaint import shown

FIRST_YEAR, LAST_YEAR = 1950, 2100
DayT = TypeVar("DayT", bound=dt.date)

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def as_date(value: object) -> dt.date:
    """Return a day; ValueError saying what was expected where it is none."""
    if isinstance(value, dt.datetime):
        raise ValueError(
            f"expected a date such as 2025-01-27, found {value.isoformat()}; "
            "leave the time out"
        )
    if isinstance(value, dt.date):
        return _in_range(value)
    if isinstance(value, str) and _DAY.fullmatch(value):
        return _in_range(_parsed(dt.date, value))
    raise ValueError(f"expected a date such as 2025-01-27, found {shown(value)}")


def as_moment(value: object) -> dt.datetime | dt.date:
    """Return a day or a moment with a time zone; ValueError where it is neither."""
    if isinstance(value, str):
        if _DAY.fullmatch(value):
            return as_date(value)
        value = _parsed(dt.datetime, value)
    if not isinstance(value, dt.datetime):
        return as_date(value)
    if value.tzinfo is None:
        raise ValueError(
            f"{value.isoformat()} has no time zone; end it with Z for UTC or with an "
            "offset such as +08:00, or give a date alone"
        )
    _in_range(value)
    return value


def _parsed(kind: type[DayT], text: str) -> DayT:
    try:
        return kind.fromisoformat(text)
    except ValueError as error:
        raise ValueError(
            f"expected a date such as 2025-01-27, found {shown(text)}"
        ) from error


def _in_range(day: dt.date) -> dt.date:
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValueError(
            f"the year of {day.isoformat()} is not between {FIRST_YEAR} and {LAST_YEAR}"
        )
    return day
