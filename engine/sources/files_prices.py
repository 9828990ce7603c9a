"""Prices and exchange rates from the files of one folder, checked row by row."""

from __future__ import annotations

import datetime as dt
import tomllib
import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from engine.errors import DataError, at_most, nearest
from engine.market.currency import Fixings
from engine.market.market import Finding
from engine.market.panel import SESSION
from engine.sources.files_table import (
    Table,
    days_of,
    numbers_of,
    read_bytes,
    read_csv,
    read_parquet,
    read_text,
)

PRICES = ("open", "high", "low", "close", "adj_close")
COLUMNS = (*PRICES, "volume")
#: What a share paid and became on its ex-day: closes beside them are as traded.
ACTIONS = ("dividend", "split")
SYNONYMS = {"adjclose": "adj_close", "adjusted_close": "adj_close", "datetime": "date"}
#: No quote of any currency lies outside; what does would overflow when compounded.
LOWEST, HIGHEST = 1e-9, 1e12
#: Rates whose time of fixing nobody has stated count as known at the end of their day.
UNSTATED_FIX = dt.time(23, 59)
SETTINGS = "folder.toml"
FX_SUFFIX = "=X"


@dataclass(frozen=True, slots=True, kw_only=True)
class FixTime:
    """When a folder's exchange rates are fixed, and for which files that was stated."""

    fix: dt.time
    zone: str
    pairs: tuple[str, ...]
    stated: bool

    def moments(self, days: pd.DatetimeIndex) -> np.ndarray:
        """Return the UTC moment of the fix of each day, ``datetime64[ns]``."""
        since_midnight = pd.Timedelta(hours=self.fix.hour, minutes=self.fix.minute)
        local = (days + since_midnight).tz_localize(
            self.zone, ambiguous=np.zeros(len(days), bool), nonexistent="shift_forward"
        )
        return local.tz_convert(None).as_unit("ns").to_numpy()


def read_table(place: Path) -> Table:
    """Return a CSV or Parquet file with Yahoo's column names."""
    table = read_csv(place) if place.suffix.lower() == ".csv" else read_parquet(place)
    return Table(
        name=table.name,
        cells=table.cells.rename(columns=SYNONYMS),
        digest=table.digest,
    )


def price_frame(table: Table) -> pd.DataFrame:
    """Return a file's prices on a session index, in float64, wholly blank columns out.

    Raises
    ------
    DataError
        No column of dates or of closing prices, or no price in them; days that
        repeat or fall back; prices that are no positive number; a negative volume.
    """
    days = _days(table)
    columns = {name: numbers_of(table, name) for name in COLUMNS if table.has(name)}
    told = {name: numbers_of(table, name) for name in ACTIONS if table.has(name)}
    for name, values in told.items():
        table.complain(values < 0.0, f"{name} {{{name}}} is negative")
    for name, values in columns.items():
        too_low = values < 0.0 if name == "volume" else values <= 0.0
        bound = "negative" if name == "volume" else "not positive"
        table.complain(too_low, f"{name} {{{name}}} is {bound}")
        if name != "volume":
            odd = (values < LOWEST) | (values > HIGHEST)
            table.complain(odd, f"{name} {{{name}}} is no price of any currency")
    if not {"close", "adj_close"} & set(columns):
        raise DataError(
            f"{table.name}: no column close or adj_close; it has "
            f"{at_most(table.cells.columns, 8)}"
        )
    every = columns | told
    held = {name: v for name, v in every.items() if not np.isnan(v).all()}
    if not {"close", "adj_close"} & set(held):
        raise DataError(f"{table.name}: no close or adj_close in any row")
    return pd.DataFrame(held, index=days)


def frame_findings(symbol: str, frame: pd.DataFrame) -> Iterator[Finding]:
    """Yield what is odd about a frame that can be used."""
    if {"high", "low"} <= set(frame.columns):
        upside_down = frame["high"].to_numpy() < frame["low"].to_numpy() * (1 - 1e-9)
        yield from _rows_finding(symbol, frame, upside_down, "high below low", "")
    if {"close", "adj_close"} <= set(frame.columns):
        lost = frame["adj_close"].isna().to_numpy() & frame["close"].notna().to_numpy()
        yield from _rows_finding(
            symbol, frame, lost, "a close without an adjusted close", "left out"
        )


