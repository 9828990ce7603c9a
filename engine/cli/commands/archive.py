"""``assay report`` and ``assay verify``: an archived run, opened again."""

from __future__ import annotations

from pathlib import Path

import click

from engine.cli.output import note, steps
from engine.errors import RunError

FOLDER = click.argument("folder", metavar="RUN", type=click.Path(path_type=Path))


@click.command()
@FOLDER
@click.option("--out", type=click.Path(path_type=Path), required=True)
def report(folder: Path, out: Path) -> None:
    """Write the reports of an archived RUN again, into a new folder."""
    from engine import deliver

    with steps() as progress:
        result, manifest = deliver.rerun(folder, progress=progress)
        kept = {name: one for name, one in manifest.items() if name != "files"}
        text = (folder / "thesis.toml").read_text(encoding="utf-8")
        deliver.write_folder(result, out, thesis_text=text, manifest=kept)
    click.echo(f"report: {out / 'report.html'}")


@click.command()
@FOLDER
@click.option("--hashes-only", is_flag=True, help="Do not run the study again.")
def verify(folder: Path, hashes_only: bool) -> None:
    """Check the hashes of RUN, then re-derive its numbers from its inputs."""
    from engine import deliver

    changed = deliver.changed_files(folder)
    if changed:
        raise RunError(f"{folder}: not as it was written\n" + "\n".join(changed))
    note("every file has the hash of the manifest")
    if hashes_only:
        return
    with steps() as progress:
        result, _ = deliver.rerun(folder, progress=progress)
    different = deliver.different_numbers(folder, result)
    if different:
        raise RunError(
            f"{folder}: a rerun differs from summary.json in {', '.join(different)}"
        )
    click.echo(f"{folder}: every number of summary.json was derived again, exactly")
