"""The figure of what every path did around an event, before its placebo starts."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from engine.study_result import StudyResult
from reports import words
from reports.event_figures import SESSION_AXIS, session_scale
from reports.figures import LEFT, PLOT, log_ticks, rounded
from reports.palette import light
from reports.paths import colours_of, dashes, labelled, path_legend
from reports.vega import Spec, coloured, encoded, rule
from reports.vega import rows as inline

#: The bands of a fan, the wide one first, and how strong each is.
_FAN = (("q05", "q95", 0.1), ("q25", "q75", 0.14))


def around(result: StudyResult, event: str) -> Spec:
    """Return growth of 100 about an event of every path, day zero marked."""
    nav = result.around[event].nav * 100.0
    known = {name: c for name, c in colours_of(result).items() if name in nav.columns}
    colours = labelled(known)
    values = [
        {"t": int(at), "p": words.label(name), "v": rounded(value)}
        for name in known
        for at, value in zip(nav.index, nav[name], strict=True)
        if math.isfinite(value)
    ]
    main = words.label(result.backtest.name)
    fan = result.around[event].fan * 100.0
    shown = np.concatenate([nav.to_numpy().ravel(), fan.to_numpy().ravel()])
    ticks = log_ticks(float(np.nanmin(shown)), float(np.nanmax(shown)))
    x = encoded(
        "t",
        "Q",
        title="Home sessions from day zero",
        scale=session_scale(nav.index),
        axis=SESSION_AXIS,
    )
    y = encoded(
        "v",
        "Q",
        title="Growth of 100",
        scale={"domain": [ticks[0], ticks[-1]]},
        axis={"minExtent": LEFT - 20},
    )
    legend = path_legend(colours)
    layers = [*_fan(fan, x, y), rule(0.0, "x", dash=True)]
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
                    "strokeDash": dashes(result, colours),
                },
            }
        )
    return {"width": PLOT, "height": 230, "layer": layers}


def _fan(fan: pd.DataFrame, x: Spec, y: Spec) -> list[Spec]:
    """Return the bands behind the paths; none where there was no placebo start."""
    found = []
    for low, high, opacity in _FAN if len(fan) else ():
        values = [
            {"t": int(at), "lo": rounded(bottom), "hi": rounded(top)}
            for at, bottom, top in zip(fan.index, fan[low], fan[high], strict=True)
        ]
        found.append(
            {
                "data": inline(values),
                "mark": {"type": "area", "color": light("navy"), "opacity": opacity},
                "encoding": {
                    "x": x,
                    "y": y | {"field": "lo"},
                    "y2": {"field": "hi"},
                },
            }
        )
    return found
