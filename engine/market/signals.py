"""Sparse observations, kept with the moment each became known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

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
#: Readings that are kept, so that a long diary does not keep all of its own.
_MOST_KEPT = 256


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Columns:
    """All observations as arrays of n rows, and the rows of each series, ascending.

    Only observations of quality ``observed`` with a number and an entity are among
    `rows`. `entity` is a place in `entities`, -1 for none.
    """

    rows: Mapping[str, np.ndarray]
    entity: np.ndarray
    entities: np.ndarray
    value_date: np.ndarray
    known_at: np.ndarray
    value: np.ndarray


@dataclass(frozen=True, kw_only=True, eq=False)  # no slots: columns are cached
class Signals:
    """Observations sorted by `known_at`, and the series that each role reads.

    `observations` has the columns of `COLUMNS`; `value_date` and `known_at` are
    tz-naive ``datetime64[ns]`` (UTC), `value` float64. `roles` maps a signal role
    (``token_share``, ``vendor_share``, ``tokens``, ``capex``, ...) to one series.
    """

    observations: pd.DataFrame
    roles: Mapping[str, str] = field(default_factory=dict)
    #: The signals that these are the first of.
    _whole: Signals | None = field(default=None, init=False, repr=False)

    @cached_property
    def _columns(self) -> Columns:
        frame = self.observations
        value = frame["value"].to_numpy(np.float64)
        observed = frame["quality"].to_numpy(object) == "observed"
        entity, entities = pd.factorize(frame["entity"].to_numpy(object))
        counted = np.flatnonzero(observed & np.isfinite(value) & (entity >= 0))
        series, names = pd.factorize(frame["series"].to_numpy(object)[counted])
        return Columns(
            rows={str(name): counted[series == at] for at, name in enumerate(names)},
            entity=entity,
            entities=np.asarray(entities, dtype=object),
            value_date=frame["value_date"].to_numpy(),
            known_at=frame["known_at"].to_numpy(),
            value=value,
        )

    @cached_property
    def _read(self) -> dict[str, tuple[np.ndarray, pd.DataFrame]]:
        """What `_series` has laid out."""
        return {}

    @cached_property
    def _latest(self) -> dict[tuple[str, int, tuple[str, ...]], pd.DataFrame]:
        """What `read` has found, by series, observations known of it, and quality."""
        return {}

    def _series(self, name: str) -> tuple[np.ndarray, pd.DataFrame]:
        """Return the rows of a series, ascending, and its observations."""
        if name not in self._read:
            rows = np.flatnonzero((self.observations["series"] == name).to_numpy(bool))
            self._read[name] = rows, self.observations.iloc[rows]
        return self._read[name]

    def observed(self, role: str) -> tuple[np.ndarray, Columns]:
        """Return which rows hold observed numbers of a role, and all columns.

        The columns are laid out once for all signals that `first` cuts from the same.
        """
        columns = (self._whole or self)._columns
        rows = columns.rows.get(self.roles.get(role, role))
        if rows is None:
            rows = np.empty(0, dtype=np.int64)
        return rows[: np.searchsorted(rows, len(self.observations))], columns

    def first(self, count: int) -> Signals:
        """Return the first `count` observations to become known, without copying."""
        part = Signals(observations=self.observations.iloc[:count], roles=self.roles)
        object.__setattr__(part, "_whole", self._whole or self)
        return part

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
        whole, name = self._whole or self, self.roles.get(role, role)
        rows, series = whole._series(name)
        key = name, int(np.searchsorted(rows, len(self.observations))), quality
        if key not in whole._latest:
            if len(whole._latest) >= _MOST_KEPT:
                whole._latest.clear()
            frame = series.iloc[: key[1]]
            chosen = frame[frame["quality"].isin(quality)]
            latest = chosen.drop_duplicates(["entity", "value_date"], keep="last")
            latest = latest.sort_values(["value_date", "entity"], kind="stable")
            whole._latest[key] = latest
        return whole._latest[key].copy(deep=False)
