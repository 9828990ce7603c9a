"""What a committee reads: claimed, found, how sure, what would change our mind."""

from __future__ import annotations

from dataclasses import replace

from engine.evidence.results import Claims
from engine.study_result import StudyResult
from reports import claim_tables, claim_words, event_figures, tables


def test_every_claim_is_told_in_four_parts(result: StudyResult) -> None:
    said = tables.claims(result)["in_words"]
    assert len(said) == len(result.claims.results)
    for words, one in zip(said, result.claims.results, strict=True):
        assert words.startswith(f"SIMULATED: {one.verdict}, {one.sample}: {one.says}")
        assert "Found: " in words
        assert "How sure: " in words


def test_a_verdict_says_the_number_behind_it(result: StudyResult) -> None:
    by_id = {one.id: one for one in result.claims.results if one.sample == "in-sample"}
    for one in by_id.values():
        told = claim_words.in_words(result, one)
        if one.finding is None:
            assert "Found: nothing, because of this: " in told
        elif one.verdict == "inconclusive":
            assert "would mostly go unseen" in told
        elif one.q < 0.10:
            assert "one in ten may be luck" in told
        if one.scope == "event" and one.finding is not None:
            assert "that event alone" in told


def test_decided_claims_come_out_of_sample_first_and_conditions_last(
    result: StudyResult,
) -> None:
    told = claim_words.decided(result)
    decided = [
        one for one in result.claims.results if one.verdict in ("supported", "refuted")
    ]
    assert len(told) == len(decided) > 0
    facts = ["a fact that is there or not" in one for one in told]
    assert facts == sorted(facts)


def test_a_killed_claim_says_so_and_nothing_is_said_where_nothing_is_decided(
    result: StudyResult,
) -> None:
    one = next(r for r in result.claims.results if r.verdict == "inconclusive")
    killed = replace(one, verdict="refuted", killed="killed on a day", reason="so")
    assert "killed on a day" in claim_words.in_words(result, killed)
    open_ones = replace(result, claims=Claims(results=(one,), scores=()))
    assert claim_words.decided(open_ones) == ()


def test_the_interval_is_named_with_the_level_it_has(result: StudyResult) -> None:
    one = next(r for r in result.claims.results if r.id == "barbell-spread")
    assert "selection-adjusted 97.5% interval" in claim_words.in_words(result, one)
    exact = claim_words.in_words(result, replace(one, level=0.99))
    assert "selection-adjusted 99% interval" in exact
    assert "selection-adjusted 97.5% interval" in claim_tables.interval_words(result)
    table = claim_tables.claims(result)
    assert table is not None
    assert "here 97.5% in-sample" in table.note
    spec = event_figures.claims(result)
    assert "selection-adjusted 97.5% interval" in str(spec)


def test_a_refuted_claim_says_what_would_revive_it(result: StudyResult) -> None:
    """Not the condition that has refuted it, which is no change of mind."""
    by_id = {one.id: one for one in result.claims.results}
    refuted = claim_words.in_words(result, by_id["barbell-sharpe"])
    assert refuted.endswith(
        "Would revive it: later evidence of the expected sign (a Sharpe ratio "
        "difference above 0.10, q < 0.10)."
    )
    one = by_id["right-layer"]  # an event's: it cannot happen again
    said = "Would change our mind: compute minus labs is negative."
    assert said in claim_words.in_words(result, one)
    assert said in claim_words.in_words(result, replace(one, verdict="supported"))
    fallen = claim_words.in_words(result, replace(one, verdict="refuted"))
    assert said not in fallen
    assert fallen.endswith(
        "Would revive it: other events of its kind with the expected sign (above 5.0%, "
        "q < 0.10)."
    )
    missed = replace(by_id["share-rises"], verdict="refuted")
    assert claim_words.in_words(result, missed).endswith(
        "Would revive it: the condition met on later evidence (token share of alphabet "
        "above 30%, 12 in a row, by 2026-06-30)."
    )


def test_a_caution_stands_in_the_sentence_and_in_the_table(
    result: StudyResult,
) -> None:
    one = next(r for r in result.claims.results if r.id == "right-layer")
    careful = replace(one, caution="some returns span holidays")
    assert "But some returns span holidays." in claim_words.in_words(
        result, replace(careful, null="nothing")
    )
    table = claim_tables.claims(
        replace(result, claims=Claims(results=(careful,), scores=()))
    )
    assert table is not None
    assert "; some returns span holidays" in table.rows[1][1].sub
