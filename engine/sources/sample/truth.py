"""What is true of the sample world: every number below is planted, none is history."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

import numpy as np

SEED = 20260706
#: Changes with any change of the world's numbers; part of its digest.
VERSION = 1
#: Which of the many worlds of a seed is drawn. Chosen for the default seed, once and by
#: these paths alone, so that market, Asia and layers end within 3 % a year of their
#: drifts (memory 6 %) from 2022 and from 2023: what is true of the world then shows in
#: its sample too. Other seeds have no such luck, which is what size and power need.
LUCK = 412
FIRST_DAY = dt.date(2022, 1, 1)
LAST_DAY = dt.date(2026, 6, 30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How the lines of a layer behave, in decimal fractions per year.

    drift : return beyond the market's share of it. layer : volatility of the factor
    that all lines of the layer share. own : typical volatility of one company alone.
    beta : typical loading on the market.
    """

    drift: float
    layer: float
    own: float
    beta: float


#: Every other layer name behaves like "none", with a layer factor of its own.
LAYERS: Mapping[str, Habits] = MappingProxyType(
    {
        "compute": Habits(drift=0.05, layer=0.19, own=0.29, beta=1.25),
        "memory": Habits(drift=0.03, layer=0.20, own=0.22, beta=1.05),
        "cloud": Habits(drift=0.02, layer=0.12, own=0.25, beta=1.00),
        "application": Habits(drift=0.00, layer=0.11, own=0.25, beta=0.95),
        "labs": Habits(drift=-0.05, layer=0.12, own=0.26, beta=1.05),
        "none": Habits(drift=0.00, layer=0.05, own=0.23, beta=0.90),
    }
)

MARKET_DRIFT = 0.08
MARKET_VOLATILITY = 0.155
#: The factor that lines of Asian exchanges and depositary receipts share.
ASIA_VOLATILITY = 0.17


@dataclass(frozen=True, slots=True, kw_only=True)
class Fund:
    """A benchmark fund as a portfolio of the world's factors."""

    market: float
    asia: float
    layers: Mapping[str, float]
    own: float
    dividend: float


