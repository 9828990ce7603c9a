"""The figures about events and claims, each one Vega-Lite specification."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from engine.study import StudyResult
from reports import numbers, tables
from reports.figures import (
    LEFT,
    PLOT,
    colours_of,
    event_numbers,
    log_ticks,
    rounded,
)
from reports.palette import layer_colours, light
from reports.vega import WIDTH, Spec, coloured, encoded, percent_axis, rule, said
from reports.vega import rows as inline

SIGNIFICANT = "p < 0.05"
NOT_SIGNIFICANT = "not significant"
_EVIDENCE = {SIGNIFICANT: light("navy"), NOT_SIGNIFICANT: light("slate")}
VERDICTS = {
    "supported": light("green"),
    "refuted": light("red"),
    "inconclusive": light("slate"),
}


def headline_event(result: StudyResult) -> str | None:
    """Return the event that most claims are about, else the first that was studied."""
    studied = set(result.events.table["event"]) if len(result.events.table) else set()
    named = [str(claim.params.get("event", "")) for claim in result.thesis.claims]
    known = [event.id for event in result.thesis.events if event.id in studied]
    return max(known, key=named.count, default=None)


def forest(result: StudyResult, event: str) -> Spec:
    """Return layers and contrasts of one event: CAR with its 95 % interval by window."""
    table = result.events.table
    chosen = table[(table["event"] == event) & (table["kind"] != "asset")]
    subjects = list(dict.fromkeys(chosen["subject"]))
    windows = list(dict.fromkeys(chosen["window"]))
    room = (WIDTH - 130 - 14 * (len(windows) - 1)) / max(len(windows), 1)
    panels = []
    for place, window in enumerate(windows):
        part = chosen[chosen["window"] == window]
        panel = _intervals(part, subjects, labels=place == 0)
        panels.append(
            {
                "title": {"text": numbers.window(window), "fontWeight": 600},
                "width": math.floor(room),
                "height": {"step": 21},
            }
            | panel
        )
    return {
        "hconcat": panels,
        "spacing": 14,
        "resolve": {"scale": {"color": "shared", "shape": "shared"}},
    }


def _intervals(part: pd.DataFrame, subjects: Sequence[str], *, labels: bool) -> Spec:
    """Return one panel of estimates with their intervals, one row per subject."""
    values = interval_rows(part)
    axis: dict[str, Any] = {"labelColor": light("ink"), "labelLimit": 120}
    if not labels:
        axis = {"labels": False, "title": None}
    y = encoded("s", "N", sort=list(subjects), scale={"domain": list(subjects)})
    y |= {"title": None, "axis": axis}
    color = coloured("c", _EVIDENCE, legend={"symbolType": "circle"})
    x_axis = percent_axis(grid=True, tickCount=4, labelOverlap=True)
    low = encoded("lo", "Q", title=None, axis=x_axis)
    span: Spec = {
        "mark": {"type": "rule", "strokeWidth": 1.5},
        "encoding": {"x": low, "x2": {"field": "hi"}, "y": y, "color": color},
    }
    point: Spec = {
        "mark": {"type": "point", "filled": True, "opacity": 1, "size": 48},
        "encoding": {
            "x": encoded("v", "Q"),
            "y": y,
            "color": color,
            "description": said(),
        },
    }
    return {"data": inline(values), "layer": [rule(0.0, "x"), span, point]}


def interval_rows(part: pd.DataFrame) -> list[dict[str, Any]]:
    """Return estimate and 95 % bounds by subject; rows without a CAR are left out.

    The bounds use Student's t with the row's degrees of freedom where it has them, so
    that interval and p-value agree.
    """
    from scipy.special import stdtrit  # only where a figure is drawn

    found = []
    for row in part.to_dict("records"):
        car, se = float(row["car"]), float(row["se"])
        if not math.isfinite(car):
            continue
        df = float(row["df"]) if math.isfinite(float(row["df"])) else 1e6
        half = float(stdtrit(df, 0.975)) * se if math.isfinite(se) else 0.0
        sure = math.isfinite(float(row["p"])) and float(row["p"]) < 0.05
        found.append(
            {
                "s": row["subject"],
                "v": rounded(car),
                "lo": rounded(car - half),
                "hi": rounded(car + half),
                "c": SIGNIFICANT if sure else NOT_SIGNIFICANT,
                "d": f"{row['subject']}: {numbers.change(car)}, 95% interval "
                f"{numbers.interval(car - half, car + half, numbers.change)}, "
                f"p {numbers.p_value(float(row['p']))}",
            }
        )
    return found


def all_events(result: StudyResult, window: tuple[int, int]) -> Spec:
    """Return every event's layers over one window, a small panel each."""
    table = result.events.table
    chosen = table[(table["kind"] == "layer") & (table["window"] == window)]
    titles = {
        event.id: f"{event_numbers(result)[event.id]}  {event.title}"
        for event in result.thesis.events
    }
    ordered = [
        event
        for event in sorted(titles, key=lambda one: int(event_numbers(result)[one]))
        if event in set(chosen["event"])
    ]
    layers = [
        layer for layer in result.universe.layers if layer in set(chosen["subject"])
    ]
    across = min(4, max(len(ordered), 1))
    room = math.floor((WIDTH - 80 - 12 * (across - 1)) / across)
    panels = [
        {
            "title": {"text": titles[event], "limit": room + 4, "fontWeight": "normal"},
            "width": room,
            "height": {"step": 15},
        }
        | _intervals(
            chosen[chosen["event"] == event], layers, labels=place % across == 0
        )
        for place, event in enumerate(ordered)
    ]
    return {
        "concat": panels,
        "columns": across,
        "spacing": {"row": 12, "column": 12},
        "resolve": {"scale": {"color": "shared", "x": "shared"}},
    }


