"""What stands beside the primary test in every row of the event table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from engine.evidence.event_battery import (
    TESTS,
    Battery,
    battery,
    pairwise_correlation,
    skewness_adjusted_t,
)
from engine.evidence.event_models import Modelling
from engine.evidence.event_panel import EventPanel, Window, WindowStudy
from engine.evidence.event_placebo import (
    Placebo,
    PlaceboRank,
    Rolling,
    excess_returns,
    placebo_cars,
    placebo_dates,
    placebo_ranks,
    rolling_models,
    subject_cars,
    subject_squares,
)
from engine.evidence.event_ranks import Ranks, joint_ranks, rank_statistic, ranks
from engine.evidence.event_robust import signed_weights, window_abnormal
from engine.evidence.event_subjects import SubjectStudy
from engine.evidence.event_tests import Array
from engine.evidence.inference import two_sided_p
from engine.market.calendar import Sessions

#: Columns of the event table that this file fills.
BESIDE_COLUMNS = (
    "correlation",
    *(name for test in TESTS for name in (test, f"{test}_p")),
    "placebo_p",
    "placebo_n",
    "placebo_matched_p",
    "placebo_matched_n",
    "bhar",
    "bhar_t",
)
#: What a single asset has: the tests in time.
_OF_ASSETS = ("rank", "sign")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Beside:
    """One event, ready to be tested beside its primary test.

    excess : (home sessions, n) returns over the benchmark's. correlation : (n, n) of
    estimation residuals; ranked : (K, n) their ranks in time. squares : of subjects'
    excess returns, by their weights, kept because most windows have the same members.
    """

    panel: EventPanel
    dates: Placebo
    models: list[Rolling]
    excess: Array
    correlation: Array
    ranked: Ranks
    squares: dict[bytes, Array] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True, eq=False)
class Models:
    """Rolling models that several events share."""

    kept: dict[tuple[Modelling, Window, str], Rolling] = field(default_factory=dict)


def beside(
    panel: EventPanel,
    moment: np.datetime64,
    home: Sessions,
    others: Sequence[int],
    shared: Models,
) -> Beside:
    """Return what the tests of an event need, whatever the window.

    `others` are the home sessions of the other events.
    """
    return Beside(
        panel=panel,
        dates=placebo_dates(panel, moment, home, others),
        models=rolling_models(panel, shared.kept),
        excess=excess_returns(panel, len(home)),
        correlation=pairwise_correlation(panel.residuals),
        ranked=ranks(panel.dated.residuals),
    )


def tests_beside(
    one: Beside, at: WindowStudy, studies: Sequence[SubjectStudy]
) -> list[dict[str, float]]:
    """Return the columns `BESIDE_COLUMNS` of subjects over one window."""
    if not studies:
        return []
    panel = one.panel
    weights = np.array([signed_weights(panel, study.members) for study in studies])
    abnormal = window_abnormal(panel, at)
    whole = np.array([study.subject.kind != "asset" for study in studies])
    columns = np.flatnonzero((weights != 0.0).any(axis=0))
    rows: list[dict[str, float]] = [{} for _ in studies]
    if whole.any():
        found = _of_battery(_battery(one, at, abnormal, weights[whole], columns))
        for place, values in zip(np.flatnonzero(whole), found, strict=True):
            rows[place] |= values
    if not whole.all():
        centred = joint_ranks(
            panel.dated.residuals[:, columns],
            one.ranked[:, columns],
            abnormal[:, columns],
        )
        found = _of_assets(centred, weights[~whole][:, columns], len(abnormal))
        for place, values in zip(np.flatnonzero(~whole), found, strict=True):
            rows[place] |= values
    found_ranks = _placebo(one, at, weights, np.array([study.car for study in studies]))
    bought = _bought_and_held(panel, at)
    for row, rank, own in zip(rows, found_ranks, weights, strict=True):
        row |= {
            "placebo_p": rank.p,
            "placebo_n": rank.n,
            "placebo_matched_p": rank.matched_p,
            "placebo_matched_n": rank.matched_n,
            "bhar": float(own[own != 0.0] @ bought[own != 0.0]),
            "bhar_t": float(skewness_adjusted_t(bought[own > 0.0]))
            if not (own < 0.0).any()
            else float("nan"),
        }
    return rows


def _battery(
    one: Beside, at: WindowStudy, abnormal: Array, weights: Array, columns: np.ndarray
) -> Battery:
    panel = one.panel
    return battery(
        car=at.primary.car[columns],
        scaled=at.primary.scaled[columns],
        df=panel.model.df[columns],
        residuals=panel.dated.residuals[:, columns],
        standard=np.sqrt(panel.model.variance[columns]),
        abnormal=abnormal[:, columns],
        weights=weights[:, columns],
        correlation=one.correlation[np.ix_(columns, columns)],
        ranked=one.ranked[:, columns],
    )


def _of_battery(found: Battery) -> list[dict[str, float]]:
    """Return the statistics and p-values of each subject."""
    columns: dict[str, Array] = {"correlation": found.correlation}
    for test in TESTS:
        columns |= {test: getattr(found, test), f"{test}_p": found.p(test)}
    return _by_subject(columns)


def _of_assets(centred: Array, weights: Array, length: int) -> list[dict[str, float]]:
    """Return what one firm alone has: the tests in time."""
    columns: dict[str, Array] = {}
    for test, own in zip(_OF_ASSETS, (centred, np.sign(centred)), strict=True):
        z = rank_statistic(own, weights, length)
        columns |= {test: z, f"{test}_p": two_sided_p(z, np.inf)}
    nothing = dict.fromkeys(BESIDE_COLUMNS[: 1 + 2 * len(TESTS)], float("nan"))
    return [nothing | values for values in _by_subject(columns)]


def _by_subject(columns: dict[str, Array]) -> list[dict[str, float]]:
    rows = zip(*(column.tolist() for column in columns.values()), strict=True)
    return [dict(zip(columns, row, strict=True)) for row in rows]


def _bought_and_held(panel: EventPanel, at: WindowStudy) -> Array:
    """Return buy-and-hold abnormal returns of each asset, (n,)."""
    rows = panel.rows(at.window)
    expected = panel.returns[rows] - window_abnormal(panel, at)
    known = np.isfinite(expected)
    if panel.modelling.log:
        grown = np.exp(np.where(known, expected, 0.0).sum(axis=0))
    else:
        grown = np.where(known, 1.0 + expected, 1.0).prod(axis=0)
    return np.asarray(1.0 + at.total - grown)


def _placebo(
    one: Beside, at: WindowStudy, weights: Array, own: Array
) -> list[PlaceboRank]:
    panel = one.panel
    key = weights.tobytes()
    if key not in one.squares:
        one.squares[key] = subject_squares(one.excess, weights)
    cars = placebo_cars(panel, one.dates, one.models, at.window, at.alpha)
    return placebo_ranks(
        one.dates,
        subject_cars(cars, weights),
        one.squares[key],
        window=at.window,
        estimation_end=panel.estimation[1],
        own=own,
    )
