"""Capital expenditure from files: quarters as filed, and claims set against filings."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from engine.errors import at_most
from engine.market.market import Finding
from engine.market.signals import COLUMNS
from engine.sources.files.signals import stranger_findings
from engine.sources.filings.capex_checks import capex_findings
from engine.sources.filings.edgar import SERIES, known_at
from engine.sources.filings.facts import span
from engine.sources.imports.cells import read_days, read_numbers, said_days, with_days
from engine.sources.imports.names import Names
from engine.sources.imports.sheet import Sheet
from engine.sources.imports.signals import SignalFile, start_findings
from engine.sources.imports.words import counted

FILED_ON = "first_filed_or_release_date"
QUARTERLY = ("company", "period_start", "period_end", "value", "unit", FILED_ON, "form")
CLAIMED = ("company", "period", "claimed_value")
#: Names of the checks' series of amounts that cover a year.
YEARLY = "capex_yearly"
#: Forms of the SEC that quarters and years are filed on.
SEC_FORM = re.compile(r"(?:10|20|6|8|40)-[KQF].*", re.IGNORECASE)
#: What the words of a concept say about a definition.
DEFINITIONS = (
    (
        re.compile(r"PaymentsToAcquirePropertyPlantAndEquipment"),
        "cash paid for property and equipment: what is leased is left out",
    ),
    (
        re.compile(r"PaymentsToAcquireProductiveAssets"),
        "cash paid for productive assets: what is leased is left out",
    ),
    (re.compile(r"\bgross\b", re.IGNORECASE), "gross: incentives not deducted"),
    (re.compile(r"\bnet\b", re.IGNORECASE), "net: incentives deducted"),
    (re.compile(r"\baccru", re.IGNORECASE), "accrued, not paid"),
    (re.compile(r"\bintangible", re.IGNORECASE), "intangible assets included"),
)
PERIOD = re.compile(r"(\d{4})(Q[1-4]|FY)")
LAST_DAY = {"Q1": "03-31", "Q2": "06-30", "Q3": "09-30", "Q4": "12-31", "FY": "12-31"}
AMOUNT = re.compile(r"\d+(?:\.\d+)?(?:e[+-]?\d+)?", re.IGNORECASE)
ROW = re.compile(r"\brow (\d+)\b")
#: Claims come without a day; this many days after the period no check of days speaks.
AFTER = pd.Timedelta(40, "D")


def is_quarterly(sheet: Sheet) -> bool:
    """Return whether a sheet has amounts of companies with the day of filing."""
    return sheet.has(*QUARTERLY)


def is_claims(sheet: Sheet) -> bool:
    """Return whether a sheet has what others claim of companies' expenditure."""
    return sheet.has(*CLAIMED)


def read_quarterly(sheet: Sheet, names: Names) -> SignalFile:
    """Return a file's quarters as observations, each known when it was first filed.

    Amounts that cover no quarter, and companies nobody knows, are left out by name.

    Raises
    ------
    DataError
        Days or numbers that cannot be read, a blank cell, or an amount filed before
        its period ended.
    """
    form = names.mapping.date_format
    written = ""
    for column in ("period_start", "period_end", FILED_ON):
        days, written = read_days(sheet, column, form)
        sheet = with_days(sheet, column, days)
    sheet = read_numbers(sheet, ["value"], names.mapping.decimal)
    table, cells = sheet.table(), sheet.cells
    for column in ("company", "value", "unit", "form"):
        table.complain(cells[column].isna().to_numpy(), f"has no {column}")
    entities = {name: names.entity(name) for name in cells["company"].unique()}
    length = (cells["period_end"] - cells["period_start"]).dt.days + 1
    quarter = np.array([span(days) == 1 for days in length.tolist()])
    early = (cells[FILED_ON] <= cells["period_end"]).to_numpy()
    table.complain(early & quarter, "filed before its period ended, on {period_end}")
    known = cells["company"].map(entities).notna().to_numpy()
    kept = cells[quarter & known]
    rows = _observations(kept, entities)
    found = [
        *_not_quarters(cells[~quarter], length[~quarter], sheet.name),
        *_strangers(
            names, [one for one, own in entities.items() if own is None], sheet
        ),
        *_checked(rows, kept.index),
        *_units(rows, sheet.name),
        *_definitions(kept, entities),
        *stranger_findings(rows, names.universe),
        *start_findings(rows, sheet.name),
    ]
    renamed = [f"{old} = {new}" for old, new in entities.items() if new]
    says = [
        f"capital expenditure by company and quarter: series {SERIES}",
        f"entities: {at_most(renamed, 8)}",
        f"days are {written}, {said_days(pd.DatetimeIndex(cells['period_end']))}",
        f"known at 17:30 in New York on {FILED_ON}, never at the period's end",
    ]
    return SignalFile(rows=rows, says=(*sheet.says, *says), findings=tuple(found))


