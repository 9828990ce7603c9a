"""``assay score``, ``stress``, ``backtest``, ``events``, ``claims``: parts alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from engine.cli.options import FORMAT, THESIS, StudyOptions, study_options
from engine.cli.output import emit, note, steps
from engine.errors import UsageError

#: Notes on what was left out before they are counted only.
MOST_NOTES = 20
#: Random barbells at once: their weights and paths are kept in memory.
MOST_RANDOM = 10_000
#: What a terminal shows, the most telling first; ``--format csv`` has the rest.
PERFORMANCE = [
    "path",
    "sample",
    "cagr",
    "sharpe",
    "max_drawdown",
    "volatility",
    "total_return",
    "cagr_low",
    "cagr_high",
    "sharpe_low",
    "sharpe_high",
    "beta",
]
EVENTS = [
    "event",
    "subject",
    "window",
    "car",
    "t",
    "p",
    "detectable",
    "placebo_p",
    "placebo_n",
    "adjusted_bmp_p",
    "adjusted_patell_p",
    "grank_p",
    "n",
    "kind",
    "layer",
    "day_zero",
    "return",
    "se",
]
RECOVERY = [
    "event",
    "layer",
    "reaction",
    "car_20",
    "car_60",
    "car_120",
    "abnormal_sessions",
    "price_sessions",
    "followed",
    "firms",
]
POOLED = [
    "layer",
    "window",
    "mean",
    "p",
    "events",
    "independent",
    "right",
    "detectable",
    "note",
]
STRESS = ["mechanism", "layer", "before", "after", "low", "high", "basis"]
STATES = ["scenario", "condition", "status", "value", "value_date", "why"]
SENSITIVITY = ["subject", "weighted", "low", "high", "without_low", "without_high"]
BESIDE = [
    *("claim", "sample", "against", "asked_of", "estimate", "low", "high"),
    *("q", "n", "verdict"),
]
CLAIMS = [
    "claim",
    "sample",
    "verdict",
    "estimate",
    "low",
    "high",
    "unit",
    "p",
    "q",
    "n",
    "reason",
]


@click.command()
@THESIS
@study_options
@FORMAT
def score(thesis: Path, options: StudyOptions, form: str) -> None:
    """Score the assets of THESIS at the study's end, per factor and per layer."""
    from engine import parts

    with steps() as progress:
        found = parts.score(thesis, progress=progress, **options.as_keywords())
    emit(found.assets, form, title=f"Scores on {found.day}", simulated=found.simulated)
    if form == "table":
        emit(found.layers, form, title="By layer", simulated=found.simulated)
        for name, reason in found.absent.items():
            note(f"absent: {name}: {reason}")


@click.command()
@THESIS
@study_options
@FORMAT
def stress(thesis: Path, options: StudyOptions, form: str) -> None:
    """Stress the mechanisms of THESIS: layer scores before and after; its scenarios.

    Assumptions, not findings. A terminal shows the scores that move, which states of
    the scenarios are seen at the end, and what their weights decide. Csv and json have
    every layer under every mechanism.
    """
    from engine import parts

    with steps() as progress:
        found = parts.stress(thesis, progress=progress, **options.as_keywords())
    layers = found.stress.layers
    if form != "table":
        emit(layers, form, title="Stress", simulated=found.simulated)
        return
    if layers.empty and found.scenarios.states.empty:
        note("the thesis has no [[mechanisms]] and no [[scenarios]]")
        return
    note("assumptions, not findings: no verdict and no weight depends on them")
    moved = layers[
        (layers["low"] != layers["high"]) | (layers["after"] != layers["before"])
    ]
    states = found.scenarios.states
    for title, table, columns in (
        ("Stress", moved, STRESS),
        ("Seen at the end", states[states["date"] == states["date"].max()], STATES),
        ("Effect by weights", found.scenarios.layers, SENSITIVITY),
    ):
        if not table.empty:
            emit(table, form, title=title, simulated=found.simulated, columns=columns)
    told = found.stress.mechanisms
    for name, basis, why in zip(
        told["mechanism"], told["basis"], told["why"], strict=True
    ):
        if why:
            note(f"{name}: {basis}: {why}")


@click.command()
@THESIS
@study_options
@click.option("--around", metavar="EVENT", help="From 20 sessions before to 120 after.")
@click.option(
    "--random",
    "count",
    type=click.IntRange(1, MOST_RANDOM),
    metavar="N",
    help="Its percentile among N random barbells within the same limits.",
)
@FORMAT
def backtest(
    thesis: Path,
    options: StudyOptions,
    around: str | None,
    count: int | None,
    form: str,
) -> None:
    """Backtest the barbell of THESIS net of costs, beside its baselines."""
    from engine import parts

    if count is not None:
        if around is not None:
            raise UsageError("--random ranks the whole study; leave out --around")
        _rank(thesis, options, count, form)
        return
    with steps() as progress:
        if around is not None:
            window = parts.backtest_around(
                thesis, around, progress=progress, **options.as_keywords()
            )
            emit(
                window.table,
                form,
                title=f"Around {around}",
                simulated=window.simulated,
            )
            if window.note:
                note(window.note)
            return
        found = parts.backtest(thesis, progress=progress, **options.as_keywords())
    emit(
        found.table,
        form,
        title="Performance",
        simulated=found.simulated,
        columns=PERFORMANCE,
    )
    if found.note:
        note(f"note: {found.note}")


