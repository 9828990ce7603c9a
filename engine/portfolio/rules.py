"""From the limits that a thesis writes to those that bind at one moment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from engine.errors import at_most
from engine.market.calendar import calendar_of
from engine.market.listing import Line
from engine.portfolio.constraints import NOTHING, Budget, Limits
from engine.thesis.model import Leg

#: The country of each calendar's exchange (ISO 3166), for limits by country.
COUNTRY_OF: Mapping[str, str] = {
    "XNYS": "US",
    "XHKG": "HK",
    "XSHG": "CN",
    "XKRX": "KR",
    "XTAI": "TW",
    "XTKS": "JP",
    "XAMS": "NL",
    "XLON": "GB",
}
#: Exchanges whose lines are never sold short: mainland China.
NO_SHORTS = ("XSHG", "XSHE")

Range = tuple[float, float]


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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Traits:
    """What limits know N assets by: arrays of shape (N,).

    beta : to the main benchmark, 0 where it is not known. shortable : False where the
    market allows no short sales.
    """

    layer: np.ndarray
    currency: np.ndarray
    country: np.ndarray
    beta: np.ndarray
    shortable: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The limits as written, each named like the key of the thesis file."""

    legs: Mapping[str, Leg]
    layers: Mapping[str, Range]
    max_weight: float
    cash: Range
    max_turnover: float | None
    currencies: Mapping[str, Range] = field(default_factory=dict)
    countries: Mapping[str, Range] = field(default_factory=dict)
    beta: Range | None = None
    max_short: float = 0.0
    max_gross: float | None = None
    net: Range | None = None
    min_position: float = 0.0
    max_names: int | None = None


def traits(
    lines: Sequence[Line], layer_of: Mapping[str, str], beta: np.ndarray | None = None
) -> Traits:
    """Return what the limits know these lines by; `beta` (N,) defaults to 0."""
    return Traits(
        layer=_texts(layer_of[line.symbol] for line in lines),
        currency=_texts(line.currency for line in lines),
        country=_texts(COUNTRY_OF.get(calendar_of(line.mic), "") for line in lines),
        beta=np.zeros(len(lines)) if beta is None else np.nan_to_num(beta),
        shortable=np.array([line.mic not in NO_SHORTS for line in lines], dtype=bool),
    )


def limits_at(
    rules: Rules, assets: Sequence[str], known_by: Traits, position: Position
) -> Limits:
    """Return the limits that `rules` set for what is held and tradeable now.

    - An asset of no leg has weight 0. A held-out asset may be sold, not bought.
    - A held asset that cannot trade keeps its weight, whatever its caps say; where
      such assets alone exceed a range, the others in it weigh 0 until they trade.
    - Cash stands in for a leg without a member that can be bought: its range is added
      to that of cash, so its minimum is held in cash.

    Each of these leaves a note.
    """
    in_leg = np.zeros(len(assets), dtype=bool)
    for leg in rules.legs.values():
        in_leg |= np.isin(known_by.layer, leg.layers)
    known = np.array([asset not in position.held_out for asset in assets], dtype=bool)
    may_sell = position.tradeable
    may_buy = position.tradeable & in_leg & known & ~position.forced
    cap = np.where(in_leg & ~position.forced, rules.max_weight, 0.0)
    shorted = known_by.shortable & may_buy
    held = position.held if rules.max_short else np.maximum(position.held, 0.0)
    limits = Limits(
        assets=tuple(assets),
        budgets=tuple(_budgets(rules, known_by)),
        cap=np.where(may_sell, cap, np.inf),
        short_cap=np.where(shorted, rules.max_short, 0.0),
        may_buy=may_buy,
        may_sell=may_sell,
        held=held,
        held_cash=position.cash,
        cash=rules.cash,
        forced=position.forced & position.tradeable,
        max_turnover=rules.max_turnover,
        max_weight=rules.max_weight,
        max_short=rules.max_short,
        gross=rules.max_gross,
        smallest=rules.min_position,
        most_names=rules.max_names,
        notes=_notes(assets, position, in_leg),
    )
    return _with_closed_holdings(_with_empty_legs(limits, len(rules.legs)))


def _budgets(rules: Rules, known_by: Traits) -> Iterator[Budget]:
    """Yield one budget per leg, then one per limited layer, currency, country, ..."""
    for name, leg in rules.legs.items():
        inside = np.isin(known_by.layer, leg.layers)
        yield _budget(f"barbell.{name}.weight", inside, leg.weight)
    groups = (
        ("layers", known_by.layer, rules.layers),
        ("currencies", known_by.currency, rules.currencies),
        ("countries", known_by.country, rules.countries),
    )
    for kind, trait, ranges in groups:
        for name, between in ranges.items():
            yield _budget(f"portfolio.{kind}.{name}", trait == name, between)
    if rules.beta is not None:
        yield _budget("portfolio.beta", known_by.beta, rules.beta)
    if rules.net is not None:
        yield _budget("portfolio.net", np.ones(len(known_by.layer)), rules.net)


def _budget(name: str, coefficients: np.ndarray, between: Range) -> Budget:
    """Return a budget over a mask or over coefficients."""
    return Budget(
        name=name,
        coefficients=coefficients.astype(np.float64),
        low=between[0],
        high=between[1],
    )


def _with_empty_legs(limits: Limits, legs: int) -> Limits:
    """Let cash stand in for each leg that cannot be bought."""
    budgets, notes = list(limits.budgets), list(limits.notes)
    low, high = limits.cash
    closed = ~limits.may_sell & (np.abs(limits.held) > NOTHING)
    for place, budget in enumerate(budgets):
        if (limits.may_buy & budget.members).any():
            continue
        kept = budget.total(np.where(closed, limits.held, 0.0))
        missing = max(budget.low - kept, 0.0)
        budgets[place] = replace(budget, low=min(budget.low, 0.0))
        if place >= legs:  # an extra minimum reserves no cash of its own
            if missing:
                notes.append(f"{budget.name}: no member can be bought, minimum waived")
            continue
        low = min(low + missing, 1.0)
        high = min(high + max(budget.high - kept, 0.0), 1.0)
        reserved = f", its minimum {missing:.2f} is held in cash" if missing else ""
        notes.append(f"{budget.name}: no member can be bought{reserved}")
    return replace(limits, budgets=tuple(budgets), cash=(low, high), notes=tuple(notes))


def _with_closed_holdings(limits: Limits) -> Limits:
    """Let ranges that closed holdings exceed by themselves bind only the others.

    Only where they cannot be offset: sums of weights in a long-only portfolio.
    """
    closed = ~limits.may_sell & (np.abs(limits.held) > NOTHING)
    budgets, notes = list(limits.budgets), list(limits.notes)
    for place, budget in enumerate(budgets):
        stuck = budget.total(np.where(closed, limits.held, 0.0))
        plain = bool(np.isin(budget.coefficients, (0.0, 1.0)).all())
        if stuck <= budget.high or stuck == 0.0 or limits.shorts or not plain:
            continue
        budgets[place] = replace(
            budget,
            coefficients=np.where(closed, 0.0, budget.coefficients),
            low=0.0,
            high=0.0,
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
        if abs(weight) > NOTHING and not open_
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


def _texts(values: Iterator[str]) -> np.ndarray:
    """Return texts as an array of objects, shape (N,)."""
    return np.array(list(values), dtype=object)
