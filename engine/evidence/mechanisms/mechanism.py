"""What a mechanism is: inputs, a formula, and a relative change that it implies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Computed:
    """One number of a mechanism, with the formula that gave it."""

    name: str
    value: float
    unit: str
    formula: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a mechanism's inputs imply.

    change : of the stressed quantity, as a share of what it is: -1 is its loss, 0 the
        neutral stress, which changes no score at all.
    numbers : what is printed beside it.
    """

    change: float
    numbers: tuple[Computed, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One mechanism of the registry.

    inputs : frozen dataclass of floats; a field without a default is required, and
        `ValueError` says what is out of range. compute : inputs -> `Outcome`.
    quantity : what changes, in words. limits : what the calculation leaves out.
    """

    name: str
    inputs: type
    compute: Callable[[Any], Outcome]
    help: str
    quantity: str
    limits: str


def positive(name: str, value: float) -> None:
    """Raise `ValueError` unless a value is above 0."""
    if not value > 0.0:
        raise ValueError(f"{name} {value:g} is not above 0")


def share(name: str, value: float) -> None:
    """Raise `ValueError` unless a value is a fraction from 0 to 1."""
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"{name} {value:g} is no fraction from 0 to 1")
