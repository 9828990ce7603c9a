"""Under no effect the tests reject as often as they say; the future does not matter."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtr

from engine.evidence.event_panel import event_panel
from engine.evidence.event_tests import (
    adjusted_bmp,
    adjusted_patell,
    bmp,
    cross_sectional_t,
    cumulative,
    market_model,
    patell,
)
from engine.evidence.events import panel_of
from engine.evidence.inference import sharpe_difference, two_sided_p
from engine.evidence.windows import event_moment, histories
from tests.event_cases import DAYS, ESTIMATION, ROWS, ZERO, closes, study, thesis, world

NOMINAL = 0.05


def _near_nominal(rejected: np.ndarray) -> bool:
    """Return whether a rejection rate lies within 3.5 Monte-Carlo errors of 5 %."""
    error = np.sqrt(NOMINAL * (1.0 - NOMINAL) / len(rejected))
    return bool(abs(rejected.mean() - NOMINAL) < 3.5 * error)


class Worlds:
    """Firms with correlated residuals and one common date, no effect, many times."""

    def __init__(self, worlds: int, firms: int, sessions: int, length: int) -> None:
        rng = np.random.default_rng(20250127)
        rows, rho = sessions + length, 0.2
        x = rng.normal(0.0, 0.01, (rows, worlds))
        common = rng.normal(size=(rows, worlds, 1))
        own = rng.normal(size=(rows, worlds, firms))
        spread = rng.uniform(0.01, 0.03, (worlds, firms))
        noise = (np.sqrt(rho) * common + np.sqrt(1.0 - rho) * own) * spread
        y = rng.uniform(0.5, 1.5, (worlds, firms)) * x[..., None] + noise
        self.shape = worlds, firms
        self.y, self.week = y[:sessions], y[sessions:]
        self.x, self.week_x = x[:sessions, :, None], x[sessions:, :, None]

    def portfolio(self, alpha: str) -> np.ndarray:
        """p of one equal-weight portfolio per world."""
        model = market_model(self.y.mean(axis=2), self.x)
        found = cumulative(model, self.week.mean(axis=2), self.week_x, alpha=alpha)
        return found.p

    def firms(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """CAR, SCAR, df and mean residual correlation by world."""
        flat = (-1, self.shape[0] * self.shape[1])
        each = np.repeat(self.x, self.shape[1], axis=1)
        each_week = np.repeat(self.week_x, self.shape[1], axis=1)
        model = market_model(self.y.reshape(flat), each)
        found = cumulative(model, self.week.reshape(flat), each_week)
        residuals = model.residuals.reshape(-1, *self.shape).transpose(1, 2, 0)
        scaled = residuals / residuals.std(axis=2, keepdims=True)
        matrix = scaled @ scaled.transpose(0, 2, 1) / residuals.shape[2]
        n = self.shape[1]
        r = (matrix.sum(axis=(1, 2)) - n) / (n * (n - 1))
        return (
            found.car.reshape(self.shape),
            found.scaled.reshape(self.shape),
            found.df.reshape(self.shape),
            r,
        )


@pytest.mark.parametrize("length", [1, 5, 119])
@pytest.mark.parametrize("alpha", ["estimated", "zero"])
def test_portfolio_test_rejects_at_its_level(length: int, alpha: str) -> None:
    """However long the window and however firms move together."""
    worlds = Worlds(2000, 4, 120, length)
    assert _near_nominal(worlds.portfolio(alpha) < NOMINAL)


def test_without_estimation_error_a_long_window_rejects_twice_as_often() -> None:
    """METHODS.md: AAR / (sd sqrt(L)) rejects 11.5 % at L = 119 of 240."""
    worlds = Worlds(2000, 1, 240, 119)
    model = market_model(worlds.y[..., 0], worlds.x)
    found = cumulative(model, worlds.week[..., 0], worlds.week_x)
    naive = found.car / np.sqrt(model.variance * 119)
    rate = (two_sided_p(naive, found.df) < NOMINAL).mean()
    assert 0.09 < rate < 0.14
    assert _near_nominal(found.p < NOMINAL)


def test_common_date_breaks_the_tests_that_assume_independence() -> None:
    """20 firms, residual correlation 0.2: about 37 % instead of 5 % (METHODS.md)."""
    worlds = Worlds(1000, 20, 200, 1)
    car, scaled, df, r = worlds.firms()
    n = scaled.shape[1]
    broken = {
        "cross-sectional": two_sided_p(cross_sectional_t(car), n - 1),
        "patell": 2.0 * ndtr(-np.abs(patell(scaled, df))),
        "bmp": two_sided_p(bmp(scaled), n - 1),
    }
    for name, p in broken.items():
        assert 0.30 < (p < NOMINAL).mean() < 0.45, name
    adjusted = {
        "bmp": two_sided_p(adjusted_bmp(scaled, r), n - 1),
        "patell": 2.0 * ndtr(-np.abs(adjusted_patell(scaled, df, r))),
        "portfolio": worlds.portfolio("estimated"),
    }
    for name, p in adjusted.items():
        assert _near_nominal(p < NOMINAL), (name, (p < NOMINAL).mean())


def test_a_planted_effect_of_the_detectable_size_is_found_four_times_in_five() -> None:
    from engine.evidence.inference import detectable_effect

    worlds = Worlds(2000, 4, 120, 5)
    model = market_model(worlds.y.mean(axis=2), worlds.x)
    found = cumulative(model, worlds.week.mean(axis=2), worlds.week_x)
    true = np.array([detectable_effect(se, 118.0) for se in found.se])
    p = two_sided_p((found.car + true) / found.se, found.df)
    assert (p < NOMINAL).mean() == pytest.approx(0.8, abs=0.03)


def test_sharpe_difference_rejects_near_its_level() -> None:
    """Equal true ratios, correlated fat-tailed paths of one year."""
    rng = np.random.default_rng(3)
    rejected = []
    for _ in range(600):
        common = rng.standard_t(5, 250)
        a, b = (0.05 + common + rng.standard_t(5, 250) for _ in range(2))
        rejected.append(sharpe_difference(a, b).p < NOMINAL)
    # liberal by a little in a short sample, as HAC inference is
    assert 0.03 < np.mean(rejected) < 0.09


def _noise_after(row: int) -> Callable[[list[float | None]], list[float | None]]:
    rng = np.random.default_rng(99)

    def change(prices: list[float | None]) -> list[float | None]:
        later: list[float | None] = [float(p) for p in rng.uniform(1, 500, ROWS - row)]
        for gap in rng.integers(0, ROWS - row, 5):
            later[int(gap)] = None
        return [*prices[:row], *later]

    return change


def _with_future(row: int) -> dict[str, dict[str, list[float | None]]]:
    change = _noise_after(row)
    return {
        mic: {symbol: change(prices) for symbol, prices in held.items()}
        for mic, held in closes().items()
    }


def test_what_follows_the_estimation_window_does_not_change_the_model() -> None:
    end = ZERO + ESTIMATION[1] + 1
    event = thesis().events[0]
    symbols = ["AAA", "BBB", "CCC", "HHH"]
    plain, noisy, cut = (
        panel_of(where, event, symbols, [(0, 0)], "SPY").model
        for where in (
            world(closes()),
            world(_with_future(end)),
            world(
                {
                    mic: {
                        s: [*p[:end], *[None] * (ROWS - end)] for s, p in held.items()
                    }
                    for mic, held in closes().items()
                }
            ),
        )
    )
    for other in (noisy, cut):
        assert (other.coefficients == plain.coefficients).all()
        assert (other.variance == plain.variance).all()
        assert (other.inverse == plain.inverse).all()


def test_what_follows_the_last_window_changes_nothing() -> None:
    end = ZERO + 21
    plain, noisy = study(closes()), study(_with_future(end))
    pd.testing.assert_frame_equal(plain.table, noisy.table)
    pd.testing.assert_frame_equal(plain.paths["news"], noisy.paths["news"])
    assert noisy.left_out.empty


def test_order_of_assets_and_units_do_not_change_the_answer() -> None:
    prices = closes()
    scaled = {
        mic: {s: [p and p * 37.5 for p in column] for s, column in held.items()}
        for mic, held in reversed(prices.items())
    }
    keys = ["subject", "window"]
    plain, other = (
        study(one).table.set_index(keys).sort_index() for one in (prices, scaled)
    )
    numbers = ["return", "car", "se", "t", "p", "car_other", "adjusted_bmp"]
    pd.testing.assert_frame_equal(plain[numbers], other[numbers], rtol=1e-9)


def test_a_panel_does_not_depend_on_who_else_is_in_it() -> None:
    where, event = world(closes()), thesis().events[0]
    known = histories(where, ["AAA", "BBB", "CCC", "HHH"], "SPY")
    assert known is not None
    moment = event_moment(event.at, [bars.sessions for bars in where.bars.values()])
    models = [
        event_panel(
            known,
            symbols,
            moment=moment,
            estimation=ESTIMATION,
            reach=(0, 20),
            benchmark="SPY",
            home_sessions=len(DAYS),
        )
        for symbols in (["HHH", "AAA"], ["AAA", "BBB", "CCC", "HHH"])
    ]
    for symbol in ("AAA", "HHH"):
        alone, among = (m.model.coefficients[m.columns([symbol])[0]] for m in models)
        assert alone == pytest.approx(among, abs=1e-15)
