"""``assay universe``, ``assay factors`` and ``assay tests``."""

from __future__ import annotations

import click

from engine.cli.options import FORMAT
from engine.cli.output import emit, note

#: What a terminal shows, the most telling first; ``--format csv`` has the rest.
UNIVERSE = [
    "symbol",
    "entity",
    "layer",
    "leg",
    "leg_alt",
    "mic",
    "currency",
    "primary",
    "us",
    "listed",
    "name",
]


@click.command()
@click.argument("name", default="ai-stack")
@click.option("--all", "everything", is_flag=True, help="Entities without a line too.")
@FORMAT
def universe(name: str, everything: bool, form: str) -> None:
    """Show the universe NAME (packaged, or a path): who, which line, which layer."""
    from engine import app, catalogue

    found = app.load_universe(name)
    table = catalogue.universe_table(found, everything=everything)
    emit(table, form, title=found.title, columns=UNIVERSE)
    if form == "table" and not everything:
        unlisted = len(found.entities) - table["entity"].nunique()
        note(f"{unlisted} entities without a line are left out; --all shows them")


@click.command()
@FORMAT
def factors(form: str) -> None:
    """Show the factors a thesis can name, with their parameters."""
    from engine import catalogue

    emit(catalogue.factor_table(), form, title="Factors")


@click.command()
@FORMAT
def tests(form: str) -> None:
    """Show the claim tests a thesis can name, with their keys."""
    from engine import catalogue

    emit(catalogue.claim_test_table(), form, title="Claim tests")
