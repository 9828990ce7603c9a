"""The data kept on this machine: fetched, counted, checked, exported."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from engine.app import held_lines, load_universe, read_thesis
from engine.checks import findings_table
from engine.errors import DataError, UsageError, nearest
from engine.market.market import Finding
from engine.market.quality import check_prices
from engine.sources.price_rows import PREFIX
from engine.sources.store import Store, store_folder
from engine.sources.stored_prices import ASKED, YAHOO, StoredPrices, read_lines
from engine.sources.stored_signals import signal_rows
from engine.sources.yahoo_store import Gathered, YahooPrices, requests_for
from engine.sources.yahoo_symbols import fx_symbol
from engine.supply import HISTORY, KEPT, Tell, arrivals_told, lines_of

if TYPE_CHECKING:
    import datetime as dt

    from engine.interfaces import SignalSource
    from engine.market.listing import Line, Universe

EDGAR = "edgar"
#: Signals that can be fetched.
FETCHED_SIGNALS = (EDGAR,)
SETTLED = "up to date"
FETCHED = ("what", "outcome", "rows", "changed", "withdrawn", "last")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fetch:
    """What a fetch brought: one row per line, rate or series, and what was found.

    `table` has the columns of `FETCHED`: rows new to the store, the closes among them
    that are not those held before, rows taken back, and the last day held.
    """

    table: pd.DataFrame
    findings: pd.DataFrame
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Status:
    """What the store holds: one row per series and source, and the whole in words."""

    table: pd.DataFrame
    summary: str


def fetch(
    path: str | Path,
    *,
    start: dt.date | None = None,
    end: dt.date | None = None,
    signals: str | None = None,
    whole: bool = False,
    source: YahooPrices | None = None,
    filings: SignalSource | None = None,
    tell: Tell = lambda said: None,
) -> Fetch:
    """Bring the store up to date for all prices and rates that a thesis reads.

    Parameters
    ----------
    path : path of the thesis file; `start` and `end` replace its own.
    signals : ``"edgar"`` fetches capital expenditure from the SEC, too.
    whole : ask for every history from its beginning again, corrections included.
    source, filings : replace the sources that speak to Yahoo and to the SEC.
    tell : called with a line of text as each line arrives.

    Raises
    ------
    DataError
        Yahoo or the SEC did not answer for some of it. What came is kept.
    UsageError
        There are no such signals, or the SEC was not told who asks.
    KeyboardInterrupt
        Ctrl-C. What came is kept, and the next call goes on from there.
    """
    if signals is not None and signals not in FETCHED_SIGNALS:
        hint = nearest(signals, FETCHED_SIGNALS)
        known = ", ".join(FETCHED_SIGNALS)
        raise UsageError(f"--signals {signals} cannot be fetched, {known} can. {hint}")
    if signals == EDGAR and filings is None:
        filings = _edgar()  # asks who asks, before anything is fetched
    document = read_thesis(path, start=start, end=end)
    thesis = document.thesis
    universe = load_universe(thesis.universe.name, base=Path(document.path).parent)
    lines = lines_of(thesis, universe, held_lines(thesis, universe))
    base = thesis.about.currency
    yahoo = source or YahooPrices(
        store=Store(store_folder()), base=base, progress=arrivals_told(tell)
    )
    try:
        gathered = yahoo.gather(
            lines, thesis.about.start - HISTORY, thesis.about.end, whole=whole
        )
    except KeyboardInterrupt:
        tell(KEPT)
        raise
    rows = _price_rows(yahoo.store, lines, base, gathered)
    found = list(gathered.findings)
    if filings is not None and signals == EDGAR:
        row, notes = _fetch_capex(yahoo.store, universe, filings, tell)
        rows.append(row)
        found += notes
    return Fetch(
        table=pd.DataFrame(rows, columns=[*FETCHED]),
        findings=findings_table(found),
        summary=_summary(gathered, rows),
    )


def status() -> Status:
    """Return what the store holds, and its vintage."""
    store = Store(store_folder())
    batches, table = store.manifest(), store.status()
    table = table[table["series"] != ASKED].reset_index(drop=True)
    if not batches:
        return Status(
            table=table,
            summary=f"the store in {store.folder} is empty; fill it with assay data "
            "fetch THESIS or assay data import FILE",
        )
    return Status(
        table=table,
        summary=f"{store.folder}: {sum(one.rows for one in batches)} rows in "
        f"{len(batches)} batches, the last of "
        f"{batches[-1].ingested_at:%Y-%m-%d %H:%M} UTC; vintage {store.vintage()}",
    )


def check_store(*, universe: str = "ai-stack") -> pd.DataFrame:
    """Return what is wrong with the store's files, and odd about its prices.

    Prices of the universe's lines and benchmarks are checked, source by source, in the
    columns of `engine.checks.COLUMNS`. Raises `UniverseError` for an unknown universe.
    """
    store, known = Store(store_folder()), load_universe(universe)
    found = list(store.check())
    if any(one.severity == "error" for one in found):
        return findings_table(found)
    lines = list({**known.lines, **known.benchmarks}.values())
    kept = store.status()
    priced = kept[kept["series"].str.startswith(PREFIX)]
    for source in sorted(priced["source"].unique()):
        found += _check_source(store, str(source), lines)
    return findings_table(found)


def export(target: Path) -> str:
    """Copy the store into a new folder or ``.zip`` file; return a sentence about it."""
    store = Store(store_folder())
    if not store.manifest():
        raise DataError(f"the store in {store.folder} is empty; nothing to export")
    if target.suffix in (".gz", ".tar", ".tgz", ".7z", ".rar"):
        raise UsageError(
            f"{target}: an export is a folder or a .zip file; name one of them"
        )
    store.export(target)
    return f"{target}: {len(store.manifest())} batches, vintage {store.vintage()}"


def import_export(archive: Path) -> str:
    """Add what an export has and the store lacks; return a sentence about it."""
    store = Store(store_folder())
    added = store.import_(archive)
    return f"{added} batches of {archive} were new; vintage {store.vintage()}"


def is_export(path: Path) -> bool:
    """Return whether a path is an export of a store, by its form."""
    from engine.sources.store_batches import files_in

    return path.suffix == ".zip" or (path.is_dir() and len(files_in(path)) > 0)


def clear_up() -> str:
    """Remove unfinished files and pack small ones; return a sentence about it."""
    store = Store(store_folder())
    cleared = store.gc()
    return (
        f"{store.folder}: {cleared.unfinished} unfinished files removed, "
        f"{cleared.packed} batches packed; no row and no vintage changed"
    )


def _price_rows(
    store: Store, lines: tuple[Line, ...], base: str, gathered: Gathered
) -> list[dict[str, object]]:
    """Return one row per line and rate of a fetch."""
    wanted = [one.symbol for one in requests_for(lines, base, pd.Timestamp(0).date())]
    held = read_lines(store, wanted, source=YAHOO)
    missed = {one.symbol: one.kind for one in gathered.missed}
    rows = []
    for name in wanted:
        kept = gathered.stored.get(name)
        outcome = SETTLED if kept is None else "fetched" if kept.rows else "nothing new"
        rows.append(
            {
                "what": name,
                "outcome": f"not had: {missed[name]}" if name in missed else outcome,
                "rows": kept.rows if kept else 0,
                "changed": kept.changed if kept else 0,
                "withdrawn": kept.withdrawn if kept else 0,
                "last": held[name].frame.index[-1] if name in held else pd.NaT,
            }
        )
    return rows


def _edgar() -> SignalSource:
    """Return the SEC's filings; `UsageError` if nobody said who asks."""
    from engine.sources.edgar import EdgarSignals
    from engine.sources.edgar_client import stated_contact

    return EdgarSignals(contact=stated_contact(None))


