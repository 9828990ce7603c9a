"""The report's sections in order, from a study; made once for both renderers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from engine.evidence.caveats_portfolio import portfolio_caveats
from engine.evidence.caveats_prices import stale_caveats
from engine.study_result import StudyResult
from reports import (
    claim_sections,
    event_sections,
    figures,
    finding_tables,
    paths,
    portfolio_sections,
    readouts,
    record_tables,
    samples,
    stress_sections,
    why,
    words,
)
from reports.clean import cleaned
from reports.document import (
    Block,
    Bullets,
    Document,
    Figure,
    Section,
    Text,
)
from reports.headline import tiles
from reports.section_parts import figure, section

KICKER = "Thesis assay for the investment committee"


def document(
    result: StudyResult,
    provenance: Mapping[str, str],
    sections: Sequence[Section] | None = None,
) -> Document:
    """Return the whole report as values; `sections` are its own, if made before."""
    if sections is None:
        sections = list(sections_of(result, provenance))
    run = provenance.get("run", "")
    frame: Document = cleaned(_frame(result, run))
    return replace(frame, sections=tuple(sections))


def sections_of(
    result: StudyResult, provenance: Mapping[str, str]
) -> Iterator[Section]:
    """Yield the sections in their order, each as soon as it is made."""
    made = (
        _verdict,
        portfolio_sections.performance,
        portfolio_sections.holdings,
        why.section_of,
        portfolio_sections.attribution,
        event_sections.events,
        event_sections.around,
        claim_sections.claims,
        claim_sections.hindsight,
        stress_sections.stress,
        portfolio_sections.costs,
        _data,
        lambda result: _provenance(result, provenance),
    )
    for make in made:
        one = make(result)
        if one.blocks:
            yield cleaned(one)


def _frame(result: StudyResult, run: str) -> Document:
    """Return the report without its sections."""
    return Document(
        title=result.thesis.about.title,
        kicker=KICKER,
        subtitle=(words.period(result), words.sample_line(result)),
        footer=f"{f'Run {run}' if run else f'Thesis {result.thesis.about.id}'} · "
        f"{words.in_sample_short(result)}",
        date=result.thesis.about.end,
        stamp=words.stamp(result),
        stamp_text=words.STAMP_TEXT if result.simulated else "",
        sections=(),
    )


def _verdict(result: StudyResult) -> Section:
    statement = result.thesis.about.statement
    meaning = words.in_sample_meaning(result)
    decided = " ".join(portfolio_caveats(result.decisions))
    unscored = words.unscored_sentence(result)
    blocks: list[Block | None] = [
        tiles(result),
        Text(text=words.verdict(result), role="lead"),
        Text(text=f"The thesis says: {statement}") if statement else None,
        Text(text=words.performance_sentence(result)),
        Text(text=decided) if decided else None,
        Text(text=unscored) if unscored else None,
        *(Text(text=one) for one in stale_caveats(result.backtest, result.market)),
        _growth(result),
        Text(text=meaning, role="note") if meaning else None,
    ]
    return section("verdict", "Verdict", blocks)


def _growth(result: StudyResult) -> Figure:
    benchmarks = samples.benchmarks(result)
    compared = paths.compared(result)
    beside = f" against {words.label(compared)}" if compared else ""
    marked = bool(result.thesis.events)
    return figure(
        result,
        "growth",
        figures.growth(result),
        "Growth of 100 (log scale) net of costs, and drawdown of the barbell (area)"
        f"{beside}{_in_sample(result)}."
        + (" Numbered lines: the events, as listed below." if marked else ""),
        "Line chart of growth over time: the barbell against "
        f"{''.join(f'{name}, ' for name in benchmarks)}equal weight, inverse "
        "volatility, each leg alone, the anti-thesis and other readings; below it the "
        "drawdown.",
        readouts.growth(result),
    )


def _in_sample(result: StudyResult) -> str:
    return ", all of it in-sample" if samples.all_in_sample(result) else ""


def _data(result: StudyResult) -> Section:
    caveats = words.caveats_left(result)
    blocks: list[Block | None] = [
        Bullets(items=caveats) if caveats else None,
        finding_tables.findings(result),
        record_tables.coverage(result),
    ]
    return section("data", "Data coverage and caveats", blocks)


def _provenance(result: StudyResult, provenance: Mapping[str, str]) -> Section:
    blocks: list[Block | None] = [
        record_tables.provenance(result, provenance),
        record_tables.settings(result),
    ]
    return section("provenance", "Provenance", blocks)
