"""What is odd about prices, one small case at a time."""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from engine.app import load_universe
from engine.market.listing import Line
from engine.market.market import Finding
from engine.market.quality import check_prices
from engine.market.quality_moves import daily_limit, jumps, robust_sigma
from engine.market.quality_series import runs
from engine.sources.sample.prices import SamplePrices
from tests.clean_prices import (
    clean_frame,
    clean_rates,
    findings_of,
    line,
    multiplied,
    priced,
    serious,
)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20260706)


@pytest.mark.parametrize(
    ("symbol", "mic", "limit"),
    [
        ("600000.SS", "XSHG", 0.10),
        ("688256.SS", "XSHG", 0.20),
        ("000977.SZ", "XSHE", 0.10),
        ("300750.SZ", "XSHE", 0.20),
        ("000660.KS", "XKRX", 0.30),
        ("0700.HK", "XHKG", None),
        ("NVDA", "XNYS", None),
    ],
)
def test_the_limit_is_the_market_s(symbol: str, mic: str, limit: float | None) -> None:
    assert daily_limit(line(symbol, mic)) == limit


@pytest.mark.parametrize(
    ("symbol", "mic", "factor", "beyond"),
    [
        ("600000.SS", "XSHG", 1.10, False),
        ("600000.SS", "XSHG", 1.12, True),
        ("600000.SS", "XSHG", 0.88, True),
        ("688256.SS", "XSHG", 1.20, False),
        ("688256.SS", "XSHG", 0.78, True),
        ("000660.KS", "XKRX", 1.29, False),
        ("000660.KS", "XKRX", 0.69, True),
        ("0700.HK", "XHKG", 0.80, False),
        ("0700.HK", "XHKG", 0.55, True),
        ("AAA", "XNYS", 1.30, False),
        ("AAA", "XNYS", 1.60, True),
    ],
)
def test_a_move_is_held_against_the_limit_of_its_market(
    symbol: str, mic: str, factor: float, beyond: bool, rng: np.random.Generator
) -> None:
    still = clean_frame(mic, rng, volatility=1e-4)
    found = findings_of(line(symbol, mic), multiplied(still, slice(100, None), factor))
    assert [one.first for one in found] == (
        [str(still.index[100].date())] if beyond else []
    )


def test_a_limit_compounds_over_missing_bars(rng: np.random.Generator) -> None:
    still = clean_frame("XSHG", rng, volatility=1e-4)
    moved = multiplied(still, slice(100, None), 1.25)
    one = line("600000.SS", "XSHG")
    assert len(moves_of(findings_of(one, moved))) == 1
    gap = moved.drop(moved.index[98:100])
    assert moves_of(findings_of(one, gap)) == []


def test_without_a_limit_the_bound_widens_over_missing_bars(
    rng: np.random.Generator,
) -> None:
    still = clean_frame("XNYS", rng, volatility=1e-4)
    moved = multiplied(still, slice(100, None), 1.60)
    assert len(moves_of(findings_of(line("AAA", "XNYS"), moved))) == 1
    gap = moved.drop(moved.index[96:100])
    assert moves_of(findings_of(line("AAA", "XNYS"), gap)) == []


def test_a_reverse_split_in_the_raw_close_is_no_splice(
    rng: np.random.Generator,
) -> None:
    frame = clean_frame("XNYS", rng, dividends=False)
    raw = multiplied(frame, slice(0, 120), 0.1, columns=("open", "close"))
    raw = raw.drop(columns=["high", "low"])
    assert findings_of(line("AAA", "XNYS"), raw) == []


def test_a_new_mainland_listing_has_no_limit_at_first(
    rng: np.random.Generator,
) -> None:
    frame = clean_frame("XSHG", rng, volatility=1e-4).iloc[100:]
    listed = frame.index[0].date()
    at_once = multiplied(frame, slice(2, None), 2.9)
    one = line("688001.SS", "XSHG", listed)
    assert moves_of(findings_of(one, at_once)) == []
    assert len(moves_of(findings_of(replace(one, listed=None), at_once))) == 1
    later = multiplied(frame, slice(5, None), 2.9)
    assert len(moves_of(findings_of(one, later))) == 1