def _fetch_capex(
    store: Store, universe: Universe, filings: SignalSource, tell: Tell
) -> tuple[dict[str, object], tuple[Finding, ...]]:
    """Store the SEC's capital expenditure; return its row, and what was found."""
    from engine.sources.edgar import SERIES

    tell("fetching filings from the SEC")
    found = filings.load(universe)
    observed = found.signals.observations
    batch = store.append(signal_rows(observed), source=EDGAR)
    row: dict[str, object] = {
        "what": SERIES,
        "outcome": "fetched",
        "rows": batch.rows if batch else 0,
        "changed": 0,
        "withdrawn": 0,
        "last": observed["value_date"].max(),
    }
    return row, found.findings


def _summary(gathered: Gathered, rows: list[dict[str, object]]) -> str:
    new = sum(int(str(row["rows"])) for row in rows)
    current = len([row for row in rows if row["outcome"] == SETTLED])
    missed = len(gathered.missed)
    return (
        f"{len(rows)} lines, rates and series: {current} were up to date, "
        f"{len(rows) - current - missed} fetched, {missed} not to be had; {new} rows "
        "were new"
    )


def _check_source(store: Store, source: str, lines: list[Line]) -> list[Finding]:
    """Return what is odd about the prices of one source of the store."""
    days = store.read(series=PREFIX + "close", source=source)["value_date"]
    if days.empty:
        days = store.read(series=PREFIX + "adj_close", source=source)["value_date"]
    if days.empty:
        return []
    prices = StoredPrices(store=store, source=source)
    try:
        given = prices.load(lines, days.min().date(), days.max().date())
    except DataError as error:
        return [Finding(severity="warning", where=source, what=str(error))]
    own = [one for one in given.findings if "holds no price" not in one.what]
    return [
        replace(one, where=f"{source}: {one.where}")
        for one in (
            *own,
            *_strangers(store, source, lines),
            *check_prices(lines, given),
        )
    ]


def _strangers(store: Store, source: str, lines: list[Line]) -> list[Finding]:
    """Return that the store has prices of lines that nobody asked for."""
    rows = store.read(series=[PREFIX + "close", PREFIX + "adj_close"], source=source)
    known = {name for line in lines for name in (line.symbol, fx_symbol(line.currency))}
    return [
        Finding(
            severity="info",
            where=str(name),
            what="no line, benchmark or currency of the universe",
            action="not checked; name its universe with --universe",
        )
        for name in sorted(set(rows["line"]) - known)
    ]
