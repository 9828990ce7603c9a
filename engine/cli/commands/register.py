"""``assay register``: proof of what was said, and when."""

from __future__ import annotations

from pathlib import Path

import click

from engine.cli.options import FORMAT
from engine.cli.output import emit, note
from engine.errors import UsageError

#: Beside what has no thesis file named.
_HERE = Path("register.jsonl")
SHOWN = ["entry", "moment", "thesis", "claims", "changes", "tag", "sha256"]


@click.command()
@click.argument("thesis", type=click.Path(path_type=Path), required=False)
@click.option(
    "--register",
    "file",
    type=click.Path(path_type=Path),
    help="The register; default register.jsonl beside THESIS.",
)
@click.option("--tag", is_flag=True, help="Anchor the entry by an annotated git tag.")
@click.option("--show", is_flag=True, help="Print the entries; register nothing.")
@click.option("--check", is_flag=True, help="Check the chain; register nothing.")
@FORMAT
def register(
    thesis: Path | None,
    file: Path | None,
    tag: bool,
    show: bool,
    check: bool,
    form: str,
) -> None:
    """Register THESIS: its hash, its claims' and the data's, in a chain of entries.

    Out-of-sample then counts from the registration; an edited claim starts again.
    """
    if show or check:
        if tag:
            raise UsageError("--tag is for registering; leave out --show and --check")
        place = file or (thesis.parent / _HERE if thesis else _HERE)
        _look(place, thesis, show, form)
        return
    if thesis is None:
        raise UsageError("name the thesis to register, or add --show or --check")
    from engine import registering

    done = registering.register_thesis(thesis, register=file, tag=tag)
    entry = done.entry
    if done.fresh:
        click.echo(
            f"{done.file}: entry {entry.number}, {entry.thesis}, "
            f"{len(entry.claims)} claims, {entry.moment:%Y-%m-%d %H:%M:%S} UTC; what "
            f"is new counts from {entry.counts_from}"
        )
    else:
        click.echo(
            f"{done.file}: registered already as entry {entry.number} on "
            f"{entry.moment:%Y-%m-%d}; nothing was added"
        )
    click.echo(f"sha256 {entry.sha256}")
    if done.tag:
        click.echo(f"tag {done.tag}")
    for one in done.changes:
        note(one)
    if done.fresh:
        note("next: commit the register, and push it where others see it")


def _look(file: Path, thesis: Path | None, show: bool, form: str) -> None:
    """Check a register, and print its entries or that they fit."""
    from engine import registering

    held, tags = registering.checked_register(file, thesis)
    if held.unfinished:
        note(
            f"note: {file}: its last line is unfinished, left by a killed process; "
            "nothing reads it, and the next entry replaces it"
        )
    if show:
        emit(registering.entries_table(held), form, title=str(file), columns=SHOWN)
        return
    count = len(held.entries)
    noun = "entry follows" if count == 1 else "entries follow"
    anchors = f", {tags} of them tagged in git" if tags else ""
    click.echo(f"{file}: {count} {noun} from the first to the last{anchors}")
    click.echo(f"head {held.head}")
