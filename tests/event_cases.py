"""A small world for event studies: New York, Hong Kong and a benchmark, seeded.

``closes()`` gives prices that a test may change, ``world()`` the market of them. AAA
and BBB (layer alpha) and CCC (layer beta) trade in New York, HHH (layer beta) in Hong
Kong. Day zero of the event is row `ZERO` on every exchange.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from engine.evidence.events import study_events
from engine.evidence.results import EventStudy
from engine.market.listing import Entity, Line, Universe
from engine.market.market import Market
from engine.thesis.model import Thesis
from tests.markets import FIRST, market

ROWS, ZERO = 180, 120
ESTIMATION = (-100, -11)
DAYS = pd.bdate_range(FIRST, periods=ROWS)
LAYERS = {"AAA": "alpha", "BBB": "alpha", "CCC": "beta", "HHH": "beta"}
BETAS = {"AAA": 1.5, "BBB": 1.0, "CCC": 0.5}

Closes = dict[str, dict[str, list[float | None]]]


def closes(seed: int = 7) -> Closes:
    """Return prices by exchange and symbol, `ROWS` of them, no gaps."""
    rng = np.random.default_rng(seed)
    spy = rng.normal(0.0004, 0.01, ROWS)
    moves = {s: b * spy + rng.normal(0, 0.015, ROWS) for s, b in BETAS.items()}
    # Hong Kong closes before New York: it follows the session before
    hong_kong = 0.8 * np.roll(spy, 1) + rng.normal(0, 0.015, ROWS)
    return {
        "XNYS": {"SPY": _prices(spy), **{s: _prices(m) for s, m in moves.items()}},
        "XHKG": {"HHH": _prices(hong_kong)},
    }


def jump(prices: list[float | None], row: int, size: float) -> list[float | None]:
    """Return prices with an extra return of `size` on a row, held ever after."""
    return [
        p if p is None or t < row else p * (1.0 + size) for t, p in enumerate(prices)
    ]


def world(prices: Closes, **options: Any) -> Market:
    """Return the market of these closes."""
    return market(prices, rates={"HKD": 7.8}, **options)


def universe() -> Universe:
    """Return the universe behind the four assets."""
    lines = {
        s: Line(symbol=s, entity=s.lower(), mic=mic, currency=money, primary=True)
        for s, mic, money in (
            *((s, "XNYS", "USD") for s in BETAS),
            ("HHH", "XHKG", "HKD"),
        )
    }
    return Universe(
        name="test",
        title="",
        layers=("alpha", "beta", "gamma"),
        entities={
            s.lower(): Entity(id=s.lower(), name=s, kind="listed", layer=layer)
            for s, layer in LAYERS.items()
        },
        lines=lines,
        benchmarks={
            "SPY": Line(symbol="SPY", entity="spy", mic="XNYS", currency="USD")
        },
    )


def thesis(
    windows: Sequence[tuple[int, int]] = ((0, 0), (0, 1), (2, 20)),
    *,
    contrasts: Sequence[tuple[str, str]] = (("alpha", "beta"),),
    claims: Sequence[Mapping[str, Any]] = (),
    estimation: tuple[int, int] = ESTIMATION,
    benchmark: str | None = None,
    at: dt.date | dt.datetime | None = None,
    **options: Any,
) -> Thesis:
    """Return a thesis with one event on row `ZERO`; options are keys of the event."""
    return Thesis.model_validate(
        {
            "thesis": {
                "id": "test",
                "title": "test",
                "start": dt.date(2024, 3, 4),
                "end": dt.date(2024, 12, 31),
            },
            "barbell": {"both": {"layers": ["alpha", "beta"]}},
            "events": [
                {
                    "id": "news",
                    "title": "News",
                    "at": at or DAYS[ZERO].date(),
                    "estimation": estimation,
                    "windows": list(windows),
                    "contrasts": list(contrasts),
                    "benchmark": benchmark,
                    **options,
                }
            ],
            "claims": list(claims),
        }
    )


def study(prices: Closes | Market, *args: Any, **options: Any) -> EventStudy:
    """Return the event study of these closes; see `thesis` for the options."""
    where = prices if isinstance(prices, Market) else world(prices)
    known = universe()
    return study_events(
        where, thesis(*args, **options), known, list(known.lines.values())
    )


def row(found: EventStudy, subject: str, window: tuple[int, int]) -> pd.Series:
    """Return the one row of a subject and window."""
    table = found.table
    rows = table[(table["subject"] == subject) & (table["window"] == window)]
    assert len(rows) == 1, (subject, window, len(rows))
    return rows.iloc[0]


def reason(
    found: EventStudy, subject: str, window: tuple[int, int] | None = None
) -> str:
    """Return why a subject was left out of a window (None: out of all of them)."""
    rows = found.left_out[found.left_out["subject"] == subject]
    for one, why in zip(rows["window"], rows["reason"], strict=True):
        if one == window:
            return str(why)
    raise AssertionError(f"{subject} {window} was not left out: {rows}")


def _prices(moves: np.ndarray) -> list[float | None]:
    return [float(p) for p in 100.0 * np.cumprod(1.0 + moves)]
