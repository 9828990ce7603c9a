"""Both reports of a study, from one document and one set of drawings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from engine.study_result import StudyResult
from reports.drawing import draw
from reports.html import render_html
from reports.pdf import render_pdf
from reports.sections import document

HTML_NAME = "report.html"
PDF_NAME = "report.pdf"


def render(result: StudyResult, folder: Path, provenance: Mapping[str, str]) -> None:
    """Write ``report.html`` and ``report.pdf`` into a folder.

    `provenance` is printed as it is: run, command, hashes, versions. Raises `RunError`
    if the PDF cannot be set.
    """
    report = document(result, provenance)
    drawings = draw(report.figures)
    (folder / HTML_NAME).write_text(render_html(report, drawings), encoding="utf-8")
    (folder / PDF_NAME).write_bytes(render_pdf(report, drawings))


def write_html(
    result: StudyResult, path: Path, *, provenance: Mapping[str, str]
) -> None:
    """Write the HTML report to `path`."""
    report = document(result, provenance)
    path.write_text(render_html(report, draw(report.figures)), encoding="utf-8")


def write_pdf(
    result: StudyResult, path: Path, *, provenance: Mapping[str, str]
) -> None:
    """Write the PDF report to `path`. Raises `RunError` if it cannot be set."""
    report = document(result, provenance)
    path.write_bytes(render_pdf(report, draw(report.figures)))
