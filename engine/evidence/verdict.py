"""From measurements to verdicts, corrected for how many claims were tested."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import stdtrit

from engine.evidence.claims import CLAIM_TESTS
from engine.evidence.claims.statistics import direction
from engine.evidence.inference import benjamini_hochberg, fcr_interval_level
from engine.evidence.results import (
    ClaimResult,
    Measurement,
    RobustTest,
    Sample,
    Untestable,
    VerdictWord,
)
from engine.thesis.model import Claim, Thesis
from engine.thesis.registration import NEVER

#: Share of false discoveries among the claims called supported or refuted.
FALSE_DISCOVERY_RATE = 0.10
#: Where the tests of one event are compared with each other, unadjusted.
SIDE_BY_SIDE = 0.05

Found = tuple[Claim, Measurement | Untestable]


def judge(thesis: Thesis, sample: Sample, found: Sequence[Found]) -> list[ClaimResult]:
    """Return one verdict per claim of a sample.

    q-values are Benjamini and Hochberg's (1995) over the claims of the sample that have
    a p-value; intervals are at the level that keeps the false coverage rate at 10 %
    (Benjamini and Yekutieli 2005), so that an interval excludes zero exactly when
    q < 0.10. Two claims that mirror each other count once, by the test that they have
    in common.
    """
    p = np.array([_p_value(one) for _, one in found])
    first = _first_of_pair(found)
    counted = sorted(set(first))
    q = np.full(len(found), np.nan)
    q[counted] = benjamini_hochberg(p[counted])
    q = q[first]
    testable = int(np.isfinite(p[counted]).sum())
    selected = int((q[counted] < FALSE_DISCOVERY_RATE).sum())
    level = fcr_interval_level(selected, testable, FALSE_DISCOVERY_RATE)
    rows = list(enumerate(found))
    cautions = [
        _spans(one, p[counted], counted.index(first[row]), float(q[row]))
        for row, (_, one) in rows
    ]
    return [
        _result(thesis, sample, claim, one, float(q[row]), level, cautions[row])
        for row, (claim, one) in rows
    ]


def _spans(one: Measurement | Untestable, p: np.ndarray, own: int, q: float) -> str:
    """Return what p and q would be with the noise of every home session spanned.

    `p` are those of the sample; the one at `own` counts for the claim, and is replaced
    alone. Said only of what stands out, at 5 % alone or by its q.
    """
    if isinstance(one, Untestable) or not np.isfinite(one.spanned_p):
        return ""
    if not (one.p < SIDE_BY_SIDE or q < FALSE_DISCOVERY_RATE):
        return ""
    with_spans = p.copy()
    with_spans[own] = one.spanned_p
    wider = float(benjamini_hochberg(with_spans)[own])
    open_ = ", so it would be undecided" if q < FALSE_DISCOVERY_RATE <= wider else ""
    return (
        "some of its returns span holidays and have the error of one session: with the "
        f"noise of every home session they span, p = {one.p:.3f} would be "
        f"{one.spanned_p:.3f} and q = {wider:.3f}{open_}"
    )


def _p_value(one: Measurement | Untestable) -> float:
    return one.p if isinstance(one, Measurement) else float("nan")


def _first_of_pair(found: Sequence[Found]) -> list[int]:
    """Return for each row the row that counts for it: itself, or its mirror before."""
    position = {claim.id: row for row, (claim, _) in enumerate(found)}
    opposite = opposites(found)
    return [
        min(row, position[opposite[claim.id]]) if claim.id in opposite else row
        for row, (claim, _) in enumerate(found)
    ]


def opposites(
    found: Sequence[tuple[Claim, Measurement | Untestable | None]],
) -> dict[str, str]:
    """Return each claim's mirror in a sample, whichever of the two names the other.

    Whatever a thesis says, two claims are a pair only where one measurement was made
    for both: the same test, p and size of estimate, and opposite evidence. A claim has
    one mirror.
    """
    measured = {claim.id: (claim, one) for claim, one in found}
    pairs: dict[str, str] = {}
    for claim, _ in found:
        other = claim.mirrors
        if other is None or other not in measured or {claim.id, other} & set(pairs):
            continue
        if other != claim.id and _one_test(measured[claim.id], measured[other]):
            pairs |= {claim.id: other, other: claim.id}
    return pairs


def _one_test(
    one: tuple[Claim, Measurement | Untestable | None],
    other: tuple[Claim, Measurement | Untestable | None],
) -> bool:
    """Return whether two claims were tested by one measurement, seen from two sides."""
    (claim, mine), (mirror, theirs) = one, other
    if not (isinstance(mine, Measurement) and isinstance(theirs, Measurement)):
        return False
    return (
        claim.test == mirror.test
        and bool(np.isfinite(mine.p))
        and mine.n == theirs.n
        and _close(mine.p, theirs.p)
        and _close(mine.se, theirs.se)
        and _close(abs(mine.estimate), abs(theirs.estimate))
        and _close(mine.z, -theirs.z)
    )


def _close(one: float, other: float) -> bool:
    """Return whether two numbers differ by rounding alone."""
    return bool(np.isclose(one, other, rtol=1e-9, atol=1e-12))


def _result(
    thesis: Thesis,
    sample: Sample,
    claim: Claim,
    one: Measurement | Untestable,
    q: float,
    level: float,
    caution: str,
) -> ClaimResult:
    interval = (float("nan"), float("nan"))
    verdict: VerdictWord
    if isinstance(one, Untestable):
        verdict, reason = "untestable", one.reason
    elif np.isfinite(one.p):
        half = _half_width(one, level)
        interval = (one.estimate - half, one.estimate + half)
        verdict, reason = _by_interval(claim, one, q, interval)
        parts = (reason, disagreement(one), caution)
        reason = "; ".join(part for part in parts if part)
    else:
        verdict, reason = _by_condition(one)
    declared = thesis.declared_of(claim)
    return ClaimResult(
        id=claim.id,
        says=claim.says,
        test=claim.test,
        scope=claim.scope,
        sample=sample,
        sign=claim.sign,
        min_effect=claim.min_effect,
        verdict=verdict,
        reason=reason,
        q=q,
        interval=interval,
        finding=one if isinstance(one, Measurement) else None,
        document=claim.document,
        grade=claim.grade,
        declared=declared.isoformat() if declared and declared != NEVER else "",
        null=CLAIM_TESTS[claim.test].null,
        holds=CLAIM_TESTS[claim.test].holds,
        level=level if np.isfinite(interval[0]) else float("nan"),
        caution=caution,
    )


def _half_width(one: Measurement, level: float) -> float:
    """Return the half width of the two-sided interval with coverage `level`."""
    df = one.df if np.isfinite(one.df) else 1e9
    return -float(stdtrit(df, (1.0 - level) / 2)) * one.se


def _by_interval(
    claim: Claim, one: Measurement, q: float, interval: tuple[float, float]
) -> tuple[VerdictWord, str]:
    """Return the verdict of a claim with a p-value, and why."""
    sign = direction(claim)
    most = max(sign * interval[0], sign * interval[1])
    where = " for this event" if claim.scope == "event" else ""
    if q < FALSE_DISCOVERY_RATE and sign * one.estimate < 0:
        return "refuted", f"the opposite sign{where}, {_q(q)}"
    if most < claim.min_effect:
        return (
            "refuted",
            f"the whole interval lies below the smallest effect that matters{where}",
        )
    if q < FALSE_DISCOVERY_RATE:
        return "supported", f"the expected sign{where}, {_q(q)}"
    return (
        "inconclusive",
        f"the interval holds zero{where}",
    )


def disagreement(one: Measurement) -> str:
    """Return where tests that allow for a louder window differ from the primary one.

    At 5 %, each p unadjusted, so that like is compared with like; a test that does not
    keep to 5 % is called approximate. Nothing where all agree or none can be computed.
    """
    rejects = one.p < SIDE_BY_SIDE
    differ = [each for each in one.robust if (each.p < SIDE_BY_SIDE) != rejects]
    if not differ:
        return ""
    told = " and ".join(
        f"{each.name} ({', '.join(_qualified(each))})" for each in differ
    )
    if rejects:
        verb = "does" if len(differ) == 1 else "do"
        return f"{told} {verb} not reject: the window may be loud rather than moved"
    verb = "rejects" if len(differ) == 1 else "reject"
    return f"{told} {verb}, which the primary test does not"


def _qualified(one: RobustTest) -> list[str]:
    """Return a test's p and what speaks against relying on it."""
    rough = "approximate" if one.sizes else ""
    return [word for word in (f"p = {one.p:.2f}", rough, one.weak) if word]


def _q(value: float) -> str:
    return "q < 0.001" if value < 0.001 else f"q = {value:.3f}"


def _by_condition(one: Measurement) -> tuple[VerdictWord, str]:
    """Return the verdict of a claim that is a condition, and why."""
    if one.condition_met is None:
        return "inconclusive", f"still open: {one.summary}"
    return ("supported" if one.condition_met else "refuted"), one.summary
