"""Files and folders understood as a whole, and stored only if nothing forbids it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pandas as pd

from engine.app import load_universe
from engine.errors import DataError, UsageError
from engine.market.market import Finding
from engine.market.quality import SEVERITIES as SEVERITIES
from engine.sources.files_prices import SETTINGS
from engine.sources.imports import (
    CLAIMS,
    FILES,
    ROWS,
    STRANGE,
    UNREADABLE,
    Understood,
    understand_all,
)
from engine.sources.imports_mapping import read_lag, read_mapping
from engine.sources.imports_scale import jump_findings, unit_findings
from engine.sources.imports_stored import change_findings, held_rows
from engine.sources.imports_tables import SUFFIXES
from engine.sources.imports_words import counted, day_of, moment_of
from engine.sources.store import Store

COLUMNS = ("file", "severity", "where", "first", "last", "what", "action")
#: The source of what is fetched: its closes mean something else.
TAKEN = ("yahoo",)
#: What the checks of prices say of what a study takes as it is.
USED = re.compile(
    r"\b(?:used|stored|kept) as (?:it is|they are|observed)\b|\bstored once\b"
    r"|\btheir observations are kept\b"
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Import:
    """How files were understood, and what is odd: nothing is stored yet.

    `findings` has the columns of `COLUMNS`, the gravest first; `file` is empty for
    what is about several files. `passed_over` are files of a folder that hold no
    table; the ``folder.toml`` that says when rates are fixed is none of them.
    """

    files: tuple[Understood, ...]
    findings: pd.DataFrame
    passed_over: tuple[str, ...]
    source: str

    def count(self, severity: str) -> int:
        """Return how many findings have a severity."""
        return int((self.findings["severity"] == severity).sum())

    @property
    def refused(self) -> str:
        """Why nothing may be stored; empty if nothing forbids it."""
        errors = self.count("error")
        if errors:
            return (
                f"{errors} error{'s' if errors > 1 else ''} above: nothing was stored; "
                "correct these files, leave them out, or say in a mapping how they "
                "are meant"
            )
        if all(one.kind in (STRANGE, UNREADABLE) for one in self.files):
            return "no file was understood: nothing was stored"
        claims = any(one.kind == CLAIMS for one in self.files)
        if not claims and not any(len(one.rows) for one in self.files):
            return "the files hold nothing to store; the findings above say why"
        return ""

    @property
    def rows(self) -> pd.DataFrame:
        """The rows of all files, in the columns of `ROWS`."""
        parts = [one.rows for one in self.files if len(one.rows)]
        if not parts:
            return pd.DataFrame({name: [] for name in ROWS})
        return pd.concat(parts, ignore_index=True)

    def beside(self, store: Store, *, replace: bool = False) -> Import:
        """Return the import with what it would change of a store among its findings.

        A stored value that it contradicts is an error; with `replace`, a warning. A
        unit other than the stored one is an error in any case. Raises `DataError`
        where the store is damaged.
        """
        rows = self.rows
        if len(rows) == 0:
            return self
        held = held_rows(rows, store)
        if len(held) == 0:
            return self
        found = [
            *unit_findings(rows, held),
            *change_findings(rows, held, replace=replace),
            *jump_findings(rows, held),
        ]
        if not found:
            return self
        table = _table([("", one) for one in found])
        return _with_findings(self, pd.concat([table, self.findings]))

    def store(self, store: Store, *, replace: bool = False) -> int:
        """Store the rows of all files as one batch; return how many were new.

        Raises `DataError` where something forbids it, as that a stored value would
        change and `replace` is not said: then nothing is stored.
        """
        checked = self.beside(store, replace=replace)
        if checked.refused:
            errors = checked.findings[checked.findings["severity"] == "error"]
            first = f"; first {errors['what'].iloc[0]}" if len(errors) else ""
            raise DataError(f"{checked.refused}{first}")
        rows = self.rows
        batch = store.append(rows, source=self.source) if len(rows) else None
        return 0 if batch is None else batch.rows


def read_files(
    paths: Sequence[str | Path],
    *,
    universe: str = "ai-stack",
    mapping: str | Path | None = None,
    source: str = "",
    lag: str | dt.timedelta | None = None,
) -> Import:
    """Return how files, and those of folders, are understood; nothing is stored.

    Parameters
    ----------
    paths : files and folders. Of a folder every file that may hold a table is read.
    universe : whose lines and entities the files speak of.
    mapping : a TOML file that says how the files are meant (docs/import.md).
    source : of prices (``files`` if nobody says) and of values that name none.
    lag : how long after its date a value without known_at was published: ``45d``.

    Raises
    ------
    DataError
        A path does not exist, a folder has no such file, or the mapping cannot be
        used. What is wrong with a single file is a finding instead.
    UsageError
        The lag is none, or the source is that of what is fetched.
    UniverseError
        There is no such universe.
    """
    if source in TAKEN:
        raise UsageError(
            f"--source {source}: is the source of what is fetched, whose closes mean "
            "something else; take another name"
        )
    told = None if mapping is None else read_mapping(Path(mapping))
    if told is not None and told.source in TAKEN:
        raise DataError(
            f"{mapping}: source = {told.source!r} is taken by what is fetched"
        )
    span = read_lag(lag, where="--lag") if isinstance(lag, str) else lag
    files, passed_over = _files([Path(path) for path in paths])
    understood, across = understand_all(
        files, universe=load_universe(universe), mapping=told, lag=span, source=source
    )
    by_file = [(one.name, finding) for one in understood for finding in one.findings]
    found = Import(
        files=understood,
        findings=_table([]),
        passed_over=tuple(passed_over),
        source=source or (told.source if told else "") or FILES,
    )
    rows = found.rows
    nothing = rows.iloc[:0]
    across = (
        *unit_findings(rows, nothing),
        *across,
        *_unfinished(understood),
        *jump_findings(rows, nothing),
    )
    return _with_findings(found, _table([*by_file, *(("", one) for one in across)]))


def _files(paths: Sequence[Path]) -> tuple[list[Path], list[str]]:
    """Return the files to read, each once, and the names of those passed over."""
    found: dict[Path, None] = {}
    passed_over: list[str] = []
    for path in paths:
        if not path.exists():
            raise DataError(f"{path}: no such file or folder")
        if not path.is_dir():
            found[path] = None
            continue
        inside = list(_inside(path))
        tables = [one for one in inside if one.suffix.lower() in SUFFIXES]
        if not tables:
            raise DataError(f"{path}: holds no file to import ({', '.join(SUFFIXES)})")
        found |= dict.fromkeys(tables)
        passed_over += [
            one.name for one in inside if one not in found and one.name != SETTINGS
        ]
    return [*found], passed_over


def _inside(folder: Path) -> Iterator[Path]:
    """Yield the files and folders of a folder in order of name."""
    try:
        yield from sorted(
            one for one in folder.iterdir() if not one.name.startswith((".", "~$"))
        )
    except OSError as error:
        raise DataError(f"{folder}: cannot be read: {error.strerror}") from error


def _unfinished(files: Sequence[Understood]) -> Iterator[Finding]:
    """Yield the files with values that nobody can know yet."""
    now = pd.Timestamp.now("UTC").tz_localize(None)
    for one in files:
        late = one.rows[one.rows["known_at"] > now] if len(one.rows) else one.rows
        if len(late):
            first = late.sort_values("known_at", kind="stable").iloc[0]
            yield Finding(
                severity="warning",
                where=one.name,
                what=f"{counted(len(late), 'value is', 'values are')} known only after "
                f"now, from {moment_of(first['known_at'])} on: bars of sessions that "
                "have not closed?",
                action="stored, and not seen before that moment; import them again "
                "afterwards",
                first=day_of(first["value_date"]),
                last=day_of(late["value_date"].max()),
            )


def _table(found: Sequence[tuple[str, Finding]]) -> pd.DataFrame:
    """Return findings as rows, in the order found."""
    rows = [{"file": name} | asdict(finding) for name, finding in found]
    return pd.DataFrame(rows, columns=[*COLUMNS])


def _with_findings(found: Import, table: pd.DataFrame) -> Import:
    """Return the import with these findings, the gravest first.

    What they say is done with odd rows is what is done: of an import with an error
    nothing is stored.
    """
    table = table.sort_values(
        "severity",
        key=lambda words: words.map(SEVERITIES.index),
        kind="stable",
        ignore_index=True,
    )
    now = replace(found, findings=table)

    def told(words: re.Match[str]) -> str:
        if now.refused:
            return "not stored"
        return words[0].replace("used as", "stored as")

    actions = [USED.sub(told, action) for action in table["action"]]
    return replace(now, findings=table.assign(action=actions))
