"""``assay report`` and ``assay verify``: an archived run, opened again."""

from __future__ import annotations

from pathlib import Path

import click

from engine.cli.output import note, steps
from engine.errors import RunError, at_most

FOLDER = click.argument("folder", metavar="RUN", type=click.Path(path_type=Path))


@click.command()
@FOLDER
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="Folder to write; it must not exist.",
)
def report(folder: Path, out: Path) -> None:
    """Write the reports of an archived RUN again, into a new folder."""
    from engine import deliver, reopen
    from engine.runs.folder import check_target

    check_target(out)
    with steps() as progress:
        again = reopen.rerun(folder, progress=progress)
        kept = {name: one for name, one in again.manifest.items() if name != "files"}
        progress("writing the reports")
        deliver.write_folder(
            again.result, out, thesis_text=again.thesis_text, manifest=kept
        )
    click.echo(f"report: {out / 'report.html'}")
    click.echo(f"        {out / 'report.pdf'}")


@click.command()
@FOLDER
@click.option("--hashes-only", is_flag=True, help="Do not run the study again.")
def verify(folder: Path, hashes_only: bool) -> None:
    """Check the hashes of RUN, then re-derive its numbers from its inputs."""
    from engine import reopen
    from engine.runs.manifest import changed_files, read_manifest

    changed = changed_files(folder)
    if changed:
        raise RunError(f"{folder}: not as it was written: {at_most(changed)}")
    lost = reopen.lost_register(folder, read_manifest(folder))
    if lost:
        raise RunError(f"{folder}: {lost}; bring the register back to trust its dates")
    if hashes_only:
        click.echo(f"{folder}: every file has the hash of the manifest")
        return
    note("every file has the hash of the manifest")
    with steps() as progress:
        again = reopen.rerun(folder, progress=progress)
    different = reopen.different_numbers(folder, again.result)
    if different:
        other = reopen.changed_versions(again.manifest)
        raise RunError(
            f"{folder}: a rerun differs in {at_most(different)}"
            + (f"; the run was computed with {at_most(other)}" if other else "")
        )
    click.echo(f"{folder}: every number was derived again, exactly")
