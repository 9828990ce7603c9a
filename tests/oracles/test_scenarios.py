"""Scenarios: states by hand and through time, and what their weights decide."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from engine.app import inputs_of
from engine.evidence.scenarios import (
    FAILS,
    HOLDS,
    MET,
    OPEN,
    UNMET,
    UNSEEN,
    ScenarioStudy,
    sensitivity,
    study_scenarios,
)
from engine.market.market import Market
from engine.market.signals import COLUMNS, Signals
from engine.study_inputs import StudyInputs
from engine.thesis.model import Scenario, Thesis
from tests.claim_cases import thesis as small_thesis
from tests.flagship import FLAGSHIP
from tests.markets import market

#: Weeks on Sundays from 2024-03-10, out on Monday noon: (entity, values).
Weekly = dict[tuple[str, str], list[float]]


def world(weekly: Weekly, *extra: tuple[str, str, str, str, float]) -> Market:
    """A year of home sessions, and weekly series; extra rows are restatements."""
    base = market({"XNYS": {"AAA": [10.0] * 260}})
    rows = [
        (series, entity, date, date + pd.Timedelta(hours=36), value)
        for (series, entity), values in weekly.items()
        for date, value in zip(
            pd.date_range("2024-03-10", periods=len(values), freq="7D"),
            values,
            strict=True,
        )
    ]
    rows += [
        (series, entity, pd.Timestamp(date), pd.Timestamp(known), value)
        for series, entity, date, known, value in extra
    ]
    frame = pd.DataFrame(
        rows, columns=["series", "entity", "value_date", "known_at", "value"]
    ).assign(unit="", quality="observed", source="")
    frame = frame.sort_values("known_at", kind="stable").reset_index(drop=True)
    for name in ("value_date", "known_at"):
        frame[name] = frame[name].astype("datetime64[ns]")
    return replace(base, signals=Signals(observations=frame[list(COLUMNS)]))


def scenario(*states: dict[str, Any], name: str = "one", **more: Any) -> Scenario:
    told = {"id": name, "title": "T", "states": states, "effect": {"compute": "+"}}
    return Scenario.model_validate(told | more)


def seen(world: Market, *scenarios: Scenario) -> ScenarioStudy:
    days = world.home.sessions.days
    about = small_thesis().about.model_copy(
        update={"start": days[0].date(), "end": days[-1].date()}
    )
    thesis = small_thesis().model_copy(update={"about": about, "scenarios": scenarios})
    return study_scenarios(thesis, world, ("compute", "labs"))


def months(study: ScenarioStudy, word: str) -> list[str]:
    """Months in which the only state has this status."""
    states = study.states
    return list(states.loc[states["status"] == word, "date"].dt.strftime("%m"))


def test_above_in_a_row_is_seen_from_the_day_it_was_known() -> None:
    # weeks end 10, 17, 24, 31 March, 7, 14 April; 31 March is out on 1 April
    shares = [0.4, 0.6, 0.4, 0.6, 0.7, 0.8, 0.8, 0.8, 0.2]
    found = seen(
        world({("share", "cn"): shares}),
        scenario({"role": "share", "above": 0.5, "times": 3}),
    )
    # the ninth week (5 May) breaks it; April's end knows four in a row
    assert months(found, MET) == ["04"]
    assert found.states["value"].iloc[0] == 0.4  # of 24 March, on 28 or 29 March
    assert months(found, UNMET)[:2] == ["03", "05"]


def test_too_few_none_and_stale_are_not_observable() -> None:
    some = world({("share", "cn"): [0.6, 0.6, 0.6]})
    long = seen(some, scenario({"role": "share", "above": 0.5, "times": 4}))
    assert set(long.states["status"]) == {UNSEEN}
    assert "3 of 4 observations" in set(long.states["why"])
    short = seen(some, scenario({"role": "share", "above": 0.5, "times": 3}))
    # the newest is of 24 March: fresh for 184 days, to 24 September
    assert months(short, MET) == ["03", "04", "05", "06", "07", "08"]
    assert short.states["why"].iloc[-1] == "last observation of 2024-03-24"
    none = seen(some, scenario({"role": "bans", "above": 10}))
    assert set(none.states["why"]) == {"no observation of bans"}
    assert set(none.dates["status"]) == {UNSEEN}


@pytest.mark.parametrize(
    ("condition", "met"),
    [
        ({"below": 0.35}, ["05"]),
        ({"off_peak": 0.25}, ["05"]),
        ({"rises": 2}, ["04"]),
        ({"falls": 2}, ["03", "05"]),
    ],
)
def test_each_condition(condition: dict[str, float], met: list[str]) -> None:
    # known by the end of March: 3 values, April: 8, May: 12
    shares = [0.5, 0.5, 0.4, 0.4, 0.4, 0.4, 0.5, 0.6, 0.6, 0.5, 0.4, 0.3]
    found = seen(
        world({("share", "cn"): shares}), scenario({"role": "share"} | condition)
    )
    states = found.states[found.states["date"] < "2024-06-01"]
    assert list(states.loc[states["status"] == MET, "date"].dt.strftime("%m")) == met


def test_sums_ratios_and_concentration_by_hand() -> None:
    weekly: Weekly = {
        ("vendors", "a"): [0.5, 0.2],
        ("vendors", "b"): [0.3, 0.2],
        ("vendors", "c"): [0.2, 0.2],
        ("price", "a"): [30.0, 10.0],
        ("price", "b"): [2.0, 5.0],
    }
    found = seen(
        world(weekly),
        scenario(
            {"role": "vendors", "entities": ["a", "c"], "above": 0.3},
            {"role": "price", "entity": "a", "over": "b", "below": 3.0},
            {"role": "vendors", "concentration": True, "below": 0.13},
            {"role": "vendors", "above": 0.1},
            {"role": "vendors", "entities": ["a", "d"], "above": 0.3},
        ),
    )
    march = found.states[found.states["date"] == found.states["date"].min()]
    assert list(march["value"])[:3] == pytest.approx([0.4, 2.0, 0.12])
    assert list(march["status"]) == [MET, MET, MET, UNSEEN, UNSEEN]
    assert march["why"].iloc[3] == "vendors is known of 3 entities"
    assert march["why"].iloc[4] == "no observation of vendors of d"
    row = found.dates.iloc[0]
    assert (row["status"], row["met"], row["unseen"]) == (OPEN, 3, 2)


def test_single_shares_are_no_table() -> None:
    thin = world({("vendors", "a"): [0.2], ("vendors", "b"): [0.1]})
    state = {"role": "vendors", "concentration": True, "below": 0.1}
    found = seen(thin, scenario(state))
    assert set(found.states["status"]) == {UNSEEN}
    assert found.states["why"].iloc[0].endswith("sums to 0.5 or more")


def test_a_restatement_counts_from_when_it_was_known() -> None:
    told = world(
        {("share", "cn"): [0.6, 0.6, 0.6]},
        ("share", "cn", "2024-03-24", "2024-05-06", 0.1),
    )
    found = seen(told, scenario({"role": "share", "above": 0.5}))
    assert months(found, MET) == ["03", "04"]


def test_one_unmet_state_fails_a_scenario_and_all_met_hold_it() -> None:
    told = world({("x", "e"): [1.0], ("y", "e"): [1.0]})
    high, low = {"role": "x", "above": 0.5}, {"role": "y", "above": 2.0}
    gone = {"role": "z", "above": 0.0}
    found = seen(
        told,
        scenario(high, low, gone, name="fails"),
        scenario(high, {"role": "y", "above": 0.5}, name="holds"),
        scenario(high, gone, name="open"),
        scenario(gone, name="dark"),
    )
    first = found.dates[found.dates["date"] == found.dates["date"].min()]
    assert list(first["status"]) == [FAILS, HOLDS, OPEN, UNSEEN]


def test_the_future_changes_no_date_before_it() -> None:
    rng = np.random.default_rng(3)
    values = list(rng.uniform(0.0, 1.0, 45))
    told = [
        scenario({"role": "share", "above": 0.5, "times": 2}, name="a"),
        scenario({"role": "share", "off_peak": 0.3}, name="b"),
        scenario({"role": "share", "rises": 3}, name="c"),
    ]
    whole = seen(world({("share", "cn"): values}), *told).states
    for cut in (10, 20, 33):
        noise = values[:cut] + list(rng.uniform(0.0, 1.0, 45 - cut))
        known = pd.Timestamp("2024-03-10") + pd.Timedelta(days=7 * (cut - 1), hours=36)
        other = seen(world({("share", "cn"): noise}), *told).states
        before = whole["date"] <= known
        pd.testing.assert_frame_equal(whole[before], other[before])
        assert not whole[~before].equals(other[~before])


def test_the_flagship_through_time_is_the_flagship_cut_off() -> None:
    """The study as of a day shows the same strip up to it."""
    inputs = inputs_of(FLAGSHIP, progress=lambda step: None)
    early = inputs_of(FLAGSHIP, progress=lambda step: None, end="2025-05-30")
    whole, short = (_states(one) for one in (inputs, early))
    assert len(short) > 200
    same = whole[whole["date"] <= short["date"].max()]
    pd.testing.assert_frame_equal(same.reset_index(drop=True), short)


def _states(inputs: StudyInputs) -> pd.DataFrame:
    found = study_scenarios(inputs.thesis, inputs.market, inputs.universe.layers)
    ordered = found.states.sort_values(["date", "scenario", "state"])
    return ordered.reset_index(drop=True)


def test_weights_and_their_sensitivity_by_hand() -> None:
    effects = pd.DataFrame(
        {"compute": [1.0, 0.0, -1.0, 0.0], "labs": [-0.5, 1.0, 0.0, 0.0]},
        index=list("abcd"),
    )
    equal = pd.Series(0.25, index=list("abcd"))
    table = sensitivity(effects, equal).set_index("subject")
    assert table.loc["compute", "weighted"] == 0.0
    assert table.loc["labs", "weighted"] == 0.125
    assert list(table.loc["compute", ["low", "low_at"]]) == [-1.0, "c"]
    assert list(table.loc["labs", ["high", "high_at"]]) == [1.0, "b"]
    assert table.loc["compute", "without_high"] == pytest.approx(1 / 3)
    assert table.loc["compute", "without_high_of"] == "c"
    assert table.loc["labs", "without_low"] == pytest.approx(-0.5 / 3)
    # other weights: left out, the rest keep their proportions
    skewed = pd.Series([0.5, 0.3, 0.2, 0.0], index=list("abcd"))
    other = sensitivity(effects, skewed).set_index("subject")
    assert other.loc["compute", "weighted"] == pytest.approx(0.3)
    assert other.loc["compute", "without_low"] == pytest.approx(-0.2 / 0.5)


def test_no_weighting_leaves_the_range() -> None:
    rng = np.random.default_rng(11)
    effects = pd.DataFrame(rng.uniform(-1, 1, (5, 3)), columns=list("xyz"))
    table = sensitivity(effects, pd.Series(np.full(5, 0.2)))
    every = rng.dirichlet(np.full(5, 0.3), 4000) @ effects.to_numpy()
    assert (every >= table["low"].to_numpy() - 1e-12).all()
    assert (every <= table["high"].to_numpy() + 1e-12).all()
    # and the ends are reached: some draws come near every corner
    assert (every.min(axis=0) - table["low"].to_numpy() < 0.1).all()


def test_stated_weights_are_normalised() -> None:
    told = [
        scenario({"role": "x", "above": 0.0}, name=name, weight=weight)
        for name, weight in (("a", 1.0), ("b", 3.0))
    ]
    study = seen(world({("x", "e"): [1.0]}), *told)
    assert list(study.weights) == [0.25, 0.75]


def test_a_thesis_without_scenarios_has_none() -> None:
    empty: Thesis = small_thesis()
    assert study_scenarios(empty, world({("x", "e"): [1.0]}), ()).states.empty


def test_what_is_known_at_the_close_itself_counts() -> None:
    base = world({("share", "cn"): [0.1]})
    close = base.home.sessions.close_utc[base.home.sessions.days == "2024-03-29"][0]
    at = world({("share", "cn"): [0.1]}, ("share", "cn", "2024-03-24", str(close), 0.9))
    late = world(
        {("share", "cn"): [0.1]},
        ("share", "cn", "2024-03-24", str(close + np.timedelta64(1, "ns")), 0.9),
    )
    state = scenario({"role": "share", "above": 0.5})
    assert months(seen(at, state), MET)[0] == "03"
    assert months(seen(late, state), MET)[0] == "04"


def test_a_rise_is_over_so_many_steps_back() -> None:
    told = world({("share", "cn"): [0.50, 0.60, 0.55]})
    assert "03" in months(seen(told, scenario({"role": "share", "rises": 2})), MET)
    assert "03" in months(seen(told, scenario({"role": "share", "falls": 1})), MET)
    short = seen(told, scenario({"role": "share", "rises": 3}))
    assert short.states["why"].iloc[0] == "3 of 4 observations"


def test_a_sum_takes_only_dates_with_all_of_it() -> None:
    told = world({("vendors", "a"): [0.5, 0.9], ("vendors", "b"): [0.2]})
    state = {"role": "vendors", "entities": ["a", "b"], "above": 0.6}
    found = seen(told, scenario(state)).states.iloc[0]
    assert (found["status"], found["value"]) == (MET, 0.7)
    assert found["value_date"] == pd.Timestamp("2024-03-10")


def test_a_forecast_is_no_observation() -> None:
    told = world({("share", "cn"): [0.6]})
    frame = told.signals.observations.assign(quality="forecast")
    other = replace(told, signals=Signals(observations=frame))
    found = seen(other, scenario({"role": "share", "above": 0.5}))
    assert set(found.states["why"]) == {"no observation of share"}
