"""Sparse observations, kept with the moment each became known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

COLUMNS = (
    "series",
    "entity",
    "value_date",
    "known_at",
    "value",
    "unit",
    "quality",
    "source",
)
QUALITIES = ("observed", "forecast", "target", "bound", "disputed")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Signals:
    """Observations sorted by `known_at`, and the series that each role reads.

    `observations` has the columns of `COLUMNS`; `value_date` and `known_at` are
    tz-naive ``datetime64[ns]`` (UTC), `value` float64. `roles` maps a signal role
    (``token_share``, ``vendor_share``, ``tokens``, ``capex``, ...) to one series.
    """

    observations: pd.DataFrame
    roles: Mapping[str, str] = field(default_factory=dict)

    def first(self, count: int) -> Signals:
        """Return the first `count` observations to become known, without copying."""
        return Signals(observations=self.observations.iloc[:count], roles=self.roles)

    def known_by(self, moment: np.datetime64) -> int:
        """Return how many observations were known at or before `moment` (UTC)."""
        known = self.observations["known_at"].to_numpy()
        return int(np.searchsorted(known, moment, side="right"))

    def read(
        self, role: str, *, quality: tuple[str, ...] = ("observed",)
    ) -> pd.DataFrame:
        """Return the role's observations, one per entity and value date.

        Sorted by value date; where a value was restated, the last vintage. Empty if
        nothing answers to the role. Only observations of `quality` count: a bound or
        a target is not a value.
        """
        frame = self.observations
        wanted = self.roles.get(role, role)
        chosen = frame[(frame["series"] == wanted) & frame["quality"].isin(quality)]
        latest = chosen.drop_duplicates(["entity", "value_date"], keep="last")
        return latest.sort_values(["value_date", "entity"], kind="stable")
