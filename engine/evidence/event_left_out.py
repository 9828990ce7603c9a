"""What an event study left out, in sentences: each reason once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import pandas as pd

from engine.errors import at_most
from engine.evidence.event_sensitivity import AS_STATED

EVERYTHING = "everything"
#: A number that differs from company to company where the reason is the same.
_COUNT = re.compile(r"\d+(?= (?:sessions?|returns|dates) )")
#: Between the members in ``AAA: why, BBB: why and 4 more``, the reason of a layer.
_NEXT, _MEMBER, _MORE = r", (?=\S+: )", r"^\S+: ", r" and \d+ more$"
_COLUMNS = ["event", "kind", "subject", "window", "reason"]


def left_out_sentences(left_out: pd.DataFrame) -> list[str]:
    """Return what an event study left out: one line per reason, not per company.

    Companies that one event leaves out for the same reason share a line, and so do
    events that leave out the same companies for it.
    """
    subjects: dict[tuple[str, str, str], list[str]] = {}
    for row in left_out.to_dict("records"):
        window = f" {list(row['window'])}" if isinstance(row["window"], tuple) else ""
        why = (str(row["event"]), window, str(row["reason"]))
        subjects.setdefault(why, []).append(str(row["subject"]))
    events: dict[tuple[str, str, str], list[str]] = {}
    for (event, window, reason), names in subjects.items():
        events.setdefault((at_most(names), window, reason), []).append(event)
    return [
        f"left out: {at_most(ids)}: {names}{window}: {reason}"
        for (names, window, reason), ids in events.items()
    ]


def event_sentences(left_out: pd.DataFrame, studied: Iterable[str]) -> list[str]:
    """Return what an event study left out: one line per event.

    Layers and contrasts are named with their windows; a reason that differs in a number
    alone is told once, with the range. Of an event that is not `studied` at all only
    the reason is told, and events with the same line share it. Companies alone are
    counted in a last line.
    """
    there = set(studied)
    lines: dict[str, list[str]] = {}
    for event, rows in left_out.groupby("event", sort=False):
        wide = rows[rows["kind"] != "asset"]
        if event in there:
            told = "; ".join(_by_window(wide))
        else:
            told = f"{EVERYTHING}: {'; '.join(_reasons(rows if wide.empty else wide))}"
        if told:
            lines.setdefault(told, []).append(str(event))
    sentences = [f"left out: {', '.join(ids)}: {told}" for told, ids in lines.items()]
    assets = left_out[(left_out["kind"] == "asset") & left_out["event"].isin(there)]
    if not assets.empty:
        count = assets["subject"].nunique()
        sentences.append(
            f"left out of some event or window: {count} companies; see --assets"
        )
    return sentences


def not_studied(table: pd.DataFrame) -> pd.DataFrame:
    """Return what a table of `sensitivity` could not study as stated, as left out."""
    rows = table[(table["variant"] == AS_STATED) & table["p"].isna()]
    return rows.assign(kind="layer", reason=rows["note"])[_COLUMNS]


def _by_window(rows: pd.DataFrame) -> Iterator[str]:
    """Yield ``compute, labs [2, 120]: why`` for each window and kind of reason."""
    alike = [_COUNT.sub("#", _plain(str(one))) for one in rows["reason"]]
    windows = rows["window"].map(str)
    for _, part in rows.groupby([windows, pd.Index(alike)], sort=False):
        window = part["window"].iloc[0]
        shown = f" {list(window)}" if isinstance(window, tuple) else ""
        yield f"{', '.join(part['subject'])}{shown}: {'; '.join(_reasons(part))}"


def _reasons(rows: pd.DataFrame) -> Iterator[str]:
    """Yield the reasons of some rows, those alike once with their range."""
    groups: dict[str, list[str]] = {}
    for reason in map(_plain, map(str, rows["reason"])):
        groups.setdefault(_COUNT.sub("#", reason), []).append(reason)
    for those in groups.values():
        counts = [int(one) for text in those for one in _COUNT.findall(text)[:1]]
        if counts and min(counts) < max(counts):
            between = f"{min(counts)} to {max(counts)}"
            yield _COUNT.sub(between, those[0], count=1)
        else:
            yield those[0]


def _plain(reason: str) -> str:
    """Return the reason of a layer without its members, where it is theirs alike."""
    if not re.match(_MEMBER, reason):
        return reason
    parts = [
        re.sub(_MEMBER, "", one) for one in re.split(_NEXT, re.sub(_MORE, "", reason))
    ]
    alike = len({_COUNT.sub("#", one) for one in parts}) == 1
    return parts[0] if alike else reason
