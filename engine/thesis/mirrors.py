"""Whether a claim that `mirrors` another is the same measurement seen from behind.

Two claims count once only if one p-value belongs to both: the same test with the same
parameters asks for the opposite sign, or with its two sides exchanged for the same.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

from engine.thesis.complaint import Complaint, Raw, shown
from engine.thesis.dates import as_date, as_moment
from engine.thesis.model import Claim
from engine.thesis.raw import table, tables, text, texts
from engine.thesis.source_map import Path, SourceMap
from engine.thesis.structure import keys_of
from engine.thesis.vocabulary import Vocabulary

#: Tests whose estimate turns its sign when these two parameters are exchanged.
SIDES: Mapping[str, tuple[str, str]] = {
    "layer_spread": ("long", "short"),
    "event_contrast": ("long", "short"),
    "sharpe_difference": ("a", "b"),
}
#: Tests without a p-value: what two claims could share is not there.
CONDITIONS = ("signal_threshold",)
#: Parameters whose order changes nothing.
_SETS = ("events", "others", "against", "controls")
_ALONE = "leave 'mirrors' out, so that each counts by itself"

_Found = tuple[Path, Raw]


def mirrors(raw: Raw, places: SourceMap, names: Vocabulary) -> Iterator[Complaint]:
    """Yield every `mirrors` that does not stand for one measurement of two claims."""
    claims: dict[str, _Found] = {}
    for path, claim in tables(raw, "claims"):
        claims.setdefault(text(claim, "id") or "", (path, claim))
    taken: dict[frozenset[str], Path] = {}
    partner: dict[str, str] = {}
    for path, claim in tables(raw, "claims"):
        name, other = text(claim, "id"), text(claim, "mirrors")
        if name is None or other is None or other not in claims or name == other:
            continue  # told elsewhere
        pair, place = frozenset({name, other}), (*path, "mirrors")
        busy = [one for one in (other, name) if one in partner]
        busy = [one for one in busy if partner[one] not in pair]
        if busy:
            first = places.line(taken[frozenset({busy[0], partner[busy[0]]})])
            yield Complaint(
                path=place,
                message=f"the claim {shown(busy[0])} is already one of a mirrored "
                f"pair, with {shown(partner[busy[0]])}, line {first}",
                hint=f"two claims make a pair, never more; {_ALONE}",
            )
            continue
        taken.setdefault(pair, place)
        partner[name], partner[other] = other, name
        why = _differs(claim, claims[other][1], raw, names)
        if why:
            message = f"is no mirror of the claim {shown(other)}: {why[0]}"
            yield Complaint(path=place, message=message, hint=why[1])


def _differs(
    claim: Raw, other: Raw, raw: Raw, names: Vocabulary
) -> tuple[str, str] | None:
    """Return why two claims are not one measurement mirrored, and what to do."""
    test = text(claim, "test")
    if test is None or test not in names.claim_tests:
        return None  # told elsewhere
    if text(other, "test") != test:
        return f"its test is {shown(text(other, 'test'))}, not {shown(test)}", _ALONE
    if test in CONDITIONS:
        return f"{shown(test)} has no p-value that two claims could share", _ALONE
    scopes = [text(one, "scope") or "law" for one in (claim, other)]
    if scopes[0] != scopes[1]:
        return "one is about an event, the other a law", "give both the same 'scope'"
    kind = names.claim_tests[test]
    mine, theirs = (_params(one, kind) for one in (claim, other))
    same = (text(claim, "sign") or "+") == (text(other, "sign") or "+")
    turned = _exchanged(mine, SIDES.get(test)) if same else mine
    if turned is None or turned != theirs:
        return _unlike(mine, theirs, same, SIDES.get(test))
    if _sample(claim, mine, raw) != _sample(other, mine, raw):
        return (
            "they are declared on different days, which gives them different samples",
            f"give both the same 'declared', or {_ALONE}",
        )
    return None


def _unlike(
    mine: Mapping[str, Any],
    theirs: Mapping[str, Any],
    same: bool,
    sides: tuple[str, str] | None,
) -> tuple[str, str]:
    """Return which parameters differ, or that the signs do not."""
    if mine == theirs:
        return (
            "both ask for the same sign of the same thing",
            f"ask for the opposite sign, or {_ALONE}",
        )
    keys = [key for key in {*mine, *theirs} if mine.get(key) != theirs.get(key)]
    told = ", ".join(map(repr, sorted(keys)))
    word = "differs" if len(keys) == 1 else "differ"
    if not same and sides and _exchanged(mine, sides) == theirs:
        return (
            f"{told} are exchanged and the sign as well: both ask for the same",
            "turn one of the two round, not both",
        )
    return f"{told} {word}", f"make them the same and the sign opposite, or {_ALONE}"


def _params(claim: Raw, kind: type) -> dict[str, Any]:
    """Return the parameters of a claim's test, defaults and all, as values compare."""
    own = keys_of(Claim)
    given = {
        one.name: one.default
        for one in dataclasses.fields(kind)
        if one.default is not dataclasses.MISSING
    }
    given |= {key: value for key, value in claim.items() if key not in own}
    event = given.pop("event", None)
    if event is not None:
        given["events"] = [event]
    return {
        key: sorted(value, key=repr) if key in _SETS else value
        for key, value in ((key, _listed(value)) for key, value in given.items())
        if not (key in _SETS and not isinstance(value, list))
    }


def _listed(value: object) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _exchanged(
    params: Mapping[str, Any], sides: tuple[str, str] | None
) -> dict[str, Any] | None:
    """Return the parameters with the two sides exchanged; None where there are none."""
    if sides is None:
        return None
    first, second = sides
    return {**params, first: params.get(second), second: params.get(first)}


def _sample(claim: Raw, params: Mapping[str, Any], raw: Raw) -> object:
    """Return what tells a claim's samples: the side of each event, or the day.

    A day outside the study divides it as its first or last day does.
    """
    about = table(raw, "thesis")
    declared = _day(claim.get("declared")) or _day(about.get("declared"))
    named = [
        name for key in ("events", "others") for _, name in texts((), params.get(key))
    ]
    if named:
        at = {text(one, "id"): _day(one.get("at")) for _, one in tables(raw, "events")}
        days = [at.get(name) for name in named]
        return [declared is None or (day or dt.date.max) < declared for day in days]
    start = _day(about.get("start")) or dt.date.min
    end = _day(about.get("end")) or dt.date.max
    return None if declared is None or declared > end else max(declared, start)


def _day(value: object) -> dt.date | None:
    """Return the date of a day or a moment, None for anything else."""
    for read in (as_date, as_moment):
        try:
            found = read(value)
        except ValueError:
            continue
        return found.date() if isinstance(found, dt.datetime) else found
    return None
