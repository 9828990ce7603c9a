"""Claims on a small world: two layers, five events, prices that a test may move.

Layers, assets and exchanges are those of `tests.event_cases`; here the world is longer,
and what is tested is one claim at a time.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from engine.evidence.claim_study import study_claims
from engine.evidence.claims.context import Evidence, basket_returns, members
from engine.evidence.results import ClaimResult, Measurement
from engine.market.market import Market
from engine.market.signals import Signals
from engine.thesis.model import Thesis
from tests.event_cases import universe
from tests.markets import market

#: Business days of the small world; the study covers all of them.
ROWS = 420
DAYS = pd.bdate_range("2023-01-02", periods=ROWS)
#: Rows of five events, 45 sessions apart.
NEWS = (150, 195, 240, 285, 330)


def day(row: int) -> dt.date:
    return DAYS[row].date()


def thesis(
    *claims: Mapping[str, Any], rows: Sequence[int] = NEWS, **about: Any
) -> Thesis:
    """Layers alpha (AAA, BBB) and beta (CCC, HHH), one event per row."""
    told = {"id": "t", "title": "T", "start": day(0), "end": day(ROWS - 1), **about}
    return Thesis.model_validate(
        {
            "thesis": told,
            "barbell": {"both": {"layers": ["alpha", "beta"]}},
            "events": [
                {
                    "id": f"news-{number}",
                    "title": "News",
                    "at": day(row),
                    "estimation": (-100, -11),
                    "windows": [(0, 2)],
                    "contrasts": [("alpha", "beta")],
                }
                for number, row in enumerate(rows)
            ],
            "claims": [{"id": "c", "says": "So.", **claim} for claim in claims],
        }
    )


def closes(seed: int = 3, jumps: Mapping[str, float] | None = None) -> dict:
    """Prices by exchange; `jumps` move a symbol on the row of every event."""
    rng = np.random.default_rng(seed)
    spy = rng.normal(0.0, 0.01, ROWS)
    moves = {
        "SPY": spy,
        **{s: spy + rng.normal(0, 0.015, ROWS) for s in ("AAA", "BBB", "CCC")},
        "HHH": np.roll(spy, 1) + rng.normal(0, 0.015, ROWS),
    }
    for symbol, size in (jumps or {}).items():
        moves[symbol][list(NEWS)] += size
    prices = {s: (100 * np.cumprod(1 + m)).tolist() for s, m in moves.items()}
    return {
        "XNYS": {s: prices[s] for s in ("SPY", "AAA", "BBB", "CCC")},
        "XHKG": {"HHH": prices["HHH"]},
    }


def evidence(
    about: Thesis,
    *,
    prices: dict | None = None,
    signals: Signals | None = None,
    returns: Mapping[str, pd.Series] | None = None,
    layers: pd.DataFrame | None = None,
    world: Market | None = None,
) -> Evidence:
    world = world or market(prices or closes(), rates={"HKD": 7.8}, first=day(0))
    if signals is not None:
        world = replace(world, signals=signals)
    known = universe()
    assets = tuple(known.lines.values())
    baskets = {
        name: members(name, about, known, assets) for name in (*known.layers, "both")
    }
    days = world.home.price.index[1:]
    return Evidence(
        market=world,
        thesis=about,
        universe=known,
        assets=assets,
        returns=returns or {},
        layer_returns=basket_returns(world, baskets, days, stale_after=5)
        if layers is None
        else layers,
        rng_seed=1,
    )


def judged(given: Evidence, sample: str = "in-sample") -> list[ClaimResult]:
    return [one for one in study_claims(given).results if one.sample == sample]


def measured(given: Evidence, sample: str = "in-sample") -> Measurement:
    (one,) = judged(given, sample)
    assert one.finding is not None, one.reason
    return one.finding
