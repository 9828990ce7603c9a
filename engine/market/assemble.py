"""From what the sources give to a `Market`: calendars laid over prices and rates."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from engine.errors import CurrencyError, DataError, at_most
from engine.market.bars import build_bars, check_frame
from engine.market.calendar import calendar_of, covered, sessions
from engine.market.coverage import (
    coverage_table,
    currency_findings,
    span_findings,
)
from engine.market.currency import Currencies
from engine.market.homeview import build_home_view
from engine.market.listing import Line
from engine.market.market import Finding, Market
from engine.market.quality import check_prices
from engine.market.signals import Signals
from engine.market.supplied import PriceData, SignalData


def assemble(
    lines: Sequence[Line],
    prices: PriceData,
    signals: SignalData,
    *,
    home: str,
    base: str,
    start: dt.date,
    end: dt.date,
    checked: bool = True,
) -> Market:
    """Return the market of a study: bars per exchange, the home view, what was found.

    Parameters
    ----------
    lines : sequence of Line
        Assets and benchmarks; those for which `prices` has no frame appear only in
        the coverage table.
    prices, signals : PriceData, SignalData
        As their sources gave them.
    home : str
        MIC whose closes are the decision clock.
    base : str
        Currency of the study.
    start, end : date
        First and last day of the study. Everything before `start` is kept, as far as
        calendars reach: estimation needs it. All panels run to `end` whether or not
        prices do, so that no row tells when a feed will end.
    checked : bool
        Whether the quality of the prices is looked into.

    Raises
    ------
    DataError
        No line has a price between `start` and `end`, or a frame or the signals are
        out of order.
    CurrencyError
        A line's currency, or `base`, has no rate.
    CalendarError
        An exchange is unknown, or its calendar ends before `end`.
    """
    asked = tuple({line.symbol: line for line in lines}.values())
    priced = tuple(line for line in asked if line.symbol in prices.frames)
    frames = {line.symbol: prices.frames[line.symbol] for line in priced}
    for symbol, frame in frames.items():
        check_frame(symbol, frame)
    _check_priced(asked, frames, start, end)
    _check_currencies(priced, prices, base)
    _check_signals(signals.signals)

    mics = tuple(dict.fromkeys(calendar_of(line.mic) for line in priced))
    first, cut = _first_day(frames, (*mics, home))
    bars = {
        mic: build_bars(
            sessions(mic, first, end),
            {s.symbol: frames[s.symbol] for s in priced if calendar_of(s.mic) == mic},
        )
        for mic in mics
    }
    currencies = Currencies(fixings=dict(prices.fixings))
    view = build_home_view(sessions(home, first, end), bars, priced, currencies, base)
    return Market(
        lines={line.symbol: line for line in priced},
        bars=bars,
        home=view,
        currencies=currencies,
        signals=signals.signals,
        coverage=coverage_table(asked, frames, bars),
        findings=(
            *prices.findings,
            *signals.findings,
            *cut,
            *(check_prices(priced, prices, spans=False) if checked else ()),
            *span_findings(priced, bars, start),
            *currency_findings(currencies, list(view.fx.columns), view.sessions),
        ),
        prices_origin=prices.origin,
        signals_origin=signals.origin,
    )


def last_priced_day(prices: PriceData) -> dt.date | None:
    """Return the last day on which any line has a row, or None without any."""
    ends = [frame.index[-1] for frame in prices.frames.values() if len(frame)]
    return max(ends).date() if ends else None


def _check_priced(
    asked: Sequence[Line],
    frames: Mapping[str, pd.DataFrame],
    start: dt.date,
    end: dt.date,
) -> None:
    """Raise `DataError` unless some line has a row between `start` and `end`."""
    low, high = pd.Timestamp(start), pd.Timestamp(end)
    for frame in frames.values():
        if ((frame.index >= low) & (frame.index <= high)).any():
            return
    spans = [f"{name} {_span(frame)}" for name, frame in frames.items() if len(frame)]
    held = f"the prices hold {at_most(spans)}" if spans else "the source has no price"
    raise DataError(
        f"none of {len(asked)} lines ({at_most(line.symbol for line in asked)}) has a "
        f"price between {start} and {end}; {held}. Change start and end, or the prices"
    )


def _span(frame: pd.DataFrame) -> str:
    """Return the first and last day of a frame."""
    return f"{frame.index[0].date()} to {frame.index[-1].date()}"


def _check_currencies(lines: Sequence[Line], prices: PriceData, base: str) -> None:
    """Raise `CurrencyError` for a currency that cannot be turned into `base`."""
    rated = {"USD", *prices.fixings}
    hint = f"known are {at_most(sorted(rated))}"
    if base not in rated:
        raise CurrencyError(
            f"the study's currency {base} has no exchange rate; {hint}. Give prices "
            f"of {base}=X ({base} per USD), or set currency = 'USD'"
        )
    for line in lines:
        if line.currency not in rated:
            raise CurrencyError(
                f"{line.symbol} trades in {line.currency}, which has no exchange "
                f"rate; {hint}. Give prices of {line.currency}=X ({line.currency} per "
                "USD), or exclude the line"
            )


def _check_signals(signals: Signals) -> None:
    """Raise `DataError` unless observations stand in the order they became known."""
    known = signals.observations["known_at"].to_numpy()
    if (known[1:] < known[:-1]).any() or np.isnat(known).any():
        raise DataError("signals: observations must be sorted by known_at, none empty")


def _first_day(
    frames: Mapping[str, pd.DataFrame], mics: Sequence[str]
) -> tuple[dt.date, tuple[Finding, ...]]:
    """Return where the panels begin: the first price that all calendars reach.

    One day for all exchanges: the day on which an exchange's own first line is listed
    must not show before it comes.
    """
    first = min(frame.index[0] for frame in frames.values() if len(frame)).date()
    reached = max(covered(mic)[0] for mic in mics)
    if first >= reached:
        return first, ()
    return reached, tuple(_cut(first, reached))


def _cut(first: dt.date, reached: dt.date) -> Iterator[Finding]:
    """Yield that prices before the calendars begin are left out."""
    yield Finding(
        severity="info",
        where="prices",
        what=f"begin on {first}, before the calendars do",
        action=f"prices before {reached} are left out",
        first=first.isoformat(),
        last=reached.isoformat(),
    )
