"""What a reader must know before believing a number: sentences every report prints."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence

from engine.errors import at_most
from engine.evidence.caveats_portfolio import portfolio_caveats
from engine.evidence.caveats_prices import stale_caveats
from engine.evidence.caveats_register import register_caveats
from engine.ledger.backtest import Backtest
from engine.ledger.baselines import anti_legs
from engine.market.listing import Line, Universe
from engine.market.market import Market
from engine.portfolio.results import Decision
from engine.thesis.model import Leg, Thesis
from engine.thesis.registration import NEVER, Registration


def caveats(
    thesis: Thesis,
    universe: Universe,
    market: Market,
    assets: tuple[Line, ...],
    overrides: Mapping[str, str],
    *,
    decisions: Sequence[Decision] = (),
    account: Backtest | None = None,
    registration: Registration | None = None,
) -> tuple[str, ...]:
    """Return the sentences, the gravest first."""
    said = [
        _simulated(market),
        _sample(thesis, registration),
        _dates(thesis, universe, assets, registration),
        *portfolio_caveats(decisions),
        *register_caveats(thesis, registration),
        _overridden(overrides),
        *(stale_caveats(account, market) if account else ()),
        _proxy(thesis, universe, market, assets),
        _unpriced(thesis, universe, market),
        _benchmarks(thesis, universe, market),
        *_empty_legs(thesis, universe, assets),
        _unscored(thesis, decisions),
        *_free(thesis, assets),
        *_rates(thesis, market),
        _acts(thesis),
        _sentence(anti_legs(thesis.barbell).reason),
        _asynchronous(market, thesis.portfolio.overlap),
        "The universe is as its author drew it up, who may have known the outcome: a "
        "company that failed before then is not in it.",
    ]
    return tuple(sentence for sentence in said if sentence)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _simulated(market: Market) -> str:
    if not market.simulated:
        return ""
    parts = [
        name
        for name, origin in (
            ("prices", market.prices_origin),
            ("signals", market.signals_origin),
        )
        if origin.simulated
    ]
    return (
        f"SIMULATED: {' and '.join(parts)} are a simulation; they say nothing of the "
        "world."
    )


def _sample(thesis: Thesis, registration: Registration | None) -> str:
    declared = thesis.about.declared
    if declared == NEVER:
        return (
            "The thesis is not registered as it now stands: all of it is in-sample, "
            "and nothing here confirms it."
        )
    if declared is None:
        return (
            "The thesis has no declaration date: all of it is in-sample, and nothing "
            "here confirms it."
        )
    if declared > thesis.about.end:
        return (
            f"The thesis was {_stated(declared, registration)}, after the study ends: "
            "all of it is in-sample, written with the outcome in view, and confirms "
            "nothing."
        )
    if declared > thesis.about.start:
        return (
            f"Everything before {declared} is in-sample: the thesis was written with "
            "it in view. Only what came after can confirm it."
        )
    return ""


def _stated(day: dt.date, registration: Registration | None) -> str:
    if registration is not None and registration.basis == "registered":
        return f"registered, which counts from {day}"
    return f"declared on {day}"


def _dates(
    thesis: Thesis,
    universe: Universe,
    assets: tuple[Line, ...],
    registration: Registration | None,
) -> str:
    """Say so where the universe rests on documents younger than the thesis."""
    declared = thesis.about.declared
    if declared is None or declared > thesis.about.end:
        return ""
    younger = [
        line.symbol
        for line in assets
        if (known := universe.entities[line.entity].declared) and known > declared
    ]
    asserted = (
        f"The register has held the thesis since {registration.first[:10]}."
        if registration
        else "The declaration date is the author's word; nothing proves it."
    )
    if not younger:
        return asserted
    return (
        f"{asserted} The documents behind {len(younger)} of {len(assets)} assets "
        f"({at_most(younger)}) are younger than that date: a thesis of {declared} "
        "could not have rested on them."
    )


def _free(thesis: Thesis, assets: tuple[Line, ...]) -> Iterator[str]:
    """Say which costs and rates are set to nothing."""
    about, terms = thesis.about, thesis.execution
    foreign = any(line.currency != about.currency for line in assets)
    if foreign and terms.fx_spread_bps == 0.0:
        yield "Changing currencies costs nothing here (execution.fx_spread_bps = 0)."
    if about.risk_free == 0.0:
        yield "Sharpe ratios are over a risk-free rate of 0 (thesis.risk_free)."


def _overridden(overrides: Mapping[str, str]) -> str:
    if not overrides:
        return ""
    told = ", ".join(f"{name} = {value}" for name, value in overrides.items())
    return f"Settings of the thesis file were replaced for this run: {told}."


def _proxy(
    thesis: Thesis, universe: Universe, market: Market, assets: tuple[Line, ...]
) -> str:
    """Say so where a leg rests on companies that merely stand in for it."""
    for name, leg in thesis.barbell.items():
        members = _members(leg, universe, assets)
        late = [
            line for line in members if line.listed and line.listed > thesis.about.start
        ]
        early = [line for line in members if line not in late]
        unpriced = [
            entity
            for entity in universe.entities.values()
            if entity.layer in leg.layers and entity.kind == "private"
        ]
        pure = [line for line in early if _pure(leg, universe, line)]
        if early and not pure and (late or unpriced):
            since = min((line.listed for line in late if line.listed), default=None)
            until = f" before {since}" if isinstance(since, dt.date) else ""
            stand = "stand in as proxies" if len(early) > 1 else "stands in as a proxy"
            return (
                f"The {name} leg has no listed pure play{until}: "
                f"{at_most(line.symbol for line in early)} {stand}."
            )
    return ""


def _members(leg: Leg, universe: Universe, assets: tuple[Line, ...]) -> list[Line]:
    return [line for line in assets if universe.layer_of(line.symbol) in leg.layers]


def _pure(leg: Leg, universe: Universe, line: Line) -> bool:
    """Return whether all that a line is exposed to lies in the leg."""
    return set(universe.entities[line.entity].exposure()) <= set(leg.layers)


def _unpriced(thesis: Thesis, universe: Universe, market: Market) -> str:
    table = market.coverage
    missing = table.loc[table["bars"] == 0, "symbol"]
    lines = [one for one in missing if one not in _compared(thesis, universe)]
    if not lines:
        return ""
    return f"No price in this period: {at_most(lines)}. They are not held or studied."


def _benchmarks(thesis: Thesis, universe: Universe, market: Market) -> str:
    """Say which benchmarks have no price."""
    compared = _compared(thesis, universe)
    missing = [symbol for symbol in compared if symbol not in market.lines]
    if not missing:
        return ""
    instead = [symbol for symbol in compared if symbol in market.lines]
    beside = f"compared with {at_most(instead)} only" if instead else "not compared"
    return (
        f"No price of the benchmark {at_most(missing)}: the portfolio is {beside}, and "
        f"no event or claim is measured against {at_most(missing)}."
    )


def _compared(thesis: Thesis, universe: Universe) -> list[str]:
    """Return the symbols of the thesis's benchmarks, those of its events included."""
    named = [*thesis.about.benchmarks, *(one.benchmark for one in thesis.events)]
    lines = [universe.line(name) for name in dict.fromkeys(named) if name]
    return list(dict.fromkeys(line.symbol for line in lines if line is not None))


