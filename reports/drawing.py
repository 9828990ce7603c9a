"""From Vega-Lite specifications to SVG, with the shipped fonts."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

from reports.clean import REPLACEMENT
from reports.document import Figure

FONTS = Path(__file__).with_name("fonts")
VEGA_LITE = "6.4"


def draw(figures: Iterable[Figure]) -> dict[str, str]:
    """Return the SVG of each figure by its id.

    The ids inside a drawing are made unique, so that several fit on one page. The first
    drawing of a process starts a JavaScript engine (0.5 s); one more takes 0.1 s.
    """
    convert = _converter()
    return {
        figure.id: own_ids(convert(specification(figure)), figure.id)
        for figure in figures
    }


#: Vega cuts a long label between the two halves of such a character, and fails on it.
_ASTRAL = re.compile("[\U00010000-\U0010ffff]")


def specification(figure: Figure) -> str:
    """Return a figure's specification as JSON, without characters beyond U+FFFF."""
    return _ASTRAL.sub(REPLACEMENT, json.dumps(figure.spec, ensure_ascii=False))


@cache
def _converter() -> Callable[[str], str]:
    # starts a JavaScript engine: only where something is drawn
    import vl_convert

    vl_convert.register_font_directory(str(FONTS))

    def convert(text: str) -> str:
        return str(vl_convert.vegalite_to_svg(text, vl_version=VEGA_LITE))

    return convert


_IDENTIFIER = re.compile(r'\bid="([\w-]+)"')
_USE = re.compile(r'(\bid="|url\(#)([\w-]+)(?=["\)])')


def own_ids(svg: str, prefix: str) -> str:
    """Return an SVG whose ids carry a prefix, and count from 0 in each drawing.

    Vega counts them through all that a process draws.
    """
    names = dict.fromkeys(_IDENTIFIER.findall(svg))
    own = {
        name: f"{prefix}-{name.rstrip('0123456789')}{count}"
        for count, name in enumerate(names)
    }
    return _USE.sub(lambda use: use[1] + own.get(use[2], use[2]), svg)
