"""``[portfolio]`` of the thesis file: objective, risk, limits."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from engine.thesis.section import (
    Exposure,
    Flag,
    Fraction,
    Identifier,
    Limits,
    Number,
    Section,
    Whole,
    ordered,
)


class Portfolio(Section):
    """``[portfolio]``: what to hold, given scores and risk."""

    objective: Literal[
        "mean_variance",
        "min_variance",
        "max_score",
        "risk_parity",
        "min_cvar",
        "max_diversification",
        "equal",
        "inverse_volatility",
    ] = "mean_variance"
    ic: Fraction = Field(
        default=0.03, description="Alpha = ic x volatility x score, per rebalance."
    )
    risk_aversion: Annotated[Number, Field(ge=1e-3, le=1e6)] = 5.0
    risk_limit: Annotated[Number, Field(gt=0.0, le=10.0)] | None = Field(
        default=None,
        description='Largest yearly volatility; "max_score" needs one.',
        validate_default=True,
    )
    risk_budgets: dict[Identifier, Fraction] = Field(
        default={},
        description='"risk_parity": leg -> its part of the risk; empty: assets alike.',
    )
    cvar_level: Annotated[Number, Field(ge=0.5, le=0.999)] = Field(
        default=0.95, description='"min_cvar": the tail is the worst 1 - cvar_level.'
    )
    covariance: Literal[
        "sample", "exponential", "ledoit_wolf", "oas", "layer_factors"
    ] = "ledoit_wolf"
    covariance_half_life: Annotated[Whole, Field(ge=2, le=5_000)] = Field(
        default=63, description='"exponential": sessions after which a return is half.'
    )
    overlap: Annotated[Whole, Field(ge=1, le=10)] = Field(
        default=1,
        description="Sessions within which news may reach markets; 1: the same one.",
    )
    window: Annotated[Whole, Field(ge=20, le=5_000)] = Field(
        default=252, description="Sessions that the covariance is estimated from."
    )
    min_history: Annotated[Whole, Field(ge=2)] = Field(
        default=60,
        description="Returns that an asset needs before it may be bought.",
        validate_default=True,
    )
    short_history: Literal["hold_out", "proxy"] = Field(
        default="hold_out",
        description="An asset with fewer: not bought, or given its layer's returns.",
    )
    rebalance: Literal["monthly", "quarterly", "monthly+events"] = "monthly"
    max_weight: Annotated[Number, Field(ge=1e-4, le=1.0)] = Field(
        default=0.10, description="Largest share of one asset."
    )
    min_position: Annotated[Number, Field(ge=0.0, le=1.0)] = Field(
        default=0.0, description="A weight is 0 or at least this."
    )
    max_names: Annotated[Whole, Field(ge=1)] | None = Field(
        default=None, description="How many assets may be held."
    )
    max_turnover: Annotated[Number, Field(ge=0.0)] | None = Field(
        default=None,
        description="Half the sum of absolute weight changes, cash included.",
    )
    cash: Limits = Field(
        default=(0.0, 1.0), description="[minimum, maximum] share held in cash."
    )
    layers: dict[str, Limits] = Field(
        default={}, description="Extra weight limits by layer."
    )
    currencies: dict[str, Limits] = Field(
        default={}, description="Weight limits by currency of the line, as EUR."
    )
    countries: dict[str, Limits] = Field(
        default={}, description="Weight limits by country of the exchange, as US."
    )
    beta: Exposure | None = Field(
        default=None, description="[minimum, maximum] beta to the main benchmark."
    )
    max_short: Fraction = Field(
        default=0.0, description="Largest short position; 0: long only."
    )
    max_gross: Annotated[Number, Field(gt=0.0, le=20.0)] | None = Field(
        default=None, description="Largest sum of long and short positions."
    )
    net: Exposure | None = Field(
        default=None, description="[minimum, maximum] of long less short positions."
    )
    borrow_rate: Fraction = Field(
        default=0.0,
        description="Yearly cost of a short position, as expected; unset: as charged.",
    )
    max_fixed_cost: Fraction = Field(
        default=0.01,
        description="Largest share that minimum charges may add to an order; smaller "
        "orders are not placed.",
    )
    relax: Flag = Field(
        default=False,
        description="Widen limits that collide by the least that helps, and say so.",
    )

    @field_validator("risk_limit")
    @classmethod
    def _score_is_bounded(
        cls, value: float | None, info: ValidationInfo
    ) -> float | None:
        if value is None and info.data.get("objective") == "max_score":
            raise ValueError(
                "objective 'max_score' without a risk limit would hold the best few "
                "names; set risk_limit to a yearly volatility, for example 0.20"
            )
        return value

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

    @field_validator("cash", "beta", "net")
    @classmethod
    def _range_isordered(
        cls, value: tuple[float, float] | None, info: ValidationInfo
    ) -> tuple[float, float] | None:
        return value and ordered(value, str(info.field_name))

    @field_validator("layers", "currencies", "countries")
    @classmethod
    def _ranges_areordered(
        cls, value: dict[str, tuple[float, float]]
    ) -> dict[str, tuple[float, float]]:
        for name, limits in value.items():
            ordered(limits, name)
        return value
