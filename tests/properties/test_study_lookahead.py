"""No look-ahead for the whole study: cut the future off, or replace it by noise."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine import app, study
from engine.interfaces import PriceData, SignalData
from engine.ledger.backtest import Backtest
from engine.market.assemble import assemble
from engine.portfolio.results import Decision
from engine.sources.as_of import cut_prices, cut_signals
from engine.sources.sample.prices import SamplePrices
from engine.sources.sample.signals import SampleSignals
from engine.supply import HISTORY

THESIS = """
[thesis]
id = "small"
title = "Small, but with everything in it"
declared = 2025-03-03
start = 2024-07-01
end = 2026-03-31
benchmarks = ["SPY"]
[[factors]]
name = "price_momentum"
weight = 0.4
params = { sessions = 60, skip = 5 }
[[factors]]
name = "vendor_share"
weight = 0.2
[[factors]]
name = "token_share_momentum"
weight = 0.3
exposure = { cloud = 1.0, labs = -1.0 }
[[factors]]
name = "capex_growth"
weight = 0.1
exposure = { compute = 1.0, memory = 1.0 }
[barbell.infrastructure]
layers = ["compute", "memory"]
weight = [0.3, 0.7]
[barbell.distribution]
layers = ["cloud", "application"]
weight = [0.3, 0.7]
[barbell.middle]
layers = ["labs"]
weight = [0.0, 0.1]
[portfolio]
max_weight = 0.2
max_turnover = 0.4
rebalance = "monthly+events"
[[events]]
id = "selloff"
title = "Selloff"
at = 2025-01-27
windows = [[0, 1], [2, 20]]
act = true
[[claims]]
id = "spread"
says = "Compute beats labs."
test = "layer_spread"
long = "compute"
short = "labs"
[[claims]]
id = "dip"
says = "Compute falls."
test = "event_sign"
scope = "event"
event = "selloff"
layer = "compute"
window = [0, 1]
sign = "-"
"""
#: A Friday on which every market is open, five months before the first late listing.
CUT = dt.date(2025, 8, 15)

Change = Callable[[PriceData, SignalData], tuple[PriceData, SignalData]]


@pytest.fixture(scope="module")
def thesis_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("thesis") / "small.toml"
    path.write_text(THESIS)
    return path


def inputs(path: Path, change: Change) -> study.StudyInputs:
    """Return the study's inputs with its sources changed before the market is built."""
    whole = app.inputs_of(path)
    about = whole.thesis.about
    layers = {name: whole.universe.layer_of(name) for name in whole.universe.lines}
    lines = [*whole.assets, *(whole.universe.line(one) for one in about.benchmarks)]
    prices, signals = change(
        SamplePrices(layers=layers).load(lines, about.start - HISTORY, about.end),
        SampleSignals().load(whole.universe),
    )
    market = assemble(
        lines,
        prices,
        signals,
        home="XNYS",
        base="USD",
        start=about.start,
        end=about.end,
    )
    return replace(whole, market=market)


def unchanged(prices: PriceData, signals: SignalData) -> tuple[PriceData, SignalData]:
    return prices, signals


def cut(prices: PriceData, signals: SignalData) -> tuple[PriceData, SignalData]:
    """Cut everything off; the last rate goes on, or what is held would be an error."""
    known = cut_prices(prices, CUT)
    still = {
        currency: replace(
            whole,
            per_usd=np.where(
                np.arange(len(whole.per_usd)) < len(known.fixings[currency].per_usd),
                whole.per_usd,
                known.fixings[currency].per_usd[-1],
            ),
        )
        for currency, whole in prices.fixings.items()
    }
    return replace(known, fixings=still), cut_signals(signals, CUT)


