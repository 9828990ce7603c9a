"""Names in files, matched to the lines and entities of a universe."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

from engine.errors import nearest
from engine.market.listing import Line, Universe
from engine.market.market import Finding
from engine.sources.files_prices import FX_SUFFIX
from engine.sources.imports_mapping import FileMapping
from engine.sources.imports_tables import Sheet

#: Companies whose filings are read although no packaged universe lists them.
FILERS: Mapping[str, str] = MappingProxyType({"AMZN": "amazon", "ORCL": "oracle"})
PAIR = re.compile(r"[A-Z]{3}=X")
#: The name that Stooq's page gives a download: nvda_us_d.csv.
STOOQ_NAME = re.compile(r"(.+)_([a-z]{2})_[dwm]")


@dataclass(frozen=True)
class Names:
    """What a universe and a mapping call things; case does not matter."""

    universe: Universe
    mapping: FileMapping

    @cached_property
    def _symbols(self) -> dict[str, str]:
        known = {**self.universe.lines, **self.universe.benchmarks}
        return (
            {name.casefold(): symbol for name, symbol in self.universe.aliases.items()}
            | {name.casefold(): name for name in (*known, *self.mapping.lines)}
            | {name.casefold(): own for name, own in self.mapping.symbols.items()}
        )

    def symbol(self, name: str) -> str:
        """Return the symbol that a file's name means; the name itself if unknown."""
        own = name.strip()
        told = self._symbols.get(own.casefold(), own)
        return told.upper() if PAIR.fullmatch(told.upper()) else told

    def line(self, symbol: str) -> Line | None:
        """Return the line of a symbol, of the mapping or the universe, or None."""
        return self.mapping.lines.get(symbol) or self.universe.line(symbol)

    def knows(self, name: str) -> bool:
        """Return whether a name is a line's, or a pair of currencies."""
        symbol = self.symbol(name)
        return self.line(symbol) is not None or is_pair(symbol)

    def entity(self, name: str) -> str | None:
        """Return the entity that a company's name or symbol means, or None."""
        by_name = {one.casefold(): own for one, own in self.mapping.entities.items()}
        if name.casefold() in by_name:
            return by_name[name.casefold()]
        line = self.universe.line(self.symbol(name))
        if line is not None and line.entity:
            return line.entity
        for entity in self.universe.entities.values():
            if name.casefold() in (entity.id.casefold(), entity.name.casefold()):
                return entity.id
        return FILERS.get(name.upper())

    def stranger(self, name: str, where: str) -> Finding:
        """Return that a name is no line of the universe, and what to do."""
        hint = nearest(name, self._symbols.values())
        return Finding(
            severity="warning",
            where=where,
            what=f"{name!r} is no line, benchmark or alias of universe "
            f"{self.universe.name}",
            action=f"not stored; {hint + ' ' if hint else ''}say so in a mapping, "
            f'[symbols] "{name}" = "...", or give its exchange and currency in '
            f'[lines."{name}"]',
        )


def is_pair(symbol: str) -> bool:
    """Return whether a symbol is a currency against the dollar, as in ``HKD=X``."""
    return PAIR.fullmatch(symbol) is not None


def currency_of(symbol: str) -> str:
    """Return the currency of a pair."""
    return symbol.removesuffix(FX_SUFFIX)


def named_by_file(sheet: Sheet) -> str:
    """Return the symbol that a file's own name says."""
    stooq = STOOQ_NAME.fullmatch(sheet.path.stem)
    return f"{stooq[1]}.{stooq[2]}" if stooq else sheet.path.stem
