"""Both reports of a study, from one document and one set of drawings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from engine.study_result import StudyResult
from reports.document import Document
from reports.draftsmen import Draftsmen
from reports.drawing import draw
from reports.html import render_html
from reports.pdf import render_pdf
from reports.sections import document

HTML_NAME = "report.html"
PDF_NAME = "report.pdf"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Begun:
    """A report whose figures are being drawn; `drawings` waits for them."""

    report: Document
    drawings: Callable[[], Mapping[str, str]]


def begin(
    result: StudyResult, provenance: Mapping[str, str], draftsmen: Draftsmen
) -> Begun:
    """Set up a report and hand out its figures; returns before they are drawn."""
    report = document(result, provenance)
    draftsmen.begin(report.figures)
    return Begun(report=report, drawings=draftsmen.finish)


def render(
    result: StudyResult,
    folder: Path,
    provenance: Mapping[str, str],
    begun: Begun | None = None,
) -> None:
    """Write ``report.html`` and ``report.pdf`` into a folder.

    `provenance` is printed as it is: run, command, hashes, versions. `begun` is the
    same report where it was begun before. Raises `RunError` if the PDF cannot be set.
    """
    report = begun.report if begun else document(result, provenance)
    drawings = begun.drawings() if begun else draw(report.figures)
    with ThreadPoolExecutor(max_workers=1) as beside:
        # typst needs no interpreter, and the page is made meanwhile
        pdf = beside.submit(render_pdf, report, drawings)
        page = render_html(report, drawings)
        (folder / HTML_NAME).write_text(page, encoding="utf-8")
        (folder / PDF_NAME).write_bytes(pdf.result())


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
