"""A fault planted in any clean series is found, on its own days; clean is clean."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.market.market import Finding
from engine.market.quality import check_prices
from tests.clean_prices import (
    clean_frame,
    clean_rates,
    findings_of,
    line,
    multiplied,
    priced,
    serious,
)

LINES = {
    "XNYS": "AAA",
    "XHKG": "0001.HK",
    "XSHG": "600000.SS",
    "XSHE": "300001.SZ",
    "XKRX": "000001.KS",
}
Planted = tuple[pd.DataFrame, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """How a fault is put into rows `at` and after, and how it is then named."""

    plant: Callable[[pd.DataFrame, int, np.random.Generator], Planted]
    words: str
    severity: str


def _split(factor: float) -> Callable[..., Planted]:
    def plant(frame: pd.DataFrame, at: int, rng: np.random.Generator) -> Planted:
        return multiplied(frame, slice(at, None), factor), at, at

    return plant


def _spell(factor: float, count: int) -> Callable[..., Planted]:
    def plant(frame: pd.DataFrame, at: int, rng: np.random.Generator) -> Planted:
        return multiplied(frame, slice(at, at + count), factor), at, at + count - 1

    return plant


def _stale(with_volume: bool) -> Callable[..., Planted]:
    def plant(frame: pd.DataFrame, at: int, rng: np.random.Generator) -> Planted:
        count = int(rng.integers(5, 12))
        out = frame.copy()
        names = ["open", "high", "low", "close", "adj_close"]
        # the ratio stays as it is: no dividend falls into the run
        out.iloc[at : at + count, out.columns.get_indexer(names)] = (
            out[names].iloc[at].to_numpy()
        )
        if not with_volume:
            out.iloc[at + 1 : at + count, out.columns.get_loc("volume")] = 0.0
        return out, at, at + count - 1

    return plant


def _flat(frame: pd.DataFrame, at: int, rng: np.random.Generator) -> Planted:
    out = frame.copy()
    out.iloc[at, :4] = out["close"].iloc[at]
    out.iloc[at, out.columns.get_loc("volume")] = 0.0
    return out, at, at


def _set(name: str, value: Callable[[pd.Series], float]) -> Callable[..., Planted]:
    def plant(frame: pd.DataFrame, at: int, rng: np.random.Generator) -> Planted:
        out = frame.copy()
        out.iloc[at, out.columns.get_loc(name)] = value(out.iloc[at])
        return out, at, at

    return plant


def _spliced(factor: float) -> Callable[..., Planted]:
    def plant(frame: pd.DataFrame, at: int, rng: np.random.Generator) -> Planted:
        only = ("adj_close",)
        return multiplied(frame, slice(at, None), factor, columns=only), at, at

    return plant


FAULTS = {
    "split 2:1": Fault(plant=_split(1 / 2), words="split of 2:1", severity=""),
    "split 5:1": Fault(plant=_split(1 / 5), words="split of 5:1", severity="error"),
    "split 10:1": Fault(plant=_split(1 / 10), words="split of 10:1", severity="error"),
    "consolidation 1:4": Fault(
        plant=_split(4.0), words="a reverse split of 4:1", severity="error"
    ),
    "pence": Fault(
        plant=_split(100.0), words="a change of unit by 100", severity="error"
    ),
    "pence for a while": Fault(
        plant=_spell(0.01, 7), words="7 bars out of line", severity="error"
    ),
    "a bad print": Fault(
        plant=_spell(1.9, 1), words="1 bar out of line", severity="warning"
    ),
    "stale with volume": Fault(
        plant=_stale(True), words="in a row, with volume", severity="warning"
    ),
    "stale without volume": Fault(
        plant=_stale(False), words="in a row, without volume", severity="warning"
    ),
    "flat": Fault(plant=_flat, words="flat row", severity=""),
    "high below low": Fault(
        plant=_set("high", lambda row: row["low"] * 0.99),
        words="high below low",
        severity="error",
    ),
    "close above high": Fault(
        plant=_set("high", lambda row: (row["low"] + row["close"]) / 2),
        words="close outside high and low",
        severity="warning",
    ),
    "adjusted price of zero": Fault(
        plant=_set("adj_close", lambda row: 0.0),
        words="adj_close is not positive",
        severity="error",
    ),
    "negative adjusted price": Fault(
        plant=_set("adj_close", lambda row: -row["close"]),
        words="adj_close is not positive",
        severity="error",
    ),
    "ratio falls back": Fault(
        plant=_spliced(0.97), words="adj_close / close falls back", severity="error"
    ),
    "ratio rises": Fault(
        plant=_spliced(1.25),
        words="adj_close / close rises without a dividend",
        severity="warning",
    ),
}


def dated(found: list[Finding], words: str) -> list[tuple[str, str]]:
    return [(one.first, one.last) for one in found if words in one.what]


def day(frame: pd.DataFrame, at: int) -> str:
    return str(frame.index[at].date())


SEEDS = st.integers(0, 2**32 - 1)
MICS = st.sampled_from([*LINES])


@settings(max_examples=60)
@given(seed=SEEDS, mic=MICS, volatility=st.floats(0.002, 0.02))
def test_nothing_is_said_against_clean_prices(
    seed: int, mic: str, volatility: float
) -> None:
    rng = np.random.default_rng(seed)
    frame = clean_frame(mic, rng, volatility=volatility)
    assert findings_of(line(LINES[mic], mic), frame) == []


@settings(max_examples=40)
@given(seed=SEEDS, mic=MICS, decimals=st.integers(2, 6), single=st.booleans())
def test_rounding_is_no_fault(seed: int, mic: str, decimals: int, single: bool) -> None:
    """Prices come to the cent, or as 32-bit floats printed with every digit."""
    rng = np.random.default_rng(seed)
    frame = clean_frame(mic, rng)
    stored = frame.astype("float32").astype("float64") if single else frame
    assert findings_of(line(LINES[mic], mic), stored.round(decimals)) == []


@pytest.mark.parametrize("name", FAULTS)
@settings(max_examples=15)
@given(seed=SEEDS, mic=MICS, place=st.floats(0.05, 0.85))
def test_a_planted_fault_is_found_on_its_days(
    name: str, seed: int, mic: str, place: float
) -> None:
    fault = FAULTS[name]
    rng = np.random.default_rng(seed)
    clean = clean_frame(mic, rng, dividends=not name.startswith("stale"))
    at = int(place * len(clean))
    if clean["close"].iloc[at] == clean["low"].iloc[at]:
        return
    broken, first, last = fault.plant(clean, at, rng)
    one = line(LINES[mic], mic)
    every = check_prices([one], priced({one.symbol: broken}))
    expected = (day(broken, first), day(broken, last))
    found = [f for f in every if fault.words in f.what]
    assert expected in dated(found, fault.words), (found, every)
    until = day(broken, min(last + 1, len(broken) - 1))
    assert all(expected[0] <= f.first <= until for f in serious(every)), every
    if fault.severity:
        assert {f.severity for f in found} == {fault.severity}


@settings(max_examples=25)
@given(seed=SEEDS, mic=MICS, place=st.floats(0.05, 0.85))
def test_a_session_that_all_lines_lack_is_found(
    seed: int, mic: str, place: float
) -> None:
    rng = np.random.default_rng(seed)
    lines = [line(LINES[mic], mic), line("X" + LINES[mic], mic)]
    at = int(place * 240)
    frames = {one.symbol: clean_frame(mic, rng) for one in lines}
    gone = str(frames[lines[0].symbol].index[at].date())
    both = {name: frame.drop(frame.index[at]) for name, frame in frames.items()}
    (found,) = serious(check_prices(lines, priced(both)))
    assert (found.where, found.first, found.last) == (
        {"XSHE": "XSHG"}.get(mic, mic),
        gone,
        gone,
    )
    assert found.what.startswith("no line has a bar on 1 session")
    one_lacks = frames | {lines[0].symbol: both[lines[0].symbol]}
    (found,) = serious(check_prices(lines, priced(one_lacks)))
    assert (found.where, found.first) == (lines[0].symbol, gone)


@settings(max_examples=25)
@given(seed=SEEDS, mic=MICS, place=st.integers(2, 50))
def test_a_bar_on_a_closed_day_is_found(seed: int, mic: str, place: int) -> None:
    frame = clean_frame(mic, np.random.default_rng(seed))
    saturday = pd.date_range("2024-01-06", periods=place, freq="W-SAT")[-1]
    before = frame.loc[:saturday].iloc[[-1]]
    extra = before.set_axis(pd.DatetimeIndex([saturday]).as_unit("ns"))
    (found,) = findings_of(
        line(LINES[mic], mic), pd.concat([frame, extra]).sort_index()
    )
    assert found.first == found.last == str(saturday.date())
    assert "closed days" in found.what


@settings(max_examples=25)
@given(seed=SEEDS, mic=MICS, short=st.integers(6, 150))
def test_a_feed_that_ended_is_found(seed: int, mic: str, short: int) -> None:
    rng = np.random.default_rng(seed)
    lines = [line(LINES[mic], mic), line("X" + LINES[mic], mic)]
    ended, whole = clean_frame(mic, rng).iloc[:-short], clean_frame(mic, rng)
    frames = {lines[0].symbol: ended, lines[1].symbol: whole}
    (found,) = serious(check_prices(lines, priced(frames)))
    assert (found.where, found.last) == (lines[0].symbol, day(ended, -1))
    assert f"ends {short} own sessions before" in found.what


@settings(max_examples=25)
@given(seed=SEEDS, place=st.floats(0.05, 0.95))
def test_a_change_of_currency_is_found(seed: int, place: float) -> None:
    rng = np.random.default_rng(seed)
    frame = clean_frame("XKRX", rng)
    at = int(place * len(frame))
    rates = {"KRW": clean_rates("KRW", rng)}
    dollars = multiplied(frame, slice(at, None), 1.0 / 1350.0)
    (found,) = findings_of(line("000001.KS", "XKRX"), dollars, rates)
    assert found.severity == "error"
    assert found.first == found.last == day(frame, at)
    assert "a change of currency with USD" in found.what


@settings(max_examples=25)
@given(
    seed=SEEDS,
    place=st.integers(5, 250),
    factor=st.sampled_from([0.01, 0.8, 1.15, 1000]),
)
def test_an_outlying_rate_is_found(seed: int, place: int, factor: float) -> None:
    rng = np.random.default_rng(seed)
    rates = clean_rates("KRW", rng)
    one, frame = line("000001.KS", "XKRX"), clean_frame("XKRX", rng)
    assert findings_of(one, frame, {"KRW": rates}) == []
    wrong = rates.per_usd.copy()
    wrong[place] *= factor
    (found,) = findings_of(one, frame, {"KRW": replace(rates, per_usd=wrong)})
    assert found.where == "KRW"
    assert found.first == found.last == str(rates.fixed_utc[place])[:10]
    assert found.severity == ("error" if factor in (0.01, 1000) else "warning")
