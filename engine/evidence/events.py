"""Every event of a thesis: its assets, its layers, and one layer against another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from engine.evidence.claims.context import members as members_of
from engine.evidence.event_beside import Models, beside, tests_beside
from engine.evidence.event_crowding import (
    CROWDING_COLUMNS,
    Crowd,
    crowd_note,
    crowding,
)
from engine.evidence.event_models import Modelling
from engine.evidence.event_panel import (
    EventPanel,
    Window,
    WindowStudy,
    reasons,
    study_window,
)
from engine.evidence.event_pool import (
    POOL_COLUMNS,
    Member,
    expected_sign,
    member,
    pooled,
)
from engine.evidence.event_portfolio import portfolio_cumulative, portfolio_of
from engine.evidence.event_recovery import HORIZONS, RECOVERY_COLUMNS, recovery
from engine.evidence.event_sensitivity import SENSITIVITY_COLUMNS, sensitivity
from engine.evidence.event_subjects import (
    LeftOut,
    Subject,
    SubjectStudy,
    model_histories,
    panel_of,
    study_subject,
    subject_study,
)
from engine.evidence.results import EVENT_COLUMNS, EventStudy
from engine.evidence.windows import History, day_zero, event_moment
from engine.market.listing import NO_LAYER, Line, Universe
from engine.market.market import Market
from engine.thesis.model import Event, Thesis

__all__ = [
    "EventPanel",
    "LeftOut",
    "Subject",
    "SubjectStudy",
    "WindowStudy",
    "contrast",
    "day_zero",
    "event_moment",
    "members",
    "panel_of",
    "study_events",
    "study_sensitivity",
    "study_subject",
    "study_window",
    "subject_study",
]

#: First relative session of the figure's paths.
PATH_START = -5
LEFT_OUT_COLUMNS = ("event", "kind", "subject", "window", "reason")


def study_events(
    market: Market,
    thesis: Thesis,
    universe: Universe,
    assets: Sequence[Line],
    *,
    only: str | None = None,
) -> EventStudy:
    """Return one row per event, subject and window.

    Subjects are each asset, each layer (an equal-weight portfolio of its assets in
    event time) and the contrasts of layers or legs that the event names or that a claim
    with test ``event_contrast`` on this event names. Every asset stands on its own
    sessions, in its own currency, beside the benchmark over the same spans of time.
    What cannot be studied is listed with its reason, never cut short.

    `only` studies one event, by its id, in the presence of the others.
    """
    lines = _one_per_entity(assets)
    symbols = [line.symbol for line in lines]
    layers = {
        layer: tuple(s for s in symbols if universe.layer_of(s) == layer)
        for layer in universe.layers
        if layer != NO_LAYER
    }
    subjects = [
        Subject(kind="asset", name=s, long=(s,), layer=universe.layer_of(s))
        for s in symbols
    ] + [
        Subject(kind="layer", name=layer, long=held, layer=layer)
        for layer, held in layers.items()
        if held
    ]
    chosen = [one for one in thesis.events if only in (None, one.id)]
    left_out = [
        _left_out(event, "asset", line.symbol, None, why)
        for event in chosen
        for line, why in _other_lines(assets, lines)
    ]
    scene = _Scene(market=market, thesis=thesis, symbols=symbols, layers=layers)
    crowds = crowding(chosen, scene.zeros)
    rows: list[dict[str, object]] = []
    recoveries: list[dict[str, object]] = []
    pools: dict[tuple[str, Window], list[Member]] = {}
    paths = {}
    for event in chosen:
        panel = _panel(scene, event)
        contrasts = [
            contrast(long, short, thesis, universe, lines)
            for long, short in _pairs(thesis, event)
        ]
        studied = {w: study_window(panel, w) for w in dict.fromkeys(event.windows)}
        found: list[SubjectStudy] = []
        for subject in [*subjects, *contrasts]:
            for one in _studies(panel, studied, event, subject):
                if isinstance(one, SubjectStudy):
                    found.append(one)
                else:
                    left_out.append(one)
        rows += _rows(scene, panel, studied, event, found, crowds)
        recoveries += recovery(panel, event.id, layers)
        for key, one_of_pool in _members_of_pools(scene, panel, event, found):
            pools.setdefault(key, []).append(one_of_pool)
        path = _paths(panel, studied, layers)
        if not path.empty:
            paths[event.id] = path
    return EventStudy(
        table=pd.DataFrame(rows, columns=list(EVENT_COLUMNS)),
        paths=paths,
        left_out=pd.DataFrame(left_out, columns=list(LEFT_OUT_COLUMNS)),
        recovery=pd.DataFrame(recoveries, columns=list(RECOVERY_COLUMNS)),
        pooled=pd.DataFrame(
            [pooled(*key, held) for key, held in pools.items() if len(held) > 1],
            columns=list(POOL_COLUMNS),
        ),
        crowding=pd.DataFrame(crowds, columns=list(CROWDING_COLUMNS)),
    )


@dataclass(frozen=True, kw_only=True, eq=False)  # no slots: derived values are cached
class _Scene:
    """What the events of a study share.

    known : histories by model, models : rolling models, both kept for the next event.
    """

    market: Market
    thesis: Thesis
    symbols: Sequence[str]
    layers: Mapping[str, tuple[str, ...]]
    known: dict[Modelling, dict[str, History] | None] = field(default_factory=dict)
    models: Models = field(default_factory=Models)

    @cached_property
    def moments(self) -> dict[str, np.datetime64]:
        """When each event was known."""
        exchanges = [bars.sessions for bars in self.market.bars.values()]
        return {one.id: event_moment(one.at, exchanges) for one in self.thesis.events}

    @cached_property
    def zeros(self) -> dict[str, int]:
        """Day zero of each event that has one, on the home calendar."""
        home = self.market.home.sessions
        found = {name: day_zero(home, moment) for name, moment in self.moments.items()}
        return {name: at for name, at in found.items() if at is not None}


def _members_of_pools(
    scene: _Scene, panel: EventPanel, event: Event, found: Sequence[SubjectStudy]
) -> Iterator[tuple[tuple[str, Window], Member]]:
    """Yield the layers and windows of an event for which the thesis expects a sign."""
    expected = event.expected
    for one in found:
        layer = one.subject.layer
        if one.subject.kind != "layer":
            continue
        sign = expected_sign(
            one.window, expected.reaction.get(layer), expected.drift.get(layer)
        )
        if sign is not None:
            sessions = len(scene.market.home.sessions)
            yield (layer, one.window), member(panel, event.id, sign, one, sessions)


def study_sensitivity(
    market: Market, thesis: Thesis, universe: Universe, assets: Sequence[Line]
) -> pd.DataFrame:
    """Return what the layers and contrasts of every event owe to its choices.

    See `engine.evidence.event_sensitivity.sensitivity`.
    """
    lines = _one_per_entity(assets)
    layers = [
        Subject(kind="layer", name=layer, long=held, layer=layer)
        for layer in universe.layers
        if layer != NO_LAYER and (held := members(layer, thesis, universe, lines))
    ]
    tables = []
    for event in thesis.events:
        contrasts = [
            contrast(long, short, thesis, universe, lines)
            for long, short in _pairs(thesis, event)
        ]
        able = [one for one in contrasts if one.long and one.short]
        tables.append(
            sensitivity(market, event, [*layers, *able], thesis.about.benchmarks)
        )
    if not tables:
        return pd.DataFrame(columns=list(SENSITIVITY_COLUMNS))
    return pd.concat(tables, ignore_index=True)


def members(
    name: str, thesis: Thesis, universe: Universe, assets: Sequence[Line]
) -> tuple[str, ...]:
    """Return the assets of a layer, leg or basket, or the asset of that name."""
    held = members_of(name, thesis, universe, tuple(assets))
    return held or tuple(line.symbol for line in assets if line.symbol == name)


def contrast(
    long: str, short: str, thesis: Thesis, universe: Universe, assets: Sequence[Line]
) -> Subject:
    """Return the subject "`long` minus `short`", of layers, legs, baskets or assets."""
    return Subject(
        kind="contrast",
        name=f"{long} minus {short}",
        long=members(long, thesis, universe, assets),
        short=members(short, thesis, universe, assets),
    )


def _panel(scene: _Scene, event: Event) -> EventPanel:
    """Return the panel of an event; histories are read once per model."""
    benchmark = scene.thesis.about.benchmarks[0]
    modelling = Modelling.of(event, benchmark)
    if modelling not in scene.known:
        scene.known[modelling] = model_histories(scene.market, scene.symbols, modelling)
    reach = (
        min(PATH_START, *(window[0] for window in event.windows)),
        max(*HORIZONS, *(window[1] for window in event.windows)),
    )
    return panel_of(
        scene.market,
        event,
        scene.symbols,
        [reach],
        benchmark,
        known=scene.known[modelling],
    )


def _studies(
    panel: EventPanel,
    studied: Mapping[Window, WindowStudy],
    event: Event,
    subject: Subject,
) -> list[SubjectStudy | dict[str, object]]:
    """Return a subject over each window; a row with its reason where it was left out.

    A subject without any member that could be studied has one such row for all windows.
    """
    for side in (subject.long, subject.short)[: 1 + (subject.kind == "contrast")]:
        if all(symbol in panel.excluded for symbol in side):
            why = "; ".join(dict.fromkeys(panel.excluded[symbol] for symbol in side))
            why = why or "no asset of that layer or leg"
            return [_left_out(event, subject.kind, subject.name, None, why)]
    return [
        _left_out(event, subject.kind, subject.name, window, one.reason)
        if isinstance(one, LeftOut)
        else one
        for window, one in zip(
            studied, study_subject(panel, list(studied.values()), subject), strict=True
        )
    ]


def _rows(
    scene: _Scene,
    panel: EventPanel,
    studied: Mapping[Window, WindowStudy],
    event: Event,
    found: Sequence[SubjectStudy],
    crowds: Sequence[Crowd],
) -> list[dict[str, object]]:
    """Return the rows of an event: the primary test and what stands beside it."""
    others = [at for name, at in scene.zeros.items() if name != event.id]
    home, moment = scene.market.home.sessions, scene.moments[event.id]
    tests = beside(panel, moment, home, others, scene.models)
    rows = [_row(panel, event, one) for one in found]
    for window, at in studied.items():
        places = [place for place, one in enumerate(found) if one.window == window]
        crowded = crowd_note(crowds, event.id, window)
        for place, columns in zip(
            places, tests_beside(tests, at, [found[p] for p in places]), strict=True
        ):
            rows[place] |= columns
            notes = (str(rows[place]["note"]), crowded)
            rows[place]["note"] = "; ".join(note for note in notes if note)
    return rows


def _left_out(
    event: Event, kind: str, subject: str, window: Window | None, reason: str
) -> dict[str, object]:
    """Return a row of what could not be studied; no window means every window."""
    found = (event.id, kind, subject, window, reason)
    return dict(zip(LEFT_OUT_COLUMNS, found, strict=True))


def _row(panel: EventPanel, event: Event, found: SubjectStudy) -> dict[str, object]:
    return {
        "event": event.id,
        "kind": found.subject.kind,
        "subject": found.subject.name,
        "layer": found.subject.layer,
        "day_zero": found.day_zero,
        "window": found.window,
        "return": found.total,
        "car": found.car,
        "se": found.se,
        "t": found.t,
        "p": found.p,
        "df": found.df,
        "n": found.n,
        "alpha": found.alpha,
        "car_other": found.car_other,
        "detectable": found.detectable,
        "benchmark": panel.benchmark,
        "model": panel.modelling.kind,
        "note": "; ".join(found.notes),
    }


def _pairs(thesis: Thesis, event: Event) -> list[tuple[str, str]]:
    """Return the contrasts of an event: its own and those of claims about it."""
    pairs = list(event.contrasts)
    for claim in thesis.claims:
        asked = claim.params
        about = [asked.get("event"), *asked.get("events", ())]
        if claim.test == "event_contrast" and event.id in about:
            pairs.append((str(asked.get("long")), str(asked.get("short"))))
    return list(dict.fromkeys(pairs))


def _paths(
    panel: EventPanel,
    studied: Mapping[Window, WindowStudy],
    layers: Mapping[str, tuple[str, ...]],
) -> pd.DataFrame:
    """Return cumulative abnormal returns by relative session, alpha zero.

    Columns ``<layer>`` and ``<layer>.se``, rows from -5 to the end of the longest
    window. A layer's path has the members that have prices from there to the end of the
    longest window that any of them can be studied over, and ends there.
    """
    longest = max(last for _, last in studied)
    start = max(PATH_START, panel.estimation[1] + 1)
    rows = np.arange(min(start, 0), longest + 1)
    columns: dict[str, np.ndarray] = {}
    followed: dict[int, tuple[str, ...]] = {}
    for layer, held in layers.items():
        for last in sorted({window[1] for window in studied}, reverse=True):
            window = (int(rows[0]), last)
            if last not in followed:
                followed[last] = reasons(panel, window)
            able = [c for c in panel.columns(held) if not followed[last][c]]
            if able:
                one = portfolio_of(panel, able, [])
                found = portfolio_cumulative(panel, one, window, "zero")
                padding = np.full(longest - last, np.nan)
                columns[layer] = np.concatenate([found.car, padding])
                columns[f"{layer}.se"] = np.concatenate([found.se, padding])
                break
    return pd.DataFrame(columns, index=pd.Index(rows, name="session"))


def _one_per_entity(assets: Sequence[Line]) -> list[Line]:
    """Return the first line of each entity: cross-listed lines are one observation."""
    first: dict[str, Line] = {}
    for line in assets:
        first.setdefault(line.entity, line)
    return list(first.values())


def _other_lines(
    assets: Sequence[Line], kept: Sequence[Line]
) -> list[tuple[Line, str]]:
    chosen = {line.entity: line.symbol for line in kept}
    return [
        (
            line,
            f"another line of {line.entity}, which counts once as "
            f"{chosen[line.entity]}",
        )
        for line in assets
        if line.symbol != chosen[line.entity]
    ]
