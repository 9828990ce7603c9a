"""Random barbells at the thesis's own decisions, for a study and for the command."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from engine.background import begin
from engine.errors import DataError, InfeasibleError
from engine.evidence.luck import Luck, luck_of
from engine.ledger.backtest import Backtest
from engine.ledger.batch import simulate_schedules
from engine.ledger.compiled import announce_compiling
from engine.ledger.random_barbells import random_schedules, unbound
from engine.portfolio.results import Decision
from engine.study_inputs import StudyInputs

#: Beside the seed of a study, so that random barbells share no draws with a bootstrap.
_RANDOM_STREAM = 500
_UNRANKED = "The barbell is not ranked among random ones"
#: Random barbells whose growth of 1 differs by less are one portfolio.
_ALIKE = 1e-4


def begin_luck(
    inputs: StudyInputs,
    decisions: Sequence[Decision],
    account: Backtest,
    *,
    progress: Callable[[str], None] = lambda step: None,
) -> Callable[[], Luck]:
    """Return what returns `study_luck`, while the random barbells trade in a thread.

    Compiled code leaves the interpreter to others; most of the time is in it.
    """
    if inputs.thesis.about.random_barbells:
        progress("trading random barbells")
        announce_compiling(progress, "run_all")
    return begin(study_luck, inputs, decisions, account)


def study_luck(
    inputs: StudyInputs, decisions: Sequence[Decision], account: Backtest
) -> Luck:
    """Return the barbell among as many random ones as the thesis asks for.

    Where none can be drawn or traded, its `note` says why: a study goes on.
    """
    count = inputs.thesis.about.random_barbells
    if not count:
        return Luck()
    if not decisions or not len(account.returns):
        return Luck(note=f"{_UNRANKED}: it decides nothing.")
    try:
        schedules = draw_schedules(inputs, decisions, count)
        return rank_schedules(inputs, decisions, account, schedules)
    except (InfeasibleError, DataError) as error:
        why = str(error).rstrip(".")
        return Luck(note=f"{_UNRANKED}: {why}.")


def without_luck(inputs: StudyInputs) -> StudyInputs:
    """Return the same study without random barbells, for who does not read them."""
    about = inputs.thesis.about.model_copy(update={"random_barbells": 0})
    thesis = inputs.thesis.model_copy(update={"about": about})
    return replace(inputs, thesis=thesis)


def draw_schedules(
    inputs: StudyInputs, decisions: Sequence[Decision], count: int
) -> np.ndarray:
    """Return the weights of random barbells (count, decisions, assets).

    They are drawn from the study's seed; the first of more draws are not those of
    fewer. Raises as `random_schedules`.
    """
    return random_schedules(
        inputs.tape,
        decisions,
        inputs.thesis,
        inputs.assessments.layer_of,
        count=count,
        rng=np.random.default_rng([inputs.thesis.about.seed, _RANDOM_STREAM]),
    )


def rank_schedules(
    inputs: StudyInputs,
    decisions: Sequence[Decision],
    account: Backtest,
    schedules: np.ndarray,
) -> Luck:
    """Return an account's place among schedules that trade on the study's tape.

    They are walked by the compiled ledger. No place, but a note, for an account that
    bought nothing and among schedules that all come to the same: a percentile would
    speak of rounding. Raises as `simulate_schedules`.
    """
    if not len(account.trades):
        return Luck(note=f"{_UNRANKED}: it bought nothing.")
    decided = pd.DatetimeIndex([one.session for one in decisions])
    batch = simulate_schedules(inputs.tape, schedules, decided)
    grown = batch.nav[:, -1] / batch.nav[:, 0]
    if float(np.ptp(grown)) < _ALIKE:
        return Luck(
            note=f"{_UNRANKED}: its limits leave room for one portfolio only, and all "
            f"{len(grown):,} are alike."
        )
    free = unbound(inputs.thesis.portfolio)
    return luck_of(account, batch, inputs.thesis.about, free)
