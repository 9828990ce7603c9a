"""The barbell among random ones: one figure, and what its place means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from engine.evidence.luck import trading_of
from engine.evidence.ranking import Ranking
from engine.evidence.samples import ALL
from engine.study_paths import EQUAL_WEIGHT
from engine.study_result import StudyResult
from reports import numbers, samples, tables, words
from reports.document import Block, Text
from reports.figures import LEFT, rounded
from reports.palette import light
from reports.paths import colours_of
from reports.section_parts import figure
from reports.vega import WIDTH, Spec, encoded, said
from reports.vega import rows as inline

#: Metric -> what it is called, its format in words, its axis.
_SHOWN = {
    "total_return": ("total return", numbers.percent, {"format": ".0%"}),
    "sharpe": ("Sharpe ratio", numbers.decimal, {"format": ".1f"}),
}
_BINS = 36
_GAP = 34
_HEIGHT = 92
#: Width of a mark's name, as a share of a panel.
_NAME = 0.38
#: Percentiles between which a draw alone lands nine times in ten.
_INSIDE = (5.0, 95.0)


def blocks(result: StudyResult) -> list[Block | None]:
    """Return the figure with its reading, a note without draws, or nothing."""
    luck = result.luck
    if luck.ranking is None or not _drawn(result, luck.ranking):
        return [Text(text=luck.note, role="note") if luck.note else None]
    count = numbers.count(len(luck.ranking.paths["path"].unique()) - 1)
    sample = sample_of(result)
    where = "" if sample == ALL else f", {sample}"
    return [
        Text(text=place_sentence(result, luck.ranking)),
        figure(
            result,
            "luck",
            histograms(result, luck.ranking),
            f"{count} random barbells{where}: how many had which total return and "
            "Sharpe ratio, net of costs. Pale: the outer twentieths.",
            f"Two histograms of {count} random barbells with the barbell and equal "
            "weight marked.",
        ),
        Text(text=limits_sentence(result, luck.ranking), role="note"),
    ]


def _drawn(result: StudyResult, ranking: Ranking) -> bool:
    """Return whether every metric that is shown is known of some draw."""
    placed = _placed(ranking, sample_of(result))
    return all(name in placed and placed[name]["n"] > 0 for name in _SHOWN)


def sample_of(result: StudyResult) -> str:
    """Return the sample that is shown: that of the headline."""
    shown = samples.headline(result)
    return ALL if shown.whole else shown.sample


def place_sentence(result: StudyResult, ranking: Ranking) -> str:
    """Return where the barbell stands, how sure that is, and what it means."""
    placed = _placed(ranking, sample_of(result))
    parts = [
        f"its {name} of {show(row['value'])} stands at percentile "
        f"{_place(row['percentile'])} ({_place(row['percentile_low'])} to "
        f"{_place(row['percentile_high'])}), {_meaning(row)}"
        for row, (name, show, _) in ((placed[key], _SHOWN[key]) for key in _SHOWN)
        if np.isfinite(row["percentile"])
    ]
    count = numbers.count(placed["total_return"]["n"])
    sample = sample_of(result)
    where = "" if sample == ALL else f" ({sample})"
    return (
        f"Skill or luck: among {count} random barbells{where} on the same days, within "
        "the same limits of legs, names and cash and at the same costs, "
        f"{'; '.join(parts)}. In brackets: what {count} draws leave open."
        f"{_beside(result, ranking)}"
    )


def limits_sentence(result: StudyResult, ranking: Ranking) -> str:
    """Return what a percentile cannot say, and where the draws differ."""
    own, usual = trading_of(ranking)
    seen = " All of it is in-sample: the thesis had seen these days, the draws had not."
    free = result.luck.unbound
    kept = f" They do not keep {', '.join(free)}." if free else ""
    flattered = usual["costs"] > own["costs"]
    return (
        "50 is what luck gives. The percentile speaks of names and weights alone: "
        "universe, legs and budgets are the same for every draw."
        f"{seen if samples.all_in_sample(result) else ''} "
        "Draws are made anew at each decision, so that they pay "
        f"{numbers.basis_points(usual['costs'], 0)} of NAV a year for trading in the "
        f"median, the barbell {numbers.basis_points(own['costs'], 0)}"
        f"{': that alone lifts its place' if flattered else ''}.{kept}"
    )


def histograms(result: StudyResult, ranking: Ranking) -> Spec:
    """Return the distributions of the draws, with the barbell and equal weight."""
    sample = sample_of(result)
    paths = ranking.paths[ranking.paths["sample"] == sample]
    told = result.performance
    equal = told[(told["sample"] == sample) & (told["path"] == EQUAL_WEIGHT)]
    panels = [
        _panel(result, metric, paths[metric], equal[metric].tolist())
        for metric in _SHOWN
    ]
    return {"hconcat": panels, "spacing": _GAP}


def _panel(
    result: StudyResult, metric: str, values: pd.Series, equal: list[float]
) -> Spec:
    """Return one histogram; the first value is the barbell's own."""
    name, show, axis = _SHOWN[metric]
    own, others = float(values.iloc[0]), values.iloc[1:].dropna().to_numpy()
    marks = [(result.backtest.name, own), *((EQUAL_WEIGHT, one) for one in equal)]
    marks = [(path, at) for path, at in marks if np.isfinite(at)]
    every = [*others.tolist(), *(at for _, at in marks)]
    low, high = min(every, default=0.0), max(every, default=1.0)
    counted, edges = np.histogram(others, bins=_BINS, range=(low, high))
    x = encoded(
        "x",
        "Q",
        title=words.label(name),
        scale={"domain": [rounded(edges[0]), rounded(edges[-1])], "nice": False},
        axis=axis | {"tickCount": 6},
    )
    y = encoded("n", "Q", title="Draws", axis={"tickCount": 3, "minExtent": LEFT - 32})
    inside = (
        np.quantile(others, [one / 100.0 for one in _INSIDE]) if len(others) else ()
    )
    bars: Spec = {
        "data": inline(_bars(counted, edges, tuple(inside), show)),
        "mark": {"type": "rect", "stroke": light("paper"), "strokeWidth": 0.6},
        "encoding": {
            "x": x,
            "x2": {"field": "x2"},
            "y": y,
            "y2": {"datum": 0},
            "color": encoded("c", "N", scale=None),
            "description": said(),
        },
    }
    colours = colours_of(result)
    width = (WIDTH - _GAP - 2 * (LEFT - 16)) / 2
    lines = [
        layer
        for path, at, row, side in _arranged(marks, low, high)
        for layer in _mark(
            f"{words.label(path)} {show(at)}",
            at,
            row=row,
            side=side,
            colour=colours[path],
            bold=path == result.backtest.name,
        )
    ]
    return {"width": width, "height": _HEIGHT, "layer": [bars, *lines]}


