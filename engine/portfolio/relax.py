"""Limits widened by the least that lets a portfolio exist, and by how much each was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from engine.portfolio.collisions import MET, Row, least_slack, rows_of
from engine.portfolio.constraints import (
    CAP,
    CASH,
    GROSS,
    MARGIN,
    NAMES,
    RISK,
    SMALLEST,
    TURNOVER,
    Limits,
)
from engine.portfolio.shortfalls import largest_position, least_names, least_risk

#: Added to a widened limit, so that the solver finds an inside.
_ROOM = 1e-7


def relaxed(limits: Limits) -> tuple[Limits, Mapping[str, float]]:
    """Return limits that can be met, and every slack that this took, by setting.

    First the elastic problem: the least total slack over all sums, caps and turnover
    (shares of the account; of two limits that share a slack, the solver's choice).
    Then, with those widened, the fewest more names, the largest smallest position and
    the least risk that the others allow. Names read ``portfolio.cash maximum``, and
    ``portfolio.max_weight (NVDA)`` for one asset. What cannot trade is never moved, and
    the margin of short positions, which the ledger asks for, is never widened.
    """
    rows = rows_of(limits)
    slacks = least_slack(limits, rows).slacks
    used = [
        (row, float(slack))
        for row, slack in zip(rows, slacks, strict=True)
        if slack > MET and row.name not in (NAMES, MARGIN)
    ]
    found = {_label(limits, row): slack for row, slack in used}
    limits = _widened(limits, used)
    if limits.most_names is not None:
        most = least_names(limits)
        if most > limits.most_names:
            found[NAMES] = float(most - limits.most_names)
            limits = replace(limits, most_names=most)
    if limits.smallest:
        most = limits.most_names or len(limits.assets)
        position = largest_position(limits, most)
        if position < limits.smallest:
            found[SMALLEST] = limits.smallest - position
            limits = replace(limits, smallest=position)
    if limits.risk_limit is not None:
        needed = least_risk(limits)
        if needed > limits.risk_limit:
            found[RISK] = needed - limits.risk_limit
            limits = replace(limits, risk_limit=needed * (1.0 + 10.0 * _ROOM))
    return limits, found


def _label(limits: Limits, row: Row) -> str:
    """Return a setting, its side, and the asset where there is one per asset."""
    label = f"{row.name} {row.side}".rstrip()
    return label if row.place is None else f"{label} ({limits.assets[row.place]})"


def _widened(limits: Limits, used: Sequence[tuple[Row, float]]) -> Limits:
    """Return limits with each row's slack, and a hair more, added to its bound."""
    cap, budgets, cash = limits.cap.copy(), list(limits.budgets), list(limits.cash)
    turnover, gross = limits.max_turnover, limits.gross
    for row, slack in used:
        more = slack + _ROOM
        if row.name == CAP and row.place is not None:
            cap[row.place] += more
        elif row.name == CASH:
            cash[0] -= more if row.side == "minimum" else 0.0
            cash[1] += more if row.side == "maximum" else 0.0
        elif row.name == TURNOVER and turnover is not None:
            turnover += more
        elif row.name == GROSS and gross is not None:
            gross += more
        for place, budget in enumerate(budgets):
            if budget.name == row.name and row.side == "minimum":
                budgets[place] = replace(budget, low=budget.low - more)
            elif budget.name == row.name:
                budgets[place] = replace(budget, high=budget.high + more)
    return replace(
        limits,
        cap=cap,
        budgets=tuple(budgets),
        cash=(cash[0], cash[1]),
        max_turnover=turnover,
        gross=gross,
    )
