"""Names in files, matched to the lines and entities of a universe."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

from engine.errors import nearest
from engine.market.listing import Line, Universe
from engine.market.market import Finding
from engine.sources.files.prices import FX_SUFFIX
from engine.sources.imports.mapping import FileMapping
from engine.sources.imports.sheet import Sheet

#: Companies whose filings are read although no packaged universe lists them.
FILERS: Mapping[str, str] = MappingProxyType({"AMZN": "amazon", "ORCL": "oracle"})
PAIR = re.compile(r"[A-Z]{3}=X")
#: The name that Stooq's page gives a download: nvda_us_d.csv.
STOOQ_NAME = re.compile(r"(.+)_([a-z]{2})_[dwm]")
#: How like a name is that was only misspelt: mistral is no slip for Italy.
SPELLING = 0.8
#: And that of a currency per dollar: usdhkd_d.csv.
RATE_NAME = re.compile(r"usd([a-z]{3})(?:_[dwm])?", re.IGNORECASE)


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
        own, what = name, ""
        if self._is_mapped(name):
            own = self.symbol(name)
            what = f'[symbols] "{name}" = "{own}" in the mapping: '
        lines = [one for one in self._symbols.values() if self.line(one) is not None]
        hint = nearest(own, lines)
        say = (
            f'say so in a mapping, [symbols] "{name}" = "...", or give its exchange '
            f'and currency in [lines."{own}"]'
        )
        rate = RATE_NAME.fullmatch(own.strip())
        if rate:
            hint, pair = "", f"{rate[1].upper()}=X"
            say = f'if it holds rates, say [symbols] "{name}" = "{pair}" in a mapping'
        return Finding(
            severity="warning",
            where=where,
            what=f"{what}{own!r} is no line, benchmark or alias of universe "
            f"{self.universe.name}",
            action=f"not stored; {hint + ' ' if hint else ''}{say}",
        )

    def misspelt(self, entities: Iterable[str], where: str) -> Iterator[Finding]:
        """Yield the entities that no universe has, but nearly."""
        own = self.universe.entities
        given = {*own, *FILERS.values(), *self.mapping.entities.values()}
        for name in sorted({*entities} - given):
            known = [*own, *(one.name for one in own.values())]
            lower = {one.lower(): one for one in reversed(known)}  # ids win
            close = difflib.get_close_matches(name.lower(), lower, 1, cutoff=SPELLING)
            near = nearest(name, [lower[one] for one in close])
            if near:
                yield Finding(
                    severity="warning",
                    where=where,
                    what=f"{name!r} is no entity of universe {self.universe.name}; "
                    f"{near}",
                    action="stored as it is, and no asset is scored on it; correct it, "
                    f'or say [entities] "{name}" = "..." in a mapping',
                )

    def _is_mapped(self, name: str) -> bool:
        """Return whether the mapping says what a name means."""
        return name.strip().casefold() in {
            one.casefold() for one in self.mapping.symbols
        }


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
