"""Checks of factor parameters: one clear message each."""

from __future__ import annotations

import math

from engine.errors import UsageError


def whole(value: object, *, where: str, least: int) -> None:
    """Raise `UsageError` unless `value` is an int of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise UsageError(
            f"{where} = {value!r}: give a whole number of at least {least}"
        )


def fraction(value: object, *, where: str) -> None:
    """Raise `UsageError` unless `value` is a number from 0 to 1."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or not 0.0 <= value <= 1.0:  # type: ignore[arg-type, operator]
        raise UsageError(f"{where} = {value!r}: give a number from 0 to 1")


def name(value: object, *, where: str) -> None:
    """Raise `UsageError` unless `value` is text without blanks at its ends."""
    if not isinstance(value, str) or value != value.strip():
        raise UsageError(f"{where} = {value!r}: give the id of one entity as text")


def names(value: object, *, where: str) -> tuple[str, ...]:
    """Return a list of entity ids as a tuple; raise `UsageError` for anything else."""
    if isinstance(value, str) or not isinstance(value, (list, tuple)):
        raise UsageError(f'{where} = {value!r}: give a list of entity ids, ["a", "b"]')
    for item in value:
        name(item, where=where)
    if len(set(value)) < len(value):
        raise UsageError(f"{where} = {list(value)!r}: name each entity once")
    return tuple(value)
