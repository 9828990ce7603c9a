"""Small hand-made markets for tests: prices by exchange, synthetic sessions, FX.

A market is written as closes by exchange, one row per day, ``None`` or NaN where there
is no bar::

    market({"XNYS": {"AAA": [10, 11, 12]}, "XHKG": {"BBB": [5, None, 6]}},
           rates={"HKD": 8.0})

Every exchange has a session on each of the days unless `closed` says otherwise, at its
usual hours in UTC (no summer time, no half days).
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from engine.market.bars import Bars, RawBars
from engine.market.calendar import Sessions, calendar_of
from engine.market.currency import Currencies, Fixings
from engine.market.homeview import build_home_view
from engine.market.listing import Line
from engine.market.market import Market, Origin
from engine.market.signals import COLUMNS, Signals

#: Open and close in UTC, hours and minutes.
HOURS = {
    "XNYS": ("14:30", "21:00"),
    "XHKG": ("01:30", "08:00"),
    "XSHG": ("01:30", "07:00"),
    "XKRX": ("00:00", "06:30"),
}
CURRENCY = {"XNYS": "USD", "XHKG": "HKD", "XSHG": "CNY", "XKRX": "KRW"}
#: First day of a market unless a test says otherwise: a Monday.
FIRST = dt.date(2024, 3, 4)

Closes = Mapping[str, Mapping[str, Sequence[float | None]]]


def sessions(
    mic: str, days: pd.DatetimeIndex, hours: tuple[str, str] | None = None
) -> Sessions:
    """Return synthetic sessions of an exchange on these days."""
    opens, closes = hours or HOURS[mic]
    index = days.as_unit("ns").rename("session")
    return Sessions(
        mic=mic,
        days=index,
        open_utc=(index + pd.Timedelta(f"{opens}:00")).to_numpy(),
        close_utc=(index + pd.Timedelta(f"{closes}:00")).to_numpy(),
    )


def fixings(
    currency: str,
    per_usd: float | Sequence[float | None],
    days: pd.DatetimeIndex,
    at: str = "13:15",
) -> Fixings:
    """Return one fix a day at a UTC time; a single number from long before."""
    if isinstance(per_usd, float | int):
        days = pd.date_range(days[0] - pd.Timedelta(days=30), days[-1])
        per_usd = [per_usd] * len(days)
    rates = np.array(per_usd, dtype=np.float64)
    known = np.isfinite(rates)
    moments = (days.as_unit("ns") + pd.Timedelta(f"{at}:00")).to_numpy()
    return Fixings(currency=currency, fixed_utc=moments[known], per_usd=rates[known])


def market(
    closes: Closes,
    *,
    opens: Closes | None = None,
    closed: Mapping[str, Sequence[int]] | None = None,
    rates: Mapping[str, float | Sequence[float | None]] | None = None,
    hours: Mapping[str, tuple[str, str]] | None = None,
    currency: Mapping[str, str] | None = None,
    home: str = "XNYS",
    base: str = "USD",
    first: dt.date = FIRST,
    raw: Mapping[str, tuple[Mapping[int, float], Mapping[int, float]]] | None = None,
    volume: Closes | None = None,
    delisted: Mapping[str, int] | None = None,
) -> Market:
    """Return a market of these closes.

    `closed` lists by exchange the rows on which it has no session at all; `opens` are
    opening prices in the same form; `rates` are local units per dollar, one number or
    one per row; `currency` overrides that of an exchange. `raw` names the lines whose
    closes are as traded, with their dividends and splits by row; `volume` is in shares;
    `delisted` is the last row of a line.
    """
    count = len(next(iter(next(iter(closes.values())).values())))
    days = pd.bdate_range(first, periods=count)
    bars, lines = {}, {}
    for mic, prices in closes.items():
        shut = list((closed or {}).get(mic, ()))
        own = np.setdiff1d(np.arange(count), shut)
        timetable = sessions(calendar_of(mic), days[own], (hours or {}).get(mic))
        price = _panel(prices, own, timetable)
        early = (opens or {}).get(mic, {})
        missing: Sequence[float | None] = [None] * count
        opened = _panel({s: early.get(s, missing) for s in prices}, own, timetable)
        held = [s for s in prices if s in (raw or {})]
        traded = _panel(
            {s: (volume or {}).get(mic, {}).get(s, missing) for s in prices},
            own,
            timetable,
        )
        bars[mic] = Bars(
            sessions=timetable,
            price=price,
            open=opened,
            flat=price.isna() & False,
            turnover=price * traded,
            raw=raw_bars(price[held], opened[held], own, raw or {}) if held else None,
        )
        money = {**CURRENCY, **(currency or {})}[mic]
        for symbol in prices:
            last = (delisted or {}).get(symbol)
            lines[symbol] = Line(
                symbol=symbol,
                entity=symbol,
                mic=mic,
                currency=money,
                delisted=None if last is None else days[last].date(),
            )
    fixed = {name: fixings(name, value, days) for name, value in (rates or {}).items()}
    currencies = Currencies(fixings=fixed)
    shut = list((closed or {}).get(home, ()))
    clock = sessions(home, days.delete(shut), (hours or {}).get(home))
    origin = Origin(name="test", simulated=True, digest="")
    return Market(
        lines=lines,
        bars=bars,
        home=build_home_view(clock, bars, list(lines.values()), currencies, base),
        currencies=currencies,
        signals=Signals(observations=pd.DataFrame(columns=list(COLUMNS))),
        coverage=pd.DataFrame(),
        findings=(),
        prices_origin=origin,
        signals_origin=origin,
    )


def raw_bars(
    close: pd.DataFrame,
    opened: pd.DataFrame,
    rows: np.ndarray,
    told: Mapping[str, tuple[Mapping[int, float], Mapping[int, float]]],
) -> RawBars:
    """Return bars as traded, with dividends and splits given by row of the market."""
    dividend, split = close * 0.0, close * 0.0
    dividend.iloc[:], split.iloc[:] = 0.0, 1.0
    for symbol in close:
        paid, became = told[str(symbol)]
        for panel, values in ((dividend, paid), (split, became)):
            for row, value in values.items():
                place = int(np.searchsorted(rows, row))
                if place == len(rows):
                    continue
                panel.iloc[place, panel.columns.get_loc(symbol)] = value
    return RawBars(close=close, open=opened, dividend=dividend, split=split)


def _panel(
    prices: Mapping[str, Sequence[float | None]], rows: np.ndarray, own: Sessions
) -> pd.DataFrame:
    """Return the rows of these columns as a panel on the exchange's sessions."""
    return pd.DataFrame(
        {
            symbol: np.array(column, dtype=np.float64)[rows]
            for symbol, column in prices.items()
        },
        index=own.days,
    )


