"""The map of an event: what each layer did in each window, by how surprising it was."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from engine.study import StudyResult
from reports import numbers, tables, words
from reports.palette import light
from reports.vega import WIDTH, Spec, encoded, said
from reports.vega import rows as inline

#: Upper end of t, its words, colour and strength; colours of roles, so that a dark
#: screen shows its own.
_STEPS = (
    (-3.0, "t below −3", "red", 0.62),
    (-2.0, "−3 to −2", "red", 0.40),
    (-1.0, "−2 to −1", "red", 0.18),
    (1.0, "−1 to 1", "mist", 0.25),
    (2.0, "1 to 2", "steel", 0.18),
    (3.0, "2 to 3", "steel", 0.40),
    (math.inf, "above 3", "steel", 0.62),
)
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
    named = [name for _, name, _, _ in _STEPS]
    colour = encoded(
        "c",
        "N",
        scale={"domain": named, "range": [light(role) for _, _, role, _ in _STEPS]},
        legend={"symbolType": "square", "symbolStrokeWidth": 0, "orient": "bottom"},
    )
    strength = encoded(
        "c",
        "N",
        scale={"domain": named, "range": [opacity for *_, opacity in _STEPS]},
    )
    tile: Spec = {
        "mark": {"type": "rect"},
        "encoding": {
            "x": x,
            "y": y,
            "color": colour,
            "opacity": strength,
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
    """Return one tile: its words, its step of t, and whether it is significant."""
    car = numbers.change(row["car"])
    name, at = words.label(str(row["subject"])), numbers.window(row["window"])
    t = numbers.decimal(row["t"], 1)
    return {
        "s": name,
        "w": at,
        "v": car,
        "c": next(label for end, label, _, _ in _STEPS if row["t"] <= end),
        "b": bool(row["p"] < 0.05),
        "d": f"{name} {at}: {car}, t {t}, p {numbers.p_value(row['p'])}",
    }
