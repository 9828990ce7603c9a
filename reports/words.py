"""Plain sentences for a committee: what was found, and how far it can be believed."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from engine.evidence.results import ClaimResult, ThesisScore
from engine.study import StudyResult
from reports import numbers

STAMP = "SIMULATED"
STAMP_TEXT = (
    "SIMULATED. Prices or signals in this report come from a simulation. "
    "It shows how the engine works and says nothing about the world."
)
#: Returns of fewer sessions are not blown up to a year.
SHORTEST_ANNUALISED = 126
VERDICTS = ("supported", "refuted", "inconclusive", "untestable")
IN_SAMPLE = "in-sample"
OUT_OF_SAMPLE = "out-of-sample"


def stamp(result: StudyResult) -> str:
    """Return ``"SIMULATED"`` where any number comes from a simulation, else nothing."""
    return STAMP if result.simulated else ""


def stamped(text: str, result: StudyResult) -> str:
    """Return a verdict as it may be read: ``SIMULATED: supported``."""
    return f"{STAMP}: {text}" if result.simulated else text


def label(name: str) -> str:
    """Return the name of a path or a layer as a reader sees it."""
    return name[:1].upper() + name[1:]


def all_in_sample(result: StudyResult) -> bool:
    """Return whether the study ends before anything was declared."""
    declared = result.thesis.about.declared
    return declared is None or declared > result.thesis.about.end


def none_in_sample(result: StudyResult) -> bool:
    """Return whether the thesis was declared before the study begins."""
    declared = result.thesis.about.declared
    return declared is not None and declared <= result.thesis.about.start


def period(result: StudyResult) -> str:
    """Return the study's period as a subtitle has it."""
    about = result.thesis.about
    return f"{numbers.long_day(about.start)} to {numbers.long_day(about.end)}"


def sample_line(result: StudyResult) -> str:
    """Return the subtitle line that says what is in-sample."""
    declared = result.thesis.about.declared
    if declared is None:
        return "In-sample throughout: the thesis has no declaration date."
    day = numbers.long_day(declared)
    if all_in_sample(result):
        return f"In-sample throughout: declared after the fact, on {day}." + _earlier(
            result
        )
    if none_in_sample(result):
        return f"Out-of-sample throughout: declared on {day}, before the study begins."
    return f"In-sample before {day}, when the thesis was declared; out-of-sample after."


def _earlier(result: StudyResult) -> str:
    """Return how many claims were declared before the thesis was."""
    own = {one.id for one in result.claims.results if one.sample == OUT_OF_SAMPLE}
    if not own:
        return ""
    have = "has" if len(own) == 1 else "have"
    return (
        f" {len(own)} of its claims {have} an earlier date of declaration and may be "
        "judged out of sample."
    )


def in_sample_meaning(result: StudyResult) -> str:
    """Return what in-sample means here, in a sentence or two."""
    if none_in_sample(result):
        return ""
    before = (
        "the end of the study"
        if all_in_sample(result)
        else numbers.long_day(result.thesis.about.declared or result.thesis.about.end)
    )
    return (
        f"In-sample: everything up to {before} had already happened when the thesis "
        "was written down. Agreement there shows that the thesis fits what its author "
        "had seen; it confirms nothing. Only evidence from after the declaration "
        "(out-of-sample) can."
    )


def verdict(result: StudyResult) -> str:
    """Return the verdict in one sentence, stamped where simulated."""
    outside = [
        one
        for one in result.claims.results
        if one.sample == OUT_OF_SAMPLE and one.verdict != "untestable"
    ]
    inside = [one for one in result.claims.results if one.sample == IN_SAMPLE]
    if not result.claims.results:
        as_of = result.overrides.get("as_of")
        whose = f"By {as_of} the thesis made" if as_of else "The thesis file makes"
        said = f"{whose} no claim, so there is nothing to confirm or refute."
    elif outside:
        said = (
            f"Out of sample, {_tally(outside)}"
            + (f"; in sample, {_tally(inside)}" if inside else "")
            + "."
        )
    else:
        said = (
            "Nothing is confirmed yet, because no claim could be tested on evidence "
            "from after it was declared"
            + (f"; in sample, {_tally(inside)}" if inside else "")
            + "."
        )
    return stamped(said, result)


def _tally(results: Sequence[ClaimResult]) -> str:
    """Return ``of 5 claims 2 are supported, 1 is refuted and 2 stay inconclusive``."""
    counts = verdict_counts(results)
    tested = sum(counts[word] for word in VERDICTS[:3])
    parts = [
        f"{counts[word]} {_is(counts[word])} {word}"
        for word in VERDICTS[:3]
        if counts[word]
    ]
    left = counts["untestable"]
    if not tested:
        return f"none of {_claims(left)} could be tested"
    head = f"of {_claims(tested)} that could be tested {_and(parts)}"
    return head + (f", while {left} could not be tested" if left else "")


def _is(count: int) -> str:
    return "is" if count == 1 else "are"


def _claims(count: int) -> str:
    return f"{count} claim" if count == 1 else f"{count} claims"


def _and(parts: Sequence[str]) -> str:
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def verdict_counts(results: Sequence[ClaimResult]) -> dict[str, int]:
    """Return how many claims have each verdict."""
    return {word: sum(one.verdict == word for one in results) for word in VERDICTS}


def score_sentence(score: ThesisScore) -> str:
    """Return what the thesis score of one sample says; for real evidence only."""
    if not math.isfinite(score.score):
        return f"{label(score.sample)}: none. {label(score.note)}."
    ends = numbers.interval(*score.interval, lambda v: numbers.decimal(v, signed=True))
    return (
        f"{label(score.sample)}: {numbers.decimal(score.score, signed=True)} "
        f"(95% interval {ends}), from {_claims(score.counted)} counted of "
        f"{score.testable} testable of {score.claims}. It measures how strong the "
        "evidence is, not how large the effect, on a scale from −1 to 1."
    )


def performance_sentence(result: StudyResult) -> str:
    """Return how the barbell did against the first benchmark, in one sentence."""
    own, other = headline_rows(result)
    sessions = len(result.backtest.returns)
    long = sessions >= SHORTEST_ANNUALISED
    metric, rate = ("cagr", " a year") if long else ("total_return", "")
    whole = "the whole period" if long else _sessions(sessions)
    beside = (
        f", against {numbers.percent(float(other[metric]))} for {other['path']}"
        if other is not None
        else ""
    )
    sample = ", all of it in-sample," if all_in_sample(result) else ""
    return (
        f"Over {whole}{sample} the barbell returned "
        f"{numbers.percent(float(own[metric]))}{rate} net of costs{beside}, with a "
        f"worst fall of {numbers.percent(abs(float(own['max_drawdown'])))} from a peak."
    )


def _sessions(count: int) -> str:
    return "one session" if count == 1 else f"{count} sessions"


def headline_rows(
    result: StudyResult,
) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Return the barbell's row and the first benchmark's, over the whole period."""
    table = result.performance
    whole = table[table["sample"] == "all"].to_dict("records")
    by_path = {str(row["path"]): _named(row) for row in whole}
    first = next(
        (name for name in result.thesis.about.benchmarks if name in by_path), None
    )
    return by_path[result.backtest.name], by_path[first] if first else None


def _named(row: Mapping[Hashable, Any]) -> dict[str, Any]:
    return {str(name): value for name, value in row.items()}
