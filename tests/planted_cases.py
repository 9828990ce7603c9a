"""A world for each claim test, with an effect planted in it of the size asked for.

``CASES[name](rng, effect)`` returns the evidence in which the claim `CLAIMS[name]` has
the estimand `effect`, in the unit of the test; zero is an empty claim. Everything else
is noise. The small world is that of `tests.claim_cases`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from engine.evidence.claims.context import Evidence
from tests.claim_cases import DAYS, NEWS, ROWS, closes, evidence, thesis
from tests.signal_cases import WEEKS, layers, signals

N = len(WEEKS)
WEEK = 7.0 / 365.25
YEAR = 252.0
#: Rows of ten events, 25 sessions apart: every second one is of the kind that matters.
TEN = tuple(range(130, 380, 25))
FIRMS = 24
SHARE = {"role": "share"}
CLAIMS: Mapping[str, dict[str, Any]] = {
    "demand_elasticity": {"price": "price", "quantity": "sold"},
    "event_contrast": {"long": "alpha", "short": "beta", "event": "news-2"},
    "event_dispersion": {
        "layer": "alpha",
        "window": (0, 0),
        "events": tuple(f"news-{n}" for n in range(0, 10, 2)),
        "others": tuple(f"news-{n}" for n in range(1, 10, 2)),
    },
    "event_sign": {"layer": "alpha", "event": "news-2"},
    "factor_rank_ic": {"factor": "score", "sessions": 5},
    "hedge_beta": {"layer": "alpha", **SHARE},
    "incremental_ratio": {"numerator": "profit", "denominator": "revenue"},
    "layer_spread": {"long": "alpha", "short": "beta"},
    "lead_lag": {"layer": "alpha", **SHARE},
    "rank_order": {"layers": ("alpha", "beta")},
    "saturation": SHARE,
    "sharpe_difference": {"a": "barbell", "b": "SPY"},
    "spanning_alpha": {"a": "barbell", "against": ("SPY", "SMH")},
    "trend": SHARE,
}
Case = Callable[[np.random.Generator, float], Evidence]


def claim(name: str) -> dict[str, Any]:
    """Return the claim of a test as a thesis file has it."""
    told = {"id": name, "test": name, **CLAIMS[name]}
    if name in ("event_sign", "event_contrast"):
        told |= {"scope": "event", "window": (0, 0)}
    return told


@cache
def base(name: str) -> Evidence:
    """Return the evidence of one claim on the small world, without its data."""
    rows = TEN if name == "event_dispersion" else NEWS
    return evidence(thesis(claim(name), rows=rows))


def _noise(rng: np.random.Generator, count: int = 1) -> np.ndarray:
    """Return daily returns, (count, ROWS - 1)."""
    return np.asarray(rng.normal(0.0, 0.01, (count, ROWS - 1)))


def _with_signals(name: str, told: Mapping[tuple[str, str], Any]) -> Evidence:
    given = base(name)
    return replace(given, market=replace(given.market, signals=signals(told)))


def _share(rng: np.random.Generator) -> np.ndarray:
    return np.asarray(0.3 + np.cumsum(rng.normal(0.0, 0.01, N)))


def demand_elasticity(rng: np.random.Generator, effect: float) -> Evidence:
    steps = np.where(rng.random(N) < 0.25, rng.normal(0, 0.2, N), 0.0)
    price, sold = np.cumsum(steps), np.cumsum(rng.normal(0, 0.05, N))
    told = {
        ("price", "v"): np.exp(price),
        ("sold", "v"): np.exp(sold + (effect - 1.0) * price),
    }
    return _with_signals("demand_elasticity", told)


def incremental_ratio(rng: np.random.Generator, effect: float) -> Evidence:
    revenue = 100 * np.exp(np.cumsum(rng.normal(0.03, 0.03, N)))
    growth = np.concatenate([[0.0], np.diff(revenue) / revenue[1:]])
    ratio = 0.2 + np.cumsum(effect * growth + rng.normal(0, 0.002, N))
    told = {("revenue", "co"): revenue, ("profit", "co"): ratio * revenue}
    return _with_signals("incremental_ratio", told)


def trend(rng: np.random.Generator, effect: float) -> Evidence:
    told = _share(rng) + effect * WEEK * np.arange(N)
    return _with_signals("trend", {("share", "cn"): told})


def saturation(rng: np.random.Generator, effect: float) -> Evidence:
    later = np.maximum(np.arange(N) - (N - 1) / 2.0, 0.0)
    told = _share(rng) + effect * WEEK * later
    return _with_signals("saturation", {("share", "cn"): told})


def _moved(name: str, rng: np.random.Generator, effect: float, late: int) -> Evidence:
    """Plant `effect` times the share's change, `late` sessions after its date."""
    share = _share(rng)
    (alpha,) = _noise(rng)
    rows = np.array(WEEKS[1:]) + late - 1  # the first return is that of row 1
    inside = rows < len(alpha)
    alpha[rows[inside]] += effect * np.diff(share)[inside]
    given = _with_signals(name, {("share", "cn"): share})
    return replace(given, layer_returns=layers(alpha))


def hedge_beta(rng: np.random.Generator, effect: float) -> Evidence:
    return _moved("hedge_beta", rng, effect, 0)


