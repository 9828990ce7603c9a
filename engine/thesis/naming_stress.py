"""Whether the names and inputs of mechanisms and scenarios are known and in range."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.errors import nearest
from engine.thesis.complaint import Complaint, Raw, almost, shown, unknown
from engine.thesis.raw import table, tables, text, texts
from engine.thesis.source_map import Path
from engine.thesis.vocabulary import Vocabulary, check_parameters

#: Keys of a state that name an entity.
_ENTITIES = ("entity", "entities", "over")


def stress_names(
    raw: Raw, names: Vocabulary, subjects: Sequence[str]
) -> Iterator[Complaint]:
    """Yield every name in [[mechanisms]] and [[scenarios]] that nothing answers to.

    `subjects` are what a scenario may have an effect on: layers and baskets.
    """
    roles = (*names.roles, *table(raw, "signals")) if names.roles else ()
    for path, mechanism in tables(raw, "mechanisms"):
        yield from _inputs(path, mechanism, names)
        yield from _layers((*path, "exposure"), mechanism, names.layers, "layer")
        yield from _reads((*path, "reads"), mechanism, raw, roles, names)
    for path, scenario in tables(raw, "scenarios"):
        known = subjects if names.layers else ()
        yield from _layers((*path, "effect"), scenario, known, "layer or basket")
        states = scenario.get("states")
        for position, state in enumerate(states if isinstance(states, list) else ()):
            if isinstance(state, dict):
                place = (*path, "states", position)
                yield from _role(place, state, roles)
                for key in _ENTITIES:
                    yield from entity_name((*place, key), state.get(key), names)


def _inputs(path: Path, mechanism: Raw, names: Vocabulary) -> Iterator[Complaint]:
    """Check the kind, that its inputs are there, and that they compute."""
    kind = text(mechanism, "kind")
    if kind is None:
        return
    if kind not in names.mechanisms:
        yield from unknown((*path, "kind"), kind, names.mechanisms, "mechanism")
        return
    given = table(mechanism, "inputs")
    values = {
        name: one["value"]
        for name, one in given.items()
        if isinstance(one, dict) and _number(one.get("value"))
    }
    if len(values) < len(given):
        return  # their shape is wrong, which is a complaint of its own
    found = list(
        check_parameters(
            (*path, "inputs"),
            values,
            names.mechanisms[kind],
            owner=f"the mechanism {kind!r}",
        )
    )
    yield from found
    if not found:
        yield from _corners((*path, "inputs"), given, names.mechanisms[kind])


def _corners(
    path: Path, given: Mapping[str, Mapping[str, Any]], kind: type
) -> Iterator[Complaint]:
    """Check that the mechanism computes at every end of its inputs' ranges."""
    ends = [
        sorted({one.get(key, one["value"]) for key in ("low", "high")})
        for one in given.values()
    ]
    if not all(_number(value) for one in ends for value in one):
        return
    for corner in itertools.product(*ends):
        try:
            kind(**dict(zip(given, corner, strict=True)))
        except ValueError as error:
            yield Complaint(
                path=path,
                message=f"at an end of a range: {error}",
                hint="narrow 'low' and 'high'",
            )
            return


def _layers(
    path: Path, owner: Raw, known: Sequence[str], kind: str
) -> Iterator[Complaint]:
    for name in table(owner, str(path[-1])):
        yield from unknown((*path, name), name, known, kind)


def _reads(
    path: Path, mechanism: Raw, raw: Raw, roles: Sequence[str], names: Vocabulary
) -> Iterator[Complaint]:
    """Check the role, the factor of this thesis and the entity that are read."""
    reads = table(mechanism, "reads")
    yield from _role(path, reads, roles)
    yield from entity_name((*path, "entity"), reads.get("entity"), names)
    factors = [text(factor, "name") or "" for _, factor in tables(raw, "factors")]
    factor = text(reads, "factor")
    if factor is not None:
        place = (*path, "factor")
        yield from unknown(place, factor, factors, "factor of this thesis")
        if not factors:
            yield Complaint(
                path=place,
                message=f"unknown factor {shown(factor)}",
                hint="the thesis has no [[factors]]",
            )


def _role(path: Path, owner: Raw, roles: Sequence[str]) -> Iterator[Complaint]:
    for place, word in texts((*path, "role"), owner.get("role")):
        yield from unknown(place, word, roles, "role")


def entity_name(path: Path, value: object, names: Vocabulary) -> Iterator[Complaint]:
    """Check that no entity is misspelt; signals also speak of others."""
    for place, word in texts(path, value):
        meant = "" if word in names.entities else almost(word, names.entities)
        if meant:
            yield Complaint(
                path=place,
                message=f"unknown entity {shown(word)}",
                hint=nearest(word, [meant]),
            )


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
