"""How the parts of a thesis are written before they are hashed, whatever the form.

What stands here is frozen: another way to write a value would end every registration.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import TypeAdapter
from pydantic_core import PydanticUndefined

from engine.evidence.claims import CLAIM_TESTS
from engine.thesis.model import Claim, Section

#: Keys of a claim that say what it is called and where it comes from, not what it is.
CLAIM_NAMES = ("id", "declared", "document", "grade", "mirrors")
_WORDS = ("says", "refuted_if")


def own_keys(claim: Claim) -> dict[str, Any]:
    """Return the keys of a claim that are not its test's, defaults left out."""
    return {
        name: plain_words(value) if name in _WORDS else plain(value)
        for name, value in chosen(claim, CLAIM_NAMES)
    }


def chosen(section: Section, without: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    """Yield the fields of a section that are not at their default, but for some."""
    for name, known in type(section).model_fields.items():
        value = getattr(section, name)
        default = known.default is not PydanticUndefined and value == known.default
        if name not in without and not default:
            yield name, value


def params_of(claim: Claim) -> dict[str, Any]:
    """Return the parameters of a claim's test, defaults left out."""
    kind = CLAIM_TESTS[claim.test].params
    read: Any = TypeAdapter(kind).validate_python(claim.params)
    return {
        one.name: plain(getattr(read, one.name))
        for one in dataclasses.fields(read)
        if getattr(read, one.name) != one.default
    }


def moment(at: dt.date | dt.datetime) -> str:
    """Return a day, or a moment in UTC, as ISO text."""
    zoned = isinstance(at, dt.datetime) and at.tzinfo is not None
    return (at.astimezone(dt.UTC) if zoned else at).isoformat()  # type: ignore[union-attr]


def plain_words(text: str) -> str:
    """Return a text whatever its line breaks, blanks and composed letters."""
    return unicodedata.normalize("NFC", " ".join(text.split()))


def plain(value: Any) -> Any:
    """Return a value as JSON has it."""
    if isinstance(value, dt.date):
        return moment(value)
    if isinstance(value, tuple | list):
        return [plain(one) for one in value]
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return plain(dataclasses.asdict(value))
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json", exclude_defaults=True)
    return value


def texts(value: Any) -> list[str]:
    """Return a text, or the texts of a list, as a list."""
    if isinstance(value, str):
        return [value]
    return [one for one in value or () if isinstance(one, str)]
