"""A store as one file or folder, to keep or to carry to another machine."""

from __future__ import annotations

import contextlib
import os
import shutil
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

from engine.errors import DataError, at_most
from engine.sources.store.batches import (
    checked_bytes,
    described,
    files_in,
    is_file_of_store,
    is_intact,
    pieces,
)
from engine.sources.store.lock import UNFINISHED, not_written, place

#: The files of an archive by name, and how to read one.
Archive: TypeAlias = tuple[list[str], Callable[[str], bytes]]


def write(folder: Path, target: Path) -> Path:
    """Copy every file of a store that is needed into a new folder or ``.zip`` file.

    Raises
    ------
    DataError
        The target exists or cannot be written, or a file of the store is damaged.
    """
    if target.exists():
        raise DataError(f"{target}: exists already; name another file or folder")
    unfinished = target.with_name(target.name + UNFINISHED)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            if target.suffix == ".zip":
                _write_zip(folder, unfinished)
            else:
                unfinished.mkdir(exist_ok=True)
                for path in pieces(folder):
                    place(unfinished, path.name, checked_bytes(path))
            os.rename(unfinished, target)
        except BaseException:
            _remove(unfinished)
            raise
    except OSError as error:
        if error.filename and Path(error.filename).parent == folder:
            raise  # a file moved into a pack: the caller begins again
        raise not_written(target, error) from error
    return target


def read_into(folder: Path, archive: Path) -> None:
    """Copy the files of an archive that the store lacks.

    Every file is checked before the first is stored. The caller holds the lock.
    Raises `DataError` for an archive that is none or is damaged.
    """
    with _opened(archive) as (names, read):
        for name in names:
            content = read(name)
            if not is_intact(name, content):
                raise DataError(
                    f"{archive}: {name} is damaged; export again; nothing was imported"
                )
            described(archive / name, content)
        held = pieces(folder)
        batches = {batch.name for piece in held.values() for batch in piece.batches}
        files = {path.name for path in held}
        for name in names:
            if name not in batches and name not in files:
                place(folder, name, read(name))


@contextmanager
def _opened(archive: Path) -> Iterator[Archive]:
    """Yield the names of an archive's files, and how to read one."""
    try:
        if archive.is_dir():
            names = [path.name for path in files_in(archive)]
            _check_names(archive, names)
            yield names, lambda name: (archive / name).read_bytes()
        else:
            with zipfile.ZipFile(archive) as stored:
                names = stored.namelist()
                _check_names(archive, names)
                yield names, stored.read
    except zipfile.BadZipFile as error:
        raise DataError(
            f"{archive}: is no export of a store or is damaged ({error}); export again"
        ) from error
    except OSError as error:
        raise DataError(
            f"{archive}: cannot be read ({error.strerror}); name an export of a store"
        ) from error


def _check_names(archive: Path, names: list[str]) -> None:
    """Raise `DataError` unless there are files, all of them of a store."""
    strange = [name for name in names if not is_file_of_store(name)]
    if strange or not names:
        raise DataError(
            f"{archive}: is no export of a store: it holds "
            f"{at_most(strange) or 'no file of one'}; name another file or folder"
        )


def _write_zip(folder: Path, target: Path) -> None:
    """Write the files uncompressed (they are compressed already) and synchronise."""
    with target.open("wb") as out:
        with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
            for path in pieces(folder):
                archive.writestr(path.name, checked_bytes(path))
        out.flush()
        os.fsync(out.fileno())


def _remove(unfinished: Path) -> None:
    """Remove what is unfinished."""
    if unfinished.is_dir():
        shutil.rmtree(unfinished, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)
