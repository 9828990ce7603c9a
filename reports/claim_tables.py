"""The printed tables about claims: what was tested, and what could not be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from engine.evidence.results import ClaimResult, Measurement
from engine.evidence.verdict import FALSE_DISCOVERY_RATE, disagreement
from engine.study_result import StudyResult
from engine.thesis.model import Claim
from reports import numbers, samples, words
from reports.document import Cell, Column, Table, Tone, heading_row, plain

#: Test -> unit of its effect, and the noun that the expectation needs, if any.
EFFECTS: Mapping[str, tuple[str, str]] = {
    "demand_elasticity": ("elasticity", "an elasticity of spending "),
    "event_contrast": ("return", ""),
    "event_dispersion": ("standard deviations", "a difference of sizes "),
    "event_sign": ("return", ""),
    "factor_rank_ic": ("rank correlation", "a rank correlation "),
    "hedge_beta": ("beta", "a beta "),
    "incremental_ratio": ("ratio", "a difference of ratios "),
    "layer_spread": ("return per year", ""),
    "lead_lag": ("beta", "a slope "),
    "rank_order": ("rank correlation", "a rank correlation "),
    "saturation": ("per year", "a change of pace "),
    "sharpe_difference": ("Sharpe ratio", "a Sharpe ratio difference "),
    "spanning_alpha": ("return per year", "an alpha "),
    "trend": ("per year", "a change "),
}
CONDITION = "signal_threshold"
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
    "and Hochberg 1995); below 0.10 a claim is supported or refuted. The interval is a "
    "90% interval adjusted for selection (Benjamini and Yekutieli 2005), so that it "
    "agrees with the verdict. Detectable: the smallest effect that this test finds "
    "with power 0.8. Detectable is at an unadjusted 5%; verdicts use q < 0.10, so the "
    "true detectable effect is larger. A verdict on a single event speaks for that "
    "event only. A condition is a fact that is there or not: it has no p-value."
)


def claims(result: StudyResult) -> Table | None:
    """Return every claim that could be tested, sample by sample."""
    rows: list[tuple[Cell, ...]] = []
    groups: set[int] = set()
    columns = (
        Column(label="Claim", align="left", wide=True, weight=2),
        Column(label="Verdict and why", align="left", wide=True),
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
        note=_NOTE,
    )


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
    return words.is_condition(one), words.VERDICTS.index(one.verdict)


def _row(result: StudyResult, one: ClaimResult, found: Measurement) -> tuple[Cell, ...]:
    show = numbers.unit_format(found.unit)
    condition = words.is_condition(one)
    between = "last value" if condition else numbers.interval(*one.interval, show)
    estimate = f"{show(found.estimate)} {numbers.unit_word(found.unit)}".strip()
    return (
        plain(one.says, sub=_about(result, one)),
        Cell(
            text=words.stamped(one.verdict, result),
            tone=_TONES[one.verdict],
            sub="; ".join(
                part for part in (_why(one, found), disagreement(found)) if part
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
    if words.is_condition(one):
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
        f"too small{where}: the whole interval falls short of {_least(one)}, the "
        "smallest effect that matters"
    )


def _q(value: float) -> str:
    shown = numbers.p_value(value)
    return f"q < {shown[1:]}" if shown.startswith("<") else f"q = {shown}"


def _least(one: ClaimResult) -> str:
    """Return the smallest effect that matters, in the unit of the claim's test."""
    unit, _ = EFFECTS.get(one.test, ("return", ""))
    shown = numbers.unit_format(unit)(one.min_effect).removeprefix("+")
    year = " a year" if unit == "return per year" else ""
    return f"{shown}{year}"


def _about(result: StudyResult, one: ClaimResult) -> str:
    """Return what stands below a claim: what it expects, its source, its doubts."""
    claim = next((each for each in result.thesis.claims if each.id == one.id), None)
    parts = [
        one.id,
        f"{one.test} on one {one.scope}" if one.scope == "event" else one.test,
        _condition(claim) if one.test == CONDITION else _expects(one),
        _counts(result, one.id),
    ]
    if one.document:
        grade = f", grade {one.grade}" if one.grade else ""
        parts.append(f"document {one.document}{grade}")
    said = "; ".join(part for part in parts if part)
    if claim is None or not claim.refuted_if:
        return said
    return f"{said}. Would change our mind: {claim.refuted_if.rstrip('.')}."


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


def _expects(one: ClaimResult) -> str:
    """Return ``expects below −2.0%``."""
    _, noun = EFFECTS.get(one.test, ("return", ""))
    above = one.sign == "+"
    if not one.min_effect:
        return f"expects {noun}{'above' if above else 'below'} zero"
    least = _least(one)
    return f"expects {noun}" + (
        f"above {least}" if above else f"below {numbers.MINUS}{least}"
    )


def _condition(claim: Claim | None) -> str:
    """Return ``vendor share of alphabet below 25%, 12 in a row, by 2026-06-30``."""
    if claim is None:
        return ""
    told = claim.params
    role = str(told.get("role", ""))
    word = "above" if told.get("above") is not None else "below"
    line = float(told.get(word) or 0.0)
    # shares are decimal fractions; any other unit is not known before a value is
    over = str(told.get("over") or "")
    fraction = role.endswith("share") and not over
    shown = numbers.rate(line) if fraction else f"{line:,.12g}"
    role = f"{role} over {over}" if over else role
    entity = f" of {told['entity']}" if told.get("entity") else ""
    parts = [f"{role.replace('_', ' ')}{entity} {word} {shown}"]
    times = int(told.get("times") or 1)
    if told.get("keeps"):
        parts.append(f"lost by {times} in a row" if times > 1 else "kept throughout")
    elif times > 1:
        parts.append(f"{times} in a row")
    if told.get("by"):
        parts.append(f"by {told['by']}")
    return ", ".join(parts)


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
