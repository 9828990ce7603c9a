"""The printed tables beside an event's primary test, and who is back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from engine.evidence.event_ranks import GRANK_FIRMS, GRANK_SIZES
from engine.evidence.event_recovery import HORIZONS
from engine.study_result import StudyResult
from reports import numbers, tables, words
from reports.document import Cell, Column, Table, Tone, heading_row, number, plain
from reports.event_tables import grouped
from reports.figures import event_numbers

Row = Mapping[str, Any]
#: Column of the event table, heading, and whether the test only stands for reference.
_TESTS = (
    ("p", "Portfolio", False),
    ("placebo_p", "Placebo", False),
    ("placebo_matched_p", "Matched", False),
    ("adjusted_bmp_p", "Adj. BMP", False),
    ("adjusted_patell_p", "Adj. Patell", False),
    ("grank_p", "GRANK", False),
    ("rank_p", "Rank", True),
    ("sign_p", "Sign", True),
    ("bmp_p", "BMP", True),
    ("patell_p", "Patell", True),
    ("cross_sectional_p", "Cross-s.", True),
    ("generalised_sign_p", "Gen. sign", True),
)


def tests(result: StudyResult, event: str) -> Table | None:
    """Return the p-values of every test of an event's layers and contrasts."""
    table = result.events.table
    if table.empty:
        return None
    chosen = tables.records(
        table[(table["event"] == event) & (table["kind"] != "asset")]
    )
    if not any(math.isfinite(row["placebo_p"]) for row in chosen):
        return None
    columns = (
        Column(label="Layer or contrast", align="left", wide=True),
        *[Column(label=heading) for _, heading, _ in _TESTS],
    )
    rows: list[tuple[Cell, ...]] = []
    groups: set[int] = set()
    for window, part in sorted(grouped(chosen, "window").items()):
        groups.add(len(rows))
        dates = max(int(row["placebo_n"]) for row in part)
        like = max(int(row["placebo_matched_n"]) for row in part)
        said = (
            f"Sessions {numbers.window(window)}; {dates} placebo dates, {like} matched"
        )
        rows.append(heading_row(said, len(columns)))
        for row in part:
            coarse = row["n"] < GRANK_FIRMS
            cells = [
                _p(row[name], reference=late or (name == "grank_p" and coarse))
                for name, _, late in _TESTS
            ]
            rows.append((plain(words.label(row["subject"])), *cells))
    title = result.thesis.event(event).title
    return Table(
        id="event-tests",
        caption=f"{title}: p-values of every test, the primary one first.",
        columns=columns,
        rows=tuple(rows),
        groups=frozenset(groups),
        note="Two-sided. Portfolio decides. Placebo: rank among all dates before the "
        "event; matched: among those of like volatility; beyond 20 sessions, among "
        "windows that do not overlap, so few that p cannot be small. GRANK is "
        f"approximate: from {GRANK_FIRMS} firms on it rejects "
        f"{100 * GRANK_SIZES[0]:.1f} to {100 * GRANK_SIZES[1]:.1f}% of true nulls "
        "at 5%; with fewer it rejects more, and is grey. The last six stand for "
        "reference: all but the rank and sign tests take firms that share a date as "
        "independent and reject far too often.",
    )


def _p(value: float, *, reference: bool) -> Cell:
    tone: Tone = "muted" if reference else "strong" if value < 0.05 else ""
    return Cell(text=numbers.p_value(value), tone=tone)


def recovery(result: StudyResult, event: str) -> Table | None:
    """Return reaction, drift and sessions to recover of an event's layers."""
    chosen = _of_event(result.events.recovery, event)
    if not chosen:
        return None
    columns = (
        Column(label="Layer", align="left", wide=True),
        Column(label=f"CAR {numbers.window((0, 1))}"),
        Column(label="p"),
        *[Column(label=f"After {horizon}") for horizon in HORIZONS],
        Column(label="CAR back"),
        Column(label="Price back"),
    )
    rows = tuple(
        (
            plain(words.label(row["layer"])),
            number(row["reaction"], numbers.change),
            plain(_with_spans(row)),
            *[_car(row, horizon) for horizon in HORIZONS],
            plain(_back(row["abnormal_sessions"], row["followed"], row["reaction"])),
            plain(
                _back(
                    row["price_sessions"],
                    row["followed"],
                    row.get("price_reaction", math.nan),
                )
            ),
        )
        for row in chosen
    )
    title = result.thesis.event(event).title
    wide = any(math.isfinite(row.get("reaction_spanned_p", math.nan)) for row in chosen)
    spans = (
        " p in brackets: where returns span holidays, with the noise of every home "
        "session that they span; the first counts one."
        if wide
        else ""
    )
    return Table(
        id="event-recovery",
        caption=f"{title}: who took the shock, who still carries it, who is back.",
        columns=columns,
        rows=rows,
        note="After 20, 60, 120 sessions: the cumulative abnormal return since day "
        "zero, alpha zero (in brackets: alpha estimated). Back: the first session "
        "after the reaction at which it is zero again, or the price where it closed "
        "before day zero; what rose and never fell back stayed above." + spans,
    )


