"""``assay diary``: a thesis replayed through time."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli.options import (
    DATE,
    FORMAT,
    THESIS,
    StudyOptions,
    as_day,
    study_options,
)
from engine.cli.output import emit, note, steps
from engine.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

SHOWN = [
    "as_of",
    "claims",
    "supported",
    "refuted",
    "inconclusive",
    "untestable",
    "score",
    "low",
    "high",
    "return_all",
    "return_in",
    "return_out",
    "resolved",
    "brier",
    "log_score",
    "note",
]
#: Columns that are left away where they say nothing.
OPTIONAL = ("resolved", "brier", "log_score", "note")


@click.command()
@THESIS
@click.option(
    "--from",
    "first",
    type=DATE,
    callback=as_day,
    required=True,
    help="The first date.",
)
@click.option(
    "--to", "last", type=DATE, callback=as_day, required=True, help="The last date."
)
@click.option(
    "--every",
    type=click.Choice(["month", "quarter"]),
    default="month",
    show_default=True,
    help="From --from on; --to is the last.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder of the diary, made or continued; default runs/ID-diary.",
)
@click.option(
    "--jobs", type=int, default=1, show_default=True, help="Processes at work at once."
)
@study_options
@FORMAT
def diary(
    thesis: Path,
    first: dt.date,
    last: dt.date,
    every: str,
    out: Path | None,
    jobs: int,
    options: StudyOptions,
    form: str,
) -> None:
    """Replay THESIS as of each date: how verdicts, score and portfolio changed.

    Each date is `assay run --as-of DATE --offline`, exactly, and kept as soon as it is
    finished: the same command goes on after a stop.
    """
    if options.as_of is not None:
        raise UsageError("--as-of: a diary has --from and --to instead")
    from engine.diary import keep_diary
    from engine.runs.diary import PAGE, long_table, overview

    asked = {
        name: one for name, one in options.as_keywords().items() if name != "as_of"
    }
    with steps() as progress:
        folder, kept = keep_diary(
            thesis,
            first=first,
            last=last,
            every=every,
            out=out,
            jobs=jobs,
            progress=progress,
            **asked,
        )
    if form == "table":
        from reports.diary import returns_note, since

        table = overview(kept)
        silent = [name for name in OPTIONAL if not _says(table[name])]
        emit(
            table.drop(columns=silent),
            form,
            title=f"{kept.title}: verdicts and score out of sample, and returns",
            simulated=kept.simulated,
            columns=[name for name in SHOWN if name not in silent],
        )
        note(since(kept))
        note(returns_note(kept))
        click.echo(f"diary: {folder / PAGE}")
    else:
        emit(long_table(kept), form)


def _says(column: pd.Series) -> bool:
    """Return whether a column holds a text, or a number but zero."""
    return bool((column.notna() & (column != "") & (column != 0)).any())
