"""How results reach stdout, and notes stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    import pandas as pd

    from engine.study import Progress

#: Characters of a line that no terminal shows, and of the narrowest column of text.
PIPED_WIDTH, NARROWEST_TEXT = 160, 16


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
    from engine.market.market import STAMP  # pandas is loaded: there is a table

    if form == "json":
        from engine.runs.archive import to_json

        rows = [
            {str(name): value for name, value in row.items()}
            | ({"stamp": STAMP} if simulated else {})
            for row in table.to_dict("records")
        ]
        click.echo(to_json(rows))
    elif form == "csv":
        shown = table.assign(stamp=STAMP) if simulated else table
        click.echo(shown.to_csv(index=False, lineterminator="\n"), nl=False)
    elif table.empty:
        note(f"{title}: nothing to show")
    else:
        chosen = table[[*columns]] if columns else table
        count = _draw(chosen, f"{title} ({STAMP})" if simulated else title)
        left = len(table.columns) - count
        if left:
            note(
                f"{left} more columns in a wider terminal, or with --format csv or json"
            )


def _draw(table: pd.DataFrame, title: str) -> int:
    """Draw the columns that fit, and return how many; cells are text, never markup."""
    if sys.stdout is None:  # closed by the caller
        return len(table.columns)
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(width=None if sys.stdout.isatty() else PIPED_WIDTH)
    cells = {str(name): [_cell(one) for one in table[name]] for name in table.columns}
    numeric = [str(name) for name in table.columns if table[name].dtype.kind in "fiu"]
    shown = _fitting(cells, numeric, console.width)
    drawn = Table(title=Text(title) if title else None, title_justify="left")
    for name in shown:
        drawn.add_column(Text(name), justify="right" if name in numeric else "left")
    for row in zip(*(cells[name] for name in shown), strict=True):
        drawn.add_row(*map(Text, row))
    console.print(drawn)
    return len(shown)


def _fitting(
    cells: Mapping[str, Sequence[str]], numeric: Sequence[str], width: int
) -> list[str]:
    """Return the first columns that a line of `width` characters can show in full."""
    room = width - 1
    shown: list[str] = []
    for name, column in cells.items():
        longest = max(map(len, (name, *column)))
        needed = longest if name in numeric else min(longest, NARROWEST_TEXT)
        room -= needed + len(" \u2502 ")
        if shown and room < 0:
            break
        shown.append(name)
    return shown


def _cell(value: object) -> str:
    """Return one cell: four significant figures, dates as ISO, an en dash for NaN."""
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, float):
        # plus zero: no minus sign on nothing
        return f"{value + 0.0:.4g}" if value == value else "\N{EN DASH}"
    if hasattr(value, "date") and callable(value.date):
        return str(value.date()) if value == value else "\N{EN DASH}"
    if isinstance(value, tuple):
        return str(list(value))
    return "" if value is None else str(value)


def note(text: str) -> None:
    """Print a note on stderr."""
    click.echo(text, err=True)


@contextmanager
def steps() -> Iterator[Progress]:
    """Show steps on stderr: a spinner on a terminal, else one line each.

    What begins with `NOTE` is no step but stays to be read.
    """
    from engine.supply import NOTE  # pandas: the work that follows needs it, too

    if not sys.stderr.isatty():
        yield lambda step: note(step if step.startswith(NOTE) else f"  {step} ...")
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=True)
    with console.status("reading the thesis") as status:

        def show(step: str) -> None:
            if step.startswith(NOTE):
                console.print(Text(step))
            else:
                status.update(Text(step))

        yield show
