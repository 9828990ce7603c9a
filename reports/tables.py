"""Every table of a study as raw numbers: decimal fractions, dates, no rounding.

These are what a run folder keeps; the other modules print from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from engine.costs.charges import schedule_for
from engine.evidence.claim_rows import claim_rows
from engine.evidence.forecasts import forecasts
from engine.evidence.placebo_starts import BANDS
from engine.ledger.backtest import Backtest
from engine.market.coverage import RAW
from engine.market.listing import NO_LAYER
from engine.market.market import Finding
from engine.study_result import StudyResult
from reports import (
    book_tables,
    claim_words,
    hindsight_tables,
    positions,
    rule_tables,
    score_tables,
    words,
)

CASH = "cash"


def tables(result: StudyResult) -> Mapping[str, pd.DataFrame]:
    """Return every table by name; none needs its index."""
    ranking = result.luck.ranking
    return {
        "performance": result.performance,
        "attribution": result.attribution.table,
        "attribution_currencies": result.attribution.currencies,
        "factor_regression": result.regression,
        "nav": nav(result),
        "weights": _by_session(result.backtest.weights),
        "layer_weights": _by_session(layer_weights(result)),
        "holdings": book_tables.holdings(result),
        "prices": book_tables.prices(result),
        "cash": book_tables.cash(result),
        "rates": book_tables.rates(result),
        "decisions": decisions(result),
        "limits": limits(result),
        "scores": scores(result),
        "factors": factor_table(result),
        "explained": positions.explained(result),
        "trades": result.backtest.trades.reset_index(drop=True),
        "costs": costs_by_year(result),
        "session_costs": book_tables.session_costs(result),
        "fees": fees(result),
        "market_rules": rule_tables.applied(result),
        "readings": result.readings.differences,
        "random_barbells": ranking.paths if ranking else pd.DataFrame(),
        "random_places": ranking.table if ranking else pd.DataFrame(),
        "events": result.events.table.reset_index(drop=True),
        "events_left_out": result.events.left_out.reset_index(drop=True),
        "event_paths": event_paths(result),
        "event_recovery": result.events.recovery.reset_index(drop=True),
        "event_pooled": result.events.pooled.reset_index(drop=True),
        "event_crowding": result.events.crowding.reset_index(drop=True),
        "event_sensitivity": result.sensitivity.reset_index(drop=True),
        "around": around(result),
        "around_summary": around_summary(result),
        "around_fan": around_fan(result),
        "claims": claims(result),
        "claims_beside": claims_beside(result),
        "claim_rows": claim_rows(result.claims, result.thesis, result.market),
        "thesis_score": score_tables.scores(result),
        "thesis_score_claims": score_tables.entered(result),
        "thesis_score_correlation": score_tables.correlation(result),
        "kill": result.kill,
        "stress": result.stress.mechanisms,
        "stress_inputs": result.stress.inputs,
        "stress_numbers": result.stress.numbers,
        "stress_layers": result.stress.layers,
        "scenario_states": result.scenarios.states,
        "scenario_dates": result.scenarios.dates,
        "scenario_layers": result.scenarios.layers,
        "forecasts": forecast_table(result),
        "hindsight": hindsight_tables.audit(result),
        "hindsight_assets": hindsight_tables.assets(result),
        "coverage": result.market.coverage.reset_index(drop=True),
        "findings": findings(result),
    }


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a frame's rows as mappings; 20 times as fast as pandas's own."""
    names = [str(name) for name in frame.columns]
    # texts one by one out of an Arrow array take five times as long
    columns = [
        (one.to_numpy(object) if one.dtype == "str" else one).tolist()
        for one in (frame[name] for name in frame.columns)
    ]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def paths(result: StudyResult) -> Mapping[str, Backtest]:
    """Return every backtest by name, the barbell first."""
    return {result.backtest.name: result.backtest} | dict(result.baselines)


def nav(result: StudyResult) -> pd.DataFrame:
    """Return NAV by home session and path, in the base currency."""
    columns = {name: one.nav for name, one in paths(result).items()}
    return _by_session(pd.DataFrame(columns))


def layer_of(result: StudyResult) -> pd.Series:
    """Return each asset's primary layer, indexed by symbol."""
    known = {line.symbol: line for line in result.assets}
    names = list(result.backtest.weights.columns)
    return pd.Series(
        [
            result.universe.entities[known[name].entity].layer
            if name in known
            else NO_LAYER
            for name in names
        ],
        index=names,
        dtype=object,
    )


def name_of(result: StudyResult, symbol: str) -> str:
    """Return the name of the entity behind a line; the symbol where there is none."""
    line = result.universe.line(symbol)
    entity = result.universe.entities.get(line.entity) if line else None
    return entity.name if entity else symbol


