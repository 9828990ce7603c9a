"""The accounts of a thesis's other readings: the same budgets over other layers."""

from __future__ import annotations

from collections.abc import Mapping

from engine.errors import InfeasibleError
from engine.evidence.readings import Readings, path_differences
from engine.evidence.resampled import Resamples
from engine.ledger.backtest import Backtest
from engine.study_inputs import StudyInputs
from engine.study_paths import BARBELL, trade_barbell
from engine.thesis.readings import legs_of


def trade_readings(
    inputs: StudyInputs,
) -> tuple[dict[str, Backtest], tuple[str, ...]]:
    """Return the account of each reading, and why one could not be held.

    A reading is decided as if the thesis had been written with its legs: the same
    objective, limits, days and costs. Scores and risk are those of the barbell.
    """
    paths: dict[str, Backtest] = {}
    notes: list[str] = []
    for name in inputs.thesis.readings:
        legs = legs_of(inputs.thesis, name)
        other = inputs.thesis.model_copy(update={"barbell": legs})
        try:
            _, paths[name] = trade_barbell(inputs, name=name, thesis=other)
        except InfeasibleError as error:
            why = str(error).rstrip(".")
            notes.append(f"The reading “{name}” cannot be held: {why}.")
    return paths, tuple(notes)


def compare_readings(
    inputs: StudyInputs,
    paths: Mapping[str, Backtest],
    notes: tuple[str, ...],
    drawn: Mapping[str, Resamples],
) -> Readings:
    """Return how far the readings among all paths of a study are from its barbell.

    `drawn` are the resamples of all paths (`samples.draws_by_sample`).
    """
    names = [name for name in inputs.thesis.readings if name in paths]
    if not names:
        return Readings(notes=notes)
    returns = {name: path.returns for name, path in paths.items()}
    about = inputs.thesis.about
    table = path_differences(returns, names, about, drawn, against=BARBELL)
    return Readings(differences=table, notes=notes)
