"""The peers' job: play target weights on prices, say how long it took.

    python ledger_peers.py vectorbt|bt INPUT.npz RUNS

Runs in an environment of its own (see ``benchmarks/ledger.py``). INPUT holds ``price``
(T, N), ``rows`` (D,) the rows that trade, ``weights`` (S, D, N) and ``cost``. Prints
one JSON line: median seconds of a warm run, final NAVs of the first schedules, peak MB.
"""

from __future__ import annotations

import json
import resource
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
import pandas as pd

CAPITAL = 1e6


def vectorbt_of(
    price: np.ndarray, rows: np.ndarray, weights: np.ndarray, cost: float
) -> Callable[[], np.ndarray]:
    """Return a call that gives the NAVs (S, T): target percent, one group each."""
    import vectorbt as vbt

    schedules, _, assets = weights.shape
    size = np.full((len(price), schedules * assets), np.nan)
    size[rows] = weights.transpose(1, 0, 2).reshape(len(rows), -1)
    close = pd.DataFrame(np.tile(price, schedules))
    groups = np.repeat(np.arange(schedules), assets)

    def play() -> np.ndarray:
        account = vbt.Portfolio.from_orders(
            close,
            size=size,
            size_type="targetpercent",
            group_by=groups,
            cash_sharing=True,
            call_seq="auto",
            fees=cost,
            init_cash=CAPITAL,
            freq="1D",
        )
        value = account.value()
        return np.asarray(value).reshape(len(price), -1).T

    return play


def bt_of(
    price: np.ndarray, rows: np.ndarray, weights: np.ndarray, cost: float
) -> Callable[[], np.ndarray]:
    """Return a call that gives the NAV (1, T) of the first schedule."""
    import bt

    days = pd.bdate_range("2005-01-03", periods=len(price))
    names = [f"A{number}" for number in range(price.shape[1])]
    close = pd.DataFrame(price, index=days, columns=names)
    target = pd.DataFrame(weights[0], index=days[rows], columns=names)

    def play() -> np.ndarray:
        strategy = bt.Strategy(
            "peer",
            [
                bt.algos.RunOnDate(*target.index),
                bt.algos.SelectAll(),
                bt.algos.WeighTarget(target),
                bt.algos.Rebalance(),
            ],
        )
        test = bt.Backtest(
            strategy,
            close,
            initial_capital=CAPITAL,
            commissions=lambda quantity, at: cost * abs(quantity * at),
            integer_positions=False,
            progress_bar=False,
        )
        test.run()
        worth: pd.Series = test.strategy.data["value"]
        return worth.to_numpy()[None, -len(price) :]

    return play


def main(peer: str, source: str, runs: str) -> None:
    """Time a peer and print what it found."""
    told = np.load(source)
    make = {"vectorbt": vectorbt_of, "bt": bt_of}[peer]
    play = make(told["price"], told["rows"], told["weights"], float(told["cost"]))
    start = time.perf_counter()
    nav = play()
    taken = [time.perf_counter() - start]
    for _ in range(int(runs)):
        start = time.perf_counter()
        nav = play()
        taken.append(time.perf_counter() - start)
    warm = taken[1:] or taken
    print(
        json.dumps(
            {
                "seconds": statistics.median(warm),
                "final": nav[:50, -1].tolist(),
                "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
