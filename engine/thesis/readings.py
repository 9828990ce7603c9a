"""Other readings of a thesis: the same budgets over other layers."""

from __future__ import annotations

from collections.abc import Iterator

from engine.thesis.complaint import Complaint, Raw, shown
from engine.thesis.model import Leg, Thesis
from engine.thesis.raw import table, texts
from engine.thesis.source_map import Path, SourceMap


def legs_of(thesis: Thesis, reading: str) -> dict[str, Leg]:
    """Return the barbell's legs as a reading of the thesis draws them.

    A leg that the reading does not name keeps its layers; every leg keeps its budget.
    Raises `KeyError` for a reading that the thesis does not have.
    """
    layers = thesis.readings[reading]
    return {
        name: leg.model_copy(update={"layers": layers.get(name, leg.layers)})
        for name, leg in thesis.barbell.items()
    }


def readings(raw: Raw, places: SourceMap) -> Iterator[Complaint]:
    """Yield what is wrong with readings: a layer in two legs, or nothing changed."""
    legs = table(raw, "barbell")
    own = {
        name: [
            (path, layer)
            for path, layer in texts(("barbell", name, "layers"), leg.get("layers"))
        ]
        for name, leg in legs.items()
        if isinstance(leg, dict)
    }
    told = table(raw, "readings")
    for reading in told:
        given = table(told, reading)
        drawn = {
            name: list(texts(("readings", reading, name), given[name]))
            if name in given
            else held
            for name, held in own.items()
        }
        yield from _one_leg_each(("readings", reading), drawn, places)
        if all(_layers(drawn[name]) == _layers(held) for name, held in own.items()):
            yield Complaint(
                path=("readings", reading),
                message=f"the reading {shown(reading)} is the barbell itself",
                hint="name at least one leg with other layers",
            )


def _one_leg_each(
    path: Path, legs: dict[str, list[tuple[Path, str]]], places: SourceMap
) -> Iterator[Complaint]:
    """Check that a layer stands in one leg of a reading only."""
    taken: dict[str, tuple[str, Path]] = {}
    for leg, layers in legs.items():
        for place, layer in layers:
            if layer in taken and taken[layer][0] != leg:
                other, first = taken[layer]
                here, there = (place, first) if place[0] == path[0] else (first, place)
                holder = other if place[0] == path[0] else leg
                yield Complaint(
                    path=here,
                    message=f"layer {shown(layer)} is already in the leg {holder!r}, "
                    f"line {places.line(there)}",
                    hint=f"name {holder!r} in the reading too, without it",
                )
            elif layer in taken and place[0] == path[0]:
                yield Complaint(
                    path=place,
                    message=f"layer {shown(layer)} is named twice",
                    hint="name it once",
                )
            taken.setdefault(layer, (leg, place))


def _layers(found: list[tuple[Path, str]]) -> set[str]:
    return {layer for _, layer in found}
