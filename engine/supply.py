"""Where a study's data come from: words and folders become sources, then a market."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from engine.errors import DataError, UsageError, at_most, nearest
from engine.interfaces import PriceData, PriceSource, SignalData, SignalSource
from engine.market.assemble import assemble, last_priced_day
from engine.market.listing import Line, Universe
from engine.market.market import Finding, Market
from engine.sources.as_of import cut_prices, cut_signals
from engine.sources.files import FolderPrices, FolderSignals
from engine.sources.reference import ReferenceSignals
from engine.sources.sample import SamplePrices
from engine.sources.sample_signals import SampleSignals
from engine.thesis.model import About, Thesis

if TYPE_CHECKING:
    from engine.sources.yahoo import Arrival, Progress

SAMPLE = "sample"
REFERENCE = "reference"
#: Prices from Yahoo by way of the store.
YAHOO = "yahoo"
#: Signals of the store; prices that were imported under a name are ``store:NAME``.
STORE = "store"
IMPORTED = STORE + ":"

Tell = Callable[[str], None]
#: Before what is told and should stay to be read.
NOTE = "note: "
KEPT = f"{NOTE}what had arrived is kept; the same command goes on from there"

#: Price history read before a study's start, for estimation windows and covariances.
HISTORY = dt.timedelta(days=800)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which data a study reads; `engine.run` explains the fields."""

    prices: str | Path = SAMPLE
    signals: str | Path | None = None
    as_of: dt.date | None = None
    mix: bool = False
    offline: bool = False
    vintage: dt.date | str | None = None


def load_market(
    thesis: Thesis,
    universe: Universe,
    assets: tuple[Line, ...],
    choice: Choice = Choice(),
    *,
    tell: Tell = lambda said: None,
) -> Market:
    """Return the point-in-time market of a study.

    `tell` is called with a line of text as prices arrive from the network. Raises
    `UsageError` for simulated signals with real prices (unless mixing is allowed), and
    `DataError` where no line has a price in the period.
    """
    about, as_of = thesis.about, choice.as_of
    check_choice(choice)
    end = about.end if as_of is None else min(about.end, as_of)
    lines = lines_of(thesis, universe, assets)
    source = price_source(choice, universe, base=about.currency, tell=tell)
    loaded = source.load(lines, about.start - HISTORY, end)
    # both at one vintage, whatever another process stores meanwhile
    vintage = loaded.origin.vintage
    when = vintage_moment(vintage.moment if vintage else choice.vintage)
    observed = signal_source(choice, when).load(universe)
    if as_of is not None:
        loaded, observed = cut_prices(loaded, as_of), cut_signals(observed, as_of)
    observed = with_roles(observed, thesis.signals)
    return assemble(
        lines,
        loaded,
        observed,
        home=about.calendar,
        base=about.currency,
        start=about.start,
        end=_end_of_prices(about, last_priced_day(loaded)),
    )


def lines_of(
    thesis: Thesis, universe: Universe, assets: Sequence[Line]
) -> tuple[Line, ...]:
    """Return all lines that a study reads: its assets, then its benchmarks."""
    asked = (*thesis.about.benchmarks, *(one.benchmark for one in thesis.events))
    named = [universe.line(symbol) for symbol in asked if symbol]
    # a set would order lines by the hash seed
    return tuple(dict.fromkeys([*assets, *(line for line in named if line)]))


def _end_of_prices(about: About, last: dt.date | None) -> dt.date:
    """Return the study's last day, not after the prices' own where they reach it."""
    return last if last is not None and about.start <= last < about.end else about.end


def check_choice(choice: Choice) -> None:
    """Raise `UsageError` for sources that must not or cannot go together."""
    prices, signals = str(choice.prices), signals_of(choice)
    if signals == SAMPLE and prices != SAMPLE and not choice.mix:
        raise UsageError(
            "--signals sample is a simulation and --prices is not; use --signals "
            "reference, store or a folder, or --mix to allow it and stamp everything "
            "SIMULATED"
        )
    stored = prices == YAHOO or prices.startswith(IMPORTED) or signals == STORE
    if choice.vintage is not None and not stored:
        raise UsageError(
            "--vintage is about the store; use it with --prices yahoo, --prices "
            f"{IMPORTED}NAME or --signals {STORE}"
        )
    if prices not in (SAMPLE, YAHOO) and not prices.startswith(IMPORTED):
        _check_folder("--prices", prices, (SAMPLE, YAHOO, IMPORTED + "NAME"))
    if signals not in (SAMPLE, REFERENCE, STORE):
        _check_folder("--signals", signals, (SAMPLE, REFERENCE, STORE))


def signals_of(choice: Choice) -> str:
    """Return the word or folder of the signals: by default what suits the prices."""
    if choice.signals is not None:
        return str(choice.signals)
    return SAMPLE if str(choice.prices) == SAMPLE else REFERENCE


