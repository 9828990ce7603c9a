"""The figure of where the return over equal weight came from."""

from __future__ import annotations

from typing import Any

from engine.evidence.attribution import TOTAL
from engine.study_paths import EQUAL_WEIGHT
from engine.study_result import StudyResult
from reports import numbers, tables, words
from reports.attribution_tables import against, point_format, shown_effects
from reports.figures import rounded
from reports.palette import light
from reports.vega import WIDTH, Spec, coloured, encoded, rule, said
from reports.vega import rows as inline

#: Room left of the plots for the names of effects and layers, pixels.
LEFT = 100
PLOT = WIDTH - LEFT
ACTIVE = "Active return"
_ROLES = {
    "allocation": "navy",
    "selection": "teal",
    "interaction": "sand",
    "currency": "plum",
    "trading": "sage",
    "costs": "clay",
    "other": "slate",
}
_ROW, _BAR = 21, 13
#: Share of the plot kept free at either end for the numbers.
_MARGIN = 0.09


def attribution(result: StudyResult) -> Spec | None:
    """Return the effects as steps to the active return; below, layer by layer."""
    table = against(result, EQUAL_WEIGHT)
    if table.empty:
        return None
    effects = shown_effects(table)
    colours = {words.label(name): light(_ROLES[name]) for name in effects}
    return {
        "vconcat": [
            _steps(result, effects, colours),
            _layers(result, effects, colours),
        ],
        "spacing": 14,
        "resolve": {"scale": {"color": "shared"}},
    }


def _steps(
    result: StudyResult, effects: tuple[str, ...], colours: dict[str, str]
) -> Spec:
    """Return the waterfall: each effect begins where the one above it ended."""
    table = against(result, EQUAL_WEIGHT)
    show = point_format(table)
    total = next(row for row in tables.records(table) if row["group"] == TOTAL)
    values: list[dict[str, Any]] = []
    at = 0.0
    for name in effects:
        values.append(_step(words.label(name), at, at + float(total[name]), show))
        at += float(total[name])
    values.append(_step(ACTIVE, 0.0, float(total["active"]), show))
    names = [str(one["p"]) for one in values]
    y = _names(names)
    x = _points(min(one["low"] for one in values), max(one["high"] for one in values))
    bars: Spec = {
        "mark": {"type": "bar", "height": _BAR},
        "encoding": {
            "y": y,
            "x": x,
            "x2": {"field": "b"},
            "color": coloured(
                "p", colours | {ACTIVE: light("ink")}, legend=_legend(colours)
            ),
            "description": said(),
        },
    }
    labels: Spec = {
        "mark": {"type": "text", "align": "left", "dx": 4, "color": light("ink")},
        "encoding": {
            "y": y,
            "x": encoded("high", "Q"),
            "text": encoded("n", "N"),
        },
    }
    return {
        "width": PLOT,
        "height": {"step": _ROW},
        "data": inline(values),
        "layer": [rule(0.0, "x"), bars, labels],
    }


def _step(name: str, begin: float, end: float, show: numbers.Format) -> dict[str, Any]:
    change = show(end - begin)
    return {
        "p": name,
        "v": rounded(begin * 100),
        "b": rounded(end * 100),
        "low": rounded(min(begin, end) * 100),
        "high": rounded(max(begin, end) * 100),
        "n": change,
        "d": f"{name}: {change} percentage points",
    }


def _layers(
    result: StudyResult, effects: tuple[str, ...], colours: dict[str, str]
) -> Spec:
    """Return each layer's effects side by side from zero, and their sum as a mark."""
    table = against(result, EQUAL_WEIGHT)
    show = point_format(table)
    values: list[dict[str, Any]] = []
    sums: list[dict[str, Any]] = []
    for row in tables.records(table):
        group = words.label(str(row["group"]))
        if row["group"] == TOTAL:
            continue
        for order, name in enumerate(effects):
            values.append(
                {
                    "g": group,
                    "p": words.label(name),
                    "o": order,
                    "v": rounded(float(row[name]) * 100),
                    "d": f"{group}, {name}: {show(float(row[name]))} percentage points",
                }
            )
        together = show(float(row["active"]))
        above = sum(max(float(row[name]), 0.0) for name in effects) * 100
        below = sum(min(float(row[name]), 0.0) for name in effects) * 100
        sums.append(
            {
                "g": group,
                "v": rounded(float(row["active"]) * 100),
                "high": rounded(above),
                "low": rounded(below),
                "n": together,
                "d": f"{group}, together: {together} percentage points",
            }
        )
    y = _names([str(one["g"]) for one in sums]) | {"field": "g"}
    x = _points(min(one["low"] for one in sums), max(one["high"] for one in sums))
    bars: Spec = {
        "data": inline(values),
        "mark": {"type": "bar", "height": _BAR},
        "encoding": {
            "y": y,
            "x": x,
            "color": coloured(
                "p", colours | {ACTIVE: light("ink")}, legend=_legend(colours)
            ),
            "order": encoded("o", "Q"),
            "description": said(),
        },
    }
    marks: Spec = {
        "mark": {
            "type": "point",
            "shape": "diamond",
            "filled": True,
            "size": 58,
            "opacity": 1,
            "color": light("ink"),
            "stroke": light("paper"),
            "strokeWidth": 1,
        },
        "encoding": {"y": y, "x": encoded("v", "Q"), "description": said()},
    }
    labels: Spec = {
        "mark": {"type": "text", "align": "left", "dx": 4, "color": light("ink")},
        "encoding": {"y": y, "x": encoded("high", "Q"), "text": encoded("n", "N")},
    }
    over: Spec = {"data": inline(sums), "layer": [marks, labels]}
    return {
        "width": PLOT,
        "height": {"step": _ROW},
        "layer": [rule(0.0, "x"), bars, over],
    }


def _names(names: list[str]) -> Spec:
    """Return the axis of names, in their order."""
    return encoded(
        "p",
        "N",
        title=None,
        sort=names,
        axis={"labelColor": light("ink"), "minExtent": LEFT - 8, "labelLimit": LEFT},
    )


def _points(low: float, high: float) -> Spec:
    """Return the axis of percentage points, with room for numbers at the right."""
    low, high = min(low, 0.0), max(high, 0.0)
    span = max(high - low, 1e-6)
    return encoded(
        "v",
        "Q",
        title="Percentage points",
        scale={"domain": [low - 0.02 * span, high + _MARGIN * span], "nice": False},
        axis={"grid": True, "tickCount": 7, "labelExpr": _MINUS, "format": "+,~f"},
    )


#: Zero without a sign, and a true minus elsewhere.
_MINUS = "datum.value == 0 ? '0' : datum.label"


def _legend(colours: dict[str, str]) -> Spec:
    return {"symbolType": "square", "values": list(colours)}
