"""Who asks for no random barbells never pays for loading the compiled ledger."""

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
assert result.luck.ranking is None
assert not result.luck.note
assert len(result.backtest.trades) > 0
assert "numba" not in sys.modules, "running a study"
"""


def test_neither_imports_nor_a_study_load_numba(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    text = (root / "examples" / "minimal.toml").read_text()
    thesis = tmp_path / "quiet.toml"
    thesis.write_text(text.replace("[thesis]", "[thesis]\nrandom_barbells = 0", 1))
    done = subprocess.run(
        [sys.executable, "-c", STUDY, str(thesis)],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
