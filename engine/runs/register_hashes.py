"""What a claim says and how it is tested, as a hash; and what decides a portfolio.

A hash does not change with the layout of the file, comments, the order of tables, a
default that is written out, or the ids and dates by which things are called; it does
with everything that could change a verdict.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter
from pydantic_core import PydanticUndefined

from engine.evidence.claims import CLAIM_TESTS
from engine.evidence.claims.context import members
from engine.market.listing import Line, Universe
from engine.runs.register import digest
from engine.thesis.model import Claim, Event, Thesis
from engine.thesis.naming import PATHS, SUBJECTS

#: Keys of a claim that say what it is called and where it comes from, not what it is.
_NAMES = ("id", "declared", "document", "grade", "mirrors")
_WORDS = ("says", "refuted_if")
#: Keys of [thesis] that the portfolio follows; the period and the seed are not.
_ABOUT = ("currency", "calendar", "benchmarks", "risk_free")
_SECTIONS = ("universe", "signals", "factors", "scoring", "barbell", "portfolio")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hashes:
    """SHA-256 of what decides the portfolio, and of each claim by its id."""

    settings: str
    claims: Mapping[str, str]


def hashes_of(thesis: Thesis, universe: Universe, assets: tuple[Line, ...]) -> Hashes:
    """Return the hashes of a thesis over the assets that it may hold.

    The assets of a layer are part of a claim about it: a company that moves to another
    layer changes the claims about both.
    """
    return Hashes(
        settings=digest(settings(thesis, universe, assets)),
        claims={
            claim.id: digest(statement(claim, thesis, universe, assets))
            for claim in thesis.claims
        },
    )


def statement(
    claim: Claim, thesis: Thesis, universe: Universe, assets: tuple[Line, ...]
) -> dict[str, Any]:
    """Return all that a claim's verdict depends on but the data."""
    params = _params(claim)
    named = [params.pop("event", None), *params.pop("events", ())]
    about = thesis.about
    said: dict[str, Any] = {
        "claim": _own_keys(claim),
        "params": params,
        "account": [about.currency, about.calendar],
    }
    events = [thesis.event(name) for name in named if name]
    if events:
        said["events"] = sorted(
            (_news(event, thesis) for event in events), key=lambda one: one["at"]
        )
    readings = [one for key in PATHS for one in _texts(params.get(key))]
    drawn = {one: thesis.readings[one] for one in readings if one in thesis.readings}
    if drawn:
        said["readings"] = _plain(drawn)
    subjects = [one for key in SUBJECTS for one in _texts(params.get(key))]
    if subjects:
        said["members"] = {
            one: sorted(members(one, thesis, universe, assets)) for one in subjects
        }
    return said


def settings(
    thesis: Thesis, universe: Universe, assets: tuple[Line, ...]
) -> dict[str, Any]:
    """Return all that the portfolio depends on but data, period, capital and seed."""
    told = thesis.model_dump(mode="json", exclude_defaults=True)
    about = thesis.about.model_dump(mode="json", exclude_defaults=True)
    execution = dict(told.get("execution", {}))
    execution.pop("capital", None)
    said = {name: told[name] for name in _SECTIONS if name in told}
    if "factors" in said:
        said["factors"] = sorted(said["factors"], key=digest)
    return said | {
        "thesis": {name: about[name] for name in _ABOUT if name in about},
        "execution": execution,
        "acts": sorted(_moment(event.at) for event in thesis.events if event.act),
        "assets": sorted(
            [line.symbol, universe.layer_of(line.symbol)] for line in assets
        ),
    }


def _own_keys(claim: Claim) -> dict[str, Any]:
    """Return the keys of a claim that are not its test's, defaults left out."""
    said: dict[str, Any] = {}
    for name, known in type(claim).model_fields.items():
        value = getattr(claim, name)
        default = known.default is not PydanticUndefined and value == known.default
        if name in _NAMES or default:
            continue
        said[name] = _plain_words(value) if name in _WORDS else _plain(value)
    return said


def _params(claim: Claim) -> dict[str, Any]:
    """Return the parameters of a claim's test, defaults left out."""
    kind = CLAIM_TESTS[claim.test].params
    read: Any = TypeAdapter(kind).validate_python(claim.params)
    return {
        one.name: _plain(getattr(read, one.name))
        for one in dataclasses.fields(read)
        if getattr(read, one.name) != one.default
    }


def _news(event: Event, thesis: Thesis) -> dict[str, Any]:
    """Return what of an event decides a test: its moment, and the model behind it."""
    return {
        "at": _moment(event.at),
        "estimation": list(event.estimation),
        "benchmark": event.benchmark or thesis.about.benchmarks[0],
    }


def _moment(at: dt.date | dt.datetime) -> str:
    zoned = isinstance(at, dt.datetime) and at.tzinfo is not None
    return (at.astimezone(dt.UTC) if zoned else at).isoformat()  # type: ignore[union-attr]


def _plain_words(text: str) -> str:
    """Return a text whatever its line breaks, blanks and composed letters."""
    return unicodedata.normalize("NFC", " ".join(text.split()))


def _plain(value: Any) -> Any:
    """Return a value as JSON has it."""
    if isinstance(value, dt.date):
        return _moment(value)
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _plain(dataclasses.asdict(value))
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json", exclude_defaults=True)
    return value


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [one for one in value or () if isinstance(one, str)]
