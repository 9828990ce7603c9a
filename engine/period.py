"""What of a thesis a study can speak of: what was declared, and where prices are."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from engine.errors import DataError, UsageError
from engine.market.calendar import covered, sessions
from engine.thesis.model import About, Claim, Thesis

#: Prices that end more days than this before a study does end the study.
LONGEST_CLOSURE = 5


def declared_by(thesis: Thesis, as_of: dt.date) -> Thesis:
    """Return the thesis as it stood: later events and later claims left out."""
    if as_of <= thesis.about.start:
        raise UsageError(
            f"--as-of {as_of} is not after the study's start {thesis.about.start}"
        )
    about = thesis.about.model_copy(update={"end": min(thesis.about.end, as_of)})
    events = tuple(one for one in thesis.events if one.day <= as_of)
    known = {one.id for one in events}
    claims = tuple(
        one
        for one in thesis.claims
        if (thesis.declared_of(one) or as_of) <= as_of and _events_of(one) <= known
    )
    ids = {one.id for one in claims}
    kill = tuple(
        one
        for one in thesis.kill
        if (thesis.declared_of(one) or as_of) <= as_of and one.claim in {None, *ids}
    )
    stress = {
        "mechanisms": tuple(
            one
            for one in thesis.mechanisms
            if (thesis.declared_of(one) or as_of) <= as_of
        ),
        "scenarios": tuple(
            one
            for one in thesis.scenarios
            if (thesis.declared_of(one) or as_of) <= as_of
        ),
    }
    return thesis.model_copy(
        update={"about": about, "events": events, "claims": claims, "kill": kill}
        | stress
    )


def _events_of(claim: Claim) -> set[str]:
    """Return the events that a claim names."""
    told = claim.params
    named = {told.get("event"), *told.get("events", ()), *told.get("others", ())}
    return {one for one in named if one is not None}


def within_prices(about: About, days: pd.DatetimeIndex) -> tuple[About, dict[str, str]]:
    """Return a study's period on the home sessions that prices reach, and what it cut.

    Raises `DataError` where fewer than two sessions are left.
    """
    first, last = days[0].date(), days[-1].date()
    cut: dict[str, str] = {}
    if about.start < first:
        reached = max(about.start, covered(about.calendar)[0])
        if len(sessions(about.calendar, reached, first)) > 1:
            cut["start"] = f"{first}, where the prices begin"
        about = about.model_copy(update={"start": first})
    if (about.end - last).days > LONGEST_CLOSURE:
        cut["end"] = f"{last}, where the prices end"
        about = about.model_copy(update={"end": last})
    low, high = np.datetime64(about.start), np.datetime64(about.end)
    left = int(((days.to_numpy() >= low) & (days.to_numpy() <= high)).sum())
    if left < 2:
        raise DataError(
            f"{left or 'no'} session of {about.calendar} has prices from {about.start} "
            f"to {about.end}; a study needs two: change start, end or the prices"
        )
    return about, cut