def moves_of(found: list[Finding]) -> list[Finding]:
    return [one for one in found if one.what.startswith("a move of")]


def test_a_dividend_or_split_in_the_raw_close_is_no_jump(
    rng: np.random.Generator,
) -> None:
    frame = clean_frame("XNYS", rng, dividends=False)
    raw = multiplied(frame, slice(0, 120), 10.0, columns=("close", "open"))
    raw = raw.assign(
        high=raw[["open", "close"]].max(axis="columns"),
        low=raw[["open", "close"]].min(axis="columns"),
    )
    assert findings_of(line("AAA", "XNYS"), raw) == []


def test_a_recorded_split_explains_a_jump_of_plain_closes(
    rng: np.random.Generator,
) -> None:
    frame = clean_frame("XNYS", rng, dividends=False).drop(columns="adj_close")
    names = ("open", "high", "low", "close")
    raw = multiplied(frame, slice(0, 120), 10.0, columns=names)
    split = np.zeros(len(raw))
    split[120] = 10.0
    one = line("AAA", "XNYS")
    assert len(findings_of(one, raw)) == 1
    assert findings_of(one, raw.assign(split=split)) == []
    assert findings_of(one, frame.assign(split=split)) == []  # adjusted already
    paid = np.zeros(len(raw))
    paid[120] = 0.9 * raw["close"].iloc[119]
    assert findings_of(one, raw.assign(dividend=paid)) == []


def test_a_recorded_dividend_says_how_far_the_ratio_may_rise(
    rng: np.random.Generator,
) -> None:
    frame = clean_frame("XNYS", rng)
    ratio = (frame["adj_close"] / frame["close"]).to_numpy()
    rises = np.flatnonzero(np.diff(ratio) > 1e-6) + 1
    paid = np.zeros(len(frame))
    close = frame["close"].to_numpy()
    paid[rises] = (1.0 - ratio[rises - 1] / ratio[rises]) * close[rises - 1]
    one = line("AAA", "XNYS")
    assert findings_of(one, frame.assign(dividend=paid)) == []
    paid[rises[0]] = 0.0
    (found,) = findings_of(one, frame.assign(dividend=paid))
    assert "rises without a dividend" in found.what
    assert found.first == str(frame.index[rises[0]].date())


def test_prices_stored_to_the_cent_are_on_one_basis(rng: np.random.Generator) -> None:
    frame = clean_frame("XNYS", rng)
    assert findings_of(line("AAA", "XNYS"), frame.round(2)) == []


def test_a_large_real_dividend_is_no_splice(rng: np.random.Generator) -> None:
    frame = clean_frame("XNYS", rng, dividends=False)
    before = ("adj_close",)
    paid = multiplied(frame, slice(0, 100), 0.75, columns=before)
    names = ("open", "high", "low", "close", "adj_close")
    fallen = multiplied(paid, slice(0, 100), 1 / 0.75, columns=names)
    assert findings_of(line("AAA", "XNYS"), fallen) == []


def test_half_days_are_told_apart_from_full_sessions(rng: np.random.Generator) -> None:
    frame = clean_frame("XHKG", rng)
    for day in ("2024-12-24", "2024-06-05"):
        row = pd.Timestamp(day)
        frame.loc[row, ["open", "high", "low"]] = frame.loc[row, "close"]
        frame.loc[row, "volume"] = 0.0
    one = line("0001.HK", "XHKG")
    found = check_prices([one], priced({"0001.HK": frame}))
    flat = [(f.severity, f.where, f.first) for f in found if "flat row" in f.what]
    assert flat == [
        ("warning", "0001.HK", "2024-06-05"),
        ("info", "XHKG", "2024-12-24"),
    ]


