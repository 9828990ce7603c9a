"""Event dispersion: one kind of news moves a layer more than another kind does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
import pandas as pd

from engine.evidence.claims.context import ClaimTest, Evidence, Span
from engine.evidence.claims.event_windows import (
    FEWEST_EVENTS,
    check_events,
    overlapping,
    studied,
)
from engine.evidence.claims.statistics import from_t
from engine.evidence.event_subjects import Subject, SubjectStudy
from engine.evidence.results import Measurement, Untestable
from engine.thesis.model import Claim, Window

#: Above this many ways to split the events the permutation note is left out.
MOST_SPLITS = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """How far `layer` moves on `events`, against `other_layer` on `others`."""

    layer: str
    window: Window
    events: tuple[str, ...]
    others: tuple[str, ...]
    other_layer: str | None = None

    def __post_init__(self) -> None:
        check_events(None, self.events)
        if not self.others:
            raise ValueError("'others' is empty; name the events to compare with")
        both = set(self.events) & set(self.others)
        if both:
            raise ValueError(f"'others' repeats {sorted(both)[0]!r} of 'events'")


def measure(
    claim: Claim, params: Params, evidence: Evidence, span: Span
) -> Measurement | Untestable:
    r"""Return the mean absolute standardised reaction to `events` minus to `others`.

    The reaction is the portfolio's cumulative abnormal return over its prediction
    error, so layers of unlike volatility compare. Under the null both kinds scatter
    alike about zero: Student's t of the absolute values with a pooled variance on
    n + m - 2 degrees of freedom (Brown and Forsythe 1974, Journal of the American
    Statistical Association 69, about a known centre). The exact permutation p-value
    stands beside it. Five events of each kind, no two windows sharing a session.
    """
    kinds = ((params.layer, params.events), (params.other_layer, params.others))
    studies: list[dict[str, SubjectStudy]] = []
    for layer, events in kinds:
        name = layer or params.layer
        symbols = evidence.members(name)
        if not symbols:
            return Untestable(reason=f"no asset of {name} has a price")
        if len(events) < FEWEST_EVENTS:
            return Untestable(
                reason=f"{FEWEST_EVENTS} events of each kind needed, and this claim "
                f"has {len(events)} of one in this sample: {', '.join(events)}"
            )
        subject = Subject(kind="layer", name=name, long=symbols)
        found = studied(subject, events, params.window, evidence)
        if isinstance(found, Untestable):
            return found
        studies.append(found)
    together = {**studies[0], **studies[1]}
    overlap = overlapping(together)
    if overlap:
        return Untestable(reason=overlap)
    return _compared(claim, params, studies)


def _compared(
    claim: Claim, params: Params, studies: Sequence[dict[str, SubjectStudy]]
) -> Measurement | Untestable:
    sizes = [np.abs([one.car / one.se for one in part.values()]) for part in studies]
    n, m = (len(one) for one in sizes)
    estimate, se = pooled_difference(sizes[0], sizes[1])
    if not se > 0:
        return Untestable(reason="the reactions are all the same size")
    scale = [np.full(n, 1 / n), np.full(m, -1 / m)]
    null, weights = _null(
        [one for part in studies for one in part.values()], np.concatenate(scale)
    )
    splits = permutation_p(sizes[0], sizes[1])
    rows = pd.DataFrame(
        {
            "event": [name for part in studies for name in part],
            "kind": ["events"] * n + ["others"] * m,
            "car": [one.car for part in studies for one in part.values()],
            "se": [one.se for part in studies for one in part.values()],
            "size": np.concatenate(sizes),
        }
    )
    other = params.other_layer or params.layer
    return from_t(
        claim,
        estimate=estimate,
        se=se,
        df=n + m - 2,
        n=n + m,
        unit="standard deviations",
        summary=f"size of the reaction of {params.layer} to {n} events minus that of "
        f"{other} to {m} others, over [{params.window[0]}, {params.window[1]}]",
        assumptions=(
            "independent events, one scatter under the null",
            *((f"exact permutation p {splits:.3f}",) if splits is not None else ()),
        ),
        rows=rows,
        null=null,
        weights=weights,
    )


def _null(
    studies: Sequence[SubjectStudy], scale: np.ndarray
) -> tuple[pd.Series, np.ndarray]:
    """Return how far residuals scatter beyond their mean size, and window weights.

    Both on home sessions. The size of a reaction does not depend on its sign, so the
    null series is one of absolute values: claims about signs share nothing with it.
    """
    sizes = []
    held = []
    for one, weight in zip(studies, scale, strict=True):
        if one.residuals is None or one.weights is None:
            raise ValueError("a study without residuals has no null")
        size = one.residuals.abs() / one.residuals.std()
        sizes.append(size - size.mean())
        held.append(one.weights * weight)
    null = pd.concat(sizes, axis=1, sort=True).mean(axis=1)
    weights = pd.concat(held, axis=1, sort=True).sum(axis=1)
    return null, weights.reindex(null.index, fill_value=0.0).to_numpy()


def pooled_difference(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    """Return mean(a) - mean(b) and its error with a pooled variance."""
    n, m = len(a), len(b)
    inside = ((a - a.mean()) ** 2).sum() + ((b - b.mean()) ** 2).sum()
    variance = inside / (n + m - 2) * (1 / n + 1 / m)
    return float(a.mean() - b.mean()), float(np.sqrt(variance))


def permutation_p(a: np.ndarray, b: np.ndarray) -> float | None:
    """Return the share of all splits with a difference at least as large.

    Two-sided; None where there are more than `MOST_SPLITS`.
    """
    values = np.concatenate([a, b])
    n, total = len(a), len(values)
    if comb(total, n) > MOST_SPLITS:
        return None
    chosen = np.array(list(combinations(range(total), n)))
    first = values[chosen].sum(axis=1)
    differences = first / n - (values.sum() - first) / (total - n)
    seen = abs(a.mean() - b.mean())
    return float((np.abs(differences) >= seen * (1 - 1e-12)).mean())


TEST = ClaimTest(
    name="event_dispersion",
    params=Params,
    measure=measure,
    help="size of a layer's reaction to one kind of events minus to another kind",
    null="both kinds of events move the layers by the same size",
    holds="events are independent of each other and all scatter alike",
)
