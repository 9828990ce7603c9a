"""What an event's numbers owe to the choices behind them, in print."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from engine.evidence.event_sensitivity import AS_STATED
from engine.study_result import StudyResult
from reports import numbers, tables, words
from reports.document import Cell, Column, Table, heading_row, number, plain

Row = Mapping[str, Any]
_LEVEL = 0.05
_NEVER = "never"


def sensitivity(result: StudyResult, event: str) -> Table | None:
    """Return the effects of an event that are significant, or would be, by window.

    Each with its range over all other choices, and the choices under which p crosses
    0.05 or the sign changes. None where no other choice was tried.
    """
    table = result.sensitivity
    if table.empty:
        return None
    known: dict[tuple[str, Any], list[Row]] = {}
    for row in tables.records(table[table["event"] == event]):
        if math.isfinite(row["p"]):
            known.setdefault((row["subject"], row["window"]), []).append(row)
    rows: list[tuple[Cell, ...]] = []
    groups: set[int] = set()
    steady = 0
    columns = (
        Column(label="Layer or contrast", align="left", wide=True),
        Column(label="As stated"),
        Column(label="Range"),
        Column(label="p crosses 0.05", align="left", wide=True),
        Column(label="Sign changes", align="left", wide=True),
    )
    for window in sorted({key[1] for key in known}):
        part = [rows for key, rows in known.items() if key[1] == window]
        part = [one for one in part if one[0]["variant"] == AS_STATED and one[1:]]
        shown = [one for one in part if any(row["p"] < _LEVEL for row in one)]
        steady += len(part) - len(shown)
        if shown:
            groups.add(len(rows))
            told = f"Sessions {numbers.window(window)}"
            rows.append(heading_row(told, len(columns)))
            rows += [_row(one) for one in shown]
    if not rows:
        return None
    title = result.thesis.event(event).title
    rest = f" {steady} more are significant under no choice." if steady else ""
    return Table(
        id="event-sensitivity",
        caption=f"{title}: what the effects owe to the choices behind them.",
        columns=columns,
        rows=tuple(rows),
        groups=frozenset(groups),
        note="Range: the smallest and the largest effect over the other choices, one "
        "at a time: day zero a session earlier or later (a wrong date, to see what "
        "hangs on it), other estimation windows, benchmarks, models and returns, each "
        "asset left out. Choices are not independent trials, and p is not corrected "
        f"for them.{rest} All numbers: tables/event_sensitivity.",
    )


def _row(rows: Sequence[Row]) -> tuple[Cell, ...]:
    own, others = rows[0], rows[1:]
    least, most = (pick(row["car"] for row in others) for pick in (min, max))
    significant = own["p"] < _LEVEL
    crossed = [row for row in others if (row["p"] < _LEVEL) != significant]
    turned = [row for row in others if (row["car"] > 0) != (own["car"] > 0)]
    shown = number(own["car"], numbers.change)
    return (
        plain(words.label(str(own["subject"]))),
        Cell(text=shown.text, tone=shown.tone, sub=f"p {numbers.p_value(own['p'])}"),
        plain(
            numbers.interval(least, most, numbers.change),
            sub=f"{len(others)} other choices",
        ),
        plain(_choices(crossed), "" if crossed else "muted"),
        plain(_choices(turned), "" if turned else "muted"),
    )


def _choices(rows: Sequence[Row]) -> str:
    """Return ``day zero +1; without NVDA, AVGO``."""
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(str(row["choice"]), []).append(_variant(row))
    return "; ".join(f"{kind} {', '.join(them)}" for kind, them in found.items()) or (
        _NEVER
    )


def _variant(row: Row) -> str:
    """Return a variant as a reader sees it, with true minus signs."""
    text = str(row["variant"]).replace("_", "-")
    if row["choice"] in ("day zero", "estimation"):
        return text.removesuffix(" session").replace("-", numbers.MINUS)
    return text
