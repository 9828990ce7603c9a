"""Returns that span holidays: what a row says of them, and their wider error."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from engine.evidence.event_panel import EventPanel, Window
from engine.evidence.event_tests import Array
from engine.evidence.windows import Positions


def spanned_error(
    panel: EventPanel,
    window: Window,
    columns: Sequence[int] | Positions,
    covariance: Array,
    se: float,
) -> float:
    r"""Return the prediction error of a window whose returns span holidays.

    The primary error counts own sessions, :math:`s^2 (L + \ldots)`: a return from
    before a holiday to after it has the noise of one. Here it has that of every home
    session it spans. `covariance` (m, m) is the members' residual covariance on one
    date, weighted; `se` the primary error. Two members share the sessions of the one
    that spans fewer: :math:`\sum_{ij} w_i w_j S_{ij} \min(E_i, E_j)` in place of
    :math:`L \sum_{ij} w_i w_j S_{ij}`, E the home sessions spanned.

    NaN for a window without day zero, and where no return spans more than one session.
    """
    if not window[0] <= 0 <= window[1]:
        return float("nan")
    spans = _spans(panel, window, columns)
    if spans.max() <= 1:
        return float("nan")
    length = float(len(spans))
    home = np.maximum(spans.sum(axis=0), length)
    shared = np.minimum(home[:, None], home) - length
    return float(np.sqrt(max(se**2 + float((covariance * shared).sum()), 0.0)))


def row_notes(
    panel: EventPanel,
    window: Window,
    columns: Sequence[int],
    *,
    asked: int,
    kind: str,
) -> tuple[str, ...]:
    """Return what a reader of a subject's row must know; `asked` members were meant."""
    notes = []
    if len(columns) < asked:
        notes.append(f"{len(columns)} of {asked} members")
    days = [panel.days[column] for column in columns]
    if min(days) != max(days):
        notes.append(f"day zero from {min(days).date()} to {max(days).date()}")
    elif min(days) > min(panel.days):
        notes.append(f"its exchange first reacts on {min(days).date()}")
    notes += _span_notes(panel, window, columns)
    if kind == "layer" and len(columns) == 2:
        notes.append("two firms: the cross-sectional test needs |t| above 12.7")
    rows = panel.rows(window)
    ends = panel.flat[[rows.start, rows.stop - 1]][:, columns]
    if ends.any():
        notes.append("a half-day bar without trade at an end of the window")
    silent = int((~panel.bar[rows][:, columns]).any(axis=0).sum())
    if silent:
        notes.append(
            f"{silent} of {len(columns)} without a price on a session of the window, "
            "which the next return spans"
        )
    wanted = panel.estimation[1] - panel.estimation[0] + 1
    least = int(panel.model.observations[columns].min())
    if least < 0.8 * wanted:
        notes.append(f"model from {least} of {wanted} sessions")
    return tuple(notes)


def _span_notes(
    panel: EventPanel, window: Window, columns: Sequence[int]
) -> Iterator[str]:
    """Yield which returns of a window that holds day zero span home sessions."""
    if not window[0] <= 0 <= window[1]:
        return
    most = _spans(panel, window, columns).max(axis=1)
    zero = int(most[-window[0]])
    if zero > 1:
        yield f"day zero spans {zero} home sessions, its error is of one"
    most[-window[0]] = 1
    if most.max() > 1:
        at = int(most.argmax()) + window[0]
        yield f"session {at:+d} spans {most.max()} home sessions, its error is of one"


def _spans(
    panel: EventPanel, window: Window, columns: Sequence[int] | Positions
) -> Positions:
    """Return home sessions spanned (L, m), at least 1; 0 without a bar.

    What a session without a bar would have spanned is in the return after it.
    """
    inside = np.arange(window[0], window[1] + 1)
    spans = []
    for column in columns:
        one, at = panel.histories[column], panel.zero[column] + inside
        spans.append(np.where(one.bar[at], np.maximum(one.span[at], 1), 0))
    return np.column_stack(spans).astype(np.int64)
