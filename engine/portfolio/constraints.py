"""What a portfolio may be: the thesis's limits at one moment, as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from engine.errors import at_most
from engine.thesis.model import Leg

#: A weight below this is nothing held.
NOTHING = 1e-12
#: How far a weight may miss a limit (the solver's tolerance, times the number of
#: assets in a sum).
ALLOWED_BREACH = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Budget:
    """A range for the sum of some weights, named as the thesis file names it.

    `members` is a boolean mask of shape (N,).
    """

    name: str
    members: np.ndarray
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Limits:
    """Everything that binds a portfolio of N assets.

    All arrays have shape (N,). Weights are shares of net asset value now, cash is the
    rest, 1 - sum of weights, and pays the costs of trading: its minimum binds what they
    leave of it. `held` and `held_cash` add up to 1.

    may_buy, may_sell : masks; an asset with neither keeps what is held.
    cap : largest weight, 0 for what must be sold; infinite where trading is closed.
    forced : True for exits whose turnover does not count.
    max_turnover : half the sum of absolute changes, cash included; None = no limit.
    max_weight : the limit behind `cap`, for messages.
    notes : what a reader must know.
    """

    assets: tuple[str, ...]
    budgets: tuple[Budget, ...]
    cap: np.ndarray
    may_buy: np.ndarray
    may_sell: np.ndarray
    held: np.ndarray
    held_cash: float
    cash: tuple[float, float]
    forced: np.ndarray
    max_turnover: float | None
    max_weight: float
    notes: tuple[str, ...] = ()

    @property
    def floor(self) -> np.ndarray:
        """Smallest weight: what is held where it cannot be sold."""
        return np.where(self.may_sell, 0.0, self.held)

    @property
    def ceiling(self) -> np.ndarray:
        """Largest weight but for caps: what is held where it cannot be bought."""
        return np.where(self.may_buy, np.inf, self.held)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Position:
    """What is held and what can be traded, over N assets (arrays of shape (N,)).

    `held_out` maps an asset without a risk estimate to the reason.
    """

    held: np.ndarray
    cash: float
    tradeable: np.ndarray
    forced: np.ndarray
    held_out: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The limits as written: legs, extra layer ranges, name, cash, turnover."""

    legs: Mapping[str, Leg]
    layers: Mapping[str, tuple[float, float]]
    max_weight: float
    cash: tuple[float, float]
    max_turnover: float | None


def limits_at(
    rules: Rules,
    assets: Sequence[str],
    layer_of: Mapping[str, str],
    position: Position,
) -> Limits:
    """Return the limits that `rules` set for what is held and tradeable now.

    - An asset of no leg has weight 0. A held-out asset may be sold, not bought.
    - A held asset that cannot trade keeps its weight, whatever its caps say; where
      such assets alone exceed a range, the others in it weigh 0 until they trade.
    - Cash stands in for a leg without a member that can be bought: its range is added
      to that of cash, so its minimum is held in cash.

    Each of these leaves a note.
    """
    layer = np.array([layer_of[asset] for asset in assets], dtype=object)
    in_leg = np.zeros(len(assets), dtype=bool)
    for leg in rules.legs.values():
        in_leg |= np.isin(layer, leg.layers)
    known = np.array([asset not in position.held_out for asset in assets], dtype=bool)
    may_sell = position.tradeable
    may_buy = position.tradeable & in_leg & known & ~position.forced
    cap = np.where(in_leg & ~position.forced, rules.max_weight, 0.0)
    limits = Limits(
        assets=tuple(assets),
        budgets=_budgets(rules, layer),
        cap=np.where(may_sell, cap, np.inf),
        may_buy=may_buy,
        may_sell=may_sell,
        held=np.maximum(position.held, 0.0),
        held_cash=position.cash,
        cash=rules.cash,
        forced=position.forced & position.tradeable,
        max_turnover=rules.max_turnover,
        max_weight=rules.max_weight,
        notes=_notes(assets, position, in_leg),
    )
    return _with_closed_holdings(_with_empty_legs(limits, len(rules.legs)))


