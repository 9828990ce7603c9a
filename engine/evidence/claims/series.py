"""Signals as claims read them: known within the sample, and named where missing."""

from __future__ import annotations

import datetime as dt
from typing import Literal

import numpy as np
import pandas as pd

from engine.evidence.claims.context import Evidence, Span
from engine.evidence.results import Untestable
from engine.market.signals import Signals

#: Fewest changes of a signal that a mean or a regression is estimated from.
FEWEST_CHANGES = 12
#: Below this number a test says that its p-value is rough.
FEW_CHANGES = 24
How = Literal["difference", "log"]
#: Shares that sum to less, or to more, are no table of one day.
LISTED, MOST = 0.5, 1.01
_DAY = np.timedelta64(1, "D")
DAYS_PER_YEAR = 365.25


def observations(
    signals: Signals, role: str, span: Span, *, by: dt.date | None = None
) -> pd.DataFrame:
    """Return the role's observations that became known in the span, as of its end.

    A restatement after the span, or after the deadline `by`, changes nothing in it; a
    restatement in it of a value known before is no new observation.
    """
    end = span.end
    if by is not None:
        end = min(end, pd.Timestamp(by) + pd.Timedelta(days=1))
    before, known = (_as_of(signals, role, moment) for moment in (span.first, end))
    return known[~_seen(known, before)]


def _as_of(signals: Signals, role: str, moment: pd.Timestamp) -> pd.DataFrame:
    """Return what was known of a role just before a moment."""
    just_before = (moment - pd.Timedelta(1, "ns")).to_datetime64()
    return signals.first(signals.known_by(just_before)).read(role)


def _seen(known: pd.DataFrame, before: pd.DataFrame) -> np.ndarray:
    """Return which rows are of an entity and value date that `before` has, (n,)."""
    both = pd.concat(
        [known[["entity", "value_date"]], before[["entity", "value_date"]]]
    )
    entity, _ = pd.factorize(both["entity"])
    date, dates = pd.factorize(both["value_date"])
    place = entity.astype(np.int64) * len(dates) + date
    return np.asarray(np.isin(place[: len(known)], place[len(known) :]))


def series_name(signals: Signals, role: str) -> str:
    """Return a role with the series that answers to it, as messages name it."""
    series = signals.roles.get(role, role)
    return role if series == role else f"{role} ({series})"


def of_entity(
    known: pd.DataFrame, role: str, entity: str | None
) -> pd.DataFrame | Untestable:
    """Return the observations of one entity, which must be named among several."""
    if entity is not None:
        return known[known["entity"] == entity]
    entities = known["entity"].unique()
    if len(entities) > 1:
        return Untestable(reason=name_one(role, len(entities)))
    return known


def name_one(role: str, entities: int) -> str:
    """Return why an observation of one of several entities is not told."""
    return f"{role} is known of {entities} entities; name one with 'entity'"


def published(
    signals: Signals, role: str, entity: str | None, *, before: pd.Timestamp
) -> pd.DataFrame:
    """Return every vintage of a role that was known before a moment, the first first.

    Of one entity, or of all where none is named.
    """
    frame = signals.observations
    chosen = (
        (frame["series"] == signals.roles.get(role, role))
        & (frame["quality"] == "observed")
        & (frame["known_at"] < before)
    )
    if entity is not None:
        chosen &= frame["entity"] == entity
    return frame[chosen].sort_values(["known_at", "value_date"])


def ratio(
    known: pd.DataFrame, over: pd.DataFrame, entities: tuple[str, ...]
) -> pd.DataFrame:
    """Return one row per value date: the entities' sum in `known` over that in `over`.

    Only dates on which both have every entity and `over` sums to more than zero; known
    when the last of these figures was.
    """
    named = (one[one["entity"].isin(entities)] for one in (known, over))
    top, bottom = (
        one.groupby("value_date").agg(
            value=("value", "sum"),
            known_at=("known_at", "max"),
            count=("value", "count"),
        )
        for one in named
    )
    whole = top.merge(bottom.add_suffix("_of"), left_index=True, right_index=True)
    full = (whole["count"] == len(entities)) & (whole["count_of"] == len(entities))
    whole = whole[full & (whole["value_of"] > 0)]
    return pd.DataFrame(
        {
            "entity": " + ".join(entities),
            "value_date": whole.index,
            "known_at": whole[["known_at", "known_at_of"]].max(axis=1).to_numpy(),
            "value": (whole["value"] / whole["value_of"]).to_numpy(),
            "unit": "ratio",
        }
    )


def concentrated(known: pd.DataFrame) -> pd.DataFrame:
    """Return one row per value date: the sum of squared shares, Herfindahl's index.

    Only dates whose shares sum to between `LISTED` and `MOST`: single figures are no
    table. Shares that a table leaves out add nothing, so it is a lower bound.
    """
    shares = known[np.isfinite(known["value"])]
    grouped = shares.assign(square=shares["value"] ** 2).groupby("value_date")
    whole = grouped.agg(
        total=("value", "sum"), value=("square", "sum"), known_at=("known_at", "max")
    )
    whole = whole[(whole["total"] >= LISTED) & (whole["total"] <= MOST)].reset_index()
    columns = ["value_date", "known_at", "value"]
    return pd.DataFrame(whole[columns]).assign(entity="all")


