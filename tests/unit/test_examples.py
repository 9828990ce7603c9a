"""What lies in examples/ works: the thesis files, their schema, the script."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import jsonschema
import pytest

from engine.app import read_thesis
from engine.catalogue import thesis_schema

EXAMPLES = Path(__file__).parents[2] / "examples"
SCHEMA = EXAMPLES / "thesis.schema.json"
THESES = sorted(EXAMPLES.glob("*.toml"))


def by_name(path: Path) -> str:
    return path.name


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    return jsonschema.Draft202012Validator(
        schema, format_checker=jsonschema.FormatChecker()
    )


def as_an_editor_sees(text: str) -> object:
    """Return TOML as JSON: dates become text."""

    def plain(value: object) -> str:
        assert isinstance(value, dt.date)
        return value.isoformat()

    return json.loads(json.dumps(tomllib.loads(text), default=plain))


def test_the_schema_is_what_the_command_writes() -> None:
    written = json.dumps(thesis_schema(), indent=2) + "\n"
    assert SCHEMA.read_text(encoding="utf-8") == written, (
        "run: assay schema > examples/thesis.schema.json"
    )


def test_there_are_examples() -> None:
    assert [path.name for path in THESES] == ["minimal.toml", "open_weights.toml"]


@pytest.mark.parametrize("path", THESES, ids=by_name)
def test_each_names_its_schema_first(path: Path) -> None:
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert first == f"#:schema ./{SCHEMA.name}"


@pytest.mark.parametrize("path", THESES, ids=by_name)
def test_each_fits_the_schema(
    path: Path, validator: jsonschema.Draft202012Validator
) -> None:
    found = validator.iter_errors(as_an_editor_sees(path.read_text(encoding="utf-8")))
    assert [(list(error.path), error.message) for error in found] == []


@pytest.mark.parametrize("path", THESES, ids=by_name)
def test_each_is_refused_with_one_word_wrong(
    path: Path, validator: jsonschema.Draft202012Validator
) -> None:
    text = path.read_text(encoding="utf-8").replace('"labs"', '"labz"')
    text = text.replace('"memory"', '"memori"')
    assert not validator.is_valid(as_an_editor_sees(text))


@pytest.mark.parametrize("path", THESES, ids=by_name)
def test_each_reads_without_a_problem(path: Path) -> None:
    document = read_thesis(path)
    assert document.overrides == {}
    assert document.thesis.factors


def test_minimal_is_minimal() -> None:
    lines = (EXAMPLES / "minimal.toml").read_text(encoding="utf-8").splitlines()
    assert len([line for line in lines if not line.startswith("#")]) <= 11


def test_the_script_runs_from_another_folder(tmp_path: Path) -> None:
    script = EXAMPLES / "research.py"
    assert len(script.read_text(encoding="utf-8").splitlines()) < 40
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script)],
        cwd=tmp_path,
        env=dict(os.environ) | {"PYTHONPATH": str(EXAMPLES.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.startswith("SIMULATED")
    for word in ("Net asset value", "right-layer", "deepseek-selloff", "barbell"):
        assert word in done.stdout, word
    assert list(tmp_path.iterdir()) == []
