"""Every model of a normal return against statsmodels, asset by asset and as layers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm

from engine.errors import AssayError
from engine.thesis.model import Event
from tests.event_cases import (
    DAYS,
    ESTIMATION,
    ROWS,
    ZERO,
    Closes,
    closes,
    reason,
    row,
    study,
    thesis,
    world,
)
from tests.tolerances import IDENTITY

WINDOW = (0, 4)
LONG = (2, 30)


def prices() -> Closes:
    """The usual world with a second fund in New York."""
    made = closes()
    rng = np.random.default_rng(11)
    spy = _moves(made, "XNYS", "SPY")
    fund = 1.2 * spy + rng.normal(0.0, 0.006, len(spy))
    made["XNYS"]["SMH"] = [float(p) for p in 50.0 * np.cumprod(1.0 + fund)]
    return made


def _moves(made: Closes, mic: str, symbol: str, *, log: bool = False) -> np.ndarray:
    """Returns by row; the first row has none and is given 0."""
    price = np.array(made[mic][symbol], dtype=float)
    ratio = price[1:] / price[:-1]
    return np.concatenate([[0.0], np.log(ratio) if log else ratio - 1.0])


def _forecast(
    y: np.ndarray, x: np.ndarray, window: tuple[int, int], *, zero: bool
) -> tuple[float, float, float]:
    """CAR, its error and df by one regression and its covariance."""
    before = slice(ZERO + ESTIMATION[0], ZERO + ESTIMATION[1] + 1)
    inside = slice(ZERO + window[0], ZERO + window[1] + 1)
    design = np.column_stack([np.ones(len(y)), x])
    fit = sm.OLS(y[before], design[before]).fit()
    total = design[inside].sum(axis=0)
    length = total[0]
    covariance = fit.cov_params().copy()
    if zero:
        total[0] = 0.0
    car = y[inside].sum() - total @ fit.params
    error = np.sqrt(length * fit.scale + total @ covariance @ total)
    return float(car), float(error), float(fit.df_resid)


def _lag(x: np.ndarray) -> np.ndarray:
    return np.concatenate([[0.0], x[:-1]])


def _regressors(kind: str, made: Closes, *, log: bool) -> np.ndarray:
    spy, smh = (_moves(made, "XNYS", name, log=log) for name in ("SPY", "SMH"))
    return {
        "market": spy[:, None],
        "factors": np.column_stack([spy, smh]),
        "dimson": np.column_stack([spy, _lag(spy)]),
        "mean_adjusted": np.empty((ROWS, 0)),
        "market_adjusted": np.empty((ROWS, 0)),
    }[kind]


@pytest.mark.parametrize("returns", ["simple", "log"])
@pytest.mark.parametrize("window", [WINDOW, LONG])
@pytest.mark.parametrize(
    "kind", ["market", "factors", "dimson", "mean_adjusted", "market_adjusted"]
)
def test_a_model_is_its_regression(
    kind: str, window: tuple[int, int], returns: str
) -> None:
    """One asset, a layer in New York, and a layer's portfolio as one series."""
    made, log = prices(), returns == "log"
    options: dict[str, Any] = {"model": kind, "returns": returns}
    if kind == "factors":
        options["regressors"] = ["SMH"]
    found = study(made, (window,), **options)
    x = _regressors(kind, made, log=log)
    own = {s: _moves(made, "XNYS", s, log=log) for s in ("AAA", "BBB")}
    own["alpha"] = (own["AAA"] + own["BBB"]) / 2.0
    spy = _moves(made, "XNYS", "SPY", log=log)
    for name, y in own.items():
        if kind == "market_adjusted":
            y = y - spy
        zero = kind == "market_adjusted" or (kind != "mean_adjusted" and window == LONG)
        car, error, df = _forecast(y, x, window, zero=zero)
        one = row(found, name, window)
        assert one["car"] == pytest.approx(car, abs=IDENTITY)
        assert one["se"] == pytest.approx(error, abs=IDENTITY)
        assert one["df"] == df
        assert one["alpha"] == ("zero" if zero else "estimated")
        assert one["model"] == kind


