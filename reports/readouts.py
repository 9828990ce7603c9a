"""What a pointer over a line chart reads out: the value of every line at one place."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from engine.study_result import StudyResult
from reports import numbers, tables, words
from reports.document import Readout, Trace
from reports.figures import weekly_weights
from reports.palette import layer_colours
from reports.paths import colours_of


def growth(result: StudyResult) -> Readout:
    """Return growth of 100 and drawdown of every path by session."""
    paths = tables.paths(result)
    traces = []
    for name, colour in colours_of(result).items():
        level = (paths[name].nav / paths[name].nav.dropna().iloc[0] * 100).tolist()
        fall = paths[name].drawdown.tolist()
        texts = [
            f"{numbers.decimal(value, 1)}  {numbers.percent(down)}"
            for value, down in zip(level, fall, strict=True)
        ]
        traces.append(Trace(name=words.label(name), colour=colour, texts=tuple(texts)))
    days = result.backtest.nav.index
    return Readout(places=_places(days), labels=_days(days), traces=tuple(traces))


def weights(result: StudyResult) -> Readout:
    """Return the weight of every layer by week."""
    held = weekly_weights(result)
    colours = layer_colours(result.universe.layers)
    traces = [
        Trace(
            name=words.label(str(name)),
            colour=colours[str(name)],
            texts=tuple(numbers.percent(value) for value in held[name].tolist()),
        )
        for name in held.columns
    ]
    return Readout(
        places=_places(held.index), labels=_days(held.index), traces=tuple(traces)
    )


def paths(result: StudyResult, event: str) -> Readout:
    """Return each layer's cumulative abnormal return with its 95 % half width."""
    path = result.events.paths[event]
    colours = layer_colours(result.universe.layers)
    traces = []
    for layer in [name for name in result.universe.layers if name in path.columns]:
        se = path[f"{layer}.se"].tolist()
        texts = tuple(
            f"{numbers.change(car)}  ± {numbers.percent(1.96 * half)}"
            for car, half in zip(path[layer].tolist(), se, strict=True)
        )
        traces.append(
            Trace(name=words.label(layer), colour=colours[layer], texts=texts)
        )
    return Readout(
        places=_places(path.index), labels=_sessions(path.index), traces=tuple(traces)
    )


def around(result: StudyResult, event: str) -> Readout:
    """Return growth of 100 about an event."""
    nav = result.around[event].nav * 100.0
    traces = [
        Trace(
            name=words.label(name),
            colour=colour,
            texts=tuple(numbers.decimal(value, 1) for value in nav[name].tolist()),
        )
        for name, colour in colours_of(result).items()
        if name in nav.columns
    ]
    return Readout(
        places=_places(nav.index), labels=_sessions(nav.index), traces=tuple(traces)
    )


def _places(index: pd.Index) -> tuple[float, ...]:
    """Return where each row stands between the first (0) and the last (1)."""
    values = index.to_numpy().astype("int64")
    span = max(int(values[-1] - values[0]), 1)
    return tuple(round(int(value - values[0]) / span, 5) for value in values)


def _days(index: pd.Index) -> tuple[str, ...]:
    return tuple(pd.DatetimeIndex(index).strftime("%Y-%m-%d"))


def _sessions(index: Sequence[int] | pd.Index) -> tuple[str, ...]:
    return tuple(numbers.session(int(value)) for value in index)
