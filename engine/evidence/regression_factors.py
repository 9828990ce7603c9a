"""The factors of a regression, each from what the study itself has.

The market is the thesis's first benchmark; each further benchmark stands for its sector
by what it earns beyond the market; momentum is walked forward over the study's own
assets; the currency factor is the account's own against the others of the study.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from engine.market.calendar import calendar_of
from engine.market.homeview import HomeView
from engine.market.listing import Line
from engine.market.market import Market

Array = npt.NDArray[np.float64]

#: Sessions back to which momentum looks, and the last ones that it leaves out.
MOMENTUM_FROM, MOMENTUM_TO = 252, 21
#: Fewest assets that are ranked, and the share of them on each side.
FEWEST_RANKED, SIDE = 6, 1.0 / 3.0
#: A factor known on a smaller share of the sessions is absent.
ABSENT_BELOW = 0.8
#: Exchanges that close this far apart see the same news on two sessions.
HOURS_APART = np.timedelta64(3, "h")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Factor:
    """One factor: its returns per home session, or why there are none.

    `lagged`: what it earned a session earlier counts too, because assets elsewhere
    closed before it did.
    """

    name: str
    proxy: str
    returns: pd.Series | None = None
    lagged: bool = False
    absent: str = ""


def factors_of(
    market: Market,
    assets: Sequence[Line],
    benchmarks: Sequence[Line],
    *,
    rate: float,
    stale_after: int,
) -> tuple[Factor, ...]:
    """Return the factors that a study can build, and those it cannot.

    Parameters
    ----------
    market : Market
    assets : sequence of Line
        What may be held; one line per firm.
    benchmarks : sequence of Line
        With a price, the market first.
    rate : float
        Risk-free rate per session; only the market is in excess of it, the others are
        differences of returns.
    stale_after : int
        Own sessions after which a price is too old to be ranked.

    Returns
    -------
    tuple of Factor
        Returns are in the account's currency, over all home sessions of the market.
    """
    returns = market.home.returns()
    apart = _closes_apart(market, assets)
    found = [
        *_market_factors(returns, benchmarks, rate, apart),
        _momentum_factor(market.home, returns, assets, stale_after),
        _currency_factor(market.home, assets),
    ]
    return tuple(found)


def _market_factors(
    returns: pd.DataFrame, benchmarks: Sequence[Line], rate: float, apart: bool
) -> list[Factor]:
    """Return the market and, for each further benchmark, what it earns beyond it."""
    if not benchmarks:
        why = "the thesis has no benchmark with a price"
        return [
            Factor(name=name, proxy="", absent=why) for name in ("market", "sector")
        ]
    first, *others = benchmarks
    own = returns[first.symbol]
    found = [
        Factor(name="market", proxy=first.symbol, returns=own - rate, lagged=apart)
    ]
    for line in others:
        found.append(
            Factor(
                name=line.note.lower() or line.symbol,
                proxy=f"{line.symbol} minus {first.symbol}",
                returns=returns[line.symbol] - own,
                lagged=apart,
            )
        )
    if not others:
        why = "the thesis has no second benchmark with a price"
        found.append(Factor(name="sector", proxy="", absent=why))
    return found


def _momentum_factor(
    home: HomeView, returns: pd.DataFrame, assets: Sequence[Line], stale_after: int
) -> Factor:
    symbols = [line.symbol for line in assets]
    proxy = "winners minus losers of the study's assets"
    if len(symbols) < FEWEST_RANKED:
        why = f"{len(symbols)} assets are too few to rank"
        return Factor(name="momentum", proxy=proxy, absent=why)
    return Factor(
        name="momentum",
        proxy=proxy,
        returns=momentum(home, returns, symbols, stale_after=stale_after),
    )


def momentum(
    home: HomeView, returns: pd.DataFrame, symbols: Sequence[str], *, stale_after: int
) -> pd.Series:
    """Return last year's winners minus its losers, month by month, walked forward.

    At the last home session of each month the assets are ranked by their return from
    252 sessions ago to 21 sessions ago, in the account's currency and on prices known
    then; from the next session to the end of the next month the upper third is held
    against the lower third, each side in equal weights. An asset takes part if its
    price is known 252 sessions back and is not stale; a market that was closed adds
    nothing until its next close.

    Parameters
    ----------
    home : HomeView
        T sessions.
    returns : DataFrame of shape (T, N)
        `HomeView.returns`.
    symbols : sequence of str
    stale_after : int

    Returns
    -------
    Series of shape (T,)
        NaN until six assets can be ranked.

    References
    ----------
    Jegadeesh and Titman (1993), Journal of Finance 48.
    """
    names = list(symbols)
    value = home.base_price()[names].to_numpy()
    fresh = home.age[names].to_numpy() <= stale_after
    earned = np.nan_to_num(returns[names].to_numpy())
    days = pd.DatetimeIndex(home.price.index)
    month = days.year.to_numpy() * 12 + days.month.to_numpy()
    ends = np.flatnonzero(np.diff(month) != 0)
    out = np.full(len(days), np.nan)
    for end, until in zip(ends, [*ends[1:], len(days) - 1], strict=True):
        sides = _sides(value, fresh, int(end))
        if sides is not None:
            out[end + 1 : until + 1] = earned[end + 1 : until + 1] @ sides
    return pd.Series(out, index=days, name="momentum")


def _sides(value: Array, fresh: npt.NDArray[np.bool_], at: int) -> Array | None:
    """Return weights (N,) that sum to 0 at row `at`, or None with too few to rank."""
    if at < MOMENTUM_FROM:
        return None
    past = value[at - MOMENTUM_TO] / value[at - MOMENTUM_FROM] - 1.0
    ranked = np.flatnonzero(np.isfinite(past) & fresh[at])
    if len(ranked) < FEWEST_RANKED:
        return None
    order = ranked[np.argsort(past[ranked], kind="stable")]
    count = int(len(order) * SIDE)
    weights = np.zeros(value.shape[1])
    weights[order[-count:]] = 1.0 / count
    weights[order[:count]] = -1.0 / count
    return weights


def _currency_factor(home: HomeView, assets: Sequence[Line]) -> Factor:
    """Return what the account's currency gained against the study's others."""
    others = list(dict.fromkeys(line.currency for line in assets))
    others = [name for name in others if name != home.base]
    if not others:
        why = f"every asset is in {home.base}"
        return Factor(name=home.base, proxy="", absent=why)
    rate = home.fx[others].to_numpy()
    change = np.full(rate.shape, np.nan)
    change[1:] = rate[1:] / rate[:-1] - 1.0
    return Factor(
        name=home.base,
        proxy=f"{home.base} against {', '.join(others)}",
        returns=pd.Series(-change.mean(axis=1), index=home.fx.index),
    )


def _closes_apart(market: Market, assets: Sequence[Line]) -> bool:
    """Return whether an asset's exchange closes hours from the home calendar's."""
    home = market.home.sessions
    for mic in {calendar_of(line.mic) for line in assets}:
        own = market.bars[mic].sessions
        place = np.searchsorted(own.close_utc, home.close_utc, side="right") - 1
        last = home.close_utc[place >= 0] - own.close_utc[place[place >= 0]]
        if len(last) and np.median(last) > HOURS_APART:
            return True
    return False
