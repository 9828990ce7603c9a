"""Sources that read a folder: prices in Yahoo's columns, signals in the long format."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from engine.errors import DataError, at_most
from engine.interfaces import PriceData, SignalData
from engine.market.currency import Fixings
from engine.market.listing import Line, Universe
from engine.market.market import Finding, Origin
from engine.market.signals import Signals
from engine.sources.files.prices import (
    FX_SUFFIX,
    SETTINGS,
    FixTime,
    fixings,
    frame_findings,
    price_frame,
    read_fix_time,
    read_table,
)
from engine.sources.files.signals import (
    SETTINGS as ROLES,
)
from engine.sources.files.signals import (
    observations,
    read_roles,
    stranger_findings,
    unclear_moments,
)
from engine.sources.files.table import combined_digest, folder_files, read_csv


@dataclass(frozen=True, slots=True)
class FolderPrices:
    """Prices from ``<Yahoo symbol>.csv`` or ``.parquet`` files of one folder.

    Columns in any case and any subset: ``date`` and at least one of ``close`` and
    ``adj_close``; blank cells are unknown. ``<CCY>=X`` files are exchange rates in
    local currency per US dollar; ``folder.toml`` says when they are fixed. All rates
    of the folder are read, for a source does not know the study's own currency.
    """

    path: Path

    def load(self, lines: Sequence[Line], start: dt.date, end: dt.date) -> PriceData:
        """Return the prices of the lines that have a file, from its first row to `end`.

        What lies before `start` is kept: it is history that estimation needs.

        Raises
        ------
        DataError
            The folder or a file of it cannot be used; one message with file and row.
        """
        folder = Path(self.path)
        files = _by_symbol(folder)
        wanted = [line.symbol for line in lines if line.symbol in files]
        if not wanted:
            raise DataError(
                f"{folder}: has no file for any of {len(lines)} lines "
                f"({at_most(line.symbol for line in lines)}); it holds "
                f"{at_most(place.name for place in files.values())}"
            )
        used: list[tuple[str, str]] = []
        found = list(_misnamed(files, lines))
        frames = {}
        for symbol in dict.fromkeys(wanted):
            table = read_table(files[symbol])
            used.append((table.name, table.digest))
            frame = price_frame(table)
            frames[symbol] = frame.loc[: pd.Timestamp(end)]
            found += frame_findings(symbol, frame)
        rates, of_rates, of_files = _rates(folder, files)
        return PriceData(
            frames=frames,
            fixings=rates,
            origin=Origin(
                name="folder",
                simulated=False,
                digest=combined_digest([*used, *of_files]),
                detail=f"{folder}: {len(frames)} price files, {len(rates)} currencies",
            ),
            findings=(*found, *of_rates),
        )


@dataclass(frozen=True, slots=True)
class FolderSignals:
    """Observations from the CSV files of one folder, in the long format.

    Columns ``series, entity, value_date, known_at, value, unit, quality, source``.
    Roles read the series of `engine.sources.files.signals.DEFAULT_ROLES`, a
    ``roles.toml`` in the folder, or the series of their own name.
    """

    path: Path

    def load(self, universe: Universe) -> SignalData:
        """Return every observation of the folder, sorted by when it became known.

        Raises
        ------
        DataError
            The folder or a file of it cannot be used; one message with file and row.
        """
        folder = Path(self.path)
        places = folder_files(folder, (".csv",), kind="signals")
        tables = [read_csv(place, as_text=True) for place in places]
        parts = [observations(table) for table in tables]
        rows = pd.concat(parts, ignore_index=True)
        _check_across(rows, [table.name for table in tables], [len(p) for p in parts])
        rows = rows.sort_values("known_at", kind="stable", ignore_index=True)
        roles, text = read_roles(folder, sorted(rows["series"].unique()))
        used = [(table.name, table.digest) for table in tables]
        if text:
            used.append((ROLES, text))
        unclear = [finding for table in tables for finding in unclear_moments(table)]
        return SignalData(
            signals=Signals(observations=rows, roles=roles),
            origin=Origin(
                name="folder",
                simulated=False,
                digest=combined_digest(used),
                detail=f"{folder}: {len(tables)} files, {len(rows)} observations",
            ),
            findings=(*unclear, *stranger_findings(rows, universe)),
        )


def _by_symbol(folder: Path) -> dict[str, Path]:
    """Return symbol -> file; raise `DataError` where two files claim one symbol."""
    files: dict[str, Path] = {}
    for place in folder_files(folder, (".csv", ".parquet"), kind="price files"):
        if place.stem in files:
            raise DataError(
                f"{folder}: {files[place.stem].name} and {place.name} hold the same "
                "symbol; keep one"
            )
        files[place.stem] = place
    return files


def _misnamed(files: Mapping[str, Path], lines: Sequence[Line]) -> Iterator[Finding]:
    """Yield files that would be read if their name were in the symbol's case."""
    symbols = {line.symbol.lower(): line.symbol for line in lines}
    for stem, place in files.items():
        symbol = symbols.get(stem.lower(), stem)
        if symbol != stem and symbol not in files:
            yield Finding(
                severity="warning",
                where=symbol,
                what=f"the file {place.name} differs from the symbol in case",
                action=f"not read; rename it to {symbol}{place.suffix}",
            )


def _rates(
    folder: Path, files: Mapping[str, Path]
) -> tuple[dict[str, Fixings], list[Finding], list[tuple[str, str]]]:
    """Return the folder's exchange rates, what was found, and the files' digests."""
    fix_time, text = read_fix_time(folder)
    rates, used = {}, [(SETTINGS, text)] if text else []
    for stem, place in files.items():
        currency = stem.removesuffix(FX_SUFFIX)
        if stem != currency and len(currency) == 3:
            table = read_table(place)
            rates[currency] = fixings(currency, table, fix_time)
            used.append((table.name, table.digest))
    return rates, list(fix_findings(fix_time, [*rates])), used


def fix_findings(fix_time: FixTime, currencies: Sequence[str]) -> Iterator[Finding]:
    """Yield what the folder leaves open about its exchange rates."""
    if currencies and not fix_time.stated:
        yield Finding(
            severity="warning",
            where=at_most(currencies),
            what="nothing says when these exchange rates were fixed",
            action="each counts as known at 23:59 UTC of its date; say so in "
            f"{SETTINGS}: [fx] fix, timezone, pairs",
        )
    symbols = [currency + FX_SUFFIX for currency in currencies]
    if fix_time.stated and fix_time.pairs:
        unstated = [symbol for symbol in symbols if symbol not in fix_time.pairs]
        absent = [pair for pair in fix_time.pairs if pair not in symbols]
        for names, what, action in (
            (unstated, f"not among the pairs of {SETTINGS}", "read with the same fix"),
            (absent, f"named in {SETTINGS}, but has no file", "no rate"),
        ):
            if names:
                yield Finding(
                    severity="warning", where=at_most(names), what=what, action=action
                )


def _check_across(
    rows: pd.DataFrame, names: Sequence[str], counts: Sequence[int]
) -> None:
    """Raise `DataError` where two files say the same thing at the same moment."""
    again = rows.duplicated(["series", "entity", "value_date", "known_at"])
    if again.any():
        row = rows[again].iloc[0]
        file_of = [
            name for name, n in zip(names, counts, strict=True) for _ in range(n)
        ]
        name = file_of[int(again.to_numpy().argmax())]
        raise DataError(
            f"{name}: {row['series']} of {row['entity']} for "
            f"{row['value_date'].date()} known at {row['known_at']} stands in another "
            "file too; keep one"
        )
