"""Where each key and value of a TOML text stands: path -> line."""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field

Path = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_KEY = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|[A-Za-z0-9_-]+')
_TEXT = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'',
    re.DOTALL,
)
_SCALAR = re.compile(r"[^,\]}#\n]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceMap:
    """Lines of a TOML text; a path is a chain of keys and list positions from 0."""

    lines: Mapping[Path, int]

    def line(self, path: Path) -> int:
        """Return the line of a path, or of the nearest table or list around it.

        1 where nothing of the path stands in the text.
        """
        for end in range(len(path), 0, -1):
            found = self.lines.get(path[:end])
            if found is not None:
                return found
        return 1


def source_map(text: str) -> SourceMap:
    """Return the line of every table, key and list item of `text`.

    `text` must be valid TOML: it is read a second time only for its positions, which
    tomllib does not give.
    """
    scan = _Scan(text=text.replace("\r\n", "\n"))
    scan.document()
    return SourceMap(lines=scan.lines)


@dataclass(slots=True, kw_only=True)
class _Scan:
    """One pass over a text; every method takes a position and returns the next."""

    text: str
    lines: dict[Path, int] = field(default_factory=dict)
    tables: dict[Path, int] = field(default_factory=dict)  # [[name]] -> how many
    breaks: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.breaks = [match.start() for match in re.finditer("\n", self.text)]

    def note(self, path: Path, at: int) -> None:
        """Remember the first place where each part of a path appears."""
        line = bisect_right(self.breaks, at - 1) + 1
        for end in range(1, len(path) + 1):
            self.lines.setdefault(path[:end], line)

    def blank(self, at: int) -> int:
        """Skip white space, line ends and comments."""
        return _matched_end(_BLANK, self.text, at)

    def document(self) -> None:
        """Read every statement."""
        table: Path = ()
        at = self.blank(0)
        while at < len(self.text):
            if self.text[at] == "[":
                table, at = self.header(at)
            else:
                at = self.pair(at, table)
            at = self.blank(at)

    def header(self, at: int) -> tuple[Path, int]:
        """Read ``[a.b]`` or ``[[a.b]]`` and return the table it opens."""
        start, repeated = at, self.text.startswith("[[", at)
        keys, at = self.keys(at + (2 if repeated else 1))
        path: Path = ()
        for position, key in enumerate(keys):
            path = (*path, key)
            if repeated and position == len(keys) - 1:
                self.tables[path] = self.tables.get(path, 0) + 1
            if path in self.tables:
                path = (*path, self.tables[path] - 1)
        self.note(path, start)
        return path, at + (2 if repeated else 1)

    def pair(self, at: int, table: Path) -> int:
        """Read ``key = value``."""
        keys, after = self.keys(at)
        path = (*table, *keys)
        self.note(path, at)
        return self.value(self.blank(after + 1), path)

    def keys(self, at: int) -> tuple[list[str], int]:
        """Read a dotted key up to the sign that ends it."""
        keys: list[str] = []
        while True:
            at = self.blank(at)
            end = _matched_end(_KEY, self.text, at)
            keys.append(_plain(self.text[at:end]))
            at = self.blank(end)
            if self.text[at] != ".":
                return keys, at
            at += 1

    def value(self, at: int, path: Path) -> int:
        """Read a value; what stands inside a list or an inline table is noted."""
        opening = self.text[at]
        if opening in "\"'":
            return _matched_end(_TEXT, self.text, at)
        if opening not in "[{":
            return _matched_end(_SCALAR, self.text, at)
        closing = "]" if opening == "[" else "}"
        at, item = self.blank(at + 1), 0
        while self.text[at] != closing:
            if opening == "[":
                self.note((*path, item), at)
                at = self.value(at, (*path, item))
            else:
                at = self.pair(at, path)
            at, item = self.blank(at), item + 1
            if self.text[at] == ",":
                at = self.blank(at + 1)
        return at + 1


def _matched_end(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    assert match is not None, "the text was parsed by tomllib before"
    return match.end()


def _plain(key: str) -> str:
    """Return a key without its quotes and escapes."""
    if key[0] == '"':
        return str(tomllib.loads(f"key = {key}")["key"]) if "\\" in key else key[1:-1]
    return key[1:-1] if key[0] == "'" else key
