"""Decisions that a reader can follow: limits, costs, turnover, closed markets."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from engine.errors import DataError, UsageError
from engine.portfolio import barbell
from engine.portfolio.barbell import decide, tradeable_now
from engine.portfolio.objectives import OBJECTIVES
from engine.portfolio.objectives.mean_variance import mean_variance
from engine.portfolio.objectives.shares import spread, within_equal_legs
from engine.portfolio.risk import estimate
from engine.portfolio.scoring import WeightedFactor
from engine.thesis.model import Leg
from tests.portfolio_cases import LAYERS, Across, known, limits, lines, thesis
from tests.tolerances import IDENTITY, SOLVER

#: four assets per layer: C0..C3 compute, M0..M3 memory, H0..H3 cloud, L0..L3 labs
SYMBOLS = [f"{letter}{place}" for letter in "CMHL" for place in range(4)]
LAYER_OF = {symbol: LAYERS["CMHL".index(symbol[0])] for symbol in SYMBOLS}
EXPOSURES = pd.DataFrame(
    [[float(LAYER_OF[s] == layer) for layer in LAYERS] for s in SYMBOLS],
    index=SYMBOLS,
    columns=list(LAYERS),
)
BARBELL = {
    "infrastructure": {"layers": ["compute", "memory"], "weight": [0.4, 0.6]},
    "distribution": {"layers": ["cloud"], "weight": [0.3, 0.4]},
    "middle": {"layers": ["labs"], "weight": [0.0, 0.05]},
}
RNG = np.random.default_rng(5)
RETURNS = 0.01 * RNG.standard_normal((300, 1)) + 0.015 * RNG.standard_normal((300, 16))
WORLD = known(RETURNS, SYMBOLS)
SCORES = dict(zip(SYMBOLS, RNG.standard_normal(16), strict=True))
FREE = pd.Series(0.0, index=SYMBOLS)
NOTHING = pd.Series(0.0, index=SYMBOLS)


def decided(
    *,
    world=WORLD,
    barbell=BARBELL,
    held=NOTHING,
    cost=0.001,
    scores=SCORES,
    first=None,
    symbols=SYMBOLS,
    tradeable=None,
    forced=None,
    legs=None,
    cap=None,
    **portfolio,
):
    portfolio = {"max_weight": 0.12, **portfolio}
    return decide(
        world,
        thesis=thesis(barbell, **portfolio),
        assets=lines(symbols),
        factors=[WeightedFactor(name="view", weight=1.0, factor=Across(scores))],
        exposures=EXPOSURES,
        layer_of=LAYER_OF,
        held=held,
        held_cash=1.0 - float(held.sum()),
        first=bool(held.sum() == 0) if first is None else first,
        buy_cost=FREE + cost,
        sell_cost=FREE + cost,
        tradeable=tradeable,
        forced=forced,
        legs=legs,
        max_weight=cap,
    )


def total(decision, letters: str) -> float:
    return sum(w for s, w in decision.weights.items() if s[0] in letters)


# --- limits ---------------------------------------------------------------------------


CLOSED = ("equal", "inverse_volatility")


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_every_limit_is_met(objective):
    more = {"risk_limit": 0.2} if objective == "max_score" else {}
    decision = decided(objective=objective, cash=(0.02, 0.10), **more)
    assert 0.4 - SOLVER <= total(decision, "CM") <= 0.6 + SOLVER
    assert 0.3 - SOLVER <= total(decision, "H") <= 0.4 + SOLVER
    assert total(decision, "L") <= 0.05 + SOLVER
    assert decision.weights.max() <= 0.12 + SOLVER
    assert decision.weights.min() >= 0.0
    assert 0.02 - SOLVER <= decision.cash <= 0.10 + SOLVER
    assert decision.weights.sum() + decision.cash == pytest.approx(1.0, abs=IDENTITY)
    assert decision.status == ("closed form" if objective in CLOSED else "optimal")
    assert decision.fallback == ""
    assert decision.residual < SOLVER or objective in CLOSED
    assert decision.session == WORLD.home.sessions.days[-1]


def test_extra_layer_limits_bind():
    decision = decided(layers={"memory": (0.25, 0.3), "cloud": (0.0, 0.33)})
    assert 0.25 - SOLVER <= total(decision, "M") <= 0.3 + SOLVER
    assert total(decision, "H") <= 0.33 + SOLVER


def test_an_asset_of_no_leg_is_not_held():
    without = {name: leg for name, leg in BARBELL.items() if name != "middle"}
    assert total(decided(barbell=without), "L") == 0.0


def test_legs_and_name_limit_can_be_replaced():
    alone = {"middle": Leg(layers=("labs",), weight=(0.5, 1.0))}
    decision = decided(legs=alone, cap=0.3)
    assert total(decision, "L") >= 0.5 - SOLVER
    assert total(decision, "CMH") == 0.0
    assert decision.weights.max() > 0.12


# --- what is chosen -------------------------------------------------------------------


def test_higher_scores_weigh_more_at_equal_risk():
    independent = known(
        0.02 * np.linalg.qr(RNG.standard_normal((300, 16)))[0] * 300**0.5, SYMBOLS
    )
    decision = decided(world=independent, ic=0.3, risk_aversion=20.0, cost=0.0)
    compute = decision.weights[[s for s in SYMBOLS if s[0] in "CM"]]
    ranked = compute[sorted(compute.index, key=SCORES.__getitem__)]
    assert (ranked.diff().dropna() > -1e-3).all()
    assert ranked.iloc[-1] > ranked.iloc[0] + 0.01


def test_without_views_the_riskier_of_two_twins_weighs_less():
    values = RETURNS.copy()
    values[:, 0] = 3 * values[:, 1]  # C0 is C1 three times over
    decision = decided(world=known(values, SYMBOLS), objective="min_variance")
    assert decision.weights["C0"] < decision.weights["C1"]


def test_alpha_uses_the_volatility_of_the_rebalance_period():
    risk = estimate(
        WORLD.home.returns(last=252)[sorted(SYMBOLS)], "ledoit_wolf", 60
    ).covariance
    for rebalance, sessions in (("monthly", 21), ("quarterly", 63)):
        decision = decided(rebalance=rebalance, ic=0.05)
        volatility = np.sqrt(risk.loc["C0", "C0"] * sessions)
        expected = 0.05 * volatility * decision.scorecard.score["C0"]
        assert decision.alpha["C0"] == pytest.approx(expected, rel=IDENTITY)


HEEDS = [
    *({"objective": name} for name in OBJECTIVES if name != "max_score"),
    {"objective": "max_score", "risk_limit": 0.15},
    {"covariance": "sample"},
    {"covariance": "exponential", "overlap": 2},
    {"covariance": "oas"},
    {"covariance": "layer_factors", "short_history": "proxy"},
    {"max_names": 10, "min_position": 0.02},
    {"risk_limit": 0.12},
]


@pytest.mark.parametrize("settings", HEEDS, ids=str)
def test_the_future_of_the_world_is_not_looked_at(settings):
    """Cut at a session, or followed by noise with other gaps: the same, bit for bit."""
    noise = 9 * RETURNS[250:]
    noise[::3, ::2] = np.nan
    shorter = known(RETURNS[:250], SYMBOLS)
    longer = known(np.vstack([RETURNS[:250], noise]), SYMBOLS)
    cut = dataclasses.replace(
        longer, home=longer.home.first(250), moment=shorter.moment
    )
    one, other = (decided(world=world, **settings) for world in (cut, shorter))
    pd.testing.assert_series_equal(one.weights, other.weights, check_exact=True)
    assert one.prices == other.prices


@pytest.mark.parametrize("settings", HEEDS, ids=str)
def test_the_order_of_assets_does_not_change_a_decision(settings):
    order = [SYMBOLS[place] for place in RNG.permutation(16)]
    one, other = decided(**settings), decided(symbols=order, **settings)
    pd.testing.assert_series_equal(
        one.weights.sort_index(), other.weights.sort_index(), check_exact=True
    )


def test_what_was_decided_before_does_not_matter():
    first = decided()
    decided(world=known(RETURNS[::-1], SYMBOLS), ic=0.2)
    again = decided()
    pd.testing.assert_series_equal(first.weights, again.weights, check_exact=True)


def test_a_card_and_a_risk_of_the_same_moment_can_be_passed():
    one = decided()
    card = dataclasses.replace(one.scorecard, score=-one.scorecard.score)
    rules = thesis(BARBELL, max_weight=0.12)
    other = decide(
        WORLD,
        thesis=rules,
        assets=lines(SYMBOLS),
        factors=[],
        exposures=EXPOSURES,
        layer_of=LAYER_OF,
        held=NOTHING,
        held_cash=1.0,
        first=True,
        buy_cost=FREE,
        sell_cost=FREE,
        scorecard=card,
        risk=barbell.estimate_risk(WORLD, pd.Index(SYMBOLS), rules.portfolio),
    )
    assert other.alpha["C0"] == pytest.approx(-one.alpha["C0"])
    assert (other.weights - one.weights).abs().max() > 0.01


# --- costs and turnover ---------------------------------------------------------------


def test_cash_pays_the_costs_and_keeps_its_minimum():
    decision = decided(cost=0.01, cash=(0.02, 0.02 + 0.01), objective="equal")
    bought = decision.weights.sum()
    assert decision.costs == pytest.approx(0.01 * bought, abs=IDENTITY)
    # bought + its cost + the minimum of cash is everything
    assert bought * 1.01 + 0.02 == pytest.approx(1.0, abs=SOLVER)
    optimal = decided(cost=0.01, cash=(0.02, 0.03))
    assert optimal.cash - optimal.costs >= 0.02 - SOLVER


def test_costs_that_no_cash_can_pay_are_noted():
    decision = decided(cost=0.01, cash=(0.0, 0.0), barbell=_fixed_legs())
    assert decision.weights.sum() == pytest.approx(1.0, abs=SOLVER)
    assert total(decision, "CM") == pytest.approx(0.5, abs=SOLVER)
    assert decision.costs == pytest.approx(0.01, abs=SOLVER)
    assert "no cash for trading costs of 0.0100" in decision.notes[-1]
    same = decided(cost=0.01, cash=(0.0, 0.0), barbell=_fixed_legs(), objective="equal")
    assert same.weights.tolist() == pytest.approx([1 / 16] * 16)
    assert same.notes == decision.notes


def _fixed_legs():
    return {
        "infrastructure": {"layers": ["compute", "memory"], "weight": [0.5, 0.5]},
        "distribution": {"layers": ["cloud", "labs"], "weight": [0.5, 0.5]},
    }


def test_no_trade_where_costs_exceed_what_it_brings():
    free = decided(cost=0.0)
    held = decided(objective="equal").weights * 0.98  # within every limit
    dear = decided(held=held, cost=0.05)
    pd.testing.assert_series_equal(
        dear.weights, held, check_names=False, check_exact=True
    )
    assert dear.costs == 0.0
    cheap = decided(held=held, cost=0.0)
    assert (cheap.weights - free.weights).abs().max() < SOLVER
    assert (cheap.weights - held).abs().max() > 0.01


def test_turnover_is_limited_and_cash_counts():
    held = decided(objective="equal").weights
    bound = decided(held=held, cost=0.0, ic=0.5, max_turnover=0.05)
    change = (bound.weights - held).abs().sum() + abs(bound.cash - (1 - held.sum()))
    assert change / 2 == pytest.approx(0.05, abs=SOLVER)
    loose = decided(held=held, cost=0.0, ic=0.5)
    assert (loose.weights - held).abs().sum() / 2 > 0.1


def test_the_first_investment_ignores_the_turnover_limit():
    decision = decided(max_turnover=0.05)
    assert decision.weights.sum() > 0.6


def test_a_forced_exit_does_not_count_as_turnover():
    held = decided(objective="equal", cash=(0.1, 1.0)).weights
    exits = pd.Series({"C0": True})
    wider = BARBELL | {
        "infrastructure": {"layers": ["compute", "memory"], "weight": [0.3, 0.6]}
    }
    decision = decided(
        barbell=wider, held=held, forced=exits, max_turnover=0.001, cost=0.0
    )
    assert decision.weights["C0"] == 0.0
    others = [symbol for symbol in SYMBOLS if symbol != "C0"]
    assert (decision.weights[others] - held[others]).abs().sum() <= 0.002 + SOLVER
    assert decision.cash == pytest.approx(1 - held[others].sum(), abs=0.002)


# --- what cannot trade ----------------------------------------------------------------


def test_a_closed_holding_keeps_its_weight():
    held = decided(objective="equal").weights
    opened = pd.Series(True, index=SYMBOLS)
    opened["C0"] = opened["H1"] = False
    decision = decided(held=held, tradeable=opened, cost=0.001, ic=0.5)
    assert decision.weights[["C0", "H1"]].tolist() == held[["C0", "H1"]].tolist()
    assert decision.costs > 0
    assert "C0" in decision.notes[0]
    assert "cannot trade" in decision.notes[0]


def test_closed_holdings_above_a_maximum_leave_the_rest_of_the_leg_empty():
    held = pd.Series({"L0": 0.2, "C0": 0.1, "M0": 0.1, "H0": 0.1})
    opened = pd.Series(True, index=SYMBOLS)
    opened["L0"] = False
    decision = decided(held=held, tradeable=opened)
    assert decision.weights["L0"] == pytest.approx(0.2, abs=1e-3)
    assert total(decision, "L") == decision.weights["L0"]
    assert any("barbell.middle.weight: holdings" in note for note in decision.notes)


def test_a_leg_without_a_tradeable_member_is_held_in_cash():
    opened = pd.Series([symbol[0] != "H" for symbol in SYMBOLS], index=SYMBOLS)
    decision = decided(tradeable=opened, cash=(0.02, 0.03))
    assert total(decision, "H") == 0.0
    # cash's own range [0.02, 0.03] and the leg's [0.30, 0.40]
    assert 0.32 - SOLVER <= decision.cash <= 0.43 + SOLVER
    wider = BARBELL | {
        "infrastructure": {"layers": ["compute", "memory"], "weight": [0.4, 0.9]}
    }
    full = decided(
        tradeable=opened, cash=(0.02, 0.03), barbell=wider, objective="equal"
    )
    assert full.cash - full.costs == pytest.approx(0.32)  # though more could be bought
    assert any(
        "barbell.distribution.weight: no member can be bought" in note
        and "0.30 is held in cash" in note
        for note in decision.notes
    )


def test_an_asset_without_history_is_not_bought_but_may_be_sold():
    values = RETURNS.copy()
    values[:290, 0] = np.nan  # C0 is listed ten sessions ago: nine returns
    world = known(values, SYMBOLS)
    decision = decided(world=world)
    assert decision.weights["C0"] == 0.0
    assert np.isnan(decision.alpha["C0"])
    assert any("C0 (9 of 60 returns)" in note for note in decision.notes)
    held = decided(world=world, objective="equal").weights
    held["C0"] = 0.03
    still = decided(world=world, held=held * 0.9)
    assert 0.0 <= still.weights["C0"] <= 0.03


def test_a_price_may_be_old_but_not_stale():
    world = known(RETURNS, SYMBOLS, age={"C0": 5, "C1": 6})
    opened = tradeable_now(world, pd.Index([*SYMBOLS, "GONE"]), 5)
    assert opened["C0"]
    assert not opened["C1"]
    assert not opened["GONE"]
    assert decided(world=world).weights["C1"] == 0.0


def test_nothing_to_buy_is_all_cash():
    decision = decided(tradeable=pd.Series(False, index=SYMBOLS))
    assert decision.cash == 1.0
    assert (decision.weights == 0.0).all()


# --- equal weight ---------------------------------------------------------------------


def test_equal_weight_is_equal_within_equal_legs():
    decision = decided(objective="equal", cost=0.0)
    # legs: 0.05 (maximum), 0.40 (maximum), the rest 0.55
    assert decision.weights["L0"] == pytest.approx(0.0125)
    assert decision.weights["H0"] == pytest.approx(0.1)
    assert decision.weights["C0"] == pytest.approx(0.55 / 8)
    assert decision.cash == pytest.approx(0.0)


def test_equal_weight_moves_what_a_cap_frees_to_the_others():
    case = limits(
        ["compute", "compute", "cloud", "cloud"],
        {"a": (("compute",), (0.2, 0.8)), "b": (("cloud",), (0.2, 0.8))},
        max_weight=0.3,
        tradeable=[True, True, True, False],
        held=[0.0, 0.0, 0.0, 0.05],
    )
    # b: one name at its cap 0.3 and the closed one; a: two names share the rest
    assert within_equal_legs(case, 1.0).tolist() == pytest.approx([0.3, 0.3, 0.3, 0.05])


def test_equal_weight_counts_an_asset_of_two_legs_once():
    case = limits(
        ["compute", "memory", "cloud"],
        {
            "a": (("compute", "memory"), (0.0, 1.0)),
            "b": (("memory", "cloud"), (0, 1.0)),
        },
        max_weight=1.0,
    )
    assert within_equal_legs(case, 1.0).tolist() == pytest.approx([0.25, 0.25, 0.5])


def test_equal_weight_under_a_turnover_limit_goes_part_of_the_way():
    held = pd.Series({"C0": 0.12, "C1": 0.12, "C2": 0.12, "C3": 0.12, "H0": 0.12})
    held = pd.concat([held, pd.Series({"H1": 0.12, "H2": 0.12})])
    decision = decided(objective="equal", held=held, max_turnover=0.1, cost=0.001)
    assert decision.status == "optimal"
    moved = decision.weights - held.reindex(SYMBOLS).fillna(0)
    assert moved.abs().sum() / 2 <= 0.1 + SOLVER
    assert decision.weights["M0"] > 0.005


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        (0.9, [0.1, 0.4, 0.4]),
        (0.5, [0.1, 0.2, 0.2]),
        (0.25, [0.075, 0.1, 0.075]),
        (2.0, [0.1, 0.5, 0.6]),
        (0.0, [0.0, 0.1, 0.0]),
    ],
)
def test_spread_moves_equal_parts_into_their_ranges(share, expected):
    low, high = np.array([0.0, 0.1, 0.0]), np.array([0.1, 0.5, 0.6])
    assert spread(low, high, share).tolist() == pytest.approx(expected)


# --- wrong use ------------------------------------------------------------------------


def test_holdings_must_be_among_the_assets_and_add_up():
    with pytest.raises(UsageError, match="XYZ"):
        decided(held=pd.Series({"XYZ": 0.1}))
    with pytest.raises(UsageError, match=r"add up to 1\.1"):
        decide(
            WORLD,
            thesis=thesis(BARBELL, max_weight=0.12),
            assets=lines(SYMBOLS),
            factors=[],
            exposures=EXPOSURES,
            layer_of=LAYER_OF,
            held=pd.Series({"C0": 0.1}),
            held_cash=1.0,
            first=False,
            buy_cost=FREE,
            sell_cost=FREE,
        )


def test_a_missing_cost_rate_is_an_error():
    with pytest.raises(DataError, match="no cost rate for buying C0"):
        decided(cost=pd.Series({"C0": np.nan}).reindex(SYMBOLS))


def test_an_objective_counts_return_risk_and_costs():
    objective = mean_variance(np.array([0.1, 0.2]), np.diag([0.04, 0.09]), 2)
    # 0.15 - (0.04 + 0.09) / 4 - 0.01
    assert objective.value(np.array([0.5, 0.5]), 0.01) == pytest.approx(0.1075)
