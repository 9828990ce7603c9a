"""The sentences that a committee reads."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from engine.evidence.results import Claims
from engine.study import StudyResult
from reports import words
from reports.headline import tiles
from reports.notebook import notebook_html
from tests.reports.fake_result import fake_result


def _declared(result: StudyResult, day: dt.date | None) -> StudyResult:
    about = result.thesis.about.model_copy(update={"declared": day})
    return replace(result, thesis=result.thesis.model_copy(update={"about": about}))


def test_the_verdict_counts_both_samples(result: StudyResult) -> None:
    said = words.verdict(result)
    assert said.startswith("SIMULATED: Out of sample, of 1 claim that could be tested ")
    assert "in sample, of 5 claims" in said
    assert "2 are supported, 1 is refuted and 2 are inconclusive" in said


def test_without_out_of_sample_evidence_nothing_is_confirmed(
    real_result: StudyResult,
) -> None:
    inside = tuple(
        one for one in real_result.claims.results if one.sample == "in-sample"
    )
    claims = Claims(results=inside, scores=())
    said = words.verdict(replace(real_result, claims=claims))
    assert said.startswith("Nothing is confirmed yet")
    assert words.verdict(
        replace(real_result, claims=Claims(results=(), scores=()))
    ).startswith("The thesis file makes no claim")


def test_the_subtitle_says_what_is_in_sample(result: StudyResult) -> None:
    assert "In-sample before 2 June 2025" in words.sample_line(result)
    late = _declared(result, dt.date(2030, 1, 1))
    assert "In-sample throughout: declared after the fact" in words.sample_line(late)
    assert "In-sample throughout" in words.sample_line(_declared(result, None))
    early = _declared(result, dt.date(2020, 1, 1))
    assert words.sample_line(early).startswith("Out-of-sample throughout")
    assert words.in_sample_meaning(early) == ""


def test_no_thesis_score_stands_over_a_simulation(
    result: StudyResult, real_result: StudyResult
) -> None:
    assert not any("score" in tile.label.lower() for tile in tiles(result).tiles)
    score = tiles(real_result).tiles[-1]
    assert score.label == "Thesis score, in-sample"
    assert score.value == "+0.31"
    assert "5 of 6 claims testable" in score.notes


def test_a_score_that_does_not_exist_is_not_printed(result: StudyResult) -> None:
    none = next(one for one in result.claims.scores if one.sample == "out-of-sample")
    assert words.score_sentence(none).startswith("Out-of-sample: none.")


def test_the_notebook_form_is_short_stamped_and_escaped() -> None:
    shown = notebook_html(fake_result(words={"title": "<b>x</b>", "claim": "<i>y"}))
    assert len(shown) < 8000
    assert "SIMULATED" in shown
    assert "<b>x" not in shown
    assert "<i>y" not in shown
