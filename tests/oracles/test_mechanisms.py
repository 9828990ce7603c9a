"""Mechanisms against closed forms and hand computations, and against the documents."""

from __future__ import annotations

import itertools
import math
import re
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.app import vocabulary_for
from engine.evidence.mechanisms import MECHANISMS
from engine.evidence.mechanisms.mechanism import Outcome
from engine.evidence.stress import ranged
from engine.thesis.model import Mechanism, Thesis
from engine.thesis.reader import parse
from tests.flagship import FLAGSHIP


def outcome(kind: str, **inputs: float) -> Outcome:
    found = MECHANISMS[kind]
    return found.compute(found.inputs(**inputs))


def number(found: Outcome, name: str) -> float:
    return next(one.value for one in found.numbers if one.name == name)


@pytest.fixture(scope="module")
def flagship() -> Thesis:
    text = FLAGSHIP.read_text(encoding="utf-8")
    vocabulary = vocabulary_for(FLAGSHIP.parent)
    return parse(text, path="thesis.toml", vocabulary=vocabulary).thesis


def mechanism(flagship: Thesis, name: str) -> Mechanism:
    return next(one for one in flagship.mechanisms if one.id == name)


def test_the_ceiling_is_memory_over_memory_per_accelerator() -> None:
    base = {"stacks": 2e6, "stacks_per_package": 8.0, "planned": 600_000.0}
    found = outcome("hbm_ceiling", **base)
    assert number(found, "ceiling") == 250_000.0  # conflicts: 2.0M / 8 = 250k ties
    assert found.change == pytest.approx(250 / 600 - 1)
    stocked = outcome("hbm_ceiling", **base, stockpile=800_000.0)
    assert number(stocked, "ceiling") == 350_000.0
    bound = outcome("hbm_ceiling", **base, stockpile=800_000.0, logic=300_000.0)
    assert number(bound, "ceiling") == 300_000.0
    assert outcome("hbm_ceiling", **base | {"planned": 200_000.0}).change == 0.0
    assert outcome("hbm_ceiling", **base | {"stacks": 0.0}).change == -1.0


def test_a_leg_takes_its_share_and_the_three_take_all() -> None:
    assert outcome("supply_leg", share=0.25).change == -0.25
    assert outcome("supply_leg", share=0.25, kept=0.6).change == pytest.approx(-0.1)
    assert sum(
        outcome("supply_leg", share=one).change for one in (0.5, 0.3, 0.2)
    ) == pytest.approx(-1.0)


positive = st.floats(0.01, 100.0)
fraction = st.floats(0.001, 1.0)


@given(positive, positive, fraction, fraction)
def test_growth_decomposes_exactly(m0: float, m1: float, s0: float, s1: float) -> None:
    """Revenue is market times share: both decompositions add up."""
    found = outcome(
        "market_growth",
        market_before=m0,
        market_after=m1,
        share_before=s0,
        share_after=s1,
        weeks=52.0,
        look_back=13.0,
    )
    market = number(found, "tokens the market added")
    share = number(found, "tokens the share added")
    assert market + share == pytest.approx(m1 * s1 - m0 * s0, rel=1e-9, abs=1e-9)
    whole = math.log(m1 * s1 / (m0 * s0))
    if abs(whole) > 1e-6:
        part = number(found, "the market's part, in logs")
        assert part * whole == pytest.approx(math.log(m1 / m0), abs=1e-9)
    assert number(found, "growth") == pytest.approx(m1 * s1 / (m0 * s0))


