"""What is printed of where the return came from: tables and one sentence."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from engine.evidence.attribution import EFFECTS, TOTAL
from engine.evidence.samples import ALL
from engine.study_paths import EQUAL_WEIGHT
from engine.study_result import StudyResult
from reports import numbers, samples, tables, words
from reports.document import (
    Cell,
    Column,
    Table,
    Tone,
    number,
    plain,
)
from reports.numbers import Format

#: Effects below this are rounding: the column is not printed.
NOTHING = 5e-6
#: What a reader knows each effect by.
SAID: Mapping[str, str] = {
    "allocation": "the choice of layers",
    "selection": "the choice of assets within them",
    "interaction": "both at once",
    "currency": "exchange rates",
    "trading": "the timing of fills",
    "costs": "costs",
    "other": "the rest",
}


def against(result: StudyResult, baseline: str, period: str = ALL) -> pd.DataFrame:
    """Return the groups and the total of one baseline and period."""
    table = result.attribution.table
    if table.empty:
        return table
    chosen = (table["against"] == baseline) & (table["period"] == period)
    return table[chosen]


def shown_effects(table: pd.DataFrame) -> tuple[str, ...]:
    """Return the effects to print: all but a rest of nothing."""
    some = table[list(EFFECTS)].abs().max()
    return tuple(name for name in EFFECTS if name != "other" or some[name] > NOTHING)


def point_format(table: pd.DataFrame) -> Format:
    """Return how effects are written: two digits where all of them are small."""
    largest = float(table[[*EFFECTS, "active"]].abs().to_numpy().max())
    return lambda value: numbers.points(value, 1 if largest >= 0.05 else 2)


def attribution_sentence(result: StudyResult) -> str:
    """Return what each effect added to the return over equal weight."""
    table = against(result, EQUAL_WEIGHT)
    if table.empty:
        return ""
    total = _total(table)
    show = point_format(table)
    own, other = float(total["return"]), float(total["return_baseline"])
    active = float(total["active"])
    size = show(abs(active)).lstrip("+")
    more = f"{size} percentage points {'more' if active > 0 else 'less'}"
    parts = [
        f"{SAID[name]} ({show(float(total[name]))})" for name in shown_effects(table)
    ]
    return (
        f"{_over(result)} the barbell returned {numbers.percent(own)} and equal weight "
        f"of the same assets {numbers.percent(other)}, both net of costs: {more}. The "
        f"difference is the sum of {words.joined(parts)}."
    )


def _over(result: StudyResult) -> str:
    """Return over which sessions, and which sample they are."""
    if samples.all_in_sample(result):
        return "Over the whole period, all in-sample,"
    if samples.none_in_sample(result):
        return "Over the whole period, all out-of-sample,"
    return "Over the whole period, both samples together,"


def _total(table: pd.DataFrame) -> Mapping[str, Any]:
    return next(row for row in tables.records(table) if row["group"] == TOTAL)


def layers(result: StudyResult) -> Table | None:
    """Return each layer's weights, returns and effects against equal weight."""
    table = against(result, EQUAL_WEIGHT)
    if table.empty:
        return None
    effects, show = shown_effects(table), point_format(table)
    rows = []
    for row in tables.records(table):
        last = row["group"] == TOTAL
        rows.append(
            (
                plain(words.label(str(row["group"])), "strong" if last else ""),
                _beside(row, "weight", numbers.percent),
                plain("")
                if _has_sides(row)
                else _beside(row, "return", numbers.percent),
                *[number(float(row[name]), show) for name in effects],
                number(float(row["active"]), show, "strong" if last else ""),
            )
        )
        if not last:
            rows += _sides(row, len(effects) + 1)
    sides = _SIDES_NOTE if any(map(_has_sides, tables.records(table))) else ""
    return Table(
        id="attribution",
        caption="Where the return over equal weight came from, by layer, whole period: "
        "the barbell, and below it equal weight; effects in percentage points.",
        columns=(
            Column(label="Layer", align="left", wide=True),
            Column(label="Mean\nweight"),
            Column(label="Return"),
            *[Column(label=words.label(name)) for name in effects],
            Column(label="Together"),
        ),
        rows=tuple(rows),
        shaded=frozenset({len(rows) - 1}),
        note=f"{_LAYERS_NOTE}{sides}{_by_currency(result, show)}",
    )


def _has_sides(row: Mapping[str, Any]) -> bool:
    """Return whether either account held something of this layer short."""
    shorts = row["weight_short"], row["weight_short_baseline"]
    return row["group"] != TOTAL and any(float(one) != 0.0 for one in shorts)


def _sides(row: Mapping[str, Any], effects: int) -> list[tuple[Cell, ...]]:
    """Return what a layer held long and what it held short, below the layer."""
    if not _has_sides(row):
        return []
    ends = ("", "_baseline")
    long = {
        f"weight{end}": float(row[f"weight{end}"]) - float(row[f"weight_short{end}"])
        for end in ends
    } | {f"return{end}": row[f"return{end}"] for end in ends}
    short = {
        f"{name}{end}": row[f"{name}_short{end}"]
        for name in ("weight", "return")
        for end in ends
    }
    return [
        (
            plain(f"\u2003{name}", "muted"),
            _beside(side, "weight", numbers.percent),
            _beside(side, "return", numbers.percent),
            *[plain("")] * effects,
        )
        for name, side in (("long", long), ("short", short))
    ]


