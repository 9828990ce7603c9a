"""Orders that minimum charges make too dear, and the cash that pays the others'.

A minimum per order is not convex: it is paid by the first cent and then not again. The
optimiser therefore counts rates alone, and what minima add is dealt with here: cash is
set aside for them; orders too small for theirs are not placed, the dearest third of
those at a time, where the other limits allow it; then others are left out as long as
that makes the objective better. The end is good, not proven to be best.

Where orders move prices, each problem takes a hundred times longer. The search is then
made on problems without impact, whose answers are judged with it, and its end is
decided anew with impact: never worse than any answer of the search.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Generic, Protocol, TypeVar

import numpy as np

from engine.costs.orders import OrderCosts
from engine.errors import at_most
from engine.portfolio.constraints import NOTHING, Limits


class HasWeights(Protocol):
    """Anything with weights (N,) and what they are worth, all costs counted."""

    @property
    def weights(self) -> np.ndarray: ...  # noqa: D102 -- see the class

    @property
    def objective(self) -> float: ...  # noqa: D102 -- see the class


Answer = TypeVar("Answer", bound=HasWeights)
#: The best answer within limits that sets an amount of cash aside, None if there is
#: none, with the solver's word; impact is left out of the problem where the flag says
#: so, never out of what the answer is worth.
Attempt = Callable[[Limits, float, bool], tuple[Answer | None, str]]

#: Rounds after which cash is set aside for whatever could be charged.
_ROUNDS = 5
#: Names that a note lists before it counts the rest.
_NAMED = 20


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Found(Generic[Answer]):
    """An answer, the orders not placed and those asked for (masks), the last word."""

    answer: Answer | None
    dropped: np.ndarray
    asked: np.ndarray
    word: str


def worthwhile(limits: Limits, attempt: Attempt[Answer]) -> Found[Answer]:
    """Return the best answer whose orders are worth their minimum charges."""
    orders = limits.orders
    if orders is None or not orders.minima:
        answer, word = attempt(limits, 0.0, False)
        none = np.zeros(len(limits.assets), dtype=bool)
        return Found(answer=answer, dropped=none, asked=none, word=word)
    found = _searched(limits, orders, attempt, flat=orders.curved)
    if orders.curved and found.answer is None:
        found = _searched(limits, orders, attempt, flat=False)
    elif orders.curved and found.answer is not None:
        again = _placed(limits, orders, attempt, found, flat=False)
        if again.answer and again.answer.objective >= found.answer.objective:
            return again
    return found


def _searched(
    limits: Limits, orders: OrderCosts, attempt: Attempt[Answer], *, flat: bool
) -> Found[Answer]:
    """Return the answer after the rule, and after what makes it better."""
    none = np.zeros(len(limits.assets), dtype=bool)
    start: Found[Answer] = Found(answer=None, dropped=none, asked=none, word="")
    found = _placed(limits, orders, attempt, start, flat=flat)
    if found.answer is None:
        return found
    return _better(limits, orders, attempt, found, flat=flat)


def _placed(
    limits: Limits,
    orders: OrderCosts,
    attempt: Attempt[Answer],
    start: Found[Answer],
    *,
    flat: bool,
) -> Found[Answer]:
    """Return the best answer with the orders dropped that are too small."""
    dropped, asked = start.dropped, start.asked
    within = _without(limits, dropped)
    found, word = _funded(within, orders, attempt, flat=flat)
    while found is not None:
        share, may = _added(limits, orders, found.weights)
        left = may & (share > orders.largest_fixed) & ~asked
        if not left.any():
            break
        worst = _dearest(share, left, (int(left.sum()) + 2) // 3)
        within = _without(limits, dropped | worst)
        other, told = _funded(within, orders, attempt, flat=flat)
        if other is None:
            asked = asked | worst
        else:
            found, word, dropped = other, told, dropped | worst
    return Found(answer=found, dropped=dropped, asked=asked, word=word)


def _better(
    limits: Limits,
    orders: OrderCosts,
    attempt: Attempt[Answer],
    found: Found[Answer],
    *,
    flat: bool,
) -> Found[Answer]:
    """Return the answer after leaving out what makes the objective better.

    A third of the orders that minima add to, then one, whichever helps first.
    """
    best = found.answer
    assert best is not None
    share, may = _added(limits, orders, best.weights)
    left = may & (share > 0.0)
    for count in dict.fromkeys([(int(left.sum()) + 2) // 3, 1]):
        dropped = found.dropped | _dearest(share, left, count)
        if not left.any():
            break
        within = _without(limits, dropped)
        other, word = _funded(within, orders, attempt, flat=flat)
        if other is not None and other.objective > best.objective:
            better = replace(found, answer=other, dropped=dropped, word=word)
            return _better(limits, orders, attempt, better, flat=flat)
    return found


def _funded(
    limits: Limits, orders: OrderCosts, attempt: Attempt[Answer], *, flat: bool
) -> tuple[Answer | None, str]:
    """Return the best answer whose charges fit into the cash set aside for them."""
    spare = 0.0
    for turn in range(_ROUNDS + 1):
        found, word = attempt(limits, spare, flat)
        if found is None:
            break
        traded = found.weights - limits.held
        added = orders.bounded(traded)
        if flat:
            added = added + orders.moved(traded)
        if float(added.sum()) <= spare + NOTHING:
            break
        spare = max(float(added.sum()), spare)
        if turn == _ROUNDS - 1:
            spare = max(spare, _all_minima(limits, orders)) * 1.5
    return found, word


def _all_minima(limits: Limits, orders: OrderCosts) -> float:
    """Return what minima can add at most where every line that may trade does."""
    least = orders.charges[:, :, 1].sum(axis=1).max(axis=0)
    return float(least[~limits.closed].sum())


def _added(
    limits: Limits, orders: OrderCosts, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the share (N,) that minima add to orders, and which may be left out.

    What must be sold, or stands outside its own limits, has to trade.
    """
    traded = weights - limits.held
    size = np.abs(traded)
    share = orders.fixed(traded) / np.where(size > 0.0, size, 1.0)
    inside = (limits.floor <= limits.held) & (limits.held <= limits.highest)
    return share, inside & ~limits.forced & ~limits.closed & (size > 0.0)