def lead_lag(rng: np.random.Generator, effect: float) -> Evidence:
    return _moved("lead_lag", rng, effect, 2)  # known a row later, by that close


def layer_spread(rng: np.random.Generator, effect: float) -> Evidence:
    alpha, beta = _noise(rng, 2)
    return replace(
        base("layer_spread"), layer_returns=layers(alpha + effect / YEAR, beta)
    )


def rank_order(rng: np.random.Generator, effect: float) -> Evidence:
    """Five sessions of alpha beat five of beta with probability (1 + effect) / 2."""
    alpha, beta = _noise(rng, 2)
    ahead = float(stats.norm.ppf((1.0 + effect) / 2.0)) * 0.01 * np.sqrt(10.0) / 5.0
    return replace(base("rank_order"), layer_returns=layers(alpha + ahead, beta))


def _with_paths(name: str, **told: np.ndarray) -> Evidence:
    days = DAYS[1:]
    paths = {key: pd.Series(one, index=days) for key, one in told.items()}
    return replace(base(name), returns=paths)


def sharpe_difference(rng: np.random.Generator, effect: float) -> Evidence:
    own, other = _noise(rng, 2)
    ahead = 0.01 * effect / np.sqrt(YEAR)
    return _with_paths("sharpe_difference", barbell=own + ahead, SPY=other)


def spanning_alpha(rng: np.random.Generator, effect: float) -> Evidence:
    own, one, two = _noise(rng, 3)
    mixed = own + 0.7 * one + 0.2 * two + effect / YEAR
    return _with_paths("spanning_alpha", barbell=mixed, SPY=one, SMH=two)


def _with_prices(name: str, seed: int, jumps: Mapping[int, float]) -> Evidence:
    """Move alpha's two assets by `jumps` on rows, for good."""
    prices = closes(seed)
    for symbol in ("AAA", "BBB"):
        path = np.array(prices["XNYS"][symbol])
        for row, size in jumps.items():
            path[row:] *= 1.0 + size
        prices["XNYS"][symbol] = path.tolist()
    given = base(name)
    return evidence(given.thesis, prices=prices)


def event_sign(rng: np.random.Generator, effect: float) -> Evidence:
    return _with_prices("event_sign", int(rng.integers(1 << 31)), {NEWS[2]: effect})


def event_contrast(rng: np.random.Generator, effect: float) -> Evidence:
    seed = int(rng.integers(1 << 31))
    return _with_prices("event_contrast", seed, {NEWS[2]: effect})


def event_dispersion(rng: np.random.Generator, effect: float) -> Evidence:
    """Jumps of either sign, so large that the mean size differs by `effect`."""
    error = 0.015 / np.sqrt(2.0) * np.sqrt(1.01)
    reach = np.linspace(0.0, 8.0, 801)
    folded = np.sqrt(2 / np.pi) * np.exp(-(reach**2) / 2)
    folded += reach * (1 - 2 * stats.norm.cdf(-reach)) - np.sqrt(2 / np.pi)
    size = error * float(np.interp(abs(effect), folded, reach))
    kind = TEN[::2] if effect > 0 else TEN[1::2]
    jumps = {row: size * (-1) ** place for place, row in enumerate(kind)}
    return _with_prices("event_dispersion", int(rng.integers(1 << 31)), jumps)


def factor_rank_ic(rng: np.random.Generator, effect: float) -> Evidence:
    """Scores whose rank correlation with the next five sessions is `effect`."""
    given = base("factor_rank_ic")
    view = given.market.home
    names = [f"X{n}" for n in range(FIRMS)]
    moves = rng.normal(0.0, 0.02, (len(view.price), FIRMS))
    prices = pd.DataFrame(
        100.0 * np.cumprod(1.0 + moves, axis=0), index=view.price.index, columns=names
    )
    pearson = 2.0 * np.sin(np.pi * effect / 6.0)
    value = prices.to_numpy()
    made = []
    for row in range(20, ROWS - 20, 10):
        after = value[row + 6] / value[row + 1] - 1.0
        own = (after - after.mean()) / after.std()
        noise = rng.standard_normal(FIRMS)
        told = pearson * own + np.sqrt(1.0 - pearson**2) * noise
        card = SimpleNamespace(
            score=pd.Series(told, index=names), withheld=pd.Series(False, index=names)
        )
        made.append(SimpleNamespace(session=prices.index[row], scorecard=card))
    market = SimpleNamespace(
        home=SimpleNamespace(price=prices, sessions=view.sessions),
        signals=given.market.signals,
    )
    return replace(
        given,
        market=market,  # type: ignore[arg-type]
        assets=tuple(SimpleNamespace(symbol=name) for name in names),  # type: ignore[misc]
        decisions=tuple(made),  # type: ignore[arg-type]
    )


CASES: Mapping[str, Case] = {
    case.__name__: case
    for case in (
        demand_elasticity,
        event_contrast,
        event_dispersion,
        event_sign,
        factor_rank_ic,
        hedge_beta,
        incremental_ratio,
        layer_spread,
        lead_lag,
        rank_order,
        saturation,
        sharpe_difference,
        spanning_alpha,
        trend,
    )
}
