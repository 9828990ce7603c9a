"""The best weights within limits, checked against every one of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from engine.errors import InfeasibleError, at_most
from engine.portfolio.collisions import explain
from engine.portfolio.constraints import ALLOWED_BREACH, Limits, breach
from engine.portfolio.objectives.goal import Aim, Goal
from engine.portfolio.relax import relaxed
from engine.portfolio.solvers import answers

#: A weight, or a change of one, below this is the solver's rounding.
DUST = 1e-8

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
    """
    rates = buy_cost, sell_cost
    if limits.closed.all():
        return _kept(limits, aim.goal, rates)
    if (limits.floor >= limits.highest).all():  # what trades must go: nothing to choose
        aim = replace(aim, ideal=limits.floor)
    tried = []
    for covered in (True, False):
        chosen, status = _attempt(limits, aim, rates, covered)
        if chosen is not None:
            return chosen
        tried.append(status)
    if relax:
        wider, slacks = relaxed(limits)
        if slacks:
            note = "limits relaxed: " + at_most(
                [f"{name} by {slack:.6g}" for name, slack in slacks.items()]
            )
            wider = replace(wider, notes=(*wider.notes, note))
            chosen = choose(wider, aim, buy_cost, sell_cost, session=session)
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


def _attempt(
    limits: Limits, aim: Aim, rates: Rates, covered: bool
) -> tuple[Chosen | None, str]:
    """Return weights with costs covered or not, or None and why there are none."""
    if aim.ideal is not None:
        settled, missed = _settle(limits, aim.goal, aim.ideal, rates, covered)
        if not missed:
            return replace(settled, status="closed form", solver="none"), ""
    fallback = ""
    for solution in answers(limits, aim.goal, rates, covered=covered):
        if solution.weights is None:
            fallback = f"{solution.solver}: {solution.status}"
            continue
        settled, missed = _settle(limits, aim.goal, solution.weights, rates, covered)
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


def _settle(
    limits: Limits,
    goal: Goal,
    weights: np.ndarray,
    rates: Rates,
    covered: bool,
) -> tuple[Chosen, str]:
    """Return weights freed of dust with their costs, and the limit they miss, if any.

    A weight within 1e-8 of 0 or of what is held becomes exactly that; what cannot
    trade keeps exactly what is held.
    """
    still = np.abs(weights - limits.held) < DUST
    still |= limits.closed
    settled = np.where(np.abs(weights) < DUST, 0.0, weights)
    settled = np.where(limits.shorts, settled, np.maximum(settled, 0.0))
    settled = np.where(still, limits.held, settled)
    costs = trading_costs(settled - limits.held, *rates)
    worst, name = breach(limits, settled, costs if covered else 0.0)
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


def trading_costs(
    traded: np.ndarray, buy_cost: np.ndarray, sell_cost: np.ndarray
) -> float:
    """Return what trades cost, as a share of net asset value before them."""
    bought, sold = np.maximum(traded, 0.0), np.maximum(-traded, 0.0)
    return float(buy_cost @ bought + sell_cost @ sold)
