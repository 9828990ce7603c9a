"""Event studies that can be checked by hand."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from engine.evidence.event_panel import study_window
from engine.evidence.event_tests import adjusted_bmp, mean_correlation
from engine.evidence.events import (
    LeftOut,
    Subject,
    contrast,
    members,
    panel_of,
    study_events,
    subject_study,
)
from engine.evidence.inference import two_sided_p
from engine.evidence.results import EVENT_COLUMNS
from engine.evidence.windows import day_zero, event_moment, history
from tests.event_cases import (
    DAYS,
    ESTIMATION,
    ROWS,
    ZERO,
    closes,
    jump,
    reason,
    row,
    study,
    thesis,
    universe,
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


def test_table_has_the_columns_and_every_subject() -> None:
    found = study(closes())
    assert tuple(found.table.columns) == EVENT_COLUMNS
    subjects = found.table.groupby("kind", sort=False)["subject"].unique()
    assert list(subjects["asset"]) == ["AAA", "BBB", "CCC", "HHH"]
    assert list(subjects["layer"]) == ["alpha", "beta"]
    assert list(subjects["contrast"]) == ["alpha minus beta"]
    assert len(found.table) == 7 * 3
    assert found.left_out.empty


@pytest.mark.parametrize(("symbol", "mic"), [("AAA", "XNYS"), ("HHH", "XHKG")])
def test_a_planted_effect_comes_out_and_nothing_else_moves(
    symbol: str, mic: str
) -> None:
    plain = closes()
    planted = closes()
    planted[mic][symbol] = jump(plain[mic][symbol], ZERO, 0.05)
    before, after = study(plain), study(planted)
    old, new = row(before, symbol, (0, 0)), row(after, symbol, (0, 0))
    raw = 1.0 + old["return"]
    assert new["return"] == pytest.approx(raw * 1.05 - 1.0, abs=IDENTITY)
    assert new["car"] - old["car"] == pytest.approx(0.05 * raw, abs=IDENTITY)
    assert new["se"] == pytest.approx(old["se"], abs=IDENTITY)
    assert new["day_zero"] == DAYS[ZERO]
    assert row(after, "BBB", (0, 0))["car"] == row(before, "BBB", (0, 0))["car"]
    assert row(after, symbol, (2, 20))["car"] == pytest.approx(
        row(before, symbol, (2, 20))["car"], abs=IDENTITY
    )


def test_raw_return_compounds_over_the_window() -> None:
    prices = closes()
    aaa = prices["XNYS"]["AAA"]
    found = row(study(prices), "AAA", (2, 20))
    assert found["return"] == pytest.approx(
        aaa[ZERO + 20] / aaa[ZERO + 1] - 1.0, abs=IDENTITY
    )


def test_degrees_of_freedom_are_one_less_abroad() -> None:
    found = study(closes())
    returns = ESTIMATION[1] - ESTIMATION[0] + 1
    assert row(found, "AAA", (0, 0))["df"] == returns - 2
    assert row(found, "HHH", (0, 0))["df"] == returns - 3
    # New York, Hong Kong now, Hong Kong one bar earlier
    assert row(found, "beta", (0, 0))["df"] == returns - 4


def test_a_layer_of_twins_is_its_member() -> None:
    prices = closes()
    prices["XNYS"]["BBB"] = prices["XNYS"]["AAA"]
    found = study(prices)
    for window in ((0, 0), (2, 20)):
        one, layer = row(found, "AAA", window), row(found, "alpha", window)
        for column in ("return", "car", "se", "t", "p", "df", "detectable"):
            assert layer[column] == pytest.approx(one[column], abs=IDENTITY), column
        assert layer["n"] == 2
        assert "12.7" in layer["note"]


def test_a_contrast_on_one_exchange_is_the_difference_of_its_sides() -> None:
    prices = closes()
    del prices["XHKG"]
    where = world(prices)
    known = universe()
    assets = [line for line in known.lines.values() if line.mic == "XNYS"]
    found = study_events(where, thesis(((0, 1),)), known, assets)
    long, short = (row(found, layer, (0, 1)) for layer in ("alpha", "beta"))
    both = row(found, "alpha minus beta", (0, 1))
    assert both["car"] == pytest.approx(long["car"] - short["car"], abs=IDENTITY)
    assert both["return"] == pytest.approx(
        long["return"] - short["return"], abs=IDENTITY
    )
    assert both["se"] < np.hypot(long["se"], short["se"]) * 1.5
    assert both["n"] == 3


def test_windows_beyond_twenty_sessions_take_an_intercept_of_zero() -> None:
    found = study(closes(), ((0, 19), (0, 20)))
    short, long = row(found, "AAA", (0, 19)), row(found, "AAA", (0, 20))
    assert short["alpha"] == "estimated"
    assert long["alpha"] == "zero"
    panel = panel_of(world(closes()), thesis().events[0], ["AAA"], [(0, 20)], "SPY")
    intercept = panel.model.coefficients[0, 0]
    assert long["car"] - long["car_other"] == pytest.approx(
        21 * intercept, abs=IDENTITY
    )


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


def test_residuals_of_two_exchanges_meet_where_their_time_overlaps() -> None:
    """Hong Kong repeats the own news of CCC the morning after: one span of time."""
    prices = closes()
    spy, ccc = (np.array(prices["XNYS"][s], dtype=float) for s in ("SPY", "CCC"))
    moves = np.diff(np.log(ccc)) - 0.5 * np.diff(np.log(spy))
    echo = 100.0 * np.exp(np.concatenate([[0.0, 0.0], np.cumsum(moves[:-1])]))
    prices["XHKG"]["HHH"] = [float(p) for p in echo]
    where = world(prices, closed={"XHKG": [50]})
    panel = panel_of(where, thesis().events[0], ["CCC", "HHH"], [(0, 1)], "SPY")
    assert mean_correlation(panel.residuals) > 0.95
    assert abs(mean_correlation(panel.model.residuals)) < 0.3
    # the bar after the holiday spans two home sessions and has no partner
    days = where.home.sessions.days
    assert np.isnan(panel.residuals[[49, 50], 1]).all()
    assert np.isfinite(panel.residuals[[48, 51], 1]).all()
    assert len(days) == len(panel.residuals)
    scaled = study_window(panel, (0, 1)).primary.scaled
    expected = adjusted_bmp(scaled, mean_correlation(panel.residuals))
    found = row(study(where), "beta", (0, 1))
    assert found["adjusted_bmp"] == pytest.approx(float(expected), abs=IDENTITY)
    assert found["adjusted_bmp_p"] == pytest.approx(
        float(two_sided_p(expected, 1.0)), abs=IDENTITY
    )


def test_a_contrast_is_estimated_where_both_sides_have_a_price() -> None:
    prices = closes()
    prices["XHKG"]["HHH"][60] = None
    found = study(prices, contrasts=[("alpha", "HHH")])
    # alpha alone keeps its 90 returns; three regressors and a constant
    assert row(found, "alpha", (0, 0))["df"] == 88
    assert row(found, "alpha minus HHH", (0, 0))["df"] == 89 - 4


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


def test_two_lines_of_one_entity_are_one_observation() -> None:
    known = universe()
    assets = list(known.lines.values())
    twin = assets[0].__class__(symbol="AAA2", entity="aaa", mic="XHKG", currency="HKD")
    found = study_events(world(closes()), thesis(), known, [*assets, twin])
    assert "counts once as AAA" in reason(found, "AAA2")
    assert row(found, "alpha", (0, 0))["n"] == 2


def test_claims_add_their_contrasts_and_legs_can_stand_in_them() -> None:
    claim = {
        "id": "c",
        "says": "HHH wins",
        "test": "event_contrast",
        "event": "news",
        "long": "HHH",
        "short": "both",
        "window": [0, 1],
    }
    known = universe()
    assets = list(known.lines.values())
    assert members("both", thesis(), known, assets) == ("AAA", "BBB", "CCC", "HHH")
    assert members("nobody", thesis(), known, assets) == ()
    claims = [claim, claim | {"id": "d", "long": "beta", "short": "alpha"}]
    found = study(closes(), claims=claims)
    assert row(found, "beta minus alpha", (0, 0))["car"] == pytest.approx(
        -row(found, "alpha minus beta", (0, 0))["car"], abs=IDENTITY
    )
    assert "both sides" in reason(found, "HHH minus both", (0, 0))


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


def test_paths_are_the_portfolios_cumulative_return() -> None:
    found = study(closes(), ((0, 0), (2, 30)))
    path = found.paths["news"]
    assert list(path.index) == list(range(-5, 31))
    longer = study(closes(), ((-5, 20),))  # 26 sessions: intercept zero, as the path
    wanted = row(longer, "alpha", (-5, 20))
    assert wanted["alpha"] == "zero"
    assert path.loc[20, "alpha"] == pytest.approx(wanted["car"], abs=IDENTITY)
    assert path.loc[20, "alpha.se"] == pytest.approx(wanted["se"], abs=IDENTITY)


def test_a_path_ends_where_its_layer_does() -> None:
    prices = closes()
    for symbol in ("AAA", "BBB"):
        prices["XNYS"][symbol][ZERO + 25 :] = [None] * (ROWS - ZERO - 25)
    path = study(prices, ((0, 0), (2, 20), (2, 40))).paths["news"]
    assert path["alpha"].last_valid_index() == 20
    assert path["beta"].last_valid_index() == 40


def test_one_subject_for_a_claim_is_the_row_of_the_table() -> None:
    where, event = world(closes()), thesis().events[0]
    known = universe()
    subject = contrast("alpha", "beta", thesis(), known, list(known.lines.values()))
    found = subject_study(where, subject, event=event, window=(2, 20), benchmark="SPY")
    assert not isinstance(found, LeftOut)
    wanted = row(study(where), "alpha minus beta", (2, 20))
    for column in ("car", "se", "t", "p", "df", "n", "car_other", "detectable"):
        assert getattr(found, column) == pytest.approx(wanted[column], abs=IDENTITY)
    assert found.total == pytest.approx(wanted["return"], abs=IDENTITY)
    assert found.residuals is not None
    assert found.weights is not None
    assert found.residuals.index.equals(found.weights.index)
    assert found.weights.sum() == pytest.approx(19.0, abs=IDENTITY)
    known_residuals = found.residuals.dropna()
    assert len(known_residuals) == ESTIMATION[1] - ESTIMATION[0] + 1
    assert known_residuals.std() == pytest.approx(found.se / np.sqrt(19), rel=0.15)
    missing = subject_study(
        where,
        Subject(kind="asset", name="ZZZ", long=("ZZZ",)),
        event=event,
        window=(0, 0),
        benchmark="SPY",
    )
    assert isinstance(missing, LeftOut)
    assert missing.reason == "no prices"


def test_a_single_asset_as_a_portfolio_is_the_asset() -> None:
    where, event = world(closes()), thesis().events[0]
    panel = panel_of(where, event, ["HHH", "AAA"], [(0, 1)], "SPY")
    assert study_window(panel, (0, 1)).reasons == ("", "")
    for symbol in ("HHH", "AAA"):
        one, alone = (
            subject_study(
                where,
                Subject(kind=kind, name=symbol, long=(symbol,)),
                event=event,
                window=(0, 1),
                benchmark="SPY",
            )
            for kind in ("asset", "layer")
        )
        assert not isinstance(one, LeftOut)
        assert not isinstance(alone, LeftOut)
        assert alone.car == pytest.approx(one.car, abs=IDENTITY)
        assert alone.se == pytest.approx(one.se, abs=IDENTITY)
        assert alone.df == one.df
