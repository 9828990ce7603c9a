"""``assay data``: what is kept on this machine, and what is in a folder of prices."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli.commands.data_import import import_
from engine.cli.options import DATE, FORMAT, THESIS, as_day
from engine.cli.output import emit, note, steps

if TYPE_CHECKING:
    import pandas as pd


@click.group()
def data() -> None:
    """Fetch, import, check and count the prices and signals kept on this machine."""


@data.command()
@THESIS
@click.option("--start", type=DATE, callback=as_day, help="First day of the study.")
@click.option("--end", type=DATE, callback=as_day, help="Last day.")
@click.option(
    "--signals",
    metavar="edgar",
    help="Also capital expenditure from the SEC; needs ASSAY_SEC_CONTACT.",
)
@click.option(
    "--whole",
    is_flag=True,
    help="Ask for every history from its beginning again: finds old corrections.",
)
@FORMAT
def fetch(
    thesis: Path,
    start: dt.date | None,
    end: dt.date | None,
    signals: str | None,
    whole: bool,
    form: str,
) -> None:
    """Bring the store up to date with Yahoo's prices for all that THESIS reads.

    What is held already is not asked for again. Ctrl-C keeps what arrived, and the
    same command goes on from there.
    """
    from engine import data as kept

    with steps() as progress:
        fetched = kept.fetch(
            thesis,
            start=start,
            end=end,
            signals=signals,
            whole=whole,
            tell=progress,
        )
    emit(fetched.table, form, title="Fetched")
    if form == "table" and len(fetched.findings):
        emit(fetched.findings, form, title="Findings")
    note(fetched.summary)


@data.command()
@FORMAT
def status(form: str) -> None:
    """Count what the store holds, per series and source."""
    from engine import data as kept

    held = kept.status()
    if len(held.table) or form != "table":
        emit(held.table, form, title="In the store")
    note(held.summary)


@data.command()
@click.argument("folder", type=click.Path(path_type=Path), required=False)
@click.option(
    "--universe",
    default="ai-stack",
    show_default=True,
    metavar="NAME",
    help="Whose lines the prices are of: packaged, or a path.",
)
@FORMAT
def check(folder: Path | None, universe: str, form: str) -> None:
    """List what is odd about the price files of FOLDER, or about the store.

    Nothing is repaired. The exit code is 0 whenever the folder could be read, whatever
    was found.
    """
    if folder is None:
        from engine import data as kept

        found = kept.check_store(universe=universe)
        emit(found, form, title="Findings in the store")
        note(f"the store: {_counts(found)}; nothing was changed")
        return
    from engine import checks

    read = checks.check_folder(folder, universe=universe)
    emit(read.findings, form, title=f"Findings in {folder}")
    parts = [
        f"{len(names)} {one if len(names) == 1 else more}"
        for names, one, more in (
            (read.lines, "line", "lines"),
            (read.currencies, "currency", "currencies"),
            (read.unusable, "unusable file", "unusable files"),
            (read.unknown, "unknown file", "unknown files"),
        )
    ]
    note(f"{', '.join(parts)}: {_counts(read.findings)}; nothing was changed")


def _counts(findings: pd.DataFrame) -> str:
    """Return how many findings there are of each severity."""
    from engine.market.quality import SEVERITIES

    counted = [(word, int((findings["severity"] == word).sum())) for word in SEVERITIES]
    return ", ".join(
        f"{number} {word}{'s' if number != 1 and word != 'info' else ''}"
        for word, number in counted
    )


@data.command()
@click.argument("target", type=click.Path(path_type=Path))
def export(target: Path) -> None:
    """Copy the store to TARGET: a new folder, or one file if it ends in .zip.

    `assay data import` brings it into another store, with its moments of ingestion.
    """
    from engine import data as kept

    click.echo(kept.export(target))


@data.command()
def gc() -> None:
    """Remove unfinished files of the store, and pack many small ones into one."""
    from engine import data as kept

    click.echo(kept.clear_up())


data.add_command(import_)
