"""What would have happened: the result of one simulation."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

TRADE_COLUMNS = (
    "filled_utc",
    "session",
    "decided",
    "asset",
    "side",
    "units",
    "price",
    "currency",
    "fx",
    "value",
    "slippage",
    "tax",
    "commission",
    "impact",
    "fx_cost",
    "waited",
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Backtest:
    """One simulated account, T home sessions, N assets, C currencies.

    nav : (T,) net asset value in the base currency at each home close.
    holdings : (T, N) units held after the close; weights : (T, N) their share of NAV.
    cash : (T, C) cash by currency, in that currency.
    price : (T, N) last known price, own currency; fx : (T, C) base per unit.
    trades : one row per fill, columns `TRADE_COLUMNS`; `value`, `slippage`, `tax` and
        `fx_cost` in the base currency, `units` signed.
    costs : (T, kinds) what trading and financing cost each session, base currency,
        positive = paid.
    targets : (D, N) target weights by decision session.
    waiting : (T, N) True where an order stood open at the home close.
    stale : (T, N) True where a held asset was valued at a stale price.
    """

    name: str
    base: str
    nav: pd.Series
    holdings: pd.DataFrame
    weights: pd.DataFrame
    cash: pd.DataFrame
    price: pd.DataFrame
    fx: pd.DataFrame
    trades: pd.DataFrame
    costs: pd.DataFrame
    targets: pd.DataFrame
    waiting: pd.DataFrame
    stale: pd.DataFrame
    notes: tuple[str, ...] = ()

    @property
    def returns(self) -> pd.Series:
        """Simple returns of NAV per home session, shape (T - 1,)."""
        return self.nav.pct_change(fill_method=None).iloc[1:].rename(self.name)

    @property
    def drawdown(self) -> pd.Series:
        """NAV over its running maximum minus 1, shape (T,)."""
        return (self.nav / self.nav.cummax() - 1.0).rename(self.name)
