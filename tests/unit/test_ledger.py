"""The ledger on markets small enough to check with a pencil."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import pytest

from engine.costs.fees import schedule
from engine.ledger.backtest import Backtest
from engine.ledger.simulate import AccountView, fixed, simulate
from engine.market.market import Market
from engine.thesis.model import Execution
from tests.markets import market
from tests.tolerances import IDENTITY

FREE = Execution(capital=1000.0, slippage_bps=0.0, fees="none")


def run(
    world: Market, targets: Mapping[int, Mapping[str, float]], terms: Execution = FREE
) -> Backtest:
    """Play target weights given by row of the home calendar."""
    days = world.home.sessions.days
    wanted = {days[row]: pd.Series(weights) for row, weights in targets.items()}
    return simulate(
        world,
        name="test",
        assets=list(world.lines.values()),
        decide_at=pd.DatetimeIndex(list(wanted)),
        policy=fixed(wanted),
        execution=terms,
        base=world.home.base,
        schedule=schedule(terms.fees),
        start=days[0].date(),
        end=days[-1].date(),
    )


def test_a_decision_fills_at_the_next_close_and_earns_from_there() -> None:
    world = market({"XNYS": {"A": [10.0, 20.0, 30.0, 15.0]}})
    told = run(world, {0: {"A": 0.5}})
    # decided at 10, filled at 20: 500 buys 25 units
    assert told.nav.tolist() == [1000.0, 1000.0, 1250.0, 875.0]
    assert told.holdings["A"].tolist() == [0.0, 25.0, 25.0, 25.0]
    assert told.cash["USD"].tolist() == [1000.0, 500.0, 500.0, 500.0]
    (trade,) = told.trades.itertuples()
    assert (trade.units, trade.price, trade.waited, trade.side) == (
        25.0,
        20.0,
        0,
        "buy",
    )
    assert trade.decided == world.home.sessions.days[0]
    assert trade.filled_utc == pd.Timestamp("2024-03-05 21:00")


def test_next_open_fills_at_the_open_and_else_at_that_close() -> None:
    world = market(
        {"XNYS": {"A": [10.0, 20.0, 30.0], "B": [10.0, 20.0, 40.0]}},
        opens={"XNYS": {"A": [9.0, 16.0, 29.0]}},
    )
    terms = FREE.model_copy(update={"at": "next_open"})
    told = run(world, {0: {"A": 0.4, "B": 0.4}}, terms)
    trades = told.trades.set_index("asset")
    assert trades["price"].to_dict() == {"A": 16.0, "B": 20.0}
    assert trades["filled_utc"]["A"] == pd.Timestamp("2024-03-05 14:30")
    # 400 at 16 are 25 units, worth 500 at the close; then 40 % of 1100 go into B
    assert told.holdings.iloc[1].to_dict() == {"A": 25.0, "B": 22.0}
    assert told.nav.tolist() == [1000.0, 1100.0, 25 * 30 + 22 * 40 + 160.0]
    assert any("opening price" in note and "B" in note for note in told.notes)


def test_an_open_before_the_first_close_is_a_price() -> None:
    """New York opens after Hong Kong's home close: A is held before it has a close."""
    world = market(
        {"XHKG": {"H": [1.0] * 4}, "XNYS": {"A": [None, None, 10.0, 11.0]}},
        opens={"XNYS": {"A": [None, None, 8.0, 10.0]}},
        hours={"XHKG": ("09:00", "16:00")},
        rates={"HKD": 1.0},
        home="XHKG",
    )
    terms = FREE.model_copy(update={"at": "next_open"})
    told = run(world, {0: {"A": 0.8}}, terms)
    assert told.trades["price"].tolist() == [8.0]
    assert told.price["A"].iloc[2] == 8.0
    assert told.nav.iloc[2] == 1000.0
    assert told.nav.iloc[3] == 1000.0 + 100.0 * 2.0


def test_an_open_that_has_passed_is_not_made_up_for_at_the_close() -> None:
    """Seoul decides at 06:30, five hours into Hong Kong's session."""
    world = market(
        {"XKRX": {"K": [1.0] * 4}, "XHKG": {"H": [5.0, 6.0, 7.0, 8.0]}},
        opens={"XHKG": {"H": [5.5, 6.5, 7.5, 8.5]}},
        rates={"HKD": 1.0, "KRW": 1.0},
        home="XKRX",
        base="KRW",
    )
    told = run(world, {1: {"H": 0.5}}, FREE.model_copy(update={"at": "next_open"}))
    assert told.trades["price"].tolist() == [7.5]


