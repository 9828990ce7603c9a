"""The headline numbers."""

from __future__ import annotations

import math

from engine.study_result import StudyResult
from reports import numbers, samples, words
from reports.document import Tile, Tiles
from reports.samples import Headline
from reports.tally import VERDICTS, tally


def tiles(result: StudyResult) -> Tiles:
    """Return the headline tiles: no thesis score where anything is simulated."""
    shown = samples.headline(result)
    of = f", {shown.sample}" if shown.sample else ""
    growth = "CAGR" if shown.annual else "Return"
    found = [
        Tile(
            label=f"{growth}{of}",
            value=numbers.percent(shown.own[shown.growth]),
            notes=_notes(shown, shown.growth, numbers.percent, "95% interval"),
        ),
        Tile(
            label=f"Sharpe{of}",
            value=numbers.decimal(shown.own["sharpe"]),
            notes=_notes(shown, "sharpe", numbers.decimal, "95% interval"),
        ),
        Tile(
            label=f"Drawdown{of}",
            value=numbers.percent(shown.own["max_drawdown"]),
            notes=_notes(shown, "max_drawdown", numbers.percent, "resampling range"),
            tone="negative",
        ),
        _claims(result, samples.IN_SAMPLE, "Claims, in-sample"),
        _claims(result, samples.OUT_OF_SAMPLE, "Claims, out-of-sample"),
    ]
    if not result.simulated:
        found.append(_score(result))
    return Tiles(tiles=tuple(found))


def _notes(
    shown: Headline, metric: str, show: numbers.Format, interval_word: str
) -> tuple[str, ...]:
    """Return what stands below a number: its interval, the others, the caution."""
    own, other = shown.own, shown.benchmark
    between = numbers.interval(
        own.get(f"{metric}_low", math.nan), own.get(f"{metric}_high", math.nan), show
    )
    notes = [f"{interval_word} {between}"] if between != numbers.MISSING else []
    if other is not None:
        notes.append(f"{other['path']} {show(other[metric])}")
    if shown.beside is not None:
        beside = shown.beside
        kind = beside.growth if metric == shown.growth else metric
        a_year = " a year" if kind == "cagr" and metric != kind else ""
        notes.append(f"{beside.sample} {show(beside.own[kind])}{a_year}")
    if not shown.annual and metric != "max_drawdown":
        over = f"{numbers.count(shown.sessions)} sessions"
        notes.append(
            f"of {over}, not a year" if metric == shown.growth else f"from {over}"
        )
    return tuple(notes)


def _claims(result: StudyResult, sample: str, label: str) -> Tile:
    """Return how the claims of one sample came out, conditions apart."""
    found = tally(result, sample)
    counts, conditions = found.of_effects, found.of_conditions
    count = len(found.effects) + len(found.left)
    if not count + len(found.conditions):
        return Tile(label=label, value="none", notes=("nothing declared yet",))
    notes = [
        "supported" + (", a mirrored pair counting once" if found.pairs else ""),
        f"{counts['refuted']} refuted, {counts['inconclusive']} inconclusive, "
        f"{len(found.left)} untestable",
    ]
    if found.conditions:
        told = [
            f"{conditions[word]} {'open' if word == 'inconclusive' else word}"
            for word in VERDICTS[:3]
            if conditions[word]
        ]
        notes.append(f"conditions, without a p-value: {', '.join(told)}")
    return Tile(
        label=label, value=f"{counts['supported']} of {count}", notes=tuple(notes)
    )


def _score(result: StudyResult) -> Tile:
    """Return the thesis score: out-of-sample where there is one, else in-sample."""
    known = [one for one in result.claims.scores if math.isfinite(one.score)]
    best = next((one for one in known if one.sample == samples.OUT_OF_SAMPLE), None)
    score = best or next(iter(known), None)
    if score is None:
        return Tile(label="Thesis score", value="none", notes=("nothing could count",))
    show = _signed
    low, high = score.interval
    return Tile(
        label=f"Thesis score, {score.sample}",
        value=_signed(score.score),
        notes=(
            f"95% interval {numbers.interval(*score.interval, show)}"
            + (", zero inside" if low <= 0.0 <= high else ""),
            words.behind(result, score),
        ),
    )


def _signed(value: float) -> str:
    return numbers.decimal(value, 2, signed=True)
