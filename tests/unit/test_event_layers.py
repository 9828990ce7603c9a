"""Recovery, pools and crowding that can be checked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from engine.evidence.event_crowding import crowd_note, crowding
from engine.evidence.event_pool import Member, expected_sign, member, pooled
from engine.evidence.event_recovery import regained
from engine.evidence.event_subjects import Subject, panel_of, subject_study
from engine.evidence.events import study_events
from engine.evidence.inference import two_sided_p
from engine.evidence.results import EventStudy
from engine.thesis.model import Event, Thesis
from tests.event_cases import (
    DAYS,
    ESTIMATION,
    ZERO,
    Closes,
    closes,
    jump,
    row,
    thesis,
    universe,
    world,
)
from tests.tolerances import IDENTITY


def events_at(
    *rows: int, windows: tuple[tuple[int, int], ...] = ((0, 1), (2, 20)), **keys: object
) -> Thesis:
    """The usual thesis with events on several rows, the first one named news."""
    plain = thesis(windows)
    one = plain.events[0].model_dump() | keys
    made = [
        Event.model_validate(
            one | {"id": f"news-{n}" if n else "news", "at": DAYS[at].date()}
        )
        for n, at in enumerate(rows)
    ]
    return plain.model_copy(update={"events": tuple(made)})


def study_of(prices: Closes, about: Thesis) -> EventStudy:
    known = universe()
    return study_events(world(prices), about, known, list(known.lines.values()))


@pytest.mark.parametrize(
    ("path", "reaction", "sessions", "extreme", "at"),
    [
        ([-0.10, -0.12, -0.15, -0.05, 0.00, 0.02], -0.12, 4, -0.15, 2),
        ([-0.10, -0.12, -0.15], -0.12, None, -0.15, 2),
        ([0.04, 0.06, 0.08, -0.01, 0.03], 0.06, 3, 0.08, 2),
        # back within the reaction itself is no return
        ([0.02, -0.03, -0.02, 0.01], -0.03, 3, -0.03, 1),
        ([-0.10, -0.12, np.nan, 0.01], -0.12, None, -0.12, 1),
    ],
)
def test_a_path_is_back_at_its_level(
    path: list[float], reaction: float, sessions: int | None, extreme: float, at: int
) -> None:
    found = regained(np.array(path), reaction)
    assert (found.sessions, found.extreme, found.at) == (sessions, extreme, at)


def test_recovery_is_read_off_the_layers_path() -> None:
    """A fall of 10 % on day zero and a rise of 30 % ten sessions later."""
    prices = closes()
    for symbol in ("AAA", "BBB"):
        held = jump(prices["XNYS"][symbol], ZERO, -0.10)
        prices["XNYS"][symbol] = jump(held, ZERO + 10, 0.30)
    found = study_of(prices, events_at(ZERO, windows=((0, 1), (0, 20))))
    one = found.recovery[found.recovery["layer"] == "alpha"].iloc[0]
    assert one["firms"] == 2
    assert one["reaction"] == pytest.approx(row(found, "alpha", (0, 1))["car"])
    assert one["reaction_p"] == pytest.approx(row(found, "alpha", (0, 1))["p"])
    short = row(found, "alpha", (0, 20))  # 21 sessions: intercept zero
    assert short["alpha"] == "zero"
    assert one["car_20"] == pytest.approx(short["car"], abs=IDENTITY)
    assert one["p_20"] == pytest.approx(short["p"], abs=IDENTITY)
    assert one["car_estimated_20"] == pytest.approx(short["car_other"], abs=IDENTITY)
    assert one["followed"] == 20
    price = np.array([prices["XNYS"][s] for s in ("AAA", "BBB")], dtype=float)
    moves = (price[:, 1:] / price[:, :-1] - 1.0).mean(axis=0)[ZERO - 1 :]
    level = 1.0
    back = []
    for session, move in enumerate(moves):
        level *= 1.0 + move
        if session >= 2 and level >= 1.0:
            back.append(session)
    assert one["price_sessions"] == back[0]
    assert 2 < back[0] <= 10
    assert one["extreme"] < 0.0


def test_recovery_ends_with_the_data() -> None:
    found = study_of(closes(), events_at(ZERO))
    one = found.recovery.iloc[0]
    assert one["followed"] == 20  # 59 sessions follow day zero
    assert np.isnan(one["car_60"])
    assert np.isnan(one["car_120"])


def _member(at: int, sign: str = "+", window: tuple[int, int] = (2, 20)) -> Member:
    market = world(closes())
    event = events_at(at).events[0]
    subject = Subject(kind="layer", name="alpha", long=("AAA", "BBB"), layer="alpha")
    study = subject_study(market, subject, event=event, window=window, benchmark="SPY")
    panel = panel_of(market, event, ["AAA", "BBB"], [window], "SPY")
    return member(panel, event.id, sign, study, len(market.home.sessions))


def test_one_event_twice_is_no_surer_than_once() -> None:
    one = _member(ZERO)
    both = pooled("alpha", (2, 20), [one, one])
    assert both["mean"] == pytest.approx(one.study.car, abs=IDENTITY)
    assert both["se"] == pytest.approx(one.study.se, rel=0.02)
    assert both["se_if_independent"] == pytest.approx(one.study.se / np.sqrt(2.0))
    assert both["independent"] == 1
    assert "no law: 1 events" in str(both["note"])


def test_the_same_event_for_and_against_says_nothing() -> None:
    nothing = pooled("alpha", (2, 20), [_member(ZERO), _member(ZERO, "-")])
    assert nothing["mean"] == pytest.approx(0.0, abs=IDENTITY)
    assert float(str(nothing["se"])) < 0.2 * _member(ZERO).study.se


def test_windows_apart_are_independent_but_for_their_models() -> None:
    first, second = _member(ZERO - 15, window=(0, 1)), _member(ZERO, window=(0, 1))
    both = pooled("alpha", (0, 1), [first, second])
    alone = np.hypot(first.study.se, second.study.se) / 2.0
    assert both["se_if_independent"] == pytest.approx(alone)
    assert alone <= float(str(both["se"])) < 1.02 * alone
    assert both["independent"] == 2
    t = float(str(both["mean"])) / float(str(both["se"]))
    assert both["p"] == pytest.approx(two_sided_p(t, both["df"]), abs=IDENTITY)


def test_half_shared_windows_have_half_the_covariance() -> None:
    """19 sessions each, 9 of them shared."""
    first, second = _member(ZERO), _member(ZERO + 10)
    both = pooled("alpha", (2, 20), [first, second])
    shared = 9.0 * np.sqrt(first.variance * second.variance)
    plain = (first.study.se**2 + second.study.se**2 + 2.0 * shared) / 4.0
    assert float(str(both["se"])) ** 2 == pytest.approx(plain, rel=0.15)
    assert float(str(both["se"])) ** 2 >= plain  # models share estimation sessions


def test_pools_of_a_thesis_have_the_events_with_an_expected_sign() -> None:
    expected = {"reaction": {"alpha": "-"}, "drift": {"beta": "+"}}
    found = study_of(closes(), events_at(ZERO - 5, ZERO, expected=expected))
    assert list(zip(found.pooled["layer"], found.pooled["window"], strict=True)) == [
        ("alpha", (0, 1)),
        ("beta", (2, 20)),
    ]
    one = found.pooled.iloc[0]
    cars = found.table[
        (found.table["subject"] == "alpha") & (found.table["window"] == (0, 1))
    ]["car"]
    assert one["mean"] == pytest.approx(-cars.mean(), abs=IDENTITY)
    assert one["right"] == (cars < 0).sum()
    assert expected_sign((2, 20), "-", None) is None
    assert expected_sign((0, 1), "-", "+") == "-"


def test_overlapping_pools_reject_a_true_null_as_often_as_they_say() -> None:
    """Six windows of 20 sessions, each ten after the last."""
    rng = np.random.default_rng(8)
    worlds, length, step, count = 3000, 20, 10, 6
    held = np.zeros((count, length + step * (count - 1)))
    for place in range(count):
        held[place, place * step : place * step + length] = 1.0
    cars = rng.normal(size=(worlds, held.shape[1])) @ held.T
    overlap = held @ held.T
    se = np.sqrt(overlap.sum()) / count
    naive = np.sqrt(np.trace(overlap)) / count
    z = cars.mean(axis=1)
    assert (np.abs(z / se) > 1.96).mean() == pytest.approx(0.05, abs=0.015)
    assert (np.abs(z / naive) > 1.96).mean() > 0.12


def test_other_events_in_a_window_are_found_and_said() -> None:
    about = events_at(ZERO, ZERO - 40, ZERO + 15)
    zeros = {"news": ZERO, "news-1": ZERO - 40, "news-2": ZERO + 15}
    found = crowding(about.events, zeros)
    own = [(c.part, c.window, c.other, c.session) for c in found if c.event == "news"]
    assert own == [
        ("estimation", ESTIMATION, "news-1", -40),
        ("window", (2, 20), "news-2", 15),
    ]
    said = crowd_note(found, "news", (2, 20))
    assert said == (
        "1 other event in the window; 1 other event in the estimation window"
    )
    assert crowd_note(found, "news", (0, 1)) == (
        "1 other event in the estimation window"
    )


def test_the_table_says_so_in_its_notes_and_numbers_stay() -> None:
    alone = study_of(closes(), events_at(ZERO))
    crowded = study_of(closes(), events_at(ZERO, ZERO + 15))
    assert len(crowded.crowding[crowded.crowding["event"] == "news"]) == 1
    table = crowded.table[crowded.table["event"] == "news"]
    for window, words in (((2, 20), "1 other event in the window"), ((0, 1), "")):
        one = table[(table["subject"] == "alpha") & (table["window"] == window)]
        assert words in one["note"].iloc[0]
        assert one["car"].iloc[0] == row(alone, "alpha", window)["car"]


def test_two_events_on_one_day_see_each_other() -> None:
    found = study_of(closes(), events_at(ZERO, ZERO))
    assert len(found.table) == 2 * 7 * 2
    both = found.crowding[found.crowding["window"] == (0, 1)]
    assert list(both["session"]) == [0, 0]
    assert found.table["note"].str.contains("1 other event in the window").any()
