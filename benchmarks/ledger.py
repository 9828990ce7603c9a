"""What the ledger costs, as ratios to vectorbt and bt in the same minutes.

Results are first checked equal. Both are timed warm, in their own processes, from
arrays of prices and target weights to the path of NAV; what the ledger takes to lay a
market out (its tape, once per market) is printed beside it.

    python benchmarks/ledger.py [--quick]

The peers live in an environment of their own, made on the first call; where they
cannot be installed the ledger's own times are printed without ratios. ``--quick``
leaves out what takes minutes: bt at full size and vectorbt's thousand schedules.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from ledger_markets import full_tape, paths, plain_tape
from measure import table

from engine.ledger.batch import simulate_schedules
from engine.ledger.simulate import fixed, play
from engine.ledger.tape import Tape

HERE = Path(__file__).resolve().parent
PEERS = HERE / ".venv-peers"
PACKAGES = ["vectorbt==1.2.0", "bt==1.4.1"]
COST = 0.001
EQUAL = 1e-9
SCHEDULES = 1000
#: Schedules that vectorbt plays at once: all of them take 7 GB.
AT_ONCE = 250
Peer = dict[str, float]


def peer_python() -> str | None:
    """Return the interpreter of the peers' environment, made where it is missing."""
    python = PEERS / "bin" / "python"
    if (PEERS / ".ready").exists():
        return str(python)
    print("making the peers' environment (about two minutes) ...", flush=True)
    try:
        venv.create(PEERS, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "-qq", *PACKAGES], check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"SKIPPED the peers: {' and '.join(PACKAGES)} do not install ({error})")
        return None
    (PEERS / ".ready").touch()
    return str(python)


def peer(
    python: str | None,
    name: str,
    price: np.ndarray,
    rows: np.ndarray,
    weights: np.ndarray,
    *,
    cost: float = COST,
    runs: int = 3,
) -> Peer | None:
    """Return what a peer took and found, or None without peers."""
    if python is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "input.npz"
        np.savez(source, price=price, rows=rows, weights=weights, cost=cost)
        said = subprocess.run(
            [python, str(HERE / "ledger_peers.py"), name, str(source), str(runs)],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    told: Peer = json.loads(said.strip().splitlines()[-1])
    return told


def median_seconds(work: Callable[[], object], runs: int = 7) -> float:
    """Return the median wall time of several calls after one that is not counted."""
    taken = []
    for _ in range(runs + 1):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken[1:])


