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
#: Drawn for a character that no font at hand has.
SUBSTITUTE = "\N{WHITE SQUARE}"
_LONGEST_RUNNING_TITLE = 90


def render_pdf(document: Document, drawings: Mapping[str, str]) -> bytes:
    """Return the PDF; `drawings` holds the SVG of each figure by id.

    The shipped fonts cover Latin, Greek and Cyrillic. Where a text holds anything else,
    the fonts of this machine are asked; a character that none of them has is drawn as
    a white square, and the document ends with a note that says so.
    """
    content = json.dumps(_content(document, drawings), ensure_ascii=False)
    missing = uncovered(content)
    if not missing:
        return _compile(content, own_fonts_only=True)
    try:
        return _compile(content, own_fonts_only=False)
    except RunError:
        squared = "".join(SUBSTITUTE if c in missing else c for c in content)
        return _compile(squared, own_fonts_only=True)


def uncovered(text: str) -> set[str]:
    """Return the characters of a text that the shipped fonts do not have."""
    return {character for character in set(text) if character not in _coverage()}


@cache
def _coverage() -> frozenset[str]:
    """Return every character that the shipped fonts have."""
    found = {"\n"}
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
                "title": section.title,
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
            "caption": block.caption,
            "description": block.description,
            "svg": _bare(drawings[block.id]),
        }
    content = dataclasses.asdict(block) | {"kind": _KINDS[type(block)]}
    if isinstance(block, Table):
        content |= {"groups": sorted(block.groups), "shaded": sorted(block.shaded)}
    return content


def _bare(svg: str) -> str:
    """Return a drawing without its words for screen readers: the PDF has its own."""
    return re.sub(r' aria-label="[^"]*"', "", svg)
