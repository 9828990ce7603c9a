"""What a walk along a tape leaves behind, as arrays: whoever walked it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.ledger.tape import Tape


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fills:
    """K fills in time order, each array of shape (K,); money in the account's currency.

    at : moment on the tape; decided : home session of the order; asset : its place.
    units : bought (+) or sold (-). proceeds : what a seller got, own currency.
    """

    at: np.ndarray
    decided: np.ndarray
    asset: np.ndarray
    units: np.ndarray
    value: np.ndarray
    slippage: np.ndarray
    tax: np.ndarray
    commission: np.ndarray
    impact: np.ndarray
    fx_cost: np.ndarray
    proceeds: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Events:
    """L dividends, splits and ends of listing that met a holding, shape (L,) each.

    event : place among the tape's actions. units : held just before. paid : cash that
    came (or went, when short), before withholding; withheld : the tax on it; both in
    the account's currency at the rate of the moment.
    """

    event: np.ndarray
    units: np.ndarray
    paid: np.ndarray
    withheld: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Walk:
    """One account along a tape: T home sessions, N assets, C currencies.

    holdings, price, waiting : (T, N) units held, the price each counts at, whether an
    order stood open. cash : (T, C). interest, sweep, borrow : (T,) interest, currency
    spread of the sweep and fees for borrowed shares, the account's currency, positive =
    paid. unbought : buys at each moment that cash did not cover, as shares of NAV.
    """

    tape: Tape
    holdings: np.ndarray
    price: np.ndarray
    waiting: np.ndarray
    cash: np.ndarray
    interest: np.ndarray
    sweep: np.ndarray
    borrow: np.ndarray
    unbought: np.ndarray
    fills: Fills
    events: Events
