"""Company-concept documents of the SEC, and the quarters that follow from them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from engine.errors import DataError, at_most
from engine.market.market import Finding

#: Days that one to four quarters can last: fiscal years of 52 and 53 weeks included.
SPANS = ((75, 105), (165, 200), (255, 290), (345, 380))
#: Two concepts, or a stated and a derived quarter, that differ by more are reported.
SAME = 0.005
#: Dollars that no company spends in a year.
LARGEST = 1e15


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One amount as one filing stated it, for the days from `start` to `end`."""

    start: dt.date
    end: dt.date
    value: float
    filed: dt.date
    form: str
    accession: str
    concept: str

    @property
    def quarters(self) -> int:
        """How many quarters it covers; 0 for a period that is no multiple of one."""
        return span((self.end - self.start).days + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarter:
    """One quarter's amount as it stood from `filed` on: one vintage.

    `derived` says that it is a year-to-date amount less the one before.
    """

    end: dt.date
    value: float
    filed: dt.date
    form: str
    concept: str
    derived: bool


def span(days: int) -> int:
    """Return how many quarters so many days are, 0 for none."""
    for count, (low, high) in enumerate(SPANS, start=1):
        if low <= days <= high:
            return count
    return 0


def read_facts(
    document: Mapping[str, object], *, where: str, unit: str = "USD"
) -> tuple[tuple[Fact, ...], tuple[Finding, ...]]:
    """Return a document's facts in one unit in order of filing, and what was left out.

    An entry that cannot be true (filed before its period ended, an amount beyond
    `LARGEST`) is left out and reported: filers make such mistakes.

    Raises `DataError` naming the entry where the document is not of that format.
    """
    units = document.get("units")
    concept = document.get("tag")
    if not isinstance(units, dict) or not isinstance(concept, str):
        raise DataError(f"{where}: no company-concept document (no tag or units)")
    entries = units.get(unit)
    if not isinstance(entries, list):
        has = at_most(units) or "nothing"
        raise DataError(f"{where}: no amounts in {unit}; it has {has}")
    facts = [
        _fact(entry, concept, f"{where}, entry {row}")
        for row, entry in enumerate(entries, start=1)
    ]
    possible = [fact for fact in facts if _possible(fact)]
    possible.sort(key=lambda fact: (fact.filed, fact.accession))
    wrong = [fact for fact in facts if not _possible(fact)]
    return tuple(possible), tuple(_impossible(fact, where) for fact in wrong)


def quarters(facts: Sequence[Fact]) -> dict[dt.date, tuple[Quarter, ...]]:
    """Return the vintages of each quarter by its last day, from facts of one concept.

    A quarter is stated, or follows as a year-to-date amount less the one a quarter
    shorter. A vintage begins on the day its value was **first** filed; a filing that
    repeats a value adds none. Once a quarter is stated, what is derived yields to it.
    """
    stated, derived = _stated(facts), _derived(facts)
    found = {}
    for end in sorted(stated.keys() | derived.keys()):
        direct = stated.get(end, [])
        before = [
            one
            for one in derived.get(end, [])
            if not direct or one.filed < direct[0].filed
        ]
        found[end] = _distinct([*before, *direct])
    return found


def disagreements(facts: Sequence[Fact], where: str) -> Iterator[Finding]:
    """Yield quarters whose stated amount is not what the year to date implies."""
    stated, derived = _stated(facts), _derived(facts)
    apart = [
        end
        for end in sorted(stated.keys() & derived.keys())
        if _apart(stated[end][-1].value, derived[end][-1].value)
    ]
    if apart:
        yield Finding(
            severity="warning",
            where=where,
            what=f"{len(apart)} quarters are stated otherwise than the year-to-date "
            f"amounts imply: {at_most(apart)}",
            action="the stated amount is used; compare it with the filing",
            first=str(apart[0]),
            last=str(apart[-1]),
        )


def join(
    by_concept: Mapping[str, Sequence[Fact]], where: str
) -> tuple[dict[dt.date, tuple[Quarter, ...]], tuple[Finding, ...]]:
    """Return each quarter under the concept that stated it first, and what was found.

    Amounts under another concept are another definition: they are no vintages of the
    first, and a difference is reported. In the year of a switch a quarter may only
    follow from amounts of two concepts; it is used, reported, and replaced once one
    concept gives it.
    """
    single = {concept: quarters(facts) for concept, facts in by_concept.items()}
    pooled = quarters(
        sorted(
            (fact for facts in by_concept.values() for fact in facts),
            key=lambda fact: (fact.filed, fact.accession),
        )
    )
    joined, mixed = {}, []
    for end, both in sorted(pooled.items()):
        own = [found[end] for found in single.values() if end in found]
        chosen = min(own, key=lambda vintages: vintages[0].filed, default=())
        if not chosen or both[0].filed < chosen[0].filed:
            mixed.append(end)
            chosen = _distinct([both[0], *chosen])
        joined[end] = chosen
    found = [*_switches(joined, where), *_definitions(single, where)]
    if mixed:
        found.append(_mixed(mixed, where))
    return joined, tuple(found)


def restatements(
    joined: Mapping[dt.date, Sequence[Quarter]], where: str
) -> Iterator[Finding]:
    """Yield the quarters whose amount a later filing changed."""
    changed = [end for end, vintages in sorted(joined.items()) if len(vintages) > 1]
    if changed:
        yield Finding(
            severity="info",
            where=where,
            what=f"{len(changed)} quarters were restated: {at_most(changed)}",
            action="each amount counts from the day it was filed until the next",
            first=str(changed[0]),
            last=str(changed[-1]),
        )


def _fact(entry: object, concept: str, where: str) -> Fact:
    """Return one entry of a document as a fact."""
    if not isinstance(entry, dict):
        raise DataError(f"{where}: not an object")
    try:
        start, end, filed = (
            dt.date.fromisoformat(entry[key]) for key in ("start", "end", "filed")
        )
        value = entry["val"]
        form, accession = str(entry["form"]), str(entry["accn"])
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{where}: start, end, val, filed, form or accn missing or unreadable "
            f"({error})"
        ) from error
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise DataError(f"{where}: val {value!r} is no number")
    return Fact(
        start=start,
        end=end,
        value=float(value),
        filed=filed,
        form=form,
        accession=accession,
        concept=concept,
    )


