"""One fake study, its document and its drawings for all tests of the reports."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from engine.study_result import StudyResult
from reports.document import Document
from reports.drawing import draw
from reports.html import render_html
from reports.pdf import render_pdf
from reports.sections import document
from tests.reports.fake_result import fake_result, provenance, real


@pytest.fixture(scope="session")
def result() -> StudyResult:
    return fake_result()


@pytest.fixture(scope="session")
def report(result: StudyResult) -> Document:
    return document(result, provenance())


@pytest.fixture(scope="session")
def drawings(report: Document) -> Mapping[str, str]:
    return draw(report.figures)


@pytest.fixture(scope="session")
def page(report: Document, drawings: Mapping[str, str]) -> str:
    return render_html(report, drawings)


@pytest.fixture(scope="session")
def page_file(page: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(page, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def pdf_file(
    report: Document,
    drawings: Mapping[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.pdf"
    path.write_bytes(render_pdf(report, drawings))
    return path


@pytest.fixture(scope="session")
def real_result(result: StudyResult) -> StudyResult:
    """The same study as if nothing in it were simulated."""
    return real(result)


@pytest.fixture(scope="session")
def real_page(real_result: StudyResult) -> str:
    report = document(real_result, provenance())
    return render_html(report, draw(report.figures))
