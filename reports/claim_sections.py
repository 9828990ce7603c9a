"""The report on the claims: what was found, and what hindsight may have helped."""

from __future__ import annotations

from engine.study_result import StudyResult
from reports import (
    beside_tables,
    claim_tables,
    claim_words,
    event_figures,
    forecast_tables,
    hindsight_tables,
    kill_tables,
    null_tables,
    words,
)
from reports.document import (
    Block,
    Bullets,
    Heading,
    Section,
    Text,
)
from reports.section_parts import figure, section


def claims(result: StudyResult) -> Section:
    """Return the claims: what is decided, what was found, and their score."""
    spec = event_figures.claims(result)
    chart = None
    if spec is not None:
        between = claim_tables.interval_words(result)
        chart = figure(
            result,
            "claims-chart",
            spec,
            f"Claims with a measured effect: estimate and {between}, by unit. The gold "
            "tick is the smallest effect that matters.",
            "Dot chart of each claim's estimate with its interval.",
        )
    scores: list[Block | None] = []
    if not result.simulated and result.claims.scores:
        scores = [
            Heading(text="Thesis score"),
            Bullets(
                items=tuple(
                    words.score_sentence(result, one) for one in result.claims.scores
                )
            ),
        ]
    tested, left = claim_tables.claims(result), claim_tables.untestable(result)
    stops = kill_tables.kill(result)
    stated = forecast_tables.stated(result)
    told = claim_words.decided(result)
    said: list[Block | None] = []
    if told:
        said = [Heading(text="What the evidence decides"), Bullets(items=told)]
    held, beside = beside_tables.sentences(result), beside_tables.beside(result)
    others: list[Block | None] = []
    if held:
        others = [Heading(text="On other firms, and turned round"), Text(text=held)]
    against = null_tables.tested_against(result)
    blocks = [*said, chart, tested, against, *others, beside, left, stated, stops]
    blocks += scores
    return section("claims", "Claims", blocks)


def hindsight(result: StudyResult) -> Section:
    """Return what was known before and after the thesis was declared."""
    return section(
        "hindsight",
        "Hindsight",
        [hindsight_tables.hindsight(result), hindsight_tables.stated_apart(result)],
    )