def _with_spans(row: Row) -> str:
    """Return p of the reaction, and with the noise of every session it spans."""
    wide = row.get("reaction_spanned_p", math.nan)
    told = numbers.p_value(row["reaction_p"])
    return f"{told} ({numbers.p_value(wide)})" if math.isfinite(wide) else told


def _car(row: Row, horizon: int) -> Cell:
    car = row[f"car_{horizon}"]
    if not math.isfinite(car):
        return plain(numbers.MISSING, "muted")
    other = numbers.change(row[f"car_estimated_{horizon}"])
    tone: Tone = "strong" if row[f"p_{horizon}"] < 0.05 else ""
    return Cell(text=f"{numbers.change(car)} ({other})", tone=tone)


def _back(sessions: float, followed: float, moved: float) -> str:
    """Return when a level was back; a rise that is not back stayed above."""
    if math.isfinite(sessions):
        return numbers.session(int(sessions))
    return "stayed above" if moved > 0.0 else f"not in {int(followed)}"


def pooled(result: StudyResult) -> Table | None:
    """Return the events pooled by layer and window, in the expected direction."""
    chosen = tables.records(result.events.pooled)
    if not chosen:
        return None
    rows = tuple(
        (
            plain(words.label(row["layer"])),
            plain(numbers.window(row["window"])),
            plain(f"{row['events']} ({row['independent']})"),
            plain(f"{row['right']}"),
            number(row["mean"], numbers.change),
            plain(numbers.decimal(row["t"])),
            plain(numbers.p_value(row["p"]), "strong" if row["p"] < 0.05 else ""),
            plain(numbers.percent(row["detectable"]), "muted"),
            plain("" if row["note"] else "yes", "muted"),
        )
        for row in chosen
    )
    return Table(
        id="events-pooled",
        caption="Events pooled: mean CAR in the direction the thesis expected.",
        columns=(
            Column(label="Layer", align="left", wide=True),
            Column(label="Window", align="left"),
            Column(label="Events (apart)"),
            Column(label="Right sign"),
            Column(label="Mean CAR"),
            Column(label="t"),
            Column(label="p"),
            Column(label="Detectable"),
            Column(label="Law"),
        ),
        rows=rows,
        note="A positive mean is as expected. Windows that share sessions are not "
        "independent: their covariance is in the t. Apart: events whose windows do not "
        "overlap; a law needs five.",
    )


def crowding(result: StudyResult, event: str) -> Table | None:
    """Return the other events inside an event's windows."""
    chosen = _of_event(result.events.crowding, event)
    if not chosen:
        return None
    marks = event_numbers(result)
    rows = []
    for (part, window), own in grouped(chosen, "part", "window").items():
        named = ", ".join(
            f"{marks.get(one['other'], '')} {one['other']} "
            f"({numbers.session(one['session'])})".strip()
            for one in own
        )
        place = "Estimation window" if part == "estimation" else "Window"
        rows.append((plain(f"{place} {numbers.window(window)}"), plain(named)))
    title = result.thesis.event(event).title
    return Table(
        id="event-crowding",
        caption=f"{title}: other events of the thesis inside its windows.",
        columns=(
            Column(label="Where", align="left", wide=True),
            Column(
                label="Other events, by home session", align="left", wide=True, weight=3
            ),
        ),
        rows=tuple(rows),
        note="Their returns are part of the numbers above; nothing was taken out.",
    )


def _of_event(frame: Any, event: str) -> list[dict[str, Any]]:
    return [] if frame.empty else tables.records(frame[frame["event"] == event])