def paths(result: StudyResult, event: str) -> Spec:
    """Return the cumulative abnormal return of each layer, with a 95 % band."""
    path = result.events.paths[event]
    layers = [layer for layer in result.universe.layers if layer in path.columns]
    colours = {name: layer_colours(result.universe.layers)[name] for name in layers}
    room = math.floor((WIDTH - LEFT - 10 * (len(layers) - 1)) / max(len(layers), 1))
    values = [
        {
            "t": int(at),
            "p": layer,
            "v": rounded(car),
            "lo": rounded(car - 1.96 * se),
            "hi": rounded(car + 1.96 * se),
        }
        for layer in layers
        for at, car, se in zip(
            path.index, path[layer], path[f"{layer}.se"].fillna(0.0), strict=True
        )
        if math.isfinite(car)
    ]
    axis = _SESSION_AXIS | {"tickCount": 4}
    scale = _session_scale(path.index)
    x = encoded("t", "Q", title=None, scale=scale, axis=axis)
    y_axis = percent_axis(title="Cumulative abnormal return", tickCount=6)
    color = coloured("p", colours, legend=None)
    band: Spec = {
        "mark": {"type": "area", "opacity": 0.2},
        "encoding": {
            "x": x,
            "y": encoded("lo", "Q", axis=y_axis),
            "y2": {"field": "hi"},
            "color": color,
        },
    }
    line: Spec = {
        "mark": {"type": "line", "strokeWidth": 1.6},
        "encoding": {"x": x, "y": encoded("v", "Q"), "color": color},
    }
    return {
        "data": inline(values),
        "facet": {"column": encoded("p", "N", sort=layers)},
        "spacing": 10,
        "spec": {
            "width": room,
            "height": 170,
            "layer": [
                rule(0.0, "y"),
                rule(0.0, "x", colour="mist", dash=True),
                band,
                line,
            ],
        },
    }


#: Sessions relative to day zero, with a sign but for zero itself.
_SESSION_AXIS = {
    "format": "+d",
    "labelExpr": "datum.value == 0 ? '0' : datum.label",
}


def _session_scale(sessions: pd.Index) -> Spec:
    ends = [int(sessions[0]), int(sessions[-1])]
    return {"domain": ends, "nice": False, "zero": False}


