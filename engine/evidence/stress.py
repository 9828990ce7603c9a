"""Stress of a thesis's mechanisms: layer scores if one fails. Assumptions, all of it.

Nothing here reaches a verdict, the thesis score or the portfolio.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from engine.evidence.mechanisms import MECHANISMS
from engine.evidence.mechanisms.mechanism import Outcome
from engine.market.market import Known, Market
from engine.market.signals import Signals
from engine.portfolio.results import Scorecard
from engine.portfolio.scoring import WeightedFactor, layer_scores, score
from engine.thesis.model import Mechanism, Thesis
from engine.thesis.stress import Reads

RECOMPUTED, STATED, NOT_SCORED = "recomputed", "stated", "not scored"
UNREAD = "no factor reads it"

MECHANISM_COLUMNS = (
    "mechanism",
    "says",
    "kind",
    "quantity",
    "change",  # of the quantity, as a share of it
    "change_low",  # lowest and highest over the ends of the inputs' ranges
    "change_high",
    "basis",  # how it reaches the scores
    "through",  # the factor, or "exposure"
    "why",
    "limits",
    "document",
    "note",
    "declared",
)
INPUT_COLUMNS = (
    *("mechanism", "input", "value", "low", "high", "unit", "source", "grade"),
)
NUMBER_COLUMNS = ("mechanism", "number", "value", "low", "high", "unit", "formula")
LAYER_COLUMNS = ("mechanism", "layer", "before", "after", "low", "high", "basis")


def _none(columns: Sequence[str]) -> pd.DataFrame:
    return pd.DataFrame(columns=list(columns))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stress:
    """What each mechanism's failure would do to the layer scores.

    mechanisms : one row each, columns `MECHANISM_COLUMNS`. inputs, numbers : what went
        in with its source, what came out with its formula. layers : one row per
        mechanism and layer: the score of the last scored decision, the same under the
        stress, and its lowest and highest over the ranges of the inputs.
    session : the home session of that decision, None where none was scored.
    """

    session: pd.Timestamp | None = None
    mechanisms: pd.DataFrame = field(default_factory=lambda: _none(MECHANISM_COLUMNS))
    inputs: pd.DataFrame = field(default_factory=lambda: _none(INPUT_COLUMNS))
    numbers: pd.DataFrame = field(default_factory=lambda: _none(NUMBER_COLUMNS))
    layers: pd.DataFrame = field(default_factory=lambda: _none(LAYER_COLUMNS))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scored:
    """A decision with scores: its home session, its moment, and its scorecard."""

    session: pd.Timestamp
    moment: np.datetime64
    scorecard: Scorecard

    @property
    def some(self) -> bool:
        """Whether any asset has a score."""
        return bool((~self.scorecard.withheld).any())


def study_stress(
    thesis: Thesis,
    market: Market,
    factors: Sequence[WeightedFactor],
    exposures: pd.DataFrame,
    scored: Scored | None,
) -> Stress:
    """Return what the failure of each mechanism would do to the layer scores.

    Parameters
    ----------
    factors : of the thesis, as its decisions were scored with.
    exposures : DataFrame (assets x layers)
    scored : the last decision with scores, None where there is none.

    Notes
    -----
    A mechanism's inputs give a relative change. Where the factor that reads the signal
    spoke at that decision, the newest observation known then is multiplied by
    1 + change and every asset is scored again; else a layer's score moves by exposure
    x change, within [-1, 1]. A change of 0 leaves each score exactly as it was.
    """
    if not thesis.mechanisms:
        return Stress()
    bench = _Bench(thesis, market, factors, exposures, scored)
    outcomes = [ranged(one) for one in thesis.mechanisms]
    rows = [
        bench.rows(one, outcome)
        for one, outcome in zip(thesis.mechanisms, outcomes, strict=True)
    ]
    return Stress(
        session=scored.session if scored else None,
        mechanisms=pd.DataFrame(
            [told for told, _ in rows], columns=list(MECHANISM_COLUMNS)
        ),
        inputs=_inputs(thesis.mechanisms),
        numbers=_numbers(thesis.mechanisms, outcomes),
        layers=pd.DataFrame(
            [row for _, every in rows for row in every], columns=list(LAYER_COLUMNS)
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranged:
    """What a mechanism gives, and at every combination of its ranges' ends."""

    outcome: Outcome
    corners: tuple[Outcome, ...]

    @property
    def changes(self) -> tuple[float, float, float]:
        """The change, and its lowest and highest over the ranges' ends."""
        every = [self.outcome.change, *(one.change for one in self.corners)]
        return self.outcome.change, min(every), max(every)


def ranged(mechanism: Mechanism) -> Ranged:
    """Return what a mechanism's inputs give, and what the ends of their ranges do."""
    kind = MECHANISMS[mechanism.kind]

    def at(values: Sequence[float]) -> Outcome:
        named = dict(zip(mechanism.inputs, values, strict=True))
        return kind.compute(kind.inputs(**named))

    given = list(mechanism.inputs.values())
    ends = [sorted(set(one.ends)) for one in given]
    several = any(len(one) > 1 for one in ends)
    return Ranged(
        outcome=at([one.value for one in given]),
        corners=tuple(map(at, itertools.product(*ends))) if several else (),
    )


