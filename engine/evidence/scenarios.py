"""Scenarios as states that can be seen: which hold, by date, and what they weigh.

Assumptions: nothing here reaches a verdict, the thesis score or the portfolio.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from engine.evidence.claims.series import LISTED, MOST
from engine.market.market import Market
from engine.thesis.model import Scenario, Thesis
from engine.thesis.stress import State

#: A value date further back than this says nothing of the world as it is.
FRESH = np.timedelta64(184, "D")
MET, UNMET, UNSEEN = "met", "not met", "not observable"
HOLDS, FAILS, OPEN = "holds", "does not hold", "open"

STATE_COLUMNS = (
    "date",
    "scenario",
    "state",
    "condition",
    "status",
    "value",
    "value_date",
    "why",
)
DATE_COLUMNS = ("date", "scenario", "status", "met", "unmet", "unseen")
LAYER_COLUMNS = (
    "subject",
    "weighted",
    "low",  # over every weighting: the least of all scenarios
    "low_at",
    "high",
    "high_at",
    "without_low",  # least and most with one scenario left out
    "without_low_of",
    "without_high",
    "without_high_of",
)


def _none(columns: Sequence[str]) -> pd.DataFrame:
    return pd.DataFrame(columns=list(columns))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScenarioStudy:
    """Which scenarios could be seen to hold, and what they do to the layers.

    states : one row per date, scenario and state. dates : one row per date and
        scenario. Dates are the last home sessions of months and of the study.
    effects : (scenarios, subjects) as stated. weights : (scenarios,) summing to 1.
    layers : one row per subject: the weighted effect, its range over every weighting,
        and over leaving one scenario out.
    """

    states: pd.DataFrame = field(default_factory=lambda: _none(STATE_COLUMNS))
    dates: pd.DataFrame = field(default_factory=lambda: _none(DATE_COLUMNS))
    effects: pd.DataFrame = field(default_factory=pd.DataFrame)
    weights: pd.Series = field(default_factory=lambda: pd.Series(dtype=np.float64))
    layers: pd.DataFrame = field(default_factory=lambda: _none(LAYER_COLUMNS))


def study_scenarios(
    thesis: Thesis, market: Market, layers: Sequence[str]
) -> ScenarioStudy:
    """Return which scenarios hold by date, and their weighted effect per layer."""
    if not thesis.scenarios:
        return ScenarioStudy()
    days, moments = _dates(thesis, market)
    states = pd.DataFrame(
        [
            row
            for scenario in thesis.scenarios
            for number, state in enumerate(scenario.states, start=1)
            for row in _through_time(scenario, number, state, market, days, moments)
        ],
        columns=list(STATE_COLUMNS),
    )
    effects, weights = effects_of(thesis.scenarios, layers), weights_of(thesis)
    return ScenarioStudy(
        states=states.astype({"date": "datetime64[ns]"}),
        dates=_by_date(thesis.scenarios, states),
        effects=effects,
        weights=weights,
        layers=sensitivity(effects, weights),
    )


def weights_of(thesis: Thesis) -> pd.Series:
    """Return the weight of each scenario, equal unless the thesis gives others."""
    given = [1.0 if one.weight is None else one.weight for one in thesis.scenarios]
    names = [one.id for one in thesis.scenarios]
    return pd.Series(np.array(given) / np.sum(given), index=names, name="weight")


def effects_of(scenarios: Sequence[Scenario], layers: Sequence[str]) -> pd.DataFrame:
    """Return the stated effects, scenarios x subjects; 0 where nothing is stated.

    Subjects are the layers that any scenario names, in their order, then baskets.
    """
    named = dict.fromkeys(subject for one in scenarios for subject in one.effect)
    subjects = [one for one in layers if one in named]
    subjects += [one for one in named if one not in subjects]
    rows = [[one.effect.get(name, 0.0) for name in subjects] for one in scenarios]
    return pd.DataFrame(rows, index=[one.id for one in scenarios], columns=subjects)


def sensitivity(effects: pd.DataFrame, weights: pd.Series) -> pd.DataFrame:
    r"""Return the weighted effect per subject and what it owes to the weights.

    With effects e and weights w on the simplex, :math:`w'e` is linear, so its least
    and most over all weightings are those of single scenarios. Leaving one out keeps
    the others' proportions; NaN where nothing is left.
    """
    table, share = effects.to_numpy(np.float64), weights.to_numpy(np.float64)
    names = list(effects.index)
    left = np.full(table.shape, np.nan)
    for out in range(len(names)):
        rest = np.delete(share, out)
        if rest.sum() > 0.0:
            left[out] = np.delete(table, out, axis=0).T @ (rest / rest.sum())
    rows = []
    for place, subject in enumerate(effects.columns):
        each, without = table[:, place], left[:, place]
        row = [subject, float(share @ each)]
        row += [each.min(), names[each.argmin()], each.max(), names[each.argmax()]]
        if np.isfinite(without).any():
            low, high = int(np.nanargmin(without)), int(np.nanargmax(without))
            row += [without[low], names[low], without[high], names[high]]
        else:
            row += [np.nan, "", np.nan, ""]
        rows.append(row)
    return pd.DataFrame(rows, columns=list(LAYER_COLUMNS))


def condition(state: State) -> str:
    """Return a state in words, by default ``token share above 0.5, 26 in a row``."""
    if state.says:
        return state.says
    role = state.role.replace("_", " ")
    if state.concentration:
        watched = f"concentration of {role}"
    elif state.entities:
        watched = f"{role} of {' + '.join(state.entities)}"
    elif state.over is not None:
        watched = f"{role} of {state.entity} over {state.over}"
    else:
        watched = f"{role} of {state.entity}" if state.entity else role
    if state.rises or state.falls:
        word = "rises" if state.rises else "falls"
        return f"{watched} {word} over {state.rises or state.falls} observations"
    line = next(
        f"{word} {value:g}" if word != "off_peak" else f"{value:g} off its peak"
        for word, value in (
            ("above", state.above),
            ("below", state.below),
            ("off_peak", state.off_peak),
        )
        if value is not None
    )
    row = f", {state.times} in a row" if state.times > 1 else ""
    return f"{watched} {line}{row}"


def _dates(thesis: Thesis, market: Market) -> tuple[pd.DatetimeIndex, np.ndarray]:
    """Return the last home session of each month of the study, and its close."""
    about, home = thesis.about, market.home.sessions
    inside = (home.days >= pd.Timestamp(about.start)) & (
        home.days <= pd.Timestamp(about.end)
    )
    days, closes = home.days[inside], home.close_utc[inside]
    month = days.year.to_numpy() * 12 + days.month.to_numpy()
    last = np.append(month[1:] != month[:-1], True)
    return days[last], closes[last]


def _through_time(
    scenario: Scenario,
    number: int,
    state: State,
    market: Market,
    days: pd.DatetimeIndex,
    moments: np.ndarray,
) -> list[list[object]]:
    """Return a state's row at each date, from what was known at that close."""
    told = _Told(state, market)
    rows: list[list[object]] = []
    for day, moment in zip(days, moments, strict=True):
        status, value, date, why = told.at(moment)
        rows.append(
            [day, scenario.id, number, condition(state), status, value, date, why]
        )
    return rows


