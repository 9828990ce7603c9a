"""Clearing up: what a killed process left, and many small files as one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from engine.sources.store.batches import (
    COLUMNS,
    Contents,
    checked_bytes,
    files_in,
    is_pack,
    joined,
    pack_file,
    pieces,
    ranks,
    rows_of,
)
from engine.sources.store.lock import (
    UNFINISHED,
    not_written,
    only_writer,
    place,
    synchronise,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleared:
    """How many unfinished files were removed, and how many batches were packed."""

    unfinished: int
    packed: int


def clear(folder: Path, *, fewest: int, patience_seconds: float) -> Cleared:
    """Remove unfinished files, and pack the batches where there are `fewest` or more.

    A pack has every row of its batches with the moment each was ingested, and their
    names: no read and no digest changes. Batches go only after the pack has been
    read back from the disk. Raises `DataError` if a file is damaged; then nothing of
    it is touched.
    """
    if not folder.exists():
        return Cleared(unfinished=0, packed=0)
    with only_writer(folder, patience_seconds=patience_seconds):
        stray = [path for path in folder.iterdir() if path.suffix == UNFINISHED]
        loose = {
            path: piece
            for path, piece in pieces(folder).items()
            if not is_pack(path.name)
        }
        packed = len(loose) >= fewest
        if packed:
            _pack(folder, loose)
        needed = pieces(folder)
        idle = [path for path in files_in(folder) if path not in needed]
        _remove(folder, [*stray, *idle])
    return Cleared(unfinished=len(stray), packed=len(loose) if packed else 0)


def _remove(folder: Path, paths: Iterable[Path]) -> None:
    """Remove files that nothing reads."""
    try:
        for path in paths:
            path.unlink(missing_ok=True)
        synchronise(folder)
    except OSError as error:
        raise not_written(folder, error) from error


def _pack(folder: Path, loose: dict[Path, Contents]) -> None:
    """Write one pack for all loose batches, and read it back."""
    tables = [rows_of(path, series=None, columns=COLUMNS) for path in loose]
    together = joined(tables, COLUMNS)
    moments = [
        together.column(name).to_numpy()
        for name in ("ingested_at", "known_at", "value_date")
    ]
    names = [ranks(together.column(name)) for name in ("line", "series")]
    together = together.take(pa.array(np.lexsort((*moments, *names))))
    batches = [batch for content in loose.values() for batch in content.batches]
    name, content = pack_file(together, batches)
    checked_bytes(place(folder, name, content))
