"""Sessions of the exchanges, with their opens and closes in UTC."""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import importlib
import importlib.metadata
import importlib.resources
import os
import tempfile
import tomllib
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import platformdirs

from engine.errors import CalendarError, nearest

#: Exchanges that share another's sessions (exchange_calendars has no XSHE or XNAS).
SAME_SESSIONS = {
    "XNAS": "XNYS",
    "OTCM": "XNYS",
    "ARCX": "XNYS",
    "XSHE": "XSHG",
    "XKOS": "XKRX",
}
#: Exchanges with sessions of their own.
CALENDARS = ("XNYS", "XHKG", "XSHG", "XKRX", "XTAI", "XTKS", "XAMS", "XLON")
#: Years asked of exchange_calendars; some calendars know less.
COVERED = (dt.date(2015, 1, 1), dt.date(2027, 12, 31))


def known_mics() -> tuple[str, ...]:
    """Return every exchange whose sessions can be given, in a fixed order."""
    return (*CALENDARS, *SAME_SESSIONS)


#: Sessions per year of the calendars a study can run on, rounded means of 2016-2025.
SESSIONS_PER_YEAR = {"XNYS": 252.0, "XHKG": 246.0, "XSHG": 243.0, "XKRX": 245.0}


def calendar_of(mic: str) -> str:
    """Return the MIC whose sessions `mic` follows."""
    return SAME_SESSIONS.get(mic, mic)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sessions:
    """Trading days of one exchange.

    `days` is a session index of length T; `open_utc` and `close_utc` are
    ``datetime64[ns]`` arrays of shape (T,), in UTC.
    """

    mic: str
    days: pd.DatetimeIndex
    open_utc: np.ndarray
    close_utc: np.ndarray

    def __len__(self) -> int:
        return len(self.days)

    def closed_by(self, moment: np.datetime64) -> int:
        """Return how many sessions have closed at or before `moment` (UTC)."""
        return int(np.searchsorted(self.close_utc, moment, side="right"))

    def first(self, count: int) -> Sessions:
        """Return the first `count` sessions, without copying."""
        return Sessions(
            mic=self.mic,
            days=self.days[:count],
            open_utc=self.open_utc[:count],
            close_utc=self.close_utc[:count],
        )


def sessions(mic: str, start: dt.date, end: dt.date) -> Sessions:
    """Return the sessions of an exchange from `start` to `end`, both included.

    Half days close when they closed. Exchanges that follow another's sessions
    (`SAME_SESSIONS`) carry the other's MIC. The sessions come from
    exchange_calendars, corrected by ``overrides.toml``, and are cached on disk.

    Raises
    ------
    CalendarError
        The exchange is unknown, `start` lies after `end`, or its calendar does not
        reach that far: no session is ever guessed.
    """
    calendar = calendar_of(mic)
    if calendar not in CALENDARS:
        raise CalendarError(
            f"no calendar for exchange {mic!r}; known are {', '.join(known_mics())}. "
            f"{nearest(mic, known_mics())}".rstrip()
        )
    if start > end:
        raise CalendarError(f"{mic}: sessions from {start} to {end}: start after end")
    first, last = covered(calendar)
    if start < first or end > last:
        raise CalendarError(
            f"{mic}: sessions asked from {start} to {end}, but the calendar of "
            f"{calendar} covers {first} to {last}; stay inside, or update "
            "exchange_calendars"
        )
    days, open_utc, close_utc = _timetable(calendar)
    low = int(np.searchsorted(days, np.datetime64(start)))
    high = int(np.searchsorted(days, np.datetime64(end), side="right"))
    return Sessions(
        mic=calendar,
        days=pd.DatetimeIndex(days[low:high], name="session"),
        open_utc=open_utc[low:high],
        close_utc=close_utc[low:high],
    )


