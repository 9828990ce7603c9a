"""What is claimed: the thesis file as frozen, typed values."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Sign = Literal["+", "-"]
Window = tuple[int, int]
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
Identifier = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
Date = dt.date
Moment = dt.datetime | dt.date


class Section(BaseModel):
    """A table of the thesis file: unknown keys are errors, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class About(Section):
    """``[thesis]``: what the thesis says, since when, and over which period."""

    id: Identifier
    title: str
    statement: str = ""
    declared: Date | None = Field(
        default=None,
        description="The day the thesis was stated; everything before is in-sample.",
    )
    currency: str = "USD"
    calendar: str = "XNYS"
    start: Date
    end: Date
    benchmarks: tuple[str, ...] = ("SPY",)
    risk_free: float = Field(default=0.0, description="Annual rate, decimal fraction.")
    seed: int = 20260706

    @model_validator(mode="after")
    def _end_follows_start(self) -> About:
        if self.end <= self.start:
            raise ValueError(
                f"end {self.end} is not after start {self.start}; "
                "set 'end' to a later date"
            )
        return self


class UniverseChoice(Section):
    """``[universe]``: which companies, and which of their lines."""

    name: str = "ai-stack"
    lines: Literal["primary", "us"] = "primary"
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


class FactorSpec(Section):
    """``[[factors]]``: a factor of the catalogue with its weight in the score."""

    name: str
    weight: Annotated[float, Field(gt=0.0)]
    params: dict[str, Any] = {}
    exposure: dict[str, float] | None = Field(
        default=None,
        description="State factors only: which layer a rising value helps, -1 to 1.",
    )


class Scoring(Section):
    """``[scoring]``: how factors become one score per asset."""

    normalise: Literal["rank", "zscore"] = "rank"
    within: Literal["universe", "layer"] = "universe"
    half_life: Annotated[str, Field(pattern=r"^[0-9]+d$")] = "90d"
    coverage_floor: Fraction = 0.5

    @property
    def half_life_days(self) -> int:
        """Half-life of an observation's age, calendar days."""
        return int(self.half_life[:-1])


class Leg(Section):
    """``[barbell.NAME]``: a set of layers with a weight budget [low, high]."""

    layers: Annotated[tuple[str, ...], Field(min_length=1)]
    weight: tuple[Fraction, Fraction] = (0.0, 1.0)

    @model_validator(mode="after")
    def _low_before_high(self) -> Leg:
        low, high = self.weight
        if low > high:
            raise ValueError(
                f"weight [{low}, {high}] has its minimum above its maximum"
            )
        return self


class Portfolio(Section):
    """``[portfolio]``: what to hold, given scores and risk."""

    objective: Literal["mean_variance", "min_variance", "equal"] = "mean_variance"
    ic: Annotated[float, Field(ge=0.0, le=1.0)] = 0.03
    risk_aversion: Annotated[float, Field(gt=0.0)] = 5.0
    covariance: Literal["sample", "ledoit_wolf"] = "ledoit_wolf"
    window: Annotated[int, Field(ge=20)] = 252
    min_history: Annotated[int, Field(ge=2)] = 60
    rebalance: Literal["monthly", "quarterly", "monthly+events"] = "monthly"
    max_weight: Annotated[float, Field(gt=0.0, le=1.0)] = 0.10
    max_turnover: Annotated[float, Field(gt=0.0)] | None = Field(
        default=None,
        description="Half the sum of absolute weight changes, cash included.",
    )
    cash: tuple[Fraction, Fraction] = (0.0, 1.0)
    layers: dict[str, tuple[Fraction, Fraction]] = Field(
        default={}, description="Extra weight limits by layer."
    )

    @field_validator("cash")
    @classmethod
    def _cash_is_ordered(cls, value: tuple[float, float]) -> tuple[float, float]:
        if value[0] > value[1]:
            raise ValueError(f"cash {list(value)} has its minimum above its maximum")
        return value


