"""Effects sum to the active return, on any numbers and in any books."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.costs.fees import schedule
from engine.evidence.attribution import (
    EFFECTS,
    TOTAL,
    attribute,
    brinson_fachler,
    carino,
)
from engine.ledger.backtest import Backtest
from engine.ledger.simulate import fixed, simulate
from engine.market.market import Market
from engine.thesis.model import Execution
from tests.ledger_cases import random_targets, random_terms
from tests.markets import random_market
from tests.tolerances import ATTRIBUTION

SEEDS = st.integers(0, 2**32 - 1)
LAYERS = ("first", "second", "third")


def traded(
    rng: np.random.Generator, world: Market, terms: Execution, name: str, base: str
) -> Backtest:
    """An account that buys at random."""
    days = world.home.sessions.days
    targets = random_targets(rng, world)
    return simulate(
        world,
        name=name,
        assets=list(world.lines.values()),
        decide_at=days[days.isin(list(targets))],
        policy=fixed(targets),
        execution=terms,
        base=base,
        schedule=schedule(terms.fees),
        start=days[0].date(),
        end=days[-1].date(),
    )


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS)
def test_effects_of_random_books_sum_to_the_active_return(seed: int) -> None:
    rng = np.random.default_rng(seed)
    world, terms = random_market(rng), random_terms(rng)
    own, other = (traded(rng, world, terms, name, "USD") for name in ("own", "other"))
    layer_of = {s: str(rng.choice(LAYERS)) for s in world.lines}
    sessions = len(own.nav) - 1
    late = np.arange(sessions) >= sessions // 2
    found = attribute(
        own,
        {"other": other},
        layer_of=layer_of,
        layers=LAYERS,
        lines=world.lines,
        closes=world.home.sessions.close_utc,
        periods={"all": late | True, "late": late},
    )
    for period, rows in (("all", late | True), ("late", late)):
        table = found.table[found.table["period"] == period]
        parts, total = table.iloc[:-1], table.iloc[-1]
        grown = [
            float(np.prod(1.0 + one.returns.to_numpy()[rows])) for one in (own, other)
        ]
        size = max(1.0, *grown)
        active = grown[0] - grown[1]
        effects = parts[list(EFFECTS)].to_numpy(dtype=np.float64)
        assert total["group"] == TOTAL
        assert effects.sum() == pytest.approx(active, abs=ATTRIBUTION * size)
        assert total["active"] == pytest.approx(active, abs=ATTRIBUTION * size)
        # and nothing of it is a rest that no effect explains
        assert abs(total["other"]) <= ATTRIBUTION * size
        assert parts["weight"].sum() == pytest.approx(1.0, abs=ATTRIBUTION)
        money = found.currencies[found.currencies["period"] == period]
        assert money["effect"].sum() == pytest.approx(
            total["currency"], abs=ATTRIBUTION * size
        )


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS)
def test_an_account_against_itself_has_no_effects(seed: int) -> None:
    rng = np.random.default_rng(seed)
    world, terms = random_market(rng), random_terms(rng)
    own = traded(rng, world, terms, "own", "USD")
    table = attribute(
        own,
        {"other": own},
        layer_of=dict.fromkeys(world.lines, "first"),
        layers=LAYERS,
        lines=world.lines,
        closes=world.home.sessions.close_utc,
    ).table
    assert (table[list(EFFECTS)].abs() <= 1e-15).all(axis=None)


def random_weights(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Weights that sum to 1, with zeros and shorts."""
    raw = rng.normal(0.3, 0.5, shape)
    raw[rng.random(shape) < 0.3] = 0.0
    raw[:, -1] = 1.0 - raw[:, :-1].sum(axis=1)
    return raw


@settings(max_examples=200, deadline=None)
@given(seed=SEEDS, groups=st.integers(1, 8), sessions=st.integers(1, 40))
def test_the_formula_is_exact_for_any_weights(
    seed: int, groups: int, sessions: int
) -> None:
    rng = np.random.default_rng(seed)
    shape = (sessions, groups)
    w, w_b = random_weights(rng, shape), random_weights(rng, shape)
    c, c_b = (rng.normal(0, 0.05, shape) * one for one in (w, w_b))
    parts = brinson_fachler(w, w_b, c, c_b)
    together = parts.allocation + parts.selection + parts.interaction
    assert together.sum(axis=1) == pytest.approx(
        c.sum(axis=1) - c_b.sum(axis=1), abs=ATTRIBUTION
    )
    # the order of the groups does not matter
    order = rng.permutation(groups)
    again = brinson_fachler(w[:, order], w_b[:, order], c[:, order], c_b[:, order])
    assert again.selection == pytest.approx(parts.selection[:, order], abs=ATTRIBUTION)


RETURNS = st.floats(-0.95, 3.0)


@settings(max_examples=300, deadline=None)
@given(
    pairs=st.lists(st.tuples(RETURNS, RETURNS), min_size=1, max_size=30),
    near=st.floats(-1e-6, 1e-6),
)
def test_linked_differences_sum_to_the_compounded_one(
    pairs: list[tuple[float, float]], near: float
) -> None:
    r, r_b = (np.array(one) for one in zip(*pairs, strict=True))
    for own, base in ((r, r_b), (r, r + near * (1.0 + r)), (r, r)):
        whole = np.prod(1.0 + own) - np.prod(1.0 + base)
        size = max(1.0, np.prod(1.0 + own), np.prod(1.0 + base))
        linked = carino(own, base) @ (own - base)
        assert linked == pytest.approx(whole, abs=ATTRIBUTION * size)
