"""One thing wrong with a thesis, before it has a file and a line."""

from __future__ import annotations

import datetime as dt
import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.errors import at_most, nearest
from engine.thesis.source_map import Path

Raw = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """What is wrong at a path of the thesis, and what to do."""

    path: Path
    message: str
    hint: str = ""


def unknown(
    path: Path,
    word: str,
    known: Iterable[str],
    kind: str,
    *,
    offer: Iterable[str] = (),
) -> tuple[Complaint, ...]:
    """Return a complaint about a name that is not known, or nothing.

    Nothing is said where no name of the kind is known at all: then the catalogue
    could not be read, which is a complaint of its own. Where nothing known is near,
    `offer` (or else `known`) is listed.
    """
    names = sorted(set(known))
    if not names or word in names:
        return ()
    listed = sorted(set(offer)) or names
    hint = nearest(word, names) or f"known are {at_most(listed)}"
    return (Complaint(path=path, message=f"unknown {kind} {shown(word)}", hint=hint),)


def almost(word: str, known: Iterable[str]) -> str:
    """Return the known name that `word` surely misspells, or ``""``."""
    close = difflib.get_close_matches(word, sorted(set(known)), n=1, cutoff=0.85)
    return close[0] if close and close[0] != word else ""


def shown(value: object) -> str:
    """Return a value as an author would recognise it, at most 60 characters long."""
    if isinstance(value, dict):
        return "a table" if value else "an empty table"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, list | tuple):
        text = f"[{', '.join(shown(item) for item in value[:6])}"
        text += ", ...]" if len(value) > 6 else "]"
    else:
        try:
            text = repr(value)
        except ValueError:  # an integer with thousands of digits has no text
            return "a number with thousands of digits"
    return text if len(text) <= 60 else f"{text[:57]}..."


def where(path: Path, raw: Raw) -> str:
    """Return a path in the words of the file: ``[[claims]] 'recovery' window``.

    A table of a list is named by its `id` or `name`, else by its number from 1.
    """
    if not path:
        return "the file"
    head, rest = _table(path, raw)
    words = [head] if head else []
    for position, part in enumerate(rest):
        if isinstance(part, int):
            words.append(f"item {part + 1}")
        elif position and isinstance(rest[position - 1], str):
            words[-1] += f".{part}"
        else:
            words.append(part)
    return " ".join(words)


def _table(path: Path, raw: Raw) -> tuple[str, Path]:
    """Return the table a path lies in, as its header, and the rest of the path."""
    name = path[0]
    content = raw.get(str(name))
    if len(path) > 1 and isinstance(path[1], int):
        item = content[path[1]] if isinstance(content, list) else None
        label = item.get("id", item.get("name")) if isinstance(item, dict) else None
        said = shown(label) if isinstance(label, str) else str(path[1] + 1)
        return f"[[{name}]] {said}", path[2:]
    if name in ("barbell", "readings") and len(path) > 1:
        return f"[{name}.{_key(str(path[1]))}]", path[2:]
    if isinstance(content, dict) or len(path) > 1:
        return f"[{name}]", path[1:]
    return "", path


def _key(name: str) -> str:
    """Return a key as TOML writes it: in quotes where it holds more than letters."""
    bare = all(one.isalnum() or one in "-_" for one in name)
    return name if bare and name else f'"{name}"'
