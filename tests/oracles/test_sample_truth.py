"""What was planted in the sample world, told as claims: what is true is not refuted.

Several worlds of the same truth, each with its own luck; the claims say what
`engine.sources.sample.truth` says of reactions, drifts and signals. The bounds leave
room for luck. Over 40 worlds (seeds 1 to 40) it was: true claims 113 of 120 supported
and none refuted; false ones 60 of 80 refuted and none supported; faint ones 34 of 80
supported and none refuted; where nothing was planted 6.5 % of 400 p-values below 5 %.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest

from engine.evidence.claim_study import study_claims
from engine.evidence.claims.context import Evidence, basket_returns, members
from engine.evidence.results import ClaimResult
from engine.market.assemble import assemble
from engine.market.listing import Universe
from engine.sources.sample.prices import SamplePrices
from engine.sources.sample.signals import SampleSignals
from engine.sources.sample.truth import PLANTED, SEED
from engine.study_result import StudyResult
from engine.supply import HISTORY
from engine.thesis.model import Thesis
from universes.loader import load

#: The default world and others without its luck.
SEEDS = (SEED, 1, 2, 3, 4, 5)
LAYERS = ("compute", "memory", "cloud", "application", "labs")
SELLOFF, BOOM, NOTHING = "planted-selloff", "planted-boom", "planted-nothing"


def sign_claim(
    name: str, event: str, layer: str, window: tuple[int, int], sign: str
) -> dict[str, object]:
    return {
        "id": name,
        "says": name,
        "test": "event_sign",
        "scope": "event",
        "event": event,
        "layer": layer,
        "window": window,
        "sign": sign,
    }


TRUE = [
    sign_claim("compute-dips", SELLOFF, "compute", (0, 0), "-"),
    sign_claim("memory-dips", SELLOFF, "memory", (0, 0), "-"),
    sign_claim("compute-jumps", BOOM, "compute", (0, 0), "+"),
]
#: True, but small beside half a year of noise: may be found, must not be refuted.
FAINT = [
    sign_claim("compute-drifts", SELLOFF, "compute", (2, 120), "+"),
    sign_claim("labs-weaken", SELLOFF, "labs", (2, 120), "-"),
]
FALSE = [
    sign_claim("compute-gains", SELLOFF, "compute", (0, 0), "+"),
    sign_claim("memory-falls", BOOM, "memory", (0, 0), "-"),
]
EMPTY = [
    sign_claim(f"nothing-{layer}-{last}", NOTHING, layer, (0, last), "+")
    for layer in LAYERS
    for last in (0, 5)
]
SIGNAL = {
    "id": "share",
    "says": "The token share passes 30 % in 2025 and stays above for ten weeks.",
    "test": "signal_threshold",
    "role": "token_share",
    "above": 0.30,
    "times": 10,
    "by": "2026-06-30",
}


@pytest.fixture(scope="module")
def universe() -> Universe:
    return load("ai-stack")


@pytest.fixture(scope="module")
def worlds(universe: Universe) -> dict[int, dict[str, ClaimResult]]:
    """Every claim of every world, by seed and name."""
    return {seed: verdicts(universe, seed) for seed in SEEDS}


def thesis() -> Thesis:
    return Thesis.model_validate(
        {
            "thesis": {
                "id": "truth",
                "title": "What is true of the sample world",
                "start": "2023-01-03",
                "end": "2026-06-30",
            },
            "barbell": {"all": {"layers": LAYERS}},
            "events": [
                {"id": one.id, "title": one.title, "at": one.at, "planted": True}
                for one in PLANTED
            ],
            "claims": [*TRUE, *FAINT, *FALSE, *EMPTY, SIGNAL],
        }
    )


def verdicts(universe: Universe, seed: int) -> dict[str, ClaimResult]:
    about = thesis()
    assets = tuple(
        line
        for line in universe.assets("primary")
        if universe.layer_of(line.symbol) in LAYERS
    )
    lines = [*assets, universe.benchmarks["SPY"]]
    layers = {line.symbol: universe.layer_of(line.symbol) for line in assets}
    start, end = about.about.start, about.about.end
    market = assemble(
        lines,
        SamplePrices(seed=seed, layers=layers).load(lines, start - HISTORY, end),
        SampleSignals(seed=seed).load(universe),
        home="XNYS",
        base="USD",
        start=start,
        end=end,
    )
    baskets = {name: members(name, about, universe, assets) for name in LAYERS}
    days = pd.DatetimeIndex(market.home.price.index)
    given = Evidence(
        market=market,
        thesis=about,
        universe=universe,
        assets=assets,
        returns={},
        layer_returns=basket_returns(market, baskets, days, stale_after=5),
        rng_seed=seed,
    )
    found = study_claims(given).results
    return {one.id: one for one in found if one.sample == "in-sample"}


def told(
    worlds: Mapping[int, dict[str, ClaimResult]], claims: list[dict[str, object]]
) -> list[ClaimResult]:
    return [world[str(one["id"])] for world in worlds.values() for one in claims]


def test_true_reactions_are_supported(
    worlds: dict[int, dict[str, ClaimResult]],
) -> None:
    words = [one.verdict for one in told(worlds, TRUE)]
    assert "refuted" not in words
    assert words.count("supported") >= 0.85 * len(words)


def test_planted_sizes_lie_in_their_intervals(
    worlds: dict[int, dict[str, ClaimResult]],
) -> None:
    """-13 %, -9 % and +7 %, plus what members feel through secondary layers."""
    inside = 0
    for world in worlds.values():
        for name, planted in (
            ("compute-dips", -0.13),
            ("memory-dips", -0.09),
            ("compute-jumps", 0.07),
        ):
            found = world[name].finding
            assert found is not None
            inside += abs(found.estimate - planted) < 2.5 * found.se
    assert inside >= 3 * len(SEEDS) - 3


def test_false_claims_are_refuted_never_supported(
    worlds: dict[int, dict[str, ClaimResult]],
) -> None:
    words = [one.verdict for one in told(worlds, FALSE)]
    assert "supported" not in words
    assert words.count("refuted") >= 0.6 * len(words)


def test_faint_truths_lean_their_way_and_are_not_refuted(
    worlds: dict[int, dict[str, ClaimResult]],
) -> None:
    faint = told(worlds, FAINT)
    assert sum(one.verdict == "refuted" for one in faint) <= 1
    z = [one.finding.z for one in faint if one.finding]
    assert np.mean(np.array(z) > 0) >= 0.75


def test_where_nothing_was_planted_little_is_found(
    worlds: dict[int, dict[str, ClaimResult]],
) -> None:
    empty = told(worlds, EMPTY)
    p = np.array([one.finding.p for one in empty if one.finding])
    assert len(p) == len(EMPTY) * len(SEEDS)
    assert np.mean(p < 0.05) <= 0.12
    # q below 10 % bounds the share of errors among all that is called found
    found = [one for world in worlds.values() for one in world.values() if one.q < 0.10]
    wrong = [one for one in found if one.id.startswith("nothing-")]
    assert len(found) > 20
    assert len(wrong) <= 0.25 * len(found)


def test_the_token_share_passes_its_line(
    worlds: dict[int, dict[str, ClaimResult]],
) -> None:
    for world in worlds.values():
        assert world["share"].verdict == "supported"
        assert "reached on 2025" in world["share"].reason


@pytest.mark.xdist_group("sample")
def test_the_flagship_finds_the_planted_selloff(sample_study: StudyResult) -> None:
    """Its own claims about 27 January 2025 stand on what was planted that day."""
    verdict = {
        one.id: one.verdict
        for one in sample_study.claims.results
        if one.sample == "in-sample"
    }
    assert verdict["H02-dip"] == "supported"  # compute -13 %
    assert verdict["H04"] == "refuted"  # infrastructure falls, labs do not
    for name in (
        "right-layer",
        "H02-drift",
        "H27-compute",
        "H06-compute-proxy",
    ):  # true and faint
        assert verdict[name] != "refuted"
    assert verdict["H27-bubble"] != "supported"  # Nvidia loses to labs: false
