"""Prices and exchange rates from files of any layout, as rows of the store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pandas as pd

from engine.errors import DataError, at_most
from engine.market.currency import Fixings
from engine.market.listing import Line
from engine.market.market import Finding
from engine.sources.files.folder import fix_findings
from engine.sources.files.prices import (
    FixTime,
    fixings,
    frame_findings,
    price_frame,
    read_fix_time,
)
from engine.sources.imports.cells import (
    is_day,
    read_days,
    read_numbers,
    said_days,
    with_days,
)
from engine.sources.imports.houses import house_of, is_stooq
from engine.sources.imports.mapping import FIELDS
from engine.sources.imports.names import (
    Names,
    currency_of,
    is_pair,
    named_by_file,
)
from engine.sources.imports.sheet import Sheet
from engine.sources.imports.words import counted
from engine.sources.stored.price_rows import ACTIONS, price_rows, session_ends

#: Other houses' words -> ours.
SYNONYMS = {
    "adjclose": "adj_close",
    "adjusted_close": "adj_close",
    "adj._close": "adj_close",
    "datetime": "date",
    "datum": "date",
    "day": "date",
    "session": "date",
    "vol": "volume",
    "ticker": "symbol",
    "dividends": "dividend",
    "stock_splits": "split",
    "capital_gains": "capital_gain",
}
#: What a first column without a name is called.
UNNAMED = "(column 1)"
#: What a wide table holds where nothing says so.
UNSAID_FIELD = "close"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PriceFile:
    """What a file holds of prices, by symbol, and as rows of the store.

    `frames` also have the column `dividend` where the file has it; `rates` are by
    currency.
    """

    rows: pd.DataFrame
    frames: dict[str, pd.DataFrame]
    lines: dict[str, Line]
    rates: dict[str, Fixings]
    says: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def kind(self) -> str:
        """What the file is called."""
        return "exchange rates" if self.rates and not self.frames else "prices"


@dataclass(slots=True)
class _Read:
    """What has been read of a file so far.

    `adjusted` says that its closes are adjusted closes, too.
    """

    sheet: Sheet
    names: Names
    fix_time: FixTime
    adjusted: bool = False
    parts: list[pd.DataFrame] = field(default_factory=list)
    frames: dict[str, pd.DataFrame] = field(default_factory=dict)
    lines: dict[str, Line] = field(default_factory=dict)
    rates: dict[str, Fixings] = field(default_factory=dict)
    found: list[Finding] = field(default_factory=list)


def price_sheet(sheet: Sheet) -> Sheet:
    """Return a sheet with other houses' columns under our names.

    A first column without a name that holds days is their column: so pandas writes it.
    """
    sheet = sheet.renamed({old: new for old, new in SYNONYMS.items() if sheet.has(old)})
    if not sheet.has("date") and sheet.columns[0] == UNNAMED:
        first = sheet.cells[UNNAMED].dropna().astype("str")
        if len(first) and is_day(first.iloc[0]):
            return sheet.renamed({UNNAMED: "date"})
    return sheet


def is_long(sheet: Sheet) -> bool:
    """Return whether a sheet has days and closing prices as columns."""
    return sheet.has("date") and (sheet.has("close") or sheet.has("adj_close"))


def is_wide(sheet: Sheet, names: Names) -> bool:
    """Return whether a sheet has days and a column for a line, or is said to."""
    if not sheet.has("date") or names.mapping.layout == "long":
        return False
    heads = [sheet.heads[column] for column in sheet.columns if column != "date"]
    return names.mapping.layout == "wide" or any(map(names.knows, heads))


def read_prices(sheet: Sheet, names: Names) -> PriceFile:
    """Return the prices of a long or wide sheet (see `is_long`, `is_wide`).

    Raises
    ------
    DataError
        Days or numbers that cannot be read or are ambiguous, bars that are not
        daily, days that repeat, prices that are no positive number.
    """
    fix_time, _ = read_fix_time(sheet.path.parent)
    if names.mapping.layout != "wide" and is_long(sheet):
        read, says = _long(sheet, names, fix_time)
    else:
        read, says = _wide(sheet, names, fix_time)
    if read.rates:
        read.found += [
            one
            for one in fix_findings(fix_time, [*read.rates])
            if "has no file" not in one.what
        ]
        says.append(_fix_words(fix_time))
    if read.frames:
        says.append(
            "each bar counts as known at its session's close; unit: "
            + at_most(dict.fromkeys(line.currency for line in read.lines.values()))
        )
    return PriceFile(
        rows=pd.concat(read.parts, ignore_index=True) if read.parts else pd.DataFrame(),
        frames=read.frames,
        lines=read.lines,
        rates=read.rates,
        says=(*read.sheet.says, *says),
        findings=tuple(read.found),
    )


def _long(sheet: Sheet, names: Names, fix_time: FixTime) -> tuple[_Read, list[str]]:
    """Return the prices of a sheet with a row per day, or per day and symbol."""
    days, written = read_days(sheet, "date", names.mapping.date_format)
    sheet = with_days(
        read_numbers(sheet, [*FIELDS, *ACTIONS], names.mapping.decimal), "date", days
    )
    read = _Read(sheet=sheet, names=names, fix_time=fix_time, adjusted=is_stooq(sheet))
    says = [*house_of(sheet), f"days are {written}, {said_days(days)}"]
    if names.mapping.field:
        says.append("field is for wide files: not used here")
    if sheet.has("symbol"):
        sheet.table().complain(sheet.cells["symbol"].isna().to_numpy(), "has no symbol")
        symbols = sheet.cells["symbol"].astype("str").str.casefold().to_numpy()
        groups = [
            (str(cells["symbol"].iloc[0]), cells)
            for _, cells in sheet.cells.groupby(symbols, sort=False)
        ]
        count = counted(len(groups), "symbol")
        says.insert(0, f"long: a row per day and symbol, {count}")
    else:
        told = names.mapping.symbol
        name = told or named_by_file(sheet)
        groups = [(name, sheet.cells)]
        by = "the mapping" if told else "the file's name"
        says.insert(0, f"long: a row per day of {names.symbol(name)}, by {by}")
    for name, cells in groups:
        _add(read, name, cells)
    known = {"date", "symbol", *FIELDS, *ACTIONS}
    rest = [sheet.heads[column] for column in sheet.columns if column not in known]
    if rest:
        says.append(f"columns not stored: {at_most(rest, 8)}")
    return read, says


def _wide(sheet: Sheet, names: Names, fix_time: FixTime) -> tuple[_Read, list[str]]:
    """Return the prices of a sheet with a row per day and a column per symbol."""
    columns = [column for column in sheet.columns if column != "date"]
    days, written = read_days(sheet, "date", names.mapping.date_format)
    known = [column for column in columns if names.knows(sheet.heads[column])]
    sheet = with_days(read_numbers(sheet, known, names.mapping.decimal), "date", days)
    read = _Read(sheet=sheet, names=names, fix_time=fix_time)
    one, by = _wide_field(sheet, names)
    if not by:
        by = "nothing says which, so nothing is taken for adjusted"
        read.found.append(
            Finding(
                severity="warning",
                where=sheet.name,
                what=f"nothing says which field the table holds: read as {one}",
                action='say so in a mapping: field = "adj_close", or name the file or '
                "sheet after the field",
            )
        )
    says = [
        f"wide: a row per day, a column per symbol ({len(columns)})",
        f"every number is {one} ({by})",
        f"days are {written}, {said_days(days)}",
    ]
    for column in columns:
        if column not in known:
            read.found.append(names.stranger(sheet.heads[column], sheet.name))
            continue
        cells = sheet.cells[["date", column]].rename(columns={column: one})
        _add(read, sheet.heads[column], cells)
    return read, says


def _wide_field(sheet: Sheet, names: Names) -> tuple[str, str]:
    """Return the field that a wide table holds, and what says so ("": nothing)."""
    if names.mapping.field:
        return names.mapping.field, "as the mapping says"
    for told, who in ((sheet.title, "sheet"), (sheet.path.stem, "file")):
        word = told.strip().lower().replace(" ", "_").replace("-", "_")
        word = SYNONYMS.get(word, word)
        if word in FIELDS:
            return word, f"by the {who}'s name"
    return UNSAID_FIELD, ""


def _add(read: _Read, name: str, cells: pd.DataFrame) -> None:
    """Add one symbol's bars or rates; name it where nobody knows it."""
    symbol = read.names.symbol(name)
    line, pair = read.names.line(symbol), is_pair(symbol)
    if line is None and not pair:
        read.found.append(read.names.stranger(name, read.sheet.name))
        return
    symbol = symbol if line is None else line.symbol
    if symbol in read.frames or (pair and currency_of(symbol) in read.rates):
        raise DataError(
            f"{read.sheet.name}: two columns or names mean {symbol}; keep one"
        )
    cells = _oldest_first(_without_blank_rows(cells))
    if len(cells) == 0:
        raise DataError(f"{read.sheet.name}: {name} has no number in any row")
    table = read.sheet.table(cells)
    _check_daily(read.sheet, cells)
    if not {"close", "adj_close"} & set(cells):
        raise DataError(
            f"{read.sheet.name}: {name} has no close or adj_close, without which no "
            "bar counts; import the closes in the same file, or a wide file of them"
        )
    frame = price_frame(table)
    read.found += frame_findings(symbol, frame)
    read.found += _blank_findings(symbol, cells, frame)
    if line is None:
        currency = currency_of(symbol)
        read.rates[currency] = fixings(currency, table, read.fix_time)
        known_at = read.fix_time.moments(pd.DatetimeIndex(frame.index))
        read.parts.append(price_rows(symbol, frame, unit=currency, known_at=known_at))
    else:
        if read.adjusted and "close" in frame:
            frame = frame.assign(adj_close=frame["close"])
        _add_bars(read, line, frame, cells)