def test_a_stale_holding_funds_nothing() -> None:
    """A's sale might come on any open day, but nobody has seen a price for a week."""
    world = market(
        {
            "XNYS": {"A": [10.0, 10.0, *[None] * 8], "B": [1.0] * 10},
            "XHKG": {"H": [5.0] * 10},
        },
        rates={"HKD": 1.0},
    )
    fresh = run(world, {0: {"A": 0.9}, 2: {"H": 0.9}})
    assert fresh.trades["value"].tolist() == pytest.approx([900.0, 900.0])
    stale = run(world, {0: {"A": 0.9}, 7: {"H": 0.9}})
    assert stale.trades["value"].tolist() == pytest.approx([900.0, 100.0])


def test_an_order_waits_for_a_closed_market_and_a_new_one_replaces_it() -> None:
    world = market(
        {"XNYS": {"A": [10.0] * 6}, "XHKG": {"H": [5.0, 5.0, 6.0, 7.0, 8.0, 9.0]}},
        closed={"XHKG": [1, 2, 4]},
        rates={"HKD": 1.0},
    )
    told = run(world, {0: {"H": 0.5}})
    assert told.trades["price"].tolist() == [7.0]
    assert told.trades["waited"].tolist() == [2]
    assert told.waiting["H"].tolist() == [False, True, True, False, False, False]
    assert told.notes == (
        "orders that waited for a closed market: 1, for 2.0 sessions on average, 2 at "
        "most",
    )
    replaced = run(world, {0: {"H": 0.5}, 2: {"A": 0.5}})
    assert replaced.trades["asset"].tolist() == ["A"]
    assert not replaced.waiting["H"].iloc[3:].any()


def test_an_order_waits_for_a_bar_on_an_open_day() -> None:
    world = market({"XNYS": {"A": [10.0, None, 12.0, 12.0], "B": [1.0] * 4}})
    told = run(world, {0: {"A": 1.0}})
    assert told.trades["price"].tolist() == [12.0]
    assert told.waiting["A"].tolist() == [False, True, False, False]
    assert told.nav.notna().all()


def test_foreign_shares_are_bought_and_valued_at_the_last_known_fix() -> None:
    """The fix of a day is known at 13:15, after Hong Kong's close at 08:00."""
    world = market(
        {"XNYS": {"A": [10.0] * 4}, "XHKG": {"H": [100.0, 100.0, 100.0, 120.0]}},
        rates={"HKD": [8.0, 10.0, 10.0, 5.0]},
    )
    told = run(world, {0: {"H": 0.5}})
    (trade,) = told.trades.itertuples()
    assert trade.fx == pytest.approx(1 / 8)  # the fix of the day before
    assert trade.units == pytest.approx(500 / (100 / 8))
    # 40 shares at the fix of 10, then of 5
    assert told.nav.tolist() == pytest.approx([1000, 500 + 400, 900, 500 + 40 * 24])


def test_an_asian_buy_overdraws_until_the_american_sale_that_funds_it() -> None:
    world = market(
        {"XNYS": {"A": [10.0] * 5}, "XHKG": {"H": [5.0] * 5}}, rates={"HKD": 1.0}
    )
    terms = FREE.model_copy(update={"overdraft_rate": 0.365})
    told = run(world, {0: {"A": 1.0}, 2: {"H": 1.0}}, terms)
    bought, sold = told.trades.iloc[1], told.trades.iloc[2]
    assert bought["asset"] == "H"
    assert bought["value"] == pytest.approx(1000.0)
    assert sold["asset"] == "A"
    # overdrawn by 1000 from 08:00 to 21:00 at 0.1 % a day
    interest = 1000.0 * 0.001 * 13 / 24
    assert told.costs["interest"].iloc[3] == pytest.approx(interest, rel=IDENTITY)
    # then the account owes that interest, at interest, for a day
    assert told.cash["USD"].iloc[4] == pytest.approx(-interest * 1.001, rel=IDENTITY)


def test_a_buy_counts_on_what_a_sale_leaves_after_costs() -> None:
    world = market(
        {"XNYS": {"A": [10.0] * 5}, "XHKG": {"H": [5.0] * 5}}, rates={"HKD": 1.0}
    )
    terms = FREE.model_copy(update={"slippage_bps": 100.0})
    told = run(world, {0: {"A": 1.0}, 2: {"H": 1.0}}, terms)
    bought = 1000 / 1.01
    assert told.trades["value"].tolist() == pytest.approx(
        [bought, bought * 0.99 / 1.01, bought]
    )
    assert told.cash["USD"].tolist() == pytest.approx([1000, 0, 0, 0, 0], abs=1e-9)


