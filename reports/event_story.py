"""An event in a few sentences: who took the shock, who carries it, who is back."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from engine.evidence.event_recovery import HORIZONS, REACTION
from engine.study_result import StudyResult
from reports import numbers, tables, words
from reports.event_tables import SIGNIFICANT

Row = Mapping[str, Any]
DAY_ZERO = (0, 0)


def story(result: StudyResult, event: str) -> str:
    """Return who took the shock and who carries it; "" where nobody was followed.

    Who took it: every layer that fell significantly, on day zero or over the first two
    sessions. Whose return spans a holiday is said with what is left of its t.
    """
    frame = result.events.recovery
    followed = [] if frame.empty else tables.records(frame[frame["event"] == event])
    followed = [row for row in followed if math.isfinite(row["reaction"])]
    if not followed:
        return ""
    rows = _layers(result, event)
    hit = _hit(rows)
    said = [_shock(rows, hit, followed)]
    for horizon in HORIZONS:
        known = [row for row in followed if math.isfinite(row[f"car_{horizon}"])]
        if known:
            low = min(known, key=lambda row: float(row[f"car_{horizon}"]))
            said.append(
                f"after {horizon}, {low['layer']} stood lowest "
                f"({numbers.change(low[f'car_{horizon}'])})"
            )
    back = {row["layer"]: row for row in followed}
    last = [_price(back[layer]) for layer in hit if layer in back]
    sentences = ["; ".join(said) + ".", *_spans(rows, hit), *last]
    return " ".join(sentences)


def _layers(result: StudyResult, event: str) -> dict[str, dict[Any, Row]]:
    """Return layer -> window -> its row, of the two windows of the shock."""
    frame = result.events.table
    chosen = frame[(frame["event"] == event) & (frame["kind"] == "layer")]
    out: dict[str, dict[Any, Row]] = {}
    for row in tables.records(chosen):
        if row["window"] in (DAY_ZERO, REACTION):
            out.setdefault(row["subject"], {})[row["window"]] = row
    return out


def _fell(row: Row) -> bool:
    return bool(row["car"] < 0.0 and row["p"] < SIGNIFICANT)


def _hit(rows: Mapping[str, Mapping[Any, Row]]) -> list[str]:
    """Return the layers that fell significantly, the farthest from zero first."""
    fell = {
        layer: min(row["t"] for row in own.values() if _fell(row))
        for layer, own in rows.items()
        if any(map(_fell, own.values()))
    }
    return sorted(fell, key=lambda layer: float(fell[layer]))


def _shock(
    rows: Mapping[str, Mapping[Any, Row]], hit: Sequence[str], followed: Sequence[Row]
) -> str:
    """Return the layers that took the shock with their moves, or that none did."""
    if not hit:
        low = min(followed, key=lambda row: float(row["reaction"]))
        if low["reaction"] >= 0.0:
            return "No layer fell beyond its benchmark over the first two sessions"
        return (
            "No layer fell significantly beyond its benchmark; over the first two "
            f"sessions {low['layer']} fell farthest ({numbers.change(low['reaction'])})"
        )
    parts = []
    for window, when in (
        (DAY_ZERO, "on day zero"),
        (REACTION, "over the first two sessions"),
    ):
        told = [
            f"{layer} {numbers.change(own['car'])} (t {numbers.decimal(own['t'], 1)})"
            for layer in hit
            if (own := rows[layer].get(window)) is not None
        ]
        if told:
            parts.append(f"{when} {words.joined(told)}")
    head = words.label(words.joined(hit))
    return f"{head} took the shock: beyond the benchmark, {', '.join(parts)}"


def _spans(rows: Mapping[str, Mapping[Any, Row]], hit: Sequence[str]) -> list[str]:
    """Return what is left of moves whose returns span holidays, in a sentence."""
    said = []
    for layer in hit:
        told = [
            f"{numbers.decimal(row['spanned_t'], 1)} over {numbers.window(window)}"
            for window, row in rows[layer].items()
            if math.isfinite(row.get("spanned_t", math.nan))
        ]
        if told:
            said.append(f"{layer} {words.joined(told)}")
    if not said:
        return []
    return [
        "A return that spans holidays has the error of one session; with the noise of "
        f"every home session that it spans, t would be: {'; '.join(said)}."
    ]


def _price(row: Row) -> str:
    """Return whether the raw price of a layer came back to where it was."""
    layer, moved = row["layer"], row.get("price_reaction", math.nan)
    sessions, rose = row["price_sessions"], moved > 0.0
    if math.isfinite(sessions):
        at = numbers.session(int(sessions))
        verb = "fell back to" if rose else "was back at"
        return f"The price of {layer} {verb} its earlier level by session {at}."
    if rose:
        return f"The price of {layer} stayed above its earlier level."
    return (
        f"The price of {layer} was not back at its earlier level within "
        f"{int(row['followed'])} sessions."
    )
