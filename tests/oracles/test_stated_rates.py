"""Verdicts come at the rates they state: power where it is stated, few false ones.

60 theses of fourteen claims, one for each claim test with a p-value: `signal_threshold`
has none. In every thesis a third of the claims are true by exactly the effect that the
test says it finds with power 0.8, a third are false by as much, a third are empty, and
which is which turns from world to world. Each is judged among the others, by its q.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from engine.evidence.claims import CLAIM_TESTS
from engine.evidence.results import ClaimResult, Measurement
from engine.evidence.verdict import judge
from tests.claim_cases import thesis
from tests.planted_cases import CASES, claim
from tests.signal_cases import claim_and_span

pytestmark = pytest.mark.xdist_group("stated-rates")
WORLDS = 60
#: What each test says it can find here, in its own unit; held to that below.
EFFECT = {
    "demand_elasticity": 0.160,
    "event_contrast": 0.042,
    "event_dispersion": 1.20,
    "event_sign": 0.031,
    "factor_rank_ic": 0.102,
    "hedge_beta": 0.70,
    "incremental_ratio": 0.0156,
    "layer_spread": 0.47,
    "lead_lag": 0.70,
    "rank_order": 0.298,
    "saturation": 0.33,
    "sharpe_difference": 2.96,
    "spanning_alpha": 0.344,
    "trend": 0.164,
}
#: Effects that scatter more than noise does, or prices that step seldom: less power.
WEAKER = ("demand_elasticity", "event_dispersion")
#: Verdict -> what was planted where it is right.
_RIGHT = {"supported": 1, "refuted": -1}


@dataclass(frozen=True, slots=True)
class Told:
    """One claim of one world: +1, -1 or 0 effects were planted, and this was found."""

    test: str
    planted: int
    found: Measurement
    result: ClaimResult


@pytest.fixture(scope="module")
def told() -> list[Told]:
    return [one for seed in range(WORLDS) for one in _world(seed)]


def _world(seed: int) -> Iterator[Told]:
    rng = np.random.default_rng([20260706, seed])
    about = thesis(*(claim(name) for name in CASES))
    planted = {name: (1, -1, 0)[(place + seed) % 3] for place, name in enumerate(CASES)}
    found = {}
    for name, case in CASES.items():
        given = case(rng, planted[name] * EFFECT[name])
        test, own, params, span = claim_and_span(given)
        found[name] = test.measure(own, params, given, span)
    results = judge(about, "in-sample", [(c, found[c.id]) for c in about.claims])
    for one in results:
        yield Told(one.test, planted[one.id], found[one.id], one)


def share(told: list[Told], word: str, *tests: str, planted: int) -> tuple[float, int]:
    """Return how often a verdict came out, and of how many."""
    chosen = [
        o for o in told if o.planted == planted and (not tests or o.test in tests)
    ]
    return float(np.mean([one.result.verdict == word for one in chosen])), len(chosen)


def bound(rate: float, count: int) -> float:
    """Return 3.3 standard deviations of a share."""
    return 3.3 * float(np.sqrt(rate * (1.0 - rate) / count))


def test_every_test_with_a_p_value_is_here() -> None:
    assert {*CASES, "signal_threshold"} == set(CLAIM_TESTS)
    assert set(EFFECT) == set(CASES)


def test_what_is_planted_is_what_is_measured(told: list[Told]) -> None:
    for name, effect in EFFECT.items():
        mine = [one for one in told if one.test == name]
        calm = [one.found.detectable for one in mine if one.planted == 0]
        detectable = np.median(calm)
        assert detectable == pytest.approx(effect, rel=0.15), name
        errors = np.array([one.found.estimate - one.planted * effect for one in mine])
        assert abs(errors.mean()) < 3.3 * errors.std() / np.sqrt(len(mine)), name


def test_true_claims_are_supported_with_the_power_they_state(told: list[Told]) -> None:
    usual = [name for name in CASES if name not in WEAKER]
    for planted, word, wrong in (
        (1, "supported", "refuted"),
        (-1, "refuted", "supported"),
    ):
        rate, count = share(told, word, *usual, planted=planted)
        assert count == 12 * WORLDS / 3
        assert 0.8 - bound(0.8, count) < rate < 0.95
        weaker, _ = share(told, word, *WEAKER, planted=planted)
        assert 0.45 < weaker < 0.95
        assert share(told, wrong, planted=planted)[0] <= 0.01
    for name in usual:
        both = np.mean([share(told, w, name, planted=p)[0] for w, p in _RIGHT.items()])
        assert both > 0.8 - bound(0.8, 2 * WORLDS // 3), name


def test_empty_claims_stay_open_and_few_findings_are_false(told: list[Told]) -> None:
    """q < 0.10: at most one in ten of those decided may be luck."""
    rate, count = share(told, "inconclusive", planted=0)
    assert count > 250
    assert rate > 0.90 - bound(0.10, count)
    p = np.array([one.found.p for one in told if one.planted == 0])
    assert abs(np.mean(p < 0.05) - 0.05) < bound(0.05, len(p))
    decided = [one for one in told if one.result.verdict in _RIGHT]
    wrong = [one for one in decided if one.planted != _RIGHT[one.result.verdict]]
    assert len(decided) > 400
    assert len(wrong) < 0.10 * len(decided)


def test_intervals_hold_the_truth_as_often_as_they_say(told: list[Told]) -> None:
    """Level 1 - 0.10 R / m, so at least 90 % of all, and of those that were decided."""
    for chosen in (told, [one for one in told if one.result.verdict in _RIGHT]):
        inside = [
            one.result.interval[0]
            <= one.planted * EFFECT[one.test]
            <= one.result.interval[1]
            for one in chosen
        ]
        assert np.mean(inside) > 0.90 - bound(0.10, len(inside))
