"""The printed table of what was observed at a decision, and who read it as what."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import pandas as pd

from engine.explain_steps import NOTHING_KNOWN
from engine.explanation import Explanation
from reports import numbers
from reports.document import Cell, Column, Table, plain
from reports.tables import records


def known(one: Explanation) -> Table | None:
    """Return the newest observation of each role, and what the factors read of it."""
    newest = one.observations[one.observations["newest"].astype(bool)]
    read = {str(row["factor"]): row for row in records(one.contributions)}
    rows, readings = [], dict.fromkeys(read, "")
    readings |= {
        name: f" {numbers.figures(row['reading'])}"
        for name, row in read.items()
        if not math.isnan(row["exposure"])
    }
    for role, group in newest.groupby("role", sort=False):
        rows.append(_seen(str(role), group, readings))
    if not rows:
        return None
    return Table(
        id="why-known",
        caption=f"What was observed by the close of {numbers.day(one.decided)}.",
        columns=(
            Column(
                label="Newest observation, source", align="left", wide=True, weight=2
            ),
            Column(label="Value"),
            Column(label="As of"),
            Column(label="Known, UTC"),
            Column(label="Read by, and as what", align="left", wide=True),
        ),
        rows=tuple(rows),
        compact=True,
        note="Of several, the last to become known stands for all, and of equals the "
        f"largest. A reading is in the factor's own unit.{_absent(read.values())}",
    )


def _absent(rows: Iterable[dict[str, Any]]) -> str:
    """Return which factors could not speak at all, and why."""
    silent = [
        f"{spaced(row['factor'])} ({row['absent']})"
        for row in rows
        if row["absent"] not in ("", NOTHING_KNOWN)
    ]
    return f" Absent: {'; '.join(silent)}." if silent else ""


def _seen(role: str, group: pd.DataFrame, readings: dict[str, str]) -> tuple[Cell, ...]:
    """Return a role's newest observation, and which factors read it as what.

    A factor of several roles shows its reading at the first of them.
    """
    last = records(group.sort_values(["known_at", "value"]).iloc[-1:])[0]
    entity, count = str(last["entity"]), len(group)
    among = f"{entity}, of {count}" if count > 1 else entity
    readers = []
    for name in str(last["factors"]).split(", "):
        readers.append(f"{spaced(name)}{readings[name]}")
        readings[name] = ""
    return (
        plain(f"{spaced(role)}: {among}", sub=f"{last['series']}; {last['source']}"),
        plain(observed(float(last["value"]), str(last["unit"]))),
        plain(numbers.day(last["value_date"])),
        plain(moment(last["known_at"])),
        plain("; ".join(readers)),
    )


def observed(value: float, unit: str) -> str:
    """Return an observation in its unit, millions and more in short."""
    if len(unit) == 3 and unit.isupper():
        return numbers.money(value, unit)
    if abs(value) >= 1e6:
        return f"{numbers.money(value, '').strip()} {unit}"
    word = numbers.unit_word(unit)
    return f"{numbers.quantity(value, unit)} {word}".strip()


def spaced(name: str) -> str:
    """Return the name of a factor or a role as words."""
    return name.replace("_", " ")


def moment(when: pd.Timestamp) -> str:
    """Return a UTC moment to the minute, nothing where there is none."""
    return "" if pd.isna(when) else when.strftime("%Y-%m-%d %H:%M")
