"""The report on the portfolio: return, holdings, where it came from, costs."""

from __future__ import annotations

from engine.study_result import StudyResult
from reports import (
    attribution_figures,
    attribution_tables,
    figures,
    luck,
    performance_tables,
    readings,
    readouts,
    record_tables,
    regression_tables,
    rule_tables,
)
from reports.document import (
    Block,
    Bullets,
    Heading,
    Section,
    Text,
)
from reports.section_parts import figure, section


def performance(result: StudyResult) -> Section:
    """Return how every path did, with intervals."""
    return section(
        "performance",
        "Performance",
        [
            performance_tables.performance(result),
            *readings.blocks(result),
            *luck.blocks(result),
        ],
    )


def holdings(result: StudyResult) -> Section:
    """Return what the portfolio holds, and the scores that it follows."""
    blocks: list[Block | None] = [
        figure(
            result,
            "weights",
            figures.weights(result),
            "Weight by layer each week, cash on top (an overdraft counts as 0).",
            "Stacked area chart of the barbell's weight by layer over time.",
            readouts.weights(result),
        ),
        performance_tables.layers(result),
    ]
    if result.decisions:
        blocks += [
            figure(
                result,
                "scores-chart",
                figures.scores(result),
                "Score by asset at the last decision, −1 to 1, grouped by layer.",
                "Dot chart of each asset's score at the last decision.",
            ),
            performance_tables.scores(result),
            performance_tables.score_coverage(result),
            performance_tables.factors(result),
        ]
        notes = result.decisions[-1].notes
        blocks.append(Bullets(items=notes) if notes else None)
    return section("holdings", "What it holds", blocks)


def attribution(result: StudyResult) -> Section:
    """Return where the return came from, and what moves it."""
    spec = attribution_figures.attribution(result)
    chart = None
    if spec is not None:
        chart = figure(
            result,
            "attribution-chart",
            spec,
            "From equal weight of the same assets to the barbell, whole period, net of "
            "costs: the effects one after another, and below them layer by layer. The "
            "diamond is a layer's sum.",
            "Waterfall of the effects that make the return over equal weight, and "
            "stacked bars of the same effects by layer.",
        )
    said = attribution_tables.attribution_sentence(result)
    moved = regression_tables.regression_sentence(result)
    loadings = regression_tables.regression(result)
    blocks: list[Block | None] = [
        Text(text=said) if said else None,
        chart,
        attribution_tables.layers(result),
        attribution_tables.periods(result),
        attribution_tables.benchmarks(result),
        Heading(text="What moves it") if loadings else None,
        Text(text=moved) if moved else None,
        loadings,
    ]
    return section("attribution", "Where the return came from", blocks)


def costs(result: StudyResult) -> Section:
    """Return what trading cost, and the fees that were charged."""
    paid = float(result.backtest.costs.abs().to_numpy().sum())
    chart = None
    if paid > 0.0:
        chart = figure(
            result,
            "costs-chart",
            figures.costs(result),
            "What each kind of cost took per year, in basis points of the year's mean "
            "NAV.",
            "Bar chart of costs by year and kind.",
        )
    notes = result.backtest.notes
    return section(
        "costs",
        "Costs",
        [
            chart,
            record_tables.costs(result),
            Bullets(items=notes) if notes else None,
            record_tables.fees(result),
            rule_tables.rules(result),
        ],
    )