def around(result: StudyResult, event: str) -> Spec:
    """Return growth of 100 about an event of every path, day zero marked."""
    nav = result.around[event].nav * 100.0
    names = [name for name in colours_of(result) if name in nav.columns]
    colours = {name: colours_of(result)[name] for name in names}
    values = [
        {"t": int(at), "p": name, "v": rounded(value)}
        for name in names
        for at, value in zip(nav.index, nav[name], strict=True)
        if math.isfinite(value)
    ]
    main = result.backtest.name
    ticks = log_ticks(min(one["v"] for one in values), max(one["v"] for one in values))
    x = encoded(
        "t",
        "Q",
        title="Home sessions from day zero",
        scale=_session_scale(nav.index),
        axis=_SESSION_AXIS,
    )
    y = encoded(
        "v",
        "Q",
        title="Growth of 100",
        scale={"domain": [ticks[0], ticks[-1]]},
        axis={"minExtent": LEFT - 20},
    )
    legend = {"symbolType": "stroke"}
    dash = {
        "domain": names,
        "range": [[5, 3] if name == "anti-thesis" else [1, 0] for name in names],
    }
    layers: list[Spec] = [rule(0.0, "x", dash=True)]
    for chosen, width in (
        ([one for one in values if one["p"] != main], 1.2),
        ([one for one in values if one["p"] == main], 2.3),
    ):
        layers.append(
            {
                "data": inline(chosen),
                "mark": {"type": "line", "strokeWidth": width},
                "encoding": {
                    "x": x,
                    "y": y,
                    "color": coloured("p", colours, legend=legend),
                    "strokeDash": encoded("p", "N", scale=dash, legend=None),
                },
            }
        )
    return {"width": PLOT, "height": 210, "layer": layers}


def claims(result: StudyResult) -> Spec | None:
    """Return every claim with an interval, grouped by unit; None if there is none."""
    table = tables.claims(result)
    known = table[table["low"].notna() & table["high"].notna()]
    panels = [
        _claim_panel(known[known["unit"] == unit], str(unit))
        for unit in dict.fromkeys(known["unit"])
    ]
    if not panels:
        return None
    return {
        "vconcat": panels,
        "spacing": 14,
        "resolve": {"scale": {"color": "shared"}},
    }


def _claim_panel(part: pd.DataFrame, unit: str) -> Spec:
    """Return the claims of one unit: estimate, interval, smallest effect that matters."""
    show = numbers.unit_format(unit)
    values = [
        {
            "s": f"{row['claim']}" + ("" if row["sample"] == "in-sample" else " (out)"),
            "v": rounded(row["estimate"]),
            "lo": rounded(row["low"]),
            "hi": rounded(row["high"]),
            "m": rounded(row["min_effect"] * (1 if row["sign"] == "+" else -1)),
            "c": row["verdict"],
            "d": f"{row['claim']}: {show(row['estimate'])}, 90% interval "
            f"{numbers.interval(row['low'], row['high'], show)}, {row['verdict']}",
        }
        for row in part.to_dict("records")
    ]
    y = encoded("s", "N", title=None, sort=[str(one["s"]) for one in values])
    y["axis"] = {"labelColor": light("ink"), "labelLimit": 200, "minExtent": 205}
    axis = percent_axis(grid=True) if unit.startswith("return") else {"grid": True}
    color = coloured("c", VERDICTS, legend={"symbolType": "circle"})
    x = encoded("lo", "Q", title=unit[:1].upper() + unit[1:], axis=axis)
    span: Spec = {
        "mark": {"type": "rule", "strokeWidth": 1.6},
        "encoding": {"x": x, "x2": {"field": "hi"}, "y": y, "color": color},
    }
    point: Spec = {
        "mark": {"type": "point", "filled": True, "size": 60, "opacity": 1},
        "encoding": {
            "x": encoded("v", "Q"),
            "y": y,
            "color": color,
            "description": said(),
        },
    }
    least: Spec = {
        "transform": [{"filter": "datum.m != 0"}],
        "mark": {
            "type": "tick",
            "thickness": 2,
            "size": 13,
            "color": light("gold"),
        },
        "encoding": {"x": encoded("m", "Q"), "y": y},
    }
    return {
        "width": WIDTH - 212,
        "height": {"step": 21},
        "data": inline(values),
        "layer": [rule(0.0, "x"), span, least, point],
    }
