"""What shares paid and became between two home closes, as an attribution reads it.

A dividend is part of what its shares earned, before withholding, which is a cost; a
split earns nothing; the end of a listing pays the last that a share is worth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from engine.ledger.backtest import Backtest

Array = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
Moments = npt.NDArray[np.datetime64]

#: What a fill costs in its own currency, where the ledger has such a column.
FILL_COSTS = ("slippage", "tax", "commission", "impact")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Became:
    """What a unit became and paid by the home close, T sessions, N assets, K fills.

    units : (T, N) what one unit of the close before became. paid : (T, N) what it paid
    in cash, own currency. fill_units, fill_paid : (K,) the same of a unit that a fill
    traded, from the fill on.
    """

    units: Array
    paid: Array
    fill_units: Array
    fill_paid: Array

    def worth(self, price: Array) -> Array:
        """Return what a unit of the close before is worth at prices (T, N)."""
        return _worth(price, self.units, self.paid)

    def worth_of_fills(self, price: Array) -> Array:
        """Return what a traded unit is worth at the prices of the close (K,)."""
        return _worth(price, self.fill_units, self.fill_paid)


def _worth(price: Array, units: Array, paid: Array) -> Array:
    # what is gone needs no price
    return np.asarray(np.where(units == 0.0, 0.0, price * units) + paid)


def became(account: Backtest, closes: Moments) -> Became:
    """Return what an account's units became; `closes` (T,) are the home closes, UTC.

    What happens at the moment of a fill precedes it.
    """
    trades, symbols = account.trades, account.holdings.columns
    filled = trades["filled_utc"].to_numpy()
    row = np.searchsorted(closes, filled, side="left")
    asset = symbols.get_indexer(pd.Index(trades["asset"]))
    found = Became(
        units=np.ones(account.holdings.shape),
        paid=np.zeros(account.holdings.shape),
        fill_units=np.ones(len(trades)),
        fill_paid=np.zeros(len(trades)),
    )
    acted = account.actions
    if acted.empty:
        return found
    moments, values = acted["at_utc"].to_numpy(), acted["value"].to_numpy(np.float64)
    days = np.searchsorted(closes, moments, side="left")
    columns = symbols.get_indexer(pd.Index(acted["asset"]))
    for e, kind in enumerate(acted["kind"]):
        split = {"split": values[e], "delisting": 0.0}.get(str(kind), 1.0)
        cash = 0.0 if kind == "split" else np.nan_to_num(values[e])
        place = days[e], columns[e]
        found.paid[place] += found.units[place] * cash
        found.units[place] *= split
        since = (row == days[e]) & (asset == columns[e]) & (filled < moments[e])
        found.fill_paid[since] += found.fill_units[since] * cash
        found.fill_units[since] *= split
    return found


def kept_back(account: Backtest, closes: Moments) -> tuple[Array, Array]:
    """Return what dividends cost, and what that gained, (T, N), base currency.

    Cost is what was withheld, and the spread when the rest went home. What was withheld
    did not move with the rate from its moment to the home close, as the dividend did.
    """
    acted, symbols = account.actions, account.holdings.columns
    row = np.searchsorted(closes, acted["at_utc"].to_numpy(), side="left")
    asset = symbols.get_indexer(pd.Index(acted["asset"]))
    money = account.fx.columns.get_indexer(pd.Index(acted["currency"]))
    withheld, rate, spread = (
        acted[name].to_numpy(dtype=np.float64) for name in ("withheld", "fx", "fx_cost")
    )
    moved = -withheld * (account.fx.to_numpy()[row, money] / rate - 1.0)
    place, shape = row * len(symbols) + asset, account.holdings.shape
    return sums(place, withheld + spread, shape), sums(place, moved, shape)


def from_own_cash(account: Backtest, closes: Moments) -> Array:
    """Return what each fill took from foreign cash that was there, (K,), base currency.

    For an account whose foreign cash stays abroad: purchases in a currency take its
    cash first, in proportion to what they cost, and only the rest is converted.
    """
    trades, acted = account.trades, account.actions
    at, money = (trades[name].to_numpy() for name in ("filled_utc", "currency"))
    value, rate, units = (
        trades[name].to_numpy(dtype=np.float64) for name in ("value", "fx", "units")
    )
    known = [name for name in FILL_COSTS if name in trades.columns]
    costs = trades[known].to_numpy(dtype=np.float64).sum(axis=1)
    need = np.where(units > 0.0, value + costs, 0.0)
    came = np.where(units < 0.0, value - costs, 0.0) / rate
    moment, of = at, money
    if len(acted):
        net = (acted["paid"] - acted["withheld"]) / acted["fx"]
        came = np.append(came, net.to_numpy(dtype=np.float64))
        moment = np.append(moment, acted["at_utc"].to_numpy())
        of = np.append(of, acted["currency"].to_numpy())
    taken = np.zeros(len(trades))
    for k in np.flatnonzero((need > 0.0) & (money != account.base)):
        together = (at == at[k]) & (money == money[k])
        row = int(np.searchsorted(closes, at[k], side="left"))
        since = (of == money[k]) & (moment > closes[row - 1]) & (moment <= at[k])
        spent = (money == money[k]) & (at > closes[row - 1]) & (at < at[k])
        there = float(account.cash[str(money[k])].iloc[row - 1])
        there += came[since].sum() - (taken[spent] / rate[spent]).sum()
        wanted = need[together].sum()
        taken[k] = need[k] * min(max(there * rate[k], 0.0) / wanted, 1.0)
    return taken


def sums(place: Places, values: Array, shape: tuple[int, int]) -> Array:
    """Return the sums of values by place in a flattened array of this shape."""
    flat = np.bincount(place, values, minlength=shape[0] * shape[1])
    return np.asarray(flat.reshape(shape), dtype=np.float64)
