"""Dated taxes and fees, and the cost model that optimiser and ledger share."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine.costs.fees import FeeRow, FeeSchedule, schedule
from engine.costs.model import cost_rates, settlement_days, tax_rates
from engine.market.calendar import Sessions
from engine.market.calendar import sessions as calendar_sessions
from engine.market.listing import Line
from engine.thesis.model import Execution
from tests.tolerances import ORACLE

EXCHANGE = schedule("exchange")
SAMSUNG = Line(symbol="005930.KS", entity="samsung", mic="XKRX", currency="KRW")
NVIDIA = Line(symbol="NVDA", entity="nvidia", mic="XNAS", currency="USD")
TENCENT = Line(symbol="0700.HK", entity="tencent", mic="XHKG", currency="HKD")


def korean_tax(start: str, end: str) -> pd.Series:
    """Seller's tax by trade day, from the real sessions of the exchange."""
    days = calendar_sessions(
        "XKRX", dt.date.fromisoformat(start), dt.date.fromisoformat(end)
    )
    return pd.Series(tax_rates(EXCHANGE, "XKRX", "sell", days), index=days.days)


def same_day(mic: str, side: str, day: str) -> float:
    when = dt.date.fromisoformat(day)
    return EXCHANGE.rate(mic, "buy" if side == "buy" else "sell", when, when)


def test_korean_tax_follows_the_settlement_two_sessions_later() -> None:
    tax = korean_tax("2024-12-20", "2025-01-10")
    assert tax["2024-12-26"] == 0.0018  # settles on 30 December
    assert tax["2024-12-27"] == 0.0015  # settles on 2 January: 31 and 1 are closed
    assert tax["2025-01-02"] == 0.0015


@pytest.mark.parametrize("last", ["2024-12-26", "2024-12-27", "2024-12-30"])
def test_korean_tax_does_not_depend_on_where_the_prices_end(last: str) -> None:
    """Sessions after the last price come from the calendar, not from a guess."""
    assert (
        korean_tax("2024-12-20", last).iloc[-1]
        == korean_tax("2024-12-20", "2025-02-10").loc[last]
    )


def test_settlement_days_away_from_a_change_need_no_calendar() -> None:
    days = pd.DatetimeIndex(["1999-05-03", "1999-05-04", "1999-05-05"], name="session")
    far = Sessions(
        mic="XKRX", days=days, open_utc=days.to_numpy(), close_utc=days.to_numpy()
    )
    settled = settlement_days(EXCHANGE, "XKRX", far)
    assert settled[0] == np.datetime64("1999-05-05")
    assert (settled > days.to_numpy().astype("datetime64[D]")).all()


@pytest.mark.parametrize(
    ("mic", "side", "day", "rate"),
    [
        ("XHKG", "buy", "2023-11-16", 0.0013),
        ("XHKG", "sell", "2023-11-16", 0.0013),
        ("XHKG", "buy", "2023-11-17", 0.0010),
        ("XHKG", "sell", "2023-11-17", 0.0010),
        ("XHKG", "sell", "2021-07-30", 0.0010),
        ("XSHG", "sell", "2023-08-25", 0.0010),
        ("XSHE", "sell", "2023-08-28", 0.0005),
        ("XSHG", "buy", "2023-08-28", 0.0),
        ("XNAS", "sell", "2024-05-21", 8.0e-6),
        ("XNYS", "sell", "2024-05-22", 27.8e-6),
        ("XNYS", "sell", "2025-05-14", 0.0),
        ("XNYS", "buy", "2024-05-22", 0.0),
        ("XKRX", "sell", "2022-06-01", 0.0023),
        ("XKRX", "sell", "2023-06-01", 0.0020),
        ("XKRX", "sell", "2026-02-02", 0.0020),
    ],
)
def test_a_rate_holds_between_its_days(
    mic: str, side: str, day: str, rate: float
) -> None:
    assert same_day(mic, side, day) == rate


def test_every_item_is_covered_without_a_gap() -> None:
    """From the first row of an item on, every single day has a rate."""
    days = np.arange("2021-03-01", "2027-12-31", dtype="datetime64[D]")
    for mic in ("XHKG", "XSHG", "XSHE", "XKRX", "XNYS", "XNAS", "ARCX"):
        for side in ("buy", "sell"):
            rates = EXCHANGE.rates(mic, "buy" if side == "buy" else "sell", days, days)
            assert np.isfinite(rates).all(), (mic, side)


