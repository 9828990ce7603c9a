"""The fan behind the paths about an event, and the ranks beside them."""

from __future__ import annotations

import math
from dataclasses import replace

import pandas as pd
import pytest

from engine.study_result import StudyResult
from reports import around_figures, around_tables, numbers, tables

EVENT = "deepseek-selloff"


@pytest.fixture
def without(result: StudyResult) -> StudyResult:
    """The same study where no date was eligible."""
    one = result.around[EVENT]
    summary = one.summary.assign(
        placebo_rank=math.nan, placebo_rank_whole=math.nan, placebos=0, placebos_apart=0
    )
    bare = replace(one, summary=summary, fan=one.fan.iloc[:0])
    return replace(result, around={EVENT: bare})


def test_the_bands_are_drawn_behind_the_paths(result: StudyResult) -> None:
    spec = around_figures.around(result, EVENT)
    kinds = [layer["mark"]["type"] for layer in spec["layer"]]
    assert kinds == ["area", "area", "rule", "line", "line"]
    fan = result.around[EVENT].fan
    for layer, low, high in zip(
        spec["layer"], ("q05", "q25"), ("q95", "q75"), strict=False
    ):
        first, last = layer["data"]["values"][0], layer["data"]["values"][-1]
        assert (first["t"], last["t"]) == (fan.index[0], fan.index[-1])
        assert last["lo"] == pytest.approx(100.0 * fan[low].iloc[-1], rel=1e-3)
        assert last["hi"] == pytest.approx(100.0 * fan[high].iloc[-1], rel=1e-3)


def test_the_scale_has_room_for_the_bands(result: StudyResult) -> None:
    one = result.around[EVENT]
    wide = replace(one, fan=one.fan.assign(q95=4.0, q05=0.25))
    spec = around_figures.around(replace(result, around={EVENT: wide}), EVENT)
    low, high = spec["layer"][-1]["encoding"]["y"]["scale"]["domain"]
    assert low <= 25.0
    assert high >= 400.0


def test_without_a_start_there_are_no_bands_and_it_is_said(
    without: StudyResult,
) -> None:
    spec = around_figures.around(without, EVENT)
    assert [one["mark"]["type"] for one in spec["layer"]] == ["rule", "line", "line"]
    assert around_tables.fan_words(without, EVENT).startswith("No placebo start")
    table = around_tables.around(without, EVENT)
    assert "No placebo start" in table.note
    assert {row[4].text for row in table.rows} == {numbers.MISSING}
    assert tables.around_fan(without).empty


def test_the_caption_says_what_the_bands_rest_on(result: StudyResult) -> None:
    said = around_tables.fan_words(result, EVENT)
    assert "358 other days" in said
    assert "about 3 independent" in said


def test_the_ranks_stand_in_both_tables(result: StudyResult) -> None:
    table = around_tables.around(result, EVENT)
    assert [one.label for one in table.columns][4:6] == [
        "Placebo rank\nfrom day zero",
        "Placebo rank\nwhole window",
    ]
    assert {(row[4].text, row[5].text) for row in table.rows} == {("71", "65")}
    one = result.around[EVENT]
    other = replace(one, event="other", summary=one.summary.assign(placebo_rank=3.0))
    events = result.thesis.events
    later = events[1].id
    every = around_tables.around_all(
        replace(result, around={EVENT: one, later: replace(other, event=later)})
    )
    assert every is not None
    assert [row[-1].text for row in every.rows] == ["71", "3"]
    assert every.rows[0][-1].sub == "of 358 (3)"


def test_the_table_of_a_run_has_every_band(result: StudyResult) -> None:
    table = tables.around_fan(result)
    one = result.around[EVENT]
    assert list(table.columns) == ["event", "relative", *one.fan.columns]
    assert len(table) == len(one.nav)
    pd.testing.assert_series_equal(
        table["q50"], one.fan["q50"].reset_index(drop=True), check_names=False
    )
