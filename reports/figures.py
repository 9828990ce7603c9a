"""The figures of both reports, each one Vega-Lite specification.

Colours are those of `reports.palette`; names of tickers, events and claims enter as
inline data only, never as part of an expression.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from engine.study_result import StudyResult
from reports import numbers, tables, words
from reports.palette import layer_colours, light
from reports.paths import colours_of, compared, dashes, labelled, path_legend
from reports.vega import (
    WIDTH,
    Spec,
    coloured,
    encoded,
    milliseconds,
    rule,
    said,
    time_position,
)
from reports.vega import rows as inline

#: Room left of a plot for the labels of its y axis, pixels.
LEFT = 62
PLOT = WIDTH - LEFT


def growth(result: StudyResult) -> Spec:
    """Return growth of 100 (log) and drawdown of every path, with event marks."""
    colours = labelled(colours_of(result))
    level = pd.DataFrame(
        {
            words.label(name): one.nav / one.nav.dropna().iloc[0] * 100
            for name, one in tables.paths(result).items()
        }
    )
    marks = _event_marks(result, level.index)
    time = time_position(pd.DatetimeIndex(level.index))
    ticks = log_ticks(float(np.nanmin(level)), float(np.nanmax(level)))
    y = encoded(
        "v",
        "Q",
        title="Growth of 100 (log)",
        scale={"type": "log", "domain": [ticks[0], ticks[-1]], "nice": False},
        axis={"values": ticks, "format": "d", "minExtent": LEFT - 20},
    )
    lines = _lines(result, level, colours, {"x": time, "y": y})
    top: Spec = {"width": PLOT, "height": 172, "layer": [*marks, *lines]}
    return {
        "vconcat": [top, _drawdown(result, colours, time)],
        "spacing": 8,
        "resolve": {"scale": {"color": "shared", "strokeDash": "shared"}},
    }


def _lines(
    result: StudyResult,
    level: pd.DataFrame,
    colours: Mapping[str, str],
    position: Mapping[str, Any],
) -> list[Spec]:
    """Return the lines of every path; the first is drawn last and thickest."""
    encoding = dict(position) | {
        "color": coloured("p", colours, legend=path_legend(colours)),
        "strokeDash": dashes(result, colours),
    }
    names = list(colours)
    layers = []
    for chosen, width in ((names[1:], 1.2), (names[:1], 2.3)):
        values = inline(long_rows(thin(level[chosen])))
        mark = {"type": "line", "strokeWidth": width, "strokeJoin": "round"}
        layers.append({"data": values, "mark": mark, "encoding": encoding})
    return layers


def _drawdown(result: StudyResult, colours: Mapping[str, str], time: Spec) -> Spec:
    """Return the drawdown of the barbell (area) and of what it is held against."""
    main, other = result.backtest.name, compared(result)
    y = encoded(
        "v",
        "Q",
        title="Drawdown",
        axis={"format": "~%", "tickCount": 4, "minExtent": LEFT - 20},
    )
    color = coloured("p", colours)
    parts: list[Spec] = []
    for names, mark in (
        ([main], {"type": "area", "fillOpacity": 0.28, "line": {"strokeWidth": 1.2}}),
        ([other] if other else [], {"type": "line", "strokeWidth": 1.1}),
    ):
        fall = {
            words.label(name): tables.paths(result)[name].drawdown for name in names
        }
        values = inline(long_rows(pd.DataFrame(fall)))
        encoding = {"x": time, "y": y | {"stack": None}, "color": color}
        parts.append({"data": values, "mark": mark, "encoding": encoding})
    return {"width": PLOT, "height": 66, "layer": parts}


def _event_marks(result: StudyResult, days: pd.Index) -> list[Spec]:
    """Return a dashed line and a number above the plot for each event in the period."""
    numbered = event_numbers(result)
    span = max((days[-1] - days[0]).days, 1)
    marks: list[dict[str, Any]] = []
    taken: list[tuple[float, int]] = []
    for event in sorted(result.thesis.events, key=lambda one: str(one.day)):
        day = pd.Timestamp(event.day)
        if not days[0] <= day <= days[-1]:
            continue
        x = (day - days[0]).days / span * PLOT
        # the lowest row above the plot in which no number stands within 13 pixels
        near = {height for at, height in taken if x - at < 13}
        row = min(set(range(len(taken) + 1)) - near)
        taken.append((x, row))
        marks.append({"t": milliseconds(day), "n": numbered[event.id], "row": row})
    if not marks:
        return []
    time = encoded("t", "T", scale={"type": "utc"})
    line: Spec = {
        "data": inline(marks),
        "mark": {
            "type": "rule",
            "color": light("mist"),
            "strokeDash": [2, 3],
            "strokeWidth": 1,
        },
        "encoding": {"x": time},
    }
    labels = [
        {
            "data": inline([one for one in marks if one["row"] == row]),
            "mark": {
                "type": "text",
                "fontSize": 9,
                "color": light("mute"),
                "baseline": "bottom",
                "clip": False,
            },
            "encoding": {
                "x": time,
                "y": {"value": -2 - 10 * row},
                "text": encoded("n", "N"),
            },
        }
        for row in sorted({int(one["row"]) for one in marks})
    ]
    return [line, *labels]


def weights(result: StudyResult) -> Spec:
    """Return the barbell's weight by layer at each week's end, cash on top."""
    weekly = weekly_weights(result)
    layers = list(weekly.columns)
    colours = labelled(
        {name: layer_colours(result.universe.layers)[name] for name in layers}
    )
    values = long_rows(weekly.clip(lower=0.0).rename(columns=words.label))
    order = {name: place for place, name in enumerate(colours)}
    for one in values:
        one["o"] = order[one["p"]]
    return {
        "width": PLOT,
        "height": 165,
        "data": inline(values),
        "mark": {
            "type": "area",
            "opacity": 1,
            "line": {"color": light("paper"), "strokeWidth": 0.7},
        },
        "encoding": {
            "x": time_position(pd.DatetimeIndex(weekly.index)),
            "y": encoded(
                "v",
                "Q",
                stack="normalize",
                title="Share of NAV",
                axis={"format": ".0%", "tickCount": 5, "minExtent": LEFT - 20},
            ),
            "color": coloured("p", colours, legend={"symbolType": "square"}),
            "order": encoded("o", "Q"),
        },
    }


def weekly_weights(result: StudyResult) -> pd.DataFrame:
    """Return the weight by layer on the first, every fifth and the last session."""
    held = tables.layer_weights(result)
    return held.iloc[np.unique(np.append(np.arange(0, len(held), 5), len(held) - 1))]


def scores(result: StudyResult) -> Spec:
    """Return each asset's score at the last decision, by layer."""
    table = tables.scores(result)
    layers = [name for name in result.universe.layers if name in set(table["layer"])]
    colours = labelled(
        {name: layer_colours(result.universe.layers)[name] for name in layers}
    )
    values = [
        {
            "a": f"{row['asset']}  {row['name']}",
            "p": words.label(str(row["layer"])),
            "v": None if row["withheld"] else rounded(row["score"]),
            "d": f"{row['asset']} {row['name']}: score "
            f"{numbers.decimal(row['score'], signed=True)}, coverage "
            f"{numbers.percent(row['coverage'], 0)}, target weight "
            f"{numbers.percent(row['target'])}",
        }
        for row in tables.records(table)
        if row["layer"] in layers
    ]
    y = encoded(
        "a",
        "N",
        title=None,
        sort=[str(one["a"]) for one in values],
        axis={
            "labelLimit": 200,
            "labelColor": light("ink"),
            "grid": True,
            "minExtent": 205,
        },
    )
    x = encoded(
        "v",
        "Q",
        title="Score at the last decision",
        scale={"domain": [-1, 1]},
        axis={"format": "+.1f", "grid": True, "labelExpr": _ZERO},
    )
    color = coloured("p", colours, legend={"symbolType": "circle"})
    zero = rule(0.0, "x")
    stem: Spec = {
        "mark": {"type": "bar", "height": 3},
        "encoding": {"x": x, "y": y, "color": color},
    }
    dot: Spec = {
        "mark": {"type": "point", "filled": True, "size": 75, "opacity": 1},
        "encoding": {"x": x, "y": y, "color": color, "description": said()},
    }
    silent: Spec = {
        "transform": [{"filter": "datum.v === null"}],
        "mark": {"type": "text", "text": "withheld", "color": light("mute")},
        "encoding": {"x": {"datum": 0}, "y": y},
    }
    return {
        "width": WIDTH - 212,
        "height": {"step": 19},
        "data": inline(values),
        "layer": [zero, stem, dot, silent],
    }


