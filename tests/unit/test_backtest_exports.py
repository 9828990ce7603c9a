"""A backtest as tables: to pandas, CSV and Parquet, and for other libraries."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine.costs.charges import schedule_for
from engine.ledger.backtest import ACTION_COLUMNS, TRADE_COLUMNS, Backtest
from engine.ledger.simulate import fixed, simulate
from engine.thesis.model import Execution
from tests.markets import market
from tests.tolerances import IDENTITY


@pytest.fixture(scope="module")
def told() -> Backtest:
    world = market(
        {
            "XNYS": {"A": [10.0, 10.0, 11.0, 10.0, 12.0, 12.0]},
            "XHKG": {"0700.HK": [8.0, 8.0, 8.0, 9.0, 9.0, 9.0]},
        },
        rates={"HKD": [8.0, 8.0, 8.0, 7.8, 7.9, 8.0]},
        closed={"XHKG": [1]},
        raw={"0700.HK": ({4: 0.5}, {})},
    )
    days = world.home.sessions.days
    terms = Execution(capital=1e5, fractional=True, fx_spread_bps=10.0)
    wanted = {
        days[0]: pd.Series({"A": 0.4, "0700.HK": 0.4}),
        days[3]: pd.Series({"A": 0.2, "0700.HK": 0.6}),
    }
    return simulate(
        world, name="exported", assets=list(world.lines.values()),
        decide_at=pd.DatetimeIndex(list(wanted)), policy=fixed(wanted),
        execution=terms, base="USD", schedule=schedule_for(terms),
        start=days[0].date(), end=days[-1].date(),
    )  # fmt: skip


def test_returns_are_what_other_libraries_take(told: Backtest) -> None:
    """A named float series without gaps on plain, tz-naive, increasing days."""
    returns = told.returns
    assert returns.name == "exported"
    assert returns.dtype == np.float64
    assert isinstance(returns.index, pd.DatetimeIndex)
    assert returns.index.tz is None
    assert returns.index.is_monotonic_increasing
    assert (returns.index == returns.index.normalize()).all()
    assert returns.notna().all()
    grown = told.nav.iloc[0] * (1.0 + returns).cumprod()
    assert grown.to_numpy() == pytest.approx(told.nav.iloc[1:].to_numpy(), rel=IDENTITY)


def test_one_row_per_session(told: Backtest) -> None:
    frame = told.to_frame()
    assert frame.index.equals(told.nav.index)
    assert frame["nav"].tolist() == told.nav.tolist()
    assert frame["return"].iloc[0] == 0.0
    assert frame.notna().all(axis=None)
    base = (told.cash * told.fx).sum(axis=1) / told.nav
    assert frame["cash"].to_numpy() == pytest.approx(base.to_numpy(), abs=IDENTITY)
    assert frame["waiting"].tolist() == [0, 1, 0, 0, 0, 0]
    # Hong Kong was shut on row 1, so its purchase counts on row 2
    traded = told.trades.groupby(told.trades["filled_utc"].dt.normalize())[
        "value"
    ].sum()
    assert (frame["turnover"] * told.nav * 2.0)[traded.index].to_numpy() == (
        pytest.approx(traded.to_numpy(), rel=IDENTITY)
    )
    kinds = [name for name in frame.columns if name.startswith("cost_")]
    assert kinds == [
        "cost_slippage", "cost_tax", "cost_fx", "cost_interest", "cost_withholding",
    ]  # fmt: skip
    assert frame[kinds].sum().to_numpy() == pytest.approx(told.costs.sum().to_numpy())


def test_what_waited_and_what_was_stale(told: Backtest) -> None:
    assert told.waiting_days.to_dict() == {"A": 0, "0700.HK": 1}
    assert told.stale_days.to_dict() == {"A": 0, "0700.HK": 0}


def test_the_change_of_nav_is_price_rates_dividends_and_costs(told: Backtest) -> None:
    """What prices did is what is left, and is worked out on its own here."""
    price, fx = told.price.to_numpy(), told.fx[["USD", "HKD"]].to_numpy()
    held = told.holdings.to_numpy()
    marked = np.where(held[:-1] != 0.0, held[:-1], 0.0)
    moved = np.nansum(marked * np.diff(price, axis=0) * fx[:-1], axis=1)
    bought_since = np.zeros(len(moved))
    for one in told.trades.itertuples():  # what a fill earned by its own home close
        home = told.nav.index.get_loc(one.decided) + 1 + one.waited
        column = told.holdings.columns.get_loc(one.asset)
        worth = one.units * price[home, column] * fx[home, column]
        bought_since[home - 1] += worth - np.sign(one.units) * one.value
        swept = one.side == "sell" and one.currency != "USD"
        if swept:  # proceeds rode the rate until the sweep
            kept = one.value - one.slippage - one.tax
            bought_since[home - 1] += kept * (fx[home, column] / one.fx - 1.0)
    change = np.diff(told.nav.to_numpy())
    explained = (
        moved
        + told.fx_effect.to_numpy()[1:]
        + bought_since
        + told.dividends.sum(axis=1).to_numpy()[1:]
        - told.costs.sum(axis=1).to_numpy()[1:]
    )
    # a dividend is paid at the fix of its moment and swept at that of the close
    assert change == pytest.approx(explained, abs=0.002 * told.nav.iloc[0])
    quiet = [0, 1, 4]  # sessions without a dividend, or with no change of the rate
    assert change[quiet] == pytest.approx(explained[quiet], abs=IDENTITY * 1e5)


def test_files_hold_what_the_frame_holds(told: Backtest, tmp_path: Path) -> None:
    frame = told.to_frame()
    told.to_csv(tmp_path / "a.csv")
    back = pd.read_csv(tmp_path / "a.csv", index_col=0, parse_dates=True)
    assert back.index.tolist() == frame.index.tolist()
    assert back.to_numpy() == pytest.approx(frame.to_numpy(), rel=1e-15)
    told.to_parquet(tmp_path / "a.parquet")
    kept = pd.read_parquet(tmp_path / "a.parquet")
    pd.testing.assert_frame_equal(kept, frame, check_freq=False)


def test_every_table_by_name(told: Backtest, tmp_path: Path) -> None:
    tables = told.tables()
    assert list(tables["trades"].columns) == list(TRADE_COLUMNS)
    assert list(tables["actions"].columns) == list(ACTION_COLUMNS)
    assert tables["actions"]["kind"].tolist() == ["dividend"]
    for name, table in tables.items():
        table.to_parquet(tmp_path / f"{name}.parquet")


def test_an_account_that_did_nothing_has_empty_tables(told: Backtest) -> None:
    world = market({"XNYS": {"A": [10.0] * 3}})
    days = world.home.sessions.days
    still = simulate(
        world, name="still", assets=list(world.lines.values()), decide_at=days[:0],
        policy=fixed({}), execution=Execution(), base="USD",
        schedule=schedule_for(Execution()), start=days[0].date(), end=days[-1].date(),
    )  # fmt: skip
    assert still.trades.empty
    assert still.actions.empty
    assert still.returns.tolist() == [0.0, 0.0]
    assert still.to_frame()["turnover"].tolist() == [0.0] * 3
