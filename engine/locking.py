"""Waiting for a file's lock, which the system releases when its holder ends (POSIX)."""

from __future__ import annotations

import fcntl
import time

from engine.errors import AssayError

_PAUSE_SECONDS = 0.005


def wait_for_lock(handle: int, *, patience_seconds: float, late: AssayError) -> None:
    """Return once the open file's exclusive lock is held.

    Raises `late` where another process keeps it for longer than `patience_seconds`,
    and `OSError` where the file cannot be locked.
    """
    last = time.monotonic() + patience_seconds
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= last:
                raise late from None
            time.sleep(_PAUSE_SECONDS)
        else:
            return
