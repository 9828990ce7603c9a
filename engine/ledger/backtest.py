"""What would have happened: the result of one simulation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
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
ACTION_COLUMNS = (
    "at_utc",
    "session",
    "asset",
    "kind",
    "value",
    "units",
    "currency",
    "paid",
    "withheld",
    "fx",
    "fx_cost",
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Backtest:
    """One simulated account, T home sessions, N assets, C currencies.

    nav : (T,) net asset value in the base currency at each home close.
    holdings : (T, N) units held after the close; weights : (T, N) their share of NAV.
    cash : (T, C) cash by currency, in that currency.
    price : (T, N) last known price, own currency; fx : (T, C) base per unit.
    trades : one row per fill, columns `TRADE_COLUMNS`; `value`, `slippage`, `tax`,
        `commission` (charges per order), `impact` and `fx_cost` in the base currency,
        `units` signed (sold: negative), `value` never.
    costs : (T, kinds) what trading and financing cost each session, base currency,
        positive = paid. Always `slippage`, `tax`, `fx`, `interest`; `commission`,
        `impact`, `borrow`, `withholding` where settings and prices can give rise to
        them.
    targets : (D, N) target weights by decision session.
    waiting : (T, N) True where an order stood open at the home close.
    stale : (T, N) True where a held asset was valued at a stale price.
    dividends : (T, N) cash dividends before withholding, base currency; negative where
        a short position owed them. Total-return prices have none.
    actions : one row per dividend, split and end of a listing that met a holding,
        columns `ACTION_COLUMNS`: `kind` is ``dividend`` (`value` per share), ``split``
        (new shares for one) or ``delisting`` (`value` per share); `units` held before,
        `paid` before withholding and `withheld`, base currency; `fx` the rate of that
        moment, `fx_cost` the currency spread when the money went home.
    fx_effect : (T,) what the change of rates since the last session did to what was
        held then, base currency: exposure at today's prices x change of the rate.
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
    dividends: pd.DataFrame = field(default_factory=pd.DataFrame)
    actions: pd.DataFrame = field(default_factory=pd.DataFrame)
    fx_effect: pd.Series = field(default_factory=lambda: pd.Series(dtype=np.float64))

    @property
    def returns(self) -> pd.Series:
        """Simple returns of NAV per home session, shape (T - 1,)."""
        return self.nav.pct_change(fill_method=None).iloc[1:].rename(self.name)

    @property
    def drawdown(self) -> pd.Series:
        """NAV over its running maximum minus 1, shape (T,)."""
        return (self.nav / self.nav.cummax() - 1.0).rename(self.name)

    @property
    def waiting_days(self) -> pd.Series:
        """Home closes at which each asset's order stood open, shape (N,)."""
        return self.waiting.sum().rename("waiting_days")

    @property
    def stale_days(self) -> pd.Series:
        """Home closes at which each asset was held at a stale price, shape (N,)."""
        return self.stale.sum().rename("stale_days")

    def to_frame(self) -> pd.DataFrame:
        """Return one row per home session: what the account was worth, did and paid.

        Columns: ``nav``, ``return`` (0 in the first session), ``drawdown``, ``cash``
        (share of NAV), ``turnover`` (value traded over NAV, one way: half of both),
        ``dividends``, ``fx_effect``, ``waiting`` and ``stale`` (numbers of assets) and
        one column ``cost_KIND`` per kind of cost. Money in the base currency.
        """
        sessions = self.nav.index
        decided = sessions.get_indexer(pd.DatetimeIndex(self.trades["decided"]))
        home = decided + 1 + self.trades["waited"].to_numpy(dtype=np.int64)
        traded = np.bincount(
            home,
            self.trades["value"].to_numpy(dtype=np.float64),
            minlength=len(sessions),
        )
        columns = {
            "nav": self.nav,
            "return": self.nav.pct_change(fill_method=None).fillna(0.0),
            "drawdown": self.drawdown,
            "cash": 1.0 - self.weights.sum(axis=1),
            "turnover": traded / 2.0 / self.nav,
            "dividends": self.dividends.sum(axis=1).reindex(sessions, fill_value=0.0),
            "fx_effect": self.fx_effect.reindex(sessions, fill_value=0.0),
            "waiting": self.waiting.sum(axis=1),
            "stale": self.stale.sum(axis=1),
        }
        costs = self.costs.add_prefix("cost_")
        return pd.concat([pd.DataFrame(columns), costs], axis=1)

    def tables(self) -> Mapping[str, pd.DataFrame]:
        """Return every table of the account by name."""
        return {
            "sessions": self.to_frame(),
            "holdings": self.holdings,
            "weights": self.weights,
            "cash": self.cash,
            "price": self.price,
            "fx": self.fx,
            "trades": self.trades,
            "costs": self.costs,
            "dividends": self.dividends,
            "actions": self.actions,
            "targets": self.targets,
            "waiting": self.waiting,
            "stale": self.stale,
        }

    def to_csv(self, path: str | Path) -> None:
        """Write `to_frame` as CSV."""
        self.to_frame().to_csv(path, lineterminator="\n")

    def to_parquet(self, path: str | Path) -> None:
        """Write `to_frame` as Parquet."""
        self.to_frame().to_parquet(path)
