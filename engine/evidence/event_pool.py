"""Several events of a thesis as one statement about a layer.

Events of one industry come close together: their windows share sessions, and a mean
that takes them as independent is too sure. The CARs of two events of one layer have the
covariance of the sessions they share, linear in the overlap (Mitchell and Stafford
2000, Journal of Business 73); a session counts once for every window that holds it, as
in a calendar-time portfolio (Jaffe 1974, Journal of Business 47).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.evidence.event_panel import EventPanel, Window
from engine.evidence.event_subjects import SubjectStudy, null_of
from engine.evidence.event_tests import Array
from engine.evidence.inference import detectable_effect, two_sided_p

#: A law needs so many events whose windows do not overlap.
FEWEST_EVENTS = 5
#: A window that ends this soon is part of the reaction, any other of the drift.
LAST_OF_REACTION = 1

POOL_COLUMNS = (
    "layer",
    "window",
    "events",
    "independent",
    "mean",  # CAR in the direction that the thesis expected
    "se",
    "t",
    "p",
    "df",
    "se_if_independent",
    "detectable",
    "right",  # events with the expected sign
    "note",
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Member:
    """One event of a pool: its study, its sign, and which home sessions it holds.

    held : (home sessions,) how often the window holds each; estimated : whether the
    session is in its estimation window; variance : of a session's residual.
    """

    event: str
    sign: float
    study: SubjectStudy
    held: Array
    estimated: Array
    variance: float


def member(
    panel: EventPanel, event: str, sign: str, study: SubjectStudy, sessions: int
) -> Member:
    """Return an event's study made ready to be pooled."""
    residual, held = null_of(panel, study, sessions)
    known = np.isfinite(residual)
    count = float(known.sum())
    squares = float(np.square(residual[known]).sum())
    return Member(
        event=event,
        sign=1.0 if sign == "+" else -1.0,
        study=study,
        held=held,
        estimated=known.astype(np.float64),
        variance=squares / max(count - 2.0, 1.0),
    )


def pooled(layer: str, window: Window, members: Sequence[Member]) -> dict[str, object]:
    """Return the mean CAR of several events in the expected direction.

    Its variance has the events' own prediction errors and, for each two of them, the
    covariance of shared window sessions and of shared estimation sessions. A mean over
    fewer than five windows that do not overlap is no law, and its note says so.
    """
    n = len(members)
    signs = np.array([one.sign for one in members])
    cars = np.array([one.study.car for one in members]) * signs
    errors = np.array([one.study.se for one in members])
    covariance = _covariance(members, errors) * signs[:, None] * signs
    mean = float(cars.mean())
    se = float(np.sqrt(max(covariance.sum(), 0.0)) / n)
    df = min(one.study.df for one in members)
    t = mean / se if se > 0.0 else float("nan")
    apart = _independent(members)
    return {
        "layer": layer,
        "window": window,
        "events": n,
        "independent": apart,
        "mean": mean,
        "se": se,
        "t": t,
        "p": float(two_sided_p(t, df)),
        "df": df,
        "se_if_independent": float(np.sqrt((errors**2).sum()) / n),
        "detectable": detectable_effect(se, df),
        "right": int((cars > 0.0).sum()),
        "note": ""
        if apart >= FEWEST_EVENTS
        else f"no law: {apart} events whose windows do not overlap, {FEWEST_EVENTS} "
        "needed",
    }


def _covariance(members: Sequence[Member], errors: Array) -> Array:
    """Return the covariance of the events' CARs, (n, n)."""
    held = np.array([one.held for one in members])
    size = np.sqrt(np.array([one.variance for one in members]))
    shared = (held @ held.T) * size[:, None] * size
    length = np.array(
        [float(one.study.window[1] - one.study.window[0] + 1) for one in members]
    )
    estimation = np.sqrt(np.maximum(errors**2 - length * size**2, 0.0))
    rows = np.array([one.estimated for one in members])
    count = np.maximum(rows.sum(axis=1), 1.0)
    common = (rows @ rows.T) / np.maximum(count[:, None], count)
    found = shared + common * estimation[:, None] * estimation
    np.fill_diagonal(found, errors**2)
    return np.asarray(found)


def _independent(members: Sequence[Member]) -> int:
    """Return how many windows do not overlap at most."""
    spans = []
    for one in members:
        inside = np.flatnonzero(one.held > 0.0)
        if len(inside):
            spans.append((int(inside[-1]), int(inside[0])))
    count, free = 0, -1
    for last, first in sorted(spans):
        if first > free:
            count, free = count + 1, last
    return count


def expected_sign(
    window: Window, reaction: str | None, drift: str | None
) -> str | None:
    """Return what the thesis expects of a window: its reaction or its drift."""
    return reaction if window[1] <= LAST_OF_REACTION else drift
