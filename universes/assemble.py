"""From rows to a universe, with every problem named by file and line."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from engine.errors import UniverseError, at_most
from engine.market.listing import NO_LAYER, Entity, Line, Universe
from universes.aliases import (
    SUFFIXES,
    UNITED_STATES,
    aliases,
    is_yahoo_form,
    yahoo_form,
)
from universes.fields import Fields, unknown
from universes.rows import Row, Source

CURRENCIES = frozenset({"USD", "HKD", "CNY", "KRW", "GBP", "EUR"})
RECEIPTS = frozenset({"us_adr", "us_otc", "gdr"})
LINE_KINDS = RECEIPTS | {"local", "rmb_counter", "preferred", "fund"}
ENTITY_KINDS = frozenset(
    {"listed", "private", "product", "state", "group", "person", "fund"}
)
NO_LEG = "none"

_HEAD = ("title", "layers", "source", "placebo", "legs", "legs_alt", "documents")
_DOCUMENT = ("available", "title")
_ENTITY = (
    "id", "name", "kind", "parent", "layer", "secondary", "leg", "documents",
    "declared", "reason", "note",
)  # fmt: skip
_BENCHMARK = ("symbol", "mic", "currency", "listed", "delisted", "note")
_LINE = (
    *_BENCHMARK, "entity", "kind", "primary", "shares_per_receipt", "underlying",
    "verified",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What a universe says once: layer -> leg by two readings, document -> date."""

    title: str
    source: str
    placebo: str
    layers: tuple[str, ...]
    leg: Mapping[str, str]
    leg_alt: Mapping[str, str]
    documents: Mapping[str, dt.date | None]


def assemble(source: Source, shared_benchmarks: Iterable[Row]) -> Universe:
    """Return the universe that the rows describe.

    Raises `UniverseError` naming the first five problems by file and line.
    """
    problems: list[str] = []
    head = _head(source, problems)
    line_rows = source.tables.get("lines", ())
    traded = frozenset(str(row.fields.get("entity")) for row in line_rows)
    entities = _entities(source.tables.get("entities", ()), head, traded, problems)
    lines = _lines(line_rows, entities, problems)
    own = _benchmarks(source.tables.get("benchmarks", ()), lines, problems)
    benchmarks = _benchmarks(shared_benchmarks, lines, problems) | own
    if not entities and not problems:
        problems.append(f"{source.where}: no entity; a universe needs at least one")
    if problems:
        raise UniverseError("\n".join(problems[:5]) + _more(len(problems) - 5))
    return Universe(
        name=source.name,
        title=head.title or source.name,
        layers=head.layers,
        entities=entities,
        lines=lines,
        benchmarks=benchmarks,
        aliases=aliases((lines | benchmarks).values()),
        source=" ".join(head.source.split()),
        placebo=head.placebo,
    )


def _more(rest: int) -> str:
    return f"\nand {rest} more" if rest > 0 else ""


def _head(source: Source, problems: list[str]) -> Head:
    top = Fields(row=Row(where=source.where, fields=source.head), problems=problems)
    top.only((*_HEAD, "entities", "lines", "benchmarks"))
    layers = top.texts("layers")
    if not layers:
        top.wrong('layers is missing; for example layers = ["power", "grid"]')
    for layer in layers:
        if layer == NO_LAYER or layers.count(layer) > 1:
            top.wrong(f"layer {layer!r} is reserved or written twice")
    legs = [_legs(name, top, layers) for name in ("legs", "legs_alt")]
    return Head(
        title=top.text("title"),
        source=top.text("source"),
        placebo=top.text("placebo"),
        layers=layers,
        leg=legs[0],
        leg_alt=legs[1] or legs[0],
        documents=_documents(top),
    )


def _legs(name: str, top: Fields, layers: tuple[str, ...]) -> dict[str, str]:
    """Return layer -> leg from a table leg -> layers."""
    found: dict[str, str] = {}
    legs = Fields(row=_table(name, top), problems=top.problems)
    for leg in legs.row.fields:
        for layer in legs.texts(leg):
            if layer not in layers:
                legs.wrong(unknown("layer", layer, layers))
            elif layer in found:
                legs.wrong(f"layer {layer!r} stands in {found[layer]!r} and in {leg!r}")
            found[layer] = leg
    return found


def _documents(top: Fields) -> dict[str, dt.date | None]:
    found: dict[str, dt.date | None] = {}
    for code, about in _table("documents", top).fields.items():
        where = f"{top.row.where}: document {code}"
        if not isinstance(about, Mapping):
            top.problems.append(f"{where}: write {{ available = DATE, title = TEXT }}")
            continue
        document = Fields(row=Row(where=where, fields=about), problems=top.problems)
        document.only(_DOCUMENT)
        found[code] = document.day("available")
    return found


def _table(name: str, top: Fields) -> Row:
    table = top.row.fields.get(name, {})
    where = f"{top.row.where}: [{name}]"
    if not isinstance(table, Mapping):
        top.wrong(f"{name} is not a table; write it below [{name}]")
        return Row(where=where, fields={})
    return Row(where=where, fields=table)


