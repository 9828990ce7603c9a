"""Verdicts, q-values and the thesis score on measurements made by hand."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from engine.evidence.claims.statistics import from_t
from engine.evidence.results import Measurement, Untestable
from engine.evidence.score import null_correlation, thesis_score
from engine.evidence.verdict import judge
from engine.thesis.model import Thesis

SESSIONS = pd.date_range("2024-01-02", periods=400, freq="B", name="session")


def thesis(*claims: dict[str, object]) -> Thesis:
    return Thesis.model_validate(
        {
            "thesis": {
                "id": "t",
                "title": "T",
                "start": dt.date(2024, 1, 2),
                "end": dt.date(2025, 6, 30),
            },
            "barbell": {"ends": {"layers": ["compute"]}},
            "claims": [
                {
                    "says": "So.",
                    "test": "layer_spread",
                    "long": "a",
                    "short": "b",
                    **claim,
                }
                for claim in claims
            ],
        }
    )


def measured(claim, t: float, *, se: float = 0.1, seed: int = 0) -> Measurement:
    noise = np.random.default_rng(seed).standard_normal(len(SESSIONS))
    return from_t(
        claim,
        estimate=t * se,
        se=se,
        df=399,
        n=400,
        unit="return per year",
        summary="",
        assumptions=(),
        rows=pd.DataFrame(),
        null=pd.Series(noise, index=SESSIONS),
        weights=np.full(len(SESSIONS), 1 / len(SESSIONS)),
    )


def verdicts(about: Thesis, ts: list[float | None]) -> list[str]:
    found = [
        (claim, Untestable(reason="no prices") if t is None else measured(claim, t))
        for claim, t in zip(about.claims, ts, strict=True)
    ]
    return [one.verdict for one in judge(about, "in-sample", found)]


def test_each_verdict() -> None:
    about = thesis({"id": "a"}, {"id": "b"}, {"id": "c"}, {"id": "d"})
    assert verdicts(about, [4.0, -4.0, 0.3, None]) == [
        "supported",
        "refuted",
        "inconclusive",
        "untestable",
    ]


def test_an_expected_fall_is_supported_by_a_fall() -> None:
    assert verdicts(thesis({"id": "a", "sign": "-"}), [-4.0]) == ["supported"]


def test_an_effect_too_small_to_matter_is_refuted() -> None:
    about = thesis({"id": "a", "min_effect": 1.0})
    assert verdicts(about, [0.3]) == ["refuted"]
    # estimate 0.4 with se 0.1: clearly positive, clearly below 1
    assert verdicts(about, [4.0]) == ["refuted"]


def test_the_interval_excludes_zero_exactly_when_q_is_below_ten_percent() -> None:
    rng = np.random.default_rng(1)
    about = thesis(*({"id": f"c{number}"} for number in range(12)))
    seen = {True: 0, False: 0}
    for _ in range(200):
        found = [
            (claim, measured(claim, 1.6 * rng.standard_normal()))
            for claim in about.claims
        ]
        for one in judge(about, "in-sample", found):
            excludes = one.interval[0] > 0 or one.interval[1] < 0
            assert excludes == (one.q < 0.10)
            seen[excludes] += 1
    assert min(seen.values()) > 50


@pytest.mark.parametrize(
    "pair",
    [
        ({"id": "a", "mirrors": "b"}, {"id": "b", "mirrors": "a"}),
        ({"id": "a"}, {"id": "b", "mirrors": "a"}),
        ({"id": "a", "mirrors": "b"}, {"id": "b"}),
    ],
)
def test_mirrored_claims_count_once(pair: tuple[dict[str, object], ...]) -> None:
    alone = thesis({"id": "a"}, {"id": "c"})
    paired = thesis(*pair, {"id": "c"})
    once = judge(
        alone,
        "in-sample",
        [(c, measured(c, t)) for c, t in zip(alone.claims, [2.2, 0.1], strict=True)],
    )
    both = judge(
        paired,
        "in-sample",
        [
            (c, measured(c, t))
            for c, t in zip(paired.claims, [2.2, -2.2, 0.1], strict=True)
        ],
    )
    assert once[0].q == pytest.approx(both[0].q)
    assert both[0].q == both[1].q


def test_a_condition_is_met_unmet_or_open() -> None:
    about = thesis({"id": "a"}, {"id": "b"}, {"id": "c"})
    nan = float("nan")
    found = [
        (
            claim,
            Measurement(
                estimate=0.3,
                se=nan,
                df=nan,
                p=nan,
                z=nan,
                n=3,
                unit="fraction",
                detectable=nan,
                summary="share above 0.25",
                condition_met=met,
            ),
        )
        for claim, met in zip(about.claims, [True, False, None], strict=True)
    ]
    assert [one.verdict for one in judge(about, "in-sample", found)] == [
        "supported",
        "refuted",
        "inconclusive",
    ]


def test_the_score_of_one_claim_is_its_one_sided_confidence() -> None:
    about = thesis({"id": "a"})
    found = [(about.claims[0], measured(about.claims[0], 1.5))]
    score = thesis_score(
        about, "in-sample", judge(about, "in-sample", found), np.random.default_rng(0)
    )
    z = stats.norm.isf(stats.t.sf(1.5, 399))
    assert score.score == pytest.approx(2 * stats.norm.cdf(z) - 1, abs=1e-12)
    assert score.interval[0] == pytest.approx(
        2 * stats.norm.cdf(z - 1.96) - 1, abs=1e-12
    )
    assert score.counted == 1


def test_a_claim_about_one_event_does_not_count() -> None:
    about = thesis({"id": "a", "scope": "event"})
    found = [(about.claims[0], measured(about.claims[0], 5.0))]
    score = thesis_score(
        about, "in-sample", judge(about, "in-sample", found), np.random.default_rng(0)
    )
    assert score.counted == 0
    assert np.isnan(score.score)


def test_claims_on_the_same_returns_are_correlated_under_the_null() -> None:
    about = thesis({"id": "a"}, {"id": "b"}, {"id": "c", "sign": "-"}, {"id": "d"})
    a, b, c, d = about.claims
    same = [(a, measured(a, 1.0)), (b, measured(b, 1.0)), (c, measured(c, 1.0))]
    other = (d, measured(d, 1.0, seed=9))
    found = null_correlation([*same, other], np.random.default_rng(0))
    assert found[0, 1] == pytest.approx(1.0)
    assert found[0, 2] == pytest.approx(-1.0)
    assert abs(found[0, 3]) < 0.25


def test_doubling_a_claim_does_not_double_the_evidence() -> None:
    one = thesis({"id": "a"})
    two = thesis({"id": "a"}, {"id": "b"})

    def score(about: Thesis) -> float:
        found = [(claim, measured(claim, 1.2)) for claim in about.claims]
        judged = judge(about, "in-sample", found)
        return thesis_score(about, "in-sample", judged, np.random.default_rng(3)).score

    assert score(two) == pytest.approx(score(one), abs=1e-9)


def test_a_verdict_says_what_the_noise_of_every_spanned_session_would_leave() -> None:
    """Beside p and q, never in their place; only of what stands out."""
    about = thesis({"id": "a"}, {"id": "b"}, {"id": "c"})
    ts = {"a": -2.9, "b": 0.4, "c": 0.2}
    found = [(claim, measured(claim, ts[claim.id])) for claim in about.claims]
    wide = [
        (claim, replace(one, spanned_p=0.08 if claim.id == "a" else 0.9))
        for claim, one in found
    ]
    plain = judge(about, "in-sample", found)
    said = judge(about, "in-sample", wide)
    assert [one.verdict for one in said] == [one.verdict for one in plain]
    assert said[0].verdict == "refuted"
    assert "p = 0.004 would be 0.080 and q = 0.240, so it would be undecided" in (
        said[0].reason
    )
    assert said[0].caution in said[0].reason
    assert plain[0].caution == said[1].caution == ""
    assert "spanned" not in said[1].reason + plain[0].reason
    robust = [(claim, replace(one, spanned_p=0.01)) for claim, one in found]
    assert "undecided" not in judge(about, "in-sample", robust)[0].reason


def test_a_result_carries_the_level_of_its_interval() -> None:
    about = thesis({"id": "a"}, {"id": "b"})
    found = [(claim, measured(claim, 4.0)) for claim in about.claims[:1]]
    found.append((about.claims[1], Untestable(reason="no prices")))
    one, other = judge(about, "in-sample", found)
    assert one.level == pytest.approx(0.9)
    assert np.isnan(other.level)
