"""Demand elasticity: whether cheaper expands spending (Jevons)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from engine.evidence.claims.context import ClaimTest, Evidence, Span
from engine.evidence.claims.regression import equivalent_df
from engine.evidence.claims.series import (
    FEWEST_CHANGES,
    by_entity,
    few,
    observations,
    of_entity,
    on_sessions,
    series_name,
)
from engine.evidence.claims.statistics import from_t
from engine.evidence.inference import newey_west_lags, newey_west_mean
from engine.evidence.results import Measurement, Untestable
from engine.thesis.model import Claim

#: Fewest changes of a price: without steps there is no slope.
FEWEST_STEPS = 8
_COLUMNS = ("value_date", "entity", "d_ln_price", "d_ln_quantity")


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """Roles of a price and of the quantity bought at it, by entity.

    `total` is the role that turns a share into a quantity, where `quantity` is one.
    """

    price: str
    quantity: str
    total: str | None = None
    entity: str | None = None


def measure(
    claim: Claim, params: Params, evidence: Evidence, span: Span
) -> Measurement | Untestable:
    r"""Return 1 + e, the elasticity of spending with respect to price.

    .. math:: d \ln Q_{it} = a_t + e \, d \ln P_{it} + u_{it}

    and so d ln spending = (1 + e) d ln P: Jevons needs e < -1, an estimate below zero.
    One entity: one intercept. Several: one per date, which takes out what moves all of
    them. The error allows for dependence across entities and time (Driscoll and Kraay
    1998, Review of Economics and Statistics 80), Bartlett lags. Prices step seldom, so
    few dates weigh much: each counts by how far the slope moves without it (the
    jackknife; MacKinnon, Nielsen and Webb 2023, Journal of Econometrics 232). An
    association: prices also answer demand.
    """
    rows = _steps(params, evidence, span)
    if isinstance(rows, Untestable):
        return rows
    dates, row = np.unique(rows["value_date"].to_numpy(), return_inverse=True)
    x, y = rows["d_ln_price"].to_numpy(), rows["d_ln_quantity"].to_numpy()
    steps = int((x != 0.0).sum())
    if steps < FEWEST_STEPS or len(dates) < FEWEST_CHANGES:
        return Untestable(
            reason=f"{steps} price steps on {len(dates)} dates with a change of "
            f"{params.quantity} in this sample; {FEWEST_STEPS} steps on "
            f"{FEWEST_CHANGES} dates needed"
        )
    panel = len(rows["entity"].unique()) > 1
    group = row if panel else np.zeros(len(row), dtype=int)
    slope, moments = _slope(_within(x, group), _within(y, group), row, len(dates))
    if not np.isfinite(slope):
        return Untestable(reason=f"{params.price} moves alike for everyone")
    count = len(dates)
    lags = newey_west_lags(count)
    error = count * newey_west_mean(moments, lags)[1]
    if not error > 1e-12 * (1.0 + abs(slope)):
        return Untestable(reason=f"{params.quantity} follows {params.price} exactly")
    null, weights = on_sessions(moments - moments.mean(), dates, evidence.home, 1.0)
    name = series_name(evidence.market.signals, params.price)
    return from_t(
        claim,
        estimate=1.0 + slope,
        se=error,
        df=equivalent_df(count, 2, lags),
        n=len(rows),
        unit="elasticity",
        summary=f"spending on {name}: 1 + e with e = {slope:.2f}, from {steps} price "
        f"steps on {count} dates",
        assumptions=(
            "an association: prices also answer demand",
            "an intercept per date" if panel else "one intercept",
            f"Driscoll-Kraay standard error, {lags} lags",
            *few(count),
        ),
        rows=rows,
        null=null,
        weights=weights,
    )


def _slope(
    x: np.ndarray, y: np.ndarray, row: np.ndarray, count: int
) -> tuple[float, np.ndarray]:
    """Return the slope of y on x, and how far it moves without each date, (count,).

    x and y have shape (n,) and no mean, `row` is the date of each. NaN without
    variation.
    """
    variation = float(x @ x)
    if not variation > 1e-20:
        return float("nan"), np.full(count, np.nan)
    slope = float(x @ y) / variation
    weight = np.bincount(row, weights=x * x) / variation
    moments = np.bincount(row, weights=x * (y - slope * x)) / variation
    return slope, np.asarray(moments / np.maximum(1.0 - weight, 1.0 / count))


def _steps(params: Params, evidence: Evidence, span: Span) -> pd.DataFrame | Untestable:
    """Return one row per entity and date with both log changes, `_COLUMNS`."""
    signals = evidence.market.signals
    tables = {}
    for role in (params.price, params.quantity):
        found = observations(signals, role, span)
        if params.entity is not None:
            found = found[found["entity"] == params.entity]
        if found.empty:
            of = f" of {params.entity}" if params.entity else ""
            return Untestable(
                reason=f"no observation of {series_name(signals, role)}{of}"
            )
        tables[role] = by_entity(found)
    price, quantity = tables[params.price], tables[params.quantity]
    if params.total is not None:
        whole = of_entity(observations(signals, params.total, span), params.total, None)
        if isinstance(whole, Untestable):
            return whole
        if whole.empty:
            return Untestable(
                reason=f"no observation of {series_name(signals, params.total)}"
            )
        amount = whole.set_index("value_date")["value"]
        quantity = quantity.mul(amount.reindex(quantity.index), axis=0)
    parts = [
        _log_changes(entity, price[entity], quantity[entity])
        for entity in price.columns.intersection(quantity.columns)
    ]
    if not parts:
        return Untestable(
            reason=f"no entity has both {params.price} and {params.quantity}"
        )
    return pd.concat(parts, ignore_index=True)


def _log_changes(entity: str, price: pd.Series, quantity: pd.Series) -> pd.DataFrame:
    """Return an entity's log changes between dates on which both are above zero."""
    both = pd.concat([price, quantity], axis=1, keys=["p", "q"], sort=True).dropna()
    both = both[(both > 0).all(axis=1)]
    logs = np.log(both.to_numpy())
    return pd.DataFrame(
        {
            "value_date": both.index[1:],
            "entity": entity,
            "d_ln_price": np.diff(logs[:, 0]),
            "d_ln_quantity": np.diff(logs[:, 1]),
        },
        columns=list(_COLUMNS),
    )


def _within(values: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Return values minus the mean of their group, shape (n,)."""
    count = np.bincount(group)
    return np.asarray(
        values - (np.bincount(group, weights=values) / np.maximum(count, 1))[group]
    )


TEST = ClaimTest(
    name="demand_elasticity",
    params=Params,
    measure=measure,
    help="elasticity of spending with respect to price; Jevons expects it below zero",
    null="spending does not change with the price: 1 + e is zero",
    holds="prices do not answer demand within a period, and no single date decides",
)
