"""What the barbell is held against, on markets small enough to check by hand."""

from __future__ import annotations

import dataclasses
import datetime as dt

import numpy as np
import pandas as pd
import pytest

from engine.costs.fees import schedule
from engine.ledger.around import around
from engine.ledger.baselines import (
    anti_legs,
    buy_and_hold,
    equal_weight,
    inverse_volatility,
    leg_alone,
    sleeve,
)
from engine.ledger.rules import Actions, Rules
from engine.ledger.tape import Tape, cut, record
from engine.ledger.windows import lay_out
from engine.market.market import Market
from engine.thesis.model import Execution, Leg
from tests.markets import market, random_market

FREE = Execution(capital=1000.0, slippage_bps=0.0, fees="none")


def tape_of(world: Market, terms: Execution = FREE) -> Tape:
    days = world.home.sessions.days
    return record(
        world,
        list(world.lines.values()),
        execution=terms,
        base=world.home.base,
        schedule=schedule(terms.fees),
        start=days[0].date(),
        end=days[-1].date(),
    )


def test_buy_and_hold_and_equal_weight() -> None:
    world = market({"XNYS": {"A": [1.0, 1.0, 2.0, 2.0], "B": [1.0, 1.0, 1.0, 3.0]}})
    tape = tape_of(world)
    assert buy_and_hold(tape, "A").nav.tolist() == [1000.0, 1000.0, 2000.0, 2000.0]
    both = equal_weight(tape, world.home.sessions.days[[0, 2]])
    # 500 + 500, then 1000 + 500; rebalanced on row 3 on 1000 + 1500
    assert both.nav.tolist() == [1000.0, 1000.0, 1500.0, 2500.0]
    assert both.weights.iloc[3].tolist() == [0.5, 0.5]


def test_equal_weight_leaves_what_cannot_trade_alone() -> None:
    closes = {"A": [1.0, 1.0, *[None] * 7], "B": [1.0] * 9, "C": [1.0] * 9}
    world = market({"XNYS": closes})
    told = equal_weight(tape_of(world), world.home.sessions.days[[0, 7]])
    assert told.targets.iloc[1].tolist() == pytest.approx([1 / 3, 1 / 3, 1 / 3])
    assert told.trades["asset"].tolist() == ["A", "B", "C"]


def test_weights_known_beforehand_make_the_same_account_in_compiled_code() -> None:
    rng = np.random.default_rng(4)
    walks = rng.lognormal(0.0, 0.05, (60, 5)).cumprod(axis=0)
    closes = {name: walks[:, k].tolist() for k, name in enumerate("ABCDE")}
    closes["E"][:30] = [None] * 30
    closes["B"][20] = None
    world = market({"XNYS": closes})
    tape = tape_of(world, Execution(capital=1e6, slippage_bps=20.0))
    days, names = tape.days[[0, 20, 41]], tape.symbols
    spread = pd.Series(rng.uniform(0.01, 0.09, len(names)), index=names)
    targets = pd.DataFrame(
        rng.dirichlet(np.ones(len(names)), 3), index=days, columns=names
    )
    for told in (
        lambda compiled: equal_weight(tape, days, compiled=compiled),
        lambda compiled: inverse_volatility(
            tape, days, lambda moment: spread, compiled=compiled
        ),
        lambda compiled: leg_alone(
            tape, targets, list(names[[2, 0]]), name="leg", compiled=compiled
        ),
    ):
        one, other = told(False), told(True)
        assert len(one.trades) >= 6
        for name, table in one.tables().items():
            pd.testing.assert_frame_equal(
                table, other.tables()[name], rtol=1e-12, atol=1e-9
            )


def test_what_is_held_and_cannot_trade_is_never_walked_beforehand() -> None:
    closes = {"A": [1.0, 2.0, 3.0, *[None] * 7], "B": [1.0] * 10, "C": [1.0] * 10}
    world = market({"XNYS": closes})
    days = world.home.sessions.days[[0, 9]]
    told = equal_weight(tape_of(world), days, compiled=True)
    # A has grown to 1/3 * 3/2 of 7/6: 3/7, which it keeps
    assert told.targets.iloc[1].tolist() == pytest.approx([3 / 7, 2 / 7, 2 / 7])


def test_inverse_volatility_by_hand() -> None:
    closes = {"A": [1.0, 1.0, *[None] * 7], "B": [1.0] * 9, "C": [1.0] * 9}
    world = market({"XNYS": closes | {"D": [1.0] * 9}})
    variances = pd.Series({"A": 0.01, "B": 0.04, "C": 0.01})
    later = pd.Series({"A": 0.09, "B": 0.01, "C": 0.01})
    estimates = iter([variances, later])
    told = inverse_volatility(
        tape_of(world), world.home.sessions.days[[0, 7]], lambda moment: next(estimates)
    )
    assert told.name == "inverse volatility"
    # 1/0.1, 1/0.2 and 1/0.1; D has no estimate
    assert told.targets.iloc[0].tolist() == pytest.approx([0.4, 0.2, 0.4, 0.0])
    # A cannot trade any more and keeps its 0.4; B and C now share 0.6 alike
    assert told.targets.iloc[1].tolist() == pytest.approx([0.4, 0.3, 0.3, 0.0])
    none = inverse_volatility(
        tape_of(world), world.home.sessions.days[[0]], lambda moment: variances * 0.0
    )
    assert none.targets.iloc[0].tolist() == [0.0] * 4


