"""The flagship's books, re-derived from price files and its trades alone, every day.

Marks and rates come from the files (`tests.flagship.Record`), holdings and cash from
the trades, tax rates from `tests.tax_table`. Nothing is taken from the ledger but
the trades themselves and the target weights.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from engine.costs.fees import schedule
from engine.ledger.backtest import Backtest
from engine.ledger.simulate import fixed, play
from engine.ledger.tape import record as record_tape
from engine.study_inputs import StudyInputs
from engine.study_paths import BARBELL, trade_barbell
from engine.study_result import StudyResult
from engine.thesis.model import Execution
from tests.books import assert_books, closes_of, marked
from tests.flagship import Record, lines_of
from tests.tax_table import TAXED_AS, TAXES, tax_rate
from tests.tolerances import IDENTITY, SOLVER


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class World:
    """A study with the record of its prices."""

    study: StudyResult
    record: Record

    @property
    def paths(self) -> dict[str, Backtest]:
        return {BARBELL: self.study.backtest, **self.study.baselines}


@pytest.fixture
def world(study: StudyResult, record: Record) -> World:
    return World(study=study, record=record)


def test_nav_follows_from_the_files_and_the_trades(world: World) -> None:
    terms = world.study.thesis.execution
    assert len(world.paths) >= 7
    for name, told in world.paths.items():
        assert len(told.nav) > 700, name
        assert_books(told, world.record, terms)


def test_nav_tomorrow_is_todays_holdings_at_tomorrows_prices(world: World) -> None:
    """Every day: holdings at tomorrow's prices and rates + cash + trades - costs."""
    for told in world.paths.values():
        price, rate = marked(told, world.record)
        at = closes_of(told, world.record)
        money = {line.symbol: line.currency for line in lines_of(world.study)}
        unit = pd.DataFrame({s: price[s] * rate[money[s]] for s in price})
        held = (told.holdings.shift(1) * unit).fillna(0.0).sum(axis=1)
        gained = np.zeros(len(at))
        rows = np.searchsorted(at, told.trades["filled_utc"].to_numpy())
        for row, one in zip(rows, told.trades.itertuples(), strict=True):
            # what a unit was paid for, against what it is worth at the close; a seller
            # abroad is paid in his currency, at the close's rate
            abroad = one.side == "sell" and one.currency != told.base
            fix = rate[one.currency].iloc[row] if abroad else one.fx
            gained[row] += one.units * (unit[one.asset].iloc[row] - one.price * fix)
            gained[row] -= (one.slippage + one.tax) * (fix / one.fx) + one.fx_cost
        gained -= told.costs["interest"].to_numpy()
        expected = (held + told.cash["USD"].shift(1) + gained).iloc[1:]
        assert (
            np.abs(told.nav.iloc[1:] - expected) <= IDENTITY * told.nav.iloc[1:]
        ).all(), told.name


def test_every_fill_is_a_close_of_the_files(world: World) -> None:
    """At the first own close after the decision, at that close and the rate known."""
    money = {line.symbol: line.currency for line in lines_of(world.study)}
    slippage = world.study.thesis.execution.slippage_bps * 1e-4
    count = 0
    for told in world.paths.values():
        decided = pd.Series(closes_of(told, world.record), index=told.nav.index)
        for one in told.trades.itertuples():
            closes = world.record.closes[one.asset]
            after = closes[closes.index > decided[one.decided]]
            assert one.value > 1e-12 * told.nav.min()  # a trade, not a rounding
            assert one.filled_utc == after.index[0]
            assert one.price == after.iloc[0]
            assert one.session in world.record.days[one.asset]
            assert one.currency == money[one.asset]
            at = pd.DatetimeIndex([one.filled_utc])
            rate = float(world.record.rate(one.currency, at)[0])
            assert one.fx == pytest.approx(rate, rel=IDENTITY)
            # units are a difference of holdings: exact to a millionth of a dollar
            assert one.value == pytest.approx(
                abs(one.units) * one.price * rate, rel=IDENTITY, abs=1e-6
            )
            assert one.slippage == pytest.approx(slippage * one.value, rel=IDENTITY)
            between = (decided > decided[one.decided]) & (decided < one.filled_utc)
            assert one.waited == between.sum()
            count += 1
    assert count > 1800