def test_growth_of_the_documents_by_hand() -> None:
    told = {
        "market_before": 5.0,
        "market_after": 20.0,
        "share_before": 0.02,
        "share_after": 0.61,
    }
    found = outcome("market_growth", **told, weeks=52.0, look_back=13.0)
    assert number(found, "tokens the market added") == pytest.approx(15 * 0.315)
    assert number(found, "tokens the share added") == pytest.approx(0.59 * 12.5)
    assert number(found, "growth") == pytest.approx(122.0)
    # four-fold in a year is the square root of two in a quarter, taken back
    assert found.change == pytest.approx(1 / math.sqrt(2) - 1)
    share = outcome("share_growth", **told, weeks=74.0, look_back=74.0)
    assert share.change == pytest.approx(2 / 61 - 1)


def test_a_mix_shift_is_the_weighted_mean_computed_again() -> None:
    found = outcome(
        "workload_mix",
        weight_before=0.11,
        weight_after=0.5,
        share_inside=0.22,
        share_overall=0.21,
    )
    rest = number(found, "share of other workloads")
    assert rest == pytest.approx(0.20)
    assert 0.5 * 0.22 + 0.5 * rest == pytest.approx(0.21)
    again = 0.11 * 0.22 + 0.89 * rest
    assert number(found, "share at the earlier mix") == pytest.approx(again)
    assert found.change == pytest.approx(again / 0.21 - 1)


NEUTRAL: dict[str, dict[str, float]] = {
    "hbm_ceiling": {"stacks": 0.3, "stacks_per_package": 3.0, "planned": 0.3 / 3.0},
    "supply_leg": {"share": 0.37, "kept": 1.0},
    "market_growth": {
        "market_before": 1.3,
        "market_after": 7.7,
        "share_before": 0.1,
        "share_after": 0.3,
        "weeks": 52.0,
        "look_back": 13.0,
        "kept": 1.0,
    },
    "workload_mix": {
        "weight_before": 0.3,
        "weight_after": 0.3,
        "share_inside": 0.7,
        "share_overall": 0.31,
    },
}
NEUTRAL["share_growth"] = NEUTRAL["market_growth"]


@pytest.mark.parametrize("kind", MECHANISMS)
def test_a_neutral_input_changes_nothing_exactly(kind: str) -> None:
    assert outcome(kind, **NEUTRAL[kind]).change == 0.0


def test_a_range_is_that_of_every_combination_of_its_ends(flagship: Thesis) -> None:
    market = mechanism(flagship, "market-stalls")
    change, low, high = ranged(market).changes
    ends = [
        (
            one.value if one.low is None else one.low,
            one.value if one.high is None else one.high,
        )
        for one in market.inputs.values()
    ]
    every = [
        outcome(market.kind, **dict(zip(market.inputs, corner, strict=True))).change
        for corner in itertools.product(*ends)
    ]
    assert (low, high) == (min(every), max(every))
    assert low == pytest.approx((28.9 / 1.2) ** -0.25 - 1)
    assert change == high == pytest.approx(0.25**0.25 - 1)


def test_the_flagship_has_every_mechanism_and_scenario(flagship: Thesis) -> None:
    kinds = [one.kind for one in flagship.mechanisms]
    assert set(kinds) == set(MECHANISMS)
    assert kinds.count("supply_leg") == 3
    assert len(flagship.scenarios) == 4
    for one in flagship.mechanisms:
        assert all(each.source and each.grade for each in one.inputs.values()), one.id


@pytest.mark.shared
def test_inputs_are_the_documents_figures(flagship: Thesis, shared: Path) -> None:
    """An input whose source names a fact has its value, or has it at an end."""
    table = pd.read_csv(shared / "reference" / "facts.csv")
    facts = table.set_index("id")["value"]
    units = table.set_index("id")["unit"]
    checked = 0
    for one in flagship.mechanisms:
        for each in one.inputs.values():
            for name in re.findall(r"F\d{3}", each.source):
                value = float(facts[name])
                if units[name] == "percent":
                    value /= 100.0
                if units[name] == "stacks_million":
                    value *= 1e6
                near = [abs(value - end) < 1e-9 for end in (each.value, *each.ends)]
                assert any(near), (one.id, name, value)
                checked += 1
    assert checked >= 14
