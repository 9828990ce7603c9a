"""Mechanisms and scenarios of the fake study, computed from a few weeks of a share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from engine.evidence.scenarios import study_scenarios
from engine.evidence.stress import study_stress
from engine.market.signals import COLUMNS, Signals
from engine.study import last_scored
from engine.study_result import StudyResult
from engine.thesis.model import Mechanism, Scenario


def with_stress(result: StudyResult, words: Mapping[str, str]) -> StudyResult:
    """Return a study with two mechanisms and two scenarios; `words` are hostile."""
    said = words.get("claim", "Memory caps what can be made.")
    mechanisms = tuple(
        Mechanism.model_validate(one)
        for one in (
            {
                "id": "ceiling",
                "says": said,
                "kind": "hbm_ceiling",
                "exposure": {"memory": "+", "compute": 0.5},
                "note": said,
                "inputs": {
                    "stacks": {"value": 2e6, "unit": "a year", "source": said},
                    "stacks_per_package": {"value": 8, "source": "004", "grade": "B"},
                    "planned": {"value": 6e5, "low": 3e5, "high": 6e5, "source": "x"},
                },
            },
            {
                "id": "leg",
                "says": "A leg ends.",
                "kind": "supply_leg",
                "reads": {"role": "share", "factor": "vendor_share"},
                "exposure": {"labs": "+"},
                "inputs": {
                    "share": {"value": 0.3, "unit": "fraction", "source": "ours"}
                },
            },
        )
    )
    scenarios = tuple(
        Scenario.model_validate(one)
        for one in (
            {
                "id": "rise",
                "title": said,
                "note": said,
                "effect": {"compute": "+", "labs": -0.5},
                "states": [{"role": "share", "above": 0.5}],
            },
            {
                "id": "split",
                "title": "It splits",
                "effect": {"cloud": "-"},
                "states": [{"role": "bans", "above": 10, "says": said}],
            },
        )
    )
    thesis = result.thesis.model_copy(
        update={"mechanisms": mechanisms, "scenarios": scenarios}
    )
    market = replace(result.market, signals=_share(result))
    exposures = result.universe.exposures(list(result.backtest.weights.columns))
    scored = last_scored(result.decisions)
    return replace(
        result,
        thesis=thesis,
        stress=study_stress(thesis, market, (), exposures, scored),
        scenarios=study_scenarios(thesis, market, result.universe.layers),
    )


def _share(result: StudyResult) -> Signals:
    """A share that crosses one half in the middle of the study."""
    days = pd.DatetimeIndex(result.backtest.nav.index)[::5]
    frame = pd.DataFrame(
        {
            "series": "share",
            "entity": "cn",
            "value_date": days,
            "known_at": days + pd.Timedelta(hours=20),
            "value": np.linspace(0.2, 0.8, len(days)),
            "unit": "fraction",
            "quality": "observed",
            "source": "",
        }
    )
    return Signals(observations=frame[list(COLUMNS)])
