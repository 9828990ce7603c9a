"""One line of the sample world: its character, its bars, its dividends and splits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from engine.market.calendar import Sessions, sessions
from engine.market.listing import NO_LAYER, Line
from engine.sources.sample.paths import (
    ASIAN,
    WESTERN,
    brownian,
    generator,
    steps,
    years,
)
from engine.sources.sample.truth import (
    ASIA_VOLATILITY,
    CURRENCIES,
    FIRST_DAY,
    FUNDS,
    LAST_DAY,
    LAYERS,
    LISTINGS,
    MARKET_DRIFT,
    MARKET_VOLATILITY,
    SPLITS,
    Habits,
    PlantedEvent,
)

COLUMNS = ("open", "high", "low", "close", "adj_close", "volume")
#: News must be out this long before a close for the close to hold it.
REACTION_TIME = np.timedelta64(30, "m")
WESTERN_MICS = ("XNYS", "XNAS", "OTCM", "ARCX", "XLON", "XAMS")
RECEIPTS = ("us_adr", "us_otc", "gdr")
#: Dollars traded on a typical day.
TURNOVER = 2e8


class World:
    """The paths and sessions of one load, each drawn once."""

    def __init__(self, seed: int, events: tuple[PlantedEvent, ...]) -> None:
        self.seed = seed
        self.events = events
        self._paths: dict[tuple[str, ...], np.ndarray] = {}
        self._sessions: dict[str, Sessions] = {}

    def path(self, *key: str, asian: bool = False) -> np.ndarray:
        """Return the path of one factor or one entity, variance 1 a year."""
        if key not in self._paths:
            profile = ASIAN if asian else WESTERN
            self._paths[key] = brownian(generator(self.seed, *key), profile)
        return self._paths[key]

    def sessions(self, mic: str) -> Sessions:
        """Return an exchange's sessions over the whole life of the world."""
        if mic not in self._sessions:
            self._sessions[mic] = sessions(mic, FIRST_DAY, LAST_DAY)
        return self._sessions[mic]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Character:
    """How a line moves.

    market, asia, layers : loadings. own : volatility of the entity's own path, drift :
    expected simple return, dividend : yield; decimal fractions per year.
    """

    entity: str
    eastern: bool
    market: float
    asia: float
    layers: Mapping[str, float]
    own: float
    drift: float
    dividend: float

    @property
    def variance(self) -> float:
        """Variance a year, all factors together."""
        shared = (self.market * MARKET_VOLATILITY) ** 2
        shared += (self.asia * ASIA_VOLATILITY) ** 2
        for layer, loading in self.layers.items():
            shared += (loading * habits_of(layer).layer) ** 2
        return shared + self.own**2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Simulated:
    """A line's whole life: bars by session, and the dividends and splits in it."""

    frame: pd.DataFrame
    actions: pd.DataFrame


def habits_of(layer: str) -> Habits:
    """Return how a layer behaves; an unknown one behaves like none."""
    return LAYERS.get(layer, LAYERS[NO_LAYER])


def character(world: World, line: Line, layer: str) -> Character:
    """Return a line's character, from its layer and its entity's own luck."""
    fund = FUNDS.get(line.symbol)
    if fund is not None:
        layers = {name: habits_of(name).drift * w for name, w in fund.layers.items()}
        return Character(
            entity=line.symbol,
            eastern=False,
            market=fund.market,
            asia=fund.asia,
            layers=fund.layers,
            own=fund.own,
            drift=fund.market * MARKET_DRIFT + sum(layers.values()),
            dividend=fund.dividend,
        )
    habits = habits_of(layer)
    entity = line.entity or line.symbol
    luck = generator(world.seed, "character", entity).uniform(size=4)
    eastern = line.mic not in WESTERN_MICS or line.kind in RECEIPTS
    market = habits.beta * (0.85 + 0.3 * luck[0])
    return Character(
        entity=entity,
        eastern=eastern,
        market=market,
        asia=0.9 if eastern else 0.0,
        layers={layer: 1.0},
        own=habits.own * (0.8 + 0.45 * luck[1]),
        drift=market * MARKET_DRIFT + habits.drift,
        dividend=0.004 + 0.026 * luck[3] if luck[2] < 0.7 else 0.0,
    )


