"""A subject of an event: one asset, a layer as one portfolio, or one minus another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

import numpy as np
import pandas as pd

from engine.errors import at_most
from engine.evidence.event_models import Modelling
from engine.evidence.event_panel import (
    EventPanel,
    Window,
    WindowStudy,
    event_panel,
    study_window,
)
from engine.evidence.event_portfolio import (
    Portfolio,
    portfolio_ends,
    portfolio_of,
    portfolio_return,
)
from engine.evidence.event_robust import robust_tests
from engine.evidence.event_rows import daily_rows
from engine.evidence.event_spans import row_notes, spanned_error
from engine.evidence.event_tests import (
    Alpha,
    Array,
    adjusted_bmp,
    mean_correlation,
)
from engine.evidence.inference import detectable_effect, two_sided_p
from engine.evidence.results import RobustTest
from engine.evidence.subjects import on_both_sides
from engine.evidence.windows import (
    FEWEST_ESTIMATION_RETURNS,
    History,
    event_moment,
    histories,
)
from engine.market.market import Market
from engine.thesis.model import Event

Kind = Literal["asset", "layer", "contrast"]
#: Histories that nobody has read yet.
UNREAD: Mapping[str, History] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is studied: equal weights of `long` minus equal weights of `short`."""

    kind: Kind
    name: str
    long: tuple[str, ...]
    short: tuple[str, ...] = ()
    layer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """Why a subject could not be studied over a window."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SubjectStudy:
    """One subject over one window of one event.

    `car` is the cumulative abnormal return with the intercept that `alpha` names, `se`
    the standard deviation of its prediction error, t on `df` degrees of freedom, `p`
    two-sided; `car_other` has the other intercept. `total` is the raw return. `n` firms
    were used, `members` long and short; `detectable` is found with power 0.8.
    `spanned_se`: the error of a return that spans holidays (`event_spans`), else NaN.

    `residuals` is the subject's estimation residual on home sessions (mean zero under
    the null, NaN where unknown), `weights` how often the window holds each of them,
    both on the same sessions; `robust` the tests that allow for a loud window; `daily`
    what `car` adds up (`event_rows.daily_rows`). All four only from `subject_study`.
    """

    subject: Subject
    window: Window
    day_zero: pd.Timestamp
    members: tuple[tuple[str, ...], tuple[str, ...]]
    total: float
    car: float
    se: float
    t: float
    p: float
    df: float
    n: int
    alpha: Alpha
    car_other: float
    adjusted_bmp: float
    adjusted_bmp_p: float
    detectable: float
    spanned_se: float = float("nan")
    notes: tuple[str, ...] = ()
    residuals: pd.Series | None = None
    weights: pd.Series | None = None
    daily: pd.DataFrame | None = None
    robust: tuple[RobustTest, ...] = ()


def subject_study(
    market: Market, subject: Subject, *, event: Event, window: Window, benchmark: str
) -> SubjectStudy | LeftOut:
    """Return one subject over one window of an event, with its residuals.

    `benchmark` counts where the event names none. The test is the one that
    `study_events` prints.
    """
    panel = panel_of(
        market, event, (*subject.long, *subject.short), [window], benchmark
    )
    at = study_window(panel, window)
    (study,) = study_subject(panel, [at], subject)
    if isinstance(study, LeftOut):
        return study
    residuals, weights = _null(panel, study, market.home.sessions.days)
    return replace(
        study,
        residuals=residuals,
        weights=weights,
        daily=daily_rows(panel, study.members, window, study.alpha),
        robust=robust_tests(panel, at, study.members),
    )


def panel_of(
    market: Market,
    event: Event,
    symbols: Sequence[str],
    windows: Sequence[Window],
    benchmark: str,
    known: Mapping[str, History] | None = UNREAD,
    shift: int = 0,
) -> EventPanel:
    """Return the panel of an event for some symbols; see `event_panel`.

    `known` are the histories, where they were read before. `shift` moves day zero.
    """
    chosen = Modelling.of(event, benchmark)
    exchanges = [bars.sessions for bars in market.bars.values()]
    return event_panel(
        model_histories(market, symbols, chosen) if known is UNREAD else known,
        symbols,
        moment=event_moment(event.at, exchanges),
        estimation=event.estimation,
        reach=(min(w[0] for w in windows), max(w[1] for w in windows)),
        benchmark=chosen,
        home_sessions=len(market.home.sessions),
        avoid=[event_moment(at, exchanges) for at in event.avoid],
        shift=shift,
    )


def model_histories(
    market: Market, symbols: Sequence[str], modelling: Modelling
) -> dict[str, History] | None:
    """Return the histories that a model needs; None where a regressor has none."""
    return histories(
        market,
        symbols,
        modelling.benchmark,
        others=modelling.others,
        lagged=modelling.lagged,
        log=modelling.log,
    )


def study_subject(
    panel: EventPanel, windows: Sequence[WindowStudy], subject: Subject
) -> list[SubjectStudy | LeftOut]:
    """Return a subject over each of the windows, or why it cannot be studied."""
    fitted: dict[tuple[int, ...], Portfolio] = {}
    studies: list[SubjectStudy | LeftOut] = []
    for at in windows:
        sides = _sides(panel, at, subject)
        if isinstance(sides, LeftOut):
            studies.append(sides)
        elif subject.kind == "asset":
            studies.append(_of_asset(panel, at, subject, sides[0][0]))
        else:
            # most windows have the same members, so one regression serves them all
            members = (len(sides[0]), *sides[0], *sides[1])
            if members not in fitted:
                fitted[members] = portfolio_of(panel, *sides)
            studies.append(_of_portfolio(panel, at, subject, sides, fitted[members]))
    return studies


def _sides(
    panel: EventPanel, at: WindowStudy, subject: Subject
) -> tuple[list[int], list[int]] | LeftOut:
    """Return the columns of both sides that can be studied over a window."""
    long, short = (
        [column for column in panel.columns(side) if not at.reasons[column]]
        for side in (subject.long, subject.short)
    )
    for side, found in ((subject.long, long), (subject.short, short)):
        if side and not found:
            return LeftOut(reason=_why_nobody(panel, at, side))
    shared = on_both_sides(subject.long, subject.short)
    if shared:
        return LeftOut(reason=shared)
    return long, short


def _of_asset(
    panel: EventPanel, at: WindowStudy, subject: Subject, column: int
) -> SubjectStudy:
    car, se, df = (
        float(values[column])
        for values in (at.primary.car, at.primary.se, at.primary.df)
    )
    return _study(
        panel,
        at,
        subject,
        ([column], []),
        car=car,
        se=se,
        df=df,
        total=float(at.total[column]),
        car_other=float(at.other.car[column]),
        spanned_se=spanned_error(
            panel, at.window, [column], panel.model.variance[[column], None], se
        ),
    )


def _of_portfolio(
    panel: EventPanel,
    at: WindowStudy,
    subject: Subject,
    sides: tuple[list[int], list[int]],
    one: Portfolio,
) -> SubjectStudy | LeftOut:
    if one.count < FEWEST_ESTIMATION_RETURNS or not one.variance > 0.0:
        return LeftOut(
            reason=f"two of its members share {one.count} dates of the estimation "
            f"window; {FEWEST_ESTIMATION_RETURNS} needed"
        )
    car, se, second = portfolio_ends(panel, one, at.window, at.alpha)
    totals = [portfolio_return(panel, side, at.window) for side in sides]
    return _study(
        panel,
        at,
        subject,
        sides,
        car=car,
        se=se,
        df=one.df,
        total=totals[0] - totals[1],
        car_other=second,
        spanned_se=spanned_error(panel, at.window, one.columns, one.covariance, se),
    )


def _study(
    panel: EventPanel,
    at: WindowStudy,
    subject: Subject,
    sides: tuple[list[int], list[int]],
    *,
    car: float,
    se: float,
    df: float,
    total: float,
    car_other: float,
    spanned_se: float,
) -> SubjectStudy:
    """Return the study of a subject from its cumulative abnormal return."""
    t = car / se
    columns = [*sides[0], *sides[1]]
    asked = len(subject.long) + len(subject.short)
    cross, cross_p = float("nan"), float("nan")
    if subject.kind == "layer" and len(columns) > 1:
        correlation = mean_correlation(panel.residuals[:, columns])
        cross = float(adjusted_bmp(at.primary.scaled[columns], correlation))
        cross_p = float(two_sided_p(cross, len(columns) - 1.0))
    return SubjectStudy(
        subject=subject,
        window=at.window,
        day_zero=min(panel.days[column] for column in columns),
        members=(
            tuple(panel.symbols[column] for column in sides[0]),
            tuple(panel.symbols[column] for column in sides[1]),
        ),
        total=total,
        car=car,
        se=se,
        t=t,
        p=float(two_sided_p(t, df)),
        df=df,
        n=len(columns),
        alpha=at.alpha,
        car_other=car_other,
        adjusted_bmp=cross,
        adjusted_bmp_p=cross_p,
        detectable=detectable_effect(se, df),
        spanned_se=spanned_se,
        notes=row_notes(panel, at.window, columns, asked=asked, kind=subject.kind),
    )


def _why_nobody(panel: EventPanel, at: WindowStudy, side: tuple[str, ...]) -> str:
    """Return why no member of a side can be studied."""
    reasons = [
        f"{symbol}: {panel.excluded[symbol]}"
        if symbol in panel.excluded
        else f"{symbol}: {at.reasons[panel.symbols.index(symbol)]}"
        for symbol in side
    ]
    return reasons[0].split(": ", 1)[1] if len(side) == 1 else at_most(reasons, 2)


def _null(
    panel: EventPanel, study: SubjectStudy, home: pd.DatetimeIndex
) -> tuple[pd.Series, pd.Series]:
    """Return a subject's residuals and window weights on the home sessions used."""
    residual, weights = null_of(panel, study, len(home))
    used = np.isfinite(residual) | (weights > 0.0)
    return (
        pd.Series(residual[used], index=home[used], name=study.subject.name),
        pd.Series(weights[used], index=home[used], name=study.subject.name),
    )


def null_of(
    panel: EventPanel, study: SubjectStudy, sessions: int
) -> tuple[Array, Array]:
    """Return a subject's residuals and window weights on every home session.

    Residuals average the members' own (long minus short) on each home session that has
    one of every side, NaN elsewhere. Weights: the mean over members of how many of
    their window sessions fall on a home session; they sum to the window's length where
    no member's close precedes the home calendar.
    """
    sides = [panel.columns(side) for side in study.members]
    residual = _mean(panel.residuals[:, sides[0]])
    if sides[1]:
        residual = residual - _mean(panel.residuals[:, sides[1]])
    weights = np.zeros(sessions)
    columns = [*sides[0], *sides[1]]
    for column in columns:
        one, zero = panel.histories[column], panel.zero[column]
        at = one.home[zero + study.window[0] : zero + study.window[1] + 1]
        np.add.at(weights, at[at >= 0], 1.0 / len(columns))
    return residual, weights


def _mean(values: Array) -> Array:
    """Return row means over what is known, NaN in an empty row."""
    seen = np.isfinite(values)
    count = seen.sum(axis=1)
    total = np.where(seen, values, 0.0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
