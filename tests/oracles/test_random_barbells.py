"""Random barbells: within every limit, walked as the readable ledger walks them."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.app import inputs_of
from engine.errors import InfeasibleError
from engine.evidence.ranking import (
    percentile_among,
    rank_among,
    ranking_sentences,
)
from engine.ledger.backtest import Backtest
from engine.ledger.batch import simulate_schedules
from engine.ledger.random_barbells import (
    draw_barbells,
    draw_budgets,
    limits_of,
    random_schedules,
    share,
    unbound,
)
from engine.ledger.simulate import fixed, play
from engine.portfolio.results import Decision
from engine.study_inputs import StudyInputs
from engine.study_luck import rank_schedules
from engine.study_paths import trade_barbell
from engine.thesis.model import About, Portfolio
from tests.flagship import FLAGSHIP
from tests.tolerances import IDENTITY, TWIN

ROOT = Path(__file__).resolve().parents[2]
SEEDS = st.integers(0, 2**32 - 1)


@cache
def study() -> tuple[StudyInputs, tuple[Decision, ...], Backtest]:
    inputs = inputs_of(FLAGSHIP, start="2024-07-01", end="2025-03-31")
    decisions, account = trade_barbell(inputs)
    return inputs, decisions, account


def drawn(count: int, seed: int = 7) -> np.ndarray:
    inputs, decisions, _ = study()
    layer_of = {
        one.symbol: inputs.universe.layer_of(one.symbol) for one in inputs.assets
    }
    return random_schedules(
        inputs.tape,
        decisions,
        inputs.thesis,
        layer_of,
        count=count,
        rng=np.random.default_rng(seed),
    )


def test_every_draw_is_within_the_thesis_s_limits() -> None:
    """The limits are read from the file here, not from the code that draws."""
    inputs, decisions, _ = study()
    weights = drawn(200)
    portfolio = inputs.thesis.portfolio
    layers = np.array([inputs.universe.layer_of(s) for s in inputs.tape.symbols])
    assert weights.min() >= 0.0
    assert weights.max() <= portfolio.max_weight + IDENTITY
    for leg in inputs.thesis.barbell.values():
        total = weights[:, :, np.isin(layers, leg.layers)].sum(axis=2)
        assert total.min() >= leg.weight[0] - IDENTITY
        assert total.max() <= leg.weight[1] + IDENTITY
        assert total.std() > 0.0
    cash = 1.0 - weights.sum(axis=2)
    assert cash.min() >= portfolio.cash[0] - IDENTITY
    assert cash.max() <= portfolio.cash[1] + IDENTITY
    for place, decision in enumerate(decisions):
        row = inputs.tape.days.get_loc(decision.session)
        closed = ~np.isfinite(inputs.tape.price[row]) | inputs.tape.stale[row]
        closed |= decision.alpha.reindex(inputs.tape.symbols).isna().to_numpy()
        assert not weights[:, place, closed].any()
        in_leg = np.isin(layers, ["compute", "memory", "cloud", "application", "labs"])
        assert (weights[:, place, in_leg & ~closed].max(axis=0) > 0.0).all()


def test_the_batch_is_the_readable_ledger_on_the_same_draws() -> None:
    inputs, decisions, _ = study()
    weights = drawn(4)
    decide_at = pd.DatetimeIndex([one.session for one in decisions])
    batch = simulate_schedules(inputs.tape, weights, decide_at)
    for row, schedule in enumerate(weights):
        targets = {
            day: pd.Series(one, index=inputs.tape.symbols)
            for day, one in zip(decide_at, schedule, strict=True)
        }
        told = play(
            inputs.tape, name="twin", decide_at=decide_at, policy=fixed(targets)
        )
        assert (np.abs(batch.nav[row] / told.nav.to_numpy() - 1.0) <= TWIN).all()
        assert told.costs.to_numpy().sum() > 0.0
    assert len(np.unique(batch.nav[:, -1])) == 4


def test_the_same_seed_gives_the_same_draws() -> None:
    assert np.array_equal(drawn(5), drawn(5))
    assert not np.array_equal(drawn(5), drawn(5, seed=8))


@given(seed=SEEDS)
def test_budgets_fill_the_account_within_their_ranges(seed: int) -> None:
    rng = np.random.default_rng(seed)
    inside = rng.dirichlet(np.ones(rng.integers(2, 7)))
    low = inside * rng.choice([0.0, 0.5, 1.0], len(inside))
    high = inside + (1.0 - inside) * rng.choice([0.0, 0.3, 1.0], len(inside))
    found = draw_budgets(low, high, 50, rng)
    assert np.abs(found.sum(axis=1) - 1.0).max() <= IDENTITY
    assert (found >= low - IDENTITY).all()
    assert (found <= high + IDENTITY).all()


def test_one_free_budget_is_uniform() -> None:
    """Two shares that add up to 1, each in [0.4, 0.6], are uniform there."""
    rng = np.random.default_rng(1)
    found = draw_budgets(np.array([0.4, 0.4]), np.array([0.6, 0.6]), 20_000, rng)
    deciles = np.quantile(found[:, 0], np.linspace(0.1, 0.9, 9))
    assert deciles == pytest.approx(np.linspace(0.42, 0.58, 9), abs=0.004)


def redistributed(weights: np.ndarray, caps: np.ndarray) -> np.ndarray:
    """The rule as written: what exceeds a limit goes to the others, again and again."""
    weights, full = weights.copy(), np.zeros(len(weights), dtype=bool)
    while (weights > caps * (1.0 + 1e-14)).any():
        full |= weights > caps
        excess = (weights - caps)[full].sum()
        weights[full] = caps[full]
        weights[~full] += excess * weights[~full] / weights[~full].sum()
    return weights


@given(seed=SEEDS)
def test_names_share_a_budget_as_repeated_redistribution_does(seed: int) -> None:
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, 9))
    caps = rng.uniform(0.05, 0.3, count)
    budget = caps.sum() * float(rng.choice([0.0, 0.3, 0.8, 0.99]))
    found = share(np.full(20, budget), caps, np.random.default_rng(seed))
    raw = np.random.default_rng(seed).standard_exponential((20, count))
    for one, x in zip(found, raw, strict=True):
        assert one == pytest.approx(redistributed(budget * x / x.sum(), caps), abs=1e-9)
        assert one.sum() == pytest.approx(budget, abs=IDENTITY)
    assert share(np.array([caps.sum()]), caps, rng)[0] == pytest.approx(caps)


def test_names_are_a_flat_dirichlet_where_no_limit_binds() -> None:
    found = share(np.ones(20_000), np.ones(4), np.random.default_rng(3))
    assert found.mean(axis=0) == pytest.approx(np.full(4, 0.25), abs=0.005)
    # the variance of a flat Dirichlet's share: (n - 1) / (n^2 (n + 1))
    assert found.var(axis=0) == pytest.approx(np.full(4, 3 / 80), rel=0.05)


def test_a_leg_that_its_names_cannot_fill_is_an_error_that_names_it() -> None:
    inputs, decisions, _ = study()
    limits = limits_of(inputs.tape, decisions[0], inputs.thesis, _layers(inputs))
    narrow = replace(limits, cap=np.minimum(limits.cap, 0.001))
    with pytest.raises(InfeasibleError, match=r"barbell\.infrastructure\.weight"):
        draw_barbells(narrow, 3, 10, np.random.default_rng(0))
    with pytest.raises(InfeasibleError, match="cannot fill"):
        draw_budgets(np.zeros(2), np.array([0.3, 0.3]), 5, np.random.default_rng(0))


def test_a_limit_that_a_decision_widened_is_as_wide_for_the_draws() -> None:
    inputs, decisions, _ = study()
    loose = inputs.thesis.portfolio.model_copy(update={"relax": True})
    thesis = inputs.thesis.model_copy(update={"portfolio": loose})
    told = replace(decisions[0], slacks={"portfolio.max_weight": 0.05})
    own, wide = (
        limits_of(inputs.tape, one, thesis, _layers(inputs))
        for one in (decisions[0], told)
    )
    bought = own.may_buy
    assert wide.cap[bought] - own.cap[bought] == pytest.approx(0.05, abs=1e-6)


def test_where_no_draw_differs_there_is_no_place() -> None:
    inputs, decisions, account = study()
    same = np.repeat(drawn(1), 5, axis=0)
    luck = rank_schedules(inputs, decisions, account, same)
    assert luck.ranking is None
    assert luck.note == (
        "The barbell is not ranked among random ones: its limits leave room for one "
        "portfolio only, and all 5 are alike."
    )
    idle = replace(account, trades=account.trades.iloc[:0])
    luck = rank_schedules(inputs, decisions, idle, drawn(5))
    assert luck.ranking is None
    assert "it bought nothing" in luck.note


def _layers(inputs: StudyInputs) -> dict[str, str]:
    return {one.symbol: inputs.universe.layer_of(one.symbol) for one in inputs.assets}


def test_a_leg_that_nobody_can_buy_is_cash() -> None:
    inputs, decisions, _ = study()
    layers = _layers(inputs)
    none = replace(
        decisions[0],
        alpha=decisions[0].alpha.where(
            [layers[s] != "labs" for s in decisions[0].alpha.index]
        ),
    )
    limits = limits_of(inputs.tape, none, inputs.thesis, layers)
    found = draw_barbells(limits, 3, 100, np.random.default_rng(0))
    cash = 1.0 - found.sum(axis=1)
    assert 0.02 < cash.max() <= 0.07 + IDENTITY  # its own 0.02 and the middle's 0.05


def test_percentile_by_hand() -> None:
    others = np.array([1.0, 2.0, 3.0, 4.0, np.nan])
    assert percentile_among(2.5, others) == 50.0
    assert percentile_among(3.0, others) == 62.5  # two below, one equal
    assert percentile_among(0.0, others) == 0.0
    assert percentile_among(9.0, others) == 100.0
    assert np.isnan(percentile_among(np.nan, others))
    assert np.isnan(percentile_among(1.0, np.array([np.nan])))


def about(declared: dt.date | None) -> About:
    start, end = dt.date(2024, 1, 2), dt.date(2024, 12, 31)
    return About(id="x", title="x", start=start, end=end, declared=declared)


def test_a_known_path_has_its_known_place() -> None:
    """Paths that are shifts of one another rank as their shifts in every metric."""
    rng = np.random.default_rng(5)
    days = pd.bdate_range("2024-01-03", periods=100)
    base = rng.normal(0.0, 0.01, 100)
    others = base + np.arange(-30, 70)[:, None] * 1e-5
    own = pd.Series(base + 0.5e-5, index=days, name="barbell")
    ranking = rank_among(own, others, about(declared=days[40].date()))
    assert ranking.table["percentile"].tolist() == [31.0] * 9
    assert ranking.table["as_good"].tolist() == [69] * 9
    whole = ranking.table.query("sample == 'all' and metric == 'total_return'").iloc[0]
    totals = (1.0 + others).prod(axis=1) - 1.0
    assert whole["median"] == pytest.approx(np.median(totals), rel=IDENTITY)
    assert whole["highest"] == pytest.approx(totals[-1], rel=IDENTITY)
    assert len(ranking.paths) == 3 * 101
    said = " ".join(ranking_sentences(ranking, about(declared=days[40].date())))
    assert "The barbell (out-of-sample) stands" in said
    assert f"Days before {days[40].date()} are in-sample" in said


@pytest.mark.parametrize(
    ("declared", "seen"),
    [(None, True), (dt.date(2026, 7, 6), True), (dt.date(2023, 1, 2), False)],
)
def test_in_sample_is_said_where_it_is(declared: dt.date | None, seen: bool) -> None:
    days = pd.bdate_range("2024-01-03", periods=30)
    own = pd.Series(np.linspace(-0.01, 0.02, 30), index=days, name="barbell")
    ranking = rank_among(own, own.to_numpy()[None] * 0.5, about(declared))
    said = " ".join(ranking_sentences(ranking, about(declared)))
    assert ("All of it is in-sample" in said) is seen


def test_limits_that_do_not_bind_are_named() -> None:
    assert unbound(Portfolio()) == ()
    assert unbound(Portfolio(max_turnover=0.0)) == ("portfolio.max_turnover",)
    rules = Portfolio(max_turnover=0.4, layers={"labs": (0.0, 0.1)}, max_names=20)
    assert unbound(rules) == (
        "portfolio.max_turnover",
        "portfolio.layers",
        "portfolio.max_names",
    )


COLD = """
import sys
import engine.parts
import engine.cli.commands.parts
assert "numba" not in sys.modules
"""


def test_only_the_option_loads_numba() -> None:
    done = subprocess.run(
        [sys.executable, "-c", COLD], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
