"""Anchoring an entry in git: an annotated tag that carries its hash."""

from __future__ import annotations

import subprocess
from pathlib import Path

from engine.errors import RegisterError, UsageError
from engine.runs.register import Entry, Register


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
    message = (
        f"assay register: {entry.thesis}, entry {entry.number}\n\nsha256 {entry.sha256}"
    )
    folder = register.path.resolve().parent
    done = _git(folder, "tag", "--annotate", "--message", message, name)
    if done.returncode != 0:
        said = " ".join(done.stderr.split()) or f"exit code {done.returncode}"
        raise RegisterError(
            f"entry {entry.number} is registered, but git made no tag {name}: {said}; "
            "put that right and repeat with --tag"
        )
    return name


def tagged(register: Register) -> dict[str, str]:
    """Return the hash that each tag of the register's theses carries, by its name."""
    form = "%(refname:strip=2)%00%(contents)%01"
    theses = {entry.thesis for entry in register.entries}
    try:
        done = _git(
            register.path.resolve().parent,
            "for-each-ref",
            f"--format={form}",
            "refs/tags/assay/",
        )
    except UsageError:
        return {}
    found = {}
    for one in done.stdout.split("\x01"):
        name, _, message = one.strip().partition("\0")
        told = message.rpartition("sha256 ")[2].split()
        if told and name.removeprefix("assay/").rpartition("/")[0] in theses:
            found[name] = told[0]
    return found


def check_tags(register: Register) -> int:
    """Return how many entries a tag confirms; `RegisterError` at one it contradicts."""
    entries = {tag_name(entry): entry for entry in register.entries}
    tags = tagged(register)
    for name, told in tags.items():
        if name not in entries:
            raise RegisterError(
                f"{register.path}: lacks the entry that the tag {name} anchors: it was "
                "cut short or written anew, or this is an older checkout; bring the "
                "file back from version control"
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
