"""The steps from an observation to a profit, each as a table of one asset."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from engine.explain_scene import Reading, Scene
from engine.ledger.backtest import Backtest
from engine.market.bars import Bars
from engine.portfolio.results import Decision
from engine.portfolio.rules import traits
from engine.study_result import StudyResult

#: Kind of cost -> the column of a backtest's trades that holds it.
TRADED = {
    "slippage": "slippage",
    "tax": "tax",
    "commission": "commission",
    "impact": "impact",
    "fx": "fx_cost",
}
#: Kinds of assets that a thesis can limit, besides its legs.
_KINDS = ("layers", "currencies", "countries")
LAST_CLOSE = "last close"
AS_TRADED = "as traded"
#: Basis of a line's prices -> what its closes are.
_BASES = {"total_return": "adjusted for dividends", "price_return": "without dividends"}
NOTHING_KNOWN = "says nothing of this asset"


def _read(reading: Reading, asset: str) -> tuple[float, object]:
    """Return a factor's value for an asset, and when that became known."""
    if reading.of_world and len(reading.found):
        return float(reading.found.iloc[0]), reading.known_at.iloc[0]
    if asset in reading.found.index:
        return float(reading.found[asset]), reading.known_at[asset]
    return np.nan, pd.NaT


def contributions(scene: Scene, asset: str) -> pd.DataFrame:
    """Return each factor's contribution, and its part of the asset's score."""
    card = scene.decision.scorecard
    layers = scene.result.universe.exposures([asset]).iloc[0]
    rows = []
    for one in scene.readings:
        effects = one.weighted.exposure or {}
        felt = sum(effects.get(str(name), 0.0) * x for name, x in layers.items())
        reading, when = _read(one, asset)
        exposure = felt if one.of_world else np.nan
        rows.append(
            [one.label, reading, when, exposure, card.factor_weights[one.label]]
        )
    columns = ["factor", "reading", "known_at", "exposure", "weight"]
    table = pd.DataFrame(rows, columns=columns).astype({"known_at": "datetime64[ns]"})
    value = card.contributions.loc[asset].to_numpy(dtype=np.float64)
    weight = table["weight"].to_numpy(dtype=np.float64)
    present = np.isfinite(value)
    total = weight[present].sum()
    part = weight * value / total if total > 0 else np.full(len(value), np.nan)
    why = [
        "" if there else card.absent.get(label, NOTHING_KNOWN)
        for label, there in zip(table["factor"], present, strict=True)
    ]
    return table.assign(contribution=value, part=part, absent=why)


def prices(scene: Scene, asset: str) -> pd.DataFrame:
    """Return the asset's last close with its session, and its currency's rate.

    The close as its file has it, of a raw line as traded; `basis` says what it is.
    """
    market, known = scene.result.market, scene.known
    line = market.lines[asset]
    bars = next(one for one in known.bars.values() if asset in one.price.columns)
    close, basis = _closes(bars, asset, scene.result.market.coverage)
    there = np.flatnonzero(np.isfinite(close))
    columns = ["item", "value", "unit", "session", "known_at", "source", "factors"]
    rows: list[list[object]] = []
    if len(there):
        last = int(there[-1])
        rows.append(
            [
                LAST_CLOSE,
                float(close[last]),
                line.currency,
                bars.sessions.days[last],
                bars.sessions.close_utc[last],
                market.prices_origin.name,
                ", ".join(one.label for one in scene.readings if one.priced),
            ]
        )
    if line.currency != known.home.base:
        fixed = market.currencies.fixings.get(line.currency)
        seen = (
            int(np.searchsorted(fixed.fixed_utc, known.moment, side="right"))
            if fixed
            else 0
        )
        when = fixed.fixed_utc[seen - 1] if fixed and seen else np.datetime64("NaT")
        rows.append(
            [
                "exchange rate",
                float(known.home.fx[line.currency].iloc[-1]),
                f"{known.home.base} per {line.currency}",
                pd.NaT,
                when,
                (fixed.source if fixed else "") or market.prices_origin.name,
                "",
            ]
        )
    table = pd.DataFrame(rows, columns=columns)
    table["basis"] = [basis if item == LAST_CLOSE else "" for item in table["item"]]
    return table.astype({"session": "datetime64[ns]", "known_at": "datetime64[ns]"})


