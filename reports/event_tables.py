"""The printed tables about events."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from engine.study_result import StudyResult
from reports import numbers, tables, words
from reports.document import (
    Cell,
    Column,
    Table,
    heading_row,
    number,
    plain,
    sign_tone,
)
from reports.event_figures import interval_of
from reports.figures import event_numbers
from reports.record_tables import asset_name

Row = Mapping[str, Any]
#: A p-value below this is set in bold.
SIGNIFICANT = 0.05


def event_titles(result: StudyResult) -> dict[str, str]:
    """Return each event's number, title and date, in the order of the numbers."""
    by_id = {event.id: event for event in result.thesis.events}
    return {
        event: f"{mark}  {by_id[event].title}, {str(by_id[event].at)[:10]}"
        + (" (planted in the simulation)" if by_id[event].planted else "")
        for event, mark in event_numbers(result).items()
    }


def grouped(rows: Iterable[Row], *names: str) -> dict[Any, list[Row]]:
    """Return rows by the value of one column, or by the tuple of several."""
    parts: dict[Any, list[Row]] = {}
    for row in rows:
        key = row[names[0]] if len(names) == 1 else tuple(row[name] for name in names)
        parts.setdefault(key, []).append(row)
    return parts


def _chosen(result: StudyResult, *, assets: bool) -> list[Row]:
    """Return the rows of the event table about assets, or about everything else."""
    rows = tables.records(result.events.table)
    return [row for row in rows if (row["kind"] == "asset") == assets]


def all_events(result: StudyResult) -> Table | None:
    """Return the CAR of layers and contrasts by event (groups) and window (columns)."""
    chosen = _chosen(result, assets=False)
    if not chosen:
        return None
    windows = sorted({row["window"] for row in chosen})
    columns = (
        Column(label="Layer or contrast", align="left", wide=True),
        Column(label="Expected", align="left"),
        Column(label="Firms"),
        *[Column(label=numbers.window(window)) for window in windows],
        Column(label="Detectable"),
    )
    rows: list[tuple[Cell, ...]] = []
    groups: set[int] = set()
    by_event = grouped(chosen, "event")
    for event, title in event_titles(result).items():
        if event not in by_event:
            continue
        groups.add(len(rows))
        rows.append(heading_row(title, len(columns)))
        for subject, own in grouped(by_event[event], "subject").items():
            expected = expected_signs(result, event, subject)
            rows.append(_event_row(subject, expected, own, windows))
    return Table(
        id="events",
        caption="Cumulative abnormal return (CAR) by event and window.",
        columns=columns,
        rows=tuple(rows),
        groups=frozenset(groups),
        note=_events_note(windows),
    )


def _events_note(windows: list[Any]) -> str:
    longest = numbers.window(windows[-1])
    return (
        "CAR, and its t in brackets. Windows count an exchange's own sessions from day "
        "zero, the first session that closes after the news. A layer is tested as one "
        "equally weighted portfolio, so firms that share a date do not count as "
        "independent. Bold: p < 0.05 before any correction for the number of tests. "
        "Windows longer than 20 sessions take alpha as zero. Detectable: the smallest "
        f"effect found with power 0.8 over {longest}."
    )


def _event_row(
    subject: str, expected: str, own: Sequence[Row], windows: Sequence[Any]
) -> tuple[Cell, ...]:
    by_window = {row["window"]: row for row in own}
    last = by_window.get(windows[-1])
    return (
        plain(words.label(subject)),
        plain(expected, "muted"),
        plain(numbers.count(own[0]["n"])),
        *[_car_cell(by_window.get(window)) for window in windows],
        plain(
            numbers.percent(last["detectable"]) if last else numbers.MISSING,
            "muted",
        ),
    )


def _car_cell(row: Row | None) -> Cell:
    """Return ``-1.2% (-0.5)``, the CAR with its t; bold where significant."""
    if row is None or not math.isfinite(row["car"]):
        return plain(numbers.MISSING, "muted")
    sure = math.isfinite(row["p"]) and row["p"] < SIGNIFICANT
    text = numbers.change(row["car"])
    return Cell(
        text=f"{text} ({numbers.decimal(row['t'], 1)})",
        tone="strong" if sure else sign_tone(text),
    )


def expected_signs(result: StudyResult, event: str, subject: str) -> str:
    """Return what the thesis expects of a layer: reaction, then drift."""
    expected = result.thesis.event(event).expected
    said = []
    for name, signs in (("reaction", expected.reaction), ("drift", expected.drift)):
        if subject in signs:
            said.append(f"{name} {'+' if signs[subject] == '+' else numbers.MINUS}")
    return ", ".join(said)


