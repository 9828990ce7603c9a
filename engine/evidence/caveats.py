"""What a reader must know before believing a number: sentences every report prints."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from engine.errors import at_most
from engine.ledger.baselines import anti_legs
from engine.market.listing import Line, Universe
from engine.market.market import Market
from engine.thesis.model import Thesis


def caveats(
    thesis: Thesis,
    universe: Universe,
    market: Market,
    assets: tuple[Line, ...],
    overrides: Mapping[str, str],
) -> tuple[str, ...]:
    """Return the sentences, the gravest first."""
    said = [
        _simulated(market),
        _sample(thesis),
        _overridden(overrides),
        _proxy(thesis, universe, market, assets),
        _unpriced(market, assets),
        _sentence(anti_legs(thesis.barbell).reason),
        "Closes of different exchanges are hours apart: daily covariances between "
        "Asian and American lines understate how they move together.",
        "The universe was chosen by the documents after the fact: a company that "
        "failed is not in it.",
    ]
    return tuple(sentence for sentence in said if sentence)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _simulated(market: Market) -> str:
    if not market.simulated:
        return ""
    parts = [
        name
        for name, origin in (
            ("prices", market.prices_origin),
            ("signals", market.signals_origin),
        )
        if origin.simulated
    ]
    return (
        f"SIMULATED: {' and '.join(parts)} are a simulation; they say nothing of the "
        "world."
    )


def _sample(thesis: Thesis) -> str:
    declared = thesis.about.declared
    if declared is None:
        return (
            "The thesis has no declaration date: all of it is in-sample, and nothing "
            "here confirms it."
        )
    if declared > thesis.about.end:
        return (
            f"The thesis was declared on {declared}, after the study ends: all of it "
            "is in-sample, written with the outcome in view, and confirms nothing."
        )
    if declared > thesis.about.start:
        return (
            f"Everything before {declared} is in-sample: the thesis was written with "
            "it in view. Only what came after can confirm it."
        )
    return ""


def _overridden(overrides: Mapping[str, str]) -> str:
    if not overrides:
        return ""
    told = ", ".join(f"{name} = {value}" for name, value in overrides.items())
    return f"Settings of the thesis file were replaced for this run: {told}."


def _proxy(
    thesis: Thesis, universe: Universe, market: Market, assets: tuple[Line, ...]
) -> str:
    """Say so where a leg rests on companies that merely stand in for it."""
    for name, leg in thesis.barbell.items():
        members = [
            line for line in assets if universe.layer_of(line.symbol) in leg.layers
        ]
        late = [
            line for line in members if line.listed and line.listed > thesis.about.start
        ]
        early = [line for line in members if line not in late]
        unpriced = [
            entity
            for entity in universe.entities.values()
            if entity.layer in leg.layers and entity.kind == "private"
        ]
        if early and (late or unpriced) and leg.weight[0] == 0.0:
            since = min((line.listed for line in late if line.listed), default=None)
            until = f" before {since}" if isinstance(since, dt.date) else ""
            return (
                f"The {name} leg has no listed pure play{until}: "
                f"{at_most(line.symbol for line in early)} stand in as a proxy."
            )
    return ""


def _unpriced(market: Market, assets: tuple[Line, ...]) -> str:
    table = market.coverage
    missing = table.loc[table["bars"] == 0, "symbol"]
    if missing.empty:
        return ""
    return f"No price in this period: {at_most(missing)}. They are not held or studied."
