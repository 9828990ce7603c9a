"""What restricts orders, and what happens to holdings, laid along a tape's moments."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from engine.ledger.trade import Terms


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rules:
    """M moments, N assets, K exchanges, J charges. What no order meets has no rows.

    no_buy, no_sell : (M or 0, N) locked by a daily price limit. lot : (N,) shares that
    trade together, 0 = fractions too. most : (M or 0, N) largest trade, own currency.
    impact : (M or 0, N) cost as a fraction per root of the traded own value. charges :
    (M or 0, 2, J, 4, 2 K) for buys and sells: rate, per share, at least, at most; by
    exchange, and for lines at raw prices again: charge_of (N,) is each asset's place.
    short : (T, N) home sessions at which a short position may be asked for.
    """

    no_buy: np.ndarray
    no_sell: np.ndarray
    lot: np.ndarray
    most: np.ndarray
    impact: np.ndarray
    charges: np.ndarray
    charge_of: np.ndarray
    short: np.ndarray
    sweep: bool

    def at(self, at: int) -> Terms:
        """Return the terms of the moment `at`."""
        terms = Terms(lot=self.lot, sweep=self.sweep)
        if len(self.no_buy):
            terms = replace(terms, may_buy=~self.no_buy[at], may_sell=~self.no_sell[at])
        if len(self.most):
            terms = replace(terms, most=self.most[at], impact=self.impact[at])
        if len(self.charges):
            buy, sell = self.charges[at][:, :, :, self.charge_of]
            terms = replace(terms, charge_buy=buy, charge_sell=sell)
        return terms

    def cut(self, moments: slice, sessions: slice) -> Rules:
        """Return the rules of some moments and home sessions, without copying."""
        return replace(
            self,
            no_buy=self.no_buy[moments],
            no_sell=self.no_sell[moments],
            most=self.most[moments],
            impact=self.impact[moments],
            charges=self.charges[moments],
            short=self.short[sessions],
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Actions:
    """E dividends, splits and ends of listing, in time order, shape (E,) each.

    moment : on the tape, before any fill of it. asset : its place. split : new
    shares for one old (1: none). dividend : per new share, own currency (0: none).
    withheld : tax on the dividend, a fraction. ends : whether the listing is over;
    worth : what a share then pays, own currency.
    """

    moment: np.ndarray
    asset: np.ndarray
    split: np.ndarray
    dividend: np.ndarray
    withheld: np.ndarray
    ends: np.ndarray
    worth: np.ndarray

    def cut(self, first: int, last: int) -> Actions:
        """Return the actions of moments `first` (excluded) to before `last`.

        Those of the first moment itself precede its close, when no account is open.
        """
        low, high = np.searchsorted(self.moment, [first, last - 1], side="right")
        rows = slice(int(low), int(high))
        return Actions(
            moment=self.moment[rows] - first,
            asset=self.asset[rows],
            split=self.split[rows],
            dividend=self.dividend[rows],
            withheld=self.withheld[rows],
            ends=self.ends[rows],
            worth=self.worth[rows],
        )


def actions_of(rows: np.ndarray) -> Actions:
    """Return rows of the seven fields (E, 7) as actions in time order."""
    ordered = rows[np.lexsort((rows[:, 1], rows[:, 0]))]
    return Actions(
        moment=ordered[:, 0].astype(np.int64),
        asset=ordered[:, 1].astype(np.int64),
        split=np.ascontiguousarray(ordered[:, 2]),
        dividend=np.ascontiguousarray(ordered[:, 3]),
        withheld=np.ascontiguousarray(ordered[:, 4]),
        ends=ordered[:, 5] > 0.0,
        worth=np.ascontiguousarray(ordered[:, 6]),
    )
