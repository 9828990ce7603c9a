"""Brinson and Fachler with Carino linking against R PortfolioAttribution."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine.evidence.attribution import Effects, brinson_fachler, carino
from tests.tolerances import ORACLE

pytestmark = pytest.mark.shared


@pytest.fixture
def told(shared: Path) -> pd.DataFrame:
    """Bacon's four quarters of three segments."""
    return pd.read_csv(shared / "oracles" / "attribution" / "bacon_4period_input.csv")


def panel(told: pd.DataFrame, name: str) -> np.ndarray:
    wide = told.pivot_table(name, index="period", columns="segment")
    return wide[["UK equities", "Japanese equities", "US equities"]].to_numpy()


def effects(told: pd.DataFrame) -> Effects:
    w, w_b, r, r_b = (panel(told, name) for name in ("wp", "wb", "rp", "rb"))
    return brinson_fachler(w, w_b, w * r, w_b * r_b)


def expected(shared: Path, which: str) -> np.ndarray:
    file = shared / "oracles" / "attribution" / f"bacon_Carino_{which}_expected.csv"
    return pd.read_csv(file, index_col=0).to_numpy()


def test_single_periods(told: pd.DataFrame) -> None:
    found = effects(told)
    for ours, theirs in (
        (found.allocation, "bf_allocation"),
        (found.selection, "selection_pure"),
        (found.interaction, "interaction"),
        (found.selection + found.interaction, "selection_incl_interaction"),
    ):
        assert ours == pytest.approx(panel(told, theirs), abs=ORACLE), theirs


def test_linked_by_carino(told: pd.DataFrame, shared: Path) -> None:
    found = effects(told)
    r = (panel(told, "wp") * panel(told, "rp")).sum(axis=1)
    r_b = (panel(told, "wb") * panel(told, "rb")).sum(axis=1)
    k = carino(r, r_b)[:, None]
    for ours, theirs in (
        (found.allocation, "allocation"),
        (found.selection + found.interaction, "selection"),
    ):
        linked = k * ours
        whole = np.vstack([linked, linked.sum(axis=0)])
        whole = np.column_stack([whole, whole.sum(axis=1)])
        assert whole == pytest.approx(expected(shared, theirs), abs=ORACLE), theirs
