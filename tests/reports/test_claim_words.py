"""What a committee reads: claimed, found, how sure, what would change our mind."""

from __future__ import annotations

from dataclasses import replace

from engine.evidence.results import Claims
from engine.study_result import StudyResult
from reports import claim_words, tables


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
