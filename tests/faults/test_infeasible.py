"""Limits that collide: one message, with the right names and the right sums."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from engine.errors import AssayError, InfeasibleError
from engine.portfolio.barbell import decide
from engine.portfolio.choice import choose
from engine.portfolio.collisions import explain
from engine.portfolio.constraints import Limits
from engine.portfolio.frontier import minimum_variance
from engine.portfolio.objectives.goal import Aim
from engine.portfolio.objectives.mean_variance import mean_variance
from engine.portfolio.objectives.shares import within_equal_legs
from tests.portfolio_cases import known, limits, lines, thesis

SESSION = pd.Timestamp("2024-03-28")
#: A00..A07 compute, A08..A11 cloud
STACK = ["compute"] * 8 + ["cloud"] * 4


def message(case: Limits) -> str:
    count = len(case.assets)
    rates = np.full(count, 0.001)
    objective = mean_variance(np.zeros(count), 0.01 * np.eye(count), 5.0)
    with pytest.raises(InfeasibleError) as error:
        choose(case, Aim(goal=objective), rates, rates, session=SESSION)
    text = str(error.value)
    assert text.startswith("2024-03-28: no portfolio meets the limits of the thesis: ")
    assert "\n" not in text
    return text.removeprefix(
        "2024-03-28: no portfolio meets the limits of the thesis: "
    ).removesuffix(". Relax one of the limits named")


def stack(infrastructure, distribution, **settings) -> Limits:
    legs = {
        "infrastructure": (("compute",), infrastructure),
        "distribution": (("cloud",), distribution),
    }
    return limits(STACK, legs, **settings)


def test_a_leg_that_its_names_cannot_fill():
    assert message(stack((0.9, 1.0), (0.0, 0.1))) == (
        "barbell.infrastructure.weight minimum 0.90 needs 0.90, but "
        "portfolio.max_weight 0.10 x 8 tradeable names allows 0.80 (0.10 short)"
    )


def test_names_that_cannot_be_bought_do_not_count():
    case = stack(
        (0.6, 1.0),
        (0.0, 0.4),
        tradeable=[True] * 6 + [False] * 2 + [True] * 4,
        held_out={"A00": "5 of 60 returns"},
    )
    assert message(case) == (
        "barbell.infrastructure.weight minimum 0.60 needs 0.60, but "
        "portfolio.max_weight 0.10 x 5 tradeable names allows 0.50 (0.10 short)"
    )


def test_minima_that_are_more_than_everything():
    case = stack((0.7, 1.0), (0.5, 1.0), max_weight=0.5)
    assert message(case) == (
        "barbell.infrastructure.weight minimum 0.70 + barbell.distribution.weight "
        "minimum 0.50 needs 1.20, but the whole portfolio allows 1.00 (0.20 short)"
    )


def test_minima_and_a_minimum_of_cash():
    case = stack((0.5, 1.0), (0.4, 1.0), max_weight=0.5, cash=(0.25, 1.0))
    assert message(case) == (
        "barbell.infrastructure.weight minimum 0.50 + barbell.distribution.weight "
        "minimum 0.40 + portfolio.cash minimum 0.25 needs 1.15, but the whole "
        "portfolio allows 1.00 (0.15 short)"
    )


def test_maxima_that_leave_money_over():
    case = stack((0.0, 0.4), (0.0, 0.3), max_weight=0.5, cash=(0.0, 0.05))
    assert message(case) == (
        "the whole portfolio needs 1.00, but barbell.infrastructure.weight maximum "
        "0.40 + barbell.distribution.weight maximum 0.30 + portfolio.cash maximum "
        "0.05 allows 0.75 (0.25 short)"
    )


def test_a_name_limit_that_leaves_money_over():
    case = stack((0.0, 1.0), (0.0, 1.0), max_weight=0.05, cash=(0.0, 0.1))
    assert message(case) == (
        "the whole portfolio needs 1.00, but portfolio.cash maximum 0.10 + "
        "portfolio.max_weight 0.05 x 12 tradeable names allows 0.70 (0.30 short)"
    )


def test_a_leg_against_the_limit_of_its_layer():
    case = stack(
        (0.5, 1.0), (0.0, 0.5), layer_limits={"compute": (0.0, 0.3)}, max_weight=0.5
    )
    assert message(case) == (
        "barbell.infrastructure.weight minimum 0.50 needs 0.50, but "
        "portfolio.layers.compute maximum 0.30 allows 0.30 (0.20 short)"
    )


def test_a_layer_against_the_limit_of_its_leg():
    case = stack((0.0, 1.0), (0.0, 0.2), layer_limits={"cloud": (0.3, 0.5)})
    assert message(case) == (
        "portfolio.layers.cloud minimum 0.30 needs 0.30, but "
        "barbell.distribution.weight maximum 0.20 allows 0.20 (0.10 short)"
    )


def test_a_turnover_limit_that_keeps_a_leg_from_its_minimum():
    held = [0.0] * 8 + [0.1] * 4
    case = stack((0.5, 1.0), (0.0, 0.5), held=held, max_turnover=0.2)
    # 0.50 has to be bought, from cash
    assert message(case) == (
        "barbell.infrastructure.weight minimum 0.50 needs a turnover of 0.50 from what "
        "is held, but portfolio.max_turnover allows 0.20 (0.30 short)"
    )


def test_a_name_far_above_its_limit_and_a_turnover_limit():
    held = [0.5] + [0.0] * 11
    case = stack((0.0, 1.0), (0.0, 1.0), held=held, max_turnover=0.1)
    text = message(case)
    assert "portfolio.max_weight 0.10 needs a turnover of 0.40" in text
    assert "portfolio.max_turnover allows 0.10 (0.30 short)" in text


def test_holdings_that_cannot_trade_are_part_of_the_sum():
    case = stack(
        (0.0, 1.0),
        (0.8, 1.0),
        held=[0.1] * 3 + [0.0] * 9,
        tradeable=[False] * 3 + [True] * 9,
        max_weight=0.5,
    )
    assert message(case) == (
        "barbell.distribution.weight minimum 0.80 + what cannot be sold 0.30 needs "
        "1.10, but the whole portfolio allows 1.00 (0.10 short)"
    )


def test_holdings_that_cannot_be_added_to_are_part_of_the_sum():
    case = stack(
        (0.8, 1.0),
        (0.0, 0.3),
        held=[0.05] + [0.0] * 11,
        held_out={"A00": "5 of 60 returns"},
        max_weight=0.1,
    )
    assert message(case) == (
        "barbell.infrastructure.weight minimum 0.80 needs 0.80, but portfolio."
        "max_weight 0.10 x 7 tradeable names + what cannot be added to 0.05 allows "
        "0.75 (0.05 short)"
    )


def test_two_collisions_are_both_named():
    case = stack((0.9, 1.0), (0.0, 0.1), layer_limits={"cloud": (0.2, 0.3)})
    first, second = message(case).split("; and ")
    assert first.startswith("portfolio.layers.cloud minimum 0.20 needs 0.20, but")
    assert second.startswith("barbell.infrastructure.weight minimum 0.90 needs 0.90,")


def test_limits_that_can_be_met_are_no_collision():
    assert explain(stack((0.4, 0.6), (0.3, 0.4)), SESSION) is None


@pytest.mark.parametrize("objective", ["mean_variance", "min_variance", "equal"])
def test_a_decision_says_it_with_its_session(objective):
    names = ["A", "B", "C"]
    world = known(0.02 * np.random.default_rng(1).standard_normal((200, 3)), names)
    cost = pd.Series(0.001, index=names)
    with pytest.raises(AssayError) as error:
        decide(
            world,
            thesis=thesis(
                {"ends": {"layers": ["compute"], "weight": [0.5, 1.0]}},
                max_weight=0.1,
                objective=objective,
            ),
            assets=lines(names),
            factors=[],
            exposures=pd.DataFrame({"compute": 1.0}, index=names),
            layer_of=dict.fromkeys(names, "compute"),
            held=pd.Series(0.0, index=names),
            held_cash=1.0,
            first=True,
            buy_cost=cost,
            sell_cost=cost,
        )
    assert str(error.value).startswith(str(world.home.sessions.days[-1].date()))
    assert "portfolio.max_weight 0.10 x 3 tradeable names allows 0.30" in str(
        error.value
    )
    assert error.value.exit_code == 1


def test_equal_weight_does_not_hide_a_collision():
    case = stack((0.9, 1.0), (0.0, 0.1))
    ideal = within_equal_legs(case, 1.0)
    assert ideal[:8].sum() == pytest.approx(0.8)  # as far as it goes
    with pytest.raises(InfeasibleError, match=r"max_weight 0\.10 x 8"):
        choose(
            case,
            Aim(goal=mean_variance(ideal, np.eye(12), 1.0), ideal=ideal),
            np.zeros(12),
            np.zeros(12),
            session=SESSION,
        )


def test_a_target_return_out_of_reach():
    covariance = pd.DataFrame(np.eye(2), index=["A", "B"], columns=["A", "B"])
    with pytest.raises(InfeasibleError, match=r"largest expected return is 0\.2"):
        minimum_variance(
            covariance, expected=pd.Series({"A": 0.1, "B": 0.2}), target_return=0.3
        )
