"""One table of a file that another house wrote, before it is understood."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from engine.errors import DataError, at_most
from engine.sources.files.table import Table


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sheet:
    """One table of a file.

    `cells` are texts (NaN: blank) or, from Parquet, of the file's own types; columns
    are in lower case with underscores, and its index is the row in the file, from 1.
    `heads` maps a column to how the file writes it. `typed` says that the file itself
    knows numbers from text; `says` is how it was read, `hint` how to read another
    sheet of the same file.
    """

    path: Path
    name: str
    cells: pd.DataFrame
    heads: dict[str, str]
    digest: str
    typed: bool
    says: tuple[str, ...]
    title: str = ""
    hint: str = ""

    def has(self, *columns: str) -> bool:
        """Return whether the file has all of these columns."""
        return set(columns) <= set(self.cells.columns)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns in the file's order."""
        return tuple(map(str, self.cells.columns))

    def table(self, cells: pd.DataFrame | None = None) -> Table:
        """Return the cells (or these) as the loaders of folders take them."""
        return Table(
            name=self.name,
            cells=self.cells if cells is None else cells,
            digest=self.digest,
        )

    def renamed(self, names: dict[str, str]) -> Sheet:
        """Return the sheet with columns renamed; raises `DataError` on a collision."""
        columns = [names.get(column, column) for column in self.columns]
        twice = [name for name, count in Counter(columns).items() if count > 1]
        if twice:
            heads = [self.heads[c] for c in self.columns if names.get(c, c) == twice[0]]
            raise DataError(
                f"{self.name}: the columns {at_most(heads)} both mean {twice[0]}; say "
                f"which one in a mapping: [columns] {twice[0]} = {heads[0]!r}"
            )
        return replace(
            self,
            cells=self.cells.set_axis(columns, axis=1),
            heads={
                names.get(column, column): head for column, head in self.heads.items()
            },
        )