def by_entity(known: pd.DataFrame) -> pd.DataFrame:
    """Return values by value date (rows) and entity (columns), NaN where none."""
    return known.set_index(["value_date", "entity"])["value"].unstack("entity")  # noqa: PD010  (each pair once)


def changes(
    evidence: Evidence,
    role: str,
    entity: str | None,
    span: Span,
    how: How,
    *,
    concentration: bool = False,
) -> pd.DataFrame | Untestable:
    """Return one row per new observation of a signal: its change since the one before.

    Columns: `before` and `value_date` (days), `known_at`, `value`, `change` (the
    difference, or that of logarithms). Values are those of the last vintage known
    within the span; the first observation of the span changes from the last one known
    before it. With `concentration`, of Herfindahl's index of all entities. Untestable
    below `FEWEST_CHANGES`, with the series named.
    """
    signals = evidence.market.signals
    known, before = (_as_of(signals, role, end) for end in (span.end, span.first))
    if concentration:
        known, before = concentrated(known), concentrated(before)
    known_or_not = of_entity(known, role, entity)
    if isinstance(known_or_not, Untestable):
        return known_or_not
    known = known_or_not
    of = f" of {entity}" if entity else ""
    name = series_name(signals, role)
    name = f"concentration of {name}" if concentration else name
    values = known["value"].to_numpy()
    if not np.isfinite(values).all():
        hole = pd.Timestamp(known["value_date"].to_numpy()[~np.isfinite(values)][0])
        return Untestable(reason=f"{name}{of} has no number on {hole.date()}")
    if how == "log" and (values <= 0).any():
        return Untestable(
            reason=f"{name}{of} has a value that is not above zero, and no logarithm"
        )
    seen = _seen(known, before)
    level = np.log(values) if how == "log" else values
    dates = known["value_date"].to_numpy()
    rows = pd.DataFrame(
        {
            "before": dates[:-1],
            "value_date": dates[1:],
            "known_at": known["known_at"].to_numpy()[1:],
            "value": values[1:],
            "change": np.diff(level),
        }
    )[~seen[1:]]
    if len(rows) < FEWEST_CHANGES:
        return Untestable(reason=_too_few(name + of, len(known), len(rows)))
    return rows.reset_index(drop=True)


def _too_few(name: str, known: int, count: int) -> str:
    """Return how much is missing of a series."""
    if not known:
        return f"no observation of {name}"
    return (
        f"{count} changes of {name} became known in this sample; {FEWEST_CHANGES} "
        "needed"
    )


def years(rows: pd.DataFrame) -> np.ndarray:
    """Return the length of each change in years, shape (n,)."""
    span = rows["value_date"].to_numpy() - rows["before"].to_numpy()
    return np.asarray(span / _DAY / DAYS_PER_YEAR, dtype=np.float64)


def few(count: int) -> tuple[str, ...]:
    """Return the warning that a test on few observations carries."""
    if count >= FEW_CHANGES:
        return ()
    return (f"only {count} observations: the p-value is rough",)


def on_sessions(
    influence: np.ndarray, days: np.ndarray, home: pd.DatetimeIndex, weight: float
) -> tuple[pd.Series, np.ndarray]:
    """Return a sparse influence series and its weights on home sessions.

    Each value stands on the last home session not after its day, the sessions between
    hold zero, and all have the same weight: their weighted sum is that of the values,
    and a resample of whole blocks of sessions keeps the dependence on daily series.
    """
    place = np.clip(home.searchsorted(pd.DatetimeIndex(days), "right") - 1, 0, None)
    first, last = int(place.min()), int(place.max())
    values = np.zeros(last - first + 1)
    np.add.at(values, place - first, influence)
    index = home[first : last + 1]
    return pd.Series(values, index=index), np.full(len(index), weight)


def period_returns(
    returns: pd.Series, first: np.ndarray, last: np.ndarray
) -> np.ndarray:
    """Return compounded returns over rows first + 1 to last, shape (n,).

    NaN for an empty period, one that leaves the series, or one with a return that is
    not known.
    """
    daily = returns.to_numpy(dtype=np.float64)
    known = np.isfinite(daily)
    growth = np.concatenate([[0.0], np.cumsum(np.log1p(np.where(known, daily, 0.0)))])
    holes = np.concatenate([[0], np.cumsum(~known)])
    inside = (first >= 0) & (last > first) & (last < len(daily))
    a, b = np.where(inside, first + 1, 0), np.where(inside, last + 1, 0)
    whole = inside & (holes[b] == holes[a])
    return np.where(whole, np.expm1(growth[b] - growth[a]), np.nan)
