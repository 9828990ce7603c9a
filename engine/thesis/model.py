"""What is claimed: the thesis file as frozen, typed values."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, ValidationInfo, field_validator

from engine.thesis.execution import Charge as Charge
from engine.thesis.execution import Execution as Execution
from engine.thesis.kill import Kill as Kill
from engine.thesis.portfolio import Portfolio as Portfolio
from engine.thesis.section import (
    Date,
    Flag,
    Fraction,
    Identifier,
    Limits,
    Moment,
    Number,
    Rate,
    Sign,
    Text,
    Whole,
    ordered,
)
from engine.thesis.section import Section as Section
from engine.thesis.section import Window as Window
from engine.thesis.stress import Mechanism as Mechanism
from engine.thesis.stress import Scenario as Scenario


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
    random_barbells: Annotated[Whole, Field(ge=0, le=10_000)] = Field(
        default=500,
        description="Random barbells that the thesis is ranked among; 0: none.",
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
    params: dict[str, Any] = Field(default={})
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
        return ordered(value, "weight")


class Expected(Section):
    """``expected``: the sign a thesis predicts per layer."""

    reaction: dict[str, Sign] = Field(default={})
    drift: dict[str, Sign] = Field(default={})


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
        default=(),
        description="Pairs of layers, legs or baskets: the first minus the second.",
    )
    benchmark: str | None = None
    model: Literal[
        "market", "market_adjusted", "mean_adjusted", "factors", "dimson"
    ] = Field(
        default="market",
        description="What a normal return is: factors adds `regressors` to the market, "
        "dimson adds the benchmark of one session earlier for every asset.",
    )
    regressors: tuple[str, ...] = Field(
        default=(),
        description="Funds beside the benchmark, for model = factors.",
        validate_default=True,
    )
    returns: Literal["simple", "log"] = Field(
        default="simple", description="How returns are measured in the model."
    )
    avoid: tuple[Moment, ...] = Field(
        default=(),
        description="Other news: the first session that could react to it, and the "
        "next, are left out of the estimation window.",
    )
    declared: Date | None = None
    planted: Flag = Field(
        default=False, description="An event of the simulated world, not of history."
    )
    act: Flag = Field(default=False, description="Rebalance the portfolio on it.")

    @property
    def day(self) -> Date:
        """The date of `at`, in the zone it is written in."""
        return self.at.date() if isinstance(self.at, dt.datetime) else self.at

    @field_validator("regressors")
    @classmethod
    def _regressors_belong_to_factors(
        cls, value: tuple[str, ...], info: ValidationInfo
    ) -> tuple[str, ...]:
        if bool(value) != (info.data.get("model") == "factors"):
            raise ValueError(
                "model = \"factors\" and a list of 'regressors' belong together; "
                "give both or neither"
            )
        return value

    @field_validator("estimation")
    @classmethod
    def _estimation_isordered(cls, value: tuple[int, int]) -> tuple[int, int]:
        return _starts_before_end(value)

    @field_validator("windows")
    @classmethod
    def _windows_areordered(
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
    baskets: dict[Identifier, Annotated[tuple[Text, ...], Field(min_length=1)]] = Field(
        default={}, description="Name -> tickers that claims may speak of as a layer."
    )
    factors: tuple[FactorSpec, ...] = ()
    scoring: Scoring = Scoring()
    barbell: Annotated[dict[Identifier, Leg], Field(min_length=1)]
    readings: dict[
        Text,
        Annotated[
            dict[Identifier, Annotated[tuple[Text, ...], Field(min_length=1)]],
            Field(min_length=1),
        ],
    ] = Field(
        default={},
        description="Name -> legs with other layers: another reading of the thesis, "
        "decided with the barbell's budgets and limits and shown beside it.",
    )
    portfolio: Portfolio = Portfolio()
    execution: Execution = Execution()
    events: tuple[Event, ...] = ()
    claims: tuple[Claim, ...] = ()
    kill: tuple[Kill, ...] = ()
    mechanisms: tuple[Mechanism, ...] = ()
    scenarios: tuple[Scenario, ...] = ()

    def declared_of(
        self, item: Event | Claim | Kill | Mechanism | Scenario
    ) -> dt.date | None:
        """Return the day `item` was declared: its own, else the thesis's."""
        return item.declared or self.about.declared

    def event(self, identifier: str) -> Event:
        """Return the event with this id; KeyError if there is none."""
        for event in self.events:
            if event.id == identifier:
                return event
        raise KeyError(identifier)


def _starts_before_end(window: tuple[int, int]) -> tuple[int, int]:
    """Return [first, last] as given; ValueError if it ends before it starts."""
    first, last = window
    if first > last:
        raise ValueError(
            f"window [{first}, {last}] ends before it starts; "
            "write the earlier session first"
        )
    return window
