"""Random settings and random targets for the ledger's properties."""

from __future__ import annotations

import numpy as np
import pandas as pd

from engine.market.market import Market
from engine.thesis.model import Execution


def random_terms(rng: np.random.Generator) -> Execution:
    return Execution(
        at="next_open" if rng.random() < 0.5 else "next_close",
        capital=float(rng.uniform(10.0, 1e8)),
        slippage_bps=float(rng.choice([0.0, 5.0, 300.0])),
        fees="exchange" if rng.random() < 0.5 else "none",
        fx_spread_bps=float(rng.choice([0.0, 20.0])),
        cash_rate=float(rng.choice([0.0, 0.05])),
        overdraft_rate=float(rng.choice([0.0, 0.5])),
        stale_after=int(rng.integers(1, 6)),
    )


def random_targets(
    rng: np.random.Generator, world: Market
) -> dict[pd.Timestamp, pd.Series]:
    days = world.home.sessions.days
    chosen = days[rng.random(len(days)) < 0.4]
    symbols = list(world.lines)
    targets = {}
    for day in chosen:
        weights = rng.dirichlet(np.ones(len(symbols))) * rng.choice([0.5, 1.0])
        weights[rng.random(len(symbols)) < 0.3] = 0.0
        targets[day] = pd.Series(weights, index=symbols)
    return targets
