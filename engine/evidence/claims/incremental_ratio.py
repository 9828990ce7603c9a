"""Incremental ratio: the next unit carries more than the average one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from engine.evidence.claims.context import ClaimTest, Evidence, Span
from engine.evidence.claims.regression import hac_regression, no_error
from engine.evidence.claims.series import (
    FEWEST_CHANGES,
    observations,
    of_entity,
    series_name,
)
from engine.evidence.claims.sparse import from_slope
from engine.evidence.results import Measurement, Untestable
from engine.thesis.model import Claim


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """Roles of a part and its whole (profit and revenue), compared `apart` periods."""

    numerator: str
    denominator: str
    entity: str | None = None
    apart: int = 1

    def __post_init__(self) -> None:
        if self.numerator == self.denominator:
            raise ValueError("'numerator' and 'denominator' are the same")
        if self.apart < 1:
            raise ValueError("'apart' must be at least 1")


def measure(
    claim: Claim, params: Params, evidence: Evidence, span: Span
) -> Measurement | Untestable:
    r"""Return the incremental ratio minus the average ratio before it.

    With the ratio m = N / D and the growth g = (D_t - D_{t-k}) / D_t over `apart`
    periods,

    .. math:: m_t - m_{t-k} = \theta g_t + e_t

    For one pair of periods theta is :math:`\Delta N / \Delta D - m_{t-k}` exactly: the
    margin of the added revenue above that of the revenue there was (operating
    leverage). Newey-West error with at least k - 1 lags.
    """
    rows = _ratios(params, evidence, span)
    if isinstance(rows, Untestable):
        return rows
    n = len(rows)
    if n < FEWEST_CHANGES:
        return Untestable(
            reason=f"{n} changes of {params.numerator} over {params.denominator} in "
            f"this sample; {FEWEST_CHANGES} needed"
        )
    fit = hac_regression(
        rows["ratio_change"].to_numpy(),
        rows[["growth"]].to_numpy(),
        least_lags=params.apart - 1,
    )
    if fit is None or no_error(fit):
        return Untestable(
            reason=f"{params.denominator} does not grow, or the ratio follows it "
            "exactly: no error can be told"
        )
    of = f" of {params.entity}" if params.entity else ""
    return from_slope(
        claim,
        fit,
        rows,
        day="value_date",
        home=evidence.home,
        unit="ratio",
        summary=f"incremental minus average {params.numerator} over "
        f"{params.denominator}{of}, {n} changes",
        notes=("growth through the origin",),
    )


def _ratios(
    params: Params, evidence: Evidence, span: Span
) -> pd.DataFrame | Untestable:
    """Return the changes of the ratio and the growth of its denominator."""
    signals = evidence.market.signals
    found = {}
    for role in (params.numerator, params.denominator):
        known = of_entity(observations(signals, role, span), role, params.entity)
        if isinstance(known, Untestable):
            return known
        if known.empty:
            of = f" of {params.entity}" if params.entity else ""
            return Untestable(
                reason=f"no observation of {series_name(signals, role)}{of}"
            )
        found[role] = known.set_index("value_date")["value"]
    both = pd.concat(found, axis=1, join="inner", sort=True)
    part, whole = (both[role].to_numpy() for role in found)
    if (whole <= 0).any():
        return Untestable(reason=f"{params.denominator} is not above zero throughout")
    return incremental(both.index, part, whole, params.apart)


def incremental(
    dates: pd.Index, part: np.ndarray, whole: np.ndarray, apart: int
) -> pd.DataFrame:
    """Return the change of part / whole and the whole's growth, n - `apart` rows."""
    ratio = part / whole
    return pd.DataFrame(
        {
            "value_date": dates[apart:],
            "ratio": ratio[apart:],
            "ratio_change": ratio[apart:] - ratio[:-apart],
            "growth": (whole[apart:] - whole[:-apart]) / whole[apart:],
        }
    )


TEST = ClaimTest(
    name="incremental_ratio",
    params=Params,
    measure=measure,
    help="ratio of what was added minus the average ratio: operating leverage",
    null="the added unit carries the ratio of the units before it",
    holds="the ratio answers growth in proportion, and periods further apart than "
    "the lags of its error are unrelated",
)
