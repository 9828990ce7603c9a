"""The flagship as tests run it, and its prices as plain series, without a market.

`Record` is what a reader of the files could collect by hand: every close and every fix
with the moment at which it became known, and nothing aligned, filled or converted.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from engine.market.calendar import sessions
from engine.market.listing import Line
from engine.sources.sample.prices import SamplePrices
from engine.study_result import StudyResult
from engine.supply import HISTORY

FLAGSHIP = Path(__file__).resolve().parents[1] / "examples" / "open_weights.toml"
START, END = dt.date(2023, 1, 3), dt.date(2025, 10, 30)
#: The record begins here: before any estimation window of the flagship.
FIRST = dt.date(2021, 1, 4)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Record:
    """Closes by symbol and dollars per unit by currency, indexed by UTC moment.

    days : symbol -> the own day of each close.
    """

    closes: Mapping[str, pd.Series]
    days: Mapping[str, pd.DatetimeIndex]
    dollars: Mapping[str, pd.Series]

    def price(self, symbol: str, moments: pd.DatetimeIndex) -> np.ndarray:
        """Return the last close known at each moment, NaN before the first."""
        return last_known(self.closes[symbol], moments)

    def rate(self, currency: str, moments: pd.DatetimeIndex) -> np.ndarray:
        """Return dollars per unit by the last fix known at each moment."""
        if currency == "USD":
            return np.ones(len(moments))
        return last_known(self.dollars[currency], moments)


def last_known(series: pd.Series, moments: pd.DatetimeIndex) -> np.ndarray:
    """Return the last value at or before each moment, NaN before the first."""
    place = series.index.searchsorted(moments, side="right")
    return np.concatenate([[np.nan], series.to_numpy()])[place]


def real_options(shared: Path) -> dict[str, object]:
    """Return the options of the run on real files that the README shows."""
    return {
        "prices": shared / "market" / "prices",
        "signals": shared / "signals" / "long",
        "start": START,
        "end": END,
    }


def lines_of(result: StudyResult) -> list[Line]:
    """Return the lines of a study with a price: what it may hold, and benchmarks."""
    return list(result.market.lines.values())


def record_of_files(shared: Path, lines: Iterable[Line]) -> Record:
    """Return the price files as they are: adjusted closes, blanks left out."""
    folder = shared / "market" / "prices"
    columns = {line.symbol: _column(folder / f"{line.symbol}.csv") for line in lines}
    dollars = {}
    for file in folder.glob("*=X.csv"):
        fixed = _column(file)
        fixed.index = _fix_moments(pd.DatetimeIndex(fixed.index))
        dollars[file.stem.removesuffix("=X")] = 1.0 / fixed
    return _record(lines, columns, dollars)


def record_of_sample(result: StudyResult) -> Record:
    """Return the sample world's prices straight from their source."""
    layers = {s: result.universe.layer_of(s) for s in result.universe.lines}
    about = result.thesis.about
    loaded = SamplePrices(layers=layers).load(
        lines_of(result), about.start - HISTORY, about.end
    )
    columns = {s: frame["adj_close"].dropna() for s, frame in loaded.frames.items()}
    dollars = {
        name: pd.Series(1.0 / one.per_usd, index=pd.DatetimeIndex(one.fixed_utc))
        for name, one in loaded.fixings.items()
    }
    return _record(lines_of(result), columns, dollars)


def _column(file: Path) -> pd.Series:
    table = pd.read_csv(file, parse_dates=["date"], index_col="date")
    return table["adj_close"].dropna()


def _fix_moments(days: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """14:15 in Frankfurt, as UTC."""
    local = (days + pd.Timedelta("14:15:00")).tz_localize("Europe/Berlin")
    return local.tz_convert("UTC").tz_localize(None)


def _record(
    lines: Iterable[Line],
    columns: Mapping[str, pd.Series],
    dollars: Mapping[str, pd.Series],
) -> Record:
    closes, days = {}, {}
    for line in lines:
        column = columns[line.symbol]
        own = sessions(line.mic, FIRST, column.index[-1].date())
        place = own.days.get_indexer(column.index)
        assert (place >= 0).all(), f"{line.symbol}: a price on a closed day"
        moments = pd.DatetimeIndex(own.close_utc[place])
        closes[line.symbol] = pd.Series(column.to_numpy(), index=moments)
        days[line.symbol] = pd.DatetimeIndex(column.index)
    return Record(closes=closes, days=days, dollars=dollars)