def _closes(
    bars: Bars, asset: str, coverage: pd.DataFrame
) -> tuple[npt.NDArray[np.float64], str]:
    """Return an asset's closes (S,) as its file has them, and what they are."""
    if bars.raw is not None and asset in bars.raw.close.columns:
        return bars.raw.close[asset].to_numpy(dtype=np.float64), AS_TRADED
    found = coverage[coverage["symbol"] == asset]["basis"] if len(coverage) else ()
    basis = next((_BASES.get(str(one), "") for one in found), "")
    return bars.price[asset].to_numpy(dtype=np.float64), basis


def expectation(scene: Scene, asset: str) -> pd.DataFrame:
    """Return score, coverage, risk and expected return, columns item, value, unit."""
    decision, thesis, period = scene.decision, scene.result.thesis, scene.period
    card = decision.scorecard
    sigma = scene.sigma.get(asset, np.nan)
    rows = [
        ["score", float(card.score[asset]), "in [-1, 1]"],
        ["coverage", float(card.coverage[asset]), "share of factor weight"],
        [
            "coverage floor",
            thesis.scoring.coverage_floor,
            "share of factor weight",
        ],
        ["withheld", float(card.withheld[asset]), "1 = yes"],
        ["information coefficient", thesis.portfolio.ic, "correlation"],
        ["volatility", float(sigma), f"per {period} sessions"],
        ["alpha", float(decision.alpha[asset]), f"per {period} sessions"],
    ]
    return pd.DataFrame(rows, columns=["item", "value", "unit"])


def limits(result: StudyResult, decision: Decision, asset: str) -> pd.DataFrame:
    """Return the limits that bound or were widened: price, slack, and on whom."""
    groups = _groups(result, asset)
    names = dict.fromkeys([*decision.prices, *decision.slacks])
    rows = [
        [
            name,
            decision.prices.get(name, np.nan),
            decision.slacks.get(name, np.nan),
            _limited(name, asset, groups),
        ]
        for name in names
    ]
    return pd.DataFrame(rows, columns=["limit", "price", "slack", "on"])


def _groups(result: StudyResult, asset: str) -> dict[str, str]:
    """Return the names of limits on what an asset belongs to, and what that is."""
    line = result.market.lines[asset]
    own = traits([line], {asset: result.universe.layer_of(asset)})
    layer = str(own.layer[0])
    legs = result.thesis.barbell.items()
    found = {
        f"barbell.{leg}.weight": "its leg" for leg, one in legs if layer in one.layers
    }
    return found | {
        f"portfolio.layers.{layer}": "its layer",
        f"portfolio.currencies.{own.currency[0]}": "its currency",
        f"portfolio.countries.{own.country[0]}": "its country",
    }


def _limited(limit: str, asset: str, groups: Mapping[str, str]) -> str:
    """Return on whom a limit lies: the asset, what it belongs to, or others."""
    name = limit.removesuffix(" minimum").removesuffix(" maximum")
    if name.endswith(")"):
        return "the asset" if name.endswith(f"({asset})") else "others"
    grouped = ("barbell.", *(f"portfolio.{one}." for one in _KINDS))
    return groups.get(name) or ("others" if name.startswith(grouped) else "all")


def weights(result: StudyResult, decision: Decision, asset: str) -> pd.DataFrame:
    """Return what was held, what was wanted, and what cash was to remain."""
    held = float(result.backtest.weights[asset].loc[decision.session])
    rows = [
        ["weight held", held],
        ["target weight", float(decision.weights[asset])],
        ["cash in the target", decision.cash],
    ]
    table = pd.DataFrame(rows, columns=["item", "value"])
    return table.assign(unit="share of NAV")


def trades(told: Backtest, decision: Decision, asset: str) -> pd.DataFrame:
    """Return the asset's fills that carried a decision out."""
    all_of = told.trades
    chosen = (all_of["asset"] == asset) & (all_of["decided"] == decision.session)
    return all_of[chosen].reset_index(drop=True)


