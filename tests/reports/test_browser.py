"""The page in a real browser: it loads silently, and looks as it must everywhere."""

from __future__ import annotations

import re
import struct
import subprocess
import zlib
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--hide-scrollbars",
    "--virtual-time-budget=4000",
    "--enable-logging=stderr",
)
DARK = "--blink-settings=preferredColorScheme=0"


def _run(chromium: str, profile: Path, *arguments: str) -> tuple[str, str]:
    told = subprocess.run(
        [chromium, *FLAGS, f"--user-data-dir={profile}", *arguments],
        capture_output=True,
        check=True,
        timeout=120,
    )
    return told.stdout.decode("utf-8"), told.stderr.decode("utf-8", "replace")


def _shot(chromium: str, folder: Path, page: Path, name: str, *flags: str) -> bytes:
    path = folder / f"{name}.png"
    _run(
        chromium,
        folder / f"profile-{name}",
        f"--screenshot={path}",
        "--window-size=1000,1600",
        *flags,
        page.as_uri(),
    )
    return path.read_bytes()


def _pixels(png: bytes) -> bytes:
    """Return the raw scan lines of a PNG: enough to tell its brightness."""
    at, packed = 8, b""
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        if png[at + 4 : at + 8] == b"IDAT":
            packed += png[at + 8 : at + 8 + length]
        at += length + 12
    return zlib.decompress(packed)


def test_the_script_runs_and_nothing_complains(
    chromium: str, page_file: Path, tmp_path: Path
) -> None:
    dom, log = _run(chromium, tmp_path, "--dump-dom", page_file.as_uri())
    assert 'data-ready="true"' in dom
    assert dom.count('class="tip') == 14
    complaints = re.findall(r"CONSOLE.*|.*Content Security Policy.*", log)
    assert not complaints


def test_a_foreign_script_would_not_run(
    chromium: str, page: str, tmp_path: Path
) -> None:
    planted = page.replace(
        "</main>", "<script>document.body.dataset.bad = 1</script></main>"
    )
    path = tmp_path / "planted.html"
    path.write_text(planted, encoding="utf-8")
    dom, log = _run(chromium, tmp_path / "profile", "--dump-dom", path.as_uri())
    assert "data-bad" not in dom
    assert "Content Security Policy" in log


def test_light_and_dark_differ_and_paper_is_light(
    chromium: str, page_file: Path, tmp_path: Path, pdftoppm: str
) -> None:
    light = _pixels(_shot(chromium, tmp_path, page_file, "light"))
    dark = _pixels(_shot(chromium, tmp_path, page_file, "dark", DARK))
    assert len(set(light)) > 50
    assert len(set(dark)) > 50
    assert light != dark
    printed = tmp_path / "printed.pdf"
    _run(
        chromium,
        tmp_path / "profile-print",
        f"--print-to-pdf={printed}",
        "--no-pdf-header-footer",
        DARK,
        page_file.as_uri(),
    )
    subprocess.run(
        [pdftoppm, "-r", "40", "-gray", str(printed), str(tmp_path / "sheet")],
        check=True,
    )
    sheets = sorted(tmp_path.glob("sheet*.pgm"))
    assert len(sheets) > 4
    for sheet in sheets:
        grey = sheet.read_bytes()[15:]
        assert sum(grey) / len(grey) > 200, sheet.name
        assert min(grey) < 120, sheet.name
    filled = [_filled(sheet.read_bytes()) for sheet in sheets]
    assert min(filled[:-1]) > 0.5, filled  # no page but the last ends half-way


def _filled(sheet: bytes) -> float:
    """Return how far down a page in the PGM format is printed on, from 0 to 1."""
    _, size, _, grey = sheet.split(b"\n", 3)
    wide, high = map(int, size.split())
    inked = (row for row in range(high) if min(grey[row * wide :][:wide]) < 200)
    return max(inked, default=0) / high


def test_the_pdf_has_no_blank_page(
    pdf_file: Path, tmp_path: Path, pdftoppm: str
) -> None:
    subprocess.run(
        [pdftoppm, "-r", "40", "-gray", str(pdf_file), str(tmp_path / "sheet")],
        check=True,
    )
    for sheet in sorted(tmp_path.glob("sheet*.pgm")):
        grey = sheet.read_bytes()[15:]
        inked = sum(value < 160 for value in grey) / len(grey)
        assert 0.005 < inked < 0.5, sheet.name
