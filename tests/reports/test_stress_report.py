"""The section on mechanisms and scenarios: what it says, and what it may not hide."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from engine.evidence.scenarios import ScenarioStudy
from engine.evidence.stress import Stress
from engine.study_result import StudyResult
from reports import stress_figures, stress_sections, stress_tables
from reports.document import Bullets, Document, Table, Text
from reports.numbers import MINUS


def cells(table: Table | None, row: int) -> list[str]:
    assert table is not None
    return [cell.text for cell in table.rows[row]]


def test_the_section_says_first_that_it_assumes(report: Document) -> None:
    section = next(one for one in report.sections if one.id == "stress")
    first = section.blocks[0]
    assert isinstance(first, Text)
    assert first.text.startswith("Assumptions, not findings")
    for one in section.blocks:
        if isinstance(one, Table) and one.id in ("stress", "scenario-effects"):
            assert "Assumptions, not findings." in one.caption


def test_scores_before_and_after_stand_in_the_table(result: StudyResult) -> None:
    table = stress_tables.mechanisms(result)
    told = result.stress.layers
    assert cells(table, 0)[0] == "As scored"
    ceiling = cells(table, 1)
    assert ceiling[1:3] == [f"{MINUS}58.3%", "stated"]
    compute = told[(told["mechanism"] == "ceiling") & (told["layer"] == "compute")]
    moved = compute.iloc[0]
    assert moved["after"] - moved["before"] == pytest.approx(0.5 * (250 / 600 - 1))
    assert ceiling[3] == f"{moved['after']:.2f}".replace("-", MINUS)
    assert table is not None
    tones = [cell.tone for cell in table.rows[1][5:]]
    assert tones == ["muted"] * 3  # cloud, application and labs stay
    assert "ceiling 250,000 packages a year" in table.rows[1][0].sub
    assert table.rows[1][1].sub == f"{MINUS}58.3% to {MINUS}16.7%"


def test_inputs_stand_with_their_sources_and_what_they_hide(
    result: StudyResult,
) -> None:
    table = stress_tables.inputs(result)
    assert table is not None
    assert cells(table, 0)[0] == "ceiling"
    assert cells(table, 2) == ["Stacks per package", "8", "", "004", "B"]
    assert table.rows[3][1].sub == "300,000 to 600,000"
    assert cells(table, 5)[1] == "30.0%"
    limits = stress_tables.limits(result)
    assert "no smuggling" in limits[0]
    assert "vendor_share is absent: no observation" in limits[1]


def test_the_scenarios_show_what_is_seen_and_what_weights_decide(
    result: StudyResult,
) -> None:
    seen = stress_tables.scenarios(result)
    assert cells(seen, 0)[1:] == ["Holds", "50%"]
    assert cells(seen, 1)[1:] == ["Not observable", "50%"]
    table = stress_tables.effects(result)
    assert table is not None
    labels = [column.label for column in table.columns]
    assert labels[1:] == ["A", "B", "Weighted", "Any weights", "One left out"]
    assert cells(table, 0) == ["Compute", "+1", "0", "+0.5", "0 to +1", "0 to +1"]
    cloud = [
        "Cloud",
        "0",
        f"{MINUS}1",
        f"{MINUS}0.5",
        f"{MINUS}1 to 0",
        f"{MINUS}1 to 0",
    ]
    assert cells(table, 1) == cloud
    assert cells(table, 2)[:4] == ["Labs", f"{MINUS}0.5", "0", f"{MINUS}0.25"]
    assert "no observation of bans" in stress_tables.unseen(result)


def test_the_strip_merges_months_and_ends_with_the_study(result: StudyResult) -> None:
    spec = stress_figures.seen(result)
    assert spec is not None
    bars = spec["data"]["values"]
    assert [one["c"] for one in bars] == ["Not met", "Met", "Not observable"]
    assert bars[0]["u"] == bars[1]["t"]
    last = pd.Timestamp(bars[-1]["u"], unit="ms")
    assert last == result.scenarios.states["date"].max()


def test_the_figure_draws_each_layer_and_stress(result: StudyResult) -> None:
    spec = stress_figures.stress(result)
    assert spec is not None
    values = spec["data"]["values"]
    assert len(values) == 2 * len(result.universe.layers)
    for one in values:
        assert one["lo"] <= one["v"] <= one["hi"]


def test_without_any_the_section_is_left_out(result: StudyResult) -> None:
    bare = result.thesis.model_copy(update={"mechanisms": (), "scenarios": ()})
    nothing = replace(result, thesis=bare, stress=Stress(), scenarios=ScenarioStudy())
    assert stress_sections.stress(nothing).blocks == ()


def test_an_unscored_study_shows_changes_and_no_scores(result: StudyResult) -> None:
    layers = result.stress.layers.assign(before=np.nan, after=np.nan, low=np.nan)
    stress = replace(result.stress, layers=layers.assign(high=np.nan), session=None)
    unscored = replace(result, stress=stress)
    assert stress_figures.stress(unscored) is None
    table = stress_tables.mechanisms(unscored)
    assert cells(table, 1)[1] == f"{MINUS}58.3%"
    assert set(cells(table, 1)[3:]) == {"–"}
    blocks = stress_sections.stress(unscored).blocks
    assert any(isinstance(one, Bullets) for one in blocks)
