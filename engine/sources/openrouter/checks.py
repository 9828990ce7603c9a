"""What can be wrong with a weekly list of models: labels, length, silence."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import numpy as np
import pandas as pd

from engine.errors import at_most
from engine.market.market import Finding

#: How many models a week's list names, and days between two lists.
LISTED, WEEK = 9, 7
#: Days that a list may be late before the feed counts as silent.
LATE = 14


def list_findings(
    listed: pd.DataFrame, name: str, *, until: dt.date | None = None
) -> tuple[Finding, ...]:
    """Return what is odd about the weeks of a list; nothing is changed.

    `listed` has the columns ``week, rank, tokens``, ordered by week; `name` is the
    file; `until` is the day that the feed should reach.
    """
    weeks = pd.DatetimeIndex(listed["week"].unique())
    return (
        *_label_findings(weeks, name),
        *_length_findings(listed, name),
        *_silence_findings(listed, weeks, name, until),
    )


def _label_findings(weeks: pd.DatetimeIndex, name: str) -> Iterator[Finding]:
    """Yield where the day of the week that labels a week changes, or is no Sunday."""
    days = weeks.day_of_week.to_numpy()
    names = weeks.day_name()
    for at in (np.flatnonzero(days[1:] != days[:-1]) + 1).tolist():
        yield Finding(
            severity="warning",
            where=f"{name}: labels",
            what=f"label change from {names[at - 1]} ({_day(weeks[at - 1])}) to "
            f"{names[at]} ({_day(weeks[at])})",
            action="kept as labelled; a label that is no Sunday may begin its week, "
            "so it counts as known seven days later",
            first=_day(weeks[at - 1]),
            last=_day(weeks[at]),
        )
    if len(weeks) and names[0] != "Sunday":
        yield Finding(
            severity="warning",
            where=f"{name}: labels",
            what=f"the first week is labelled with a {names[0]}, not a Sunday",
            action="kept as labelled; it may begin its week, so it counts as known "
            "seven days later",
            first=_day(weeks[0]),
            last=_day(weeks[0]),
        )


def _length_findings(listed: pd.DataFrame, name: str) -> Iterator[Finding]:
    """Yield weeks whose list is too short, too long, or does not rank 1 to 9."""
    rows = listed.groupby("week").size()
    short = rows[rows < LISTED]
    if len(short):
        counts = [f"{_day(week)} ({count})" for week, count in short.items()]
        yield _about(
            "warning",
            f"{name}: truncated list",
            f"{len(short)} weeks with fewer than {LISTED} models: {at_most(counts)}",
            "their tokens are a bound, their shares and concentration disputed: they "
            "are shares of another list",
            short.index,
        )
    beyond = listed[listed["rank"] > LISTED]
    if len(beyond):
        yield _about(
            "info",
            f"{name}: long list",
            f"{len(beyond)} rows rank below {LISTED}",
            f"left out: every series is about the top {LISTED}",
            pd.DatetimeIndex(beyond["week"]),
        )
    nine = listed[listed["rank"] <= LISTED]
    ranks = nine.groupby("week")["rank"]
    odd = (ranks.nunique() < ranks.size()) | (
        (ranks.size() < LISTED) & (rows.reindex(ranks.size().index) >= LISTED)
    )
    if odd.any():
        weeks = odd.index[odd]
        yield _about(
            "warning",
            f"{name}: ranks",
            f"{len(weeks)} weeks do not rank their models 1 to {LISTED}: "
            f"{at_most(map(_day, weeks))}",
            "used as they are; compare the list with its source",
            weeks,
        )


def _silence_findings(
    listed: pd.DataFrame,
    weeks: pd.DatetimeIndex,
    name: str,
    until: dt.date | None,
) -> Iterator[Finding]:
    """Yield weeks without a list or without a token, and a feed that has ended."""
    total = listed.groupby("week")["tokens"].sum()
    empty = total.index[total == 0]
    if len(empty):
        yield _about(
            "error",
            f"{name}: empty feed",
            f"{len(empty)} weeks list models without a token: "
            f"{at_most(map(_day, empty))}",
            "no observation for them: nothing known is not zero",
            empty,
        )
    steps = (weeks[1:] - weeks[:-1]).days.to_numpy()
    for at in np.flatnonzero(steps >= 2 * WEEK - 1).tolist():
        yield _about(
            "error",
            f"{name}: empty feed",
            f"no list between {_day(weeks[at])} and {_day(weeks[at + 1])}: about "
            f"{round(steps[at] / WEEK) - 1} weeks are missing",
            "no observation for them: fetch them again; nothing is filled in",
            weeks[[at, at + 1]],
        )
    full = total.index[total > 0]
    if until is not None and len(full):
        silent = (pd.Timestamp(until) - full[-1]).days
        if silent > LATE:
            yield Finding(
                severity="error",
                where=f"{name}: empty feed",
                what=f"the last list with tokens is of {_day(full[-1])}, {silent} days "
                f"before {until}",
                action="the feed has gone silent: fetch it again, or find where it "
                "moved; the last share is not today's",
                first=_day(full[-1]),
                last=str(until),
            )


def _about(
    severity: str, where: str, what: str, action: str, weeks: pd.Index
) -> Finding:
    """Return a finding about some weeks."""
    return Finding(
        severity=severity,
        where=where,
        what=what,
        action=action,
        first=_day(weeks.min()),
        last=_day(weeks.max()),
    )


def _day(moment: object) -> str:
    """Return the day in ISO form."""
    return pd.Timestamp(str(moment)).date().isoformat()
