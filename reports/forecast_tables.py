"""The printed table of stated probabilities, and what they scored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.evidence.forecasts import Forecast, brier_score, forecasts, log_score
from engine.study_result import StudyResult
from reports import numbers, words
from reports.document import Cell, Column, Table, Tone, plain

_TONES: Mapping[str, Tone] = {"came true": "supported", "did not": "refuted"}
NOTE = (
    "A claim resolves when its out-of-sample verdict is supported or refuted, or its "
    "deadline has passed; what was known when it was made resolves nothing. Brier: the "
    "squared distance of the probability from what happened, 0.25 for one half. Log: "
    "minus the logarithm of the probability given to what happened, 0.693 for one "
    "half. Lower is better for both; a handful of forecasts proves little."
)


def stated(result: StudyResult) -> Table | None:
    """Return every stated probability with its score, None where none is stated."""
    found = forecasts(result.thesis, result.claims.results)
    if not found:
        return None
    rows = [_row(result, one) for one in found]
    resolved = [one for one in found if one.outcome is not None]
    if resolved:
        rows.append(_mean(resolved))
    return Table(
        id="forecasts",
        caption="Stated probabilities, scored as claims resolve.",
        columns=(
            Column(label="Claim", align="left", wide=True, weight=2),
            Column(label="Stated"),
            Column(label="What became of it", align="left", wide=True),
            Column(label="Brier"),
            Column(label="Log"),
        ),
        rows=tuple(rows),
        note=NOTE,
    )


def _row(result: StudyResult, one: Forecast) -> tuple[Cell, ...]:
    return (
        plain(one.says, sub=one.claim),
        plain(numbers.percent(one.probability, 0)),
        Cell(
            text=words.stamped(one.state, result),
            tone=_TONES.get(one.state, "inconclusive"),
            sub=one.why,
        ),
        plain(numbers.decimal(one.brier, 3)),
        plain(numbers.decimal(one.log_score, 3)),
    )


def _mean(resolved: Sequence[Forecast]) -> tuple[Cell, ...]:
    """Return the mean scores of what resolved."""
    probability, outcome = scored(resolved)
    count = len(resolved)
    return (
        plain(f"Mean of {count} resolved", "strong"),
        plain(""),
        plain(""),
        plain(numbers.decimal(brier_score(probability, outcome), 3), "strong"),
        plain(numbers.decimal(log_score(probability, outcome), 3), "strong"),
    )


def scored(found: Sequence[Forecast]) -> tuple[list[float], list[bool]]:
    """Return probabilities and outcomes of the forecasts that resolved."""
    known = [one for one in found if one.outcome is not None]
    return [one.probability for one in known], [bool(one.outcome) for one in known]
