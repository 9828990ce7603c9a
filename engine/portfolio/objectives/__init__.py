"""What a portfolio is chosen for: one module per objective that a thesis may name.

A module says what it estimates and after which paper, and gives `aim`. To add one,
write such a module, name it here and in ``engine/thesis/model.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from engine.portfolio.objectives import (
    equal,
    inverse_volatility,
    max_diversification,
    max_score,
    mean_variance,
    min_cvar,
    min_variance,
    risk_parity,
)
from engine.portfolio.objectives.goal import Aim, Outlook

#: Objective of the thesis file -> what it makes of the outlook at a decision.
OBJECTIVES: Mapping[str, Callable[[Outlook], Aim]] = MappingProxyType(
    {
        "mean_variance": mean_variance.aim,
        "min_variance": min_variance.aim,
        "max_score": max_score.aim,
        "risk_parity": risk_parity.aim,
        "min_cvar": min_cvar.aim,
        "max_diversification": max_diversification.aim,
        "equal": equal.aim,
        "inverse_volatility": inverse_volatility.aim,
    }
)
