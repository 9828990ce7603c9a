"""Whether the parts of a thesis agree: budgets, windows, ids, pairs."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from engine.thesis.budgets import budgets
from engine.thesis.complaint import Complaint, Raw, shown
from engine.thesis.holdings import holdings
from engine.thesis.raw import table, tables, text, texts, whole_pair
from engine.thesis.readings import readings
from engine.thesis.source_map import Path, SourceMap

#: Fewest sessions that a market model with its lag is estimated from.
FEWEST_SESSIONS = 20
_ESTIMATION, _WINDOWS = [-260, -11], [[0, 0], [0, 1], [2, 20], [2, 120]]


def consistency(raw: Raw, places: SourceMap) -> Iterator[Complaint]:
    """Yield what contradicts itself, as far as the shape of `raw` allows."""
    yield from _control_characters((), raw)
    yield from budgets(raw, places)
    yield from readings(raw, places)
    yield from holdings(raw)
    yield from _chosen_twice(raw)
    for kind in ("events", "claims", "kill", "mechanisms", "scenarios"):
        yield from _ids(raw, kind, places)
    yield from _weights(raw)
    yield from _factors(raw, places)
    for path, event in tables(raw, "events"):
        yield from _windows(path, event)
        yield from _contrasts(path, event)
    for path, claim in tables(raw, "claims"):
        yield from _claim(path, claim)


def _control_characters(path: Path, value: object) -> Iterator[Complaint]:
    """Find what escapes leave in a text by mistake and no report can print."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _control_characters((*path, key), inner)
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            yield from _control_characters((*path, position), inner)
    elif isinstance(value, str):
        found = next((one for one in value if unicodedata.category(one) == "Cc"), "\n")
        if found not in "\n\t\r":
            yield Complaint(
                path=path,
                message=f"the text holds the control character {found!r}",
                hint="double every backslash, or use single quotes",
            )


def _chosen_twice(raw: Raw) -> Iterator[Complaint]:
    """Check lists that should name a thing once."""
    about, universe = table(raw, "thesis"), table(raw, "universe")
    yield from _repeats(("thesis", "benchmarks"), about.get("benchmarks"))
    kept = [word for _, word in texts((), universe.get("include"))]
    for path, word in texts(("universe", "exclude"), universe.get("exclude")):
        if word in kept:
            yield Complaint(
                path=path,
                message=f"{shown(word)} is both included and excluded",
                hint="take it out of one list",
            )


def _repeats(path: Path, value: object) -> Iterator[Complaint]:
    seen = set()
    for place, word in texts(path, value):
        if word in seen:
            message = f"{shown(word)} stands here twice"
            yield Complaint(path=place, message=message, hint="name it once")
        seen.add(word)


def _ids(raw: Raw, kind: str, places: SourceMap) -> Iterator[Complaint]:
    """Check that no two events, and no two claims, share an id; check mirrors."""
    seen: dict[str, Path] = {}
    for path, item in tables(raw, kind):
        name = text(item, "id")
        if name is None:
            continue
        if name in seen:
            yield Complaint(
                path=(*path, "id"),
                message=f"the id {shown(name)} is already taken, "
                f"line {places.line((*seen[name], 'id'))}",
                hint="give each its own id",
            )
        seen.setdefault(name, path)
        if text(item, "mirrors") == name:
            yield Complaint(
                path=(*path, "mirrors"),
                message=f"the claim {shown(name)} mirrors itself",
                hint="name the claim that it contradicts",
            )


def _factors(raw: Raw, places: SourceMap) -> Iterator[Complaint]:
    """Check that no factor is counted twice with the same parameters."""
    seen: list[tuple[object, object, Path]] = []
    for path, factor in tables(raw, "factors"):
        name, params = text(factor, "name"), factor.get("params", {})
        for other, same, first in seen:
            if name is not None and (name, params) == (other, same):
                yield Complaint(
                    path=(*path, "name"),
                    message=f"the factor {shown(name)} is already counted, "
                    f"line {places.line((*first, 'name'))}",
                    hint="raise its weight there, or change its params here",
                )
                break
        seen.append((name, params, path))


def _weights(raw: Raw) -> Iterator[Complaint]:
    """Check that all scenarios weigh something, or none says what it weighs."""
    found = list(tables(raw, "scenarios"))
    given = [one.get("weight") for _, one in found]
    if any(one is not None for one in given):
        for (path, _), weight in zip(found, given, strict=True):
            if weight is None:
                yield Complaint(
                    path=path,
                    message="the key 'weight' is missing, and other scenarios have one",
                    hint="give every scenario a weight, or none",
                )
        if all(one == 0 for one in given):
            yield Complaint(
                path=(*found[0][0], "weight"),
                message="every scenario weighs 0",
                hint="give one of them a weight above 0",
            )


def _windows(path: Path, event: Raw) -> Iterator[Complaint]:
    """Check that a model is estimated before the sessions it is used on."""
    estimation = whole_pair(event.get("estimation", _ESTIMATION))
    value = event.get("windows", _WINDOWS)
    windows = list(map(whole_pair, value if isinstance(value, list) else ()))
    for position, window in enumerate(windows):
        if window is not None and window in windows[:position]:
            yield Complaint(
                path=(*path, "windows", position),
                message=f"the window {shown(window)} stands here twice",
                hint="name it once",
            )
    if estimation is None or estimation[0] > estimation[1]:
        return
    place = (*path, "estimation")
    first = min([0, *(window[0] for window in windows if window)])
    if estimation[1] >= first:
        yield Complaint(
            path=place,
            message=f"the estimation window {shown(estimation)} overlaps what is "
            f"measured, which starts at session {first}",
            hint=f"let it end before {first}, for example at {first - 11}",
        )
    elif estimation[1] - estimation[0] + 1 < FEWEST_SESSIONS:
        yield Complaint(
            path=place,
            message=f"the estimation window {shown(estimation)} has "
            f"{estimation[1] - estimation[0] + 1} sessions",
            hint=f"it needs at least {FEWEST_SESSIONS}; 250 are usual: [-260, -11]",
        )


def _contrasts(path: Path, event: Raw) -> Iterator[Complaint]:
    value = event.get("contrasts")
    for position, pair in enumerate(value if isinstance(value, list) else ()):
        words = [word for _, word in texts((), pair)]
        if len(words) == 2 and words[0] == words[1]:
            yield _with_itself((*path, "contrasts", position), words[0])


def _claim(path: Path, claim: Raw) -> Iterator[Complaint]:
    """Check the two sides of a claim, and its window."""
    for one, other in (
        ("long", "short"),
        ("a", "b"),
        ("numerator", "denominator"),
    ):
        word = text(claim, one)
        if word is not None and word == text(claim, other):
            yield _with_itself((*path, other), word)
    for key in ("layers", "events", "others", "against", "controls"):
        if isinstance(claim.get(key), list):
            yield from _repeats((*path, key), claim[key])
    window = whole_pair(claim.get("window"))
    if window and window[0] > window[1]:
        yield Complaint(
            path=(*path, "window"),
            message=f"window {shown(window)} ends before it starts",
            hint="write the earlier session first",
        )


def _with_itself(path: Path, word: str) -> Complaint:
    return Complaint(
        path=path,
        message=f"{shown(word)} is compared with itself",
        hint="name two different ones",
    )
