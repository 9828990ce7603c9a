"""The best weights within limits, checked against every one of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from engine.errors import InfeasibleError, at_most
from engine.portfolio.collisions import explain
from engine.portfolio.constraints import (
    ALLOWED_BREACH,
    REACH,
    Limits,
    at_rates,
    breach,
)
from engine.portfolio.minimums import notes_of, worthwhile
from engine.portfolio.objectives.goal import Aim, Goal
from engine.portfolio.relax import relaxed
from engine.portfolio.solvers import answers

#: A weight, or a change of one, below this is the solver's rounding: it is no order.
DUST = 1e-8
#: The same of a conic solver, whose weights are good to about 1e-7.
CONIC_DUST = 2e-7

Rates = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Chosen:
    """Weights (N,), the rest in cash, and what reaching them costs; see `Decision`."""

    weights: np.ndarray
    cash: float
    costs: float
    status: str
    objective: float
    notes: tuple[str, ...]
    solver: str = ""
    residual: float = float("nan")
    fallback: str = ""
    prices: Mapping[str, float] = field(default_factory=dict)
    slacks: Mapping[str, float] = field(default_factory=dict)
    unplaced: np.ndarray | None = None


def choose(
    limits: Limits,
    aim: Aim,
    buy_cost: np.ndarray,
    sell_cost: np.ndarray,
    *,
    session: pd.Timestamp,
    relax: bool = False,
) -> Chosen:
    """Return the best weights within the limits, checked against every one of them.

    Where nothing can trade, what is held stays, whatever the limits say. The aim's
    ideal is taken as it is where it meets all limits. Where the limits leave no cash to
    pay trading costs from, the costs are left uncovered and a note says so. With
    `relax`, limits that collide are widened by the least that lets a portfolio exist;
    the slacks are recorded, and a note names them. Raises `InfeasibleError` where
    nothing meets the limits.

    No trade exceeds what participation lets through until the next regular decision,
    unless the other limits ask for it: then orders wait, and a note says so.
    """
    rates = buy_cost, sell_cost
    if limits.orders is not None and np.isfinite(limits.orders.reach).any():
        reach = limits.orders.reach
        cap = np.maximum(limits.cap, limits.held - reach)  # what cannot leave in time
        try:
            return _chosen(
                replace(limits, reach=reach, cap=cap), aim, rates, session, relax=False
            )
        except InfeasibleError:
            note = (
                f"{REACH}: the other limits ask for more than can be traded before "
                "the next decision; orders will wait"
            )
            limits = replace(limits, notes=(*limits.notes, note))
    return _chosen(limits, aim, rates, session, relax=relax)


def _chosen(
    limits: Limits, aim: Aim, rates: Rates, session: pd.Timestamp, *, relax: bool
) -> Chosen:
    """Return the best weights within limits that may collide; see `choose`."""
    if limits.closed.all():
        return _kept(limits, aim.goal, rates)
    if (limits.floor >= limits.highest).all():  # what trades must go: nothing to choose
        aim = replace(aim, ideal=limits.floor)
    tried = []
    for covered in (True, False):
        chosen, status = _worthwhile(limits, aim, rates, covered)
        if chosen is not None:
            return chosen
        tried.append(status)
    if relax:
        wider, slacks = relaxed(limits)
        if slacks:
            note = "limits relaxed: " + at_most(
                [f"{name} by {slack:.6g}" for name, slack in slacks.items()], 20
            )
            wider = replace(wider, notes=(*wider.notes, note))
            chosen = _chosen(wider, aim, rates, session, relax=False)
            return replace(chosen, slacks=slacks)
    collision = explain(limits, session)
    raise InfeasibleError(
        collision
        or f"{session.date()}: the optimiser found no portfolio ({tried[-1]}), though "
        "the limits can be met; widen the tightest of them: "
        f"{at_most([budget.name for budget in limits.budgets])}"
    )


def _kept(limits: Limits, goal: Goal, rates: Rates) -> Chosen:
    """Return what is held, since nothing can trade, noting a limit that it misses."""
    chosen, missed = _settle(limits, goal, limits.held, rates, covered=True)
    notes = chosen.notes
    if missed:
        notes += (f"nothing can trade, so {missed} is missed until something does",)
    return replace(chosen, status="closed form", solver="none", notes=notes)


def _worthwhile(
    limits: Limits, aim: Aim, rates: Rates, covered: bool
) -> tuple[Chosen | None, str]:
    """Return weights whose orders are worth their minimum charges, and why if none."""

    def attempt(within: Limits, spare: float, flat: bool) -> tuple[Chosen | None, str]:
        kept = bool(limits.closed.sum() == within.closed.sum())
        free = aim if kept else replace(aim, ideal=None)
        return _attempt(within, free, rates, covered, spare, flat)

    found = worthwhile(limits, attempt)
    if found.answer is None:
        return None, found.word
    told = notes_of(limits, found.answer.weights, found.dropped)
    notes = (*found.answer.notes, *told)
    chosen = replace(found.answer, notes=notes)
    if limits.orders is not None and limits.orders.minima:
        # no order either for what is to stay: it would follow the price, for a minimum
        chosen = replace(chosen, unplaced=chosen.weights == limits.held)
    return chosen, found.word


def _attempt(
    limits: Limits, aim: Aim, rates: Rates, covered: bool, spare: float, flat: bool
) -> tuple[Chosen | None, str]:
    """Return weights with costs covered or not, or None and why there are none.

    `spare` is the cash set aside for what minima add to charges, and for impact where
    that is left out of the problem (`flat`).
    """
    if aim.ideal is not None:
        settled, missed = _settle(
            limits, aim.goal, aim.ideal, rates, covered, spare, flat
        )
        if not missed:
            return replace(settled, status="closed form", solver="none"), ""
    fallback = ""
    kept = limits
    if spare and covered:
        low, high = limits.cash
        kept = replace(kept, cash=(low + spare, high))
    if flat and limits.orders is not None:
        still = replace(limits.orders, impact=0.0 * limits.orders.impact)
        kept = replace(kept, orders=still)
    for solution in answers(kept, aim.goal, rates, covered=covered):
        if solution.weights is None:
            fallback = f"{solution.solver}: {solution.status}"
            continue
        weights = solution.weights
        if "clarabel" in solution.solver:
            weights = freed(weights, limits.held, CONIC_DUST)
        settled, missed = _settle(
            limits, aim.goal, weights, rates, covered, spare, flat
        )
        if not missed:
            chosen = replace(
                settled,
                status=solution.status,
                solver=solution.solver,
                residual=solution.residual,
                fallback=fallback,
                prices=solution.prices,
            )
            return chosen, ""
        fallback = f"{solution.solver}: {solution.status}, but {missed} missed"
    return None, fallback


def freed(weights: np.ndarray, held: np.ndarray, dust: float) -> np.ndarray:
    """Return weights (N,) that are 0, or what is held, where they are within dust."""
    still = np.abs(weights - held) < dust
    return np.where(still, held, np.where(np.abs(weights) < dust, 0.0, weights))


def _settle(
    limits: Limits,
    goal: Goal,
    weights: np.ndarray,
    rates: Rates,
    covered: bool,
    spare: float = np.inf,
    flat: bool = False,
) -> tuple[Chosen, str]:
    """Return weights freed of dust with their costs, and the limit they miss, if any.

    What minima (and impact, where `flat`) add beyond `spare` is left out of the limits,
    not of the costs.

    A weight within `DUST` of 0 or of what is held becomes exactly that; what cannot
    trade keeps exactly what is held.
    """
    settled = freed(weights, limits.held, DUST)
    settled = np.where(limits.shorts, settled, np.maximum(settled, 0.0))
    settled = np.where(limits.closed, limits.held, settled)
    traded, over = settled - limits.held, 0.0
    costs = at_rates(traded, *rates)
    if limits.orders is not None:
        costs += float(limits.orders.expected(traded).sum())
        added = float(limits.orders.bounded(traded).sum())
        added += float(limits.orders.moved(traded).sum()) if flat else 0.0
        over = max(added - spare, 0.0)
    worst, name = breach(limits, settled, costs - over if covered else 0.0)
    cash = 1.0 - float(settled.sum())
    notes = limits.notes
    if not covered:
        notes += (
            f"the limits leave no cash for trading costs of {costs:.4f}: they overdraw "
            "the account",
        )
    borrow = float(limits.borrow @ np.maximum(-settled, 0.0))
    chosen = Chosen(
        weights=settled,
        cash=cash,
        costs=costs,
        status="",
        objective=goal.value(settled, costs + borrow),
        notes=notes,
    )
    return chosen, name if worst > ALLOWED_BREACH else ""
