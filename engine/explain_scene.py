"""What all explanations at one decision share: what was known, and what was read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import pandas as pd

from engine.interfaces import Absent, AssetReading, StateFactor
from engine.market.market import Known
from engine.portfolio.barbell import PERIOD_SESSIONS, estimate_risk
from engine.portfolio.results import Decision
from engine.portfolio.scoring import WeightedFactor
from engine.study_result import StudyResult

Value = TypeVar("Value")
OBSERVATIONS = [
    "role",
    "series",
    "entity",
    "value_date",
    "known_at",
    "value",
    "unit",
    "source",
    "newest",
    "factors",
]


class _Watched(Mapping[str, Value]):
    """A mapping that notes which of its keys were asked for."""

    def __init__(self, kept: Mapping[str, Value]) -> None:
        self._kept = kept
        self.asked: dict[str, None] = {}

    def __getitem__(self, key: str) -> Value:
        self.asked[key] = None
        return self._kept[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._kept)

    def __len__(self) -> int:
        return len(self._kept)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reading:
    """What one factor of a study read and found at one moment.

    found, known_at : its value and when that became known, by asset, or one of each
    if it is `of_world`; empty where it had nothing to say.
    roles : the signal roles that it asked for. priced : whether it asked for prices.
    """

    label: str
    weighted: WeightedFactor
    found: pd.Series
    known_at: pd.Series
    of_world: bool
    roles: tuple[str, ...]
    priced: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scene:
    """What the explanations of all assets at one decision share.

    until, end : session and close (UTC) up to which a profit counts.
    observations : as in `Explanation`. Over one rebalance period of `period` sessions:
    sigma : volatility by asset. charge : what a unit more of an asset adds to the
    variance of the target, times half the risk aversion.
    """

    result: StudyResult
    decision: Decision
    until: pd.Timestamp
    end: np.datetime64
    known: Known
    readings: tuple[Reading, ...]
    observations: pd.DataFrame
    sigma: pd.Series
    charge: pd.Series
    period: int


def scene_of(
    result: StudyResult,
    decision: Decision,
    until: pd.Timestamp,
    end: np.datetime64,
) -> Scene:
    """Return what all assets share: each factor reads again, risk is estimated again.

    Both from what was known at the decision, so both are what the decision saw.
    """
    known, rules = result.market.known_at(decision.moment), result.thesis.portfolio
    readings = tuple(_readings(result, decision, known))
    lines = sorted(result.assets, key=lambda line: line.symbol)
    names = pd.Index([line.symbol for line in lines])
    layers = {name: result.universe.layer_of(name) for name in names}
    risk = estimate_risk(known, names, rules, assets=lines, layer_of=layers).covariance
    period = PERIOD_SESSIONS[rules.rebalance]
    covariance = risk.to_numpy(dtype=np.float64) * period
    target = decision.weights.reindex(risk.index).to_numpy(dtype=np.float64)
    charge = rules.risk_aversion * (covariance @ target)
    return Scene(
        result=result,
        decision=decision,
        until=until,
        end=end,
        known=known,
        readings=readings,
        observations=observations(known, readings),
        sigma=pd.Series(np.sqrt(np.diagonal(covariance)), index=risk.index),
        charge=pd.Series(charge, index=risk.index),
        period=period,
    )


def _readings(
    result: StudyResult, decision: Decision, known: Known
) -> Iterator[Reading]:
    """Yield what every factor read at a decision, by letting it read again."""
    symbols = [line.symbol for line in result.assets]
    labels = decision.scorecard.contributions.columns
    for label, weighted in zip(labels, result.factors, strict=True):
        roles, bars = _Watched(known.signals.roles), _Watched(known.bars)
        watched = replace(known, signals=replace(known.signals, roles=roles), bars=bars)
        factor = weighted.factor
        of_world = isinstance(factor, StateFactor)
        value = known_at = pd.Series(dtype=np.float64)
        if isinstance(factor, StateFactor):
            past = factor.history(watched)
            if not isinstance(past, Absent):
                value = past.values.dropna().iloc[-1:]  # noqa: PD011 -- a field
                known_at = pd.Series(value.index)
        else:
            found = factor.read(watched, symbols)
            if isinstance(found, AssetReading):
                value, known_at = found.values, found.known_at  # noqa: PD011 -- a field
        yield Reading(
            label=label,
            weighted=weighted,
            found=value,
            known_at=known_at,
            of_world=of_world,
            roles=tuple(roles.asked),
            priced=bool(bars.asked),
        )


def observations(known: Known, readings: Sequence[Reading]) -> pd.DataFrame:
    """Return the observations behind the roles that were read, columns `OBSERVATIONS`.

    One row per role, entity and value date: the last vintage known, of quality
    ``observed``. `newest` marks the last value date of each role and entity.
    """
    used: dict[str, list[str]] = {}
    for one in readings:
        for role in one.roles:
            used.setdefault(role, []).append(one.label)
    parts = []
    for role, by in used.items():
        rows = known.signals.read(role)
        rows = rows[np.isfinite(rows["value"].to_numpy(dtype=np.float64))]
        newest = ~rows["entity"].duplicated(keep="last")
        parts.append(rows.assign(role=role, newest=newest, factors=", ".join(by)))
    if not parts:
        return pd.DataFrame(columns=OBSERVATIONS)
    table: pd.DataFrame = pd.concat(parts, ignore_index=True)[OBSERVATIONS]
    return table
