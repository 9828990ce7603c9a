"""What is claimed: the thesis file as frozen, typed values."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
)

from engine.thesis.dates import as_date, as_moment

#: Numbers and switches count as written: "0.3" in quotes is not a number.
Number = Annotated[float, Field(strict=True)]
Whole = Annotated[int, Field(strict=True)]
Flag = Annotated[bool, Field(strict=True)]
Text = Annotated[str, Field(min_length=1)]
Sign = Literal["+", "-"]
Fraction = Annotated[Number, Field(ge=0.0, le=1.0)]
Limits = tuple[Fraction, Fraction]
Rate = Annotated[Number, Field(ge=-1.0, le=1.0)]
BasisPoints = Annotated[Number, Field(ge=0.0, le=1_000.0)]
Offset = Annotated[Whole, Field(ge=-5_000, le=5_000)]
Window = tuple[Offset, Offset]
Identifier = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
Date = Annotated[dt.date, BeforeValidator(as_date)]
Moment = Annotated[dt.datetime | dt.date, BeforeValidator(as_moment)]


class Section(BaseModel):
    """A table of the thesis file: unknown keys are errors, values never change."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, populate_by_name=True, allow_inf_nan=False
    )


class About(Section):
    """``[thesis]``: what the thesis says, since when, and over which period."""

    id: Identifier
    title: Text
    statement: str = Field(default="", description="The thesis in a sentence or two.")
    declared: Date | None = Field(
        default=None,
        description="The day the thesis was stated; everything before is in-sample.",
    )
    currency: str = Field(default="USD", description="Currency of the account.")
    calendar: str = Field(
        default="XNYS", description="Exchange whose closes are the decision clock."
    )
    start: Date = Field(description="First day of the study.")
    end: Date = Field(description="Last day of the study.")
    benchmarks: Annotated[tuple[str, ...], Field(min_length=1)] = Field(
        default=("SPY",), description="Funds to compare with, the main one first."
    )
    risk_free: Rate = Field(default=0.0, description="Annual rate, decimal fraction.")
    seed: Annotated[Whole, Field(ge=0)] = Field(
        default=20260706, description="Start of every random draw of the study."
    )

    @field_validator("end")
    @classmethod
    def _end_follows_start(cls, value: dt.date, info: ValidationInfo) -> dt.date:
        start = info.data.get("start")
        if start is not None and value <= start:
            raise ValueError(
                f"end {value} is not after start {start}; set 'end' to a later date"
            )
        return value


class UniverseChoice(Section):
    """``[universe]``: which companies, and which of their lines."""

    name: Text = Field(
        default="ai-stack", description="A packaged universe, or a path to your own."
    )
    lines: Literal["primary", "us"] = Field(
        default="primary", description="us: only what a US account can buy."
    )
    include: tuple[str, ...] = Field(
        default=(), description="Tickers or entities to add to the study."
    )
    exclude: tuple[str, ...] = Field(
        default=(), description="Tickers or entities never to hold."
    )


class FactorSpec(Section):
    """``[[factors]]``: a factor of the catalogue with its weight in the score."""

    name: str
    weight: Annotated[Number, Field(gt=0.0)] = Field(
        description="Its part in the composite score, relative to the other factors."
    )
    params: dict[str, Any] = {}
    exposure: dict[str, Annotated[Number, Field(ge=-1.0, le=1.0)]] | None = Field(
        default=None,
        description="State factors only: which layer a rising value helps, -1 to 1.",
    )


class Scoring(Section):
    """``[scoring]``: how factors become one score per asset."""

    normalise: Literal["rank", "zscore"] = "rank"
    within: Literal["universe", "layer"] = Field(
        default="universe", description="Compare an asset with all, or with its layer."
    )
    half_life: Annotated[str, Field(pattern=r"^[1-9][0-9]{0,4}d$")] = Field(
        default="90d", description="Days after which an old observation counts half."
    )
    coverage_floor: Fraction = Field(
        default=0.5, description="Share of factor weight below which a score is 0."
    )

    @property
    def half_life_days(self) -> int:
        """Half-life of an observation's age, calendar days."""
        return int(self.half_life[:-1])


