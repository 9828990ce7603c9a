"""The future does not matter: neither cut off nor replaced does it show in the past."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.market.assemble import assemble
from engine.market.calendar import sessions
from engine.market.currency import Fixings
from engine.market.listing import Line
from engine.market.market import Known, Market, Origin
from engine.market.signals import COLUMNS, Signals
from engine.market.supplied import PriceData, SignalData

START, END = dt.date(2024, 12, 2), dt.date(2025, 3, 31)
ORIGIN = Origin(name="test", simulated=True, digest="")
LINES = tuple(
    Line(symbol=symbol, entity=symbol, mic=mic, currency=currency)
    for symbol, mic, currency in (
        ("NVDA", "XNAS", "USD"),
        ("KC", "XNAS", "USD"),
        ("0700.HK", "XHKG", "HKD"),
        ("2513.HK", "XHKG", "HKD"),
        ("000660.KS", "XKRX", "KRW"),
        ("688256.SS", "XSHG", "CNY"),
    )
)
PRICE_COLUMNS = ("open", "high", "low", "close", "adj_close", "volume")


def random_frame(line: Line, rng: np.random.Generator) -> pd.DataFrame:
    """A feed that starts and ends anywhere, misses rows and cells, holds flat rows."""
    days = sessions(line.mic, START, END).days
    first = int(rng.integers(0, len(days))) if rng.random() < 0.5 else 0
    last = int(rng.integers(first, len(days))) if rng.random() < 0.5 else len(days)
    kept = days[first:last][rng.random(max(last - first, 0)) > 0.1]
    values = np.exp(rng.normal(3.0, 1.0, (len(kept), len(PRICE_COLUMNS))))
    values[rng.random(len(kept)) < 0.1, :4] = 7.0
    values[:, 5] = np.where(rng.random(len(kept)) < 0.5, 0.0, 1000.0)
    values[rng.random(values.shape) < 0.1] = np.nan
    held = pd.DataFrame(values, index=kept, columns=list(PRICE_COLUMNS))
    # Which columns a file has is a property of the file, the same in every world.
    dropped = {"KC": ["adj_close"], "000660.KS": ["open", "close"]}
    return held.drop(columns=dropped.get(line.symbol, []))


def random_fixings(currency: str, rng: np.random.Generator) -> Fixings:
    days = pd.bdate_range(START, END).to_numpy().astype("datetime64[ns]")
    kept = days[rng.random(len(days)) > 0.2]
    return Fixings(
        currency=currency,
        fixed_utc=kept + np.timedelta64(13 * 60 + 15, "m"),
        per_usd=np.exp(rng.normal(2.0, 0.5, len(kept))),
    )


def random_signals(rng: np.random.Generator) -> pd.DataFrame:
    count = int(rng.integers(0, 60))
    span = int((END - START) / dt.timedelta(minutes=1))
    dates = np.datetime64(START, "ns") + np.sort(rng.integers(0, span, count)) * (
        np.timedelta64(60, "s")
    )
    word = rng.choice(["share", "tokens"], count)
    rows = dict.fromkeys(COLUMNS, word) | {
        "known_at": dates,
        "value_date": dates.astype("datetime64[D]").astype("datetime64[ns]"),
        "value": rng.normal(size=count),
    }
    return pd.DataFrame(rows)[list(COLUMNS)].astype({"series": "str"})


def random_world(seed: int) -> tuple[PriceData, SignalData]:
    rng = np.random.default_rng(seed)
    prices = PriceData(
        frames={line.symbol: random_frame(line, rng) for line in LINES},
        fixings={name: random_fixings(name, rng) for name in ("HKD", "KRW", "CNY")},
        origin=ORIGIN,
    )
    signals = Signals(observations=random_signals(rng))
    return prices, SignalData(signals=signals, origin=ORIGIN)


def closed_by(line: Line, frame: pd.DataFrame, moment: np.datetime64) -> np.ndarray:
    """Which rows of a feed belong to sessions that have closed by the moment."""
    own = sessions(line.mic, START, END)
    closes = own.close_utc[own.days.get_indexer(frame.index)]
    return closes <= moment


def spliced(
    past: tuple[PriceData, SignalData],
    future: tuple[PriceData, SignalData] | None,
    moment: np.datetime64,
) -> tuple[PriceData, SignalData]:
    """One world up to the moment, and nothing or another world after it."""
    frames: dict[str, pd.DataFrame] = {}
    for line in LINES:
        before = past[0].frames[line.symbol]
        parts = [before[closed_by(line, before, moment)]]
        if future is not None:
            after = future[0].frames[line.symbol]
            parts.append(after[~closed_by(line, after, moment)])
        frames[line.symbol] = pd.concat(parts) if len(parts) > 1 else parts[0]
    fixings = {
        name: spliced_fixings(
            fixes, future[0].fixings[name] if future else None, moment
        )
        for name, fixes in past[0].fixings.items()
    }
    rows = past[1].signals.observations
    known = [rows[rows["known_at"] <= moment]]
    if future is not None:
        other = future[1].signals.observations
        known.append(other[other["known_at"] > moment])
    signals = Signals(observations=pd.concat(known, ignore_index=True))
    return (
        replace(past[0], frames=frames, fixings=fixings),
        replace(past[1], signals=signals),
    )


def spliced_fixings(
    past: Fixings, future: Fixings | None, moment: np.datetime64
) -> Fixings:
    kept = past.fixed_utc <= moment
    times, rates = [past.fixed_utc[kept]], [past.per_usd[kept]]
    if future is not None:
        later = future.fixed_utc > moment
        times.append(future.fixed_utc[later])
        rates.append(future.per_usd[later])
    return replace(past, fixed_utc=np.concatenate(times), per_usd=np.concatenate(rates))


def built(
    world: tuple[PriceData, SignalData], home: str = "XNYS", end: dt.date = END
) -> Market:
    return assemble(LINES, *world, home=home, base="USD", start=START, end=end)


def panels(known: Known) -> Mapping[str, pd.DataFrame]:
    held = {
        "home.price": known.home.price,
        "home.age": known.home.age,
        "home.fresh": known.home.fresh,
        "home.fx": known.home.fx,
        "home.returns": known.home.returns(),
        "home.last_returns": known.home.returns(last=20),
        "signals": known.signals.observations,
    }
    for mic, bars in known.bars.items():
        held |= {
            f"{mic}.price": bars.price,
            f"{mic}.open": bars.open,
            f"{mic}.flat": bars.flat,
            f"{mic}.returns": bars.returns(),
        }
    return held


def assert_same(one: Known, other: Known) -> None:
    """Equal to the last bit: values, shapes, labels and which lines there are."""
    left, right = panels(one), panels(other)
    assert list(left) == list(right)
    for name in left:
        pd.testing.assert_frame_equal(
            left[name], right[name], check_exact=True, check_freq=False, obj=name
        )
    assert list(one.lines) == list(other.lines)
    for mic in one.bars:
        mine, yours = one.bars[mic].sessions, other.bars[mic].sessions
        np.testing.assert_array_equal(mine.close_utc, yours.close_utc)


def some_moment(where: float) -> np.datetime64:
    """A moment inside the study, at any minute of the day."""
    minutes = int((END - START) / dt.timedelta(minutes=1) * where)
    return np.datetime64(START, "ns") + np.timedelta64(minutes, "m")


MOMENTS = st.floats(min_value=0.05, max_value=0.98)
#: From Hong Kong, New York's session of the same date is still to come.
HOMES = st.sampled_from(["XNYS", "XHKG", "XKRX"])
SEEDS = st.integers(min_value=0, max_value=2**32 - 1)


def has_a_price(world: tuple[PriceData, SignalData]) -> bool:
    return any(len(frame) for frame in world[0].frames.values())


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, where=MOMENTS, home=HOMES)
def test_cutting_the_future_off_changes_nothing_known(
    seed: int, where: float, home: str
) -> None:
    world, moment = random_world(seed), some_moment(where)
    cut = spliced(world, None, moment)
    if has_a_price(cut):
        assert_same(
            built(cut, home).known_at(moment), built(world, home).known_at(moment)
        )


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, other=SEEDS, where=MOMENTS, home=HOMES)
def test_replacing_the_future_changes_nothing_known(
    seed: int, other: int, where: float, home: str
) -> None:
    world, moment = random_world(seed), some_moment(where)
    changed = spliced(world, random_world(other), moment)
    if has_a_price(spliced(world, None, moment)):
        assert_same(
            built(changed, home).known_at(moment), built(world, home).known_at(moment)
        )


@pytest.mark.parametrize("home", ["XNYS", "XHKG", "XKRX"])
@pytest.mark.parametrize("seed", range(2))
def test_a_home_close_knows_nothing_of_the_next_second(seed: int, home: str) -> None:
    world = random_world(seed)
    for moment in sessions(home, START, END).close_utc[5::17]:
        changed = spliced(world, random_world(seed + 1000), moment)
        assert_same(
            built(changed, home).known_at(moment), built(world, home).known_at(moment)
        )


@settings(max_examples=10, deadline=None)
@given(seed=SEEDS, where=st.floats(min_value=0.05, max_value=0.6))
def test_a_study_that_ends_earlier_knew_the_same(seed: int, where: float) -> None:
    world, moment = random_world(seed), some_moment(where)
    shorter = dt.date(2025, 2, 28)
    short = spliced(world, None, np.datetime64("2025-02-28T23:59", "ns"))
    if has_a_price(spliced(world, None, moment)):
        assert_same(
            built(short, end=shorter).known_at(moment), built(world).known_at(moment)
        )


def test_the_test_can_fail() -> None:
    """Two worlds that differ before the moment are told apart."""
    moment = some_moment(0.5)
    one, other = built(random_world(1)), built(random_world(2))
    with pytest.raises(AssertionError):
        assert_same(one.known_at(moment), other.known_at(moment))
