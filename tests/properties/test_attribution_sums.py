"""Effects sum to the active return, on any numbers and in any books."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import event, given, reject, settings
from hypothesis import strategies as st

from engine.costs.charges import schedule_for
from engine.errors import DataError
from engine.evidence.attribution import (
    EFFECTS,
    TOTAL,
    Pair,
    attribute,
    brinson_fachler,
    carino,
    linked,
)
from engine.evidence.attribution_books import Books, Side
from engine.ledger.backtest import Backtest
from engine.ledger.simulate import fixed, simulate
from engine.market.market import Market
from engine.thesis.model import Execution
from tests.ledger_cases import (
    every_feature,
    long_short_targets,
    random_targets,
    random_terms,
)
from tests.markets import random_market
from tests.tolerances import ATTRIBUTION

SEEDS = st.integers(0, 2**32 - 1)
LAYERS = ("first", "second", "third")


def traded(
    rng: np.random.Generator,
    world: Market,
    terms: Execution,
    name: str,
    base: str,
    draw: Callable[..., dict[pd.Timestamp, pd.Series]] = random_targets,
) -> Backtest:
    """An account that buys at random."""
    days = world.home.sessions.days
    targets = draw(rng, world)
    return simulate(
        world,
        name=name,
        assets=list(world.lines.values()),
        decide_at=days[days.isin(list(targets))],
        policy=fixed(targets),
        execution=terms,
        base=base,
        schedule=schedule_for(terms),
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


@settings(max_examples=80, deadline=None)
@given(seed=SEEDS)
def test_effects_of_long_short_books_sum_and_stay_of_the_size_of_returns(
    seed: int,
) -> None:
    """Raw prices with dividends, splits, ends of listings; layers that cross zero."""
    rng = np.random.default_rng(seed)
    world = random_market(rng, features=True)
    terms = every_feature(rng, world)
    try:
        own, other = (
            traded(rng, world, terms, name, "USD", long_short_targets)
            for name in ("own", "other")
        )
    except DataError:
        reject()
    layer_of = {s: str(rng.choice(LAYERS[:2])) for s in world.lines}
    table = attribute(
        own,
        {"other": other},
        layer_of=layer_of,
        layers=LAYERS,
        lines=world.lines,
        closes=world.home.sessions.close_utc,
        sweep=terms.sweep,
    ).table
    parts = table.iloc[:-1]
    grown = [float(one.nav.iloc[-1] / one.nav.iloc[0]) for one in (own, other)]
    size = max(1.0, *grown)
    effects = parts[list(EFFECTS)].to_numpy(dtype=np.float64)
    assert effects.sum() == pytest.approx(grown[0] - grown[1], abs=ATTRIBUTION * size)
    assert parts["other"].abs().max() <= ATTRIBUTION * size
    short = parts[["weight_short", "weight_short_baseline"]].to_numpy()
    event("a short position" if (short < 0.0).any() else "none")
    assert (short <= 0.0).all()
    assert np.abs(effects).max() <= 50.0 * size


@settings(max_examples=200, deadline=None)
@given(seed=SEEDS)
def test_every_segment_return_lies_between_those_of_its_assets(seed: int) -> None:
    """One layer of random long and short weights, its net weight next to nothing."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(2, 6))
    raw = rng.normal(size=(1, count))
    raw[:, -1] = -raw[:, :-1].sum() + rng.choice([0.0, 1e-17, 1e-12, 1e-3])
    r = rng.normal(0.0, 0.05, (1, count))
    even = np.full((1, count), 1.0 / count)
    nothing = np.zeros((1, 1))

    def books(w: np.ndarray) -> Books:
        def side(chosen: np.ndarray) -> Side:
            part = np.where(chosen, w, 0.0)
            cash = 1.0 - w.sum() if chosen is long else 0.0
            return Side(
                weight=np.array([[part.sum(), cash]]),
                local=np.array([[(part * r).sum(), 0.0]]),
                currency=np.zeros((1, 2)),
            )

        long = w > 0.0
        sides = side(long), side(w < 0.0)
        weight, local = (
            getattr(sides[0], n) + getattr(sides[1], n) for n in ("weight", "local")
        )
        none = np.zeros((1, 2))
        return Books(
            days=pd.DatetimeIndex(["2024-01-02"]), groups=("one", "cash"),
            currencies=("USD",), weight=weight, local=local, currency=none,
            by_currency=nothing, trading=none, costs=none, other=np.zeros(1),
            returns=local.sum(axis=1), sides=sides,
        )  # fmt: skip

    pair = Pair(own=books(raw), baseline=books(even))
    table = linked({"even": pair}, {"all": np.array([True])}).table
    one, total = table.iloc[0], table.iloc[-1]
    for name, side in (("return", raw > 0.0), ("return_short", raw < 0.0)):
        if side.any():
            low, high = r[side].min(), r[side].max()
            assert low - 1e-12 <= one[name] <= high + 1e-12
    gap = float((raw * r).sum() - (even * r).sum())
    effects = table.iloc[:-1][["allocation", "selection", "interaction"]].to_numpy()
    assert effects.sum() == pytest.approx(gap, abs=ATTRIBUTION)
    assert total["active"] == pytest.approx(gap, abs=ATTRIBUTION)
    assert np.abs(effects).max() <= 4.0 * np.abs(raw).sum() * np.abs(r).max() + 1.0


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
