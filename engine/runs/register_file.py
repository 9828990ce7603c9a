"""Appending to a register: one writer at a time, an entry whole or not at all."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import RegisterError
from engine.locking import wait_for_lock
from engine.runs.register import Entry, Register, parse_register, utc_now

PATIENCE_SECONDS = 30.0

#: From what is registered to the entry that should follow, or None for no new one. The
#: number, moment and hash before are filled in here.
Draft = Callable[[Register], Entry | None]


def append(
    path: Path, draft: Draft, *, patience_seconds: float = PATIENCE_SECONDS
) -> Entry | None:
    """Append the entry that `draft` makes of what stands there; return it.

    Other writers wait, readers do not. The entry is on the disk when the function
    returns. What ends it early leaves every entry before whole.

    Raises
    ------
    RegisterError
        The register is broken or cannot be written, another process kept it for
        longer than `patience_seconds`, or the clock stands before its last entry.
    """
    try:
        with _locked(path, patience_seconds) as handle:
            content = _content(handle)
            now = utc_now()
            register = _checked(content, path, now)
            drafted = draft(register)
            if drafted is None:
                return None
            entry = dataclasses.replace(
                drafted,
                number=len(register.entries) + 1,
                moment=now,
                before=register.head,
            )
            _write(handle, content, register, entry)
            return entry
    except OSError as error:
        raise _not_written(path, error) from error


def _checked(content: bytes, path: Path, now: dt.datetime) -> Register:
    """Return the register; `RegisterError` if the clock is behind its last entry."""
    # an entry ahead of the clock is told by how far, whatever clocks may differ by
    register = parse_register(content, path, now=dt.datetime.max.replace(tzinfo=dt.UTC))
    last = register.entries[-1].moment if register.entries else now
    if last > now:
        raise RegisterError(
            f"{path}: the clock says {now:%Y-%m-%d %H:%M:%S} UTC, and the last entry "
            f"was made at {last:%Y-%m-%d %H:%M:%S}; set the clock right and repeat"
        )
    return register


@contextmanager
def _locked(path: Path, patience_seconds: float) -> Iterator[int]:
    """Hold the file's lock, made where it is missing; empty it was never made.

    The lock belongs to the open file: the system releases it when a process ends,
    however it ends.
    """
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
    handle = os.open(path, flags, 0o644)
    late = RegisterError(
        f"{path}: another process has been registering for more than "
        f"{patience_seconds:g} s; let it finish or end it, then repeat"
    )
    try:
        wait_for_lock(handle, patience_seconds=patience_seconds, late=late)
        yield handle
    finally:
        os.close(handle)


def _content(handle: int) -> bytes:
    size, content = os.fstat(handle).st_size, b""
    while len(content) < size and (
        part := os.pread(handle, size - len(content), len(content))
    ):
        content += part
    return content


def _write(handle: int, content: bytes, register: Register, entry: Entry) -> None:
    """Write a line and synchronise it, or leave the file as it was."""
    start = len(content)
    if register.unfinished:
        start = content.rfind(b"\n") + 1
        os.ftruncate(handle, start)
    ended = not content[:start] or content[:start].endswith(b"\n")
    line = (b"" if ended else b"\n") + entry.line.encode("ascii") + b"\n"
    try:
        if os.write(handle, line) != len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(handle)
    except BaseException:
        with contextlib.suppress(OSError):
            os.ftruncate(handle, start)
        raise


def _not_written(path: Path, error: OSError) -> RegisterError:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    todo = "free some space and repeat" if full else "name another with --register"
    return RegisterError(
        f"{path}: the register cannot be written ({error.strerror or error}); what was "
        f"registered before is whole; {todo}"
    )