def actions(
    told: Backtest, decision: Decision, until: np.datetime64, asset: str
) -> pd.DataFrame:
    """Return dividends, splits and an end of listing after a decision, to `until`."""
    all_of = told.actions
    if all_of.empty:
        return all_of
    when = all_of["at_utc"].to_numpy()
    inside = (when > decision.moment) & (when <= until)
    return all_of[(all_of["asset"] == asset) & inside].reset_index(drop=True)


def costs(told: Backtest, filled: pd.DataFrame, acted: pd.DataFrame) -> pd.DataFrame:
    """Return what the trades and dividends of an asset cost, by kind."""
    paid = {kind: float(filled[column].sum()) for kind, column in TRADED.items()}
    paid["fx"] += float(acted["fx_cost"].sum()) if len(acted) else 0.0
    if "withholding" in told.costs.columns:
        paid["withholding"] = float(acted["withheld"].sum()) if len(acted) else 0.0
    kept = {name: one for name, one in paid.items() if name in told.costs.columns}
    table = pd.DataFrame(kept.items(), columns=["kind", "value"])
    return table.assign(unit=told.base)


def profit(
    result: StudyResult,
    decision: Decision,
    until: pd.Timestamp,
    asset: str,
    steps: Mapping[str, pd.DataFrame],
) -> pd.DataFrame:
    """Return the asset's profit from a decision's close to that of `until`.

    `steps` holds the asset's ``trades``, ``actions`` and ``costs`` of that time.
    Columns item, value, unit; the last row is the sum of those above with their signs.
    """
    told, filled, acted = result.backtest, steps["trades"], steps["actions"]
    currency = str(result.market.home.currency[asset])
    rate = told.fx[currency]
    units = told.holdings[asset].to_numpy(dtype=np.float64)
    own = told.price[asset].to_numpy() * rate.to_numpy()
    worth = pd.Series(np.where(units != 0.0, units * own, 0.0), index=told.nav.index)
    side = np.sign(filled["units"].to_numpy(dtype=np.float64))
    value = filled["value"].to_numpy(dtype=np.float64)
    paid_out = float(acted["paid"].sum()) if len(acted) else 0.0
    rows = {
        "value at the decision": -worth[decision.session],
        "bought": -float(value[side > 0].sum()),
        "sold": float(value[side < 0].sum()),
        "dividends and delisting": paid_out,
        "rate on money received": _drift(result, filled, acted, currency),
        "value at the end": worth[until],
        "costs": -float(steps["costs"]["value"].sum()),
    }
    rows["profit"] = sum(rows.values())
    # plus zero: no minus sign on nothing
    table = pd.DataFrame(
        [(item, float(one) + 0.0) for item, one in rows.items()],
        columns=["item", "value"],
    )
    return table.assign(unit=told.base)


def _drift(
    result: StudyResult, filled: pd.DataFrame, acted: pd.DataFrame, currency: str
) -> float:
    """Return what the rate did to money received abroad until it was home.

    That is at the first home close not before the receipt.
    """
    told = result.backtest
    if currency == told.base:
        return 0.0
    sold = filled[filled["units"] < 0.0]
    spent = sold[["slippage", "tax", "commission", "impact"]].sum(axis=1)
    amount = (sold["value"] - spent).to_numpy(dtype=np.float64)
    moment = sold["filled_utc"].to_numpy()
    if len(acted):
        amount = np.append(amount, acted["paid"] - acted["withheld"])
        moment = np.append(moment, acted["at_utc"].to_numpy())
    if not amount.any():
        return 0.0
    home = result.market.home.sessions
    row = np.searchsorted(home.close_utc, moment)
    at_close = told.fx[currency].reindex(home.days[row]).to_numpy(dtype=np.float64)
    then = result.market.currencies.rates([currency], told.base, moment)
    drift = amount * (at_close / then[currency].to_numpy(dtype=np.float64) - 1.0)
    return float(drift[amount != 0.0].sum())
