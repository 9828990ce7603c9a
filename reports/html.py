"""The HTML report: one file, no request of any kind, right on screen and on paper.

The drawings are the same SVG that the PDF holds, with CSS variables for colours; a
small script of our own adds read-outs. Why not Vega in the page:
docs/decisions/0010-figures-are-drawn-once.md.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import jinja2
from markupsafe import Markup

from reports import palette
from reports.document import (
    Bullets,
    Document,
    Figure,
    Heading,
    Table,
    Text,
    Tiles,
)
from reports.drawing import FONTS

TEMPLATES = Path(__file__).with_name("templates")
_KINDS = {
    Tiles: "tiles",
    Text: "text",
    Bullets: "bullets",
    Heading: "heading",
    Table: "table",
    Figure: "figure",
}
#: family, weight, style, file
_FACES = (
    ("Inter", 400, "normal", "Inter-Regular"),
    ("Inter", 400, "italic", "Inter-Italic"),
    ("Inter", 600, "normal", "Inter-SemiBold"),
    ("Source Serif 4", 600, "normal", "SourceSerif4-SemiBold"),
)


def render_html(document: Document, drawings: Mapping[str, str]) -> str:
    """Return the page; `drawings` holds the SVG of each figure by id."""
    script = _text("report.js")
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            document=document,
            labels=document.labels,
            kind_of=lambda block: _KINDS[type(block)],
            drawings={
                name: Markup(palette.with_variables(svg))
                for name, svg in drawings.items()
            },
            style=Markup(_style()),
            script=Markup(script),
            readouts=Markup(_json(_readouts(document))),
            policy=_policy(script),
        )
    )


def _policy(script: str) -> str:
    """Return the Content-Security-Policy: nothing is loaded, one script may run."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        f"default-src 'none'; script-src 'sha256-{digest}'; "
        "style-src 'unsafe-inline'; img-src data:; font-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _readouts(document: Document) -> dict[str, object]:
    """Return what each chart reads out, packed: texts joined by a bar."""
    packed: dict[str, object] = {}
    for figure in document.figures:
        if figure.readout is None:
            continue
        packed[figure.id] = {
            "at": figure.readout.places,
            "labels": "|".join(figure.readout.labels),
            "traces": [
                {
                    "name": trace.name,
                    "colour": palette.with_variables(trace.colour),
                    "texts": "|".join(trace.texts),
                }
                for trace in figure.readout.traces
            ],
        }
    return packed


def _json(value: object) -> str:
    """Return JSON that cannot end the script element it stands in."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _text(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


@cache
def _style() -> str:
    """Return the style sheet with fonts and colours; paper is always light."""
    faces = "".join(
        f'@font-face{{font-family:"{family}";font-weight:{weight};font-style:{style};'
        f"src:url(data:font/woff2;base64,{_encoded(name)})}}"
        for family, weight, style, name in _FACES
    )
    light = f":root{{color-scheme:light dark;{palette.style_sheet(dark=False)}}}"
    dark = (
        "@media screen and (prefers-color-scheme:dark)"
        f"{{:root{{{palette.style_sheet(dark=True)}}}}}"
    )
    return faces + light + dark + _text("report.css")


def _encoded(name: str) -> str:
    return base64.b64encode((FONTS / f"{name}.woff2").read_bytes()).decode()
