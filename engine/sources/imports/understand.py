"""Files of any house, understood before anything of them is stored."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from engine.errors import AssayError, DataError, at_most
from engine.market.listing import Line, Universe
from engine.market.market import Finding, Origin
from engine.market.quality import SEVERITIES, check_prices
from engine.market.supplied import PriceData
from engine.sources.imports.capex import (
    is_claims,
    is_quarterly,
    read_claims,
    read_quarterly,
)
from engine.sources.imports.houses import basis_of
from engine.sources.imports.mapping import FileMapping
from engine.sources.imports.names import Names
from engine.sources.imports.prices import (
    PriceFile,
    is_long,
    is_wide,
    price_sheet,
    read_prices,
)
from engine.sources.imports.sheet import Sheet
from engine.sources.imports.signals import SignalFile, is_signals, read_signals
from engine.sources.imports.tables import mapped, read_sheet
from engine.sources.imports.tokens import (
    is_weekly_list,
    read_shares,
    read_weekly_list,
    share_column,
)
from engine.sources.imports.words import counted, day_of

#: Columns of rows for `engine.sources.store.store.Store.append`.
ROWS = (
    "series",
    "line",
    "value_date",
    "known_at",
    "value",
    "unit",
    "quality",
    "source",
)
#: What one row says of, whoever says it.
SAYING = ["series", "line", "value_date", "known_at", "source"]
#: The source of prices where nobody names one.
FILES = "files"
UNREADABLE, STRANGE = "unreadable", "not understood"
CLAIMS = "claims about capex"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Understood:
    """How one file was understood, what is odd, and what there is to store.

    `kind` is prices, exchange rates, signals, token volumes, published shares,
    quarterly capex, claims about capex, not understood, or unreadable; `says` are
    sentences. `rows` has the columns of `ROWS` and may be empty. A finding of
    severity error means that nothing of the file may be stored.
    """

    name: str
    kind: str
    says: tuple[str, ...]
    rows: pd.DataFrame
    findings: tuple[Finding, ...]

    @property
    def usable(self) -> bool:
        """Whether nothing forbids to store it."""
        return all(one.severity != "error" for one in self.findings)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Read:
    """A file as read, before its prices are checked beside those of the others."""

    understood: Understood
    prices: PriceFile | None = None


def understand(
    path: Path,
    *,
    universe: Universe,
    mapping: FileMapping | None = None,
    lag: dt.timedelta | None = None,
    source: str = "",
) -> Understood:
    """Return how one file is understood; nothing is stored, nothing is repaired.

    See `understand_all`.
    """
    files, across = understand_all(
        [path], universe=universe, mapping=mapping, lag=lag, source=source
    )
    return replace(files[0], findings=_by_severity([*files[0].findings, *across]))


def understand_all(
    paths: Sequence[Path],
    *,
    universe: Universe,
    mapping: FileMapping | None = None,
    lag: dt.timedelta | None = None,
    source: str = "",
) -> tuple[tuple[Understood, ...], tuple[Finding, ...]]:
    """Return how files are understood, and what is odd about them together.

    Parameters
    ----------
    paths : files; a file that cannot be read or used has a finding of severity error.
    universe : whose symbols and entities the files speak of.
    mapping : what a user says of all of them.
    lag : the publication lag of values without known_at; goes before the mapping's.
    source : of prices (default `FILES`), and of values that name none.

    Returns
    -------
    (files, findings)
        One `Understood` per path, in order; prices are checked together, as one
        folder would be, and each line's findings stand with its file. The findings
        beside are about exchanges, currencies, and files that contradict each other.
    """
    told = mapping or FileMapping()
    names = Names(universe, told)
    read = [
        _read(path, names, lag or told.lag, source or told.source) for path in paths
    ]
    by_file, across = _check(read)
    files = tuple(
        replace(
            one.understood,
            findings=_by_severity([*one.understood.findings, *by_file[place]]),
        )
        for place, one in enumerate(read)
    )
    return files, _by_severity([*across, *_contradictions(files)])


def _read(path: Path, names: Names, lag: dt.timedelta | None, source: str) -> _Read:
    """Return one file as read; what is wrong with it is a finding."""
    try:
        sheet = mapped(read_sheet(path, names.mapping), names.mapping)
        return _of_a_kind(sheet, names, lag, source)
    except AssayError as error:
        finding = Finding(
            severity="error",
            where=path.name,
            what=str(error),
            action="nothing is stored; correct the file, leave it out, or say in a "
            "mapping how it is meant",
        )
        return _Read(understood=_nothing(path.name, UNREADABLE, (), [finding]))


def _of_a_kind(
    sheet: Sheet, names: Names, lag: dt.timedelta | None, source: str
) -> _Read:
    """Return a sheet as what its columns say that it is."""
    if is_weekly_list(sheet):
        return _signals("token volumes", sheet, read_weekly_list(sheet, names, lag))
    if is_quarterly(sheet):
        return _signals("quarterly capex", sheet, read_quarterly(sheet, names))
    if is_claims(sheet):
        return _signals(CLAIMS, sheet, read_claims(sheet, names))
    if share_column(sheet):
        shares = read_shares(sheet, names, lag, source)
        return _signals("published shares", sheet, shares)
    if is_signals(sheet, names):
        return _signals("signals", sheet, read_signals(sheet, names, lag, source))
    priced = price_sheet(sheet)
    if is_long(priced) or is_wide(priced, names):
        prices = read_prices(priced, names)
        rows = _rows(prices.rows, quality="observed", source=source or FILES)
        understood = Understood(
            name=sheet.name,
            kind=prices.kind,
            says=prices.says,
            rows=rows,
            findings=prices.findings,
        )
        return _Read(understood=understood, prices=prices)
    return _Read(
        understood=_nothing(sheet.name, STRANGE, sheet.says, [_strange(sheet, names)])
    )


def _signals(kind: str, sheet: Sheet, file: SignalFile) -> _Read:
    """Return observations as rows of the store."""
    rows = _rows(file.rows.rename(columns={"entity": "line"}))
    return _Read(
        understood=Understood(
            name=sheet.name,
            kind=kind,
            says=file.says,
            rows=rows,
            findings=file.findings,
        )
    )


def _rows(rows: pd.DataFrame, **told: str) -> pd.DataFrame:
    """Return rows in the columns of `ROWS`; without any, an empty table of them."""
    if len(rows) == 0:
        return pd.DataFrame({name: [] for name in ROWS})
    rows = rows.assign(**told)[list(ROWS)].reset_index(drop=True)
    return rows.assign(value=rows["value"] + 0.0)  # no minus sign on nothing


def _nothing(
    name: str, kind: str, says: tuple[str, ...], findings: Sequence[Finding]
) -> Understood:
    """Return a file of which there is nothing to store."""
    return Understood(
        name=name,
        kind=kind,
        says=says,
        rows=_rows(pd.DataFrame()),
        findings=tuple(findings),
    )


def _strange(sheet: Sheet, names: Names) -> Finding:
    """Return that a table is none of the kinds, and what is missing."""
    heads = at_most(sheet.heads.values(), 8)
    priced = price_sheet(sheet)
    if len(sheet.heads) == 1:
        missing = "the first row has one cell; if it is a title, say header = N"
    elif priced.has("date"):
        missing = (
            "it has days, but no closing price, no value with its series, and no "
            f"column named after a line of universe {names.universe.name}"
        )
    else:
        missing = "it has no column of days, so it is no series over time"
    return Finding(
        severity="warning",
        where=sheet.name,
        what=f"not understood: columns {heads}; {missing}",
        action="nothing of it is stored; say in a mapping what its columns are, "
        + (f"{sheet.hint}, " if sheet.hint else "")
        + "or leave it out",
    )


def _check(
    read: Sequence[_Read],
) -> tuple[dict[int, list[Finding]], list[Finding]]:
    """Return what is odd about prices of all files together: by file, and beside."""
    priced = [(place, one.prices) for place, one in enumerate(read) if one.prices]
    frames: dict[str, pd.DataFrame] = {}
    lines: dict[str, Line] = {}
    owners: dict[str, set[int]] = {}
    rates = {}
    for place, file in priced:
        lines |= file.lines
        for symbol, frame in file.frames.items():
            owners.setdefault(symbol, set()).add(place)
            held = frames.get(symbol)
            frames[symbol] = frame if held is None else held.combine_first(frame)
        for currency, fixings in file.rates.items():
            owners.setdefault(currency, set()).add(place)
            rates[currency] = fixings
    by_file: dict[int, list[Finding]] = {place: [] for place in range(len(read))}
    across: list[Finding] = []
    origin = Origin(name="files", simulated=False, digest="")
    data = PriceData(frames=frames, fixings=rates, origin=origin)
    try:
        found = check_prices([*lines.values()], data)
    except DataError as error:
        found = (Finding(severity="error", where="prices", what=str(error)),)
    for finding in found:
        places = owners.get(finding.where, set())
        for place in places:
            by_file[place].append(finding)
        if not places:
            across.append(finding)
    return by_file, [*_bases(frames), *across]


def _bases(frames: Mapping[str, pd.DataFrame]) -> Iterator[Finding]:
    """Yield that closes are adjusted otherwise in some files than in others."""
    held: dict[str, list[str]] = {}
    for symbol, frame in frames.items():
        held.setdefault(basis_of(frame), []).append(symbol)
    if len(held) > 1:
        told = [f"{basis} ({at_most(own, 8)})" for basis, own in held.items()]
        yield Finding(
            severity="info",
            where="prices",
            what=f"adjustment differs by line: {'; '.join(told)}",
            action="returns are taken from adjusted closes where there are any",
        )


def _contradictions(files: Sequence[Understood]) -> Iterator[Finding]:
    """Yield what two files say of one thing at one moment: twice, or differently."""
    held = [
        one.rows[[*SAYING, "value"]].assign(file=place)
        for place, one in enumerate(files)
        if len(one.rows)
    ]
    if not held:
        return
    rows = pd.concat(held, ignore_index=True)
    again = rows[rows.duplicated(SAYING, keep=False)]
    if len(again) == 0:
        return
    values = again.groupby(SAYING, sort=False)["value"].transform("nunique")
    unlike = again[values > 1]
    count, apart = (len(one.drop_duplicates(SAYING)) for one in (again, unlike))
    who = at_most([files[place].name for place in again["file"].unique()])
    first = (unlike if apart else again).iloc[0]
    which = "the first that differs" if apart else "the first"
    said = counted(count, "observation is", "observations are")
    yield Finding(
        severity="error" if apart else "warning",
        where=who,
        what=f"{said} said twice, {apart} of them differently; {which} is "
        f"{first['series']} of {first['line']} on {day_of(first['value_date'])}",
        action="import one of them, or give them sources of their own (--source)"
        if apart
        else "stored once",
    )


def _by_severity(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return findings, the gravest first, else in the order found."""
    return tuple(sorted(findings, key=lambda one: SEVERITIES.index(one.severity)))
