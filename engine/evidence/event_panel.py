"""One event seen by many assets in event time, and who can be studied over a window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from engine.evidence.event_dates import Dated, by_date
from engine.evidence.event_models import LONG_WINDOW, Modelling, own_models
from engine.evidence.event_tests import (
    Alpha,
    Array,
    Cumulative,
    MarketModel,
    cumulative,
)
from engine.evidence.windows import (
    FEWEST_ESTIMATION_RETURNS,
    Flags,
    History,
    Positions,
    day_zero,
    days_waited,
)
from engine.market.calendar import Sessions

Window = tuple[int, int]

__all__ = [
    "LONG_WINDOW",
    "EventPanel",
    "Window",
    "WindowStudy",
    "event_panel",
    "study_window",
]

#: Residuals smaller than the root of this are rounding: the asset never moved, or it
#: repeats its benchmark.
LEAST_VARIANCE = 1e-18


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EventPanel:
    """Assets in their own sessions about an event: rows relative sessions, n columns.

    relative : (rows,) sessions from day zero; symbols : the n assets that can be
    studied; excluded : symbol -> why it cannot be, whatever the window.
    zero : (n,) position of day zero in the asset's own history; days : its date.
    returns : (rows, n); regressors : (rows, n, K); bar, flat : (rows, n).
    foreign : (n,) trades on other sessions than the benchmark.
    slopes : (n,) how many slopes each asset's model estimates.
    model : the model of each asset alone, slopes padded with 0 to K.
    residuals : (home sessions, n) estimation residuals on the home session whose span
    of time they share; NaN where the asset's span is not one home session.
    dated : the estimation window of all assets date by date. reacts : (n,) when each
    exchange would have reacted, had it been open.
    """

    modelling: Modelling
    estimation: Window
    relative: Positions
    symbols: tuple[str, ...]
    excluded: Mapping[str, str]
    histories: tuple[History, ...]
    zero: Positions
    days: tuple[pd.Timestamp, ...]
    returns: Array
    regressors: Array
    bar: Flags
    flat: Flags
    foreign: Flags
    slopes: Array
    model: MarketModel
    residuals: Array
    dated: Dated
    reacts: np.ndarray

    @property
    def benchmark(self) -> str:
        """The benchmark of the model."""
        return self.modelling.benchmark

    @property
    def simple(self) -> Array:
        """Simple returns (rows, n), whatever the model takes."""
        return np.expm1(self.returns) if self.modelling.log else self.returns

    def rows(self, window: Window) -> slice:
        """Return the rows of a window of relative sessions, both ends included."""
        start = int(self.relative[0])
        return slice(window[0] - start, window[1] - start + 1)

    def columns(self, symbols: Sequence[str]) -> list[int]:
        """Return the columns of those symbols that can be studied."""
        place = {symbol: column for column, symbol in enumerate(self.symbols)}
        return [place[symbol] for symbol in symbols if symbol in place]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WindowStudy:
    """Every asset of a panel alone, over one window.

    `reasons` says per asset why the window cannot be studied, "" where it can.
    `primary` uses the intercept named by `alpha`, `other` the other one. `total` is the
    compounded raw return, (n,).
    """

    window: Window
    alpha: Alpha
    reasons: tuple[str, ...]
    primary: Cumulative
    other: Cumulative
    total: Array


def event_panel(
    known: Mapping[str, History] | None,
    symbols: Sequence[str],
    *,
    moment: np.datetime64,
    estimation: Window,
    reach: Window,
    benchmark: str | Modelling,
    home_sessions: int,
    avoid: Sequence[np.datetime64] = (),
    shift: int = 0,
) -> EventPanel:
    """Return the panel of an event.

    Parameters
    ----------
    known : mapping of symbol to History
        None if the benchmark has no prices: then everything is excluded.
    symbols : sequence of str
        Those asked for; one that cannot be studied is excluded with the reason.
    moment : datetime64
        When the news was out, UTC.
    estimation : (int, int)
        First and last relative session of the market model. At least 60 returns with
        regressors are needed inside it.
    reach : (int, int)
        First and last relative session of any window.
    benchmark : str or Modelling
        A benchmark alone means the market model.
    home_sessions : int
        Length of the home calendar.
    avoid : sequence of datetime64
        Moments of other news: the first session that could react, and the one after
        it, are no estimation returns.
    shift : int
        Own sessions by which day zero is moved, to see what depends on its rule.
    """
    modelling = (
        benchmark
        if isinstance(benchmark, Modelling)
        else Modelling(benchmark=benchmark)
    )
    if known is None:
        known = {}
        what = ", ".join(modelling.regressors)
        excluded = dict.fromkeys(symbols, f"no prices of the benchmark {what}")
    else:
        excluded = {}
    zeros = {
        symbol: _moved(known[symbol].sessions, moment, shift)
        for symbol in symbols
        if symbol in known
    }
    excluded = _unreachable(known, symbols, zeros, modelling) | excluded
    left = [symbol for symbol in symbols if symbol not in excluded]
    zero = np.array([zeros[symbol] for symbol in left], dtype=np.int64)
    relative = np.arange(
        min(estimation[0], reach[0]) - 1, max(estimation[1], reach[1]) + 1
    )
    place = zero + relative[:, None]
    chosen = [known[symbol] for symbol in left]
    foreign = np.array([one.foreign for one in chosen], dtype=bool)
    returns = _around([one.returns for one in chosen], place)
    count = len(modelling.regressors)
    regressors = np.stack(
        [
            _around([one.regressors[:, k] for one in chosen], place)
            for k in range(2 * count)
        ],
        axis=2,
    )
    lagged = np.array([one.lagged for one in chosen], dtype=bool).reshape(-1, count)
    uses = modelling.uses(lagged)
    start = estimation[0] - int(relative[0])
    inside = slice(start, start + estimation[1] - estimation[0] + 1)
    estimated = _without(returns[inside], place[inside], chosen, avoid)
    model = own_models(estimated, regressors[inside], uses, modelling.kind)
    excluded |= _without_model(left, chosen, model, estimation, modelling)
    keep = [column for column, symbol in enumerate(left) if symbol not in excluded]
    kept = [chosen[column] for column in keep]
    own = _select(model, keep)
    waited = [
        np.timedelta64(days_waited(one.sessions, at, moment), "D")
        for one, at in zip(kept, zero[keep], strict=True)
    ]
    return EventPanel(
        modelling=modelling,
        estimation=estimation,
        relative=relative,
        symbols=tuple(one.symbol for one in kept),
        excluded=excluded,
        histories=tuple(kept),
        zero=zero[keep],
        days=tuple(
            one.sessions.days[at] for one, at in zip(kept, zero[keep], strict=True)
        ),
        returns=returns[:, keep],
        regressors=regressors[:, keep],
        bar=_around([one.bar for one in kept], place[:, keep]) == 1.0,
        flat=_around([one.flat for one in kept], place[:, keep]) == 1.0,
        foreign=foreign[keep],
        slopes=uses[keep].sum(axis=1).astype(np.float64),
        model=own,
        residuals=_on_home(own.residuals, kept, place[inside][:, keep], home_sessions),
        dated=by_date(
            own.residuals,
            regressors[inside][:, keep],
            [
                one.sessions.days.to_numpy() - one.sessions.days.to_numpy()[at] + wait
                for one, at, wait in zip(kept, zero[keep], waited, strict=True)
            ],
            place[inside][:, keep],
        ),
        reacts=np.array(
            [
                one.sessions.close_utc[at] - wait
                for one, at, wait in zip(kept, zero[keep], waited, strict=True)
            ],
            dtype="datetime64[ns]",
        ),
    )


def study_window(panel: EventPanel, window: Window) -> WindowStudy:
    """Return every asset's abnormal return over one window, or why it has none.

    An asset is studied where it has a bar just before the window and on its last
    session: nothing is cut short. A bar missing inside is spanned by the next return.
    """
    length = window[1] - window[0] + 1
    primary = panel.modelling.alpha(length)
    rows = panel.rows(window)
    y, x = panel.returns[rows], panel.regressors[rows]
    alphas: tuple[Alpha, Alpha] = ("estimated", "zero")
    both = {alpha: cumulative(panel.model, y, x, alpha=alpha) for alpha in alphas}
    return WindowStudy(
        window=window,
        alpha=primary,
        reasons=reasons(panel, window),
        primary=both[primary],
        other=both["zero" if primary == "estimated" else "estimated"],
        total=np.nanprod(1.0 + panel.simple[rows], axis=0) - 1.0,
    )


def reasons(panel: EventPanel, window: Window) -> tuple[str, ...]:
    """Return why each asset cannot be studied over a window, "" where it can."""
    return tuple(
        _why_not(panel, window, column) for column in range(len(panel.symbols))
    )


def _moved(sessions: Sessions, moment: np.datetime64, shift: int) -> int | None:
    """Return day zero moved by some sessions, None outside the data."""
    zero = day_zero(sessions, moment)
    if zero is None or not 0 <= zero + shift < len(sessions):
        return None
    return zero + shift


def _unreachable(
    known: Mapping[str, History],
    symbols: Sequence[str],
    zeros: Mapping[str, int | None],
    modelling: Modelling,
) -> dict[str, str]:
    """Return the symbols without a day zero, and why."""
    reasons = {}
    for symbol in symbols:
        if symbol == modelling.benchmark:
            reasons[symbol] = "it is the benchmark of the market model"
        elif symbol in modelling.others:
            reasons[symbol] = "it is a regressor of the model"
        elif symbol not in known:
            reasons[symbol] = "no prices"
        elif zeros[symbol] is None:
            days = known[symbol].sessions.days
            end = f"{days[-1].date()}" if len(days) else "before any session"
            reasons[symbol] = f"no session could react before the data end ({end})"
    return reasons


def _without_model(
    symbols: Sequence[str],
    chosen: Sequence[History],
    model: MarketModel,
    estimation: Window,
    modelling: Modelling,
) -> dict[str, str]:
    """Return the symbols without a market model, and why."""
    reasons = {}
    benchmark = ", ".join(modelling.regressors)
    for column, (symbol, one) in enumerate(zip(symbols, chosen, strict=True)):
        count = int(model.observations[column])
        if count < FEWEST_ESTIMATION_RETURNS:
            reasons[symbol] = (
                f"{count} returns beside {benchmark} in the estimation window "
                f"[{estimation[0]}, {estimation[1]}]; {FEWEST_ESTIMATION_RETURNS} "
                f"needed ({_span_of_prices(one)})"
            )
        elif not np.isfinite(model.variance[column]):
            reasons[symbol] = f"{benchmark} does not move in the estimation window"
        elif not model.variance[column] > LEAST_VARIANCE:
            reasons[symbol] = (
                f"its returns do not differ from a multiple of {benchmark} in the "
                "estimation window"
            )
    return reasons


def _why_not(panel: EventPanel, window: Window, column: int) -> str:
    """Return why an asset cannot be studied over a window; "" if it can."""
    first, last = window
    one = panel.histories[column]
    if panel.estimation[0] <= last and first <= panel.estimation[1]:
        return "the window overlaps the estimation window"
    total, zero = len(one.sessions), int(panel.zero[column])
    if zero + last >= total:
        return (
            f"the window ends {zero + last - total + 1} sessions after the data "
            f"({one.sessions.days[-1].date()})"
        )
    before, end = zero + first - 1, zero + last
    for position in (before, end):
        if position < 0 or not one.bar[position]:
            day = one.sessions.days[max(position, 0)].date()
            return (
                f"no price on {day}, session {position - zero} ({_span_of_prices(one)})"
            )
    rows = panel.rows(window)
    gap = panel.bar[rows, column] & ~np.isfinite(panel.regressors[rows, column]).all(1)
    if gap.any():
        day = one.sessions.days[zero + first + int(gap.argmax())].date()
        return f"{panel.benchmark} has no price beside the session of {day}"
    return ""


def _span_of_prices(one: History) -> str:
    at = np.flatnonzero(one.bar)
    if len(at) == 0:
        return "no prices"
    days = one.sessions.days
    return f"prices from {days[at[0]].date()} to {days[at[-1]].date()}"


def _around(values: Sequence[np.ndarray], place: Positions) -> Array:
    """Return values at positions (rows, n), one source per column, NaN outside."""
    out = np.full(place.shape, np.nan)
    for column, source in enumerate(values):
        at = place[:, column]
        inside = (at >= 0) & (at < len(source))
        out[inside, column] = source[at[inside]]
    return out


def _without(
    returns: Array,
    place: Positions,
    chosen: Sequence[History],
    avoid: Sequence[np.datetime64],
) -> Array:
    """Return estimation returns without the sessions that answered other news."""
    if not avoid:
        return returns
    left = returns.copy()
    for column, one in enumerate(chosen):
        for moment in avoid:
            zero = day_zero(one.sessions, moment)
            if zero is not None:
                left[np.isin(place[:, column], (zero, zero + 1)), column] = np.nan
    return left


def _select(model: MarketModel, columns: Sequence[int]) -> MarketModel:
    """Return the model of some of its firms."""
    return MarketModel(
        coefficients=model.coefficients[columns],
        residuals=model.residuals[:, columns],
        variance=model.variance[columns],
        inverse=model.inverse[columns],
        observations=model.observations[columns],
        df=model.df[columns],
    )


def _on_home(
    residuals: Array, chosen: Sequence[History], place: Positions, home_sessions: int
) -> Array:
    """Return residuals on the home session whose span of time each of them shares."""
    out = np.full((home_sessions, len(chosen)), np.nan)
    for column, one in enumerate(chosen):
        rows = np.flatnonzero(np.isfinite(residuals[:, column]))
        at = place[rows, column]
        single = (one.span[at] == 1) & (one.home[at] >= 0)
        out[one.home[at[single]], column] = residuals[rows[single], column]
    return out
