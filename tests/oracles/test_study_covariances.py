"""Every covariance method within a study: one estimate a decision, by slow routes.

The estimate that a study decides on is taken again by plain loops over its returns,
with layers from the universe and markets from the lines, and the optimum again by a
textbook formulation in cvxpy.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import cvxpy as cp
import numpy as np
import pandas as pd
import pytest

import engine
from engine.costs.charges import schedule_for
from engine.costs.model import cost_rates
from engine.market.calendar import calendar_of
from engine.portfolio import barbell
from engine.portfolio.covariance import shrink, shrink_to_identity
from engine.portfolio.results import Decision, Risk
from engine.portfolio.risk import estimate
from tests import desk
from tests.tolerances import SOLVER

#: Sessions from one monthly decision to the next.
PERIOD = 21
#: The desk with another company beside each of two.
SYMBOLS = (*desk.SYMBOLS, "AVGO", "BIDU")
METHODS = ("sample", "exponential", "ledoit_wolf", "oas", "layer_factors")


def study(
    folder: Path, monkeypatch: pytest.MonkeyPatch, more: str, change: desk.Change | None
) -> tuple[engine.StudyResult, list[Risk]]:
    """Return a study on the desk's files and every estimate that it made."""
    made: list[Risk] = []

    def recorded(*args: object) -> Risk:
        made.append(estimate(*args))
        return made[-1]

    monkeypatch.setattr(barbell, "estimate", recorded)
    text = desk.changed(("max_weight = 0.4", f"max_weight = 0.4\n{more}"))
    desk.write_desk(folder, text, SYMBOLS)
    if change is not None:
        change(folder / "prices")
    return engine.run(folder / "t.toml", prices=folder / "prices"), made


def slow(returns: pd.DataFrame, method: str, layer: Mapping[str, str]) -> np.ndarray:
    """Return a covariance by pandas and loops, before any lag is added."""
    seen = returns.notna().to_numpy()
    if method == "exponential":
        n, out = returns.shape[1], np.zeros((returns.shape[1],) * 2)
        weight = 0.5 ** (np.arange(len(returns))[::-1] / 63.0)
        x = returns.to_numpy()
        for i in range(n):
            for j in range(n):
                both = np.isfinite(x[:, i]) & np.isfinite(x[:, j])
                w = weight[both] / weight[both].sum()
                a, b = x[both, i], x[both, j]
                biased = w @ ((a - w @ a) * (b - w @ b))
                out[i, j] = biased / (1.0 - (w**2).sum())
        return out
    if method != "layer_factors":
        assert seen.sum() > 0
        return returns.cov().to_numpy()
    factor = returns.T.groupby(layer).mean().T
    slope = {
        name: returns[name].cov(factor[layer[name]]) / factor[layer[name]].var()
        for name in returns
    }
    among = factor.cov()
    return np.array(
        [
            [
                returns[a].var()
                if a == b
                else slope[a] * slope[b] * among.loc[layer[a], layer[b]]
                for b in returns
            ]
            for a in returns
        ]
    )


def with_later_news(
    sample: np.ndarray, returns: pd.DataFrame, market: Mapping[str, str]
) -> np.ndarray:
    """Return the covariance with what reaches another market one session later."""
    x, out = (returns - returns.mean()).to_numpy(), sample.copy()
    for i, a in enumerate(returns):
        for j, b in enumerate(returns):
            if market[a] == market[b]:
                continue
            for one, other in ((i, j), (j, i)):
                products = x[1:, one] * x[:-1, other]
                kept = products[np.isfinite(products)]
                out[i, j] += kept.sum() / (len(kept) - 1)
    return out


def expected(
    result: engine.StudyResult, decision: Decision, method: str, overlap: int
) -> pd.DataFrame:
    names = sorted(line.symbol for line in result.assets)
    known = result.market.known_at(decision.moment)
    returns = known.home.returns(last=252)[names]
    layer = {name: result.universe.layer_of(name) for name in names}
    market = {line.symbol: calendar_of(line.mic) for line in result.assets}
    sample = slow(returns, method, layer)
    if overlap == 2:
        sample = with_later_news(sample, returns, market)
    values = returns.to_numpy()
    seen = np.isfinite(values)
    if method == "ledoit_wolf":
        sample = shrink(values, seen, sample)[0]
    if method == "oas":
        common = seen.astype(float).T @ seen.astype(float)
        sample = shrink_to_identity(sample, float(common.mean()))[0]
    return pd.DataFrame(sample, index=names, columns=names)


