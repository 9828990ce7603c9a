"""Which of the stored rows count: the last vintage, and what was known when.

Kernels on arrays; rows come in the order of ingestion.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from engine.errors import DataError
from engine.sources.store.batches import WORDS, codes_and_words, ranks
from engine.sources.store.rows import SAYING, WITHDRAWN

#: Up to this many cells per row a table is used instead of a sort.
_ROOM = 16


def moment(when: pd.Timestamp | np.datetime64 | str) -> np.datetime64:
    """Return a moment in UTC without a zone, in nanoseconds.

    A moment with a zone is moved to UTC. A date alone is its first moment. Raises
    `DataError` for what is no moment.
    """
    try:
        stamp = pd.Timestamp(when)
    except ValueError as error:
        raise DataError(
            f"{when!r} is no moment; write 2026-07-06T20:00 (UTC)"
        ) from error
    if pd.isna(stamp):
        raise DataError("no moment was given; write 2026-07-06T20:00 (UTC)")
    if stamp.tz is not None:
        stamp = stamp.tz_convert("UTC").tz_localize(None)
    return stamp.as_unit("ns").to_datetime64()


def codes_of(columns: Sequence[np.ndarray]) -> np.ndarray:
    """Return one integer per row, equal where all columns are equal.

    Parameters
    ----------
    columns : sequence of ndarray of shape (n_rows,)
        Integer codes from 0, or moments.

    Returns
    -------
    ndarray of shape (n_rows,), int64
        From 0; ordered like the columns, the first one most significant.
    """
    together = np.zeros(len(columns[0]), np.int64)
    size = 1
    for column in columns:
        codes, words = pd.factorize(column, sort=True)
        if size * max(len(words), 1) > np.iinfo(np.int64).max:  # cannot wrap round
            together, kept = pd.factorize(together, sort=True)
            size = len(kept)
        together = together * len(words) + codes
        size *= max(len(words), 1)
    return together


def last_positions(
    keys: np.ndarray, known_at: np.ndarray, ingested_at: np.ndarray
) -> np.ndarray:
    """Return where the last row of each key stands: by known-at, then ingestion.

    Parameters
    ----------
    keys : ndarray of shape (n_rows,), int64
        From 0, as `codes_of` gives them.
    known_at, ingested_at : ndarray of shape (n_rows,)
        Moments. Of rows that agree in both the last one counts.

    Returns
    -------
    ndarray of shape (n_keys,), int64
        Positions in order of key.
    """
    if len(keys) == 0:
        return np.empty(0, np.int64)
    order = np.arange(len(keys))
    for moments in (ingested_at, known_at):  # the last sort decides
        if (moments[order][1:] < moments[order][:-1]).any():
            order = order[np.argsort(moments[order], kind="stable")]
    size = int(keys.max()) + 1
    if size > _ROOM * len(keys):
        codes, _ = pd.factorize(keys, sort=True)
        keys, size = codes, int(codes.max()) + 1
    last = np.full(size, -1, np.int64)
    last[keys[order]] = order  # of repeated keys numpy keeps the last
    return last[last >= 0]


def last_rows(table: pa.Table, key: Sequence[str]) -> pa.Table:
    """Return the last row of each key, in order of key."""
    columns = [
        ranks(table.column(name)) if name in WORDS else table.column(name).to_numpy()
        for name in key
    ]
    positions = last_positions(
        codes_of(columns),
        table.column("known_at").to_numpy(),
        table.column("ingested_at").to_numpy(),
    )
    return table.take(pa.array(positions)).combine_chunks()


def without_withdrawn(table: pa.Table) -> pa.Table:
    """Return the rows without what was taken back: what came before it counts again."""
    if not holds(table.column("quality"), WITHDRAWN).any():
        return table
    table = last_rows(table, SAYING)
    return table.filter(pa.array(~holds(table.column("quality"), WITHDRAWN)))


def holds(column: pa.ChunkedArray, word: str) -> np.ndarray:
    """Return in which rows a dictionary column holds a word, shape (n_rows,)."""
    codes, words = codes_and_words(column)
    held: np.ndarray = np.asarray(words == word, bool)[codes]
    return held


def known_values(rows: pd.DataFrame, observations: pd.DataFrame) -> np.ndarray:
    """Return, for each row, the newest value of its line known at its moment.

    The newest value is that of the latest value date known by then, in its last
    vintage: a later correction of an older quarter does not replace a newer quarter.

    Parameters
    ----------
    rows : DataFrame with columns ``line`` and ``moment``, of length n
    observations : DataFrame with the columns of the store, of one series

    Returns
    -------
    ndarray of shape (n,), float64
        NaN where nothing was known.
    """
    told_lines, lines = pd.factorize(observations["line"])
    asked_lines, words = pd.factorize(rows["line"])
    among = np.append(pd.Index(lines).get_indexer(pd.Index(words)), -1)  # -1: none
    told = pd.DataFrame(
        {
            "line": told_lines,
            "moment": observations["known_at"].to_numpy("datetime64[ns]"),
            "of": observations["value_date"].to_numpy("datetime64[ns]").view(np.int64),
            "got": observations["ingested_at"].to_numpy("datetime64[ns]"),
            "value": observations["value"].to_numpy(np.float64),
        }
    )
    keys = (told["got"].to_numpy(), told["of"].to_numpy(), told["moment"].to_numpy())
    told = told.take(np.lexsort(keys))  # the last key decides
    newest = told["of"].groupby(told["line"]).cummax()
    told = told[told["of"] == newest]
    asked = pd.DataFrame(
        {
            "line": among[asked_lines],
            "moment": rows["moment"].to_numpy("datetime64[ns]"),
            "place": np.arange(len(rows)),
        }
    ).sort_values("moment", kind="stable")
    found = pd.merge_asof(
        asked, told[["line", "moment", "value"]], on="moment", by="line"
    )
    values = np.empty(len(rows))
    values[found["place"].to_numpy()] = found["value"].to_numpy()
    return values
