"""Registering a thesis: what is said now, and what was known when it was said."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from engine.app import held_lines, load_universe, read_thesis
from engine.errors import RegisterError, UsageError
from engine.runs.archive import universe_digest, versions
from engine.runs.register import (
    NO_REGISTER,
    NOTHING,
    REGISTER,
    Entry,
    Register,
    read_register,
    utc_now,
)
from engine.runs.register_changes import changes
from engine.runs.register_dates import check_id, file_name
from engine.runs.register_file import append
from engine.runs.register_hashes import hashes_of, parts_of
from engine.runs.register_tags import (
    check_taggable,
    check_tags,
    make_tag,
    tag_name,
    tagged,
)
from engine.thesis.document import Document

#: What `entries_table` says of an entry.
COLUMNS = (
    "entry",
    "moment",
    "thesis",
    "claims",
    "changes",
    "sha256",
    "tag",
    "store",
    "version",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """What was registered: the entry, whether it is new, and what it changed.

    changes : which claims are new, edited or withdrawn against the thesis's entry
    before, a line of each kind, and whether its settings are. tag : the git tag made
    for it, or nothing.
    """

    file: Path
    entry: Entry
    fresh: bool
    changes: tuple[str, ...] = ()
    tag: str = ""


def register_thesis(
    path: str | Path, *, register: str | Path | None = None, tag: bool = False
) -> Registered:
    """Register a thesis file as it now is; what stands there already stays as it is.

    Parameters
    ----------
    path : path of the thesis file.
    register : the register, made where it is missing; by default ``register.jsonl``
        beside the thesis file, so that both are committed together.
    tag : anchor the entry by an annotated git tag in the register's repository.

    Raises
    ------
    AssayError
        `ThesisError` for a thesis that is not valid, `UsageError` for a thesis file
        that is registered under another id and for a tag without a repository, and
        `RegisterError` for a register that is broken or cannot be written.
    """
    if str(register) == NO_REGISTER:
        raise UsageError(f"--register {NO_REGISTER} is no register: name a file")
    source = Path(path)
    document = read_thesis(source)
    file = Path(register) if register is not None else source.parent / REGISTER
    if tag:
        check_taggable(file.resolve().parent)
    draft = _draft(document, file)
    latest: list[Entry] = []
    if not file.exists():  # before one is made
        check_tags(Register(path=file), [draft.thesis])

    def following(held: Register) -> Entry | None:
        check_id(held, draft.thesis, source)
        check_tags(held, [draft.thesis])
        own = held.of(draft.thesis)
        latest.extend(own[-1:])
        if latest and _said(latest[0]) == _said(draft):
            return None
        # what form 1 would say binds the older entries to this one
        older = any(one.form == 1 for one in own)
        return draft if older else dataclasses.replace(draft, form1={})

    made = append(file, following)
    entry = made or latest[0]
    before = latest[0] if latest else None
    anchor = make_tag(entry, read_register(file)) if tag else ""
    return Registered(
        file=file,
        entry=entry,
        fresh=made is not None,
        changes=changes(before, entry) if made else (),
        tag=anchor,
    )


def _said(entry: Entry) -> tuple[object, ...]:
    """Return what of an entry is the thesis's."""
    return entry.form, entry.text_sha256, entry.settings, dict(entry.claims)


def _draft(document: Document, file: Path) -> Entry:
    """Return a thesis's entry, but for its place in the register."""
    thesis, source = document.thesis, Path(document.path)
    universe = load_universe(thesis.universe.name, base=source.parent)
    hashes = hashes_of(thesis, universe, held_lines(thesis, universe))
    declared = thesis.about.declared
    return Entry(
        number=0,
        moment=utc_now(),
        thesis=thesis.about.id,
        file=file_name(source, file),
        text_sha256=document.digest,
        declared=declared.isoformat() if declared else None,
        settings=hashes.settings,
        claims=dict(hashes.claims),
        universe={"name": universe.name, "sha256": universe_digest(universe)},
        store=store_digest(),
        versions=versions(),
        before=NOTHING,
        form1=dict(hashes.form1),
        parts=parts_of(thesis),
    )


def store_digest() -> str | None:
    """Return the digest of all that the store holds, None where there is none."""
    from engine.sources.store.store import (  # pyarrow: a tenth second
        Store,
        store_folder,
    )

    folder = store_folder()
    if not folder.is_dir():
        return None
    store = Store(folder)
    return store.vintage() if store.manifest() else None


def entries_table(register: Register) -> pd.DataFrame:
    """Return one row per entry, oldest first."""
    tags = tagged(register)
    last: dict[str, Entry] = {}
    rows = []
    for one in register.entries:
        told = changes(last.get(one.thesis), one)
        rows.append(
            {
                "entry": one.number,
                "moment": f"{one.moment:%Y-%m-%d %H:%M:%S}",
                "thesis": one.thesis,
                "claims": len(one.claims),
                "changes": "; ".join(told) if one.thesis in last else "first",
                "sha256": one.sha256,
                "tag": tag_name(one) if tags.get(tag_name(one)) == one.sha256 else "",
                "store": one.store or "",
                "version": one.versions.get("assay", ""),
            }
        )
        last[one.thesis] = one
    return pd.DataFrame(rows, columns=list(COLUMNS))


def checked_register(path: Path, thesis: Path | None = None) -> tuple[Register, int]:
    """Return a register that fits, entry by entry, and how many git tags confirm it.

    `thesis` is the file that it is asked about: its tags count even where the register
    holds nothing of it. Raises `RegisterError` naming the first entry that does not
    fit, or where there is no register.
    """
    register = read_register(path)
    tags = check_tags(register, _id_of(thesis) if thesis else ())
    if not register.entries and not register.unfinished:
        raise RegisterError(
            f"{path}: there is no register here; `assay register THESIS` begins one, "
            "and --register names another"
        )
    return register, tags


def _id_of(thesis: Path) -> Iterable[str]:
    """Return the id in a thesis file, whatever else it says; nothing without one."""
    try:
        told = tomllib.loads(thesis.read_text(encoding="utf-8-sig"))["thesis"]["id"]
    except (OSError, ValueError, KeyError, TypeError):
        return
    if isinstance(told, str):
        yield told
