"""Anchoring an entry in git: an annotated tag that carries its hash."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from engine.errors import RegisterError, UsageError
from engine.runs.register import Entry, Register


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """What a tag says: the hash of an entry, and whose it is.

    place : the register's path in the repository, empty in tags of older versions.
    """

    thesis: str
    sha256: str
    place: str


def tag_name(entry: Entry) -> str:
    """Return the tag of an entry."""
    return f"assay/{entry.thesis}/{entry.number}"


def check_taggable(folder: Path) -> None:
    """Raise `UsageError` unless `folder` lies in a git repository with a commit."""
    done = _git(folder, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    if done.returncode == 0:
        return
    inside = _git(folder, "rev-parse", "--is-inside-work-tree")
    if inside.returncode == 0:
        raise UsageError(
            f"--tag: the git repository of {folder} has no commit yet; commit the "
            "thesis first"
        )
    raise UsageError(
        f"--tag: {folder} is not in a git repository; leave --tag out, or run git init "
        "and commit the thesis"
    )


def make_tag(entry: Entry, register: Register) -> str:
    """Make the annotated tag of an entry and return its name.

    Raises `RegisterError` with git's own words; the entry stands all the same.
    """
    name = tag_name(entry)
    if tagged(register).get(name) == entry.sha256:
        return name
    folder = register.path.resolve().parent
    message = (
        f"assay register: {entry.thesis}, entry {entry.number}\n\n"
        f"register {_place(register)}\nsha256 {entry.sha256}"
    )
    done = _git(folder, "tag", "--annotate", "--message", message, name)
    if done.returncode != 0:
        said = " ".join(done.stderr.split()) or f"exit code {done.returncode}"
        raise RegisterError(
            f"entry {entry.number} is registered, but git made no tag {name}: {said}; "
            "put that right and repeat with --tag"
        )
    return name


def tagged(register: Register, theses: Iterable[str] = ()) -> dict[str, str]:
    """Return the hash that each tag of a register carries, by the tag's name.

    A tag is the register's if it names its place, or one of its theses; `theses` are
    more of them. Of a register without an entry, and without a thesis named, every tag
    that names no other place is: nothing says whose it was.
    """
    known = {*theses, *(entry.thesis for entry in register.entries)}
    anchors = _anchors(register)
    here = _place(register) if anchors else ""
    return {
        name: one.sha256
        for name, one in anchors.items()
        if one.place == here or one.thesis in known or not (known or one.place)
    }


def _anchors(register: Register) -> dict[str, Anchor]:
    """Return what every tag of the repository says that anchors an entry."""
    try:
        done = _git(
            register.path.resolve().parent,
            "for-each-ref",
            "--format=%(refname:strip=2)%00%(contents)%01",
            "refs/tags/assay/",
        )
    except UsageError:
        return {}
    found = {}
    for one in done.stdout.split("\x01"):
        name, _, message = one.strip().partition("\0")
        before, _, told = message.rpartition("sha256 ")
        if told.split():
            found[name] = Anchor(
                thesis=name.removeprefix("assay/").rpartition("/")[0],
                sha256=told.split()[0],
                place=before.rpartition("\nregister ")[2].strip()
                if "\nregister " in before
                else "",
            )
    return found


def _place(register: Register) -> str:
    """Return a register's path in its repository."""
    file = register.path.resolve()
    done = _git(file.parent, "rev-parse", "--show-prefix")
    return f"{done.stdout.strip()}{file.name}"


def check_tags(register: Register, theses: Iterable[str] = ()) -> int:
    """Return how many entries a tag confirms; `RegisterError` at one it contradicts.

    `theses` are those that the register is asked about, whether or not it holds them.
    """
    entries = {tag_name(entry): entry for entry in register.entries}
    tags = tagged(register, theses)
    for name, told in tags.items():
        if name not in entries:
            raise RegisterError(
                f"{register.path}: lacks the entry that the tag {name} anchors: it was "
                "cut short or written anew, or this is an older checkout; bring the "
                "file back from version control, or name the register that holds the "
                "entry with --register"
            )
        if told != entries[name].sha256:
            raise RegisterError(
                f"{register.path}: entry {entries[name].number} is not the one that "
                f"the tag {name} anchors: the register was written anew; bring the "
                "file back from version control"
            )
    return len(tags)


def _git(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            ["git", "-C", str(folder), *words],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except OSError as error:
        raise UsageError(
            f"--tag needs git, which cannot be run ({error.strerror})"
        ) from error
