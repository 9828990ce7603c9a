"""``assay run``: the main job."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from engine.cli.options import THESIS, StudyOptions, study_options
from engine.cli.output import note, steps


@click.command()
@THESIS
@study_options
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Run folder to write; default runs/ID-NUMBER. It must not exist.",
)
def run(thesis: Path, options: StudyOptions, out: Path | None) -> None:
    """Test THESIS: write a run folder with report.html and report.pdf."""
    from engine import deliver
    from reports.words import closing_lines

    with steps() as progress:
        folder, result = deliver.run_to_folder(
            thesis,
            out=out,
            command=["assay", *sys.argv[1:]],
            progress=progress,
            **options.as_keywords(),
        )
    for line in closing_lines(result):
        click.echo(line)
    note("")
    click.echo(f"report: {folder / 'report.html'}")
    click.echo(f"        {folder / 'report.pdf'}")