def _bars(
    counted: np.ndarray, edges: np.ndarray, inside: tuple[float, ...], show: Any
) -> list[dict[str, Any]]:
    """Return one bar per bin; bins wholly in an outer twentieth are pale."""
    return [
        {
            "x": rounded(left),
            "x2": rounded(right),
            "n": int(n),
            "c": light("mist")
            if right > inside[0] and left < inside[-1]
            else light("haze"),
            "d": f"{int(n)} draws from {show(left)} to {show(right)}",
        }
        for n, left, right in zip(
            counted.tolist(), edges[:-1].tolist(), edges[1:].tolist(), strict=True
        )
        if n
    ]


def _arranged(
    marks: Sequence[tuple[str, float]], low: float, high: float
) -> list[tuple[str, float, int, str]]:
    """Return each mark with the row of its name above the plot, and its side.

    No name runs out of the plot, and as far as that goes none crosses the other's line:
    of names on the same side, the one whose text passes the other line stands above.
    """
    ordered = sorted(marks, key=lambda one: one[1])
    room = (1.0 - _NAME) * (high - low)
    if ordered[-1][1] <= low + room:
        sides = ["right"] * len(ordered)
        above = ordered[0]
    elif ordered[0][1] >= high - room:
        sides = ["left"] * len(ordered)
        above = ordered[-1]
    else:
        sides = ["right", "left"][: len(ordered)]
        above = max(ordered, key=lambda one: len(one[0]))
    return [
        (path, at, int((path, at) == above), side)
        for (path, at), side in zip(ordered, sides, strict=True)
    ]


def _mark(
    text: str, at: float, *, row: int, side: str, colour: str, bold: bool
) -> list[Spec]:
    """Return a line at a path's value, and its name in a row above the plot."""
    data = inline([{"x": rounded(at), "t": text}])
    height = -4 - 13 * row
    return [
        {
            "data": data,
            "mark": {"type": "rule", "color": colour, "strokeWidth": 1.6},
            "encoding": {
                "x": encoded("x", "Q"),
                "y": {"value": height - 9},
                "y2": {"value": _HEIGHT},
            },
        },
        {
            "data": data,
            "mark": {
                "type": "text",
                "color": colour,
                "align": "left" if side == "right" else "right",
                "dx": 4 if side == "right" else -4,
                "baseline": "bottom",
                "fontWeight": 600 if bold else "normal",
                "clip": False,
            },
            "encoding": {
                "x": encoded("x", "Q"),
                "y": {"value": height + 3},
                "text": encoded("t", "N"),
            },
        },
    ]


def _beside(result: StudyResult, ranking: Ranking) -> str:
    """Return the percentiles of the other sample, where there are two."""
    other = samples.headline(result).beside
    if other is None:
        return ""
    placed = _placed(ranking, other.sample)
    if not all(np.isfinite(placed[name]["percentile"]) for name in _SHOWN):
        return ""
    return (
        f" {words.label(other.sample)} they are "
        f"{_place(placed['total_return']['percentile'])} and "
        f"{_place(placed['sharpe']['percentile'])}."
    )


def _placed(ranking: Ranking, sample: str) -> dict[str, dict[str, Any]]:
    """Return the rows of one sample by metric."""
    table = ranking.table[ranking.table["sample"] == sample]
    return {str(row["metric"]): row for row in tables.records(table)}


def _place(value: Any) -> str:
    """Return a percentile as a whole number; a missing one as a dash."""
    return numbers.decimal(float(value), 0)


def _meaning(row: dict[str, Any]) -> str:
    low, high = _INSIDE
    if row["percentile_low"] > high:
        return "above what a draw alone gives"
    if row["percentile_high"] < low:
        return "below what a draw alone gives"
    return "within what a draw alone gives"
