"""A thesis together with the file it was read from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.thesis.model import Thesis


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Document:
    """A thesis with the file it was read from.

    digest : SHA-256 of the text, hexadecimal. overrides : settings that the caller
    replaced after reading, option -> value.
    """

    thesis: Thesis
    path: str
    text: str
    digest: str
    overrides: Mapping[str, str] = field(default_factory=dict)