def stressed(known: Known, reads: Reads, change: float) -> Known | None:
    """Return what was known, with the newest observation of a role changed.

    Each entity's newest value date (or that of the one entity named) is multiplied by
    1 + `change`, in every vintage of it. None where there is no observation.
    """
    frame = known.signals.observations
    series = known.signals.roles.get(reads.role, reads.role)
    chosen = (frame["series"] == series) & (frame["quality"] == "observed")
    if reads.entity is not None:
        chosen &= frame["entity"] == reads.entity
    place = np.flatnonzero(chosen.to_numpy())
    if not len(place):
        return None
    dates = frame["value_date"].to_numpy()[place]
    entity = pd.factorize(frame["entity"].array.take(place))[0]
    newest = np.full(entity.max() + 1, np.datetime64("NaT", "ns"))
    for code in range(len(newest)):
        newest[code] = dates[entity == code].max()
    value = frame["value"].to_numpy().copy()
    value[place[dates == newest[entity]]] *= 1.0 + change
    signals = Signals(observations=frame.assign(value=value), roles=known.signals.roles)
    return replace(known, signals=signals)


class _Bench:
    """The decision that is scored again under each stress."""

    def __init__(
        self,
        thesis: Thesis,
        market: Market,
        factors: Sequence[WeightedFactor],
        exposures: pd.DataFrame,
        scored: Scored | None,
    ) -> None:
        self.thesis = thesis
        self.factors = factors
        self.exposures = exposures
        self.layer_names = list(exposures.columns)
        self.scored = scored
        self.known = market.known_at(scored.moment) if scored else None
        nothing = np.full(len(self.layer_names), np.nan)
        self.before = self._layers(scored.scorecard) if scored else nothing

    def rows(
        self, mechanism: Mechanism, found: Ranged
    ) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Return a mechanism's row, and one row per layer."""
        kind = MECHANISMS[mechanism.kind]
        why = self._silent(mechanism)
        if not why:
            assert mechanism.reads is not None
            basis, through = RECOMPUTED, mechanism.reads.factor
        elif mechanism.exposure and self.scored:
            basis, through = STATED, "exposure"
        else:
            basis, through = NOT_SCORED, ""
        made = {
            change: self._after(mechanism, basis, change)
            for change in dict.fromkeys(found.changes)
        }
        every = np.array(list(made.values()))
        change, low, high = found.changes
        if basis == RECOMPUTED and change and (made[change] == self.before).all():
            why = f"{through} stays: at the end of its scale, or its rank holds"
        told = {
            "mechanism": mechanism.id,
            "says": mechanism.says,
            "kind": mechanism.kind,
            "quantity": kind.quantity,
            "change": change,
            "change_low": low,
            "change_high": high,
            "basis": basis,
            "through": through,
            "why": why,
            "limits": kind.limits,
            "document": mechanism.document,
            "note": " ".join(mechanism.note.split()),
            "declared": str(self.thesis.declared_of(mechanism) or ""),
        }
        layers = [
            {
                "mechanism": mechanism.id,
                "layer": layer,
                "before": self.before[place],
                "after": made[change][place],
                "low": every[:, place].min(),
                "high": every[:, place].max(),
                "basis": basis,
            }
            for place, layer in enumerate(self.layer_names)
        ]
        return told, layers

    def _silent(self, mechanism: Mechanism) -> str:
        """Return why no factor can be read again under the stress, "" if one can."""
        reads = mechanism.reads
        if self.scored is None or self.known is None:
            return "no decision was scored"
        if reads is None:
            return UNREAD
        absent = self.scored.scorecard.absent
        if reads.factor in absent:
            return f"{reads.factor} is absent: {absent[reads.factor]}"
        if stressed(self.known, reads, 0.0) is None:
            of = f" of {reads.entity}" if reads.entity else ""
            return f"no observation of {reads.role}{of}"
        return ""

    def _after(self, mechanism: Mechanism, basis: str, change: float) -> np.ndarray:
        """Return the layer scores under a stress of this size, shape (L,)."""
        if basis == NOT_SCORED:
            return np.full(len(self.layer_names), np.nan)
        if basis == STATED:
            effect = [mechanism.exposure.get(name, 0.0) for name in self.layer_names]
            return np.clip(self.before + np.array(effect) * change, -1.0, 1.0)
        assert self.known is not None
        assert mechanism.reads is not None
        known = stressed(self.known, mechanism.reads, change)
        assert known is not None
        assets = list(self.exposures.index)
        scoring = self.thesis.scoring
        return self._layers(score(known, self.factors, assets, self.exposures, scoring))

    def _layers(self, card: Scorecard) -> np.ndarray:
        return layer_scores(card, self.exposures)["score"].to_numpy(np.float64)


def _inputs(mechanisms: Sequence[Mechanism]) -> pd.DataFrame:
    rows = [
        [one.id, name, each.value, *each.ends, each.unit, each.source, each.grade]
        for one in mechanisms
        for name, each in one.inputs.items()
    ]
    return pd.DataFrame(rows, columns=list(INPUT_COLUMNS))


def _numbers(
    mechanisms: Sequence[Mechanism], outcomes: Sequence[Ranged]
) -> pd.DataFrame:
    rows = []
    for one, found in zip(mechanisms, outcomes, strict=True):
        for place, number in enumerate(found.outcome.numbers):
            every = [number.value, *(c.numbers[place].value for c in found.corners)]
            ends = (float(np.min(every)), float(np.max(every)))
            rows.append(
                [one.id, number.name, number.value, *ends, number.unit, number.formula]
            )
    return pd.DataFrame(rows, columns=list(NUMBER_COLUMNS))
