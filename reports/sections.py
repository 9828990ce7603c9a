"""The report's sections in order, from a study; made once for both renderers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.study import StudyResult
from reports import (
    around_tables,
    attribution_figures,
    attribution_tables,
    claim_tables,
    claim_words,
    event_evidence,
    event_figures,
    event_maps,
    event_tables,
    figures,
    finding_tables,
    forecast_tables,
    hindsight_tables,
    kill_tables,
    numbers,
    paths,
    performance_tables,
    readouts,
    record_tables,
    regression_tables,
    samples,
    words,
)
from reports.clean import cleaned
from reports.document import (
    Block,
    Bullets,
    Document,
    Figure,
    Heading,
    Readout,
    Section,
    Text,
)
from reports.headline import tiles
from reports.vega import Spec, finished

KICKER = "Thesis assay for the investment committee"


def document(result: StudyResult, provenance: Mapping[str, str]) -> Document:
    """Return the whole report as values."""
    sections = [
        _verdict(result),
        _performance(result),
        _holdings(result),
        _attribution(result),
        _events(result),
        _around(result),
        _claims(result),
        _hindsight(result),
        _costs(result),
        _data(result),
        _provenance(result, provenance),
    ]
    run = provenance.get("run", "")
    report = Document(
        title=result.thesis.about.title,
        kicker=KICKER,
        subtitle=(words.period(result), words.sample_line(result)),
        footer=f"{f'Run {run}' if run else f'Thesis {result.thesis.about.id}'} · "
        f"{words.in_sample_short(result)}",
        date=result.thesis.about.end,
        stamp=words.stamp(result),
        stamp_text=words.STAMP_TEXT if result.simulated else "",
        sections=tuple(section for section in sections if section.blocks),
    )
    whole: Document = cleaned(report)
    return whole


def _section(identifier: str, title: str, blocks: Sequence[Block | None]) -> Section:
    kept = tuple(block for block in blocks if block is not None)
    return Section(id=identifier, title=title, blocks=kept)


def _figure(
    result: StudyResult,
    identifier: str,
    spec: Spec,
    caption: str,
    description: str,
    readout: Readout | None = None,
) -> Figure:
    return Figure(
        id=identifier,
        caption=caption,
        description=description,
        spec=finished(spec, stamp=words.stamp(result)),
        readout=readout,
    )


def _verdict(result: StudyResult) -> Section:
    statement = result.thesis.about.statement
    meaning = words.in_sample_meaning(result)
    unscored = words.unscored_sentence(result)
    blocks: list[Block | None] = [
        tiles(result),
        Text(text=words.verdict(result), role="lead"),
        Text(text=f"The thesis says: {statement}") if statement else None,
        Text(text=words.performance_sentence(result)),
        Text(text=unscored) if unscored else None,
        _growth(result),
        Text(text=meaning, role="note") if meaning else None,
    ]
    return _section("verdict", "Verdict", blocks)


def _growth(result: StudyResult) -> Figure:
    benchmarks = samples.benchmarks(result)
    compared = paths.compared(result)
    beside = f" against {words.label(compared)}" if compared else ""
    marked = bool(result.thesis.events)
    return _figure(
        result,
        "growth",
        figures.growth(result),
        "Growth of 100 (log scale) net of costs, and drawdown of the barbell (area)"
        f"{beside}{_in_sample(result)}."
        + (" Numbered lines: the events, as listed below." if marked else ""),
        "Line chart of growth over time: the barbell against "
        f"{''.join(f'{name}, ' for name in benchmarks)}equal weight, inverse "
        "volatility, each leg alone and the anti-thesis; below it the drawdown.",
        readouts.growth(result),
    )


def _in_sample(result: StudyResult) -> str:
    return ", all of it in-sample" if samples.all_in_sample(result) else ""


def _performance(result: StudyResult) -> Section:
    return _section(
        "performance", "Performance", [performance_tables.performance(result)]
    )


def _holdings(result: StudyResult) -> Section:
    blocks: list[Block | None] = [
        _figure(
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
            _figure(
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
    return _section("holdings", "What it holds", blocks)


def _attribution(result: StudyResult) -> Section:
    spec = attribution_figures.attribution(result)
    chart = None
    if spec is not None:
        chart = _figure(
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
    return _section("attribution", "Where the return came from", blocks)


def _events(result: StudyResult) -> Section:
    event = event_figures.headline_event(result)
    blocks: list[Block | None] = []
    if event is not None:
        title = result.thesis.event(event).title
        told = event_evidence.story(result, event)
        blocks += [
            Heading(text=title),
            Text(text=told) if told else None,
            _forest(result, event, title),
            _heat_map(result, event, title),
            _paths(result, event, title),
            event_evidence.recovery(result, event),
            event_tables.one_event(result, event),
            event_evidence.tests(result, event),
            event_evidence.crowding(result, event),
            event_tables.event_assets(result, event),
            Heading(text="Every event"),
            _all_events(result),
            event_tables.all_events(result),
            event_evidence.pooled(result),
        ]
    blocks.append(event_tables.left_out(result))
    return _section("events", "Events", blocks)


def _forest(result: StudyResult, event: str, title: str) -> Figure:
    return _figure(
        result,
        "forest",
        event_figures.forest(result, event),
        f"{title}: cumulative abnormal return of layers and contrasts with its 95% "
        "interval, by window of sessions from day zero. Gold ticks: the smallest "
        "effect found with power 0.8. The scales differ.",
        f"Forest plot of abnormal returns by layer around {title}.",
    )


def _heat_map(result: StudyResult, event: str, title: str) -> Figure | None:
    spec = event_maps.heat_map(result, event)
    if spec is None:
        return None
    return _figure(
        result,
        "heat-map",
        spec,
        f"{title}: cumulative abnormal return (and t) by layer and window. The "
        "stronger the colour, the farther t is from zero, in steps at 1, 2 and 3; "
        "bold: p < 0.05.",
        f"Map of abnormal returns by layer and window around {title}.",
    )


def _paths(result: StudyResult, event: str, title: str) -> Figure | None:
    if event not in result.events.paths:
        return None
    return _figure(
        result,
        "paths",
        event_figures.paths(result, event),
        f"{title}: cumulative abnormal return by layer with a 95% band, alpha zero, in "
        "sessions from day zero.",
        f"Line chart of cumulative abnormal returns by layer around {title}.",
        readouts.paths(result, event),
    )


def _all_events(result: StudyResult) -> Figure | None:
    table = result.events.table
    layers = table[table["kind"] == "layer"]
    if layers["event"].nunique() < 2:
        return None
    counts = layers.groupby("window")["event"].nunique()
    # the window most events share; of those, the second shortest reads best
    shared = sorted(counts[counts == counts.max()].index, key=lambda one: one[1])
    window = shared[min(1, len(shared) - 1)]
    return _figure(
        result,
        "all-events",
        event_figures.all_events(result, window),
        f"Every event, sessions {numbers.window(window)}: cumulative abnormal return "
        "by layer with its 95% interval.",
        "Small forest plots, one per event, of abnormal returns by layer.",
    )


def _around(result: StudyResult) -> Section:
    event = event_figures.headline_event(result)
    shown = event if event in result.around else next(iter(result.around), None)
    if shown is None:
        return _section("around", "Around the event", [])
    title = result.thesis.event(shown).title
    figure = _figure(
        result,
        "around-chart",
        event_figures.around(result, shown),
        f"{title}: growth of 100 from 20 home sessions before to 120 after, net of "
        "costs, day zero dashed.",
        f"Line chart of every path's growth around {title}.",
        readouts.around(result, shown),
    )
    return _section(
        "around",
        "Around the events",
        [figure, around_tables.around(result, shown), around_tables.around_all(result)],
    )


def _claims(result: StudyResult) -> Section:
    spec = event_figures.claims(result)
    chart = None
    if spec is not None:
        chart = _figure(
            result,
            "claims-chart",
            spec,
            "Claims with a measured effect: estimate and selection-adjusted 90% "
            "interval, by unit. The gold tick is the smallest effect that matters.",
            "Dot chart of each claim's estimate with its interval.",
        )
    scores: list[Block | None] = []
    if not result.simulated and result.claims.scores:
        scores = [
            Heading(text="Thesis score"),
            Bullets(
                items=tuple(words.score_sentence(one) for one in result.claims.scores)
            ),
        ]
    tested, left = claim_tables.claims(result), claim_tables.untestable(result)
    stops = kill_tables.kill(result)
    stated = forecast_tables.stated(result)
    told = claim_words.decided(result)
    said: list[Block | None] = []
    if told:
        said = [Heading(text="What the evidence decides"), Bullets(items=told)]
    blocks = [*said, chart, tested, left, stated, stops, *scores]
    return _section("claims", "Claims", blocks)


def _hindsight(result: StudyResult) -> Section:
    return _section(
        "hindsight",
        "Hindsight",
        [hindsight_tables.hindsight(result), hindsight_tables.stated_apart(result)],
    )


def _costs(result: StudyResult) -> Section:
    paid = float(result.backtest.costs.abs().to_numpy().sum())
    chart = None
    if paid > 0.0:
        chart = _figure(
            result,
            "costs-chart",
            figures.costs(result),
            "What each kind of cost took per year, in basis points of the year's mean "
            "NAV.",
            "Bar chart of costs by year and kind.",
        )
    notes = result.backtest.notes
    return _section(
        "costs",
        "Costs",
        [
            chart,
            record_tables.costs(result),
            Bullets(items=notes) if notes else None,
            record_tables.fees(result),
        ],
    )


def _data(result: StudyResult) -> Section:
    caveats = words.caveats_left(result)
    blocks: list[Block | None] = [
        Bullets(items=caveats) if caveats else None,
        finding_tables.findings(result),
        record_tables.coverage(result),
    ]
    return _section("data", "Data coverage and caveats", blocks)


def _provenance(result: StudyResult, provenance: Mapping[str, str]) -> Section:
    blocks: list[Block | None] = [
        record_tables.provenance(result, provenance),
        record_tables.settings(result),
    ]
    return _section("provenance", "Provenance", blocks)
