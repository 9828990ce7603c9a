"""Units and sizes of signals: what cannot be of one series, within it and the store."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from engine.errors import at_most
from engine.market.market import Finding
from engine.sources.imports_words import counted, day_of, number_of
from engine.sources.price_rows import PREFIX

LINE = ["series", "line"]
#: A hundredfold, less what a quantity may itself do in the meantime.
JUMP = 70.0
#: Of shares no power of ten is one unless it leaves them.
SHARE_UNIT = "fraction"
NAMED = 3


def unit_findings(rows: pd.DataFrame, held: pd.DataFrame) -> Iterator[Finding]:
    """Yield the series and lines whose unit differs within an import or from the store.

    `held` is what the store says already; empty: only the import is looked at.
    """
    if len(rows) == 0:
        return
    mine = _units(rows)
    before = _units(held) if len(held) else {}
    wrong: dict[str, list[str]] = {}
    for (series, line), units in mine.items():
        stored = before.get((series, line), [])
        strange = [one for one in units if one not in stored]
        if stored and strange:
            said = f"{line}: {_or_none(strange)}, the store has {_or_none(stored)}"
        elif len(held) == 0 and len(units) > 1:
            said = f"{line}: {_or_none(units)}"
        else:
            continue
        wrong.setdefault(series, []).append(said)
    for series, each in wrong.items():
        yield Finding(
            severity="error",
            where=f"store: {series}" if len(held) else series,
            what=f"units differ: {at_most(each)}",
            action="one series has one unit for each line: convert the file, correct "
            "its unit, or name the series otherwise",
        )


def jump_findings(rows: pd.DataFrame, held: pd.DataFrame) -> Iterator[Finding]:
    """Yield signals that a power of ten parts from their neighbours in time.

    With `held`, what the store says already, only neighbours of which one is stored
    and the other imported are compared; else those within the import.
    """
    mine = _latest(rows).assign(stored=False)
    if len(held):
        stored = _latest(held).assign(stored=True)
        mine = pd.concat([stored, mine]).drop_duplicates(
            [*LINE, "value_date"], keep="last"
        )
    mine = mine[mine["value"] != 0.0].sort_values([*LINE, "value_date"], kind="stable")
    size = mine["value"].abs().to_numpy(np.float64)
    if len(size) < 2:
        return
    same = (mine[LINE].to_numpy()[1:] == mine[LINE].to_numpy()[:-1]).all(axis=1)
    with np.errstate(over="ignore"):
        times = np.exp(np.abs(np.diff(np.log(size))))
    shares = mine["unit"].eq(SHARE_UNIT).to_numpy() & (size <= 1.0)
    far = same & (times >= JUMP) & ~(shares[1:] & shares[:-1])
    if len(held):
        is_stored = mine["stored"].to_numpy(bool)
        far &= is_stored[1:] != is_stored[:-1]
    at = np.flatnonzero(far)
    jumps = mine.iloc[at + 1][[*LINE, "value_date", "value", "stored"]].assign(
        day=mine["value_date"].to_numpy()[at],
        was=mine["value"].to_numpy()[at],
        was_stored=mine["stored"].to_numpy()[at],
    )
    for (series, line), own in jumps.groupby(LINE, sort=True):
        yield Finding(
            severity="warning",
            where=f"{series}: {line}",
            what=f"{counted(len(own), 'jump')} by a power of ten (a hundredfold or "
            f"more): {_examples(own)}",
            action="another unit, or a slip? stored as it is",
            first=day_of(own["day"].min()),
            last=day_of(own["value_date"].max()),
        )


def _examples(jumps: pd.DataFrame) -> str:
    """Return the first jumps in words."""
    first = jumps.head(NAMED)
    told = [
        f"{number_of(was)}{_stored(was_stored)} on {day_of(day)}, "
        f"{number_of(value)}{_stored(stored)} on {day_of(until)}"
        for was, was_stored, day, value, stored, until in zip(
            first["was"],
            first["was_stored"],
            first["day"],
            first["value"],
            first["stored"],
            first["value_date"],
            strict=True,
        )
    ]
    rest = f" and {len(jumps) - NAMED} more" if len(jumps) > NAMED else ""
    return "; ".join(told) + rest


def _latest(rows: pd.DataFrame) -> pd.DataFrame:
    """Return each signal's value as known last."""
    signals = rows[~rows["series"].astype("str").str.startswith(PREFIX)]
    signals = signals.sort_values("known_at", kind="stable")
    return signals.drop_duplicates([*LINE, "value_date"], keep="last")


def _units(rows: pd.DataFrame) -> dict[tuple[str, str], list[str]]:
    """Return the units of each series and line."""
    each = rows[[*LINE, "unit"]].drop_duplicates()
    found: dict[tuple[str, str], list[str]] = {}
    for series, line, unit in each.itertuples(index=False):
        found.setdefault((str(series), str(line)), []).append(str(unit))
    return found


def _or_none(units: list[str]) -> str:
    """Return units in words."""
    return at_most(unit or "none" for unit in units)


def _stored(stored: bool) -> str:
    """Return that a value is in the store."""
    return " (stored)" if stored else ""
