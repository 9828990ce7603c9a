"""The claims beside those of other firms, and beside the thesis turned round."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from engine.evidence.beside import ANTI, PLACEBO, THESIS, Against, Tally, tally
from engine.study_result import StudyResult
from reports import numbers, samples, tables, words
from reports.document import Cell, Column, Table, Tone, heading_row, plain

Row = Mapping[str, Any]
_COLUMNS: tuple[tuple[Against, str], ...] = (
    (THESIS, "Thesis"),
    (PLACEBO, "Placebo"),
    (ANTI, "Anti-thesis"),
)
_DECIDED: Mapping[str, Tone] = {"supported": "supported", "refuted": "refuted"}


def sentences(result: StudyResult) -> str:
    """Return how many claims the placebo and the anti-thesis support, and its meaning.

    Empty where no claim was held against anything.
    """
    if not result.claims.results:
        return ""
    said = [_of_placebo(result), _of_opposite(result)]
    return " ".join(one for one in said if one)


def _of_placebo(result: StudyResult) -> str:
    held = result.beside
    if not held.placebo:
        return ""
    lost = [name for name, why in held.left_out.items() if why == "no price"]
    missing = f" There is no price of {words.joined(lost)}." if lost else ""
    if not held.firms:
        return (
            f"The placebo {held.placebo}, firms of the same layers that the thesis did "
            f"not choose, cannot be asked.{missing}"
        )
    found = tally(held, PLACEBO, result.thesis.claims)
    who = (
        f"firms of the same layers that the thesis did not choose "
        f"({', '.join(held.firms)})"
    )
    if not found.asked:
        return f"No claim can be asked of the placebo, {who}.{missing}"
    counted = f"{found.asked} {'claim' if found.asked == 1 else 'claims'}"
    support = (
        f"the placebo supports {found.supported} and the thesis {found.of_thesis}"
        if found.supported or found.of_thesis
        else "neither the placebo nor the thesis supports any"
    )
    are = "is" if found.both == 1 else "are"
    both = f"; {found.both} {are} supported by both" if found.both else ""
    return (
        f"Of {counted} that can be asked of the placebo, {who}, {support}{both}."
        f"{missing} {_meaning(result, found)}"
    )


def _meaning(result: StudyResult, found: Tally) -> str:
    """Return what the placebo's count says of the thesis's."""
    if result.simulated:
        return (
            "In the sample world effects are planted by layer, so they must show on "
            "any firm of it."
        )
    if found.both:
        return (
            "What both show belongs to the layer, whoever was chosen: it is no "
            "evidence for the choice of firms."
        )
    if found.supported:
        return "What the placebo alone shows is a measure of luck among these tests."
    if found.of_thesis:
        return (
            "The placebo shows none of it, so it rests on the firms that were chosen; "
            "a few firms may also be too few to show it."
        )
    return "Where neither shows anything, the control decides nothing."


def _of_opposite(result: StudyResult) -> str:
    found = tally(result.beside, ANTI, result.thesis.claims)
    if not found.asked:
        return ""
    return (
        f"Turned round, with the middle in place of the ends, {found.supported} of "
        f"{found.asked} claims {'is' if found.supported == 1 else 'are'} supported, "
        f"against {found.of_thesis} as they stand."
    )


def beside(result: StudyResult) -> Table | None:
    """Return the claims that some column decides, column by column."""
    rows: list[tuple[Cell, ...]] = []
    groups: set[int] = set()
    open_ones: list[str] = []
    for sample in (samples.OUT_OF_SAMPLE, samples.IN_SAMPLE):
        part = _by_claim(result, sample)
        shown = [one for one in part if any(r["verdict"] in _DECIDED for r in one)]
        open_ones += [f"{one[0]['claim']}" for one in part if one not in shown]
        if shown:
            groups.add(len(rows))
            rows.append(heading_row(words.label(sample), 1 + len(_COLUMNS)))
            rows += [_row(result, one) for one in shown]
    if not rows:
        return None
    rest = (
        f" Inconclusive in every column: {', '.join(dict.fromkeys(open_ones))}."
        if open_ones
        else ""
    )
    return Table(
        id="claims-beside",
        caption="The same claims of the thesis, of firms that it did not choose, and "
        "turned round.",
        columns=(
            Column(label="Claim", align="left", wide=True),
            *[
                Column(label=heading, align="left", wide=True)
                for _, heading in _COLUMNS
            ],
        ),
        rows=tuple(rows),
        groups=frozenset(groups),
        note="Same tests and samples; q and selection-adjusted intervals"
        f"{_levels(result)} within each column, over what could be measured there. "
        "Placebo: the firms named in the cell. Anti-thesis: the portfolio gives way to "
        "the one with ends and middle swapped; two layers on both sides change places "
        "(the thesis's own estimate with the other sign, and no new evidence); one "
        "layer gives way to the other side. A dash: no counterpart; "
        f"tables/claims_beside has the reason.{rest}",
    )


def _levels(result: StudyResult) -> str:
    """Return the coverage of the intervals, from and to where columns differ."""
    known = result.beside.table["level"].dropna()
    if known.empty:
        return ""
    ends = dict.fromkeys(numbers.level(one) for one in (known.min(), known.max()))
    return f" ({' to '.join(ends)})"


def _by_claim(result: StudyResult, sample: str) -> list[list[Row]]:
    """Return the rows of each claim with an estimate here and in another column."""
    table = result.beside.table
    known: dict[str, list[Row]] = {}
    for row in tables.records(table[table["sample"] == sample]):
        known.setdefault(str(row["claim"]), []).append(row)
    return [
        rows
        for rows in known.values()
        if math.isfinite(rows[0]["p"])
        and any(math.isfinite(row["p"]) for row in rows[1:])
    ]


def _row(result: StudyResult, rows: list[Row]) -> tuple[Cell, ...]:
    own = rows[0]
    by_column = {row["against"]: row for row in rows}
    return (
        plain(str(own["says"]), sub=str(own["claim"])),
        *[_cell(result, by_column[name]) for name, _ in _COLUMNS],
    )


def _cell(result: StudyResult, row: Row) -> Cell:
    """Return the estimate with its interval, the verdict below it."""
    if not math.isfinite(row["p"]):
        return plain(numbers.MISSING, "muted")
    show = numbers.unit_format(row["unit"])
    between = numbers.interval(row["low"], row["high"], show)
    asked = f"; {row['asked_of']}" if row["asked_of"] else ""
    return Cell(
        text=f"{show(row['estimate'])} ({between})",
        tone=_DECIDED.get(row["verdict"], ""),
        sub=words.stamped(str(row["verdict"]), result) + asked,
    )
