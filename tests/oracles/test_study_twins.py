"""Performance, baselines and event windows of the flagship, computed a second time."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from engine.ledger.backtest import Backtest
from engine.portfolio.barbell import estimate_risk
from engine.study import measure_performance
from engine.study_inputs import StudyInputs
from engine.study_paths import BARBELL
from engine.study_result import StudyResult
from tests.flagship import Record
from tests.tolerances import IDENTITY


def paths(study: StudyResult) -> dict[str, Backtest]:
    return {BARBELL: study.backtest, **study.baselines}


def assert_performance(table: pd.DataFrame, navs: dict[str, pd.Series]) -> None:
    """The rows of one sample are those of these NAVs, 0 risk-free."""
    spy = navs["SPY"].pct_change().dropna()
    for row in table.itertuples():
        nav = navs[row.path]
        r = nav.pct_change().dropna()
        years = len(r) / 252
        growth = nav.iloc[-1] / nav.iloc[0]
        covariance = np.cov(r, spy)
        expected = {
            "n": len(r),
            "total_return": growth - 1.0,
            "cagr": growth ** (1 / years) - 1.0,
            "volatility": r.std() * np.sqrt(252),
            "sharpe": r.mean() / r.std() * np.sqrt(252),
            "sortino": r.mean() * np.sqrt(252) / np.sqrt((r.clip(upper=0) ** 2).mean()),
            "max_drawdown": (nav / nav.cummax() - 1.0).min(),
            "value_at_risk": np.percentile(r, 5),
            "hit_rate": (r > 0).mean(),
            "beta": covariance[0, 1] / covariance[1, 1],
            "tracking_error": (r - spy).std() * np.sqrt(252),
        }
        slope = expected["beta"]
        expected["alpha"] = 252 * (r.mean() - slope * spy.mean())
        for name, value in expected.items():
            assert getattr(row, name) == pytest.approx(value, abs=IDENTITY), name
        for name in ("cagr", "sharpe", "volatility", "beta"):
            low, high = getattr(row, f"{name}_low"), getattr(row, f"{name}_high")
            assert low <= getattr(row, name) <= high, (row.path, name)


def test_the_performance_table_is_that_of_the_navs(study: StudyResult) -> None:
    table = study.performance
    assert set(table["sample"]) == {"all"}  # declared after the study's end
    assert list(table["path"]) == list(paths(study))
    assert_performance(table, {name: one.nav for name, one in paths(study).items()})


@pytest.mark.xdist_group("sample")
def test_the_samples_of_performance_meet_at_the_declaration(
    sample_study: StudyResult,
) -> None:
    day = pd.Timestamp("2025-03-03")
    thesis = sample_study.thesis
    about = thesis.about.model_copy(update={"declared": day.date()})
    inputs = StudyInputs(
        thesis=thesis.model_copy(update={"about": about}),
        universe=sample_study.universe,
        market=sample_study.market,
        assets=sample_study.assets,
        factors=(),
    )
    some = {name: paths(sample_study)[name] for name in (BARBELL, "SPY")}
    table = measure_performance(inputs, some)
    assert table["sample"].unique().tolist() == ["all", "in-sample", "out-of-sample"]
    for sample, rows in table.groupby("sample"):
        navs = {}
        for name, path in some.items():
            before = path.nav[path.nav.index < day]
            # the return of the day of declaration is the first out-of-sample
            after = path.nav.iloc[len(before) - 1 :]
            navs[name] = {"in-sample": before, "out-of-sample": after}.get(
                str(sample), path.nav
            )
        assert_performance(rows, navs)


def test_benchmarks_are_bought_once_and_held(
    study: StudyResult, record: Record
) -> None:
    """All cash at the first close; bought at the second, at a cost; then its growth."""
    for name in ("SPY", "SMH"):
        price = pd.Series(record.closes[name].to_numpy(), index=record.days[name])
        nav = study.baselines[name].nav
        capital = study.thesis.execution.capital
        slippage = study.thesis.execution.slippage_bps * 1e-4
        bought = price[nav.index[1]] * (1.0 + slippage)
        expected = capital * price[nav.index[1:]] / bought
        assert nav.iloc[0] == capital
        assert nav.iloc[1:].to_numpy() == pytest.approx(expected.to_numpy(), rel=1e-9)


def test_baselines_follow_the_barbells_own_weights(study: StudyResult) -> None:
    """Legs alone: the barbell's weights of the leg, scaled to 1. Equal weight: 1/n."""
    targets = study.backtest.targets
    layer = {line.symbol: study.universe.layer_of(line.symbol) for line in study.assets}
    for name, leg in study.thesis.barbell.items():
        inside = [s for s in targets if layer[s] in leg.layers]
        alone = study.baselines[f"{name} alone"].targets.reindex(
            columns=targets.columns
        )
        alone = alone.fillna(0.0)
        total = targets[inside].sum(axis=1)
        assert (alone.drop(columns=inside) == 0.0).all(axis=None)
        some = total > 1e-9
        scaled = targets.loc[some, inside].div(total[some], axis=0)
        assert (alone.loc[some, inside] - scaled).abs().max(axis=None) <= IDENTITY
        assert (alone.loc[~some] == 0.0).all(axis=None)
    equal = study.baselines["equal weight"].targets
    assert equal.index.equals(targets.index)
    for day, weights in equal.iterrows():
        held = weights[weights > 0]
        assert held.sum() == pytest.approx(1.0, abs=IDENTITY), day
        assert held.max() == pytest.approx(held.min(), abs=IDENTITY), day
        priced = study.backtest.price.loc[day].notna().sum()
        assert len(held) == priced, day


