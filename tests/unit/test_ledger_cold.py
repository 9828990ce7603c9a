"""Who does not need the compiled ledger does not load it; who does, is told."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from engine.ledger import compiled
from engine.ledger.compiled import is_compiled

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


def test_neither_imports_nor_a_study_without_use_for_it_load_numba(
    tmp_path: Path,
) -> None:
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


NOWHERE = """
from pathlib import Path
import numba
from numba.core import caching
chosen = [caching.UserProvidedCacheLocator]
caching.CacheImpl._locator_classes = chosen  # neither the package nor a home to write
try:
    import engine.ledger.kernel
    raise AssertionError("numba has found a place")
except RuntimeError:
    pass
from engine.ledger.compiled import load
folder = Path(load("kernel").run_windows.stats.cache_path)
assert folder.is_dir()
print(folder)
"""


def test_where_nothing_can_be_kept_a_folder_of_the_process_is_used() -> None:
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", NOWHERE],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
        env={
            name: value
            for name, value in os.environ.items()
            if name != "NUMBA_CACHE_DIR"
        },
    )
    assert done.returncode == 0, done.stderr
    folder = Path(done.stdout.strip())
    assert folder.parent.name.startswith("assay-ledger-")
    assert not folder.parent.exists()


class Walk:
    """What `is_compiled` asks of a function that numba has made."""

    __name__ = "run_windows"

    def __init__(self, folder: Path, signatures: tuple[str, ...] = ()) -> None:
        self.stats = SimpleNamespace(cache_path=str(folder))
        self.signatures = signatures


def test_a_walk_is_compiled_if_its_index_is_not_older_than_its_source(
    tmp_path: Path,
) -> None:
    source = tmp_path / "kernel.py"
    source.touch()
    assert not is_compiled(Walk(tmp_path), source)
    assert is_compiled(Walk(tmp_path, ("loaded",)), source)
    (tmp_path / "kernel.run_all-12.py311.nbi").touch()
    assert not is_compiled(Walk(tmp_path), source)
    index = tmp_path / "kernel.run_windows-12.py311.nbi"
    index.touch()
    assert is_compiled(Walk(tmp_path), source)
    os.utime(source, (index.stat().st_mtime + 60.0,) * 2)
    assert not is_compiled(Walk(tmp_path), source)


def test_compiling_is_announced_once(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    for found in (False, True):
        monkeypatch.setattr(
            compiled, "is_compiled", lambda walk, source, found=found: found
        )
        compiled.announce_compiling(said.append, "run_windows")
    assert said == ["compiling the ledger (once)"]
