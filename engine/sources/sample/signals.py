"""Simulated signals: usage, prices of tokens and capital expenditure, each dated."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pandas as pd

from engine.interfaces import SignalData
from engine.market.listing import Universe
from engine.market.market import Origin
from engine.market.signals import COLUMNS, Signals
from engine.sources.sample.paths import generator
from engine.sources.sample.truth import FIRST_DAY, LAST_DAY, LUCK, SEED, VERSION

ROLES: Mapping[str, str] = MappingProxyType(
    {
        role: f"sample_{role}"
        for role in (
            "vendor_share",
            "token_share",
            "tokens",
            "dollar_share",
            "price_per_mtok",
            "capex",
        )
    }
)
ROUTER = "openrouter"
CHINESE = "cn_oss_models"
#: A week ends on Sunday; its figures are out on Monday noon.
PUBLISHED_AFTER = np.timedelta64(36, "h")


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """One vendor's usage: its weight among all, before and after its rise or fall.

    `turns` is when, in years from the start of 2022, half of the change is done, and
    `price` the first list price in dollars per million tokens.
    """

    before: float
    after: float
    turns: float
    price: float
    chinese: bool = False


VENDORS: Mapping[str, Vendor] = MappingProxyType(
    {
        "openai": Vendor(before=0.55, after=0.12, turns=2.3, price=20.0),
        "alphabet": Vendor(before=0.20, after=0.17, turns=2.0, price=8.0),
        "anthropic": Vendor(before=0.15, after=0.20, turns=2.0, price=24.0),
        "meta": Vendor(before=0.070, after=0.02, turns=3.2, price=1.5),
        "deepseek": Vendor(
            before=0.003, after=0.16, turns=2.9, price=2.0, chinese=True
        ),
        "alibaba": Vendor(before=0.010, after=0.12, turns=3.2, price=2.5, chinese=True),
        "moonshot": Vendor(
            before=0.002, after=0.08, turns=3.4, price=3.0, chinese=True
        ),
        "zhipu": Vendor(before=0.004, after=0.06, turns=3.6, price=2.0, chinese=True),
        "minimax": Vendor(before=0.002, after=0.05, turns=3.7, price=1.5, chinese=True),
        "xiaomi": Vendor(before=0.001, after=0.04, turns=4.0, price=1.0, chinese=True),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reporter:
    """A company that files capital expenditure: first quarter, in billions."""

    first: float
    currency: str = "USD"
    quarter_ends_after_months: int = 0
    files_after_days: int = 30


REPORTERS: Mapping[str, Reporter] = MappingProxyType(
    {
        "microsoft": Reporter(first=5.4, files_after_days=26),
        "alphabet": Reporter(first=6.0, files_after_days=28),
        "amazon": Reporter(first=13.0, files_after_days=31),
        "meta": Reporter(first=4.6, files_after_days=29),
        "oracle": Reporter(
            first=0.8, quarter_ends_after_months=-1, files_after_days=25
        ),
        "alibaba": Reporter(first=10.0, currency="CNY", files_after_days=44),
    }
)


class _Series(NamedTuple):
    """One entity's values of one role."""

    role: str
    entity: str
    value_date: np.ndarray
    known_at: np.ndarray
    value: np.ndarray
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleSignals:
    """The simulated signal source.

    Weekly from January 2022: token share by vendor (summing to 1) and of the Chinese
    vendors together, tokens in all, dollar share by vendor (summing to 1) and list
    price per million tokens, known on Monday noon (UTC) for the week that ended on
    Sunday. Quarterly from the end of 2020: capital expenditure of six companies, known
    25 to 45 days after the quarter's end. Nothing here moves any price.
    """

    seed: int = SEED

    def load(self, universe: Universe) -> SignalData:
        """Return every simulated observation, whatever the universe."""
        weeks = np.arange(
            np.datetime64(FIRST_DAY) + 1,
            np.datetime64(LAST_DAY),
            np.timedelta64(7, "D"),
        ).astype("datetime64[ns]")
        rows = _table([*_usage(self.seed, weeks), *_expenditure(self.seed)])
        rows = rows[rows["known_at"] < np.datetime64(LAST_DAY) + 1]
        rows = rows.sort_values(["known_at", "series", "entity"], kind="stable")
        digest = hashlib.sha256(f"sample signals {VERSION}|{LUCK}|{self.seed}".encode())
        return SignalData(
            signals=Signals(
                observations=rows[list(COLUMNS)].reset_index(drop=True),
                roles=dict(ROLES),
            ),
            origin=Origin(
                name="sample",
                simulated=True,
                digest=digest.hexdigest(),
                detail=f"simulated world {VERSION}, seed {self.seed}",
            ),
        )


