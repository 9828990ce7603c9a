"""Rows of a dated table: from when and until when each is in force."""

from __future__ import annotations

import datetime as dt
from typing import Protocol

import numpy as np


class Dated(Protocol):
    """A row with its first and last day; None leaves that side open."""

    @property
    def effective_from(self) -> dt.date | None:
        """First day in force."""
        ...

    @property
    def effective_to(self) -> dt.date | None:
        """Last day in force."""
        ...


def day_of(text: str) -> dt.date | None:
    """Return a table's day, None for a blank cell."""
    return dt.date.fromisoformat(text) if text else None


def in_force(row: Dated, days: np.ndarray) -> np.ndarray:
    """Return where `days` lie between the row's first and last day."""
    inside = np.ones(len(days), dtype=bool)
    if row.effective_from is not None:
        inside &= days >= np.datetime64(row.effective_from)
    if row.effective_to is not None:
        inside &= days <= np.datetime64(row.effective_to)
    return inside