def test_a_leg_alone_is_the_barbells_sleeve_scaled_to_one() -> None:
    world = market({"XNYS": {"A": [1.0] * 5, "B": [1.0] * 5, "C": [1.0, 1, 2, 2, 2]}})
    days = world.home.sessions.days
    targets = pd.DataFrame(
        {"A": [0.1, 0.0], "B": [0.3, 0.0], "C": [0.4, 0.5]}, index=days[[0, 2]]
    )
    told = leg_alone(tape_of(world), targets, ["A", "B"], name="infrastructure alone")
    assert told.targets.iloc[0].tolist() == pytest.approx([0.25, 0.75, 0.0])
    assert told.targets.iloc[1].tolist() == [0.0, 0.0, 0.0]  # an empty sleeve is cash
    assert told.cash["USD"].iloc[-1] == 1000.0
    assert list(sleeve(targets, ["C"])[days[0]]) == [1.0]


def test_anti_legs_swap_the_budgets_of_ends_and_middle() -> None:
    legs = {
        "infrastructure": Leg(layers=("compute",), weight=(0.4, 0.6)),
        "distribution": Leg(layers=("cloud",), weight=(0.4, 0.6)),
        "middle": Leg(layers=("labs",), weight=(0.0, 0.05)),
    }
    swapped = anti_legs(legs)
    assert swapped.legs is not None
    assert {name: leg.weight for name, leg in swapped.legs.items()} == {
        "infrastructure": (0.0, 0.05),
        "distribution": (0.0, 0.05),
        "middle": (0.8, 1.0),
    }
    assert swapped.legs["middle"].layers == ("labs",)
    for count, name in (("no middle", "middle"), ("no end", "infrastructure")):
        alone = {
            key: leg
            for key, leg in legs.items()
            if (key == "middle") != (name == "middle")
        }
        told = anti_legs(alone)
        assert told.legs is None
        assert count in told.reason


def test_around_opens_fresh_accounts_with_the_standing_weights() -> None:
    world = market({"XNYS": {"A": [1.0, 1.0, 1.0, 2.0, 4.0, 4.0], "B": [1.0] * 6}})
    days = world.home.sessions.days
    tape = tape_of(world)
    plan = lay_out(
        tape,
        {
            "held": {days[0]: pd.Series({"A": 1.0})},
            "late": {days[4]: pd.Series({"A": 1.0, "B": 0.0})},
            "left": {
                days[0]: pd.Series({"B": 1.0}),
                days[1]: pd.Series({"A": 1.0}),
                days[3]: pd.Series({"A": 0.0}),
            },
        },
    )
    window = around(tape, at_session=days[4], plan=plan, before=2, after=3)
    assert window.zero == 4
    assert window.nav.index.tolist() == [-2, -1, 0, 1]
    # decided at -2, filled at -1 at 2
    assert window.nav["held"].tolist() == [1.0, 1.0, 2.0, 2.0]
    assert window.nav["late"].tolist() == [1.0, 1.0, 1.0, 1.0]
    assert window.nav["left"].tolist() == [1.0, 1.0, 2.0, 2.0]
    assert window.summary.loc["held", "since"] == 1.0
    assert window.summary.loc["left", "trades"] == 2
    assert "ends 1 sessions after" in window.note
    assert "begins" not in window.note


def test_around_says_what_the_window_lacks_before_the_event() -> None:
    world = market({"XNYS": {"A": [1.0] * 6}})
    days = world.home.sessions.days
    tape = tape_of(world)
    plan = lay_out(tape, {"cash": {days[0]: pd.Series({"A": 0.0})}})
    window = around(tape, at_session=days[1], plan=plan, before=3, after=2)
    assert window.note == "the study begins 1 sessions before the event"
    assert window.nav["cash"].tolist() == [1.0] * 4


def check_same(a: object, b: object) -> None:
    """All fields of two values are the same, arrays and tables among them."""
    for field in dataclasses.fields(a):  # type: ignore[arg-type]
        one, other = getattr(a, field.name), getattr(b, field.name)
        if isinstance(one, np.ndarray):
            np.testing.assert_array_equal(one, other, err_msg=field.name)
        elif isinstance(one, pd.Index):
            assert one.equals(other), field.name
        elif isinstance(one, Rules | Actions):
            check_same(one, other)
        else:
            assert one == other, field.name


def test_a_cut_tape_is_the_tape_of_that_period() -> None:
    rng = np.random.default_rng(4)
    for _ in range(5):
        world = random_market(rng)
        lines = list(world.lines.values())
        whole = record(
            world,
            lines,
            execution=Execution(fees="none"),
            base="USD",
            schedule=schedule("none"),
            start=dt.date(2000, 1, 1),
            end=dt.date(2030, 1, 1),
        )
        low, high = 1, len(whole.days) - 1
        period = record(
            world,
            lines,
            execution=Execution(fees="none"),
            base="USD",
            schedule=schedule("none"),
            start=whole.days[low].date(),
            end=whole.days[high - 1].date(),
        )
        found = cut(whole, low, high)
        check_same(period, found)
