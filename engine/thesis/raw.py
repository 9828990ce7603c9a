"""Looking into a thesis as TOML gave it, where any value may have the wrong shape."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from engine.thesis.complaint import Raw
from engine.thesis.source_map import Path


def table(raw: Raw, name: str) -> Raw:
    """Return a table, empty where there is none."""
    value = raw.get(name)
    return value if isinstance(value, dict) else {}


def tables(raw: Raw, name: str) -> Iterator[tuple[Path, Raw]]:
    """Yield the path and content of every table in a list of tables."""
    value = raw.get(name)
    for position, item in enumerate(value if isinstance(value, list) else []):
        if isinstance(item, dict):
            yield (name, position), item


def text(owner: Raw, key: str) -> str | None:
    """Return the text at a key, None where there is no text."""
    value = owner.get(key)
    return value if isinstance(value, str) else None


def texts(path: Path, value: object) -> Iterator[tuple[Path, str]]:
    """Yield the path and text of a text, or of every text in a list."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, list):
        for position, item in enumerate(value):
            if isinstance(item, str):
                yield (*path, position), item


def whole_pair(value: object) -> tuple[int, int] | None:
    """Return two whole numbers, None where the value is anything else."""
    if isinstance(value, list) and len(value) == 2:
        first, last = value
        if _whole(first) and _whole(last):
            return first, last
    return None


def limits(value: object) -> tuple[float, float] | None:
    """Return two shares between 0 and 1, None where the value is anything else."""
    if isinstance(value, list) and len(value) == 2 and all(map(_share, value)):
        return float(value[0]), float(value[1])
    return None


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _share(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and 0.0 <= value <= 1.0
