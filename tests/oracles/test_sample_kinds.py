"""Planted kinds of news and planted skill in the sample world, over worlds of prices.

What `test_sample_truth` does for reactions, for the claim tests about kinds of events
and about paths: `event_dispersion`, `spanning_alpha`, `sharpe_difference` and
`layer_spread`. Twelve seeds without the default's luck.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest

from engine.evidence.claim_study import study_claims
from engine.evidence.claims.context import Evidence, basket_returns, members
from engine.evidence.results import ClaimResult
from engine.interfaces import SignalData
from engine.market.assemble import assemble
from engine.market.market import Origin
from engine.market.signals import COLUMNS, Signals
from engine.sources.sample.prices import SamplePrices
from engine.sources.sample.truth import PlantedEvent
from engine.supply import HISTORY
from engine.thesis.model import Thesis
from universes.loader import load

SEEDS = range(1, 13)
START, END = dt.date(2023, 1, 3), dt.date(2026, 6, 30)
LAYERS = ("compute", "labs")
#: Every second one moves compute by 9 %, up and down in turn; none touches labs.
DATES = [day.date() for day in pd.bdate_range("2023-09-05", periods=10, freq="60B")]
#: What is added to a path of the world, a year and a day's noise of its own.
SKILL, OWN = 0.30, 0.004
KINDS = {
    "window": (0, 0),
    "events": [f"e{n}" for n in range(0, 10, 2)],
    "others": [f"e{n}" for n in range(1, 10, 2)],
}
SPAN = {"test": "spanning_alpha", "against": ["SPY", "compute"]}
CLAIMS = {
    "loud-news": {"test": "event_dispersion", "layer": "compute", **KINDS},
    "quiet-news": {
        "test": "event_dispersion",
        "layer": "compute",
        **KINDS,
        "sign": "-",
    },
    "other-layer": {"test": "event_dispersion", "layer": "labs", **KINDS},
    "skill": {**SPAN, "a": "skilled"},
    "no-skill": {**SPAN, "a": "skilled", "sign": "-"},
    "luck": {**SPAN, "a": "lucky"},
    "better": {"test": "sharpe_difference", "a": "skilled", "b": "lucky"},
    "worse": {"test": "sharpe_difference", "a": "lucky", "b": "skilled"},
    "compute-over-labs": {"test": "layer_spread", "long": "compute", "short": "labs"},
}


def thesis() -> Thesis:
    return Thesis.model_validate(
        {
            "thesis": {"id": "t", "title": "t", "start": START, "end": END},
            "barbell": {"all": {"layers": LAYERS}},
            "events": [
                {"id": f"e{n}", "title": "e", "at": at} for n, at in enumerate(DATES)
            ],
            "claims": [
                {"id": name, "says": name, **one} for name, one in CLAIMS.items()
            ],
        }
    )


def world(seed: int) -> Iterator[ClaimResult]:
    """Judge the claims in a world of this seed."""
    universe, about = load("ai-stack"), thesis()
    assets = tuple(
        line
        for line in universe.assets("primary")
        if universe.layer_of(line.symbol) in LAYERS
    )
    source = SamplePrices(
        seed=seed,
        layers={line.symbol: universe.layer_of(line.symbol) for line in assets},
        events=tuple(
            PlantedEvent(
                id=f"e{n}", title="", at=at, reaction={"compute": 0.09 * (1 - n % 4)}
            )
            for n, at in enumerate(DATES)
            if n % 2 == 0
        ),
    )
    unseen = pd.DataFrame(columns=list(COLUMNS)).astype(
        {"value_date": "datetime64[ns]", "known_at": "datetime64[ns]", "value": float}
    )
    nothing = SignalData(
        signals=Signals(observations=unseen),
        origin=Origin(name="none", simulated=True, digest=""),
    )
    lines = [*assets, universe.benchmarks["SPY"]]
    market = assemble(
        lines,
        source.load(lines, START - HISTORY, END),
        nothing,
        home="XNYS",
        base="USD",
        start=START,
        end=END,
    )
    days = market.home.sessions.days
    days = pd.DatetimeIndex(days[days > str(START)])
    baskets = {name: members(name, about, universe, assets) for name in LAYERS}
    layers = basket_returns(market, baskets, days, stale_after=5)
    price = market.home.price["SPY"]
    spy = (price / price.shift(1) - 1.0).reindex(days)
    noise = np.random.default_rng(seed).normal(0.0, OWN, (2, len(days)))
    held = 0.5 * spy + 0.3 * layers["compute"]
    given = Evidence(
        market=market,
        thesis=about,
        universe=universe,
        assets=assets,
        returns={
            "SPY": spy,
            "compute": layers["compute"],
            "skilled": held + noise[0] + SKILL / 252.0,
            "lucky": held + noise[1],
        },
        layer_returns=layers,
        rng_seed=seed,
    )
    yield from (one for one in study_claims(given).results if one.sample == "in-sample")


@pytest.fixture(scope="module")
def told() -> dict[str, list[ClaimResult]]:
    found: dict[str, list[ClaimResult]] = {name: [] for name in CLAIMS}
    for seed in SEEDS:
        for one in world(seed):
            found[one.id].append(one)
    return found


@pytest.mark.parametrize(
    ("name", "word", "wrong"),
    [
        ("loud-news", "supported", "refuted"),
        ("quiet-news", "refuted", "supported"),
        ("skill", "supported", "refuted"),
        ("no-skill", "refuted", "supported"),
        ("better", "supported", "refuted"),
        ("worse", "refuted", "supported"),
    ],
)
def test_what_is_planted_comes_out_and_never_the_wrong_way(
    told: dict[str, list[ClaimResult]], name: str, word: str, wrong: str
) -> None:
    words = [one.verdict for one in told[name]]
    assert len(words) == len(SEEDS)
    assert words.count(word) >= 10, words
    assert wrong not in words


def test_planted_skill_lies_in_its_intervals(
    told: dict[str, list[ClaimResult]],
) -> None:
    inside = [one.interval[0] < SKILL < one.interval[1] for one in told["skill"]]
    assert sum(inside) >= 9  # of 12 at 90 %: fewer has a chance of 2.6 %
    found = [one.finding.estimate for one in told["skill"] if one.finding]
    assert np.mean(found) == pytest.approx(
        SKILL, abs=3.3 * OWN * 252**0.5 / 3.5**0.5 / 12**0.5
    )


@pytest.mark.parametrize("name", ["other-layer", "luck"])
def test_where_nothing_was_planted_claims_stay_open(
    told: dict[str, list[ClaimResult]], name: str
) -> None:
    words = [one.verdict for one in told[name]]
    assert words.count("inconclusive") >= 9, words
    assert "untestable" not in words


def test_a_faint_truth_is_not_refuted(told: dict[str, list[ClaimResult]]) -> None:
    """Compute earns 10 % a year more than labs; four years need not show it."""
    words = [one.verdict for one in told["compute-over-labs"]]
    assert words.count("refuted") <= 1
    found = [one.finding for one in told["compute-over-labs"] if one.finding]
    error = np.sqrt(np.sum([one.se**2 for one in found])) / len(found)
    mean = np.mean([one.estimate for one in found])
    assert mean == pytest.approx(0.10, abs=3.0 * error)