def random_market(
    rng: np.random.Generator,
    *,
    home: str = "XNYS",
    constant_fx: bool = False,
    features: bool = False,
) -> Market:
    """Return two to four exchanges with gaps, closed days, late listings and ends.

    Every asset has at least one bar; rates begin on some day and miss fixes. With
    `features` some lines are raw, with dividends, splits and days at their limit, some
    have a volume, and some end.
    """
    rows = int(rng.integers(6, 26))
    mics = [home, *rng.permutation([mic for mic in HOURS if mic != home])]
    mics = mics[: int(rng.integers(2, 5))]
    closes, opens = {}, {}
    for mic in mics:
        names = [f"{mic[1:]}{number}" for number in range(int(rng.integers(1, 4)))]
        closes[mic] = {name: _random_closes(rng, rows) for name in names}
        opens[mic] = {
            name: np.where(
                rng.random(rows) < 0.2, np.nan, np.exp(rng.normal(0, 0.02, rows))
            )
            * closes[mic][name]
            for name in names
        }
    closed = {mic: np.flatnonzero(rng.random(rows) < 0.15).tolist() for mic in mics}
    closed[home] = closed[home][: rows - 3]
    rates: dict[str, float | list[float | None]] = {}
    for mic in mics:
        level = float(rng.uniform(0.5, 1500.0))
        walk = level * np.exp(np.cumsum(rng.normal(0, 0.01, rows)))
        walk[rng.random(rows) < 0.1] = np.nan
        if CURRENCY[mic] != "USD":
            rates[CURRENCY[mic]] = level if constant_fx else walk.tolist()
    told = _random_features(rng, closes, opens, rows) if features else {}
    return market(closes, opens=opens, closed=closed, rates=rates, home=home, **told)


