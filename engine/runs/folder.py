"""A run folder appears whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import RunError


@contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `target`; move it there if nothing failed.

    Raises `RunError` if `target` exists or cannot be written. Whatever ends the block
    early, Ctrl-C included, the temporary folder is removed.
    """
    check_target(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    except OSError as error:
        raise RunError(
            f"{target.parent}: cannot be written ({error.strerror}); "
            "name another folder with --out"
        ) from error
    try:
        work.chmod(0o755)
        yield work
        _move(work, target)
    except OSError as error:
        raise RunError(f"{target}: cannot be written ({error})") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


def check_target(target: Path) -> None:
    """Raise `RunError` if `target` exists already or lies under a file."""
    if target.exists() or target.is_symlink():
        raise RunError(
            f"{target}: exists already; name another folder with --out or remove it"
        )
    for parent in target.parents:
        if parent.exists():
            if not parent.is_dir():
                raise RunError(f"{parent}: is a file, not a folder; change --out")
            if not os.access(parent, os.W_OK):
                raise RunError(f"{parent}: cannot be written; change --out")
            return


def _move(work: Path, target: Path) -> None:
    """Rename `work` to `target` without replacing anything that appeared meanwhile."""
    if target.exists():
        raise RunError(f"{target}: appeared while the run was computed; nothing lost")
    work.rename(target)
