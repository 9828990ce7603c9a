"""The future does not matter to any factor of the catalogue, bit for bit.

Everything after a moment is cut off, and again replaced by noise with another pattern
of missing bars, listings, ended feeds and observations, restatements of the past
included. What each factor says at that moment must not change. A new factor is covered
as soon as it stands in the catalogue.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import factors
from engine.interfaces import Absent, PriceData, SignalData
from engine.market.assemble import assemble
from engine.market.calendar import sessions
from engine.market.listing import Line, Universe
from engine.market.market import Known, Market
from engine.market.signals import Signals
from engine.sources.sample.prices import SamplePrices
from engine.sources.sample.signals import SampleSignals

START, END = dt.date(2022, 1, 3), dt.date(2026, 6, 30)
LINES = tuple(
    Line(symbol=symbol, entity=entity, mic=mic, currency=currency, listed=listed)
    for symbol, entity, mic, currency, listed in [
        ("AAA", "alphabet", "XNAS", "USD", None),
        ("BBB", "nobody", "XNYS", "USD", None),
        ("CCC", "xiaomi", "XHKG", "HKD", None),
        ("DDD", "someone", "XKRX", "KRW", None),
        ("NEW", "minimax", "XHKG", "HKD", dt.date(2024, 3, 1)),
        ("LATER", "zhipu", "XNYS", "USD", dt.date(2026, 1, 8)),
    ]
)
ASSETS = [line.symbol for line in LINES]
NAMES = [*factors.ASSET_FACTORS, *factors.STATE_FACTORS]


@functools.cache
def truth() -> tuple[PriceData, SignalData]:
    universe = Universe(
        name="", title="", layers=(), entities={}, lines={}, benchmarks={}
    )
    return SamplePrices().load(LINES, START, END), SampleSignals().load(universe)


def market_of(prices: PriceData, signals: SignalData) -> Market:
    return assemble(
        LINES, prices, signals, home="XNYS", base="USD", start=START, end=END
    )


@functools.cache
def true_market() -> Market:
    return market_of(*truth())


def passed(line: Line, index: pd.DatetimeIndex, moment: np.datetime64) -> int:
    """How many of a frame's rows had closed by the moment."""
    own = sessions(line.mic, START, END)
    last = own.closed_by(moment)
    return int(index.searchsorted(own.days[last - 1], side="right")) if last else 0


def cut_off(moment: np.datetime64) -> Market:
    """The market of a world that ended at the moment."""
    prices, signals = truth()
    frames = {}
    for line in LINES:
        frame = prices.frames[line.symbol]
        kept = passed(line, frame.index, moment)
        if kept:
            frames[line.symbol] = frame.iloc[:kept]
    fixings = {
        name: dataclasses.replace(
            fixed,
            fixed_utc=fixed.fixed_utc[fixed.fixed_utc <= moment],
            per_usd=fixed.per_usd[fixed.fixed_utc <= moment],
        )
        for name, fixed in prices.fixings.items()
    }
    known = signals.signals.first(signals.signals.known_by(moment))
    return market_of(
        dataclasses.replace(prices, frames=frames, fixings=fixings),
        dataclasses.replace(signals, signals=known),
    )


def with_noise_after(moment: np.datetime64, seed: int) -> Market:
    """The market of a world with the same past and another future."""
    rng = np.random.default_rng(seed)
    prices, signals = truth()
    frames = {}
    for line in LINES:
        frame = prices.frames[line.symbol]
        kept = passed(line, frame.index, moment)
        own = sessions(line.mic, START, END)
        later = own.days[own.closed_by(moment) :]
        later = later[rng.uniform(size=len(later)) < rng.choice([0.3, 1.0])]
        if rng.uniform() < 0.3:  # the feed ends, or the line is never listed
            later = later[: int(rng.integers(0, len(later) + 1))]
        noise = np.exp(rng.normal(3.0, 1.0, (len(later), len(frame.columns))))
        noise[rng.uniform(size=noise.shape) < rng.choice([0.0, 0.4])] = np.nan
        future = pd.DataFrame(noise, index=later, columns=frame.columns)
        frames[line.symbol] = pd.concat([frame.iloc[:kept], future])
    frames = {symbol: frame for symbol, frame in frames.items() if len(frame)}
    return market_of(
        dataclasses.replace(prices, frames=frames),
        dataclasses.replace(signals, signals=other_signals(moment, rng)),
    )


def other_signals(moment: np.datetime64, rng: np.random.Generator) -> Signals:
    """The observations known by the moment, then invented ones, also of the past."""
    signals = truth()[1].signals
    past = signals.first(signals.known_by(moment)).observations
    count = int(rng.integers(0, 3000))
    every = signals.observations.iloc[rng.integers(0, len(signals.observations), count)]
    minutes = np.sort(rng.integers(1, 2_000_000, count)).astype("timedelta64[m]")
    names = rng.choice([*every["entity"].unique(), "newcomer"], count)
    invented = every.assign(
        known_at=(moment + minutes).astype("datetime64[ns]"),
        value=rng.uniform(0.0, 2.0, count) * every["value"].to_numpy(),
        quality=rng.choice(["observed", "bound"], count, p=[0.9, 0.1]),
        entity=np.where(rng.uniform(size=count) < 0.2, names, every["entity"]),
    )
    return Signals(
        observations=pd.concat([past, invented], ignore_index=True),
        roles=signals.roles,
    )


def said(name: str, known: Known) -> tuple[object, ...]:
    """Everything a factor says, in a form that compares bit for bit."""
    factor = factors.create(name)
    if name in factors.STATE_FACTORS:
        reading = factor.history(known)  # type: ignore[union-attr]
        if isinstance(reading, Absent):
            return ("absent", reading.reason)
        past = reading.values  # noqa: PD011 -- a field
        index = past.index.to_numpy()
        return (past.to_numpy().tobytes(), index.astype("datetime64[ns]").tobytes())
    reading = factor.read(known, ASSETS)  # type: ignore[union-attr]
    if isinstance(reading, Absent):
        return ("absent", reading.reason)
    value, known_at = reading.values, reading.known_at  # noqa: PD011 -- a field
    assert value.index.tolist() == known_at.index.tolist() == ASSETS
    return (value.to_numpy().tobytes(), known_at.to_numpy().tobytes())


moments = st.integers(10, 1100).map(
    lambda row: true_market().home.sessions.close_utc[row]
)


@given(moment=moments, seed=st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_no_factor_feels_the_future(moment: np.datetime64, seed: int) -> None:
    known = true_market().known_at(moment)
    without = cut_off(moment).known_at(moment)
    changed = with_noise_after(moment, seed).known_at(moment)
    for name in NAMES:
        expected = said(name, known)
        assert said(name, without) == expected, f"{name} at {moment}: future cut off"
        assert said(name, changed) == expected, f"{name} at {moment}: another future"


@pytest.mark.parametrize("name", NAMES)
def test_the_other_future_reaches_every_factor_when_it_comes(name: str) -> None:
    """What the test above replaces is what the factors read: else it could not fail."""
    closes = true_market().home.sessions.close_utc
    other = with_noise_after(closes[600], seed=3)
    for row in (800, 1000):
        true = said(name, true_market().known_at(closes[row]))
        assert true[0] != "absent"
        assert said(name, other.known_at(closes[row])) != true
