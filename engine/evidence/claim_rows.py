"""The data behind every claim, as one table in long form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from engine.evidence.results import ClaimResult, Claims
from engine.market.market import Market
from engine.thesis.model import Thesis

CLAIM_ROW_COLUMNS = (
    "claim",
    "sample",
    "row",  # values of one row were used together
    "series",
    "of",  # whose: the entity, event or asset; empty where there is one
    "since",  # the day that a change is counted from, and the one that it runs to
    "date",
    "known_at",  # UTC; empty where a row joins several observations
    "value",
    "weight",  # of the member, in event claims
    "source",
)
_DATES = ("value_date", "session", "day_zero")
_WHOSE = ("event", "entity", "kind", "symbol")
_TIMES = (*_DATES, "before", "ends", "known_at")
#: What the rows of a claim about a signal make of prices.
_OF_PRICES = ("return",)
_NOWHERE = np.datetime64("NaT", "ns")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """Some values of one claim; arrays of shape (n,), or one value for all of them."""

    claim: str
    sample: str
    row: np.ndarray
    series: str
    of: np.ndarray
    since: np.ndarray
    date: np.ndarray
    known_at: np.ndarray
    value: np.ndarray
    weight: np.ndarray
    source: np.ndarray


def claim_rows(claims: Claims, thesis: Thesis, market: Market) -> pd.DataFrame:
    """Return the data that every estimate is made from, columns `CLAIM_ROW_COLUMNS`.

    One row per value. An event claim has, per event, member and session, `return` and
    `expected`, and its estimate is the mean over events of the sum of weight x (return
    - expected); the other tests have the series that `docs/claims.md` names. What is
    untestable used no row.
    """
    parts = [
        part
        for one in claims.results
        if one.finding is not None
        for part in _parts(one, thesis, market)
    ]
    sizes = [len(part.value) for part in parts]
    columns: dict[str, object] = {}
    for name in CLAIM_ROW_COLUMNS:
        values = [getattr(part, name) for part in parts]
        if name in ("claim", "sample", "series"):
            whole: object = np.repeat(np.array(values, dtype=object), sizes)
        else:
            whole = np.concatenate(values) if values else np.array([])
        text = name in ("claim", "sample", "series", "of", "source")
        columns[name] = pd.Categorical(whole) if text else whole  # type: ignore[call-overload]
    return pd.DataFrame(columns)


def _parts(one: ClaimResult, thesis: Thesis, market: Market) -> Iterator[_Part]:
    """Yield the columns of a claim's rows, an event's daily rows in their place."""
    found = one.finding
    if found is None:
        return
    params = next((c.params for c in thesis.claims if c.id == one.id), {})
    frame = found.rows if found.daily is None else found.daily
    if isinstance(frame.index, pd.DatetimeIndex):
        frame = frame.rename_axis("session").reset_index()
    n = len(frame)
    nowhere = np.full(n, _NOWHERE)
    dates = next((_days(frame, name) for name in _DATES if name in frame), nowhere)
    of_signal = "value_date" in frame or bool(params.get("role"))
    values = [
        str(name)
        for name in frame.columns
        if name not in (*_TIMES, "weight", "relative")
        and pd.api.types.is_numeric_dtype(frame[name])
    ]
    for name in values:
        priced = _from_prices(name, params, of_signal=of_signal)
        later = name == "after" and "ends" in frame
        days = _days(frame, "ends") if later else dates
        yield _Part(
            claim=one.id,
            sample=one.sample,
            row=np.arange(n),
            series=name,
            of=_whose(frame),
            since=_days(frame, "before") if "before" in frame else nowhere,
            date=days,
            known_at=_known(frame, days, market, priced=priced, later=later),
            value=frame[name].to_numpy(dtype=np.float64),
            weight=_weight(frame),
            source=_source(frame, market, priced=priced),
        )


def _from_prices(name: str, params: Mapping[str, object], *, of_signal: bool) -> bool:
    """Return whether a column of a claim's rows was made from prices."""
    if not of_signal:
        return True
    controls = params.get("controls") or ()
    follows = name == "after" and params.get("layer") is not None
    return follows or name in _OF_PRICES or name in list(controls)  # type: ignore[call-overload]


def _known(
    frame: pd.DataFrame, days: np.ndarray, market: Market, *, priced: bool, later: bool
) -> np.ndarray:
    """Return when each row was known: as it says, else at the home close of its day.

    An observation that follows another has no moment here: its row has the other's.
    """
    if "known_at" in frame and not later and (not priced or "weight" in frame):
        return _days(frame, "known_at")
    if not priced:
        return np.full(len(days), _NOWHERE)
    sessions = market.home.sessions
    place = sessions.days.searchsorted(pd.DatetimeIndex(days), "right") - 1
    return np.asarray(sessions.close_utc[np.maximum(place, 0)])


def _days(frame: pd.DataFrame, name: str) -> np.ndarray:
    return np.asarray(frame[name].to_numpy(), dtype="datetime64[ns]")


def _whose(frame: pd.DataFrame) -> np.ndarray:
    """Return whose each row is: ``EVENT, ASSET`` for the daily rows of an event."""
    parts = [frame[name].astype(str).to_numpy() for name in _WHOSE if name in frame]
    if not parts:
        return np.full(len(frame), "", dtype=object)
    whole = parts[0].astype(object)
    for part in parts[1:]:
        whole = whole + ", " + part.astype(object)
    return np.asarray(whole)


def _weight(frame: pd.DataFrame) -> np.ndarray:
    """Return each daily row's weight in the portfolio; NaN for other rows."""
    if "weight" not in frame:
        return np.full(len(frame), np.nan)
    return frame["weight"].to_numpy(dtype=np.float64)


def _source(frame: pd.DataFrame, market: Market, *, priced: bool) -> np.ndarray:
    """Return where each row came from; an observation says so itself."""
    if "source" in frame:
        return frame["source"].astype(str).to_numpy(dtype=object)
    origin = market.prices_origin if priced else market.signals_origin
    kind = "prices" if priced else "signals"
    return np.full(len(frame), f"{kind}: {origin.name}", dtype=object)
