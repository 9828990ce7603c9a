"""One writer at a time, and files that appear whole or not at all (POSIX)."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import DataError
from engine.locking import wait_for_lock

#: How the name of an unfinished file ends; whoever holds the lock may remove it.
UNFINISHED = ".part"
_LOCK = ".lock"


@contextmanager
def only_writer(folder: Path, *, patience_seconds: float) -> Iterator[None]:
    """Hold the folder's lock: other writers wait, readers do not.

    The folder is made where it is missing. The lock belongs to the open file: the
    system releases it when a process ends, however it ends.

    Raises
    ------
    DataError
        The folder cannot be made or written, or another process kept the lock for
        longer than `patience_seconds`.
    """
    try:
        _make(folder)
        handle = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise not_written(folder, error) from error
    late = DataError(
        f"{folder}: another process has been writing for more than "
        f"{patience_seconds:g} s; let it finish or end it, then repeat"
    )
    try:
        try:
            wait_for_lock(handle, patience_seconds=patience_seconds, late=late)
        except OSError as error:
            raise not_written(folder, error) from error
        yield
    finally:
        os.close(handle)


def place(folder: Path, name: str, content: bytes) -> Path:
    """Write a new file under a temporary name, move it into place, and return it.

    File and folder are synchronised with the disk before the function returns. What
    ends it early leaves at most a file whose name ends in ``.part``.
    """
    unfinished = folder / f"{secrets.token_hex(8)}{UNFINISHED}"
    target = folder / name
    try:
        try:
            with unfinished.open("xb") as out:
                out.write(content)
                out.flush()
                os.fsync(out.fileno())
            os.replace(unfinished, target)
        except BaseException:
            with contextlib.suppress(OSError):
                unfinished.unlink(missing_ok=True)
            raise
        synchronise(folder)
    except OSError as error:
        raise not_written(folder, error) from error
    return target


def synchronise(folder: Path) -> None:
    """Make the folder's list of names survive a loss of power."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def not_written(place: Path, error: OSError) -> DataError:
    """Return the error that says why a place cannot be written, and what to do."""
    todo = (
        "free some space and repeat"
        if error.errno in (errno.ENOSPC, errno.EDQUOT)
        else "allow writing there, or name another folder with ASSAY_HOME"
    )
    return DataError(
        f"{place}: cannot be written ({error.strerror or error}); what was stored "
        f"before is whole; {todo}"
    )


def _make(folder: Path) -> None:
    """Make the folder and its parents, each known to the disk."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for made in missing:
        synchronise(made.parent)
