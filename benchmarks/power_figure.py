"""The power curves of ``docs/calibration.md``, drawn from ``docs/calibration.csv``.

``make calibrate`` ends with it; alone: ``python benchmarks/power_figure.py``.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from reports.document import Figure
from reports.drawing import draw
from reports.palette import light
from reports.vega import CONFIG, Spec, coloured, encoded, finished, rows, rule

DOCS = Path(__file__).resolve().parent.parent / "docs"
TABLE, DRAWING = DOCS / "calibration.csv", DOCS / "images" / "power.svg"
#: Column -> its name and the role of its colour; the primary test first.
TESTS = {
    "portfolio": ("Portfolio (primary)", "navy"),
    "adjusted_bmp": ("Adjusted BMP", "green"),
    "grank": ("GRANK", "gold"),
}
CORRELATION = 0.25
FIRMS, LENGTHS = (5, 10, 30), (1, 5, 20)
POWER, LEVEL = 0.8, 0.05


def main() -> None:
    """Draw the committed table."""
    with TABLE.open(newline="") as file:
        DRAWING.write_text(drawing(list(csv.DictReader(file))), encoding="utf-8")


def points(table: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return what is drawn: rejection rates by test, firms, length and effect."""
    chosen = [
        row
        for row in table
        if float(row["correlation"]) == CORRELATION
        and row["law"] == "normal"
        and float(row["jump"]) == 1.0
        and int(row["length"]) in LENGTHS
    ]
    return [
        {
            "firms": f"{row['firms']} firms",
            "length": "One session"
            if int(row["length"]) == 1
            else f"{row['length']} sessions",
            "effect": float(row["effect"]),
            "rate": float(row[column]),
            "test": name,
        }
        for row in chosen
        for column, (name, _) in TESTS.items()
    ]


def drawing(table: Sequence[Mapping[str, Any]]) -> str:
    """Return the SVG of the power curves, on white, for a page of its own."""
    colours = {name: light(colour) for name, colour in TESTS.values()}
    percent = {"format": ".0%", "grid": True}
    x = encoded("effect", "Q", title="Planted effect on day zero")
    x["axis"] = {"format": ".0%", "tickCount": 5}
    y = encoded("rate", "Q", title="Rejects", axis=percent)
    y["scale"] = {"domain": [0.0, 1.0]}
    color = coloured("test", colours, legend={"symbolType": "stroke"})
    line: Spec = {
        "mark": {"type": "line", "strokeWidth": 1.8, "point": {"size": 22}},
        "encoding": {"x": x, "y": y, "color": color},
    }
    lengths = ["One session", *(f"{one} sessions" for one in LENGTHS[1:])]
    spec: Spec = {
        "data": rows(points(table)),
        "facet": {
            "column": encoded("length", "N", sort=lengths),
            "row": encoded("firms", "N", sort=[f"{one} firms" for one in FIRMS]),
        },
        "spacing": 14,
        "spec": {
            "width": 195,
            "height": 105,
            "layer": [rule(POWER, "y", dash=True), rule(LEVEL, "y", dash=True), line],
        },
    }
    page = {"background": "#ffffff", "padding": 12}
    whole = finished(spec, stamp="") | {"config": CONFIG | page}
    figure = Figure(id="power", caption="", description="", spec=whole)
    named = 'font-family="Inter"', 'font-family="Inter, Helvetica, Arial, sans-serif"'
    return draw([figure])["power"].replace(*named) + "\n"


if __name__ == "__main__":
    main()
