"""Counts, days and moments in the words of an import's findings."""

from __future__ import annotations

import pandas as pd


def counted(count: int, word: str, many: str = "") -> str:
    """Return ``1 row`` or ``2,000 rows``; `many` where an s makes no plural."""
    return f"{count:,} {word if count == 1 else many or word + 's'}"


def number_of(value: float) -> str:
    """Return a number: a whole one with its digits, any other to ten of them."""
    return f"{value:.15g}" if value == round(value) else f"{value:.10g}"


def day_of(moment: pd.Timestamp) -> str:
    """Return the day of a moment in ISO form."""
    return moment.strftime("%Y-%m-%d")


def moment_of(moment: pd.Timestamp) -> str:
    """Return a moment in UTC: the day alone where it is the day's first."""
    if moment == moment.normalize():
        return day_of(moment)
    return f"{moment.strftime('%Y-%m-%d %H:%M')} UTC"
