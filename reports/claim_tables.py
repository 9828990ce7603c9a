"""The printed tables about claims: what was tested, and what could not be."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from engine.evidence.results import ClaimResult, Measurement
from engine.evidence.verdict import FALSE_DISCOVERY_RATE, disagreement
from engine.study_result import StudyResult
from reports import numbers, samples, tally, words
from reports.claim_expects import CONDITION, condition, expects, least, would_turn
from reports.document import Cell, Column, Table, Tone, heading_row, plain

SAMPLES = (samples.OUT_OF_SAMPLE, samples.IN_SAMPLE)
_HEADINGS = {
    samples.OUT_OF_SAMPLE: "Out-of-sample: from the day each claim was declared",
    samples.IN_SAMPLE: "In-sample: before it was declared, so it confirms nothing",
}
_TONES: Mapping[str, Tone] = {
    "supported": "supported",
    "refuted": "refuted",
    "inconclusive": "inconclusive",
    "untestable": "untestable",
}
_NOTE = (
    "q: the p-value corrected for the number of claims tested in the sample (Benjamini "
    "and Hochberg 1995); below 0.10 a claim is supported or refuted. The interval is "
    "adjusted for selection (Benjamini and Yekutieli 2005), so that it agrees with the "
    "verdict: its level is 1 - 0.10 R / m, with R of m claims selected, here {levels}. "
    "Of two claims that mirror each other one counts in m. Detectable: the smallest "
    "effect that this test finds with power 0.8. Detectable is at an unadjusted 5%; "
    "verdicts use q < 0.10, so the true detectable effect is larger. A verdict on a "
    "single event speaks for that event only. A condition is a fact that is there or "
    "not: it has no p-value."
)


def claims(result: StudyResult) -> Table | None:
    """Return every claim that could be tested, sample by sample."""
    rows: list[tuple[Cell, ...]] = []
    groups: set[int] = set()
    columns = (
        Column(label="Claim", align="left", wide=True, weight=4),
        Column(label="Verdict and why", align="left", wide=True, weight=3),
        Column(label="Estimate"),
        Column(label="q"),
        Column(label="n"),
        Column(label="Detectable"),
    )
    for sample in SAMPLES:
        part = sorted(_tested(result, sample), key=_rank)
        if not part:
            continue
        groups.add(len(rows))
        rows.append(heading_row(_heading(result, sample), len(columns)))
        rows += [_row(result, one, found) for one, found in part]
    if not rows:
        return None
    return Table(
        id="claims",
        caption="Claims, their verdicts, and the evidence for them.",
        columns=columns,
        rows=tuple(rows),
        groups=frozenset(groups),
        note=_NOTE.format(levels=_levels(result)),
    )


def interval_words(result: StudyResult) -> str:
    """Return ``selection-adjusted 98% interval``, or by sample where they differ."""
    levels = {one.level for one in result.claims.results if math.isfinite(one.level)}
    if len(levels) == 1:
        return words.interval_word(levels.pop())
    if not levels:
        return words.interval_word(math.nan)
    return f"selection-adjusted interval ({_levels(result)})"


def _levels(result: StudyResult) -> str:
    """Return ``98% in-sample``: the coverage of the intervals of each sample."""
    by_sample = {
        one.sample: numbers.level(one.level)
        for one in result.claims.results
        if math.isfinite(one.level)
    }
    told = [f"{by_sample[one]} {one}" for one in SAMPLES if one in by_sample]
    return words.joined(told) or "not needed"


def _heading(result: StudyResult, sample: str) -> str:
    """Return what a sample's rows stand under: which date it begins at."""
    if result.registration is None:
        return _HEADINGS[sample]
    if sample == samples.IN_SAMPLE:
        return "In-sample: before it was registered, so it confirms nothing"
    return "Out-of-sample: from the day after each claim was registered, or declared"


def _tested(
    result: StudyResult, sample: str
) -> Iterator[tuple[ClaimResult, Measurement]]:
    for one in result.claims.results:
        if one.sample == sample and one.finding is not None:
            yield one, one.finding


def _rank(tested: tuple[ClaimResult, Measurement]) -> tuple[bool, int]:
    """Return the order of a row: effects before conditions, then by verdict."""
    one, _ = tested
    return tally.is_condition(one), tally.VERDICTS.index(one.verdict)


def _row(result: StudyResult, one: ClaimResult, found: Measurement) -> tuple[Cell, ...]:
    show = numbers.unit_format(found.unit)
    condition = tally.is_condition(one)
    between = "last value" if condition else numbers.interval(*one.interval, show)
    estimate = f"{show(found.estimate)} {numbers.unit_word(found.unit)}".strip()
    return (
        plain(one.says, sub=_about(result, one)),
        Cell(
            text=words.stamped(one.verdict, result),
            tone=_TONES[one.verdict],
            sub="; ".join(
                part
                for part in (_why(one, found), disagreement(found), one.caution)
                if part
            ),
        ),
        plain(estimate, sub=between),
        plain(numbers.p_value(one.q)),
        plain(numbers.count(found.n)),
        plain(show(found.detectable).removeprefix("+"), "muted"),
    )


