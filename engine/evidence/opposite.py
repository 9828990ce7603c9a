"""What a claim becomes where the middle and the ends of the barbell change places."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from engine.evidence.claims.context import Evidence, basket_returns
from engine.evidence.results import Measurement
from engine.ledger.baselines import anti_legs
from engine.thesis.model import Claim, Leg, Thesis
from engine.thesis.naming import SUBJECTS

BARBELL, ANTI_THESIS = "barbell", "anti-thesis"
#: Keys of a claim that name an account which it is about, not one held constant.
ACCOUNTS = ("a", "b", "against")
_EXCHANGED = {BARBELL: ANTI_THESIS, ANTI_THESIS: BARBELL}
Side = Literal["ends", "middle"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoCounterpart:
    """Why a claim cannot be asked elsewhere."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Opposite:
    """A claim with its sides exchanged, and what was put in place of what.

    `mirror`: its estimate is that of the claim itself with the other sign.
    """

    claim: Claim
    instead: str
    mirror: bool = False


def opposite(claim: Claim, evidence: Evidence) -> Opposite | NoCounterpart:
    """Return what the anti-thesis claims instead.

    A portfolio gives way to the anti-thesis's; two layers on both sides of the barbell
    exchange their places; one layer gives way to the other side. `evidence` is that of
    `both_sides`.
    """
    legs = evidence.thesis.barbell
    if anti_legs(legs).legs is None:
        return NoCounterpart(reason=anti_legs(legs).reason)
    params = dict(claim.params)
    names = layers_named(params)
    if not names:
        return _other_account(claim, params)
    sides = {name: side_of(name, evidence) for name in names}
    lost = [name for name, side in sides.items() if side is None]
    if lost:
        return NoCounterpart(reason=f"{lost[0]} stands on neither side of the barbell")
    if "layers" in params:
        return _other_order(claim, params, sides)
    if len(set(sides.values())) == 2:
        return _exchanged(claim, params, sides)
    if "long" in params:
        return NoCounterpart(
            reason=f"{params['long']} and {params['short']} stand on the same side"
        )
    other = side_name(
        evidence.thesis, "middle" if sides[names[0]] == "ends" else "ends"
    )
    moved = {key: other for key in SUBJECTS if params.get(key)}
    return Opposite(
        claim=claim.model_copy(update=moved),
        instead=f"{other} instead of {' and '.join(dict.fromkeys(names))}",
    )


def mirrored(found: Measurement) -> Measurement:
    """Return what the claim with `long` and `short` exchanged would measure."""
    return dataclasses.replace(
        found,
        estimate=-found.estimate,
        z=-found.z,
        null=None if found.null is None else -found.null,
        summary=f"{found.summary}, long and short exchanged",
    )


def layers_named(params: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the layers, legs and baskets that a claim names."""
    found: list[str] = []
    for key in SUBJECTS:
        value = params.get(key)
        found += [value] if isinstance(value, str) else list(value or ())
    return tuple(found)


def accounts_named(params: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the accounts that a claim is about."""
    found: list[str] = []
    for key in ACCOUNTS:
        value = params.get(key)
        found += [value] if isinstance(value, str) else list(value or ())
    return tuple(found)


def side_of(name: str, evidence: Evidence) -> Side | None:
    """Return on which side of the barbell all of a layer, leg or basket stands."""
    thesis, universe = evidence.thesis, evidence.universe
    if name in thesis.barbell:
        layers = set(thesis.barbell[name].layers)
    elif name in thesis.baskets:
        layers = {universe.layer_of(one) for one in evidence.members(name)}
    else:
        layers = {name}
    for side in ("ends", "middle"):
        held = {layer for leg in _legs(thesis, side).values() for layer in leg.layers}
        if layers and layers <= held:
            return side
    return None


def side_name(thesis: Thesis, side: Side) -> str:
    """Return what a side is called: its only leg, or a basket of all of them."""
    names = list(_legs(thesis, side))
    return names[0] if len(names) == 1 else f"the {side}"


def both_sides(evidence: Evidence) -> Evidence:
    """Return evidence in which each side of several legs is a basket, too."""
    thesis = evidence.thesis
    baskets = {}
    for side in ("ends", "middle"):
        legs = _legs(thesis, side)
        if len(legs) > 1:
            held = [s for leg in legs for s in evidence.members(leg)]
            baskets[side_name(thesis, side)] = tuple(dict.fromkeys(held))
    if not baskets:
        return evidence
    returns = basket_returns(
        evidence.market,
        baskets,
        evidence.home,
        stale_after=thesis.execution.stale_after,
    )
    return dataclasses.replace(
        evidence,
        thesis=thesis.model_copy(update={"baskets": dict(thesis.baskets) | baskets}),
        layer_returns=evidence.layer_returns.assign(**returns),
    )


def _legs(thesis: Thesis, side: Side) -> dict[str, Leg]:
    """Return the legs that must be held (the ends), or the others (the middle)."""
    return {
        name: leg
        for name, leg in thesis.barbell.items()
        if (leg.weight[0] > 0.0) == (side == "ends")
    }


def _other_account(claim: Claim, params: Mapping[str, Any]) -> Opposite | NoCounterpart:
    if not set(accounts_named(params)) & set(_EXCHANGED):
        return NoCounterpart(
            reason="it names neither the portfolio nor a layer: nothing to exchange"
        )
    moved: dict[str, Any] = {}
    for key in ACCOUNTS:
        value = params.get(key)
        if isinstance(value, str):
            moved[key] = _EXCHANGED.get(value, value)
        elif value:
            moved[key] = tuple(_EXCHANGED.get(one, one) for one in value)
    return Opposite(
        claim=claim.model_copy(update=moved),
        instead=f"the {ANTI_THESIS} instead of the {BARBELL}",
    )


def _exchanged(
    claim: Claim, params: Mapping[str, Any], sides: Mapping[str, Side | None]
) -> Opposite | NoCounterpart:
    """Return the claim with its two layers exchanged."""
    keys = [key for key in SUBJECTS if params.get(key)]
    if len(keys) != 2:
        return NoCounterpart(reason=f"{', '.join(sides)} stand on both sides")
    first, second = keys
    moved = {first: params[second], second: params[first]}
    return Opposite(
        claim=claim.model_copy(update=moved),
        instead=f"{params[second]} and {params[first]} exchanged",
        mirror=set(keys) == {"long", "short"},
    )


def _other_order(
    claim: Claim, params: Mapping[str, Any], sides: Mapping[str, Side | None]
) -> Opposite | NoCounterpart:
    """Return the claim with the layers of the other side first."""
    layers: Sequence[str] = params["layers"]
    if len(set(sides.values())) == 1:
        return NoCounterpart(reason="all of its layers stand on the same side")
    first = sides[layers[0]]
    order = sorted(layers, key=lambda one: sides[one] == first)
    return Opposite(
        claim=claim.model_copy(update={"layers": tuple(order)}),
        instead=f"the order {', '.join(order)}",
    )
