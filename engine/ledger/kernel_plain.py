"""A compiled ledger for the plain case: one currency, one clock, proportional costs.

Nothing branches in its inner loops, so that the processor works on several assets at
once. Any price that is missing makes a NAV that is no number, which is how a caller
learns that the case was not plain after all.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc", "contract"})
def run_plain(
    fill: np.ndarray,
    rows: np.ndarray,
    schedules: np.ndarray,
    slippage: float,
    tax_buy: np.ndarray,
    tax_sell: np.ndarray,
    capital: float,
    nav: np.ndarray,
    totals: np.ndarray,
) -> None:
    """Write the NAV of every schedule at every close.

    Parameters
    ----------
    fill : ndarray of shape (T, N)
        Closing prices, at which all is traded and valued.
    rows : ndarray of shape (D,)
        Sessions at whose close is decided, increasing; the next close fills.
    schedules : ndarray of shape (S, D, N)
        Target weights, not negative and at most 1 in sum.
    slippage, tax_buy, tax_sell : float, ndarray of shape (T,)
        Costs as fractions of the traded value.
    capital : float
    nav : ndarray of shape (S, T), written
    totals : ndarray of shape (S, 3), written
        Slippage, tax and traded value over the whole run.
    """
    sessions, assets = fill.shape
    units = np.zeros(assets)
    for one in range(len(schedules)):
        units[:] = 0.0
        cash, decision = capital, 0
        for t in range(sessions):
            worth = cash
            for i in range(assets):
                worth += units[i] * fill[t, i]
            if decision < len(rows) and rows[decision] < t:
                while decision + 1 < len(rows) and rows[decision + 1] < t:
                    decision += 1
                spent, cost = _rebalance(
                    fill[t], schedules[one, decision], units, worth, cash,
                    slippage, tax_buy[t], tax_sell[t], totals[one],
                )  # fmt: skip
                cash -= spent
                worth -= cost
                decision += 1
            nav[one, t] = worth


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc", "contract"})
def _rebalance(
    price: np.ndarray,
    target: np.ndarray,
    units: np.ndarray,
    worth: float,
    cash: float,
    slippage: float,
    tax_buy: float,
    tax_sell: float,
    totals: np.ndarray,
) -> tuple[float, float]:
    """Trade towards the target; return the cash it took and what it cost."""
    sold, bought = 0.0, 0.0
    for i in range(len(units)):
        gap = target[i] * worth - units[i] * price[i]
        sold += max(-gap, 0.0)
        bought += max(gap, 0.0)
    lost, added = slippage + tax_sell, slippage + tax_buy
    power = max(cash + sold * (1.0 - lost), 0.0)
    need = bought * (1.0 + added)
    if need <= power:
        for i in range(len(units)):
            units[i] = target[i] * worth / price[i]
    else:
        scale = power / need
        bought *= scale
        for i in range(len(units)):
            gap = target[i] * worth - units[i] * price[i]
            units[i] += (max(gap, 0.0) * scale + min(gap, 0.0)) / price[i]
    totals[0] += (sold + bought) * slippage
    totals[1] += sold * tax_sell + bought * tax_buy
    totals[2] += sold + bought
    cost = sold * lost + bought * added
    return bought - sold + cost, cost
