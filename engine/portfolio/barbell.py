"""What to hold: the barbell that suits the scores, the risk, the costs, the limits.

Imports cvxpy (about 1 s): import it where an optimisation is about to run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from engine.errors import DataError, InfeasibleError, UsageError, at_most
from engine.market.listing import Line
from engine.market.market import Known
from engine.portfolio import program
from engine.portfolio.alpha import expected_returns
from engine.portfolio.choice import choose, equal_after_costs
from engine.portfolio.constraints import ALLOWED_BREACH, Position, Rules, limits_at
from engine.portfolio.objectives import Objective, mean_variance, nearest_to
from engine.portfolio.results import Decision, Risk, Scorecard
from engine.portfolio.risk import estimate
from engine.portfolio.scoring import WeightedFactor, score
from engine.thesis.model import Leg, Portfolio, Thesis

#: Sessions of the home calendar between two regular rebalances.
PERIOD_SESSIONS = {"monthly": 21, "monthly+events": 21, "quarterly": 63}


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
    ideal = equal_after_costs(limits, *rates) if rules.objective == "equal" else None
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


def _shares(held: pd.Series, held_cash: float, names: pd.Index) -> np.ndarray:
    """Return what is held in the order of names, 0 where nothing.

    Raises `UsageError` for another asset, or where it does not add up to 1.
    """
    total = float(held.sum()) + held_cash
    if abs(total - 1.0) > ALLOWED_BREACH:
        raise UsageError(
            f"held weights and cash add up to {total:.8f}; pass shares of the net "
            "asset value now, which add up to 1"
        )
    ours = held.reindex(names).fillna(0.0)
    if np.count_nonzero(ours) != np.count_nonzero(held.fillna(0.0)):
        strange = held.index[held != 0.0].difference(names)
        raise UsageError(f"held but not among the assets: {at_most(strange)}")
    return ours.to_numpy(np.float64)


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
