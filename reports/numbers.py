"""How numbers read: the only place for percent and rounding.

Everywhere else a return is a decimal fraction. Negative numbers carry a true minus sign
(U+2212), and a number that is not known is an en dash.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable

MINUS = "\N{MINUS SIGN}"
MISSING = "\N{EN DASH}"
NO_BREAK = "\N{NO-BREAK SPACE}"
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
Format = Callable[[float], str]


def _signed(text: str, signed: bool) -> str:
    """Return formatted digits with a true minus; a rounded zero carries no sign."""
    digits = text.lstrip("-")
    if not any(digit in digits for digit in "123456789"):
        return digits
    if text.startswith("-"):
        return MINUS + digits
    return f"+{digits}" if signed else digits


def decimal(value: float, digits: int = 2, *, signed: bool = False) -> str:
    """Return ``1,234.56``; NaN and infinity as an en dash."""
    if not math.isfinite(value):
        return MISSING
    return _signed(f"{value:,.{digits}f}", signed)


def percent(value: float, digits: int = 1, *, signed: bool = False) -> str:
    """Return a decimal fraction as ``12.3%``."""
    if not math.isfinite(value):
        return MISSING
    return _signed(f"{value * 100:,.{digits}f}", signed) + "%"


def change(value: float, digits: int = 1) -> str:
    """Return a decimal fraction as ``+12.3%``: something that rose or fell."""
    return percent(value, digits, signed=True)


def points(value: float, digits: int = 1) -> str:
    """Return a difference of decimal fractions in percentage points: ``+1.2``."""
    return decimal(value * 100, digits, signed=True)


def basis_points(value: float, digits: int = 1) -> str:
    """Return a decimal fraction as ``12.3 bp``."""
    if not math.isfinite(value):
        return MISSING
    return _signed(f"{value * 1e4:,.{digits}f}", signed=False) + " bp"


def rate(value: float) -> str:
    """Return a tax rate in percent with every figure it has: ``0.00278%``."""
    if not math.isfinite(value):
        return MISSING
    text = f"{value * 100:.6f}".rstrip("0").rstrip(".")
    return _signed(text, signed=False) + "%"


def true_minus(text: str) -> str:
    """Return a text with a true minus before its negative numbers, not in its dates."""
    return re.sub(r"(?<![\w.-])-(?=\d)", MINUS, text)


def level(value: float) -> str:
    """Return the coverage of an interval: ``90%``, ``98.3%``."""
    if not math.isfinite(value):
        return MISSING
    return f"{value * 100:.1f}".removesuffix(".0") + "%"


def count(value: float) -> str:
    """Return a whole number as ``1,234``."""
    return decimal(value, 0)


def money(value: float, currency: str) -> str:
    """Return ``USD 12.3m``: three figures or so, with k, m or bn."""
    if not math.isfinite(value):
        return MISSING
    for scale, suffix in ((1e9, "bn"), (1e6, "m"), (1e3, "k")):
        if abs(value) >= scale:
            return f"{currency} {decimal(value / scale, 1)}{suffix}"
    return f"{currency} {decimal(value, 0)}"


def p_value(value: float) -> str:
    """Return ``0.034``, or ``<0.001``."""
    if not math.isfinite(value):
        return MISSING
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def interval(low: float, high: float, show: Format) -> str:
    """Return ``low to high``; an en dash unless both ends are known."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return MISSING
    return f"{show(low)} to {show(high)}"


def quantity(value: float, unit: str) -> str:
    """Return a value in the unit of its test: returns and shares as percent."""
    return unit_format(unit)(value)


def unit_format(unit: str) -> Format:
    """Return how values of a unit are written."""
    if unit.startswith("return"):
        return change
    if unit in ("share", "fraction"):
        return percent
    if unit in ("percent", "%"):
        return lambda value: _with(decimal(value, 1), "%")
    if unit.lower().startswith("sharpe"):
        return lambda value: decimal(value, 2, signed=True)
    return figures


def unit_word(unit: str) -> str:
    """Return what to write behind a number of this unit, if anything."""
    if unit in ("", "return", "share", "fraction", "percent", "%"):
        return ""
    return "a year" if unit == "return per year" else unit


def _with(text: str, suffix: str) -> str:
    return text if text == MISSING else text + suffix


def figures(value: float) -> str:
    """Return about four significant figures of a value of unknown size."""
    if not math.isfinite(value):
        return MISSING
    if value == 0.0:
        return "0"
    digits = max(0, 3 - math.floor(math.log10(abs(value))))
    return decimal(value, min(digits, 8))


def day(value: dt.date) -> str:
    """Return ``2025-01-27``."""
    return value.strftime("%Y-%m-%d")


def long_day(value: dt.date) -> str:
    """Return ``27 January 2025``."""
    return f"{value.day} {MONTHS[value.month - 1]} {value.year}"


def window(value: tuple[int, int]) -> str:
    """Return an event window as ``[0, +20]``, in sessions; it does not break."""
    return f"[{session(value[0])},{NO_BREAK}{session(value[1])}]"


def session(value: int) -> str:
    """Return a session relative to day zero as ``+20``."""
    return _signed(str(value), signed=True)