def textbook(
    result: engine.StudyResult, decision: Decision, covariance: pd.DataFrame
) -> tuple[cp.Variable, float]:
    """Return the best weights under this covariance, and their value."""
    names, thesis = list(covariance.columns), result.thesis
    lines = sorted(result.assets, key=lambda line: line.symbol)
    buy, sell = (
        side.to_numpy()
        for side in cost_rates(
            lines,
            schedule_for(thesis.execution),
            thesis.execution,
            decision.session,
            base="USD",
        )
    )
    held = result.backtest.weights.loc[decision.session, names].to_numpy()
    sigma = np.sqrt(np.diag(covariance) * PERIOD)
    alpha = 0.03 * sigma * decision.scorecard.score[names].to_numpy()
    w, bought, sold = (cp.Variable(len(names), nonneg=True) for _ in range(3))
    paid = buy @ bought + sell @ sold
    rules = [w == held + bought - sold, w <= 0.4, 1 - cp.sum(w) - paid >= 0]
    for leg in thesis.barbell.values():
        inside = [result.universe.layer_of(name) in leg.layers for name in names]
        share = np.array(inside, dtype=float) @ w
        rules += [share >= leg.weight[0], share <= leg.weight[1]]
    risk = PERIOD * cp.quad_form(w, cp.psd_wrap(covariance.to_numpy()))
    problem = cp.Problem(cp.Maximize(alpha @ w - 2.5 * risk - paid), rules)
    return w, problem.solve(solver=cp.CLARABEL)


@pytest.mark.parametrize("overlap", [1, 2])
@pytest.mark.parametrize("method", METHODS)
def test_a_study_decides_on_the_method_it_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str, overlap: int
) -> None:
    more = f'covariance = "{method}"\noverlap = {overlap}'
    result, made = study(tmp_path, monkeypatch, more, None)
    assert len(made) == len(result.decisions)  # one for all paths, none made again
    for decision, risk in zip(result.decisions, made, strict=True):
        covariance = expected(result, decision, method, overlap)
        assert not risk.held_out
        np.testing.assert_allclose(
            risk.covariance.to_numpy(), covariance.to_numpy(), rtol=1e-8
        )
        weights, best = textbook(result, decision, covariance)
        ours = decision.weights[covariance.index].to_numpy()
        assert decision.objective == pytest.approx(best, abs=SOLVER / 100)
        assert ours == pytest.approx(weights.value, abs=1e-3)
    if overlap == 2:  # Seoul and New York are apart, two lines of New York are not
        plain = expected(result, result.decisions[-1], method, 1)
        last = made[-1].covariance
        moved = (last - plain).abs() > 1e-9
        assert moved.loc["000660.KS", "NVDA"]
        if method not in ("ledoit_wolf", "oas"):
            assert not moved.loc["GOOGL", "NVDA"]


def test_layers_matter_to_the_layer_factors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two names of one layer are not as if each had a layer of its own."""
    result, made = study(tmp_path, monkeypatch, 'covariance = "layer_factors"', None)
    names = list(made[-1].covariance.columns)
    known = result.market.known_at(result.decisions[-1].moment)
    alone = estimate(known.home.returns(last=252)[names], "layer_factors", 60)
    assert all(risk.by_layer for risk in made)
    assert ((made[-1].covariance - alone.covariance).abs() > 1e-7).any(axis=None)


def test_a_proxy_serves_the_decision_and_the_baseline_of_inverse_volatility(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A late listing has its layer's returns in both, not in the decision alone."""
    late = desk.between("2023-06-20", "2024-03-29", "BABA")
    result, made = study(tmp_path, monkeypatch, 'short_history = "proxy"', late)
    assert "BABA" in made[0].proxied
    assert len(made) == len(result.decisions)
    first = result.baselines["inverse volatility"].targets.iloc[0]
    parts = 1.0 / np.sqrt(np.diag(made[0].covariance))
    assert first[made[0].covariance.index].to_numpy() == pytest.approx(
        parts / parts.sum()
    )
    assert first["BABA"] > 0.0
    assert not [one for one in result.decisions[0].notes if "not bought" in one]
    (note,) = [one for one in result.decisions[0].notes if "risk by proxy" in one]
    assert "BABA" in note
