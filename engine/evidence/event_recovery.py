"""Reaction and drift apart: who took the shock, who still carries it, who is back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from engine.evidence.event_panel import EventPanel, reasons
from engine.evidence.event_portfolio import (
    Portfolio,
    portfolio_cumulative,
    portfolio_of,
)
from engine.evidence.event_spans import spanned_error
from engine.evidence.event_tests import Array
from engine.evidence.inference import two_sided_p
from engine.evidence.windows import FEWEST_ESTIMATION_RETURNS

#: Own sessions from day zero at which the shock is looked at again.
HORIZONS = (20, 60, 120)
#: The reaction: day zero and the next session.
REACTION = (0, 1)

RECOVERY_COLUMNS = (
    "event",
    "layer",
    "firms",
    "reaction",
    "reaction_p",
    "reaction_spanned_p",  # were its returns as noisy as the home sessions they span
    "price_reaction",
    *(
        f"{name}_{horizon}"
        for horizon in HORIZONS
        for name in ("car", "p", "car_estimated")
    ),
    "extreme",
    "extreme_session",
    "abnormal_sessions",
    "price_sessions",
    "followed",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Regained:
    """When a path that left its level came back to it.

    sessions : the first session, counted from day zero, at which it is back; None if it
    is not within the path. extreme, at : how far it went and when.
    """

    sessions: int | None
    extreme: float
    at: int


def regained(path: Array, reaction: float) -> Regained:
    """Return when a cumulative path (rows from day zero) is back at 0 or beyond.

    It left in the direction of `reaction`, which took the first two sessions; only
    later ones can be a return. NaN ends the path.
    """
    known = path[
        : np.argmin(np.isfinite(path)) if not np.isfinite(path).all() else None
    ]
    if len(known) == 0 or not np.isfinite(reaction) or reaction == 0.0:
        return Regained(sessions=None, extreme=float("nan"), at=0)
    moved = known * np.sign(reaction)
    back = np.flatnonzero(moved[REACTION[1] + 1 :] <= 0.0)
    at = int(moved.argmax())
    return Regained(
        sessions=int(back[0]) + REACTION[1] + 1 if len(back) else None,
        extreme=float(known[at]),
        at=at,
    )


def recovery(
    panel: EventPanel, event: str, layers: Mapping[str, tuple[str, ...]]
) -> list[dict[str, object]]:
    """Return one row per layer that can be followed from day zero, `RECOVERY_COLUMNS`.

    ``reaction`` is the CAR over [0, 1] with the estimated intercept. ``car_20`` and so
    on cumulate from day zero with intercept zero (``car_estimated_20``: estimated).
    ``abnormal_sessions`` is the first session at which the cumulative abnormal return
    is back at zero, ``price_sessions`` at which the layer's own raw level is back where
    it closed before day zero; NaN if that was not within ``followed`` sessions. Where
    the reaction was a rise (``price_reaction``: of the raw level), NaN says that it
    stayed above.
    """
    rows = []
    followed: dict[int, tuple[str, ...]] = {}
    for layer, held in layers.items():
        for last in sorted({*HORIZONS, REACTION[1]}, reverse=True):
            if last not in followed:
                followed[last] = reasons(panel, (0, last))
            able = [c for c in panel.columns(held) if not followed[last][c]]
            if able:
                one = portfolio_of(panel, able, [])
                if one.count >= FEWEST_ESTIMATION_RETURNS and one.variance > 0.0:
                    rows.append(
                        _row(panel, one, last) | {"event": event, "layer": layer}
                    )
                break
    return rows


def _row(panel: EventPanel, one: Portfolio, last: int) -> dict[str, object]:
    first = portfolio_cumulative(panel, one, REACTION, "estimated")
    zero, estimated = (
        portfolio_cumulative(panel, one, (0, last), alpha)
        for alpha in ("zero", "estimated")
    )
    reaction = float(first.car[-1])
    wide = spanned_error(
        panel, REACTION, one.columns, one.covariance, float(first.se[-1])
    )
    row: dict[str, object] = {
        "firms": len(one.columns),
        "reaction": reaction,
        "reaction_p": float(first.p[-1]),
        "reaction_spanned_p": float(two_sided_p(reaction / wide, one.df)),
    }
    for horizon in HORIZONS:
        known = horizon <= last
        row |= {
            f"car_{horizon}": float(zero.car[horizon]) if known else float("nan"),
            f"p_{horizon}": float(two_sided_p(zero.scaled[horizon], one.df))
            if known
            else float("nan"),
            f"car_estimated_{horizon}": float(estimated.car[horizon])
            if known
            else float("nan"),
        }
    abnormal = regained(zero.car, reaction)
    y = panel.simple[panel.rows((0, last))][:, one.columns]
    count = np.isfinite(y).sum(axis=1)
    mean = np.where(np.isfinite(y), y, 0.0).sum(axis=1) / np.maximum(count, 1)
    level = np.cumprod(1.0 + mean) - 1.0
    moved = float(level[min(REACTION[1], last)])
    price = regained(level, moved)
    return row | {
        "price_reaction": moved,
        "extreme": abnormal.extreme,
        "extreme_session": abnormal.at,
        "abnormal_sessions": _number(abnormal.sessions),
        "price_sessions": _number(price.sessions),
        "followed": last,
    }


def _number(sessions: int | None) -> float:
    return float("nan") if sessions is None else float(sessions)
