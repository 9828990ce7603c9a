"""``make bench``: a walk of 120 mean-variance decisions against three libraries.

Monthly decisions over ten years, 252 sessions of returns each, long only, five layers
in [0.10, 0.30], a limit per name, a turnover of at most 0.20 from what is held. Every
library solves the same problems: same expected returns, same Ledoit-Wolf covariance,
same holdings. Their objectives are compared before any time is told. Each lives in an
environment of its own, made on the first call; one that cannot be installed is left
out, and said so.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import venv
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # one thread each, before numpy

import numpy as np
import pandas as pd
from measure import table

from engine.portfolio.choice import choose
from engine.portfolio.constraints import Budget, Limits
from engine.portfolio.objectives.goal import Aim
from engine.portfolio.objectives.mean_variance import mean_variance
from engine.portfolio.risk import estimate

HERE = Path(__file__).resolve().parent
PEERS = {
    "PyPortfolioOpt": ["PyPortfolioOpt==1.6.0", "packaging"],
    "skfolio": ["skfolio==1.12.2"],
    "Riskfolio-Lib": ["Riskfolio-Lib==7.4.0"],
}
#: Riskfolio-Lib has no limit on total turnover: it solves the problem without.
WITHOUT_TURNOVER = ("Riskfolio-Lib",)
DATES, WINDOW, PERIOD = 120, 252, 21
AVERSION, TURNOVER, LOW, HIGH = 5.0, 0.20, 0.10, 0.30
#: Assets -> (limit per name, every which decision the peers take, ratio promised).
SIZES = {30: (0.10, 1, 10.0), 500: (0.05, 12, 3.0)}
#: Two answers agree if no objective is worse by more than this share of its size.
AGREE = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Walk:
    """What was decided at each date, from what, and how long it took.

    seconds : (dates, 2) of the estimate and of the solve.
    """

    ends: np.ndarray
    held: np.ndarray
    alpha: np.ndarray
    covariance: list[np.ndarray]
    weights: np.ndarray
    seconds: np.ndarray


def world(count: int) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Return returns (T, N), scores (dates, N) and layers (N,) of a random world."""
    rng = np.random.default_rng(20260706)
    rows = WINDOW + PERIOD * DATES
    factors = 0.008 * rng.standard_normal((rows, 3)) @ rng.uniform(0.2, 1.4, (3, count))
    values = factors + rng.uniform(0.008, 0.03, count) * rng.standard_normal(
        (rows, count)
    )
    days = pd.bdate_range("2014-01-01", periods=rows, name="session").as_unit("ns")
    names = [f"A{place:03d}" for place in range(count)]
    scores = np.empty((DATES, count))
    scores[0] = rng.standard_normal(count)
    for date in range(1, DATES):
        scores[date] = 0.9 * scores[date - 1] + 0.44 * rng.standard_normal(count)
    layer = np.array([f"L{place % 5}" for place in range(count)])
    returns = pd.DataFrame(values, index=days, columns=names)
    return returns, np.tanh(scores), layer


def limits_of(layer: np.ndarray, cap: float, held: np.ndarray, turnover: float | None):
    """Return the limits of one decision."""
    count = len(layer)
    every = np.ones(count, dtype=bool)
    return Limits(
        assets=tuple(f"A{place:03d}" for place in range(count)),
        budgets=tuple(
            Budget(
                name=f"portfolio.layers.{name}",
                coefficients=(layer == name).astype(float),
                low=LOW,
                high=HIGH,
            )
            for name in np.unique(layer)
        ),
        cap=np.full(count, cap),
        short_cap=np.zeros(count),
        may_buy=every,
        may_sell=every,
        held=held,
        held_cash=1.0 - float(held.sum()),
        cash=(0.0, 0.0),
        forced=~every,
        max_turnover=turnover,
        max_weight=cap,
    )


def ours(count: int, cap: float) -> Walk:
    """Return our walk: estimate, solve, drift to the next date."""
    returns, scores, layer = world(count)
    ends = WINDOW + PERIOD * np.arange(DATES)
    held = np.full(count, 1.0 / count)
    free = np.zeros(count)
    taken, kept = [], {"held": [], "alpha": [], "covariance": [], "weights": []}
    for date, end in enumerate(ends):
        start = time.perf_counter()
        risk = estimate(returns.iloc[end - WINDOW : end], "ledoit_wolf", 60)
        middle = time.perf_counter()
        covariance = PERIOD * risk.covariance.to_numpy()
        alpha = 0.03 * np.sqrt(np.diag(covariance)) * scores[date]
        before = time.perf_counter()
        answer = choose(
            limits_of(layer, cap, held, TURNOVER),
            Aim(goal=mean_variance(alpha, covariance, AVERSION)),
            free,
            free,
            session=returns.index[end - 1],
        )
        taken.append((middle - start, time.perf_counter() - before))
        for key, value in (
            ("held", held),
            ("alpha", alpha),
            ("covariance", covariance),
            ("weights", answer.weights),
        ):
            kept[key].append(value)
        grown = (
            answer.weights * (1 + returns.iloc[end : end + PERIOD]).prod().to_numpy()
        )
        held = grown / grown.sum()
    return Walk(
        ends=ends,
        held=np.array(kept["held"]),
        alpha=np.array(kept["alpha"]),
        covariance=kept["covariance"],
        weights=np.array(kept["weights"]),
        seconds=np.array(taken),
    )