def fixings(currency: str, table: Table, fix_time: FixTime) -> Fixings:
    """Return a currency's rates (units per dollar) with the moment of each fix."""
    frame = price_frame(table)
    column = "close" if "close" in frame.columns else "adj_close"
    rates = frame[column].dropna()
    days = pd.DatetimeIndex(rates.index)
    return Fixings(
        currency=currency,
        fixed_utc=fix_time.moments(days),
        per_usd=rates.to_numpy(),
        source=table.name,
    )


def read_fix_time(folder: Path) -> tuple[FixTime, str]:
    """Return when the folder's rates are fixed, and the text that says so.

    Without a ``folder.toml`` a rate counts as known one minute before the end of its
    day in UTC: after every close of the Americas, so never too early for a session of
    the same date. Raises `DataError` for settings that cannot be read.
    """
    place = folder / SETTINGS
    unstated = FixTime(fix=UNSTATED_FIX, zone="UTC", pairs=(), stated=False)
    if not place.is_file():
        return unstated, ""
    text = read_text(place, read_bytes(place))
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"{SETTINGS}: not valid TOML: {error}") from error
    if "fx" not in told:
        return unstated, text
    section = told["fx"]
    known = ("pairs", "fix", "timezone")
    if not isinstance(section, dict) or set(section) - set(known):
        odd = at_most(set(section) - set(known)) if isinstance(section, dict) else "fx"
        raise DataError(
            f"{SETTINGS}: [fx] knows {', '.join(known)}, not {odd}. "
            f"{nearest(odd, known)}".rstrip()
        )
    missing = [key for key in ("fix", "timezone") if key not in section]
    if missing:
        raise DataError(f"{SETTINGS}: [fx] has no {at_most(missing)}")
    return (
        FixTime(
            fix=_clock(section["fix"]),
            zone=_zone(section["timezone"]),
            pairs=_pairs(section.get("pairs", [])),
            stated=True,
        ),
        text,
    )


def _days(table: Table) -> pd.DatetimeIndex:
    """Return the file's days, or raise `DataError` unless they only ever increase."""
    if not table.has("date"):
        raise DataError(
            f"{table.name}: no column date; it has {at_most(table.cells.columns, 8)}"
        )
    days = days_of(table, "date").rename(SESSION)
    again = days.duplicated()
    if again.any():
        first = int(days.get_indexer_for(days[again][:1])[0])
        table.complain(
            again,
            f"date {{date}} appears twice (first in row {table.cells.index[first]}); "
            "keep one row per date",
        )
    back = np.concatenate([[False], np.diff(days.asi8) < 0])
    table.complain(
        back, "date {date} comes before the date above it; sort by date, oldest first"
    )
    return days


def _rows_finding(
    symbol: str, frame: pd.DataFrame, rows: np.ndarray, what: str, action: str
) -> Iterator[Finding]:
    """Yield one finding that counts the rows and names the first and last day."""
    days = pd.DatetimeIndex(frame.index)[np.flatnonzero(rows)]
    if len(days):
        yield Finding(
            severity="warning",
            where=symbol,
            what=f"{len(days)} row{' has' if len(days) == 1 else 's have'} {what}",
            action=action or "used as they are",
            first=days[0].date().isoformat(),
            last=days[-1].date().isoformat(),
        )


def _clock(told: object) -> dt.time:
    """Return a time of day from ``"14:15"`` or a TOML time."""
    if isinstance(told, dt.time):
        return told
    try:
        return dt.time.fromisoformat(str(told))
    except ValueError as error:
        raise DataError(
            f"{SETTINGS}: fix = {told!r} is not a time of day as in '14:15'"
        ) from error


def _zone(told: object) -> str:
    """Return a time zone that exists."""
    try:
        return zoneinfo.ZoneInfo(str(told)).key
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise DataError(
            f"{SETTINGS}: timezone = {told!r} is not a time zone as in 'Europe/Berlin'"
        ) from error


def _pairs(told: object) -> tuple[str, ...]:
    """Return the symbols of rates for which the time of the fix was stated."""
    if not isinstance(told, list) or not all(
        isinstance(pair, str) and pair.endswith(FX_SUFFIX) for pair in told
    ):
        raise DataError(
            f"{SETTINGS}: pairs = {told!r} is not a list of symbols as in 'HKD=X'"
        )
    return tuple(told)
