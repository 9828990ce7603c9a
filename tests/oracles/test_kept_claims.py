"""Lines that must be kept, ratios of two roles, concentration, and a pace by a day."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from engine.evidence.claims.saturation import Params as Saturation
from engine.evidence.claims.signal_threshold import Params as Threshold
from engine.evidence.claims.trend import Params as Trend
from engine.market.signals import Signals
from engine.thesis.model import Claim
from reports import claim_expects
from tests.claim_cases import DAYS, day
from tests.signal_cases import WEEKS, one, signals
from tests.tolerances import IDENTITY

N = len(WEEKS)
KEEPS = {"test": "signal_threshold", "role": "share", "above": 0.3, "keeps": True}
RATIO = {
    "test": "signal_threshold",
    "role": "dollars",
    "over": "tokens",
    "entities": ["one", "two"],
    "below": 0.5,
    "keeps": True,
}


def share(*values: float) -> Signals:
    return signals({("share", "x"): list(values)})


@pytest.mark.parametrize(
    ("values", "more", "verdict", "told"),
    [
        ((0.1, 0.4, 0.4, 0.4), {}, "inconclusive", "kept so far"),
        ((0.1, 0.4, 0.4, 0.4), {"by": day(100)}, "supported", "kept to"),
        ((0.1, 0.4, 0.2, 0.4), {}, "refuted", "lost on"),
        ((0.1, 0.4, 0.2, 0.4), {"times": 2}, "inconclusive", "kept so far"),
        ((0.4, 0.2, 0.2, 0.4), {"times": 2}, "refuted", "lost by 2 in a row on"),
        # what was below before the line was first reached loses nothing
        ((0.1, 0.1, 0.1, 0.4), {"times": 2}, "inconclusive", "kept so far"),
        ((0.1, 0.1, 0.1, 0.1), {"times": 2}, "inconclusive", "not reached yet"),
        ((0.1, 0.1, 0.1, 0.1), {"by": day(100)}, "refuted", "not reached by"),
        # the line itself is not above it
        ((0.4, 0.3, 0.4, 0.4), {}, "refuted", "lost on"),
    ],
)
def test_a_line_is_kept_from_the_first_time_it_is_reached(
    values: tuple[float, ...], more: dict[str, Any], verdict: str, told: str
) -> None:
    found = one({**KEEPS, **more}, share(*values))
    assert found.verdict == verdict
    assert told in found.reason


def test_a_line_is_lost_on_the_day_that_was_known() -> None:
    """Of `times` in a row the last decides, a row after its date."""
    found = one({**KEEPS, "times": 2}, share(0.4, 0.2, 0.1, 0.4))
    known = DAYS[WEEKS[2] + 1]
    assert f"lost by 2 in a row on {known.date()}" in found.reason


def test_without_keeps_the_line_is_reached_once() -> None:
    assert one({**KEEPS, "keeps": False}, share(0.1, 0.4, 0.2, 0.2)).verdict == (
        "supported"
    )


def vendors(dollars: tuple[float, ...], tokens: tuple[float, ...]) -> Signals:
    """Two vendors with a half of each; a third is not asked about."""
    told: dict[tuple[str, str], list[float]] = {}
    for name in ("one", "two"):
        told["dollars", name] = [value / 2 for value in dollars]
        told["tokens", name] = [value / 2 for value in tokens]
    told["dollars", "three"] = [0.9] * len(dollars)
    told["tokens", "three"] = [0.1] * len(tokens)
    return signals(told)


def test_a_ratio_is_of_sums_over_the_entities() -> None:
    found = one(RATIO, vendors((0.01, 0.06), (0.17, 0.24)))
    assert found.finding is not None
    assert found.finding.estimate == pytest.approx(0.06 / 0.24, abs=IDENTITY)
    assert found.finding.n == 2
    assert "kept so far" in found.reason
    assert one(RATIO, vendors((0.01, 0.12), (0.17, 0.24))).verdict == "refuted"


def test_a_ratio_needs_both_roles_of_every_entity_on_a_date() -> None:
    known = vendors((0.01, 0.06), (0.17, 0.24))
    table = known.observations
    hidden = (table["series"] == "tokens") & (table["entity"] == "two")
    missing = one(RATIO, Signals(observations=table[~hidden]))
    assert missing.verdict == "untestable"
    assert missing.reason == "no observation of tokens of two"
    first = hidden & (table["value_date"] == table["value_date"].min())
    half = one(RATIO, Signals(observations=table[~first]))
    assert half.finding is not None
    assert half.finding.n == 1


def test_a_ratio_is_known_when_the_last_of_its_figures_is() -> None:
    known = vendors((0.01, 0.12), (0.17, 0.24))
    table = known.observations.copy()
    late = (table["series"] == "tokens") & (table["entity"] == "two")
    late &= table["value_date"] == table["value_date"].max()
    table.loc[late, "known_at"] = DAYS[60]
    moved = Signals(observations=table.sort_values("known_at", kind="stable"))
    assert f"lost on {day(60)}" in one(RATIO, moved).reason


def test_concentration_is_the_trend_of_the_sum_of_squares() -> None:
    """Two vendors part ways: by hand the index goes from 0.5 to what they end at."""
    first = np.linspace(0.5, 0.8, N) + 0.01 * np.sin(np.arange(N))
    told = signals({("share", "x"): list(first), ("share", "y"): list(1.0 - first)})
    found = one({"test": "trend", "role": "share", "concentration": True}, told)
    assert found.finding is not None
    index = first**2 + (1.0 - first) ** 2
    years = (DAYS[WEEKS[-1]] - DAYS[WEEKS[0]]).days / 365.25
    wanted = (index[-1] - index[0]) / years
    assert found.finding.estimate == pytest.approx(wanted, abs=IDENTITY)
    assert found.verdict == "supported"
    assert "concentration of share" in found.finding.summary


def test_a_table_that_does_not_sum_to_half_has_no_concentration() -> None:
    told = signals({("share", "x"): [0.2] * N, ("share", "y"): [0.2] * N})
    found = one({"test": "trend", "role": "share", "concentration": True}, told)
    assert found.verdict == "untestable"
    assert found.reason == "no observation of concentration of share"


def test_a_pace_by_a_day_reads_nothing_known_later() -> None:
    """Slow, then fast; by the end of the slow part there is no change of pace."""
    noise = 0.002 * np.sin(np.arange(N))
    steps = np.where(np.arange(N) < 2 * N // 3, 0.002, 0.02) + noise
    told = signals({("share", "x"): list(np.cumsum(steps))})
    claim = {"test": "saturation", "role": "share", "sign": "-"}
    assert one(claim, told).verdict == "refuted"
    early = one({**claim, "by": day(WEEKS[2 * N // 3 - 1])}, told)
    assert early.finding is not None
    assert early.finding.n < 2 * N // 3
    assert early.verdict == "inconclusive"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Threshold(role="a", above=1, over="b"), "together"),
        (lambda: Threshold(role="a", above=1, entities=("x",)), "together"),
        (
            lambda: Threshold(role="a", above=1, over="b", entities=("x",), entity="y"),
            "either 'entity' or 'entities'",
        ),
        (lambda: Trend(role="a", entity="x", concentration=True), "leave out"),
    ],
)
def test_keys_that_do_not_go_together(make: Any, message: str) -> None:
    with pytest.raises((ValueError, ValidationError), match=message):
        make()
    assert Saturation(role="a").by is None


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (RATIO, "dollars over tokens below 0.5, kept throughout"),
        ({**KEEPS, "times": 12}, "share above 30%, lost by 12 in a row"),
    ],
)
def test_the_report_says_what_is_kept(told: dict[str, Any], words: str) -> None:
    claim = Claim.model_validate({"id": "c", "says": "So.", **told})
    assert claim_expects.condition(claim) == words
