"""What to hold: the barbell that suits the scores, the risk, the costs, the limits.

Imports cvxpy (about 1 s): import it where an optimisation is about to run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from engine.errors import DataError, InfeasibleError, UsageError, at_most
from engine.market.listing import Line
from engine.market.market import Known
from engine.portfolio import program
from engine.portfolio.alpha import expected_returns
from engine.portfolio.collisions import explain
from engine.portfolio.constraints import (
    ALLOWED_BREACH,
    Limits,
    Position,
    Rules,
    breach,
    limits_at,
)
from engine.portfolio.objectives import (
    Objective,
    equal_weights,
    mean_variance,
    nearest_to,
)
from engine.portfolio.results import Decision, Risk, Scorecard
from engine.portfolio.risk import estimate
from engine.portfolio.scoring import WeightedFactor, score
from engine.thesis.model import Leg, Portfolio, Thesis

#: Sessions of the home calendar between two regular rebalances.
PERIOD_SESSIONS = {"monthly": 21, "monthly+events": 21, "quarterly": 63}
#: A weight, or a change of one, below this is the solver's rounding.
DUST = 1e-8


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Chosen:
    """Weights (N,), the rest in cash, and what reaching them costs; see `Decision`."""

    weights: np.ndarray
    cash: float
    costs: float
    status: str
    objective: float
    notes: tuple[str, ...]


def decide(
    known: Known,
    *,
    thesis: Thesis,
    assets: Sequence[Line],
    factors: Sequence[WeightedFactor],
    exposures: pd.DataFrame,
    layer_of: Mapping[str, str],
    held: pd.Series,
    held_cash: float,
    first: bool,
    buy_cost: pd.Series,
    sell_cost: pd.Series,
    legs: Mapping[str, Leg] | None = None,
    max_weight: float | None = None,
    tradeable: pd.Series | None = None,
    forced: pd.Series | None = None,
    scorecard: Scorecard | None = None,
    risk: Risk | None = None,
) -> Decision:
    """Return what to hold from the close of `known`'s last home session.

    Parameters
    ----------
    known : Known
        Everything known at the decision; nothing else is looked at.
    assets : sequence of N lines
        What may be held; series below are indexed by their symbols.
    exposures, layer_of
        Layer vectors (assets x layers) and the primary layer of each symbol.
    held, held_cash
        Shares of net asset value now, adding up to 1; a missing asset is not held.
    first : bool
        The first investment: its turnover does not count.
    buy_cost, sell_cost : Series
        Fraction of the value traded; amortised over one rebalance period.
    legs, max_weight
        Replace the thesis's own (for baselines).
    tradeable : Series of bool, optional
        Default: a price not older than ``execution.stale_after`` own sessions.
    forced : Series of bool, optional
        What must be sold; the turnover of it does not count.
    scorecard, risk : optional
        Computed before for the same moment; else computed here.

    Returns
    -------
    Decision
        Limits are met to 1e-6; weights below 1e-8 are 0. The order of `assets` only
        orders the answer.

    Raises
    ------
    InfeasibleError
        Naming the limits that collide and by how much.
    """
    symbols = [line.symbol for line in assets]
    names = pd.Index(sorted(symbols))  # made once: an index of strings is slow to make
    rules = thesis.portfolio
    card = scorecard or score(known, factors, symbols, exposures, thesis.scoring)
    risk = risk or estimate_risk(known, names, rules)
    if tradeable is None:
        tradeable = tradeable_now(known, names, thesis.execution.stale_after)
    limits = limits_at(
        _rules(thesis, legs, max_weight, first),
        names.to_list(),
        layer_of,
        Position(
            held=_shares(held, held_cash, names),
            cash=held_cash,
            tradeable=_mask(tradeable, names),
            forced=_mask(forced, names),
            held_out=risk.held_out,
        ),
    )
    alpha = expected_returns(card.score, _volatility(risk, rules), rules.ic)
    rates = _rates(buy_cost, names, "buying"), _rates(sell_cost, names, "selling")
    ideal = _ideal(limits, *rates) if rules.objective == "equal" else None
    session = known.home.sessions.days[-1]
    chosen = choose(
        limits,
        _objective(rules, names, alpha, risk) if ideal is None else nearest_to(ideal),
        *rates,
        session=session,
        ideal=ideal,
    )
    return Decision(
        session=session,
        moment=known.moment,
        weights=pd.Series(chosen.weights, index=names, name="weight").reindex(symbols),
        cash=chosen.cash,
        scorecard=card,
        alpha=alpha,
        status=chosen.status,
        objective=chosen.objective,
        costs=chosen.costs,
        notes=chosen.notes,
    )


def choose(
    limits: Limits,
    objective: Objective,
    buy_cost: np.ndarray,
    sell_cost: np.ndarray,
    *,
    session: pd.Timestamp,
    ideal: np.ndarray | None = None,
) -> Chosen:
    """Return the best weights within the limits, checked against every one of them.

    `ideal` (N,) is taken as it is where it meets all limits. Where the limits leave no
    cash to pay trading costs from, the costs are left uncovered and a note says so.
    Raises `InfeasibleError` where nothing meets the limits.
    """
    rates = buy_cost, sell_cost
    status = ""
    for covered in (True, False):
        if ideal is not None:
            chosen, missed = _settle(limits, objective, ideal, rates, covered)
            if not missed:
                return replace(chosen, status="closed form")
        solution = program.solve(limits, objective, rates, covered=covered)
        status = solution.status
        if solution.weights is None:
            continue
        chosen, missed = _settle(limits, objective, solution.weights, rates, covered)
        if not missed:
            return replace(chosen, status=status)
        status = f"{status}, but {missed} missed"
    collision = explain(limits, session)
    raise InfeasibleError(
        collision
        or f"{session.date()}: the optimiser found no portfolio ({status}), though the "
        "limits can be met; widen the tightest of them: "
        f"{at_most([budget.name for budget in limits.budgets])}"
    )


def minimum_variance(
    covariance: pd.DataFrame,
    *,
    long_only: bool = True,
    expected: pd.Series | None = None,
    target_return: float | None = None,
) -> pd.Series:
    """Return fully invested weights of least variance, adding up to 1.

    With `target_return` (which needs `expected`) the expected return is at least that.
    No other limits; `long_only=False` allows a weight down to -100 (Markowitz 1952).
    """
    return utility(
        covariance,
        expected=expected,
        target_return=target_return,
        long_only=long_only,
    )


def utility(
    covariance: pd.DataFrame,
    *,
    expected: pd.Series | None = None,
    reward: float = 0.0,
    target_return: float | None = None,
    long_only: bool = True,
) -> pd.Series:
    """Return fully invested weights maximising ``reward * expected'w - w'Qw / 2``.

    `reward` is 1 / risk aversion. Raises `UsageError` for a target without expected
    returns, `InfeasibleError` for one out of reach.
    """
    names = list(covariance.index)
    count = len(names)
    if expected is None and (reward or target_return is not None):
        raise UsageError("a target return or a reward needs expected returns")
    mean = np.zeros(count) if expected is None else expected[names].to_numpy(np.float64)
    solution = program.run(
        program.Shape(
            assets=count, members=(), trades=False, target=target_return is not None
        ),
        Objective(linear=reward * mean, quadratic=covariance.to_numpy(np.float64)),
        {
            "floor": np.full(count, 0.0 if long_only else -program.UNBOUNDED),
            "ceiling": np.full(count, program.UNBOUNDED),
            "cash_low": 0.0,
            "cash_high": 0.0,
            "expected": mean,
            "target": target_return or 0.0,
        },
    )
    if solution.weights is None:
        raise InfeasibleError(
            f"no fully invested portfolio reaches the target return {target_return}; "
            f"the largest expected return is {mean.max()} ({solution.status})"
        )
    return pd.Series(solution.weights, index=names, name="weight")


def estimate_risk(known: Known, symbols: pd.Index, rules: Portfolio) -> Risk:
    """Return the covariance over the last ``window`` home sessions."""
    returns = known.home.returns(last=rules.window).reindex(columns=symbols)
    return estimate(returns, rules.covariance, rules.min_history)


def tradeable_now(known: Known, symbols: pd.Index, stale_after: int) -> pd.Series:
    """Return True per symbol with a price at most `stale_after` own sessions old."""
    price = known.home.price.iloc[-1].reindex(symbols)
    age = known.home.age.iloc[-1].reindex(symbols)
    return (price.notna() & (age <= stale_after)).rename("tradeable")


def _rules(
    thesis: Thesis,
    legs: Mapping[str, Leg] | None,
    max_weight: float | None,
    first: bool,
) -> Rules:
    """Return the thesis's limits, with what the caller replaces."""
    rules = thesis.portfolio
    return Rules(
        legs=thesis.barbell if legs is None else legs,
        layers=rules.layers,
        max_weight=rules.max_weight if max_weight is None else max_weight,
        cash=rules.cash,
        max_turnover=None if first else rules.max_turnover,
    )


