"""A store that knows when it knew: observations, each with two moments.

Rows are never changed. Each call of `Store.append` adds one file (`store_batches`)
that appears whole or not at all (`store_lock`); what a read returns is chosen from
all of them (`store_select`). The names of the files are the manifest.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pandas as pd
import platformdirs
import pyarrow as pa

from engine.errors import DataError
from engine.market.market import Finding
from engine.sources import store_archive, store_pack
from engine.sources.store_batches import (
    COLUMNS,
    SCHEMA,
    WORDS,
    Batch,
    batch_file,
    check_file,
    codes_and_words,
    files_in,
    is_file_of_store,
    joined,
    pieces,
    rows_of,
    steady,
)
from engine.sources.store_lock import UNFINISHED, only_writer, place
from engine.sources.store_rows import SAYING, checked
from engine.sources.store_select import holds, last_rows, moment, without_withdrawn

#: A moment, UTC unless it has a zone.
Moment: TypeAlias = pd.Timestamp | np.datetime64 | str
#: What a panel needs.
PANEL = tuple(name for name in COLUMNS if name != "unit")
#: What a row says of its observation.
_SAID = ("value", "unit", "quality")
#: Fewer batches than this are left as they are by `Store.gc`.
FEWEST_PACKED = 64


def store_folder() -> Path:
    """Return the user's folder for what cannot be rebuilt; ``ASSAY_HOME`` moves it."""
    home = os.environ.get("ASSAY_HOME")
    return Path(home or platformdirs.user_data_dir("assay")) / "store"


