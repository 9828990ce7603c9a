"""What is said of limits that were widened, and of a barbell that bought nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from engine.cli.main import cli
from engine.evidence.caveats_portfolio import portfolio_caveats
from engine.portfolio.results import Decision, Scorecard
from tests.flagship import FLAGSHIP

NAMES = ["A", "B"]


def decision(
    weight: float = 0.5, score: float = 0.3, slacks: Mapping[str, float] | None = None
) -> Decision:
    def of(value: float) -> pd.Series:
        return pd.Series(value, index=NAMES)

    card = Scorecard(
        score=of(score),
        contributions=pd.DataFrame(index=NAMES),
        coverage=of(1.0),
        withheld=of(0.0),
        factor_weights=pd.Series(dtype=float),
    )
    return Decision(
        session=pd.Timestamp("2024-01-31"),
        moment=np.datetime64("2024-01-31T21:00:00", "ns"),
        weights=of(weight),
        cash=1.0 - 2.0 * weight,
        scorecard=card,
        alpha=of(0.0),
        status="optimal",
        objective=0.0,
        slacks=slacks or {},
    )


def test_widened_limits_are_counted_and_measured() -> None:
    said = portfolio_caveats(
        [
            decision(),
            decision(slacks={"portfolio.max_weight": 0.012}),
            decision(
                slacks={
                    "portfolio.max_weight": 0.0277,
                    "barbell.ends.weight minimum": 0.1,
                    "portfolio.max_names": 2.0,
                    "portfolio.beta minimum": 0.25,
                    "portfolio.cash maximum": 0.0000123,
                }
            ),
        ]
    )
    assert said == (
        "At 2 of 3 decisions the limits could not be met and were widened "
        "(portfolio.relax): max_weight by up to 2.8 points, ends.weight minimum by up "
        "to 10.0 points, max_names by up to 2 names, beta minimum by up to 0.25, cash "
        "maximum by up to 0.001 points.",
    )


def test_nothing_is_said_where_nothing_gave_way() -> None:
    assert portfolio_caveats([decision(), decision(weight=0.0)]) == ()
    assert portfolio_caveats([]) == ()


@pytest.mark.parametrize(
    ("score", "why"),
    [(0.0, "one asset alone ranks in the middle"), (0.4, "no asset promises more")],
)
def test_a_barbell_that_bought_nothing_says_so(score: float, why: str) -> None:
    (said,) = portfolio_caveats([decision(weight=0.0, score=score)] * 3)
    assert said.startswith(
        "Nothing was bought: all 3 decisions keep everything in cash"
    )
    assert why in said


def test_the_command_prints_how_far_limits_were_widened(tmp_path: Path) -> None:
    text, line = FLAGSHIP.read_text(), "max_weight    = 0.10"
    assert line in text
    tight = text.replace(line, "max_weight = 0.03")
    thesis = tmp_path / "tight.toml"
    thesis.write_text(tight)
    asked = ["backtest", str(thesis), "--relax"]
    asked += ["--start", "2024-07-01", "--end", "2024-09-30", "--format", "csv"]
    told = CliRunner().invoke(cli, asked)
    assert told.exit_code == 0, told.output
    assert re.search(
        r"note: At 4 of 4 decisions the limits could not be met and were widened "
        r"\(portfolio.relax\): max_weight by up to \d\.\d points\.",
        told.stderr,
    )