def test_a_sale_that_cannot_fill_by_the_home_close_funds_nothing() -> None:
    """New York is shut the day before Hong Kong buys: the buy takes the cash left."""
    world = market(
        {"XHKG": {"H": [5.0] * 6}, "XNYS": {"A": [10.0] * 6}},
        closed={"XNYS": [3]},
        rates={"HKD": 1.0},
        home="XHKG",
        base="HKD",
    )
    told = run(world, {0: {"A": 0.9}, 3: {"H": 0.9}})
    assert told.trades["asset"].tolist() == ["A", "H", "A"]
    assert told.trades["value"].tolist() == pytest.approx([900.0, 100.0, 900.0])
    assert told.cash["HKD"].tolist() == pytest.approx([1000, 100, 100, 100, 0, 900])
    assert any("80.0% of NAV stayed unbought" in note for note in told.notes)


def test_a_sale_that_fails_on_an_open_day_leaves_an_overdraft() -> None:
    """Nobody knows when Hong Kong closes that A will have no price in New York."""
    world = market(
        {"XNYS": {"A": [10.0, 10.0, 10.0, 10.0, None, 10.0]}, "XHKG": {"H": [5.0] * 6}},
        rates={"HKD": 1.0},
    )
    told = run(world, {0: {"A": 0.9}, 3: {"H": 0.9}})
    assert told.cash["USD"].tolist() == pytest.approx([1000, 100, 100, 100, -800, 100])
    assert told.waiting["A"].tolist() == [False] * 4 + [True, False]


def test_foreign_proceeds_stay_until_the_next_home_close_and_pay_the_spread() -> None:
    world = market(
        {"XNYS": {"A": [10.0] * 5}, "XHKG": {"H": [8.0] * 5}},
        rates={"HKD": [8.0, 8.0, 8.0, 4.0, 4.0]},
        hours={"XHKG": ("01:30", "08:00")},
    )
    terms = FREE.model_copy(update={"fx_spread_bps": 100.0})
    told = run(world, {0: {"H": 0.5}, 2: {"H": 0.0}}, terms)
    bought, sold = told.trades.iloc[0], told.trades.iloc[1]
    assert bought["value"] == pytest.approx(500.0)
    assert bought["fx_cost"] == pytest.approx(5.0)
    assert sold["units"] == -500.0
    # sold for 4000 HKD at 08:00, when the fix was 8; swept at 21:00, at the fix of 4
    assert sold["fx"] == pytest.approx(1 / 8)
    assert sold["fx_cost"] == pytest.approx(4000 / 4 * 0.01)
    assert told.cash["USD"].iloc[-1] == pytest.approx(1000 - 505 + 1000 * 0.99)
    assert told.costs["fx"].tolist() == pytest.approx([0.0, 5.0, 0.0, 10.0, 0.0])
    assert (told.cash["HKD"] == 0.0).all()


def test_slippage_and_dated_taxes_are_charged_where_they_arise() -> None:
    world = market(
        {"XHKG": {"H": [10.0] * 5}}, home="XHKG", base="HKD", rates={"HKD": 8.0}
    )
    terms = Execution(capital=1000.0, slippage_bps=10.0)
    told = run(world, {0: {"H": 0.5}, 2: {"H": 0.0}}, terms)
    assert told.trades["slippage"].tolist() == pytest.approx([0.5, 0.5])
    assert told.trades["tax"].tolist() == pytest.approx([0.5, 0.5])
    assert told.costs.sum().to_dict() == pytest.approx(
        {"slippage": 1.0, "tax": 1.0, "fx": 0.0, "interest": 0.0}
    )
    assert told.nav.tolist() == pytest.approx([1000, 999, 999, 998, 998])


def test_buys_are_scaled_to_the_cash_that_costs_leave() -> None:
    world = market({"XNYS": {"A": [10.0] * 3, "B": [10.0] * 3}})
    terms = FREE.model_copy(update={"slippage_bps": 100.0})
    told = run(world, {0: {"A": 0.75, "B": 0.25}}, terms)
    assert told.cash["USD"].iloc[1] == pytest.approx(0.0, abs=1e-9)
    assert told.trades["value"].tolist() == pytest.approx([750 / 1.01, 250 / 1.01])
    assert told.nav.iloc[1] == pytest.approx(1000 / 1.01)


def test_cash_earns_interest_by_the_calendar() -> None:
    world = market({"XNYS": {"A": [10.0] * 7}})  # Monday to the next Tuesday
    terms = FREE.model_copy(update={"cash_rate": 0.0365})
    told = run(world, {}, terms)
    days = [1, 1, 1, 1, 3, 1]
    expected = [1000.0]
    for count in days:
        expected.append(expected[-1] * (1 + 0.0001 * count))
    assert told.nav.tolist() == pytest.approx(expected, rel=IDENTITY)
    assert told.costs["interest"].iloc[5] == pytest.approx(-expected[4] * 0.0003)


