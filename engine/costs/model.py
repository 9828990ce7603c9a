"""One cost model: what the optimiser expects is what the ledger charges.

Per unit of traded value, in the order in which it is paid:

- slippage and tax on the value traded, in the line's own currency;
- the currency spread on what has to be converted: a foreign buyer converts the value
  and its costs, a foreign seller what is left of the proceeds.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np
import pandas as pd

from engine.costs.fees import FeeSchedule, Side
from engine.market.calendar import Sessions
from engine.market.calendar import sessions as calendar_sessions
from engine.market.listing import Line
from engine.thesis.model import Execution

BPS = 1e-4
SIDES: tuple[Side, Side] = ("buy", "sell")
#: Sessions between a trade and its settlement where a tax asks for it (Korea: T+2).
SETTLEMENT_SESSIONS = 2
#: No exchange is shut for longer, so a settlement falls within these days.
_LONGEST_CLOSURE_DAYS = 21


def slippage_rate(execution: Execution) -> float:
    """Return slippage and half the spread as a fraction of the traded value."""
    return (execution.slippage_bps + execution.half_spread_bps) * BPS


def spread_rate(execution: Execution, currency: str, base: str) -> float:
    """Return the currency spread as a fraction of what is converted; 0 at home."""
    return 0.0 if currency == base else execution.fx_spread_bps * BPS


def buying_cost(slippage: float, tax: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Return what a buyer pays on top, as a fraction of the value bought."""
    return slippage + tax + spread * (1.0 + slippage + tax)


def selling_cost(slippage: float, tax: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Return what a seller loses, as a fraction of the value sold."""
    return slippage + tax + spread * (1.0 - slippage - tax)


def cost_rates(
    lines: Sequence[Line],
    schedule: FeeSchedule,
    execution: Execution,
    day: dt.date | pd.Timestamp | np.datetime64,
    *,
    base: str,
) -> tuple[pd.Series, pd.Series]:
    """Return the cost of buying and of selling each line, fractions of traded value.

    Parameters
    ----------
    lines : sequence of Line
        N lines; the result is indexed by their symbols.
    day : date
        The day of the decision. Of charges per order their rates on the value are
        here; what depends on an order's size or price is in `engine.costs.orders`. A
        tax by settlement date is taken two weekdays later: the days of the trades
        themselves are not known yet, and around a change of rate the ledger may charge
        the other one.
    base : str
        Currency of the account; other lines pay the currency spread.

    Returns
    -------
    tuple of two Series of shape (N,)

    Raises
    ------
    DataError
        If a tax or fee has no rate on that day.
    """
    trade, settlement = expected_days(day)
    slippage = slippage_rate(execution)
    spread = np.array([spread_rate(execution, line.currency, base) for line in lines])
    taxes = {
        (mic, side): schedule.rate(mic, side, trade, settlement)
        + schedule.charge_rate(mic, side, trade, settlement)
        for mic in {line.mic for line in lines}
        for side in SIDES
    }
    buy = np.array([taxes[line.mic, "buy"] for line in lines])
    sell = np.array([taxes[line.mic, "sell"] for line in lines])
    symbols = [line.symbol for line in lines]
    return (
        pd.Series(buying_cost(slippage, buy, spread), index=symbols, name="buy"),
        pd.Series(selling_cost(slippage, sell, spread), index=symbols, name="sell"),
    )


def expected_days(
    day: dt.date | pd.Timestamp | np.datetime64,
) -> tuple[dt.date, dt.date]:
    """Return the days of a trade and of its settlement as a decision expects them."""
    trade = pd.Timestamp(day)
    settlement = trade + SETTLEMENT_SESSIONS * pd.offsets.BDay()
    return trade.date(), settlement.date()


def tax_rates(
    schedule: FeeSchedule, mic: str, side: Side, sessions: Sessions
) -> np.ndarray:
    """Return the tax on trades of each session, shape (sessions,); NaN in a gap."""
    trade = sessions.days.to_numpy().astype("datetime64[D]")
    return schedule.rates(mic, side, trade, settlement_days(schedule, mic, sessions))


def settlement_days(schedule: FeeSchedule, mic: str, sessions: Sessions) -> np.ndarray:
    """Return the day each session's trades settle, shape (sessions,), datetime64[D].

    The last sessions settle after the prices end. The calendar is asked for those
    days only if a rate changes nearby; else any day soon after gives the same rate.
    """
    trade = sessions.days.to_numpy().astype("datetime64[D]")
    if len(trade) == 0:
        return trade
    last = trade[-1]
    changes = schedule.changes(mic)
    near = (changes > last) & (changes <= last + _LONGEST_CLOSURE_DAYS)
    if near.any():
        ahead = calendar_sessions(
            mic, last.item(), (last + 2 * _LONGEST_CLOSURE_DAYS).item()
        )
        known = ahead.days.to_numpy().astype("datetime64[D]")
        later = known[known > last][:SETTLEMENT_SESSIONS]
    else:
        later = last + np.arange(1, SETTLEMENT_SESSIONS + 1)
    return np.concatenate([trade, later])[SETTLEMENT_SESSIONS:]
