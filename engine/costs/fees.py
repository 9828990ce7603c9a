"""Stamp duties, transaction taxes and exchange fees, each dated and with its source.

The table is ``fees.csv`` beside this file; a thesis can replace its items and add its
own (`engine.costs.charges`). Left out, because no verified rate exists: Hong Kong's
trading levies. Exemptions of funds are left out too: a fund pays what a share pays.
What is charged per share is charged only at raw prices: adjusted ones have no share
count.
"""

from __future__ import annotations

import csv
import datetime as dt
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from engine.costs.dated import day_of, in_force
from engine.errors import DataError, nearest
from engine.market.listing import Line

Side = Literal["buy", "sell"]
FEE_COLUMNS = (
    "markets",
    "item",
    "rate",
    "side",
    "effective_from",
    "effective_to",
    "basis",
    "status",
    "source",
    "note",
    "per_share",
    "minimum",
    "maximum",
)
_TABLE = Path(__file__).with_name("fees.csv")
_SIDES = ("buy", "sell", "both")
_BASES = ("trade", "settlement")


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeRow:
    """One rate of one item, between two days (both included, None = open).

    `rate` is a fraction of the traded value. `basis` says which day counts: that of
    the trade or that of its settlement. `per_share` is charged beside the rate, and the
    sum of both per order is at least `minimum` and at most `maximum`: the line's own
    currency. `own` marks a charge of the thesis, `replaces` the markets in which it
    stands in for an item of the packaged table.
    """

    mics: tuple[str, ...]
    item: str
    rate: float
    side: str
    effective_from: dt.date | None
    effective_to: dt.date | None
    basis: str
    status: str
    source: str
    note: str
    per_share: float = 0.0
    minimum: float = 0.0
    maximum: float = math.inf
    own: bool = False
    replaces: tuple[str, ...] = ()

    @property
    def proportional(self) -> bool:
        """Whether it is nothing but a fraction of the value."""
        bounded = self.minimum > 0.0 or self.maximum < math.inf
        return not (bounded or self.per_share > 0.0)

    def charges(self, side: str) -> bool:
        """Return whether buyers or sellers pay it."""
        return self.side in (side, "both")


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeSchedule:
    """Every dated rate; an empty schedule charges nothing."""

    name: str
    rows: tuple[FeeRow, ...] = field(repr=False)

    def knows(self, mic: str) -> bool:
        """Return whether the table speaks of this exchange, or is meant to be empty."""
        return not self.rows or any(mic in row.mics for row in self.rows)

    def rates(
        self, mic: str, side: Side, trade: np.ndarray, settlement: np.ndarray
    ) -> np.ndarray:
        """Return the fraction of value charged on trades of each day.

        What has a minimum, a maximum or a price per share is in `order_charges`.

        Parameters
        ----------
        mic, side : str
            Exchange and ``"buy"`` or ``"sell"``.
        trade, settlement : ndarray of shape (n,), datetime64[D]
            Days of the trades and of their settlements.

        Returns
        -------
        ndarray of shape (n,)
            Sum over the items. NaN where an item of this exchange has a gap on that
            day; 0 for an exchange that the table does not know.
        """
        total = np.zeros(len(trade))
        for rows in self._items(mic, side).values():
            charged = np.full(len(trade), np.nan)
            for row in rows:
                inside = in_force(row, _basis_days(row, trade, settlement))
                charged[inside] = row.rate if row.proportional else 0.0
            total += charged
        return total

    def rate(
        self, mic: str, side: Side, trade_day: dt.date, settlement_day: dt.date
    ) -> float:
        """Return the fraction of value charged on one trade.

        Raises `DataError` where an item of this exchange has no rate on that day: a
        rate is never invented.
        """
        trade = np.array([trade_day], dtype="datetime64[D]")
        settlement = np.array([settlement_day], dtype="datetime64[D]")
        found = float(self.rates(mic, side, trade, settlement)[0])
        if np.isnan(found):
            raise DataError(self._gap(mic, side, trade, settlement))
        return found

    def order_charges(
        self,
        mic: str,
        side: Side,
        trade: np.ndarray,
        settlement: np.ndarray,
        *,
        raw: bool,
    ) -> np.ndarray:
        """Return the charges per order on trades of each day, shape (J, 4, n).

        One row per item: rate on the value, per share, at least, at most; the line's
        own currency, zeros where nothing is in force. Without `raw` prices nothing is
        charged per share. Days as in `rates`.
        """
        found = []
        for rows in self._items(mic, side).values():
            charge = np.zeros((4, len(trade)))
            charge[3] = math.inf
            for row in rows:
                if row.proportional:
                    continue
                inside = in_force(row, _basis_days(row, trade, settlement))
                per_share = row.per_share if raw else 0.0
                told = np.array([row.rate, per_share, row.minimum, row.maximum])
                charge[:, inside] = told[:, None]
            if charge[:3].any():
                found.append(charge)
        return np.array(found).reshape(len(found), 4, len(trade))

    def charge_rate(
        self, mic: str, side: Side, trade_day: dt.date, settlement_day: dt.date
    ) -> float:
        """Return the rates on value of all charges per order, whatever their bounds."""
        trade = np.array([trade_day], dtype="datetime64[D]")
        settlement = np.array([settlement_day], dtype="datetime64[D]")
        found = self.order_charges(mic, side, trade, settlement, raw=False)
        return float(found[:, 0].sum())

    def changes(self, mic: str) -> np.ndarray:
        """Return the days (datetime64[D]) on which a rate by settlement changes."""
        return np.array(
            sorted(
                row.effective_from
                for row in self.rows
                if mic in row.mics and row.basis == "settlement" and row.effective_from
            ),
            dtype="datetime64[D]",
        )

    def applied(
        self,
        lines: Sequence[Line],
        start: dt.date,
        end: dt.date,
        *,
        raw: Collection[str] = (),
    ) -> pd.DataFrame:
        """Return the rows in force for these lines between two days, for the report.

        Columns `FEE_COLUMNS`; `effective_from` and `effective_to` are ISO text, empty
        where open. `status` other than ``verified`` must be repeated to the reader.
        What is charged per share is there for markets of the symbols in `raw` only.
        """
        mics = {line.mic for line in lines}
        whole = {line.mic for line in lines if line.symbol in raw}
        kept = [
            row
            for row in self.rows
            if mics.intersection(row.mics)
            and (row.per_share == 0.0 or row.rate > 0.0 or whole.intersection(row.mics))
            and (row.effective_from is None or row.effective_from <= end)
            and (row.effective_to is None or row.effective_to >= start)
        ]
        values = [
            (
                " ".join(mic for mic in row.mics if mic in mics),
                row.item,
                row.rate,
                row.side,
                "" if row.effective_from is None else row.effective_from.isoformat(),
                "" if row.effective_to is None else row.effective_to.isoformat(),
                row.basis,
                row.status,
                row.source,
                row.note,
                row.per_share,
                row.minimum,
                row.maximum,
            )
            for row in kept
        ]
        return pd.DataFrame(values, columns=list(FEE_COLUMNS))

    def _items(self, mic: str, side: str) -> dict[str, list[FeeRow]]:
        """Return the rows charged there on that side, by item."""
        items: dict[str, list[FeeRow]] = {}
        for row in self.rows:
            if mic in row.mics and row.charges(side):
                items.setdefault(row.item, []).append(row)
        return items

    def _gap(
        self, mic: str, side: str, trade: np.ndarray, settlement: np.ndarray
    ) -> str:
        """Return the message about the item without a rate on that day."""
        for item, rows in self._items(mic, side).items():
            if any(
                in_force(row, _basis_days(row, trade, settlement))[0] for row in rows
            ):
                continue
            day = _basis_days(rows[0], trade, settlement)[0]
            if rows[0].own:
                return _own_gap(rows, mic, side, day.item())
            return (
                f"fees: no rate of {item!r} for a {side} on {mic} on {day} "
                f"({rows[0].basis} date); the table {_around(rows, day.item())}. Start "
                'later, or set execution.fees = "none" and raise execution.slippage_bps'
            )
        raise AssertionError("no item has a gap")


