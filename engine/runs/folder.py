"""A run folder appears whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import RunError, TakenError

#: How often Ctrl-C may interrupt the removal of what is unfinished.
_PATIENCE = 20


@contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `target`; move it there if nothing failed.

    Raises `TakenError` if `target` exists, now or when it would be moved there, and
    `RunError` if it cannot be written. Whatever ends the block early, Ctrl-C included,
    the temporary folder and the parents made for it are removed.
    """
    check_target(target)
    made = [parent for parent in target.parents if not parent.exists()]
    # known before it is made, so that no signal can come between making and removing
    work = target.parent / f".{target.name[:40]}-{secrets.token_hex(4)}"
    try:
        try:
            work.mkdir(parents=True)
        except OSError as error:
            raise RunError(
                f"{target.parent}: cannot be written ({error.strerror}); "
                "name another folder with --out"
            ) from error
        yield work
        _move(work, target)
    except OSError as error:
        raise RunError(
            f"{target}: cannot be written ({error.strerror or error}); "
            "nothing of it was kept"
        ) from error
    finally:
        _remove(work, made)


def check_target(target: Path) -> None:
    """Raise `TakenError` if `target` exists, `RunError` if it cannot be made."""
    try:
        if target.exists() or target.is_symlink():
            raise TakenError(
                f"{target}: exists already; name another folder with --out or remove it"
            )
        parent = next(parent for parent in target.parents if parent.exists())
    except OSError as error:  # too long
        raise RunError(
            f"{str(target)!r}: cannot name a folder ({error.strerror}); change --out"
        ) from error
    if not target.name.isprintable():
        raise RunError(f"{str(target)!r}: cannot name a folder; change --out")
    if not parent.is_dir():
        raise RunError(f"{parent}: is a file, not a folder; change --out")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise RunError(f"{parent}: cannot be written; change --out")


def _move(work: Path, target: Path) -> None:
    """Rename `work` to `target` without replacing anything that appeared meanwhile."""
    try:
        if target.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        work.rename(target)
    except OSError as error:
        if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
            raise
        raise TakenError(
            f"{target}: appeared while the run was computed, and was not replaced; "
            "name another folder with --out"
        ) from error


def _remove(work: Path, made: list[Path]) -> None:
    """Remove what is unfinished, however impatiently it is interrupted."""
    for _ in range(_PATIENCE):
        with contextlib.suppress(KeyboardInterrupt):
            shutil.rmtree(work, ignore_errors=True)
            for parent in made:
                with contextlib.suppress(OSError):  # it holds something
                    parent.rmdir()
            return