def covered(mic: str) -> tuple[dt.date, dt.date]:
    """Return the first and last day for which an exchange's sessions are known."""
    days = _timetable(calendar_of(mic))[0]
    # A calendar bounded inside the years asked for ends in the year of its last session
    last = min(COVERED[1], dt.date(int(str(days[-1])[:4]), 12, 31))
    return COVERED[0], last


def cache_folder() -> Path:
    """Return the folder for what can be rebuilt; ``ASSAY_HOME`` moves it."""
    home = os.environ.get("ASSAY_HOME")
    return Path(home) if home else Path(platformdirs.user_cache_dir("assay"))


@functools.cache
def _timetable(calendar: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return days, opens and closes (read-only) of all covered sessions."""
    place = _cache_file(calendar)
    table = _read_cache(place)
    if table is None:
        table = _without_closed_days(_from_exchange_calendars(calendar), calendar)
        _write_cache(place, table)
    moments = table.view("datetime64[ns]")
    moments.flags.writeable = False
    return moments[0], moments[1], moments[2]


def _from_exchange_calendars(calendar: str) -> np.ndarray:
    """Return int64 nanoseconds since 1970, rows days, opens, closes: shape (3, T)."""
    # Half a second to import and up to seconds to build: only without a cache.
    module = importlib.import_module(
        f"exchange_calendars.exchange_calendar_{calendar.lower()}"
    )
    factory = getattr(module, f"{calendar}ExchangeCalendar")
    start, end = COVERED
    bound = factory.bound_max()
    if bound is not None:
        end = min(end, bound.date())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it uses calls that pandas 3 deprecates
        built = factory(start=start.isoformat(), end=end.isoformat())
    columns = (
        built.sessions.as_unit("ns"),
        pd.DatetimeIndex(built.opens).tz_localize(None).as_unit("ns"),
        pd.DatetimeIndex(built.closes).tz_localize(None).as_unit("ns"),
    )
    return np.stack([column.asi8 for column in columns])


def _without_closed_days(table: np.ndarray, calendar: str) -> np.ndarray:
    """Return the table without the days that ``overrides.toml`` says were closed."""
    rows = tomllib.loads(_overrides().decode())["closed"]
    closed = [np.datetime64(row["day"], "ns") for row in rows if row["mic"] == calendar]
    shut = np.array(closed, dtype="datetime64[ns]").astype(np.int64)
    return table[:, ~np.isin(table[0], shut)]


@functools.cache
def _overrides() -> bytes:
    """Return the text of the dated corrections."""
    beside = importlib.resources.files("engine.market")
    return beside.joinpath("overrides.toml").read_bytes()


def _cache_file(calendar: str) -> Path:
    """Return where a calendar is cached: named after all that its content follows."""
    release = importlib.metadata.version("exchange_calendars")
    told = _overrides() + repr(COVERED).encode()
    digest = hashlib.sha256(told).hexdigest()[:12]
    return cache_folder() / "calendars" / f"{calendar}-{release}-{digest}.sessions"


def _read_cache(place: Path) -> np.ndarray | None:
    """Return the cached table, or None where there is none that can be trusted.

    A cache file is the SHA-256 of the table's bytes followed by those bytes.
    """
    try:
        stored = place.read_bytes()
    except OSError:
        return None
    digest, content = stored[:32], stored[32:]
    if not content or hashlib.sha256(content).digest() != digest:
        return None
    return np.frombuffer(content, dtype="<i8").reshape(3, -1)


def _write_cache(place: Path, table: np.ndarray) -> None:
    """Store the table under a temporary name and move it; a failure costs only time."""
    content = np.ascontiguousarray(table, dtype="<i8").tobytes()
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        handle, unfinished = tempfile.mkstemp(dir=place.parent, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as out:
                out.write(hashlib.sha256(content).digest() + content)
            os.replace(unfinished, place)
        except OSError:
            os.unlink(unfinished)
            raise
    except OSError:
        return  # a read-only or full disk: the sessions are built again next time
