"""Small pieces of Vega-Lite that every figure is put together from.

The specifications are written as they are (JSON values) and not through Altair: the
drawing is the same, and the 0.4 s that its import takes are saved. A test holds every
figure against the Vega-Lite schema.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from reports.palette import light

Spec = dict[str, Any]
#: Width of every figure in pixels: the text width of the page in the PDF.
WIDTH = 720
FONT = "Inter"
SIZE = 10.5

_TEXT = {"labelFont": FONT, "titleFont": FONT, "labelFontSize": SIZE}

CONFIG: Spec = {
    "font": FONT,
    "background": "transparent",
    "padding": 1,
    "view": {"stroke": None},
    "axis": _TEXT
    | {
        "titleFontSize": SIZE,
        "titleFontWeight": "normal",
        "labelColor": light("mute"),
        "titleColor": light("mute"),
        "gridColor": light("grid"),
        "domainColor": light("axis"),
        "tickColor": light("axis"),
        "tickSize": 3,
        "labelPadding": 4,
        "titlePadding": 6,
    },
    "axisX": {"grid": False},
    "axisY": {"domain": False, "ticks": False},
    "legend": _TEXT
    | {
        "title": None,
        "orient": "top",
        "direction": "horizontal",
        "labelColor": light("ink"),
        "labelLimit": 190,
        "symbolSize": 70,
        "symbolStrokeWidth": 2.2,
        "columnPadding": 14,
        "rowPadding": 1,
        "offset": 6,
        "padding": 0,
    },
    "title": {
        "font": FONT,
        "fontSize": SIZE,
        "fontWeight": 600,
        "color": light("ink"),
        "anchor": "start",
        "frame": "group",
        "offset": 5,
    },
    "header": {
        "title": None,
        "labelFont": FONT,
        "labelFontSize": SIZE,
        "labelFontWeight": 600,
        "labelColor": light("ink"),
        "labelAnchor": "start",
        "labelPadding": 4,
    },
    "text": {"font": FONT, "fontSize": SIZE},
}


def finished(body: Mapping[str, Any], *, stamp: str) -> Spec:
    """Return a whole specification; a stamp is drawn into the figure itself."""
    whole: Spec = {"$schema": "https://vega.github.io/schema/vega-lite/v6.json"}
    if stamp:
        whole["title"] = {
            "text": stamp,
            "anchor": "end",
            "frame": "bounds",
            "color": light("red"),
            "fontSize": 9,
            "offset": 2,
        }
    return whole | dict(body) | {"config": CONFIG}


#: Width of an average letter, as a share of the type size.
_LETTER = 0.51


def fitted(head: str, text: str, room: float) -> str:
    """Return `head` and as much of `text` as fits into so many pixels.

    Vega cuts labels too, but measures every piece of them: a tenth of a second a label.
    The head is kept whole, so that labels stay different.
    """
    letters = int(room / (_LETTER * SIZE)) - len(head)
    if letters < 1 or len(text) <= letters:
        return head + text
    return f"{head}{text[: letters - 1].rstrip()}…"


def rows(values: Sequence[Mapping[str, Any]]) -> Spec:
    """Return inline data."""
    return {"values": list(values)}


def encoded(field: str, kind: str, **more: Any) -> Spec:
    """Return the encoding of a field; `kind` is Vega-Lite's, by its first letter."""
    words = {"Q": "quantitative", "T": "temporal", "N": "nominal", "O": "ordinal"}
    return {"field": field, "type": words[kind]} | more


def coloured(field: str, colours: Mapping[str, str], **more: Any) -> Spec:
    """Return a colour encoding with one fixed colour per name."""
    scale = {"domain": list(colours), "range": list(colours.values())}
    return encoded(field, "N", scale=scale, **more)


def day_axis(days: pd.DatetimeIndex) -> Spec:
    """Return the axis of a time scale: years for a long span, else months."""
    span = (days[-1] - days[0]).days if len(days) > 1 else 0
    if span > 1200:
        return {"format": "%Y", "tickCount": "year", "title": None}
    step = 6 if span > 800 else 3 if span > 250 else 1
    return {
        "format": "%b %Y",
        "tickCount": {"interval": "month", "step": step},
        "labelOverlap": True,
        "title": None,
    }


def time_position(days: pd.DatetimeIndex) -> Spec:
    """Return the x encoding of field t over exactly these days."""
    ends = [milliseconds(days[0]), milliseconds(days[-1])]
    scale = {"type": "utc", "domain": ends, "nice": False}
    return encoded("t", "T", scale=scale, axis=day_axis(days))


def milliseconds(moment: pd.Timestamp) -> int:
    """Return a UTC timestamp as JavaScript counts it."""
    return int(moment.value // 1_000_000)


def said(field: str = "d") -> Spec:
    """Return the encoding of what a pointer over a mark, or a screen reader, reads."""
    return encoded(field, "N")


def rule(value: float, axis: str, *, colour: str = "axis", dash: bool = False) -> Spec:
    """Return a line across the plot at a value of one axis."""
    mark: Spec = {"type": "rule", "color": light(colour), "strokeWidth": 0.9}
    if dash:
        mark["strokeDash"] = [3, 3]
    return {
        "data": rows([{"at": value}]),
        "mark": mark,
        "encoding": {axis: encoded("at", "Q")},
    }


def percent_axis(**more: Any) -> Spec:
    """Return an axis of decimal fractions printed as percent, with a true minus."""
    return {"format": "+.0%", "labelExpr": _SIGNED} | more


#: Zero without a sign, everything else as the format says.
_SIGNED = "datum.value == 0 ? '0%' : datum.label"