def _entities(
    rows: Iterable[Row], head: Head, traded: frozenset[str], problems: list[str]
) -> dict[str, Entity]:
    found: dict[str, Entity] = {}
    places: dict[str, Fields] = {}
    for row in rows:
        fields = Fields(row=row, problems=problems)
        fields.only(_ENTITY)
        entity = _entity(fields, head, traded)
        if entity.id in found:
            fields.wrong(f"entity {entity.id!r} is written twice")
        found[entity.id] = entity
        places[entity.id] = fields
    for entity in found.values():
        if entity.parent and entity.parent not in found:
            places[entity.id].wrong(unknown("parent", entity.parent, found))
    return found


def _entity(fields: Fields, head: Head, traded: frozenset[str]) -> Entity:
    layer = fields.one_of("layer", (*head.layers, NO_LAYER), NO_LAYER)
    secondary = fields.texts("secondary")
    for other in secondary:
        if layer == NO_LAYER:
            fields.wrong(f"secondary {other!r} of an entity without a layer")
        elif other not in head.layers:
            fields.wrong(unknown("layer", other, head.layers))
        elif other == layer or secondary.count(other) > 1:
            fields.wrong(f"layer {other!r} is written twice")
    documents = fields.texts("documents")
    for document in documents:
        if head.documents and document not in head.documents:
            fields.wrong(unknown("document", document, head.documents))
    leg = fields.text("leg")
    if leg and leg != NO_LEG and leg not in head.leg.values():
        fields.wrong(unknown("leg", leg, {*head.leg.values(), NO_LEG}))
    identifier = fields.required("id")
    usual = "listed" if identifier in traded else "private"
    return Entity(
        id=identifier,
        name=fields.text("name") or identifier,
        kind=fields.one_of("kind", ENTITY_KINDS, usual),
        layer=layer,
        secondary=secondary,
        leg=leg or head.leg.get(layer, NO_LEG),
        leg_alt=leg or head.leg_alt.get(layer, NO_LEG),
        parent=fields.text("parent"),
        documents=documents,
        reason=fields.text("reason"),
        declared=fields.day("declared") or _earliest(documents, head),
        note=fields.text("note"),
    )


def _earliest(documents: Iterable[str], head: Head) -> dt.date | None:
    """Return the first day on which a supporting document could be read."""
    days = [head.documents.get(document) for document in documents]
    return min((day for day in days if day), default=None)


def _lines(
    rows: Iterable[Row], entities: Mapping[str, Entity], problems: list[str]
) -> dict[str, Line]:
    found: dict[str, Line] = {}
    places: dict[str, Fields] = {}
    for row in rows:
        fields = Fields(row=row, problems=problems)
        fields.only(_LINE)
        line = _line(fields, kind="local")
        if line.symbol in found:
            fields.wrong(f"symbol {line.symbol!r} is written twice")
        if fields.required("entity") and line.entity not in entities:
            fields.wrong(unknown("entity", line.entity, entities))
        found[line.symbol] = line
        places[line.symbol] = fields
    for entity in entities:
        own = [line for line in found.values() if line.entity == entity]
        primary = [line for line in own if line.primary]
        if len(primary) > 1:
            places[primary[1].symbol].wrong(
                f"{entity} has a second primary line; {primary[0].symbol} is the first"
            )
        elif len(own) == 1:
            found[own[0].symbol] = replace(own[0], primary=True)
        elif own and not primary:
            places[own[0].symbol].wrong(
                f"{entity} has {len(own)} lines and none is primary: "
                f"{at_most(line.symbol for line in own)}; mark one with primary"
            )
    return found


def _line(fields: Fields, *, kind: str) -> Line:
    symbol = fields.required("symbol")
    mic = fields.one_of("mic", SUFFIXES)
    if mic and symbol and not is_yahoo_form(symbol, mic):
        right = yahoo_form(symbol, mic)
        wanted = f"Yahoo writes {right!r}" if right != symbol else "check both"
        fields.wrong(f"symbol {symbol!r} does not belong to {mic}; {wanted}")
    kind = fields.one_of("kind", LINE_KINDS, kind)
    ratio = fields.positive("shares_per_receipt")
    underlying = fields.text("underlying")
    notes = (
        fields.text("note"),
        f"receipt on {underlying}" if underlying else "",
        "from memory, not looked up" if fields.flag("verified") is False else "",
    )
    return Line(
        symbol=symbol,
        entity=fields.text("entity"),
        mic=mic,
        currency=fields.one_of("currency", CURRENCIES),
        kind=kind,
        primary=bool(fields.flag("primary")),
        us=mic in UNITED_STATES,
        listed=fields.day("listed"),
        delisted=fields.day("delisted"),
        shares_per_receipt=ratio if ratio or kind in RECEIPTS else 1.0,
        note="; ".join(note for note in notes if note),
    )


def _benchmarks(
    rows: Iterable[Row], lines: Mapping[str, Line], problems: list[str]
) -> dict[str, Line]:
    """Return symbol -> fund; one that is also an entity's line is that line."""
    found: dict[str, Line] = {}
    for row in rows:
        fields = Fields(row=row, problems=problems)
        fields.only(_BENCHMARK)
        line = _line(fields, kind="fund")
        if line.symbol in found:
            fields.wrong(f"symbol {line.symbol!r} is written twice")
        found[line.symbol] = lines.get(line.symbol, line)
    return found