def test_inverse_volatility_evens_out_what_each_asset_moves(
    study: StudyResult,
) -> None:
    """Weight x volatility is alike, the volatility estimated anew from known prices."""
    targets = study.baselines["inverse volatility"].targets
    assert targets.index.equals(study.backtest.targets.index)
    symbols = pd.Index(sorted(targets.columns))
    for decision in study.decisions[:: max(len(study.decisions) // 5, 1)]:
        risk = estimate_risk(
            study.market.known_at(decision.moment), symbols, study.thesis.portfolio
        )
        sigma = np.sqrt(np.diag(risk.covariance))
        held = targets.loc[decision.session]
        assert held.sum() == pytest.approx(1.0, abs=IDENTITY)
        weights = held[risk.covariance.index]
        moved = (weights * sigma)[weights > 0]
        assert len(moved) > 10
        assert moved.to_numpy() == pytest.approx(moved.mean(), rel=IDENTITY)
        assert (held.drop(risk.covariance.index) == 0.0).all()


def test_the_anti_thesis_swaps_the_budgets(study: StudyResult) -> None:
    targets = study.baselines["anti-thesis"].targets
    layer = {line.symbol: study.universe.layer_of(line.symbol) for line in study.assets}
    sums = {
        name: targets[[s for s in targets if layer[s] in leg.layers]].sum(axis=1)
        for name, leg in study.thesis.barbell.items()
    }
    assert (sums["infrastructure"] <= 0.05 + 1e-6).all()
    assert (sums["distribution"] <= 0.05 + 1e-6).all()
    assert sums["middle"].between(0.80 - 1e-6, 1.0 + 1e-6).all()


def test_the_window_about_an_event_is_a_fresh_account(
    study: StudyResult, record: Record
) -> None:
    """SPY by hand in each window; growth, drawdown and costs of every path add up."""
    price = pd.Series(record.closes["SPY"].to_numpy(), index=record.days["SPY"])
    paid = 1.0 + study.thesis.execution.slippage_bps * 1e-4
    assert len(study.around) >= 10
    table = study.events.table
    for event, window in study.around.items():
        nav, summary = window.nav, window.summary.set_index("path")
        of_nvidia = (table["event"] == event) & (table["subject"] == "NVDA")
        place = price.index.get_loc(table.loc[of_nvidia, "day_zero"].iloc[0])
        own = price.iloc[place + nav.index[0] : place + nav.index[-1] + 1]
        assert own.index[-1] <= study.backtest.nav.index[-1]
        expected = own.iloc[1:] / (own.iloc[1] * paid)
        assert nav["SPY"].iloc[1:].to_numpy() == pytest.approx(
            expected.to_numpy(), rel=1e-9
        )
        assert (nav.iloc[0] == 1.0).all()
        eve = nav.loc[-1]
        for path in nav:
            told = summary.loc[path]
            assert told["total_return"] == pytest.approx(nav[path].iloc[-1] - 1.0)
            assert told["before"] == pytest.approx(eve[path] - 1.0)
            assert told["since"] == pytest.approx(nav[path].iloc[-1] / eve[path] - 1.0)
            worst = (nav[path] / nav[path].cummax() - 1.0).min()
            assert told["max_drawdown"] == pytest.approx(worst)
            assert 0.0 < told["costs"] < 0.01
