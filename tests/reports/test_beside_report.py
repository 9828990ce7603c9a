"""The claims beside others, and the headline event under other choices, in print."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from engine.evidence.beside import Beside
from engine.study_result import StudyResult
from reports import beside_tables, sensitivity_tables
from reports.document import Table
from tests.reports.fake_beside import CHOICES
from tests.reports.fake_result import EVENTS

EVENT = EVENTS[0][0]


def shown(result: StudyResult) -> Table:
    table = sensitivity_tables.sensitivity(result, EVENT)
    assert table is not None
    return table


def test_a_choice_that_decides_is_named(result: StudyResult) -> None:
    """Compute alone is significant: its range, and what moves its p or its sign."""
    table = shown(result)
    assert [row[0].text for row in table.rows] == ["Sessions [0,\xa0+1]", "Compute"]
    _, stated, span, crosses, turns = table.rows[1]
    assert (stated.text, stated.sub, stated.tone) == ("−5.0%", "p 0.010", "negative")
    assert (span.text, span.sub) == ("−7.0% to +1.0%", "6 other choices")
    assert crosses.text == "without NVDA; day zero +1"
    assert turns.text == "day zero +1"
    assert "1 more are significant under no choice" in table.note


def test_an_effect_that_appears_under_a_choice_is_shown_too(
    result: StudyResult,
) -> None:
    varied = result.sensitivity.copy()
    varied.loc[
        (varied["subject"] == "labs") & (varied["variant"] == "mean_adjusted"), "p"
    ] = 0.01
    rows = shown(replace(result, sensitivity=varied)).rows
    assert [row[0].text for row in rows[1:]] == ["Compute", "Labs"]
    assert rows[2][3].text == "model mean-adjusted"
    assert rows[2][4].text == "never"


def test_nothing_varied_prints_nothing(result: StudyResult) -> None:
    bare = replace(result, sensitivity=pd.DataFrame())
    assert sensitivity_tables.sensitivity(bare, EVENT) is None
    stated = result.sensitivity[result.sensitivity["variant"] == CHOICES[0][1]]
    assert (
        sensitivity_tables.sensitivity(replace(result, sensitivity=stated), EVENT)
        is None
    )


def test_only_what_a_column_decides_has_a_row(real_result: StudyResult) -> None:
    """Decided: right-layer by the placebo alone, and what the thesis decides."""
    table = beside_tables.beside(real_result)
    assert table is not None
    shown = {row[0].sub: row for row in table.rows if row[0].sub}
    decided = {
        one.id
        for one in real_result.claims.results
        if one.verdict in ("supported", "refuted") and one.finding is not None
    }
    with_p = {
        one.id
        for one in real_result.claims.results
        if one.finding and one.finding.p > 0
    }
    assert set(shown) == (decided & with_p) | {"right-layer"}
    own, placebo, anti = shown["right-layer"][1:]
    assert own.text == "+12.0% (−19.0% to +43.0%)"
    assert (own.sub, own.tone) == ("inconclusive", "")
    assert (placebo.sub, placebo.tone) == ("supported; MU (1 of 2)", "supported")
    assert anti.sub == "inconclusive; MU (1 of 2)"
    # beyond the third claim the placebo has no counterpart
    assert shown["barbell-sharpe"][2].text == "–"
    assert "Inconclusive in every column: barbell-spread" in table.note


def test_the_sentence_counts_and_says_what_it_means(real_result: StudyResult) -> None:
    told = beside_tables.sentences(real_result)
    assert "Of 3 claims that can be asked of the placebo" in told
    assert "(MU), the placebo supports 1 and the thesis 1." in told
    assert "There is no price of TSM." in told
    assert "What the placebo alone shows is a measure of luck" in told
    assert "0 of " in told
    assert "claims are supported, against 2 as they stand" in told


def test_a_simulation_says_that_its_effects_are_planted(result: StudyResult) -> None:
    told = beside_tables.sentences(result)
    assert "effects are planted by layer" in told
    table = beside_tables.beside(result)
    assert table is not None
    subs = [cell.sub for row in table.rows for cell in row[1:] if cell.sub]
    assert subs
    assert all(sub.startswith("SIMULATED: ") for sub in subs)


def test_a_study_held_against_nothing_is_silent(result: StudyResult) -> None:
    bare = replace(result, beside=Beside())
    assert beside_tables.sentences(bare) == ""
    assert beside_tables.beside(bare) is None


def test_a_placebo_without_prices_says_whose(real_result: StudyResult) -> None:
    lost = replace(
        real_result.beside, firms=(), left_out={"MU": "no price", "TSM": "no price"}
    )
    told = beside_tables.sentences(replace(real_result, beside=lost))
    assert "cannot be asked. There is no price of MU and TSM." in told
