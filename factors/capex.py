"""Factors of supply: how fast the buyers of compute invest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.interfaces import Absent, StateReading
from engine.market.market import Known
from factors import checks
from factors.observations import DAY, Table, observed, reading

YEAR = 365 * DAY
#: Fiscal quarters of 13 or 14 weeks end some days off the calendar's.
QUARTER_END = 20 * DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class CapexGrowth:
    r"""Growth of capital expenditure on the year before, the median company's.

    .. math:: c(t) = \mathrm{median}_i\, (x_{iq} / x_{i, q-4} - 1)

    q is company i's newest period with a figure for the same period a year before (20
    days of leeway, at most 200 days behind the newest company). Unit: decimal
    fraction. Needs role ``capex``. Companies report in their own currencies, so growth
    rates are averaged and amounts never added. Indexed by filings: at each date on
    which a growth rate became known by its **first** filing, the median over all
    companies as of then, if at least `least` have one. Figures of the past must be
    positive.
    """

    least: int = 2

    def __post_init__(self) -> None:
        checks.whole(self.least, where="capex_growth: least", least=1)

    def history(self, known: Known) -> StateReading | Absent:
        """Return the median growth at each filing date, or why there is none."""
        table = observed(known.signals, "capex")
        growth, filed = _on_year_before(table)
        moments = np.unique(filed[np.isfinite(growth)])
        newest = _newest_by(moments, table.dates, growth, filed)
        reporters = np.isfinite(newest).sum(axis=1)
        enough = reporters >= self.least
        if not enough.any():
            most = int(reporters.max(initial=0))
            return Absent(
                reason=f"{table.count} observations of capex known: growth on the year "
                f"before for {most} companies, {self.least} needed"
            )
        return reading(np.nanmedian(newest[enough], axis=1), moments[enough])


def _on_year_before(table: Table) -> tuple[np.ndarray, np.ndarray]:
    """Return each company's growth on the year before and when it was filed, (D, E)."""
    growth = np.full(table.value.shape, np.nan)
    filed = np.full(table.value.shape, np.datetime64("NaT", "ns"))
    for place in range(len(table.entities)):
        amount = table.value[:, place]
        rows = np.flatnonzero(np.isfinite(amount))
        if not len(rows):
            continue
        ends = table.dates[rows]
        apart = np.abs(ends[:, None] - YEAR - ends[None, :])
        nearest = apart.argmin(axis=1)
        near = apart[np.arange(len(rows)), nearest] <= QUARTER_END
        now, past = rows[near], rows[nearest[near]]
        positive = amount[past] > 0.0
        now, past = now[positive], past[positive]
        growth[now, place] = amount[now] / amount[past] - 1.0
        filed[now, place] = np.maximum(
            table.published[now, place], table.published[past, place]
        )
    return growth, filed


def _newest_by(
    moments: np.ndarray, dates: np.ndarray, growth: np.ndarray, filed: np.ndarray
) -> np.ndarray:
    """Return each company's newest growth at each moment, shape (M, E).

    NaN where none was filed by then, or only one whose period ended more than 200
    days before the newest period of any company.
    """
    newest = np.full((len(moments), growth.shape[1]), np.nan)
    if not len(moments):
        return newest
    known = np.isfinite(growth)[None] & (filed[None] <= moments[:, None, None])
    last = len(dates) - 1 - known[:, ::-1, :].argmax(axis=1)
    some = known.any(axis=1)
    ends = np.where(some, dates[last], dates[0])
    fresh = some & (ends >= ends.max(axis=1, keepdims=True) - 200 * DAY)
    company = np.broadcast_to(np.arange(growth.shape[1]), last.shape)
    newest[fresh] = growth[last[fresh], company[fresh]]
    return newest