def price_source(
    choice: Choice, universe: Universe, *, base: str, tell: Tell
) -> PriceSource:
    """Return the source of prices that a checked choice names."""
    prices, vintage = str(choice.prices), vintage_moment(choice.vintage)
    if prices == SAMPLE:
        layers = {symbol: universe.layer_of(symbol) for symbol in universe.lines}
        return SamplePrices(layers=layers)
    if prices == YAHOO and not choice.offline and vintage is None:
        return FetchedPrices(base=base, tell=tell)
    if prices == YAHOO or prices.startswith(IMPORTED):
        from engine.sources.store import Store, store_folder  # pyarrow: a tenth second
        from engine.sources.stored_prices import StoredPrices

        name = prices.removeprefix(IMPORTED)
        return StoredPrices(
            store=Store(store_folder()), source=name, base=base, vintage=vintage
        )
    return FolderPrices(Path(prices))


def signal_source(choice: Choice, vintage: np.datetime64 | None) -> SignalSource:
    """Return the source of signals that a checked choice names."""
    signals = signals_of(choice)
    if signals == SAMPLE:
        return SampleSignals()
    if signals == REFERENCE:
        return ReferenceSignals()
    if signals == STORE:
        from engine.sources.store import Store, store_folder  # pyarrow: a tenth second
        from engine.sources.stored_signals import StoredSignals

        return StoredSignals(store=Store(store_folder()), vintage=vintage)
    return FolderSignals(Path(signals))


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedPrices:
    """Yahoo's prices, the store brought up to date first; `tell` hears what comes."""

    base: str
    tell: Tell

    def load(self, lines: Sequence[Line], start: dt.date, end: dt.date) -> PriceData:
        """Fetch what is due, say what could not be had, and read the store."""
        from engine.sources.store import Store, store_folder
        from engine.sources.yahoo_store import YahooPrices  # yfinance when it asks

        source = YahooPrices(
            store=Store(store_folder()),
            base=self.base,
            progress=arrivals_told(self.tell),
        )
        try:
            gathered = source.gather(lines, start, end)
        except KeyboardInterrupt:
            self.tell(KEPT)
            raise
        for one in gathered.findings:
            self.tell(f"{NOTE}{one.where}: {one.what}; {one.action}")
        return source.stored.load(lines, start, end)


def arrivals_told(tell: Tell) -> Progress:
    """Return what tells in words of each line that was asked for."""

    def progress(arrival: Arrival, done: int, total: int) -> None:
        kind = getattr(arrival, "kind", "")
        if kind != "not_asked":
            failed = " did not come" if kind else ""
            tell(f"fetching prices: {arrival.symbol}{failed}, {done} of {total}")

    return progress


def vintage_moment(told: dt.date | str | None) -> np.datetime64 | None:
    """Return the moment (UTC) up to which stored rows count; a day alone is its end.

    Raises `UsageError` for what is no day or moment.
    """
    if told is None:
        return None
    written = told if isinstance(told, str) else told.isoformat()
    whole_day = bool(re.fullmatch(r"\d{4}-\d{2}-\d{2}", written))
    try:
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}([T ].+)?", written):
            raise ValueError(written)
        moment = pd.Timestamp(written).as_unit("ns")
        if moment.tz is not None:
            moment = moment.tz_convert("UTC").tz_localize(None)
        if whole_day:
            moment += pd.Timedelta(days=1) - pd.Timedelta(1, "ns")
    except ValueError as error:  # pandas' bounds are of this kind, too
        raise UsageError(
            f"--vintage {told!r} is no day or moment; write 2026-07-06 or "
            "2026-07-06T20:00 (UTC)"
        ) from error
    return moment.to_datetime64()


def _check_folder(option: str, given: str | Path, words: tuple[str, ...]) -> None:
    """Raise `DataError` unless what is no known word is something on disk."""
    if not Path(given).exists():
        raise DataError(
            f"{option} {given}: there is no such folder; the other choice is "
            f"{' or '.join(words)}. {nearest(str(given), words)}".strip()
        )


def with_roles(observed: SignalData, chosen: Mapping[str, str]) -> SignalData:
    """Return the signals with the thesis's own role -> series choices on top."""
    if not chosen:
        return observed
    series = sorted(set(observed.signals.observations["series"]))
    unknown = {role: name for role, name in chosen.items() if name not in series}
    if unknown and observed.origin.name != SAMPLE:
        role, name = next(iter(unknown.items()))
        raise DataError(
            f"[signals] {role} = {name!r}: {observed.origin.name} has no such series; "
            f"it has {at_most(series)}. {nearest(name, series)}".strip()
        )
    kept = {role: name for role, name in chosen.items() if role not in unknown}
    return replace(
        observed,
        signals=replace(observed.signals, roles=dict(observed.signals.roles) | kept),
        findings=(
            *observed.findings,
            *(
                Finding(
                    severity="info",
                    where=f"sample signals: {role}",
                    what=f"no series {name!r}, which the thesis chose",
                    action="the sample world's own series is used",
                )
                for role, name in unknown.items()
            ),
        ),
    )
