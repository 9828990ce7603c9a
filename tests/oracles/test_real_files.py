"""Real prices and signals: what is known to have happened comes out of the files."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine.market.assemble import assemble
from engine.market.calendar import sessions
from engine.market.listing import Line, Universe
from engine.market.market import Market
from engine.sources.files.folder import FolderPrices, FolderSignals

START, END = dt.date(2023, 1, 3), dt.date(2025, 10, 30)
EXCHANGES = {
    "HK": ("XHKG", "HKD"),
    "SS": ("XSHG", "CNY"),
    "SZ": ("XSHE", "CNY"),
    "KS": ("XKRX", "KRW"),
}
#: A percentage printed with two decimals.
PRINTED = 0.005 / 100

pytestmark = pytest.mark.shared


def line_of(symbol: str) -> Line:
    mic, currency = EXCHANGES.get(symbol.rpartition(".")[2], ("XNAS", "USD"))
    return Line(symbol=symbol, entity=symbol, mic=mic, currency=currency)


@pytest.fixture(scope="module")
def real(shared: Path) -> Market:
    folder = shared / "market" / "prices"
    symbols = [place.stem for place in sorted(folder.glob("*.csv"))]
    lines = [line_of(symbol) for symbol in symbols if not symbol.endswith("=X")]
    lines.append(Line(symbol="2513.HK", entity="zhipu", mic="XHKG", currency="HKD"))
    nobody = Universe(
        name="none", title="", layers=(), entities={}, lines={}, benchmarks={}
    )
    return assemble(
        lines,
        FolderPrices(folder).load(lines, START, END),
        FolderSignals(shared / "signals" / "long").load(nobody),
        home="XNYS",
        base="USD",
        start=START,
        end=END,
    )


@pytest.mark.parametrize(
    ("symbol", "day", "percent"),
    [
        ("NVDA", "2025-01-27", -16.97),
        ("AVGO", "2025-01-27", -17.40),
        ("MU", "2025-01-27", -11.71),
        ("AMD", "2025-01-27", -6.37),
        ("SMH", "2025-01-27", -9.83),
        ("SPY", "2025-01-27", -1.41),  # printed as -1.42; 599.37/607.97 is -1.4145
        ("META", "2025-01-27", 1.91),
        ("MSFT", "2025-01-27", -2.14),
        ("GOOGL", "2025-01-27", -4.20),
        ("BABA", "2025-01-27", 0.95),
        ("BIDU", "2025-01-27", 2.44),
        ("0981.HK", "2025-01-27", -7.63),
        ("688256.SS", "2025-01-27", -6.69),
        ("1024.HK", "2025-01-27", 3.82),
        ("000660.KS", "2025-01-31", -9.86),
    ],
)
def test_published_returns_of_the_selloff(
    real: Market, symbol: str, day: str, percent: float
) -> None:
    returns = real.bars_of(symbol).returns()[symbol]
    assert returns[pd.Timestamp(day)] == pytest.approx(percent / 100, abs=PRINTED)


def test_closed_markets_have_no_session_in_the_selloff(real: Market) -> None:
    for symbol, closed in (
        ("000660.KS", pd.bdate_range("2025-01-27", "2025-01-30")),
        ("688256.SS", pd.bdate_range("2025-01-28", "2025-02-04")),
        ("0700.HK", pd.bdate_range("2025-01-29", "2025-01-31")),
    ):
        assert not real.sessions_of(symbol).days.isin(closed).any()


def test_the_home_view_never_fills_a_closed_market_with_zero(real: Market) -> None:
    returns = real.home.returns()
    week = returns["000660.KS"]["2025-01-24":"2025-01-31"]
    assert list(week.index.strftime("%m-%d")) == [
        "01-24",
        "01-27",
        "01-28",
        "01-29",
        "01-30",
        "01-31",
    ]
    assert list(week.isna()) == [False, True, True, True, True, False]
    fresh = real.home.fresh["000660.KS"]["2025-01-27":"2025-01-30"]
    assert not fresh.any()


def test_the_return_after_the_holiday_compounds_local_and_currency(
    real: Market,
) -> None:
    day, before = pd.Timestamp("2025-01-31"), pd.Timestamp("2025-01-24")
    local = real.bars["XKRX"].returns()["000660.KS"][day]
    won = real.home.fx["KRW"][day] / real.home.fx["KRW"][before] - 1
    expected = (1 + local) * (1 + won) - 1
    assert real.home.returns()["000660.KS"][day] == pytest.approx(expected, abs=1e-12)


def test_hong_kong_and_shanghai_had_closed_before_new_york_opened(
    real: Market,
) -> None:
    opened = real.home.sessions.open_utc[real.home.price.index.get_loc("2025-01-27")]
    known = real.known_at(opened)
    assert known.home.price.index[-1] == pd.Timestamp("2025-01-24")
    for mic in ("XHKG", "XSHG"):
        assert known.bars[mic].price.index[-1] == pd.Timestamp("2025-01-27")
    assert known.bars["XNYS"].price.index[-1] == pd.Timestamp("2025-01-24")


def test_every_bar_of_every_file_falls_on_a_session(real: Market) -> None:
    assert not [found for found in real.findings if "no session" in found.what]


def test_sessions_without_any_bar_are_those_that_the_feed_misses(
    real: Market,
) -> None:
    gaps = {f.where: f.what for f in real.findings if "no line has a bar" in f.what}
    assert list(gaps) == ["XKRX"]
    assert gaps["XKRX"].endswith("3 sessions: 2022-01-03, 2022-05-09, 2025-09-19")


def test_half_days_in_hong_kong_are_flat_and_close_early(real: Market) -> None:
    flat = real.bars["XHKG"].flat["0700.HK"]
    for day in ("2024-12-24", "2024-12-31", "2025-01-28"):
        assert flat[pd.Timestamp(day)]
        at = real.sessions_of("0700.HK").days.get_loc(day)
        close = real.sessions_of("0700.HK").close_utc[at]
        assert str(close)[:16] == f"{day}T04:00"


def test_coverage_says_what_each_file_could_give(real: Market) -> None:
    table = real.coverage.set_index("symbol")
    assert len(table) == 27
    assert table.loc["2513.HK", "note"] == "no price"
    assert set(table["basis"]) == {"total_return", ""}
    for symbol in ("BABA", "BIDU", "KWEB"):
        assert table.loc[symbol, "first"] == pd.Timestamp("2021-05-12")
    closes_only = ["000660.KS", "005930.KS", "000977.SZ", "002230.SZ", "688256.SS"]
    assert set(table.index[~table["opens"]]) == {
        *closes_only,
        "KC",
        "ACWI",
        "2513.HK",
    }
    assert table.loc["000660.KS", "missing"] == 3


def test_american_opens_are_on_the_basis_of_the_closes(
    real: Market, shared: Path
) -> None:
    raw = pd.read_csv(shared / "market" / "prices" / "MSFT.csv", index_col="date")
    row = raw.loc["2025-01-27"]
    bars, day = real.bars["XNYS"], pd.Timestamp("2025-01-27")
    inside = row["open"] / row["close"]
    assert bars.open["MSFT"][day] / bars.price["MSFT"][day] == pytest.approx(inside)
    assert bars.price["MSFT"][day] == row["adj_close"]


def test_a_rate_is_not_known_before_its_fix(real: Market) -> None:
    fixed = real.currencies.fixings["HKD"].fixed_utc
    at = int(np.searchsorted(fixed, np.datetime64("2025-01-27")))
    assert str(fixed[at])[:16] == "2025-01-27T13:15"  # 14:15 in Frankfurt
    moments = fixed[at] + np.array([-1, 0], dtype="timedelta64[ns]")
    before, after = real.currencies.dollars_per_unit("HKD", moments)
    assert before != after


def test_no_token_signal_existed_before_the_selloff(real: Market) -> None:
    known = real.known_at(np.datetime64("2025-01-28", "ns"))
    for role in ("token_share", "vendor_share", "tokens"):
        assert known.signals.read(role).empty
    assert not known.signals.read("capex").empty


def test_a_weekly_value_is_known_a_day_after_its_label(real: Market) -> None:
    first = np.datetime64("2025-02-17", "ns")
    assert real.known_at(first - np.timedelta64(1, "s")).signals.read("tokens").empty
    assert len(real.known_at(first).signals.read("tokens")) == 1


def test_not_in_the_top_nine_is_a_bound_and_no_observation(real: Market) -> None:
    seen = real.signals.read("token_share")
    assert (seen["value"] > 0).all()
    bounds = real.signals.read("token_share", quality=("bound",))
    assert list(bounds["value_date"].dt.strftime("%Y-%m-%d")) == [
        "2025-12-07",
        "2025-12-14",
    ]


def test_capex_is_known_from_its_first_filing(real: Market) -> None:
    rows = real.signals.read("capex")
    lag = (rows["known_at"] - rows["value_date"]).dt.days
    assert (lag > 0).all()
    assert lag.max() < 120


def test_the_calendars_agree_with_the_published_first_sessions(shared: Path) -> None:
    """Day-long events: the first session on or after the date, on seven exchanges."""
    events = pd.read_csv(
        shared / "oracles/timeline/event_first_session_by_exchange.csv"
    )
    whole_day = events[events["timing"].isin(["day", "open"])]
    assert len(whole_day) >= 10
    for mic in ("XNYS", "XHKG", "XSHG", "XKRX", "XTAI", "XTKS", "XAMS"):
        own = sessions(mic, dt.date(2024, 12, 1), dt.date(2026, 12, 1)).days
        first = own[own.searchsorted(pd.DatetimeIndex(whole_day["date"]))]
        assert list(first.strftime("%Y-%m-%d")) == whole_day[mic].tolist(), mic
