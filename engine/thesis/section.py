"""The kinds of value that a thesis file holds, and what its tables share."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from engine.thesis.dates import as_date, as_moment

#: Numbers and switches count as written: "0.3" in quotes is not a number.
Number = Annotated[float, Field(strict=True)]
Whole = Annotated[int, Field(strict=True)]
Flag = Annotated[bool, Field(strict=True)]
Text = Annotated[str, Field(min_length=1)]
Sign = Literal["+", "-"]
Fraction = Annotated[Number, Field(ge=0.0, le=1.0)]
Limits = tuple[Fraction, Fraction]
Exposure = tuple[
    Annotated[Number, Field(ge=-20.0, le=20.0)],
    Annotated[Number, Field(ge=-20.0, le=20.0)],
]
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


def ordered(limits: tuple[float, float], what: str) -> tuple[float, float]:
    """Return [minimum, maximum] as given; ValueError if they are the wrong way."""
    low, high = limits
    if low > high:
        raise ValueError(
            f"{what} [{low:g}, {high:g}] has its minimum above its maximum; "
            "write the smaller number first"
        )
    return limits
