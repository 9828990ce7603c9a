"""The printed table about kill criteria: when each would have stopped the thesis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from engine.study_result import StudyResult
from reports import numbers, tables
from reports.document import Cell, Column, Table, number, plain

_NOTE = (
    "Replayed with what was known at each home close: the account follows its own "
    "targets until the stop, then sells everything at the ledger's costs and holds "
    "cash. Saved: worth of the stopped account over that of the account that went on, "
    "less one; below zero, stopping cost money. A criterion written down after the day "
    "on which it stops is hindsight, and in-sample."
)


def kill(result: StudyResult) -> Table | None:
    """Return every criterion of the thesis, those that stopped it first."""
    if result.kill.empty:
        return None
    found = tables.records(result.kill)
    found.sort(key=lambda row: (pd.isna(row["stopped"]), row["stopped"]))
    return Table(
        id="kill",
        caption="Kill criteria: when the thesis would have been stopped.",
        columns=(
            Column(label="Criterion", align="left", wide=True, weight=2),
            Column(label="Stopped", align="left"),
            Column(label="Return until then"),
            Column(label="Return after"),
            Column(label="Saved"),
            Column(label="Worst fall, stopped"),
        ),
        rows=tuple(_row(row) for row in found),
        shaded=frozenset(at for at, row in enumerate(found) if row["first"]),
        note=_NOTE,
    )


def _row(row: Mapping[str, Any]) -> tuple[Cell, ...]:
    about = f"{row['criterion']}; {row['watched']}; {row['why']}"
    if pd.isna(row["stopped"]):
        none = plain(numbers.MISSING, "muted")
        return (plain(row["says"], sub=about), plain("no"), none, none, none, none)
    kept = numbers.percent(abs(float(row["drawdown_kept"])))
    return (
        plain(row["says"], sub=about),
        plain(numbers.day(row["stopped"]), sub=row["sample"]),
        number(float(row["return_before"]), numbers.change),
        number(float(row["return_after"]), numbers.change),
        number(float(row["saved"]), numbers.change),
        plain(numbers.percent(abs(float(row["drawdown_stopped"]))), sub=f"kept {kept}"),
    )
