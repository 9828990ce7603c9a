"""The report on the events: what the layers did, and what each path did."""

from __future__ import annotations

from engine.study_result import StudyResult
from reports import (
    around_figures,
    around_tables,
    event_evidence,
    event_figures,
    event_maps,
    event_story,
    event_tables,
    numbers,
    readouts,
    sensitivity_tables,
)
from reports.document import (
    Block,
    Figure,
    Heading,
    Section,
    Text,
)
from reports.section_parts import figure, section


def events(result: StudyResult) -> Section:
    """Return what the layers did about the events, with the tests beside each other."""
    event = event_figures.headline_event(result)
    blocks: list[Block | None] = []
    if event is not None:
        title = result.thesis.event(event).title
        told = event_story.story(result, event)
        blocks += [
            Heading(text=title),
            Text(text=told) if told else None,
            _forest(result, event, title),
            _heat_map(result, event, title),
            _paths(result, event, title),
            event_evidence.recovery(result, event),
            event_tables.one_event(result, event),
            event_evidence.tests(result, event),
            sensitivity_tables.sensitivity(result, event),
            event_evidence.crowding(result, event),
            event_tables.event_assets(result, event),
            Heading(text="Every event"),
            _all_events(result),
            event_tables.all_events(result),
            event_evidence.pooled(result),
        ]
    blocks.append(event_tables.left_out(result))
    return section("events", "Events", blocks)


def _forest(result: StudyResult, event: str, title: str) -> Figure:
    return figure(
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
    return figure(
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
    return figure(
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
    return figure(
        result,
        "all-events",
        event_figures.all_events(result, window),
        f"Every event, sessions {numbers.window(window)}: cumulative abnormal return "
        "by layer with its 95% interval.",
        "Small forest plots, one per event, of abnormal returns by layer.",
    )


def around(result: StudyResult) -> Section:
    """Return what every path did about the events."""
    event = event_figures.headline_event(result)
    shown = event if event in result.around else next(iter(result.around), None)
    if shown is None:
        return section("around", "Around the event", [])
    title = result.thesis.event(shown).title
    chart = figure(
        result,
        "around-chart",
        around_figures.around(result, shown),
        f"{title}: growth of 100 from 20 home sessions before to 120 after, net of "
        f"costs, day zero dashed. {around_tables.fan_words(result, shown)}",
        f"Line chart of every path's growth around {title}.",
        readouts.around(result, shown),
    )
    return section(
        "around",
        "Around the events",
        [chart, around_tables.around(result, shown), around_tables.around_all(result)],
    )
