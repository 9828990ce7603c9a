r"""A supply leg: what is left of compute when one source of it ends.

.. math:: \Delta = -(1 - k)\, s

s is the leg's share of all supply and k what is kept of the leg. Estimand: the change
of all supply. The other legs do not make up for it.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.evidence.mechanisms.mechanism import Computed, Kind, Outcome, share


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """The leg's share of supply, and what is kept of the leg: 0 is none of it."""

    share: float
    kept: float = 0.0

    def __post_init__(self) -> None:
        share("share", self.share)
        share("kept", self.kept)


def compute(given: Inputs) -> Outcome:
    """Return what of all supply is lost with the leg."""
    change = 0.0 - (1.0 - given.kept) * given.share  # 0.0, not -0.0, where none is
    left = Computed(
        name="supply left",
        value=1.0 + change,
        unit="fraction",
        formula="1 - share x (1 - kept)",
    )
    return Outcome(change=change, numbers=(left,))


KIND = Kind(
    name="supply_leg",
    inputs=Inputs,
    compute=compute,
    help="one source of supply ends, or shrinks to what is kept of it",
    quantity="supply of compute",
    limits="the other legs do not make up for it, now or later",
)
