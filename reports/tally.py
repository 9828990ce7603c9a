"""How many claims came out how: of two that mirror each other one, conditions apart."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.evidence.claims import CLAIM_TESTS
from engine.evidence.results import ClaimResult, ThesisScore
from engine.evidence.verdict import opposites
from engine.study_result import StudyResult

VERDICTS = ("supported", "refuted", "inconclusive", "untestable")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """The claims of one sample that count.

    effects : those with a p-value; conditions : those judged without one; left : those
    that could not be tested. pairs : mirrored claims of which one is among these.
    """

    effects: tuple[ClaimResult, ...]
    conditions: tuple[ClaimResult, ...]
    left: tuple[ClaimResult, ...]
    pairs: tuple[tuple[str, str], ...]

    @property
    def of_effects(self) -> Mapping[str, int]:
        """How many effects have each verdict."""
        return verdict_counts(self.effects)

    @property
    def of_conditions(self) -> Mapping[str, int]:
        """How many conditions have each verdict."""
        return verdict_counts(self.conditions)


def tally(result: StudyResult, sample: str) -> Tally:
    """Return what counts of a sample: of a mirrored pair the first.

    As the correction for the number of claims counts them (METHODS: mirrored claims
    count once): a pair is one measurement, seen from two sides.
    """
    found = [one for one in result.claims.results if one.sample == sample]
    by_id = {one.id: one for one in found}
    claims = {claim.id: claim for claim in result.thesis.claims}
    told = [(claims[one.id], one.finding) for one in found if one.id in claims]
    other = opposites(told)
    pairs = []
    dropped: set[str] = set()
    for one in found:
        mirror = by_id.get(other.get(one.id, ""))
        if mirror is None or {one.id, mirror.id} & dropped:
            continue
        pairs.append((one.id, mirror.id))
        dropped.add(mirror.id)
    kept = [one for one in found if one.id not in dropped]
    return Tally(
        effects=tuple(one for one in kept if has_p(one)),
        conditions=tuple(one for one in kept if is_condition(one)),
        left=tuple(one for one in kept if one.finding is None),
        pairs=tuple(pairs),
    )


def has_p(one: ClaimResult) -> bool:
    """Return whether a claim was tested, with a p-value."""
    return one.finding is not None and math.isfinite(one.finding.p)


def is_condition(one: ClaimResult) -> bool:
    """Return whether a claim was judged by a condition, without a p-value."""
    return one.finding is not None and not math.isfinite(one.finding.p)


def verdict_counts(results: Sequence[ClaimResult]) -> dict[str, int]:
    """Return how many claims have each verdict."""
    return {word: sum(one.verdict == word for one in results) for word in VERDICTS}


def behind_score(result: StudyResult, score: ThesisScore) -> tuple[int, int, int]:
    """Return how many claims entered a score, of how many tested; of the portfolio.

    Mirrored claims share one weight, and count once here too.
    """
    effects = tally(result, score.sample).effects
    entered = [one for one in effects if one.id in score.entered]
    own = sum(CLAIM_TESTS[one.test].of_portfolio for one in entered)
    return len(entered), len(effects), own