def _empty_legs(
    thesis: Thesis, universe: Universe, assets: tuple[Line, ...]
) -> Iterator[str]:
    """Say so where a leg has nothing to hold."""
    for name, leg in thesis.barbell.items():
        if not _members(leg, universe, assets):
            low = leg.weight[0]
            cash = f"; its minimum of {low:.0%} is held in cash" if low > 0.0 else ""
            yield f"No line of the {name} leg has a price: it is empty{cash}."


def _unscored(thesis: Thesis, decisions: Sequence[Decision]) -> str:
    """Say which factors never spoke, and at how many decisions nothing was scored."""
    if not thesis.factors:
        return "The thesis names no factor: every score is 0."
    blind = [one for one in decisions if one.scorecard.withheld.all()]
    silent = [
        one.name
        for one in thesis.factors
        if decisions and all(one.name in each.scorecard.absent for each in decisions)
    ]
    said = []
    if blind:
        scored = [one.session for one in decisions if one not in blind]
        since = f"; the first scores are of {scored[0].date()}" if scored else ""
        said.append(
            f"At {len(blind)} of {len(decisions)} decisions too few factors spoke to "
            f"score any asset{since}: what was held then follows from budgets and risk "
            "alone, not from the thesis's signals."
        )
    if silent:
        said.append(f"Factors without data at every decision: {at_most(silent)}.")
    return " ".join(said)


def _rates(thesis: Thesis, market: Market) -> Iterator[str]:
    """Say where exchange rates begin, end or leave days out within the study."""
    start = thesis.about.start.isoformat()
    for one in market.findings:
        if one.severity == "info" or one.where not in market.home.fx.columns:
            continue
        over = one.first and one.last and one.last < start
        if not over and (one.last or one.first > start):
            yield f"Exchange rates of {one.where}: {one.what}; {one.action}."


def _acts(thesis: Thesis) -> str:
    """Say so where an event is to be traded on and the calendar does not let it."""
    acting = [event.id for event in thesis.events if event.act]
    if not acting or thesis.portfolio.rebalance == "monthly+events":
        return ""
    return (
        f"Marked act = true, but not traded on: {at_most(acting)}. The portfolio is "
        f'rebalanced {thesis.portfolio.rebalance}, not "monthly+events".'
    )


def _asynchronous(market: Market, overlap: int) -> str:
    if len(market.bars) < 2:
        return ""
    if overlap > 1:
        later = "a session" if overlap == 2 else f"up to {overlap - 1} sessions"
        return (
            "Closes of different exchanges are hours apart: risk counts what reaches "
            f"another exchange {later} later; other daily comparisons between regions "
            "do not."
        )
    return (
        "Closes of different exchanges are hours apart: daily covariances between "
        "Asian and American lines understate how they move together."
    )
