"""What a thesis file can name, as tables and as a schema."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pandas as pd

import factors
from engine.app import load_universe, vocabulary_for
from engine.evidence.claims import CLAIM_TESTS
from engine.market.listing import Universe
from engine.thesis.document import Document
from engine.thesis.schema import json_schema


def universe_table(universe: Universe, *, everything: bool = False) -> pd.DataFrame:
    """Return one row per line, and with `everything` one per unlisted entity too."""
    rows = []
    listed = set()
    for line in universe.lines.values():
        listed.add(line.entity)
        rows.append(_entity_row(universe, line.entity) | _line_row(line))
    if everything:
        rows += [
            _entity_row(universe, entity)
            for entity in universe.entities
            if entity not in listed
        ]
    return pd.DataFrame(rows, columns=[*_ENTITY, *_LINE])


def house_styles(document: Document) -> dict[str, str]:
    """Return the symbols of a thesis written in another house's style -> Yahoo's."""
    thesis = document.thesis
    folder = Path(document.path).parent
    aliases = load_universe(thesis.universe.name, base=folder).aliases
    named = (
        *thesis.universe.include,
        *thesis.universe.exclude,
        *thesis.about.benchmarks,
        *(event.benchmark for event in thesis.events if event.benchmark),
    )
    return {name: aliases[name] for name in named if name in aliases}


_ENTITY = ("entity", "name", "kind", "layer", "exposure", "leg", "leg_alt", "documents")
_LINE = ("symbol", "mic", "currency", "line", "primary", "us", "listed", "ratio")


def _entity_row(universe: Universe, identifier: str) -> dict[str, Any]:
    entity = universe.entities[identifier]
    exposure = ", ".join(
        f"{layer} {weight:g}" for layer, weight in entity.exposure().items()
    )
    values = (
        entity.id,
        entity.name,
        entity.kind,
        entity.layer,
        exposure,
        entity.leg,
        entity.leg_alt,
        ", ".join(entity.documents),
    )
    return dict(zip(_ENTITY, values, strict=True))


def _line_row(line: Any) -> dict[str, Any]:
    values = (
        line.symbol,
        line.mic,
        line.currency,
        line.kind,
        line.primary,
        line.us,
        line.listed.isoformat() if line.listed else "",
        line.shares_per_receipt,
    )
    return dict(zip(_LINE, values, strict=True))


def factor_table() -> pd.DataFrame:
    """Return one row per factor: its kind, its parameters, what it measures."""
    rows = []
    for kind, catalogue in (
        ("asset", factors.ASSET_FACTORS),
        ("state", factors.STATE_FACTORS),
    ):
        rows += [
            {
                "factor": name,
                "kind": kind,
                "parameters": _keys(factor),
                "what": _first_line(factor),
            }
            for name, factor in catalogue.items()
        ]
    return pd.DataFrame(rows)


def claim_test_table() -> pd.DataFrame:
    """Return one row per claim test: its keys and what it measures."""
    return pd.DataFrame(
        [
            {"test": name, "keys": _keys(test.params), "what": test.help}
            for name, test in CLAIM_TESTS.items()
        ]
    )


def thesis_schema(universe: str = "ai-stack") -> dict[str, Any]:
    """Return the JSON Schema of a thesis file on a universe."""
    return json_schema(vocabulary_for(Path())(universe))


def _keys(kind: type) -> str:
    """Return a dataclass's fields as ``name`` or ``name = default``."""
    out = []
    for one in dataclasses.fields(kind):
        needed = one.default is dataclasses.MISSING
        out.append(one.name if needed else f"{one.name} = {one.default!r}")
    return ", ".join(out)


def _first_line(kind: type) -> str:
    return (kind.__doc__ or "").strip().splitlines()[0].rstrip(".")
