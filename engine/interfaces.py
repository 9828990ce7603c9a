"""The plug points: what a factor and a source must offer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import pandas as pd

from engine.market.listing import Line, Universe
from engine.market.market import Known
from engine.market.supplied import PriceData as PriceData
from engine.market.supplied import SignalData as SignalData


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """A factor that cannot speak, and why."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AssetReading:
    """One number per asset (NaN: nothing known) and when each became known (UTC)."""

    values: pd.Series
    known_at: pd.Series


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StateReading:
    """The past of one number for the world, indexed by when each value became known.

    `values` is a float Series on an increasing tz-naive UTC index; its last entry is
    the factor's value now, the earlier ones standardise it.
    """

    values: pd.Series


@runtime_checkable
class AssetFactor(Protocol):
    """What is known at a moment -> one number per asset."""

    def read(self, known: Known, assets: Sequence[str]) -> AssetReading | Absent:
        """Return the factor's values for `assets`, or why there are none."""
        ...


@runtime_checkable
class StateFactor(Protocol):
    """What is known at a moment -> one number for the world, with its past."""

    def history(self, known: Known) -> StateReading | Absent:
        """Return the factor's past up to now, or why there is none."""
        ...


class PriceSource(Protocol):
    """Where prices come from."""

    def load(self, lines: Sequence[Line], start: dt.date, end: dt.date) -> PriceData:
        """Return prices of the lines it has, from before `start` to `end`."""
        ...


class SignalSource(Protocol):
    """Where signals come from."""

    def load(self, universe: Universe) -> SignalData:
        """Return every observation it has."""
        ...