def _random_features(
    rng: np.random.Generator,
    closes: dict[str, dict[str, np.ndarray]],
    opens: dict[str, dict[str, np.ndarray]],
    rows: int,
) -> dict[str, Any]:
    """Return raw lines, volumes and ends for `market`; splits change the closes."""
    raw, volume, delisted = {}, {}, {}
    for mic, prices in closes.items():
        limit = {"XSHG": 0.1, "XKRX": 0.3}.get(mic, 0.05)
        volume[mic] = {}
        for name, close in prices.items():
            volume[mic][name] = np.where(
                rng.random(rows) < 0.8, rng.uniform(0, 1e5, rows), np.nan
            )
            if rng.random() < 0.2:
                delisted[name] = int(rng.integers(rows))
            if rng.random() < 0.3:
                continue
            splits = {}
            for row in np.flatnonzero(rng.random(rows) < 0.15):
                splits[int(row)] = float(rng.choice([0.1, 2.0, 10.0]))
                close[row:] /= splits[int(row)]
                opens[mic][name][row:] /= splits[int(row)]
            for row in np.flatnonzero(rng.random(rows - 1) < 0.2) + 1:
                if row not in splits and np.isfinite(close[row - 1]):
                    close[row] = close[row - 1] * (1 + rng.choice([-limit, limit]))
            dividends = {
                int(row): 0.02 * float(np.nanmin(close))
                for row in np.flatnonzero(rng.random(rows) < 0.15)
            }
            raw[name] = (dividends, splits)
    return {"raw": raw, "volume": volume, "delisted": delisted}


def _random_closes(rng: np.random.Generator, rows: int) -> np.ndarray:
    """Return a random walk that may list late, end early and miss bars."""
    closes = float(rng.uniform(1.0, 500.0)) * np.exp(
        np.cumsum(rng.normal(0, 0.03, rows))
    )
    kept = int(rng.integers(rows))
    missing = rng.random(rows) < 0.15
    if rng.random() < 0.3:
        missing[: int(rng.integers(rows))] = True
    if rng.random() < 0.3:
        missing[int(rng.integers(rows)) :] = True
    missing[kept] = False
    closes[missing] = np.nan
    return closes


def until(world: Market, moment: np.datetime64) -> Market:
    """Return the market with everything after `moment` (UTC) cut off."""
    known = world.known_at(moment)
    fixed = {}
    for name, fixing in world.currencies.fixings.items():
        count = int(np.searchsorted(fixing.fixed_utc, moment, side="right"))
        fixed[name] = dataclasses.replace(
            fixing, fixed_utc=fixing.fixed_utc[:count], per_usd=fixing.per_usd[:count]
        )
    return dataclasses.replace(
        world,
        bars=known.bars,
        home=known.home,
        signals=known.signals,
        currencies=Currencies(fixings=fixed),
    )


def replaced_after(
    world: Market, moment: np.datetime64, rng: np.random.Generator
) -> Market:
    """Return the market with noise, and other gaps, in place of all after `moment`."""
    bars = {}
    for mic, own in world.bars.items():
        known = own.sessions.closed_by(moment)
        bars[mic] = dataclasses.replace(
            own,
            price=_noise_after(own.price, known, rng),
            open=_noise_after(own.open, known, rng),
            turnover=None
            if own.turnover is None
            else _noise_after(own.turnover, known, rng),
            raw=None if own.raw is None else _raw_noise_after(own.raw, known, rng),
        )
    fixed = {}
    for name, fixing in world.currencies.fixings.items():
        count = int(np.searchsorted(fixing.fixed_utc, moment, side="right"))
        noise = fixing.per_usd * np.exp(rng.normal(0, 0.03, len(fixing.per_usd)))
        kept = np.arange(len(noise)) < count
        fixed[name] = dataclasses.replace(
            fixing, per_usd=np.where(kept, fixing.per_usd, noise)
        )
    currencies = Currencies(fixings=fixed)
    view = build_home_view(
        world.home.sessions,
        bars,
        list(world.lines.values()),
        currencies,
        world.home.base,
    )
    return dataclasses.replace(world, bars=bars, home=view, currencies=currencies)


def _raw_noise_after(raw: RawBars, count: int, rng: np.random.Generator) -> RawBars:
    """Return raw bars with other prices, dividends and splits after `count` rows."""

    def redrawn(panel: pd.DataFrame, nothing: float, some: float) -> pd.DataFrame:
        out = np.where(rng.random(panel.shape) < 0.2, some, nothing)
        out[:count] = panel.to_numpy()[:count]
        return pd.DataFrame(out, index=panel.index, columns=panel.columns)

    return RawBars(
        close=_noise_after(raw.close, count, rng),
        open=_noise_after(raw.open, count, rng),
        dividend=redrawn(raw.dividend, 0.0, 1e-3),
        split=redrawn(raw.split, 1.0, 3.0),
    )


def _noise_after(
    panel: pd.DataFrame, count: int, rng: np.random.Generator
) -> pd.DataFrame:
    """Return the panel with prices of another world below its first `count` rows."""
    level = np.nan_to_num(panel.mean().to_numpy(), nan=10.0)
    noise = level * np.exp(rng.normal(0.0, 0.08, panel.shape))
    noise[rng.random(panel.shape) < 0.3] = np.nan
    noise[:count] = panel.to_numpy()[:count]
    return pd.DataFrame(noise, index=panel.index, columns=panel.columns)