def test_starts_and_ends_are_held_against_the_listing(rng: np.random.Generator) -> None:
    whole = clean_frame("XNYS", rng)
    late = clean_frame("XNYS", rng).iloc[40:]
    day = late.index[0].date()
    lines = [line("AAA", "XNYS"), line("BBB", "XNYS", day)]
    frames = {"AAA": whole, "BBB": late}
    assert serious(check_prices(lines, priced(frames))) == []
    forgot = [lines[0], replace(lines[1], listed=None)]
    (found,) = serious(check_prices(forgot, priced(frames)))
    assert (found.where, found.first) == ("BBB", str(day))
    early = [replace(lines[0], listed=day), lines[1]]
    (found,) = serious(check_prices(early, priced(frames)))
    assert "before its listing" in found.what
    assert (found.first, found.last) == (
        str(whole.index[0].date()),
        str(whole.index[39].date()),
    )


def test_a_delisted_line_ends_without_a_warning(rng: np.random.Generator) -> None:
    whole, cut = clean_frame("XNYS", rng), clean_frame("XNYS", rng).iloc[:100]
    gone = replace(line("BBB", "XNYS"), delisted=cut.index[-1].date())
    lines, frames = [line("AAA", "XNYS"), gone], {"AAA": whole, "BBB": cut}
    assert serious(check_prices(lines, priced(frames))) == []
    still = replace(gone, delisted=dt.date(2024, 11, 1))
    assert len(serious(check_prices([lines[0], still], priced(frames)))) == 1


def test_rates_that_stop_stand_still_or_are_no_numbers(
    rng: np.random.Generator,
) -> None:
    rates = clean_rates("HKD", rng)
    one, frame = line("0001.HK", "XHKG"), clean_frame("XHKG", rng)

    def said(fixed: np.ndarray, per_usd: np.ndarray) -> list[tuple[str, str, str]]:
        changed = replace(rates, fixed_utc=fixed, per_usd=per_usd)
        found = findings_of(one, frame, {"HKD": changed})
        return [(f.severity, f.what, f.first) for f in found]

    assert said(rates.fixed_utc, rates.per_usd) == []
    ((_, what, first),) = said(rates.fixed_utc[:200], rates.per_usd[:200])
    assert what.startswith("rates end")
    assert first == str(rates.fixed_utc[199])[:10]
    holed = np.r_[0:50, 60:200, 200 : len(rates.per_usd)]
    ((_, what, first),) = said(rates.fixed_utc[holed], rates.per_usd[holed])
    assert what.startswith("no rate from")
    assert first == str(rates.fixed_utc[49])[:10]
    still = rates.per_usd.copy()
    still[10:16] = still[10]
    ((_, what, first),) = said(rates.fixed_utc, still)
    assert what.startswith("the rate stays at")
    assert first == str(rates.fixed_utc[10])[:10]
    zero = rates.per_usd.copy()
    zero[7] = 0.0
    ((severity, _, first),) = said(rates.fixed_utc, zero)
    assert severity == "error"
    assert first == str(rates.fixed_utc[7])[:10]
    turned = rates.per_usd.copy()
    turned[30] = 1.0 / turned[30]
    ((severity, what, first),) = said(rates.fixed_utc, turned)
    assert severity == "error"
    assert what.endswith("quoted the other way round")
    assert first == str(rates.fixed_utc[30])[:10]


def test_a_currency_without_rates_is_named(rng: np.random.Generator) -> None:
    one = line("0001.HK", "XHKG")
    found = check_prices([one], priced({"0001.HK": clean_frame("XHKG", rng)}))
    assert [(f.where, f.what) for f in found if f.severity == "warning"] == [
        ("HKD", "has no exchange rate")
    ]