def _why(one: ClaimResult, found: Measurement) -> str:
    """Return why a claim that could be tested has its verdict."""
    where = " for this event" if one.scope == "event" else ""
    if one.killed:
        return one.killed
    if tally.is_condition(one):
        told = found.summary.rpartition(": ")[2]
        still = "still open: " if found.condition_met is None else ""
        return f"a condition, without a p-value; {still}{told}"
    if one.verdict == "inconclusive":
        return f"the interval holds zero{where}"
    if one.verdict == "supported":
        return f"the expected sign{where}, {_q(one.q)}"
    if one.q < FALSE_DISCOVERY_RATE and (found.estimate > 0) != (one.sign == "+"):
        return f"the opposite sign{where}, {_q(one.q)}"
    return (
        f"too small{where}: the whole interval falls short of {least(one)}, the "
        "smallest effect that matters"
    )


def _q(value: float) -> str:
    shown = numbers.p_value(value)
    return f"q < {shown[1:]}" if shown.startswith("<") else f"q = {shown}"


def _about(result: StudyResult, one: ClaimResult) -> str:
    """Return what stands below a claim: what it expects, its source, its doubts."""
    claim = next((each for each in result.thesis.claims if each.id == one.id), None)
    parts = [
        one.id,
        f"{one.test} on one {one.scope}" if one.scope == "event" else one.test,
        condition(claim) if one.test == CONDITION else expects(one),
        _counts(result, one.id),
    ]
    if one.document:
        grade = f", grade {one.grade}" if one.grade else ""
        parts.append(f"document {one.document}{grade}")
    said = "; ".join(part for part in parts if part)
    turn = would_turn(claim, one)
    return f"{said}. {turn}." if turn else said


def _counts(result: StudyResult, claim: str) -> str:
    """Return since when a claim of a registered thesis counts, and by which date."""
    held = result.registration
    if held is None:
        return ""
    basis = held.basis_of(claim)
    if basis == "not registered":
        return "not registered as it stands"
    own = next(one for one in result.thesis.claims if one.id == claim)
    return f"counts from {result.thesis.declared_of(own)}, {basis}"


def untestable(result: StudyResult) -> Table | None:
    """Return what could not be tested, and why; claims of one reason in one row.

    A claim that stands nowhere else has a row of its own, with its words, in the last
    sample: that one has more evidence, and says what is missing. The sample before
    names in one row those that lack the same thing there.
    """
    told = {one.id for one in result.claims.results if one.finding is not None}
    later = {
        one.id: one.reason
        for one in result.claims.results
        if one.sample == SAMPLES[-1] and one.finding is None
    }
    rows: list[tuple[Cell, ...]] = []
    groups: set[int] = set()
    for sample in SAMPLES:
        left = [
            one
            for one in result.claims.results
            if one.sample == sample and one.finding is None
        ]
        if not left:
            continue
        groups.add(len(rows))
        heading = words.stamped(f"untestable, {sample}", result)
        rows.append(heading_row(words.label(heading), 2))
        same = [one for one in left if later.get(one.id) == one.reason]
        if sample != SAMPLES[-1] and same:
            names = ", ".join(one.id for one in same)
            rows.append((plain(names), plain("as in-sample, below")))
            left = [one for one in left if one not in same]
        last = sample == SAMPLES[-1]
        rows += _untestable_rows(result, left, told if last else {*told, *later})
    if not rows:
        return None
    return Table(
        id="claims-untestable",
        caption="Claims that could not be tested, and why.",
        columns=(
            Column(label="Claim", align="left", wide=True, weight=2),
            Column(label="Why", align="left", wide=True),
        ),
        rows=tuple(rows),
        groups=frozenset(groups),
    )


def _untestable_rows(
    result: StudyResult, left: Sequence[ClaimResult], told: set[str]
) -> Iterator[tuple[Cell, ...]]:
    """Yield rows; `told` is who has been described, and grows."""
    by_reason: dict[str, list[ClaimResult]] = {}
    for one in left:
        by_reason.setdefault(one.reason, []).append(one)
    for reason, those in by_reason.items():
        for one in [each for each in those if each.id not in told]:
            told.add(one.id)
            those.remove(one)
            yield plain(one.says, sub=_about(result, one)), plain(reason)
        if those:
            yield plain(", ".join(one.id for one in those)), plain(reason)