def _objective(
    rules: Portfolio, names: pd.Index, alpha: pd.Series, risk: Risk
) -> Objective:
    """Return the thesis's objective over one rebalance period.

    An asset without a risk estimate that is still held counts as uncorrelated, with
    the largest known variance, and without expected return.
    """
    places = names.get_indexer(risk.covariance.index)
    covariance = np.zeros((len(names), len(names)))
    covariance[np.ix_(places, places)] = risk.covariance.to_numpy()
    unknown = np.diag(covariance) == 0.0
    covariance[unknown, unknown] = np.diag(covariance).max() or 1.0
    wanted = alpha.reindex(names).fillna(0.0).to_numpy(np.float64)
    if rules.objective == "min_variance":
        wanted = np.zeros(len(names))
    over_period = covariance * PERIOD_SESSIONS[rules.rebalance]
    return mean_variance(wanted, over_period, rules.risk_aversion)


def _volatility(risk: Risk, rules: Portfolio) -> pd.Series:
    """Return each asset's standard deviation over one rebalance period."""
    variance = np.diag(risk.covariance) * PERIOD_SESSIONS[rules.rebalance]
    return pd.Series(np.sqrt(variance), index=risk.covariance.index)


def _settle(
    limits: Limits,
    objective: Objective,
    weights: np.ndarray,
    rates: tuple[np.ndarray, np.ndarray],
    covered: bool,
) -> tuple[Chosen, str]:
    """Return weights freed of dust with their costs, and the limit they miss, if any.

    A weight within 1e-8 of 0 or of what is held becomes exactly that; what cannot
    trade keeps exactly what is held.
    """
    still = np.abs(weights - limits.held) < DUST
    still |= ~limits.may_buy & ~limits.may_sell
    settled = np.where(weights < DUST, 0.0, weights)
    settled = np.where(still, limits.held, settled)
    costs = _costs(settled - limits.held, *rates)
    worst, name = breach(limits, settled, costs if covered else 0.0)
    cash = 1.0 - float(settled.sum())
    notes = limits.notes
    if not covered:
        notes += (
            f"the limits leave no cash for trading costs of {costs:.4f}: they overdraw "
            "the account",
        )
    chosen = Chosen(
        weights=settled,
        cash=cash,
        costs=costs,
        status="",
        objective=objective.value(settled, costs),
        notes=notes,
    )
    return chosen, name if worst > ALLOWED_BREACH else ""


