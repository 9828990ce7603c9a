"""Factors from what a study has; and what is said of those it has not."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from engine.evidence.regression import (
    COLUMNS,
    FEWEST_SESSIONS,
    INTERCEPT,
    factor_regression,
)
from engine.evidence.regression_factors import (
    MOMENTUM_FROM,
    Factor,
    factors_of,
    momentum,
)
from engine.market.market import Market
from tests.markets import market
from tests.tolerances import IDENTITY

DAYS = 330
#: What each asset gains a day: the first two are the winners, the last two the losers.
DRIFT = (0.003, 0.002, 0.001, 0.0, -0.001, -0.002)
NAMES = ("A", "B", "C", "D", "E", "F")


def steady(mic: str = "XNYS") -> Market:
    days = np.arange(DAYS)
    grown = {
        name: (100.0 * (1.0 + drift) ** days).tolist()
        for name, drift in zip(NAMES, DRIFT, strict=True)
    }
    fund = {"SPY": np.linspace(100, 130, DAYS).tolist(), "SMH": (days + 50.0).tolist()}
    closes = {"XNYS": fund}
    if mic == "XNYS":
        return market({"XNYS": fund | grown})
    won = (1300.0 + 10.0 * np.sin(days)).tolist()
    return market(closes | {mic: grown}, rates={"KRW": won})


def factors(world: Market, *benchmarks: str, assets: int = 6) -> dict[str, Factor]:
    found = factors_of(
        world,
        [world.lines[name] for name in NAMES[:assets]],
        [world.lines[name] for name in benchmarks],
        rate=0.0001,
        stale_after=5,
    )
    return {one.name: one for one in found}


def known(factor: Factor) -> pd.Series:
    assert factor.returns is not None
    return factor.returns


def test_market_and_sector_are_the_first_benchmark_and_the_rest_beyond_it() -> None:
    world = steady()
    found = factors(world, "SPY", "SMH")
    assert list(found) == ["market", "SMH", "momentum", "USD"]
    moves = world.home.price.pct_change(fill_method=None)
    over, beyond = moves["SPY"] - 0.0001, moves["SMH"] - moves["SPY"]
    for name, expected in (("market", over), ("SMH", beyond)):
        returns = known(found[name]).to_numpy()
        assert returns[1:] == pytest.approx(expected.to_numpy()[1:])
    assert found["SMH"].proxy == "SMH minus SPY"
    noted = dataclasses.replace(world.lines["SMH"], note="Semiconductors")
    world = dataclasses.replace(world, lines={**world.lines, "SMH": noted})
    assert "semiconductors" in factors(world, "SPY", "SMH")


def test_momentum_holds_the_winners_against_the_losers() -> None:
    world = steady()
    found = known(factors(world, "SPY")["momentum"])
    days = found.index
    ends = [i for i in range(DAYS - 1) if days[i].month != days[i + 1].month]
    first = next(i for i in ends if i >= MOMENTUM_FROM)
    assert found.iloc[: first + 1].isna().all()
    # (0.3 + 0.2) / 2 % against (-0.1 - 0.2) / 2 %
    assert found.iloc[first + 1 :].to_numpy() == pytest.approx(0.004)


def test_momentum_ranks_on_the_close_of_a_month_what_the_next_one_earns() -> None:
    """A winner that turns keeps its place until the month has ended."""
    world = steady()
    price = world.home.price.copy()
    days = price.index
    ends = [i for i in range(DAYS - 1) if days[i].month != days[i + 1].month]
    end = next(i for i in ends if i >= MOMENTUM_FROM)
    price.iloc[end + 1 :, price.columns.get_loc("A")] *= 0.5
    home = dataclasses.replace(world.home, price=price)
    found = momentum(home, home.returns(), list(NAMES), stale_after=5)
    fell = 0.5 * 1.003 - 1.0
    assert found.iloc[end + 1] == pytest.approx((fell + 0.002) / 2 + 0.0015)


def test_stale_and_young_assets_are_not_ranked() -> None:
    world = steady()
    age = world.home.age.copy()
    age["A"] = 6.0
    home = dataclasses.replace(world.home, age=age)
    assert momentum(home, home.returns(), list(NAMES), stale_after=5).isna().all()
    assert momentum(home, home.returns(), list(NAMES), stale_after=6).notna().any()
    price = world.home.price.copy()
    price.iloc[: DAYS - 200, 3] = np.nan
    home = dataclasses.replace(world.home, price=price)
    assert momentum(home, home.returns(), list(NAMES), stale_after=5).isna().all()


def test_momentum_does_not_know_the_future() -> None:
    world = steady()
    whole = momentum(world.home, world.home.returns(), list(NAMES), stale_after=5)
    rng = np.random.default_rng(3)
    for cut in (MOMENTUM_FROM + 20, DAYS - 15):
        price = world.home.price.copy()
        noise = rng.uniform(1.0, 500.0, price.iloc[cut:].shape)
        noise[rng.random(noise.shape) < 0.3] = np.nan
        price.iloc[cut:] = noise
        home = dataclasses.replace(world.home, price=price)
        other = momentum(home, home.returns(), list(NAMES), stale_after=5)
        pd.testing.assert_series_equal(whole.iloc[:cut], other.iloc[:cut])
        short = world.home.first(cut)
        other = momentum(short, short.returns(), list(NAMES), stale_after=5)
        pd.testing.assert_series_equal(
            whole.iloc[:cut], other, check_freq=False, check_exact=True
        )


def test_the_accounts_currency_rises_when_the_others_fall() -> None:
    world = steady("XKRX")
    found = factors(world, "SPY")["USD"]
    won = 1.0 / (1300.0 + 10.0 * np.sin(np.arange(DAYS)))
    expected = -(won[1:] / won[:-1] - 1.0)
    assert known(found).to_numpy()[1:] == pytest.approx(expected)
    assert found.proxy == "USD against KRW"


def test_only_far_exchanges_make_the_market_lead() -> None:
    assert not factors(steady(), "SPY", "SMH")["market"].lagged
    found = factors(steady("XKRX"), "SPY", "SMH")
    assert found["market"].lagged
    assert found["SMH"].lagged
    assert not found["momentum"].lagged


def test_what_is_missing_is_absent_and_said_so() -> None:
    world = steady()
    found = factors(world, assets=4)
    assert {name: one.absent for name, one in found.items()} == {
        "market": "the thesis has no benchmark with a price",
        "sector": "the thesis has no benchmark with a price",
        "momentum": "4 assets are too few to rank",
        "USD": "every asset is in USD",
    }
    one = factors(world, "SPY")
    assert one["sector"].absent == "the thesis has no second benchmark with a price"


def test_an_absent_factor_has_a_row_with_its_reason() -> None:
    rng = np.random.default_rng(1)
    days = pd.bdate_range("2024-01-01", periods=200)
    own = pd.Series(rng.normal(0, 0.01, 200), index=days)
    partly = own.where(np.arange(200) >= 50)
    present = [
        Factor(name="market", proxy="SPY", returns=own),
        Factor(name="twin", proxy="", returns=own * 2.0),
        Factor(name="flat", proxy="", returns=own * 0.0 + 0.001),
        Factor(name="young", proxy="", returns=partly),
        Factor(name="none", proxy="", absent="why not"),
    ]
    table = factor_regression(
        own * 0.5,
        present,
        periods_per_year=252.0,
        samples={"all": np.ones(200, bool), "late": np.arange(200) >= 160},
    )
    assert list(table.columns) == list(COLUMNS)
    whole = table[table["sample"] == "all"].set_index("factor")
    assert whole.loc["market", "loading"] == pytest.approx(0.5)
    assert whole["absent"].to_dict() == {
        INTERCEPT: "",
        "market": "",
        "twin": "does not move on its own",
        "flat": "does not move on its own",
        "young": "known on 150 of 200 sessions only",
        "none": "why not",
    }
    assert whole.loc[["twin", "flat", "young", "none"], "loading"].isna().all()
    late = table[table["sample"] == "late"].set_index("factor")
    assert INTERCEPT not in late.index
    assert late.loc["market", "absent"] == "fewer than 60 sessions"
    assert late.loc["none", "absent"] == "why not"
    assert FEWEST_SESSIONS == 60


def test_a_late_answer_counts_in_the_loading() -> None:
    rng = np.random.default_rng(2)
    days = pd.bdate_range("2024-01-01", periods=400)
    spy = pd.Series(rng.normal(0, 0.01, 400), index=days)
    noise = rng.normal(0, 1e-5, 400)
    own = (0.4 * spy + 0.3 * spy.shift(1) + 0.0002 + noise).iloc[1:]
    table = factor_regression(
        own,
        [Factor(name="market", proxy="SPY", returns=spy, lagged=True)],
        periods_per_year=252.0,
        samples={"all": np.ones(399, bool)},
    ).set_index("factor")
    assert table.loc["market", "loading"] == pytest.approx(0.7, abs=1e-3)
    assert table.loc["market", "same_session"] == pytest.approx(0.4, abs=1e-3)
    assert table.loc["market", "session_before"] == pytest.approx(0.3, abs=1e-3)
    assert table.loc[INTERCEPT, "loading"] == pytest.approx(0.0504, abs=1e-3)
    assert table.loc["market", "n"] == 399
    half = table["high"] - table["loading"]
    assert half.to_numpy() == pytest.approx(
        (table["loading"] - table["low"]).to_numpy(), abs=IDENTITY
    )