def breach(limits: Limits, weights: np.ndarray, costs: float) -> tuple[float, str]:
    """Return by how much the worst limit is missed, and its name; (0, "") if none.

    `weights` (N,) are shares of net asset value now, and `costs` is the share of it
    that has to come out of cash.
    """
    worst = [(float((-weights).max(initial=0.0)), "a weight below 0")]
    for budget in limits.budgets:
        total = float(weights[budget.members].sum())
        worst.append((max(budget.low - total, total - budget.high), budget.name))
    over = float((weights - limits.cap).max(initial=0.0))
    worst.append((over, "portfolio.max_weight"))
    cash, (low, high) = 1.0 - float(weights.sum()), limits.cash
    worst.append((max(low - (cash - costs), cash - high), "portfolio.cash"))
    if limits.max_turnover is not None:
        excess = turnover(limits, weights) - limits.max_turnover
        worst.append((excess, "portfolio.max_turnover"))
    size, name = max(worst)
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


def _budgets(rules: Rules, layer: np.ndarray) -> tuple[Budget, ...]:
    """Return one budget per leg, then one per limited layer."""
    legs = [
        Budget(
            name=f"barbell.{name}.weight",
            members=np.isin(layer, leg.layers),
            low=leg.weight[0],
            high=leg.weight[1],
        )
        for name, leg in rules.legs.items()
    ]
    layers = [
        Budget(
            name=f"portfolio.layers.{name}",
            members=layer == name,
            low=low,
            high=high,
        )
        for name, (low, high) in rules.layers.items()
    ]
    return (*legs, *layers)


def _with_empty_legs(limits: Limits, legs: int) -> Limits:
    """Let cash stand in for each leg that cannot be bought."""
    budgets, notes = list(limits.budgets), list(limits.notes)
    low, high = limits.cash
    closed = ~limits.may_sell & (limits.held > NOTHING)
    for place, budget in enumerate(budgets):
        if (limits.may_buy & budget.members).any():
            continue
        kept = float(limits.held[closed & budget.members].sum())
        missing = max(budget.low - kept, 0.0)
        budgets[place] = replace(budget, low=0.0)
        if place >= legs:  # a layer's extra minimum reserves no cash of its own
            if missing:
                notes.append(f"{budget.name}: no member can be bought, minimum waived")
            continue
        low = min(low + missing, 1.0)
        high = min(high + max(budget.high - kept, 0.0), 1.0)
        reserved = f", its minimum {missing:.2f} is held in cash" if missing else ""
        notes.append(f"{budget.name}: no member can be bought{reserved}")
    return replace(limits, budgets=tuple(budgets), cash=(low, high), notes=tuple(notes))


def _with_closed_holdings(limits: Limits) -> Limits:
    """Let ranges that closed holdings exceed by themselves bind only the others."""
    closed = ~limits.may_sell & (limits.held > NOTHING)
    budgets, notes = list(limits.budgets), list(limits.notes)
    for place, budget in enumerate(budgets):
        stuck = float(limits.held[closed & budget.members].sum())
        if stuck <= budget.high or stuck == 0.0:
            continue
        budgets[place] = replace(
            budget, members=budget.members & ~closed, low=0.0, high=0.0
        )
        notes.append(
            f"{budget.name}: holdings that cannot trade weigh {stuck:.4f}, above the "
            f"maximum {budget.high:.2f}; nothing else is held in it"
        )
    return replace(limits, budgets=tuple(budgets), notes=tuple(notes))


def _notes(
    assets: Sequence[str], position: Position, in_leg: np.ndarray
) -> tuple[str, ...]:
    """Return what is closed, forced out or held out, one sentence each."""
    notes = []
    closed = [
        f"{asset} ({weight:.4f})"
        for asset, weight, open_ in zip(
            assets, position.held, position.tradeable, strict=True
        )
        if weight > NOTHING and not open_
    ]
    if closed:
        notes.append(f"cannot trade and keep their weight: {at_most(closed)}")
    out = [
        f"{asset} ({position.held_out[asset]})"
        for asset, wanted in zip(assets, in_leg, strict=True)
        if wanted and asset in position.held_out
    ]
    if out:
        notes.append(f"not bought, no risk estimate: {at_most(out)}")
    return tuple(notes)
