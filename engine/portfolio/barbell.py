"""What to hold: the barbell that suits the scores, the risk, the costs, the limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from engine.costs.orders import OrderCosts
from engine.errors import DataError, UsageError, at_most
from engine.market.calendar import SESSIONS_PER_YEAR, calendar_of
from engine.market.listing import Line
from engine.market.market import Known
from engine.portfolio.alpha import expected_returns
from engine.portfolio.choice import choose
from engine.portfolio.constraints import ALLOWED_BREACH, Limits, shorts
from engine.portfolio.objectives import OBJECTIVES
from engine.portfolio.objectives.goal import Outlook
from engine.portfolio.order import Order
from engine.portfolio.results import Decision, Risk, Scorecard
from engine.portfolio.risk import Options, estimate
from engine.portfolio.rules import Position, Rules, limits_at, traits
from engine.portfolio.scenarios import betas, scenarios
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
    borrow_cost: pd.Series | None = None,
    orders: OrderCosts | None = None,
    shortable: pd.Series | None = None,
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
    borrow_cost : Series, optional
        Cost of a short position over one rebalance period, a fraction of its value;
        default: ``portfolio.borrow_rate``.
    orders : OrderCosts, optional
        What orders cost beyond `buy_cost` and `sell_cost`, in the order of `assets`;
        default: nothing.
    shortable : Series of bool, optional
        What may be short now; default: every line but those of mainland China.

    Returns
    -------
    Decision
        Limits are met to 1e-6; what is below the solver's rounding is 0. The order
        of `assets` only orders the answer.

    Raises
    ------
    InfeasibleError
        Naming the limits that collide and by how much, unless ``portfolio.relax``.
    """
    symbols = [line.symbol for line in assets]
    names = pd.Index(sorted(symbols))  # made once: an index of strings is slow to make
    order = Order(symbols=symbols, names=names)
    ordered = sorted(assets, key=lambda line: line.symbol)
    rules = thesis.portfolio
    card = scorecard or score(known, factors, symbols, exposures, thesis.scoring)
    if risk is None or (_needs_layers(rules) and not risk.by_layer):
        risk = estimate_risk(known, names, rules, assets=ordered, layer_of=layer_of)
    if tradeable is None:
        tradeable = tradeable_now(known, names, thesis.execution.stale_after)
    position = Position(
        held=_shares(held, held_cash, order),
        cash=held_cash,
        tradeable=_mask(tradeable, order),
        forced=_mask(forced, order),
        held_out=risk.held_out,
    )
    written = _rules(thesis, legs, max_weight, first)
    known_by = traits(ordered, layer_of, _beta(known, names, thesis))
    if shortable is not None:
        open_ = known_by.shortable & _mask(shortable, order)
        known_by = replace(known_by, shortable=open_)
    limits = limits_at(written, names.to_list(), known_by, position)
    if orders is not None:
        limits = replace(limits, orders=orders.take(order.places.tolist()))
    alpha = expected_returns(card.score, _volatility(risk, rules), rules.ic)
    outlook = _outlook(
        known,
        thesis,
        _with_risk(limits, risk, thesis, borrow_cost),
        risk,
        scores=order.of(card.score),
        alpha=np.nan_to_num(order.of(alpha)),
        rates=(_rates(buy_cost, order, "buying"), _rates(sell_cost, order, "selling")),
    )
    session = known.home.sessions.days[-1]
    chosen = choose(
        outlook.limits,
        OBJECTIVES[rules.objective](outlook),
        outlook.buy_cost,
        outlook.sell_cost,
        session=session,
        relax=rules.relax,
    )
    return Decision(
        session=session,
        moment=known.moment,
        weights=order.back(chosen.weights, like=held),
        cash=chosen.cash,
        scorecard=card,
        alpha=alpha,
        status=chosen.status,
        objective=chosen.objective,
        costs=chosen.costs,
        notes=chosen.notes,
        solver=chosen.solver,
        residual=chosen.residual,
        fallback=chosen.fallback,
        prices=chosen.prices,
        slacks=chosen.slacks,
        unplaced=()
        if chosen.unplaced is None
        else tuple(names[chosen.unplaced].tolist()),
    )


def estimate_risk(
    known: Known,
    symbols: pd.Index,
    rules: Portfolio,
    *,
    assets: Sequence[Line] = (),
    layer_of: Mapping[str, str] | None = None,
) -> Risk:
    """Return the covariance over the last ``window`` home sessions.

    `assets` and `layer_of` say what the symbols belong to: without them, a layer
    factor model and proxies know no layers, and all pairs count as apart in their
    hours.
    """
    returns = known.home.returns(last=rules.window).reindex(columns=symbols)
    lines = assets or [known.lines[s] for s in symbols if s in known.lines]
    options = Options(
        half_life=rules.covariance_half_life,
        overlap=rules.overlap,
        short_history=rules.short_history,
        layer_of=layer_of,
        market_of={line.symbol: calendar_of(line.mic) for line in lines},
    )
    return estimate(returns, rules.covariance, rules.min_history, options)


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
        currencies=rules.currencies,
        countries=rules.countries,
        beta=rules.beta,
        max_short=rules.max_short,
        max_gross=rules.max_gross,
        net=rules.net,
        min_position=rules.min_position,
        max_names=rules.max_names,
    )