def test_what_is_not_verified_is_said() -> None:
    applied = EXCHANGE.applied(
        (NVIDIA, TENCENT), dt.date(2024, 1, 2), dt.date(2026, 6, 30)
    )
    assert set(applied["item"]) == {"stamp duty", "SEC Section 31 fee"}
    assert set(applied["markets"]) == {"XNAS", "XHKG"}
    unverified = applied[applied["status"] == "unverified"]
    assert unverified["effective_from"].tolist() == ["2026-04-04"]
    assert "neither its rate nor its day" in unverified["note"].iloc[0]
    assert "2021-08-01" not in applied["effective_from"].tolist()  # ended before


def test_no_fees_means_none() -> None:
    nothing = schedule("none")
    assert nothing.rate("XHKG", "buy", dt.date(1990, 1, 1), dt.date(1990, 1, 1)) == 0.0
    assert nothing.knows("XLON")
    assert not EXCHANGE.knows("XLON")


def test_cost_rates_add_slippage_tax_and_the_cost_of_converting() -> None:
    terms = Execution(slippage_bps=5.0, fx_spread_bps=10.0)
    buy, sell = cost_rates(
        (NVIDIA, TENCENT, SAMSUNG), EXCHANGE, terms, dt.date(2024, 6, 3), base="USD"
    )
    assert buy["NVDA"] == pytest.approx(0.0005, rel=ORACLE)
    assert sell["NVDA"] == pytest.approx(0.0005 + 27.8e-6, rel=ORACLE)
    # a buyer of 1 converts 1 + 0.0005 + 0.0010; a seller what is left of it
    assert buy["0700.HK"] == pytest.approx(0.0015 + 0.001 * 1.0015, rel=ORACLE)
    assert sell["0700.HK"] == pytest.approx(0.0015 + 0.001 * 0.9985, rel=ORACLE)
    assert sell["005930.KS"] == pytest.approx(0.0023 + 0.001 * 0.9977, rel=ORACLE)
    at_home = cost_rates((TENCENT,), EXCHANGE, terms, dt.date(2024, 6, 3), base="HKD")
    assert at_home[0]["0700.HK"] == pytest.approx(0.0015, rel=ORACLE)


def test_two_items_on_one_trade_add_up() -> None:
    def row(item: str, rate: float) -> FeeRow:
        return FeeRow(
            mics=("XHKG",), item=item, rate=rate, side="sell", basis="trade",
            effective_from=None, effective_to=None, status="", source="", note="",
        )  # fmt: skip

    both = FeeSchedule(name="two", rows=(row("duty", 0.001), row("levy", 0.0002)))
    day = dt.date(2024, 1, 2)
    assert both.rate("XHKG", "sell", day, day) == pytest.approx(0.0012, rel=ORACLE)


@pytest.mark.shared
def test_against_the_published_examples(shared: Path) -> None:
    expected = json.loads((shared / "oracles" / "analytic_oracles.json").read_text())
    day = "2024-06-03"
    hong_kong = expected["HK_round_trip_stamp"]
    both = same_day("XHKG", "buy", day) + same_day("XHKG", "sell", day)
    assert both * hong_kong["notional_each_way"] == pytest.approx(
        hong_kong["cost"], rel=ORACLE
    )
    china = expected["CN_round_trip_stamp"]
    both = same_day("XSHG", "buy", day) + same_day("XSHG", "sell", day)
    assert both * china["notional_each_way"] == pytest.approx(china["cost"], rel=ORACLE)
    korea = korean_tax("2024-12-20", "2026-02-10")
    for trade_day, tax in expected["KR_KOSPI_sell_tax_on_100000"].items():
        assert korea[trade_day] * 100_000 == pytest.approx(tax, rel=ORACLE)
    for trade_day, fee in expected["US_sec31_on_1m_sale"].items():
        assert same_day("XNAS", "sell", trade_day) * 1e6 == pytest.approx(
            fee, rel=ORACLE
        )
