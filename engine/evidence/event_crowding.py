"""Which other events fall into an event's windows: nothing is used in silence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.evidence.event_panel import Window
from engine.thesis.model import Event

CROWDING_COLUMNS = ("event", "part", "window", "other", "session")


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """Another event inside the estimation window or a window of an event.

    `session` is the other's day zero in home sessions from the event's own.
    """

    event: str
    part: str  # "estimation" or "window"
    window: Window
    other: str
    session: int


def crowding(events: Sequence[Event], zeros: Mapping[str, int]) -> list[Crowd]:
    """Return every event inside the estimation window or a window of another one.

    `zeros` are day zeros as home sessions; an event outside the calendar has none.
    Counted on the home calendar, so an exchange with other holidays may see the other
    event a session or two away.
    """
    found = []
    for event in events:
        if event.id not in zeros:
            continue
        parts = [("estimation", event.estimation)]
        parts += [("window", window) for window in dict.fromkeys(event.windows)]
        away = {
            other: at - zeros[event.id]
            for other, at in zeros.items()
            if other != event.id
        }
        found += [
            Crowd(event=event.id, part=part, window=window, other=other, session=apart)
            for part, window in parts
            for other, apart in sorted(away.items(), key=lambda one: one[1])
            if window[0] <= apart <= window[1]
        ]
    return found


def crowd_note(crowds: Sequence[Crowd], event: str, window: Window) -> str:
    """Return what a reader of a row must know about other events; "" if nothing."""
    inside, before = (
        sum(
            one.event == event
            and one.part == part
            and (part == "estimation" or one.window == window)
            for one in crowds
        )
        for part in ("window", "estimation")
    )
    said = [
        f"{count} other event{'s' if count > 1 else ''} in the {place}"
        for count, place in ((inside, "window"), (before, "estimation window"))
        if count
    ]
    return "; ".join(said)
