"""A verdict as a committee reads it: claimed, found, how sure, what would change it."""

from __future__ import annotations

import math

from engine.evidence.results import ClaimResult, Measurement
from engine.evidence.verdict import FALSE_DISCOVERY_RATE, disagreement
from engine.study_result import StudyResult
from reports import numbers, samples, tally, words
from reports.claim_expects import would_turn

#: What each verdict says of the data, for somebody who does not test for a living.
_MEANING = {
    "supported": "the data would be surprising if the claim were empty",
    "refuted": "the data speak against it",
    "inconclusive": "the data cannot tell",
    "untestable": "nothing was tested",
}


def decided(result: StudyResult) -> tuple[str, ...]:
    """Return a sentence group for every claim that the evidence decides.

    Out-of-sample first; conditions after effects. Empty where nothing is decided.
    """
    chosen = [
        one
        for sample in (samples.OUT_OF_SAMPLE, samples.IN_SAMPLE)
        for one in result.claims.results
        if one.sample == sample and one.verdict in ("supported", "refuted")
    ]
    chosen.sort(key=tally.is_condition)
    return tuple(in_words(result, one) for one in chosen)


def in_words(result: StudyResult, one: ClaimResult) -> str:
    """Return what was claimed, found, tested against; how sure; what would turn it.

    A condition has no null.
    """
    claim = next((each for each in result.thesis.claims if each.id == one.id), None)
    parts = [
        f"{words.stamped(one.verdict, result)}, {one.sample}: {one.says}",
        f"Found: {_found(one)}.",
        *_against(one),
        f"How sure: {_sure(one)}.",
    ]
    turn = would_turn(claim, one)
    if turn:
        parts.append(f"{turn}.")
    return " ".join(parts)


def _against(one: ClaimResult) -> tuple[str, ...]:
    """Return the null that was tested, and where tests of a loud window differ."""
    found = one.finding
    if found is None or not math.isfinite(found.p) or not one.null:
        return ()
    doubts = [part for part in (disagreement(found), one.caution) if part]
    return (
        f"Tested against: {one.null}.",
        *(
            f"{word} {doubt}."
            for word, doubt in zip(("But", "Also,"), doubts, strict=False)
        ),
    )


def _found(one: ClaimResult) -> str:
    """Return the estimate with its interval, or what stood in the way."""
    found = one.finding
    if found is None:
        return f"nothing, because of this: {one.reason.rstrip('.')}"
    if not math.isfinite(found.p):
        return found.summary
    show = numbers.unit_format(found.unit)
    unit = numbers.unit_word(found.unit)
    value = f"{show(found.estimate)} {unit}".strip()
    between = numbers.interval(*one.interval, show)
    count = numbers.count(found.n)
    return f"{value}, {words.interval_word(one.level)} {between}, n = {count}"


def _sure(one: ClaimResult) -> str:
    """Return how far the verdict can be believed."""
    found = one.finding
    meaning = _MEANING[one.verdict]
    if one.killed:
        return f"{meaning}: {one.killed}"
    if found is None:
        return meaning
    if not math.isfinite(found.p):
        return "a fact that is there or not, without a p-value"
    said = f"{meaning}{_by(one, found)}"
    if one.scope == "event":
        said += "; one event, so it speaks for that event alone"
    if one.sample == samples.IN_SAMPLE:
        said += "; known when the claim was written, so it confirms nothing"
    return said


def _by(one: ClaimResult, found: Measurement) -> str:
    """Return the number behind a verdict."""
    show = numbers.unit_format(found.unit)
    if one.verdict == "inconclusive":
        least = show(found.detectable).removeprefix("+")
        return f": an effect below {least} would mostly go unseen"
    if one.q < FALSE_DISCOVERY_RATE:
        shown = numbers.p_value(one.q)
        shown = f"q < {shown[1:]}" if shown.startswith("<") else f"q = {shown}"
        return f" ({shown}: of claims decided like this, one in ten may be luck)"
    return ", because even the most that fits them is too little to matter"
