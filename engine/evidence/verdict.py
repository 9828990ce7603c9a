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
    q < 0.10. Two claims that mirror each other count once.
    """
    p = np.array([_p_value(one) for _, one in found])
    counted = _one_of_each_mirror(found)
    q = np.full(len(found), np.nan)
    q[counted] = benjamini_hochberg(p[counted])
    position = {claim.id: row for row, (claim, _) in enumerate(found)}
    opposite = opposites([claim for claim, _ in found])
    for row, (claim, _) in enumerate(found):
        if row not in counted:
            q[row] = q[position[opposite[claim.id]]]
    testable = int(np.isfinite(p[counted]).sum())
    selected = int((q[counted] < FALSE_DISCOVERY_RATE).sum())
    level = fcr_interval_level(selected, testable, FALSE_DISCOVERY_RATE)
    return [
        _result(thesis, sample, claim, one, float(q[row]), level)
        for row, (claim, one) in enumerate(found)
    ]


def _p_value(one: Measurement | Untestable) -> float:
    return one.p if isinstance(one, Measurement) else float("nan")


def _one_of_each_mirror(found: Sequence[Found]) -> list[int]:
    """Return the rows that count: of two testable mirrored claims, the first."""
    opposite = opposites([claim for claim, _ in found])
    seen: set[str] = set()
    rows = []
    for row, (claim, one) in enumerate(found):
        if opposite.get(claim.id) in seen:
            continue
        if np.isfinite(_p_value(one)):
            seen.add(claim.id)
        rows.append(row)
    return rows


def opposites(claims: Sequence[Claim]) -> dict[str, str]:
    """Return each claim's mirror, whichever of the two names the other."""
    named = [(claim.id, claim.mirrors) for claim in claims if claim.mirrors]
    return {b: a for a, b in named} | dict(named)


def _result(
    thesis: Thesis,
    sample: Sample,
    claim: Claim,
    one: Measurement | Untestable,
    q: float,
    level: float,
) -> ClaimResult:
    interval = (float("nan"), float("nan"))
    verdict: VerdictWord
    if isinstance(one, Untestable):
        verdict, reason = "untestable", one.reason
    elif np.isfinite(one.p):
        half = _half_width(one, level)
        interval = (one.estimate - half, one.estimate + half)
        verdict, reason = _by_interval(claim, one, q, interval)
        reason = "; ".join(part for part in (reason, disagreement(one)) if part)
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
