"""The fields of one row, read with a type; what is wrong is collected, not raised."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from engine.errors import at_most, nearest
from universes.rows import Row

_FLAGS = {"yes": True, "true": True, "no": False, "false": False}


def unknown(kind: str, found: str, known: Collection[str]) -> str:
    """Return ``unknown kind 'found'`` with the nearest known word, or all of them."""
    hint = nearest(found, known)
    if not hint:
        hint = (
            f"known are {at_most(sorted(known), 12)}" if known else "none is declared"
        )
    return f"unknown {kind} {found!r}; {hint}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """Reads a row; every problem is appended to `problems` with the row's place."""

    row: Row
    problems: list[str]

    def wrong(self, message: str) -> None:
        """Record what is wrong with this row."""
        self.problems.append(f"{self.row.where}: {message}")

    def only(self, allowed: Collection[str]) -> None:
        """Record every field that is not allowed here."""
        for name in self.row.fields:
            if name not in allowed:
                self.wrong(unknown("field", name, allowed))

    def text(self, name: str, default: str = "") -> str:
        """Return a text field, or `default` where it is blank."""
        value = self.row.fields.get(name, default)
        if isinstance(value, str):
            return value.strip()
        self.wrong(f"{name} = {value!r} is not a text; write it in quotes")
        return default

    def required(self, name: str) -> str:
        """Return a text field that must be there."""
        value = self.text(name)
        if not value and name not in self.row.fields:
            self.wrong(f"{name} is missing")
        return value

    def one_of(self, name: str, known: Collection[str], default: str = "") -> str:
        """Return a text field that must be one of `known`, or `default`."""
        value = self.text(name, default)
        if value and value not in known:
            self.wrong(unknown(name, value, known))
            return default
        if not value:
            self.wrong(f"{name} is missing; known are {at_most(sorted(known), 12)}")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """Return several texts: a TOML array, or parted by ``;`` in CSV."""
        value: Any = self.row.fields.get(name, ())
        items = value.split(";") if isinstance(value, str) else value
        if not isinstance(items, list | tuple) or not all(
            isinstance(item, str) for item in items
        ):
            self.wrong(f"{name} = {value!r} is not a list of texts")
            return ()
        return tuple(item.strip() for item in items if item.strip())

    def day(self, name: str) -> dt.date | None:
        """Return a date field, or None where it is blank."""
        value = self.row.fields.get(name)
        if value is None:
            return None
        if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
            return value
        try:
            return dt.date.fromisoformat(str(value))
        except ValueError:
            self.wrong(f"{name} = {value!r} is not a date; write YYYY-MM-DD")
            return None

    def positive(self, name: str) -> float | None:
        """Return a number above zero, or None where it is blank."""
        value = self.row.fields.get(name)
        if value is None:
            return None
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = float("nan")
        if 0.0 < number < float("inf"):
            return number
        self.wrong(f"{name} = {value!r} is not a number above zero")
        return None

    def flag(self, name: str) -> bool | None:
        """Return yes or no, or None where it is blank."""
        value = self.row.fields.get(name)
        if value is None or isinstance(value, bool):
            return value
        known = _FLAGS.get(str(value).lower())
        if known is None:
            self.wrong(f"{name} = {value!r} is neither yes nor no")
        return known