def _ideal(limits: Limits, buy_cost: np.ndarray, sell_cost: np.ndarray) -> np.ndarray:
    """Return equal weights that leave the least cash after the costs of reaching them.

    Each round gains as many digits as a cost rate has zeros.
    """
    costs = 0.0
    for _ in range(10):
        weights = equal_weights(limits, 1.0 - limits.cash[0] - costs)
        costs = _costs(weights - limits.held, buy_cost, sell_cost)
    return weights


def _costs(traded: np.ndarray, buy_cost: np.ndarray, sell_cost: np.ndarray) -> float:
    """Return what trades cost, as a share of net asset value before them."""
    bought, sold = np.maximum(traded, 0.0), np.maximum(-traded, 0.0)
    return float(buy_cost @ bought + sell_cost @ sold)


def _shares(held: pd.Series, held_cash: float, names: pd.Index) -> np.ndarray:
    """Return what is held in the order of names, 0 where nothing.

    Raises `UsageError` for another asset, or where it does not add up to 1.
    """
    strange = held.index[held.fillna(0.0) != 0.0].difference(names)
    if len(strange):
        raise UsageError(f"held but not among the assets: {at_most(strange)}")
    total = float(held.sum()) + held_cash
    if abs(total - 1.0) > ALLOWED_BREACH:
        raise UsageError(
            f"held weights and cash add up to {total:.8f}; pass shares of the net "
            "asset value now, which add up to 1"
        )
    return held.reindex(names).fillna(0.0).to_numpy(np.float64)


def _mask(flags: pd.Series | None, names: pd.Index) -> np.ndarray:
    """Return flags in the order of names, False where there is none."""
    if flags is None:
        return np.zeros(len(names), dtype=bool)
    chosen = flags.reindex(names, fill_value=False)
    return chosen.to_numpy(dtype=bool)


def _rates(costs: pd.Series, names: pd.Index, side: str) -> np.ndarray:
    """Return cost rates in the order of names; raise `DataError` for a missing one."""
    rates = costs.reindex(names)
    missing = rates.index[rates.isna()]
    if len(missing):
        raise DataError(
            f"no cost rate for {side} {at_most(missing)}; give a fraction of the value "
            "traded, 0 where nothing is charged"
        )
    return rates.to_numpy(np.float64)
