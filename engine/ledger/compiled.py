"""Where the compiled walks come from: loaded when first needed, compiled once."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any


@cache
def load(name: str) -> Any:
    """Return the module ``kernel`` or ``kernel_plain`` of this package; loads numba.

    numba keeps what it has compiled beside the package, or in the user's cache folder
    if that cannot be written. Where neither can, it refuses to import the module; then
    a folder is made that goes with this process, and each process compiles anew.
    """
    whole = f"engine.ledger.{name}"
    try:
        return import_module(whole)
    except RuntimeError:
        import numba

        folder = tempfile.mkdtemp(prefix="assay-ledger-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        numba.config.CACHE_DIR = folder
        return import_module(whole)


def is_compiled(walk: Any, source: Path) -> bool:
    """Return whether a compiled function of a module is loaded or in numba's cache."""
    if walk.signatures:
        return True
    kept = Path(walk.stats.cache_path).glob(f"{source.stem}.{walk.__name__}-*.nbi")
    return any(one.stat().st_mtime >= source.stat().st_mtime for one in kept)


def announce_compiling(progress: Callable[[str], None], walk: str) -> None:
    """Say so if a walk of the kernel is not compiled yet: that takes a while.

    `walk` is ``run_all`` (schedules) or ``run_windows`` (windows about events).
    """
    kernel = load("kernel")
    if not is_compiled(getattr(kernel, walk), Path(kernel.__file__)):
        progress("compiling the ledger (once)")
