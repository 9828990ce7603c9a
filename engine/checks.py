"""A folder of price files, checked as a whole before any study reads it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pandas as pd

from engine.app import load_universe
from engine.errors import DataError
from engine.market.currency import Fixings
from engine.market.listing import Line, Universe
from engine.market.market import Finding, Origin
from engine.market.quality import SEVERITIES as SEVERITIES
from engine.market.quality import check_prices
from engine.market.supplied import PriceData
from engine.sources.files.folder import fix_findings
from engine.sources.files.prices import (
    FX_SUFFIX,
    FixTime,
    fixings,
    price_frame,
    read_fix_time,
    read_table,
)
from engine.sources.files.table import folder_files

COLUMNS = ("severity", "where", "first", "last", "what", "action")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FolderCheck:
    """What was found in a folder: one row per finding, and what was read.

    `findings` has the columns of `COLUMNS`; `lines`, `currencies` and `unknown` are
    symbols, currencies and file names.
    """

    findings: pd.DataFrame
    lines: tuple[str, ...]
    currencies: tuple[str, ...]
    unknown: tuple[str, ...]
    unusable: tuple[str, ...]

    def count(self, severity: str) -> int:
        """Return how many findings have a severity."""
        return int((self.findings["severity"] == severity).sum())


def check_folder(folder: str | Path, *, universe: str = "ai-stack") -> FolderCheck:
    """Return all that is odd about a folder of price files; nothing is changed.

    Every file of one of the universe's lines or benchmarks is checked, and every
    ``<CCY>=X`` file; any other is listed. A file that a study would refuse is a
    finding of severity error, so that one bad file does not hide what is odd about
    the others.

    Raises
    ------
    DataError
        There is no such folder, it holds no price file, or ``folder.toml`` cannot be
        read.
    UniverseError
        There is no such universe.
    """
    known = load_universe(universe)
    place = Path(folder)
    files = _files(place)
    fix_time, _ = read_fix_time(place)
    read = _Read()
    for file in files:
        if known.line(file.stem) is None and not _currency(file):
            read.unknown.append(file.name)
            read.found.append(_stranger(file, known))
            continue
        try:
            _read_file(file, known, fix_time, read)
        except DataError as error:
            read.unusable.append(file.name)
            read.found.append(_refused(file, error))
    prices = PriceData(
        frames=read.frames,
        fixings=read.rates,
        origin=Origin(name="folder", simulated=False, digest=""),
    )
    found = [
        *read.found,
        *fix_findings(fix_time, [*read.rates]),
        *check_prices([*read.lines.values()], prices),
    ]
    return FolderCheck(
        findings=findings_table(found),
        lines=tuple(read.lines),
        currencies=tuple(read.rates),
        unknown=tuple(read.unknown),
        unusable=tuple(read.unusable),
    )


@dataclass(slots=True)
class _Read:
    """What has been read of a folder so far."""

    frames: dict[str, pd.DataFrame] = field(default_factory=dict)
    rates: dict[str, Fixings] = field(default_factory=dict)
    lines: dict[str, Line] = field(default_factory=dict)
    found: list[Finding] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    unusable: list[str] = field(default_factory=list)


def _read_file(file: Path, known: Universe, fix_time: FixTime, read: _Read) -> None:
    """Add a file's prices or rates; raise `DataError` where a study would."""
    line, currency = known.line(file.stem), _currency(file)
    if file.stem in read.lines or currency in read.rates:
        raise DataError(f"{file.name}: another file holds the same symbol; keep one")
    if line is None:
        read.rates[currency] = fixings(currency, read_table(file), fix_time)
        return
    if line.symbol != file.stem:
        raise DataError(
            f"{file.name}: another house's style; rename it to "
            f"{line.symbol}{file.suffix}"
        )
    read.frames[line.symbol] = price_frame(read_table(file))
    read.lines[line.symbol] = line


def _files(folder: Path) -> list[Path]:
    """Return the folder's price files in order of name."""
    return folder_files(folder, (".csv", ".parquet"), kind="price files")


def _currency(file: Path) -> str:
    """Return the currency of a file of rates, or an empty text."""
    name = file.stem.removesuffix(FX_SUFFIX)
    return name if name != file.stem and len(name) == 3 else ""


def _stranger(file: Path, universe: Universe) -> Finding:
    """Return the finding about a file of no line of the universe."""
    symbols = {name.lower(): name for name in (*universe.lines, *universe.benchmarks)}
    near = symbols.get(file.stem.lower())
    return Finding(
        severity="warning" if near else "info",
        where=file.name,
        what=f"no line or benchmark of universe {universe.name}",
        action=f"not checked; rename it to {near}{file.suffix}"
        if near
        else "not checked; name its universe with --universe",
    )


def _refused(file: Path, error: DataError) -> Finding:
    """Return the finding about a file that a study refuses."""
    return Finding(
        severity="error",
        where=file.stem,
        what=f"cannot be used: {error}",
        action="a study refuses it, or does not see it; correct the file",
    )


def findings_table(found: Sequence[Finding]) -> pd.DataFrame:
    """Return findings as rows, the gravest first, else in the order found."""
    ordered = sorted(found, key=lambda one: SEVERITIES.index(one.severity))
    rows = [asdict(one) for one in ordered]
    return pd.DataFrame(rows, columns=[*COLUMNS])
