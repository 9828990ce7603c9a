"""What sources claim of a company's capital expenditure, one row at a time."""

from __future__ import annotations

import datetime as dt
import math
import re
from dataclasses import dataclass

import pandas as pd

from engine.market.market import Finding
from engine.market.signals import COLUMNS

#: A source that is a filing or a company's own results, as EDGAR rows name it.
FILED = re.compile(r"SEC\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One observation: what one source says of one company's quarter, and when."""

    row: int
    where: str
    end: dt.date
    known: dt.datetime
    value: float
    unit: str
    source: str

    @property
    def filed(self) -> bool:
        """Whether the source is a filing."""
        return FILED.match(self.source) is not None

    @property
    def usable(self) -> bool:
        """Whether its amount can be compared: a positive, finite number."""
        return 0.0 < self.value < math.inf

    @property
    def digits(self) -> int:
        """How many significant digits its amount has, as a whole number."""
        return len(f"{self.value:.0f}".rstrip("0"))

    def __str__(self) -> str:
        return f"{billions(self.value)} from {self.source}"

    def finding(self, severity: str, what: str, action: str) -> Finding:
        """Return a finding about this row."""
        return Finding(
            severity=severity,
            where=f"{self.where}, row {self.row}",
            what=what,
            action=action,
            first=str(self.end),
            last=str(self.end),
        )


def claims_of(observations: pd.DataFrame) -> list[Claim]:
    """Return the observed rows by series and company, then date, then vintage."""
    columns = (observations[column] for column in COLUMNS)
    claims = [
        Claim(
            row=row,
            where=f"{series}: {entity}",
            end=end.date(),
            known=known.to_pydatetime(),
            value=float(value),
            unit=str(unit),
            source=str(source),
        )
        for row, (series, entity, end, known, value, unit, quality, source) in (
            enumerate(zip(*columns, strict=True), start=1)
        )
        if quality == "observed"
    ]
    return sorted(claims, key=lambda one: (one.where, one.end, one.known, one.row))


def billions(value: float) -> str:
    """Return an amount in billions, to six digits."""
    return f"{value / 1e9:.6g}bn"
