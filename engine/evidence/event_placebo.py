"""How an event ranks among all the dates before it on which nothing happened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.evidence.event_models import LONG_WINDOW, Modelling
from engine.evidence.event_panel import EventPanel, Window
from engine.evidence.event_tests import Alpha, Array
from engine.evidence.windows import (
    FEWEST_ESTIMATION_RETURNS,
    REACTION_TIME,
    Flags,
    History,
    Positions,
)
from engine.market.calendar import Sessions

#: Home sessions of the volatility that placebo dates are matched on.
VOLATILITY_SESSIONS = 60
#: A matched date had between 1 / this and this times the event's volatility.
VOLATILITY_RATIO = 1.25
#: A date counts for a subject where this share of each of its sides has a return.
SHARE_OF_MEMBERS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rolling:
    """One asset's model as it would be estimated before each of its sessions.

    coefficients : (T, K + 1) of the estimation window before each session, NaN where it
    has too few returns. y, x : (T + 1,), (T + 1, K) running sums of returns and
    regressors; gaps : (T + 1,) of bars without a regressor.
    """

    coefficients: Array
    y: Array
    x: Array
    gaps: Positions
    bar: Flags


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Placebo:
    """Every candidate date of an event, D of them, in time order.

    home : (D,) home session of each; zero : (D, n) the assets' day zeros. event_home :
    home session of the event; others : those of other events.
    """

    home: Positions
    zero: Positions
    event_home: int
    others: Positions


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceboRank:
    """Share of dates at least as extreme as the event, which counts among them.

    p : two-sided, (1 + the dates whose CAR is as far from zero) over (1 + n). n dates;
    for windows longer than 20 sessions, dates whose windows do not overlap.
    """

    p: float
    n: int
    matched_p: float
    matched_n: int


def rolling(one: History, modelling: Modelling, estimation: Window) -> Rolling:
    """Return an asset's model before every session at once, from running sums."""
    uses = modelling.uses(np.array([one.lagged], dtype=bool)).ravel()
    adjusted = modelling.kind == "market_adjusted"
    y = one.returns - one.regressors[:, 0] if adjusted else one.returns
    z = np.column_stack([np.ones_like(y), one.regressors[:, uses], y])
    seen = np.asarray(np.isfinite(z).all(axis=1))
    z = np.where(seen[:, None], z, 0.0)
    products = _running(z[:, :, None] * z[:, None, :])
    at = np.arange(len(y))
    last, first = (
        np.clip(at + shift, 0, len(y)) for shift in (estimation[1] + 1, estimation[0])
    )
    sums = products[np.maximum(last, first)] - products[first]
    left, right = sums[:, :-1, :-1], sums[:, :-1, -1]
    count = left[:, 0, 0]
    good = count >= FEWEST_ESTIMATION_RETURNS
    spread = np.einsum("tkk->tk", left)[:, 1:] * count[:, None] - left[:, 0, 1:] ** 2
    good &= (spread > 1e-10 * np.einsum("tkk->tk", left)[:, 1:]).all(axis=1)
    safe = np.where(good[:, None, None], left, np.eye(left.shape[1]))
    solved = np.linalg.solve(safe, right[..., None])[..., 0]
    coefficients = np.zeros((len(y), len(uses) + 1))
    coefficients[:, np.concatenate([[0], 1 + np.flatnonzero(uses)])] = solved
    if adjusted:
        coefficients[:, 1] = 1.0
    coefficients[~good] = np.nan
    known = np.isfinite(one.regressors).all(axis=1)
    both = np.isfinite(one.returns) & known
    return Rolling(
        coefficients=coefficients,
        y=_running(np.where(both, one.returns, 0.0)),
        x=_running(np.where(both[:, None], one.regressors, 0.0)),
        gaps=_running((one.bar & ~known).astype(np.int64)),
        bar=one.bar,
    )


