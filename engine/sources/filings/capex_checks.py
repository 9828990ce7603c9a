"""Checks of capital expenditure: the errors that circulate, found row by row."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, pairwise
from statistics import median

import pandas as pd

from engine.errors import at_most
from engine.market.market import Finding
from engine.sources.filings.capex_claims import Claim, billions, claims_of

#: Amounts closer than this say the same.
SAME = 0.005
#: How far a slipped unit may be from an exact power of ten.
SLIP = 0.05
#: A quarter this many times its neighbours, or less than the inverse, is no quarter.
OUT_OF_LINE = 5.0
#: How many quarters around an amount measure it, and how many days away at most: the
#: median of three stands one wrong amount among them.
NEIGHBOURS, NEAR = 3, 400
#: Beyond these shares of the filed amount no usual definition leads.
HIGHEST, LOWEST = 2.0, 0.9
#: Days after a quarter's end: no company files sooner, none first files later.
SOONEST, LATEST = 7, 150
#: Quarters at the start of a series that may be known from comparative figures.
QUARTERS = 4
#: Days between quarter ends, and behind the newest of all companies, that are too many.
GAP, SILENT = 120, 150
#: How close a year's amount is to the sum of its quarters, or to the year before's.
YEARLY, YEAR_BEFORE = 0.10, 0.02
#: Fewer significant digits are no filed amount.
DIGITS = 4
#: What a source's own words say about its definition.
WORDS = (
    (re.compile(r"\blease", re.I), "leases are included or left out"),
    (re.compile(r"\bnet of\b|\bproceeds\b|\bincentives\b", re.I), "net, not gross"),
    (re.compile(r"\baccru", re.I), "accrued, not paid"),
    (re.compile(r"\bcash\b|\bpaid\b", re.I), "paid in cash, not accrued"),
    (re.compile(r"\bguidance\b|\bplan\b|\bestimate", re.I), "a plan, not an outcome"),
)


def capex_findings(observations: pd.DataFrame) -> tuple[Finding, ...]:
    """Return what is wrong with observations of capital expenditure, row by row.

    `observations` has the columns of `engine.market.signals.COLUMNS`: whole units of
    currency, one row per claim or vintage; NaN is a claim without a number. A row is
    *filed* if its source begins with ``SEC``; others are measured against the filed
    amounts of the same quarter. Only observed rows are checked. Rows count from 1 in
    the order given. Nothing is changed or left out.
    """
    claims = claims_of(observations)
    newest = max((claim.end for claim in claims), default=dt.date.min)
    found: list[Finding] = []
    for _, one in groupby(claims, key=lambda claim: claim.where):
        own = list(one)
        filed = [claim for claim in own if claim.filed and claim.usable]
        quarters = {claim.end: claim.value for claim in filed}
        found += _unit_findings(own)
        found += _timing_findings(own)
        found += _silence_findings(own, newest)
        for claim in own:
            if not claim.usable:
                found.append(_without_amount(claim))
                continue
            others = quarters or {c.end: c.value for c in own if c.usable}
            found += _scale_findings(claim, others)
            if not claim.filed:
                found += _claim_findings(claim, filed, quarters)
        found += _unfiled_findings(own, quarters)
    return tuple(found)


def _unit_findings(own: Sequence[Claim]) -> Iterator[Finding]:
    """Yield a change of currency within one company's amounts."""
    units = sorted({claim.unit for claim in own})
    if len(units) > 1:
        usual = max(units, key=lambda unit: sum(c.unit == unit for c in own))
        odd = [claim for claim in own if claim.unit != usual]
        yield Finding(
            severity="error",
            where=own[0].where,
            what=f"mixed units: {at_most(units)}; rows "
            f"{at_most(c.row for c in odd)} are not in {usual}",
            action="amounts in two currencies are no series: keep one",
            first=str(odd[0].end),
            last=str(odd[-1].end),
        )


