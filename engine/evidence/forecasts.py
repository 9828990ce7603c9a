"""Stated probabilities, scored as their claims resolve."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from engine.evidence.results import ClaimResult
from engine.thesis.dates import as_date
from engine.thesis.model import Claim, Thesis

State = Literal["open", "came true", "did not", "cannot be judged"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """A claim's stated probability, and what became of the claim."""

    claim: str
    says: str
    probability: float
    state: State
    why: str

    @property
    def outcome(self) -> bool | None:
        """Whether the claim came true, None while it is open or cannot be judged."""
        return {"came true": True, "did not": False}.get(self.state)

    @property
    def brier(self) -> float:
        """The forecast's own Brier score, NaN without an outcome."""
        return self._scored(brier_score)

    @property
    def log_score(self) -> float:
        """The forecast's own log score, NaN without an outcome."""
        return self._scored(log_score)

    def _scored(self, rule: ScoringRule) -> float:
        known = self.outcome
        return math.nan if known is None else rule([self.probability], [known])


class ScoringRule(Protocol):
    """A proper scoring rule: its mean over resolved forecasts, lower is better."""

    def __call__(self, probability: Sequence[float], outcome: Sequence[bool]) -> float:
        """Return the mean score of forecasts."""
        ...


def brier_score(probability: Sequence[float], outcome: Sequence[bool]) -> float:
    r"""Return the mean squared distance of forecasts from outcomes, in [0, 1].

    Parameters
    ----------
    probability, outcome : sequences of length n
        What was stated, in (0, 1), and whether it happened.

    Returns
    -------
    float
        :math:`\frac1n \sum_i (p_i - o_i)^2`; 0.25 for one half throughout, lower is
        better. NaN if n is 0.

    References
    ----------
    Brier (1950), Monthly Weather Review 78(1).
    """
    p, o = _both(probability, outcome)
    return float(np.mean((p - o) ** 2)) if len(p) else math.nan


def log_score(probability: Sequence[float], outcome: Sequence[bool]) -> float:
    r"""Return the mean surprise of the outcomes, in nats.

    Parameters
    ----------
    probability, outcome : sequences of length n
        As for `brier_score`.

    Returns
    -------
    float
        :math:`-\frac1n \sum_i \ln(o_i p_i + (1 - o_i)(1 - p_i))`; ln 2 = 0.693 for one
        half throughout, lower is better. NaN if n is 0.

    References
    ----------
    Good (1952), Journal of the Royal Statistical Society B 14(1).
    """
    p, o = _both(probability, outcome)
    happened = np.where(o == 1.0, p, 1.0 - p)
    return float(-np.mean(np.log(happened))) if len(p) else math.nan


def _both(
    probability: Sequence[float], outcome: Sequence[bool]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return both as floats; ValueError where their lengths differ."""
    p, o = np.asarray(probability, dtype=float), np.asarray(outcome, dtype=float)
    if p.shape != o.shape:
        raise ValueError(f"{len(p)} probabilities for {len(o)} outcomes")
    return p, o


def forecasts(thesis: Thesis, results: Sequence[ClaimResult]) -> tuple[Forecast, ...]:
    """Return every stated probability with what became of its claim by the study's end.

    A claim resolves when its out-of-sample verdict is supported or refuted, or its
    deadline has passed: then it did not come true unless it is supported. What was
    already known when the claim was made (in-sample) resolves nothing.
    """
    return tuple(
        _forecast(claim, claim.probability, thesis, results)
        for claim in thesis.claims
        if claim.probability is not None
    )


def _forecast(
    claim: Claim, probability: float, thesis: Thesis, results: Sequence[ClaimResult]
) -> Forecast:
    own = [one for one in results if one.id == claim.id]
    outside = next((one for one in own if one.sample == "out-of-sample"), None)
    by = deadline(claim)
    late = by is not None and by <= thesis.about.end
    state: State = "open"
    if outside is None:
        state = "cannot be judged" if own else "open"
        why = "its event was known when it was declared" if own else "not tested yet"
    elif outside.verdict in ("supported", "refuted"):
        state = "came true" if outside.verdict == "supported" else "did not"
        why = outside.reason
    elif outside.verdict == "untestable":
        state = "cannot be judged" if late else "open"
        why = outside.reason
    else:
        state = "did not" if late else "open"
        why = f"its deadline {by} passed" if late else outside.reason
    return Forecast(
        claim=claim.id,
        says=claim.says,
        probability=probability,
        state=state,
        why=why,
    )


def deadline(claim: Claim) -> dt.date | None:
    """Return the day by which a claim must have come true, None without one."""
    told = claim.params.get("by") or getattr(claim, "deadline", None)
    return as_date(told) if told is not None else None
