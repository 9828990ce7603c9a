"""Claims about events: one event, laws over five, overlaps, and the two samples."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from engine.evidence.claim_study import study_claims
from engine.evidence.events import study_events
from tests.claim_cases import (
    DAYS,
    NEWS,
    ROWS,
    closes,
    day,
    evidence,
    judged,
    measured,
    thesis,
)
from tests.tolerances import IDENTITY

SIGN = {"test": "event_sign", "layer": "alpha", "window": [0, 2]}
CONTRAST = {
    "test": "event_contrast",
    "long": "alpha",
    "short": "beta",
    "window": [0, 2],
}
ALL = [f"news-{number}" for number in range(5)]


@pytest.mark.parametrize(
    ("claim", "subject"), [(SIGN, "alpha"), (CONTRAST, "alpha minus beta")]
)
def test_a_claim_about_one_event_is_the_event_studys_row(
    claim: dict[str, Any], subject: str
) -> None:
    about = thesis({**claim, "scope": "event", "event": "news-2"})
    given = evidence(about)
    found = measured(given)
    table = study_events(given.market, about, given.universe, given.assets).table
    row = table[(table["event"] == "news-2") & (table["subject"] == subject)].iloc[0]
    assert row["window"] == (0, 2)
    for mine, theirs in (("estimate", "car"), ("se", "se"), ("p", "p"), ("df", "df")):
        assert getattr(found, mine) == pytest.approx(row[theirs], rel=1e-12)
    assert found.n == 1
    assert str(found.rows["day_zero"].iloc[0].date()) == str(day(NEWS[2]))


def test_five_events_are_their_mean() -> None:
    law = measured(evidence(thesis({**CONTRAST, "scope": "law", "events": ALL})))
    alone = [
        measured(evidence(thesis({**CONTRAST, "scope": "event", "event": name})))
        for name in ALL
    ]
    cars = np.array([one.estimate for one in alone])
    errors = np.array([one.se for one in alone])
    assert law.n == 5
    assert law.estimate == pytest.approx(cars.mean(), abs=IDENTITY)
    assert law.se == pytest.approx(np.sqrt((errors**2).sum()) / 5, abs=IDENTITY)
    assert law.df == min(one.df for one in alone)
    t = law.estimate / law.se
    assert law.p == pytest.approx(2 * stats.t.sf(abs(t), law.df), rel=1e-9)
    assert list(law.rows["event"]) == ALL
    assert law.rows["car"].to_numpy() == pytest.approx(cars, abs=IDENTITY)


def test_a_planted_reaction_is_found_with_its_sign_and_size() -> None:
    """Alpha jumps by 4 % on each of the five days; beta does not."""
    prices = closes(jumps={"AAA": 0.04, "BBB": 0.04})
    about = thesis({**CONTRAST, "scope": "law", "events": ALL, "window": [0, 0]})
    (one,) = judged(evidence(about, prices=prices))
    assert one.verdict == "supported"
    assert one.finding is not None
    assert one.finding.estimate == pytest.approx(0.04, abs=0.02)
    falls = thesis({**SIGN, "scope": "law", "events": ALL, "sign": "-"})
    assert judged(evidence(falls, prices=prices))[0].verdict == "refuted"


def test_a_law_needs_five_events() -> None:
    (one,) = judged(evidence(thesis({**SIGN, "scope": "law", "events": ALL[:4]})))
    assert one.verdict == "untestable"
    assert "5 events" in one.reason
    single = thesis({**SIGN, "scope": "law", "event": "news-0"})
    assert judged(evidence(single))[0].verdict == "untestable"


def test_windows_that_overlap_are_not_independent() -> None:
    near = (150, 195, 240, 285, 287)  # [0, 2] of the last two share one session
    claim = {**SIGN, "scope": "law", "events": ALL}
    (one,) = judged(evidence(thesis(claim, rows=near)))
    assert one.verdict == "untestable"
    assert "news-3 and news-4 overlap" in one.reason
    apart = (150, 195, 240, 285, 288)
    assert judged(evidence(thesis(claim, rows=apart)))[0].finding is not None


def test_an_event_without_prices_makes_a_law_untestable_and_says_which() -> None:
    late = (150, 195, 240, 285, ROWS - 2)  # [0, 2] ends a session after the data
    claim = {**SIGN, "scope": "law", "events": ALL}
    (one,) = judged(evidence(thesis(claim, rows=late)))
    assert one.verdict == "untestable"
    assert one.reason.startswith("news-4: ")
    assert "after the data" in one.reason


def test_an_event_stands_in_the_sample_that_holds_it() -> None:
    claim = {**SIGN, "scope": "event", "event": "news-1"}
    for declared, sample in ((NEWS[1] + 1, "in-sample"), (NEWS[1], "out-of-sample")):
        results = study_claims(
            evidence(thesis({**claim, "declared": day(declared)}))
        ).results
        assert [one.sample for one in results] == [sample]


def test_a_law_declared_between_its_events_is_split_not_counted_twice() -> None:
    """What was seen before the declaration confirms nothing after it."""
    rows = tuple(range(130, 400, 27))
    names = [f"news-{number}" for number in range(len(rows))]
    claim = {**SIGN, "scope": "law", "events": names, "declared": day(rows[5])}
    about = thesis(claim, rows=rows)
    before, after = (
        measured(evidence(about), sample) for sample in ("in-sample", "out-of-sample")
    )
    assert list(before.rows["event"]) == names[:5]
    assert list(after.rows["event"]) == names[5:]
    early = thesis({**claim, "declared": day(rows[3])}, rows=rows)
    (first,) = judged(evidence(early))
    assert first.verdict == "untestable"
    assert "has 3 in this sample" in first.reason


def test_the_null_series_of_an_event_lies_before_it_and_its_weights_in_it() -> None:
    about = thesis({**CONTRAST, "scope": "event", "event": "news-0"})
    event = measured(evidence(about))
    assert event.null is not None
    assert event.weights is not None
    assert event.null.index[0] >= DAYS[NEWS[0] - 101]
    assert abs(event.null.mean()) < 0.1 * event.null.std()  # residuals of its model
    assert event.weights.sum() == pytest.approx(3.0)  # three sessions of the window
    inside = event.weights[event.weights > 0].index
    assert inside[0] >= DAYS[NEWS[0] - 1]
    assert inside[-1] <= DAYS[NEWS[0] + 2]


def test_a_layer_without_assets_is_untestable() -> None:
    claim = {**SIGN, "layer": "gamma", "event": "news-0", "scope": "event"}
    (one,) = judged(evidence(thesis(claim)))
    assert one.finding is None
    assert (one.verdict, one.reason) == (
        "untestable",
        "no asset of gamma has a price",
    )
