"""Every field of the thesis model, changed: it moves a hash, or is known not to.

A field that somebody adds is in neither list, and fails here until it is said which.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from engine import app
from engine.market.listing import Line, Universe
from engine.runs.register_hashes import Hashes, hashes_of
from engine.thesis.model import Thesis

ALL = frozenset({"dip", "gap", "wide", "spread", "paid", "hedge", "monthly", "read"})
#: Claims by what they speak of.
OF_EVENT = {"dip", "gap"}
OF_RELEASE = OF_EVENT | {"wide"}
SETTINGS = frozenset({"settings"})
#: What reads an account without being a test of the portfolio holds the settings.
WITH_SETTINGS = SETTINGS | {"hedge", "dip"}

RAW: dict[str, Any] = {
    "thesis": {
        "id": "t",
        "title": "T",
        "start": "2024-01-02",
        "end": "2025-06-30",
        "declared": "2025-01-01",
        "benchmarks": ["SPY", "SMH"],
    },
    "signals": {"token_share": "some_series"},
    "baskets": {"asian": ["000660.KS"]},
    "factors": [{"name": "price_momentum", "weight": 1.0}],
    "barbell": {
        "infrastructure": {"layers": ["compute", "memory"], "weight": [0.3, 0.7]},
        "distribution": {"layers": ["cloud", "application"], "weight": [0.3, 0.7]},
    },
    "readings": {"other": {"distribution": ["cloud"]}},
    "execution": {"charges": [{"item": "levy", "markets": ["XNYS"], "rate": 0.001}]},
    "events": [
        {"id": "release", "title": "R", "at": "2025-04-08"},
        {"id": "calm", "title": "C", "at": "2025-05-08"},
    ],
    "claims": [
        {"id": "dip", "test": "event_sign", "scope": "event", "event": "release"}
        | {"layer": "infrastructure", "window": [0, 1]},
        {"id": "gap", "test": "event_contrast", "scope": "event", "event": "release"}
        | {"long": "asian", "short": "cloud", "window": [0, 1]},
        {"id": "wide", "test": "event_dispersion", "layer": "compute"}
        | {"window": [0, 1], "events": ["calm"], "others": ["release"]},
        {"id": "spread", "test": "layer_spread", "long": "compute", "short": "cloud"},
        {"id": "paid", "test": "sharpe_difference", "a": "other", "b": "SPY"},
        {"id": "hedge", "test": "hedge_beta", "layer": "cloud", "role": "token_share"}
        | {"controls": ["SPY"]},
        {"id": "monthly", "test": "rank_order", "layers": ["compute", "cloud"]},
        {"id": "read", "test": "trend", "role": "token_share"},
    ],
    "kill": [
        {"id": "stop", "says": "S", "drawdown": 0.3, "claim": "dip"},
        {"id": "late", "says": "L", "role": "token_share", "above": 0.5}
        | {"deadline": "2025-06-01", "claim": "spread"},
    ],
    "mechanisms": [
        {"id": "m", "says": "M", "kind": "supply_leg", "exposure": {"compute": 1.0}}
        | {"inputs": {"x": {"value": 1.0, "source": "ours"}}}
        | {"reads": {"role": "token_share", "factor": "price_momentum"}},
    ],
    "scenarios": [
        {"id": "s", "title": "S", "effect": {"compute": 1.0}}
        | {"states": [{"role": "token_share", "above": 0.5}]},
    ],
}

#: What no verdict depends on, and why.
BESIDE: dict[str, str] = {
    **dict.fromkeys(
        [
            "About.id",
            "About.title",
            "About.statement",
            "Event.id",
            "Event.title",
            "Event.document",
            "Event.source",
            "Event.note",
            "Claim.id",
            "Claim.document",
            "Claim.grade",
            "Kill.id",
            "Kill.says",
        ],
        "a name, or where something is written",
    ),
    **dict.fromkeys(
        ("About.declared", "Claim.declared", "Kill.declared", "Event.declared"),
        "a date that is asserted: the later of it and the registration counts",
    ),
    **dict.fromkeys(
        ("About.start", "About.end", "About.seed", "Execution.capital"),
        "the period, the draws and the size of a run: said in docs/register.md",
    ),
    **dict.fromkeys(
        [
            "About.random_barbells",
            "Event.planted",
            "Event.expected",
            "Event.windows",
            "Event.contrasts",
            "Expected.reaction",
            "Expected.drift",
        ],
        "shown beside the claims",
    ),
    **dict.fromkeys(
        ("Thesis.mechanisms", "Thesis.scenarios"),
        "stresses and scenarios, which no claim reads, with all that is in them",
    ),
}
#: Field -> what its change moves: ids of claims, and "settings".
MOVES: dict[str, frozenset[str]] = {
    "About.currency": ALL | SETTINGS,
    "About.calendar": ALL | SETTINGS,
    "About.benchmarks": WITH_SETTINGS | OF_RELEASE,
    "About.risk_free": WITH_SETTINGS,
    "Thesis.about": ALL | SETTINGS,
    "Thesis.signals": WITH_SETTINGS | {"read", "spread"},
    "Thesis.baskets": frozenset({"gap"}),
    "Thesis.barbell": WITH_SETTINGS,
    "Thesis.readings": frozenset({"paid"}),
    "Thesis.kill": frozenset({"dip", "spread"}),
    "Execution.stale_after": WITH_SETTINGS | {"spread", "monthly"},
    "Event.at": frozenset(OF_RELEASE),
    "Event.estimation": frozenset(OF_RELEASE),
    "Event.benchmark": frozenset(OF_RELEASE),
    "Event.model": frozenset(OF_RELEASE),
    "Event.regressors": frozenset(OF_RELEASE),
    "Event.returns": frozenset(OF_RELEASE),
    "Event.avoid": frozenset(OF_RELEASE),
    "Event.act": WITH_SETTINGS,
    "Claim.mirrors": frozenset({"dip", "gap"}),
    **dict.fromkeys(
        [
            "Claim.says",
            "Claim.scope",
            "Claim.sign",
            "Claim.min_effect",
            "Claim.quality",
            "Claim.refuted_if",
            "Claim.probability",
        ],
        frozenset({"dip"}),
    ),
    **dict.fromkeys(
        [
            "Kill.path",
            "Kill.drawdown",
            "Kill.behind",
            "Kill.by",
            "Kill.times",
            "Kill.deadline",
            "Kill.entity",
            "Kill.above",
            "Kill.below",
            "Kill.off_peak",
            "Kill.role",
        ],
        frozenset({"dip"}),
    ),
}
#: Changed with what holds them, or told of by other tests of this folder.
HOLDERS = {
    "Thesis.universe",
    "Thesis.factors",
    "Thesis.scoring",
    "Thesis.portfolio",
    "Thesis.execution",
    "Thesis.events",
    "Thesis.claims",
}
#: Sections that are settings, whatever is in them.
ALL_SETTINGS = (
    *("UniverseChoice", "FactorSpec", "Scoring", "Leg", "Portfolio", "Execution"),
    "Charge",
)
#: Sections below one that no claim reads.
NOT_READ = ("Mechanism", "Input", "Reads", "Scenario", "State")
NOT_CLAIMED = {"Claim.test": "every key of it with it", "Kill.claim": "below"}


def sections(kind: type[BaseModel] = Thesis) -> Iterator[type[BaseModel]]:
    """Yield every section of the model, the outer ones first."""
    yield kind
    for known in kind.model_fields.values():
        for inner in _sections_in(known.annotation):
            yield from sections(inner)


def _sections_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        if issubclass(annotation, BaseModel):
            yield annotation
        return
    for one in typing.get_args(annotation):
        yield from _sections_in(one)


FIELDS = {
    f"{kind.__name__}.{name}": (kind, name)
    for kind in dict.fromkeys(sections())
    for name in kind.model_fields
}


def base() -> Thesis:
    raw = RAW | {"claims": [{"says": "So.", **one} for one in RAW["claims"]]}
    return Thesis.model_validate(raw)


@pytest.fixture(scope="module")
def stack() -> tuple[Universe, tuple[Line, ...]]:
    universe = app.load_universe("ai-stack")
    return universe, app.held_lines(base(), universe)


def changed(value: Any, kind: type[BaseModel], name: str) -> tuple[Any, bool]:
    """Return a value with the field of the first section of a kind changed."""
    if type(value) is kind:
        return value.model_copy(update={name: other(value, name)}), True
    if isinstance(value, BaseModel):
        for inner in type(value).model_fields:
            found, done = changed(getattr(value, inner), kind, name)
            if done:
                return value.model_copy(update={inner: found}), True
    if isinstance(value, dict):
        for key, one in value.items():
            found, done = changed(one, kind, name)
            if done:
                return value | {key: found}, True
    if isinstance(value, tuple):
        for at, one in enumerate(value):
            found, done = changed(one, kind, name)
            if done:
                return (*value[:at], found, *value[at + 1 :]), True
    return value, False


def other(section: BaseModel, name: str) -> Any:
    """Return another value for a field; only that it differs matters."""
    value = getattr(section, name)
    special = {
        "mirrors": "gap",
        "benchmarks": ("SMH", "SPY"),
        "calendar": "XHKG",
        "role": "usage",
        "at": base().events[1].at.replace(day=9),
    }
    if name in special:
        return special[name]
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    if isinstance(value, dict):
        return value | {"extra": 0.5}
    if name in ("windows", "contrasts", "estimation"):
        return value[:-1]
    if name == "avoid":
        return (base().events[1].at,)
    if isinstance(value, tuple):
        return (*value, "extra")
    return "another"


def hashed(thesis: Thesis, stack: tuple[Universe, tuple[Line, ...]]) -> Hashes:
    return hashes_of(thesis, *stack)


def moved(thesis: Thesis, stack: tuple[Universe, tuple[Line, ...]]) -> set[str]:
    before, after = hashed(base(), stack), hashed(thesis, stack)
    claims = {
        one
        for one, other in zip(before.claims, after.claims, strict=True)
        if before.claims[one] != after.claims[other]
    }
    return claims | ({"settings"} if before.settings != after.settings else set())


def test_every_field_is_in_one_list() -> None:
    settings = {one for one in FIELDS if one.split(".")[0] in ALL_SETTINGS}
    below = {one for one in FIELDS if one.split(".")[0] in NOT_READ}
    lists = [set(BESIDE), set(MOVES), HOLDERS, set(NOT_CLAIMED), below]
    lists.append(settings - set(MOVES) - set(BESIDE))
    told = [one for each in lists for one in each]
    assert sorted(told) == sorted(FIELDS)


SWEPT = sorted(
    one
    for one in FIELDS
    if one not in HOLDERS
    and one not in NOT_CLAIMED
    and not one.startswith(("Thesis.", "About.about"))
)


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")
@pytest.mark.parametrize("field", SWEPT)
def test_a_changed_field_moves_what_it_decides_and_nothing_else(
    field: str, stack: tuple[Universe, tuple[Line, ...]]
) -> None:
    kind, name = FIELDS[field]
    thesis, done = changed(base(), kind, name)
    assert done
    if field == "Claim.id":  # its kill criterion names it
        stop, late = thesis.kill
        kill = (stop.model_copy(update={"claim": "another"}), late)
        thesis = thesis.model_copy(update={"kill": kill})
    if field == "Event.id":  # its claims name it
        claims = tuple(
            one.model_copy(
                update={
                    key: "another" if value == "release" else ["another"]
                    for key, value in one.params.items()
                    if value in ("release", ["release"])
                }
            )
            for one in thesis.claims
        )
        thesis = thesis.model_copy(update={"claims": claims})
    section = field.split(".")[0]
    expected = set(MOVES.get(field, set()))
    if field not in MOVES and field not in BESIDE and section in ALL_SETTINGS:
        expected = set(WITH_SETTINGS)
    if field == "Leg.layers":
        expected |= {"dip"}
    assert moved(thesis, stack) == expected


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("signals", {"token_share": "another_series"}),
        ("baskets", {"asian": ("MU",)}),
        ("readings", {"other": {"distribution": ("application",)}}),
        ("kill", ()),
        ("mechanisms", ()),
        ("scenarios", ()),
    ],
)
def test_a_table_of_the_thesis(
    field: str, value: Any, stack: tuple[Universe, tuple[Line, ...]]
) -> None:
    expected = MOVES.get(f"Thesis.{field}", frozenset())
    assert moved(base().model_copy(update={field: value}), stack) == set(expected)


def test_a_kill_criterion_that_speaks_for_another_claim_moves_both(
    stack: tuple[Universe, tuple[Line, ...]],
) -> None:
    first, second = base().kill
    kill = (first.model_copy(update={"claim": "monthly"}), second)
    assert moved(base().model_copy(update={"kill": kill}), stack) == {"dip", "monthly"}
    silent = (first, second, first.model_copy(update={"id": "x", "claim": None}))
    assert moved(base().model_copy(update={"kill": silent}), stack) == set()


def test_the_name_of_an_event_in_others_is_no_part_of_a_claim(
    stack: tuple[Universe, tuple[Line, ...]],
) -> None:
    """Its moment is: it was once the other way round."""
    kept, last = base().events
    later = last.model_copy(update={"at": last.at.replace(day=12)})
    assert moved(base().model_copy(update={"events": (kept, later)}), stack) == {"wide"}
