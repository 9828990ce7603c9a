"""The printed tables about events."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from engine.study import StudyResult
from reports import numbers, tables
from reports.document import Cell, Column, Table, heading_row, number, plain
from reports.event_figures import interval_rows
from reports.figures import event_numbers

#: A p-value below this is set in bold.
SIGNIFICANT = 0.05


def event_titles(result: StudyResult) -> dict[str, str]:
    """Return each event's number, title and date, and whether it is planted."""
    numbered = event_numbers(result)
    return {
        event.id: f"{numbered[event.id]}  {event.title}, {str(event.at)[:10]}"
        + (" (planted in the simulation)" if event.planted else "")
        for event in result.thesis.events
    }


def all_events(result: StudyResult) -> Table | None:
    """Return the CAR of layers and contrasts by event (groups) and window (columns)."""
    table = result.events.table
    chosen = table[table["kind"] != "asset"] if len(table) else table
    if chosen.empty:
        return None
    windows = sorted(set(chosen["window"]))
    columns = (
        Column(label="Layer or contrast", align="left", wide=True),
        Column(label="Expected", align="left"),
        Column(label="Firms"),
        *[Column(label=numbers.window(window)) for window in windows],
        Column(label="Detectable"),
    )
    rows: list[tuple[Cell, ...]] = []
    groups: set[int] = set()
    titles = event_titles(result)
    for event in sorted(titles, key=lambda one: int(event_numbers(result)[one])):
        part = chosen[chosen["event"] == event]
        if part.empty:
            continue
        groups.add(len(rows))
        rows.append(heading_row(titles[event], len(columns)))
        for subject in dict.fromkeys(part["subject"]):
            own = part[part["subject"] == subject]
            rows.append(_event_row(result, event, str(subject), own, windows))
    return Table(
        id="events",
        caption="Cumulative abnormal return (CAR) by event and window, with its t.",
        columns=columns,
        rows=tuple(rows),
        groups=frozenset(groups),
        note=_events_note(windows),
    )


def _events_note(windows: list[Any]) -> str:
    longest = numbers.window(windows[-1])
    return (
        "Windows count an exchange's own sessions from day zero, the first session that "
        "closes after the news. A layer is tested as one equally weighted portfolio, so "
        "that firms sharing a date are not counted as independent. Bold: p < 0.05 before "
        "any correction for the number of tests. Windows longer than 20 sessions take "
        "alpha as zero. Detectable: the smallest effect found with power 0.8 over "
        f"{longest}."
    )


def _event_row(
    result: StudyResult,
    event: str,
    subject: str,
    own: pd.DataFrame,
    windows: list[Any],
) -> tuple[Cell, ...]:
    by_window = {row["window"]: row for row in own.to_dict("records")}
    last = by_window.get(windows[-1])
    any_row = next(iter(by_window.values()))
    return (
        plain(pretty(subject)),
        plain(expected_signs(result, event, subject), "muted"),
        plain(numbers.count(float(any_row["n"]))),
        *[_car_cell(by_window.get(window)) for window in windows],
        plain(
            numbers.percent(float(last["detectable"])) if last else numbers.MISSING,
            "muted",
        ),
    )


def _car_cell(row: Mapping[Any, Any] | None) -> Cell:
    """Return ``-1.2%`` with its t below; bold where significant."""
    if row is None or not math.isfinite(float(row["car"])):
        return plain(numbers.MISSING, "muted")
    car, t, p = float(row["car"]), float(row["t"]), float(row["p"])
    sure = math.isfinite(p) and p < SIGNIFICANT
    tone = "negative" if car < 0 else ""
    return Cell(
        text=numbers.change(car),
        tone="strong" if sure else tone,
        sub=f"t {numbers.decimal(t)}",
    )


def expected_signs(result: StudyResult, event: str, subject: str) -> str:
    """Return what the thesis expects of a layer: reaction, then drift."""
    expected = result.thesis.event(event).expected
    words = []
    for name, signs in (("reaction", expected.reaction), ("drift", expected.drift)):
        if subject in signs:
            words.append(f"{name} {'+' if signs[subject] == '+' else numbers.MINUS}")
    return ", ".join(words)


def one_event(result: StudyResult, event: str) -> Table:
    """Return everything measured about one event's layers and contrasts."""
    table = result.events.table
    chosen = table[(table["event"] == event) & (table["kind"] != "asset")]
    columns = (
        Column(label="Layer or contrast", align="left", wide=True),
        Column(label="Raw return"),
        Column(label="CAR"),
        Column(label="95% interval"),
        Column(label="t"),
        Column(label="p"),
        Column(label="p, adj. BMP"),
        Column(label="Detectable"),
        Column(label="Other alpha"),
    )
    rows: list[tuple[Cell, ...]] = []
    groups: set[int] = set()
    for window, part in chosen.groupby("window", sort=False):
        groups.add(len(rows))
        rows.append(heading_row(f"Sessions {numbers.window(window)}", len(columns)))  # type: ignore[arg-type]
        bounds = {str(one["s"]): one for one in interval_rows(part)}
        rows += [
            _detail_row(row, bounds.get(str(row["subject"])))
            for row in part.to_dict("records")
        ]
    event_title = result.thesis.event(event).title
    return Table(
        id="event",
        caption=f"{event_title}: abnormal returns of layers and contrasts.",
        columns=columns,
        rows=tuple(rows),
        groups=frozenset(groups),
        note="Primary test: one portfolio per layer with the market model's "
        "prediction-error variance. The adjusted BMP test (Kolari and Pynnonen 2010) "
        "stands beside it and decides nothing. Other alpha: the CAR with the intercept "
        "estimated where it is zero here, and the reverse.",
    )