_ZERO = "datum.value == 0 ? '0' : datum.label"


def costs(result: StudyResult) -> Spec:
    """Return what each kind of cost took per year, in basis points of mean NAV."""
    table = tables.costs_by_year(result)
    kinds = [
        kind
        for kind in result.backtest.costs.columns
        if table.loc[table["kind"] == kind, "paid"].abs().sum() > 0
    ]
    roles = ("navy", "teal", "sand", "clay", "plum", "sage", "slate")
    colours = {
        words.label(kind): light(roles[i % len(roles)]) for i, kind in enumerate(kinds)
    }
    values = [
        {
            "y": str(row["year"]),
            "p": words.label(str(row["kind"])),
            "v": rounded(row["share_of_nav"] * 1e4),
            "d": f"{row['year']}, {row['kind']}: "
            f"{numbers.basis_points(row['share_of_nav'])} of NAV, "
            f"{numbers.money(row['paid'], row['currency'])}",
        }
        for row in tables.records(table)
        if row["kind"] in kinds
    ]
    return {
        "width": WIDTH - 60,
        "height": {"step": 26},
        "data": inline(values),
        "mark": {"type": "bar", "height": 15},
        "encoding": {
            "y": encoded("y", "N", title=None, axis={"labelColor": light("ink")}),
            "x": encoded(
                "v",
                "Q",
                title="Basis points of mean NAV",
                axis={"grid": True, "tickCount": 6},
            ),
            "color": coloured("p", colours, legend={"symbolType": "square"}),
            "description": said(),
        },
    }


