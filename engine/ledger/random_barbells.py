"""Random barbells within the limits of a thesis: what luck would have held.

At each decision, each draw is made anew and alone:

1. Budgets. The legs and cash are taken in a random order; each gets a share uniform
   over what its range and the ranges of those still to come allow, so that all add up
   to 1. What a leg may hold ends at what its names together may.
2. Names. A leg's budget is shared among the names that can be bought by a flat
   Dirichlet distribution. What exceeds a name's limit goes to the leg's other names in
   proportion to their weights, until none exceeds it.

Legs, names and cash are bound as at a first investment of the thesis; what else a
thesis may limit is not (`unbound`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from engine.errors import DataError, InfeasibleError
from engine.ledger.simulate import tradeable_at
from engine.ledger.tape import Tape
from engine.portfolio.constraints import Limits
from engine.portfolio.relax import relaxed, widened
from engine.portfolio.results import Decision
from engine.portfolio.rules import Position, Rules, limits_at, traits
from engine.thesis.model import Portfolio, Thesis

#: Budgets of a few decimal fractions are compared up to this.
_ROUNDING = 1e-9
_UNBOUND = (
    "max_turnover",
    "layers",
    "currencies",
    "countries",
    "beta",
    "max_short",
    "max_gross",
    "net",
    "min_position",
    "max_names",
    "risk_limit",
)


def random_schedules(
    tape: Tape,
    decisions: Sequence[Decision],
    thesis: Thesis,
    layer_of: Mapping[str, str],
    *,
    count: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return the target weights of random barbells at a thesis's own decisions.

    Parameters
    ----------
    tape : Tape
        Over the N assets that the thesis may hold.
    decisions : sequence of D decisions
        The thesis's own, on sessions of the tape. A name can be bought where its price
        is not stale and the decision had an estimate of its risk (`Decision.alpha`).
    thesis : Thesis
    layer_of : mapping of symbol to primary layer
    count : int
        Number S of random barbells.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of shape (S, D, N)
        Each row is within the budgets of legs, the limit per name and the range of cash
        of its decision to 1e-9; cash is what is left of 1.

    Raises
    ------
    InfeasibleError
        Nothing is within these limits on some day, and ``portfolio.relax`` is not set.
    DataError
        A decision that is not on a session of the tape.
    """
    found = np.empty((count, len(decisions), len(tape.symbols)))
    for place, decision in enumerate(decisions):
        limits = limits_of(tape, decision, thesis, layer_of)
        legs = len(thesis.barbell)
        try:
            found[:, place] = draw_barbells(limits, legs, count, rng)
        except InfeasibleError as error:
            raise InfeasibleError(
                f"no random barbell on {decision.session.date()}: {error}"
            ) from error
    return found


def limits_of(
    tape: Tape, decision: Decision, thesis: Thesis, layer_of: Mapping[str, str]
) -> Limits:
    """Return the limits of legs, names and cash at a decision, for an empty account.

    The legs' budgets come first, in the order of the thesis. Cash stands in for a leg
    without a name that can be bought, as for the thesis itself. With
    ``portfolio.relax`` limits that collide are widened by the least that helps.
    """
    row = int(tape.days.get_indexer(pd.DatetimeIndex([decision.session]))[0])
    if row < 0:
        raise DataError(f"{decision.session.date()} is not a session of this tape")
    symbols, rules = list(tape.symbols), thesis.portfolio
    unknown = decision.alpha.reindex(symbols).isna().to_numpy()
    limits = limits_at(
        Rules(
            legs=thesis.barbell,
            layers={},
            max_weight=rules.max_weight,
            cash=rules.cash,
            max_turnover=None,
        ),
        symbols,
        traits(tape.lines, layer_of),
        Position(
            held=np.zeros(len(symbols)),
            cash=1.0,
            tradeable=tradeable_at(tape, row),
            forced=np.zeros(len(symbols), dtype=bool),
            held_out={
                symbol: "no risk estimate"
                for symbol, out in zip(symbols, unknown, strict=True)
                if out
            },
        ),
    )
    return relaxed(widened(limits, decision.slacks))[0] if rules.relax else limits