def _dearest(share: np.ndarray, among: np.ndarray, count: int) -> np.ndarray:
    """Return the mask of the `count` largest shares among some assets."""
    places = np.flatnonzero(among)
    worst = np.zeros(len(share), dtype=bool)
    worst[places[np.argsort(-share[places], kind="stable")][:count]] = True
    return worst


def _without(limits: Limits, dropped: np.ndarray) -> Limits:
    """Return limits under which some assets (mask) keep what is held."""
    return replace(
        limits,
        may_buy=limits.may_buy & ~dropped,
        may_sell=limits.may_sell & ~dropped,
    )


def notes_of(limits: Limits, weights: np.ndarray, dropped: np.ndarray) -> list[str]:
    """Return one sentence on the orders not placed, and on those placed though dear."""
    orders = limits.orders
    if orders is None or not orders.minima:
        return []
    notes = []
    bound = f"{orders.largest_fixed:.2%}"
    names = np.array(limits.assets, dtype=object)
    dropped = dropped & (weights == limits.held)
    asked = (_added(limits, orders, weights)[0] > orders.largest_fixed) & ~dropped
    if dropped.any():
        notes.append(
            f"no order, minimum charges would add more than {bound} of it: "
            f"{at_most(names[dropped].tolist(), _NAMED)}"
        )
    if asked.any():
        notes.append(
            f"minimum charges add more than {bound} of orders that the limits ask "
            f"for: {at_most(names[asked].tolist(), _NAMED)}"
        )
    return notes