def _possible(fact: Fact) -> bool:
    """Return whether a fact was filed after its period, with a conceivable amount."""
    return fact.start <= fact.end < fact.filed and abs(fact.value) <= LARGEST


def _impossible(fact: Fact, where: str) -> Finding:
    """Return that an entry cannot be true."""
    return Finding(
        severity="warning",
        where=where,
        what=f"impossible entry: {fact.value:g} for {fact.start} to {fact.end}, "
        f"filed {fact.filed} in {fact.accession}",
        action="left out; look at the filing",
        first=str(fact.start),
        last=str(fact.end),
    )


def _stated(facts: Sequence[Fact]) -> dict[dt.date, list[Quarter]]:
    """Return the quarters that filings state, by last day, in order of filing."""
    found: dict[dt.date, list[Quarter]] = {}
    for fact in facts:
        if fact.quarters == 1:
            found.setdefault(fact.end, []).append(
                _quarter(fact, fact.value, fact.filed, derived=False)
            )
    return found


def _derived(facts: Sequence[Fact]) -> dict[dt.date, list[Quarter]]:
    """Return the quarters that follow from amounts with the same first day.

    A derived vintage begins with a filing of the longer amount and takes the shorter
    as it stood then: a shorter amount restated alone would mix two bases, so it waits
    until the longer is filed again.
    """
    periods: dict[dt.date, dict[dt.date, list[Fact]]] = {}
    for fact in facts:
        if fact.quarters:
            periods.setdefault(fact.start, {}).setdefault(fact.end, []).append(fact)
    found: dict[dt.date, list[Quarter]] = {}
    for ends in periods.values():
        for end, longer in ends.items():
            for before, shorter in ends.items():
                if _follows(longer[0], shorter[0]) and span((end - before).days) == 1:
                    pairs = [_difference(one, shorter) for one in longer]
                    found.setdefault(end, []).extend(pairs)
    return {
        end: sorted(every, key=lambda one: one.filed) for end, every in found.items()
    }


def _follows(longer: Fact, shorter: Fact) -> bool:
    """Return whether one period is a quarter longer than the other."""
    return longer.quarters == shorter.quarters + 1


def _difference(longer: Fact, shorter: Sequence[Fact]) -> Quarter:
    """Return the longer amount less the shorter as it stood then."""
    known = [fact for fact in shorter if fact.filed <= longer.filed]
    less = known[-1] if known else shorter[0]
    filed = max(longer.filed, less.filed)
    return _quarter(longer, longer.value - less.value, filed, derived=True)


def _quarter(fact: Fact, value: float, filed: dt.date, *, derived: bool) -> Quarter:
    return Quarter(
        end=fact.end,
        value=value,
        filed=filed,
        form=fact.form,
        concept=fact.concept,
        derived=derived,
    )


def _distinct(vintages: Sequence[Quarter]) -> tuple[Quarter, ...]:
    """Return the vintages that change the value; of one day's, the last."""
    by_day = {one.filed: one for one in vintages}
    kept: list[Quarter] = []
    for one in by_day.values():
        if not kept or one.value != kept[-1].value:
            kept.append(one)
    return tuple(kept)


def _apart(one: float, other: float) -> bool:
    """Return whether two amounts differ by more than rounding."""
    return abs(one - other) > SAME * max(abs(one), abs(other))


def _switches(
    joined: Mapping[dt.date, Sequence[Quarter]], where: str
) -> Iterator[Finding]:
    """Yield where a company's amounts move from one concept to another."""
    ends = sorted(joined)
    for before, end in pairwise(ends):
        old, new = joined[before][-1].concept, joined[end][-1].concept
        if old != new:
            yield Finding(
                severity="info",
                where=where,
                what=f"concept switch: {old} until {before}, {new} from {end}",
                action="joined; the definitions may differ",
                first=str(before),
                last=str(end),
            )


def _definitions(
    single: Mapping[str, Mapping[dt.date, Sequence[Quarter]]], where: str
) -> Iterator[Finding]:
    """Yield quarters that two concepts give different amounts for."""
    apart = set()
    concepts = list(single.values())
    for place, one in enumerate(concepts):
        for other in concepts[place + 1 :]:
            apart |= {
                end
                for end in one.keys() & other.keys()
                if _apart(one[end][-1].value, other[end][-1].value)
            }
    if apart:
        yield Finding(
            severity="warning",
            where=where,
            what=f"the concepts differ for {len(apart)} quarters: "
            f"{at_most(sorted(apart))}",
            action="the concept filed first is used: growth over the switch compares "
            "two definitions",
            first=str(min(apart)),
            last=str(max(apart)),
        )


def _mixed(ends: Sequence[dt.date], where: str) -> Finding:
    """Return that some quarters follow from amounts of two concepts."""
    return Finding(
        severity="warning",
        where=where,
        what=f"{len(ends)} quarters follow from year-to-date amounts under two "
        f"concepts: {at_most(ends)}",
        action="used until one concept gives the quarter; compare with the filing",
        first=str(ends[0]),
        last=str(ends[-1]),
    )