def draw_barbells(
    limits: Limits, legs: int, count: int, rng: np.random.Generator
) -> np.ndarray:
    """Return random weights within limits, shape (count, N).

    The first `legs` budgets of `limits` are the legs, which share no name. What cannot
    be bought weighs 0. Raises `InfeasibleError` where the budgets cannot add up to 1.
    """
    inside = [limits.may_buy & one.members for one in limits.budgets[:legs]]
    room = [float(limits.cap[names].sum()) for names in inside]
    low = [one.low for one in limits.budgets[:legs]]
    high = [
        min(one.high, most)
        for one, most in zip(limits.budgets[:legs], room, strict=True)
    ]
    for one, most in zip(limits.budgets[:legs], room, strict=True):
        if one.low > most + _ROUNDING:
            raise InfeasibleError(
                f"{one.name} is at least {one.low:g}, but the names that can be bought "
                f"may hold {most:g} of the account together"
            )
    budgets = draw_budgets(
        np.array([*low, limits.cash[0]]), np.array([*high, limits.cash[1]]), count, rng
    )
    weights = np.zeros((count, len(limits.assets)))
    for place, names in enumerate(inside):
        if names.any():
            weights[:, names] = share(budgets[:, place], limits.cap[names], rng)
    return weights


def draw_budgets(
    low: np.ndarray, high: np.ndarray, count: int, rng: np.random.Generator
) -> np.ndarray:
    """Return shares within ranges that add up to 1, shape (count, K).

    Parameters
    ----------
    low, high : ndarray of shape (K,)
        Least and greatest share of each.
    count : int
    rng : numpy.random.Generator

    Notes
    -----
    In a random order, anew for each draw, each share is uniform over the part of its
    range that leaves the later ones able to fill the rest. Raises `InfeasibleError`
    where no shares add up to 1.
    """
    high = np.maximum(high, low)
    if low.sum() > 1.0 + _ROUNDING or high.sum() < 1.0 - _ROUNDING:
        raise InfeasibleError(
            f"the legs and cash hold between {low.sum():g} and {high.sum():g} of the "
            "account, and cannot fill it"
        )
    order = rng.random((count, len(low))).argsort(axis=1)
    least, most = low[order], high[order]
    # what the later ones hold at least and at most
    later_least = least[:, ::-1].cumsum(axis=1)[:, ::-1] - least
    later_most = most[:, ::-1].cumsum(axis=1)[:, ::-1] - most
    rest, drawn = np.ones(count), np.empty((count, len(low)))
    for k in range(len(low)):
        bottom = np.maximum(least[:, k], rest - later_most[:, k])
        top = np.maximum(np.minimum(most[:, k], rest - later_least[:, k]), bottom)
        drawn[:, k] = bottom + (top - bottom) * rng.random(count)
        rest -= drawn[:, k]
    found = np.empty_like(drawn)
    np.put_along_axis(found, order, drawn, axis=1)
    return np.asarray(found.clip(min=0.0))


def share(
    budgets: np.ndarray, caps: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Return each budget shared at random among n names, shape (S, n).

    `budgets` (S,) are at most the sum of `caps` (n,), each name's limit. Weights are
    min(s x, cap) with x from a flat Dirichlet distribution and s such that they add up
    to the budget: what repeated redistribution in proportion to the weights ends at.
    """
    tiny = np.finfo(np.float64).tiny
    drawn = np.maximum(rng.standard_exponential((len(budgets), len(caps))), tiny)
    order = (caps / drawn).argsort(axis=1)  # the first ones meet their limit first
    x, cap = np.take_along_axis(drawn, order, axis=1), caps[order]
    free = x[:, ::-1].cumsum(axis=1)[:, ::-1]  # of this name and all later ones
    spent = cap.cumsum(axis=1) - cap  # by all earlier names, each at its limit
    scale = (budgets[:, None] - spent) / free
    fits = scale * x <= cap
    first = np.where(fits.any(axis=1), fits.argmax(axis=1), 0)
    chosen = np.where(fits.any(axis=1), scale[np.arange(len(scale)), first], np.inf)
    return np.asarray(np.minimum(chosen[:, None] * drawn, caps))


def unbound(rules: Portfolio) -> tuple[str, ...]:
    """Return the limits that a thesis sets and random barbells do not keep."""
    kept = [(name, getattr(rules, name)) for name in _UNBOUND]
    found = [name for name, value in kept if value not in (None, 0.0, {})]
    if rules.max_turnover == 0.0:
        found.insert(0, "max_turnover")
    return tuple(f"portfolio.{name}" for name in found)
