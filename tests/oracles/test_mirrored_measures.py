"""Two claims that may mirror each other are one measurement, to the last digits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from engine.evidence.claim_study import measure_claim, study_claims
from engine.evidence.results import Measurement
from engine.evidence.verdict import opposites
from engine.thesis.mirrors import SIDES
from tests.oracles.test_claims_beside import (
    CONTRAST,
    EVENT,
    SHARPE,
    SIGN,
    SPREAD,
    given,
)
from tests.oracles.test_claims_beside import SIDES as BETWEEN

CLAIMS: dict[str, dict[str, Any]] = {
    "layer_spread": SPREAD | BETWEEN,
    "event_contrast": CONTRAST | BETWEEN | EVENT,
    "sharpe_difference": SHARPE,
}
MINUS = {"sign": "-"}


def judged(first: dict[str, Any], second: dict[str, Any]) -> None:
    """Assert that a claim and its mirror count once, beside a third."""
    pair = ({**first, "id": "one"}, {**second, "id": "two", "mirrors": "one"})
    third = {**SIGN, **EVENT, "id": "third", "layer": "beta"}
    days = given().home
    rng = np.random.default_rng(4)
    paths = {
        name: pd.Series(rng.normal(0.0005, 0.01, len(days)), index=days)
        for name in ("barbell", "ends alone")
    }
    found = given(*pair, third, returns=paths)
    measured = [
        (claim, measure_claim(claim, found, "in-sample"))
        for claim in found.thesis.claims
    ]
    one, two, _ = (told for _, told in measured)
    assert isinstance(one, Measurement)
    assert isinstance(two, Measurement)
    assert one.p == pytest.approx(two.p, rel=1e-9)
    assert one.z == pytest.approx(-two.z, rel=1e-9)
    assert opposites(measured) == {"one": "two", "two": "one"}
    both, alone = (
        {
            told.id: told.q
            for told in study_claims(each).results
            if told.sample == "in-sample"
        }
        for each in (found, given(pair[0], third, returns=paths))
    )
    if first.get("scope") != "event":  # a law and its contradiction score nothing
        assert np.isnan(study_claims(found).scores[0].score)
    assert both["one"] == both["two"]
    assert {one: both[one] for one in alone} == pytest.approx(alone, rel=1e-9)


@pytest.mark.parametrize("test", SIDES)
def test_exchanged_sides_turn_the_estimate_and_nothing_else(test: str) -> None:
    first, second = SIDES[test]
    claim = CLAIMS[test]
    judged(claim, {**claim, first: claim[second], second: claim[first]})


@pytest.mark.parametrize("claim", [SIGN | EVENT, *CLAIMS.values()])
def test_the_opposite_sign_is_the_same_measurement(claim: dict[str, Any]) -> None:
    judged(claim, claim | MINUS)
