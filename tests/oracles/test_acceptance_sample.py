"""Point 1 of what must be shown: the flagship on the sample world, stamped all over."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from engine.study_result import StudyResult
from tests.flagship import FLAGSHIP

pytestmark = pytest.mark.xdist_group("sample")

TABLES = {
    *(
        "around",
        "around_fan",
        "around_summary",
        "claims",
        "costs",
        "coverage",
        "decisions",
    ),
    *("event_paths", "events", "events_left_out", "factors", "fees", "findings"),
    *("layer_weights", "nav", "performance", "scores", "thesis_score", "trades"),
    "weights",
}


@pytest.fixture(scope="module")
def folder(sample_run: tuple[Path, StudyResult]) -> Path:
    return sample_run[0]


def test_the_folder_holds_what_the_issue_asks(folder: Path) -> None:
    found = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file()
    }
    expected = {
        *("manifest.json", "summary.json", "thesis.toml", "report.html", "report.pdf"),
        *(f"tables/{name}.{kind}" for name in TABLES for kind in ("csv", "parquet")),
    }
    assert expected <= found
    # a table that is new has both forms too
    names = {path.rpartition(".")[0] for path in found if path.startswith("tables/")}
    for name in names:
        assert {f"{name}.csv", f"{name}.parquet"} <= found
    # and nothing half-written lies beside it
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_the_manifest_re_derives_the_run(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    text = FLAGSHIP.read_bytes()
    assert (folder / "thesis.toml").read_bytes() == text
    assert manifest["thesis"]["sha256"] == hashlib.sha256(text).hexdigest()
    assert manifest["seed"] == 20260706
    assert set(manifest["versions"]) >= {"python", "numpy", "pandas", "cvxpy", "assay"}
    for kind in ("prices", "signals"):
        assert len(manifest[kind]["sha256"]) == 64
        assert manifest[kind]["simulated"] is True
    files = {
        path.relative_to(folder).as_posix(): hashlib.sha256(
            path.read_bytes()
        ).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "manifest.json"
    }
    assert manifest["files"] == files


def test_every_json_is_stamped(folder: Path) -> None:
    for name in ("manifest.json", "summary.json"):
        told = json.loads((folder / name).read_text(encoding="utf-8"))
        assert told["stamp"] == "SIMULATED"
        assert told["simulated"] is True
    verdicts = [claim["verdict"] for claim in told["claims"]]
    assert len(verdicts) >= 20
    assert all(word.startswith("SIMULATED: ") for word in verdicts)
    assert told["caveats"][0].startswith("SIMULATED")


def test_every_row_of_every_table_is_stamped(folder: Path) -> None:
    seen = 0
    for file in sorted((folder / "tables").glob("*.parquet")):
        table = pd.read_parquet(file)
        assert (table["stamp"] == "SIMULATED").all(), file.name
        rows = file.with_suffix(".csv").read_text(encoding="utf-8").splitlines()
        assert rows[0].endswith(",stamp"), file.name
        assert len(table) == 0 or rows[-1].endswith(",SIMULATED")
        seen += len(table)
    assert seen > 10_000


def test_both_forms_of_a_table_hold_the_same_numbers(folder: Path) -> None:
    for name in ("nav", "performance", "trades", "events", "weights"):
        one = pd.read_parquet(folder / "tables" / f"{name}.parquet")
        other = pd.read_csv(folder / "tables" / f"{name}.csv")
        assert list(one.columns) == list(other.columns)
        assert len(one) == len(other)
        for column in one.select_dtypes("float").columns:
            assert other[column].to_numpy() == pytest.approx(
                one[column].to_numpy(), rel=1e-12, nan_ok=True
            )


def test_every_caption_of_the_page_is_stamped(folder: Path) -> None:
    page = (folder / "report.html").read_text(encoding="utf-8")
    captions = re.findall(r"<figcaption.*?</figcaption>", page, flags=re.DOTALL)
    assert len(captions) >= 20
    assert all("SIMULATED" in caption for caption in captions)
    assert page.count("<figure") == len(captions)
    tables = re.findall(r"<table.*?>", page)
    assert len(tables) <= len(captions)
    head = page[: page.index("</h1>") + 4000]
    assert "SIMULATED" in head


@pytest.mark.browser
def test_every_page_of_the_pdf_is_stamped(folder: Path, pdftoppm: str) -> None:
    # poppler's tools come together
    pdftotext = shutil.which("pdftotext", path=str(Path(pdftoppm).parent))
    assert pdftotext is not None
    done = subprocess.run(
        [pdftotext, "-layout", str(folder / "report.pdf"), "-"],
        capture_output=True,
        text=True,
        check=True,
    )
    *pages, rest = done.stdout.split("\f")
    assert rest == ""
    assert len(pages) >= 6
    for number, page in enumerate(pages, start=1):
        assert "SIMULATED" in page, f"page {number}"


def test_another_process_derives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    """Another hash seed, another folder, the command line: not one byte differs."""
    done = subprocess.run(
        [sys.executable, "-m", "engine.cli", "run", FLAGSHIP, "--out", "again"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={
            **os.environ,
            "PYTHONHASHSEED": "7",
            "PYTHONPATH": str(FLAGSHIP.parents[1]),
        },
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("SIMULATED: ")
    again = tmp_path / "again"
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    same = [path for path in files if path.suffix not in {".html", ".pdf"}]
    assert len(same) > 30
    for path in same:
        if path.name == "manifest.json":
            continue
        other = again / path.relative_to(folder)
        assert other.read_bytes() == path.read_bytes(), path.name
    one, other = (
        json.loads((run / "manifest.json").read_text(encoding="utf-8"))
        for run in (folder, again)
    )
    for key in ("thesis", "prices", "signals", "seed", "overrides", "versions"):
        assert one[key] == other[key]
    # the reports differ by their provenance alone: when, and by which command
    pages = [
        re.sub(r"\d{4}-\d\d-\d\dT[\d:+]+", "", (run / "report.html").read_text())
        for run in (folder, again)
    ]
    lines = [page.splitlines() for page in pages]
    differ = [
        (a, b) for a, b in zip(*lines, strict=True) if a != b and "assay run" not in b
    ]
    assert len(differ) <= 2
