"""The same backtest begun on other days: what a window about an event is held against.

Which dates are eligible is decided here and nowhere else (`eligible_zeros`). As in the
event study (`engine.evidence.event_placebo`), placebo dates lie before the event, and
their windows are over when the event's own begins: nothing that the event did, and
nothing that came after it, is among them. A window this long cannot avoid the days of
other events, and does not try.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from engine.evidence.ranking import percentile_among
from engine.ledger.around import Window, split_at
from engine.ledger.tape import Tape
from engine.ledger.windows import Plan, may_open, open_accounts

#: What the bands of a fan are, as columns -> quantiles of the starts.
BANDS = {"q05": 0.05, "q25": 0.25, "q50": 0.5, "q75": 0.75, "q95": 0.95}
#: A path has no rank among fewer starts, or where fewer of their windows are apart.
FEWEST_STARTS, FEWEST_APART = 20, 2
#: Returns that agree to so many decimals are equal.
_DECIMALS = 12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Starts:
    """The paths of a plan begun at every home session from one on.

    first : that session. growth : (P, S, L) of 1 from each start on, NaN after the
    end. open : (S,) whether every path's standing weights could be ordered that day.
    """

    first: int
    growth: np.ndarray
    open: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fan:
    """How a window about an event compares with the same paths begun before it.

    bands : rows as the window's, columns `BANDS`: quantiles of the growth of 1 of its
        first path over the starts; no rows without a start.
    ranks : one row per path: `placebo_rank`, the share of its own starts that did worse
        from day zero, of 100, equal ones counting half; `placebo_rank_whole`, the same
        for the whole window; NaN among too few. `placebos` counts the starts,
        `placebos_apart` those of them whose windows do not overlap.
    """

    bands: pd.DataFrame
    ranks: pd.DataFrame


def eligible_zeros(window: Window, decided: int) -> range:
    """Return the home sessions that are placebo dates of an event.

    The window about each, of the same length as the event's own, begins when every path
    had taken a decision, which is home session `decided`, and ends when the event's own
    begins, or earlier.
    """
    low = int(window.nav.index[0])
    return range(decided - low, last_start(window) - low + 1)


def last_start(window: Window) -> int:
    """Return the last home session that a placebo start of an event may have."""
    low, high = int(window.nav.index[0]), int(window.nav.index[-1])
    return window.zero + 2 * low - high


def first_decided(plan: Plan) -> int:
    """Return the home session by which every path has taken a decision."""
    firsts = [plan.of(path)[:1] for path in range(len(plan.names))]
    if not firsts or not all(len(one) for one in firsts):
        return int(np.iinfo(np.int32).max)
    return max(int(np.concatenate(firsts).max()), 0)


def open_starts(tape: Tape, plan: Plan, *, until: int, length: int) -> Starts:
    """Return every path begun at each session, to `until`, for `length` sessions.

    An account never knows what comes, so that the first sessions of a start are those
    of a shorter window, too: one walk serves all events.
    """
    first, paths = first_decided(plan), len(plan.names)
    rows = np.arange(first, until + 1)
    count = len(rows)
    last = np.minimum(rows + length - 1, len(tape.days) - 1)
    may = [may_open(tape, plan, path, rows) for path in range(paths if count else 0)]
    usable = np.logical_and.reduce(may) if may else np.zeros(0, dtype=bool)
    growth = np.full((paths, count, length), np.nan)
    if usable.any():
        chosen = int(usable.sum())
        opened = open_accounts(
            tape,
            plan,
            path=np.repeat(np.arange(paths), chosen),
            first=np.tile(rows[usable], paths),
            last=np.tile(last[usable], paths),
            count=False,
        )
        found = opened.nav / opened.nav[:, :1]
        growth[:, usable, : found.shape[1]] = found.reshape(paths, chosen, -1)
    return Starts(first=first, growth=growth, open=usable)


def fan_of(starts: Starts, window: Window) -> Fan:
    """Return the fan behind a window, and the rank of each of its paths."""
    low, length = int(window.nav.index[0]), len(window.nav)
    zeros = np.array(eligible_zeros(window, starts.first), dtype=np.int64)
    place = zeros + low - starts.first
    place = place[starts.open[place]] if len(place) else place
    growth = starts.growth[:, place, :length]
    apart = count_apart(place, length - 1)
    enough = len(place) >= FEWEST_STARTS and apart >= FEWEST_APART
    _, since = split_at(growth, -low)
    ranks = {
        "placebo_rank": _ranks(window.summary["since"], since, known=enough),
        "placebo_rank_whole": _ranks(
            window.summary["total_return"], growth[..., -1] - 1.0, known=enough
        ),
        "placebos": len(place),
        "placebos_apart": apart,
    }
    return Fan(
        bands=_bands(growth[0], window.nav.index),
        ranks=pd.DataFrame(ranks, index=window.summary.index),
    )


def count_apart(starts: np.ndarray, length: int) -> int:
    """Return how many windows of so many returns follow each other without overlap."""
    count, free = 0, -1
    for start in starts.tolist():
        if count == 0 or start >= free:
            count, free = count + 1, start + length
    return count


def _bands(growth: np.ndarray, sessions: pd.Index) -> pd.DataFrame:
    """Return the quantiles of growth (S, L) by session; no rows without a start."""
    if not len(growth):
        return pd.DataFrame(columns=list(BANDS), index=sessions[:0], dtype=np.float64)
    found = np.quantile(growth, list(BANDS.values()), axis=0)
    return pd.DataFrame(found.T, index=sessions, columns=list(BANDS))


def _ranks(own: pd.Series, others: np.ndarray, *, known: bool) -> list[float]:
    """Return the percentile of each path (P,) among its own starts (P, S)."""
    if not known:
        return [float("nan")] * len(own)
    rounded = np.round(others, _DECIMALS)
    return [
        percentile_among(round(float(one), _DECIMALS), row)
        for one, row in zip(own, rounded, strict=True)
    ]


def fan_sentence(count: int, apart: int) -> str:
    """Return in words what the fan is made of, and how little that is."""
    if count == 0:
        return (
            "No placebo start: no window of this length ends before the event's own "
            "begins, after the first decision."
        )
    dates = f"{count} placebo start{'s' * (count != 1)}"
    if count < FEWEST_STARTS or apart < FEWEST_APART:
        return (
            f"No rank: {dates}, of whose windows {apart} overlap{'s' * (apart == 1)} "
            f"none; a rank takes {FEWEST_STARTS} and {FEWEST_APART}."
        )
    return (
        f"{dates}, each the same backtest begun on another day before the event; the "
        f"windows overlap, so that they are worth about {apart} independent ones."
    )
