"""The printed rules are those that were applied: charges worked out from them again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest

from engine.costs.applied import APPLIED_COLUMNS, applied_rules
from engine.costs.charges import schedule_for
from engine.costs.rules import market_rules
from engine.ledger.backtest import Backtest
from engine.ledger.simulate import fixed, simulate
from engine.market.market import Market
from engine.thesis.model import Charge, Execution
from tests.markets import market
from tests.tolerances import IDENTITY

ROWS = 30
#: Dividends by row of the home calendar; no splits.
PAID: tuple[dict[int, float], dict[int, float]] = ({12: 0.5, 20: 0.25}, {})
HOMES = {
    "AAA": "XNYS", "0700.HK": "XHKG", "1810.HK": "XHKG", "600000.SS": "XSHG",
    "688256.SS": "XSHG", "005930.KS": "XKRX",
}  # fmt: skip
#: 1810.HK has adjusted prices: no lot, no dividend in cash.
RAW = {symbol for symbol in HOMES if symbol != "1810.HK"}
TERMS = Execution(
    capital=3e6,
    slippage_bps=7.0,
    half_spread_bps=2.0,
    fx_spread_bps=20.0,
    lots={"005930.KS": 30},
    withholding={"XHKG": 0.2},
    charges=(Charge(item="commission", markets=("XHKG",), rate=0.0003, minimum=900.0),),
)


def world() -> Market:
    rng = np.random.default_rng(8)
    closes: dict[str, dict[str, list[float | None]]] = {}
    for symbol, mic in HOMES.items():
        path = 50.0 * np.exp(np.cumsum(rng.normal(0.0, 0.004, ROWS)))
        if symbol == "600000.SS":  # up the limit of 10 % on the day after a decision
            path[6:] = path[6:] / path[6] * path[5] * 1.1
        closes.setdefault(mic, {})[symbol] = path.tolist()
    return market(
        closes,
        rates={"HKD": 7.8, "CNY": 7.1, "KRW": 1300.0},
        raw=dict.fromkeys(RAW, PAID),
    )


def traded(terms: Execution = TERMS) -> Backtest:
    here = world()
    days = here.home.sessions.days
    rng = np.random.default_rng(3)
    told = {
        days[row]: pd.Series(rng.dirichlet(np.ones(len(HOMES))) * 0.95, list(HOMES))
        for row in (1, 5, 9, 15, 22)
    }
    # little of what the next decision wants much of, when its price is at its limit
    for row, wanted in ((1, 0.02), (5, 0.6)):
        told[days[row]]["600000.SS"] = wanted
        told[days[row]] *= 0.95 / told[days[row]].sum()
    return simulate(
        here, name="x", assets=list(here.lines.values()),
        decide_at=pd.DatetimeIndex(list(told)), policy=fixed(told), execution=terms,
        base="USD", schedule=schedule_for(terms), start=days[0].date(),
        end=days[-1].date(),
    )  # fmt: skip


def printed(terms: Execution = TERMS) -> pd.DataFrame:
    here = world()
    days = here.home.sessions.days
    return applied_rules(
        terms, list(here.lines.values()), days[0].date(), days[-1].date(), raw=RAW,
        base="USD",
    )  # fmt: skip


def rule_for(table: pd.DataFrame, rule: str, symbol: str) -> dict[str, Any] | None:
    """Read the table as a person would: a row that names the line goes first."""
    rows = table[table["rule"] == rule].to_dict("records")
    named = [one for one in rows if symbol in str(one["symbols"]).split()]
    whole = [
        one
        for one in rows
        if not one["symbols"] and HOMES[symbol] in str(one["markets"]).split()
    ]
    found: list[Mapping[Any, Any]] = named or whole
    assert len(found) <= 1, (rule, symbol)
    return {str(key): value for key, value in found[0].items()} if found else None


def value_of(table: pd.DataFrame, rule: str) -> float:
    """Return the value of a rule for all trades, 0 where it is not printed."""
    rows = table.loc[(table["rule"] == rule) & (table["markets"] == ""), "value"]
    return float(rows.iloc[0]) if len(rows) else 0.0


def test_lots_are_those_printed() -> None:
    table, told = printed(), traded()
    held: dict[str, float] = dict.fromkeys(HOMES, 0.0)
    seen = set()
    for one in told.trades.to_dict("records"):
        symbol, units = one["asset"], one["units"]
        held[symbol] += units
        row = rule_for(table, "board lot", symbol)
        if row is None:
            assert symbol == "1810.HK"
            assert units != round(units)
        elif abs(held[symbol]) > 1e-9:
            assert units % row["value"] == 0.0, symbol
            seen.add((symbol, row["value"], row["given_by"]))
    assert seen == {
        ("AAA", 1.0, "default"), ("0700.HK", 100.0, "table"),
        ("600000.SS", 100.0, "table"), ("688256.SS", 1.0, "table"),
        ("005930.KS", 30.0, "thesis"),
    }  # fmt: skip


def test_dividends_are_taxed_as_printed() -> None:
    table, told = printed(), traded()
    paid = told.actions[told.actions["kind"] == "dividend"]
    assert set(paid["asset"]) == RAW
    for one in paid.to_dict("records"):
        row = rule_for(table, "withholding", one["asset"])
        assert row is not None
        taxed = one["paid"] * row["value"]
        assert one["withheld"] == pytest.approx(taxed, rel=IDENTITY, abs=1e-12)
    override = rule_for(table, "withholding", "0700.HK")
    assert override is not None
    assert (override["value"], override["given_by"]) == (0.2, "thesis")
    assert override["source"] == "execution.withholding"


def test_spreads_are_those_printed() -> None:
    table, told = printed(), traded()
    slip = (value_of(table, "slippage") + value_of(table, "half spread")) / 1e4
    spread = value_of(table, "currency spread") / 1e4
    assert (slip, spread) == (9e-4, 2e-3)
    for one in told.trades.to_dict("records"):
        value = one["value"]
        assert one["slippage"] == pytest.approx(value * slip, rel=IDENTITY)
        costs = one["slippage"] + one["tax"] + one["commission"]
        changed = value + costs if one["side"] == "buy" else value - costs
        foreign = one["currency"] != "USD"
        assert one["fx_cost"] == pytest.approx(changed * spread * foreign, rel=1e-9)


def test_minimum_commissions_are_those_printed_with_the_fees() -> None:
    told, here = traded(), world()
    days = here.home.sessions.days
    fees = schedule_for(TERMS).applied(
        list(here.lines.values()), days[0].date(), days[-1].date(), raw=RAW
    )
    (row,) = fees[fees["item"] == "commission"].to_dict("records")
    assert row["status"] == "the thesis's own"
    at_least = 0
    for one in told.trades.to_dict("records"):
        if HOMES[one["asset"]] != "XHKG":
            continue
        owed = max(row["rate"] * one["value"] / one["fx"], row["minimum"]) * one["fx"]
        assert one["commission"] == pytest.approx(owed, rel=IDENTITY)
        at_least += owed > row["rate"] * one["value"] * (1 + 1e-9)
    assert at_least > 0


def test_nothing_is_bought_at_the_printed_limit() -> None:
    table, told = printed(), traded()
    row = rule_for(table, "price limit", "600000.SS")
    assert row is not None
    price = told.price["600000.SS"]
    locked = price.index[(price / price.shift(1) - 1.0 - row["value"]).abs() < 1e-9]
    assert len(locked) == 1
    bought = told.trades[
        (told.trades["asset"] == "600000.SS") & (told.trades["side"] == "buy")
    ]
    assert locked[0] not in set(bought["session"])
    late = bought[bought["decided"] == price.index[5]]
    assert late["session"].iloc[0] > locked[0]
    star = rule_for(table, "price limit", "688256.SS")
    assert star is not None
    assert star["value"] == 0.2
    assert rule_for(table, "price limit", "AAA") is None
    assert rule_for(table, "price limit", "1810.HK") is None


def test_what_the_thesis_sets_is_its_own_and_what_it_leaves_is_not() -> None:
    table = printed()
    given = dict(zip(table["rule"], table["given_by"], strict=True))
    assert given["slippage"] == given["currency spread"] == "thesis"
    assert tuple(table.columns) == APPLIED_COLUMNS
    left = printed(Execution())
    assert left.loc[left["rule"] == "slippage", "given_by"].tolist() == ["default"]
    assert not left["rule"].isin(["impact", "largest trade", "short margin"]).any()
    broken = printed(Execution(fractional=True))
    lots = broken[broken["rule"] == "board lot"]
    assert set(lots["note"]) == {"fractions trade too"}
    assert applied_rules(
        TERMS, [], dt.date(2024, 1, 2), dt.date(2024, 2, 1), raw=(), base="USD"
    ).empty


def test_borrow_and_impact_are_printed_where_they_are_asked_for() -> None:
    terms = Execution(
        short_margin=1.5, borrow_rate=0.02, borrow_rates={"HKD": 0.05}, impact=0.7,
        max_participation=0.1,
    )  # fmt: skip
    table = printed(terms)
    for rule, value in (
        ("short margin", 1.5), ("borrow", 0.02), ("borrow, HKD", 0.05),
        ("impact", 0.7), ("largest trade", 0.1),
    ):  # fmt: skip
        assert value_of(table, rule) == value
    closed = rule_for(table, "short sales", "600000.SS")
    open_here = rule_for(table, "short sales", "AAA")
    assert closed is not None
    assert open_here is not None
    assert (closed["value"], open_here["value"]) == (0.0, 1.0)


def test_a_row_decides_only_on_its_days() -> None:
    """Korea forbade short sales from 6 November 2023 to 30 March 2025."""
    line = world().lines["005930.KS"]
    for first, last, wanted in (
        ("2023-10-02", "2023-11-03", [1.0]),
        ("2023-10-02", "2023-11-06", [1.0, 0.0]),
        ("2024-01-02", "2025-03-30", [0.0]),
        ("2024-01-02", "2025-03-31", [0.0, 1.0]),
    ):
        days = np.arange(np.datetime64(first), np.datetime64(last) + 1)
        rows = market_rules().deciding("short sales", line, days)
        assert [row.value for row in rows] == wanted
        found = market_rules().values("short sales", line, days)[0]
        assert set(found) == set(wanted)
