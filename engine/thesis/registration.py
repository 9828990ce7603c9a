"""Since when a thesis and its claims are known to have been said, and who says so."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from engine.thesis.model import Thesis

#: From when a claim counts that its register does not hold as it now stands.
NEVER = dt.date.max

Basis = Literal["declared", "registered", "not registered"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What a register says of a thesis: the proof behind its dates.

    file : the register. head : hash of the last entry that counts; entries : how many
    do, of any thesis. first : moment of the thesis's first entry, UTC.
    whole : first day after the moment at which the thesis's settings were registered
    as they now are, None where they are not. claims : claim id -> the same of each
    claim. declared, claims_declared : what the thesis file asserts. withdrawn : ids of
    claims that were registered and are no longer made. versions : claim id -> how many
    versions of it were registered, where there are several. text : the lines that
    count.
    """

    file: str
    head: str
    entries: int
    first: str
    whole: dt.date | None
    claims: Mapping[str, dt.date | None]
    declared: dt.date | None
    claims_declared: Mapping[str, dt.date | None] = field(default_factory=dict)
    withdrawn: tuple[str, ...] = ()
    versions: Mapping[str, int] = field(default_factory=dict)
    text: str = ""

    @property
    def basis(self) -> Basis:
        """Which date counts for the thesis as a whole."""
        return _basis(self.whole, self.declared)

    def basis_of(self, claim: str) -> Basis:
        """Return which date counts for a claim."""
        asserted = self.claims_declared.get(claim) or self.declared
        return _basis(self.claims.get(claim), asserted)


def basis_of(registration: Registration | None, claim: str) -> Basis:
    """Return which date counts for a claim; without a register its declaration."""
    return registration.basis_of(claim) if registration else "declared"


def counted(thesis: Thesis, registration: Registration | None) -> Thesis:
    """Return the thesis with the dates that count in place of those it asserts.

    Of the two the later: what is declared and what is registered. What its register
    does not hold as it now stands counts from `NEVER`: all of it is in-sample.
    """
    if registration is None:
        return thesis
    about = thesis.about.model_copy(
        update={"declared": _later(thesis.about.declared, registration.whole)}
    )
    claims = tuple(
        claim.model_copy(
            update={
                "declared": _later(
                    thesis.declared_of(claim), registration.claims.get(claim.id)
                )
            }
        )
        for claim in thesis.claims
    )
    return thesis.model_copy(update={"about": about, "claims": claims})


def _later(asserted: dt.date | None, proved: dt.date | None) -> dt.date:
    if proved is None:
        return NEVER
    return proved if asserted is None else max(asserted, proved)


def _basis(proved: dt.date | None, asserted: dt.date | None) -> Basis:
    if proved is None:
        return "not registered"
    return "registered" if asserted is None or proved >= asserted else "declared"