def read_claims(sheet: Sheet, names: Names) -> SignalFile:
    """Return what is wrong with claims; there is nothing to store.

    Each claim is set against the file's own reference value, where it has one.
    """
    claims = [
        one
        for row, cells in zip(
            sheet.cells.index, sheet.cells.to_dict("records"), strict=True
        )
        for one in _claims(int(row), {str(k): v for k, v in cells.items()}, names)
    ]
    found: list[Finding] = []
    for series in (SERIES, YEARLY):
        own = [one for one in claims if one.series == series]
        found += _against_references(own)
    found += dict.fromkeys(one for claim in claims for one in _unmeasured(claim))
    verdicts = {one.row: one.verdict for one in claims}
    found = [_with_verdict(one, verdicts) for one in found]
    return SignalFile(
        rows=pd.DataFrame(),
        says=(
            *sheet.says,
            "claims about capital expenditure: "
            f"{counted(len(sheet.cells), 'row')}, set against the file's own "
            "reference values; a claim is never stored",
        ),
        findings=tuple(sorted(found, key=lambda one: _row_of(one.where))),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claim:
    """One amount that one row of a file claims, and what it was compared with."""

    row: int
    entity: str
    series: str
    period: str
    text: str
    value: float
    reference: float
    unit: str
    source: str
    verdict: str

    @property
    def end(self) -> pd.Timestamp | None:
        """The last day of its period; None where that is open."""
        told = PERIOD.fullmatch(self.period)
        return pd.Timestamp(f"{told[1]}-{LAST_DAY[told[2]]}") if told else None


def _claims(row: int, cells: Mapping[str, object], names: Names) -> Iterator[_Claim]:
    """Yield a row's claims: one per amount in its cell, or one without any."""
    said = {
        name: "" if value is None or value != value else str(value)
        for name, value in cells.items()
    }
    text = said["claimed_value"]
    dated = "date" in text.lower() or "(" in text
    amounts = [] if dated else [float(one) for one in AMOUNT.findall(text)]
    reference = AMOUNT.findall(said.get("reference_value", ""))
    for value in amounts or [math.nan]:
        yield _Claim(
            row=row,
            entity=names.entity(said["company"]) or said["company"].lower(),
            series=YEARLY if said["period"].endswith("FY") else SERIES,
            period=said["period"],
            text=text,
            value=value,
            reference=float(reference[0]) if reference else math.nan,
            unit=said.get("unit", ""),
            source=said.get("claim_source", "") or "a claim",
            verdict=said.get("verdict", ""),
        )


def _against_references(claims: Sequence[_Claim]) -> Iterator[Finding]:
    """Yield what the checks of capital expenditure say of claims about one span."""
    dated = [one for one in claims if one.end is not None]
    rows = [_row(one, one.value, one.source) for one in dated]
    filed = {(one.entity, one.end): one for one in dated if one.reference > 0}
    rows += [_row(one, one.reference, "SEC") for one in filed.values()]
    if not rows:
        return
    observations = pd.DataFrame(rows, columns=list(COLUMNS))
    for finding in capex_findings(observations):
        place = _row_of(finding.where)
        if 0 < place <= len(dated):
            claim = dated[place - 1]
            yield replace(
                finding,
                severity="warning",
                where=f"{claim.series}: {claim.entity}, row {claim.row}",
            )


def _row(claim: _Claim, value: float, source: str) -> dict[str, object]:
    """Return a claim, or its reference, as an observation."""
    end = claim.end
    return {
        "series": claim.series,
        "entity": claim.entity,
        "value_date": end,
        "known_at": None if end is None else end + AFTER,
        "value": value,
        "unit": claim.unit if value == value else "",
        "quality": "observed",
        "source": source,
    }


def _unmeasured(claim: _Claim) -> Iterator[Finding]:
    """Yield what numbers cannot show: years, open periods, days in place of amounts."""
    where = f"{claim.series}: {claim.entity}, row {claim.row}"
    if claim.series == YEARLY:
        yield Finding(
            severity="warning",
            where=where,
            what=f"a year's amount ({claim.period}), no quarter",
            action="it is no row of a quarterly series",
        )
    if claim.end is not None:
        return
    if "date" in claim.text.lower():
        what = "a date, not an amount: which filing it is of is open"
        action = (
            "a date of the last filing that repeats a value, not the first, shifts "
            "it by a year: compare it with the first"
        )
    elif claim.period.endswith("+"):
        what = f"no amount from {claim.period.rstrip('+')} on: a series that ends"
        action = (
            "the company may have switched to another concept "
            "(PaymentsToAcquireProductiveAssets): fetch that and join them"
        )
    else:
        what = f"period {claim.period!r} is no quarter or year"
        action = "write it as in 2025Q3 or 2025FY"
    yield Finding(severity="warning", where=where, what=what, action=action)


def _with_verdict(finding: Finding, verdicts: Mapping[int, str]) -> Finding:
    """Return the finding with what the file itself says of the claim."""
    told = verdicts.get(_row_of(finding.where), "")
    more = f"{finding.action}; the file says: {told}" if told else finding.action
    return replace(finding, action=more)


def _row_of(where: str) -> int:
    """Return the row that a finding is about, 0 where it names none."""
    found = ROW.search(where)
    return int(found[1]) if found else 0


def _observations(
    kept: pd.DataFrame, entities: Mapping[str, str | None]
) -> pd.DataFrame:
    """Return quarters as observations."""
    forms = kept["form"].astype("str")
    concept = (
        kept["concept"].fillna("") if "concept" in kept else forms.map(lambda _: "")
    )
    sources = [
        f"SEC {form}" if SEC_FORM.fullmatch(form) else f"{form}: {words}".rstrip(": ")
        for form, words in zip(forms, concept, strict=True)
    ]
    return pd.DataFrame(
        {
            "series": SERIES,
            "entity": [str(entities[name]) for name in kept["company"]],
            "value_date": kept["period_end"].to_numpy(),
            "known_at": pd.DatetimeIndex(
                [known_at(day.date()) for day in kept[FILED_ON]]
            ).as_unit("ns"),
            "value": kept["value"].to_numpy(),
            "unit": kept["unit"].to_numpy(),
            "quality": "observed",
            "source": sources,
        }
    )


def _checked(rows: pd.DataFrame, numbers: pd.Index) -> Iterator[Finding]:
    """Yield the findings of the checks, with the rows of the file.

    A series that ends early is a warning: the amounts it has are not wrong by that.
    """
    placed = rows.set_axis(numbers).reindex(range(1, int(numbers.max()) + 1))
    for finding in capex_findings(placed) if len(rows) else ():
        ends = finding.what.startswith("series ends")
        yield replace(finding, severity="warning") if ends else finding


def _not_quarters(
    cells: pd.DataFrame, length: pd.Series, name: str
) -> Iterator[Finding]:
    """Yield each amount that covers another span than a quarter."""
    for row, company, start, end, filed, days, value, unit in zip(
        cells.index,
        cells["company"],
        cells["period_start"],
        cells["period_end"],
        cells[FILED_ON],
        length,
        cells["value"],
        cells["unit"],
        strict=True,
    ):
        yield Finding(
            severity="warning",
            where=f"{name}, row {row}",
            what=f"{company}: {value / 1e9:g}bn {unit} cover {counted(days, 'day')}, "
            "no quarter"
            + (", and were stated before they ended: a plan" if filed <= end else ""),
            action="not stored: a year, a half or a plan is no row of a quarterly "
            "series",
            first=str(start.date()),
            last=str(end.date()),
        )


def _strangers(
    names: Names, companies: Sequence[str], sheet: Sheet
) -> Iterator[Finding]:
    """Yield the companies that neither universe nor mapping knows."""
    for company in companies:
        yield Finding(
            severity="warning",
            where=sheet.name,
            what=f"{company!r} is no entity or line of universe {names.universe.name}",
            action=f'not stored; say whose it is in a mapping: [entities] "{company}" '
            '= "..."',
        )


def _units(rows: pd.DataFrame, name: str) -> Iterator[Finding]:
    """Yield that companies report in different currencies."""
    units = rows.groupby("unit")["entity"].unique()
    if len(units) > 1:
        told = [f"{unit} ({at_most(sorted(own))})" for unit, own in units.items()]
        yield Finding(
            severity="info",
            where=name,
            what=f"units differ: {'; '.join(told)}",
            action="stored each in its own: convert before adding companies up",
        )


def _definitions(
    kept: pd.DataFrame, entities: Mapping[str, str | None]
) -> Iterator[Finding]:
    """Yield what each company's concept says that its amounts are."""
    if "concept" not in kept:
        return
    told = kept[["company", "concept"]].dropna().drop_duplicates()
    for company, concept in told.itertuples(index=False):
        means = [words for pattern, words in DEFINITIONS if pattern.search(concept)]
        if means:
            yield Finding(
                severity="info",
                where=f"{SERIES}: {entities[company]}",
                what=f"{company}: {concept}: {'; '.join(means)}",
                action="definitions differ by company: compare growth, not levels",
            )