def simulate(world: World, line: Line, layer: str) -> Simulated:
    """Return a line's bars and its dividends and splits over its whole life.

    Yahoo's convention: every column is adjusted for splits, `adj_close` also for
    dividends, counted back from the last session of the world.
    """
    who = character(world, line, layer)
    calendar = world.sessions(line.mic)
    rng = generator(world.seed, "line", line.symbol)
    split = SPLITS.get(line.symbol)
    local = line.currency != "USD"
    per_dollar = CURRENCIES[line.currency][0] if local else 1.0
    level = per_dollar * float(np.exp(rng.uniform(np.log(15.0), np.log(400.0))))
    level /= (8.0 if local else 1.0) * (split.ratio if split else 1.0)
    # Rows are sessions: a calendar that grows at its end changes no earlier draw.
    draws = rng.standard_normal((len(calendar), 3))
    logs = log_values(world, who, calendar)
    cut = dividend_cuts(world, line, who, calendar)
    paid = np.cumprod(1.0 - cut)
    opening, close = level * np.exp(logs) * paid
    spread = 0.35 * np.sqrt(who.variance / 252.0)
    high = np.maximum(opening, close) * np.exp(spread * np.abs(draws[:, 0]))
    low = np.minimum(opening, close) * np.exp(-spread * np.abs(draws[:, 1]))
    moved = np.abs(np.diff(logs[1], prepend=logs[1, 0]))
    shares = TURNOVER * per_dollar / level * np.exp(0.3 * draws[:, 2])
    volume = np.round(shares * (1.0 + 10.0 * moved))
    columns = [opening, high, low, close, close * (paid[-1] / paid), volume]
    frame = pd.DataFrame(
        np.column_stack(columns), index=calendar.days, columns=list(COLUMNS)
    )
    first, last = life(line, calendar)
    before = np.concatenate([[np.nan], close[:-1]])
    return Simulated(
        frame=frame.iloc[first:last],
        actions=_actions(line, calendar, cut * before).loc[
            lambda rows: rows["session"].isin(calendar.days[first:last])
        ],
    )


def log_values(world: World, who: Character, calendar: Sessions) -> np.ndarray:
    """Return log total-return values at each open and close, shape (2, T).

    0 when the world begins. The expected simple return is `who.drift` a year beside
    the planted effects.
    """
    at = steps(np.stack([calendar.open_utc, calendar.close_utc]))
    value = (who.drift - 0.5 * who.variance) * years(at)
    value += who.market * MARKET_VOLATILITY * world.path("market")[at]
    if who.asia:
        value += who.asia * ASIA_VOLATILITY * world.path("asia", asian=True)[at]
    for layer, loading in who.layers.items():
        value += loading * habits_of(layer).layer * world.path("layer", layer)[at]
    value += who.own * world.path("entity", who.entity, asian=who.eastern)[at]
    for event in world.events:
        value += planted(event, who.layers, calendar)
    return value


def planted(
    event: PlantedEvent, layers: Mapping[str, float], calendar: Sessions
) -> np.ndarray:
    """Return what an event adds to log values at each open and close, shape (2, T).

    The reaction is there at the open of day zero if the news was out by then, and in
    full at its close; the drift comes in equal steps at the closes of its window.
    """
    reaction = sum(w * event.reaction.get(layer, 0.0) for layer, w in layers.items())
    drift = sum(w * event.drift.get(layer, 0.0) for layer, w in layers.items())
    zero = int(np.searchsorted(calendar.close_utc, event.moment + REACTION_TIME))
    after = np.arange(len(calendar)) - zero
    first, last = event.window
    done = np.clip((after - first + 1) / (last - first + 1), 0.0, 1.0)
    closes = np.log1p(reaction) * (after >= 0) + np.log1p(drift) * done
    opens = np.concatenate([[0.0], closes[:-1]])
    known = (after == 0) & (calendar.open_utc >= event.moment)
    return np.stack([opens + np.log1p(reaction) * known, closes])


def dividend_cuts(
    world: World, line: Line, who: Character, calendar: Sessions
) -> np.ndarray:
    """Return each session's dividend as a fraction of the close before it, (T,).

    Four ex-days a year for lines in dollars, else one, always the first session from
    the fifteenth of a month; the first session of the world has none.
    """
    cut = np.zeros(len(calendar))
    if not who.dividend:
        return cut
    often = 4 if line.currency == "USD" else 1
    month = int(generator(world.seed, "dividend", who.entity).integers(1, 13))
    days = calendar.days
    middle = np.array(
        [
            np.datetime64(f"{year}-{1 + (month - 1 + 12 // often * n) % 12:02d}-15")
            for year in range(FIRST_DAY.year, LAST_DAY.year + 1)
            for n in range(often)
        ]
    )
    ex = np.searchsorted(days.to_numpy(), middle)
    cut[ex[(ex > 0) & (ex < len(days))]] = who.dividend / often
    return cut


def life(line: Line, calendar: Sessions) -> tuple[int, int]:
    """Return the first session of a line and the one after its last."""
    days = calendar.days.to_numpy()
    first = line.listed or LISTINGS.get(line.symbol) or FIRST_DAY
    last = line.delisted or LAST_DAY
    start = np.searchsorted(days, np.datetime64(first))
    return int(start), int(np.searchsorted(days, np.datetime64(last), side="right"))


def _actions(line: Line, calendar: Sessions, dividend: np.ndarray) -> pd.DataFrame:
    """Return dividends and splits, columns ``session, kind, value``."""
    ex = np.flatnonzero(dividend > 0.0)
    rows = pd.DataFrame(
        {
            "session": calendar.days[ex],
            "kind": np.full(len(ex), "dividend"),
            "value": dividend[ex],
        }
    )
    split = SPLITS.get(line.symbol)
    if split is None:
        return rows
    session = calendar.days[int(calendar.days.searchsorted(split.session.isoformat()))]
    row = pd.DataFrame(
        {"session": [session], "kind": ["split"], "value": [split.ratio]}
    )
    return pd.concat([rows, row]).sort_values("session", ignore_index=True)