def _timing_findings(own: Sequence[Claim]) -> Iterator[Finding]:
    """Yield quarters whose first row became known too late or too early to be true."""
    first: dict[dt.date, Claim] = {}
    for claim in own:
        if claim.end not in first or claim.known < first[claim.end].known:
            first[claim.end] = claim
    lag = {end: (claim.known.date() - end).days for end, claim in first.items()}
    late = [first[end] for end in sorted(lag) if lag[end] > LATEST]
    soon = [first[end] for end in sorted(lag) if lag[end] < SOONEST]
    for claims, severity, what, action in (
        (late, *_lateness([one.end for one in late], sorted(lag))),
        (
            soon,
            "error",
            f"known within {SOONEST} days of the quarter's end, before any company "
            "has filed",
            "give the date of the filing, not the end of the period",
        ),
    ):
        if claims:
            yield Finding(
                severity=severity,
                where=claims[0].where,
                what=f"{what}: {len(claims)} of {len(first)} quarters, rows "
                f"{at_most(claim.row for claim in claims)}",
                action=action,
                first=str(claims[0].end),
                last=str(claims[-1].end),
            )


def _lateness(
    late: Sequence[dt.date], every: Sequence[dt.date]
) -> tuple[str, str, str]:
    """Return severity, what and action for quarters that became known late.

    Machine-readable filings begin with the comparative figures of the year before:
    the first year of a series is late without fault.
    """
    begins = list(late) == list(every[: len(late)])
    if begins and len(late) <= QUARTERS < len(every):
        return (
            "info",
            f"known only from a later filing, more than {LATEST} days after the "
            "quarter's end",
            "a series begins with the year before its first filing: nothing to do",
        )
    return (
        "error",
        f"last filing, not first: known more than {LATEST} days after the "
        "quarter's end",
        "give the date on which the amount was first filed; a later filing that "
        "repeats it shifts the signal by a year",
    )


def _silence_findings(own: Sequence[Claim], newest: dt.date) -> Iterator[Finding]:
    """Yield quarters that are missing, and a series that ends before the others."""
    ends = sorted({claim.end for claim in own if claim.usable})
    for before, after in pairwise(ends):
        if (after - before).days > GAP:
            yield Finding(
                severity="warning",
                where=own[0].where,
                what=f"no quarter between {before} and {after}",
                action="the company may have used another concept meanwhile: fetch it "
                "too; nothing is filled in",
                first=str(before),
                last=str(after),
            )
    if ends and (newest - ends[-1]).days > SILENT:
        yield Finding(
            severity="error",
            where=own[0].where,
            what=f"series ends on {ends[-1]}, other companies run to {newest}",
            action="the company may have switched to another concept "
            "(PaymentsToAcquireProductiveAssets): fetch that and join them",
            first=str(ends[-1]),
            last=str(newest),
        )


def _without_amount(claim: Claim) -> Finding:
    """Return that a row has no amount that could be true."""
    if not math.isfinite(claim.value):
        return claim.finding(
            "error",
            f"no number from {claim.source}",
            "leave the row out; a company that spends states it in its filing",
        )
    return claim.finding(
        "error",
        f"not positive: {claim.value:.0f} from {claim.source}",
        "cash paid is positive: check the sign",
    )


def _scale_findings(
    claim: Claim, quarters: Mapping[dt.date, float]
) -> Iterator[Finding]:
    """Yield an amount on another scale than the quarters around it."""
    same = quarters.get(claim.end)
    if same is not None and _power_of_ten(claim.value / same):
        yield claim.finding(
            "error",
            f"unit slip: {claim} is {claim.value / same:.3g} times the "
            f"filed {billions(same)}",
            "check millions, yi (1e8) and billions",
        )
        return
    if _is_year(claim, quarters):
        yield claim.finding(
            "error",
            f"a year's amount: {claim} is about the sum of four quarters",
            "it is no quarter: leave it out, or keep it as a series of its own",
        )
        return
    near = _neighbours(claim.end, quarters)
    if len(near) == NEIGHBOURS:
        times = claim.value / median(near)
        if not 1.0 / OUT_OF_LINE < times < OUT_OF_LINE:
            yield claim.finding(
                "error",
                f"unit slip or no quarter: {claim} is {times:.3g} times the "
                "quarters around it",
                "check the unit, and that it covers one quarter",
            )


