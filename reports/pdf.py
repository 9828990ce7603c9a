"""The PDF report: typst, from the same document and drawings as the page.

PDF/A-3a (for archives) and PDF/UA-1 (for screen readers). The text reaches typst as
JSON only; it is never pasted into markup.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

from engine.errors import RunError
from reports import palette
from reports.clean import REPLACEMENT
from reports.document import (
    Block,
    Bullets,
    Document,
    Figure,
    Heading,
    Table,
    Text,
    Tiles,
)
from reports.drawing import FONTS

TEMPLATE = Path(__file__).with_name("templates") / "report.typ"
STANDARDS: tuple[Literal["a-3a"], Literal["ua-1"]] = ("a-3a", "ua-1")
_LONGEST_RUNNING_TITLE = 90
#: A place where a line may break and nothing is drawn.
_BREAK = "\N{ZERO WIDTH SPACE}"
#: Longest word that is left whole in a line of text (a SHA-256 is), and in a narrow
#: place: a title, a table of many columns.
_LONGEST_WORD, _LONGEST_NARROW_WORD = 72, 28
#: A table below both is kept on one page.
_FEW_ROWS, _FEW_LETTERS = 14, 2500


def render_pdf(document: Document, drawings: Mapping[str, str]) -> bytes:
    """Return the PDF; `drawings` holds the SVG of each figure by id.

    The shipped fonts cover Latin, Greek and Cyrillic. Where a text holds anything else,
    the fonts of this machine are asked; a character that none of them has is drawn as
    a white square, and the document ends with a note that says so.
    """
    content = _content(document, drawings)
    text = json.dumps(content, ensure_ascii=False)
    missing = uncovered(text)
    if not missing:
        return _compile(text, own_fonts_only=True)
    try:
        return _compile(text, own_fonts_only=False)
    except RunError:
        noted = json.dumps(content | {"note": _SQUARED}, ensure_ascii=False)
        squared = "".join(REPLACEMENT if c in missing else c for c in noted)
        return _compile(squared, own_fonts_only=True)


_SQUARED = (
    f"A white square ({REPLACEMENT}) stands for a character that no font on the "
    "machine which made this file could draw; the HTML report holds it."
)


def uncovered(text: str) -> set[str]:
    """Return the characters of a text that the shipped fonts do not have."""
    return {character for character in set(text) if character not in _coverage()}


@cache
def _coverage() -> frozenset[str]:
    """Return every character that the shipped fonts have."""
    found = {"\n", _BREAK}
    listed = (FONTS / "coverage.txt").read_text(encoding="utf-8")
    for line in listed.splitlines():
        if line.startswith("#"):
            continue
        for span in line.split():
            first, _, last = span.partition("-")
            found |= {chr(c) for c in range(int(first, 16), int(last or first, 16) + 1)}
    return frozenset(found)


def _compile(content: str, *, own_fonts_only: bool) -> bytes:
    # a compiler of 40 MB: only where a PDF is made
    import typst

    try:
        made = typst.compile(
            str(TEMPLATE),
            font_paths=[str(FONTS)],
            ignore_system_fonts=own_fonts_only,
            sys_inputs={"document": content},
            pdf_standards=list(STANDARDS),
        )
    except typst.TypstError as error:
        raise RunError(
            f"report.pdf: typst could not set the report: {error}"
        ) from error
    return bytes(made)


def _content(document: Document, drawings: Mapping[str, str]) -> dict[str, Any]:
    """Return everything that the template shows."""
    title = document.title
    shortened = title[: _LONGEST_RUNNING_TITLE - 1].rstrip() + "…"
    return {
        "title": title,
        "heading": breakable(title, _LONGEST_NARROW_WORD),
        "note": "",
        "running": shortened if len(title) > _LONGEST_RUNNING_TITLE else title,
        "description": document.kicker,
        "kicker": document.kicker,
        "subtitle": list(document.subtitle),
        "footer": document.footer,
        "date": [document.date.year, document.date.month, document.date.day],
        "stamp": document.stamp,
        "stamp_text": document.stamp_text,
        "colours": {role: pair[0] for role, pair in palette.ROLES.items()},
        "sections": [
            {
                "title": breakable(section.title, _LONGEST_NARROW_WORD),
                "new_page": section.new_page,
                "blocks": [_block(block, drawings) for block in section.blocks],
            }
            for section in document.sections
        ],
    }


_KINDS = {
    Tiles: "tiles",
    Text: "text",
    Bullets: "bullets",
    Heading: "heading",
    Table: "table",
}


def _block(block: Block, drawings: Mapping[str, str]) -> dict[str, Any]:
    if isinstance(block, Figure):
        return {
            "kind": "figure",
            "caption": breakable(block.caption, _LONGEST_WORD),
            "description": block.description,
            "svg": _bare(drawings[block.id]),
        }
    narrow = isinstance(block, Heading) or (
        isinstance(block, Table) and len(block.columns) > 2
    )
    longest = _LONGEST_NARROW_WORD if narrow else _LONGEST_WORD
    content = {
        name: _breakable_in(value, longest)
        for name, value in dataclasses.asdict(block).items()
    }
    if isinstance(block, Table):
        content["whole"] = _stays_whole(block)
    return content | {"kind": _KINDS[type(block)]}


def _stays_whole(table: Table) -> bool:
    """Return whether a table is short enough to stand on one page, never broken."""
    letters = sum(len(cell.text) + len(cell.sub) for row in table.rows for cell in row)
    return len(table.rows) < _FEW_ROWS and letters < _FEW_LETTERS


def _breakable_in(value: Any, longest: int) -> Any:
    """Return a block's field with breakable texts; sets of positions become lists."""
    if isinstance(value, str):
        return breakable(value, longest)
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, list | tuple):
        return [_breakable_in(one, longest) for one in value]
    if isinstance(value, dict):
        return {name: _breakable_in(one, longest) for name, one in value.items()}
    return value


def breakable(text: str, longest: int) -> str:
    """Return a text whose words longer than `longest` may break inside."""
    return re.sub(
        rf"\S{{{longest + 1},}}",
        lambda word: _BREAK.join(
            word[0][at : at + longest] for at in range(0, len(word[0]), longest)
        ),
        text,
    )


def _bare(svg: str) -> str:
    """Return a drawing without its words for screen readers: the PDF has its own."""
    return re.sub(r' aria-label="[^"]*"', "", svg)
