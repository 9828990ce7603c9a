"""The report on what the thesis assumes: mechanisms that fail, scenarios."""

from __future__ import annotations

from engine.study_result import StudyResult
from reports import stress_figures, stress_tables
from reports.document import Block, Bullets, Heading, Section, Text
from reports.section_parts import figure, section

_LEAD = (
    "Assumptions, not findings: what the layers would score if a mechanism that the "
    "thesis rests on failed, from the documents' own numbers where they give any. No "
    "verdict and no weight of the portfolio depends on this section."
)


def stress(result: StudyResult) -> Section:
    """Return the stress of each mechanism, and the scenarios with what is seen."""
    blocks: list[Block | None] = []
    if result.thesis.mechanisms or result.thesis.scenarios:
        blocks.append(Text(text=_LEAD))
    moves = stress_figures.stress(result)
    if moves is not None:
        blocks.append(
            figure(
                result,
                "stress-chart",
                moves,
                "Layer scores before (tick) and after (dot) each stress; the band is "
                "what the ranges of the inputs allow. Assumptions.",
                "Dot chart of each layer's score before and after each stress.",
            )
        )
    limits = stress_tables.limits(result)
    blocks += [
        stress_tables.mechanisms(result),
        stress_tables.inputs(result),
        Bullets(items=limits) if limits else None,
    ]
    strip = stress_figures.seen(result)
    if strip is not None:
        missing = stress_tables.unseen(result)
        blocks += [
            Heading(text="Scenarios"),
            figure(
                result,
                "scenarios-chart",
                strip,
                "What would be seen if a scenario were the world, by what was known at "
                "each month's end. Letters: the scenarios of the table.",
                "Strips of each state of each scenario: met, not met, not observable.",
            ),
            Text(text=missing, role="note") if missing else None,
            stress_tables.scenarios(result),
            stress_tables.effects(result),
        ]
    return section("stress", "If the mechanism fails", blocks)
