"""Observations from files: the long format, weekly token lists, published shares."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from engine.errors import DataError, at_most
from engine.market.market import Finding
from engine.sources.files.signals import (
    MOMENT,
    observations,
    stranger_findings,
    unclear_moments,
)
from engine.sources.imports.cells import read_days, read_numbers, said_days, with_days
from engine.sources.imports.names import Names
from engine.sources.imports.sheet import Sheet
from engine.sources.imports.words import counted, moment_of
from engine.sources.stored.price_rows import PREFIX

SYNONYMS = {"date": "value_date", "line": "entity", "symbol": "entity"}
ISO = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SignalFile:
    """Observations in the long format's columns, and how they were understood."""

    rows: pd.DataFrame
    says: tuple[str, ...]
    findings: tuple[Finding, ...]


def is_signals(sheet: Sheet, names: Names) -> bool:
    """Return whether a sheet has observations, or is said to."""
    named = sheet.has("series") or bool(names.mapping.series)
    dated = sheet.has("value_date") or sheet.has("date")
    return named and dated and (sheet.has("value") or names.mapping.layout == "wide")


def read_signals(
    sheet: Sheet, names: Names, lag: dt.timedelta | None, source: str
) -> SignalFile:
    """Return the observations of a sheet in the long format.

    Raises
    ------
    DataError
        A column is missing and the mapping does not stand in for it; nothing says
        when a value became known, and there is no lag; and what
        `engine.sources.files.signals.observations` refuses.
    """
    mapping = names.mapping
    sheet, layout = _in_long_layout(sheet, mapping.layout)
    sheet, filled = _filled(sheet, names, source)
    days, written = read_days(sheet, "value_date", mapping.date_format)
    sheet = read_numbers(
        with_days(sheet, "value_date", days), ["value"], mapping.decimal
    )
    sheet, known = _with_known_at(sheet, lag)
    unclear = tuple(unclear_moments(sheet.table()))
    rows = _marked_zeros(observations(sheet.table()), mapping.zero)
    _check_series(rows, sheet.name)
    says = [
        layout,
        *filled,
        f"days are {written}, {said_days(days)}",
        known or "known_at as the file says",
        f"series: {at_most(rows['series'].unique())}; units: "
        f"{at_most(rows['unit'].replace('', 'none').unique())}",
    ]
    return SignalFile(
        rows=rows,
        says=(*sheet.says, *says),
        findings=(
            *unclear,
            *zero_findings(rows, sheet.name),
            *stranger_findings(rows, names.universe),
            *names.misspelt(rows["entity"].unique(), sheet.name),
            *start_findings(rows, sheet.name),
        ),
    )


def start_findings(rows: pd.DataFrame, name: str) -> Iterator[Finding]:
    """Yield from when on a series is known: before it, no event has a signal."""
    begins = rows.groupby("series", sort=False).agg(
        first=("value_date", "min"),
        last=("value_date", "max"),
        known=("known_at", "min"),
    )
    for _, own in begins.groupby(["first", "known"], sort=False):
        first, known = own["first"].iloc[0], own["known"].iloc[0]
        yield Finding(
            severity="info",
            where=name,
            what=f"no value of {at_most(own.index)} before {first.date()}, none known "
            f"before {moment_of(known)}",
            action="an event before that has no such signal",
            first=str(first.date()),
            last=str(own["last"].max().date()),
        )


def zero_findings(rows: pd.DataFrame, name: str) -> Iterator[Finding]:
    """Yield shares that are exactly zero among others that are not."""
    shares = rows[
        rows["series"].str.contains("share", regex=False)
        & rows["quality"].eq("observed")
    ]
    for (series, entity), own in shares.groupby(["series", "entity"], sort=False):
        zero = own[own["value"] == 0.0]
        if 0 < len(zero) < len(own):
            days = sorted(str(day.date()) for day in zero["value_date"])
            yield Finding(
                severity="warning",
                where=f"{name}: {series} of {entity}",
                what=f"exactly 0 on {len(days)} of {counted(len(own), 'date')}: "
                f"{at_most(days)}; where only the largest are listed that means not "
                "listed, not zero",
                action='kept as observed; to mark them say zero = "bound" in a mapping',
                first=days[0],
                last=days[-1],
            )


def _in_long_layout(sheet: Sheet, layout: str) -> tuple[Sheet, str]:
    """Return a sheet of signals with a row per observation, and how it was laid out."""
    sheet = sheet.renamed(
        {
            old: new
            for old, new in SYNONYMS.items()
            if sheet.has(old) and not sheet.has(new)
        }
    )
    if layout == "wide" and not sheet.has("value"):
        said = "wide: a row per day, a column per entity; blank cells left out"
        return _melted(sheet), said
    return sheet, "long: a row per observation"


def _check_series(rows: pd.DataFrame, name: str) -> None:
    """Raise `DataError` for a series that would pass for prices."""
    priced = [one for one in rows["series"].unique() if one.startswith(PREFIX)]
    if priced:
        raise DataError(
            f"{name}: series {at_most(priced)} begin like prices; name them otherwise"
        )


