"""What was known, and when: `Market.known_at` is the only door to data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from engine.market.bars import Bars
from engine.market.calendar import Sessions, calendar_of
from engine.market.currency import Currencies
from engine.market.homeview import HomeView
from engine.market.listing import Line
from engine.market.signals import Signals

#: What every output carries where prices or signals are simulated.
STAMP = "SIMULATED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something about the data that a reader must know; nothing was repaired."""

    severity: str  # "info", "warning" or "error"
    where: str
    what: str
    action: str = ""
    first: str = ""
    last: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vintage:
    """What the store held: the last moment of ingestion (UTC), and its digest."""

    moment: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where prices or signals came from; `simulated` stamps every output.

    `digest` is that of the numbers themselves; `vintage` is that of the store they
    were read from, None where they were not.
    """

    name: str
    simulated: bool
    digest: str
    detail: str = ""
    vintage: Vintage | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Known:
    """Everything known at one moment, and nothing else."""

    moment: np.datetime64
    home: HomeView
    bars: Mapping[str, Bars]
    signals: Signals
    lines: Mapping[str, Line]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Market:
    """Prices, rates and signals of a study, with the moment each became known.

    `lines` maps symbol to line for every asset and benchmark the source has a file
    of; `bars` maps a calendar's MIC to the bars of its lines; `home` covers the home
    calendar from the first price to the end of the study; `coverage` has one row per
    line asked for (also those without a price) with what its file could give.
    """

    lines: Mapping[str, Line]
    bars: Mapping[str, Bars]
    home: HomeView
    currencies: Currencies
    signals: Signals
    coverage: pd.DataFrame
    findings: tuple[Finding, ...]
    prices_origin: Origin
    signals_origin: Origin

    @property
    def simulated(self) -> bool:
        """Whether any number of the study comes from a simulation."""
        return self.prices_origin.simulated or self.signals_origin.simulated

    def bars_of(self, symbol: str) -> Bars:
        """Return the bars of the exchange on which a line trades."""
        return self.bars[calendar_of(self.lines[symbol].mic)]

    def known_at(self, moment: np.datetime64) -> Known:
        """Return what was known at `moment` (UTC): closes and observations up to it."""
        return Known(
            moment=moment,
            home=self.home.first(self.home.sessions.closed_by(moment)),
            bars={
                mic: bars.first(bars.sessions.closed_by(moment))
                for mic, bars in self.bars.items()
            },
            signals=self.signals.first(self.signals.known_by(moment)),
            lines=self.lines,
        )

    def sessions_of(self, symbol: str) -> Sessions:
        """Return the sessions of the exchange on which a line trades."""
        return self.bars_of(symbol).sessions
