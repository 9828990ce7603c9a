"""The files of a store: batches of observations, named after when and what.

A *batch* is what one call stored: ``<moment>-<sha256>.parquet``, the UTC moment of
ingestion to the nanosecond and the hash of the file's bytes. A *pack* holds the rows
of many batches, and their names in its schema: ``pack-<sha256>.parquet``.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from engine.errors import DataError, at_most

#: What a row of the store says.
COLUMNS = (
    "series",
    "line",
    "value_date",
    "known_at",
    "ingested_at",
    "value",
    "unit",
    "quality",
    "source",
)
WORDS = ("series", "line", "unit", "quality", "source")
MOMENTS = ("value_date", "known_at", "ingested_at")
SCHEMA = pa.schema(
    [
        (name, pa.dictionary(pa.int32(), pa.string()))
        if name in WORDS
        else (name, pa.float64() if name == "value" else pa.timestamp("ns"))
        for name in COLUMNS
    ]
)
#: Small enough that one series of a large batch is read without the others.
ROWS_PER_GROUP = 1 << 17
_NOTE = b"assay"
#: How often a read begins again because files moved into a pack.
_PATIENCE = 20
T = TypeVar("T")
_BATCH = re.compile(r"(\d{8}T\d{6}\.\d{9})-([0-9a-f]{64})\.parquet")
_PACK = re.compile(r"pack-([0-9a-f]{64})\.parquet")


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one call stored: its name, moment of ingestion (UTC) and number of rows."""

    name: str
    ingested_at: pd.Timestamp
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What a file of the store says about itself."""

    batches: tuple[Batch, ...]
    series: frozenset[str]
    lines: frozenset[str]
    first: np.datetime64
    last: np.datetime64


def steady(read: Callable[[], T]) -> T:
    """Return what `read` returns, again where files moved into a pack meanwhile."""
    for _ in range(_PATIENCE):
        try:
            return read()
        except FileNotFoundError:
            continue
    raise DataError(
        "files of the store disappear while it is read; let the other process finish, "
        "then repeat"
    )


def is_file_of_store(name: str) -> bool:
    """Return whether a name is that of a batch or a pack."""
    return bool(_BATCH.fullmatch(name) or _PACK.fullmatch(name))


def moment_of(name: str) -> pd.Timestamp:
    """Return when a batch was ingested (UTC), from its name."""
    stamp = name.partition("-")[0]
    whole, _, fraction = stamp.partition(".")
    seconds = np.datetime64(
        f"{whole[:4]}-{whole[4:6]}-{whole[6:11]}:{whole[11:13]}:{whole[13:15]}", "ns"
    )
    return pd.Timestamp(seconds + np.timedelta64(int(fraction), "ns"))


def batch_file(table: pa.Table, moment: pd.Timestamp) -> tuple[str, bytes]:
    """Return the name and the bytes of a batch ingested at `moment`."""
    content = _encoded(table, ())
    stamp = f"{moment:%Y%m%dT%H%M%S.%f}{moment.nanosecond:03d}"
    return f"{stamp}-{hashlib.sha256(content).hexdigest()}.parquet", content


def pack_file(table: pa.Table, batches: Sequence[Batch]) -> tuple[str, bytes]:
    """Return the name and the bytes of a pack that stands for the given batches."""
    content = _encoded(table, batches)
    return f"pack-{hashlib.sha256(content).hexdigest()}.parquet", content


def checked_bytes(path: Path) -> bytes:
    """Return the bytes of a file of the store; `DataError` if they were changed."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _not_read(path, error) from error
    if not is_intact(path.name, content):
        raise DataError(
            f"{path}: is damaged ({len(content)} bytes whose SHA-256 is not the one "
            "in its name); put a copy of it back from an export, or move it away and "
            "fetch or import its rows again"
        )
    return content


def is_intact(name: str, content: bytes) -> bool:
    """Return whether bytes have the hash that the name of their file gives."""
    return hashlib.sha256(content).hexdigest() == name.split("-")[1].split(".")[0]


def contents(path: Path) -> Contents:
    """Return what a file says about itself, its bytes checked once per process."""
    try:
        state = path.stat()
    except OSError as error:
        raise _not_read(path, error) from error
    return _contents(path, state.st_mtime_ns, state.st_size)


def pieces(folder: Path) -> dict[Path, Contents]:
    """Return the files that together hold every batch; none that a pack stands for."""
    held = {path: contents(path) for path in files_in(folder)}
    packed = {
        batch.name
        for path, content in held.items()
        if is_pack(path.name)
        for batch in content.batches
    }
    return {path: content for path, content in held.items() if path.name not in packed}


def is_pack(name: str) -> bool:
    """Return whether a name is that of a pack."""
    return _PACK.fullmatch(name) is not None


def rows_of(
    path: Path, *, series: frozenset[str] | None, columns: Sequence[str]
) -> pa.Table:
    """Return columns of a file; of the row groups, those that may hold `series`."""
    parquet = _parquet(path, checked_bytes(path))
    groups = [
        number
        for number in range(parquet.num_row_groups)
        if series is None or _may_hold(parquet, number, series)
    ]
    return parquet.read_row_groups(groups, columns=list(columns))


