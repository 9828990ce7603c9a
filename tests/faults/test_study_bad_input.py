"""Bad input of portfolios and accounts, through a whole study or the command line."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import engine
import universes
from engine.errors import CurrencyError, DataError, ThesisError, UsageError
from tests import desk
from tests.tolerances import IDENTITY, SOLVER

ASSETS = ("NVDA", "000660.KS", "BABA", "0700.HK", "GOOGL")
#: A month end of the study at which it decides.
REBALANCE = "2023-09-29"


def study(
    folder: Path, text: str = desk.THESIS, change: desk.Change | None = None
) -> engine.StudyResult:
    folder.mkdir(exist_ok=True)
    desk.write_desk(folder, text)
    if change is not None:
        change(folder / "prices")
    return engine.run(folder / "t.toml", prices=folder / "prices")


def with_portfolio(*lines: str) -> str:
    return desk.changed(("max_weight = 0.4", "\n".join(("max_weight = 0.4", *lines))))


def dropped(prices: Path, days: tuple[str, str], *names: str) -> None:
    """Remove the rows of some days from some files."""
    for name in names:
        file = prices / f"{name}.csv"
        frame = pd.read_csv(file, index_col="date")
        inside = (frame.index >= days[0]) & (frame.index <= days[1])
        frame[~inside].to_csv(file)


def decided(result: engine.StudyResult, day: str) -> engine.portfolio.results.Decision:
    (one,) = [one for one in result.decisions if str(one.session.date()) == day]
    return one


@pytest.mark.parametrize(
    "method", ["sample", "exponential", "ledoit_wolf", "oas", "layer_factors"]
)
def test_a_singular_covariance(tmp_path: Path, method: str) -> None:
    """Two companies with one price, by every method of estimation."""

    def twins(prices: Path) -> None:
        shutil.copy(prices / "BABA.csv", prices / "GOOGL.csv")
        shutil.copy(prices / "BABA.csv", prices / "NVDA.csv")

    result = study(tmp_path, with_portfolio(f'covariance = "{method}"'), twins)
    for one in result.decisions:
        assert one.status.startswith("optimal"), one.status
        assert one.weights.max() <= 0.4 + SOLVER
    assert result.backtest.nav.min() > 0.0


def test_all_prices_missing_on_a_rebalance(tmp_path: Path) -> None:
    """The day is a session, and nothing has a bar: orders wait for the next ones."""
    result = study(
        tmp_path, change=lambda prices: dropped(prices, (REBALANCE,) * 2, *ASSETS)
    )
    told = result.backtest
    assert decided(result, REBALANCE).weights.sum() > 0.5
    assert (told.trades["session"] != pd.Timestamp(REBALANCE)).all()
    day = told.nav.index.get_loc(pd.Timestamp(REBALANCE))
    assert told.price.iloc[day].equals(told.price.iloc[day - 1])
    later = told.trades[told.trades["decided"] == pd.Timestamp(REBALANCE)]
    assert len(later)


def test_all_prices_stale_on_a_rebalance(tmp_path: Path) -> None:
    """Two weeks without a price: nothing can trade, so what is held stays."""
    gone = ("2023-09-15", "2023-10-05")
    result = study(tmp_path, change=lambda prices: dropped(prices, gone, *ASSETS))
    one = decided(result, REBALANCE)
    held = result.backtest.weights.loc[REBALANCE]
    assert one.solver == "none"
    assert one.weights.to_numpy() == pytest.approx(held[one.weights.index], abs=1e-12)
    assert any("cannot trade and keep their weight" in note for note in one.notes)
    assert any("stale price" in note for note in result.backtest.notes)


@pytest.mark.parametrize("last", [REBALANCE, "2023-09-28"])
def test_a_delisting_on_the_day_of_a_rebalance(tmp_path: Path, last: str) -> None:
    """Its last day is the decision's, or the one before: paid out, never bought again.

    At a loss of 40 %, which no order escapes.
    """
    own = tmp_path / "own"
    shutil.copytree(Path(universes.__file__).parent / "ai-stack", own)
    lines = pd.read_csv(own / "lines.csv", dtype=str, keep_default_na=False)
    lines["delisted"] = np.where(lines["symbol"] == "BABA", last, "")
    lines.to_csv(own / "lines.csv", index=False)
    text = desk.changed(
        ("[universe]\n", f'[universe]\nname = "{own}"\n'),
        ('fees = "exchange"', 'fees = "exchange"\ndelisting_return = -0.4'),
    )
    gone = (str(np.datetime64(last) + 1), "2024-12-31")
    result = study(tmp_path, text, lambda prices: dropped(prices, gone, "BABA"))
    told = result.backtest
    units = told.holdings["BABA"]
    assert units[last] > 0.0
    (ended,) = told.actions.loc[told.actions["kind"] == "delisting"].itertuples()
    after = told.nav.index[told.nav.index.get_loc(pd.Timestamp(last)) + 1]
    assert ended.session == after
    final = told.price.loc[last, "BABA"] * 0.6
    assert ended.paid == pytest.approx(units[last] * final, rel=1e-9)
    assert (units[after:] == 0.0).all()
    buys = told.trades[told.trades["asset"] == "BABA"]
    assert (buys["session"] <= pd.Timestamp(last)).all()
    for one in result.decisions:
        if one.session > pd.Timestamp(last):
            assert one.weights["BABA"] == 0.0


def test_a_rate_missing_for_a_day(tmp_path: Path) -> None:
    """The last fix counts: the account is valued, at yesterday's rate."""
    day = "2023-10-18"
    result = study(tmp_path, change=lambda prices: dropped(prices, (day, day), "KRW=X"))
    rate = result.backtest.fx["KRW"]
    place = rate.index.get_loc(pd.Timestamp(day))
    assert rate.iloc[place] == rate.iloc[place - 1]
    assert rate.iloc[place] != rate.iloc[place + 1]
    assert np.isfinite(result.backtest.nav).all()


