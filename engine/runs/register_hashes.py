"""What a claim says and how it is tested, as a hash; and what decides a portfolio.

A hash does not change with the layout of the file, comments, the order of tables, a
default that is written out, or the ids and dates by which things are called; it does
with everything that could change a verdict. Of an event and of a kill criterion every
key is hashed but those named here, so that a key of later years is not forgotten.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.evidence.claims import CLAIM_TESTS
from engine.evidence.claims.context import members
from engine.market.listing import Line, Universe
from engine.runs import register_form1
from engine.runs.register import FORM, digest
from engine.runs.register_words import (
    chosen,
    moment,
    own_keys,
    params_of,
    plain,
    texts,
)
from engine.thesis.model import Claim, Event, Kill, Thesis
from engine.thesis.naming import PATHS, ROLE_KEYS, SUBJECTS

#: Keys of an event that no claim's test reads: its names, and what is shown beside.
EVENT_BESIDE = (
    *("id", "title", "document", "source", "note", "declared", "planted"),
    *("expected", "windows", "contrasts", "act"),
)
#: Keys of a kill criterion that decide nothing: its names, and whom it speaks for.
KILL_BESIDE = ("id", "says", "declared", "claim")
#: Keys of [thesis] that the portfolio follows; the period and the seed are not.
_ABOUT = ("currency", "calendar", "benchmarks", "risk_free")
_SECTIONS = ("universe", "signals", "factors", "scoring", "barbell", "portfolio")
#: Sections of the file whose change is told as one of the settings.
OF_SETTINGS = (*_SECTIONS, "execution")
#: How much of a part's hash an entry keeps: it tells apart, and proves nothing.
_PART = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Hashes:
    """SHA-256 of what decides the portfolio, and of each claim by its id.

    form1 : the claims' hashes as entries of form 1 hold them.
    """

    settings: str
    claims: Mapping[str, str]
    form1: Mapping[str, str] = field(default_factory=dict)


def hashes_of(thesis: Thesis, universe: Universe, assets: tuple[Line, ...]) -> Hashes:
    """Return the hashes of a thesis over the assets that it may hold.

    The assets of a layer are part of a claim about it: a company that moves to another
    layer changes the claims about both.
    """
    whole = digest(settings(thesis, universe, assets))
    return Hashes(
        settings=whole,
        claims={
            claim.id: digest(statement(claim, thesis, universe, assets, whole))
            for claim in thesis.claims
        },
        form1={
            claim.id: digest(register_form1.statement(claim, thesis, universe, assets))
            for claim in thesis.claims
        },
    )


def statement(
    claim: Claim,
    thesis: Thesis,
    universe: Universe,
    assets: tuple[Line, ...],
    whole: str,
) -> dict[str, Any]:
    """Return all that a claim's verdict depends on but the data.

    `whole` is the hash of the settings. A test of the portfolio counts from when they
    were registered in any case; another claim that reads an account holds the hash.
    """
    params = params_of(claim)
    about = thesis.about
    first = [params.pop("event", None), *params.pop("events", ())]
    kinds = {"events": first, "others": params.pop("others", ())}
    said: dict[str, Any] = {
        "form": FORM,
        "claim": own_keys(claim),
        "params": params,
        "account": [about.currency, about.calendar],
    }
    for kind, names in kinds.items():
        told = [_news(thesis.event(name), thesis) for name in names if name]
        if told:
            said[kind] = sorted(told, key=digest)
    paths = [one for key in PATHS for one in texts(params.get(key))]
    said["readings"] = _readings(paths, thesis)
    subjects = [one for key in SUBJECTS for one in texts(params.get(key))]
    said["members"] = {
        one: sorted(members(one, thesis, universe, assets)) for one in subjects
    }
    if subjects and "events" not in said:  # the returns of a layer, day by day
        said["stale_after"] = thesis.execution.stale_after
    roles = [one for key in ROLE_KEYS for one in texts(params.get(key))]
    said["signals"] = _series(roles, thesis)
    kills = [one for one in thesis.kill if one.claim == claim.id]
    said["kill"] = sorted((_criterion(one, thesis) for one in kills), key=digest)
    said["mirrored"] = mirrored(claim, thesis)
    of_account = paths and not CLAIM_TESTS[claim.test].of_portfolio
    if of_account or any(one.role is None for one in kills):
        said["settings"] = whole
    return {key: value for key, value in said.items() if value}


def mirrored(claim: Claim, thesis: Thesis) -> bool:
    """Return whether a claim counts once with another that asks the opposite."""
    return claim.mirrors is not None or any(
        other.mirrors == claim.id for other in thesis.claims
    )


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
        "acts": sorted(moment(event.at) for event in thesis.events if event.act),
        "assets": sorted(
            [line.symbol, universe.layer_of(line.symbol)] for line in assets
        ),
    }


def parts_of(thesis: Thesis) -> dict[str, str]:
    """Return a short hash of each part of the file, as ``events.release``.

    By these an entry tells what changed; nothing counts from them. A table is told key
    by key, a list of tables by the ids in it.
    """
    told = thesis.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    found: dict[str, Any] = {}
    for section, content in told.items():
        if isinstance(content, dict):
            found |= {f"{section}.{key}": one for key, one in content.items()}
        elif all("id" in one for one in content):
            found |= {f"{section}.{one['id']}": one for one in content}
        else:
            found[section] = content
    return {name: digest(one)[:_PART] for name, one in found.items()}


def _news(event: Event, thesis: Thesis) -> dict[str, Any]:
    """Return what of an event decides a test: its moment, and the model behind it."""
    said = {name: plain(value) for name, value in chosen(event, EVENT_BESIDE)}
    if "avoid" in said:
        said["avoid"] = sorted(said["avoid"])
    return said | {
        "at": moment(event.at),
        "estimation": list(event.estimation),
        "benchmark": event.benchmark or thesis.about.benchmarks[0],
    }


def _criterion(kill: Kill, thesis: Thesis) -> dict[str, Any]:
    """Return what of a kill criterion decides when it refutes its claim."""
    said = {name: plain(value) for name, value in chosen(kill, KILL_BESIDE)}
    if kill.role is not None:
        return said | {"signals": _series([kill.role], thesis)}
    paths = [one for one in (kill.path, kill.behind) if one is not None]
    return said | {"readings": _readings(paths, thesis)}


def _readings(paths: list[str], thesis: Thesis) -> dict[str, Any]:
    """Return the readings of the thesis among the accounts named."""
    drawn = {one: thesis.readings[one] for one in paths if one in thesis.readings}
    return plain(drawn)  # type: ignore[no-any-return]


def _series(roles: list[str], thesis: Thesis) -> dict[str, str]:
    """Return the series that the thesis chose for the roles named."""
    return {one: thesis.signals[one] for one in roles if one in thesis.signals}
