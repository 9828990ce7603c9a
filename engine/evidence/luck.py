"""The barbell among random ones: its place, what they paid, what does not bind them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from engine.evidence.ranking import Ranking, rank_among, ranking_sentences
from engine.evidence.samples import ALL
from engine.ledger.backtest import Backtest
from engine.ledger.batch import Batch
from engine.market.calendar import SESSIONS_PER_YEAR
from engine.thesis.model import About

#: What trading costs; interest, borrow and withholding are paid for holding.
_TRADING = ("slippage", "tax", "commission", "impact", "fx")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Luck:
    """The barbell among random ones within the same limits, or why there are none.

    ranking : where it stands; its `paths` also have ``turnover`` (half the value
        traded) and ``costs`` (of trading), each per year and over mean NAV, in the rows
        of the whole study. None where nothing was drawn.
    unbound : the limits of the thesis that the random ones do not keep.
    note : why there is no ranking; empty where there is one, or none was asked for.
    """

    ranking: Ranking | None = None
    unbound: tuple[str, ...] = ()
    note: str = ""


def luck_of(
    account: Backtest, batch: Batch, about: About, unbound: tuple[str, ...]
) -> Luck:
    """Return the place of an account among a batch of others on the same tape."""
    ranking = rank_among(account.returns, batch.returns(), about)
    spent = _trading(account, batch, SESSIONS_PER_YEAR[about.calendar])
    whole = ranking.paths["sample"] == ALL
    paths = ranking.paths.assign(
        turnover=spent["turnover"].where(whole), costs=spent["costs"].where(whole)
    )
    return Luck(ranking=replace(ranking, paths=paths), unbound=unbound)


def trading_of(ranking: Ranking) -> tuple[pd.Series, pd.Series]:
    """Return the path's own ``turnover`` and ``costs``, and the others' medians."""
    spent = ranking.paths.loc[ranking.paths["sample"] == ALL, ["turnover", "costs"]]
    return spent.iloc[0], spent.iloc[1:].median()


def luck_sentences(luck: Luck, about: About) -> tuple[str, ...]:
    """Return the ranking in words, with what the comparison leaves out."""
    if luck.ranking is None:
        return (luck.note,) if luck.note else ()
    own, usual = trading_of(luck.ranking)
    said = (
        *ranking_sentences(luck.ranking, about),
        "Random barbells are drawn anew at each decision, whatever they held: they "
        f"turn over {usual['turnover']:.2f} times their value a year in the median "
        f"and pay {usual['costs']:.2%} of it for trading; the barbell "
        f"{own['turnover']:.2f} times and {own['costs']:.2%}.",
    )
    if not luck.unbound:
        return said
    free = ", ".join(luck.unbound)
    return *said, f"Limits that do not bind random barbells: {free}."


def _trading(account: Backtest, batch: Batch, per_year: float) -> pd.DataFrame:
    """Return yearly turnover and trading costs over mean NAV, the account's first."""
    kinds = [name for name in _TRADING if name in account.costs]
    own = float(account.costs[kinds].to_numpy().sum())
    paid = np.array([own, *batch.totals[list(_TRADING)].sum(axis=1)])
    traded = np.array([account.trades["value"].abs().sum(), *batch.totals["traded"]])
    nav = np.vstack([account.nav.to_numpy(), batch.nav]).mean(axis=1)
    years = max(batch.nav.shape[1] - 1, 1) / per_year
    return pd.DataFrame(
        {"turnover": 0.5 * traded / nav / years, "costs": paid / nav / years}
    )
