"""From when a register lets a thesis and its claims count."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from engine.errors import RegisterError, UsageError
from engine.runs.register import (
    FORM,
    NO_REGISTER,
    REGISTER,
    Entry,
    Register,
    read_register,
)
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
    text: str,
    as_of: dt.date | None = None,
) -> Registration | None:
    """Return what a register says of a thesis, None where it does not hold it.

    `text` is the hash of the thesis's text, by which claims keep the date of an entry
    of form 1. Only entries made by the end of `as_of` (UTC) count. Raises
    `RegisterError` for a broken register, and `UsageError` where the thesis file is
    registered under another id.
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
    said = [in_this_form(one, own, now, text) for one in own]
    return Registration(
        file=str(register),
        head=known.head,
        entries=len(known.entries),
        first=f"{own[0].moment:%Y-%m-%dT%H:%M:%SZ}",
        whole=_first(own, [one.settings == now.settings for one in own]),
        claims={
            claim: _first(own, [sha in one.values() for one in said])
            for claim, sha in now.claims.items()
        },
        declared=thesis.about.declared,
        claims_declared={claim.id: claim.declared for claim in thesis.claims},
        withdrawn=_withdrawn(said, now),
        versions=_versions(said, now),
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


def in_this_form(
    entry: Entry, own: Sequence[Entry], now: Hashes, text: str
) -> Mapping[str, str]:
    """Return an entry's claims with the hashes of today's form.

    Form 1 left out some of what a verdict depends on. A claim of it is known to be the
    same only where all of the thesis's text is: as an entry of the later form has it,
    or as the file (`text`) has it now. Any other keeps its old hash, which no claim of
    today has.
    """
    if entry.form == FORM:
        return entry.claims
    held = dict(entry.claims)
    same = [
        (one.form1, one.claims)
        for one in own
        if one.form > 1 and _alike(entry, one.text_sha256, one.settings)
    ]
    if _alike(entry, text, now.settings):
        same.append((now.form1, now.claims))
    for old, new in same:
        held |= {
            claim: new[claim]
            for claim, sha in entry.claims.items()
            if claim in new and old.get(claim) == sha
        }
    return held


def _alike(entry: Entry, text: str, settings: str) -> bool:
    return (entry.text_sha256, entry.settings) == (text, settings)


def _first(own: Sequence[Entry], holds: Sequence[bool]) -> dt.date | None:
    """Return from when the first entry that holds something counts."""
    found = (one.counts_from for one, held in zip(own, holds, strict=True) if held)
    return next(found, None)


def _withdrawn(said: Sequence[Mapping[str, str]], now: Hashes) -> tuple[str, ...]:
    """Return the ids of claims that were registered, and are not made in any form."""
    made = {*now.claims.values(), *now.form1.values()}
    ids = {
        claim: sha
        for one in said
        for claim, sha in one.items()
        if claim not in now.claims
    }
    return tuple(sorted(claim for claim, sha in ids.items() if sha not in made))


def _versions(said: Sequence[Mapping[str, str]], now: Hashes) -> dict[str, int]:
    """Return how many versions of each claim were registered, where several were."""
    counts = {
        claim: len({one[claim] for one in said if claim in one}) for claim in now.claims
    }
    return {claim: count for claim, count in counts.items() if count > 1}