def test_every_trade_is_sized_on_the_nav_of_its_moment(world: World) -> None:
    """Sells reach their target exactly; buys of one moment fall short by one factor."""
    terms = world.study.thesis.execution
    for told in world.paths.values():
        for fills, worth, cash in before_each_moment(told, world.record, terms):
            nav = sum(worth.values()) + cash
            shares = []
            for one in fills:
                wanted = float(told.targets.loc[one.decided, one.asset]) * nav
                gap = wanted - worth.get(one.asset, 0.0)
                assert (gap > 0) == (one.side == "buy")
                if one.side == "sell":
                    assert one.value == pytest.approx(-gap, abs=IDENTITY * nav)
                else:
                    shares.append(one.value / gap)
            if shares:
                assert max(shares) <= 1.0 + 1e-6
                assert min(shares) == pytest.approx(max(shares), rel=1e-6)


def before_each_moment(
    told: Backtest, record: Record, terms: Execution
) -> Iterator[tuple[list, dict[str, float], float]]:
    """Yield each moment's fills with what is held just before it, in dollars.

    By asset, and in cash: proceeds abroad that wait for the close count at the rate of
    the moment.
    """
    at = closes_of(told, record)
    money = {one.asset: one.currency for one in told.trades.itertuples()}
    moments = pd.DatetimeIndex(told.trades["filled_utc"].unique())
    rate = {c: record.rate(c, moments) for c in told.cash.columns}
    unit = {s: record.price(s, moments) * rate[money[s]] for s in money}
    close = {c: record.rate(c, at) for c in told.cash.columns}
    fills: dict[pd.Timestamp, list] = {}
    for one in told.trades.itertuples():
        fills.setdefault(one.filled_utc, []).append(one)
    units, abroad = dict.fromkeys(money, 0.0), dict.fromkeys(told.cash.columns, 0.0)
    cash, row = terms.capital, 0
    for place, (moment, today) in enumerate(fills.items()):
        while at[row] < moment:
            swept = sum(amount * close[c][row] for c, amount in abroad.items())
            cash += swept * (1.0 - terms.fx_spread_bps * 1e-4)
            abroad = dict.fromkeys(abroad, 0.0)
            row += 1
        worth = {s: units[s] * unit[s][place] for s in units if abs(units[s]) > 1e-9}
        yield today, worth, cash + sum(a * rate[c][place] for c, a in abroad.items())
        for one in today:
            units[one.asset] += one.units
            kept = one.value - one.slippage - one.tax
            if one.side == "buy":
                cash -= one.value + one.slippage + one.tax + one.fx_cost
            elif one.currency == told.base:
                cash += kept
            else:
                abroad[one.currency] += kept / one.fx


def test_every_tax_is_the_rate_of_its_day(world: World) -> None:
    mics = {line.symbol: line.mic for line in lines_of(world.study)}
    seen = set()
    for told in world.paths.values():
        for one in told.trades.itertuples():
            mic = mics[one.asset]
            rate = tax_rate(mic, one.side, one.session.date())
            assert one.tax == pytest.approx(rate * one.value, rel=IDENTITY), one
            seen.add((TAXED_AS.get(mic, mic), one.side, rate))
    # the run reaches every rate of the table that its years hold
    assert {("XHKG", "buy", 0.0013), ("XHKG", "sell", 0.0010)} <= seen
    assert {("XSHG", "sell", 0.0010), ("XSHG", "sell", 0.0005)} <= seen
    assert {("XKRX", "sell", rate) for rate in (0.0020, 0.0018, 0.0015)} <= seen
    assert {("XNYS", "sell", rate) for rate in (8.0e-6, 27.8e-6, 0.0)} <= seen


