"""The figures about events and claims, each one Vega-Lite specification."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from engine.evidence import event_sensitivity
from engine.study_result import StudyResult
from reports import numbers, tables, words
from reports.figures import (
    LEFT,
    event_numbers,
    rounded,
)
from reports.palette import layer_colours, light
from reports.paths import labelled
from reports.vega import (
    WIDTH,
    Spec,
    coloured,
    encoded,
    fitted,
    percent_axis,
    rule,
    said,
)
from reports.vega import rows as inline

SIGNIFICANT = "p < 0.05"
NOT_SIGNIFICANT = "Not significant"
_EVIDENCE = {SIGNIFICANT: light("navy"), NOT_SIGNIFICANT: light("slate")}
#: Room for the words of a claim beside its interval, pixels.
CLAIM_LABEL = 290
_OUT = {"out-of-sample": " (out of sample)"}
VERDICTS = {
    "Supported": light("green"),
    "Refuted": light("red"),
    "Inconclusive": light("slate"),
}


def headline_event(result: StudyResult) -> str | None:
    """Return the event that most claims are about, else the first that was studied."""
    studied = set(result.events.table["event"]) if len(result.events.table) else set()
    return event_sensitivity.headline_event(result.thesis, studied)


def forest(result: StudyResult, event: str) -> Spec:
    """Return layers and contrasts of one event: CAR and 95 % interval by window."""
    table = result.events.table
    chosen = table[(table["event"] == event) & (table["kind"] != "asset")]
    subjects = list(dict.fromkeys(chosen["subject"]))
    windows = list(dict.fromkeys(chosen["window"]))
    room = (WIDTH - 150 - 14 * (len(windows) - 1)) / max(len(windows), 1)
    panels = []
    for place, window in enumerate(windows):
        part = chosen[chosen["window"] == window]
        panels.append(
            {
                "title": numbers.window(window),
                "width": math.floor(room),
                "height": {"step": 21},
                "data": inline(interval_rows(tables.records(part))),
                "layer": [
                    *_interval_layers(subjects, labels=place == 0),
                    *_detectable(subjects),
                ],
            }
        )
    return {
        "hconcat": panels,
        "spacing": 14,
        "resolve": {"scale": {"color": "shared", "shape": "shared"}},
    }


def _interval_layers(subjects: Sequence[str], *, labels: bool) -> list[Spec]:
    """Return a panel's layers: estimates with intervals, one row per subject."""
    axis: dict[str, Any] = {"labelColor": light("ink"), "labelLimit": 150}
    if not labels:
        axis = {"labels": False, "title": None}
    shown = [words.label(subject) for subject in subjects]
    y = encoded("s", "N", sort=shown, scale={"domain": shown})
    y |= {"title": None, "axis": axis}
    color = coloured("c", _EVIDENCE, legend={"symbolType": "circle"})
    x_axis = percent_axis(
        grid=True, tickCount=4, labelOverlap="greedy", labelSeparation=3
    )
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
    return [rule(0.0, "x"), span, point]


def _detectable(subjects: Sequence[str]) -> list[Spec]:
    """Return ticks at the smallest effect that the test finds, either way."""
    shown = [words.label(subject) for subject in subjects]
    y = encoded("s", "N", sort=shown, scale={"domain": shown})
    mark = {"type": "tick", "thickness": 1.6, "size": 11, "color": light("gold")}
    return [
        {
            "transform": [{"calculate": f"{sign}datum.m", "as": "at"}],
            "mark": mark,
            "encoding": {"x": encoded("at", "Q"), "y": y},
        }
        for sign in ("", "-")
    ]


def interval_of(row: Mapping[str, Any]) -> tuple[float, float]:
    """Return the 95 % bounds of a CAR, from Student's t so that they agree with p."""
    from scipy.special import stdtrit  # only where an event is shown

    df = row["df"] if math.isfinite(row["df"]) else 1e6
    half = float(stdtrit(df, 0.975)) * row["se"]
    return row["car"] - half, row["car"] + half


