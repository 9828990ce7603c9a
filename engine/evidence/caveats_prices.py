"""Caveats about what was held at a price that nobody paid any more."""

from __future__ import annotations

from collections.abc import Iterator

from engine.ledger.backtest import Backtest
from engine.market.market import Market

#: Home sessions at a stale price that are worth a sentence even if it came back.
_MONTH = 21


def stale_caveats(account: Backtest, market: Market) -> Iterator[str]:
    """Yield which lines the account held at a price that had gone stale.

    A feed that ended without a word looks like a line that stands still: what it would
    have lost is not in the result.
    """
    ends = market.coverage.set_index("symbol")["last"]
    days = account.stale.index
    for symbol in account.stale.columns[account.stale.any().to_numpy()]:
        stale = account.stale[symbol].to_numpy(dtype=bool)
        share = account.weights[symbol].abs().to_numpy()
        if stale[-1]:
            last = ends[symbol]
            held = account.holdings[symbol].to_numpy() != 0.0
            sessions = int((held & (days > last)).sum())
            yield (
                f"{symbol} has no price after {last.date()}: it was held at its last "
                f"price for {sessions} sessions and is {share[-1]:.1%} of NAV at the "
                "end. What became of it is not in the result. If its listing ended, "
                "set its 'delisted' day in the universe; else complete its prices."
            )
        elif stale.sum() >= _MONTH:
            first, last = days[stale][[0, -1]]
            yield (
                f"{symbol} had no fresh price on {int(stale.sum())} sessions from "
                f"{first.date()} to {last.date()}: it was held at its last one, up to "
                f"{share[stale].max():.1%} of NAV, and could not be traded."
            )