def drawn(
    rng: np.random.Generator, price: np.ndarray, every: int, schedules: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Return rows that trade, and weights (S, D, N) that leave 5 % in cash."""
    rows = np.arange(1, len(price), every)
    weights = rng.dirichlet(np.ones(price.shape[1]), (schedules, len(rows)))
    return rows, 0.95 * weights


def decided(tape: Tape, rows: np.ndarray) -> pd.DatetimeIndex:
    """Return the decisions that trade at `rows`: each at the close before."""
    return pd.DatetimeIndex(tape.days[rows - 1])


def check_equal(what: str, ours: np.ndarray, told: Peer | None) -> float:
    """Return how far final NAVs are apart; stop the benchmark if they differ."""
    if told is None:
        return float("nan")
    theirs = np.array(told["final"])
    apart = float(np.abs(ours[: len(theirs)] / theirs - 1.0).max())
    if not apart <= EQUAL:
        sys.exit(f"{what}: final NAVs are {apart:.1e} apart; {EQUAL:.0e} is allowed")
    return apart


def ratio(told: Peer | None, seconds: float) -> str:
    return "-" if told is None else f"{told['seconds'] / seconds:,.0f}x"


def shown(told: Peer | None) -> str:
    return "-" if told is None else f"{told['seconds'] * 1e3:,.1f} ms"


def single(python: str | None) -> Peer | None:
    """Time one schedule with proportional costs; return vectorbt's large monthly."""
    rng = np.random.default_rng(20260706)
    lines = [("ledger, 10 bps", "ours", "vectorbt", "ratio", "apart", "tape, once")]
    large = None
    for assets, sessions in ((30, 630), (500, 5040)):
        price = paths(rng, sessions, assets)
        start = time.perf_counter()
        tape = plain_tape(price)
        laid = time.perf_counter() - start
        for word, every in (("monthly", 21), ("daily", 1)):
            rows, weights = drawn(rng, price, every)
            at = decided(tape, rows)
            told = peer(python, "vectorbt", price, rows, weights)
            found = simulate_schedules(tape, weights, at)
            what = f"{assets} x {sessions:,} {word}"
            apart = check_equal(what, found.nav[:, -1], told)
            ours = median_seconds(
                lambda t=tape, w=weights, a=at: simulate_schedules(t, w, a)
            )
            lines.append(
                (what, f"{ours * 1e3:.2f} ms", shown(told), ratio(told, ours),
                 f"{apart:.0e}", f"{laid * 1e3:.0f} ms")
            )  # fmt: skip
            if (assets, word) == (500, "monthly"):
                large = told
    table("One schedule, proportional costs", lines)
    print("  asked for: 500 x 5,040 monthly at least 200x")
    return large


def against_bt(python: str | None, *, quick: bool) -> None:
    """Time bt once, after its result without costs has been checked equal."""
    rng = np.random.default_rng(7)
    assets, sessions = (30, 630) if quick else (500, 5040)
    price = paths(rng, sessions, assets)
    rows, weights = drawn(rng, price, 21)
    tape = plain_tape(price)
    small = price[:630, :30]
    few, own = drawn(rng, small, 21)
    free = peer(python, "bt", small, few, own, cost=0.0, runs=0)
    bare = simulate_schedules(_free(small), own, decided(_free(small), few))
    apart = check_equal("bt without costs", bare.nav[:, -1], free)
    told = peer(python, "bt", price, rows, weights, runs=0)
    at = decided(tape, rows)
    ours = median_seconds(lambda: simulate_schedules(tape, weights, at))
    table(
        "bt, one run",
        [
            ("ledger, 10 bps", "ours", "bt", "ratio", "apart, free of cost"),
            (f"{assets} x {sessions:,} monthly", f"{ours * 1e3:.2f} ms", shown(told),
             ratio(told, ours), f"{apart:.0e}"),
        ],
    )  # fmt: skip
    print("  asked for: 500 x 5,040 at least 2,000x; bt charges its fee in another way")
    print("  (up to 3e-4 of NAV), so equality is checked without costs")


def _free(price: np.ndarray) -> Tape:
    """Return a plain tape without costs."""
    return replace(plain_tape(price), slippage=0.0)


def everything(large: Peer | None) -> None:
    """Time the ledger with every feature on, against vectorbt's proportional costs."""
    rng = np.random.default_rng(11)
    start = time.perf_counter()
    tape = full_tape(rng, 5040, 500)
    laid = time.perf_counter() - start
    rows = np.arange(1, 5040, 21)
    weights = 0.95 * rng.dirichlet(np.ones(500), (1, len(rows)))
    shorts = (rng.random(weights.shape) < 0.05) & tape.rules.short.all(axis=0)
    weights = np.where(shorts, -weights, weights)
    at = decided(tape, rows)
    found = simulate_schedules(tape, weights, at)
    told = {
        at_: pd.Series(one, index=tape.symbols)
        for at_, one in zip(at, weights[0], strict=True)
    }
    start = time.perf_counter()
    twin = play(tape, name="twin", decide_at=at, policy=fixed(told))
    readable = time.perf_counter() - start
    apart = float(np.abs(found.nav[0] / twin.nav.to_numpy() - 1.0).max())
    if not apart <= 1e-12:
        sys.exit(f"the compiled ledger is {apart:.1e} from the readable one")
    ours = median_seconds(lambda: simulate_schedules(tape, weights, at))
    table(
        f"Every feature on: 500 x 5,040 monthly, five exchanges ({len(twin.trades):,} "
        f"trades, {len(twin.actions):,} dividends and splits)",
        [
            ("", "seconds", "vectorbt, 10 bps only", "ratio", "apart"),
            (
                "compiled",
                f"{ours:.4f}",
                shown(large),
                ratio(large, ours),
                f"{apart:.0e}",
            ),
            ("readable", f"{readable:.2f}", "", "", ""),
            ("(tape, once)", f"{laid:.2f}", "", "", ""),
        ],
    )
    print(
        "  asked for: at least 50x; apart is from the readable ledger. The account has"
    )
    print(
        "  100 million: at ten times that, orders wait at their limit of participation"
    )
    print("  on most days, and the time doubles.")


def sweep(python: str | None, *, quick: bool) -> None:
    """Time a thousand schedules, ours in a process of its own for its memory."""
    said = subprocess.run(
        [sys.executable, str(Path(__file__)), "--sweep"],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    own = json.loads(said)
    price, rows, weights = thousand()
    told = None
    if not quick:
        parts = [weights[low : low + AT_ONCE] for low in range(0, SCHEDULES, AT_ONCE)]
        told = peer(python, "vectorbt", price, rows, parts[0], runs=1)
        check_equal("1,000 schedules", np.array(own["final"]), told)
    whole = None if told is None else told | {"seconds": told["seconds"] * len(parts)}
    theirs = ["-", "-"]
    if told is not None and whole is not None:
        theirs = [f"{whole['seconds']:.1f}", f"{told['megabytes']:.0f}"]
    table(
        f"{SCHEDULES:,} schedules x 30 x 2,520 monthly, 10 bps",
        [
            ("", "seconds", "peak MB"),
            ("ours", f"{own['seconds']:.4f}", f"{own['megabytes']:.0f}"),
            (f"vectorbt, {AT_ONCE} at once", *theirs),
            ("ratio", ratio(whole, own["seconds"]), ""),
        ],
    )  # fmt: skip
    print("  asked for: at least 400x and under 1,000 MB")


def thousand() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return prices, rows and weights of the sweep."""
    rng = np.random.default_rng(3)
    price = paths(rng, 2520, 30)
    return price, *drawn(rng, price, 21, SCHEDULES)


def own_sweep() -> None:
    """Print what the sweep takes in this process, as JSON."""
    price, rows, weights = thousand()
    tape = plain_tape(price)
    at = decided(tape, rows)
    seconds = median_seconds(lambda: simulate_schedules(tape, weights, at))
    final = simulate_schedules(tape, weights, at).nav[:, -1]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "final": final.tolist(), "megabytes": peak}))


def main(arguments: list[str]) -> None:
    """Print every table."""
    if "--sweep" in arguments:
        own_sweep()
        return
    quick, python = "--quick" in arguments, peer_python()
    sweep(python, quick=quick)  # first: a child's peak counts from its parent's
    large = single(python)
    everything(large)
    against_bt(python, quick=quick)


if __name__ == "__main__":
    main(sys.argv[1:])
