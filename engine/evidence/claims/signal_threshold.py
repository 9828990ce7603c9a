"""Signal threshold: an observed series crosses a line, by a date."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd

from engine.evidence.claims.context import ClaimTest, Evidence, Span
from engine.evidence.claims.series import (
    name_one,
    observations,
    of_entity,
    published,
    series_name,
)
from engine.evidence.results import Measurement, Untestable
from engine.market.signals import Signals
from engine.thesis.model import Claim


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """A role, and the line it must hold above or below.

    `times` consecutive observations must meet it; `by` is the deadline, on the day the
    observation became known.
    """

    role: str
    above: float | None = None
    below: float | None = None
    entity: str | None = None
    by: dt.date | None = None
    times: int = 1

    def __post_init__(self) -> None:
        if (self.above is None) == (self.below is None):
            raise ValueError("give either 'above' or 'below'")
        if self.times < 1:
            raise ValueError("'times' must be at least 1")


def measure(
    claim: Claim, params: Params, evidence: Evidence, span: Span
) -> Measurement | Untestable:
    """Return whether the condition was met by observations known within the span.

    A condition has no p-value: it is met, unmet at its deadline, or still open. Bounds,
    forecasts and targets are not observations.
    """
    signals = evidence.market.signals
    every = observations(signals, params.role, span, by=params.by)
    known = of_entity(every, params.role, params.entity)
    if isinstance(known, Untestable):
        return known
    whose = f" of {params.entity}" if params.entity else ""
    if known.empty:
        return _nothing(params, signals, span, whose)
    values = known["value"].to_numpy()
    line = params.above if params.above is not None else params.below
    met = values > line if params.above is not None else values < line
    reached = _runs(met, params.times)
    passed = params.by is not None and span.end > pd.Timestamp(params.by)
    first = None
    if reached.any():
        last = int(reached.argmax()) + 1
        first = known["known_at"].iloc[last - params.times : last].max()
    word = "above" if params.above is not None else "below"
    if first is None:
        told = "not reached" + (f" by {params.by}" if passed else " yet")
    elif reached[params.times - 1]:
        told = f"reached on {first.date()}, so from the first observation on"
    else:
        told = f"reached on {first.date()}"
    row = f", {params.times} in a row" if params.times > 1 else ""
    return Measurement(
        estimate=float(values[-1]),
        se=float("nan"),
        df=float("nan"),
        p=float("nan"),
        z=float("nan"),
        n=len(values),
        unit=str(known["unit"].iloc[-1]),
        detectable=float("nan"),
        summary=f"{params.role}{whose} {word} {line:g}{row}: {told}; "
        f"{len(values)} observations",
        condition_met=True if first is not None else (False if passed else None),
        assumptions=(f"{params.times} observation(s) in a row",),
        rows=known.reset_index(drop=True),
    )


def _nothing(params: Params, signals: Signals, span: Span, whose: str) -> Untestable:
    """Return why a sample has no observation, or none by the deadline."""
    name = f"{series_name(signals, params.role)}{whose}"
    told = published(signals, params.role, params.entity, before=span.end)
    if told.empty:
        return Untestable(reason=f"no observation of {name}")
    entities = len(told["entity"].unique())
    if entities > 1:
        return Untestable(reason=name_one(params.role, entities))
    by = f" by {params.by}" if params.by is not None else ""
    first = told.iloc[0]
    since = first["known_at"]
    if params.by is not None and since >= pd.Timestamp(params.by) + pd.Timedelta(
        1, "D"
    ):
        return Untestable(
            reason=f"no observation of {name}{by} (the first is of "
            f"{first['value_date'].date()}, known on {since.date()})"
        )
    return Untestable(reason=f"no new observation of {name} in this sample{by}")


def _runs(met: np.ndarray, times: int) -> np.ndarray:
    """Return, shape (n,), where `times` observations in a row have met the line."""
    total = np.concatenate([[0], np.cumsum(met)])
    out = np.zeros(len(met), dtype=bool)
    if len(met) >= times:
        out[times - 1 :] = total[times:] - total[:-times] == times
    return out


TEST = ClaimTest(
    name="signal_threshold",
    params=Params,
    measure=measure,
    help="a signal above or below a line, by a date",
    null="none: a condition is met or not, and has no p-value",
    holds="the values are those that were published",
)
