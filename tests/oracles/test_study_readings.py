"""Other readings of a thesis: the account of a file written that way, bit for bit."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine.app import inputs_of
from engine.evidence import metrics
from engine.evidence.inference import block_length, stationary_bootstrap_indices
from engine.evidence.readings import path_differences
from engine.evidence.samples import draws_by_sample
from engine.ledger.backtest import Backtest
from engine.market.calendar import SESSIONS_PER_YEAR
from engine.study import draws_of, measure_performance
from engine.study_inputs import StudyInputs
from engine.study_paths import BARBELL, trade_barbell, trade_baselines
from engine.study_readings import compare_readings, trade_readings
from tests.flagship import FLAGSHIP

CUT = {"start": "2024-07-01", "end": "2025-03-31"}
READING = "cloud below"
#: Legs of the flagship as written, and as its reading has them.
REWRITTEN = (
    ('layers = ["compute", "memory"]', 'layers = ["compute", "memory", "cloud"]'),
    ('layers = ["cloud", "application"]', 'layers = ["application"]'),
)


@cache
def study() -> tuple[StudyInputs, Mapping[str, Backtest]]:
    """The flagship's inputs, and every path of it."""
    inputs = inputs_of(FLAGSHIP, **CUT)
    _, account = trade_barbell(inputs)
    others, notes = trade_readings(inputs)
    assert notes == ()
    return inputs, {BARBELL: account, **trade_baselines(inputs, account), **others}


def edited(folder: Path, *pairs: tuple[str, str]) -> Path:
    """Write the flagship with pieces of its text replaced."""
    text = FLAGSHIP.read_text(encoding="utf-8")
    for old, new in pairs:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path = folder / "rewritten.toml"
    path.write_text(text, encoding="utf-8")
    return path


def without_readings() -> list[tuple[str, str]]:
    """Return the flagship's readings, claims on them, and nothing in their place."""
    text = FLAGSHIP.read_text(encoding="utf-8")
    first = text.index("[readings.")
    claims = re.findall(r"^\[\[claims\]\]\n(?:[^\[\n].*\n)+", text, flags=re.M)
    asked = [one for one in claims if f'"{READING}"' in one]
    assert asked
    return [(one, "") for one in (text[first : text.index("[portfolio]")], *asked)]


def test_a_reading_is_the_thesis_written_that_way(tmp_path: Path) -> None:
    inputs, paths = study()
    other = inputs_of(edited(tmp_path, *REWRITTEN, *without_readings()), **CUT)
    assert set(other.thesis.barbell["infrastructure"].layers) == {
        "compute", "memory", "cloud",
    }  # fmt: skip
    assert not other.thesis.readings
    _, written = trade_barbell(other)
    found = paths[READING]
    pd.testing.assert_series_equal(
        found.nav, written.nav, check_exact=True, check_names=False
    )
    for name in ("targets", "trades", "holdings", "costs", "cash"):
        pd.testing.assert_frame_equal(
            getattr(found, name), getattr(written, name), check_exact=True
        )
    assert not np.array_equal(found.nav, paths[BARBELL].nav)
    assert inputs.thesis.barbell["infrastructure"].layers == ("compute", "memory")


def test_a_reading_keeps_the_budgets_of_the_barbell() -> None:
    inputs, paths = study()
    layers = np.array([inputs.universe.layer_of(s) for s in inputs.tape.symbols])
    targets = paths[READING].targets.to_numpy()
    legs = inputs.thesis.barbell
    for leg, held in (
        ("infrastructure", ["compute", "memory", "cloud"]),
        ("distribution", ["application"]),
        ("middle", ["labs"]),
    ):
        share = targets[:, np.isin(layers, held)].sum(axis=1)
        assert share.min() >= legs[leg].weight[0] - 1e-6
        assert share.max() <= legs[leg].weight[1] + 1e-6
    assert targets.max() <= inputs.thesis.portfolio.max_weight + 1e-6


def test_differences_are_those_of_the_resamples_behind_the_performance() -> None:
    """Every resampled path is built here, one return after another."""
    inputs, paths = study()
    about = inputs.thesis.about
    year = SESSIONS_PER_YEAR[about.calendar]
    returns = [one.returns.to_numpy() for one in paths.values()]
    block = max(block_length(one) for one in returns)
    rng = np.random.default_rng([about.seed, 0])
    drawn = stationary_bootstrap_indices(len(returns[0]), block, 2000, rng)
    rate = metrics.per_period(about.risk_free, year)
    measures = {
        "total_return": metrics.total_return,
        "cagr": lambda one: metrics.cagr(one, year),
        "sharpe": lambda one: metrics.sharpe_ratio(one - rate, year),
        "volatility": lambda one: metrics.volatility(one, year),
    }
    own, base = paths[READING].returns.to_numpy(), paths[BARBELL].returns.to_numpy()
    behind = draws_of(inputs, paths)
    table = compare_readings(inputs, paths, (), behind).differences
    table = table.set_index("metric")
    assert sorted(table.index) == sorted(measures)
    performance = measure_performance(inputs, paths, behind).set_index("path")
    for name, measure in measures.items():
        row = table.loc[name]
        apart = [measure(own[rows]) - measure(base[rows]) for rows in drawn]
        low, high = np.quantile(apart, [0.025, 0.975])
        told = [row["value"], row["other"], row["difference"], row["low"], row["high"]]
        wanted = [measure(own), measure(base), measure(own) - measure(base), low, high]
        assert told == pytest.approx(wanted, rel=1e-9, abs=1e-12), name
        # the same draws give the intervals that stand in the performance table
        alone = np.quantile([measure(own[rows]) for rows in drawn], [0.025, 0.975])
        assert alone == pytest.approx(
            performance.loc[READING, [f"{name}_low", f"{name}_high"]].to_numpy(float)
        ), name
    # together the two move: their difference is known far better than either
    sharpe = table.loc["sharpe"]
    width = (
        performance.loc[READING, "sharpe_high"] - performance.loc[READING, "sharpe_low"]
    )
    assert sharpe["high"] - sharpe["low"] < 0.5 * width


def test_a_path_is_no_way_from_itself_and_a_short_sample_has_no_interval() -> None:
    inputs, paths = study()
    returns = {name: one.returns[:19] for name, one in paths.items()}
    about = inputs.thesis.about
    none = draws_by_sample(returns, about)
    assert none == {}
    table = path_differences(returns, [BARBELL], about, none, against=BARBELL)
    assert (table["difference"] == 0.0).all()
    assert table[["low", "high"]].isna().all(axis=None)


def test_a_reading_that_cannot_be_held_is_a_note(tmp_path: Path) -> None:
    """The labs are two names: at most 20 % together, where a leg needs 40 %."""
    told = 'distribution   = ["application"]'
    path = edited(
        tmp_path,
        (told, 'distribution   = ["labs"]\nmiddle = ["application"]'),
    )
    inputs = inputs_of(path, start="2024-07-01", end="2024-09-30")
    paths, notes = trade_readings(inputs)
    assert paths == {}
    (said,) = notes
    assert said.startswith("The reading “cloud below” cannot be held:")
    assert "barbell.distribution" in said
    readings = compare_readings(inputs, paths, notes, {})
    assert readings.differences.empty
    assert readings.notes == notes