def layer_weights(result: StudyResult) -> pd.DataFrame:
    """Return the barbell's weight by session (rows) and layer (columns), with cash."""
    layers = layer_of(result)
    held = result.backtest.weights
    summed = {
        layer: held.loc[:, (layers == layer).to_numpy()].sum(axis=1).to_numpy()
        for layer in result.universe.layers
        if (layers == layer).any()
    }
    frame = pd.DataFrame(summed, index=held.index)
    return frame.assign(**{CASH: 1.0 - frame.to_numpy().sum(axis=1)})


def decisions(result: StudyResult) -> pd.DataFrame:
    """Return one row per decision and asset: score, alpha, target weight."""
    parts = []
    for one in result.decisions:
        card = one.scorecard
        assets = one.weights.index
        parts.append(
            pd.DataFrame(
                {
                    "session": one.session,
                    "asset": assets,
                    "score": card.score.reindex(assets).to_numpy(),
                    "coverage": card.coverage.reindex(assets).to_numpy(),
                    "withheld": card.withheld.reindex(assets).to_numpy(dtype=object),
                    "alpha": one.alpha.reindex(assets).to_numpy(dtype=float),
                    "target": one.weights.to_numpy(),
                    "cash": one.cash,
                    "status": one.status,
                    "solver": one.solver,
                    "residual": one.residual,
                    "fallback": one.fallback,
                    "notes": "; ".join(one.notes),
                }
            )
        )
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def limits(result: StudyResult) -> pd.DataFrame:
    """Return one row per decision and limit that bound or was widened.

    `price` is its shadow price over one rebalance period, `slack` by how much it was
    widened; NaN where it has none.
    """
    rows = [
        {
            "session": one.session,
            "limit": name,
            "price": one.prices.get(name, float("nan")),
            "slack": one.slacks.get(name, float("nan")),
        }
        for one in result.decisions
        for name in dict.fromkeys([*one.prices, *one.slacks])
    ]
    return pd.DataFrame(rows, columns=["session", "limit", "price", "slack"])


def scores(result: StudyResult) -> pd.DataFrame:
    """Return the last decision by asset: layer, score, weight, each factor."""
    if not result.decisions:
        return pd.DataFrame()
    last = result.decisions[-1]
    card = last.scorecard
    assets = card.score.index
    layers = layer_of(result).reindex(assets)
    frame = pd.DataFrame(
        {
            "asset": assets,
            "name": [name_of(result, str(asset)) for asset in assets],
            "layer": layers.to_numpy(),
            "score": card.score.to_numpy(),
            "coverage": card.coverage.to_numpy(),
            "withheld": card.withheld.to_numpy(dtype=bool),
            "target": last.weights.reindex(assets).fillna(0.0).to_numpy(),
        }
    )
    factors = card.contributions.reset_index(drop=True)
    ordered = pd.concat([frame, factors], axis=1)
    rank = {layer: place for place, layer in enumerate(result.universe.layers)}
    place = ordered["layer"].map(rank).fillna(len(rank))
    return (
        ordered.assign(_place=place)
        .sort_values(["_place", "score"], ascending=[True, False], kind="stable")
        .drop(columns="_place")
        .reset_index(drop=True)
    )


def factor_table(result: StudyResult) -> pd.DataFrame:
    """Return each factor's weight, and whether it spoke at the last decision."""
    last = result.decisions[-1].scorecard if result.decisions else None
    rows = []
    for spec in result.thesis.factors:
        absent = last.absent.get(spec.name, "") if last else ""
        known = (
            int(last.contributions[spec.name].notna().sum())
            if last is not None and spec.name in last.contributions
            else 0
        )
        rows.append(
            {
                "factor": spec.name,
                "weight": spec.weight,
                "kind": "state" if spec.exposure is not None else "asset",
                "assets": known,
                "absent": absent,
            }
        )
    return pd.DataFrame(rows)


def costs_by_year(result: StudyResult) -> pd.DataFrame:
    """Return what each kind of cost took per year, base currency and share of NAV."""
    costs = result.backtest.costs
    years = costs.index.year.to_numpy()  # type: ignore[attr-defined]
    mean_nav = result.backtest.nav.groupby(years).mean()
    yearly = costs.groupby(years).sum()
    long = yearly.melt(ignore_index=False, var_name="kind", value_name="paid")
    long = long.rename_axis("year").reset_index()
    share = long["paid"].to_numpy() / mean_nav.loc[long["year"]].to_numpy()
    return long.assign(share_of_nav=share, currency=result.backtest.base)


def fees(result: StudyResult) -> pd.DataFrame:
    """Return the dated taxes and fees in force for the assets during the study."""
    about = result.thesis.about
    covered = result.market.coverage
    return schedule_for(result.thesis.execution).applied(
        result.assets,
        about.start,
        about.end,
        raw=set(covered.loc[covered["basis"] == RAW, "symbol"]),
    )


