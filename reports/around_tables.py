"""The printed tables about what every path did around the events."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from engine.evidence.placebo_starts import fan_sentence
from engine.study_result import StudyResult
from reports import numbers, tables, words
from reports.document import Cell, Column, Table, number, plain
from reports.figures import event_numbers

#: Rank among placebo starts as a cell; the same column for every path.
_RANKS = ("placebo_rank", "placebo_rank_whole")


def fan_words(result: StudyResult, event: str) -> str:
    """Return what the bands behind the paths are, and how little they rest on."""
    one = result.around[event]
    if not len(one.fan):
        return "No placebo start has a whole window before the event's."
    count, apart = _starts(result, event)
    main = words.label(result.backtest.name).lower()
    begun = f"{count} other day{'s' * (count != 1)}"
    return (
        f"Bands: the middle 50% and 90% of the same {main} begun on {begun} before the "
        f"event; the windows overlap and are worth about {apart} independent ones."
    )


def _starts(result: StudyResult, event: str) -> tuple[int, int]:
    """Return the placebo starts of an event, and how many do not overlap."""
    summary = result.around[event].summary
    if "placebos" not in summary or not len(summary):
        return 0, 0
    return int(summary["placebos"].iloc[0]), int(summary["placebos_apart"].iloc[0])


def around(result: StudyResult, event: str) -> Table:
    """Return what every path did about one event."""
    one = result.around[event]
    found = tables.records(tables.named_rows(one.summary, "path"))
    main = result.backtest.name
    rows = tuple(_around_row(row, own=row["path"] == main) for row in found)
    shaded = frozenset(at for at, row in enumerate(found) if row["path"] == main)
    title = result.thesis.event(event).title
    return Table(
        id="around",
        caption=f"{title}: from 20 home sessions before to 120 after.",
        columns=(
            Column(label="Path", align="left", wide=True),
            Column(label="Whole window"),
            Column(label="Before day zero"),
            Column(label="From day zero"),
            Column(label="Placebo rank\nfrom day zero"),
            Column(label="Placebo rank\nwhole window"),
            Column(label="Max drawdown"),
            Column(label="Costs"),
        ),
        rows=rows,
        shaded=shaded,
        note=(f"{words.label(one.note)}. " if one.note else "")
        + "Each path opens a fresh account at the first session with the weights of "
        "its last decision, pays for them, and follows its later decisions. Costs as a "
        "share of the starting capital. Placebo rank: the share of the path's own "
        "starts on other days that did worse, of 100. "
        + fan_sentence(*_starts(result, event)),
    )


def _around_row(row: Mapping[str, Any], *, own: bool) -> tuple[Cell, ...]:
    return (
        plain(words.label(str(row["path"])), "strong" if own else ""),
        number(float(row["total_return"]), numbers.change),
        number(float(row["before"]), numbers.change),
        number(float(row["since"]), numbers.change),
        *[plain(numbers.decimal(float(row.get(name, math.nan)), 0)) for name in _RANKS],
        plain(numbers.percent(float(row["max_drawdown"]))),
        plain(numbers.percent(float(row["costs"]), 2)),
    )


def around_all(result: StudyResult) -> Table | None:
    """Return the return from day zero of every path (columns) by event (rows)."""
    table = tables.around_summary(result)
    if len(result.around) < 2:
        return None
    names = list(dict.fromkeys(table["path"]))
    found = {
        (row["event"], row["path"]): float(row["since"])
        for row in tables.records(table)
    }
    ranks = {
        row["event"]: float(row.get("placebo_rank", math.nan))
        for row in tables.records(table)
        if row["path"] == result.backtest.name
    }
    main = words.label(result.backtest.name)
    by_id = {event.id: event for event in result.thesis.events}
    rows = tuple(
        (
            plain(
                f"{mark}  {by_id[event].title}",
                sub=", ".join(
                    part
                    for part in (str(by_id[event].at)[:10], result.around[event].note)
                    if part
                ),
            ),
            *[
                number(found.get((event, name), math.nan), numbers.change)
                for name in names
            ],
            plain(
                numbers.decimal(ranks.get(event, math.nan), 0),
                sub="of {} ({})".format(*_starts(result, event)),
            ),
        )
        for event, mark in event_numbers(result).items()
        if event in result.around
    )
    return Table(
        id="around-all",
        caption="Every event: return of each path from day zero to 120 home sessions "
        "after it.",
        columns=(
            Column(label="Event", align="left", wide=True),
            *[
                Column(label=words.label(str(name)).replace(" ", "\n"))
                for name in names
            ],
            Column(label=f"{main}'s\nplacebo rank"),
        ),
        rows=rows,
        note="Where the data end earlier, so does the return; the row says so. Placebo "
        "rank: the share of the same backtest's starts on other days that did worse, "
        "of 100; below it how many starts there are, and how many of their windows do "
        "not overlap.",
    )
