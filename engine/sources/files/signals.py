"""Observations from files in the long format, checked row by row."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd

from engine.errors import DataError, at_most, nearest
from engine.market.listing import Universe
from engine.market.market import Finding
from engine.market.signals import COLUMNS, QUALITIES
from engine.sources.files.table import Table, days_of, numbers_of, read_bytes, read_text

#: What each role reads where a folder does not say otherwise.
DEFAULT_ROLES: Mapping[str, str] = MappingProxyType(
    {
        "vendor_share": "token_share_openrouter_top9",
        "token_share": "cn_token_share_openrouter_top9",
        "tokens": "tokens_per_week_openrouter_top9",
        "capex": "capex_quarterly",
    }
)
#: Qualities of a value that has happened: it cannot be known before its date.
HAPPENED = ("observed", "disputed")
SETTINGS = "roles.toml"
#: A day, or a moment in ISO form with or without its zone.
DAY_ONLY = r"(?:19|20)\d{2}-\d{2}-\d{2}"
MOMENT = DAY_ONLY + r"(?:[ T]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?"
ZONED = DAY_ONLY + r"[ T].*(?:Z|[+-]\d{2}:?\d{2})"


def observations(table: Table) -> pd.DataFrame:
    """Return a file's observations in the columns of `COLUMNS`, in the file's order.

    `known_at` is UTC: a day alone counts as known at its end, a moment without a zone
    as UTC (`unclear_moments` reports both).

    Raises
    ------
    DataError
        A missing column or an empty cell in one that must be filled; a value that is
        no number; a quality nobody knows; an observed value known before its date.
    """
    missing = [column for column in COLUMNS if not table.has(column)]
    if missing:
        raise DataError(
            f"{table.name}: no column {at_most(missing, 8)}; the long format has "
            f"{', '.join(COLUMNS)}"
        )
    for column in ("series", "known_at", "value", "quality"):
        table.complain(table.cells[column].isna().to_numpy(), f"has no {column}")
    value_date = days_of(table, "value_date")
    known_at = _moments(table)
    quality = table.cells["quality"]
    _check_qualities(table)
    early = (known_at < value_date) & quality.isin(HAPPENED).to_numpy()
    table.complain(
        np.asarray(early),
        "known_at {known_at} lies before value_date {value_date}: an {quality} value "
        "cannot be known before it happened",
    )
    words = table.cells[["series", "entity", "unit", "quality", "source"]].fillna("")
    rows = words.reset_index(drop=True).assign(
        value_date=value_date, known_at=known_at, value=numbers_of(table, "value")
    )
    _check_repeats(table, rows)
    return rows[list(COLUMNS)]


def unclear_moments(table: Table) -> Iterator[Finding]:
    """Yield which rules stood in for a time of day or a zone that a file left out."""
    written = table.cells["known_at"]
    alone = written.str.fullmatch(DAY_ONLY)
    days = int(alone.sum())
    naive = int((~alone & ~written.str.fullmatch(ZONED)).sum())
    if days:
        yield Finding(
            severity="info",
            where=table.name,
            what=f"{days} row{' gives' if days == 1 else 's give'} known_at as a day "
            "without a time",
            action="counts as known at the end of that day, UTC",
        )
    if naive:
        yield Finding(
            severity="info",
            where=table.name,
            what=f"{naive} row{' gives' if naive == 1 else 's give'} known_at without "
            "a time zone",
            action="read as UTC",
        )


def default_roles(series: Collection[str]) -> dict[str, str]:
    """Return role -> series for the defaults that are among the series."""
    return {role: name for role, name in DEFAULT_ROLES.items() if name in series}


def read_roles(folder: Path, series: Sequence[str]) -> tuple[dict[str, str], str]:
    """Return role -> series for the series that are there, and the text of the file.

    A ``roles.toml`` of lines such as ``token_share = "my_series"`` replaces single
    defaults. Raises `DataError` where it names a series that the folder lacks.
    """
    roles = default_roles(series)
    place = folder / SETTINGS
    if not place.is_file():
        return roles, ""
    text = read_text(place, read_bytes(place))
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"{SETTINGS}: not valid TOML: {error}") from error
    for role, name in told.items():
        if name not in series:
            raise DataError(
                f"{SETTINGS}: {role} = {name!r}: no such series in the folder; it has "
                f"{at_most(series)}. {nearest(str(name), series)}".rstrip()
            )
    return roles | told, text


def stranger_findings(rows: pd.DataFrame, universe: Universe) -> Iterator[Finding]:
    """Yield the entities of the observations that the universe does not have."""
    names = rows["entity"].unique()
    strangers = sorted(n for n in names if n and n not in universe.entities)
    if strangers:
        yield Finding(
            severity="info",
            where="signals",
            what=f"{len(strangers)} "
            f"{'entity is' if len(strangers) == 1 else 'entities are'} not in the "
            f"universe {universe.name}: {at_most(strangers)}",
            action="their observations are kept; no asset is scored on them",
        )


def _check_qualities(table: Table) -> None:
    """Raise `DataError` for a quality that nobody knows."""
    quality = table.cells["quality"]
    odd = ~quality.isin(QUALITIES).to_numpy()
    if odd.any():
        hint = nearest(str(quality[odd].iloc[0]), QUALITIES)
        table.complain(
            odd,
            f"quality {{quality!r}} is none of {', '.join(QUALITIES)}. {hint}".rstrip(),
        )


def _check_repeats(table: Table, rows: pd.DataFrame) -> None:
    """Raise `DataError` where two rows say the same thing at the same moment."""
    again = rows.duplicated(["series", "entity", "value_date", "known_at"]).to_numpy()
    table.complain(
        again,
        "{series} of {entity} for {value_date} known at {known_at} appears twice; "
        "keep one, or give a restatement its own known_at",
    )


def _moments(table: Table) -> pd.DatetimeIndex:
    """Return `known_at` as tz-naive UTC, unit ns; a day alone is known at its end."""
    written = table.cells["known_at"]
    readable = written.where(written.str.fullmatch(MOMENT))
    parsed = pd.to_datetime(readable, format="ISO8601", errors="coerce", utc=True)
    table.complain(
        parsed.isna().to_numpy(),
        "known_at {known_at!r} is not a moment as in 2025-01-27T21:00:00Z",
    )
    moments = pd.DatetimeIndex(parsed).tz_convert(None).as_unit("ns")
    alone = written.str.fullmatch(DAY_ONLY).to_numpy(bool)
    return moments + pd.to_timedelta(alone.astype(np.int64), unit="D")