def test_a_late_listing_is_not_tradeable_before_its_first_bar() -> None:
    seen: list[pd.Series] = []
    world = market({"XNYS": {"A": [10.0] * 4, "NEW": [None, None, 5.0, 6.0]}})
    days = world.home.sessions.days

    def policy(
        session: pd.Timestamp, moment: object, account: AccountView
    ) -> pd.Series:
        seen.append(account.tradeable)
        return pd.Series({"NEW": 0.5})

    told = simulate(
        world, name="late", assets=list(world.lines.values()),
        decide_at=days[:3], policy=policy, execution=FREE, base="USD",
        schedule=schedule("none"), start=days[0].date(), end=days[-1].date(),
    )  # fmt: skip
    assert [row["NEW"] for row in seen] == [False, False, True]
    # the order of row 1 waits for the listing on row 2; it fills at its first close
    assert told.trades["price"].tolist()[0] == 5.0
    assert told.nav.tolist()[-1] == pytest.approx(1000 + 100 * 1.0)


def test_a_feed_that_ends_values_but_does_not_trade() -> None:
    world = market({"XNYS": {"A": [10.0, 10.0, 12.0, *[None] * 9], "B": [1.0] * 12}})
    told = run(world, {0: {"A": 0.5}, 9: {"B": 0.5}})
    assert told.trades["asset"].tolist() == ["A", "B"]  # A's sale never fills
    assert told.nav.iloc[-1] == pytest.approx(1100.0)
    assert told.stale["A"].tolist() == [False] * 8 + [True] * 4  # older than 5
    assert told.waiting["A"].tolist() == [False] * 10 + [True, True]
    assert any("stale price on 4 sessions: A" in note for note in told.notes)
    assert any("still open at the end: A" in note for note in told.notes)


def test_stale_prices_are_shown_to_the_policy() -> None:
    seen: list[pd.Series] = []
    world = market({"XNYS": {"A": [10.0, *[None] * 8], "B": [1.0] * 9}})
    days = world.home.sessions.days

    def policy(session: pd.Timestamp, moment: object, account: AccountView) -> None:
        seen.append(account.tradeable)

    simulate(
        world, name="stale", assets=list(world.lines.values()), decide_at=days,
        policy=policy, execution=FREE, base="USD", schedule=schedule("none"),
        start=days[0].date(), end=days[-1].date(),
    )  # fmt: skip
    assert [bool(row["A"]) for row in seen] == [True] * 6 + [False] * 3


def test_an_asset_is_not_traded_before_the_first_fix_of_its_currency() -> None:
    world = market(
        {"XNYS": {"A": [1.0] * 5}, "XHKG": {"H": [8.0] * 5}},
        rates={"HKD": [None, None, 8.0, 8.0, 8.0]},
    )
    told = run(world, {0: {"H": 0.5}})
    # the fix of row 2 comes after Hong Kong's close of row 2
    assert told.trades["session"].tolist() == [world.home.sessions.days[3]]
    assert told.nav.tolist() == [1000.0] * 5


def test_a_policy_that_says_nothing_leaves_orders_open() -> None:
    world = market(
        {"XNYS": {"A": [1.0] * 5}, "XHKG": {"H": [8.0] * 5}},
        closed={"XHKG": [1, 2]},
        rates={"HKD": 8.0},
    )
    days = world.home.sessions.days
    firsts: list[bool] = []

    def policy(
        session: pd.Timestamp, moment: object, account: AccountView
    ) -> pd.Series | None:
        firsts.append(account.first)
        return pd.Series({"H": 0.5}) if session == days[0] else None

    told = simulate(
        world, name="none", assets=list(world.lines.values()), decide_at=days[:3],
        policy=policy, execution=FREE, base="USD", schedule=schedule("none"),
        start=days[0].date(), end=days[-1].date(),
    )  # fmt: skip
    assert firsts == [True, False, False]
    assert told.trades["waited"].tolist() == [2]
    assert told.targets.index.tolist() == [days[0]]


def test_the_account_opens_on_the_first_home_session_of_the_period() -> None:
    world = market({"XNYS": {"A": [1.0, 2.0, 3.0, 4.0]}}, closed={"XNYS": [1]})
    days = world.home.sessions.days
    told = simulate(
        world, name="later", assets=list(world.lines.values()), decide_at=days[1:2],
        policy=fixed({days[1]: pd.Series({"A": 1.0})}), execution=FREE, base="USD",
        schedule=schedule("none"),
        start=(days[0] + pd.Timedelta(days=1)).date(), end=days[-1].date(),
    )  # fmt: skip
    assert told.nav.index.tolist() == days[1:].tolist()
    assert told.nav.tolist() == [1000.0, 1000.0]
