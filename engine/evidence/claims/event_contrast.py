"""Event contrast: one layer beats another after an event."""

from __future__ import annotations

from dataclasses import dataclass

from engine.evidence.claims.context import ClaimTest, Evidence, Span
from engine.evidence.claims.event_windows import (
    WINDOW_HOLDS,
    check_events,
    measure_window,
    named_events,
)
from engine.evidence.event_subjects import Subject
from engine.evidence.results import Measurement, Untestable
from engine.thesis.model import Claim, Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """Layers, legs or baskets `long` and `short`, over own sessions from day zero."""

    long: str
    short: str
    window: Window
    event: str | None = None
    events: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_events(self.event, self.events)


def measure(
    claim: Claim, params: Params, evidence: Evidence, span: Span
) -> Measurement | Untestable:
    """Return the abnormal return of `long` minus that of `short`, as one portfolio.

    All firms share the date, so the contrast is one observation: the equal-weight
    portfolio's cumulative abnormal return over its prediction error (see
    docs/events.md). A window beyond 20 sessions has its intercept set to zero.
    """
    subject = Subject(
        kind="contrast",
        name=f"{params.long} minus {params.short}",
        long=evidence.members(params.long),
        short=evidence.members(params.short),
    )
    apart = evidence.sides(params.long, params.short)
    if apart is not None:
        return apart
    events = named_events(params.event, params.events)
    return measure_window(claim, subject, events, params.window, evidence)


TEST = ClaimTest(
    name="event_contrast",
    params=Params,
    measure=measure,
    help="abnormal return of one layer or leg minus another after an event",
    null="both sides moved alike: their abnormal returns over the window are equal",
    holds=WINDOW_HOLDS,
)