def _melted(sheet: Sheet) -> Sheet:
    """Return a wide sheet as one row per day and entity, blank cells left out."""
    rest = [column for column in sheet.columns if column != "value_date"]
    parts = [
        pd.DataFrame(
            {
                "value_date": sheet.cells["value_date"],
                "entity": sheet.heads[column],
                "value": sheet.cells[column],
            }
        )
        for column in rest
    ]
    cells = pd.concat(parts)
    return replace(sheet, cells=cells[cells["value"].notna()])


def _filled(sheet: Sheet, names: Names, source: str) -> tuple[Sheet, list[str]]:
    """Return the sheet with the columns that the mapping or a default stands in for.

    A column of the file wins over the mapping; an empty source does not.
    """
    mapping, cells, says = names.mapping, sheet.cells, []
    for name, told, default in (
        ("series", mapping.series, ""),
        ("entity", mapping.entity, ""),
        ("unit", mapping.unit, "none"),
        ("quality", mapping.quality, "observed"),
        ("source", mapping.source or source, sheet.name),
    ):
        if sheet.has(name):
            continue
        if not (told or default):
            raise DataError(
                f'{sheet.name}: no column {name}; add it, or say {name} = "..." in a '
                "mapping"
            )
        value = told or default
        cells = cells.assign(**{name: "" if name == "unit" and not told else value})
        says.append(f"{name}: {value}, {'as told' if told else 'for nothing says'}")
    if sheet.has("source"):
        cells = cells.assign(source=cells["source"].fillna(source or sheet.name))
    entities = {
        name: mapping.entities[name]
        for name in cells["entity"].dropna().unique()
        if name in mapping.entities
    }
    cells = cells.assign(entity=cells["entity"].replace(entities))
    filled = replace(sheet, cells=cells)
    filled.table().complain(cells["entity"].isna().to_numpy(), "has no entity")
    return filled, says


def _with_known_at(sheet: Sheet, lag: dt.timedelta | None) -> tuple[Sheet, str]:
    """Return the sheet with known_at in every row, and how it came about.

    Raises `DataError` naming the first row without one, unless there is a lag.
    """
    cells = sheet.cells
    told = cells["known_at"] if sheet.has("known_at") else None
    if told is not None and pd.api.types.is_datetime64_any_dtype(told.dtype):
        moments = pd.Series(pd.DatetimeIndex(told), index=cells.index)
        if moments.dt.tz is not None:
            moments = moments.dt.tz_convert("UTC")
        told = moments.dt.strftime(ISO)
    elif told is not None:
        told = _iso_moments(sheet, told.astype("str").where(told.notna()))
    blank = np.ones(len(cells), bool) if told is None else told.isna().to_numpy()
    if blank.any() and lag is None:
        at = int(np.argmax(blank))
        raise DataError(
            f"{sheet.name}, row {cells.index[at]}: has no known_at "
            f"({counted(int(blank.sum()), 'such row')}), so nobody says when it became "
            "known; give the publication lag "
            'with --lag 45d, or lag = "45d" in a mapping'
        )
    said = ""
    if lag is not None and blank.any():
        later = pd.DatetimeIndex(cells["value_date"]) + pd.Timedelta(lag)
        late = pd.Series(later.strftime(ISO), index=cells.index)
        told = late if told is None else told.where(~blank, late)
        some = counted(int(blank.sum()), "row")
        every = "" if blank.all() else f" in {some} without it"
        said = f"known_at: value date plus the lag of {_span(lag)}{every}"
    sheet = with_known(sheet, told)
    return sheet, said


def with_known(sheet: Sheet, told: pd.Series | None) -> Sheet:
    """Return the sheet with these moments in its column known_at."""
    return replace(sheet, cells=sheet.cells.assign(known_at=told))


def _iso_moments(sheet: Sheet, told: pd.Series) -> pd.Series:
    """Return moments as written, or days of another form as ISO days."""
    there = told.dropna()
    if len(there) == 0 or there.str.fullmatch(MOMENT).any():
        return told
    if there.str.contains(":", regex=False).any():
        return told  # refused by name later
    held = with_known(sheet, told)
    rows = replace(held, cells=held.cells.loc[told.notna().to_numpy()])
    days, _ = read_days(rows, "known_at")
    iso = told.to_numpy(dtype=object)
    iso[told.notna().to_numpy()] = days.strftime("%Y-%m-%d")
    return pd.Series(iso, index=told.index, dtype="str")


def _marked_zeros(rows: pd.DataFrame, quality: str) -> pd.DataFrame:
    """Return the rows with exact zeros of the quality that the mapping says."""
    if not quality:
        return rows
    zero = (rows["value"] == 0.0) & (rows["quality"] == "observed")
    return rows.assign(quality=rows["quality"].mask(zero, quality))


def _span(lag: dt.timedelta) -> str:
    """Return a lag in days, or in hours where it is no whole number of days."""
    hours = round(lag.total_seconds() / 3600)
    count, unit = (hours, "hour") if hours % 24 else (hours // 24, "day")
    return f"{count} {unit}{'' if count == 1 else 's'}"