def _usage(seed: int, weeks: np.ndarray) -> list[_Series]:
    """Return the weekly series, W weeks each."""
    at = (weeks - weeks[0]) / np.timedelta64(1, "D") / 365.25
    weight = np.column_stack([_weight(seed, name, at) for name in VENDORS])
    price = np.column_stack([_price(seed, name, at) for name in VENDORS])
    share = weight / weight.sum(axis=1, keepdims=True)
    spent = share * price
    dollars = spent / spent.sum(axis=1, keepdims=True)
    chinese = np.array([vendor.chinese for vendor in VENDORS.values()])
    noise = generator(seed, "tokens").standard_normal(len(at))
    tokens = 5e10 * np.exp(2.0 * at - 0.148 * at**2 + 0.03 * noise)
    known = weeks + PUBLISHED_AFTER
    series = [
        _Series(
            "token_share", CHINESE, weeks, known, share[:, chinese].sum(1), "fraction"
        ),
        _Series("tokens", ROUTER, weeks, known, tokens, "tokens"),
    ]
    for place, name in enumerate(VENDORS):
        series += [
            _Series("vendor_share", name, weeks, known, share[:, place], "fraction"),
            _Series("dollar_share", name, weeks, known, dollars[:, place], "fraction"),
            _Series("price_per_mtok", name, weeks, known, price[:, place], "USD/Mtok"),
        ]
    return series


def _weight(seed: int, name: str, at: np.ndarray) -> np.ndarray:
    """Return one vendor's weight by week: a logistic turn and noise that passes."""
    vendor = VENDORS[name]
    done = 1.0 / (1.0 + np.exp(-(at - vendor.turns) / 0.25))
    moves = generator(seed, "vendor", name).standard_normal(len(at))
    noise = np.empty(len(at))
    level = 0.0
    for week, move in enumerate(moves):
        level = 0.85 * level + 0.06 * move
        noise[week] = level
    rise = np.log(vendor.after / vendor.before)
    return np.asarray(vendor.before * np.exp(rise * done + noise))


def _price(seed: int, name: str, at: np.ndarray) -> np.ndarray:
    """Return one vendor's list price by week: steps down, about four a year."""
    rng = generator(seed, "price", name)
    cut = rng.uniform(size=len(at)) < 4.0 / 52.0
    depth = rng.uniform(0.05, 0.25, size=len(at))
    return np.asarray(VENDORS[name].price * np.exp(np.cumsum(np.where(cut, -depth, 0))))


def _expenditure(seed: int) -> list[_Series]:
    """Return the quarterly series, each quarter with the day of its first filing."""
    quarters = np.arange("2021-01", "2026-05", 3, dtype="datetime64[M]")
    at = np.arange(len(quarters)) / 4.0
    pace = 0.02 + 0.55 / (1.0 + np.exp(-(at - 3.0) / 0.4))
    series = []
    for name, reporter in REPORTERS.items():
        rng = generator(seed, "capex", name)
        luck, swing = rng.uniform(0.7, 1.3), 0.04 * rng.standard_normal(len(at))
        grown = np.concatenate([[0.0], np.cumsum(luck * pace[1:] / 4.0)])
        amount = reporter.first * 1e9 * np.exp(grown + swing)
        ends = (quarters + reporter.quarter_ends_after_months).astype(
            "datetime64[D]"
        ) - 1
        late = reporter.files_after_days + rng.integers(0, 2, len(at))
        known = (ends + late).astype("datetime64[ns]") + np.timedelta64(
            20 * 60 + 30, "m"
        )
        value_date = ends.astype("datetime64[ns]")
        series.append(
            _Series("capex", name, value_date, known, amount, reporter.currency)
        )
    return series


def _table(series: list[_Series]) -> pd.DataFrame:
    """Return all series under each other, with the columns of observations."""
    length = [len(one.value) for one in series]

    def repeated(words: list[str]) -> np.ndarray:
        return np.repeat(np.array(words, dtype=object), length)

    return pd.DataFrame(
        {
            "series": repeated([ROLES[one.role] for one in series]),
            "entity": repeated([one.entity for one in series]),
            "value_date": np.concatenate([one.value_date for one in series]),
            "known_at": np.concatenate([one.known_at for one in series]),
            "value": np.concatenate([one.value for one in series]),
            "unit": repeated([one.unit for one in series]),
            "quality": "observed",
            "source": "sample world, SIMULATED",
        }
    )