class Leg(Section):
    """``[barbell.NAME]``: a set of layers with a weight budget [low, high]."""

    layers: Annotated[tuple[str, ...], Field(min_length=1)]
    weight: Limits = Field(
        default=(0.0, 1.0), description="[minimum, maximum] share of the account."
    )

    @field_validator("weight")
    @classmethod
    def _low_before_high(cls, value: tuple[float, float]) -> tuple[float, float]:
        return _ordered(value, "weight")


class Portfolio(Section):
    """``[portfolio]``: what to hold, given scores and risk."""

    objective: Literal["mean_variance", "min_variance", "equal"] = "mean_variance"
    ic: Fraction = Field(
        default=0.03, description="Alpha = ic x volatility x score, per rebalance."
    )
    risk_aversion: Annotated[Number, Field(ge=1e-3, le=1e6)] = 5.0
    covariance: Literal["sample", "ledoit_wolf"] = "ledoit_wolf"
    window: Annotated[Whole, Field(ge=20, le=5_000)] = Field(
        default=252, description="Sessions that the covariance is estimated from."
    )
    min_history: Annotated[Whole, Field(ge=2)] = Field(
        default=60,
        description="Returns that an asset needs before it may be bought.",
        validate_default=True,
    )
    rebalance: Literal["monthly", "quarterly", "monthly+events"] = "monthly"
    max_weight: Annotated[Number, Field(ge=1e-4, le=1.0)] = Field(
        default=0.10, description="Largest share of one asset."
    )
    max_turnover: Annotated[Number, Field(gt=0.0)] | None = Field(
        default=None,
        description="Half the sum of absolute weight changes, cash included.",
    )
    cash: Limits = Field(
        default=(0.0, 1.0), description="[minimum, maximum] share held in cash."
    )
    layers: dict[str, Limits] = Field(
        default={}, description="Extra weight limits by layer."
    )

    @field_validator("min_history")
    @classmethod
    def _history_fits(cls, value: int, info: ValidationInfo) -> int:
        window = info.data.get("window")
        if window is not None and value > window:
            raise ValueError(
                f"min_history {value} is more than the window of {window} sessions; "
                f"set 'min_history' to {window} or less"
            )
        return value

    @field_validator("cash")
    @classmethod
    def _cash_is_ordered(cls, value: tuple[float, float]) -> tuple[float, float]:
        return _ordered(value, "cash")

    @field_validator("layers")
    @classmethod
    def _layers_are_ordered(
        cls, value: dict[str, tuple[float, float]]
    ) -> dict[str, tuple[float, float]]:
        for layer, limits in value.items():
            _ordered(limits, layer)
        return value


class Execution(Section):
    """``[execution]``: how target weights become trades, and what they cost."""

    at: Literal["next_close", "next_open"] = "next_close"
    capital: Annotated[Number, Field(gt=0.0)] = 10_000_000.0
    slippage_bps: BasisPoints = 5.0
    fees: Literal["exchange", "none"] = Field(
        default="exchange", description="Dated stamp duties and taxes per exchange."
    )
    fx_spread_bps: BasisPoints = 0.0
    cash_rate: Rate = Field(default=0.0, description="Annual rate on base cash.")
    overdraft_rate: Annotated[Number, Field(ge=0.0, le=1.0)] = 0.0
    stale_after: Annotated[Whole, Field(ge=1)] = Field(
        default=5, description="Own sessions without a price before trading stops."
    )


class Expected(Section):
    """``expected``: the sign a thesis predicts per layer."""

    reaction: dict[str, Sign] = {}
    drift: dict[str, Sign] = {}