def noise(prices: PriceData, signals: SignalData) -> tuple[PriceData, SignalData]:
    """Replace the future: other numbers, gaps, delistings and observations."""
    rng = np.random.default_rng(5)
    last = np.datetime64(CUT + dt.timedelta(days=1), "ns") - np.timedelta64(1, "ns")
    frames = {}
    for number, (symbol, frame) in enumerate(prices.frames.items()):
        later = np.asarray(frame.index > last)
        changed = frame.copy()
        walk = np.exp(np.cumsum(rng.normal(0.0, 0.03, int(later.sum()))))
        changed.loc[later] *= walk[:, None]
        keep = ~later | (rng.random(len(frame)) > 0.2)
        if number % 5 == 0 and symbol != "SPY":
            keep = ~later  # this one is delisted
        frames[symbol] = changed[keep]
    fixings = {
        currency: replace(
            one,
            per_usd=np.where(
                one.fixed_utc > last,
                one.per_usd * rng.lognormal(0, 0.2, len(one.per_usd)),
                one.per_usd,
            ),
        )
        for currency, one in prices.fixings.items()
    }
    observations = signals.signals.observations
    after = (observations["known_at"] > last).to_numpy()
    keep = ~after | (rng.random(len(observations)) > 0.5)
    value = observations["value"].to_numpy() * np.where(
        after, rng.lognormal(0, 1, len(observations)), 1.0
    )
    changed_signals = replace(
        signals.signals, observations=observations.assign(value=value)[keep]
    )
    return (
        replace(prices, frames=frames, fixings=fixings),
        replace(signals, signals=changed_signals),
    )


def early(decisions: tuple[Decision, ...]) -> list[Decision]:
    return [one for one in decisions if one.session <= pd.Timestamp(CUT)]


def assert_same_past(expected: Backtest, found: Backtest) -> None:
    day = pd.Timestamp(CUT)
    for name in (
        "nav",
        "holdings",
        "weights",
        "cash",
        "costs",
        "waiting",
        "stale",
        "targets",
    ):
        a, b = getattr(expected, name).loc[:day], getattr(found, name).loc[:day]
        assert len(a) > (0 if name == "targets" else 200)
        assert a.equals(b), f"{found.name}: {name} changed before {CUT}"
    past = [frame.trades[frame.trades["session"] <= day] for frame in (expected, found)]
    assert past[0].reset_index(drop=True).equals(past[1].reset_index(drop=True))


@pytest.mark.parametrize("change", [cut, noise])
def test_nothing_decided_before_the_cut_moves(
    thesis_file: Path, change: Change
) -> None:
    full, other = inputs(thesis_file, unchanged), inputs(thesis_file, change)
    decided, account = study.trade_barbell(full)
    decided_again, account_again = study.trade_barbell(other)

    assert len(early(decided)) > 12
    for a, b in zip(early(decided), early(decided_again), strict=True):
        assert a.session == b.session
        assert a.weights.equals(b.weights)
        assert a.alpha.equals(b.alpha)
        assert a.scorecard.score.equals(b.scorecard.score)
        assert a.scorecard.contributions.equals(b.scorecard.contributions)
        assert dict(a.scorecard.absent) == dict(b.scorecard.absent)
    assert_same_past(account, account_again)

    paths = study.trade_baselines(full, account)
    paths_again = study.trade_baselines(other, account_again)
    assert set(paths) == set(paths_again)
    for name, path in paths.items():
        assert_same_past(path, paths_again[name])


@pytest.mark.parametrize("change", [cut, noise])
def test_the_future_did_change(thesis_file: Path, change: Change) -> None:
    """The tests above could not fail if the change did nothing."""
    full, other = inputs(thesis_file, unchanged), inputs(thesis_file, change)
    late = slice(pd.Timestamp(CUT) + pd.Timedelta(days=40), None)
    a = study.trade_barbell(full)[1].nav.loc[late]
    b = study.trade_barbell(other)[1].nav.loc[late]
    assert (a != b).all()


@pytest.mark.parametrize("change", [cut, noise])
def test_an_event_that_was_over_keeps_its_numbers(
    thesis_file: Path, change: Change
) -> None:
    full, other = inputs(thesis_file, unchanged), inputs(thesis_file, change)
    tables = [
        study.study_events(one.market, one.thesis, one.universe, one.assets).table
        for one in (full, other)
    ]
    assert len(tables[0]) > 40
    assert tables[0].equals(tables[1])
