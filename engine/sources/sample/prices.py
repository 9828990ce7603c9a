"""Simulated prices: the sample world, seeded, offline and with a known truth."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

import numpy as np
import pandas as pd

from engine.errors import CurrencyError
from engine.interfaces import PriceData
from engine.market.currency import Fixings
from engine.market.listing import NO_LAYER, Line
from engine.market.market import Origin
from engine.sources.sample.lines import Simulated, World, simulate
from engine.sources.sample.paths import WEEKDAYS_PER_YEAR, generator
from engine.sources.sample.truth import (
    CURRENCIES,
    FIRST_DAY,
    HKD_BAND,
    LAST_DAY,
    LUCK,
    PLANTED,
    SEED,
    VERSION,
    PlantedEvent,
)

FIX_TIME = np.timedelta64(14 * 60 + 15, "m")
FIX_ZONE = "Europe/Berlin"


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplePrices:
    """The simulated price source.

    Every line is drawn from its own generators, made from the seed and names: which
    other lines are asked for, their order, and the dates asked for change none of its
    numbers. Lines of one entity share one value path in their own currencies. `layers`
    maps symbol to layer (others have none); `events` are the effects put in: a world
    without them has the same draws.
    """

    seed: int = SEED
    layers: Mapping[str, str] = field(default_factory=dict)
    events: tuple[PlantedEvent, ...] = PLANTED

    def load(self, lines: Sequence[Line], start: dt.date, end: dt.date) -> PriceData:
        """Return the bars of all lines from 2022-01 (or their listing) to `end`.

        The world begins in January 2022 and ends in June 2026. `start` cuts nothing,
        so that windows before it can be filled. A line without a bar is left out.

        Raises
        ------
        CalendarError, CurrencyError
            An exchange without a calendar, a currency without a simulated rate.
        """
        for line in lines:
            _check_currency(line)
        world = World(self.seed, self.events)
        frames: dict[str, pd.DataFrame] = {}
        for line in lines:
            frame = self._simulated(world, line).frame
            count = frame.index.searchsorted(pd.Timestamp(end), side="right")
            if count:
                frames[line.symbol] = frame.iloc[:count]
        fixings = {name: rates(self.seed, name, end) for name in CURRENCIES}
        return PriceData(frames=frames, fixings=fixings, origin=self.origin())

    def actions(self, line: Line) -> pd.DataFrame:
        """Return the line's dividends and splits, which price files do not carry.

        One row each, columns ``session, kind`` ("dividend" or "split") and ``value``: a
        dividend per share, counted in today's shares as Yahoo does, or new shares for
        one old.
        """
        _check_currency(line)
        return self._simulated(World(self.seed, self.events), line).actions

    def origin(self) -> Origin:
        """Return what names these prices; its digest covers all that decides them."""
        layers = ",".join(f"{key}={self.layers[key]}" for key in sorted(self.layers))
        text = f"sample prices {VERSION}|{LUCK}|{self.seed}|{layers}|{self.events!r}"
        return Origin(
            name="sample",
            simulated=True,
            digest=hashlib.sha256(text.encode()).hexdigest(),
            detail=f"simulated world {VERSION}, seed {self.seed}",
        )

    def _simulated(self, world: World, line: Line) -> Simulated:
        return simulate(world, line, self.layers.get(line.symbol, NO_LAYER))


def rates(seed: int, currency: str, end: dt.date) -> Fixings:
    """Return one currency's daily rates against the dollar up to `end`.

    One a weekday from December 2021, but for four fixed holidays, at 14:15 in
    Frankfurt. HKD stays inside its band; every other rate is a geometric random walk
    without drift.
    """
    first = np.datetime64(FIRST_DAY) - 31
    days = np.arange(first, np.datetime64(LAST_DAY) + 1)
    holiday = np.isin(
        [str(day)[5:] for day in days], ("01-01", "05-01", "12-25", "12-26")
    )
    days = days[np.is_busday(days) & ~holiday]
    moves = generator(seed, "currency", currency).standard_normal(len(days))
    if currency == "HKD":
        low, high = HKD_BAND
        per_usd = low + (high - low) * (0.5 + 0.45 * np.tanh(_around_zero(moves)))
    else:
        start, volatility = CURRENCIES[currency]
        scale = volatility / np.sqrt(WEEKDAYS_PER_YEAR)
        per_usd = start * np.exp(np.cumsum(scale * moves - scale**2 / 2.0))
    local = pd.DatetimeIndex(days.astype("datetime64[ns]") + FIX_TIME)
    fixed = local.tz_localize(FIX_ZONE).tz_convert("UTC").tz_localize(None)
    count = int(np.searchsorted(days, np.datetime64(end), side="right"))
    return Fixings(
        currency=currency,
        fixed_utc=fixed.as_unit("ns").to_numpy()[:count],
        per_usd=per_usd[:count],
        source="sample world, SIMULATED",
    )


def _around_zero(moves: np.ndarray, *, pull: float = 0.02) -> np.ndarray:
    """Return a mean-reverting path of the moves with standard deviation near 1."""
    scale = float(np.sqrt(2.0 * pull))
    path = accumulate(moves, lambda level, move: (1.0 - pull) * level + scale * move)
    return np.fromiter(path, dtype=np.float64, count=len(moves))


def _check_currency(line: Line) -> None:
    if line.currency != "USD" and line.currency not in CURRENCIES:
        raise CurrencyError(
            f"{line.symbol}: the sample world has no rate for {line.currency!r}; "
            f"it has USD, {', '.join(CURRENCIES)}"
        )