def _with_risk(
    limits: Limits, risk: Risk, thesis: Thesis, borrow_cost: pd.Series | None
) -> Limits:
    """Return limits with the risk limit, the cost of borrowing, and proxies noted."""
    rules, notes = thesis.portfolio, limits.notes
    if risk.proxied:
        proxies = [f"{name} ({why})" for name, why in risk.proxied.items()]
        notes += (f"risk by proxy: {at_most(proxies)}",)
    borrowed = np.full(len(limits.assets), rules.borrow_rate / _periods(thesis))
    if borrow_cost is not None:
        borrowed = _rates(borrow_cost, Order.alike(limits.assets), "borrowing")
    limits = replace(
        limits, notes=notes, borrowed=borrowed, most_short=_margin(limits, thesis)
    )
    if rules.risk_limit is None:
        return limits
    yearly = _covariance(risk, pd.Index(limits.assets)) * (
        PERIOD_SESSIONS[rules.rebalance] * _periods(thesis)
    )
    return replace(limits, risk_limit=rules.risk_limit, covariance=yearly)


def _margin(limits: Limits, thesis: Thesis) -> float | None:
    """Return the largest sum of short positions that the account's margin bears.

    What is short and cannot be bought back counts as borne. None where the limits of
    the names allow no more anyway.
    """
    margin = thesis.execution.short_margin
    if not margin or not limits.shorts:
        return None
    most = max(1.0 / margin, shorts(limits.ceiling))
    return None if shorts(limits.floor) <= most else most


def _outlook(
    known: Known,
    thesis: Thesis,
    limits: Limits,
    risk: Risk,
    *,
    scores: np.ndarray,
    alpha: np.ndarray,
    rates: tuple[np.ndarray, np.ndarray],
) -> Outlook:
    """Return what the objective may be chosen from, over one rebalance period."""
    rules, names = thesis.portfolio, pd.Index(limits.assets)
    period = PERIOD_SESSIONS[rules.rebalance]
    return Outlook(
        limits=limits,
        rules=rules,
        score=np.where(np.isnan(scores), 0.0, scores),
        alpha=alpha,
        covariance=_covariance(risk, names) * period,
        buy_cost=rates[0],
        sell_cost=rates[1],
        scenarios=lambda: scenarios(known, names, rules, limits),
    )


def _covariance(risk: Risk, names: pd.Index) -> np.ndarray:
    """Return the covariance of a session's returns over all names, (N, N).

    An asset without a risk estimate that is still held counts as uncorrelated, with
    the largest known variance.
    """
    places = names.get_indexer(risk.covariance.index)
    covariance = np.zeros((len(names), len(names)))
    covariance[np.ix_(places, places)] = risk.covariance.to_numpy()
    unknown = np.diag(covariance) == 0.0
    largest = np.diag(covariance).max(initial=0.0) or 1.0
    covariance[unknown, unknown] = largest
    return covariance


def _periods(thesis: Thesis) -> float:
    """Return how many rebalance periods a year has."""
    period = PERIOD_SESSIONS[thesis.portfolio.rebalance]
    return SESSIONS_PER_YEAR[thesis.about.calendar] / period


def _beta(known: Known, names: pd.Index, thesis: Thesis) -> np.ndarray | None:
    """Return betas to the main benchmark where a limit asks for them."""
    if thesis.portfolio.beta is None:
        return None
    return betas(known, names, thesis.about.benchmarks[0], thesis.portfolio)


def _needs_layers(rules: Portfolio) -> bool:
    """Whether the risk of a thesis cannot be estimated without layers."""
    return rules.covariance == "layer_factors" or rules.short_history == "proxy"


def _volatility(risk: Risk, rules: Portfolio) -> pd.Series:
    """Return each asset's standard deviation over one rebalance period."""
    variance = np.diag(risk.covariance) * PERIOD_SESSIONS[rules.rebalance]
    return pd.Series(np.sqrt(variance), index=risk.covariance.index)


def _shares(held: pd.Series, held_cash: float, order: Order) -> np.ndarray:
    """Return what is held in the order of names, 0 where nothing.

    Raises `UsageError` for another asset, or where it does not add up to 1.
    """
    total = float(held.sum()) + held_cash
    if abs(total - 1.0) > ALLOWED_BREACH:
        raise UsageError(
            f"held weights and cash add up to {total:.8f}; pass shares of the net "
            "asset value now, which add up to 1"
        )
    ours = np.asarray(np.nan_to_num(order.of(held)))
    if np.count_nonzero(ours) != np.count_nonzero(held.fillna(0.0)):
        strange = held.index[held != 0.0].difference(order.names)
        raise UsageError(f"held but not among the assets: {at_most(strange)}")
    return ours


def _mask(flags: pd.Series | None, order: Order) -> np.ndarray:
    """Return flags in the order of names, False where there is none."""
    if flags is None:
        return np.zeros(len(order.names), dtype=bool)
    return np.asarray(order.of(flags) == 1.0)


def _rates(costs: pd.Series, order: Order, side: str) -> np.ndarray:
    """Return cost rates in the order of names; raise `DataError` for a missing one."""
    rates = order.of(costs)
    missing = order.names[np.isnan(rates)]
    if len(missing):
        raise DataError(
            f"no cost rate for {side} {at_most(missing)}; give a fraction of the value "
            "traded, 0 where nothing is charged"
        )
    return rates
