"""The map of an event: what each layer did in each window, by how surprising it was."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from engine.study_result import StudyResult
from reports import numbers, tables, words
from reports.palette import light
from reports.vega import WIDTH, Spec, encoded, said
from reports.vega import rows as inline

#: Upper end of the size of t, and the strength of its colour.
_STEPS = ((1.0, 0.06), (2.0, 0.18), (3.0, 0.38), (math.inf, 0.60))
#: Colours of roles, so that a dark screen shows its own.
_BELOW, _ABOVE = light("red"), light("steel")
_LABELS = 160
_ROW = 24


def heat_map(result: StudyResult, event: str) -> Spec | None:
    """Return layers and contrasts by window, coloured by t; None if there is none."""
    table = result.events.table
    if table.empty:
        return None
    chosen = table[(table["event"] == event) & (table["kind"] != "asset")]
    values = [_cell(row) for row in tables.records(chosen) if math.isfinite(row["t"])]
    if not values:
        return None
    subjects = list(dict.fromkeys(str(one["s"]) for one in values))
    windows = [numbers.window(one) for one in sorted(set(chosen["window"]))]
    y = encoded("s", "N", sort=subjects, title=None)
    y["axis"] = {"labelColor": light("ink"), "labelLimit": _LABELS - 10}
    x = encoded("w", "N", sort=windows, title="Own sessions from day zero")
    x["axis"] = {"orient": "top", "labelAngle": 0, "domain": False, "ticks": False}
    tile: Spec = {
        "mark": {"type": "rect"},
        "encoding": {
            "x": x,
            "y": y,
            "color": encoded("c", "N", scale=None),
            "opacity": encoded("o", "Q", scale=None),
            "description": said(),
        },
    }
    layers: list[Spec] = [tile]
    for sure in (True, False):
        layers.append(
            {
                "transform": [{"filter": f"datum.b == {str(sure).lower()}"}],
                "mark": {
                    "type": "text",
                    "color": light("ink"),
                    "fontWeight": 600 if sure else "normal",
                },
                "encoding": {"x": x, "y": y, "text": encoded("v", "N")},
            }
        )
    return {
        "data": inline(values),
        "width": WIDTH - _LABELS,
        "height": {"step": _ROW},
        "layer": layers,
    }


def _cell(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return one tile: its words, its colour, and whether it is significant."""
    car = numbers.change(row["car"])
    name, at = words.label(str(row["subject"])), numbers.window(row["window"])
    t = numbers.decimal(row["t"], 1)
    return {
        "s": name,
        "w": at,
        "v": f"{car} ({t})",
        "c": _BELOW if row["t"] < 0.0 else _ABOVE,
        "o": next(strength for end, strength in _STEPS if abs(row["t"]) <= end),
        "b": bool(row["p"] < 0.05),
        "d": f"{name} {at}: {car}, t {t}, p {numbers.p_value(row['p'])}",
    }