def check_file(path: Path) -> None:
    """Raise `DataError` unless every row of a file can be read as it was written."""
    try:
        _parquet(path, checked_bytes(path)).read()
    except pa.ArrowException as error:
        raise DataError(f"{path}: cannot be read ({error}); move it away") from error


def joined(tables: Iterable[pa.Table], columns: Sequence[str]) -> pa.Table:
    """Return the tables one after the other, in one chunk with one dictionary each."""
    schema = pa.schema([SCHEMA.field(name) for name in columns])
    parts = [table.select(columns).replace_schema_metadata() for table in tables]
    together = pa.concat_tables([schema.empty_table(), *parts])
    return together.unify_dictionaries().combine_chunks()


def codes_and_words(column: pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray]:
    """Return the integer codes of a dictionary column and the words they stand for."""
    if column.num_chunks == 0:
        return np.empty(0, np.int32), np.empty(0, object)
    chunk = column.chunk(0)
    words = chunk.dictionary.to_numpy(zero_copy_only=False)
    return chunk.indices.to_numpy(zero_copy_only=False), words


def ranks(column: pa.ChunkedArray) -> np.ndarray:
    """Return integers that sort as the words of a dictionary column do."""
    codes, words = codes_and_words(column)
    ranked: np.ndarray = np.argsort(np.argsort(words))[codes]
    return ranked


@lru_cache(maxsize=100_000)
def _contents(path: Path, _modified_ns: int, _size: int) -> Contents:
    return described(path, checked_bytes(path))


def described(path: Path, content: bytes) -> Contents:
    """Return what the bytes of a file say about themselves."""
    parquet = _parquet(path, content)
    note = json.loads(parquet.schema_arrow.metadata[_NOTE])
    counts = note["batches"] or {path.name: parquet.metadata.num_rows}
    return Contents(
        batches=tuple(
            Batch(name=name, ingested_at=moment_of(name), rows=rows)
            for name, rows in sorted(counts.items())
        ),
        series=frozenset(note["series"]),
        lines=frozenset(note["lines"]),
        first=np.datetime64(note["first"], "ns"),
        last=np.datetime64(note["last"], "ns"),
    )


def _encoded(table: pa.Table, batches: Sequence[Batch]) -> bytes:
    """Return a table as zstd Parquet, with a note of what it holds."""
    dates = table.column("value_date").to_numpy()
    note = {
        "first": int(dates.min().astype(np.int64)),
        "last": int(dates.max().astype(np.int64)),
        "series": sorted(table.column("series").unique().to_pylist()),
        "lines": sorted(table.column("line").unique().to_pylist()),
        "batches": {batch.name: batch.rows for batch in batches},
    }
    noted = table.replace_schema_metadata({_NOTE: json.dumps(note).encode()})
    sink = pa.BufferOutputStream()
    pq.write_table(noted, sink, compression="zstd", row_group_size=ROWS_PER_GROUP)
    return bytes(sink.getvalue())


def _parquet(path: Path, content: bytes) -> pq.ParquetFile:
    """Return an open Parquet file with the columns of the store."""
    try:
        parquet = pq.ParquetFile(pa.BufferReader(content), read_dictionary=list(WORDS))
        known = parquet.schema_arrow.remove_metadata().equals(SCHEMA)
        known = known and _NOTE in (parquet.schema_arrow.metadata or {})
    except pa.ArrowException as error:
        raise DataError(
            f"{path}: is not a Parquet file ({error}); move it away"
        ) from error
    if not known:
        raise DataError(
            f"{path}: has columns {at_most(parquet.schema_arrow.names, 8)}, not those "
            "of this version of the store; update assay, or move the file away"
        )
    return parquet


def _not_read(path: Path, error: OSError) -> OSError | DataError:
    """Return why a file cannot be read; a missing one may have moved into a pack."""
    if isinstance(error, FileNotFoundError):
        return error
    return DataError(
        f"{path}: cannot be read ({error.strerror}); allow reading it, or move it "
        "away and fetch or import its rows again"
    )


def _may_hold(parquet: pq.ParquetFile, group: int, series: frozenset[str]) -> bool:
    """Return whether the smallest and largest name of a row group leave room."""
    column = parquet.metadata.row_group(group).column(COLUMNS.index("series"))
    statistics = column.statistics
    if statistics is None or not statistics.has_min_max:
        return True
    return any(statistics.min <= name <= statistics.max for name in series)


def files_in(folder: Path) -> tuple[Path, ...]:
    """Return the files of a store: batches by moment, then packs."""
    try:
        names = sorted(os.listdir(folder))
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise DataError(
            f"{folder}: cannot be read ({error.strerror}); allow reading it, or name "
            "another folder with ASSAY_HOME"
        ) from error
    return tuple(folder / name for name in names if is_file_of_store(name))
