"""When news reaches an exchange, and what cannot be studied, by hand."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from engine.evidence.windows import day_zero, days_waited, event_moment, history
from tests.event_cases import (
    DAYS,
    ROWS,
    ZERO,
    closes,
    reason,
    row,
    study,
    world,
)
from tests.markets import market, sessions
from tests.tolerances import IDENTITY


def _utc(text: str) -> np.datetime64:
    return np.datetime64(text, "ns")


def test_a_date_is_before_the_earliest_open_and_a_moment_is_itself() -> None:
    new_york, seoul = sessions("XNYS", DAYS), sessions("XKRX", DAYS)
    both = [new_york, seoul]
    assert event_moment(dt.date(2024, 3, 5), both) == _utc("2024-03-05T00:00")
    assert event_moment(dt.date(2024, 3, 5), [new_york]) == _utc("2024-03-05T14:30")
    sunday = event_moment(dt.date(2024, 3, 10), both)
    assert sunday == _utc("2024-03-10T00:00")
    for one in both:
        zero = day_zero(one, sunday)
        assert zero is not None
        assert one.days[zero] == pd.Timestamp("2024-03-11")
    at = dt.datetime(2024, 3, 5, 9, tzinfo=dt.timezone(dt.timedelta(hours=9)))
    assert event_moment(at, both) == _utc("2024-03-05T00:00")


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        ("2024-03-05T20:30", "2024-03-05"),  # closes 30 minutes later: it can react
        ("2024-03-05T20:31", "2024-03-06"),
        ("2024-03-05T21:00", "2024-03-06"),
    ],
)
def test_day_zero_closes_half_an_hour_after_the_news(moment: str, day: str) -> None:
    timetable = sessions("XNYS", DAYS)
    zero = day_zero(timetable, _utc(moment))
    assert zero is not None
    assert timetable.days[zero] == pd.Timestamp(day)
    assert day_zero(timetable, timetable.close_utc[-1]) is None


@pytest.mark.parametrize(
    ("moment", "days"),
    [
        ("2024-03-05T20:30", 0),
        ("2024-03-05T20:45", 0),  # too late for that day: the next is in time
        ("2024-03-08T20:45", 2),  # Friday evening: shut over the weekend
        ("2024-03-10T12:00", 1),  # a Sunday
    ],
)
def test_days_for_which_an_exchange_was_shut(moment: str, days: int) -> None:
    timetable = sessions("XNYS", DAYS)
    zero = day_zero(timetable, _utc(moment))
    assert zero is not None
    assert days_waited(timetable, zero, _utc(moment)) == days


def test_returns_span_a_missing_bar_and_so_does_the_benchmark() -> None:
    found = history(
        market({"XNYS": {"SPY": [100, 110, 121, 121], "AAA": [10, 12, None, 18]}}),
        "AAA",
        "SPY",
    )
    assert found.returns == pytest.approx([np.nan, 0.2, np.nan, 0.5], nan_ok=True)
    moves = found.regressors[:, 0]
    assert moves == pytest.approx([np.nan, 0.1, np.nan, 0.1], nan_ok=True)
    assert not found.foreign
    assert found.span.tolist() == [0, 1, 0, 2]


def test_benchmark_between_closes_of_an_exchange_that_was_shut() -> None:
    """Hong Kong shut on rows 2 and 3: its next bar meets three New York sessions."""
    spy = [100.0, 101.0, 103.0, 104.0, 108.0, 110.0]
    found = history(
        market(
            {"XNYS": {"SPY": spy}, "XHKG": {"HHH": [10, 11, 0, 0, 12, 12]}},
            closed={"XHKG": [2, 3]},
            rates={"HKD": 7.8},
        ),
        "HHH",
        "SPY",
    )
    assert found.foreign
    # closes at 08:00 UTC: the last New York close is of the day before
    now = [np.nan, np.nan, 104 / 100 - 1, 108 / 104 - 1]
    before = [np.nan, np.nan, np.nan, 104 / 100 - 1]
    assert found.regressors[:, 0] == pytest.approx(now, nan_ok=True)
    assert found.regressors[:, 1] == pytest.approx(before, nan_ok=True)
    assert found.home.tolist() == [-1, 0, 3, 4]
    assert found.span.tolist() == [0, 1, 3, 1]


def test_a_benchmark_without_its_newest_bar_has_no_level() -> None:
    found = history(
        market({"XNYS": {"SPY": [100, None, 121, 121], "AAA": [10, 11, 12, 13]}}),
        "AAA",
        "SPY",
    )
    moves = found.regressors[:, 0]
    assert moves == pytest.approx([np.nan, np.nan, np.nan, 0.0], nan_ok=True)


def test_a_missing_bar_inside_a_window_is_spanned() -> None:
    prices = closes()
    gap = closes()
    gap["XNYS"]["AAA"][ZERO + 5] = None
    old, new = row(study(prices), "AAA", (2, 20)), row(study(gap), "AAA", (2, 20))
    assert new["return"] == pytest.approx(old["return"], abs=IDENTITY)
    # sums of simple returns differ from compounded ones by their product
    assert new["car"] == pytest.approx(old["car"], abs=2e-3)
    assert new["se"] == pytest.approx(old["se"], rel=1e-3)
    assert new["df"] == old["df"]


def test_a_bar_missing_at_an_end_leaves_that_window_out() -> None:
    prices = closes()
    prices["XNYS"]["AAA"][ZERO] = None
    found = study(prices)
    assert "no price on" in reason(found, "AAA", (0, 0))
    assert row(found, "AAA", (0, 1))["n"] == 1  # begins and ends on a bar
    layer = row(found, "alpha", (0, 0))
    assert layer["n"] == 1
    assert "1 of 2 members" in layer["note"]


def test_a_window_needs_a_bar_just_before_it() -> None:
    """Else its first return would hold news from before it."""
    prices = closes()
    prices["XNYS"]["AAA"][ZERO + 1] = None
    found = study(prices)
    assert "session 1 " in reason(found, "AAA", (2, 20))
    assert row(found, "AAA", (0, 0))["n"] == 1


def test_a_feed_that_ends_and_data_that_end() -> None:
    prices = closes()
    prices["XNYS"]["AAA"][ZERO + 10 :] = [None] * (ROWS - ZERO - 10)
    found = study(prices, ((0, 0), (2, 20), (2, 100)))
    last = DAYS[ZERO + 9].date()
    assert f"to {last}" in reason(found, "AAA", (2, 20))
    assert row(found, "AAA", (0, 0))["n"] == 1
    after = ZERO + 100 - ROWS + 1
    assert f"ends {after} sessions after the data" in reason(found, "BBB", (2, 100))
    assert "sessions after the data" in reason(found, "alpha", (2, 100))


def test_a_late_listing_has_no_model() -> None:
    prices = closes()
    prices["XNYS"]["CCC"][:70] = [None] * 70
    found = study(prices)
    # listed on row 70, so its first return is on row 71, and the window ends on 109
    assert "39 returns beside SPY" in reason(found, "CCC")
    assert str(DAYS[70].date()) in reason(found, "CCC")
    assert row(found, "beta", (0, 0))["n"] == 1


def test_sixty_returns_are_enough_and_said() -> None:
    prices = closes()
    prices["XNYS"]["CCC"][:49] = [None] * 49
    found = row(study(prices), "CCC", (0, 0))
    assert found["df"] == 58
    assert "60 of 90 sessions" in found["note"]


def test_what_cannot_be_studied_says_why() -> None:
    later = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)
    assert "no session could react" in reason(study(closes(), at=later), "AAA")
    own = study(closes(), benchmark="AAA")
    assert reason(own, "AAA") == "it is the benchmark of the market model"
    assert row(own, "BBB", (0, 0))["benchmark"] == "AAA"
    assert "no prices of the benchmark" in reason(
        study(closes(), benchmark="QQQ"), "AAA"
    )
    nothing = study(closes(), contrasts=[("alpha", "gamma"), ("alpha", "both")])
    assert "no asset" in reason(nothing, "alpha minus gamma")
    assert "both sides" in reason(nothing, "alpha minus both", (0, 0))
    early = study(closes(), ((-15, 0), (0, 0)))
    assert "overlaps the estimation" in reason(early, "AAA", (-15, 0))
    still = closes()
    still["XNYS"]["SPY"] = [100.0] * ROWS
    assert "does not move" in reason(study(still), "AAA")


def test_exchanges_that_react_on_other_days_are_named() -> None:
    where = world(closes(), closed={"XHKG": [ZERO, ZERO + 1]})
    found = study(where)
    reopened = DAYS[ZERO + 2]
    hong_kong = row(found, "HHH", (0, 0))
    assert hong_kong["day_zero"] == reopened
    assert f"first reacts on {reopened.date()}" in hong_kong["note"]
    layer = row(found, "beta", (0, 0))
    assert layer["day_zero"] == DAYS[ZERO]
    assert f"to {reopened.date()}" in layer["note"]
