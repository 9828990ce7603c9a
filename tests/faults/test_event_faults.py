"""Events that cannot be studied: each is a row with its reason, none is a surprise."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from engine.evidence.event_battery import TESTS
from engine.evidence.events import study_events
from engine.evidence.results import EventStudy
from tests.event_cases import (
    DAYS,
    ESTIMATION,
    ROWS,
    ZERO,
    Closes,
    closes,
    jump,
    reason,
    row,
    study,
    thesis,
    universe,
    world,
)
from tests.tolerances import IDENTITY

WINDOWS = ((0, 0), (2, 20))


def nothing_found(found: EventStudy, *, subjects: int) -> None:
    assert found.table.empty
    assert len(found.left_out["subject"].unique()) == subjects
    assert (found.left_out["reason"] != "").all()
    assert found.recovery.empty


def test_an_event_before_the_data() -> None:
    found = study(closes(), WINDOWS, at=dt.date(2015, 6, 1))
    nothing_found(found, subjects=7)
    assert "returns beside SPY in the estimation window" in reason(found, "AAA")


def test_an_event_after_the_data() -> None:
    found = study(closes(), WINDOWS, at=dt.date(2035, 6, 1))
    nothing_found(found, subjects=7)
    assert "no session could react before the data end" in reason(found, "alpha")


def test_an_event_on_the_first_and_on_the_last_session() -> None:
    nothing_found(study(closes(), WINDOWS, at=DAYS[0].date()), subjects=7)
    last = study(closes(), WINDOWS, at=DAYS[ROWS - 1].date())
    assert set(last.table["window"]) == {(0, 0)}
    assert "after the data" in reason(last, "alpha", (2, 20))
    assert last.recovery.empty


def test_an_estimation_window_too_short_for_a_model() -> None:
    found = study(closes(), WINDOWS, estimation=(-50, -11))
    nothing_found(found, subjects=7)
    assert "40 returns beside SPY" in reason(found, "AAA")
    assert "60 needed" in reason(found, "alpha")


def test_one_asset_in_a_layer_is_that_asset() -> None:
    prices = closes()
    del prices["XNYS"]["BBB"]
    found = study(prices, WINDOWS)
    layer, alone = (row(found, name, (0, 0)) for name in ("alpha", "AAA"))
    for name in ("car", "se", "t", "p", "df", "rank", "placebo_p", "bhar"):
        assert layer[name] == pytest.approx(alone[name], abs=IDENTITY), name
    assert layer["n"] == 1
    for name in ("adjusted_bmp_p", "bmp_p", "cross_sectional_p", "grank_p", "bhar_t"):
        assert np.isnan(layer[name]), name
    assert "1 of 2 members" in layer["note"] or layer["note"] == ""


def test_nobody_traded_on_day_zero() -> None:
    prices = closes()
    for held in prices.values():
        for symbol in held:
            if symbol != "SPY":
                held[symbol][ZERO] = None
    found = study(prices, ((0, 0), (2, 20)))
    assert set(found.table["window"]) == {(2, 20)}
    assert "no price on" in reason(found, "AAA", (0, 0))
    assert "no price on" in reason(found, "alpha", (0, 0))
    assert np.isfinite(found.table["p"]).all()


def test_the_benchmark_did_not_trade_on_day_zero() -> None:
    prices = closes()
    prices["XNYS"]["SPY"][ZERO] = None
    found = study(prices, WINDOWS)
    assert "SPY has no price beside the session" in reason(found, "AAA", (0, 0))


def test_the_benchmark_is_one_of_the_assets() -> None:
    found = study(closes(), WINDOWS, benchmark="CCC")
    assert reason(found, "CCC") == "it is the benchmark of the market model"
    assert row(found, "beta", (0, 0))["n"] == 1
    assert row(found, "alpha", (0, 0))["benchmark"] == "CCC"


def test_a_contrast_with_itself_and_with_nobody() -> None:
    found = study(
        closes(), WINDOWS, contrasts=[("alpha", "alpha"), ("alpha", "nobody")]
    )
    assert "would be on both sides" in reason(found, "alpha minus alpha", (0, 0))
    assert (
        reason(found, "alpha minus nobody") == "no asset of that layer, leg or basket"
    )


@pytest.mark.parametrize("kind", ["never moves", "repeats the benchmark"])
def test_an_asset_without_a_return_of_its_own(kind: str) -> None:
    """Its residuals are rounding: a t of them would be any number."""
    prices = closes()
    spy = [float(p or 0.0) for p in prices["XNYS"]["SPY"]]
    flat = kind == "never moves"
    prices["XNYS"]["CCC"] = [50.0] * ROWS if flat else [2.0 * p for p in spy]
    found = study(prices, WINDOWS)
    said = "its returns do not differ from a multiple of SPY in the estimation window"
    assert reason(found, "CCC") == said
    one = row(found, "beta", (0, 0))
    assert one["n"] == 1
    assert np.isfinite(one["p"])
    assert "1 of 2 members" in one["note"]


def test_a_benchmark_that_never_moved() -> None:
    prices = closes()
    prices["XNYS"]["SPY"] = [400.0] * ROWS
    found = study(prices, WINDOWS)
    assert found.table.empty
    assert reason(found, "AAA") == "SPY does not move in the estimation window"


def test_a_planted_jump_in_every_asset_is_no_division_by_zero() -> None:
    """Equal SCARs have no cross-section: the tests that need one say nothing."""
    prices = closes()
    prices["XNYS"]["BBB"] = list(prices["XNYS"]["AAA"])
    prices["XNYS"] = {
        s: jump(p, ZERO, 0.2) if s != "SPY" else p for s, p in prices["XNYS"].items()
    }
    found = row(study(prices, WINDOWS), "alpha", (0, 0))
    assert found["p"] < 1e-6
    for test in ("bmp", "adjusted_bmp", "cross_sectional", "grank"):
        assert np.isnan(found[test]) or abs(found[test]) > 1e3, test


def test_no_test_is_finite_without_its_p() -> None:
    table = study(closes(), WINDOWS).table
    for test in TESTS:
        assert (table[test].notna() == table[f"{test}_p"].notna()).all(), test
        known = table[f"{test}_p"].dropna()
        assert known.between(0.0, 1.0).all()


def _thin(prices: Closes) -> Closes:
    """Every second bar of Hong Kong is missing."""
    prices["XHKG"]["HHH"] = [
        p if place % 2 else None for place, p in enumerate(prices["XHKG"]["HHH"])
    ]
    return prices


def test_a_line_that_trades_every_other_day_is_left_out_and_said() -> None:
    found = study(_thin(closes()), WINDOWS)
    assert "45 returns beside SPY" in reason(found, "HHH")
    assert "1 of 2 members" in row(found, "beta", (0, 0))["note"]


def test_a_study_without_events_or_assets() -> None:
    known, market = universe(), world(closes())
    about = thesis().model_copy(update={"events": ()})
    assert study_events(market, about, known, list(known.lines.values())).table.empty
    nobody = study_events(market, thesis(), known, [])
    assert nobody.table.empty
    assert ESTIMATION[1] < 0
