"""What orders are expected to cost beyond a rate on their value, before they are made.

The ledger's own formulas (`engine.ledger.trade`, `engine.ledger.liquidity`), on what is
known at the decision and as shares of net asset value (NAV):

- impact, ``k v**1.5`` for a trade of v, convex;
- charges per order, ``clip(rate v, least, most)``: the rate is convex, its bounds not;
- a limit on participation, beyond which the rest of an order waits for later sessions.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from engine.costs.fees import FeeSchedule
from engine.costs.model import SIDES, expected_days, spread_rate
from engine.market.listing import Line
from engine.thesis.model import Execution

#: Whole sessions of an order are counted up to this.
_ROUNDING = 1e-9
_BUY, _SELL = 0, 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OrderCosts:
    """Expected costs of orders for N lines; the first axis is buys and sells.

    per_share : (2, N) charges per share as rates on the value, to be added to those of
    `engine.costs.model.cost_rates`. impact : (2, N) a trade of v costs ``impact
    v**1.5``. session : (N,) largest trade of one session, infinite without a limit.
    charges : (2, J, 3, N) rate (also per share), least and most of each order.
    sessions : how many of them lie before the next regular decision. largest_fixed :
    an order whose minimum charges add more than this share of it is not worth placing.
    """

    per_share: np.ndarray
    impact: np.ndarray
    session: np.ndarray
    charges: np.ndarray
    sessions: int
    largest_fixed: float

    @property
    def reach(self) -> np.ndarray:
        """Largest trade until the next regular decision, shape (N,)."""
        return np.asarray(self.session * self.sessions)

    @property
    def minima(self) -> bool:
        """Whether any charge has a least amount per order."""
        return bool(self.charges[:, :, 1].any())

    @property
    def curved(self) -> bool:
        """Whether any trade is expected to move its price."""
        return bool(self.impact.any())

    def take(self, places: Sequence[int]) -> OrderCosts:
        """Return the costs of some lines, in this order."""
        chosen = list(places)
        return replace(
            self,
            per_share=self.per_share[:, chosen],
            impact=self.impact[:, chosen],
            session=self.session[chosen],
            charges=self.charges[..., chosen],
        )

    def convex(self, traded: np.ndarray) -> np.ndarray:
        """Return what the optimiser counts beyond rates on trades (N,), shape (N,).

        Impact as for one trade up to the limit of a session, and beyond it the tangent:
        the least convex function that never falls below what sessions in a row cost.
        """
        size, k = np.abs(traded), self._impact(traded)
        first = np.minimum(size, self.session)
        more = np.where(k > 0.0, size - first, 0.0)
        slope = 1.5 * k * np.sqrt(np.where(more > 0.0, self.session, 0.0))
        return np.asarray(k * first**1.5 + slope * more)

    def expected(self, traded: np.ndarray) -> np.ndarray:
        """Return what trades (N,) cost beyond rates, bounds and sessions counted."""
        return np.asarray(self.moved(traded) + self.bounded(traded))

    def moved(self, traded: np.ndarray) -> np.ndarray:
        """Return the impact of trades (N,) made in as many sessions as they need."""
        k = self._impact(traded)
        return np.asarray(
            sum(count * k * size**1.5 for count, size in self._sessions(traded))
        )

    def bounded(self, traded: np.ndarray) -> np.ndarray:
        """Return what bounds of charges add to their rates (a maximum takes), (N,)."""
        return self._over_rates(traded, capped=True)

    def fixed(self, traded: np.ndarray) -> np.ndarray:
        """Return what the minima of charges add to their rates, (N,) from 0."""
        return self._over_rates(traded, capped=False)

    def _over_rates(self, traded: np.ndarray, *, capped: bool) -> np.ndarray:
        """Return charges less their rates, summed over sessions, with maxima or not."""
        added = np.zeros(len(traded))
        for side, here in ((_BUY, traded > 0.0), (_SELL, traded < 0.0)):
            for rate, least, most in self.charges[side]:
                highest = most if capped else np.inf
                for count, size in self._sessions(traded):
                    one = np.clip(rate * size, least, highest) - rate * size
                    added += np.where(here & (size > 0.0), count * one, 0.0)
        return added

    def _sessions(
        self, traded: np.ndarray
    ) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
        """Return how often trades of which size are made: in full, and the rest."""
        size = np.abs(traded)
        limited = np.isfinite(self.session) & (self.session > 0.0)
        full = np.where(limited, self.session, 1.0)
        count = np.where(limited, np.floor(size / full + _ROUNDING), 0.0)
        rest = np.maximum(size - count * full, 0.0)
        rest = np.where(rest < _ROUNDING * full, 0.0, rest)
        return (count, np.where(count > 0.0, full, 0.0)), (np.ones(len(size)), rest)

    def _impact(self, traded: np.ndarray) -> np.ndarray:
        return np.asarray(np.where(traded < 0.0, self.impact[_SELL], self.impact[_BUY]))


def order_costs(
    lines: Sequence[Line],
    schedule: FeeSchedule,
    execution: Execution,
    day: dt.date | pd.Timestamp,
    *,
    base: str,
    nav: float,
    price: np.ndarray,
    rate: np.ndarray,
    raw: np.ndarray,
    most: np.ndarray,
    impact: np.ndarray,
    sessions: int,
    largest_fixed: float,
) -> OrderCosts | None:
    """Return what orders for N lines are expected to cost beyond `cost_rates`.

    Parameters
    ----------
    lines, schedule, execution, day, base
        As for `engine.costs.model.cost_rates`.
    nav : float
        Net asset value now, the account's currency.
    price, rate : ndarray of shape (N,)
        Last known price in each line's own currency, and the account's currency per
        unit of it; NaN where there is none, and where nothing can trade.
    raw : ndarray of shape (N,)
        Whether prices are as traded: only then is anything charged per share.
    most, impact : ndarray of shape (N,)
        Largest trade of the next session and cost of a trade per root of its value, own
        currency (`engine.ledger.liquidity.Liquidity`).
    sessions, largest_fixed
        As in `OrderCosts`.

    Returns
    -------
    OrderCosts, or None where the settings charge nothing beyond a rate on the value.
    """
    worth = nav / np.where(np.isfinite(rate) & (rate > 0.0), rate, 1.0)  # NAV, own
    spread = np.array([spread_rate(execution, line.currency, base) for line in lines])
    converted = np.array([1.0 + spread, 1.0 - spread])
    own = _charges(lines, schedule, day, raw)
    if not (own.size or impact.any() or np.isfinite(most).any()):
        return None
    known = np.isfinite(price) & (price > 0.0)
    per_share = np.where(known, own[:, :, 1] / np.where(known, price, 1.0), 0.0)
    charges = np.stack(
        [own[:, :, 0] + per_share, own[:, :, 2] / worth, own[:, :, 3] / worth], axis=2
    )
    return OrderCosts(
        per_share=per_share.sum(axis=1) * converted,
        impact=impact * np.sqrt(worth) * converted,
        session=most / worth,
        charges=charges * converted[:, None, None, :],
        sessions=sessions,
        largest_fixed=largest_fixed,
    )


def _charges(
    lines: Sequence[Line],
    schedule: FeeSchedule,
    day: dt.date | pd.Timestamp,
    raw: np.ndarray,
) -> np.ndarray:
    """Return the charges per order (2, J, 4, N): rate, per share, at least, at most."""
    trade, settlement = (np.array([one], "datetime64[D]") for one in expected_days(day))
    kinds = {(line.mic, bool(whole)) for line, whole in zip(lines, raw, strict=True)}
    found = {
        (mic, side, whole): schedule.order_charges(
            mic, side, trade, settlement, raw=whole
        )[:, :, 0]
        for mic, whole in sorted(kinds)
        for side in SIDES
    }
    count = max((len(one) for one in found.values()), default=0)
    out = np.zeros((2, count, 4, len(lines)))
    out[:, :, 3] = np.inf
    for n, (line, whole) in enumerate(zip(lines, raw, strict=True)):
        for place, side in enumerate(SIDES):
            one = found[line.mic, side, bool(whole)]
            out[place, : len(one), :, n] = one
    return out