def event_numbers(result: StudyResult) -> dict[str, str]:
    """Return the number each event carries in figures and tables, by date."""
    ordered = sorted(result.thesis.events, key=lambda one: str(one.day))
    return {event.id: str(place) for place, event in enumerate(ordered, start=1)}


def log_ticks(low: float, high: float) -> list[float]:
    """Return at most eight round values that enclose `low` and `high`."""
    ladders = (
        (1, 1.1, 1.2, 1.4, 1.6, 1.8, 2, 2.25, 2.5, 3, 3.5, 4, 5, 6, 7, 8, 9),
        (1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 8),
        (1, 1.5, 2, 3, 5, 7),
        (1, 2, 5),
        (1,),
    )
    scale = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 2)
    for ladder in ladders:
        steps = [round(step * 10.0**power, 9) for power in scale for step in ladder]
        below = max(step for step in steps if step <= low)
        above = min(step for step in steps if step >= high)
        inside = [step for step in steps if below <= step <= above]
        if len(inside) <= 8:
            break
    return inside


def long_rows(panel: pd.DataFrame) -> list[dict[str, Any]]:
    """Return one row per session and column: t, p (column name) and v, known ones."""
    time = [milliseconds(day) for day in panel.index]
    return [
        {"t": at, "p": name, "v": rounded(value)}
        for name in panel.columns
        for at, value in zip(time, panel[name].tolist(), strict=True)
        if math.isfinite(value)
    ]


def thin(panel: pd.DataFrame) -> pd.DataFrame:
    """Return no more rows than the plot has pixels; the first and last stay."""
    step = math.ceil(len(panel) / PLOT)
    rows = np.unique(np.append(np.arange(0, len(panel), step), len(panel) - 1))
    return panel.iloc[rows]


def rounded(value: float) -> float:
    """Return a value with the five figures that a chart can show."""
    return float(f"{value:.5g}")
