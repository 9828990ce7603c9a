"""What the evidence says, as values that tables and reports are made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import pandas as pd

VerdictWord = Literal["supported", "refuted", "inconclusive", "untestable"]
Sample = Literal["in-sample", "out-of-sample"]

EVENT_COLUMNS = (
    "event",
    "kind",  # asset, layer or contrast
    "subject",
    "layer",
    "day_zero",
    "window",  # tuple (first, last) in own sessions
    "return",  # compounded raw return over the window, own currency
    "car",  # cumulative abnormal return, the primary model
    "se",
    "t",
    "p",
    "df",
    "spanned_t",  # were a return as noisy as the home sessions it spans; else NaN
    "spanned_p",
    "n",  # firms
    "alpha",  # "estimated" or "zero": which intercept the primary model used
    "car_other",  # the same with the other intercept
    "adjusted_bmp",
    "adjusted_bmp_p",
    "detectable",  # smallest effect found with power 0.8 at 5 % two-sided
    "benchmark",
    "model",
    "correlation",  # mean residual correlation of the members, within sides
    *(
        column
        for test in (
            "cross_sectional",
            "patell",
            "adjusted_patell",
            "bmp",
            "rank",
            "sign",
            "generalised_sign",
            "grank",
        )
        for column in (test, f"{test}_p")
    ),
    "placebo_p",  # rank among all eligible dates before the event
    "placebo_n",
    "placebo_matched_p",  # among those of like volatility
    "placebo_matched_n",
    "bhar",  # buy-and-hold abnormal return
    "bhar_t",  # skewness-adjusted, for display only
    "note",
)


CLAIM_COLUMNS = (
    "claim",
    "says",
    "test",
    "scope",
    "sample",
    "sign",
    "estimate",
    "low",
    "high",
    "level",  # coverage of low to high, adjusted for selection
    "unit",
    "p",
    "q",
    "n",
    "detectable",
    "verdict",
    "reason",
    "null",
    "document",
    "grade",
    "declared",
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EventStudy:
    """All events of a thesis.

    table : one row per event, subject and window, columns `EVENT_COLUMNS`.
    paths : event id -> cumulative abnormal return by relative session (rows) and layer
        (columns), alpha zero, with columns ``<layer>`` and ``<layer>.se``.
    left_out : one row per event and subject that could not be studied, with `reason`.
    recovery : one row per event and layer: reaction, drift, sessions to be back.
    pooled : one row per layer and window, over the events with an expected sign.
    crowding : one row per event and other event inside one of its windows.
    """

    table: pd.DataFrame
    paths: Mapping[str, pd.DataFrame]
    left_out: pd.DataFrame
    recovery: pd.DataFrame = field(default_factory=pd.DataFrame)
    pooled: pd.DataFrame = field(default_factory=pd.DataFrame)
    crowding: pd.DataFrame = field(default_factory=pd.DataFrame)


@dataclass(frozen=True, slots=True, kw_only=True)
class RobustTest:
    """A test of an event that allows for a window louder than the estimation window.

    `p` is two-sided; `weak` says why it can hardly reject, or nothing; `sizes` are the
    least and greatest share of true nulls that it rejects at 5 %, where it does not
    keep to that.
    """

    name: str
    p: float
    weak: str = ""
    sizes: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measurement:
    """What one claim test measured on one sample, before any verdict.

    `estimate` and `se` are in `unit` ("return", "sharpe", "fraction", ...); `z` is the
    statistic as a standard normal score in the direction the claim expects; `p` is
    two-sided. `null` is the daily series the statistic sums up (mean zero under the
    null) and `weights` its weight per session, both on home sessions, for the joint
    null of all claims. NaN and None where the test gives none. `robust`: of an event,
    the tests that allow for a louder window, beside `p`; `spanned_p` is p were returns
    that span holidays as noisy as every home session they span, NaN if none does.
    """

    estimate: float
    se: float
    df: float
    p: float
    z: float
    n: int
    unit: str
    detectable: float
    summary: str
    condition_met: bool | None = None  # tests that check a condition, not a p-value
    assumptions: tuple[str, ...] = ()
    rows: pd.DataFrame = field(default_factory=pd.DataFrame)
    null: pd.Series | None = None
    weights: pd.Series | None = None
    daily: pd.DataFrame | None = None
    robust: tuple[RobustTest, ...] = ()
    spanned_p: float = float("nan")


@dataclass(frozen=True, slots=True, kw_only=True)
class Untestable:
    """Why a claim cannot be tested: what is missing."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClaimResult:
    """One claim on one sample, with its verdict.

    `null` is the hypothesis that was tested, `holds` where the test keeps its size.
    `interval` has the coverage `level`, NaN where there is none. `caution` is what must
    be said of p in the same breath.
    """

    id: str
    says: str
    test: str
    scope: str
    sample: Sample
    sign: str
    min_effect: float
    verdict: VerdictWord
    reason: str
    q: float
    interval: tuple[float, float]
    finding: Measurement | None
    document: str = ""
    grade: str = ""
    declared: str = ""
    killed: str = ""  # the kill criterion that refuted it, if one did
    null: str = ""
    holds: str = ""
    level: float = float("nan")
    caution: str = ""

    @property
    def tested(self) -> str:
        """The null hypothesis, where its test holds its size, what stands beside."""
        if not self.null:
            return ""
        beside = self.finding.robust if self.finding else ()
        told = ", ".join(_with_size(one) for one in beside)
        return f"{self.null}; holds its size where {self.holds}" + (
            f"; here {told}" if told else ""
        )


def _with_size(one: RobustTest) -> str:
    """Return a test with its p, and what it rejects by chance where not 5 %."""
    if one.sizes is None:
        return f"{one.name} p = {one.p:.3f}"
    low, high = one.sizes
    return (
        f"{one.name} p = {one.p:.3f} (approximate: at 5% it rejects {100 * low:.1f} to "
        f"{100 * high:.1f}% of true nulls)"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ThesisScore:
    """Strength of the evidence for the thesis on one sample, in [-1, 1].

    `entered` are the k claims behind it, with `z`, `weights` and `correlation` (k, k).
    """

    sample: Sample
    score: float
    interval: tuple[float, float]
    claims: int
    testable: int
    counted: int
    note: str = ""
    entered: tuple[str, ...] = ()
    z: tuple[float, ...] = ()
    weights: tuple[float, ...] = ()
    correlation: tuple[tuple[float, ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Claims:
    """Every claim on both samples, and what they add up to."""

    results: tuple[ClaimResult, ...]
    scores: tuple[ThesisScore, ...]

    @property
    def table(self) -> pd.DataFrame:
        """One row per claim and sample."""
        rows = []
        for result in self.results:
            found = result.finding
            rows.append(
                {
                    "claim": result.id,
                    "says": result.says,
                    "test": result.test,
                    "scope": result.scope,
                    "sample": result.sample,
                    "sign": result.sign,
                    "estimate": found.estimate if found else float("nan"),
                    "low": result.interval[0],
                    "high": result.interval[1],
                    "level": result.level,
                    "unit": found.unit if found else "",
                    "p": found.p if found else float("nan"),
                    "q": result.q,
                    "n": found.n if found else 0,
                    "detectable": found.detectable if found else float("nan"),
                    "verdict": result.verdict,
                    "reason": result.reason,
                    "null": result.tested,
                    "document": result.document,
                    "grade": result.grade,
                    "declared": result.declared,
                }
            )
        return pd.DataFrame(rows, columns=list(CLAIM_COLUMNS))
