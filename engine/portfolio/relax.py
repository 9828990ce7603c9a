"""Limits widened by the least that lets a portfolio exist, and by how much each was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from engine.portfolio.collisions import MET, elastic_programme
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
from engine.portfolio.limit_rows import Row, rows_of
from engine.portfolio.shortfalls import largest_position, least_names, least_risk

#: Added to a widened limit, so that the solver finds an inside.
_ROOM = 1e-7
#: How far a least that was found may be missed while the next one is looked for.
_FOUND = 1e-9


def relaxed(limits: Limits) -> tuple[Limits, Mapping[str, float]]:
    """Return limits that can be met, and every slack that this took, by setting.

    A setting gives way as a whole: ``portfolio.max_weight`` by one slack for all names.
    First the elastic problem (`least_slacks`) over all sums, the limit per name and
    turnover. Then, with those widened, the fewest more names, the largest smallest
    position and the least risk that the others allow. Settings read
    ``portfolio.cash maximum``. What cannot trade is never moved, and the margin of
    short positions, which the ledger asks for, is never widened.
    """
    found = {
        label: slack
        for label, slack in least_slacks(limits).items()
        if slack > MET and label != NAMES
    }
    limits = widened(limits, found)
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


def least_slacks(limits: Limits) -> dict[str, float]:
    """Return the slack of each setting, of the least total that lets a portfolio exist.

    Every unit counts alike: a share of the account, a beta of 1, a name. Of equal
    totals, that which keeps the first setting best, then the next one, ...: the minimum
    of cash, legs, other sums, the maximum of cash, the limit per name, turnover, gross
    positions, names. No order of assets, and no choice of a solver, decides.
    """
    from scipy.optimize import linprog  # 0.3 s to import, needed only on failure

    rows = rows_of(limits)
    labels = sorted(
        dict.fromkeys(_label(row) for row in rows if row.name != MARGIN), key=_place
    )
    programme = elastic_programme(limits, rows, _gives(limits, rows, labels))
    first = programme["A_ub"].shape[1] - len(labels)
    total = np.zeros(first + len(labels))
    total[first:] = 1.0
    solved = linprog(total, method="highs-ds", **programme)
    if not solved.success or solved.fun <= MET:  # nothing helps, or nothing has to
        return dict.fromkeys(labels, 0.0)
    slacks = np.asarray(solved.x[first:])
    programme["A_ub"] = np.vstack([programme["A_ub"], total])
    programme["b_ub"] = np.append(programme["b_ub"], solved.fun + _FOUND)
    for place in range(len(labels)):
        if slacks[place] > MET:
            one = np.zeros(len(total))
            one[first + place] = 1.0
            solved = linprog(one, method="highs-ds", **programme)
            slacks = np.asarray(solved.x[first:])
        programme["bounds"][first + place, 1] = slacks[place] + _FOUND
    return dict(zip(labels, slacks.tolist(), strict=True))


def _gives(limits: Limits, rows: Sequence[Row], labels: Sequence[str]) -> np.ndarray:
    """Return what each setting's slack adds to the bound of each row.

    A higher limit per name also lets the same number of names hold more.
    """
    gives = np.zeros((len(rows), len(labels)))
    for number, row in enumerate(rows):
        if row.name != MARGIN:
            gives[number, labels.index(_label(row))] = 1.0
        if row.name == NAMES and CAP in labels:
            gives[number, labels.index(CAP)] = row.value / limits.max_weight
    return gives


def _label(row: Row) -> str:
    """Return a setting and its side."""
    return f"{row.name} {row.side}".rstrip()


def _place(label: str) -> int:
    """Return where a setting stands among those that are kept, the first one best."""
    order = (f"{CASH} minimum", "", f"{CASH} maximum", CAP, TURNOVER, GROSS, NAMES)
    return order.index(label) if label in order else 1


def widened(limits: Limits, slacks: Mapping[str, float]) -> Limits:
    """Return limits with each setting's slack, and a hair more, added to its bound.

    Settings that these limits do not have are left out.
    """
    more = {label: slack + _ROOM for label, slack in slacks.items()}
    budgets = tuple(
        replace(
            one,
            low=one.low - more.get(f"{one.name} minimum", 0.0),
            high=one.high + more.get(f"{one.name} maximum", 0.0),
        )
        for one in limits.budgets
    )
    low, high = limits.cash
    cash = (
        low - more.get(f"{CASH} minimum", 0.0),
        high + more.get(f"{CASH} maximum", 0.0),
    )
    turnover, gross, cap = limits.max_turnover, limits.gross, more.get(CAP, 0.0)
    return replace(
        limits,
        budgets=budgets,
        cash=cash,
        cap=np.where(limits.cap > 0.0, limits.cap + cap, limits.cap),
        max_weight=limits.max_weight + cap,
        max_turnover=None if turnover is None else turnover + more.get(TURNOVER, 0.0),
        gross=None if gross is None else gross + more.get(GROSS, 0.0),
    )
