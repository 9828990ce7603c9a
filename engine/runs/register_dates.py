"""From when a register lets a thesis and its claims count."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from engine.errors import RegisterError, UsageError
from engine.runs.register import NO_REGISTER, REGISTER, Entry, Register, read_register
from engine.runs.register_hashes import Hashes
from engine.thesis.model import Thesis
from engine.thesis.registration import Registration


def register_path(thesis_file: Path, named: str | Path | None) -> Path | None:
    """Return where the register of a thesis file is: beside it, unless named.

    None for the word ``"none"``: no register counts. Raises `RegisterError` where a
    named one is not there.
    """
    if named is None:
        return thesis_file.parent / REGISTER
    if str(named) == NO_REGISTER:
        return None
    if not Path(named).exists():
        raise RegisterError(
            f"--register {named}: there is no such file; `assay register THESIS "
            f"--register {named}` begins it"
        )
    return Path(named)


def registration_of(
    register: Path | None,
    thesis: Thesis,
    file: Path,
    hashes: Callable[[], Hashes],
    *,
    as_of: dt.date | None = None,
) -> Registration | None:
    """Return what a register says of a thesis, None where it does not hold it.

    Only entries made by the end of `as_of` (UTC) count. Raises `RegisterError` for a
    broken register, and `UsageError` where the thesis file is registered under another
    id.
    """
    if register is None:
        return None
    whole = read_register(register)
    check_id(whole, thesis.about.id, file)
    known = whole.until(as_of)
    own = known.of(thesis.about.id)
    if not own:
        return None
    now = hashes()
    return Registration(
        file=str(register),
        head=known.head,
        entries=len(known.entries),
        first=f"{own[0].moment:%Y-%m-%dT%H:%M:%SZ}",
        whole=_first(own, lambda one: one.settings == now.settings),
        claims={
            claim: _first(own, partial(_holds, sha))
            for claim, sha in now.claims.items()
        },
        declared=thesis.about.declared,
        claims_declared={claim.id: claim.declared for claim in thesis.claims},
        withdrawn=_withdrawn(own, now),
        versions=_versions(own, now),
        text="".join(f"{one.line}\n" for one in known.entries),
    )


def check_id(register: Register, thesis: str, file: Path) -> None:
    """Raise `UsageError` if this file stands in the register under another id only."""
    if register.of(thesis):
        return
    here = file_name(file, register.path)
    others = [one for one in register.entries if one.file == here]
    if others:
        last = others[-1]
        raise UsageError(
            f"{file}: {register.path} holds this file as the thesis {last.thesis!r} "
            f"(entry {last.number}), and its id is now {thesis!r}; give it back its "
            "id, or write a new thesis into a file of its own"
        )


def file_name(file: Path, register: Path) -> str:
    """Return a thesis file's path from its register's folder."""
    return Path(os.path.relpath(file.resolve(), register.resolve().parent)).as_posix()


def _holds(sha: str, entry: Entry) -> bool:
    return sha in entry.claims.values()


def _first(own: Sequence[Entry], holds: Callable[[Entry], bool]) -> dt.date | None:
    """Return from when the first entry that holds something counts."""
    return next((one.counts_from for one in own if holds(one)), None)


def _withdrawn(own: Sequence[Entry], now: Hashes) -> tuple[str, ...]:
    """Return the ids of claims that were registered, and are not made in any form."""
    made = set(now.claims.values())
    ids = {
        claim: sha
        for one in own
        for claim, sha in one.claims.items()
        if claim not in now.claims
    }
    return tuple(sorted(claim for claim, sha in ids.items() if sha not in made))


def _versions(own: Sequence[Entry], now: Hashes) -> dict[str, int]:
    """Return how many versions of each claim were registered, where several were."""
    counts = {
        claim: len({one.claims[claim] for one in own if claim in one.claims})
        for claim in now.claims
    }
    return {claim: count for claim, count in counts.items() if count > 1}
