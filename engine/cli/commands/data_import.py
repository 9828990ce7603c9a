"""``assay data import``: files understood, what is odd about them, then stored."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli.options import FORMAT
from engine.cli.output import emit, note

if TYPE_CHECKING:
    from engine.imports import Import

#: Columns of a drawn table: where tells the file, its row, or the line.
SHOWN = ("severity", "where", "first", "last", "what", "action")


@click.command(name="import")
@click.argument(
    "paths",
    metavar="PATH...",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path),
)
@click.option(
    "--universe",
    default="ai-stack",
    show_default=True,
    metavar="NAME",
    help="Whose lines and entities the files speak of: packaged, or a path.",
)
@click.option(
    "--mapping",
    type=click.Path(path_type=Path),
    metavar="FILE.toml",
    help="Says how the files are meant, where they do not say it themselves.",
)
@click.option(
    "--source",
    default="",
    metavar="NAME",
    help="Source of prices (default: files), and of values that name none.",
)
@click.option(
    "--lag",
    metavar="45d",
    help="How long after its date a value without known_at was published.",
)
@click.option(
    "--replace",
    is_flag=True,
    help="Store values that contradict stored ones, as new vintages.",
)
@click.option(
    "--dry-run", is_flag=True, help="Say what would be stored, and store nothing."
)
@FORMAT
def import_(
    paths: tuple[Path, ...],
    universe: str,
    mapping: Path | None,
    source: str,
    lag: str | None,
    replace: bool,
    dry_run: bool,
    form: str,
) -> None:
    """Import prices and signals from files and folders into the store.

    CSV, Parquet and Excel. How each file is understood is said on stderr and what is
    odd about it printed on stdout, before anything is stored. If any file has an
    error, or contradicts what the store holds (unless --replace is said), nothing is
    stored at all and the exit code is 1.

    What `assay data export` wrote is brought in as it is, with its own moments.
    """
    from engine import data as kept
    from engine import imports
    from engine.sources.imports_words import counted
    from engine.sources.store import Store, store_folder

    exports = [path for path in paths if kept.is_export(path)]
    if exports:
        _import_exports(paths, exports, dry_run=dry_run)
        return
    found = imports.read_files(
        paths, universe=universe, mapping=mapping, source=source, lag=lag
    )
    folder = store_folder()
    store = Store(folder)
    found = found.beside(store, replace=replace)
    _say(found)
    emit(found.findings, form, title="Findings", columns=SHOWN)
    note(
        ", ".join(
            f"{number} {word}{'s' if number != 1 and word != 'info' else ''}"
            for word, number in ((w, found.count(w)) for w in imports.SEVERITIES)
        )
    )
    if found.refused:
        note(f"assay: {found.refused}")
        raise click.exceptions.Exit(1)
    rows = len(found.rows)
    if dry_run:
        files = counted(len(found.files), "file")
        note(f"{counted(rows, 'row')} would be stored from {files}; dry run")
        return
    new = found.store(store, replace=replace)
    note(f"{new:,} of {counted(rows, 'row was', 'rows were')} new; stored in {folder}")


def _say(found: Import) -> None:
    """Print on stderr how each file was understood."""
    from engine.sources.imports_words import counted

    for file in found.files:
        note(f"{file.name}: {file.kind}, {counted(len(file.rows), 'row')}")
        for sentence in file.says:
            note(f"  {sentence}")
    if found.passed_over:
        note(f"not read: {', '.join(found.passed_over)}")


def _import_exports(
    paths: tuple[Path, ...], exports: list[Path], *, dry_run: bool
) -> None:
    """Bring what another store exported into this one."""
    from engine import data as kept

    if len(exports) < len(paths) or dry_run:
        raise click.UsageError(
            f"{exports[0]} is an export of a store: import it alone, without --dry-run"
        )
    for export in exports:
        click.echo(kept.import_export(export))
