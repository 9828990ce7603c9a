"""The sentences that a committee reads."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from engine.evidence.results import Claims
from engine.study_result import StudyResult
from reports import words
from reports.document import Text
from reports.headline import tiles
from reports.notebook import notebook_html
from reports.sections import document
from reports.tally import tally
from tests.reports.fake_result import fake_result


def _declared(result: StudyResult, day: dt.date | None) -> StudyResult:
    about = result.thesis.about.model_copy(update={"declared": day})
    return replace(result, thesis=result.thesis.model_copy(update={"about": about}))


def test_the_verdict_counts_both_samples(result: StudyResult) -> None:
    said = words.verdict(result)
    assert said.startswith(
        "SIMULATED: Out of sample, none of 1 claim could be tested; of 1 condition "
        "without a p-value 1 is supported; in sample, of 5 claims"
    )
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


def _mirrored(result: StudyResult) -> StudyResult:
    """Two claims with a p-value say the opposite of each other."""
    first = result.thesis.claims[0]
    pair = [
        first.model_copy(update={"id": "barbell-spread"}),
        first.model_copy(update={"id": "memory-leads", "mirrors": "barbell-spread"}),
    ]
    claims = (*result.thesis.claims, *pair)
    thesis = result.thesis.model_copy(update={"claims": claims})
    found = {one.id: one.finding for one in result.claims.results}
    one = found["barbell-spread"]
    assert one is not None
    other = replace(one, estimate=-one.estimate, z=-one.z)  # one measurement, two sides
    results = tuple(
        replace(told, finding=other) if told.id == "memory-leads" else told
        for told in result.claims.results
    )
    return replace(
        result, thesis=thesis, claims=replace(result.claims, results=results)
    )


def test_mirrored_claims_count_once_and_it_is_said(result: StudyResult) -> None:
    twice = _mirrored(result)
    before, after = tally(result, "in-sample"), tally(twice, "in-sample")
    assert len(after.effects) == len(before.effects) - 1
    assert before.pairs == ()
    said = words.verdict(twice)
    assert "in sample, of 4 claims that could be tested 1 is supported" in said
    assert said.endswith(
        "Two claims that mirror each other count once (barbell-spread and "
        "memory-leads)."
    )
    tile = tiles(twice).tiles[3]
    assert tile.value == "1 of 5"
    assert tile.notes[0] == "supported, a mirrored pair counting once"
    assert "mirror" not in words.verdict(result)


def test_claims_that_were_measured_apart_are_no_pair(result: StudyResult) -> None:
    """Whatever the thesis says: one could not be tested, or found something else."""
    twice = _mirrored(result)
    for change in ({"finding": None, "verdict": "untestable"}, {}):
        results = tuple(
            replace(one, **change) if one.id == "barbell-spread" else one
            for one in (twice if change else result).claims.results
        )
        claims = Claims(results=results, scores=())
        found = tally(replace(twice, claims=claims), "in-sample")
        assert found.pairs == ()
        names = {one.id for one in (*found.effects, *found.left)}
        assert names >= {"memory-leads", "barbell-spread"}


def test_conditions_stand_apart_in_the_tiles(result: StudyResult) -> None:
    tile = tiles(result).tiles[4]
    assert tile.label == "Claims, out-of-sample"
    assert tile.value == "0 of 1"
    assert "conditions, without a p-value: 1 supported" in tile.notes


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
    assert "95% interval −0.50 to +0.82, zero inside" in score.notes
    assert "from 2 of 5 tested claims, 1 of them about the portfolio itself" in (
        score.notes
    )
    said = words.score_sentence(real_result, real_result.claims.scores[0])
    assert "which holds zero: no support beyond chance is shown" in said
    assert score.notes[1] in said


def test_a_score_that_does_not_exist_is_not_printed(result: StudyResult) -> None:
    none = next(one for one in result.claims.scores if one.sample == "out-of-sample")
    assert words.score_sentence(result, none).startswith("Out-of-sample: none.")


def test_the_notebook_form_is_short_stamped_and_escaped() -> None:
    shown = notebook_html(fake_result(words={"title": "<b>x</b>", "claim": "<i>y"}))
    assert len(shown) < 8000
    assert "SIMULATED" in shown
    assert "<b>x" not in shown
    assert "<i>y" not in shown


def test_claims_count_as_earlier_by_their_own_date_only(result: StudyResult) -> None:
    late = _declared(result, dt.date(2030, 1, 1))
    assert words.sample_line(late).endswith(
        "2 claims were declared earlier; only evidence from after that can be "
        "out-of-sample, and 1 of them has some."
    )
    early = _declared(result, dt.date(2025, 1, 2))
    assert "earlier" not in words._earlier(early)
    assert words.sample_line(late) in notebook_html(late)


def _changed(result: StudyResult, path: str, **values: float) -> StudyResult:
    table = result.performance.copy()
    for name, value in values.items():
        table.loc[table["path"] == path, name] = value
    return replace(result, performance=table)


def test_the_sentence_names_whatever_did_better(result: StudyResult) -> None:
    whole = _declared(result, None)
    study = _changed(whole, "barbell", cagr=0.1234)
    study = _changed(study, "anti-thesis", cagr=0.641)
    worse = words.performance_sentence(_changed(study, "equal weight", cagr=0.02))
    assert worse.startswith("Over the whole period, all in-sample, the barbell ")
    assert worse.endswith(
        "swapped, returned 64.1%: more than the thesis. Equal weight returned 2.0%: "
        "less than the thesis."
    )
    better = words.performance_sentence(_changed(study, "equal weight", cagr=0.7))
    assert better.endswith("Equal weight returned 70.0%: also more than the thesis.")
    alike = words.performance_sentence(_changed(study, "equal weight", cagr=0.12341))
    assert alike.endswith("Equal weight returned 12.3%: as much as the thesis.")


def test_out_of_sample_stands_first_with_in_sample_beside_it(
    result: StudyResult,
) -> None:
    table = result.performance[result.performance["path"] == "barbell"]
    by_sample = table.set_index("sample")
    growth = tiles(result).tiles[0]
    total = by_sample.loc["out-of-sample", "total_return"]
    assert growth.label == "Return, out-of-sample"
    assert growth.value.replace("\N{MINUS SIGN}", "-") == f"{total:.1%}"
    assert f"in-sample {by_sample.loc['in-sample', 'cagr']:.1%} a year" in [
        note.replace("\N{MINUS SIGN}", "-") for note in growth.notes
    ]
    assert any("not a year" in note for note in growth.notes)
    assert tiles(result).tiles[2].label == "Drawdown, out-of-sample"
    said = words.performance_sentence(result)
    assert said.startswith("Out of sample, over the 121 sessions from 2 June 2025 on, ")
    assert "In sample, before that, it returned " in said


def test_too_few_out_of_sample_sessions_do_not_stand_first(
    result: StudyResult,
) -> None:
    last = result.backtest.returns.index[-20].date()
    late = _declared(result, last)
    table = late.performance.copy()
    table.loc[table["sample"] == "out-of-sample", "n"] = 20
    late = replace(late, performance=table)
    assert tiles(late).tiles[0].label == "CAGR, in-sample"
    assert "The 20 sessions after it are too few" in words.performance_sentence(late)


def test_a_short_study_is_not_annualised(result: StudyResult) -> None:
    short = _declared(result, None)
    nav = short.backtest.nav.iloc[:100]
    short = replace(short, backtest=replace(short.backtest, nav=nav))
    label = tiles(short).tiles[0]
    assert label.label == "Return, in-sample"
    assert " a year" not in words.performance_sentence(short)


def _blind(result: StudyResult, count: int) -> StudyResult:
    decisions = [
        replace(
            one,
            scorecard=replace(
                one.scorecard, withheld=one.scorecard.withheld | (at < count)
            ),
        )
        for at, one in enumerate(result.decisions)
    ]
    return replace(result, decisions=tuple(decisions))


def test_decisions_without_a_score_are_confessed_once(result: StudyResult) -> None:
    caveat = (
        "At 20 of 29 decisions too few factors spoke to score any asset; the first "
        "scores are of 2025-03-11. Factors without data at every decision: x, y."
    )
    blind = replace(_blind(result, 20), caveats=(caveat,))
    day = blind.decisions[20].session
    assert words.unscored_sentence(blind) == (
        "At 20 of 29 decisions too few signals were known to score any asset: until "
        f"{day.day} {day:%B %Y} the barbell followed its budgets and risk alone."
    )
    assert words.caveats_left(blind) == (
        "Factors without data at every decision: x, y.",
    )
    seldom = replace(_blind(result, 5), caveats=(caveat,))
    assert words.unscored_sentence(seldom) == ""
    assert words.caveats_left(seldom) == (caveat,)


def test_widened_limits_are_said_on_the_first_page_and_once(
    result: StudyResult,
) -> None:
    slacks = {"portfolio.max_weight": 0.028}
    decisions = tuple(replace(one, slacks=slacks) for one in result.decisions)
    said = (
        f"At {len(decisions)} of {len(decisions)} decisions the limits could not be "
        "met and were widened (portfolio.relax): max_weight by up to 2.8 points."
    )
    wide = replace(result, decisions=decisions, caveats=(said, "Another."))
    verdict = document(wide, {}).sections[0]
    assert said in [one.text for one in verdict.blocks if isinstance(one, Text)]
    assert words.caveats_left(wide) == ("Another.",)
