"""What the event claims share: one subject over one window of one or many events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd

from engine.errors import at_most
from engine.evidence.claims.context import Evidence
from engine.evidence.claims.statistics import from_t
from engine.evidence.event_robust import across_events
from engine.evidence.event_rows import joined
from engine.evidence.event_subjects import (
    LeftOut,
    Subject,
    SubjectStudy,
    subject_study,
)
from engine.evidence.inference import two_sided_p
from engine.evidence.results import Measurement, Untestable
from engine.evidence.windows import day_zero, event_moment
from engine.thesis.model import Claim, Window

#: A law about events needs this many whose windows do not overlap.
FEWEST_EVENTS = 5
#: Where the portfolio test of a window holds its size (docs/calibration.md).
WINDOW_HOLDS = (
    "the window is as volatile as the estimation window; at 1.5 times its volatility "
    "about 18% of true nulls are rejected, so tests that allow for a louder window "
    "stand beside it"
)


def check_events(event: str | None, events: Sequence[str]) -> None:
    """Raise ValueError unless a claim names one event or several."""
    if (event is None) == (not events):
        raise ValueError("give either 'event' (one) or 'events' (a list)")


def named_events(event: str | None, events: Sequence[str]) -> tuple[str, ...]:
    """Return the events a claim names, one or several."""
    return (event,) if event is not None else tuple(events)


def measure_window(
    claim: Claim,
    subject: Subject,
    events: Sequence[str],
    window: Window,
    evidence: Evidence,
) -> Measurement | Untestable:
    """Return the subject's mean abnormal return over the window of the events.

    One event: its cumulative abnormal return, Student's t with the prediction error of
    its own market model. Several: their mean, as independent, which needs at least five
    whose windows share no home session.
    """
    if claim.scope == "law" and len(events) < FEWEST_EVENTS:
        return Untestable(
            reason=f"a law needs {FEWEST_EVENTS} events, and this claim has "
            f'{len(events)} in this sample; set scope = "event" for a statement about '
            "one"
        )
    studies = studied(subject, events, window, evidence)
    if isinstance(studies, Untestable):
        return studies
    overlap = overlapping(studies)
    if overlap:
        return Untestable(reason=overlap)
    crowded = _crowd(events, window, evidence)
    return _combined(claim, subject, list(studies.values()), events, window, crowded)


def studied(
    subject: Subject, events: Sequence[str], window: Window, evidence: Evidence
) -> dict[str, SubjectStudy] | Untestable:
    """Return event -> the subject over its window, or why one cannot be studied."""
    out = {}
    for identifier in events:
        found = subject_study(
            evidence.market,
            subject,
            event=evidence.thesis.event(identifier),
            window=window,
            benchmark=evidence.thesis.about.benchmarks[0],
        )
        if isinstance(found, LeftOut):
            return Untestable(reason=f"{identifier}: {found.reason}")
        out[identifier] = found
    return out


def _crowd(
    events: Sequence[str], window: Window, evidence: Evidence
) -> tuple[str, ...]:
    """Return which other events of the thesis fall into the window, if any do."""
    exchanges = [bars.sessions for bars in evidence.market.bars.values()]
    home = evidence.market.home.sessions
    thesis = evidence.thesis
    own_days = [thesis.event(name).day for name in events]
    reach = 2 * max(map(abs, window)) + 14  # calendar days that it surely lies within
    every = {
        one.id: event_moment(one.at, exchanges)
        for one in thesis.events
        if any(abs((one.day - own).days) <= reach for own in own_days)
    }
    days = {name: day_zero(home, moment) for name, moment in every.items()}
    inside = [
        name
        for name, at in days.items()
        if name not in events
        and at is not None
        and any(
            window[0] <= at - own <= window[1]
            for own in (days[one] for one in events)
            if own is not None
        )
    ]
    return (f"also in the window: {at_most(inside)}",) if inside else ()


def _combined(
    claim: Claim,
    subject: Subject,
    studies: Sequence[SubjectStudy],
    events: Sequence[str],
    window: Window,
    crowded: tuple[str, ...],
) -> Measurement:
    count = len(studies)
    cars = np.array([one.car for one in studies])
    errors = np.array([one.se for one in studies])
    null = pd.concat([one.residuals for one in studies], axis=1, sort=True).mean(axis=1)
    weights = (
        pd.concat([one.weights for one in studies], axis=1, sort=True)
        .sum(axis=1)
        .reindex(null.index, fill_value=0.0)
        / count
    )
    of_events = events[0] if count == 1 else f"{count} events"
    rows = pd.DataFrame(
        {
            "event": list(events),
            "day_zero": [one.day_zero for one in studies],
            "car": cars,
            "se": errors,
            "return": [one.total for one in studies],
            "firms": [one.n for one in studies],
        }
    )
    intercept = "zero" if studies[0].alpha == "zero" else "estimated"
    notes = {note for one in studies for note in one.notes}
    robust = studies[0].robust if count == 1 else across_events(cars / errors)
    measured = from_t(
        claim,
        estimate=float(cars.mean()),
        se=float(np.sqrt((errors**2).sum()) / count),
        df=float(min(one.df for one in studies)),
        n=count,
        unit="return",
        summary=f"abnormal return of {subject.name} over [{window[0]}, {window[1]}] of "
        f"{of_events}",
        assumptions=(
            "one portfolio, prediction error of the market model",
            f"{intercept} intercept",
            *(() if robust else ("no test that allows for a louder window",)),
            *crowded,
            *sorted(notes),
        ),
        rows=rows,
        null=null,
        weights=weights.to_numpy(),
        robust=robust,
    )
    daily = joined(dict(zip(events, (one.daily for one in studies), strict=True)))
    return replace(measured, daily=daily, spanned_p=_spanned_p(studies, measured))


def _spanned_p(studies: Sequence[SubjectStudy], measured: Measurement) -> float:
    """Return p were returns as noisy as the home sessions they span; NaN if none is."""
    wide = np.array([one.spanned_se for one in studies])
    if not np.isfinite(wide).any():
        return float("nan")
    own = np.array([one.se for one in studies])
    se = float(np.sqrt((np.where(np.isfinite(wide), wide, own) ** 2).sum()))
    return float(two_sided_p(measured.estimate * len(studies) / se, measured.df))


def overlapping(studies: dict[str, SubjectStudy]) -> str:
    """Return which two events share a session of their windows, or nothing."""
    held = []
    for name, found in studies.items():
        inside = found.weights[found.weights > 0] if found.weights is not None else None
        if inside is not None and len(inside):
            held.append((inside.index[0], inside.index[-1], name))
    for (_, last, first), (begin, _, second) in pairwise(sorted(held)):
        if begin <= last:
            return (
                f"the windows of {first} and {second} overlap; a law needs events that "
                "do not"
            )
    return ""
