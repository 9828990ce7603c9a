"""Brier and log scores against closed forms, and what resolves a claim."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from engine.evidence.forecasts import brier_score, deadline, forecasts, log_score
from engine.evidence.results import ClaimResult
from engine.thesis.model import Claim, Thesis
from tests.tolerances import IDENTITY

PROBABILITY = some.floats(0.01, 0.99)


def test_scores_by_hand() -> None:
    """0.8 came true, 0.3 did not, 0.9 did not."""
    stated, happened = [0.8, 0.3, 0.9], [True, False, False]
    assert brier_score(stated, happened) == pytest.approx((0.04 + 0.09 + 0.81) / 3)
    assert log_score(stated, happened) == pytest.approx(
        -(math.log(0.8) + math.log(0.7) + math.log(0.1)) / 3
    )


@pytest.mark.parametrize("happened", [[True], [False], [True, False, False, True]])
def test_one_half_knows_nothing(happened: list[bool]) -> None:
    stated = [0.5] * len(happened)
    assert brier_score(stated, happened) == pytest.approx(0.25, abs=IDENTITY)
    assert log_score(stated, happened) == pytest.approx(math.log(2), abs=IDENTITY)


@given(p=PROBABILITY, q=PROBABILITY)
def test_expected_scores_have_their_closed_form_and_are_proper(
    p: float, q: float
) -> None:
    """Stating q where p is true: p (1-q)^2 + (1-p) q^2, and the cross-entropy."""
    brier = p * brier_score([q], [True]) + (1 - p) * brier_score([q], [False])
    assert brier == pytest.approx((q - p) ** 2 + p * (1 - p), abs=1e-12)
    surprise = p * log_score([q], [True]) + (1 - p) * log_score([q], [False])
    entropy = -p * math.log(p) - (1 - p) * math.log(1 - p)
    divergence = p * math.log(p / q) + (1 - p) * math.log((1 - p) / (1 - q))
    assert surprise == pytest.approx(entropy + divergence, abs=1e-12)
    assert brier >= p * (1 - p) - 1e-12
    assert surprise >= entropy - 1e-12


def test_many_honest_forecasts_score_the_uniform_s_moments() -> None:
    """p uniform, outcomes true with p: mean p(1-p) = 1/6, mean entropy = 1/2."""
    rng = np.random.default_rng(3)
    p = rng.uniform(size=200_000)
    happened = list(rng.uniform(size=len(p)) < p)
    assert brier_score(list(p), happened) == pytest.approx(1 / 6, abs=0.002)
    assert log_score(list(p), happened) == pytest.approx(1 / 2, abs=0.005)


def test_none_resolved_is_not_known() -> None:
    assert math.isnan(brier_score([], []))
    assert math.isnan(log_score([], []))
    with pytest.raises(ValueError, match="1 probabilities for 2 outcomes"):
        brier_score([0.5], [True, False])


# ---- what resolves -------------------------------------------------------------------

CLAIM = {"id": "one", "says": "x", "test": "signal_threshold", "probability": 0.7}


def thesis(**more: object) -> Thesis:
    return Thesis.model_validate(
        {
            "thesis": {
                "id": "t",
                "title": "t",
                "start": "2025-01-01",
                "end": "2025-06-30",
            },
            "barbell": {"both": {"layers": ["compute"]}},
            "claims": [CLAIM | more],
        }
    )


def result(verdict: str, sample: str = "out-of-sample") -> ClaimResult:
    return ClaimResult(
        id="one",
        says="x",
        test="signal_threshold",
        scope="law",
        sample=sample,  # type: ignore[arg-type]
        sign="+",
        min_effect=0.0,
        verdict=verdict,  # type: ignore[arg-type]
        reason="so",
        q=math.nan,
        interval=(math.nan, math.nan),
        finding=None,
    )


IN = result("supported", "in-sample")
PASSED, AHEAD = {"by": "2025-06-30"}, {"by": "2025-07-01"}


@pytest.mark.parametrize(
    ("results", "more", "state"),
    [
        ([IN, result("supported")], {}, "came true"),
        ([IN, result("refuted")], {}, "did not"),
        ([IN, result("supported")], PASSED, "came true"),
        ([IN, result("inconclusive")], {}, "open"),
        ([IN, result("inconclusive")], AHEAD, "open"),
        ([IN, result("inconclusive")], PASSED, "did not"),
        ([IN, result("untestable")], AHEAD, "open"),
        ([IN, result("untestable")], PASSED, "cannot be judged"),
        ([IN], {}, "cannot be judged"),
        ([], {}, "open"),
    ],
)
def test_only_out_of_sample_verdicts_and_deadlines_resolve(
    results: list[ClaimResult], more: dict[str, object], state: str
) -> None:
    (found,) = forecasts(thesis(**more), results)
    assert found.state == state
    assert (found.outcome is None) == (state in ("open", "cannot be judged"))
    scored = {"came true": (0.09, -math.log(0.7)), "did not": (0.49, -math.log(0.3))}
    expected = scored.get(state, (math.nan, math.nan))
    assert (found.brier, found.log_score) == pytest.approx(expected, nan_ok=True)


def test_a_claim_without_a_probability_is_not_scored() -> None:
    assert forecasts(thesis(probability=None), [replace(IN, id="one")]) == ()


def test_a_deadline_in_quotes_is_one() -> None:
    quoted, plain = thesis(by="2025-06-30"), thesis()
    assert str(deadline(quoted.claims[0])) == "2025-06-30"
    assert deadline(plain.claims[0]) is None
    assert isinstance(plain.claims[0], Claim)
