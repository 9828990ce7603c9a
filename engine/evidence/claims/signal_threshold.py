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
    ratio,
    series_name,
)
from engine.evidence.results import Measurement, Untestable
from engine.market.signals import Signals
from engine.thesis.model import Claim


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """A role, and the line it must hold above or below.

    `times` consecutive observations must meet it; `by` is the deadline, on the day the
    observation became known. `keeps`: once an observation meets the line, `times` in a
    row that do not lose it. `over`: the ratio to another role, of `entities` together.
    """

    role: str
    above: float | None = None
    below: float | None = None
    entity: str | None = None
    by: dt.date | None = None
    times: int = 1
    keeps: bool = False
    over: str | None = None
    entities: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if (self.above is None) == (self.below is None):
            raise ValueError("give either 'above' or 'below'")
        if self.times < 1:
            raise ValueError("'times' must be at least 1")
        if (self.over is None) != (not self.entities):
            raise ValueError("give 'over' and 'entities' together")
        if self.entities and self.entity is not None:
            raise ValueError("give either 'entity' or 'entities'")


def measure(
    claim: Claim, params: Params, evidence: Evidence, span: Span
) -> Measurement | Untestable:
    """Return whether the condition was met by observations known within the span.

    A condition has no p-value: it is met, unmet at its deadline, or still open; one
    that must keep is unmet as soon as it is lost. Bounds, forecasts and targets are
    not observations.
    """
    known, watched = _watched(params, evidence, span)
    if isinstance(known, Untestable):
        return known
    if known.empty:
        return _nothing(params, evidence.market.signals, span, watched)
    values = known["value"].to_numpy()
    line = params.above if params.above is not None else params.below
    met = values > line if params.above is not None else values < line
    passed = params.by is not None and span.end > pd.Timestamp(params.by)
    judge = _kept if params.keeps else _reached
    condition, told = judge(params, met, known["known_at"], passed=passed)
    word = "above" if params.above is not None else "below"
    row = f", {params.times} in a row" if params.times > 1 and not params.keeps else ""
    return Measurement(
        estimate=float(values[-1]),
        se=float("nan"),
        df=float("nan"),
        p=float("nan"),
        z=float("nan"),
        n=len(values),
        unit=str(known["unit"].iloc[-1]),
        detectable=float("nan"),
        summary=f"{_name(params)} {word} {line:g}{row}: {told}; "
        f"{len(values)} observations",
        condition_met=condition,
        assumptions=(f"{params.times} observation(s) in a row",),
        rows=known.reset_index(drop=True),
    )


def _nothing(params: Params, signals: Signals, span: Span, name: str) -> Untestable:
    """Return why a sample has no observation, or none by the deadline."""
    if params.over is not None:
        return Untestable(reason=f"no observation of {name}")
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


def _name(params: Params) -> str:
    """Return what is watched, in the words of the thesis file."""
    if params.over is not None:
        return f"{params.role} over {params.over} of {', '.join(params.entities)}"
    return f"{params.role} of {params.entity}" if params.entity else params.role


def _watched(
    params: Params, evidence: Evidence, span: Span
) -> tuple[pd.DataFrame | Untestable, str]:
    """Return the observations, and what to call them where there is none."""
    signals = evidence.market.signals
    if params.over is None:
        every = observations(signals, params.role, span, by=params.by)
        whose = f" of {params.entity}" if params.entity else ""
        known = of_entity(every, params.role, params.entity)
        return known, series_name(signals, params.role) + whose
    roles = (params.role, params.over)
    every, of = (observations(signals, role, span, by=params.by) for role in roles)
    for role, one in zip(roles, (every, of), strict=True):
        seen = set(one["entity"])
        missing = [name for name in params.entities if name not in seen]
        if missing:
            absent = f"{series_name(signals, role)} of {', '.join(missing)}"
            return Untestable(reason=f"no observation of {absent}"), absent
    names = " and ".join(series_name(signals, role) for role in roles)
    both = f"{names} of {', '.join(params.entities)} on one date"
    return ratio(every, of, params.entities), both


def _reached(
    params: Params, met: np.ndarray, known_at: pd.Series, *, passed: bool
) -> tuple[bool | None, str]:
    """Return whether `times` observations in a row met the line, and since when."""
    reached = _runs(met, params.times)
    if not reached.any():
        told = "not reached" + (f" by {params.by}" if passed else " yet")
        return (False if passed else None), told
    last = int(reached.argmax()) + 1
    first = known_at.iloc[last - params.times : last].max()
    if reached[params.times - 1]:
        return True, f"reached on {first.date()}, so from the first observation on"
    return True, f"reached on {first.date()}"


def _kept(
    params: Params, met: np.ndarray, known_at: pd.Series, *, passed: bool
) -> tuple[bool | None, str]:
    """Return whether the line was kept from the first observation that met it on."""
    if not met.any():
        return _reached(params, met, known_at, passed=passed)
    begun = int(met.argmax())
    lost = _runs(~met[begun:], params.times)
    told = f"reached on {known_at.iloc[begun].date()}"
    if lost.any():
        last = begun + int(lost.argmax()) + 1
        day = known_at.iloc[last - params.times : last].max()
        row = f" by {params.times} in a row" if params.times > 1 else ""
        return False, f"{told}, lost{row} on {day.date()}"
    until = f" to {params.by}" if passed else " so far"
    return (True if passed else None), f"{told}, kept{until}"


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