def one_event(result: StudyResult, event: str) -> Table:
    """Return everything measured about one event's layers and contrasts."""
    chosen = [row for row in _chosen(result, assets=False) if row["event"] == event]
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
    for window, part in sorted(grouped(chosen, "window").items()):
        groups.add(len(rows))
        rows.append(heading_row(f"Sessions {numbers.window(window)}", len(columns)))
        rows += [_detail_row(row) for row in part]
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


def _detail_row(row: Row) -> tuple[Cell, ...]:
    low, high = interval_of(row)
    return (
        plain(words.label(row["subject"])),
        number(row["return"], numbers.change),
        number(row["car"], numbers.change),
        plain(numbers.interval(low, high, numbers.change)),
        plain(numbers.decimal(row["t"])),
        plain(numbers.p_value(row["p"])),
        plain(numbers.p_value(row["adjusted_bmp_p"]), "muted"),
        plain(numbers.percent(row["detectable"]), "muted"),
        plain(numbers.change(row["car_other"]), "muted"),
    )


def event_assets(result: StudyResult, event: str) -> Table | None:
    """Return each asset's day zero, first-day return and CARs about one event."""
    chosen = [row for row in _chosen(result, assets=True) if row["event"] == event]
    if not chosen:
        return None
    windows = sorted({row["window"] for row in chosen})
    columns = (
        Column(label="Asset", align="left", wide=True),
        Column(label="Day zero", align="left"),
        Column(label=f"Raw return {numbers.window(windows[0])}"),
        *[Column(label=f"CAR {numbers.window(window)}") for window in windows],
    )
    rows: list[tuple[Cell, ...]] = []
    groups: set[int] = set()
    by_layer = grouped(chosen, "layer")
    known = [layer for layer in result.universe.layers if layer in by_layer]
    for layer in [*known, *[name for name in by_layer if name not in known]]:
        part = by_layer[layer]
        groups.add(len(rows))
        rows.append(heading_row(words.label(layer), len(columns)))
        rows += [
            _asset_row(result, subject, own, windows)
            for subject, own in grouped(part, "subject").items()
        ]
    return Table(
        id="event-assets",
        caption=f"{result.thesis.event(event).title}: each asset on its own exchange.",
        columns=columns,
        rows=tuple(rows),
        groups=frozenset(groups),
        note="Returns in the asset's own currency; t in brackets. Single firms are "
        "shown for the record; the tests are those of layers and contrasts.",
    )


def _asset_row(
    result: StudyResult, subject: str, own: Sequence[Row], windows: Sequence[Any]
) -> tuple[Cell, ...]:
    by_window = {row["window"]: row for row in own}
    first = by_window.get(windows[0])
    raw = first["return"] if first else math.nan
    return (
        plain(asset_name(result, subject)),
        plain(str(own[0]["day_zero"])[:10]),
        number(raw, lambda value: numbers.change(value, 2)),
        *[_car_cell(by_window.get(window)) for window in windows],
    )


def left_out(result: StudyResult) -> Table | None:
    """Return what could not be studied, and why; like cases in one row."""
    by_event = grouped(tables.records(result.events.left_out), "event")
    if not by_event:
        return None
    cases: dict[tuple[str, str], tuple[list[str], str]] = {}
    for event, mark in event_numbers(result).items():
        for what, why in _cases(by_event.get(event, [])):
            # "5 sessions" and "7 sessions" are one reason
            key = (what, re.sub(r"[0-9]+", "0", why))
            cases.setdefault(key, ([], why))[0].append(mark)
    rows = tuple(
        (plain(", ".join(events)), plain(what), plain(why))
        for (what, _), (events, why) in cases.items()
    )
    return Table(
        id="events-left-out",
        caption="Left out of the event study, like cases together.",
        columns=(
            Column(label="Events", align="left"),
            Column(label="What", align="left", wide=True),
            Column(label="Why (the first case)", align="left", wide=True),
        ),
        rows=rows,
        note="The run's tables list every case.",
    )


def _cases(rows: Sequence[Row]) -> Iterator[tuple[str, str]]:
    """Yield, for one event, the assets left out of each window and the first reason."""
    assets = [row for row in rows if row.get("kind") == "asset"] or rows
    by_window: dict[str, list[Row]] = {}
    for row in assets:
        window = row.get("window")
        shown = numbers.window(window) if isinstance(window, tuple) else ""
        by_window.setdefault(shown, []).append(row)
    for shown, own in by_window.items():
        subjects = list(dict.fromkeys(str(row["subject"]) for row in own))
        what = f"{len(subjects)} assets" if len(subjects) > 4 else ", ".join(subjects)
        yield f"{what} {shown}".strip(), str(own[0]["reason"])
