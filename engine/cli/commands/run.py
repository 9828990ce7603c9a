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
    from reports import words

    with steps() as progress:
        folder, result = deliver.run_to_folder(
            thesis,
            out=out,
            command=["assay", *sys.argv[1:]],
            progress=progress,
            **options.as_keywords(),
        )
    click.echo(words.verdict(result))
    click.echo(words.performance_sentence(result))
    for sentence in result.caveats:
        note(f"note: {sentence}")
    click.echo(f"report: {folder / 'report.html'}")
    click.echo(f"        {folder / 'report.pdf'}")