@dataclass(frozen=True, slots=True)
class Store:
    """Observations of one folder, which need not exist yet.

    A row says: the `value` (in `unit`, of a `quality`) of `series` for `line` (a
    symbol or an entity) on `value_date`, as published at `known_at` and stored at
    `ingested_at` from `source`. A row of quality ``withdrawn`` takes back what was
    said for the same moment before it; its value means nothing.
    Moments are UTC without a zone. Any number of processes may read and append at
    once; a writer waits up to `patience_seconds` for the others.
    """

    folder: Path
    patience_seconds: float = 60.0

    def append(self, rows: pd.DataFrame, *, source: str) -> Batch | None:
        """Store what is new of `rows` as one batch; None where nothing is.

        `rows` has the columns ``series, line, value_date, known_at, value``, and may
        have ``unit`` (default: none), ``quality`` (default: observed) and ``source``
        (default: the argument, which else names the whole in messages). A row is not
        new if the last one that its source gave for the same series, line, value date
        and known-at has the same value, unit and quality. The moment of ingestion is
        now, and later than that of every batch before, whatever the clock says.

        Raises
        ------
        DataError
            The rows are incomplete or contradict themselves, the folder cannot be
            written, or a file of the store is damaged: nothing of `rows` is stored.
        """
        told = checked(rows, source=source)
        with only_writer(self.folder, patience_seconds=self.patience_seconds):
            fresh = self._fresh(told)
            if fresh.empty:
                return None
            now = pd.Timestamp.now("UTC").tz_localize(None).as_unit("ns")
            before = self.manifest()
            if before:
                now = max(now, before[-1].ingested_at + pd.Timedelta(1, "ns"))
            fresh = fresh.assign(ingested_at=now)[list(COLUMNS)]
            table = pa.Table.from_pandas(fresh, schema=SCHEMA, preserve_index=False)
            name, content = batch_file(table, now)
            place(self.folder, name, content)
        return Batch(name=name, ingested_at=now, rows=len(fresh))

    def read(
        self,
        *,
        series: str | Iterable[str] | None = None,
        lines: str | Iterable[str] | None = None,
        source: str | None = None,
        as_of: Moment | None = None,
        vintage: Moment | None = None,
    ) -> pd.DataFrame:
        """Return the last vintage of each series, line and value date, in that order.

        What was withdrawn is left out.

        Parameters
        ----------
        series, lines, source
            What is wanted; everything by default.
        as_of : moment, optional
            Only rows known at it or before.
        vintage : moment, optional
            Only rows ingested at it or before.

        Returns
        -------
        DataFrame
            The columns of the store. The last vintage is that with the latest
            known-at, and of those the one ingested last.

        Raises
        ------
        DataError
            A file of the store is damaged or cannot be read: it is named.
        """
        wanted = (_names(series), _names(lines), source)
        return _frame(self._chosen(*wanted, as_of, vintage, SAYING[:3]))

    def history(
        self,
        *,
        series: str | Iterable[str] | None = None,
        lines: str | Iterable[str] | None = None,
        source: str | None = None,
        as_of: Moment | None = None,
        vintage: Moment | None = None,
    ) -> pd.DataFrame:
        """Return every row stored, all vintages, each once; else like `read`."""
        each = [*SAYING, "ingested_at"]
        wanted = (_names(series), _names(lines), source)
        return _frame(self._chosen(*wanted, as_of, vintage, each))

    def panel(
        self,
        series: str,
        *,
        lines: str | Sequence[str] | None = None,
        source: str | None = None,
        as_of: Moment | None = None,
        vintage: Moment | None = None,
    ) -> pd.DataFrame:
        """Return one series as a panel: value dates by lines, NaN = not known.

        The index is named ``session``. With `lines` the columns are these, in this
        order, also those without a value; else all lines of the series, sorted.
        """
        wanted = (_names(series), _names(lines), source)
        table = self._chosen(*wanted, as_of, vintage, SAYING[:3], PANEL)
        codes, words = codes_and_words(table.column("line"))
        asked = [lines] if isinstance(lines, str) else lines
        heads = pd.Index(
            np.sort(words[np.unique(codes)]) if asked is None else list(asked)
        )
        place_of = heads.get_indexer(pd.Index(words))
        row_of, days = pd.factorize(table.column("value_date").to_numpy(), sort=True)
        cells = np.full((len(days), len(heads)), np.nan)
        cells[row_of, place_of[codes]] = table.column("value").to_numpy()
        return pd.DataFrame(
            cells,
            index=pd.DatetimeIndex(days, name="session").as_unit("ns"),
            columns=heads.astype("str"),
        )

    def manifest(self) -> tuple[Batch, ...]:
        """Return every batch in order of ingestion."""
        held = steady(lambda: pieces(self.folder))
        batches = {
            batch.name: batch for piece in held.values() for batch in piece.batches
        }
        return tuple(batches[name] for name in sorted(batches))

    def vintage(self, by: Moment | None = None) -> str:
        """Return the SHA-256 over the batches ingested by a moment (default: all).

        Each name carries the hash of its batch, so equal digests are equal data.
        Clearing up and exporting do not change it.
        """
        last = None if by is None else moment(by)
        names = [
            batch.name
            for batch in self.manifest()
            if last is None or batch.ingested_at.to_datetime64() <= last
        ]
        return hashlib.sha256("\n".join(names).encode()).hexdigest()

    def status(self) -> pd.DataFrame:
        """Return one row per series and source: lines, rows, first and last moments."""
        rows = self.history()
        return (
            rows.groupby(["series", "source"], sort=True)
            .agg(
                lines=("line", "nunique"),
                rows=("value", "size"),
                first=("value_date", "min"),
                last=("value_date", "max"),
                last_known=("known_at", "max"),
                last_ingested=("ingested_at", "max"),
            )
            .reset_index()
        )

    def check(self) -> tuple[Finding, ...]:
        """Return what is wrong with the files: damaged, unfinished or strange ones."""
        if not self.folder.exists():
            return ()
        found = []
        for path in files_in(self.folder):
            try:
                check_file(path)
            except FileNotFoundError:
                continue  # moved into a pack, which is checked in its turn
            except DataError as error:
                found.append(
                    Finding(severity="error", where=path.name, what=str(error))
                )
        for path in sorted(self.folder.iterdir()):
            if path.suffix == UNFINISHED:
                what = "unfinished: being written, or left by a killed process"
                found.append(
                    Finding(
                        severity="info",
                        where=path.name,
                        what=what,
                        action="nothing reads it; clearing up removes it",
                    )
                )
            elif not is_file_of_store(path.name) and not path.name.startswith("."):
                found.append(
                    Finding(
                        severity="warning",
                        where=path.name,
                        what="is no file of the store",
                        action="move it away; nothing reads it",
                    )
                )
        return tuple(found)

    def export(self, target: Path) -> Path:
        """Copy the store into a new folder, or one file if `target` ends in .zip."""
        return steady(lambda: store_archive.write(self.folder, target))

    def import_(self, archive: Path) -> int:
        """Add the batches of an export that are not here yet; return how many.

        They keep their moments of ingestion: the store then knows what the other one
        knew, when it knew it.
        """
        with only_writer(self.folder, patience_seconds=self.patience_seconds):
            before = len(self.manifest())
            store_archive.read_into(self.folder, archive)
            return len(self.manifest()) - before

    def gc(self, *, fewest: int = FEWEST_PACKED) -> store_pack.Cleared:
        """Remove unfinished files, and pack batches where there are `fewest` or more.

        No read and no digest changes by it.
        """
        return store_pack.clear(
            self.folder, fewest=fewest, patience_seconds=self.patience_seconds
        )

    def _fresh(self, told: pd.DataFrame) -> pd.DataFrame:
        """Return the rows that say something else than the last ones stored."""
        days = told["value_date"].to_numpy()
        table = self._chosen(
            frozenset(told["series"]),
            frozenset(told["line"]),
            None,
            None,
            None,
            SAYING,
            dates=(days.min(), days.max()),
        )
        if table.num_rows == 0:
            return told
        stored = _frame(table)[[*SAYING, *_SAID]]
        beside = told.merge(
            stored, on=SAYING, how="left", suffixes=("", "_before"), validate="1:1"
        )
        same = np.ones(len(told), bool)
        for name in _SAID:
            same &= (beside[name] == beside[f"{name}_before"]).to_numpy()
        return told[~same]

    def _chosen(
        self,
        series: frozenset[str] | None,
        lines: frozenset[str] | None,
        source: str | None,
        as_of: Moment | None,
        vintage: Moment | None,
        key: Sequence[str],
        columns: Sequence[str] = COLUMNS,
        dates: tuple[np.datetime64, np.datetime64] | None = None,
    ) -> pa.Table:
        """Return the last row of each key among those asked for, in order of key."""
        known = None if as_of is None else moment(as_of)
        stored = None if vintage is None else moment(vintage)

        def once() -> pa.Table:
            files = [
                path
                for path, piece in pieces(self.folder).items()
                if _meets(series, piece.series)
                and _meets(lines, piece.lines)
                and (
                    dates is None
                    or (piece.first <= dates[1] and piece.last >= dates[0])
                )
                and (
                    stored is None
                    or piece.batches[0].ingested_at.to_datetime64() <= stored
                )
            ]
            return joined(
                (rows_of(path, series=series, columns=columns) for path in files),
                columns,
            )

        table = steady(once)
        asked = np.ones(table.num_rows, bool)
        for name, names in (("series", series), ("line", lines)):
            if names is not None:
                codes, words = codes_and_words(table.column(name))
                asked &= np.isin(words, list(names))[codes]
        if source is not None:
            asked &= holds(table.column("source"), source)
        if dates is not None:
            days = table.column("value_date").to_numpy()
            asked &= (days >= dates[0]) & (days <= dates[1])
        for name, last in (("known_at", known), ("ingested_at", stored)):
            if last is not None:
                asked &= table.column(name).to_numpy() <= last
        if not asked.all():
            table = table.filter(pa.array(asked))
        if key == SAYING[:3]:
            table = without_withdrawn(table)
        return last_rows(table, key)


def _frame(table: pa.Table) -> pd.DataFrame:
    """Return a table as a frame with the columns of the store."""
    plain = [
        (name, pa.string() if name in WORDS else SCHEMA.field(name).type)
        for name in table.column_names
    ]
    frame: pd.DataFrame = table.cast(pa.schema(plain)).to_pandas()
    return frame


def _names(names: str | Iterable[str] | None) -> frozenset[str] | None:
    """Return the names asked for as a set; None for all."""
    if names is None:
        return None
    return frozenset([names] if isinstance(names, str) else names)


def _meets(asked: frozenset[str] | None, held: frozenset[str]) -> bool:
    """Return whether a file may hold what is asked for."""
    return asked is None or not asked.isdisjoint(held)
