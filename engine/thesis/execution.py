"""``[execution]`` of the thesis file: how trades happen and what they cost."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from engine.thesis.section import (
    BasisPoints,
    Date,
    Flag,
    Fraction,
    Number,
    Rate,
    Section,
    Text,
    Whole,
)


class Charge(Section):
    """``[[execution.charges]]``: a fee of the thesis's own, beside the table's.

    An item of the same name in one of the markets replaces the table's there.
    """

    item: Text
    markets: Annotated[tuple[str, ...], Field(min_length=1)] = Field(
        description="Exchanges (MIC) that it is charged on."
    )
    side: Literal["buy", "sell", "both"] = "both"
    rate: Annotated[Number, Field(ge=0.0, lt=1.0)] = Field(
        default=0.0, description="Fraction of the value traded."
    )
    per_share: Annotated[Number, Field(ge=0.0)] = Field(
        default=0.0, description="Per share, in the line's currency; raw prices only."
    )
    minimum: Annotated[Number, Field(ge=0.0)] = Field(
        default=0.0, description="Least per order, in the line's currency."
    )
    maximum: Annotated[Number, Field(gt=0.0)] | None = Field(
        default=None, description="Most per order, in the line's currency."
    )
    effective_from: Date | None = None
    effective_to: Date | None = None
    source: str = "the thesis"

    @field_validator("effective_to")
    @classmethod
    def _ends_after_it_begins(
        cls, value: dt.date | None, info: ValidationInfo
    ) -> dt.date | None:
        begins = info.data.get("effective_from")
        if value is not None and begins is not None and value < begins:
            raise ValueError(
                f"effective_to {value} is before effective_from {begins}; "
                "write the earlier day as 'effective_from'"
            )
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
    half_spread_bps: BasisPoints = Field(
        default=0.0, description="Half the quoted spread, added to slippage."
    )
    impact: Annotated[Number, Field(ge=0.0, le=10.0)] = Field(
        default=0.0,
        description="Y of the square-root law: Y x volatility x root of participation.",
    )
    max_participation: Annotated[Number, Field(gt=0.0, le=1.0)] | None = Field(
        default=None,
        description="Largest share of a line's mean daily turnover in one trade.",
    )
    fractional: Flag = Field(
        default=False, description="Trade fractions of shares at raw prices too."
    )
    lots: dict[str, Annotated[Whole, Field(ge=1)]] = Field(
        default={}, description="Board lots by symbol, in place of the table's."
    )
    withholding: dict[str, Fraction] = Field(
        default={}, description="Tax on dividends by exchange, not the table's."
    )
    short_margin: Annotated[Number, Field(ge=0.0, le=10.0)] | None = Field(
        default=None,
        description="NAV asked for per unit of short value; unset: no shorts.",
    )
    borrow_rate: Fraction = Field(
        default=0.0, description="Annual fee on the value of borrowed shares."
    )
    borrow_rates: dict[str, Fraction] = Field(
        default={}, description="The same by currency."
    )
    cash_rates: dict[str, Rate] = Field(
        default={}, description="Annual rate on cash by currency, before cash_rate."
    )
    overdraft_rates: dict[str, Fraction] = Field(
        default={}, description="Annual rate on overdrafts by currency."
    )
    sweep: Flag = Field(
        default=True, description="Foreign cash goes home at each home close."
    )
    delisting_return: Annotated[Number, Field(ge=-1.0, le=10.0)] = Field(
        default=0.0, description="What a delisted share pays over its last price."
    )
    charges: tuple[Charge, ...] = ()