def test_raw_and_held_returns_are_simple_whatever_the_model_takes() -> None:
    made = prices()
    simple, log = (study(made, (WINDOW,), returns=r) for r in ("simple", "log"))
    for name in ("AAA", "alpha", "alpha minus beta"):
        a, b = row(simple, name, WINDOW), row(log, name, WINDOW)
        assert a["return"] == pytest.approx(b["return"], abs=IDENTITY)
        assert a["car"] != b["car"]


def test_buy_and_hold_is_compounded_return_less_compounded_expectation() -> None:
    made = prices()
    found = study(made, (WINDOW,))
    spy = _moves(made, "XNYS", "SPY")
    before = slice(ZERO + ESTIMATION[0], ZERO + ESTIMATION[1] + 1)
    inside = slice(ZERO + WINDOW[0], ZERO + WINDOW[1] + 1)
    held = {}
    for name in ("AAA", "BBB"):
        y = _moves(made, "XNYS", name)
        slope, alpha = np.polyfit(spy[before], y[before], 1)
        expected = np.prod(1.0 + alpha + slope * spy[inside])
        held[name] = np.prod(1.0 + y[inside]) - expected
        assert row(found, name, WINDOW)["bhar"] == pytest.approx(
            held[name], abs=IDENTITY
        )
    wanted = (held["AAA"] + held["BBB"]) / 2.0
    assert row(found, "alpha", WINDOW)["bhar"] == pytest.approx(wanted, abs=IDENTITY)
    assert np.isnan(row(found, "alpha", WINDOW)["bhar_t"])  # two firms


def test_hong_kong_has_the_fund_of_the_session_before_too() -> None:
    found = study(prices(), (WINDOW,), model="factors", regressors=["SMH"])
    assert row(found, "HHH", WINDOW)["df"] == 90 - 5
    assert row(found, "AAA", WINDOW)["df"] == 90 - 3
    dimson = study(prices(), (WINDOW,), model="dimson")
    assert row(dimson, "HHH", WINDOW)["df"] == row(dimson, "AAA", WINDOW)["df"] == 87


def test_other_news_can_be_left_out_of_the_estimation() -> None:
    made = prices()
    news = DAYS[ZERO - 40].date()
    plain, spared = study(made, (WINDOW,)), study(made, (WINDOW,), avoid=[news])
    assert row(plain, "AAA", WINDOW)["df"] == 88
    assert row(spared, "AAA", WINDOW)["df"] == 86
    y, x = (_moves(made, "XNYS", name) for name in ("AAA", "SPY"))
    rows = np.arange(ZERO + ESTIMATION[0], ZERO + ESTIMATION[1] + 1)
    rows = rows[~np.isin(rows, (ZERO - 40, ZERO - 39))]
    fit = sm.OLS(y[rows], sm.add_constant(x[rows])).fit()
    inside = slice(ZERO + WINDOW[0], ZERO + WINDOW[1] + 1)
    total = np.array([5.0, x[inside].sum()])
    car = y[inside].sum() - total @ fit.params
    assert row(spared, "AAA", WINDOW)["car"] == pytest.approx(car, abs=IDENTITY)


def test_a_fund_that_is_studied_or_unknown_is_said() -> None:
    made = prices()
    found = study(made, (WINDOW,), model="factors", regressors=["CCC"])
    assert reason(found, "CCC") == "it is a regressor of the model"
    nothing = study(world(made), (WINDOW,), model="factors", regressors=["QQQ"])
    assert nothing.table.empty
    assert "no prices of the benchmark SPY, QQQ" in reason(nothing, "AAA")


@pytest.mark.parametrize(
    "keys",
    [{"model": "factors"}, {"model": "market", "regressors": ["SMH"]}],
)
def test_regressors_and_their_model_belong_together(keys: dict[str, Any]) -> None:
    given = thesis().events[0].model_dump() | keys
    with pytest.raises((AssayError, ValueError), match="belong together"):
        Event.model_validate(given)
