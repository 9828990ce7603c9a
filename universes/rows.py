"""Rows of a universe's files, each with the place where it stands."""

from __future__ import annotations

import csv
import io
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from engine.errors import UniverseError

TABLES = ("entities", "lines", "benchmarks")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One entity, line or benchmark as written; empty fields are left out.

    `where` is ``file:line``.
    """

    where: str
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A universe as written: its head and its tables of rows."""

    name: str
    where: str
    head: Mapping[str, Any]
    tables: Mapping[str, tuple[Row, ...]]


def read_folder(folder: Path, shown: str) -> Source:
    """Return the universe of a folder: universe.toml, entities.csv, lines.csv.

    `shown` is how messages name the folder. Raises `UniverseError` if a file is
    missing or cannot be read; benchmarks.csv may be absent.
    """
    head = _toml(folder / "universe.toml", f"{shown}/universe.toml")
    tables = {}
    for table in TABLES:
        path = folder / f"{table}.csv"
        if table == "benchmarks" and not path.exists():
            continue
        tables[table] = read_csv(path, f"{shown}/{table}.csv")
    return Source(
        name=folder.name, where=f"{shown}/universe.toml", head=head, tables=tables
    )


def read_toml(path: Path, shown: str) -> Source:
    """Return the universe of one TOML file with ``[[entities]]`` and ``[[lines]]``."""
    content = _toml(path, shown)
    text = path.read_text(encoding="utf-8-sig")
    tables = {
        table: _toml_rows(content.get(table, []), table, text, shown)
        for table in TABLES
        if table in content
    }
    head = {key: value for key, value in content.items() if key not in TABLES}
    return Source(name=path.stem, where=shown, head=head, tables=tables)


def read_csv(path: Path, shown: str) -> tuple[Row, ...]:
    """Return the rows of a CSV file with a header.

    Raises `UniverseError` for a file that is missing, not UTF-8, empty, or has a row
    longer or shorter than its header.
    """
    reader = csv.reader(io.StringIO(_text(path, shown), newline=""), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        if not any(header):
            raise UniverseError(f"{shown}: the file is empty; write a header line")
        rows = []
        for values in reader:
            where = f"{shown}:{reader.line_num}"
            if not any(value.strip() for value in values):
                continue
            if len(values) != len(header):
                raise UniverseError(
                    f"{where}: {len(values)} fields where the header has "
                    f"{len(header)}; quote a text that contains a comma"
                )
            pairs = zip(header, (value.strip() for value in values), strict=True)
            fields = {name: value for name, value in pairs if value}
            rows.append(Row(where=where, fields=MappingProxyType(fields)))
    except csv.Error as error:
        raise UniverseError(f"{shown}:{reader.line_num}: {error}") from error
    return tuple(rows)


def _text(path: Path, shown: str) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise UniverseError(
            f"{shown}: no such file; a universe folder holds universe.toml, "
            "entities.csv and lines.csv"
        ) from error
    except UnicodeDecodeError as error:
        raise UniverseError(f"{shown}: not UTF-8 text; save it as UTF-8") from error
    except OSError as error:
        raise UniverseError(f"{shown}: cannot be read: {error.strerror}") from error


def _toml(path: Path, shown: str) -> dict[str, Any]:
    text = _text(path, shown)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UniverseError(f"{shown}: not valid TOML: {error}") from error


def _toml_rows(items: Any, table: str, text: str, shown: str) -> tuple[Row, ...]:
    """Return the tables of an array with the line of each ``[[header]]``."""
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise UniverseError(f"{shown}: write {table} as [[{table}]] tables")
    header = re.compile(rf"^[ \t]*\[\[[ \t]*{table}[ \t]*\]\]", re.MULTILINE)
    places = [text.count("\n", 0, found.start()) + 1 for found in header.finditer(text)]
    return tuple(
        Row(
            where=f"{shown}:{places[order]}" if order < len(places) else shown,
            fields=MappingProxyType(dict(item)),
        )
        for order, item in enumerate(items)
    )
