"""Event studies that can be checked by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from engine.evidence.event_panel import study_window
from engine.evidence.event_portfolio import portfolio_cumulative, portfolio_of
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
from tests.event_cases import (
    DAYS,
    ESTIMATION,
    LAYERS,
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
from tests.tolerances import IDENTITY


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
    # of CCC and HHH, the one with more regressors
    assert row(found, "beta", (0, 0))["df"] == returns - 3


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


def test_a_layer_is_the_mean_of_its_members_and_a_contrast_their_difference() -> None:
    found = study(closes(), ((0, 1), (2, 30)))
    for window in ((0, 1), (2, 30)):
        car = {name: row(found, name, window)["car"] for name in LAYERS}
        alpha, beta = (row(found, layer, window) for layer in ("alpha", "beta"))
        both = row(found, "alpha minus beta", window)
        assert alpha["car"] == pytest.approx((car["AAA"] + car["BBB"]) / 2)
        assert beta["car"] == pytest.approx((car["CCC"] + car["HHH"]) / 2)
        for column in ("car", "car_other", "return"):
            difference = alpha[column] - beta[column]
            assert both[column] == pytest.approx(difference, abs=IDENTITY)
        assert both["n"] == 4
        # independent firms: the variances add
        assert both["se"] == pytest.approx(np.hypot(alpha["se"], beta["se"]), rel=0.15)


def test_a_layer_of_one_exchange_is_the_regression_of_its_mean_return() -> None:
    """METHODS.md: its return series as a single asset, by statsmodels."""
    prices = closes()
    found = study(prices)
    panel = pd.DataFrame(prices["XNYS"]).pct_change(fill_method=None)
    layer, market_return = panel[["AAA", "BBB"]].mean(axis=1), panel["SPY"]
    inside = slice(ZERO + ESTIMATION[0], ZERO + ESTIMATION[1])
    before = sm.add_constant(market_return.loc[inside])
    ols = sm.OLS(layer.loc[inside], before).fit()
    drift = slice(ZERO + 2, ZERO + 20)
    x = np.array([19.0, market_return.loc[drift].sum()])
    car = layer.loc[drift].sum() - x @ ols.params.to_numpy()
    error = np.sqrt(19 * ols.scale + x @ ols.cov_params().to_numpy() @ x)
    wanted = row(found, "alpha", (2, 20))
    assert wanted["car"] == pytest.approx(car, abs=IDENTITY)
    assert wanted["se"] == pytest.approx(error, abs=IDENTITY)
    assert wanted["df"] == ols.df_resid


def test_error_of_a_mixed_portfolio_by_hand() -> None:
    """Each coefficient error as a sum over dates, h(t) e(t), and their covariances."""
    prices = closes()
    prices["XHKG"]["HHH"][77] = None
    event = thesis().events[0]
    panel = panel_of(world(prices), event, ["BBB", "HHH"], [(2, 20)], "SPY")
    one = portfolio_of(panel, [0], [1])
    found = portfolio_cumulative(panel, one, (2, 20), "estimated")
    rows, inside = panel.rows((2, 20)), panel.rows(ESTIMATION)
    before: list[dict[int, tuple[float, float]]] = []
    for firm, k in ((0, 1), (1, 2)):
        x = np.column_stack([np.ones(90), panel.regressors[inside, firm, :k]])
        total = np.array([19.0, *panel.regressors[rows, firm, :k].sum(axis=0)])
        seen = np.isfinite(panel.returns[inside, firm])
        fit = sm.OLS(panel.returns[inside, firm][seen], x[seen]).fit()
        h = x[seen] @ np.linalg.inv(x[seen].T @ x[seen]) @ total
        # no holidays here: the same row is the same date
        at = np.flatnonzero(seen)
        before.append(dict(zip(at, zip(h, fit.resid, strict=True), strict=True)))
    variance = 0.0
    for i, wi in ((0, 1.0), (1, -1.0)):
        for j, wj in ((0, 1.0), (1, -1.0)):
            dates = sorted(set(before[i]) & set(before[j]))
            (hi, ei), (hj, ej) = (
                np.array([before[f][d] for d in dates]).T for f in (i, j)
            )
            covariance = ei @ ej / (len(dates) - (i + j + 2) / 2 - 1)
            variance += wi * wj * covariance * (19.0 + hi @ hj)
    difference = panel.dated.residuals @ np.array([1.0, -1.0])
    carried = max(float(np.nanmean(difference[1:] * difference[:-1])), 0.0)
    expected = np.sqrt(variance + 2 * 18 * carried)
    assert found.se[-1] == pytest.approx(expected, abs=IDENTITY)
    assert one.count == 89


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
    assert row(found, "alpha", (0, 0))["df"] == 90 - 2
    assert row(found, "alpha minus HHH", (0, 0))["df"] == 89 - 3


def test_firms_of_two_exchanges_meet_by_date_though_holidays_differ() -> None:
    """The same own news on the same dates: two firms are no surer than one.

    Counted in own sessions the two would drift apart at every holiday, look
    independent, and halve the variance.
    """
    prices = closes()
    spy, ccc = (np.array(prices["XNYS"][s], dtype=float) for s in ("SPY", "CCC"))
    prices["XHKG"]["HHH"] = [float(p) for p in ccc]
    where = world(
        prices,
        hours={"XHKG": ("14:30", "21:00")},
        closed={"XHKG": [30, 45, 46, 60, 75, 90, 100]},
    )
    found = study(where)
    for window in ((0, 0), (2, 20)):
        one, both = row(found, "CCC", window), row(found, "beta", window)
        assert both["se"] == pytest.approx(one["se"], rel=0.05)
    assert len(spy) == ROWS


def test_news_that_reaches_the_other_exchange_a_day_later_is_counted() -> None:
    """Half of e(t) and half of e(t - 1): over 19 sessions they vary like e itself."""
    prices = closes()
    spy, ccc = (np.array(prices["XNYS"][s], dtype=float) for s in ("SPY", "CCC"))
    moves = np.diff(np.log(ccc)) - 0.5 * np.diff(np.log(spy))
    echo = 100.0 * np.exp(np.concatenate([[0.0, 0.0], np.cumsum(moves[:-1])]))
    prices["XHKG"]["HHH"] = [float(p) for p in echo]
    found = study(prices)
    one, both = row(found, "CCC", (2, 20)), row(found, "beta", (2, 20))
    assert both["se"] == pytest.approx(one["se"], rel=0.10)
    one, both = row(found, "CCC", (0, 0)), row(found, "beta", (0, 0))
    assert both["se"] == pytest.approx(one["se"] / np.sqrt(2.0), rel=0.10)


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
