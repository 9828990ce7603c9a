"""Both reports of a study, from one document and one set of drawings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from engine.background import begin as in_background
from engine.study_result import StudyResult
from reports.document import Document, Figure
from reports.draftsmen import Draftsmen
from reports.drawing import draw
from reports.html import render_html
from reports.pdf import render_pdf
from reports.sections import document, sections_of

HTML_NAME = "report.html"
PDF_NAME = "report.pdf"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Begun:
    """A report in the making; `drawings` and `pdf` wait until they are there."""

    report: Document
    drawings: Callable[[], Mapping[str, str]]
    pdf: Callable[[], bytes]


def begin(
    result: StudyResult, provenance: Mapping[str, str], crew: Draftsmen | None = None
) -> Begun:
    """Set up a report; with a crew, its figures are drawn and its PDF is set meanwhile.

    `provenance` is printed as it is: run, command, hashes, versions. Without a crew
    nothing is drawn until it is asked for.
    """
    if crew is None or not crew.works:
        report = document(result, provenance)
        drawings = cache(lambda: draw(report.figures))
        return Begun(
            report=report,
            drawings=drawings,
            pdf=lambda: render_pdf(report, drawings()),
        )
    sections = []
    for one in sections_of(result, provenance):
        crew.begin(block for block in one.blocks if isinstance(block, Figure))
        sections.append(one)
    report = document(result, provenance, sections)
    drawn = in_background(crew.finish)
    pdf = in_background(lambda: render_pdf(report, drawn()))
    return Begun(report=report, drawings=drawn, pdf=pdf)


def render(begun: Begun, folder: Path) -> None:
    """Write ``report.html`` and ``report.pdf`` into a folder.

    Raises `RunError` if the PDF cannot be set.
    """
    drawings = begun.drawings()
    # typst needs no interpreter, and the page is made meanwhile
    pdf = in_background(begun.pdf)
    page = render_html(begun.report, drawings)
    (folder / HTML_NAME).write_text(page, encoding="utf-8")
    (folder / PDF_NAME).write_bytes(pdf())


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
