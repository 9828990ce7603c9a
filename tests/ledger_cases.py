"""Random settings and random targets for the ledger's properties."""

from __future__ import annotations

import numpy as np
import pandas as pd

from engine.market.market import Market
from engine.thesis.model import Charge, Execution


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


def every_feature(rng: np.random.Generator, world: Market) -> Execution:
    """Return random settings with whatever the ledger can do switched on."""
    charges = (
        Charge(
            item="commission",
            markets=("XNYS", "XHKG"),
            rate=0.0005,
            minimum=float(rng.choice([0.0, 5.0, 1000.0])),
            maximum=float(rng.choice([2000.0, 1e6])),
        ),
        Charge(item="per share", markets=("XNYS",), side="sell", per_share=0.01),
    )
    currencies = list(world.currencies.fixings)
    return Execution(
        at="next_open" if rng.random() < 0.5 else "next_close",
        capital=float(rng.uniform(1e4, 1e8)),
        slippage_bps=float(rng.choice([0.0, 5.0])),
        half_spread_bps=float(rng.choice([0.0, 5.0])),
        fees="exchange",
        fx_spread_bps=float(rng.choice([0.0, 20.0])),
        cash_rate=float(rng.choice([0.0, 0.05])),
        overdraft_rate=float(rng.choice([0.0, 0.5])),
        cash_rates={one: 0.03 for one in currencies if rng.random() < 0.5},
        overdraft_rates={one: 0.1 for one in currencies if rng.random() < 0.5},
        stale_after=int(rng.integers(1, 6)),
        impact=float(rng.choice([0.0, 0.7])),
        max_participation=float(rng.choice([0.01, 0.5]))
        if rng.random() < 0.7
        else None,
        fractional=bool(rng.random() < 0.2),
        lots={symbol: int(rng.integers(1, 50)) for symbol in world.lines},
        short_margin=1.0,
        borrow_rate=float(rng.choice([0.0, 0.1])),
        sweep=bool(rng.random() < 0.7),
        delisting_return=float(rng.choice([0.0, -0.3])),
        charges=charges,
    )


def long_short_targets(
    rng: np.random.Generator, world: Market
) -> dict[pd.Timestamp, pd.Series]:
    """Return random targets, some of them short where the market may be shorted."""
    targets = random_targets(rng, world)
    shortable = np.array([one.mic in ("XNYS", "XHKG") for one in world.lines.values()])
    for day, weights in targets.items():
        signs = np.where(shortable & (rng.random(len(weights)) < 0.2), -0.3, 1.0)
        targets[day] = weights * signs
    return targets