def _detail_row(
    row: Mapping[Any, Any], bounds: Mapping[str, Any] | None
) -> tuple[Cell, ...]:
    low, high = (bounds["lo"], bounds["hi"]) if bounds else (math.nan, math.nan)
    return (
        plain(pretty(str(row["subject"]))),
        number(float(row["return"]), numbers.change),
        number(float(row["car"]), numbers.change),
        plain(numbers.interval(low, high, numbers.change)),
        plain(numbers.decimal(float(row["t"]))),
        plain(numbers.p_value(float(row["p"]))),
        plain(numbers.p_value(float(row["adjusted_bmp_p"])), "muted"),
        plain(numbers.percent(float(row["detectable"])), "muted"),
        plain(numbers.change(float(row["car_other"])), "muted"),
    )


def event_assets(result: StudyResult, event: str) -> Table | None:
    """Return each asset's day zero, first-day return and CARs about one event."""
    table = result.events.table
    chosen = table[(table["event"] == event) & (table["kind"] == "asset")]
    if chosen.empty:
        return None
    windows = sorted(set(chosen["window"]))
    columns = (
        Column(label="Asset", align="left", wide=True),
        Column(label="Day zero", align="left"),
        Column(label=f"Raw return {numbers.window(windows[0])}"),
        *[Column(label=f"CAR {numbers.window(window)}") for window in windows],
    )
    rows: list[tuple[Cell, ...]] = []
    groups: set[int] = set()
    for layer, part in chosen.groupby("layer", sort=False):
        groups.add(len(rows))
        rows.append(heading_row(str(layer)[:1].upper() + str(layer)[1:], len(columns)))
        for subject, own in part.groupby("subject", sort=False):
            by_window = {row["window"]: row for row in own.to_dict("records")}
            first = next(iter(by_window.values()))
            raw = float(by_window.get(windows[0], first)["return"])
            rows.append(
                (
                    plain(str(subject), sub=tables.name_of(result, str(subject))),
                    plain(str(first["day_zero"])[:10]),
                    number(raw, lambda value: numbers.change(value, 2)),
                    *[_car_cell(by_window.get(window)) for window in windows],
                )
            )
    return Table(
        id="event-assets",
        caption=f"{result.thesis.event(event).title}: assets, each on its own exchange.",
        columns=columns,
        rows=tuple(rows),
        groups=frozenset(groups),
        note="Returns in the asset's own currency. Single firms are shown for the "
        "record; the tests are those of layers and contrasts.",
    )


def left_out(result: StudyResult) -> Table | None:
    """Return what could not be studied, and why."""
    table = result.events.left_out
    if table.empty:
        return None
    titles = event_titles(result)
    rows = tuple(
        (
            plain(titles.get(str(row["event"]), str(row["event"]))),
            plain(pretty(str(row["subject"]))),
            plain(str(row["reason"])),
        )
        for row in table.to_dict("records")
    )
    return Table(
        id="events-left-out",
        caption="Left out of the event study.",
        columns=(
            Column(label="Event", align="left", wide=True),
            Column(label="Subject", align="left"),
            Column(label="Why", align="left", wide=True),
        ),
        rows=rows,
    )


def around(result: StudyResult) -> Table | None:
    """Return what every path did about each event."""
    table = tables.around_summary(result)
    if table.empty:
        return None
    columns = (
        Column(label="Path", align="left", wide=True),
        Column(label="Whole window"),
        Column(label="Before day zero"),
        Column(label="From day zero"),
        Column(label="Max drawdown"),
        Column(label="Costs"),
    )
    rows: list[tuple[Cell, ...]] = []
    groups: set[int] = set()
    shaded: set[int] = set()
    titles = event_titles(result)
    for event, part in table.groupby("event", sort=False):
        note = result.around[str(event)].note
        groups.add(len(rows))
        title = titles.get(str(event), str(event)) + (f" ({note})" if note else "")
        rows.append(heading_row(title, len(columns)))
        for row in part.to_dict("records"):
            own = str(row["path"]) == result.backtest.name
            if own:
                shaded.add(len(rows))
            rows.append(_around_row(row, own=own))
    return Table(
        id="around",
        caption="From 20 home sessions before each event to 120 after it.",
        columns=columns,
        rows=tuple(rows),
        groups=frozenset(groups),
        shaded=frozenset(shaded),
        note="Each path opens a fresh account at the first session with the weights of "
        "its last decision, pays for them, and follows its later decisions. Costs as a "
        "share of the starting capital.",
    )


def _around_row(row: Mapping[Any, Any], *, own: bool) -> tuple[Cell, ...]:
    return (
        plain(str(row["path"]), "strong" if own else ""),
        number(float(row["total_return"]), numbers.change),
        number(float(row["before"]), numbers.change),
        number(float(row["since"]), numbers.change),
        plain(numbers.percent(float(row["max_drawdown"]))),
        plain(numbers.percent(float(row["costs"]), 2)),
    )


def pretty(subject: str) -> str:
    """Return a contrast with a true minus between its layers."""
    return subject.replace(" - ", f" {numbers.MINUS} ")
