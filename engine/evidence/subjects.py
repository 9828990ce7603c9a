"""Which assets a claim or an event speaks of by the name of a layer, leg or basket."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from engine.errors import at_most
from engine.market.listing import Line, Universe
from engine.thesis.model import Thesis


def members(
    subject: str, thesis: Thesis, universe: Universe, assets: Sequence[Line]
) -> tuple[str, ...]:
    """Return the symbols whose primary layer is `subject` or lies in that leg.

    A basket of the thesis holds its own tickers, as far as they are among `assets`.
    """
    if subject in thesis.baskets:
        named = [universe.line(ticker) for ticker in thesis.baskets[subject]]
        firms = {line.entity for line in named if line is not None}
        return tuple(line.symbol for line in assets if line.entity in firms)
    leg = thesis.barbell.get(subject)
    layers = set(leg.layers) if leg else {subject}
    return tuple(
        line.symbol for line in assets if universe.layer_of(line.symbol) in layers
    )


def one_line_per_firm(assets: Sequence[Line]) -> tuple[Line, ...]:
    """Return the first line of each entity: cross-listed lines are one observation."""
    first: dict[str, Line] = {}
    for line in assets:
        first.setdefault(line.entity, line)
    return tuple(first.values())


def on_both_sides(long: Collection[str], short: Collection[str]) -> str:
    """Return which assets two sides share, as a reason not to compare them, or ""."""
    both = sorted(set(long) & set(short))
    return f"{at_most(both)} would be on both sides" if both else ""
