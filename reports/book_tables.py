"""What the barbell's account held at each home close, so that anyone can add it up.

nav = sum over assets of units x price x rate of its currency
+ sum over currencies of cash x rate
"""

from __future__ import annotations

import pandas as pd

from engine.study_result import StudyResult


def holdings(result: StudyResult) -> pd.DataFrame:
    """Return units by home session and asset, for assets that were ever held."""
    return _by_session(result.backtest.holdings[_held(result)])


def prices(result: StudyResult) -> pd.DataFrame:
    """Return the price that each of them counts at, in its own currency."""
    return _by_session(result.backtest.price[_held(result)])


def cash(result: StudyResult) -> pd.DataFrame:
    """Return cash by home session and currency, in that currency."""
    return _by_session(result.backtest.cash)


def rates(result: StudyResult) -> pd.DataFrame:
    """Return units of the account's currency per unit of each currency."""
    return _by_session(result.backtest.fx)


def session_costs(result: StudyResult) -> pd.DataFrame:
    """Return what was paid by home session and kind, in the account's currency."""
    return _by_session(result.backtest.costs)


def _held(result: StudyResult) -> list[str]:
    units = result.backtest.holdings
    return [str(name) for name in units.columns if units[name].to_numpy().any()]


def _by_session(panel: pd.DataFrame) -> pd.DataFrame:
    return panel.rename_axis("session").reset_index()
