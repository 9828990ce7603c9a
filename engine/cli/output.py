"""How results reach stdout, and notes stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    import pandas as pd

    from engine.study import Progress


def emit(
    table: pd.DataFrame,
    form: str,
    *,
    title: str = "",
    simulated: bool = False,
    columns: Sequence[str] = (),
) -> None:
    """Print a table of raw numbers as a table, JSON records or CSV.

    Drawn as a table, only `columns` are shown where any are named, in their order.
    """
    if form == "json":
        from engine.runs.archive import to_json

        rows = [
            {str(name): value for name, value in row.items()}
            | ({"stamp": "SIMULATED"} if simulated else {})
            for row in table.to_dict("records")
        ]
        click.echo(to_json(rows))
    elif form == "csv":
        shown = table.assign(stamp="SIMULATED") if simulated else table
        click.echo(shown.to_csv(index=False, lineterminator="\n"), nl=False)
    elif table.empty:
        note(f"{title}: nothing to show")
    else:
        shown = table[[*columns]] if columns else table
        _draw(shown, f"{title} (SIMULATED)" if simulated else title)
        left = len(table.columns) - len(shown.columns)
        if left:
            note(f"{left} more columns with --format csv or json")


def _draw(table: pd.DataFrame, title: str) -> None:
    """Draw a table with rich; cells are text, never markup."""
    if sys.stdout is None:  # closed by the caller
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(title=Text(title) if title else None, title_justify="left")
    for name in table.columns:
        numeric = table[name].dtype.kind in "fiu"
        drawn.add_column(Text(str(name)), justify="right" if numeric else "left")
    for row in table.itertuples(index=False):
        drawn.add_row(*(Text(_cell(value)) for value in row))
    Console(width=None if sys.stdout.isatty() else 160).print(drawn)


def _cell(value: object) -> str:
    """Return one cell: four significant figures, dates as ISO, an en dash for NaN."""
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, float):
        return f"{value:.4g}" if value == value else "\N{EN DASH}"
    if hasattr(value, "date") and callable(value.date):
        return str(value.date()) if value == value else "\N{EN DASH}"
    return "" if value is None else str(value)


def note(text: str) -> None:
    """Print a note on stderr."""
    click.echo(text, err=True)


@contextmanager
def steps() -> Iterator[Progress]:
    """Show steps on stderr: a spinner on a terminal, else one line each."""
    if not sys.stderr.isatty():
        yield lambda step: click.echo(f"  {step} ...", err=True)
        return
    from rich.console import Console

    console = Console(stderr=True)
    with console.status("reading the thesis") as status:
        yield lambda step: status.update(step)
