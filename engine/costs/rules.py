"""Board lots, daily price limits, short sales and withholding, each dated and sourced.

The table is ``rules.csv`` beside this file. A row that names symbols goes before one
for a whole exchange. A star stands for any text: ``688*.SS``.
"""

from __future__ import annotations

import csv
import datetime as dt
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np

from engine.costs.dated import day_of, in_force
from engine.errors import DataError
from engine.market.listing import Line

Item = Literal["board lot", "price limit", "short sales", "withholding"]
ITEMS: tuple[Item, ...] = ("board lot", "price limit", "short sales", "withholding")
_TABLE = Path(__file__).with_name("rules.csv")


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleRow:
    """One value of one rule, between two days (both included, None = open).

    `value` is shares (board lot), a fraction of the price before (price limit), 1 or 0
    (short sales allowed or not), a fraction of the dividend (withholding). `slack` is
    how far below its fraction rounding may put a price limit, as a fraction.
    """

    mics: tuple[str, ...]
    symbols: tuple[str, ...]
    item: Item
    value: float
    slack: float
    effective_from: dt.date | None
    effective_to: dt.date | None
    status: str
    source: str
    note: str

    def speaks_of(self, line: Line) -> bool:
        """Return whether the row is about this line."""
        here = line.mic in self.mics
        return here and (
            not self.symbols
            or any(fnmatchcase(line.symbol, one) for one in self.symbols)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketRules:
    """Every dated rule."""

    rows: tuple[RuleRow, ...] = field(repr=False)

    def values(
        self, item: Item, line: Line, days: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the value and slack of a rule for a line on each day.

        `days` is an ndarray of shape (n,), datetime64[D]; the results have its shape,
        NaN where the table says nothing.
        """
        value, slack = np.full(len(days), np.nan), np.full(len(days), np.nan)
        said = [row for row in self.rows if row.item == item and row.speaks_of(line)]
        for row in sorted(said, key=lambda row: bool(row.symbols)):
            inside = in_force(row, days)
            value[inside], slack[inside] = row.value, row.slack
        return value, slack

    def deciding(self, item: Item, line: Line, days: np.ndarray) -> tuple[RuleRow, ...]:
        """Return the rows whose value counts on at least one of the days, in order.

        A row for a whole exchange that one for the line's symbol covers on every day
        decides nothing. `days` as in `values`.
        """
        said = [row for row in self.rows if row.item == item and row.speaks_of(line)]
        last = np.full(len(days), -1)
        for place, row in sorted(enumerate(said), key=lambda one: bool(one[1].symbols)):
            last[in_force(row, days)] = place
        return tuple(said[place] for place in np.unique(last[last >= 0]))


@cache
def market_rules() -> MarketRules:
    """Return the packaged rules."""
    return MarketRules(rows=read_rules(_TABLE))


def read_rules(path: Path) -> tuple[RuleRow, ...]:
    """Return the rows of a table of rules.

    Raises `DataError` with file and line for a row that cannot be read.
    """
    rows: list[RuleRow] = []
    with path.open(encoding="utf-8", newline="") as lines:
        reader = csv.DictReader(lines)
        for fields in reader:
            try:
                rows.append(_parse(fields))
            except (KeyError, TypeError, ValueError) as error:
                where = f"{path.name}:{reader.line_num}"
                raise DataError(f"{where}: cannot be read: {error}") from error
    return tuple(rows)


def _parse(fields: dict[str, str]) -> RuleRow:
    """Return one row of the table; ValueError names what is wrong."""
    item = next((one for one in ITEMS if one == fields["item"]), None)
    if item is None:
        raise ValueError(f"item {fields['item']!r} is none of {', '.join(ITEMS)}")
    value = float(fields["value"])
    if value < 0.0 or (item != "board lot" and value > 1.0):
        raise ValueError(f"{item} {value} cannot be meant")
    return RuleRow(
        mics=tuple(fields["mics"].split()),
        symbols=tuple(fields["symbols"].split()),
        item=item,
        value=value,
        slack=float(fields["slack"] or 0.0),
        effective_from=day_of(fields["effective_from"]),
        effective_to=day_of(fields["effective_to"]),
        status=fields["status"],
        source=fields["source"],
        note=fields["note"],
    )
