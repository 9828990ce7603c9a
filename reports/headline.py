"""The headline numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from engine.study import StudyResult
from reports import numbers, record_tables, words
from reports.document import Tile, Tiles


def tiles(result: StudyResult) -> Tiles:
    """Return the headline tiles: no thesis score where anything is simulated."""
    own, other = words.headline_rows(result)
    shown = [
        Tile(
            label="CAGR, net",
            value=numbers.percent(own["cagr"]),
            notes=_notes(own, other, "cagr", numbers.percent, "95% interval"),
        ),
        Tile(
            label="Sharpe",
            value=numbers.decimal(own["sharpe"]),
            notes=_notes(own, other, "sharpe", numbers.decimal, "95% interval"),
        ),
        Tile(
            label="Max drawdown",
            value=numbers.percent(own["max_drawdown"]),
            notes=_notes(
                own, other, "max_drawdown", numbers.percent, "resampling range"
            ),
            tone="negative",
        ),
        _claims(result, words.IN_SAMPLE, "Claims, in-sample"),
        _claims(result, words.OUT_OF_SAMPLE, "Claims, out-of-sample"),
    ]
    if not result.simulated:
        shown.append(_score(result))
    return Tiles(tiles=tuple(shown))


def _notes(
    own: Mapping[str, Any],
    other: Mapping[str, Any] | None,
    metric: str,
    show: numbers.Format,
    interval_word: str,
) -> tuple[str, ...]:
    between = numbers.interval(
        own.get(f"{metric}_low", math.nan), own.get(f"{metric}_high", math.nan), show
    )
    notes = [f"{interval_word} {between}"] if between != numbers.MISSING else []
    if other is not None:
        notes.append(f"{other['path']} {show(other[metric])}")
    return tuple(notes)


def _claims(result: StudyResult, sample: str, label: str) -> Tile:
    """Return how the claims of one sample came out."""
    results = [one for one in result.claims.results if one.sample == sample]
    counts = words.verdict_counts(results)
    if not results:
        return Tile(label=label, value="none", notes=("nothing declared yet",))
    return Tile(
        label=label,
        value=f"{counts['supported']} of {len(results)}",
        notes=(
            "supported",
            f"{counts['refuted']} refuted, {counts['inconclusive']} inconclusive, "
            f"{counts['untestable']} untestable",
        ),
    )


def _score(result: StudyResult) -> Tile:
    """Return the thesis score: out-of-sample where there is one, else in-sample."""
    known = [one for one in result.claims.scores if math.isfinite(one.score)]
    best = next((one for one in known if one.sample == words.OUT_OF_SAMPLE), None)
    score = best or next(iter(known), None)
    if score is None:
        return Tile(label="Thesis score", value="none", notes=("nothing could count",))
    show = _signed
    return Tile(
        label=f"Thesis score, {score.sample}",
        value=_signed(score.score),
        notes=(
            f"95% interval {numbers.interval(*score.interval, show)}",
            record_tables.share_testable(result, score.sample),
        ),
    )


def _signed(value: float) -> str:
    return numbers.decimal(value, 2, signed=True)
