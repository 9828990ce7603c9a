"""A signal crosses a line, or not yet, or not in time: known dates decide."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd

from engine.evidence.results import ClaimResult
from engine.market.signals import COLUMNS, Signals
from tests.claim_cases import DAYS, day, evidence, judged, thesis

LINE = {"test": "signal_threshold", "role": "share", "above": 0.3}


def observations(*rows: tuple[int, int, float], **more: Any) -> Signals:
    """Observations of `share`: (row of its date, row on which it was known, value)."""
    told = {
        "series": "share",
        "entity": "china",
        "unit": "fraction",
        "quality": "observed",
        "source": "",
        **more,
    }
    frame = pd.DataFrame(
        [
            {**told, "value_date": DAYS[at], "known_at": DAYS[known], "value": value}
            for at, known, value in sorted(rows, key=lambda one: one[1])
        ]
    )
    return Signals(observations=frame[list(COLUMNS)])


def threshold(signals: Signals, **claim: Any) -> ClaimResult:
    about = thesis({**LINE, **claim})
    sample = "in-sample"
    return judged(evidence(about, signals=signals), sample)[0]


def test_a_threshold_is_met_unmet_or_open() -> None:
    low, high = (10, 12, 0.2), (50, 52, 0.4)
    assert threshold(observations(low, high)).verdict == "supported"
    assert threshold(observations(low)).verdict == "inconclusive"
    assert "still open" in threshold(observations(low)).reason
    unmet = threshold(observations(low, high), by=day(51))
    assert unmet.verdict == "refuted"
    assert f"not reached by {day(51)}" in unmet.reason
    assert threshold(observations(low, high), by=day(52)).verdict == "supported"
    after_the_study = threshold(observations(low), by=dt.date(2030, 1, 1))
    assert after_the_study.verdict == "inconclusive"


def test_a_threshold_below_and_exactly_on_the_line() -> None:
    on = observations((10, 12, 0.3))
    assert threshold(on).verdict == "inconclusive"
    assert threshold(on, above=None, below=0.3).verdict == "inconclusive"
    assert threshold(on, above=None, below=0.31).verdict == "supported"


def test_times_asks_for_a_run_without_a_break() -> None:
    broken = observations(*((t, t, 0.4 if t != 12 else 0.2) for t in range(10, 15)))
    assert threshold(broken, times=2).verdict == "supported"
    assert threshold(broken, times=3).verdict == "inconclusive"
    whole = observations(*((t, t, 0.4) for t in range(10, 15)))
    found = threshold(whole, times=3)
    assert found.verdict == "supported"
    assert f"reached on {day(12)}" in found.reason


def test_a_run_is_reached_when_its_last_figure_is_known() -> None:
    late = observations((10, 40, 0.4), (11, 13, 0.4))
    assert f"reached on {day(40)}" in threshold(late, times=2).reason
    assert threshold(late, times=2, by=day(39)).verdict == "refuted"


def test_a_restatement_after_the_deadline_changes_nothing() -> None:
    restated_down = observations((10, 12, 0.4), (10, 60, 0.1))
    assert threshold(restated_down, by=day(30)).verdict == "supported"
    restated_up = observations((10, 12, 0.1), (10, 60, 0.4))
    assert threshold(restated_up, by=day(30)).verdict == "refuted"


def test_a_restatement_is_no_new_evidence_out_of_sample() -> None:
    """The week was known before the claim was declared; its revision is not new."""
    told = observations((10, 12, 0.4), (10, 60, 0.5), (11, 13, 0.2))
    given = evidence(thesis({**LINE, "declared": day(30)}), signals=told)
    (before,), (after,) = judged(given), judged(given, "out-of-sample")
    assert before.verdict == "supported"
    assert after.verdict == "untestable"
    assert after.reason == "no new observation of share in this sample"


def test_a_deadline_before_the_first_observation_says_when_that_was_known() -> None:
    """Of row 10, known on row 12 and restated on row 60; the deadline ends row 11."""
    told = observations((10, 12, 0.2), (11, 13, 0.4), (10, 60, 0.5))
    early = threshold(told, by=day(11))
    assert early.verdict == "untestable"
    assert early.reason == (
        f"no observation of share by {day(11)} (the first is of {day(10)}, known on "
        f"{day(12)})"
    )
    assert threshold(told, by=day(12)).verdict == "refuted"
    assert threshold(told, by=day(13)).verdict == "supported"
    named = threshold(told, by=day(11), entity="china")
    assert f"of share of china by {day(11)} (the first is of" in named.reason
    nobody = threshold(told, by=day(11), entity="nobody")
    assert nobody.reason == "no observation of share of nobody"


def test_a_deadline_before_the_sample_is_no_missing_series() -> None:
    told = observations((10, 12, 0.2), (40, 42, 0.4))
    claim = {**LINE, "declared": day(30), "by": day(20)}
    given = evidence(thesis(claim), signals=told)
    (after,) = judged(given, "out-of-sample")
    assert after.reason == f"no new observation of share in this sample by {day(20)}"


def test_several_entities_are_named_before_the_deadline_is() -> None:
    two = pd.concat(
        [
            observations((10, 12, 0.4)).observations,
            observations((10, 12, 0.1), entity="france").observations,
        ]
    )
    found = threshold(Signals(observations=two[list(COLUMNS)]), by=day(11))
    assert found.reason == "share is known of 2 entities; name one with 'entity'"


def test_an_observation_counts_in_the_sample_in_which_it_became_known() -> None:
    told = observations((10, 12, 0.2), (25, 35, 0.4))
    given = evidence(thesis({**LINE, "declared": day(30)}), signals=told)
    (before,), (after,) = judged(given), judged(given, "out-of-sample")
    assert before.verdict == "inconclusive"
    assert after.verdict == "supported"


def test_a_bound_is_no_observation_and_an_entity_must_be_named() -> None:
    bound = observations((10, 12, 0.4), quality="bound")
    assert threshold(bound).verdict == "untestable"
    two = pd.concat(
        [
            observations((10, 12, 0.4)).observations,
            observations((10, 12, 0.1), entity="france").observations,
        ]
    )
    assert "2 entities" in threshold(Signals(observations=two)).reason
    assert threshold(Signals(observations=two), entity="china").verdict == "supported"
    assert (
        threshold(Signals(observations=two), entity="france").verdict == "inconclusive"
    )