@cache
def schedule(kind: str) -> FeeSchedule:
    """Return the packaged schedule (``"exchange"``) or one that charges nothing.

    Raises `DataError` for another word.
    """
    if kind == "none":
        return FeeSchedule(name="none", rows=())
    if kind == "exchange":
        return FeeSchedule(name="exchange", rows=read_fees(_TABLE))
    hint = nearest(kind, ("exchange", "none")) or 'use "exchange" or "none"'
    raise DataError(f"fees: no schedule {kind!r}; {hint}")


def read_fees(path: Path) -> tuple[FeeRow, ...]:
    """Return the rows of a fee table.

    Raises `DataError` with file and line for a row that cannot be read, or two rows
    of one item that are in force on the same day.
    """
    rows: list[FeeRow] = []
    with path.open(encoding="utf-8", newline="") as lines:
        reader = csv.DictReader(lines)
        for fields in reader:
            where = f"{path.name}:{reader.line_num}"
            try:
                row = _parse(fields)
            except (KeyError, TypeError, ValueError) as error:
                raise DataError(f"{where}: cannot be read: {error}") from error
            for other in rows:
                if collide(row, other):
                    raise DataError(
                        f"{where}: {row.item!r} of {' '.join(row.mics)} is in force "
                        "together with an earlier row; end that one first"
                    )
            rows.append(row)
    return tuple(rows)


