"""A signal role as arrays: what was observed, and when it was first published."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from engine.interfaces import Absent, StateReading
from engine.market.signals import Signals

WEEK = np.timedelta64(7, "D")
DAY = np.timedelta64(1, "D")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Table:
    """The observations of one role: D value dates, E entities.

    dates : (D,) ``datetime64[ns]``, increasing. entities : E names, sorted.
    value : (D, E) last vintage known; NaN where nothing was observed.
    published : (D, E) when the first vintage became known; NaT where nothing was.
    """

    role: str
    dates: np.ndarray
    entities: tuple[str, ...]
    value: np.ndarray
    published: np.ndarray

    @property
    def count(self) -> int:
        """How many observations there are."""
        return int(np.isfinite(self.value).sum())

    def column(self, entity: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return (dates, value, published) of one entity, without its gaps."""
        at = self.entities.index(entity)
        there = np.isfinite(self.value[:, at])
        return self.dates[there], self.value[there, at], self.published[there, at]


def observed(signals: Signals, role: str) -> Table:
    """Return the role's observations, of quality ``observed`` only.

    A bound, a target, a forecast or a disputed figure is not a value. A restated
    value keeps the date of its first publication and takes its newest figure.
    """
    rows, columns = signals.observed(role)
    code, places = pd.factorize(columns.entity[rows])
    names = columns.entities[places]
    dates, day = np.unique(columns.value_date[rows], return_inverse=True)
    known = columns.known_at[rows]
    value = np.full((len(dates), len(names)), np.nan)
    published = np.full(value.shape, np.datetime64("NaT", "ns"))
    # Rows come in the order they became known, and of repeated places numpy keeps the
    # last written: the newest figure.
    value[day, code] = columns.value[rows]
    first = np.unique(day * max(len(names), 1) + code, return_index=True)[1]
    published[day[first], code[first]] = known[first]
    order = np.argsort(np.asarray(names, dtype=np.str_))
    return Table(
        role=role,
        dates=dates,
        entities=tuple(str(names[place]) for place in order),
        value=value[:, order],
        published=published[:, order],
    )


def single(table: Table, entity: str, *, factor: str) -> str | Absent:
    """Return the one entity to read: the one asked for, or the only one there."""
    if not table.entities:
        return Absent(reason=f"0 observations of {table.role} known")
    if entity:
        if entity in table.entities:
            return entity
        return Absent(reason=f"0 observations of {table.role} for {entity} known")
    if len(table.entities) > 1:
        return Absent(
            reason=f"{table.role} has {len(table.entities)} entities; name one: "
            f"{factor} takes entity = {table.entities[0]!r}, ..."
        )
    return table.entities[0]


def earlier(dates: np.ndarray, *, weeks: int, tolerance: int) -> np.ndarray:
    """Return for each date the place of the one to compare it with, or -1.

    That is the newest date at least `weeks` weeks older, unless it is more than
    `tolerance` weeks older still: a gap is not bridged. Shape (D,), int.
    """
    target = dates - weeks * WEEK
    place = np.searchsorted(dates, target, side="right") - 1
    found = place >= 0
    found[found] = dates[place[found]] >= target[found] - tolerance * WEEK
    return np.where(found, place, -1)


def too_short(table: Table, count: int, *, weeks: int, tolerance: int) -> Absent:
    """Return the reason why a comparison over `weeks` weeks finds no pair."""
    if count <= weeks:
        return Absent(
            reason=f"{count} observations of {table.role} known, {weeks + 1} needed"
        )
    return Absent(
        reason=f"{count} observations of {table.role} known, no two of them "
        f"{weeks} to {weeks + tolerance} weeks apart"
    )


def last_published(published: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Return when the last of each row's figures was published; 1970 without any.

    `published` and the mask `there` have shape (D, E), the result (D,).
    """
    epoch = np.zeros((len(published), 1), dtype="datetime64[ns]")
    known = np.where(there, published, epoch)
    return np.asarray(np.concatenate([epoch, known], axis=1).max(axis=1))


def reading(values: np.ndarray, published: np.ndarray) -> StateReading:
    """Return values in the order of their value dates as a history of publications.

    A value first published after a newer one never was the factor's value and is left
    out, so the index never falls and the last entry is the newest. Several values
    published at one moment (a back catalogue) all stay.
    """
    ahead = np.minimum.accumulate(published[::-1])[::-1]
    kept = published <= ahead
    index = pd.DatetimeIndex(published[kept]).as_unit("ns").rename("known_at")
    return StateReading(values=pd.Series(values[kept], index=index, dtype=np.float64))
