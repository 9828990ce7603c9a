"""What a claim test is given: the evidence, and the span of time it may use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from engine.evidence.results import Measurement, Sample, Untestable
from engine.evidence.subjects import members as members
from engine.evidence.subjects import on_both_sides
from engine.evidence.subjects import one_line_per_firm as one_line_per_firm
from engine.market.calendar import SESSIONS_PER_YEAR
from engine.market.listing import Line, Universe
from engine.market.market import Market
from engine.portfolio.results import Decision
from engine.thesis.model import Claim, Thesis

#: Fewest daily returns that a mean or a Sharpe ratio is estimated from.
FEWEST_RETURNS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One sample of a claim: home sessions from `first` to before `end`."""

    sample: Sample
    first: pd.Timestamp
    end: pd.Timestamp

    def cut(self, series: pd.Series) -> pd.Series:
        """Return the rows of `series` inside the span."""
        inside = (series.index >= self.first) & (series.index < self.end)
        return series[inside]

    def holds(self, day: pd.Timestamp) -> bool:
        """Return whether a day lies in the span."""
        return bool(self.first <= day < self.end)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evidence:
    """Everything measured before the claims are tested.

    `returns` maps a path ("barbell", "infrastructure alone", a benchmark symbol,
    "equal weight", "anti-thesis") to its net returns per home session.
    `layer_returns` holds the equal-weight basket of each layer and leg in the base
    currency, one column each, per home session of the study. `assets` has one line per
    firm. `decisions` are the portfolio's, with the factor readings of each.
    """

    market: Market
    thesis: Thesis
    universe: Universe
    assets: tuple[Line, ...]
    returns: Mapping[str, pd.Series]
    layer_returns: pd.DataFrame
    rng_seed: int
    decisions: tuple[Decision, ...] = ()

    @property
    def home(self) -> pd.DatetimeIndex:
        """Home sessions of the study that have a return."""
        return pd.DatetimeIndex(self.layer_returns.index)

    @property
    def sessions_per_year(self) -> float:
        """Sessions of the home calendar per year, for annualisation."""
        return SESSIONS_PER_YEAR[self.thesis.about.calendar]

    def members(self, subject: str) -> tuple[str, ...]:
        """Return the assets of a layer or of a leg."""
        return members(subject, self.thesis, self.universe, self.assets)

    def sides(self, *subjects: str) -> Untestable | None:
        """Return why layers, legs or baskets cannot be compared; None if they can.

        Each needs an asset with a price, and no two may share one: what both hold
        cancels, and the rest is not what the claim says.
        """
        for name in subjects:
            if not self.members(name):
                return Untestable(reason=f"no asset of {name} has a price")
        for one, other in combinations(subjects, 2):
            reason = on_both_sides(self.members(one), self.members(other))
            if reason:
                return Untestable(reason=reason)
        return None


Measure = Callable[[Claim, Any, Evidence, Span], Measurement | Untestable]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimTest:
    """A way to test a claim.

    `params` is the frozen dataclass of the keys a claim may carry for it; `measure`
    returns what was found on one span, or what is missing. `of_portfolio`: it judges
    paths that the whole thesis decides, which are out-of-sample only once the thesis
    was declared, however early the claim was.

    `null` is what is taken for granted until the data speak against it, in words;
    `holds` is where a true one is rejected no oftener than the test says.
    """

    name: str
    params: type
    measure: Measure
    help: str
    null: str
    holds: str
    of_portfolio: bool = False


def basket_returns(
    market: Market,
    baskets: Mapping[str, tuple[str, ...]],
    sessions: pd.DatetimeIndex,
    *,
    stale_after: int,
) -> pd.DataFrame:
    """Return base-currency returns of equal-weight baskets per home session.

    A basket is rebalanced to equal weights daily over the members that have a price,
    and marked at last known prices: a member whose market was closed keeps its mark,
    so the return of its next close lands on the session where it became known. A
    member counts from the session after its first price, until it has had no bar for
    more than `stale_after` of its own sessions: an ended feed does not earn zero for
    ever. NaN where nobody counts.
    """
    view = market.home
    returns = view.returns()
    listed = view.price.notna().shift(1, fill_value=False)
    counts = listed & (view.age <= stale_after)
    out = {}
    for name, symbols in baskets.items():
        chosen = [symbol for symbol in symbols if symbol in returns.columns]
        if not chosen:
            out[name] = pd.Series(np.nan, index=view.price.index)
            continue
        total = np.nansum(returns[chosen].to_numpy(), axis=1)
        count = counts[chosen].to_numpy().sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            out[name] = pd.Series(
                np.where(count > 0, total / count, np.nan), index=view.price.index
            )
    return pd.DataFrame(out).reindex(sessions)
