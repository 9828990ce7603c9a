"""``make bench``: what a run costs, as ratios to a named peer in the same minutes.

1. ``assay --help`` against a bare ``python -c pass``.
2. The flagship on the sample world, cold process to both reports, against a cold
   process that imports quantstats and writes its HTML report for the same returns and
   benchmark. quantstats lives in an environment of its own, made on the first call.
"""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import tempfile
import venv
from itertools import pairwise
from pathlib import Path

from measure import in_turn, table

HERE = Path(__file__).resolve().parent
THESIS = HERE.parent / "examples" / "open_weights.toml"
PEER = HERE / ".venv-quantstats"
PEER_PACKAGES = ["quantstats==0.0.86"]
BANNED = ("pandas", "numpy", "cvxpy")
PATHS = ("barbell", "SPY")


def peer_python() -> str:
    """Return the interpreter of the peer's environment, made where it is missing."""
    python = PEER / "bin" / "python"
    if not (PEER / ".ready").exists():
        print("making the peer's environment (about a minute) ...", flush=True)
        venv.create(PEER, with_pip=True, clear=True)
        subprocess.run(
            [python, "-m", "pip", "install", "-qq", *PEER_PACKAGES], check=True
        )
        (PEER / ".ready").touch()
    return str(python)


def help_text(env: dict[str, str]) -> None:
    """Time ``assay --help`` and name what it imports that it must not."""
    assay = str(Path(sys.executable).with_name("assay"))
    cost = in_turn(
        {"assay": [assay, "--help"], "bare": [sys.executable, "-c", "pass"]},
        runs=15,
        env=env,
    )
    ratio = cost["assay"].seconds / cost["bare"].seconds
    trace = subprocess.run(
        [sys.executable, "-X", "importtime", assay, "--help"],
        capture_output=True,
        text=True,
        check=True,
    ).stderr
    loaded = {line.split("|")[-1].strip() for line in trace.splitlines()}
    heavy = [name for name in BANNED if name in loaded]
    table(
        "assay --help",
        [
            ("command", "seconds", "ratio"),
            ("python -c pass", f"{cost['bare'].seconds:.3f}", "1.0"),
            ("assay --help", f"{cost['assay'].seconds:.3f}", f"{ratio:.1f}"),
        ],
    )
    print(f"  allowed: 8.0; imports of pandas, numpy, cvxpy: {heavy or 'none'}")


def returns_of(run: Path, target: Path) -> int:
    """Write the barbell's and SPY's returns of a run as CSV; return how many."""
    with (run / "tables" / "nav.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    with target.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["session", *PATHS])
        for before, now in pairwise(rows):
            moves = [float(now[name]) / float(before[name]) - 1.0 for name in PATHS]
            writer.writerow([now["session"], *moves])
    return len(rows) - 1


def flagship(env: dict[str, str]) -> None:
    """Time the flagship against quantstats on the same returns.

    This process stays small: a child's peak memory counts from its parent's.
    """
    assay = str(Path(sys.executable).with_name("assay"))
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        subprocess.run(
            [assay, "run", str(THESIS), "--out", str(work / "warm")],
            check=True,
            capture_output=True,
            env=env,
        )
        count = returns_of(work / "warm", work / "returns.csv")
        commands = {
            "assay": [
                "sh",
                "-c",
                f'exec "$0" run {THESIS} --out {work}/run-$$',
                assay,
            ],
            "quantstats": [
                peer_python(),
                str(HERE / "quantstats_report.py"),
                str(work / "returns.csv"),
                str(work / "peer.html"),
            ],
        }
        cost = in_turn(commands, runs=5, env=env)
        phases = subprocess.run(
            [sys.executable, str(HERE / "phases.py"), str(THESIS), str(work / "ph")],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            env=env,
        ).stdout
    ratio = cost["assay"].seconds / cost["quantstats"].seconds
    table(
        f"The flagship, cold process to report.html and report.pdf "
        f"({count} returns; caches warm)",
        [
            ("command", "seconds", "ratio", "peak MB"),
            *(
                (
                    name,
                    f"{one.seconds:.2f}",
                    f"{one.seconds / cost['quantstats'].seconds:.2f}",
                    f"{one.megabytes:.0f}",
                )
                for name, one in cost.items()
            ),
        ],
    )
    print(f"  allowed: ratio 2.00 and 800 MB; measured {ratio:.2f}")
    rows = [line.split("\t") for line in phases.splitlines()]
    total = sum(float(seconds) for _, seconds in rows)
    table(
        "Where the time goes",
        [
            ("phase", "seconds", "share"),
            *(
                (name, seconds, f"{float(seconds) / total:.0%}")
                for name, seconds in rows
            ),
        ],
    )


if __name__ == "__main__":
    quiet = dict(os.environ) | {"OMP_NUM_THREADS": "2"}
    help_text(quiet)
    flagship(quiet)
