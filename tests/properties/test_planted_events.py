"""In the sample world, what was planted is found and nothing else is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from engine.evidence.events import study_events
from engine.interfaces import SignalData
from engine.market.assemble import assemble
from engine.market.listing import Universe
from engine.market.market import Market, Origin
from engine.market.signals import COLUMNS, Signals
from engine.sources.sample.prices import SamplePrices
from engine.sources.sample.truth import PLANTED, PlantedEvent
from engine.thesis.model import Thesis
from universes.loader import load

START, END = dt.date(2023, 1, 3), dt.date(2026, 6, 30)
LAYERS = ("compute", "memory", "application", "labs")


@pytest.fixture(scope="module")
def universe() -> Universe:
    return load("ai-stack")


def _market(universe: Universe, events: Sequence[PlantedEvent], seed: int) -> Market:
    assets = [
        line
        for line in universe.assets("primary")
        if universe.layer_of(line.symbol) in LAYERS
    ]
    lines = [*assets, universe.benchmarks["SPY"]]
    source = SamplePrices(
        seed=seed,
        layers={line.symbol: universe.layer_of(line.symbol) for line in assets},
        events=tuple(events),
    )
    unseen = pd.DataFrame(columns=list(COLUMNS)).astype(
        {"value_date": "datetime64[ns]", "known_at": "datetime64[ns]", "value": float}
    )
    nothing = SignalData(
        signals=Signals(observations=unseen),
        origin=Origin(name="none", simulated=True, digest=""),
    )
    return assemble(
        lines,
        source.load(lines, START, END),
        nothing,
        home="XNYS",
        base="USD",
        start=START,
        end=END,
    )


def _layers(
    universe: Universe,
    market: Market,
    moments: Sequence[dt.date | dt.datetime],
    windows: Sequence[tuple[int, int]],
) -> pd.DataFrame:
    """Return the rows of layers and contrasts, indexed by event, subject and window."""
    thesis = Thesis.model_validate(
        {
            "thesis": {"id": "t", "title": "t", "start": START, "end": END},
            "barbell": {"all": {"layers": list(LAYERS)}},
            "events": [
                {
                    "id": f"e{number}",
                    "title": "e",
                    "at": at,
                    "windows": list(windows),
                    "contrasts": [("compute", "labs")],
                }
                for number, at in enumerate(moments)
            ],
        }
    )
    assets = [
        line for line in universe.assets("primary") if line.symbol in market.lines
    ]
    table = study_events(market, thesis, universe, assets).table
    return table[table["kind"] != "asset"].set_index(["event", "subject", "window"])


def test_planted_effects_are_found_on_every_exchange(universe: Universe) -> None:
    """The reaction lies within three standard errors, and is told from nothing."""
    market = _market(universe, PLANTED, seed=5)
    found = _layers(universe, market, [event.at for event in PLANTED], [(0, 0)])
    for number, event in enumerate(PLANTED):
        for layer in LAYERS:
            row = found.loc[(f"e{number}", layer, (0, 0))]
            error = row["car"] - event.reaction.get(layer, 0.0)
            # secondary layers of an entity carry a share of its reaction elsewhere
            assert abs(error) < 3.0 * row["se"] + 0.02, (event.id, layer)
    selloff = found.loc[("e1", "compute", (0, 0))]
    assert selloff["p"] < 1e-6
    assert selloff["t"] < 0.0
    assert found.loc[("e1", "compute minus labs", (0, 0)), "p"] < 1e-4


@pytest.mark.parametrize("seed", [1, 2])
def test_quiet_dates_are_not_found(universe: Universe, seed: int) -> None:
    """Dates a month apart in a world without events: rejections near 5 %.

    Layers share their dates and windows overlap, so the bounds are wider than those of
    independent tests. An exchange that reopens after a holiday moves by the news of
    several days against the error of one: its rows say so and are left out here.
    """
    market = _market(universe, (), seed)
    dates = [
        day.date() for day in pd.bdate_range("2024-02-01", "2026-04-01", freq="23B")
    ]
    found = _layers(universe, market, dates, [(0, 0), (0, 4), (2, 20)])
    quiet = found[~found["note"].str.contains("day zero")]
    assert len(quiet) > 300
    rate = (quiet["p"] < 0.05).mean()
    assert 0.02 < rate < 0.09
    assert np.abs(quiet["t"].mean()) < 0.25
    assert 0.85 < quiet["t"].std() < 1.15
