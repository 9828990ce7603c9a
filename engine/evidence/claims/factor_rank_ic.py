"""Factor rank IC: what a factor ranks high earns more afterwards."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from engine.errors import nearest
from engine.evidence.claims.context import ClaimTest, Evidence, Span
from engine.evidence.claims.series import FEWEST_CHANGES
from engine.evidence.claims.sparse import from_mean
from engine.evidence.results import Measurement, Untestable
from engine.portfolio.results import Decision
from engine.thesis.model import Claim

#: The composite of all factors, as the portfolio uses it.
SCORE = "score"
#: Fewest assets with a value and a return, for one date's correlation.
FEWEST_ASSETS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """A factor of the thesis, or "score" for all of them together.

    `sessions` is how long returns are measured.
    """

    factor: str
    sessions: int = 21

    def __post_init__(self) -> None:
        if self.sessions < 1:
            raise ValueError("'sessions' must be at least 1")


def measure(
    claim: Claim, params: Params, evidence: Evidence, span: Span
) -> Measurement | Untestable:
    r"""Return the mean rank correlation of a factor with the returns after it.

    Spearman's, over the assets with a value at each decision, one line per firm, with
    home-currency returns from the next close on: what a trade could have earned. Mean
    over decisions with a Newey-West error; where returns reach beyond the next
    decision, at least as many lags as they overlap (Grinold and Kahn 2000, ch. 6).
    A state factor has one value for the world and is judged in time: see `lead_lag`.
    """
    wrong = _not_ranked(params.factor, evidence)
    if wrong:
        return Untestable(reason=wrong)
    rows = _by_decision(params, evidence, span)
    n = len(rows)
    if n < FEWEST_CHANGES:
        return Untestable(
            reason=f"{n} decisions with {params.factor} of {FEWEST_ASSETS} assets and "
            f"{params.sessions} sessions after in this sample; {FEWEST_CHANGES} needed"
        )
    measured = from_mean(
        claim,
        rows["rank_ic"].to_numpy(),
        rows,
        days=rows["session"].to_numpy(),
        home=evidence.home,
        unit="rank correlation",
        summary=f"rank IC of {params.factor} over {params.sessions} sessions, {n} "
        f"decisions, {rows['assets'].mean():.0f} assets on average",
        notes=("from the next close on, gross of costs",),
        least_lags=_overlap(rows, params.sessions, evidence.home),
    )
    return measured or Untestable(reason="every decision has the same rank correlation")


def _not_ranked(factor: str, evidence: Evidence) -> str:
    """Return why a factor ranks no assets, or nothing."""
    specs = {one.name: one for one in evidence.thesis.factors}
    if factor == SCORE:
        return ""
    if factor not in specs:
        hint = nearest(factor, [*specs, SCORE])
        return f"the thesis has no factor {factor!r}. {hint}".strip()
    if specs[factor].exposure is None:
        return ""
    return (
        f"{factor} is a state factor: one value for the world ranks no assets; test it "
        "in time, with lead_lag"
    )


def _by_decision(params: Params, evidence: Evidence, span: Span) -> pd.DataFrame:
    """Return one row per decision in the span with its rank correlation."""
    price = evidence.market.home.price
    days = pd.DatetimeIndex(price.index)
    firms = [line.symbol for line in evidence.assets]
    rows = []
    for decision in evidence.decisions:
        start = int(days.searchsorted(decision.session)) + 1
        stop = start + params.sessions
        if not (span.holds(decision.session) and stop < len(days)):
            continue
        if not days[stop] < span.end:
            continue
        value = _reading(decision, params.factor).reindex(firms)
        after = price[firms].iloc[stop] / price[firms].iloc[start] - 1.0
        both = value.notna() & after.notna()
        if both.sum() < FEWEST_ASSETS:
            continue
        first, second = (one[both].rank().to_numpy() for one in (value, after))
        if first.std() > 0.0 and second.std() > 0.0:
            correlation = float(np.corrcoef(first, second)[0, 1])
            rows.append((decision.session, correlation, int(both.sum())))
    return pd.DataFrame(rows, columns=["session", "rank_ic", "assets"])


def _reading(decision: Decision, factor: str) -> pd.Series:
    """Return a factor's values at a decision, NaN where it said nothing."""
    card = decision.scorecard
    if factor == SCORE:
        return card.score.where(~card.withheld)
    if factor not in card.contributions.columns:
        return pd.Series(dtype=np.float64)
    return card.contributions[factor]


def _overlap(rows: pd.DataFrame, sessions: int, home: pd.DatetimeIndex) -> int:
    """Return how many later decisions a decision's returns reach into."""
    place = home.searchsorted(pd.DatetimeIndex(rows["session"]))
    gap = float(np.median(np.diff(place))) if len(place) > 1 else float(sessions)
    return max(0, int(np.ceil(sessions / max(gap, 1.0))) - 1)


TEST = ClaimTest(
    name="factor_rank_ic",
    params=Params,
    measure=measure,
    help="mean rank correlation of a factor with the returns after it",
    null="the factor ranks assets no better than chance: the mean rank correlation is "
    "zero",
    holds="there are 24 decisions or more, and those further apart than the lags of "
    "its error are unrelated",
    of_portfolio=True,
)
