"""``assay claims --beside``: the same claims of firms not chosen, and turned round."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd
import pytest

from engine.cli.main import cli
from tests.flagship import FLAGSHIP

PERIOD = ("--start", "2024-11-01", "--end", "2025-06-30")


def test_it_prints_who_was_asked_and_says_what_it_means(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    asked = ["claims", str(FLAGSHIP), "--beside", *PERIOD, "--format", "csv"]
    cli.main(asked, standalone_mode=False)
    out, err = capsys.readouterr()
    table = pd.read_csv(io.StringIO(out))
    assert set(table["against"]) == {"thesis", "placebo", "anti-thesis"}
    dip = table[(table["claim"] == "H02-dip") & (table["sample"] == "in-sample")]
    by = dip.set_index("against")
    assert by["estimate"].notna().all()
    assert by.loc["placebo", "asked_of"] == "TSM, ASML, INTC (3 of 4)"
    assert by.loc["anti-thesis", "asked_of"] == "middle instead of compute"
    assert by["verdict"].str.startswith("SIMULATED: ").all()
    words = " ".join(err.split())
    assert "claims that can be asked of the placebo" in words
    assert "effects are planted by layer" in words