class _Told:
    """The observations that a state reads, in the order they became known."""

    def __init__(self, state: State, market: Market) -> None:
        self.state = state
        signals = market.signals
        self.series = signals.roles.get(state.role, state.role)
        frame = signals.observations
        chosen = (frame["series"] == self.series) & (frame["quality"] == "observed")
        named = [one for one in (state.entity, state.over, *state.entities) if one]
        if named:
            chosen &= frame["entity"].isin(named)
        place = np.flatnonzero(chosen.to_numpy())
        self.named = named
        self.known = frame["known_at"].to_numpy()[place]
        self.value = frame["value"].to_numpy()[place]
        codes, names = pd.factorize(frame["entity"].array.take(place))
        self.codes, self.names = codes, [str(one) for one in names]
        dates = frame["value_date"].to_numpy()[place]
        self.dates, self.day = np.unique(dates, return_inverse=True)

    def at(self, moment: np.datetime64) -> tuple[str, float, object, str]:
        """Return status, newest value, its date and why, as known at a moment."""
        count = int(np.searchsorted(self.known, moment, side="right"))
        table = np.full((len(self.dates), len(self.names)), np.nan)
        # rows come in the order they became known: the newest vintage stays
        table[self.day[:count], self.codes[:count]] = self.value[:count]
        dates, values, why = self._reduced(table)
        if not len(values):
            return UNSEEN, float("nan"), pd.NaT, why
        last = pd.Timestamp(dates[-1])
        if moment - dates[-1] > FRESH:
            why = f"last observation of {last.date()}"
            return UNSEEN, float(values[-1]), last, why
        met, why = _meets(self.state, values)
        if met is None:
            return UNSEEN, float(values[-1]), last, why
        return (MET if met else UNMET), float(values[-1]), last, why

    def _reduced(self, table: np.ndarray) -> tuple[np.ndarray, np.ndarray, str]:
        """Return dates and one value each, or why there is none."""
        seen = np.isfinite(table)
        known = [
            name for name, one in zip(self.names, seen.T, strict=True) if one.any()
        ]
        missing = [name for name in self.named if name not in known]
        empty = np.array([], dtype="datetime64[ns]"), np.array([])
        if not known or missing:
            of = f" of {missing[0]}" if missing and known else ""
            return *empty, f"no observation of {self.state.role}{of}"
        if self.state.concentration:
            total = np.nansum(table, axis=1)
            whole = (total >= LISTED) & (total <= MOST)
            if not whole.any():
                why = f"no date on which {self.state.role} sums to {LISTED:g} or more"
                return *empty, why
            return self.dates[whole], np.nansum(table**2, axis=1)[whole], ""
        if self.state.over is not None:
            one, other = (
                table[:, self.names.index(str(name))]
                for name in (self.state.entity, self.state.over)
            )
            value = np.divide(
                one, other, out=np.full(len(one), np.nan), where=other > 0
            )
        elif self.state.entities:
            value = table.sum(axis=1)  # NaN where one of them is missing
        elif len(known) > 1:
            return *empty, f"{self.state.role} is known of {len(known)} entities"
        else:
            value = table[:, self.names.index(known[0])]
        there = np.isfinite(value)
        if not there.any():
            return *empty, f"no date with {self.state.role} of all"
        return self.dates[there], value[there], ""


