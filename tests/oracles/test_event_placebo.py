"""Placebo dates: each is that date's event study; ranks are counted by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from engine.evidence.event_beside import Beside, Models, beside
from engine.evidence.event_models import Modelling
from engine.evidence.event_placebo import (
    VOLATILITY_RATIO,
    VOLATILITY_SESSIONS,
    Placebo,
    placebo_cars,
    placebo_dates,
    placebo_ranks,
    rolling,
    subject_cars,
    subject_squares,
)
from engine.evidence.event_subjects import panel_of
from engine.evidence.windows import event_moment
from engine.market.market import Market
from tests.event_cases import DAYS, ESTIMATION, ZERO, closes, row, study, thesis, world
from tests.tolerances import IDENTITY

SYMBOLS = ["AAA", "BBB", "CCC", "HHH"]
#: The layers alpha and beta, and their contrast.
WEIGHTS = np.array([[0.5, 0.5, 0.0, 0.0], [0.0, 0.0, 0.5, 0.5], [0.5, 0.5, -0.5, -0.5]])


def prepared(market: Market) -> Beside:
    event = thesis().events[0]
    panel = panel_of(market, event, SYMBOLS, [(0, 40)], "SPY")
    moment = event_moment(event.at, [bars.sessions for bars in market.bars.values()])
    return beside(panel, moment, market.home.sessions, [], Models())


@pytest.mark.parametrize("window", [(0, 0), (0, 2), (2, 10), (1, 25)])
def test_every_placebo_date_is_the_event_study_of_that_date(
    window: tuple[int, int],
) -> None:
    """Another route: an event of its own on each date, through the whole study."""
    prices = closes()
    prices["XNYS"]["BBB"][90] = None
    market = world(prices)
    one = prepared(market)
    alpha = Modelling(benchmark="SPY").alpha(window[1] - window[0] + 1)
    cars = placebo_cars(one.panel, one.dates, one.models, window, alpha)
    subjects = subject_cars(cars, WEIGHTS)
    checked = 0
    for date in range(75, ZERO + ESTIMATION[1] - window[1] + 1, 4):
        alone = study(market, (window,), at=DAYS[date].date())
        for place, symbol in enumerate(SYMBOLS):
            found = alone.table[alone.table["subject"] == symbol]
            if len(found):
                wanted = found["car"].iloc[0]
                assert cars[date, place] == pytest.approx(wanted, abs=IDENTITY)
                checked += 1
            else:
                assert np.isnan(cars[date, place])
        for place, name in enumerate(("alpha", "beta", "alpha minus beta")):
            wanted = row(alone, name, window)["car"]
            assert subjects[date, place] == pytest.approx(wanted, abs=IDENTITY)
    assert checked > 10


def test_no_placebo_window_reaches_beyond_the_events_estimation_window() -> None:
    one = prepared(world(closes()))
    for window in ((0, 0), (2, 10)):
        cars = placebo_cars(one.panel, one.dates, one.models, window, "estimated")
        last = np.flatnonzero(np.isfinite(cars).any(axis=1)).max()
        assert last == ZERO + ESTIMATION[1] - window[1]


def test_a_date_before_sixty_returns_has_no_model() -> None:
    market = world(closes())
    one = prepared(market).panel.histories[0]
    found = rolling(one, Modelling(benchmark="SPY"), ESTIMATION)
    first = int(np.flatnonzero(np.isfinite(found.coefficients[:, 0]))[0])
    # rows 1 to 60 are its first sixty returns, and the window ends eleven rows before
    assert first == 60 - ESTIMATION[1]


def _dates(n: int, others: tuple[int, ...] = ()) -> Placebo:
    return Placebo(
        home=np.arange(n),
        zero=np.zeros((n, 1), dtype=np.int64),
        event_home=n,
        others=np.array(others, dtype=np.int64),
    )


def _squares(n: int, *, calm: int = 0) -> np.ndarray:
    """Running squares of a series of size 1, tripled in the first `calm` rows."""
    series = np.ones((n + 1, 1))
    series[:calm] = 3.0
    return subject_squares(series, np.ones((1, 1)))


def test_short_windows_are_ranked_among_all_dates_by_counting() -> None:
    rng = np.random.default_rng(4)
    found = rng.normal(size=(150, 1))
    found[:20] = np.nan
    own = np.array([1.5])
    (one,) = placebo_ranks(
        _dates(150), found, _squares(150), window=(0, 2), estimation_end=-11, own=own
    )
    beyond = sum(abs(value) >= 1.5 for value in found[20:, 0])
    assert one.n == 130
    assert one.p == pytest.approx((1 + beyond) / 131, abs=IDENTITY)


def test_dates_near_another_event_do_not_count_for_a_short_window() -> None:
    found, own = np.zeros((150, 1)), np.array([1.0])
    options = {"estimation_end": -11, "own": own}
    squares = _squares(150)
    plain, crowded = (
        placebo_ranks(dates, found, squares, window=(0, 2), **options)[0]
        for dates in (_dates(150), _dates(150, (100,)))
    )
    # day zeros 98 to 101: sessions -1 to 2 hold session 100
    assert plain.n - crowded.n == 4
    long = placebo_ranks(
        _dates(150, (100,)), found, squares, window=(2, 30), **options
    )[0]
    assert (
        long.n
        == placebo_ranks(_dates(150), found, squares, window=(2, 30), **options)[0].n
    )


def test_long_windows_are_ranked_among_dates_that_do_not_overlap() -> None:
    found = np.arange(150.0)[:, None]
    window = (2, 30)
    (one,) = placebo_ranks(
        _dates(150),
        found,
        _squares(150),
        window=window,
        estimation_end=-11,
        own=np.array([100.0]),
    )
    kept = list(range(149, -1, -29))  # from the latest back
    assert one.n == len(kept) == 6
    assert one.p == pytest.approx((1 + sum(day >= 100 for day in kept)) / 7)


def test_matched_dates_have_the_events_volatility() -> None:
    n, calm = 300, 150
    found, squares = np.zeros((n, 1)), _squares(n, calm=calm)
    (one,) = placebo_ranks(
        _dates(n), found, squares, window=(0, 0), estimation_end=-11, own=np.ones(1)
    )
    series = np.ones(n + 1)
    series[:calm] = 3.0
    near = 0
    for date in range(n):
        last = date - 11
        if last + 1 < VOLATILITY_SESSIONS:
            continue
        part = series[last + 1 - VOLATILITY_SESSIONS : last + 1]
        ratio = np.sqrt((part**2).mean())  # the event's is 1
        near += 1 / VOLATILITY_RATIO <= ratio <= VOLATILITY_RATIO
    assert one.n == n
    assert one.matched_n == near < n


def test_what_is_not_a_date_of_another_exchange_waits_for_it() -> None:
    """The hour is the event's: Hong Kong's day zero is the date's own session."""
    market = world(closes())
    one = prepared(market)
    dates = placebo_dates(
        one.panel,
        np.datetime64(DAYS[ZERO].date(), "ns"),
        market.home.sessions,
        [],
    )
    for column, history in enumerate(one.panel.histories):
        days = history.sessions.days[dates.zero[:, column]]
        assert list(days) == list(market.home.sessions.days[dates.home])


def test_the_table_has_the_ranks_and_the_future_does_not_change_them() -> None:
    prices = closes()
    later = closes()
    rng = np.random.default_rng(1)
    for held in later.values():
        for symbol, values in held.items():
            noise = [float(p) for p in rng.uniform(1, 500, len(values) - ZERO - 21)]
            held[symbol] = [*values[: ZERO + 21], *noise]
    plain, noisy = study(prices), study(later)
    pd.testing.assert_frame_equal(plain.table, noisy.table)
    found = row(plain, "alpha", (0, 0))
    assert 0.0 < found["placebo_p"] <= 1.0
    assert found["placebo_n"] > 30
