"""Whether the settings of ``[portfolio]`` agree with each other and with the legs."""

from __future__ import annotations

from collections.abc import Iterator

from engine.errors import at_most, nearest
from engine.thesis.complaint import Complaint, Raw, shown
from engine.thesis.raw import limits, table

#: Sums of a few decimal fractions are compared up to this.
_ROUNDING = 1e-9


def holdings(raw: Raw) -> Iterator[Complaint]:
    """Yield what no portfolio could ever meet, and settings that lack another."""
    rules = table(raw, "portfolio")
    yield from _risk_budgets(rules, list(table(raw, "barbell")))
    yield from _positions(rules)
    yield from _short(rules, table(raw, "execution"))
    for key in ("currencies", "countries"):
        least = [
            bound[0] for one in table(rules, key).values() if (bound := limits(one))
        ]
        if sum(least) > 1.0 + _ROUNDING:
            yield Complaint(
                path=("portfolio", key),
                message="weights that cannot sum to 1: the minima of the "
                f"{key} sum to {sum(least):g}",
                hint="lower a minimum",
            )


def _risk_budgets(rules: Raw, legs: list[str]) -> Iterator[Complaint]:
    """Check that risk budgets name legs and that some leg has one."""
    budgets = table(rules, "risk_budgets")
    for leg in budgets:
        if leg not in legs:
            yield Complaint(
                path=("portfolio", "risk_budgets", leg),
                message=f"{shown(leg)} is no leg of the barbell",
                hint=nearest(leg, legs) or f"the legs are {at_most(legs)}",
            )
    parts = [part for part in budgets.values() if _number(part) is not None]
    if budgets and len(parts) == len(budgets) and not sum(parts) > 0.0:
        yield Complaint(
            path=("portfolio", "risk_budgets"),
            message="every risk budget is 0",
            hint="give at least one leg a part of the risk",
        )


def _positions(rules: Raw) -> Iterator[Complaint]:
    """Check the smallest and largest position against each other and the count."""
    largest = _number(rules.get("max_weight", 0.10))
    smallest = _number(rules.get("min_position", 0.0))
    if largest is None or smallest is None:
        return
    if smallest > largest + _ROUNDING:
        yield Complaint(
            path=("portfolio", "min_position"),
            message=f"min_position {smallest:g} is above max_weight {largest:g}",
            hint="lower it, or raise max_weight",
        )
    names, cash = rules.get("max_names"), limits(rules.get("cash", [0.0, 1.0]))
    if not isinstance(names, int) or isinstance(names, bool) or cash is None:
        return
    if names * largest + cash[1] < 1.0 - _ROUNDING:
        yield Complaint(
            path=("portfolio", "max_names"),
            message=f"{names} names of at most {largest:g} and cash of at most "
            f"{cash[1]:g} cannot fill the account",
            hint="raise max_names, max_weight or the maximum of cash",
        )


def _short(rules: Raw, execution: Raw) -> Iterator[Complaint]:
    """Check that short positions do not meet rules that are for long ones alone."""
    short = _number(rules.get("max_short", 0.0)) or 0.0
    if short > 0.0 and "short_margin" not in execution:
        yield Complaint(
            path=("portfolio", "max_short"),
            message="max_short without execution.short_margin: the ledger holds no "
            "short positions",
            hint="set short_margin, the NAV asked for per unit of short value, for "
            "example 1.5",
        )
    if short > 0.0 and (_number(rules.get("min_position", 0.0)) or 0.0) > 0.0:
        yield Complaint(
            path=("portfolio", "min_position"),
            message="min_position is for long-only portfolios; max_short is above 0",
            hint="leave one of the two out",
        )
    if short == 0.0 and "borrow_rate" in rules and _number(rules["borrow_rate"]):
        yield Complaint(
            path=("portfolio", "borrow_rate"),
            message="borrow_rate without short positions has nothing to cost",
            hint="set max_short above 0, or leave it out",
        )


def _number(value: object) -> float | None:
    """Return a number, None where the value is anything else."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    return None
