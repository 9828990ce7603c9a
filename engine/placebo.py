"""The placebo of a study: prices of firms in its layers that it did not choose."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from engine.errors import DataError
from engine.evidence.beside import Placebo
from engine.interfaces import SignalData
from engine.market.assemble import assemble
from engine.market.listing import NO_LAYER, Line, Universe
from engine.market.market import Market
from engine.sources.as_of import cut_prices
from engine.sources.sample.prices import SamplePrices
from engine.supply import HISTORY, SAMPLE, Choice, lines_of, price_source
from engine.thesis.model import Thesis


def load_placebo(
    thesis: Thesis,
    universe: Universe,
    assets: Sequence[Line],
    placebo: Universe,
    market: Market,
    choice: Choice,
) -> Placebo:
    """Return the placebo's firms with prices from the study's own source.

    The network is never touched: of Yahoo's lines those count that the store holds. A
    line that the study holds itself or takes as a benchmark is no control, and is left
    out. Signals are the study's.
    """
    wanted, left_out = _controls(thesis, universe, assets, placebo)
    benchmarks = [one for one in lines_of(thesis, universe, ()) if one.symbol]
    own = market.prices_origin.vintage
    quiet = dataclasses.replace(
        choice, offline=True, vintage=own.moment if own else choice.vintage
    )
    end = thesis.about.end
    end = end if choice.as_of is None else min(end, choice.as_of)
    try:
        if not wanted:
            raise DataError("none is a control")
        source = (
            # a benchmark keeps the world it has in the study: it is in no layer
            SamplePrices(layers={s.symbol: placebo.layer_of(s.symbol) for s in wanted})
            if str(choice.prices) == SAMPLE
            else price_source(quiet, placebo, base=thesis.about.currency, tell=_silent)
        )
        loaded = source.load([*wanted, *benchmarks], thesis.about.start - HISTORY, end)
        if choice.as_of is not None:
            loaded = cut_prices(loaded, choice.as_of)
        priced = tuple(one for one in wanted if len(loaded.frames.get(one.symbol, ())))
        if not priced:
            raise DataError("none has a price")
        other = assemble(
            (*priced, *benchmarks),
            loaded,
            SignalData(signals=market.signals, origin=market.signals_origin),
            home=thesis.about.calendar,
            base=thesis.about.currency,
            start=thesis.about.start,
            end=thesis.about.end,
            checked=False,
        )
    except DataError:
        other, priced = None, ()
    held = {line.symbol for line in priced}
    lost = {s.symbol: "no price" for s in wanted if s.symbol not in held}
    return Placebo(
        universe=placebo,
        assets=priced,
        market=other,
        left_out=left_out | lost,
    )


def _controls(
    thesis: Thesis, universe: Universe, assets: Sequence[Line], placebo: Universe
) -> tuple[tuple[Line, ...], dict[str, str]]:
    """Return the placebo's lines that the study does not use, and why not the others.

    A company is known by its lines: both universes write Yahoo's symbols.
    """
    used = {line.entity for line in assets}
    held = {s for s, line in universe.lines.items() if line.entity in used}
    compared = {line.symbol for line in lines_of(thesis, universe, ())}
    wanted, left_out = [], {}
    for line in placebo.assets(thesis.universe.lines):
        if placebo.layer_of(line.symbol) == NO_LAYER:
            continue
        if line.symbol in held:
            left_out[line.symbol] = "the thesis holds it"
        elif line.symbol in compared:
            left_out[line.symbol] = "a benchmark of the thesis"
        else:
            wanted.append(line)
    return tuple(wanted), left_out


def _silent(said: str) -> None:
    """Hear nothing: no network is asked."""
