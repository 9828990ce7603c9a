"""Entities, their lines, and the universe that a thesis speaks of."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

NO_LAYER = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One listing of an entity.

    `symbol` is Yahoo's; `mic` the exchange (ISO 10383); `shares_per_receipt` is 1 for
    anything but a depositary receipt, and None where nobody has verified it.
    """

    symbol: str
    entity: str
    mic: str
    currency: str
    kind: str = "local"
    primary: bool = False
    us: bool = False
    listed: dt.date | None = None
    delisted: dt.date | None = None
    shares_per_receipt: float | None = 1.0
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """A company, lab or state actor the thesis speaks of; may be unlisted.

    `layer` is the primary layer, `secondary` the others it is exposed to. `leg` and
    `leg_alt` are the two readings of where it stands in the barbell.
    """

    id: str
    name: str
    kind: str
    layer: str
    secondary: tuple[str, ...] = ()
    leg: str = "none"
    leg_alt: str = "none"
    parent: str = ""
    documents: tuple[str, ...] = ()
    reason: str = ""
    declared: dt.date | None = None
    note: str = ""

    def exposure(self) -> dict[str, float]:
        """Layer -> weight, summing to 1; empty for an entity of no layer.

        The primary layer has 0.7 and the secondaries share 0.3, or 1.0 alone.
        """
        if self.layer == NO_LAYER:
            return {}
        if not self.secondary:
            return {self.layer: 1.0}
        share = 0.3 / len(self.secondary)
        return {self.layer: 0.7} | dict.fromkeys(self.secondary, share)


@dataclass(frozen=True, slots=True, kw_only=True)
class Universe:
    """A catalogue of entities, their lines, and benchmark funds.

    A fund that is both held and a benchmark is one and the same `Line` in `lines` and
    `benchmarks`; any other benchmark belongs to no entity. `aliases` maps other house
    styles (``688256.SH``) to Yahoo's symbol. `placebo` names the universe of other
    firms in the same layers that claims are held against, if there is one.
    """

    name: str
    title: str
    layers: tuple[str, ...]
    entities: Mapping[str, Entity]
    lines: Mapping[str, Line]
    benchmarks: Mapping[str, Line]
    aliases: Mapping[str, str] = field(default_factory=dict)
    source: str = ""
    placebo: str = ""

    def line(self, symbol: str) -> Line | None:
        """Return the line or benchmark with this symbol or alias, or None."""
        known = self.aliases.get(symbol, symbol)
        return self.lines.get(known) or self.benchmarks.get(known)

    def assets(
        self, choice: str = "primary", *, exclude: Iterable[str] = ()
    ) -> tuple[Line, ...]:
        """Return one line per listed entity: its primary or its US line.

        `exclude` takes entities, symbols and aliases. An entity without a US line keeps
        none under ``choice="us"``: it cannot be bought by a US account and is left out.
        """
        left_out = {self.aliases.get(name, name) for name in exclude}
        chosen: dict[str, Line] = {}
        for line in self.lines.values():
            wanted = line.primary if choice == "primary" else line.us
            if wanted and line.entity not in left_out and line.symbol not in left_out:
                chosen.setdefault(line.entity, line)
        return tuple(chosen.values())

    def layer_of(self, symbol: str) -> str:
        """Return the primary layer of the entity behind a line."""
        return self.entities[self.lines[symbol].entity].layer

    def exposures(self, symbols: Iterable[str]) -> pd.DataFrame:
        """Return the assets x layers matrix of layer exposures (rows sum to 1 or 0)."""
        names = list(symbols)
        matrix = np.zeros((len(names), len(self.layers)))
        for row, symbol in enumerate(names):
            entity = self.entities[self.lines[symbol].entity]
            for layer, weight in entity.exposure().items():
                matrix[row, self.layers.index(layer)] = weight
        return pd.DataFrame(matrix, index=names, columns=list(self.layers))