def event_paths(result: StudyResult) -> pd.DataFrame:
    """Return cumulative abnormal returns by event, relative session and layer."""
    parts = []
    for event, path in result.events.paths.items():
        for layer in path.columns[~path.columns.str.endswith(".se")]:
            se = path.get(f"{layer}.se")
            parts.append(
                pd.DataFrame(
                    {
                        "event": event,
                        "session": path.index.to_numpy(),
                        "layer": layer,
                        "car": path[layer].to_numpy(),
                        "se": np.nan if se is None else se.to_numpy(),
                    }
                )
            )
    columns = ["event", "session", "layer", "car", "se"]
    return (
        pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
    )


def around(result: StudyResult) -> pd.DataFrame:
    """Return growth of 1 about each event, by relative session and path."""
    parts = [
        one.nav.rename_axis("relative")
        .reset_index()
        .melt("relative", var_name="path", value_name="growth")
        .assign(event=event)
        for event, one in result.around.items()
    ]
    columns = ["event", "relative", "path", "growth"]
    return (
        pd.concat(parts, ignore_index=True)[columns]
        if parts
        else pd.DataFrame(columns=columns)
    )


def around_summary(result: StudyResult) -> pd.DataFrame:
    """Return return, drawdown and costs about each event, one row per path."""
    parts = [
        named_rows(one.summary, "path").assign(event=event)
        for event, one in result.around.items()
    ]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def around_fan(result: StudyResult) -> pd.DataFrame:
    """Return quantiles of the barbell's growth over its placebo starts, by event."""
    parts = [
        one.fan.rename_axis("relative").reset_index().assign(event=event)
        for event, one in result.around.items()
        if len(one.fan)
    ]
    columns = ["event", "relative", *BANDS]
    return (
        pd.concat(parts, ignore_index=True)[columns]
        if parts
        else pd.DataFrame(columns=columns)
    )


def claims(result: StudyResult) -> pd.DataFrame:
    """Return one row per claim and sample, with statistic, assumptions and summary.

    The verdict reads as it may be quoted: stamped where anything is simulated.
    """
    found = [one.finding for one in result.claims.results]
    return since(result).assign(
        verdict=[words.stamped(one.verdict, result) for one in result.claims.results],
        min_effect=[one.min_effect for one in result.claims.results],
        z=[one.z if one else float("nan") for one in found],
        summary=[one.summary if one else "" for one in found],
        assumptions=["; ".join(one.assumptions) if one else "" for one in found],
        in_words=[claim_words.in_words(result, one) for one in result.claims.results],
    )


def claims_beside(result: StudyResult) -> pd.DataFrame:
    """Return every claim of the thesis, its placebo and the anti-thesis.

    Verdicts are stamped where anything is simulated.
    """
    table = result.beside.table
    stamped = [words.stamped(one, result) if one else "" for one in table["verdict"]]
    return table.assign(verdict=stamped)


def since(result: StudyResult) -> pd.DataFrame:
    """Return the claims with the day each asserts, and the one that counts and why.

    `counts_from` is empty where a register does not hold a claim as it stands.
    """
    table, held = result.claims.table, result.registration
    if held is None:
        return table.assign(counts="declared", counts_from=table["declared"])
    asserted = {
        claim.id: held.claims_declared.get(claim.id) or held.declared or ""
        for claim in result.thesis.claims
    }
    return table.assign(
        declared=[str(asserted[one]) for one in table["claim"]],
        counts=[held.basis_of(one) for one in table["claim"]],
        counts_from=table["declared"],
    )


def forecast_table(result: StudyResult) -> pd.DataFrame:
    """Return one row per stated probability: what became of its claim, its scores."""
    columns = ["claim", "probability", "state", "why", "brier", "log_score"]
    found = forecasts(result.thesis, result.claims.results)
    rows = [[getattr(one, name) for name in columns] for one in found]
    return pd.DataFrame(rows, columns=columns)


def findings(result: StudyResult) -> pd.DataFrame:
    """Return what a reader must know about the data, worst first."""
    names = ("severity", "where", "what", "action", "first", "last")
    return pd.DataFrame(
        [[getattr(one, name) for name in names] for one in ordered_findings(result)],
        columns=list(names),
    )


def ordered_findings(result: StudyResult) -> list[Finding]:
    """Return the findings about the data, worst first."""
    rank = {"error": 0, "warning": 1, "info": 2}
    return sorted(
        result.market.findings, key=lambda one: rank.get(one.severity, len(rank))
    )


def _by_session(panel: pd.DataFrame) -> pd.DataFrame:
    return panel.rename_axis("session").reset_index()


def named_rows(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return a frame whose row labels are a column of this name."""
    if name in frame.columns:
        return frame.reset_index(drop=True)
    return frame.rename_axis(name).reset_index()
