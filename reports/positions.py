"""Which positions the report explains, and their chains as one raw table."""

from __future__ import annotations

from dataclasses import replace
from weakref import WeakKeyDictionary

import pandas as pd

from engine.explain import explain_all
from engine.explanation import Explanation, chained
from engine.portfolio.results import Decision
from engine.study_result import StudyResult

#: How many positions the report explains.
POSITIONS = 3
_MADE: WeakKeyDictionary[StudyResult, tuple[Explanation, ...]] = WeakKeyDictionary()


def explained_decision(result: StudyResult) -> Decision | None:
    """Return the last decision that was scored and then carried out.

    Scored: some asset's score was not withheld. Carried out: a session followed. Where
    none was scored, the last one carried out; where none was, the last.
    """
    end = result.backtest.nav.index[-1]
    carried = [one for one in result.decisions if one.session < end]
    scored = [one for one in carried if was_scored(one)]
    return next(
        (some[-1] for some in (scored, carried, result.decisions) if some), None
    )


def largest(result: StudyResult) -> tuple[Explanation, ...]:
    """Return the `POSITIONS` largest target weights of that decision, explained.

    By `engine.explain`, as ``assay explain`` does; once per study. Empty where nothing
    was to be held, and for a study without its factors, which cannot read again.
    """
    decision = explained_decision(result)
    if decision is None or len(result.factors) != len(result.thesis.factors):
        return ()
    if result not in _MADE:
        targets = decision.weights[decision.weights.abs() > 0.0]
        order = targets.abs().sort_values(ascending=False, kind="stable").index
        symbols = [str(symbol) for symbol in order[:POSITIONS]]
        _MADE[result] = explain_all(result, symbols, decision.session.date())
    return _MADE[result]


def was_scored(one: Decision) -> bool:
    """Return whether any asset's score was not withheld."""
    return not bool(one.scorecard.withheld.all())


def explained(result: StudyResult) -> pd.DataFrame:
    """Return the chains of the largest positions, a row per number.

    As ``assay explain`` prints them, but with only the newest observation of each role
    and entity.
    """
    told = largest(result)
    if not told:
        return chained(())
    newest = told[0].observations  # the same for all
    newest = newest[newest["newest"].astype(bool)]
    return chained([replace(one, observations=newest) for one in told])
