"""Tables on a terminal: what fits is shown in full, the rest is counted."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from engine.cli import output

TABLE = pd.DataFrame(
    {
        "path": ["barbell", "a name of many words"],
        "cagr": [0.123456, np.nan],
        "sharpe": [-0.0, 1.0],
    }
)


@pytest.fixture
def width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "PIPED_WIDTH", 30)


def test_only_columns_that_fit_are_drawn(
    width: None, capsys: pytest.CaptureFixture[str]
) -> None:
    output.emit(TABLE, "table", title="Growth", simulated=True)
    printed = capsys.readouterr()
    assert "Growth (SIMULATED)" in printed.out
    assert "0.1235" in printed.out
    assert "sharpe" not in printed.out
    assert "\N{HORIZONTAL ELLIPSIS}" not in printed.out
    assert max(map(len, printed.out.splitlines())) <= 30
    assert printed.err.startswith("1 more columns in a wider terminal")


def test_a_csv_has_every_column(capsys: pytest.CaptureFixture[str]) -> None:
    output.emit(TABLE, "csv", columns=["path"], simulated=True)
    assert capsys.readouterr().out.splitlines()[0] == "path,cagr,sharpe,stamp"


def test_an_empty_table_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    output.emit(TABLE.iloc[:0], "table", title="Events")
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "Events: nothing to show\n")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (-0.0, "0"),
        (0.123456, "0.1235"),
        (float("nan"), "\N{EN DASH}"),
        (pd.Timestamp("2024-01-16"), "2024-01-16"),
        (pd.NaT, "\N{EN DASH}"),
        (dt.date(2024, 1, 16), "2024-01-16"),
        ((0, 1), "[0, 1]"),
        (True, "yes"),
        (None, ""),
        ("[bold]x[/bold]", "[bold]x[/bold]"),
    ],
)
def test_a_cell_is_what_it_says(value: object, text: str) -> None:
    assert output._cell(value) == text


def test_markup_in_a_cell_stays_text(capsys: pytest.CaptureFixture[str]) -> None:
    output.emit(pd.DataFrame({"says": ["[red]up[/red] :smile:"]}), "table")
    assert "[red]up[/red] :smile:" in capsys.readouterr().out
