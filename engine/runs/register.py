"""A register: one line of JSON per entry, each with the hash of the entry before it.

An entry is written once, by `engine.runs.register_file`. Here it is read and held
against its own hash and its neighbours'; the first one that does not fit is named.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.errors import RegisterError

#: The register beside a thesis file, and the word for none.
REGISTER, NO_REGISTER = "register.jsonl", "none"
#: What stands before the first entry.
NOTHING = "0" * 64
#: How far the clocks of two machines may differ.
CLOCKS = dt.timedelta(minutes=5)
_MOMENT = "%Y-%m-%dT%H:%M:%SZ"
#: How every line begins, and the form that is written here; all before can be read.
_OPENING, FORM = b'{"before":"', 2
_RESTORE = "bring the file back from version control or a copy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What was registered at one moment.

    thesis, file : id of the thesis and its file, from the register's folder.
    text_sha256 : of the thesis text. declared : what it asserts. settings : hash of
    what decides its portfolio. claims : claim id -> hash of the claim. store : digest
    of the store's vintage. before : `sha256` of the entry before. form : of the line
    and of the claims' hashes. form1 : the hashes that form 1 would give, where the
    thesis has entries of it. parts : short hashes of the parts of the file, by which
    an entry tells what changed; both empty in form 1.
    """

    number: int
    moment: dt.datetime
    thesis: str
    file: str
    text_sha256: str
    declared: str | None
    settings: str
    claims: Mapping[str, str]
    universe: Mapping[str, str]
    store: str | None
    versions: Mapping[str, str]
    before: str
    form: int = FORM
    form1: Mapping[str, str] = field(default_factory=dict)
    parts: Mapping[str, str] = field(default_factory=dict)

    @property
    def fields(self) -> dict[str, Any]:
        """The entry as its line has it, without its hash."""
        later = {"form1": dict(self.form1), "parts": dict(self.parts)}
        return {
            "form": self.form,
            "entry": self.number,
            "moment": self.moment.strftime(_MOMENT),
            "thesis": {
                "id": self.thesis,
                "file": self.file,
                "sha256": self.text_sha256,
                "declared": self.declared,
            },
            "settings": self.settings,
            "claims": dict(self.claims),
            "universe": dict(self.universe),
            "store": self.store,
            "versions": dict(self.versions),
            "before": self.before,
            **(later if self.form > 1 else {}),
        }

    @property
    def sha256(self) -> str:
        """The hash that the next entry repeats."""
        return digest(self.fields)

    @property
    def line(self) -> str:
        """The entry's line, without its end."""
        return canonical(self.fields | {"sha256": self.sha256})

    @property
    def counts_from(self) -> dt.date:
        """The first day that had not begun (UTC) when the entry was made."""
        return self.moment.date() + dt.timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """The entries of a file, oldest first; `unfinished`: its last line is no entry."""

    path: Path
    entries: tuple[Entry, ...] = ()
    unfinished: bool = False

    @property
    def head(self) -> str:
        """The hash that stands for all of it."""
        return self.entries[-1].sha256 if self.entries else NOTHING

    def until(self, day: dt.date | None) -> Register:
        """Return the register as it was at the end of a day, UTC."""
        if day is None:
            return self
        kept = tuple(one for one in self.entries if one.moment.date() <= day)
        return Register(path=self.path, entries=kept)

    def of(self, thesis: str) -> tuple[Entry, ...]:
        """Return the entries of one thesis, oldest first."""
        return tuple(one for one in self.entries if one.thesis == thesis)


def canonical(value: Any) -> str:
    """Return the one way to write a value as JSON: sorted keys, ASCII, no blanks."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(value: Any) -> str:
    """Return the SHA-256 of a value's canonical JSON."""
    return hashlib.sha256(canonical(value).encode("ascii")).hexdigest()


def utc_now() -> dt.datetime:
    """Return the moment, UTC, to the second."""
    return dt.datetime.now(dt.UTC).replace(microsecond=0)


