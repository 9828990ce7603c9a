r"""Workload mix: how much of a share is what its users do, not who serves them.

.. math:: s = w\, s_{in} + (1 - w)\, s_{out}, \qquad
          \Delta = \frac{(w_0 - w_1)(s_{in} - s_{out})}{s}

w is the workload's part of all tokens (w_0 before, w_1 after), s_in the vendor's share
inside it, s_out its share of the rest, which follows from s. Estimand: the change of
the vendor's share if the workload fell back to w_0 and both inner shares stayed.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.evidence.mechanisms.mechanism import (
    Computed,
    Kind,
    Outcome,
    positive,
    share,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """The workload's weight before and after; a vendor's share in it, and overall."""

    weight_before: float
    weight_after: float
    share_inside: float
    share_overall: float

    def __post_init__(self) -> None:
        for name in ("weight_before", "weight_after", "share_inside", "share_overall"):
            share(name, getattr(self, name))
        positive("share_overall", self.share_overall)
        if self.weight_after == 1.0:
            raise ValueError("weight_after 1 leaves no other workload")
        if not 0.0 <= outside(self) <= 1.0:
            raise ValueError(
                f"share_overall {self.share_overall:g} cannot be with share_inside "
                f"{self.share_inside:g} of weight_after {self.weight_after:g}: the "
                f"rest would have {outside(self):g}"
            )


def outside(given: Inputs) -> float:
    """Return the vendor's share of all other workloads."""
    inside = given.weight_after * given.share_inside
    return (given.share_overall - inside) / (1.0 - given.weight_after)


def compute(given: Inputs) -> Outcome:
    """Return the share at the earlier mix, and what of it the mix had made."""
    rest = outside(given)
    effect = (given.weight_before - given.weight_after) * (given.share_inside - rest)
    return Outcome(
        change=effect / given.share_overall,
        numbers=(
            Computed(
                name="share of other workloads",
                value=rest,
                unit="fraction",
                formula="(share overall - weight after x share inside) / (1 - weight)",
            ),
            Computed(
                name="share at the earlier mix",
                value=given.share_overall + effect,
                unit="fraction",
                formula="share overall + change of weight x (inside - outside)",
            ),
        ),
    )


KIND = Kind(
    name="workload_mix",
    inputs=Inputs,
    compute=compute,
    help="a vendor's share if a workload fell back to its earlier weight",
    quantity="a vendor's share",
    limits="shares inside each workload stay as they are",
)
