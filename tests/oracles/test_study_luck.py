"""A study's place among random barbells: counted again from readable walks."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.proportion import proportion_confint

from engine import parts
from engine.app import inputs_of
from engine.evidence.luck import Luck, luck_sentences
from engine.evidence.ranking import percentile_bounds
from engine.ledger.backtest import Backtest
from engine.ledger.simulate import fixed, play
from engine.portfolio.results import Decision
from engine.study_inputs import StudyInputs
from engine.study_luck import draw_schedules, study_luck
from engine.study_paths import trade_barbell
from engine.thesis.model import About, Portfolio, Thesis
from tests.flagship import FLAGSHIP
from tests.tolerances import IDENTITY

COUNT = 20
CUT = {"start": "2024-07-01", "end": "2025-03-31"}


def asking(inputs: StudyInputs, **settings: object) -> StudyInputs:
    """Return the same study with other settings of [thesis]."""
    about = inputs.thesis.about.model_copy(update=settings)
    thesis: Thesis = inputs.thesis.model_copy(update={"about": about})
    return replace(inputs, thesis=thesis)


@cache
def study() -> tuple[StudyInputs, tuple[Decision, ...], Backtest, Luck]:
    """The flagship among 20 draws, declared in the middle of its period."""
    inputs = inputs_of(FLAGSHIP, **CUT)
    inputs = asking(inputs, random_barbells=COUNT, declared=dt.date(2024, 12, 2))
    decisions, account = trade_barbell(inputs)
    return inputs, decisions, account, study_luck(inputs, decisions, account)


@cache
def walked() -> list[Backtest]:
    """The same 20 draws, each walked by the readable ledger."""
    inputs, decisions, _, _ = study()
    days = pd.DatetimeIndex([one.session for one in decisions])
    walks = []
    for weights in draw_schedules(inputs, decisions, COUNT):
        told = {
            day: pd.Series(row, index=inputs.tape.symbols)
            for day, row in zip(days, weights, strict=True)
        }
        walks.append(play(inputs.tape, name="x", decide_at=days, policy=fixed(told)))
    return walks


def measured(nav: pd.Series, per_year: float = 252.0) -> dict[str, float]:
    """Return the metrics of a path from its NAV, in plain numpy."""
    worth = nav.to_numpy()
    daily = worth[1:] / worth[:-1] - 1.0
    spread = np.sqrt(np.sum((daily - daily.mean()) ** 2) / (len(daily) - 1))
    return {
        "total_return": worth[-1] / worth[0] - 1.0,
        "volatility": spread * np.sqrt(per_year),
        "sharpe": daily.mean() / spread * np.sqrt(per_year),
        "max_drawdown": (worth / np.maximum.accumulate(worth) - 1.0).min(),
    }


def test_percentiles_are_a_recount_of_readable_walks() -> None:
    inputs, _, account, luck = study()
    assert luck.ranking is not None
    assert inputs.thesis.about.risk_free == 0.0
    split = pd.Timestamp("2024-12-02")
    last = account.nav.index[account.nav.index < split][-1]
    cuts = {
        "all": slice(None),
        "in-sample": slice(None, last),
        "out-of-sample": slice(last, None),
    }
    assert set(luck.ranking.table["sample"]) == set(cuts)
    for sample, rows in cuts.items():
        own = measured(account.nav[rows])
        others = pd.DataFrame([measured(one.nav[rows]) for one in walked()])
        paths = luck.ranking.paths[luck.ranking.paths["sample"] == sample]
        for name, values in others.items():
            assert paths[name].iloc[0] == pytest.approx(own[name], rel=IDENTITY)
            assert paths[name].iloc[1:].to_numpy() == pytest.approx(
                values.to_numpy(), rel=1e-8
            )
        table = luck.ranking.table[luck.ranking.table["sample"] == sample]
        for row in table.to_dict("records"):
            worse = (others[row["metric"]] < own[row["metric"]]).sum()
            assert row["percentile"] == 100.0 * worse / COUNT, (sample, row["metric"])
            assert row["as_good"] == COUNT - worse


def test_costs_and_turnover_are_those_of_the_readable_walks() -> None:
    _, _, account, luck = study()
    assert luck.ranking is not None
    whole = luck.ranking.paths[luck.ranking.paths["sample"] == "all"]
    years = (len(account.nav) - 1) / 252.0
    for row, one in zip(whole.to_dict("records"), [account, *walked()], strict=True):
        paid = one.costs[["slippage", "tax", "fx"]].to_numpy().sum()
        value = one.trades["value"].abs().sum()
        scale = one.nav.mean() * years
        assert row["costs"] == pytest.approx(paid / scale, rel=1e-9)
        assert row["turnover"] == pytest.approx(0.5 * value / scale, rel=1e-9)
    split = luck.ranking.paths[luck.ranking.paths["sample"] != "all"]
    assert split[["costs", "turnover"]].isna().all(axis=None)


def test_the_command_and_the_study_say_the_same() -> None:
    """500 asked for on the command line are the 500 of every study."""
    inputs = inputs_of(FLAGSHIP, **CUT)
    assert inputs.thesis.about.random_barbells == 500
    decisions, account = trade_barbell(inputs)
    luck = study_luck(inputs, decisions, account)
    told = parts.backtest_among_random(FLAGSHIP, 500, progress=lambda step: None, **CUT)
    assert luck.ranking is not None
    pd.testing.assert_frame_equal(
        told.ranking.paths, luck.ranking.paths, check_exact=True
    )
    table = told.ranking.table
    assert list(table.columns).index("before_costs") == 6
    pd.testing.assert_frame_equal(
        table.drop(columns="before_costs"), luck.ranking.table, check_exact=True
    )
    assert luck.unbound == ("portfolio.max_turnover",)
    said = luck_sentences(luck, inputs.thesis.about)
    assert told.sentences[:-1] == said
    # the barbell hardly trades: without costs its place is worse
    earned = table[table["metric"] == "total_return"].iloc[0]
    assert earned["before_costs"] < earned["percentile"]


def test_the_seed_of_the_thesis_decides_the_draws() -> None:
    inputs, decisions, _, _ = study()
    again = draw_schedules(inputs, decisions, COUNT)
    assert np.array_equal(again, draw_schedules(inputs, decisions, COUNT))
    other = draw_schedules(asking(inputs, seed=1), decisions, COUNT)
    assert not np.array_equal(again, other)


def test_what_comes_later_changes_no_earlier_draw() -> None:
    """A study that ends three months earlier drew the same until then, bit for bit."""
    inputs, decisions, _, _ = study()
    whole = draw_schedules(inputs, decisions, COUNT)
    short = inputs_of(FLAGSHIP, start=CUT["start"], end="2024-12-20")
    early, _ = trade_barbell(short)
    assert 3 < len(early) < len(decisions)
    found = draw_schedules(short, early, COUNT)
    assert np.array_equal(found, whole[:, : len(early)])


@pytest.mark.parametrize("n", [1, 20, 500])
@pytest.mark.parametrize("count", [0, 1, 0.5, 1.0])
def test_the_error_of_a_percentile_is_wilson_s(n: int, count: float) -> None:
    worse = n * count if count in (0.5, 1.0) else min(count, n)
    low, high = percentile_bounds(100.0 * worse / n, n)
    wanted = proportion_confint(worse, n, alpha=0.05, method="wilson")
    assert (low, high) == pytest.approx([100.0 * one for one in wanted], abs=1e-9)
    assert np.isnan(percentile_bounds(float("nan"), 5)).all()
    assert np.isnan(percentile_bounds(50.0, 0)).all()


def test_the_error_covers_what_many_draws_would_say() -> None:
    """Of 2,000 sets of 200 draws, 95 % hold the true share between their bounds."""
    rng = np.random.default_rng(4)
    for share in (0.3, 0.9):
        worse = rng.binomial(200, share, 2000)
        bounds = np.array([percentile_bounds(one / 2.0, 200) for one in worse])
        held = (bounds[:, 0] <= 100 * share) & (100 * share <= bounds[:, 1])
        assert 0.93 <= held.mean() <= 0.975


def test_nothing_is_drawn_where_nothing_is_asked_for() -> None:
    inputs, decisions, account, _ = study()
    luck = study_luck(asking(inputs, random_barbells=0), decisions, account)
    assert luck.ranking is None
    assert luck_sentences(luck, inputs.thesis.about) == ()


def test_what_cannot_be_drawn_is_a_note_and_no_crash() -> None:
    inputs, decisions, account, _ = study()
    rules = inputs.thesis.portfolio.model_copy(update={"max_weight": 0.01})
    assert isinstance(rules, Portfolio)
    narrow = replace(
        inputs, thesis=inputs.thesis.model_copy(update={"portfolio": rules})
    )
    luck = study_luck(narrow, decisions, account)
    assert luck.ranking is None
    start = "The barbell is not ranked among random ones: no random barbell on 2024-07"
    assert luck.note.startswith(start)
    assert "barbell.infrastructure.weight" in luck.note
    assert luck_sentences(luck, inputs.thesis.about) == (luck.note,)
    idle = study_luck(inputs, (), account)
    assert idle.ranking is None
    assert idle.note.endswith("it decides nothing.")


def test_the_number_is_checked() -> None:
    settings = {"id": "x", "title": "x", "start": "2024-01-02", "end": "2024-12-31"}
    assert About(**settings).random_barbells == 500
    for wrong in (-1, 10_001, 2.5, True):
        with pytest.raises(ValueError, match="random_barbells"):
            About(**settings, random_barbells=wrong)