def placebo_dates(
    panel: EventPanel,
    moment: np.datetime64,
    home: Sessions,
    others: Sequence[int],
) -> Placebo:
    """Return every home session before an event as a date of the same hour.

    `others` are the home sessions of other events.
    """
    zero = int(np.searchsorted(home.close_utc, moment + REACTION_TIME))
    zero = min(zero, len(home) - 1)
    days = home.days.to_numpy()
    moments = moment - (days[zero] - days[:zero])
    place = np.empty((zero, len(panel.symbols)), dtype=np.int64)
    calendars: dict[int, Positions] = {}
    for column, one in enumerate(panel.histories):
        key = id(one.sessions)
        if key not in calendars:
            closes = one.sessions.close_utc
            calendars[key] = np.searchsorted(closes, moments + REACTION_TIME)
        place[:, column] = calendars[key]
    return Placebo(
        home=np.arange(zero),
        zero=place,
        event_home=zero,
        others=np.array(sorted(others), dtype=np.int64),
    )


def placebo_cars(
    panel: EventPanel,
    dates: Placebo,
    models: Sequence[Rolling],
    window: Window,
    alpha: Alpha,
) -> Array:
    """Return each asset's CAR over a window of every date, (D, n).

    NaN where the asset has no model, no bar just before the window or at its end, or
    where the window is not over when the event's own estimation window is.
    """
    first, last = window
    length = last - first + 1
    cars = np.full(dates.zero.shape, np.nan)
    for column, one in enumerate(models):
        zero = dates.zero[:, column]
        until = int(panel.zero[column]) + panel.estimation[1]
        usable = np.flatnonzero((zero + first >= 1) & (zero + last <= until))
        at = zero[usable]
        start, end = at + first, at + last
        good = one.bar[start - 1] & one.bar[end]
        good &= one.gaps[end + 1] == one.gaps[start]
        chosen = one.coefficients[at]
        slopes, x = chosen[:, 1:], one.x[end + 1] - one.x[start]
        car = one.y[end + 1] - one.y[start] - (slopes * x).sum(axis=1)
        if alpha == "estimated":
            car = car - length * chosen[:, 0]
        else:
            car = np.where(np.isfinite(chosen[:, 0]), car, np.nan)
        cars[usable, column] = np.where(good, car, np.nan)
    return cars


def subject_cars(cars: Array, weights: Array) -> Array:
    """Return subjects' CARs (D, S) of assets' (D, n), by signed weights (S, n).

    A side is the mean of its members that have one; at least half must.
    """
    known = np.isfinite(cars).astype(np.float64)
    held = np.where(known > 0.0, cars, 0.0)
    total = np.zeros((len(cars), len(weights)))
    alone = (weights != 0.0).sum(axis=1) == 1
    columns = (weights[alone] != 0.0).argmax(axis=1)
    total[:, alone] = cars[:, columns] * np.sign(weights[alone, columns])
    for sign in (1.0, -1.0):
        side = (weights * sign > 0.0).astype(np.float64)
        size = side.sum(axis=1)
        rows = np.flatnonzero((size > 0.0) & ~alone)
        there = known @ side[rows].T
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = (held @ side[rows].T) / there
        enough = there >= np.maximum(SHARE_OF_MEMBERS * size[rows], 1.0)
        total[:, rows] += sign * np.where(enough, mean, np.nan)
    return total


def subject_squares(excess: Array, weights: Array) -> Array:
    """Return running sums of squares (rows + 1, S) of subjects' excess returns."""
    return np.asarray(_running((excess @ weights.T) ** 2))


def excess_returns(panel: EventPanel, sessions: int) -> Array:
    """Return returns over the benchmark's on home sessions, (sessions, n).

    0 where there is none: a missing member sits a session out.
    """
    excess = np.zeros((sessions, len(panel.symbols)))
    for column, one in enumerate(panel.histories):
        moves = one.returns - one.regressors[:, 0]
        rows = np.flatnonzero(np.isfinite(moves) & (one.home >= 0))
        np.add.at(excess[:, column], one.home[rows], moves[rows])
    return excess


