r"""The memory ceiling: no more accelerators than stacked memory for them.

.. math:: N = \min(L, (S + B) / k), \qquad \Delta = \min(1, N / P) - 1

S stacks a year, B stacks in store, k stacks per package, L packages that logic could
give, P packages planned. Estimand: the share of the plan that memory does not allow.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.evidence.mechanisms.mechanism import Computed, Kind, Outcome, positive


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Stacks a year, stacks per package, packages planned a year; stock and logic."""

    stacks: float
    stacks_per_package: float
    planned: float
    stockpile: float = 0.0
    logic: float | None = None

    def __post_init__(self) -> None:
        positive("stacks_per_package", self.stacks_per_package)
        positive("planned", self.planned)
        for name in ("stacks", "stockpile", "logic"):
            if (getattr(self, name) or 0.0) < 0.0:
                raise ValueError(f"{name} {getattr(self, name):g} is below 0")


def compute(given: Inputs) -> Outcome:
    """Return the ceiling in packages a year, and the plan's shortfall."""
    ceiling = (given.stacks + given.stockpile) / given.stacks_per_package
    if given.logic is not None:
        ceiling = min(ceiling, given.logic)
    covered = min(1.0, ceiling / given.planned)
    return Outcome(
        change=covered - 1.0,
        numbers=(
            Computed(
                name="ceiling",
                value=ceiling,
                unit="packages a year",
                formula="(stacks + stockpile) / stacks per package, at most logic",
            ),
            Computed(
                name="plan covered",
                value=covered,
                unit="fraction",
                formula="ceiling / planned, at most 1",
            ),
            Computed(
                name="stacks the plan needs",
                value=given.planned * given.stacks_per_package,
                unit="stacks a year",
                formula="planned x stacks per package",
            ),
        ),
    )


KIND = Kind(
    name="hbm_ceiling",
    inputs=Inputs,
    compute=compute,
    help="accelerators that stacked memory allows, of those planned",
    quantity="accelerators that can be packaged, against the plan",
    limits="one kind of package, no yield loss, no imports, no smuggling",
)
