r"""Market growth against share growth: whose tokens grew, and what if one part ends.

.. math::

   C = M s, \qquad \ln \frac{C_1}{C_0} = \ln \frac{M_1}{M_0} + \ln \frac{s_1}{s_0}

   C_1 - C_0 = (M_1 - M_0) \bar{s} + (s_1 - s_0) \bar{M}

M is the market in tokens, s a share of it, bars the mean of before and after: both
lines are exact. The stress takes one part's growth of the last `look_back` weeks back:
:math:`\Delta = (x_1 / x_0)^{-(1 - k) b / w} - 1` for growth over w weeks, looking back
b weeks, with k of the growth kept.

References
----------
Bennet (1920), Journal of the Royal Statistical Society 83(3).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from engine.evidence.mechanisms.mechanism import (
    Computed,
    Kind,
    Outcome,
    positive,
    share,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """The market and the share before and after, weeks between, weeks looked back."""

    market_before: float
    market_after: float
    share_before: float
    share_after: float
    weeks: float
    look_back: float
    kept: float = 0.0

    def __post_init__(self) -> None:
        for name in ("market_before", "market_after", "weeks"):
            positive(name, getattr(self, name))
        for name in ("share_before", "share_after"):
            positive(name, getattr(self, name))
            share(name, getattr(self, name))
        share("kept", self.kept)
        if self.look_back < 0.0:
            raise ValueError(f"look_back {self.look_back:g} is below 0")


def parts(given: Inputs) -> tuple[Computed, ...]:
    """Return how much of the growth of a share's tokens each part made."""
    before = given.market_before * given.share_before
    after = given.market_after * given.share_after
    market = (given.market_after - given.market_before) * (
        0.5 * (given.share_before + given.share_after)
    )
    won = (given.share_after - given.share_before) * (
        0.5 * (given.market_before + given.market_after)
    )
    whole = math.log(after / before)
    of_market = math.log(given.market_after / given.market_before)
    none = float("nan")
    return (
        Computed(
            name="growth",
            value=after / before,
            unit="times",
            formula="market x share, after over before",
        ),
        Computed(
            name="the market's part, in logs",
            value=of_market / whole if whole else none,
            unit="fraction",
            formula="ln(market ratio) / ln(growth)",
        ),
        Computed(
            name="tokens the market added",
            value=market,
            unit="",
            formula="change of market x mean share",
        ),
        Computed(
            name="tokens the share added",
            value=won,
            unit="",
            formula="change of share x mean market",
        ),
    )


def taken_back(ratio: float, given: Inputs) -> float:
    """Return the change that takes a part's growth of the last weeks back."""
    return math.pow(ratio, -(1.0 - given.kept) * given.look_back / given.weeks) - 1.0


def without_market(given: Inputs) -> Outcome:
    """Return what is lost of the market's newest figure where it did not grow."""
    ratio = given.market_after / given.market_before
    return Outcome(change=taken_back(ratio, given), numbers=parts(given))


def without_share(given: Inputs) -> Outcome:
    """Return what is lost of the share's newest figure where it did not grow."""
    ratio = given.share_after / given.share_before
    return Outcome(change=taken_back(ratio, given), numbers=parts(given))


def _kind(name: str, compute: Callable[[Inputs], Outcome], part: str) -> Kind:
    return Kind(
        name=name,
        inputs=Inputs,
        compute=compute,
        help=f"growth of tokens without the {part}'s part in it",
        quantity=f"the {part}, without its growth of the weeks looked back",
        limits="growth at one pace between two dates; the other part goes on",
    )


MARKET = _kind("market_growth", without_market, "market")
SHARE = _kind("share_growth", without_share, "share")