def peer_python(peer: str) -> Path | None:
    """Return the interpreter of a peer's environment, or None if it has none."""
    home = HERE / f".venv-{peer.lower()}"
    python = home / "bin" / "python"
    if not (home / ".ready").exists():
        print(f"making the environment of {peer} (a minute) ...", flush=True)
        venv.create(home, with_pip=True, clear=True)
        command = [python, "-m", "pip", "install", "-qq", *PEERS[peer]]
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        if made.returncode != 0:
            reason = made.stderr.strip().splitlines()[-1:] or ["no reason given"]
            print(f"  {peer} is left out, it cannot be installed: {reason[0]}")
            return None
        (home / ".ready").touch()
    return python


def theirs(peer: str, walk: Walk, chosen: np.ndarray, count: int, cap: float):
    """Return a peer's (seconds, weights) on the chosen dates, or None."""
    python = peer_python(peer)
    if python is None:
        return None
    returns, _, layer = world(count)
    with tempfile.TemporaryDirectory() as folder:
        problem, answer = Path(folder) / "problem.npz", Path(folder) / "answer.npz"
        np.savez(
            problem,
            returns=returns.to_numpy(),
            names=np.array(returns.columns, dtype=str),
            layer=layer,
            ends=walk.ends[chosen],
            held=walk.held[chosen],
            alpha=walk.alpha[chosen],
            covariance=np.array([walk.covariance[date] for date in chosen]),
            cap=cap,
            low=LOW,
            high=HIGH,
            turnover=TURNOVER,
        )
        script = str(HERE / "portfolio_peers.py")
        done = subprocess.run(
            [python, script, peer, problem, answer],
            capture_output=True,
            text=True,
            env=dict(os.environ) | {"OMP_NUM_THREADS": "1"},
            check=False,
        )
        if done.returncode != 0:
            reason = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
            print(f"  {peer} is left out, it failed: {reason[0]}")
            return None
        found = np.load(answer)
        return found["seconds"], found["weights"]


def agreement(
    peer: str, walk: Walk, chosen: np.ndarray, weights: np.ndarray, cap: float
) -> tuple[float, float]:
    """Return by how much the peer's objective is worse and better, at the extremes.

    As shares of the objective's size, over the chosen dates.
    """
    _, _, layer = world(walk.alpha.shape[1])
    differences = []
    for place, date in enumerate(chosen):
        goal = mean_variance(walk.alpha[date], walk.covariance[date], AVERSION)
        mine = walk.weights[date]
        if peer in WITHOUT_TURNOVER:
            free = np.zeros(len(mine))
            bound = limits_of(layer, cap, walk.held[date], None)
            aim = Aim(goal=goal)
            mine = choose(bound, aim, free, free, session=pd.Timestamp(0)).weights
        size = abs(goal.linear @ mine) + 0.5 * mine @ goal.quadratic @ mine
        short = goal.value(mine, 0.0) - goal.value(weights[place], 0.0)
        differences.append(short / size)
    return max(differences), -min(differences)


def compare(count: int) -> None:
    """Print the times of one size, once the answers agree."""
    cap, step, promised = SIZES[count]
    walk = ours(count, cap)
    chosen = np.arange(0, DATES, step)
    mine = 1e3 * np.median(walk.seconds, axis=0)
    rows = [("library", "estimate ms", "solve ms", "both ms", "x solve", "x both")]
    rows.append(("Assay", *(f"{one:.2f}" for one in (*mine, mine.sum())), "1.0", "1.0"))
    ratios, notes = [], []
    for peer in PEERS:
        found = theirs(peer, walk, chosen, count, cap)
        if found is None:
            continue
        worse, better = agreement(peer, walk, chosen, found[1], cap)
        agree = max(worse, better) <= AGREE
        notes.append(
            f"{peer}: objective at worst {worse:.1e} below, {better:.1e} above ours, "
            f"{'equal' if agree else 'NOT EQUAL: no ratio is claimed'}"
        )
        cost = 1e3 * np.median(found[0], axis=0)
        ratio = cost[1] / mine[1], cost.sum() / mine.sum()
        if agree:
            ratios.append((*ratio, peer))
        rows.append(
            (
                peer,
                *(f"{one:.2f}" for one in (*cost, cost.sum())),
                *(f"{one:.1f}" for one in ratio),
            )
        )
    table(f"One mean-variance decision, {count} assets, median of a walk", rows)
    print("  " + "\n  ".join(notes))
    if ratios:
        print(
            f"  promised: {promised:.0f} x the fastest; measured "
            f"{min(ratios)[0]:.1f} x per solve, "
            f"{min(one[1] for one in ratios):.1f} x with estimates"
        )


if __name__ == "__main__":
    for assets in [int(word) for word in sys.argv[1:]] or list(SIZES):
        compare(assets)
