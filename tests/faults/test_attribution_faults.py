"""Attribution where there is next to nothing to attribute."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine import app
from engine.evidence.attribution import EFFECTS, TOTAL, Pair, linked
from engine.evidence.attribution_books import Books
from engine.evidence.regression import INTERCEPT
from reports.sections import document
from tests.flagship import FLAGSHIP
from tests.tolerances import ATTRIBUTION


def test_two_sessions_are_attributed_and_not_regressed() -> None:
    told = app.run(FLAGSHIP, start="2025-01-27", end="2025-01-28")
    table = told.attribution.table
    assert set(table["period"]) == {"all"}
    total = table[table["group"] == TOTAL]
    gap = total["return"] - total["return_baseline"]
    assert total["active"].to_numpy() == pytest.approx(gap.to_numpy(), abs=ATTRIBUTION)
    assert INTERCEPT not in set(told.regression["factor"])
    assert set(told.regression["absent"]) == {"fewer than 60 sessions"}
    section = next(s for s in document(told, {}).sections if s.id == "attribution")
    words = " ".join(str(block) for block in section.blocks)
    assert "absent: fewer than 60 sessions" in words


def test_one_benchmark_leaves_no_sector(tmp_path: Path) -> None:
    text = FLAGSHIP.read_text(encoding="utf-8")
    path = tmp_path / "one.toml"
    path.write_text(text.replace('["SPY", "SMH"]', '["SPY"]'), encoding="utf-8")
    told = app.run(path, start="2025-01-02", end="2025-06-30")
    found = told.regression.set_index("factor")
    assert found.loc["sector", "absent"] == (
        "the thesis has no second benchmark with a price"
    )
    assert np.isfinite(found.loc["market", "loading"])
    assert set(told.attribution.table["against"]) == {"equal weight", "SPY"}


def test_a_rest_that_the_books_cannot_explain_is_shown_and_not_spread() -> None:
    """A dividend that no column knows of: it stands under other, sums still hold."""
    days = pd.bdate_range("2025-01-02", periods=40)
    shape = (len(days), 2)
    nothing = np.zeros(shape)
    cash = np.array([0.0, 1.0]) + nothing
    idle = Books(
        days=days,
        groups=("one", "cash"),
        currencies=("USD",),
        weight=cash,
        local=nothing,
        currency=nothing,
        by_currency=nothing[:, :1],
        trading=nothing,
        costs=nothing,
        other=np.zeros(len(days)),
        returns=np.zeros(len(days)),
    )
    paid = np.full(len(days), 0.001)
    own = dataclasses.replace(idle, other=paid, returns=paid)
    rows = np.ones(len(days), dtype=bool)
    table = linked({"idle": Pair(own=own, baseline=idle)}, {"all": rows}).table
    total = table[table["group"] == TOTAL].iloc[0]
    assert total["other"] == pytest.approx(1.001 ** len(days) - 1)
    assert (table[[name for name in EFFECTS if name != "other"]] == 0).all(axis=None)