def placebo_ranks(
    dates: Placebo,
    found: Array,
    squares: Array,
    *,
    window: Window,
    estimation_end: int,
    own: Array,
) -> list[PlaceboRank]:
    """Return the rank of each subject among the dates.

    Parameters
    ----------
    dates : Placebo
    found : ndarray of shape (D, S)
        CARs of the dates.
    squares : ndarray of shape (home sessions + 1, S)
    window : (int, int)
        A date whose short window holds day zero of another event is left out; a long
        one cannot avoid them.
    estimation_end : int
        Volatility is that of the 60 home sessions up to this relative session.
    own : ndarray of shape (S,)
        CARs of the event.
    """
    length = window[1] - window[0] + 1
    free = np.ones(len(dates.home), dtype=bool)
    if length <= LONG_WINDOW:
        start, end = dates.home + window[0] - 1, dates.home + window[1]
        inside = np.searchsorted(dates.others, end, side="right") > np.searchsorted(
            dates.others, start
        )
        free = ~inside
    volatility, event = (
        _volatility(squares, at + estimation_end)
        for at in (dates.home, np.array([dates.event_home]))
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        near = np.abs(np.log(volatility / event)) <= np.log(VOLATILITY_RATIO)
    usable = free[:, None] & np.isfinite(found)
    if length <= LONG_WINDOW:
        counted = [_counts(found, own, chosen) for chosen in (usable, usable & near)]
    else:
        counted = [
            _counts(found, own, _apart(chosen, dates.home, length))
            for chosen in (usable, usable & near)
        ]
    return [
        PlaceboRank(p=p, n=int(n), matched_p=matched_p, matched_n=int(matched_n))
        for p, n, matched_p, matched_n in zip(
            *(column.tolist() for pair in counted for column in pair), strict=True
        )
    ]


def _counts(found: Array, own: Array, chosen: Flags) -> tuple[Array, Array]:
    """Return the two-sided p of each subject among chosen dates, and their number."""
    n = chosen.sum(axis=0)
    beyond = (chosen & (np.abs(found) >= np.abs(own))).sum(axis=0)
    known = np.isfinite(own) & (n > 0)
    return np.where(known, (1.0 + beyond) / (1.0 + n), np.nan), n


def _apart(chosen: Flags, home: Positions, length: int) -> Flags:
    """Return the latest dates whose windows do not overlap, going back in time."""
    kept = np.zeros_like(chosen)
    for subject in range(chosen.shape[1]):
        rows = np.flatnonzero(chosen[:, subject])
        starts = home[rows]
        place = len(rows) - 1
        while place >= 0:
            kept[rows[place], subject] = True
            place = int(np.searchsorted(starts, starts[place] - length, "right")) - 1
    return kept


def _volatility(squares: Array, last: Positions) -> Array:
    """Return the root mean square of 60 sessions up to `last`, NaN before them."""
    end = np.clip(last + 1, 0, len(squares) - 1)
    start = np.maximum(end - VOLATILITY_SESSIONS, 0)
    mean = (squares[end] - squares[start]) / VOLATILITY_SESSIONS
    return np.where(
        (last + 1 >= VOLATILITY_SESSIONS)[:, None],
        np.sqrt(np.maximum(mean, 0.0)),
        np.nan,
    )


def _running(values: np.ndarray) -> np.ndarray:
    """Return sums of the first 0, 1, ... rows."""
    first = np.zeros((1, *values.shape[1:]), dtype=values.dtype)
    return np.concatenate([first, np.cumsum(values, axis=0)])


def rolling_models(
    panel: EventPanel, kept: dict[tuple[Modelling, Window, str], Rolling]
) -> list[Rolling]:
    """Return the rolling model of each asset of a panel; `kept` has those made before.

    They do not depend on the event, only on its model and estimation window.
    """
    models = []
    for one in panel.histories:
        key = (panel.modelling, panel.estimation, one.symbol)
        if key not in kept:
            kept[key] = rolling(one, panel.modelling, panel.estimation)
        models.append(kept[key])
    return models
