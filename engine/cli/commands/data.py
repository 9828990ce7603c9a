"""``assay data``: what is in a folder of price files, before a study reads it."""

from __future__ import annotations

from pathlib import Path

import click

from engine.cli.options import FORMAT
from engine.cli.output import emit, note


@click.group()
def data() -> None:
    """Check a folder of price files; nothing is changed."""


@data.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--universe",
    default="ai-stack",
    show_default=True,
    metavar="NAME",
    help="Whose lines the files are: packaged, or a path.",
)
@FORMAT
def check(folder: Path, universe: str, form: str) -> None:
    """List what is odd about the price files of FOLDER, and repair nothing.

    The exit code is 0 whenever the folder could be read, whatever was found.
    """
    from engine import checks

    found = checks.check_folder(folder, universe=universe)
    emit(found.findings, form, title=f"Findings in {folder}")
    read = [
        f"{len(names)} {one if len(names) == 1 else more}"
        for names, one, more in (
            (found.lines, "line", "lines"),
            (found.currencies, "currency", "currencies"),
            (found.unusable, "unusable file", "unusable files"),
            (found.unknown, "unknown file", "unknown files"),
        )
    ]
    counts = [
        f"{number} {word}{'s' if number != 1 and word != 'info' else ''}"
        for word, number in ((word, found.count(word)) for word in checks.SEVERITIES)
    ]
    note(f"{', '.join(read)}: {', '.join(counts)}; nothing was changed")