class Event(Section):
    """``[[events]]``: when news became public and what should follow."""

    id: Identifier
    title: Text
    at: Moment = Field(
        description="A date (before that day's earliest open) or a moment with a zone."
    )
    document: str = ""
    source: str = ""
    note: str = ""
    expected: Expected = Expected()
    estimation: Window = Field(
        default=(-260, -11), description="Own sessions before day zero: first and last."
    )
    windows: Annotated[tuple[Window, ...], Field(min_length=1)] = Field(
        default=((0, 0), (0, 1), (2, 20), (2, 120)),
        description="Own sessions from day zero: first and last of each window.",
    )
    contrasts: tuple[tuple[str, str], ...] = Field(
        default=(), description="Pairs of layers: the first minus the second."
    )
    benchmark: str | None = None
    declared: Date | None = None
    planted: Flag = Field(
        default=False, description="An event of the simulated world, not of history."
    )
    act: Flag = Field(default=False, description="Rebalance the portfolio on it.")

    @property
    def day(self) -> Date:
        """The date of `at`, in the zone it is written in."""
        return self.at.date() if isinstance(self.at, dt.datetime) else self.at

    @field_validator("estimation")
    @classmethod
    def _estimation_is_ordered(cls, value: tuple[int, int]) -> tuple[int, int]:
        return _starts_before_end(value)

    @field_validator("windows")
    @classmethod
    def _windows_are_ordered(
        cls, value: tuple[tuple[int, int], ...]
    ) -> tuple[tuple[int, int], ...]:
        for window in value:
            _starts_before_end(window)
        return value


class Claim(Section):
    """``[[claims]]``: a statement with the test that can support or refute it.

    Keys other than those named here are the parameters of the named test and are
    checked against it.
    """

    model_config = ConfigDict(extra="allow")

    id: Identifier
    says: Text
    test: str
    scope: Literal["event", "law"] = Field(
        default="law", description="About this event, or about every event of its kind."
    )
    sign: Sign = "+"
    min_effect: Annotated[Number, Field(ge=0.0)] = Field(
        default=0.0, description="The smallest effect that matters, in the test's unit."
    )
    declared: Date | None = None
    document: str = ""
    grade: Literal["", "A", "B", "C"] = ""
    quality: Literal["filing", "primary", "press", "aggregator"] = "press"
    refuted_if: str = ""
    probability: Annotated[Number, Field(gt=0.0, lt=1.0)] | None = Field(
        default=None,
        description="How likely its author holds it to come true, above 0, below 1.",
    )
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
    signals: dict[str, Text] = Field(
        default={}, description="Signal role -> series, where the default is not meant."
    )
    factors: tuple[FactorSpec, ...] = ()
    scoring: Scoring = Scoring()
    barbell: Annotated[dict[Identifier, Leg], Field(min_length=1)]
    portfolio: Portfolio = Portfolio()
    execution: Execution = Execution()
    events: tuple[Event, ...] = ()
    claims: tuple[Claim, ...] = ()

    def declared_of(self, item: Event | Claim) -> dt.date | None:
        """Return the day `item` was declared: its own, else the thesis's."""
        return item.declared or self.about.declared

    def event(self, identifier: str) -> Event:
        """Return the event with this id; KeyError if there is none."""
        for event in self.events:
            if event.id == identifier:
                return event
        raise KeyError(identifier)


def _ordered(limits: tuple[float, float], what: str) -> tuple[float, float]:
    """Return [minimum, maximum] as given; ValueError if they are the wrong way."""
    low, high = limits
    if low > high:
        raise ValueError(
            f"{what} [{low:g}, {high:g}] has its minimum above its maximum; "
            "write the smaller number first"
        )
    return limits


def _starts_before_end(window: tuple[int, int]) -> tuple[int, int]:
    """Return [first, last] as given; ValueError if it ends before it starts."""
    first, last = window
    if first > last:
        raise ValueError(
            f"window [{first}, {last}] ends before it starts; "
            "write the earlier session first"
        )
    return window