def _rank(thesis: Path, options: StudyOptions, count: int, form: str) -> None:
    """Print the place of a barbell among random ones; csv and json have every path."""
    from engine import parts

    with steps() as progress:
        found = parts.backtest_among_random(
            thesis, count, progress=progress, **options.as_keywords()
        )
    ranking = found.ranking
    emit(
        ranking.table if form == "table" else ranking.paths,
        form,
        title=f"Among {count:,} random barbells",
        simulated=found.simulated,
    )
    for sentence in found.sentences:
        note(sentence)


@click.command()
@THESIS
@study_options
@click.option("--event", "only", metavar="EVENT", help="Only this event.")
@click.option("--assets", is_flag=True, help="Each company, too, in a terminal.")
@click.option(
    "--sensitivity",
    "other_choices",
    is_flag=True,
    help="The same under another day zero, estimation window, benchmark, model, "
    "or with one asset left out.",
)
@click.option(
    "--all",
    "every",
    is_flag=True,
    help="With --sensitivity: every event, not only the one most claims are about.",
)
@FORMAT
def events(
    thesis: Path,
    options: StudyOptions,
    only: str | None,
    form: str,
    *,
    assets: bool,
    other_choices: bool,
    every: bool,
) -> None:
    """Study the events of THESIS: one row per event, subject and window.

    A terminal shows layers and contrasts, of one event or with --assets each company:
    the primary test, the effect it could have found, and the tests beside it; then who
    took the shock, and the events pooled. Csv and json have every test of every row.
    """
    from engine import parts
    from engine.evidence import event_left_out as left_out

    if every and not other_choices:
        raise UsageError("--all belongs to --sensitivity; --assets shows each company")
    if every and only is not None:
        raise UsageError("--event names one event and --all every one; leave out one")
    if other_choices:
        if assets:
            raise UsageError("--sensitivity leaves each company out; without --assets")
        _vary(thesis, options, only, form, every=every)
        return
    with steps() as progress:
        found = parts.events(
            thesis, only=only, progress=progress, **options.as_keywords()
        )
    rows = found.study.table
    whole = form != "table" or assets or only is not None
    emit(
        rows if whole else rows[rows["kind"] != "asset"],
        form,
        title="Events",
        simulated=found.simulated,
        columns=EVENTS,
    )
    if form == "table":
        for title, table, columns in (
            ("Reaction and drift", found.study.recovery, RECOVERY),
            ("Pooled, in the expected direction", found.study.pooled, POOLED),
        ):
            emit(table, form, title=title, simulated=found.simulated, columns=columns)
    if whole:
        sentences = left_out.left_out_sentences(found.study.left_out)
    else:
        sentences = left_out.event_sentences(found.study.left_out, rows["event"])
    _tell(sentences)


def _tell(sentences: Sequence[str]) -> None:
    """Print what was left out, and beyond `MOST_NOTES` how much more."""
    for sentence in sentences[:MOST_NOTES]:
        note(sentence)
    if len(sentences) > MOST_NOTES:
        rest = len(sentences) - MOST_NOTES
        note(f"and {rest} more; a run keeps all in tables/events_left_out.csv")


def _vary(
    thesis: Path, options: StudyOptions, only: str | None, form: str, *, every: bool
) -> None:
    """Print what events owe to their choices; csv and json have every choice."""
    from engine import parts
    from engine.evidence import event_left_out as left_out
    from engine.evidence.event_sensitivity import sensitivity_ranges

    whole = every or form != "table"
    with steps() as progress:
        varied = parts.sensitivity(
            thesis, only=only, every=whole, progress=progress, **options.as_keywords()
        )
    if form != "table":
        emit(varied.table, form, title="Sensitivity", simulated=varied.simulated)
        return
    shown = sensitivity_ranges(varied.table)
    emit(shown, form, title="Sensitivity", simulated=varied.simulated)
    if varied.note:
        note(varied.note)
    missing = left_out.not_studied(varied.table)
    _tell(left_out.event_sentences(missing, shown["event"]))
    if not shown.empty:
        note("Each choice by itself: --format csv or json.")


@click.command()
@THESIS
@study_options
@click.option(
    "--beside",
    is_flag=True,
    help="The same claims of firms not chosen (the placebo) and of the anti-thesis.",
)
@FORMAT
def claims(thesis: Path, options: StudyOptions, form: str, *, beside: bool) -> None:
    """Test the claims of THESIS: verdicts with q-values, and the thesis score."""
    from engine import app
    from reports import beside_tables, null_tables, score_tables, tables

    with steps() as progress:
        result = app.run(thesis, progress=progress, **options.as_keywords())
    if beside:
        table = tables.claims_beside(result)
        emit(
            table if form != "table" else table[table["p"].notna()],
            form,
            title="The same claims of others",
            simulated=result.simulated,
            columns=BESIDE,
        )
        note(beside_tables.sentences(result))
        return
    emit(
        tables.claims(result),
        form,
        title="Claims",
        simulated=result.simulated,
        columns=CLAIMS,
    )
    if form == "table":
        against = null_tables.nulls(result)
        if not against.empty:
            emit(against, form, title="Tested against", simulated=result.simulated)
        scores = score_tables.scores(result)
        emit(scores, form, title="Thesis score", simulated=result.simulated)
