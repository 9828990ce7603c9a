"""Layer scores if a mechanism fails, and scenarios as states seen through time."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from engine.evidence.scenarios import MET, UNMET, UNSEEN
from engine.evidence.stress import RECOMPUTED, STATED
from engine.study_result import StudyResult
from reports import numbers, tables, words
from reports.figures import rounded
from reports.palette import light
from reports.vega import (
    WIDTH,
    Spec,
    coloured,
    encoded,
    fitted,
    milliseconds,
    rule,
    said,
    time_position,
)
from reports.vega import rows as inline

_NAMES = 104
_CONDITIONS = 300
#: How a score was reached -> colour.
BASES: Mapping[str, str] = {
    "scored again: a factor reads it": light("steel"),
    "stated: no factor reads it": light("gold"),
}
_BASIS = dict(zip((RECOMPUTED, STATED), BASES, strict=True))
SEEN: Mapping[str, str] = {
    words.label(MET): light("teal"),
    words.label(UNMET): light("clay"),
    words.label(UNSEEN): light("haze"),
}


def stress(result: StudyResult) -> Spec | None:
    """Return each layer's score before and after each stress; None without any."""
    table = result.stress.layers
    known = table[table["after"].notna()]
    if known.empty:
        return None
    layers = [words.label(name) for name in result.universe.layers]
    values = [_move(row) for row in tables.records(known)]
    order = list(dict.fromkeys(known["mechanism"]))
    room = math.floor((WIDTH - _NAMES - 10 * (len(layers) - 1)) / len(layers))
    y = encoded("m", "N", sort=order, title=None)
    y["axis"] = {
        "labelColor": light("ink"),
        "minExtent": _NAMES - 4,
        "labelLimit": _NAMES - 6,
    }
    ticks = {"values": [-1, -0.5, 0, 0.5, 1], "grid": True, "labelExpr": _TICKS}
    scale = {"domain": [-1.05, 1.05], "nice": False}
    legend = {"symbolType": "circle", "labelLimit": 300, "symbolOpacity": 1}
    colour = coloured("k", BASES, legend=legend)

    def x(field: str) -> Spec:
        return encoded(field, "Q", title=None, scale=scale, axis=ticks)

    span: Spec = {
        "mark": {"type": "rule", "strokeWidth": 5, "opacity": 0.28},
        "encoding": {"x": x("lo"), "x2": {"field": "hi"}, "y": y, "color": colour},
    }
    before: Spec = {
        "mark": {"type": "tick", "thickness": 1.6, "size": 14, "color": light("ink")},
        "encoding": {"x": x("b"), "y": y},
    }
    arrow: Spec = {
        "transform": [{"filter": "datum.b != datum.v"}],
        "mark": {"type": "rule", "strokeWidth": 1.6},
        "encoding": {"x": x("b"), "x2": {"field": "v"}, "y": y, "color": colour},
    }
    after: Spec = {
        "transform": [{"filter": "datum.b != datum.v"}],
        "mark": {"type": "point", "filled": True, "size": 46, "opacity": 1},
        "encoding": {"x": x("v"), "y": y, "color": colour, "description": said()},
    }
    return {
        "data": inline(values),
        "facet": {"column": encoded("l", "N", sort=layers)},
        "spacing": 10,
        "spec": {
            "width": room,
            "height": {"step": 19},
            "layer": [rule(0.0, "x"), span, before, arrow, after],
        },
    }


_TICKS = (
    f"datum.value == 0 ? '0' : datum.value == -1 ? '{numbers.MINUS}1' : "
    "datum.value == 1 ? '1' : ''"
)


def _move(row: Mapping[str, Any]) -> dict[str, Any]:
    layer = words.label(str(row["layer"]))
    before, after = (numbers.decimal(row[key], 2) for key in ("before", "after"))
    return {
        "m": row["mechanism"],
        "l": layer,
        "b": rounded(row["before"]),
        "v": rounded(row["after"]),
        "lo": rounded(row["low"]),
        "hi": rounded(row["high"]),
        "k": _BASIS[row["basis"]],
        "d": f"{row['mechanism']}, {layer}: from {before} to {after}",
    }


def seen(result: StudyResult) -> Spec | None:
    """Return which states of the scenarios were met by date; None without any."""
    table = result.scenarios.states
    if table.empty:
        return None
    order, values = [], []
    for (scenario, state), part in table.groupby(["scenario", "state"], sort=False):
        about = words.label(str(part["condition"].iloc[0]))
        head = f"{letter(result, str(scenario))}{state}  "
        name = fitted(head, about, _CONDITIONS)
        order.append(name)
        values += [one | {"s": name} for one in _spells(part)]
    days = pd.DatetimeIndex([table["date"].min(), table["date"].max()])
    start = days[0].replace(day=1)
    x = time_position(pd.DatetimeIndex([start, days[1]]))
    y = encoded("s", "N", sort=order, title=None)
    y["axis"] = {
        "labelColor": light("ink"),
        "minExtent": _CONDITIONS,
        "labelLimit": _CONDITIONS,
    }
    return {
        "data": inline(values),
        "width": WIDTH - _CONDITIONS - 8,
        "height": {"step": 17},
        "mark": {"type": "bar", "height": 10},
        "encoding": {
            "x": x,
            "x2": {"field": "u"},
            "y": y,
            "color": coloured("c", SEEN, legend={"symbolType": "square"}),
            "description": said(),
        },
    }


#: Scenarios are lettered in the strip and in the table.
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def letter(result: StudyResult, scenario: str) -> str:
    """Return the letter of a scenario."""
    ids = [one.id for one in result.thesis.scenarios]
    place = ids.index(scenario)
    return _LETTERS[place] if place < len(_LETTERS) else f"S{place + 1}"


def _spells(part: pd.DataFrame) -> list[dict[str, Any]]:
    """Return one bar per run of the same status, each month from its first day."""
    found: list[dict[str, Any]] = []
    for row in tables.records(part):
        end = pd.Timestamp(row["date"])
        begin = end.replace(day=1)
        word = words.label(row["status"])
        if found and found[-1]["c"] == word:
            found[-1]["u"] = milliseconds(end)
            continue
        if found:
            begin = pd.Timestamp(found[-1]["u"], unit="ms")
        found.append({"t": milliseconds(begin), "u": milliseconds(end), "c": word})
    for one in found:
        first, last = (pd.Timestamp(one[key], unit="ms") for key in ("t", "u"))
        one["d"] = f"{one['c']} from {numbers.day(first)} to {numbers.day(last)}"
    return found
