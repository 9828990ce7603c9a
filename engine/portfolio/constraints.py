"""What a portfolio may be: limits at one moment, as arrays, and how to measure them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from engine.costs.orders import OrderCosts

#: A weight below this is nothing held.
NOTHING = 1e-12
#: How far a weight may miss a limit (the solver's tolerance, times the number of
#: assets in a sum).
ALLOWED_BREACH = 1e-6
#: The names of limits that no budget carries, as the thesis file has them.
CAP = "portfolio.max_weight"
CASH = "portfolio.cash"
TURNOVER = "portfolio.max_turnover"
SHORT = "portfolio.max_short"
GROSS = "portfolio.max_gross"
NAMES = "portfolio.max_names"
SMALLEST = "portfolio.min_position"
RISK = "portfolio.risk_limit"
REACH = "execution.max_participation"
MARGIN = "execution.short_margin"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Budget:
    """A range for a weighted sum of weights, named as the thesis file names it.

    `coefficients` has shape (N,): 1 for a member of a leg, a layer, a currency or a
    country and 0 for any other asset; the betas for a limit on beta.
    """

    name: str
    coefficients: np.ndarray
    low: float
    high: float

    @property
    def members(self) -> np.ndarray:
        """Mask of the assets that count, shape (N,)."""
        return np.asarray(self.coefficients != 0.0)

    def total(self, weights: np.ndarray) -> float:
        """Return the sum that the range binds."""
        return float(self.coefficients @ weights)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Limits:
    """Everything that binds a portfolio of N assets.

    All arrays have shape (N,). Weights are shares of net asset value now, cash is the
    rest, 1 - sum of weights, and pays the costs of trading: its minimum binds what they
    leave of it. `held` and `held_cash` add up to 1.

    may_buy, may_sell : masks; an asset with neither keeps what is held, one that may
        only be sold moves towards 0 at most.
    cap : largest weight, 0 for what must be sold; infinite where trading is closed.
    short_cap : largest short position, as a positive weight; 0 where none is allowed.
    forced : True for exits whose turnover does not count.
    max_turnover : half the sum of absolute changes, cash included; None = no limit.
    max_weight : the limit behind `cap`, for messages; `max_short` that of `short_cap`.
    gross : largest sum of absolute weights; None = no limit.
    smallest : a weight is 0 or at least this, but for what cannot trade; 0 = no limit.
    most_names : how many assets may be held; None = no limit.
    risk_limit : largest volatility under `covariance`, shape (N, N); None = no limit.
    least : raises the smallest weight, where a search for whole numbers holds a name.
    borrowed : what a short position costs per rebalance period, a fraction of it.
    most_short : largest sum of short positions; None = no limit.
    orders : what orders cost beyond rates on their value; None = nothing.
    reach : largest trade of each asset; None = no limit.
    notes : what a reader must know.
    """

    assets: tuple[str, ...]
    budgets: tuple[Budget, ...]
    cap: np.ndarray
    short_cap: np.ndarray
    may_buy: np.ndarray
    may_sell: np.ndarray
    held: np.ndarray
    held_cash: float
    cash: tuple[float, float]
    forced: np.ndarray
    max_turnover: float | None
    max_weight: float
    max_short: float = 0.0
    gross: float | None = None
    smallest: float = 0.0
    most_names: int | None = None
    risk_limit: float | None = None
    covariance: np.ndarray | None = None
    least: np.ndarray | None = None
    borrowed: np.ndarray | None = None
    most_short: float | None = None
    orders: OrderCosts | None = None
    reach: np.ndarray | None = None
    notes: tuple[str, ...] = ()

    @property
    def closed(self) -> np.ndarray:
        """Mask of what cannot trade at all and keeps what is held."""
        return np.asarray(~self.may_buy & ~self.may_sell)

    @property
    def floor(self) -> np.ndarray:
        """Smallest weight but for caps: what is held where it cannot be sold."""
        towards_zero = np.where(self.forced, 0.0, np.minimum(self.held, 0.0))
        opened = np.where(self.may_buy, -self.short_cap, towards_zero)
        floor = np.where(self.may_sell, opened, self.held)
        if self.reach is not None:
            floor = np.maximum(floor, self.held - self.reach)
        return np.asarray(
            floor if self.least is None else np.maximum(floor, self.least)
        )

    @property
    def ceiling(self) -> np.ndarray:
        """Largest weight but for caps: what is held where it cannot be bought."""
        towards_zero = np.where(self.may_sell, np.maximum(self.held, 0.0), self.held)
        ceiling = np.where(self.may_buy, np.inf, towards_zero)
        if self.reach is not None:
            ceiling = np.minimum(ceiling, self.held + self.reach)
        return np.asarray(ceiling)

    @property
    def highest(self) -> np.ndarray:
        """Largest weight, caps included."""
        return np.asarray(np.minimum(self.ceiling, self.cap))

    @property
    def borrow(self) -> np.ndarray:
        """Cost of a short position over one rebalance period, shape (N,)."""
        return np.zeros(len(self.assets)) if self.borrowed is None else self.borrowed

    @property
    def curved(self) -> bool:
        """Whether costs of trading grow faster than trades: impact."""
        return self.orders is not None and self.orders.curved

    @property
    def whole_numbers(self) -> bool:
        """Whether names are counted or small positions forbidden: not convex."""
        return self.smallest > 0.0 or self.most_names is not None

    @property
    def shorts(self) -> bool:
        """Whether any weight may be negative."""
        return bool((self.floor < 0.0).any())


def breach(limits: Limits, weights: np.ndarray, costs: float) -> tuple[float, str]:
    """Return by how much the worst limit is missed, and its name; (0, "") if none.

    `weights` (N,) are shares of net asset value now, and `costs` is the share of it
    that has to come out of cash.
    """
    size, name = max(_misses(limits, weights, costs))
    return (size, name) if size > 0 else (0.0, "")


def turnover(limits: Limits, weights: np.ndarray) -> float:
    """Return half the sum of absolute changes, cash included, forced exits apart.

    The proceeds of a forced exit count as cash already held.
    """
    counted = ~limits.forced
    before = limits.held_cash + float(limits.held[limits.forced].sum())
    cash = 1.0 - float(weights.sum())
    traded = np.abs(weights - limits.held)[counted].sum()
    return 0.5 * (float(traded) + abs(cash - before))


def shorts(weights: np.ndarray) -> float:
    """Return the sum of short positions, from 0."""
    return float(np.maximum(-weights, 0.0).sum())


def trading_costs(
    limits: Limits, weights: np.ndarray, rates: tuple[np.ndarray, np.ndarray]
) -> float:
    """Return what the optimiser counts as the costs of reaching weights (N,).

    `rates` (N,) each of buying and of selling, impact on top: convex.
    """
    traded = weights - limits.held
    costs = at_rates(traded, *rates)
    if limits.orders is not None:
        costs += float(limits.orders.convex(traded).sum())
    return costs


def at_rates(traded: np.ndarray, buy_cost: np.ndarray, sell_cost: np.ndarray) -> float:
    """Return what trades cost at rates, as a share of net asset value before them."""
    bought, sold = np.maximum(traded, 0.0), np.maximum(-traded, 0.0)
    return float(buy_cost @ bought + sell_cost @ sold)


def risk(limits: Limits, weights: np.ndarray) -> float:
    """Return the volatility that the risk limit bounds, 0 without a covariance."""
    if limits.covariance is None:
        return 0.0
    return float(np.sqrt(max(weights @ limits.covariance @ weights, 0.0)))


def _misses(
    limits: Limits, weights: np.ndarray, costs: float
) -> Iterator[tuple[float, str]]:
    """Yield by how much each limit is missed (negative where met), and its name."""
    below = "a weight below 0" if not limits.max_short else SHORT
    yield float((limits.floor - weights).max(initial=0.0)), below
    for budget in limits.budgets:
        total = budget.total(weights)
        yield max(budget.low - total, total - budget.high), budget.name
    yield float((weights - limits.cap).max(initial=0.0)), CAP
    cash, (low, high) = 1.0 - float(weights.sum()), limits.cash
    yield max(low - (cash - costs), cash - high), CASH
    if limits.max_turnover is not None:
        yield turnover(limits, weights) - limits.max_turnover, TURNOVER
    if limits.gross is not None:
        yield float(np.abs(weights).sum()) - limits.gross, GROSS
    if limits.most_short is not None:
        yield shorts(weights) - limits.most_short, MARGIN
    if limits.reach is not None:
        yield float((np.abs(weights - limits.held) - limits.reach).max()), REACH
    if limits.risk_limit is not None:
        yield risk(limits, weights) - limits.risk_limit, RISK
    held = np.abs(weights) > ALLOWED_BREACH
    if limits.most_names is not None:
        yield float(held.sum() - limits.most_names), NAMES
    small = held & ~limits.closed
    yield float((limits.smallest - np.abs(weights))[small].max(initial=0.0)), SMALLEST
