"""The schema that editors get: it takes what the reader takes, and is stable."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
import tomllib
from pathlib import Path

import jsonschema
import pytest

from engine.thesis.schema import DIALECT, json_schema
from engine.thesis.template import starting_thesis
from tests.thesis_words import GOOD, WORDS

SCHEMA = json_schema(WORDS)
VALIDATOR = jsonschema.Draft202012Validator(
    SCHEMA, format_checker=jsonschema.FormatChecker()
)


def as_an_editor_sees(text: str) -> object:
    """Return TOML as JSON: dates become text."""

    def plain(value: object) -> str:
        assert isinstance(value, dt.date)
        return value.isoformat()

    return json.loads(json.dumps(tomllib.loads(text), default=plain))


def errors(text: str) -> list[str]:
    return [error.message for error in VALIDATOR.iter_errors(as_an_editor_sees(text))]


def test_it_is_a_schema_of_the_dialect_it_names() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == DIALECT
    json.dumps(SCHEMA, allow_nan=False)


def test_it_accepts_what_the_reader_accepts(root: Path) -> None:
    assert errors(GOOD) == []
    assert errors(starting_thesis("ends")) == []
    assert errors((root / "examples" / "minimal.toml").read_text("utf-8")) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("capital =", "captial ="),
        ('layers = ["labs"]', 'layers = ["labz"]'),
        ("labs = -1.0", "labz = -1.0"),
        ('name = "price_momentum"', 'name = "price_momentun"'),
        ("params = { weeks = 8 }", "params = { week = 8 }"),
        ("params = { weeks = 8 }", 'params = { weeks = "8" }'),
        ("exposure = { cloud = 1.0, labs = -1.0 }", ""),
        ('name = "price_momentum"', 'name = "price_momentum"\nexposure={labs=1}'),
        ('test = "event_contrast"', 'test = "event_kontrast"'),
        ('short = "labs"', 'shrt = "labs"'),
        ("window = [2, 120]", ""),
        ("window = [2, 120]", "window = [2]"),
        ('compute = "-"', 'compute = "up"'),
        ("memory = [0.05, 0.30]", "memori = [0.05, 0.30]"),
        ('contrasts = [["compute", "labs"]]', 'contrasts = [["compute"]]'),
        ('calendar = "XNYS"', 'calendar = "NYSE"'),
        ('currency = "USD"', 'currency = "USDollar"'),
        ('objective = "mean_variance"', 'objective = "mean_varience"'),
        ("start = 2023-01-03", 'start = "January"'),
        ('exclude = ["688256.SH"', 'exclude = ["688256.XX"'),
        ("[barbell.middle]", '[barbell."a b"]'),
        ("weight = 0.2", "weight = 0"),
    ],
)
def test_it_rejects_one_wrong_word(old: str, new: str) -> None:
    assert old in GOOD
    assert errors(GOOD.replace(old, new, 1)) != []


def test_it_names_what_the_catalogues_hold() -> None:
    tables = SCHEMA["$defs"]
    assert tables["FactorSpec"]["properties"]["name"]["enum"] == [
        "capex_growth",
        "price_momentum",
        "token_share_momentum",
        "volatility",
    ]
    assert tables["Claim"]["properties"]["test"]["enum"] == sorted(WORDS.claim_tests)
    assert tables["Leg"]["properties"]["layers"]["items"]["enum"] == list(WORDS.layers)
    assert (
        "688256.SH"
        in tables["UniverseChoice"]["properties"]["exclude"]["items"]["enum"]
    )
    assert set(SCHEMA["properties"]["signals"]["properties"]) == set(WORDS.roles)


def test_it_is_the_same_in_another_process(root: Path) -> None:
    """Sets have another order there."""
    program = (
        "import json; from engine.thesis.schema import json_schema;"
        "from tests.thesis_words import WORDS; print(json.dumps(json_schema(WORDS)))"
    )
    for seed in ("1", "2"):
        out = subprocess.run(
            [sys.executable, "-c", program],
            cwd=root,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(root)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert out.stdout.strip() == json.dumps(SCHEMA)
