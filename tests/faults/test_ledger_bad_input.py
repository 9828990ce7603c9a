"""Missing prices and rates, ends on the wrong day, no capital, gaps in a table."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pydantic
import pytest

from engine.costs.applied import APPLIED_COLUMNS, applied_rules
from engine.costs.charges import schedule_for
from engine.costs.fees import FEE_COLUMNS, FeeSchedule, read_fees
from engine.costs.rules import read_rules
from engine.errors import DataError
from engine.ledger.backtest import Backtest
from engine.ledger.batch import play_schedule, simulate_schedules
from engine.ledger.simulate import AccountView, fixed, play
from engine.ledger.tape import Tape, record
from engine.market.market import Market
from engine.thesis.model import Charge, Execution
from tests.markets import market

FREE = Execution(capital=1000.0, slippage_bps=0.0, fees="none")


def tape_of(
    world: Market, schedule: FeeSchedule | None = None, **terms: object
) -> Tape:
    execution = FREE.model_copy(update=terms)
    days = world.home.sessions.days
    return record(
        world, list(world.lines.values()), execution=execution, base=world.home.base,
        schedule=schedule or schedule_for(execution), start=days[0].date(),
        end=days[-1].date(),
    )  # fmt: skip


def weights_of(
    tape: Tape, targets: Mapping[int, Mapping[str, float]]
) -> dict[pd.Timestamp, pd.Series]:
    return {
        tape.days[row]: pd.Series(told).reindex(tape.symbols, fill_value=0.0)
        for row, told in targets.items()
    }


def readable(tape: Tape, targets: Mapping[int, Mapping[str, float]]) -> Backtest:
    wanted = weights_of(tape, targets)
    return play(
        tape, name="x", decide_at=pd.DatetimeIndex(list(wanted)), policy=fixed(wanted)
    )


def compiled(tape: Tape, targets: Mapping[int, Mapping[str, float]]) -> Backtest:
    wanted = weights_of(tape, targets)
    return play_schedule(
        tape, {day: one.to_numpy() for day, one in wanted.items()}, name="x"
    )


BOTH = pytest.mark.parametrize("walk", [readable, compiled])
Walk = Callable[[Tape, Mapping[int, Mapping[str, float]]], Backtest]


@BOTH
def test_no_price_at_all_on_a_rebalance(walk: Walk) -> None:
    """Nothing trades, everything keeps its last value, and the orders wait."""
    world = market(
        {
            "XNYS": {
                "A": [10.0, 10.0, None, None, 12.0],
                "B": [5.0, 5.0, None, None, 6.0],
            }
        }
    )
    told = walk(tape_of(world), {0: {"A": 0.5}, 2: {"B": 0.5}})
    assert told.nav.tolist() == pytest.approx([1000, 1000, 1000, 1000, 1100])
    assert told.trades["asset"].tolist() == ["A", "A", "B"]
    assert told.trades["waited"].tolist() == [0, 1, 1]


@BOTH
def test_a_delisting_on_the_day_of_the_rebalance(walk: Walk) -> None:
    """More is asked for at its last close: nothing is bought, and it is paid out."""
    world = market(
        {"XNYS": {"A": [10.0, 10.0, 12.0, None, None], "B": [1.0] * 5}},
        delisted={"A": 2},
    )
    told = walk(tape_of(world), {0: {"A": 0.5}, 2: {"A": 0.9, "B": 0.1}})
    assert told.trades["asset"].tolist() == ["A", "B"]
    assert told.holdings["A"].tolist() == [0.0, 50.0, 50.0, 0.0, 0.0]
    assert not told.waiting["A"].any()
    # B's tenth is sized on 1100 after A's 600 came in
    assert told.trades["value"].iloc[1] == pytest.approx(110.0)
    assert told.nav.tolist() == pytest.approx([1000, 1000, 1100, 1100, 1100])


def test_what_is_delisted_is_not_tradeable_from_the_next_session_on() -> None:
    world = market(
        {"XNYS": {"A": [10.0, 10.0, None, None], "B": [1.0] * 4}}, delisted={"A": 1}
    )
    tape, seen = tape_of(world), []

    def policy(session: pd.Timestamp, moment: object, account: AccountView) -> None:
        seen.append(bool(account.tradeable["A"]))

    play(tape, name="x", decide_at=tape.days, policy=policy)
    assert seen == [True, True, False, False]


@BOTH
def test_bars_after_the_end_of_a_listing_do_not_trade(walk: Walk) -> None:
    world = market({"XNYS": {"A": [10.0] * 5, "B": [1.0] * 5}}, delisted={"A": 1})
    told = walk(tape_of(world), {2: {"A": 0.5, "B": 0.5}})
    assert told.trades["asset"].tolist() == ["B"]


@BOTH
def test_a_day_without_a_fix_takes_the_last_one(walk: Walk) -> None:
    world = market(
        {"XNYS": {"A": [10.0] * 4}, "XHKG": {"H": [8.0] * 4}},
        rates={"HKD": [8.0, 8.0, None, 16.0]},
    )
    told = walk(tape_of(world), {0: {"H": 0.5}})
    assert told.nav.tolist() == pytest.approx([1000, 1000, 1000, 750])


@BOTH
def test_a_currency_that_never_has_a_rate_is_never_traded(walk: Walk) -> None:
    world = market(
        {"XNYS": {"A": [10.0] * 4}, "XHKG": {"H": [8.0] * 4}},
        rates={"HKD": [None] * 4},
    )
    told = walk(tape_of(world), {0: {"H": 0.5}})
    assert told.trades.empty
    assert told.waiting["H"].tolist() == [False, True, True, True]


def test_no_capital_is_refused_where_it_is_written_and_where_it_is_used() -> None:
    with pytest.raises(pydantic.ValidationError, match="greater than 0"):
        Execution(capital=0.0)
    broke = tape_of(market({"XNYS": {"A": [10.0] * 3}}), capital=0.0)
    for walk in (readable, compiled):
        with pytest.raises(DataError, match=r"is worth 0\.00 on 2024-03"):
            walk(broke, {0: {"A": 0.5}})


@BOTH
def test_charges_that_eat_the_capital_are_named_with_the_account(walk: Walk) -> None:
    """Five a trade out of two: no wrong price is to be looked for."""
    world = market({"XNYS": {"A": [10.0] * 5, "B": [5.0] * 5}})
    charge = Charge(item="c", markets=("XNYS",), side="sell", minimum=5.0)
    tiny = tape_of(world, capital=2.0, charges=(charge,))
    with pytest.raises(
        DataError,
        match=r"the account 'x' is worth -3\.00 on 2024-03-07: charges per order have "
        r"taken 5\.00 of a capital of 2\.00\. Raise execution\.capital",
    ) as caught:
        walk(tiny, {0: {"A": 0.5}, 2: {"B": 0.5}})
    assert "wrong prices" not in str(caught.value)


@BOTH
def test_an_overdraft_that_lasts_is_said_and_costs(walk: Walk) -> None:
    """Hong Kong was bought for an American sale that then did not come."""
    world = market(
        {"XNYS": {"A": [10.0, 10.0, 10.0, 10.0, None, 10.0]}, "XHKG": {"H": [5.0] * 6}},
        rates={"HKD": 1.0},
    )
    tape = dataclasses.replace(tape_of(world), owe=np.array([0.365, 0.0]))
    told = walk(tape, {0: {"A": 0.9}, 3: {"H": 0.9}})
    assert told.cash["USD"].iloc[4] == pytest.approx(-800.0 * (1 + 0.001 * 13 / 24))
    assert any(
        "overdrawn at 1 home close, by 80.1% of NAV at worst" in note
        for note in told.notes
    )


def gapped(tmp_path: Path) -> FeeSchedule:
    table = tmp_path / "fees.csv"
    header = ",".join(["mics", *FEE_COLUMNS[1:]])
    table.write_text(
        f"{header}\n"
        "XNYS,duty,0.001,both,,2024-03-05,trade,verified,x,\n"
        "XNYS,duty,0.002,both,2024-03-08,,trade,verified,x,\n",
        encoding="utf-8",
    )
    return FeeSchedule(name="gapped", rows=read_fees(table))


@BOTH
def test_a_fee_table_with_a_gap_between_dates(walk: Walk, tmp_path: Path) -> None:
    world = market({"XNYS": {"A": [10.0] * 6}})
    tape = tape_of(world, gapped(tmp_path))
    fine = walk(tape, {0: {"A": 0.5}, 3: {"A": 0.1}})  # 5 and 8 March
    assert fine.trades["tax"].iloc[0] == pytest.approx(0.5)
    with pytest.raises(
        DataError,
        match=r"no rate of 'duty' for a buy on XNYS on 2024-03-06 \(trade date\); the "
        "table has a gap between 2024-03-05 and 2024-03-08",
    ):
        walk(tape, {1: {"A": 0.5}})


def test_charges_that_cannot_be_meant() -> None:
    def told(**given: object) -> Charge:
        return Charge.model_validate({"item": "c", "markets": ["XNYS"], **given})

    with pytest.raises(DataError, match="'c' is at least 5 and at most 1"):
        schedule_for(Execution(charges=(told(minimum=5.0, maximum=1.0),)))
    with pytest.raises(DataError, match="'c' of XNYS is given twice"):
        schedule_for(Execution(charges=(told(), told(rate=0.1))))
    ended = told(effective_to=dt.date(2024, 1, 1))
    schedule_for(Execution(charges=(ended, told(effective_from=dt.date(2024, 1, 2)))))


def test_an_own_charge_replaces_the_table_s_item_in_its_market_only() -> None:
    mine = Charge(item="stamp duty", markets=("XHKG",), rate=0.005)
    schedule, day = schedule_for(Execution(charges=(mine,))), dt.date(2024, 3, 4)
    assert schedule.rate("XHKG", "buy", day, day) == 0.005
    assert schedule.rate("XSHG", "sell", day, day) == 0.0005
    own = schedule.applied(
        list(market({"XHKG": {"H": [1.0]}}, rates={"HKD": 1.0}).lines.values()),
        day,
        day,
    )
    assert own["source"].tolist() == ["the thesis"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("XHKG,,lots,100,,,,,,", r"rules.csv:2: cannot be read: item 'lots'"),
        ("XHKG,,price limit,10,,,,,,", r"price limit 10.0 cannot be meant"),
        ("XHKG,,board lot,many,,,,,,", r"cannot be read"),
        ("XHKG,,board lot,1,,2024-13-01,,,,", r"cannot be read"),
    ],
)
def test_a_table_of_rules_that_cannot_be_used(
    tmp_path: Path, row: str, message: str
) -> None:
    table = tmp_path / "rules.csv"
    header = (
        "mics,symbols,item,value,slack,effective_from,effective_to,status,source,note"
    )
    table.write_text(f"{header},source,note\n{row}\n", encoding="utf-8")
    with pytest.raises(DataError, match=message):
        read_rules(table)


def test_the_rules_in_force_can_be_printed() -> None:
    world = market({"XKRX": {"005930.KS": [1.0]}}, rates={"KRW": 1.0}, home="XKRX")
    told = applied_rules(
        Execution(short_margin=1.0, slippage_bps=0.0), list(world.lines.values()),
        dt.date(2024, 1, 1), dt.date(2024, 12, 31), raw={"005930.KS"}, base="KRW",
    )  # fmt: skip
    assert tuple(told.columns) == APPLIED_COLUMNS
    assert dict(zip(told["rule"], told["value"], strict=True)) == {
        "slippage": 0.0, "short margin": 1.0, "borrow": 0.0, "board lot": 1.0,
        "price limit": 0.3, "short sales": 0.0, "withholding": 0.165,
    }  # fmt: skip


@BOTH
@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"A": -0.7}, r"shorts of 70.0% of NAV ask for a margin of 105.0% of it"),
        ({"600000.SS": -0.1}, r"600000.SS is negative; XSHG allows no short sales"),
        ({"L": -0.1}, r"L is negative; XLON allows no short sales that day, or nobody"),
    ],
)
def test_shorts_that_are_not_allowed(
    walk: Walk, weights: dict[str, float], message: str
) -> None:
    world = market(
        {"XNYS": {"A": [10.0] * 3}, "XSHG": {"600000.SS": [10.0] * 3},
         "XLON": {"L": [10.0] * 3}},
        rates={"CNY": 7.0, "GBP": 0.8}, currency={"XLON": "GBP"},
        hours={"XLON": ("08:00", "16:30")},
    )  # fmt: skip
    with pytest.raises(DataError, match=message):
        walk(tape_of(world, short_margin=1.5), {0: weights})


def test_korea_s_ban_on_short_sales_ends_on_its_day() -> None:
    world = market(
        {"XKRX": {"005930.KS": [10.0] * 6}}, rates={"KRW": 1.0}, home="XKRX",
        base="KRW", first=dt.date(2025, 3, 26),
    )  # fmt: skip
    tape = tape_of(world, short_margin=1.0)
    assert tape.rules.short[:, 0].tolist() == [False] * 3 + [True] * 3
    assert readable(tape, {3: {"005930.KS": -0.5}}).holdings.iloc[-1, 0] == -50.0


def test_schedules_of_the_wrong_shape_or_order() -> None:
    tape = tape_of(market({"XNYS": {"A": [10.0] * 4, "B": [1.0] * 4}}))
    days = tape.days[:2]
    with pytest.raises(DataError, match=r"\(schedules, 2 decisions, 2 assets\)"):
        simulate_schedules(tape, np.zeros((3, 2, 1)), days)
    with pytest.raises(DataError, match="must be increasing"):
        simulate_schedules(tape, np.zeros((3, 2, 2)), days[::-1])
    bad = np.full((2, 2, 2), 0.4)
    bad[1, 1] = 0.7
    with pytest.raises(DataError, match=r"weights of 2024-03-05 sum to 1\.4"):
        simulate_schedules(tape, bad, days)
    bad[1, 1] = np.nan
    with pytest.raises(DataError, match=r"A(,| and) B have no number"):
        simulate_schedules(tape, bad, days)


def test_a_schedule_that_ruins_the_account_says_what_the_readable_ledger_says() -> None:
    world = market(
        {"XNYS": {"A": [10.0, 10.0, 30.0, 30.0], "B": [1.0] * 4}},
    )
    tape = tape_of(world, short_margin=1.0)
    weights = np.zeros((2, 1, 2))
    weights[:, 0, 0] = 0.5, -0.9
    with pytest.raises(DataError, match=r"worth -800\.00 on 2024-03-06"):
        simulate_schedules(tape, weights, tape.days[:1])
