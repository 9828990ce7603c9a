"""Every claim on both samples: before it was declared, and after."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from pydantic import TypeAdapter

from engine.evidence.claims import CLAIM_TESTS
from engine.evidence.claims.context import Evidence, Span
from engine.evidence.kill import Stop
from engine.evidence.results import (
    ClaimResult,
    Claims,
    Measurement,
    Sample,
    Untestable,
)
from engine.evidence.score import thesis_score
from engine.evidence.verdict import judge
from engine.thesis.model import Claim, Thesis
from engine.thesis.registration import NEVER

SAMPLES: tuple[Sample, ...] = ("in-sample", "out-of-sample")


def study_claims(evidence: Evidence, stops: Sequence[Stop] = ()) -> Claims:
    """Return a verdict for every claim on every sample it has evidence in.

    A kill criterion among `stops` that speaks for a claim refutes it in the sample in
    which it was met, where the claim could be tested.

    In-sample is before the claim was declared, out-of-sample from that day on; without
    a declaration everything is in-sample. A claim about one event stands in the sample
    that holds the event.
    """
    rng = np.random.default_rng([evidence.rng_seed, 17])
    results = []
    scores = []
    for sample in SAMPLES:
        found = [
            (claim, one)
            for claim in evidence.thesis.claims
            if (one := measure_claim(claim, evidence, sample)) is not None
        ]
        judged = [
            _killed(one, evidence, stops)
            for one in judge(evidence.thesis, sample, found)
        ]
        results += judged
        scores.append(thesis_score(evidence.thesis, sample, judged, rng))
    return Claims(results=tuple(results), scores=tuple(scores))


def _killed(
    result: ClaimResult, evidence: Evidence, stops: Sequence[Stop]
) -> ClaimResult:
    """Return a claim as refuted where its kill criterion was met in this sample."""
    claim = next(one for one in evidence.thesis.claims if one.id == result.id)
    span = span_of(claim, evidence, result.sample)
    for stop in stops:
        if stop.session is None or not span.holds(stop.session):
            continue
        if stop.kill.claim == result.id and result.finding is not None:
            why = f"killed on {stop.session.date()}: {stop.watched}, {stop.why}"
            return dataclasses.replace(
                result, verdict="refuted", reason=why, killed=why
            )
    return result


def declared_for(claim: Claim, thesis: Thesis) -> dt.date | None:
    """Return the day from which a claim's evidence is out-of-sample.

    Its own, else the thesis's; the later of the two where it judges the portfolio,
    whose factors, weights and events are the thesis's.
    """
    own, whole = thesis.declared_of(claim), thesis.about.declared
    if CLAIM_TESTS[claim.test].of_portfolio and own is not None and whole is not None:
        return max(own, whole)
    return own


def span_of(claim: Claim, evidence: Evidence, sample: Sample) -> Span:
    """Return the sessions of the claim's sample."""
    thesis = evidence.thesis
    declared = declared_for(claim, thesis) or dt.date.max
    end = thesis.about.end + dt.timedelta(days=1)
    if sample == "in-sample":
        return Span(
            sample=sample,
            first=pd.Timestamp(thesis.about.start),
            end=pd.Timestamp(min(declared, end)),
        )
    return Span(
        sample=sample,
        first=pd.Timestamp(min(max(declared, thesis.about.start), end)),
        end=pd.Timestamp(end),
    )


@functools.lru_cache(maxsize=64)
def _reader(params: type) -> TypeAdapter[Any]:
    """Return what turns keys into a test's parameters; slow to make, so kept."""
    return TypeAdapter(params)


def measure_claim(
    claim: Claim, evidence: Evidence, sample: Sample
) -> Measurement | Untestable | None:
    """Return what a test finds; None if its one event is in the other sample."""
    test = CLAIM_TESTS[claim.test]
    span = span_of(claim, evidence, sample)
    params: Any = _reader(test.params).validate_python(claim.params)
    declared = declared_for(claim, evidence.thesis)

    def here(identifier: str) -> bool:
        day = evidence.thesis.event(identifier).day
        before = declared is None or day < declared
        return before == (sample == "in-sample")

    if getattr(params, "event", None) is not None:
        if not here(params.event):
            return None
    elif getattr(params, "events", ()):
        kept = {
            key: tuple(one for one in getattr(params, key) if here(one))
            for key in ("events", "others")
            if hasattr(params, key)
        }
        if not all(kept.values()):
            return Untestable(reason="none of the claim's events is in this sample")
        params = dataclasses.replace(params, **kept)
    elif span.end <= span.first:
        return Untestable(reason=_nothing_yet(declared, evidence.thesis.about.end))
    return _with_p(test.measure(claim, params, evidence, span))


def _with_p(found: Measurement | Untestable) -> Measurement | Untestable:
    """Return what was found, untestable where an estimate has no p-value.

    A condition has none by nature, and no degrees of freedom either.
    """
    if isinstance(found, Untestable) or np.isnan(found.df) or np.isfinite(found.p):
        return found
    why = (
        "its error is zero: what is compared does not differ, or does not vary"
        if found.se == 0.0
        else "a value that it needs is not a number"
    )
    return Untestable(reason=f"no p-value can be computed for {found.summary}: {why}")


def _nothing_yet(declared: dt.date | None, end: dt.date) -> str:
    """Return why a sample holds no day."""
    if declared is None:
        return "no declaration date: everything is in-sample"
    if declared == NEVER:
        return "not registered as it now stands: everything is in-sample"
    return f"nothing yet: declared {declared}, and the study ends {end}"