def _meets(state: State, values: np.ndarray) -> tuple[bool | None, str]:
    """Return whether the newest values meet a condition; None: too few of them."""
    span = state.rises or state.falls
    needed = span + 1 if span else state.times
    if len(values) < needed:
        return None, f"{len(values)} of {needed} observations"
    newest = values[-state.times :]
    if state.above is not None:
        return bool((newest > state.above).all()), ""
    if state.below is not None:
        return bool((newest < state.below).all()), ""
    if state.off_peak is not None:
        return bool((newest <= values.max() - state.off_peak).all()), ""
    change = values[-1] - values[-1 - int(span or 0)]
    return bool(change > 0.0 if state.rises else change < 0.0), ""


def _by_date(scenarios: Sequence[Scenario], states: pd.DataFrame) -> pd.DataFrame:
    """Return each scenario's status by date: all met, one unmet, or open."""
    seen: dict[tuple[pd.Timestamp, str], list[str]] = {}
    for day, name, status in zip(
        states["date"], states["scenario"], states["status"], strict=True
    ):
        seen.setdefault((day, name), []).append(status)
    rows = []
    for day in sorted(set(states["date"])):
        for one in scenarios:
            found = seen[day, one.id]
            counts = [found.count(word) for word in (MET, UNMET, UNSEEN)]
            rows.append([day, one.id, _status(*counts), *counts])
    table = pd.DataFrame(rows, columns=list(DATE_COLUMNS))
    return table.astype({"date": "datetime64[ns]"})


def _status(met: int, unmet: int, unseen: int) -> str:
    """Return the status of a scenario of which so many states are so."""
    if unmet:
        return FAILS
    if not unseen:
        return HOLDS
    return OPEN if met else UNSEEN
