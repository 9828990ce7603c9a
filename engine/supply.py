"""Where a study's data come from: words and folders become sources, then a market."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from engine.errors import DataError, UsageError, at_most, nearest
from engine.interfaces import PriceSource, SignalData, SignalSource
from engine.market.assemble import assemble, last_priced_day
from engine.market.listing import Line, Universe
from engine.market.market import Finding, Market
from engine.sources.as_of import cut_prices, cut_signals
from engine.sources.files import FolderPrices, FolderSignals
from engine.sources.reference import ReferenceSignals
from engine.sources.sample import SamplePrices
from engine.sources.sample_signals import SampleSignals
from engine.thesis.model import About, Thesis

SAMPLE = "sample"
REFERENCE = "reference"

#: Price history read before a study's start, for estimation windows and covariances.
HISTORY = dt.timedelta(days=800)


def load_market(
    thesis: Thesis,
    universe: Universe,
    assets: tuple[Line, ...],
    *,
    prices: str | Path = SAMPLE,
    signals: str | Path | None = None,
    as_of: dt.date | None = None,
    mix: bool = False,
) -> Market:
    """Return the point-in-time market of a study.

    Raises `UsageError` for simulated signals with real prices (unless `mix`), and
    `DataError` where no line has a price in the period.
    """
    about = thesis.about
    price_source, signal_source = sources(prices, signals, universe, mix=mix)
    lines = [*assets]
    asked = (*about.benchmarks, *(one.benchmark for one in thesis.events))
    for symbol in dict.fromkeys(asked):  # a set would order lines by the hash seed
        line = universe.line(symbol) if symbol else None
        if line is not None and line not in lines:
            lines.append(line)
    loaded = price_source.load(lines, about.start - HISTORY, about.end)
    observed = signal_source.load(universe)
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


def _end_of_prices(about: About, last: dt.date | None) -> dt.date:
    """Return the study's last day, not after the prices' own where they reach it."""
    return last if last is not None and about.start <= last < about.end else about.end


def sources(
    prices: str | Path, signals: str | Path | None, universe: Universe, *, mix: bool
) -> tuple[PriceSource, SignalSource]:
    """Return the two sources that the words or folders name."""
    simulated = str(prices) == SAMPLE
    if signals is None:
        signals = SAMPLE if simulated else REFERENCE
    if str(signals) == SAMPLE and not simulated and not mix:
        raise UsageError(
            "--signals sample is a simulation and --prices is not; use --signals "
            "reference or a folder, or --mix to allow it and stamp everything SIMULATED"
        )
    if not simulated:
        _check_source("--prices", prices, (SAMPLE,))
    if str(signals) not in (SAMPLE, REFERENCE):
        _check_source("--signals", signals, (SAMPLE, REFERENCE))
    layers = {symbol: universe.layer_of(symbol) for symbol in universe.lines}
    price_source: PriceSource = (
        SamplePrices(layers=layers) if simulated else FolderPrices(Path(prices))
    )
    signal_source: SignalSource
    if str(signals) == SAMPLE:
        signal_source = SampleSignals()
    elif str(signals) == REFERENCE:
        signal_source = ReferenceSignals()
    else:
        signal_source = FolderSignals(Path(signals))
    return price_source, signal_source


def _check_source(option: str, given: str | Path, words: tuple[str, ...]) -> None:
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