@pytest.mark.xdist_group("sample")
def test_trading_every_day_pays_every_rate_on_its_first_day(
    sample_study: StudyResult,
) -> None:
    """Four markets, weights to and fro at every close: no day of a change is missed."""
    names = ["NVDA", "0700.HK", "688256.SS", "000660.KS"]
    about = sample_study.thesis.about
    tape = record_tape(
        sample_study.market,
        [sample_study.market.lines[name] for name in names],
        execution=sample_study.thesis.execution,
        base="USD",
        schedule=schedule("exchange"),
        start=about.start,
        end=about.end,
    )
    weights = {
        day: pd.Series(0.2 if row % 2 else 0.1, index=names)
        for row, day in enumerate(tape.days)
    }
    told = play(tape, name="to and fro", decide_at=tape.days, policy=fixed(weights))
    mics = {line.symbol: line.mic for line in tape.lines}
    seen: dict[tuple[str, str, float], list[str]] = {}
    for one in told.trades.itertuples():
        mic = mics[one.asset]
        rate = tax_rate(mic, one.side, one.session.date())
        assert one.tax == pytest.approx(rate * one.value, rel=IDENTITY), one
        key = (TAXED_AS.get(mic, mic), one.side, rate)
        seen.setdefault(key, []).append(str(one.session.date()))
    table = {
        (mic, side, rate)
        for mic, sides in TAXES.items()
        for side, rates in sides.items()
        for rate in rates.values()
    }
    assert table - set(seen) == set()
    # Korean sales that settle in the new year are among them
    late = [day for day in seen["XKRX", "sell", 0.0015] if day < "2025"]
    assert late
    assert min(late) >= "2024-12-27"


def test_a_korean_sale_at_the_turn_of_the_year_pays_the_next_years_rate() -> None:
    """27 December 2024 settles on 2 January 2025: the table above, by hand."""
    assert tax_rate("XKRX", "sell", dt.date(2024, 12, 26)) == 0.0018
    assert tax_rate("XKRX", "sell", dt.date(2024, 12, 27)) == 0.0015


def test_costs_of_a_session_are_those_of_its_trades(world: World) -> None:
    for told in world.paths.values():
        at = closes_of(told, world.record)
        rows = at.searchsorted(told.trades["filled_utc"])
        for column, kind in (
            ("slippage", "slippage"),
            ("tax", "tax"),
            ("fx_cost", "fx"),
        ):
            paid = np.bincount(rows, told.trades[column], minlength=len(at))
            assert told.costs[kind].to_numpy() == pytest.approx(
                paid, abs=IDENTITY * told.nav.iloc[0]
            )


def test_decisions_keep_to_the_thesis(world: World) -> None:
    """Legs, names, cash and turnover at every decision, on the weights then held."""
    study, told = world.study, world.study.backtest
    rules = study.thesis.portfolio
    layer = {line.symbol: study.universe.layer_of(line.symbol) for line in study.assets}
    held_before = told.weights
    for number, one in enumerate(study.decisions):
        target = told.targets.loc[one.session]
        assert target.to_numpy() == pytest.approx(
            one.weights[target.index].to_numpy(), abs=IDENTITY
        )
        assert target.min() >= 0.0
        assert target.max() <= rules.max_weight + SOLVER
        assert target.sum() + one.cash == pytest.approx(1.0, abs=IDENTITY)
        assert -SOLVER <= one.cash - one.costs <= rules.cash[1] + SOLVER
        for name, leg in study.thesis.barbell.items():
            share = sum(w for s, w in target.items() if layer[s] in leg.layers)
            assert leg.weight[0] - SOLVER <= share <= leg.weight[1] + SOLVER, name
        if number:
            moved = (target - held_before.loc[one.session]).abs().sum()
            cash = 1.0 - held_before.loc[one.session].sum()
            half = 0.5 * (moved + abs(one.cash - cash))
            assert half <= rules.max_turnover + SOLVER
    assert len(study.decisions) >= 34


@pytest.mark.xdist_group("sample")
@pytest.mark.parametrize("at", ["next_close", "next_open"])
def test_the_books_balance_with_interest_and_a_currency_spread(
    sample_study: StudyResult, sample_record: Record, at: str
) -> None:
    """A year of the same account with every kind of cost, and at the open too."""
    thesis = sample_study.thesis
    dear = thesis.execution.model_copy(
        update={
            "at": at,
            "fx_spread_bps": 20.0,
            "cash_rate": 0.04,
            "overdraft_rate": 0.09,
        }
    )
    about = thesis.about.model_copy(
        update={"start": dt.date(2025, 1, 2), "end": dt.date(2025, 12, 30)}
    )
    inputs = StudyInputs(
        thesis=thesis.model_copy(update={"execution": dear, "about": about}),
        universe=sample_study.universe,
        market=sample_study.market,
        assets=sample_study.assets,
        factors=(),
    )
    _, told = trade_barbell(inputs)
    # Asian opens and closes come before the New York close: marks are closes again
    assert_books(told, sample_record, dear)
    assert (told.costs[["fx", "interest"]].abs().sum() > 0.0).all()
    assert told.costs["fx"].sum() == pytest.approx(told.trades["fx_cost"].sum())
