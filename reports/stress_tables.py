"""The printed tables about mechanisms that fail, and about scenarios."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from engine.evidence.scenarios import MET, UNMET, UNSEEN
from engine.evidence.stress import RECOMPUTED, STATED, UNREAD
from engine.study_result import StudyResult
from reports import numbers, stress_figures, tables, words
from reports.document import Cell, Column, Table, heading_row, number, plain

_CHANGED = (
    "Change: of what the mechanism is about, with its ends over the ranges of the "
    "inputs. Scored again: the newest observation that the factor read at that "
    "decision is changed by as much, and every asset is scored anew. Stated: no factor "
    "reads it, and the score moves by the thesis's exposure times the change, kept "
    "within -1 and 1: the direction is a document's, the size an assumption."
)
#: Columns of single scenarios that fit on a page.
MOST_SHOWN = 8
_BASIS = {RECOMPUTED: "scored again", STATED: "stated"}
_WEIGHED = (
    "Effects are stated, from -1 to 1. Weights are {weights}. Any weights: the least "
    "and the most over every possible weighting, which are those of single scenarios. "
    "One left out: the least and the most when one scenario is taken away."
)


def mechanisms(result: StudyResult) -> Table | None:
    """Return every mechanism: its change, how it reaches scores, scores after."""
    stress = result.stress
    if stress.mechanisms.empty:
        return None
    layers = list(dict.fromkeys(stress.layers["layer"]))
    scores = {
        (row["mechanism"], row["layer"]): row for row in tables.records(stress.layers)
    }
    first = stress.mechanisms["mechanism"].iloc[0]
    before = [_score(scores[first, layer]["before"]) for layer in layers]
    rows = [(plain("As scored", "strong"), plain(""), plain(""), *before)]
    for row in tables.records(stress.mechanisms):
        after = [scores[row["mechanism"], layer] for layer in layers]
        rows.append((*_head(stress.numbers, row), *map(_moved, after)))
    return Table(
        id="stress",
        caption="What is left of the layer scores"
        + (f" of {numbers.day(stress.session)}" if stress.session is not None else "")
        + " if a mechanism fails. Assumptions, not findings.",
        columns=(
            Column(label="If", align="left", wide=True),
            Column(label="Change"),
            Column(label="Basis", align="left"),
            *(Column(label=words.label(layer)) for layer in layers),
        ),
        rows=tuple(rows),
        shaded=frozenset({0}),
        note=_CHANGED.replace("-1", f"{numbers.MINUS}1"),
    )


def _head(found: pd.DataFrame, row: Mapping[str, Any]) -> tuple[Cell, ...]:
    own = found[found["mechanism"] == row["mechanism"]]
    computed = "; ".join(
        f"{one['number']} {figure(one['value'], one['unit'])}"
        for one in tables.records(own)
        if math.isfinite(one["value"])
    )
    low, high = row["change_low"], row["change_high"]
    between = numbers.interval(low, high, numbers.change) if low < high else ""
    basis = _BASIS.get(row["basis"], row["basis"])
    through = row["through"] if row["basis"] == RECOMPUTED else ""
    return (
        plain(row["says"], sub=f"{row['mechanism']}: {computed}"),
        Cell(text=numbers.change(row["change"]), sub=between),
        plain(basis, sub=through or ("" if row["basis"] == STATED else row["why"])),
    )


def figure(value: float, unit: str) -> str:
    """Return a number of a mechanism with its unit."""
    if unit == "fraction":
        return numbers.percent(value)
    text = numbers.count(value) if abs(value) >= 1000 else numbers.quantity(value, unit)
    plain_text = text.rstrip("0").rstrip(".") if "." in text else text
    return f"{plain_text} {unit}" if unit else plain_text


def _score(value: float) -> Cell:
    return number(value, lambda one: numbers.decimal(one, 2))


def _moved(row: Mapping[str, Any]) -> Cell:
    """Return a score after a stress; muted where it does not move."""
    if row["after"] == row["before"]:
        return plain(numbers.decimal(row["after"], 2), "muted")
    return _score(row["after"])


def inputs(result: StudyResult) -> Table | None:
    """Return the numbers that went in: those that several share stand once."""
    table = result.stress.inputs
    if table.empty:
        return None
    used: dict[tuple[Any, ...], list[str]] = {}
    for row in tables.records(table):
        key = tuple(row[name] for name in table.columns if name != "mechanism")
        used.setdefault(key, []).append(str(row["mechanism"]))
    rows: list[tuple[Cell, ...]] = []
    groups = set()
    for users in dict.fromkeys(tuple(one) for one in used.values()):
        groups.add(len(rows))
        rows.append(heading_row(", ".join(users), 5))
        rows += [_input(key) for key, own in used.items() if tuple(own) == users]
    return Table(
        id="stress-inputs",
        caption="What went in, and who says so.",
        columns=(
            Column(label="Input", align="left", wide=True),
            Column(label="Value"),
            Column(label="Unit", align="left"),
            Column(label="Source", align="left", wide=True),
            Column(label="Grade", align="left"),
        ),
        rows=tuple(rows),
        groups=frozenset(groups),
        note="Grades are the reference's: A can be tested now, B needs a series, C is "
        "thin, disputed or ours.",
    )


def limits(result: StudyResult) -> tuple[str, ...]:
    """Return what limits each mechanism: its note, and what its scores hide."""
    return tuple(
        f"{row['mechanism']}: {_limits(row)}"
        for row in tables.records(result.stress.mechanisms)
    )


def _limits(row: Mapping[str, Any]) -> str:
    silent = row["why"] in ("", UNREAD)
    why = "" if silent else f"Of the scores: {row['why']}."
    parts = (row["note"], f"{words.label(row['limits'])}.", why)
    return " ".join(one for one in parts if one)


def _input(key: tuple[Any, ...]) -> tuple[Cell, ...]:
    name, value, low, high, unit, source, grade = key
    part = unit == "fraction"

    def show(one: float) -> str:
        return numbers.percent(one) if part else figure(one, "")

    return (
        plain(words.label(name.replace("_", " "))),
        Cell(text=show(value), sub=numbers.interval(low, high, show) * (low < high)),
        plain("" if part else unit),
        plain(source),
        plain(grade or numbers.MISSING),
    )


def scenarios(result: StudyResult) -> Table | None:
    """Return the scenarios: what is seen of each at the end, and what it weighs."""
    study = result.scenarios
    if study.dates.empty:
        return None
    day = study.dates["date"].max()
    now = study.dates[study.dates["date"] == day]
    seen = {row["scenario"]: row for row in tables.records(now)}
    rows = []
    for one in result.thesis.scenarios:
        state = seen[one.id]
        counts = (("met", MET), ("unmet", UNMET), ("unseen", UNSEEN))
        about = ", ".join(f"{state[key]} {word}" for key, word in counts if state[key])
        name = f"{stress_figures.letter(result, one.id)}: {one.title}"
        rows.append(
            (
                plain(name, sub=" ".join(one.note.split())),
                plain(words.label(state["status"]), sub=about),
                plain(numbers.percent(study.weights[one.id], 0)),
            )
        )
    return Table(
        id="scenarios",
        caption=f"Scenarios on {numbers.day(day)}: what is seen of each.",
        columns=(
            Column(label="Scenario", align="left", wide=True),
            Column(label="Seen", align="left"),
            Column(label="Weight"),
        ),
        rows=tuple(rows),
        note="A scenario holds when all its states are met, does not hold when one is "
        "not, and is open when what can be seen is met and the rest cannot.",
    )


def effects(result: StudyResult) -> Table | None:
    """Return what the scenarios do to each layer, and what their weights decide."""
    study = result.scenarios
    if study.layers.empty:
        return None
    ids = list(study.effects.index)
    shown = ids if len(ids) <= MOST_SHOWN else []
    rows = []
    for row in tables.records(study.layers):
        single = study.effects[row["subject"]].tolist()[: len(shown)]
        rows.append(
            (
                plain(words.label(row["subject"].replace("_", " "))),
                *map(_effect, single),
                _effect(row["weighted"]),
                plain(numbers.interval(row["low"], row["high"], _signed)),
                plain(
                    numbers.interval(row["without_low"], row["without_high"], _signed)
                ),
            )
        )
    equal = all(one.weight is None for one in result.thesis.scenarios)
    weights = "equal: none are given" if equal else "the thesis's"
    return Table(
        id="scenario-effects",
        caption="What the scenarios do to each layer, and what their weights decide. "
        "Assumptions, not findings.",
        columns=(
            Column(label="Layer or basket", align="left", wide=True),
            *(Column(label=stress_figures.letter(result, one)) for one in shown),
            Column(label="Weighted"),
            Column(label="Any weights"),
            Column(label="One left out"),
        ),
        rows=tuple(rows),
        note=_WEIGHED.format(weights=weights).replace("-1", f"{numbers.MINUS}1"),
    )


def _effect(value: float) -> Cell:
    if value == 0.0:
        return plain("0", "muted")
    return number(value, _signed)


def _signed(value: float) -> str:
    text = numbers.decimal(value, 2, signed=True)
    return text.rstrip("0").rstrip(".") if "." in text else text


def unseen(result: StudyResult) -> str:
    """Return which series are missing, as a sentence; "" where none is."""
    table = result.scenarios.states
    if table.empty:
        return ""
    last = table[(table["date"] == table["date"].max()) & (table["status"] == UNSEEN)]
    why = [str(one).replace("_", " ") for one in dict.fromkeys(last["why"])]
    return f"Not observable at the end: {'; '.join(why)}." if why else ""