def read_register(path: Path, *, now: dt.datetime | None = None) -> Register:
    """Return a register whose every entry fits; an empty one where there is no file.

    Raises
    ------
    RegisterError
        The file cannot be read, is no register, or its chain is broken: the first
        entry that does not fit is named.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return Register(path=path)
    except OSError as error:
        raise RegisterError(
            f"{path}: the register cannot be read ({error.strerror})"
        ) from error
    return parse_register(content, path, now=now)


def parse_register(
    content: bytes, path: Path, *, now: dt.datetime | None = None
) -> Register:
    """Return the register of a file's content; raises as `read_register`.

    A last line without an end that is no entry is what a killed process left of one: it
    is passed over, and `unfinished` says so.
    """
    *lines, rest = content.split(b"\n")
    entries: list[Entry] = []
    for number, line in enumerate(lines, 1):
        entries.append(_entry(line, number, path))
    unfinished = bool(rest) and _cut_short(rest)
    if rest and not unfinished:
        entries.append(_entry(rest, len(entries) + 1, path))
    _check_chain(entries, path, now or utc_now())
    return Register(path=path, entries=tuple(entries), unfinished=unfinished)


def _cut_short(rest: bytes) -> bool:
    """Return whether a last line without an end is the beginning of an entry."""
    if rest[: len(_OPENING)] != _OPENING[: len(rest)]:
        return False
    try:
        json.loads(rest)
    except ValueError:
        return True
    return False


def _entry(line: bytes, number: int, path: Path) -> Entry:
    """Return one line's entry; `RegisterError` unless it is as it was written."""
    try:
        told = json.loads(line)
        if told["form"] > FORM:
            raise RegisterError(
                f"{path}: entry {number} was written by a newer version; install it"
            )
        entry = _read(told)
        stated = told["sha256"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        if number == 1:
            raise RegisterError(
                f"{path}: is not a register: its first line is no entry; name another "
                "file with --register"
            ) from error
        raise RegisterError(
            f"{path}: entry {number} cannot be read: its line was damaged; {_RESTORE}"
        ) from error
    if entry.line.encode() != line:
        raise RegisterError(
            f"{path}: entry {number} is not as it was written: its hash is "
            f"{entry.sha256[:12]}, and it says {str(stated)[:12]}; {_RESTORE}"
        )
    return entry


def _read(told: Any) -> Entry:
    thesis, form = told["thesis"], told["form"]
    if type(form) is not int or form < 1:
        raise ValueError(f"no form is called {form!r}")
    return Entry(
        form=form,
        form1=dict(told["form1"]) if form > 1 else {},
        parts=dict(told["parts"]) if form > 1 else {},
        number=told["entry"],
        moment=dt.datetime.strptime(told["moment"], _MOMENT).replace(tzinfo=dt.UTC),
        thesis=thesis["id"],
        file=thesis["file"],
        text_sha256=thesis["sha256"],
        declared=thesis["declared"],
        settings=told["settings"],
        claims=dict(told["claims"]),
        universe=dict(told["universe"]),
        store=told["store"],
        versions=dict(told["versions"]),
        before=told["before"],
    )


def _check_chain(entries: list[Entry], path: Path, now: dt.datetime) -> None:
    """Raise `RegisterError` at the first entry that does not follow the one before."""
    before, last = NOTHING, dt.datetime.min.replace(tzinfo=dt.UTC)
    for number, entry in enumerate(entries, 1):
        if entry.number != number or entry.before != before:
            raise RegisterError(
                f"{path}: line {number} holds entry {entry.number}, which does not "
                f"follow what stands before it: an entry was removed, added or moved; "
                f"{_RESTORE}"
            )
        if entry.moment < last:
            raise RegisterError(
                f"{path}: entry {number} is dated {entry.moment:{_MOMENT}}, before the "
                f"entry that it follows; {_RESTORE}"
            )
        before, last = entry.sha256, entry.moment
    if entries and last - now > CLOCKS:
        raise RegisterError(
            f"{path}: entry {len(entries)} is dated {last:{_MOMENT}}, in the future: "
            f"it is now {now:{_MOMENT}}; set the clock right, or {_RESTORE}"
        )