def interval_rows(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return estimate and bounds by subject; rows without a CAR are left out."""
    found = []
    for row in rows:
        if not math.isfinite(row["car"]):
            continue
        low, high = interval_of(row)
        known = math.isfinite(low)
        name = words.label(str(row["subject"]))
        between = numbers.interval(low, high, numbers.change)
        found.append(
            {
                "s": name,
                "v": rounded(row["car"]),
                "lo": rounded(low if known else row["car"]),
                "hi": rounded(high if known else row["car"]),
                "c": SIGNIFICANT if row["p"] < 0.05 else NOT_SIGNIFICANT,
                "m": rounded(row["detectable"]) if known else None,
                "d": f"{name}: {numbers.change(row['car'])}, 95% interval {between}, "
                f"p {numbers.p_value(row['p'])}",
            }
        )
    return found


def all_events(result: StudyResult, window: tuple[int, int]) -> Spec:
    """Return every event's layers over one window, a small panel each."""
    table = result.events.table
    chosen = table[(table["kind"] == "layer") & (table["window"] == window)]
    by_id = {event.id: event for event in result.thesis.events}
    studied = set(chosen["event"])
    # four or five panels in a row, whichever leaves fewer places empty
    across = min((4, 5), key=lambda most: -len(studied) % most)
    across = min(across, max(len(studied), 1))
    room = math.floor((WIDTH - 90 - 12 * (across - 1)) / across)
    titles = {
        event: fitted(f"{mark}  ", by_id[event].title, room)
        for event, mark in event_numbers(result).items()
        if event in studied
    }
    layers = [
        layer for layer in result.universe.layers if layer in set(chosen["subject"])
    ]
    values = [
        row | {"e": titles[event]}
        for event in titles
        for row in interval_rows(tables.records(chosen[chosen["event"] == event]))
    ]
    panels = list(titles.values())
    header = {"labelLimit": room + 4, "labelFontWeight": "normal", "labelPadding": 2}
    return {
        "data": inline(values),
        "facet": encoded("e", "N", sort=panels, header=header),
        "columns": across,
        "spacing": {"row": 14, "column": 12},
        "spec": {
            "width": room,
            "height": {"step": 15},
            "layer": _interval_layers(layers, labels=True),
        },
    }


def paths(result: StudyResult, event: str) -> Spec:
    """Return the cumulative abnormal return of each layer, with a 95 % band."""
    path = result.events.paths[event]
    layers = [layer for layer in result.universe.layers if layer in path.columns]
    own = layer_colours(result.universe.layers)
    colours = labelled({name: own[name] for name in layers})
    room = math.floor((WIDTH - LEFT - 10 * (len(layers) - 1)) / max(len(layers), 1))
    values = [
        {
            "t": int(at),
            "p": words.label(layer),
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
    axis = SESSION_AXIS | {"tickCount": 4}
    scale = session_scale(path.index)
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
        "facet": {"column": encoded("p", "N", sort=list(colours))},
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
SESSION_AXIS = {
    "format": "+d",
    "labelExpr": "datum.value == 0 ? '0' : datum.label",
}


def session_scale(sessions: pd.Index) -> Spec:
    """Return the scale of relative sessions."""
    ends = [int(sessions[0]), int(sessions[-1])]
    return {"domain": ends, "nice": False, "zero": False}


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
    """Return the claims of one unit: estimate, interval, least effect that matters."""
    show = numbers.unit_format(unit)
    values = [
        {
            "s": fitted(
                f"{row['claim']}{_OUT.get(row['sample'], '')}: ",
                str(row["says"]),
                CLAIM_LABEL - 10,
            ),
            "v": rounded(row["estimate"]),
            "lo": rounded(row["low"]),
            "hi": rounded(row["high"]),
            "m": rounded(row["min_effect"] * (1 if row["sign"] == "+" else -1)),
            "c": words.label(row["verdict"].removeprefix(f"{words.STAMP}: ")),
            "d": f"{row['claim']}: {show(row['estimate'])}, "
            f"{words.interval_word(row['level'])} "
            f"{numbers.interval(row['low'], row['high'], show)}, {row['verdict']}",
        }
        for row in tables.records(part)
    ]
    y = encoded("s", "N", title=None, sort=[str(one["s"]) for one in values])
    # Vega measures what it may have to cut, 10 ms a label; plain letters are fitted
    plain = all(str(one["s"]).isascii() for one in values)
    limits = {"labelLimit": 0 if plain else CLAIM_LABEL, "minExtent": CLAIM_LABEL + 5}
    y["axis"] = {"labelColor": light("ink")} | limits
    ticks = {"grid": True, "tickCount": 6}
    axis = percent_axis(**ticks) if unit.startswith("return") else ticks
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
        "width": WIDTH - CLAIM_LABEL - 12,
        "height": {"step": 21},
        "data": inline(values),
        "layer": [rule(0.0, "x"), span, least, point],
    }
