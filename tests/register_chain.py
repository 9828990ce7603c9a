"""Registers made by hand, of entries that say little."""

from __future__ import annotations

import datetime as dt

from engine.runs.register import NOTHING, Entry


def entry(
    number: int = 1,
    before: str = NOTHING,
    *,
    thesis: str = "t",
    moment: dt.datetime = dt.datetime(2026, 7, 6, 20, 31, 7, tzinfo=dt.UTC),
) -> Entry:
    """Return an entry that says little."""
    return Entry(
        number=number,
        moment=moment + dt.timedelta(minutes=number),
        thesis=thesis,
        file="t.toml",
        text_sha256="ab" * 32,
        declared="2026-07-06",
        settings="cd" * 32,
        claims={"one": "ef" * 32},
        universe={"name": "ai-stack", "sha256": "01" * 32},
        store=None,
        versions={"assay": "0.1.0"},
        before=before,
    )


def chain(length: int) -> list[Entry]:
    """Return entries that follow each other."""
    entries: list[Entry] = []
    for number in range(1, length + 1):
        entries.append(entry(number, entries[-1].sha256 if entries else NOTHING))
    return entries


def content(entries: list[Entry]) -> bytes:
    """Return a register's file."""
    return "".join(f"{one.line}\n" for one in entries).encode()
