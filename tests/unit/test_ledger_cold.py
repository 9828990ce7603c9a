"""A study never pays for loading the compiled ledger."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

STUDY = """
import sys
import engine
import engine.ledger.batch
assert "numba" not in sys.modules, "importing it"
result = engine.run(sys.argv[1])
assert len(result.backtest.trades) > 0
assert "numba" not in sys.modules, "running a study"
"""


def test_neither_imports_nor_a_study_load_numba() -> None:
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", STUDY, str(root / "examples" / "minimal.toml")],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