def test_what_columns_leave_open_is_information(rng: np.random.Generator) -> None:
    frame = clean_frame("XNYS", rng)
    one = line("AAA", "XNYS")
    for kept, words in (
        (["adj_close"], "only adj_close"),
        (["close", "volume"], "no adj_close"),
    ):
        (found,) = check_prices([one], priced({"AAA": frame[kept]}))
        assert found.severity == "info"
        assert found.what.startswith(words)
    same = frame.assign(close=frame["adj_close"])[["close", "adj_close"]]
    (found,) = check_prices([one], priced({"AAA": same}))
    assert found.what.startswith("adj_close equals close on every row")


def test_nothing_is_changed_and_lines_without_prices_are_passed_over(
    rng: np.random.Generator,
) -> None:
    frame = multiplied(clean_frame("XNYS", rng), slice(90, None), 0.1)
    before = frame.copy(deep=True)
    lines = [line("AAA", "XNYS"), line("BBB", "XNYS")]
    assert check_prices(lines, priced({"AAA": frame}))
    pd.testing.assert_frame_equal(frame, before)
    assert check_prices(lines[1:], priced({"AAA": frame})) == ()


def test_few_rows_are_no_fault() -> None:
    days = pd.DatetimeIndex(["2024-03-04"]).as_unit("ns")
    bar = pd.DataFrame({"close": [10.0], "adj_close": [9.0]}, index=days)
    one = line("AAA", "XNYS")
    assert findings_of(one, bar) == []
    assert findings_of(one, bar.iloc[:0]) == []


def test_days_beyond_the_calendar_are_not_compared(rng: np.random.Generator) -> None:
    frame = clean_frame("XSHG", rng)
    later = frame.set_axis(frame.index + pd.Timedelta(days=365 * 3))
    (found,) = [
        f
        for f in check_prices([line("600000.SS", "XSHG")], priced({"600000.SS": later}))
        if "calendar reaches" in f.what
    ]
    assert found.severity == "info"


def test_the_sample_world_is_clean_but_for_a_limit_that_it_does_not_know() -> None:
    """After a week's holiday a main-board share moves by more than the board allows."""
    universe = load_universe("ai-stack")
    every = {**universe.lines, **universe.benchmarks}
    prices = SamplePrices().load(
        list(every.values()), dt.date(2022, 1, 1), dt.date(2026, 6, 30)
    )
    found = serious(check_prices(list(every.values()), prices))
    assert [(f.where, f.severity) for f in found] == [("002230.SZ", "warning")]
    assert found[0].first == found[0].last == "2024-10-08"
    assert found[0].what == "a move of +16%, beyond the limit of 10%"


def test_a_universe_is_checked_in_less_than_half_a_second() -> None:
    """31 files of 1,200 rows; the best of three, for shared machines stall."""
    universe = load_universe("ai-stack")
    lines: list[Line] = [*universe.lines.values()][:31]
    prices = SamplePrices().load(lines, dt.date(2022, 1, 1), dt.date(2026, 6, 30))
    check_prices(lines, prices)
    took = []
    for _ in range(3):
        begun = time.perf_counter()
        check_prices(lines, prices)
        took.append(time.perf_counter() - begun)
    assert min(took) < 0.5


def test_runs_and_jumps_of_small_arrays() -> None:
    assert list(runs(np.array([True, True, False, True]))) == [(0, 2), (3, 4)]
    assert list(runs(np.array([], dtype=bool))) == []
    wide = np.full(5, 0.1)
    found = jumps(np.array([0.0, 0.7, 0.01, -0.69, 0.5]), -wide, wide)
    assert [(j.at, j.until, j.reversed) for j in found] == [
        (2, 3, True),
        (5, 5, False),
    ]
    few = np.array([-1.0, 0.0, 1.0])
    assert robust_sigma(few) == 0.0
    assert robust_sigma(np.tile(few, 7)) == pytest.approx(1.4826)
