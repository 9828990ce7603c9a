"""What makes the readable and the compiled ledger the same."""

from __future__ import annotations

import numpy as np
import pandas as pd

from engine.ledger.backtest import Backtest
from tests.tolerances import TWIN


def check_twins(told: Backtest, twin: Backtest) -> None:
    """Every table is the same, to rounding in the last digits of NAV."""
    size = told.nav.to_numpy()
    capital = size.max()
    assert (np.abs(twin.nav / size - 1.0) <= TWIN).all()
    pd.testing.assert_frame_equal(told.waiting, twin.waiting)
    pd.testing.assert_frame_equal(told.stale, twin.stale)
    pd.testing.assert_frame_equal(told.targets, twin.targets)
    exact = ["filled_utc", "session", "decided", "asset", "side", "currency", "waited"]
    pd.testing.assert_frame_equal(told.trades[exact], twin.trades[exact])
    for name in ("weights", "price", "cash", "costs", "dividends"):
        one, other = getattr(told, name), getattr(twin, name)
        assert list(one.columns) == list(other.columns)
        scale = 1.0 if name == "weights" else capital
        scale = scale if name != "price" else np.nan_to_num(one.to_numpy()).max()
        np.testing.assert_allclose(
            other.to_numpy(), one.to_numpy(), rtol=1e-9, atol=TWIN * scale,
            err_msg=name,
        )  # fmt: skip
    money = ["value", "slippage", "tax", "commission", "impact", "fx_cost"]
    np.testing.assert_allclose(
        twin.trades[money], told.trades[money], rtol=1e-9, atol=TWIN * capital
    )
    assert told.notes == twin.notes
