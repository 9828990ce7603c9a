"""The PDF: compiles to its standards, is stamped, and shows markup as text."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from engine.errors import RunError
from reports import pdf
from reports.clean import clean
from reports.document import Document
from reports.drawing import FONTS, draw
from reports.pdf import breakable, render_pdf, uncovered
from reports.render import begin, render, write_html, write_pdf
from reports.sections import document
from tests.reports.fake_result import fake_result, provenance
from tests.reports.test_html import PLACES


def _text(path: Path) -> list[str]:
    """Return the text of each page."""
    found = shutil.which("pdftotext")
    assert found
    told = subprocess.run(
        [found, "-layout", str(path), "-"], capture_output=True, check=True
    )
    return told.stdout.decode("utf-8").split("\f")[:-1]


def test_it_claims_its_standards(pdf_file: Path) -> None:
    raw = pdf_file.read_bytes()
    assert raw.startswith(b"%PDF-1.7")
    assert b"<pdfaid:part>3</pdfaid:part>" in raw
    assert b"<pdfuaid:part>1</pdfuaid:part>" in raw


def test_the_same_study_gives_the_same_bytes(
    report: Document, drawings: Mapping[str, str], pdf_file: Path
) -> None:
    assert render_pdf(report, drawings) == pdf_file.read_bytes()


@pytest.mark.browser
def test_every_page_is_stamped(pdf_file: Path, pdftoppm: str) -> None:
    pages = _text(pdf_file)
    assert len(pages) > 5
    assert all(page.count("SIMULATED") >= 2 for page in pages)


@pytest.mark.browser
def test_every_caption_is_stamped(
    pdf_file: Path, report: Document, pdftoppm: str
) -> None:
    text = " ".join(" ".join(_text(pdf_file)).split())
    for label in report.labels.values():
        assert f"{label}. SIMULATED" in text


@pytest.mark.browser
def test_real_evidence_carries_no_stamp(
    real_result: object, tmp_path: Path, pdftoppm: str
) -> None:
    write_pdf(real_result, tmp_path / "r.pdf", provenance=provenance())  # type: ignore[arg-type]
    text = "".join(_text(tmp_path / "r.pdf"))
    assert "SIMULATED" not in text
    assert "Thesis score, in-sample" in text


@pytest.mark.browser
@pytest.mark.parametrize(
    "words",
    [
        '#panic("x") #{1+1} $x^2$ *b* _i_ `r`',
        "</script><b>@ref <label> = heading\\",
        "\\u{41} // comment /* x */ #let a = 1",
    ],
)
def test_markup_is_shown_as_text(words: str, tmp_path: Path, pdftoppm: str) -> None:
    report = document(fake_result(words=dict.fromkeys(PLACES, words)), {"x": words})
    (tmp_path / "h.pdf").write_bytes(render_pdf(report, draw(report.figures)))
    first = " ".join(_text(tmp_path / "h.pdf")[0].split())
    assert words in first


def test_characters_without_a_glyph_become_squares_and_are_explained(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent: list[tuple[str, bool]] = []
    compile_as_it_is = pdf._compile

    def recorded(content: str, *, own_fonts_only: bool) -> bytes:
        sent.append((content, own_fonts_only))
        if not own_fonts_only:
            raise RunError("no font of this machine has it")
        return compile_as_it_is(content, own_fonts_only=own_fonts_only)

    monkeypatch.setattr(pdf, "_compile", recorded)
    report = document(fake_result(words={"title": "中芯国际 \U0001f600"}), {})
    assert render_pdf(report, draw(report.figures)).startswith(b"%PDF")
    assert [own for _, own in sent] == [False, True]
    assert "中" not in sent[-1][0]
    assert '"title": "□□□□ □"' in sent[-1][0]
    assert "white square" in sent[-1][0]


def test_the_shipped_fonts_have_what_they_promise() -> None:
    assert not uncovered("Αβγ Жя ñ ő − – → ≥ ≤ × Δ σ ≈ 0.1% □ ₩ €")
    assert uncovered("中 \U0001f600") == {"中", "\U0001f600"}
    ttlib = pytest.importorskip("fontTools.ttLib", reason="fonttools is not installed")
    promised = {ord(c) for c in pdf._coverage()} - {0x0A, 0x200B}
    for path in FONTS.glob("Inter-*"):
        if path.suffix in (".ttf", ".woff2"):
            assert promised <= set(ttlib.TTFont(path).getBestCmap()), path.name


def test_short_tables_stand_on_one_page(report: Document) -> None:
    whole = {table.id for table in report.tables if pdf._stays_whole(table)}
    assert {"layers", "score-coverage", "factors", "costs"} <= whole
    assert not whole & {"events", "event", "event-assets"}


def test_only_long_words_are_made_breakable() -> None:
    assert breakable("a sha of " + "9" * 64, 72) == "a sha of " + "9" * 64
    assert breakable("x" * 60, 28).split("\u200b") == ["x" * 28, "x" * 28, "x" * 4]


def test_unfit_characters_are_replaced_and_markup_is_left() -> None:
    assert clean("a\x00b\u202ec\ud800") == "a□b□c□"
    assert clean("<b>&\\ tab\tnewline\n中😀") == "<b>&\\ tab\tnewline\n中😀"


def test_render_writes_both_and_each_writer_its_own(tmp_path: Path) -> None:
    study = fake_result()
    render(begin(study, provenance()), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"report.html", "report.pdf"}
    write_html(study, tmp_path / "again.html", provenance=provenance())
    assert (tmp_path / "again.html").read_bytes() == (
        tmp_path / "report.html"
    ).read_bytes()