def test_a_rate_missing_for_ever(tmp_path: Path) -> None:
    """A currency without a file: its lines cannot be valued, and that is an error."""
    with pytest.raises(CurrencyError, match="KRW"):
        study(tmp_path, change=lambda prices: (prices / "KRW=X.csv").unlink())


def test_no_capital(tmp_path: Path) -> None:
    """In the file and in place of it (the command: test_cli_faults.py)."""
    with pytest.raises(ThesisError, match="capital: expected a number above 0"):
        study(tmp_path / "file", desk.changed(('fees = "exchange"', "capital = 0")))
    (tmp_path / "call").mkdir()
    desk.write_desk(tmp_path / "call")
    for capital in (0.0, -5.0):
        with pytest.raises(UsageError, match=r"capital.*above 0"):
            engine.run(
                tmp_path / "call" / "t.toml",
                prices=tmp_path / "call" / "prices",
                capital=capital,
            )


def test_no_cash_to_pay_costs_from_overdraws_the_account(tmp_path: Path) -> None:
    """Cash of exactly nothing: said at each decision, and overdrafts cost."""
    text = with_portfolio("cash = [0.0, 0.0]")
    text = text.replace('fees = "exchange"', 'fees = "exchange"\noverdraft_rate = 0.1')
    result = study(tmp_path, text)
    first = result.decisions[0]
    assert first.weights.sum() == pytest.approx(1.0, abs=SOLVER)
    assert any("overdraw the account" in note for note in first.notes)
    told = result.backtest
    assert told.cash["USD"].min() < 0.0 or len(told.trades)
    assert (told.weights.sum(axis=1) <= 1.01).all()


def test_cash_below_nothing_is_refused_where_it_is_written(tmp_path: Path) -> None:
    with pytest.raises(ThesisError, match=r"cash item 1: expected at least 0"):
        study(tmp_path, with_portfolio("cash = [-0.2, 0.0]"))


def test_a_turnover_limit_of_everything_is_none(tmp_path: Path) -> None:
    for name, line in (("a", "max_turnover = 1.0"), ("b", "relax = false")):
        (tmp_path / name).mkdir()
        study_of = study(tmp_path / name, with_portfolio(line))
        if name == "a":
            limited = study_of.backtest.nav
    np.testing.assert_allclose(limited, study_of.backtest.nav, rtol=1e-6)


def test_a_turnover_limit_of_nothing_trades_once(tmp_path: Path) -> None:
    text = desk.changed(
        ("max_weight = 0.4", "max_weight = 0.6\nmax_turnover = 0"),
        ("[0.4, 0.6]", "[0.0, 1.0]"),
    )
    result = study(tmp_path, text)
    for one in result.decisions[1:]:
        held = result.backtest.weights.loc[one.session, one.weights.index]
        assert one.weights.to_numpy() == pytest.approx(held, abs=1e-6)


GAP = """
[[execution.charges]]
item = "levy"
markets = ["XHKG"]
rate = 0.0001
effective_to = 2023-10-15

[[execution.charges]]
item = "levy"
markets = ["XHKG"]
rate = 0.0002
effective_from = 2023-12-01
"""


def test_a_table_of_fees_with_a_gap(tmp_path: Path) -> None:
    """A day without a rate is an error that names item, market, day and gap."""
    with pytest.raises(DataError) as caught:
        study(tmp_path, desk.THESIS + GAP)
    said = str(caught.value)
    assert "'levy' on XHKG has no rate for a buy on 2023-10-31" in said
    assert "it has a gap between 2023-10-15 and 2023-12-01" in said


def test_a_small_account_places_few_orders(tmp_path: Path) -> None:
    """Minimum commissions: what is expected is paid, what is left alone stays alone."""
    charge = """
[[execution.charges]]
item = "commission"
markets = ["XNYS", "XNAS", "XHKG", "XKRX"]
rate = 0.0003
minimum = 5.0
"""
    text = desk.changed(('fees = "exchange"', 'fees = "exchange"\ncapital = 10000'))
    result = study(tmp_path, text + charge)
    trades, units = result.backtest.trades, result.backtest.holdings
    assert any(one.unplaced for one in result.decisions)
    for one in result.decisions:
        placed = trades.loc[trades["decided"] == one.session, "asset"]
        assert not set(placed) & set(one.unplaced)
        if one.unplaced:
            assert (units.loc[one.session, list(one.unplaced)] >= 0.0).all()
    paid = trades[["slippage", "tax", "commission", "fx_cost"]].to_numpy().sum()
    nav = result.backtest.nav
    told = sum(one.costs * float(nav[one.session]) for one in result.decisions)
    assert told == pytest.approx(paid, rel=0.1)
    assert told > IDENTITY
