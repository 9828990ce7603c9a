"""Poor inputs of an optimiser: each a clear error or a documented behaviour."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from engine.errors import DataError, InfeasibleError
from engine.portfolio import direct
from engine.portfolio.barbell import decide
from engine.portfolio.objectives import OBJECTIVES
from engine.portfolio.results import Decision
from engine.portfolio.scoring import WeightedFactor
from engine.portfolio.solution import Solution
from tests.portfolio_cases import Across, known, lines, thesis
from tests.tolerances import IDENTITY, SOLVER

RNG = np.random.default_rng(41)
NAMES = [f"S{place:02d}" for place in range(12)]
LAYER_OF = {name: ("compute", "cloud")[place % 2] for place, name in enumerate(NAMES)}
COLUMNS = ["compute", "cloud"]
LEGS = {
    "down": {"layers": ["compute"], "weight": [0.2, 0.7]},
    "up": {"layers": ["cloud"], "weight": [0.2, 0.7]},
}
COMMON = 0.01 * RNG.standard_normal((260, 1))
RETURNS = COMMON + 0.015 * RNG.standard_normal((260, 12))
VIEWS = dict(zip(NAMES, RNG.standard_normal(12), strict=True))


@pytest.fixture(autouse=True)
def _same_numbers_whatever_ran_before() -> None:
    RNG.bit_generator.state = np.random.default_rng(43).bit_generator.state


def decided(
    world=None,
    names=NAMES,
    legs=LEGS,
    held=None,
    first=None,
    tradeable=None,
    mics=None,
    cost=0.001,
    **portfolio,
) -> Decision:
    if portfolio.get("objective") == "max_score":
        portfolio = {"risk_limit": 0.5, **portfolio}
    held = pd.Series(0.0, index=names) if held is None else held
    costs = pd.Series(cost, index=names)
    return decide(
        known(RETURNS, NAMES) if world is None else world,
        thesis=thesis(legs, **{"max_weight": 0.2, **portfolio}),
        assets=lines(names, mics),
        factors=[WeightedFactor(name="view", weight=1.0, factor=Across(VIEWS))],
        exposures=pd.DataFrame(
            [
                [float(LAYER_OF[n] == one) for one in ("compute", "cloud")]
                for n in names
            ],
            index=names,
            columns=COLUMNS,
        ),
        layer_of=LAYER_OF,
        held=held,
        held_cash=1.0 - float(held.sum()),
        first=bool(held.sum() == 0) if first is None else first,
        buy_cost=costs,
        sell_cost=costs,
        tradeable=tradeable,
    )


everything = pytest.mark.parametrize("objective", OBJECTIVES)


# --- singular covariance --------------------------------------------------------------


@everything
def test_a_singular_covariance_still_gives_a_portfolio(objective):
    # 25 returns of 12 assets that are mixes of two: rank 2
    mixes = RNG.dirichlet(np.ones(2), 12).T
    world = known(0.02 * RNG.standard_normal((25, 2)) @ mixes, NAMES)
    decision = decided(
        world,
        objective=objective,
        covariance="sample",
        window=25,
        min_history=20,
        cvar_level=0.8,
    )
    assert decision.weights.sum() + decision.cash == pytest.approx(1.0, abs=IDENTITY)
    assert decision.weights.sum() > 0.3
    assert np.isfinite(decision.objective)


@everything
def test_two_lines_that_move_as_one(objective):
    twins = RETURNS.copy()
    twins[:, 1] = twins[:, 3]
    decision = decided(known(twins, NAMES), objective=objective, covariance="sample")
    assert decision.weights.sum() > 0.3


# --- one asset ------------------------------------------------------------------------


@everything
def test_one_asset(objective):
    decision = decided(
        known(RETURNS[:, :1], NAMES[:1]),
        names=NAMES[:1],
        legs={"down": {"layers": ["compute"], "weight": [0.1, 1.0]}},
        max_weight=0.4,
        cash=(0.0, 0.7),
        objective=objective,
    )
    assert 0.3 - SOLVER <= decision.weights["S00"] <= 0.4 + SOLVER


# --- no prices on the day -------------------------------------------------------------


@everything
def test_all_prices_missing_on_a_rebalance_keeps_what_is_held(objective):
    world = known(RETURNS, NAMES, age=dict.fromkeys(NAMES, 9))  # stale: all of them
    held = pd.Series({"S00": 0.3, "S01": 0.25})
    decision = decided(world, held=held, objective=objective)
    assert decision.weights[held.index].tolist() == held.tolist()
    assert decision.weights.sum() == pytest.approx(held.sum())
    assert decision.costs == 0.0
    assert decision.status == "closed form"
    assert any("cannot trade and keep their weight: S00" in n for n in decision.notes)


def test_nothing_can_trade_and_a_limit_is_missed_is_noted_not_raised():
    world = known(RETURNS, NAMES, age=dict.fromkeys(NAMES, 9))
    held = pd.Series(0.084, index=NAMES)  # 1.008: an overdraft
    decision = decided(world, held=held, cash=(0.0, 0.02))
    assert decision.weights.tolist() == held.tolist()
    assert decision.notes[-1] == (
        "nothing can trade, so portfolio.cash is missed until something does"
    )


@everything
def test_no_price_has_ever_been_seen_is_all_cash(objective):
    decision = decided(known(np.full((40, 12), np.nan), NAMES), objective=objective)
    assert decision.cash == 1.0
    assert (decision.weights == 0.0).all()
    assert any("no member can be bought" in note for note in decision.notes)


# --- turnover of nothing and of everything --------------------------------------------


@everything
def test_a_turnover_limit_of_nothing_keeps_what_is_held(objective):
    held = pd.Series(0.08, index=NAMES)
    decision = decided(held=held, max_turnover=0.0, objective=objective)
    assert (decision.weights - held).abs().max() <= SOLVER
    assert decision.costs <= SOLVER


def test_a_turnover_limit_of_nothing_does_not_keep_the_first_investment_out():
    assert decided(max_turnover=0.0).weights.sum() > 0.3


def test_a_turnover_limit_of_everything_is_none():
    held = pd.Series({"S00": 0.2, "S02": 0.2, "S04": 0.2, "S01": 0.2, "S03": 0.2})
    free, full = (decided(held=held, max_turnover=one) for one in (None, 1.0))
    assert (free.weights - full.weights).abs().max() <= 10 * SOLVER


# --- the walk goes on, or stops with the reason ---------------------------------------


def test_too_few_scenarios_for_a_tail_is_an_error_with_the_way_out():
    sparse = RETURNS.copy()
    sparse[:, 0] = np.where(np.arange(260) % 4 == 0, sparse[:, 0], np.nan)
    with pytest.raises(DataError) as error:
        decided(known(sparse, NAMES), objective="min_cvar", cvar_level=0.99)
    said = str(error.value)
    assert "of the last 252 have a return of every asset" in said
    assert "needs 100" in said
    assert "S00" in said


def test_a_benchmark_without_prices_cannot_give_a_beta():
    with pytest.raises(DataError, match="the benchmark SPY has fewer than 60 returns"):
        decided(beta=(0.5, 1.0))


def test_beta_is_the_slope_on_the_benchmark():
    names = [*NAMES, "SPY"]
    market = 0.01 * RNG.standard_normal((260, 1))
    slopes = np.linspace(0.2, 1.8, 12)
    values = np.hstack(
        [market * slopes + 0.002 * RNG.standard_normal((260, 12)), market]
    )
    world = known(values, names)
    decision = decided(world, beta=(0.4, 0.5), cash=(0.0, 1.0))
    assert 0.39 <= decision.weights.to_numpy() @ slopes <= 0.51
    higher = decided(world, beta=(1.0, 1.1))
    assert 0.99 <= higher.weights.to_numpy() @ slopes <= 1.11


def test_a_proxy_lets_a_late_listing_in_and_says_so():
    late = RETURNS.copy()
    late[:245, 4] = np.nan
    world = known(late, NAMES)
    out = decided(world)
    assert out.weights["S04"] == 0.0
    assert any("not bought, no risk estimate: S04 (14 of" in note for note in out.notes)
    inside = decided(world, short_history="proxy", ic=0.3)
    said = [note for note in inside.notes if "risk by proxy" in note]
    assert said == [
        "risk by proxy: S04 (14 of 60 returns; the mean of compute stands in)"
    ]
    assert np.isfinite(inside.alpha["S04"])


def test_short_positions_of_a_thesis():
    mics = ["XSHG", *["XNYS"] * 11]
    decision = decided(
        mics=mics,
        max_short=0.1,
        max_gross=1.2,
        net=(0.2, 0.4),
        cash=(0.0, 1.0),
        borrow_rate=0.02,
        ic=0.2,
        legs={name: {**leg, "weight": [0.0, 0.7]} for name, leg in LEGS.items()},
    )
    assert decision.weights.min() < -0.01
    assert decision.weights["S00"] >= 0.0  # a mainland line
    assert decision.weights.abs().sum() <= 1.2 + SOLVER
    assert 0.2 - SOLVER <= decision.weights.sum() <= 0.4 + SOLVER
    assert decision.solver == "clarabel"


def test_the_risk_limit_is_a_yearly_volatility():
    world, cash = known(RETURNS, NAMES), (0.0, 0.7)
    loose = decided(world, cash=cash, ic=0.5, covariance="sample")
    tight = decided(world, cash=cash, ic=0.5, covariance="sample", risk_limit=0.10)
    daily = RETURNS[-252:]
    yearly = [
        (daily @ one.weights[NAMES].to_numpy()).std(ddof=1) * np.sqrt(252)
        for one in (loose, tight)
    ]
    assert yearly[0] > 0.11
    assert yearly[1] == pytest.approx(0.10, abs=1e-4)
    quarterly = decided(
        world,
        cash=cash,
        ic=0.5,
        covariance="sample",
        risk_limit=0.10,
        rebalance="quarterly",
    )
    held = (daily @ quarterly.weights[NAMES].to_numpy()).std(ddof=1) * np.sqrt(252)
    assert held <= 0.10 + 1e-4


def test_expected_borrowing_costs_are_per_year():
    settings = {
        "max_short": 0.1,
        "cash": (0.0, 1.0),
        "ic": 0.2,
        "legs": {name: {**leg, "weight": [0.0, 0.7]} for name, leg in LEGS.items()},
    }
    shorts = [
        float(np.minimum(decided(borrow_rate=rate, **settings).weights, 0.0).sum())
        for rate in (0.0, 0.05, 1.0)
    ]
    assert shorts[0] < shorts[1] < -0.01
    assert shorts[2] == pytest.approx(0.0, abs=SOLVER)  # 8 % a month: nobody would


def test_a_decision_records_how_it_was_reached():
    decision = decided()
    assert (decision.solver, decision.status, decision.fallback) == (
        "piqp",
        "optimal",
        "",
    )
    assert decision.residual < 1e-9
    assert decision.prices
    assert decision.slacks == {}
    assert dataclasses.replace(decision).prices == decision.prices


def test_a_direct_answer_that_is_not_optimal_is_solved_again_and_said(monkeypatch):
    first = decided()
    monkeypatch.setattr(direct, "ACCEPTED", -1.0)
    again = decided()
    assert again.solver == "clarabel"
    assert again.fallback.startswith("piqp: optimal only to ")
    assert (again.weights - first.weights).abs().max() <= 10 * SOLVER
    assert set(again.prices) == set(first.prices)


def test_a_solver_that_gives_up_leaves_the_problem_to_the_other(monkeypatch):
    first = decided()
    monkeypatch.setattr(
        direct, "solve", lambda *_, **__: Solution(status="max_iter", solver="piqp")
    )
    again = decided()
    assert (again.solver, again.fallback) == ("clarabel", "piqp: max_iter")
    assert again.objective == pytest.approx(first.objective, rel=SOLVER)


def test_relax_of_a_thesis_tells_every_slack():
    wide = {name: {**leg, "weight": [0.7, 1.0]} for name, leg in LEGS.items()}
    with pytest.raises(InfeasibleError, match=r"0\.40 short"):
        decided(legs=wide)
    decision = decided(legs=wide, relax=True)
    assert sum(decision.slacks.values()) == pytest.approx(0.4, abs=SOLVER)
    assert any(note.startswith("limits relaxed: barbell.") for note in decision.notes)
    assert decision.weights.sum() + decision.cash == pytest.approx(1.0, abs=IDENTITY)