def _claim_findings(
    claim: Claim, filed: Sequence[Claim], quarters: Mapping[dt.date, float]
) -> Iterator[Finding]:
    """Yield how a row that is no filing stands against the filings."""
    told = [words for pattern, words in WORDS if pattern.search(claim.source)]
    if told:
        yield claim.finding(
            "warning",
            f"another definition: by its source's words {at_most(told)}",
            "two definitions are two series: do not splice them",
        )
    if claim.digits < DIGITS:
        yield claim.finding(
            "warning",
            f"rounded: {claim} has {claim.digits} significant digits",
            "a hand-made, estimated or invented number: use the filed one",
        )
    vintages = [one.value for one in filed if one.end == claim.end]
    if not vintages:
        if quarters:
            yield claim.finding(
                "warning",
                f"not filed: no filing gives the quarter that {claim.source} does",
                "ungrounded until a filing confirms it",
            )
        return
    closest = min(vintages, key=lambda value: abs(claim.value - value))
    if abs(claim.value - closest) <= SAME * closest:
        return
    if _power_of_ten(claim.value / closest) or _is_year(claim, quarters):
        return
    yield _against_filed(claim, closest, quarters)


def _against_filed(
    claim: Claim, closest: float, quarters: Mapping[dt.date, float]
) -> Finding:
    """Return what may explain an amount that is not the filed one."""
    ratio = claim.value / closest
    told = f"{claim} is {ratio:.3g} times the filed {billions(closest)}"
    before = _year_before(claim, quarters)
    if before is not None:
        return claim.finding(
            "error",
            f"not the filed amount: {told}, and about that of {before}",
            "a figure of the year before: use the filed one",
        )
    if not LOWEST <= ratio <= HIGHEST:
        return claim.finding(
            "error",
            f"not the filed amount: {told}; no usual definition explains it",
            "ungrounded, perhaps invented: use the filed one",
        )
    may = (
        "leases may be included, or it is accrued"
        if ratio > 1
        else "it may be net of incentives and sale proceeds, or accrued"
    )
    return claim.finding(
        "warning",
        f"another definition or an error: {told}; {may}",
        "the numbers alone cannot tell: read the source; never splice the two",
    )


def _unfiled_findings(
    own: Sequence[Claim], quarters: Mapping[dt.date, float]
) -> Iterator[Finding]:
    """Yield quarters for which no filing decides between two sources."""
    for end, claims in groupby(own, key=lambda claim: claim.end):
        rest = [c for c in claims if c.usable and not c.filed]
        low = min(rest, key=lambda c: c.value, default=None)
        high = max(rest, key=lambda c: c.value, default=None)
        if end in quarters or low is None or high is None:
            continue
        if high.value - low.value > SAME * low.value:
            yield high.finding(
                "warning",
                f"sources disagree: {high}, and {low} in row {low.row}",
                "no filing decides: definitions may differ; keep one source",
            )


def _power_of_ten(ratio: float) -> bool:
    """Return whether a ratio is ten, a hundred, ... or an inverse, within `SLIP`."""
    power = round(math.log10(ratio))
    return power != 0 and abs(ratio / 10.0**power - 1.0) <= SLIP


def _is_year(claim: Claim, quarters: Mapping[dt.date, float]) -> bool:
    """Return whether an amount is about the sum of the four quarters to its date."""
    year = [
        value for end, value in quarters.items() if 0 <= (claim.end - end).days < 300
    ]
    return (
        len(year) == 4
        and claim.value > 2 * max(year)
        and abs(claim.value / sum(year) - 1.0) <= YEARLY
    )


def _neighbours(end: dt.date, quarters: Mapping[dt.date, float]) -> list[float]:
    """Return the `NEIGHBOURS` amounts nearest to a quarter, none of its own."""
    near = [day for day in quarters if 0 < abs((day - end).days) <= NEAR]
    near.sort(key=lambda day: (abs((day - end).days), day))
    return [quarters[day] for day in near[:NEIGHBOURS]]


def _year_before(claim: Claim, quarters: Mapping[dt.date, float]) -> dt.date | None:
    """Return the same quarter of the year before if the amount is about its."""
    for end, value in quarters.items():
        if 350 <= (claim.end - end).days <= 380:
            return end if abs(claim.value / value - 1.0) <= YEAR_BEFORE else None
    return None
