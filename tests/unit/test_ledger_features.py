"""Lots, limits, dividends, splits, delistings, shorts, impact: with a pencil, twice.

Every case is walked by the readable account and by the compiled one.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest

from engine.costs.charges import schedule_for
from engine.ledger.backtest import Backtest
from engine.ledger.batch import play_schedule
from engine.ledger.simulate import fixed, play
from engine.ledger.tape import record
from engine.market.market import Market
from engine.thesis.model import Charge, Execution
from tests.ledger_twins import check_twins
from tests.markets import market
from tests.tolerances import IDENTITY

NO_ACTIONS: tuple[dict[int, float], dict[int, float]] = ({}, {})
FREE = Execution(capital=1000.0, slippage_bps=0.0, fees="none")


def run(
    world: Market, targets: Mapping[int, Mapping[str, float]], **terms: object
) -> Backtest:
    """Play target weights given by row of the home calendar, by both ledgers."""
    execution = Execution(**{**FREE.model_dump(), **terms})  # type: ignore[arg-type]
    days = world.home.sessions.days
    tape = record(
        world,
        list(world.lines.values()),
        execution=execution,
        base=world.home.base,
        schedule=schedule_for(execution),
        start=days[0].date(),
        end=days[-1].date(),
    )
    wanted = {
        days[row]: pd.Series(weights).reindex(tape.symbols, fill_value=0.0)
        for row, weights in targets.items()
    }
    told = play(
        tape, name="t", decide_at=pd.DatetimeIndex(list(wanted)), policy=fixed(wanted)
    )
    arrays = {day: one.to_numpy() for day, one in wanted.items()}
    check_twins(told, play_schedule(tape, arrays, name="t"))
    return told


def test_board_lots_leave_the_rest_in_cash() -> None:
    world = market(
        {"XHKG": {"0700.HK": [3.0] * 5}}, home="XHKG", base="HKD",
        rates={"HKD": 1.0}, raw={"0700.HK": NO_ACTIONS},
    )  # fmt: skip
    told = run(world, {0: {"0700.HK": 0.8}, 2: {"0700.HK": 0.5}})
    # 800 buys 266 shares: two lots of 100; then 500 asks for 166: one lot is sold
    assert told.holdings["0700.HK"].tolist() == [0.0, 200.0, 200.0, 200.0, 200.0]
    assert told.cash["HKD"].iloc[1] == pytest.approx(400.0)
    small = run(world, {0: {"0700.HK": 0.8}}, lots={"0700.HK": 7})
    assert small.holdings["0700.HK"].iloc[1] == 266.0  # 38 lots of 7
    broken = run(world, {0: {"0700.HK": 0.8}}, fractional=True)
    assert broken.holdings["0700.HK"].iloc[1] == pytest.approx(800 / 3)


def test_the_last_of_a_position_may_be_odd() -> None:
    world = market(
        {"XHKG": {"0700.HK": [3.0] * 5}}, home="XHKG", base="HKD", rates={"HKD": 1.0},
        raw={"0700.HK": ({}, {2: 1.5})},
    )  # fmt: skip
    told = run(world, {0: {"0700.HK": 0.8}, 3: {"0700.HK": 0.0}})
    assert told.holdings["0700.HK"].tolist() == [0.0, 200.0, 300.0, 300.0, 0.0]


def test_total_return_prices_trade_in_fractions() -> None:
    world = market({"XHKG": {"0700.HK": [3.0] * 3}}, home="XHKG", base="HKD",
                   rates={"HKD": 1.0})  # fmt: skip
    told = run(world, {0: {"0700.HK": 0.8}})
    assert told.holdings["0700.HK"].iloc[1] == pytest.approx(800 / 3)


@pytest.mark.parametrize(
    ("symbol", "mic", "limit"),
    [
        ("600000.SS", "XSHG", 0.1),
        ("688256.SS", "XSHG", 0.2),
        ("005930.KS", "XKRX", 0.3),
    ],
)
def test_nothing_is_bought_at_the_upper_limit(
    symbol: str, mic: str, limit: float
) -> None:
    up, money = 100 * (1 + limit), {"XSHG": "CNY", "XKRX": "KRW"}[mic]
    world = market(
        {mic: {symbol: [100.0, up, up * 1.01, up * 1.01, up * 1.01]}}, home=mic,
        base=money, rates={money: 1.0}, raw={symbol: NO_ACTIONS},
    )  # fmt: skip
    told = run(world, {0: {symbol: 0.9}}, fractional=True)
    (trade,) = told.trades.itertuples()
    assert trade.price == up * 1.01  # the day after: 1 % from the close before
    assert trade.waited == 1
    # a tenth less is no limit
    free = market(
        {mic: {symbol: [100.0, 100 * (1 + 0.9 * limit), 100.0]}}, home=mic, base=money,
        rates={money: 1.0}, raw={symbol: NO_ACTIONS},
    )  # fmt: skip
    assert run(free, {0: {symbol: 0.9}}, fractional=True).trades["waited"].tolist() == [
        0
    ]


def test_a_limit_locks_one_side_only() -> None:
    world = market(
        {"XSHG": {"600000.SS": [100.0, 100.0, 110.0, 99.0, 99.0]}}, home="XSHG",
        base="CNY", rates={"CNY": 1.0}, raw={"600000.SS": NO_ACTIONS},
    )  # fmt: skip
    sold = run(world, {0: {"600000.SS": 0.9}, 1: {"600000.SS": 0.0}}, fractional=True)
    assert sold.trades["price"].tolist() == [100.0, 110.0]  # up: sales go on
    late = run(world, {0: {"600000.SS": 0.9}, 2: {"600000.SS": 0.0}}, fractional=True)
    assert late.trades["price"].tolist() == [100.0, 99.0]
    assert late.trades["waited"].tolist() == [0, 1]  # down 10 % on row 3: no sale


def test_a_jump_beyond_every_limit_shows_that_there_was_none() -> None:
    world = market(
        {"XSHG": {"600000.SS": [100.0, 150.0, 150.0]}}, home="XSHG", base="CNY",
        rates={"CNY": 1.0}, raw={"600000.SS": NO_ACTIONS},
    )  # fmt: skip
    told = run(world, {0: {"600000.SS": 0.9}}, fractional=True)
    assert told.trades["waited"].tolist() == [0]


def test_a_limit_counts_from_the_price_without_the_dividend() -> None:
    """100 less 10 is 90; 99 is 10 % above that, and 1 % below the close before."""
    world = market(
        {"XSHG": {"600000.SS": [100.0, 99.0, 99.0, 99.0]}}, home="XSHG", base="CNY",
        rates={"CNY": 1.0}, raw={"600000.SS": ({1: 10.0}, {})},
    )  # fmt: skip
    told = run(world, {0: {"600000.SS": 0.9}}, fractional=True)
    assert told.trades["waited"].tolist() == [1]


def test_a_dividend_is_cash_on_the_ex_date_less_withholding() -> None:
    world = market(
        {"XSHG": {"600000.SS": [10.0, 10.0, 9.0, 9.0]}, "XNYS": {"A": [1.0] * 4}},
        rates={"CNY": 8.0}, raw={"600000.SS": ({2: 1.0}, {})},
    )  # fmt: skip
    told = run(world, {0: {"600000.SS": 0.5}}, fx_spread_bps=100.0, fractional=True)
    units = 500 / (10 / 8)
    assert told.holdings["600000.SS"].iloc[-1] == pytest.approx(units)
    gross = units * 1.0 / 8
    assert told.dividends["600000.SS"].tolist() == pytest.approx([0, 0, gross, 0])
    assert told.costs["withholding"].tolist() == pytest.approx([0, 0, 0.1 * gross, 0])
    before = 1000 - 500 * 1.01
    assert told.cash["USD"].tolist() == pytest.approx(
        [1000, before, before + 0.9 * gross * 0.99, before + 0.9 * gross * 0.99]
    )
    (row,) = told.actions.itertuples()
    assert (row.kind, row.value, row.session) == (
        "dividend", 1.0, world.home.sessions.days[2],
    )  # fmt: skip
    assert (row.paid, row.withheld) == pytest.approx((gross, 0.1 * gross))
    mine = run(world, {0: {"600000.SS": 0.5}}, withholding={"XSHG": 0.25})
    assert mine.costs["withholding"].sum() == pytest.approx(0.25 * 400 / 8)


def test_who_buys_at_the_close_of_the_ex_day_gets_no_dividend() -> None:
    world = market(
        {"XNYS": {"A": [10.0, 10.0, 9.0, 9.0, 9.0]}}, raw={"A": ({2: 1.0}, {})}
    )
    # decided on row 1, filled at the close of the ex-day itself: bought ex
    bought = run(world, {1: {"A": 0.9}})
    assert bought.dividends.to_numpy().sum() == 0.0
    # a sale that fills at the close of the ex-day still has the dividend
    sold = run(world, {0: {"A": 0.9}, 1: {"A": 0.0}})
    assert sold.dividends["A"].tolist() == pytest.approx([0, 0, 90, 0, 0])


def test_an_open_on_the_ex_day_is_ex() -> None:
    """At the open of row 2 the 90 shares are paid 90 and sold at 9."""
    world = market(
        {"XNYS": {"A": [10.0, 10.0, 9.0, 9.0]}},
        opens={"XNYS": {"A": [10.0, 10.0, 9.0, 9.0]}}, raw={"A": ({2: 1.0}, {})},
    )  # fmt: skip
    told = run(world, {0: {"A": 0.9}, 1: {"A": 0.5}}, at="next_open")
    assert told.nav.tolist() == pytest.approx([1000.0] * 4)
    assert told.dividends["A"].iloc[2] == pytest.approx(90.0)
    # half of 1000 at 9: 55 whole shares are wanted, 34.44 sold, in whole ones 34
    assert told.holdings["A"].iloc[2] == 56.0


def test_a_split_changes_the_units_and_not_the_worth() -> None:
    world = market(
        {"XNYS": {"A": [100.0, 100.0, 10.0, 11.0], "B": [1.0] * 4}},
        raw={"A": ({}, {2: 10.0})},
    )
    told = run(world, {0: {"A": 0.5}})
    assert told.holdings["A"].tolist() == [0.0, 5.0, 50.0, 50.0]
    assert told.nav.tolist() == pytest.approx([1000, 1000, 1000, 1050])
    assert told.actions["kind"].tolist() == ["split"]


def test_a_split_on_a_day_without_a_bar_still_values_right() -> None:
    world = market(
        {"XNYS": {"A": [100.0, 100.0, None, 11.0], "B": [1.0] * 4}},
        raw={"A": ({}, {2: 10.0})},
    )
    told = run(world, {0: {"A": 0.5}})
    assert told.nav.tolist() == pytest.approx([1000, 1000, 1000, 1050])
    assert told.price["A"].tolist() == pytest.approx([100, 100, 10, 11])


def test_a_split_and_a_dividend_of_one_day() -> None:
    """Two new shares for one, and 5 on each new one: 100 becomes 2 x (45 + 5)."""
    world = market(
        {"XNYS": {"A": [100.0, 100.0, 45.0], "B": [1.0] * 3}},
        raw={"A": ({2: 5.0}, {2: 2.0})},
    )
    told = run(world, {0: {"A": 0.5}})
    assert told.holdings["A"].iloc[2] == 10.0
    assert told.dividends["A"].iloc[2] == pytest.approx(50.0)
    assert told.nav.tolist() == pytest.approx([1000.0] * 3)


@pytest.mark.parametrize(
    ("loss", "left"), [(0.0, 1100.0), (-0.3, 920.0), (-1.0, 500.0)]
)
def test_a_delisted_share_pays_its_last_price_with_what_the_thesis_says(
    loss: float, left: float
) -> None:
    world = market(
        {"XNYS": {"A": [10.0, 10.0, 12.0, None, None], "B": [1.0] * 5}},
        delisted={"A": 2},
    )
    told = run(world, {0: {"A": 0.5}}, delisting_return=loss)
    assert told.nav.tolist() == pytest.approx([1000, 1000, 1100, left, left])
    assert told.holdings["A"].tolist() == [0.0, 50.0, 50.0, 0.0, 0.0]
    (row,) = told.actions.itertuples()
    assert (row.kind, row.units) == ("delisting", 50.0)
    assert not told.stale.to_numpy().any()


def test_a_short_sale_earns_what_falls_and_pays_its_lender() -> None:
    world = market({"XNYS": {"A": [10.0, 10.0, 8.0, 8.0], "B": [1.0] * 4}})
    told = run(world, {0: {"A": -0.5}}, short_margin=1.5, borrow_rate=0.365)
    assert told.holdings["A"].tolist() == [0.0, -50.0, -50.0, -50.0]
    assert told.cash["USD"].iloc[1] == pytest.approx(1500.0)
    # a day's fee on 500 short, then on 400
    assert told.costs["borrow"].tolist() == pytest.approx([0, 0, 0.5, 0.4])
    assert told.nav.tolist() == pytest.approx([1000, 1000, 1099.5, 1099.1])


def test_a_short_position_owes_the_dividend_in_full() -> None:
    world = market(
        {"XNYS": {"A": [10.0, 10.0, 9.0], "B": [1.0] * 3}}, raw={"A": ({2: 1.0}, {})}
    )
    told = run(world, {0: {"A": -0.5}}, short_margin=1.0, withholding={"XNYS": 0.3})
    assert told.dividends["A"].iloc[2] == pytest.approx(-50.0)
    assert told.costs["withholding"].sum() == 0.0
    assert told.nav.tolist() == pytest.approx([1000.0] * 3)


def test_shorts_fund_longs_and_are_bought_back_whole() -> None:
    world = market({"XNYS": {"A": [10.0] * 5, "B": [20.0] * 5}})
    told = run(
        world, {0: {"A": 1.3, "B": -0.3}, 2: {"A": 0.0, "B": 0.0}}, short_margin=1.0
    )
    assert told.holdings.iloc[1].tolist() == pytest.approx([130.0, -15.0])
    assert told.holdings.iloc[3].tolist() == [0.0, 0.0]
    assert told.cash["USD"].iloc[-1] == pytest.approx(1000.0)


def test_a_squeeze_beyond_the_margin_is_said() -> None:
    world = market({"XNYS": {"A": [10.0, 10.0, 16.0, 16.0], "B": [1.0] * 4}})
    told = run(world, {0: {"A": -0.5}}, short_margin=1.5)
    # short 800 against 700: 1.5 x 800 / 700
    assert any("beyond their margin on 2 sessions" in note for note in told.notes)
    assert any("171% of NAV" in note for note in told.notes)


def test_impact_is_the_square_root_law_on_the_days_before() -> None:
    rng = np.random.default_rng(3)
    closes = 100 * np.exp(np.cumsum(rng.normal(0, 0.02, 12)))
    shares = rng.uniform(50, 150, 12)
    world = market(
        {"XNYS": {"A": closes.tolist()}}, volume={"XNYS": {"A": shares.tolist()}}
    )
    told = run(world, {9: {"A": 0.5}}, impact=0.8)
    moves = closes[1:10] / closes[:9] - 1  # known before the session of row 10
    turnover = (closes * shares)[:10].mean()
    rate = 0.8 * moves.std(ddof=1) * np.sqrt(500 / turnover)
    assert told.trades["impact"].tolist() == pytest.approx([500 * rate], rel=IDENTITY)
    assert told.costs["impact"].iloc[10] == pytest.approx(500 * rate, rel=IDENTITY)
    assert told.cash["USD"].iloc[10] == pytest.approx(500 - 500 * rate)


def test_participation_spreads_an_order_over_days() -> None:
    world = market({"XNYS": {"A": [10.0] * 12}}, volume={"XNYS": {"A": [100.0] * 12}})
    told = run(world, {7: {"A": 0.5}}, max_participation=0.2)
    # a fifth of 1000 a day: 200, 200, 100
    assert told.trades["value"].tolist() == pytest.approx([200, 200, 100])
    assert told.trades["waited"].tolist() == [0, 1, 2]
    assert told.waiting["A"].tolist() == [False] * 8 + [True, True, False, False]


def test_lines_without_volume_trade_without_limit_and_a_note_says_so() -> None:
    world = market({"XNYS": {"A": [10.0] * 9}})
    told = run(world, {6: {"A": 0.5}}, max_participation=0.1, impact=1.0)
    assert told.trades["value"].tolist() == [500.0]
    assert any("no turnover is known" in note and "A" in note for note in told.notes)


def test_a_minimum_commission_per_order() -> None:
    charge = Charge(item="commission", markets=("XNYS",), rate=0.001, minimum=2.0)
    world = market({"XNYS": {"A": [10.0] * 5, "B": [10.0] * 5}})
    told = run(
        world, {0: {"A": 0.5, "B": 0.1}, 2: {"A": 0.0, "B": 0.1}}, charges=(charge,),
        capital=10_000.0,
    )  # fmt: skip
    assert told.trades["commission"].iloc[:2].tolist() == pytest.approx([5.0, 2.0])
    # 9,993 left: B is 999.30 of it and is sold for 0.70, which pays a minimum too
    assert told.trades["asset"].tolist() == ["A", "B", "A", "B"]
    assert told.costs["commission"].sum() == pytest.approx(5.0 + 2.0 + 5.0 + 2.0)
    assert told.costs["tax"].sum() == 0.0


def test_a_charge_per_share_with_a_cap_at_raw_prices_only() -> None:
    closes = {"XNYS": {"A": [1.0] * 5}}
    terms = {"fees": "exchange", "capital": 1e6, "fractional": True}
    raw = run(market(closes, raw={"A": NO_ACTIONS}), {0: {"A": 0.9}, 2: {"A": 0.0}},
              **terms)  # fmt: skip
    # sold in March 2024: 900,000 shares x 0.000166 is more than the cap
    assert raw.trades["commission"].tolist() == pytest.approx([0.0, 8.30])
    less = run(market(closes, raw={"A": NO_ACTIONS}), {0: {"A": 0.01}, 2: {"A": 0.0}},
               **terms)  # fmt: skip
    assert less.trades["commission"].tolist() == pytest.approx([0.0, 1.66])
    adjusted = run(market(closes), {0: {"A": 0.9}, 2: {"A": 0.0}}, **terms)
    assert "commission" not in adjusted.costs


def test_foreign_cash_that_stays_earns_and_pays_for_purchases() -> None:
    world = market(
        {"XNYS": {"A": [10.0] * 6}, "XHKG": {"H": [8.0] * 6}}, rates={"HKD": 8.0}
    )
    told = run(
        world, {0: {"H": 0.5}, 2: {"H": 0.25}, 4: {"H": 0.5}}, sweep=False,
        fx_spread_bps=100.0, cash_rates={"HKD": 0.365},
    )  # fmt: skip
    # after paying 5 to convert, a quarter of 995 stays; the rest comes back as HKD
    sold = 500 - 0.25 * 995
    first = sold * 8 * (1 + 0.001 * 13 / 24)  # from 08:00 to 21:00
    assert told.cash["HKD"].iloc[3] == pytest.approx(first)
    assert told.cash["HKD"].iloc[4] == pytest.approx(first * 1.001)
    assert told.trades["fx_cost"].tolist()[1] == 0.0
    # what is bought back is paid in HKD: no conversion
    assert told.trades["fx_cost"].tolist()[2] == pytest.approx(0.0, abs=1e-9)
    assert told.cash["USD"].iloc[-1] == pytest.approx(1000 - 505)


def test_the_effect_of_rates_on_what_was_held() -> None:
    world = market(
        {"XNYS": {"A": [10.0] * 5}, "XHKG": {"H": [8.0, 8.0, 8.0, 16.0, 16.0]}},
        rates={"HKD": [8.0, 8.0, 8.0, 4.0, 4.0]},
    )
    told = run(world, {0: {"H": 0.5}})
    # 500 units; on row 3 price and rate double: f (1 + r) = 1 x 2 of 500
    assert told.fx_effect.tolist() == pytest.approx([0, 0, 0, 1000, 0])
    assert told.nav.tolist() == pytest.approx([1000, 1000, 1000, 2500, 2500])


def test_a_listing_that_is_over_pays_its_last_price_and_no_dividend() -> None:
    world = market(
        {"XNYS": {"A": [10.0, 10.0, 10.0, None], "B": [1.0] * 4}},
        raw={"A": ({3: 1.0}, {})},
        delisted={"A": 2},
    )
    told = run(world, {0: {"A": 0.5}})
    assert told.actions["kind"].tolist() == ["delisting"]
    assert told.nav.tolist() == pytest.approx([1000.0] * 4)