class Execution(Section):
    """``[execution]``: how target weights become trades, and what they cost."""

    at: Literal["next_close", "next_open"] = "next_close"
    capital: Annotated[float, Field(gt=0.0)] = 10_000_000.0
    slippage_bps: Annotated[float, Field(ge=0.0)] = 5.0
    fees: Literal["exchange", "none"] = "exchange"
    fx_spread_bps: Annotated[float, Field(ge=0.0)] = 0.0
    cash_rate: float = Field(default=0.0, description="Annual rate on base cash.")
    overdraft_rate: Annotated[float, Field(ge=0.0)] = 0.0
    stale_after: Annotated[int, Field(ge=1)] = Field(
        default=5, description="Own sessions without a price before trading stops."
    )


class Expected(Section):
    """``expected``: the sign a thesis predicts per layer."""

    reaction: dict[str, Sign] = {}
    drift: dict[str, Sign] = {}


class Event(Section):
    """``[[events]]``: when news became public and what should follow."""

    id: Identifier
    title: str
    at: Moment
    document: str = ""
    source: str = ""
    note: str = ""
    expected: Expected = Expected()
    estimation: Window = (-260, -11)
    windows: Annotated[tuple[Window, ...], Field(min_length=1)] = (
        (0, 0),
        (0, 1),
        (2, 20),
        (2, 120),
    )
    contrasts: tuple[tuple[str, str], ...] = ()
    benchmark: str | None = None
    declared: Date | None = None
    planted: bool = Field(
        default=False, description="An event of the simulated world, not of history."
    )
    act: bool = False

    @field_validator("at")
    @classmethod
    def _moment_has_a_zone(cls, value: Moment) -> Moment:
        if isinstance(value, dt.datetime) and value.tzinfo is None:
            raise ValueError(
                f"{value} has no time zone; write it with Z or an offset, "
                "or give a date"
            )
        return value

    @field_validator("estimation", "windows")
    @classmethod
    def _windows_are_ordered(cls, value: Any) -> Any:
        for low, high in [value] if isinstance(value[0], int) else value:
            if low > high:
                raise ValueError(f"window [{low}, {high}] ends before it starts")
        return value


class Claim(Section):
    """``[[claims]]``: a statement with the test that can support or refute it.

    Keys other than those named here are the parameters of the named test and are
    checked against it.
    """

    model_config = ConfigDict(extra="allow", frozen=True, populate_by_name=True)

    id: Identifier
    says: str
    test: str
    scope: Literal["event", "law"] = "law"
    sign: Sign = "+"
    min_effect: Annotated[float, Field(ge=0.0)] = 0.0
    declared: Date | None = None
    document: str = ""
    grade: Literal["", "A", "B", "C"] = ""
    quality: Literal["filing", "primary", "press", "aggregator"] = "press"
    refuted_if: str = ""
    mirrors: str | None = Field(
        default=None, description="Id of the claim that this one contradicts."
    )

    @property
    def params(self) -> dict[str, Any]:
        """Parameters of the claim's test, as written."""
        return dict(self.model_extra or {})


class Thesis(Section):
    """A whole thesis file."""

    about: About = Field(alias="thesis")
    universe: UniverseChoice = UniverseChoice()
    signals: dict[str, str] = Field(
        default={}, description="Signal role -> series, where the default is not meant."
    )
    factors: tuple[FactorSpec, ...] = ()
    scoring: Scoring = Scoring()
    barbell: Annotated[dict[str, Leg], Field(min_length=1)]
    portfolio: Portfolio = Portfolio()
    execution: Execution = Execution()
    events: tuple[Event, ...] = ()
    claims: tuple[Claim, ...] = ()

    def declared_of(self, item: Event | Claim) -> Date | None:
        """Return the day `item` was declared: its own, else the thesis's."""
        return item.declared or self.about.declared

    def event(self, identifier: str) -> Event:
        """Return the event with this id; KeyError if there is none."""
        for event in self.events:
            if event.id == identifier:
                return event
        raise KeyError(identifier)
