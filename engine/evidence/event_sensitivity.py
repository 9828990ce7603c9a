"""How much an event's primary numbers owe to the choices behind them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

import pandas as pd

from engine.evidence.event_models import Modelling
from engine.evidence.event_panel import EventPanel, Window, WindowStudy, study_window
from engine.evidence.event_subjects import (
    LeftOut,
    Subject,
    SubjectStudy,
    model_histories,
    panel_of,
    study_subject,
)
from engine.evidence.windows import History
from engine.market.market import Market
from engine.thesis.model import Event, Thesis

SENSITIVITY_COLUMNS = (
    "event",
    "subject",
    "window",
    "choice",  # what was changed
    "variant",  # into what; "as stated" first
    "car",
    "se",
    "t",
    "p",
    "n",
    "note",
)
RANGE_COLUMNS = (
    *("event", "subject", "window", "car", "p"),
    *("least", "most", "choices", "crosses", "turns"),
)
AS_STATED = "as stated"
#: Two-sided level at which p crosses.
LEVEL = 0.05
#: Estimation windows tried beside the event's own, as sessions from day zero.
ESTIMATIONS: tuple[Window, ...] = ((-260, -31), (-136, -11), (-510, -11))
#: Sessions by which day zero is moved.
SHIFTS = (-1, 1)


def sensitivity(
    market: Market,
    event: Event,
    subjects: Sequence[Subject],
    benchmarks: Sequence[str],
) -> pd.DataFrame:
    """Return the primary test of layers and contrasts under other choices.

    One row per subject, window and variant: the event as stated; day zero a session
    earlier or later; another estimation window, benchmark, model or kind of return;
    each asset left out in turn. What a variant cannot study has a note and no numbers.

    Parameters
    ----------
    market : Market
    event : Event
    subjects : sequence of Subject
        Layers and contrasts.
    benchmarks : sequence of str
        Of the thesis; the first counts where the event names none.
    """
    symbols = list(dict.fromkeys(s for one in subjects for s in _held(one)))
    rows: list[dict[str, object]] = []
    read: dict[Modelling, dict[str, History] | None] = {}
    for choice, variant, changed, shift in _variants(event, benchmarks):
        modelling = Modelling.of(changed, benchmarks[0])
        if modelling not in read:
            read[modelling] = model_histories(market, symbols, modelling)
        panel = panel_of(
            market,
            changed,
            symbols,
            event.windows,
            benchmarks[0],
            read[modelling],
            shift=shift,
        )
        windows = [study_window(panel, one) for one in dict.fromkeys(event.windows)]
        for subject in subjects:
            rows += _rows(panel, windows, event, subject, choice, variant)
            if variant == AS_STATED:
                for symbol in _held(subject):
                    less = _without(subject, symbol)
                    if less is not None:
                        rows += _rows(panel, windows, event, less, "without", symbol)
    order = {one.name: place for place, one in enumerate(subjects)}
    rows.sort(key=lambda row: (order[str(row["subject"])], row["window"]))
    return pd.DataFrame(rows, columns=list(SENSITIVITY_COLUMNS))


def sensitivity_ranges(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row per event, subject and window of a table of `sensitivity`.

    `car` and `p` as stated; `least` and `most` are the smallest and the largest effect
    over the `choices` other ones; `crosses` names those under which p is on the other
    side of 0.05, `turns` those under which the sign is another. What cannot be studied
    as stated has no row.
    """
    rows = []
    known = table[table["p"].notna()]
    for key, part in known.groupby(["event", "subject", "window"], sort=False):
        own, others = (
            part[part["variant"] == AS_STATED],
            part.drop(part.index[part["variant"] == AS_STATED]),
        )
        if own.empty:
            continue
        car, p = float(own["car"].iloc[0]), float(own["p"].iloc[0])
        crossed = (others["p"] < LEVEL) != (p < LEVEL)
        turned = (others["car"] > 0.0) != (car > 0.0)
        found = (car, p, others["car"].min(), others["car"].max(), len(others))
        named = (_named(others[crossed]), _named(others[turned]))
        rows.append((*key, *found, *named))
    return pd.DataFrame(rows, columns=list(RANGE_COLUMNS))


def _named(rows: pd.DataFrame) -> str:
    """Return ``day zero +1 session; without NVDA, AVGO``."""
    kinds = rows.groupby("choice", sort=False)["variant"]
    return "; ".join(f"{choice} {', '.join(them)}" for choice, them in kinds)


def headline_event(thesis: Thesis, studied: Collection[str]) -> str | None:
    """Return the studied event that most claims are about, else the first."""
    named = [str(claim.params.get("event", "")) for claim in thesis.claims]
    known = [event.id for event in thesis.events if event.id in studied]
    return max(known, key=named.count, default=None)


def _variants(
    event: Event, benchmarks: Sequence[str]
) -> Iterator[tuple[str, str, Event, int]]:
    """Yield the changed choice, its name, the changed event, and the shift."""
    yield AS_STATED, AS_STATED, event, 0
    for shift in SHIFTS:
        yield "day zero", f"{shift:+d} session", event, shift
    for window in ESTIMATIONS:
        if window != event.estimation:
            changed = event.model_copy(update={"estimation": window})
            yield "estimation", f"[{window[0]}, {window[1]}]", changed, 0
    for name in benchmarks:
        if name != (event.benchmark or benchmarks[0]):
            yield "benchmark", name, event.model_copy(update={"benchmark": name}), 0
    for kind in ("market", "market_adjusted", "mean_adjusted", "dimson"):
        if kind != event.model:
            changed = event.model_copy(update={"model": kind, "regressors": ()})
            yield "model", kind, changed, 0
    other = "simple" if event.returns == "log" else "log"
    yield "returns", other, event.model_copy(update={"returns": other}), 0


def _rows(
    panel: EventPanel,
    windows: Sequence[WindowStudy],
    event: Event,
    subject: Subject,
    choice: str,
    variant: str,
) -> Iterator[dict[str, object]]:
    found = study_subject(panel, windows, subject)
    for at, one in zip(windows, found, strict=True):
        yield {
            "event": event.id,
            "subject": subject.name,
            "window": at.window,
            "choice": choice,
            "variant": variant,
        } | _numbers(one)


def _numbers(one: SubjectStudy | LeftOut) -> dict[str, object]:
    if isinstance(one, LeftOut):
        return dict.fromkeys(("car", "se", "t", "p"), float("nan")) | {
            "n": 0,
            "note": one.reason,
        }
    return {
        "car": one.car,
        "se": one.se,
        "t": one.t,
        "p": one.p,
        "n": one.n,
        "note": "; ".join(one.notes),
    }


def _held(subject: Subject) -> tuple[str, ...]:
    return (*subject.long, *subject.short)


def _without(subject: Subject, symbol: str) -> Subject | None:
    """Return a subject less one of its members; None if a side would be empty."""
    long = tuple(one for one in subject.long if one != symbol)
    short = tuple(one for one in subject.short if one != symbol)
    if not long or bool(short) != bool(subject.short):
        return None
    return replace(subject, long=long, short=short)
