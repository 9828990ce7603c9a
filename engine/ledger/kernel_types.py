"""What the compiled walk reads, keeps and writes: tuples of arrays."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

#: Nanoseconds of the year that interest counts by.
YEAR_NS = 365 * 86_400 * 10**9
#: Status of a run.
DONE, FAILED, FULL = 0, 1, 2
#: Places in `Tracks.totals`.
SLIPPAGE, TAX, COMMISSION, IMPACT, FX, INTEREST, BORROW, WITHHELD, TRADED = range(9)
#: Places in `State.number`: next home row, session of the orders, next action, length
#: of the list of open orders, fills, moments with fills, and actions recorded.
ROW, DECIDED, ACTION, OPEN, FILLS, MOMENTS, EVENTS = range(7)


class Reel(NamedTuple):
    """The arrays of a tape that the walk reads, as in `Tape`, `Rules` and `Actions`.

    time : (M,) nanoseconds. opens : whether fills can come before a session's close.
    """

    time: np.ndarray
    home_at: np.ndarray
    price: np.ndarray
    mark: np.ndarray
    bar: np.ndarray
    fill: np.ndarray
    next_fill: np.ndarray
    due: np.ndarray
    fx: np.ndarray
    tax_buy: np.ndarray
    tax_sell: np.ndarray
    currency_of: np.ndarray
    venue_of: np.ndarray
    spread: np.ndarray
    earn: np.ndarray
    owe: np.ndarray
    borrow: np.ndarray
    no_buy: np.ndarray
    no_sell: np.ndarray
    lot: np.ndarray
    most: np.ndarray
    impact: np.ndarray
    charges: np.ndarray
    charge_of: np.ndarray
    action_at: np.ndarray
    action_asset: np.ndarray
    action_split: np.ndarray
    action_dividend: np.ndarray
    action_withheld: np.ndarray
    action_ends: np.ndarray
    action_worth: np.ndarray
    slippage: float
    capital: float
    sweep: bool
    opens: bool


class Tracks(NamedTuple):
    """What a run writes. Arrays with no rows are not written.

    nav, interest, swept, borrowed : (T,); totals : (9,) over the whole run. holdings,
    price, waiting : (T or 0, N); cash : (T or 0, C). fill_place : (room, 3) moment,
    decision, asset; fill_number : (room, 8) units, value, slippage, tax, commission,
    impact, fx cost, proceeds. unbought : (room,). event : (room, 4).
    """

    nav: np.ndarray
    interest: np.ndarray
    swept: np.ndarray
    borrowed: np.ndarray
    totals: np.ndarray
    holdings: np.ndarray
    price: np.ndarray
    waiting: np.ndarray
    cash: np.ndarray
    fill_place: np.ndarray
    fill_number: np.ndarray
    unbought: np.ndarray
    event: np.ndarray


class State(NamedTuple):
    """An account between two moments; as in `Account`, and room to work in.

    listed : (N,) the assets with an open order, as many as `number` says; an order
    whose listing has ended stays on the list until the next moment, but not in `waits`.
    """

    units: np.ndarray
    cash: np.ndarray
    target: np.ndarray
    waits: np.ndarray
    fill_at: np.ndarray
    paid: np.ndarray
    bar: np.ndarray
    accrued: np.ndarray
    clock: np.ndarray
    lent: np.ndarray
    number: np.ndarray
    unit_value: np.ndarray
    gap: np.ndarray
    bought: np.ndarray
    local: np.ndarray
    extra: np.ndarray
    moved: np.ndarray
    flag: np.ndarray
    listed: np.ndarray
