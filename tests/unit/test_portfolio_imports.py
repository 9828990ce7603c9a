"""What a decision of the common kind must not import: a second of every cold run."""

from __future__ import annotations

import subprocess
import sys

import pytest

DECIDE = """
import sys
import numpy as np
from engine.portfolio.choice import choose
from engine.portfolio.objectives.goal import Aim
from engine.portfolio.objectives.mean_variance import mean_variance
import engine.study
from tests.portfolio_cases import limits
import pandas as pd

case = limits(
    ["compute"] * 4 + ["cloud"] * 4,
    {"a": (("compute",), (0.2, 0.5)), "b": (("cloud",), (0.2, 0.5))},
    max_weight=0.3,
    max_turnover=0.9,
)
goal = mean_variance(np.linspace(-0.01, 0.02, 8), 0.01 * np.eye(8), 5.0)
rates = np.full(8, 0.001)
chosen = choose(case, Aim(goal=goal), rates, rates, session=pd.Timestamp("2024-01-02"))
assert chosen.solver == "piqp", chosen
print(*[name for name in HEAVY if name in sys.modules])
"""


@pytest.mark.parametrize("heavy", [["cvxpy", "clarabel", "highspy", "scipy.stats"]])
def test_a_common_decision_does_without_the_slow_libraries(heavy):
    said = subprocess.run(
        [sys.executable, "-c", f"HEAVY = {heavy!r}\n{DECIDE}"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert said.split() == []
