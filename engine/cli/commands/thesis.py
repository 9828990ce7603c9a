"""``assay check``, ``assay init`` and ``assay schema``."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import click

from engine.cli.options import THESIS
from engine.cli.output import note


@click.command()
@THESIS
def check(thesis: Path) -> None:
    """Read THESIS and list everything wrong with it, each with file and line."""
    from engine import app, catalogue

    document = app.read_thesis(thesis)
    for written, yahoo in catalogue.house_styles(document).items():
        note(f"{written} is read as {yahoo}, Yahoo's symbol")
    found = document.thesis
    counts = ", ".join(
        f"{len(one)} {word}" + ("s" if len(one) != 1 else "")
        for word, one in (
            ("factor", found.factors),
            ("leg", found.barbell),
            ("event", found.events),
            ("claim", found.claims),
        )
    )
    click.echo(f"{thesis}: fine. {counts}, {found.about.start} to {found.about.end}.")


@click.command()
@click.argument("name")
@click.option("--force", is_flag=True, help="Replace a file that exists.")
def init(name: str, force: bool) -> None:
    """Write NAME.toml: a commented starting thesis that runs as it is."""
    from engine import deliver

    path = deliver.write_starting_thesis(name, force=force)
    click.echo(f"wrote {path}. Next: assay run {shlex.quote(str(path))}")


@click.command()
def schema() -> None:
    """Print the JSON Schema of the thesis file, for editors that check TOML."""
    from engine import catalogue

    click.echo(json.dumps(catalogue.thesis_schema(), indent=2))
