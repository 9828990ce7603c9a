"""Whose columns a file of prices has, and what its closes are adjusted for."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from engine.sources.imports.mapping import FIELDS
from engine.sources.imports.names import STOOQ_NAME
from engine.sources.imports.sheet import Sheet
from engine.sources.stored.price_rows import ACTIONS

STOOQ = ("symbol", "per", "date", "time")
BARS = ("open", "high", "low", "close", "volume")


def is_stooq(sheet: Sheet) -> bool:
    """Return whether columns, or plain bars and the file's name, are Stooq's."""
    if sheet.has("adj_close"):
        return False
    by_name = STOOQ_NAME.fullmatch(sheet.path.stem) is not None
    return (
        sheet.has(*STOOQ[1:])
        or sheet.has("per", "symbol")
        or (by_name and sheet.has(*BARS))
    )


def house_of(sheet: Sheet) -> list[str]:
    """Return whose columns a long sheet has, and what that means for its closes."""
    if is_stooq(sheet):
        return [
            "Stooq's columns: its closes are adjusted for splits and dividends "
            "already, so each is stored as close and as adj_close"
        ]
    if sheet.has("adj_close", *BARS):
        acted = [name for name in ACTIONS if sheet.has(name)]
        more = f", with {', '.join(acted)} (0 means none)" if acted else ""
        return [f"Yahoo's columns: {basis_of(sheet.cells)}{more}"]
    if sheet.has(*BARS):
        return [
            "Stooq's columns, or plain bars: if they are Stooq's, closes are adjusted "
            "for splits and dividends already; nothing in the file says so"
        ]
    held: Sequence[str] = [name for name in FIELDS if sheet.has(name)]
    return [f"plain columns: {', '.join(held)}"]


def basis_of(frame: pd.DataFrame) -> str:
    """Return in words how the closes of a frame are adjusted, by its own numbers."""
    close = frame["close"] if "close" in frame else pd.Series(dtype="float64")
    adjusted = frame["adj_close"] if "adj_close" in frame else close.iloc[:0]
    if close.isna().all():
        return "adjusted closes only"
    if adjusted.isna().all():
        return "closes only"
    both = close.notna() & adjusted.notna()
    if (close[both] == adjusted[both]).all():
        return "every close equals its adjusted close"
    return "closes, and adjusted closes that differ from them"
