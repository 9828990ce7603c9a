"""What the reports say of where the return came from."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest

from engine.evidence.attribution import EFFECTS, TOTAL, Attribution
from engine.study_paths import EQUAL_WEIGHT
from engine.study_result import StudyResult
from reports import attribution_figures, attribution_tables, numbers, regression_tables
from reports.document import Table
from reports.sections import document


def _printed(table: Table | None) -> Table:
    assert table is not None
    return table


def _total(result: StudyResult) -> pd.Series:
    table = attribution_tables.against(result, EQUAL_WEIGHT)
    return table[table["group"] == TOTAL].iloc[0]


def test_the_sentence_names_both_returns_and_every_effect(result: StudyResult) -> None:
    said = attribution_tables.attribution_sentence(result)
    total = _total(result)
    for name in ("return", "return_baseline"):
        assert numbers.percent(total[name]) in said
    more = "more" if total["active"] > 0 else "less"
    assert f"percentage points {more}." in said
    assert f"the choice of layers ({numbers.points(total['allocation'])})" in said
    assert f"and costs ({numbers.points(total['costs'])})." in said
    assert "the rest" not in said
    assert said.startswith("Over the whole period, both samples together,")


def test_a_rest_is_shown_where_there_is_one(result: StudyResult) -> None:
    table = result.attribution.table.copy()
    table.loc[table["group"] == TOTAL, "other"] = 0.01
    told = replace(result, attribution=replace(result.attribution, table=table))
    assert "the rest (+1.0)." in attribution_tables.attribution_sentence(told)
    columns = _printed(attribution_tables.layers(told)).columns
    assert "Other" in [one.label for one in columns]
    shown = _printed(attribution_tables.layers(result)).columns
    assert "Other" not in [one.label for one in shown]


def test_a_layer_held_short_shows_both_sides_and_no_return_of_its_own(
    result: StudyResult,
) -> None:
    layer = str(result.universe.layers[0])
    table = result.attribution.table.copy()
    chosen = (table["group"] == layer) & (table["against"] == EQUAL_WEIGHT)
    chosen &= table["period"] == "all"
    table.loc[chosen, ["weight", "weight_short"]] = 0.01, -0.04
    table.loc[chosen, ["return", "return_short"]] = 0.25, 0.5
    told = replace(result, attribution=replace(result.attribution, table=table))
    shown = _printed(attribution_tables.layers(told))
    before = _printed(attribution_tables.layers(result))
    assert len(shown.rows) == len(before.rows) + 2
    at = [row[0].text for row in shown.rows].index(layer.capitalize())
    whole, long, short = shown.rows[at : at + 3]
    assert (whole[1].text, whole[2].text) == ("1.0%", "")
    assert [one[0].text.strip() for one in (long, short)] == ["long", "short"]
    assert (long[1].text, long[2].text) == ("5.0%", "25.0%")
    assert (short[1].text, short[2].text) == ("−4.0%", "50.0%")
    assert {one.text for one in (*long[3:], *short[3:])} == {""}
    assert "a gain of theirs is the account's loss" in shown.note
    assert "short" not in before.note
    assert shown.shaded == {len(shown.rows) - 1}


def test_every_layer_has_a_row_and_the_last_one_is_the_sum(result: StudyResult) -> None:
    table = _printed(attribution_tables.layers(result))
    names = [row[0].text for row in table.rows]
    assert names == [
        *[layer.capitalize() for layer in result.universe.layers],
        "Cash",
        "Total",
    ]
    assert table.rows[-1][-1].text == numbers.points(_total(result)["active"])
    assert "KRW" in table.note


def test_years_and_samples_stand_before_the_whole(result: StudyResult) -> None:
    table = _printed(attribution_tables.periods(result))
    names = [row[0].text for row in table.rows]
    years = sorted({str(day.year) for day in result.backtest.nav.index})
    assert names == [*years, "In-sample", "Out-of-sample", "Whole period"]


def test_a_benchmarks_layers_are_not_known_and_that_is_said(
    result: StudyResult,
) -> None:
    table = _printed(attribution_tables.benchmarks(result))
    assert [one.label for one in table.columns[2:]] == ["Over SPY", "Over SMH"]
    assert "not known" in table.note
    held = attribution_tables.against(result, "SMH").set_index("group")["active"]
    shown = {row[0].text: row[-1].text for row in table.rows}
    assert shown["Memory"] == numbers.points(held["memory"])
    assert shown["Total"] == numbers.points(held[TOTAL])
    assert shown["What buying SMH cost"] == numbers.points(held["SMH"])


def test_the_regression_names_what_is_absent(result: StudyResult) -> None:
    table = _printed(regression_tables.regression(result))
    rows = [row for row in table.rows if row[0].text == "Momentum"]
    assert len(rows) == 3  # each sample
    assert all(
        row[0].sub == "absent: 3 assets are too few to rank"
        and row[1].text == numbers.MISSING
        for row in rows
    )
    said = regression_tables.regression_sentence(result)
    assert said.startswith("The market and sector explain ")
    assert "hindsight" in said
    heads = [table.rows[at][0].text for at in sorted(table.groups)]
    assert all("sessions, R²" in head for head in heads)
    assert "Dimson" in table.note


@pytest.mark.parametrize(("low", "words"), [(0.01, "seldom"), (-0.01, "could leave")])
def test_the_residual_is_called_chance_where_it_may_be(
    result: StudyResult, low: float, words: str
) -> None:
    table = result.regression.copy()
    own = (table["factor"] == "residual") & (table["sample"] == "all")
    table.loc[own, ["low", "loading", "high"]] = [low, 0.05, 0.09]
    said = regression_tables.regression_sentence(replace(result, regression=table))
    assert words in said


def _bars(spec: dict[str, Any], panel: int) -> list[dict[str, Any]]:
    part = spec["vconcat"][panel]
    own = part["data"] if "data" in part else part["layer"][1]["data"]
    return list(own["values"])


def test_each_step_begins_where_the_last_one_ended(result: StudyResult) -> None:
    spec = attribution_figures.attribution(result)
    assert spec is not None
    *steps, active = _bars(spec, 0)
    total = _total(result)
    assert [one["p"] for one in steps] == [name.capitalize() for name in EFFECTS[:-1]]
    assert steps[0]["v"] == 0.0
    for before, after in pairwise(steps):
        assert after["v"] == before["b"]
    assert (active["v"], active["b"]) == (0.0, pytest.approx(steps[-1]["b"], abs=1e-3))
    assert active["b"] == pytest.approx(100 * total["active"], rel=1e-4)


def test_the_lower_panel_holds_every_layer_and_effect(result: StudyResult) -> None:
    spec = attribution_figures.attribution(result)
    assert spec is not None
    bars = _bars(spec, 1)
    table = attribution_tables.against(result, EQUAL_WEIGHT)
    assert len(bars) == (len(table) - 1) * (len(EFFECTS) - 1)
    whole = sum(one["v"] for one in bars) / 100
    assert whole == pytest.approx(_total(result)["active"], abs=1e-4)


def test_a_study_without_attribution_still_reports(result: StudyResult) -> None:
    empty = Attribution(table=pd.DataFrame(), currencies=pd.DataFrame())
    told = replace(result, attribution=empty, regression=result.regression.iloc[:0])
    sections = [section.id for section in document(told, {}).sections]
    assert "attribution" not in sections
    assert "events" in sections


def test_small_effects_are_printed_with_two_digits() -> None:
    table = pd.DataFrame({name: [0.0123] for name in (*EFFECTS, "active")})
    assert attribution_tables.point_format(table)(0.0123) == "+1.23"
    assert attribution_tables.point_format(table * 10)(-0.123) == "−12.3"
    assert np.isclose(float(numbers.points(0.02).replace("+", "")), 2.0)
