"""Factors of usage: how fast it grows, who gets it, and who is paid for it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.interfaces import Absent, StateReading
from engine.market.market import Known
from factors import checks
from factors.observations import (
    Table,
    earlier,
    last_published,
    observed,
    reading,
    single,
    too_short,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenShareMomentum:
    r"""Change of the token share over some weeks.

    .. math:: m_k = s_k - s_{k - weeks}

    Unit: share points as a fraction (0.05 = five points more). Needs role
    ``token_share`` of one entity; `entity` names it where the series has several. The
    past value is the newest one at least `weeks` weeks older, by value date, and at
    most `tolerance_weeks` older than that; without it there is no value. Dated by the
    publication of the newer observation, not by the week it describes.
    """

    weeks: int = 8
    entity: str = ""
    tolerance_weeks: int = 2

    def __post_init__(self) -> None:
        _check_weeks("token_share_momentum", self.weeks, self.tolerance_weeks)
        checks.name(self.entity, where="token_share_momentum: entity")

    def history(self, known: Known) -> StateReading | Absent:
        """Return the change of the share at each publication, or why there is none."""
        table = observed(known.signals, "token_share")
        entity = single(table, self.entity, factor="token_share_momentum")
        pairs = _pairs(table, entity, self.weeks, self.tolerance_weeks)
        if isinstance(pairs, Absent):
            return pairs
        now, then, published = pairs
        return reading(now - then, published)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenGrowth:
    r"""Growth of the token volume over some weeks.

    .. math:: g_k = q_k / q_{k - weeks} - 1

    Unit: decimal fraction over the whole span, not annualised. Needs role ``tokens``
    of one entity (a router or a platform); `entity` names it where there are several.
    Only positive volumes count. Matching of dates as in `TokenShareMomentum`.
    """

    weeks: int = 13
    entity: str = ""
    tolerance_weeks: int = 2

    def __post_init__(self) -> None:
        _check_weeks("token_growth", self.weeks, self.tolerance_weeks)
        checks.name(self.entity, where="token_growth: entity")

    def history(self, known: Known) -> StateReading | Absent:
        """Return the growth at each publication, or why there is none."""
        table = observed(known.signals, "tokens")
        entity = single(table, self.entity, factor="token_growth")
        pairs = _pairs(table, entity, self.weeks, self.tolerance_weeks)
        if isinstance(pairs, Absent):
            return pairs
        now, then, published = pairs
        positive = (now > 0.0) & (then > 0.0)
        if not positive.any():
            return Absent(
                reason=f"none of {len(now)} growths of tokens is of volumes > 0"
            )
        return reading(now[positive] / then[positive] - 1.0, published[positive])


@dataclass(frozen=True, slots=True, kw_only=True)
class DollarTokenGap:
    r"""Share of the dollars minus share of the tokens: whether usage is paid for.

    .. math:: G_k = \sum_{i \in S} (d_{ik} - t_{ik})

    Unit: share points as a fraction; -0.3 says that the vendors in S carry thirty
    points more of the tokens than they get of the dollars, 0 that they are paid in
    proportion. Needs roles ``dollar_share`` and ``vendor_share`` for the same weeks.
    S is `entities`; left empty it is, week by week, every vendor with less of the
    dollars than of the tokens, so that G is minus the total variation distance of the
    two tables. A week counts if both tables have every entity of S (left empty: at
    least two vendors in common). Known when the later of its figures is.
    """

    entities: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        where = "dollar_token_gap: entities"
        object.__setattr__(self, "entities", checks.names(self.entities, where=where))

    def history(self, known: Known) -> StateReading | Absent:
        """Return the gap at each publication, or why there is none."""
        dollars = observed(known.signals, "dollar_share")
        tokens = observed(known.signals, "vendor_share")
        if not dollars.count or not tokens.count:
            return Absent(
                reason=f"{dollars.count} observations of dollar_share and "
                f"{tokens.count} of vendor_share known, both needed"
            )
        both = set(dollars.entities) & set(tokens.entities)
        wanted = self.entities or tuple(sorted(both))
        missing = [name for name in wanted if name not in both]
        if missing:
            return Absent(reason=f"dollar_share or vendor_share lacks {missing[0]}")
        gap, published = _gaps(dollars, tokens, wanted)
        least = len(self.entities) or 2
        complete = np.isfinite(gap).sum(axis=1) >= least
        if not complete.any():
            return Absent(
                reason=f"0 weeks with dollar_share and vendor_share of {least} "
                "vendors known, 1 needed"
            )
        chosen = gap if self.entities else np.minimum(gap, 0.0)
        return reading(np.nansum(chosen, axis=1)[complete], published[complete])


def _gaps(
    dollars: Table, tokens: Table, names: tuple[str, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Return dollar minus token share (W, V) and when each week was known (W,).

    W weeks in both tables, V `names`; NaN where either share is missing.
    """
    _, of_dollars, of_tokens = np.intersect1d(
        dollars.dates, tokens.dates, assume_unique=True, return_indices=True
    )
    paid = np.array([dollars.entities.index(name) for name in names], dtype=np.intp)
    used = np.array([tokens.entities.index(name) for name in names], dtype=np.intp)
    left, right = np.ix_(of_dollars, paid), np.ix_(of_tokens, used)
    gap = dollars.value[left] - tokens.value[right]
    known = np.maximum(dollars.published[left], tokens.published[right])
    return gap, last_published(known, np.isfinite(gap))


def _pairs(
    table: Table, entity: str | Absent, weeks: int, tolerance: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray] | Absent:
    """Return (value now, value then, known at), one row per pair of observations.

    Absent where `entity` is, or where no two observations pair.
    """
    if isinstance(entity, Absent):
        return entity
    dates, value, published = table.column(entity)
    then = earlier(dates, weeks=weeks, tolerance=tolerance)
    now = np.flatnonzero(then >= 0)
    if not len(now):
        return too_short(table, len(dates), weeks=weeks, tolerance=tolerance)
    past = then[now]
    return value[now], value[past], np.maximum(published[now], published[past])


def _check_weeks(factor: str, weeks: object, tolerance: object) -> None:
    checks.whole(weeks, where=f"{factor}: weeks", least=1)
    checks.whole(tolerance, where=f"{factor}: tolerance_weeks", least=0)
