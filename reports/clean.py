"""Text from files made fit for a page: what cannot or must not be drawn is replaced.

A control character has no shape and aborts the SVG renderer; a bidirectional override
lets a name read as another. Markup needs no cleaning: it is escaped where it is used.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

REPLACEMENT = "\N{WHITE SQUARE}"
#: Controls but tab and newline, surrogates, non-characters, bidirectional overrides.
_UNFIT = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"
    "\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)


def clean(text: str) -> str:
    """Return a text whose unfit characters are white squares."""
    if text.isascii() and text.isprintable():
        return text
    return _UNFIT.sub(REPLACEMENT, text)


def cleaned(value: Any) -> Any:
    """Return a value with every text in it cleaned, however deep it lies."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, int | float | None):
        return value
    if isinstance(value, tuple | list):
        return type(value)([cleaned(one) for one in value])
    if isinstance(value, dict | Mapping):  # a dict is known at once
        return {cleaned(name): cleaned(one) for name, one in value.items()}
    names = _fields(value.__class__)
    if names is not None:
        return type(value)(**{name: cleaned(getattr(value, name)) for name in names})
    return value


@cache
def _fields(kind: Any) -> tuple[str, ...] | None:
    """Return the names of a dataclass's fields, None for another class."""
    if not dataclasses.is_dataclass(kind):
        return None
    return tuple(field.name for field in dataclasses.fields(kind))
