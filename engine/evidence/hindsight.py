"""The hindsight audit: what stood before a thesis was stated, and what came after."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from engine.evidence.results import EVENT_COLUMNS, EventStudy
from engine.market.listing import Line, Universe
from engine.market.market import Market
from engine.thesis.model import Event, Thesis

ASSET_COLUMNS = (
    "asset",
    "entity",
    "layer",
    "stated",
    "sessions_before",
    "sessions_after",
    "return_before",
    "return_after",
    "weight_before",
    "weight_after",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """Events of one sample: how many there are, and how many expected signs came out.

    `told` expected signs have a number to be held against, of which `came` true.
    """

    events: int
    told: int
    came: int


def expected_signs(thesis: Thesis, study: EventStudy) -> dict[str, Signs]:
    """Return what became of the signs expected of events, by sample.

    An event is in-sample if it happened before it was declared (its own date, else the
    thesis's). A layer's reaction is held against its abnormal return in the shortest
    window that holds day zero, its drift against the longest that begins after it.
    """
    table = study.table.reindex(columns=list(EVENT_COLUMNS))
    layers = table[table["kind"] == "layer"]
    found: dict[str, list[bool]] = {"in-sample": [], "out-of-sample": []}
    count = dict.fromkeys(found, 0)
    for event in thesis.events:
        declared = thesis.declared_of(event)
        before = declared is None or event.day < declared
        sample = "in-sample" if before else "out-of-sample"
        count[sample] += 1
        own = layers[layers["event"] == event.id]
        cars = {
            (str(layer), tuple(window)): float(car)
            for layer, window, car in zip(
                own["subject"], own["window"], own["car"], strict=True
            )
        }
        found[sample] += _came(event, cars)
    return {
        sample: Signs(events=count[sample], told=len(came), came=sum(came))
        for sample, came in found.items()
    }


def _came(
    event: Event, cars: Mapping[tuple[str, tuple[int, ...]], float]
) -> list[bool]:
    """Return whether each expected sign with a number came out."""
    at_once = [one for one in event.windows if one[0] <= 0 <= one[1]]
    later = [one for one in event.windows if one[0] > 0]
    told = []
    if at_once:
        window = min(at_once, key=lambda one: (one[1] - one[0], one))
        told += [(name, window, sign) for name, sign in event.expected.reaction.items()]
    if later:
        window = max(later, key=lambda one: (one[1] - one[0], one))
        told += [(name, window, sign) for name, sign in event.expected.drift.items()]
    return [
        (cars[name, window] > 0.0) == (sign == "+")
        for name, window, sign in told
        if np.isfinite(cars.get((name, window), np.nan))
    ]


def asset_audit(
    thesis: Thesis,
    universe: Universe,
    market: Market,
    assets: Sequence[Line],
    weights: pd.DataFrame,
) -> pd.DataFrame:
    """Return each asset before and after it was stated, one row each.

    Parameters
    ----------
    thesis, universe, market, assets : of the study.
    weights : DataFrame of shape (sessions, assets)
        Share of NAV at each home close of the study.

    Returns
    -------
    DataFrame
        Columns `ASSET_COLUMNS`. `stated` is the first day of the documents that name
        the entity, else the day from which the thesis counts, None where there is
        neither (then all is before). Sessions are those with a new close; returns are
        compounded, in the base currency, NaN without a session; weights are means.
    """
    days = pd.DatetimeIndex(weights.index)
    # the first session ends what was earned before the study
    returns = market.home.returns().reindex(index=days[1:])
    rows = []
    for line in assets:
        entity = universe.entities[line.entity]
        stated = entity.declared or thesis.about.declared
        held_after = _from(days, stated)
        earned_after = held_after[1:]
        own = returns[line.symbol].to_numpy()
        held = (
            weights[line.symbol].to_numpy()
            if line.symbol in weights
            else np.zeros(len(days))
        )
        row: dict[str, object] = {
            "asset": line.symbol,
            "entity": entity.name,
            "layer": entity.layer,
            "stated": stated,
        }
        for word, earned, part in (
            ("before", ~earned_after, ~held_after),
            ("after", earned_after, held_after),
        ):
            known = own[earned][np.isfinite(own[earned])]
            row[f"sessions_{word}"] = len(known)
            row[f"return_{word}"] = np.prod(1.0 + known) - 1.0 if len(known) else np.nan
            row[f"weight_{word}"] = held[part].mean() if part.any() else np.nan
        rows.append(row)
    return pd.DataFrame(rows, columns=list(ASSET_COLUMNS))


def _from(days: pd.DatetimeIndex, first: dt.date | None) -> np.ndarray:
    """Return which days are `first` or later; none where there is no such day."""
    if first is None:
        return np.zeros(len(days), dtype=bool)
    return np.asarray(days.to_numpy() >= np.datetime64(first))
