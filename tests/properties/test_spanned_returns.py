"""Returns over a holiday: what the primary error makes of them, and the wider one."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from engine.evidence.event_panel import event_panel, study_window
from engine.evidence.event_subjects import Subject, SubjectStudy, study_subject
from engine.evidence.inference import two_sided_p
from engine.evidence.windows import event_moment, histories
from tests.markets import FIRST, market

ROWS, NEWS, SHUT = 180, 120, 4
FIRMS = 600
NOMINAL = 0.05
DAYS = pd.bdate_range(FIRST, periods=ROWS)


@pytest.fixture(scope="module")
def studies() -> dict[str, list[SubjectStudy]]:
    """600 firms in Seoul, shut for four sessions after the news, no effect in any.

    Their value moves with every New York session, seen at the next close in Seoul.
    Beside them as many in New York; a contrast has one of each.
    """
    rng = np.random.default_rng(31)
    spy = rng.normal(0.0003, 0.01, ROWS)
    value = spy[:, None] + rng.normal(0.0, 0.02, (ROWS, 2 * FIRMS))
    prices = 100.0 * np.cumprod(1.0 + value, axis=0)
    seoul = np.vstack([np.full((1, FIRMS), 100.0), prices[:-1, :FIRMS]])
    world = market(
        {
            "XNYS": {"SPY": list(100.0 * np.cumprod(1.0 + spy))}
            | {f"N{k}": list(prices[:, FIRMS + k]) for k in range(FIRMS)},
            "XKRX": {f"K{k}": list(seoul[:, k]) for k in range(FIRMS)},
        },
        closed={"XKRX": range(NEWS, NEWS + SHUT)},
        rates={"KRW": 1300.0},
    )
    symbols = [f"{side}{k}" for k in range(FIRMS) for side in "KN"]
    news = dt.datetime.combine(DAYS[NEWS].date(), dt.time(1), tzinfo=dt.UTC)
    panel = event_panel(
        histories(world, symbols, "SPY"),
        symbols,
        moment=event_moment(news, []),
        estimation=(-100, -11),
        reach=(0, 20),
        benchmark="SPY",
        home_sessions=ROWS,
    )
    windows = [study_window(panel, window) for window in ((0, 0), (0, 1), (2, 20))]
    subjects = [
        subject
        for k in range(FIRMS)
        for subject in (
            Subject(kind="asset", name="K", long=(f"K{k}",)),
            Subject(kind="asset", name="N", long=(f"N{k}",)),
            Subject(kind="contrast", name="C", long=(f"K{k}",), short=(f"N{k}",)),
        )
    ]
    found: dict[str, list[SubjectStudy]] = {}
    for subject in subjects:
        for one in study_subject(panel, windows, subject):
            assert isinstance(one, SubjectStudy)
            found.setdefault(f"{subject.name}{one.window}", []).append(one)
    return found


def rates(some: list[SubjectStudy]) -> tuple[float, float]:
    """Return how often the primary and the wider error reject at 5 %."""
    t = np.array([[one.t, one.car / one.spanned_se] for one in some])
    p = two_sided_p(t, np.array([[one.df] for one in some]))
    primary, wider = (p < NOMINAL).mean(axis=0)
    return float(primary), float(wider)


@pytest.mark.parametrize("name", ["K(0, 0)", "K(0, 1)", "C(0, 0)", "C(0, 1)"])
def test_the_wider_error_holds_its_size_where_the_primary_does_not(
    studies: dict[str, list[SubjectStudy]], name: str
) -> None:
    primary, wider = rates(studies[name])
    assert primary > 0.12
    error = np.sqrt(NOMINAL * (1.0 - NOMINAL) / FIRMS)
    assert abs(wider - NOMINAL) < 3.5 * error


def test_the_wider_error_by_hand(studies: dict[str, list[SubjectStudy]]) -> None:
    """Five sessions' noise instead of one, the leverage as it was."""
    one = studies["K(0, 0)"][0]
    assert any("day zero spans 5 home sessions" in note for note in one.notes)
    both = studies["K(0, 1)"][0]
    # E - L is 4 for both windows, so the same variance comes on top
    added = one.spanned_se**2 - one.se**2
    assert both.spanned_se**2 - both.se**2 == pytest.approx(added)
    assert one.se**2 > added / 4.0 > 0.9 * one.se**2


def test_nothing_is_wider_where_no_return_of_the_shock_spans_a_holiday(
    studies: dict[str, list[SubjectStudy]],
) -> None:
    for name in ("N(0, 0)", "N(0, 1)", "N(2, 20)", "K(2, 20)", "C(2, 20)"):
        assert all(np.isnan(one.spanned_se) for one in studies[name])
        assert not any("spans" in note for one in studies[name] for note in one.notes)


def test_a_return_over_a_missing_bar_and_a_holiday_counts_its_sessions_once() -> None:
    """A bar missing on day zero: the next return spans what it would have."""
    rng = np.random.default_rng(2)
    spy = 100.0 * np.cumprod(1.0 + rng.normal(0.0, 0.01, ROWS))
    own: list[float | None] = list(100.0 * np.cumprod(1.0 + rng.normal(0, 0.02, ROWS)))
    own[NEWS] = None
    world = market({"XNYS": {"SPY": list(spy), "AAA": own}})
    panel = event_panel(
        histories(world, ["AAA"], "SPY"),
        ["AAA"],
        moment=event_moment(DAYS[NEWS].date(), [world.bars["XNYS"].sessions]),
        estimation=(-100, -11),
        reach=(0, 20),
        benchmark="SPY",
        home_sessions=ROWS,
    )
    subject = Subject(kind="asset", name="AAA", long=("AAA",))
    (one,) = study_subject(panel, [study_window(panel, (0, 1))], subject)
    assert isinstance(one, SubjectStudy)
    assert one.spanned_se == pytest.approx(one.se)  # two sessions, two spanned
