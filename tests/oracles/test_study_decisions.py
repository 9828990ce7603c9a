"""Decisions of the flagship again: scores, alpha and weights by slow, plain routes.

Scores from raw observations and price files; returns from marks and rates at home
closes; the optimum from a textbook formulation in cvxpy. Only the covariance estimator
is the engine's own (tests/unit/test_risk.py holds it to other people's numbers).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import cvxpy as cp
import numpy as np
import pandas as pd
import pytest

from engine.market.listing import Line
from engine.portfolio.results import Decision, Risk
from engine.portfolio.risk import estimate
from engine.sources.sample.signals import SampleSignals
from engine.study_result import StudyResult
from engine.thesis.model import Execution
from tests import factor_twins as twin
from tests.flagship import Record
from tests.tax_table import rate_on
from tests.tolerances import IDENTITY, SOLVER

HALF_LIFE_DAYS = 90.0
#: Sessions from one monthly decision to the next, and in the risk window.
PERIOD, WINDOW = 21, 252
#: The series behind each role on real files; the sample world calls its own sample_*.
REAL_SERIES = {
    "token_share": "cn_token_share_openrouter_top9",
    "vendor_share": "token_share_openrouter_top9",
    "tokens": "tokens_per_week_openrouter_top9",
    "capex": "capex_quarterly",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Moment:
    """One decision, with all that a reader needs to take it again."""

    study: StudyResult
    record: Record
    observations: pd.DataFrame
    simulated: bool
    decision: Decision

    @property
    def at(self) -> pd.Timestamp:
        return pd.Timestamp(self.decision.moment)

    @property
    def first(self) -> bool:
        return self.decision is self.study.decisions[0]

    def signal(self, role: str) -> twin.Read:
        series = f"sample_{role}" if self.simulated else REAL_SERIES.get(role, "")
        return twin.read(self.observations, series, self.at)


MOMENTS = [
    # the first one, a plain one, the labs just listed, the labs with a past
    *(
        pytest.param(("sample", day), marks=pytest.mark.xdist_group("sample"))
        for day in ("2023-01-03", "2024-06-28", "2026-02-27", "2026-05-29")
    ),
    # no signal yet, capex alone, the event's own day, nearly every factor
    *(
        pytest.param(
            ("real", day), marks=[pytest.mark.shared, pytest.mark.xdist_group("real")]
        )
        for day in ("2023-01-03", "2024-06-28", "2025-01-27", "2025-09-30")
    ),
]


@pytest.fixture
def moment(request: pytest.FixtureRequest) -> Moment:
    world, day = request.param
    study: StudyResult = request.getfixturevalue(f"{world}_study")
    if world == "sample":
        table = SampleSignals().load(study.universe).signals.observations
    else:
        shared = request.getfixturevalue("shared")
        file = shared / "signals" / "long" / "observations.csv"
        table = pd.read_csv(file, parse_dates=["value_date"])
        known = pd.to_datetime(table["known_at"], utc=True).dt.tz_convert(None)
        table = table.assign(known_at=known)
    (decision,) = [one for one in study.decisions if str(one.session.date()) == day]
    return Moment(
        study=study,
        record=request.getfixturevalue(f"{world}_record"),
        observations=table,
        simulated=world == "sample",
        decision=decision,
    )


def faded(value: float, known: pd.Timestamp, now: pd.Timestamp) -> float:
    age = (now - known) / pd.Timedelta(days=1)
    return value * 0.5 ** (age / HALF_LIFE_DAYS)


def state_effects(at: Moment) -> dict[str, dict[str, float]]:
    """What each state factor that can speak says of each asset."""
    tokens, vendors = at.signal("tokens"), at.signal("vendor_share")
    dollars = at.signal("dollar_share")
    pasts = {
        "token_share_momentum": twin.share_momentum(at.signal("token_share"), 4),
        "token_growth": twin.token_growth(tokens, 13),
        "capex_growth": twin.capex_growth(at.signal("capex")),
        "price_decay": twin.price_decay(at.signal("price_per_mtok"), 26),
        "dollar_token_gap": twin.dollar_token_gap(dollars, vendors),
        "usage_concentration": twin.concentration(vendors),
    }
    exposure = {one.name: one.exposure or {} for one in at.study.thesis.factors}
    entities = at.study.universe.entities
    effects = {}
    for name, past in pasts.items():
        latest = twin.standardised(past)
        if latest is None:
            continue
        strength = faded(latest, past[-1][1], at.at)
        effects[name] = {
            line.symbol: strength
            * sum(
                share * exposure[name].get(layer, 0.0)
                for layer, share in entities[line.entity].exposure().items()
            )
            for line in at.study.assets
        }
    return effects


def asset_effects(at: Moment) -> dict[str, dict[str, float]]:
    """What each asset factor that can speak says of each asset."""
    own = {
        line.symbol: found
        for line in at.study.assets
        if (found := twin.own_prices(line, at.record, at.at))
    }
    vendors = at.signal("vendor_share")
    entity = {line.symbol: line.entity for line in at.study.assets}
    last = {
        symbol: list(vendors[entity[symbol]].values())[-1]
        for symbol in own
        if entity[symbol] in vendors
    }
    values = {
        "vendor_share": last,
        "price_momentum": {s: (twin.momentum(o), o.known) for s, o in own.items()},
        "volatility": {s: (twin.calmness(o), o.known) for s, o in own.items()},
    }
    effects = {}
    for name, told in values.items():
        known = {s: one for s, one in told.items() if np.isfinite(one[0])}
        ranks = twin.ranked({s: value for s, (value, _) in known.items()})
        if ranks:
            effects[name] = {s: faded(r, known[s][1], at.at) for s, r in ranks.items()}
    return effects


@pytest.mark.parametrize("moment", MOMENTS, indirect=True)
def test_scores_follow_from_raw_observations(moment: Moment) -> None:
    card = moment.decision.scorecard
    weight = {one.name: one.weight for one in moment.study.thesis.factors}
    effects = state_effects(moment) | asset_effects(moment)
    assert set(card.absent) == set(weight) - set(effects)
    for line in moment.study.assets:
        told = {f: e[line.symbol] for f, e in effects.items() if line.symbol in e}
        for factor in weight:
            assert card.contributions.loc[line.symbol, factor] == pytest.approx(
                told.get(factor, np.nan), abs=IDENTITY, nan_ok=True
            ), (line.symbol, factor)
        present = sum(weight[factor] for factor in told)
        coverage = present / sum(weight.values())
        total = sum(weight[factor] * value for factor, value in told.items())
        withheld = coverage < 0.5 - 1e-9
        score = 0.0 if withheld else total / present
        assert card.coverage[line.symbol] == pytest.approx(coverage, abs=IDENTITY)
        assert card.withheld[line.symbol] == withheld
        assert card.score[line.symbol] == pytest.approx(score, abs=IDENTITY)


def home_returns(at: Moment) -> pd.DataFrame:
    """Dollar returns between fresh closes as New York saw them, the last 252 rows.

    NaN where no new close arrived; the next return spans the gap.
    """
    spy = at.record.closes["SPY"]
    closes = pd.DatetimeIndex(spy.index[spy.index <= at.at])
    days = at.record.days["SPY"][: len(closes)].as_unit("ns").rename("session")
    columns = {}
    for line in sorted(at.study.assets, key=lambda one: one.symbol):
        own = at.record.closes[line.symbol]
        newest = own.index.searchsorted(closes, side="right")
        value = at.record.price(line.symbol, closes) * at.record.rate(
            line.currency, closes
        )
        change, last = np.full(len(closes), np.nan), np.nan
        for row, count in enumerate(newest):
            if count > (newest[row - 1] if row else 0):
                change[row], last = value[row] / last - 1.0, value[row]
        columns[line.symbol] = change
    return pd.DataFrame(columns, index=days).iloc[-WINDOW:]


def risk_of(at: Moment) -> Risk:
    rules = at.study.thesis.portfolio
    return estimate(home_returns(at), rules.covariance, rules.min_history)


@pytest.mark.parametrize("moment", MOMENTS, indirect=True)
def test_alpha_is_ic_times_volatility_times_score(moment: Moment) -> None:
    """With the plain standard deviation of the returns: shrinkage keeps variances."""
    returns, alpha = home_returns(moment), moment.decision.alpha
    for symbol in alpha.index:
        known = returns[symbol].dropna()
        expected = np.nan
        if len(known) >= 60:
            sigma = known.std() * np.sqrt(PERIOD)
            expected = 0.03 * sigma * moment.decision.scorecard.score[symbol]
        assert alpha[symbol] == pytest.approx(expected, abs=IDENTITY, nan_ok=True)


def cost(line: Line, side: str, day: dt.date, terms: Execution) -> float:
    """What a decider expects to pay, as a share of the value traded.

    Slippage and tax (Korea settles two weekdays later), and the spread on what has to
    be converted: a buyer abroad converts the costs too, a seller what they leave.
    """
    if line.mic == "XKRX":
        day = (pd.Timestamp(day) + 2 * pd.offsets.BDay()).date()
    local = terms.slippage_bps * 1e-4 + rate_on(line.mic, side, day)
    spread = 0.0 if line.currency == "USD" else terms.fx_spread_bps * 1e-4
    return local + spread * (1.0 + local if side == "buy" else 1.0 - local)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Textbook:
    """The decision as a textbook writes it, over n assets in the order of `names`."""

    names: list[str]
    held: np.ndarray
    weights: cp.Variable
    bought: cp.Variable
    sold: cp.Variable
    problem: cp.Problem

    def value_at(self, weights: np.ndarray) -> float:
        """Return the objective at given weights, with every rule checked to 1e-6."""
        self.weights.value = weights
        self.bought.value = np.maximum(weights - self.held, 0.0)
        self.sold.value = np.maximum(self.held - weights, 0.0)
        for rule in self.problem.constraints:
            assert np.max(rule.violation()) <= SOLVER, rule
        return float(self.problem.objective.value)


def textbook(at: Moment) -> Textbook:
    """max a'w - g/2 w'Sw - costs, within legs, names, cash and turnover."""
    names = sorted(line.symbol for line in at.study.assets)
    line_of = {line.symbol: line for line in at.study.assets}
    risk = risk_of(at)
    covariance = risk.covariance.reindex(index=names, columns=names).fillna(0.0)
    for name in risk.held_out:
        covariance.loc[name, name] = np.diag(risk.covariance).max()
    score = at.decision.scorecard.score
    sigma = np.sqrt(np.diag(covariance) * PERIOD)
    a = np.array(
        [
            0.0 if name in risk.held_out else 0.03 * s * score[name]
            for name, s in zip(names, sigma, strict=True)
        ]
    )
    day = at.decision.session.date()
    terms = at.study.thesis.execution
    buy, sell = (
        np.array([cost(line_of[name], side, day, terms) for name in names])
        for side in ("buy", "sell")
    )
    held = at.study.backtest.weights.loc[at.decision.session, names].to_numpy()
    layer = [at.study.universe.layer_of(name) for name in names]

    w, bought, sold = (cp.Variable(len(names), nonneg=True) for _ in range(3))
    paid = buy @ bought + sell @ sold
    cash = 1 - cp.sum(w)
    rules = [w == held + bought - sold, w <= 0.10, cash - paid >= 0.0, cash <= 0.02]
    for leg in at.study.thesis.barbell.values():
        share = cp.sum(w[[n for n, one in enumerate(layer) if one in leg.layers]])
        rules += [share >= leg.weight[0], share <= leg.weight[1]]
    rules += [w[names.index(name)] <= held[names.index(name)] for name in risk.held_out]
    if not at.first:
        moved = cp.norm1(w - held) + cp.abs(cash - (1 - held.sum()))
        rules.append(moved / 2 <= 0.40)
    gain = a @ w - 5.0 / 2 * PERIOD * cp.quad_form(w, cp.psd_wrap(covariance)) - paid
    return Textbook(
        names=names,
        held=held,
        weights=w,
        bought=bought,
        sold=sold,
        problem=cp.Problem(cp.Maximize(gain), rules),
    )


@pytest.mark.parametrize("moment", MOMENTS, indirect=True)
def test_the_optimum_is_a_textbooks(moment: Moment) -> None:
    told = textbook(moment)
    best = told.problem.solve(solver=cp.CLARABEL)
    assert told.problem.status == "optimal"
    assert moment.decision.objective == pytest.approx(best, abs=SOLVER / 100)
    ours = moment.decision.weights[told.names].to_numpy()
    assert ours == pytest.approx(told.weights.value, abs=1e-3)
    value = told.value_at(ours)
    assert value == pytest.approx(moment.decision.objective, abs=IDENTITY)
