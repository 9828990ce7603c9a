"""Event sign: a layer rises or falls on an event."""

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
    """A layer or leg, over own sessions relative to day zero."""

    layer: str
    window: Window
    event: str | None = None
    events: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_events(self.event, self.events)


def measure(
    claim: Claim, params: Params, evidence: Evidence, span: Span
) -> Measurement | Untestable:
    """Return the layer's abnormal return over the window, as one portfolio."""
    symbols = evidence.members(params.layer)
    if not symbols:
        return Untestable(reason=f"no asset of {params.layer} has a price")
    subject = Subject(kind="layer", name=params.layer, long=symbols)
    events = named_events(params.event, params.events)
    return measure_window(claim, subject, events, params.window, evidence)


TEST = ClaimTest(
    name="event_sign",
    params=Params,
    measure=measure,
    help="abnormal return of a layer or leg after an event",
    null="nothing happened to the layer: its abnormal return over the window is zero",
    holds=WINDOW_HOLDS,
)
