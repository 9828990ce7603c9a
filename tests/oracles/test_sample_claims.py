"""Claims on the sample world, whose truth is known: verdicts at the stated rates.

Usage, prices of tokens and shares are drawn anew for each of 24 seeds; prices of assets
are those of the default seed, which no signal moves.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from engine.app import inputs_of
from engine.evidence.claim_study import study_claims
from engine.evidence.claims.context import (
    Evidence,
    basket_returns,
    members,
    one_line_per_firm,
)
from engine.sources.sample.signals import SampleSignals
from engine.study_result import StudyResult
from engine.thesis.model import Claim
from tests.flagship import FLAGSHIP

pytestmark = pytest.mark.xdist_group("sample")
SEEDS = range(100, 124)
SHARE = {"role": "token_share"}
OPENAI = {"role": "vendor_share", "entity": "openai"}
#: Claim -> what it says of the world, and the verdict that the truth asks for. The
#: Chinese share rises and rises faster; OpenAI's falls, fastest in 2024; demand answers
#: no price; no signal moves a layer, and no vendor's price moves its share.
PLANTED: dict[str, tuple[dict[str, Any], str]] = {
    "share-rises": ({"test": "trend", **SHARE}, "supported"),
    "share-falls": ({"test": "trend", **SHARE, "sign": "-"}, "refuted"),
    "openai-falls": ({"test": "trend", **OPENAI, "sign": "-"}, "supported"),
    "share-settles": ({"test": "saturation", **SHARE, "sign": "-"}, "refuted"),
    "jevons": (
        {
            "test": "demand_elasticity",
            "price": "price_per_mtok",
            "quantity": "vendor_share",
            "total": "tokens",
            "sign": "-",
        },
        "refuted",
    ),
}
#: True, but small beside the noise of a share that returns to its curve: differences
#: overstate its error, so it stays open, and it must never come out the wrong way.
FAINT = {"test": "saturation", **OPENAI}
EMPTY: dict[str, dict[str, Any]] = {
    "hedge": {"test": "hedge_beta", "layer": "compute", **SHARE},
    "hedge-held": {
        "test": "hedge_beta",
        "layer": "infrastructure",
        "role": "tokens",
        "change": "log",
    },
    "lead-layer": {"test": "lead_lag", "layer": "cloud", **SHARE},
    "lead-share": {
        "test": "lead_lag",
        "role": "price_per_mtok",
        "entity": "xiaomi",
        "follower": "vendor_share",
        "follower_entity": "xiaomi",
        "change": "log",
    },
}


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    """The sample world behind the flagship, without its portfolio."""
    inputs = inputs_of(FLAGSHIP, progress=lambda step: None)
    thesis = inputs.thesis
    firms = one_line_per_firm(inputs.assets)
    names = [*inputs.universe.layers, *thesis.barbell, *thesis.baskets]
    days = inputs.market.home.sessions.days
    inside = days[(days > str(thesis.about.start)) & (days <= str(thesis.about.end))]
    return Evidence(
        market=inputs.market,
        thesis=thesis,
        universe=inputs.universe,
        assets=firms,
        returns={},
        layer_returns=basket_returns(
            inputs.market,
            {name: members(name, thesis, inputs.universe, firms) for name in names},
            inside,
            stale_after=5,
        ),
        rng_seed=1,
    )


def verdicts(evidence: Evidence, claim: dict[str, Any]) -> pd.Series:
    """How often each verdict came out over the seeds, the claim alone in its file."""
    one = Claim.model_validate({"id": "c", "says": "So.", **claim})
    thesis = evidence.thesis.model_copy(update={"claims": (one,)})
    words = []
    for seed in SEEDS:
        signals = SampleSignals(seed=seed).load(evidence.universe).signals
        market = replace(evidence.market, signals=signals)
        given = replace(evidence, thesis=thesis, market=market)
        results = study_claims(given).results
        (word,) = [r.verdict for r in results if r.sample == "in-sample"]
        words.append(word)
    return pd.Series(words).value_counts()


@pytest.mark.parametrize("name", PLANTED)
def test_what_is_planted_is_found(evidence: Evidence, name: str) -> None:
    claim, expected = PLANTED[name]
    found = verdicts(evidence, claim)
    assert found.get(expected, 0) >= 22, found  # nine worlds in ten
    wrong = {"supported": "refuted", "refuted": "supported"}[expected]
    assert found.get(wrong, 0) == 0, found


def test_a_faint_truth_is_never_refuted(evidence: Evidence) -> None:
    found = verdicts(evidence, FAINT)
    assert found.get("refuted", 0) == 0, found


@pytest.mark.parametrize("name", EMPTY)
def test_what_is_empty_stays_open(evidence: Evidence, name: str) -> None:
    """Alone, q is p: one world in ten decides by luck; 8 of 24 has p = 0.002."""
    found = verdicts(evidence, EMPTY[name])
    assert found.get("inconclusive", 0) >= 17, found
    assert found.get("untestable", 0) == 0, found


def test_the_flagships_own_verdicts_on_the_sample_world(
    sample_study: StudyResult,
) -> None:
    """Planted: the shock and the rise. False: Jevons and saturation. The rest open."""
    told = {r.id: r for r in sample_study.claims.results if r.sample == "in-sample"}
    for name in ("H02-dip", "H20", "H23-trend"):
        assert told[name].verdict == "supported", name
    for name in ("H04", "H05", "H24"):
        assert told[name].verdict == "refuted", name
    for name in ("H04-beta", "H14", "H18", "H12", "H28-chinese-compute"):
        assert told[name].verdict == "inconclusive", name
    assert "kept so far" in told["H23"].reason  # its deadline is after this sample
    (later,) = [
        r
        for r in sample_study.claims.results
        if (r.id, r.sample) == ("H23", "out-of-sample")
    ]
    assert later.verdict == "supported"
    missing = [r for r in told.values() if r.verdict == "untestable"]
    assert len(missing) >= 15
    for one in missing:
        claim = next(c for c in sample_study.thesis.claims if c.id == one.id)
        named = {str(v) for k, v in claim.params.items() if isinstance(v, str)}
        assert any(word in one.reason for word in named | {"events of each kind"}) or (
            "returns beside" in one.reason
        ), one.reason


def test_no_factor_predicts_the_sample_world(
    sample_study: StudyResult, evidence: Evidence
) -> None:
    claims = [
        Claim.model_validate(
            {"test": "factor_rank_ic", "factor": factor, "id": factor, "says": "So."}
        )
        for factor in ("price_momentum", "volatility", "score")
    ]
    thesis = evidence.thesis.model_copy(update={"claims": tuple(claims)})
    given = replace(evidence, thesis=thesis, decisions=sample_study.decisions)
    told = [r for r in study_claims(given).results if r.sample == "in-sample"]
    assert [one.verdict for one in told] == ["inconclusive"] * 3
    for one in told:
        assert one.finding is not None
        assert one.finding.n >= 24
        assert abs(one.finding.estimate) < 0.15


@pytest.mark.parametrize(
    ("layers", "verdict"),
    [
        (["compute", "memory", "cloud", "application", "labs"], "inconclusive"),
        (["labs", "application", "cloud", "memory", "compute"], "inconclusive"),
    ],
)
def test_small_drifts_leave_the_order_of_layers_open(
    evidence: Evidence, layers: list[str], verdict: str
) -> None:
    """At most 10 % a year beside volatilities of 25 to 55 %: four years are too few."""
    claim = {"test": "rank_order", "layers": layers, "id": "c", "says": "So."}
    one = Claim.model_validate(claim)
    thesis = evidence.thesis.model_copy(update={"claims": (one,)})
    results = study_claims(replace(evidence, thesis=thesis)).results
    found = next(r for r in results if r.sample == "in-sample")
    assert found.verdict == verdict
    assert found.finding is not None
    assert found.finding.detectable > abs(found.finding.estimate)
