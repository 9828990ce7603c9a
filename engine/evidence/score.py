"""The thesis score: strength of the evidence, with its interval."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.special import ndtr

from engine.evidence.claims.statistics import direction
from engine.evidence.inference import stationary_bootstrap_indices
from engine.evidence.results import ClaimResult, Measurement, Sample, ThesisScore
from engine.evidence.verdict import opposites
from engine.thesis.model import Claim, Thesis

#: Weight of a claim by the quality of the source behind it.
QUALITY = {"filing": 1.0, "primary": 0.8, "press": 0.5, "aggregator": 0.2}
BLOCK_SESSIONS = 20
DRAWS = 1000


def thesis_score(
    thesis: Thesis,
    sample: Sample,
    results: Sequence[ClaimResult],
    rng: np.random.Generator,
) -> ThesisScore:
    r"""Return the score of one sample.

    :math:`Z = w'z / \sqrt{w'Rw}`, score :math:`= 2\Phi(Z) - 1`, interval the same map
    of :math:`Z \pm 1.96` (Stouffer's weighted Z with dependence). z are the claims'
    normal scores in the expected direction, w the quality of their sources, R their
    correlation under the null from a joint block bootstrap over sessions.

    Claims about a single event and conditions without a p-value do not count: one shock
    is n = 1. NaN if nothing counts. It measures strength of evidence, not effect size.
    """
    claims = {claim.id: claim for claim in thesis.claims}
    counted = [
        (claims[result.id], result.finding)
        for result in results
        if result.scope == "law"
        and result.finding is not None
        and np.isfinite(result.finding.z)
        and result.finding.null is not None
    ]
    testable = sum(result.verdict != "untestable" for result in results)
    nothing = float("nan")
    if not counted:
        return ThesisScore(
            sample=sample,
            score=nothing,
            interval=(nothing, nothing),
            claims=len(results),
            testable=testable,
            counted=0,
            note="no claim of scope law could be tested in this sample",
        )
    z = np.array([finding.z for _, finding in counted])
    weights = _weights(counted)
    correlation = null_correlation(counted, rng)
    # of a mirrored pair alone nothing is left but rounding, which may be negative
    spread = float(np.sqrt(max(float(weights @ correlation @ weights), 0.0)))
    total = float(weights @ z) / spread if spread > 1e-6 else nothing
    low, middle, high = (
        2.0 * float(ndtr(total + shift)) - 1.0 for shift in (-1.96, 0.0, 1.96)
    )
    return ThesisScore(
        sample=sample,
        score=middle,
        interval=(low, high),
        claims=len(results),
        testable=testable,
        counted=len(counted),
        note="strength of evidence, not size of effect",
        entered=tuple(claim.id for claim, _ in counted),
        z=tuple(map(float, z)),
        weights=tuple(map(float, weights)),
        correlation=tuple(tuple(map(float, row)) for row in correlation),
    )


def _weights(counted: Sequence[tuple[Claim, Measurement]]) -> np.ndarray:
    """Return the weight of each claim; two that mirror each other share one."""
    mirrored = opposites(counted)
    return np.array(
        [
            QUALITY[claim.quality] * (0.5 if claim.id in mirrored else 1.0)
            for claim, _ in counted
        ]
    )


def null_correlation(
    counted: Sequence[tuple[Claim, Measurement]], rng: np.random.Generator
) -> np.ndarray:
    r"""Return the correlation of the claims' statistics under the null, (k, k).

    Each statistic is a weighted sum over sessions, :math:`S_i = \sum_t a_i(t) x_i(t)`,
    of a series with mean zero under the null. The sessions are resampled jointly in
    stationary blocks (Politis and Romano 1994), so claims that share sessions and
    assets stay dependent and claims about different times do not. A session on which a
    series has no value adds nothing to its statistic.
    """
    series = []
    weights = []
    for claim, finding in counted:
        if finding.null is None or finding.weights is None:
            raise ValueError(f"claim {claim.id} has no null series")
        series.append(direction(claim) * finding.null)
        weights.append(finding.weights)
    x = pd.concat(series, axis=1, sort=True).fillna(0.0)
    a = pd.concat(weights, axis=1, sort=True).reindex(x.index).fillna(0.0).to_numpy()
    draws = stationary_bootstrap_indices(len(x), BLOCK_SESSIONS, DRAWS, rng)
    # every draw of a claim at once: (draws, sessions) @ (sessions,)
    sums = np.column_stack(
        [
            np.ascontiguousarray(values)[draws] @ weight
            for values, weight in zip(x.to_numpy().T, a.T, strict=True)
        ]
    )
    spread = sums.std(axis=0)
    centred = (sums - sums.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    correlation = centred.T @ centred / len(sums)
    np.fill_diagonal(correlation, 1.0)
    return np.asarray(correlation)
