"""The figures of a diary: verdicts, score and weights from date to date."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from engine.runs.diary import IN, OUT, Diary, DiaryEntry, bare
from reports import numbers, words
from reports.palette import layer_colours, light
from reports.vega import WIDTH, Spec, coloured, encoded, fitted, rule, said
from reports.vega import rows as inline

#: Room for the names of claims, and for the numbers of the other figures, pixels.
NAMES, LEFT = 168, 62
#: Width of a date's name with some air.
LABEL = 62
#: Dates above which a cell has no room for its letter.
MOST_LETTERS = 40
#: verdict -> colour of its cell, letter in it, colour of the letter
CELLS = {
    "supported": ("green", "S", "paper"),
    "refuted": ("red", "R", "paper"),
    "inconclusive": ("mist", "i", "ink"),
    "untestable": ("haze", "u", "mute"),
}


def verdicts(diary: Diary, sample: str) -> Spec | None:
    """Return one strip per claim: its verdict of one sample at each date.

    None where no claim has evidence in it. A claim has no cell before it is made.
    """
    claims = list(
        dict.fromkeys(name for entry in diary.studied for name in entry.of(sample))
    )
    if not claims:
        return None
    named = {name: fitted("", name, NAMES - 12) for name in claims}
    values = [
        {
            "t": label(entry.as_of),
            "c": named[name],
            "v": words.label(bare(one["verdict"])),
            "l": CELLS[bare(one["verdict"])][1],
            "i": CELLS[bare(one["verdict"])][2],
            "d": f"{name}, {entry.as_of}: {one['verdict']}",
        }
        for entry in diary.studied
        for name, one in entry.of(sample).items()
    ]
    colours = {words.label(word): light(cell[0]) for word, cell in CELLS.items()}
    position = {
        "x": _dates(diary, WIDTH - NAMES),
        "y": encoded(
            "c",
            "N",
            title=None,
            sort=list(named.values()),
            axis={"labelColor": light("ink"), "minExtent": NAMES, "ticks": False},
        ),
    }
    cells: Spec = {
        "mark": {"type": "rect", "stroke": light("paper"), "strokeWidth": 1.5},
        "encoding": position
        | {
            "color": coloured("v", colours, legend={"symbolType": "square"}),
            "description": said(),
        },
    }
    return {
        "width": WIDTH - NAMES - 8,
        "height": {"step": 19},
        "data": inline(values),
        "layer": [cells, *_letters(values, position)],
    }


def _letters(values: Sequence[dict[str, Any]], position: Spec) -> list[Spec]:
    """Return the letters in the cells: verdicts are not told by colour alone."""
    if len({one["t"] for one in values}) > MOST_LETTERS:
        return []
    return [
        {
            "transform": [{"filter": f"datum.i === '{ink}'"}],
            "mark": {"type": "text", "fontSize": 9, "color": light(ink)},
            "encoding": position | {"text": encoded("l", "N")},
        }
        for ink in sorted({one["i"] for one in values})
    ]


def score(diary: Diary) -> Spec | None:
    """Return the thesis score of both samples with its interval, by date."""
    values = []
    for entry in diary.studied:
        for sample in (OUT, IN):
            found = entry.score(sample)
            if found is not None:
                values.append(_score_row(entry, sample, found))
    if not values:
        return None
    colours = {words.label(OUT): light("navy"), words.label(IN): light("clay")}
    shown = {
        name: colours[name] for name in colours if name in {v["p"] for v in values}
    }
    place = {
        "x": _dates(diary, WIDTH - LEFT),
        "xOffset": encoded("p", "N", sort=list(colours), scale={"paddingOuter": 1}),
        "color": coloured("p", shown, legend={"symbolType": "circle"}),
    }
    y = encoded(
        "v",
        "Q",
        title="Thesis score",
        scale={"domain": [-1, 1]},
        axis={
            "format": "+.1f",
            "labelExpr": _ZERO,
            "grid": True,
            "minExtent": LEFT - 20,
        },
    )
    interval: Spec = {
        "mark": {"type": "rule", "strokeWidth": 1.6},
        "encoding": place | {"y": y | {"field": "low"}, "y2": {"field": "high"}},
    }
    point: Spec = {
        "mark": {"type": "point", "filled": True, "size": 42, "opacity": 1},
        "encoding": place | {"y": y, "description": said()},
    }
    return {
        "width": WIDTH - LEFT,
        "height": 150,
        "data": inline(values),
        "layer": [rule(0.0, "y"), interval, point],
    }


_ZERO = "datum.value == 0 ? '0' : datum.label"


def _score_row(entry: DiaryEntry, sample: str, found: Any) -> dict[str, Any]:
    low, high = found["interval"]
    return {
        "t": label(entry.as_of),
        "p": words.label(sample),
        "v": found["score"],
        "low": low,
        "high": high,
        "d": f"{entry.as_of}, {sample}: {numbers.decimal(found['score'], signed=True)}",
    }


def weights(diary: Diary) -> Spec:
    """Return the weight by layer at each date, cash on top."""
    layers = list(dict.fromkeys(name for one in diary.studied for name in one.layers))
    colours = {
        words.label(name): colour
        for name, colour in layer_colours(
            [name for name in layers if name != "cash"]
        ).items()
    }
    values = [
        {
            "t": label(entry.as_of),
            "p": words.label(name),
            "v": max(weight, 0.0),
            "o": layers.index(name),
            "d": f"{entry.as_of}, {name}: {numbers.percent(weight)}",
        }
        for entry in diary.studied
        for name, weight in entry.layers.items()
    ]
    return {
        "width": WIDTH - LEFT,
        "height": 165,
        "data": inline(values),
        "mark": {"type": "bar", "stroke": light("paper"), "strokeWidth": 0.7},
        "encoding": {
            "x": _dates(diary, WIDTH - LEFT),
            "y": encoded(
                "v",
                "Q",
                stack="normalize",
                title="Share of NAV",
                axis={"format": ".0%", "tickCount": 5, "minExtent": LEFT - 20},
            ),
            "color": coloured("p", colours, legend={"symbolType": "square"}),
            "order": encoded("o", "Q"),
            "description": said(),
        },
    }


def _dates(diary: Diary, room: int) -> Spec:
    """Return the x encoding of the dates, as many of them named as there is room."""
    shown = [label(entry.as_of) for entry in diary.studied]
    step = -(-len(shown) * LABEL // room)
    return encoded(
        "t",
        "O",
        title=None,
        sort=shown,
        scale={"domain": shown, "paddingInner": 0.08, "paddingOuter": 0.02},
        axis={"values": shown[::step], "labelAngle": 0, "ticks": False},
    )


def label(day: dt.date) -> str:
    """Return ``31 Jan 25``: each date has its own."""
    return f"{day.day} {numbers.MONTHS[day.month - 1][:3]} {day:%y}"