def _add_bars(
    read: _Read, line: Line, frame: pd.DataFrame, cells: pd.DataFrame
) -> None:
    """Add a line's bars and actions, each known at the close of its session."""
    actions = _actions(cells)
    known_at = session_ends(pd.DatetimeIndex(frame.index), line.mic)
    acted = session_ends(pd.DatetimeIndex(actions["session"]), line.mic)
    read.parts.append(
        price_rows(
            line.symbol,
            frame,
            unit=line.currency,
            known_at=known_at,
            actions=actions,
            actions_known_at=acted,
        )
    )
    paid = {"dividend": cells["dividend"].to_numpy()} if "dividend" in cells else {}
    read.frames[line.symbol] = frame.assign(**paid)
    read.lines[line.symbol] = line


def _without_blank_rows(cells: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that hold any number."""
    numbers = [name for name in (*FIELDS, *ACTIONS) if name in cells]
    return cells[cells[numbers].notna().any(axis="columns")]


def _oldest_first(cells: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a file that begins with the newest day the other way round."""
    days = pd.DatetimeIndex(cells["date"])
    # days that repeat are refused, in the order of the file
    newest_first = len(days) > 1 and days.is_unique and days.is_monotonic_decreasing
    return cells.iloc[::-1] if newest_first else cells


def _check_daily(sheet: Sheet, cells: pd.DataFrame) -> None:
    """Raise `DataError` where Stooq's own column says that bars are not daily."""
    if "per" in cells:
        wrong = (cells["per"].astype("str").str.upper() != "D").to_numpy()
        sheet.table(cells).complain(wrong, "bars of period {per}, not D (daily)")


def _actions(cells: pd.DataFrame) -> pd.DataFrame:
    """Return dividends, splits and capital gains; 0 is how Yahoo writes none."""
    parts = [
        pd.DataFrame({"session": cells["date"], "kind": kind, "value": cells[kind]})
        for kind in ACTIONS
        if kind in cells
    ]
    none = pd.DataFrame(
        {
            "session": pd.DatetimeIndex([], dtype="datetime64[ns]"),
            "kind": pd.Series([], dtype="str"),
            "value": pd.Series([], dtype="float64"),
        }
    )
    every = pd.concat(parts, ignore_index=True) if parts else none
    return every[every["value"].notna() & (every["value"] != 0.0)]


def _blank_findings(
    symbol: str, cells: pd.DataFrame, frame: pd.DataFrame
) -> Iterator[Finding]:
    """Yield the cells that a file leaves blank."""
    counts = {name: int(cells[name].isna().sum()) for name in FIELDS if name in cells}
    whole = [name for name, count in counts.items() if count == len(cells)]
    some = [f"{name} ({n})" for name, n in counts.items() if 0 < n < len(cells)]
    days = pd.DatetimeIndex(frame.index)
    for names, what in ((whole, "blank in every row"), (some, "blank in some rows")):
        if names:
            yield Finding(
                severity="info",
                where=symbol,
                what=f"{what}: {at_most(names, 6)}",
                action="not stored: unknown is no number; nothing is filled in",
                first=str(days[0].date()),
                last=str(days[-1].date()),
            )


def _fix_words(fix_time: FixTime) -> str:
    """Return when the rates of a file count as known."""
    told = "as folder.toml says" if fix_time.stated else "for nothing says when"
    return (
        f"rates in currency per dollar, known at {fix_time.fix:%H:%M} "
        f"{fix_time.zone} of their day, {told}"
    )