_LAYERS_NOTE = (
    "Allocation: more or less of a layer than equal weight has, times how its local "
    "return differed from the whole. Selection: other assets within the layer, or "
    "other weights of them. Interaction: the two at once. Currency: what exchange "
    "rates added, f(1 + r). Trading: what a fill gained up to the close of its "
    "session. Costs: paid less than equal weight (+) or more (−). Brinson and Fachler "
    "(1985), session by session, linked by Carino (1999): the effects sum to the "
    "difference of the two returns. A layer's return is before costs and stands still "
    "while nothing of it is held; that of the total is net."
)
_SIDES_NOTE = (
    " A layer that was held short has a long and a short side, each with its own "
    "weight and return; its effects are the sums of both. The return of a short side "
    "is that of the shares sold: a gain of theirs is the account's loss. What only "
    "one of the two accounts held is allocation."
)


def _by_currency(result: StudyResult, show: Format) -> str:
    """Return what each exchange rate added, the largest first."""
    table = result.attribution.currencies
    chosen = (table["against"] == EQUAL_WEIGHT) & (table["period"] == ALL)
    rows = [
        (str(row["currency"]), float(row["effect"]))
        for row in tables.records(table[chosen])
        if row["currency"] != result.backtest.base
    ]
    ordered = sorted(rows, key=lambda row: -abs(row[1]))
    said = [f"{name} {show(effect)}" for name, effect in ordered]
    return f" Exchange rates one by one: {words.joined(said)}." if said else ""


def _beside(row: Mapping[str, Any], name: str, show: Format) -> Cell:
    """Return the barbell's number with the baseline's below it."""
    own, other = float(row[name]), float(row[f"{name}_baseline"])
    if not (math.isfinite(own) or math.isfinite(other)):
        return plain(numbers.MISSING)
    return Cell(text=show(own), sub=show(other))


def periods(result: StudyResult) -> Table | None:
    """Return the effects against equal weight by sample and calendar year."""
    table = result.attribution.table
    if table.empty:
        return None
    table = table[(table["against"] == EQUAL_WEIGHT) & (table["group"] == TOTAL)]
    if len(table) < 2:
        return None
    effects, show = shown_effects(table), point_format(table)
    found = {str(row["period"]): row for row in tables.records(table)}
    whole = found.pop(ALL)
    years = [name for name in found if name.isdigit()]
    ordered = [*years, *[name for name in found if name not in years]]
    rows = []
    for name, row in [*((one, found[one]) for one in ordered), ("Whole period", whole)]:
        rows.append(
            (
                plain(words.label(name)),
                plain(numbers.percent(float(row["return"]))),
                plain(numbers.percent(float(row["return_baseline"]))),
                *[number(float(row[effect]), show) for effect in effects],
                number(float(row["active"]), show),
            )
        )
    return Table(
        id="attribution-periods",
        caption="The same by calendar year and sample, all layers together, in "
        "percentage points.",
        columns=(
            Column(label="Period", align="left", wide=True),
            Column(label="Barbell"),
            Column(label="Equal\nweight"),
            *[Column(label=words.label(name)) for name in effects],
            Column(label="Together"),
        ),
        rows=tuple(rows),
        shaded=frozenset({len(rows) - 1}),
        note="Each period is linked by itself, so that years do not add up to the "
        "whole: a point gained early grows with the account." + _short(result, years),
    )


def _short(result: StudyResult, years: list[str]) -> str:
    """Return which calendar years the study holds only in part."""
    about = result.thesis.about
    if not years or (about.end.month, about.end.day) >= (12, 28):
        return ""
    return f" {years[-1]} ends on {about.end}."


def benchmarks(result: StudyResult) -> Table | None:
    """Return what each layer added over holding a benchmark instead."""
    names = [
        name for name in samples.benchmarks(result) if not against(result, name).empty
    ]
    if not names:
        return None
    parts = {name: against(result, name) for name in names}
    show = point_format(pd.concat(parts.values()))
    held = {
        name: {str(row["group"]): row for row in tables.records(part)}
        for name, part in parts.items()
    }
    groups = list(
        dict.fromkeys(g for rows in held.values() for g in rows if g != TOTAL)
    )
    groups = [one for one in groups if one not in names]
    rows = []
    for group in [*groups, *_costly(held, names), TOTAL]:
        cells = [
            number(float(held[name][group]["active"]), show)
            if group in held[name]
            else plain(numbers.MISSING)
            for name in names
        ]
        if group in names:
            rows.append((plain(f"What buying {group} cost"), plain(""), *cells))
            continue
        weight = float(held[names[0]][group]["weight"])
        tone: Tone = "strong" if group == TOTAL else ""
        name = plain(words.label(group), tone)
        rows.append((name, plain(numbers.percent(weight)), *cells))
    return Table(
        id="attribution-benchmarks",
        caption="What each layer added over holding a benchmark instead, whole period, "
        "in percentage points.",
        columns=(
            Column(label="Layer", align="left", wide=True),
            Column(label="Mean weight"),
            *[Column(label=f"Over {name}") for name in names],
        ),
        rows=tuple(rows),
        shaded=frozenset({len(rows) - 1}),
        note="The layers of a benchmark fund are not known, so nothing can be said of "
        "selection within them: each layer is held against the whole fund. With "
        "currency, trading and costs; linked as above.",
    )


def _costly(
    held: Mapping[str, Mapping[str, Mapping[str, Any]]], names: list[str]
) -> list[str]:
    """Return the benchmarks whose purchase cost is worth a row."""
    return [
        name
        for name in names
        if name in held[name] and abs(float(held[name][name]["active"])) > NOTHING
    ]