FUNDS: Mapping[str, Fund] = MappingProxyType(
    {
        "SPY": Fund(
            market=1.0,
            asia=0.0,
            layers={"compute": 0.08, "cloud": 0.04, "labs": 0.06},
            own=0.01,
            dividend=0.013,
        ),
        "QQQ": Fund(
            market=1.15,
            asia=0.0,
            layers={"compute": 0.20, "cloud": 0.08, "labs": 0.12},
            own=0.03,
            dividend=0.006,
        ),
        "SMH": Fund(
            market=1.30,
            asia=0.0,
            layers={"compute": 0.80, "memory": 0.20},
            own=0.12,
            dividend=0.005,
        ),
        "KWEB": Fund(
            market=0.90,
            asia=1.0,
            layers={"cloud": 0.40, "application": 0.55},
            own=0.12,
            dividend=0.015,
        ),
        "ACWI": Fund(
            market=0.95,
            asia=0.10,
            layers={"compute": 0.05, "labs": 0.04},
            own=0.015,
            dividend=0.018,
        ),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantedEvent:
    """An event of the simulated world with the effects that were put into it.

    at : a UTC moment, or a date, which means before any exchange opened on it.
    reaction : layer -> extra simple return on each line's own day zero (its first
        session to close at least 30 minutes after `at`).
    drift : layer -> extra simple return over the own sessions of `window`, in equal
        logarithmic steps. A layer not named is not touched; funds feel their layers.
    """

    id: str
    title: str
    at: dt.datetime | dt.date
    reaction: Mapping[str, float] = field(default_factory=dict)
    drift: Mapping[str, float] = field(default_factory=dict)
    window: tuple[int, int] = (2, 120)

    @property
    def moment(self) -> np.datetime64:
        """When the news became public, tz-naive UTC."""
        if isinstance(self.at, dt.datetime):
            return np.datetime64(self.at.astimezone(dt.UTC).replace(tzinfo=None), "ns")
        return np.datetime64(self.at, "ns")


PLANTED: tuple[PlantedEvent, ...] = (
    PlantedEvent(
        id="planted-boom",
        title="Planted: compute and memory jump, labs gain, no drift",
        at=dt.datetime(2024, 3, 12, 12, 0, tzinfo=dt.UTC),
        reaction={"compute": 0.07, "memory": 0.05, "labs": 0.02},
    ),
    PlantedEvent(
        id="planted-selloff",
        title="Planted: compute and memory fall, then drift back; labs weaken",
        at=dt.date(2025, 1, 27),
        reaction={
            "compute": -0.13,
            "memory": -0.09,
            "cloud": 0.02,
            "application": 0.01,
        },
        drift={"compute": 0.30, "memory": 0.22, "cloud": 0.05, "labs": -0.22},
    ),
    PlantedEvent(
        id="planted-nothing",
        title="Planted: a date without any effect",
        at=dt.datetime(2025, 9, 10, 13, 0, tzinfo=dt.UTC),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """A split in the sample world: `ratio` new shares for one from `session` on."""

    session: dt.date
    ratio: float


#: Yahoo's convention: every price column is already divided, volume multiplied.
SPLITS: Mapping[str, Split] = MappingProxyType(
    {"NVDA": Split(session=dt.date(2024, 6, 3), ratio=10.0)}
)

#: First sessions of lines that start late, where the line itself does not say.
LISTINGS: Mapping[str, dt.date] = MappingProxyType(
    {"2513.HK": dt.date(2026, 1, 8), "0100.HK": dt.date(2026, 1, 9)}
)

#: Units per dollar at the start of 2022 and yearly volatility. HKD keeps its band.
CURRENCIES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "AUD": (1.38, 0.10),
        "BRL": (5.40, 0.15),
        "CAD": (1.27, 0.06),
        "CHF": (0.92, 0.07),
        "CNY": (6.60, 0.04),
        "EUR": (0.89, 0.07),
        "GBP": (0.75, 0.08),
        "HKD": (7.80, 0.0),
        "INR": (75.0, 0.04),
        "JPY": (116.0, 0.09),
        "KRW": (1210.0, 0.08),
        "SEK": (9.10, 0.10),
        "SGD": (1.35, 0.04),
        "TWD": (28.0, 0.05),
    }
)
HKD_BAND = (7.75, 7.85)


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """A statement about the sample world and whether it holds there.

    "empty": nothing was planted either way, so a test that rejects has erred.
    """

    about: str
    statement: str
    holds: Literal["true", "false", "empty"]


TRUTH: tuple[Truth, ...] = (
    Truth(
        about="layers",
        statement="Compute earns 5 % a year beyond the market, labs lose 5 %; small "
        "beside volatilities of 25 to 55 %, so four years need not show it.",
        holds="true",
    ),
    Truth(
        about="layers",
        statement="Application earns something beyond the market.",
        holds="empty",
    ),
    Truth(
        about="planted-selloff",
        statement="Compute loses 13 % and memory 9 % on their own day zero.",
        holds="true",
    ),
    Truth(
        about="planted-selloff",
        statement="Compute gains 30 % and labs lose 22 % over the sessions 2 to 120.",
        holds="true",
    ),
    Truth(
        about="planted-selloff",
        statement="The application layer drifts after the event.",
        holds="empty",
    ),
    Truth(
        about="planted-boom",
        statement="Compute gains 7 % on its own day zero and keeps it.",
        holds="true",
    ),
    Truth(
        about="planted-boom",
        statement="Labs lose on day zero.",
        holds="false",
    ),
    Truth(
        about="planted-nothing",
        statement="Something happens to any layer.",
        holds="empty",
    ),
    Truth(
        about="factors",
        statement="Any signal, momentum or volatility predicts any return.",
        holds="empty",
    ),
    Truth(
        about="signals",
        statement="The Chinese token share passes 30 % in 2025 and stays above.",
        holds="true",
    ),
    Truth(
        about="signals",
        statement="Usage becomes more concentrated from 2022 to 2026.",
        holds="false",
    ),
    Truth(
        about="signals",
        statement="Chinese vendors get less of the dollars than of the tokens.",
        holds="true",
    ),
)
