"""Whether the weights that a thesis allows can add up."""

from __future__ import annotations

from collections.abc import Iterator

from engine.thesis.complaint import Complaint, Raw, shown
from engine.thesis.raw import limits, table, texts
from engine.thesis.source_map import Path, SourceMap

#: Sums of a few decimal fractions are compared up to this.
ROUNDING = 1e-9


def budgets(raw: Raw, places: SourceMap) -> Iterator[Complaint]:
    """Yield what keeps the legs, their layers and cash from filling one account."""
    yield from _one_leg_each(raw, places)
    yield from _whole_account(raw)
    yield from _layer_limits(raw)


def _one_leg_each(raw: Raw, places: SourceMap) -> Iterator[Complaint]:
    """Check that a layer stands in one leg only."""
    taken: dict[str, tuple[str, Path]] = {}
    for leg, content in table(raw, "barbell").items():
        if not isinstance(content, dict):
            continue
        for path, layer in texts(("barbell", leg, "layers"), content.get("layers")):
            if layer in taken:
                other, first = taken[layer]
                yield Complaint(
                    path=path,
                    message=f"layer {shown(layer)} is already in the leg {other!r}, "
                    f"line {places.line(first)}",
                    hint="keep it in one leg",
                )
            taken.setdefault(layer, (leg, path))


def _whole_account(raw: Raw) -> Iterator[Complaint]:
    """Check that the legs and cash can add up to the whole account."""
    legs = table(raw, "barbell")
    bounds = [
        limits(leg.get("weight", [0.0, 1.0])) if isinstance(leg, dict) else None
        for leg in legs.values()
    ]
    cash = limits(table(raw, "portfolio").get("cash", [0.0, 1.0]))
    if not bounds or cash is None or None in bounds:
        return
    least = [bound[0] for bound in bounds if bound]
    most = [bound[1] for bound in bounds if bound]
    last = list(legs)[-1]
    path = ("barbell", last, "weight")
    if sum(least) + cash[0] > 1 + ROUNDING:
        yield Complaint(
            path=path,
            message="weights that cannot sum to 1: the minima of the legs "
            f"{_sum([*least, cash[0]], cash_named=cash[0] > 0)} are above 1",
            hint="lower a minimum",
        )
    if sum(most) + cash[1] < 1 - ROUNDING:
        yield Complaint(
            path=path,
            message="weights that cannot sum to 1: the maxima of the legs "
            f"{_sum([*most, cash[1]], cash_named=True)} are below 1",
            hint="raise a maximum, of a leg or of cash",
        )


def _sum(parts: list[float], *, cash_named: bool) -> str:
    """Return ``0.6 + 0.5 = 1.1``, the last part being cash."""
    shown_parts = parts if cash_named else parts[:-1]
    joined = " + ".join(f"{part:g}" for part in shown_parts)
    return f"{'and of cash ' if cash_named else ''}{joined} = {sum(parts):g}"


def _layer_limits(raw: Raw) -> Iterator[Complaint]:
    """Check the extra limits of layers against the legs that hold them."""
    extra = table(table(raw, "portfolio"), "layers")
    held = {}
    for content in table(raw, "barbell").values():
        if isinstance(content, dict):
            most = limits(content.get("weight", [0.0, 1.0]))
            for _, layer in texts((), content.get("layers")):
                held[layer] = most[1] if most else 1.0
    total = 0.0
    for layer, value in extra.items():
        wanted = limits(value)
        if wanted is None:
            continue
        total += wanted[0]
        room = held.get(layer, 0.0)
        if wanted[0] > room + ROUNDING:
            why = f"its leg holds at most {room:g}" if room else "no leg holds it"
            yield Complaint(
                path=("portfolio", "layers", layer),
                message=f"{layer} must have at least {wanted[0]:g}, but {why}",
                hint="lower the minimum or change the leg",
            )
    if total > 1 + ROUNDING:
        yield Complaint(
            path=("portfolio", "layers"),
            message=f"weights that cannot sum to 1: the minima of the layers sum to "
            f"{total:g}",
            hint="lower a minimum",
        )
