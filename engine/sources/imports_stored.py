"""Rows of an import beside those of the store: what they would change or restate."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from engine.market.market import Finding
from engine.sources.files_signals import HAPPENED
from engine.sources.imports_words import counted, day_of, number_of
from engine.sources.price_rows import PREFIX
from engine.sources.store import Store
from engine.sources.store_rows import SAYING, WITHDRAWN

#: What a value is of, whenever it was known.
KEY = ["series", "line", "value_date"]
#: Filings of one company are of several forms, and of one source.
FILED = "SEC "
CLOSE, ADJUSTED = f"{PREFIX}close", f"{PREFIX}adj_close"
#: Examples that a finding names.
NAMED = 3


def held_rows(rows: pd.DataFrame, store: Store) -> pd.DataFrame:
    """Return what the store says of the series and lines of an import.

    Each saying (series, line, value date, known-at, source) once, as ingested last;
    what was withdrawn is left out. Of prices only those of the import's own sources:
    each source of prices is read alone.
    """
    if len(rows) == 0:
        return store.history(series=[])
    held = store.history(series=set(rows["series"]), lines=set(rows["line"]))
    held = held.sort_values("ingested_at", kind="stable")
    held = held.drop_duplicates(SAYING, keep="last")
    held = held[held["quality"] != WITHDRAWN]
    priced = held["series"].str.startswith(PREFIX)
    return held[~priced | held["source"].isin(rows["source"].unique())]


def change_findings(
    rows: pd.DataFrame, held: pd.DataFrame, *, replace: bool
) -> Iterator[Finding]:
    """Yield which stored values an import contradicts, and which it restates.

    Parameters
    ----------
    rows : what is imported, in the columns of `engine.sources.imports.ROWS`.
    held : what the store says already, as `held_rows` gives it.
    replace : whether a contradiction is meant: a warning then, else an error.

    A price contradicts what its own source said of the same day. A signal contradicts
    what any source said of the same series, line and value date, unless its own source
    said it before: what becomes known later is a restatement then. Equal values never
    contradict each other.
    """
    if len(rows) == 0 or len(held) == 0:
        return
    beside = _beside(rows, held)
    own = beside["own"].notna()
    before = beside["own"].where(own, beside["before"])
    differs = before.notna() & (before != beside["value"])
    allowed = ~own & (beside["restates"] | beside["supersedes"])
    told = beside.assign(
        was=before,
        said_by=beside["said_by"].where(~own, beside["source"]),
        of=beside["series"].where(~beside["priced"], "prices of " + beside["source"]),
    )
    for name, changed in told[differs & ~allowed].groupby("of", sort=True):
        yield _change(str(name), changed, replace=replace)
    for name, later in told[differs & allowed].groupby("of", sort=True):
        yield Finding(
            severity="info",
            where=f"store: {name}",
            what=f"{counted(len(later), 'stored value')} restated, known later: "
            f"{_examples(later)}",
            action="stored beside them: as of an earlier moment the earlier ones count",
            first=day_of(later["value_date"].min()),
            last=day_of(later["value_date"].max()),
        )


def _beside(rows: pd.DataFrame, held: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with what was said before them.

    `own` is the value that their source gave for the same moment; `before` that which
    counts at their moment (the first one where none does yet), `said_by` its source;
    `restates` that their source said just that earlier, `supersedes` that one of the
    two is no more than expected.
    """
    told = _with_speaker(rows).reset_index(drop=True)
    told["place"] = np.arange(len(told))
    stored = _with_speaker(held).sort_values(["known_at", "ingested_at"])
    own = stored[[*SAYING, "value"]].rename(columns={"value": "own"})
    told = told.merge(own, on=SAYING, how="left")
    told = told.sort_values("known_at", kind="stable")
    key = [*KEY, "scope"]
    kept = {"value": "before", "source": "said_by", "quality": "was_quality"}
    stored = stored.rename(columns=kept)
    of_it = [*key, "known_at", *kept.values()]
    told = pd.merge_asof(told, stored[of_it], on="known_at", by=key)
    first = stored.drop_duplicates(key).set_index(key)
    at = first.index.get_indexer(pd.MultiIndex.from_frame(told[key]))
    none_yet = told["before"].isna().to_numpy() & (at >= 0)
    for name in kept.values():
        earliest = first[name].to_numpy()[at]
        told[name] = told[name].where(~none_yet, earliest)
    earlier = stored[[*key, "speaker", "known_at", "before"]]
    earlier = earlier.rename(columns={"before": "earlier"})
    told = pd.merge_asof(
        told,
        earlier,
        on="known_at",
        by=[*key, "speaker"],
        allow_exact_matches=False,
    )
    happened = told["quality"].isin(HAPPENED)
    expected = told["before"].notna() & ~told["was_quality"].isin(HAPPENED)
    supersedes = np.where(none_yet, ~happened, happened & expected)
    # not where another source has changed it since
    told["restates"] = (told["earlier"] == told["before"]) & ~told["priced"]
    told["supersedes"] = supersedes & ~told["priced"].to_numpy()
    return told.sort_values("place", kind="stable", ignore_index=True)


def _with_speaker(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows with who speaks, and among whom a contradiction counts."""
    filed = rows["source"].str.startswith(FILED)
    priced = rows["series"].str.startswith(PREFIX)
    return rows.assign(
        speaker=rows["source"].mask(filed, FILED.strip()),
        priced=priced,
        scope=rows["source"].where(priced, ""),
        value_date=pd.DatetimeIndex(rows["value_date"]).as_unit("ns"),
        known_at=pd.DatetimeIndex(rows["known_at"]).as_unit("ns"),
    )


def _change(name: str, changed: pd.DataFrame, *, replace: bool) -> Finding:
    """Return that values of one series, or prices of one source, change."""
    what = (
        f"{counted(len(changed), 'stored value')} "
        f"{'changes' if len(changed) == 1 else 'change'}: {_examples(changed)}"
    )
    if replace:
        action = (
            "stored as new vintages, as --replace says; --vintage reads what the store "
            "held before"
        )
    elif changed["priced"].all():
        adjusted = changed["series"].eq(ADJUSTED).all()
        action = (
            "adjusted closes change with each dividend: if the file is the newer one, "
            if adjusted
            else "if the file is right, "
        ) + "say --replace; or give it a source of its own (--source)"
    else:
        action = (
            "if the file is right, say --replace; a restatement has the same source "
            "and a later known_at; another estimate needs a series of its own"
        )
    return Finding(
        severity="warning" if replace else "error",
        where=f"store: {name}",
        what=what,
        action=action,
        first=day_of(changed["value_date"].min()),
        last=day_of(changed["value_date"].max()),
    )


def _examples(rows: pd.DataFrame) -> str:
    """Return the first changes in words."""
    first = rows.sort_values(["value_date", "line", "series"], kind="stable")
    first = first.head(NAMED)
    told = [
        f"{line if series == CLOSE else f'{series} of {line}'} {day} "
        f"{number_of(was)} -> {number_of(value)}"
        f"{'' if before == now else f' ({before} -> {now})'}"
        for series, line, day, was, value, before, now in zip(
            first["series"],
            first["line"],
            first["value_date"].dt.strftime("%Y-%m-%d"),
            first["was"],
            first["value"],
            first["said_by"],
            first["source"],
            strict=True,
        )
    ]
    rest = len(rows) - len(told)
    return f"first {', '.join(told)}" + (f" and {rest:,} more" if rest else "")
