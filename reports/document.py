"""What both reports are made from: an ordered list of sections, free of any markup.

Every text is plain text. The HTML and the PDF renderer read the same `Document`, so
the two reports cannot say different things.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from reports.numbers import MINUS, Format

Tone = Literal[
    "",
    "strong",
    "muted",
    "negative",
    "supported",
    "refuted",
    "inconclusive",
    "untestable",
]
Align = Literal["left", "right"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell of a table; `sub` is a smaller second line.

    `bar` in [-1, 1] draws the number: to the right where positive, else to the left.
    """

    text: str
    tone: Tone = ""
    sub: str = ""
    bar: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column's heading, its alignment, and whether it takes the width that is left.

    Several wide columns share that width by their `weight`.
    """

    label: str
    align: Align = "right"
    wide: bool = False
    weight: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table with its caption; `note` stands below it.

    Rows whose position is in `groups` head those below them and fill only their first
    cell; rows whose position is in `shaded` are set off. A `compact` one has its rows
    closer together.
    """

    id: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    groups: frozenset[int] = frozenset()
    shaded: frozenset[int] = frozenset()
    compact: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """What a pointer over a chart reads out for one line: its text at each place."""

    name: str
    colour: str
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Readout:
    """Places across the width of a chart (0 to 1), their labels, and the lines' values.

    Every panel of the chart has the same horizontal scale.
    """

    places: tuple[float, ...]
    labels: tuple[str, ...]
    traces: tuple[Trace, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Figure:
    """A chart: its Vega-Lite specification, caption, and description for the blind."""

    id: str
    caption: str
    description: str
    spec: Mapping[str, Any]
    readout: Readout | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A paragraph; `lead` is the one that carries the message."""

    text: str
    role: Literal["paragraph", "lead", "note"] = "paragraph"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bullets:
    """A list of sentences."""

    items: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A headline number with its interval or comparison."""

    label: str
    value: str
    notes: tuple[str, ...] = ()
    tone: Tone = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiles:
    """The headline numbers."""

    tiles: tuple[Tile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """A heading inside a section."""

    text: str


Block = Text | Bullets | Tiles | Table | Figure | Heading


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Section:
    """A numbered part of the report; in the PDF it begins a `new_page` where asked."""

    id: str
    title: str
    blocks: tuple[Block, ...]
    new_page: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Document:
    """A whole report.

    `stamp` is ``"SIMULATED"`` or empty; where it is set, every page, table and figure
    carries it, and `stamp_text` says what it means. `date` is the last day of the
    evidence: with it in place of the clock, the same study gives the same file.
    """

    title: str
    kicker: str
    subtitle: tuple[str, ...]
    footer: str
    date: dt.date
    stamp: str
    stamp_text: str
    sections: tuple[Section, ...]

    @property
    def figures(self) -> tuple[Figure, ...]:
        """Every figure, in order."""
        return tuple(
            block
            for section in self.sections
            for block in section.blocks
            if isinstance(block, Figure)
        )

    @property
    def tables(self) -> tuple[Table, ...]:
        """Every table, in order."""
        return tuple(
            block
            for section in self.sections
            for block in section.blocks
            if isinstance(block, Table)
        )

    @property
    def labels(self) -> dict[str, str]:
        """``Figure 1``, ``Table 3``: the number of each figure and table by its id."""
        figures = {one.id: f"Figure {n}" for n, one in enumerate(self.figures, 1)}
        return figures | {one.id: f"Table {n}" for n, one in enumerate(self.tables, 1)}


def plain(text: str, tone: Tone = "", *, sub: str = "") -> Cell:
    """Return a cell of text."""
    return Cell(text=text, tone=tone, sub=sub)


def number(value: float, show: Format, tone: Tone = "") -> Cell:
    """Return a cell of a number; negative ones are set in red."""
    text = show(value)
    return Cell(text=text, tone=tone or sign_tone(text))


def sign_tone(text: str) -> Tone:
    """Return the tone of a formatted number: red below zero."""
    return "negative" if text.startswith(MINUS) else ""


def heading_row(text: str, columns: int) -> tuple[Cell, ...]:
    """Return a row that heads those below it."""
    return (Cell(text=text, tone="strong"), *[Cell(text="")] * (columns - 1))
