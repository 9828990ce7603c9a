"""Where a return came from, on books small enough to check by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from engine.costs.fees import schedule
from engine.errors import DataError
from engine.evidence.attribution import (
    EFFECTS,
    TOTAL,
    Attribution,
    attribute,
    brinson_fachler,
    carino,
)
from engine.evidence.attribution_books import Books, books_of
from engine.ledger.backtest import Backtest
from engine.ledger.simulate import fixed, simulate
from engine.market.market import Market
from engine.thesis.model import Execution
from tests.markets import market
from tests.tolerances import ATTRIBUTION, IDENTITY

FREE = Execution(capital=1000.0, slippage_bps=0.0, fees="none")


def row(*values: float) -> np.ndarray:
    return np.array([values])


def hold(
    world: Market, weights: dict[str, float], terms: Execution = FREE, name: str = "own"
) -> Backtest:
    """Decide once, at the first home close."""
    days = world.home.sessions.days
    return simulate(
        world,
        name=name,
        assets=[world.lines[symbol] for symbol in weights],
        decide_at=days[:1],
        policy=fixed({days[0]: pd.Series(weights)}),
        execution=terms,
        base=world.home.base,
        schedule=schedule(terms.fees),
        start=days[0].date(),
        end=days[-1].date(),
    )


def books(
    world: Market, account: Backtest, group_of: dict[str, str] | None = None
) -> Books:
    group_of = group_of or dict.fromkeys(world.lines, "one")
    return books_of(
        account,
        group_of=group_of,
        groups=list(dict.fromkeys(group_of.values())),
        currency_of={s: line.currency for s, line in world.lines.items()},
        currencies=["USD", "HKD"],
        closes=world.home.sessions.close_utc,
    )


def explain(
    world: Market,
    own: Backtest,
    baselines: dict[str, Backtest],
    layer_of: dict[str, str],
) -> Attribution:
    return attribute(
        own,
        baselines,
        layer_of=layer_of,
        layers=["first", "second"],
        lines=world.lines,
        closes=world.home.sessions.close_utc,
    )


def test_brinson_and_fachler_by_hand() -> None:
    w, w_b, r, r_b = row(0.7, 0.3), row(0.4, 0.6), row(0.10, 0.02), row(0.05, 0.03)
    parts = brinson_fachler(w, w_b, w * r, w_b * r_b)
    # the baseline earned 0.4 x 5 % + 0.6 x 3 % = 3.8 %
    assert parts.allocation[0] == pytest.approx([0.3 * 0.012, -0.3 * -0.008])
    assert parts.selection[0] == pytest.approx([0.4 * 0.05, 0.6 * -0.01])
    assert parts.interaction[0] == pytest.approx([0.3 * 0.05, -0.3 * -0.01])


def test_a_group_of_one_side_only_is_all_allocation() -> None:
    w, w_b = row(0.5, 0.5, 0.0), row(0.0, 0.5, 0.5)
    parts = brinson_fachler(w, w_b, row(0.05, 0.01, 0.0), row(0.0, 0.02, 0.03))
    assert parts.allocation[0] == pytest.approx([0.5 * 0.05, 0.0, -0.5 * 0.01])
    assert parts.selection[0] == pytest.approx([0.0, -0.01, 0.0])
    assert parts.interaction[0].tolist() == [0.0, 0.0, 0.0]


def test_two_sessions_linked_by_hand() -> None:
    k = carino(np.array([0.10, 0.20]), np.array([0.00, 0.20]))
    # the whole: 32 % against 20 %
    whole = np.log(1.32 / 1.2) / 0.12
    assert k == pytest.approx([np.log(1.1) / 0.1 / whole, 1 / 1.2 / whole])
    # nothing is lost where two returns differ by almost nothing
    near = carino(np.array([0.1 + 1e-12]), np.array([0.1]))
    assert near == pytest.approx([1.0], abs=1e-12)


def test_the_rate_adds_its_move_times_one_plus_r() -> None:
    world = market(
        {"XNYS": {"A": [1.0] * 3}, "XHKG": {"B": [10.0, 10.0, 11.0]}},
        rates={"HKD": [8.0, 10.0, 12.5]},
    )
    told = books(world, hold(world, {"B": 0.5}))
    # 400 B for 500 dollars at 8 a dollar; that day's fix, 10, is known at the close
    assert told.trading.sum(axis=1) == pytest.approx([-0.1, 0.0])
    assert told.weight[:, 0] == pytest.approx([0.0, 400 / 900])
    assert told.local[1, 0] == pytest.approx(400 / 900 * 0.1)
    assert told.currency[1, 0] == pytest.approx(400 / 900 * -0.2 * 1.1)
    assert told.by_currency[1] == pytest.approx([0.0, 400 / 900 * -0.22])
    assert told.returns[1] == pytest.approx((400 * 11 / 12.5 + 500) / 900 - 1)
    assert told.other == pytest.approx([0.0, 0.0], abs=ATTRIBUTION)


def test_a_fill_at_the_open_gains_what_the_session_moved() -> None:
    world = market(
        {"XNYS": {"A": [10.0, 12.0, 12.0]}}, opens={"XNYS": {"A": [10.0, 8.0, 12.0]}}
    )
    terms = FREE.model_copy(update={"at": "next_open"})
    told = books(world, hold(world, {"A": 1.0}, terms))
    assert told.trading[:, 0] == pytest.approx([0.5, 0.0])
    assert told.local.tolist() == [[0.0, 0.0], [0.0, 0.0]]


def test_what_a_seller_abroad_was_paid_moves_with_the_rate_until_the_close() -> None:
    world = market(
        {"XNYS": {"A": [1.0] * 4}, "XHKG": {"B": [10.0] * 4}},
        rates={"HKD": [8.0, 8.0, 8.0, 10.0]},
    )
    days = world.home.sessions.days
    terms = FREE.model_copy(update={"fx_spread_bps": 100.0})
    account = simulate(
        world,
        name="own",
        assets=list(world.lines.values()),
        decide_at=days[[0, 2]],
        policy=fixed({days[0]: pd.Series({"B": 0.5}), days[2]: pd.Series({"B": 0.0})}),
        execution=terms,
        base="USD",
        schedule=schedule("none"),
        start=days[0].date(),
        end=days[-1].date(),
    )
    told = books(world, account, {"A": "first", "B": "second"})
    # 500 dollars of B on 995 of NAV; sold at 8, swept at 10, 1 % of it lost
    assert told.currency[2, 1] == pytest.approx(500 / 995 * -0.2)
    assert told.trading[2].tolist() == pytest.approx([0.0, 0.0, 0.0])
    assert told.costs[2] == pytest.approx([0.0, -4 / 995, 0.0])
    assert told.other == pytest.approx([0.0] * 3, abs=ATTRIBUTION)


def test_costs_stand_with_the_layer_traded_and_interest_with_cash() -> None:
    world = market({"XNYS": {"A": [1.0] * 3, "B": [1.0] * 3}})
    terms = Execution(
        capital=1000.0,
        slippage_bps=100.0,
        fees="none",
        cash_rate=0.365,
        fx_spread_bps=0,
    )
    told = books(
        world, hold(world, {"A": 0.5, "B": 0.2}, terms), {"A": "first", "B": "second"}
    )
    # a day of interest on 1000 is 1; A and B are sized on the NAV before it is booked
    assert told.costs[0] == pytest.approx([-5e-3, -2e-3, 1e-3])
    cash = 1000 * (1 - 0.5 * 1.01 - 0.2 * 1.01) + 1
    assert told.costs[1, 2] == pytest.approx(cash * 1e-3 / (cash + 700))
    assert told.other == pytest.approx([0.0, 0.0], abs=ATTRIBUTION)


def test_layers_sum_to_the_difference_of_the_returns() -> None:
    world = market({"XNYS": {"A": [1.0, 1, 2, 3], "B": [1.0, 1, 1, 0.5]}})
    own = hold(world, {"A": 0.5, "B": 0.25})
    equal = hold(world, {"A": 0.5, "B": 0.5}, name="equal weight")
    table = explain(
        world, own, {"equal weight": equal}, {"A": "first", "B": "second"}
    ).table.set_index("group")
    assert table.index.tolist() == ["first", "second", "cash", TOTAL]
    # 1000 -> 500 x 3 + 250 x 0.5 + 250, against 500 x 3 + 500 x 0.5
    assert table.loc[TOTAL, "return"] == pytest.approx(0.875)
    assert table.loc[TOTAL, "return_baseline"] == pytest.approx(0.75)
    assert table.loc[TOTAL, "active"] == pytest.approx(0.125)
    assert table.loc["first", "return"] == pytest.approx(2.0)
    assert table.loc["second", "return_baseline"] == pytest.approx(-0.5)
    assert np.isnan(table.loc["cash", "return"])
    assert (table["selection"].abs() < IDENTITY).all()  # one asset a layer
    parts = table.drop(index=TOTAL)[list(EFFECTS)]
    assert parts.to_numpy().sum() == pytest.approx(0.125, abs=ATTRIBUTION)


def test_a_fund_is_a_group_of_its_own() -> None:
    world = market({"XNYS": {"A": [1.0, 1, 2], "SPY": [1.0, 1, 1.5]}})
    own = hold(world, {"A": 1.0})
    fund = hold(world, {"SPY": 1.0}, name="SPY")
    found = explain(world, own, {"SPY": fund}, {"A": "first"}).table
    assert found["group"].tolist() == ["first", "SPY", "cash", TOTAL]
    assert not found["layers_known"].any()
    assert found["allocation"].tolist() == pytest.approx([0.5, 0.0, 0.0, 0.5])
    assert (found[["selection", "interaction"]].abs() < ATTRIBUTION).all(axis=None)


def test_an_asset_that_is_also_the_benchmark_keeps_its_layer_when_held() -> None:
    world = market({"XNYS": {"A": [1.0, 1, 2], "SPY": [1.0, 1, 1.5]}})
    own = hold(world, {"A": 0.5, "SPY": 0.5})
    fund = hold(world, {"SPY": 1.0}, name="SPY")
    layer_of = {"A": "first", "SPY": "second"}
    table = explain(world, own, {"SPY": fund}, layer_of).table.set_index("group")
    assert table.loc["second", "weight"] == pytest.approx(0.25)
    assert table.loc["SPY", "weight"] == 0.0
    assert table.loc[TOTAL, "active"] == pytest.approx(0.25)


def test_an_asset_without_a_layer_or_a_currency_is_an_error() -> None:
    world = market({"XNYS": {"A": [1.0, 1, 2], "B": [1.0, 1, 2]}})
    own = hold(world, {"A": 0.5, "B": 0.5})
    with pytest.raises(DataError, match="books of own: B has no group"):
        books(world, own, {"A": "first"})
    with pytest.raises(DataError, match="books of own: B has no currency"):
        books_of(
            own,
            group_of={"A": "one", "B": "one"},
            groups=["one"],
            currency_of={"A": "USD"},
            currencies=["USD"],
            closes=world.home.sessions.close_utc,
        )


def test_a_split_earns_nothing() -> None:
    whole = market({"XNYS": {"A": [10.0, 10.0, 11.0, 12.1]}})
    halved = market(  # two for one before the third close
        {"XNYS": {"A": [10.0, 10.0, 5.5, 6.05]}}, raw={"A": ({}, {2: 2.0})}
    )
    plain, told = (books(one, hold(one, {"A": 0.5})) for one in (whole, halved))
    assert told.local == pytest.approx(plain.local, abs=ATTRIBUTION)
    assert told.other == pytest.approx([0.0] * 3, abs=ATTRIBUTION)


def test_a_dividend_is_earned_by_its_layer_and_its_withholding_is_a_cost() -> None:
    """400 B at 10 HKD pay 0.5 at 8 a dollar, less 10 %; swept at 10 a dollar."""
    world = market(
        {"XNYS": {"A": [1.0] * 4}, "XHKG": {"B": [10.0, 10.0, 9.8, 9.8]}},
        rates={"HKD": [8.0, 8.0, 10.0, 10.0]},
        raw={"B": ({2: 0.5}, {})},
    )
    terms = FREE.model_copy(
        update={"fx_spread_bps": 100.0, "withholding": {"XHKG": 0.1}}
    )
    account = hold(world, {"B": 0.5}, terms)
    told = books(world, account, {"A": "first", "B": "second"})
    nav = 1000.0 - 5.0
    assert account.nav.iloc[1] == pytest.approx(nav)
    w = 500.0 / nav
    assert told.weight[1, 1] == pytest.approx(w)
    assert told.local[1, 1] == pytest.approx(w * ((9.8 + 0.5) / 10.0 - 1.0))
    assert told.currency[1, 1] == pytest.approx(w * -0.2 * 1.03)
    # 20 of 200 HKD withheld at 8; 1 % of 180 HKD at 10; neither is cash's
    costs = 20.0 / 8.0 + 0.01 * 180.0 / 10.0
    assert told.costs[1] == pytest.approx([0.0, -costs / nav, 0.0])
    # what was withheld at 8 did not fall with the rate to 10
    assert told.trading[1, 1] == pytest.approx(20.0 * (1 / 8 - 1 / 10) / nav)
    after = 400 * 9.8 / 10 + 0.99 * 180 / 10 + 495.0
    assert account.nav.iloc[2] == pytest.approx(after)
    assert told.returns[1] == pytest.approx(after / nav - 1.0)
    assert told.other == pytest.approx([0.0] * 3, abs=ATTRIBUTION)


def test_what_is_bought_on_a_holiday_at_home_earns_its_dividend_in_trading() -> None:
    """New York rests on row 1: the purchase and the ex-day are of one home session."""
    world = market(
        {"XNYS": {"A": [1.0] * 4}, "XHKG": {"B": [10.0, 10.0, 6.0, 6.0]}},
        rates={"HKD": 10.0},
        raw={"B": ({2: 1.0}, {2: 2.0})},
        closed={"XNYS": [1]},
    )
    told = books(world, hold(world, {"B": 0.5}), {"A": "first", "B": "second"})
    # 500 at 10 become 1000 at 6, which paid 1 each
    assert told.trading[0, 1] == pytest.approx((1000 * 0.7 - 500 * 1.0) / 1000.0)
    assert told.other == pytest.approx([0.0] * 2, abs=ATTRIBUTION)


def test_cash_abroad_that_was_spent_does_not_move_with_the_rate() -> None:
    """Sold at 8, spent at 8 on the next day, whose rate at the close is 10."""
    world = market(
        {"XNYS": {"A": [1.0] * 5}, "XHKG": {"B": [10.0] * 5, "C": [10.0] * 5}},
        rates={"HKD": [8.0, 8.0, 8.0, 8.0, 10.0]},
    )
    days = world.home.sessions.days
    targets = {
        days[0]: {"B": 0.5},
        days[1]: {"B": 0.0},
        days[3]: {"B": 0.0, "C": 0.25},
    }
    account = simulate(
        world,
        name="own",
        assets=list(world.lines.values()),
        decide_at=days[[0, 1, 3]],
        policy=fixed({day: pd.Series(one) for day, one in targets.items()}),
        execution=FREE.model_copy(update={"sweep": False}),
        base="USD",
        schedule=schedule("none"),
        start=days[0].date(),
        end=days[-1].date(),
    )
    assert account.cash["HKD"].tolist() == pytest.approx([0, 0, 4000, 4000, 2000])
    layer_of = {"A": "first", "B": "first", "C": "second"}
    told = books_of(
        account,
        group_of=layer_of,
        groups=["first", "second"],
        currency_of={s: line.currency for s, line in world.lines.items()},
        currencies=["USD", "HKD"],
        closes=world.home.sessions.close_utc,
        sweep=False,
    )
    # all 4000 HKD lose a fifth as cash; C's 2000 were C by then: it neither gains
    assert told.currency[3] == pytest.approx([0.0, 0.0, -0.1])
    assert told.trading[3] == pytest.approx([0.0, 0.0, 0.0])
    assert told.returns[3] == pytest.approx(-0.1)
    assert told.other == pytest.approx([0.0] * 4, abs=ATTRIBUTION)


def test_the_end_of_a_listing_is_a_return_of_its_layer() -> None:
    world = market(
        {"XNYS": {"A": [1.0] * 4, "B": [10.0, 10.0, 10.0, 10.0]}}, delisted={"B": 1}
    )
    terms = FREE.model_copy(update={"delisting_return": -0.3})
    told = books(world, hold(world, {"B": 0.5}, terms), {"A": "first", "B": "second"})
    assert told.local[:, 1] == pytest.approx([0.0, 0.5 * -0.3, 0.0])
    assert told.other == pytest.approx([0.0] * 3, abs=ATTRIBUTION)


def test_a_layer_held_long_and_short_has_two_returns_and_no_third() -> None:
    """Long 500 of A, short 499 of B: the net weight is next to nothing."""
    world = market(
        {"XNYS": {"A": [10.0, 10, 12], "B": [1.0, 1, 1.5], "C": [1.0, 1, 1.1]}}
    )
    terms = FREE.model_copy(update={"short_margin": 1.0})
    own = hold(world, {"A": 0.5, "B": -0.499, "C": 0.4}, terms)
    equal = hold(world, {"A": 0.4, "B": 0.3, "C": 0.3}, name="equal weight")
    layer_of = {"A": "first", "B": "first", "C": "second"}
    table = explain(world, own, {"equal weight": equal}, layer_of).table
    first, total = table.iloc[0], table.set_index("group").loc[TOTAL]
    assert first["weight"] == pytest.approx(0.0005)  # mean of two sessions
    assert first["weight_short"] == pytest.approx(-0.2495)
    assert (first["return"], first["return_short"]) == pytest.approx((0.2, 0.5))
    assert np.isnan(total["return_short"])
    assert first["weight_short_baseline"] == 0.0
    assert np.isnan(first["return_short_baseline"])
    # long: 0.5 at 20 % against 0.7 at 0.23 / 0.7; short: all allocation
    r_b, whole = 0.23 / 0.7, 0.4 * 0.2 + 0.3 * 0.5 + 0.3 * 0.1
    active = 0.5 * 0.2 - 0.499 * 0.5 + 0.4 * 0.1 - whole
    assert total["active"] == pytest.approx(active, abs=ATTRIBUTION)
    by_hand = {
        "allocation": -0.2 * (r_b - whole) - 0.499 * (0.5 - whole),
        "selection": 0.7 * (0.2 - r_b),
        "interaction": -0.2 * (0.2 - r_b),
    }
    for name, value in by_hand.items():
        assert first[name] == pytest.approx(value, abs=1e-9), name


def test_commission_and_impact_are_costs_of_the_layer_that_traded() -> None:
    world = market({"XNYS": {"A": [1.0] * 3, "B": [1.0] * 3}})
    account = hold(world, {"A": 0.5, "B": 0.2})
    trades = account.trades.assign(commission=[3.0, 1.0], impact=[0.5, 0.0])
    kinds = account.costs.assign(commission=[0.0, 4.0, 0.0], impact=[0.0, 0.5, 0.0])
    paid = dataclasses.replace(
        account,
        trades=trades,
        costs=kinds,
        nav=account.nav - kinds.sum(axis=1).cumsum(),
    )
    told = books(world, paid, {"A": "first", "B": "second"})
    assert told.costs[0] == pytest.approx([-3.5e-3, -1e-3, 0.0])
    assert told.other[0] == pytest.approx(0.0, abs=ATTRIBUTION)