def _parse(fields: dict[str, str]) -> FeeRow:
    """Return one row of the table; ValueError names what is wrong."""
    if fields["side"] not in _SIDES:
        raise ValueError(f"side {fields['side']!r} is none of {', '.join(_SIDES)}")
    if fields["basis"] not in _BASES:
        raise ValueError(f"basis {fields['basis']!r} is none of {', '.join(_BASES)}")
    rate = float(fields["rate"])
    if not 0.0 <= rate < 1.0:
        raise ValueError(f"rate {rate} is not a fraction of the traded value")
    return FeeRow(
        mics=tuple(fields["mics"].split()),
        item=fields["item"],
        rate=rate,
        side=fields["side"],
        effective_from=day_of(fields["effective_from"]),
        effective_to=day_of(fields["effective_to"]),
        basis=fields["basis"],
        status=fields["status"],
        source=fields["source"],
        note=fields["note"],
        per_share=float(fields.get("per_share") or 0.0),
        minimum=float(fields.get("minimum") or 0.0),
        maximum=float(fields.get("maximum") or math.inf),
    )


def _own_gap(rows: Sequence[FeeRow], mic: str, side: str, day: dt.date) -> str:
    """Return the message about a day that the thesis's own charge leaves out."""
    item = rows[0].item
    replaced = mic in rows[0].replaces
    instead = ", which takes the place of the packaged one," if replaced else ""
    return (
        f"execution.charges: the thesis's own {item!r} on {mic}{instead} has no rate "
        f"for a {side} on {day}: it {_around(rows, day)}. Add a [[execution.charges]] "
        f"with item = {item!r} for the days left out (rate = 0.0 if nothing was "
        "charged then)"
    )


def _around(rows: Sequence[FeeRow], day: dt.date) -> str:
    """Return between which rows of an item a day without a rate lies."""
    ends = [row.effective_to for row in rows if row.effective_to]
    before = [end for end in ends if end < day]
    after = [
        row.effective_from
        for row in rows
        if row.effective_from is not None and row.effective_from > day
    ]
    if before and after:
        return f"has a gap between {max(before)} and {min(after)}"
    return f"ends {max(before)}" if before else f"begins {min(after)}"


def collide(row: FeeRow, other: FeeRow) -> bool:
    """Return whether two rows charge the same item on one day."""
    same = row.item == other.item and bool(set(row.mics).intersection(other.mics))
    first = max(row.effective_from or dt.date.min, other.effective_from or dt.date.min)
    last = min(row.effective_to or dt.date.max, other.effective_to or dt.date.max)
    return same and first <= last


def _basis_days(row: FeeRow, trade: np.ndarray, settlement: np.ndarray) -> np.ndarray:
    return settlement if row.basis == "settlement" else trade
