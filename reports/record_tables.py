"""The printed tables about costs, data and provenance."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from engine.market.calendar import SESSIONS_PER_YEAR
from engine.study_result import StudyResult
from engine.thesis.model import Portfolio
from reports import numbers, tables
from reports.document import Cell, Column, Table, plain


def costs(result: StudyResult) -> Table:
    """Return what each kind of cost took, by year and in all."""
    table = tables.costs_by_year(result)
    years = sorted(set(table["year"]))
    kinds = list(result.backtest.costs.columns)
    base = result.backtest.base
    paid = {
        (row["kind"], row["year"]): float(row["paid"]) for row in tables.records(table)
    }
    years_held = _years(result)
    mean_nav = float(result.backtest.nav.mean())
    rows = []
    for kind in [*kinds, "total"]:
        own = kinds if kind == "total" else [kind]
        yearly = [sum(paid[name, year] for name in own) for year in years]
        share = sum(yearly) / mean_nav / years_held
        rows.append(
            (
                plain(_COSTS.get(kind, kind), "strong" if kind == "total" else ""),
                *[plain(numbers.count(value)) for value in yearly],
                plain(numbers.count(sum(yearly)), "strong"),
                plain(numbers.basis_points(share)),
            )
        )
    return Table(
        id="costs",
        caption=f"What the barbell paid, in {base}.",
        columns=(
            Column(label="Kind", align="left", wide=True),
            *[Column(label=str(year)) for year in years],
            Column(label="Total"),
            Column(label="A year, of NAV"),
        ),
        rows=tuple(rows),
        note=_trading_note(result),
    )


_COSTS = {
    "slippage": "Slippage",
    "tax": "Taxes and exchange fees",
    "fx": "Currency spread",
    "interest": "Interest (negative: earned)",
    "total": "Total",
}


def _years(result: StudyResult) -> float:
    """Return how many years of the home calendar the account was kept."""
    per_year = SESSIONS_PER_YEAR[result.thesis.about.calendar]
    return len(result.backtest.nav) / per_year


def _trading_note(result: StudyResult) -> str:
    trades = result.backtest.trades
    value = float(trades["value"].abs().sum()) if len(trades) else 0.0
    turnover = value / 2.0 / float(result.backtest.nav.mean()) / _years(result)
    execution = result.thesis.execution
    return (
        f"{numbers.count(len(trades))} trades, one-way turnover of "
        f"{numbers.percent(turnover, 0)} of NAV a year; orders fill at the "
        f"{execution.at.replace('_', ' ')} of their own exchange, slippage "
        f"{numbers.decimal(execution.slippage_bps, 1)} bp, currency spread "
        f"{numbers.decimal(execution.fx_spread_bps, 1)} bp. The optimiser expects the "
        "same costs that the ledger charges."
    )


def fees(result: StudyResult) -> Table | None:
    """Return the dated taxes and fees in force; what is not verified is set off."""
    table = tables.fees(result)
    if table.empty:
        return None
    rows: list[tuple[Cell, ...]] = []
    shaded: set[int] = set()
    for row in tables.records(table):
        if row["status"] != "verified":
            shaded.add(len(rows))
        since, until = row["effective_from"] or "…", row["effective_to"] or "…"
        rows.append(
            (
                plain(str(row["markets"])),
                plain(str(row["item"]), sub=str(row["note"])),
                plain(numbers.rate(float(row["rate"])), sub=_per_order(row)),
                plain(str(row["side"])),
                plain(f"{since} to {until}"),
                plain(str(row["status"]), sub=str(row["source"])),
            )
        )
    return Table(
        id="fees",
        caption="Taxes and fees applied, by the day that counts.",
        columns=(
            Column(label="Exchange", align="left"),
            Column(label="Item", align="left", wide=True),
            Column(label="Rate"),
            Column(label="Side", align="left"),
            Column(label="In force", align="left"),
            Column(label="Status and source", align="left", wide=True),
        ),
        rows=tuple(rows),
        shaded=frozenset(shaded),
        note="Shaded rows rest on a rate or a day that is not fully verified.",
    )


def _per_order(row: Mapping[str, Any]) -> str:
    """Return what a fee asks per share, at least and at most, own currency."""
    told = (("per_share", "{} a share"), ("minimum", "at least {}"))
    parts = [
        text.format(f"{float(row[name]):g}") for name, text in told if row[name] > 0.0
    ]
    if math.isfinite(row["maximum"]):
        parts.append(f"at most {float(row['maximum']):g}")
    return ", ".join(parts)


def coverage(result: StudyResult) -> Table:
    """Return what the prices of each line could give."""
    table = result.market.coverage
    rows = []
    for row in tables.records(table):
        first, last = _date(row["first"]), _date(row["last"])
        rows.append(
            (
                plain(asset_name(result, str(row["symbol"]))),
                plain(str(row["mic"])),
                plain(str(row["currency"])),
                plain(str(row["basis"]).replace("_", " ")),
                plain(first),
                plain(last),
                plain(numbers.count(float(row["bars"]))),
                plain(numbers.count(float(row["missing"]))),
                plain(str(row["note"]), "muted"),
            )
        )
    return Table(
        id="coverage",
        caption="Prices: what each line has.",
        columns=(
            Column(label="Line", align="left", wide=True),
            Column(label="Exchange", align="left"),
            Column(label="Currency", align="left"),
            Column(label="Basis", align="left"),
            Column(label="First", align="left"),
            Column(label="Last", align="left"),
            Column(label="Bars"),
            Column(label="Missing"),
            Column(label="Note", align="left"),
        ),
        rows=tuple(rows),
        note="Total return: adjusted closes with dividends reinvested. Missing: own "
        "sessions between the first and the last bar without one; the next return "
        "spans the gap.",
    )


def asset_name(result: StudyResult, symbol: str) -> str:
    """Return ``Nvidia, NVDA``."""
    name = tables.name_of(result, symbol)
    return symbol if name == symbol else f"{name}, {symbol}"


def _date(value: Any) -> str:
    text = str(value)[:10]
    return numbers.MISSING if text in ("NaT", "", "nan", "None") else text


def provenance(result: StudyResult, given: Mapping[str, str]) -> Table:
    """Return where the numbers came from and how to get them again."""
    market = result.market
    known = {
        "Prices": _origin(market.prices_origin),
        "Signals": _origin(market.signals_origin),
        "Universe": f"{result.universe.name}, {len(result.assets)} assets",
        "Seed": str(result.seed),
    }
    known |= {f"Replaced: {name}": value for name, value in result.overrides.items()}
    seen = {name.lower() for name in given}
    entries = [
        (name, value) for name, value in known.items() if name.lower() not in seen
    ]
    rows = [
        (plain(str(name)), plain(str(value)))
        for name, value in [*given.items(), *entries]
    ]
    return Table(
        id="provenance",
        caption="What made this report.",
        columns=(
            Column(label="What", align="left"),
            Column(label="Value", align="left", wide=True),
        ),
        rows=tuple(rows),
    )


def _origin(origin: Any) -> str:
    parts = [origin.name, "simulated" if origin.simulated else "", origin.detail]
    named = ", ".join(part for part in parts if part)
    return f"{named}; sha256 {origin.digest}" if origin.digest else named


def _objective(portfolio: Portfolio) -> str:
    """Return the objective, with the settings that it reads."""
    told = [portfolio.objective.replace("_", " ")]
    if portfolio.objective == "mean_variance":
        told.append(f"risk aversion {numbers.decimal(portfolio.risk_aversion, 1)}")
        told.append(f"information coefficient {numbers.decimal(portfolio.ic, 3)}")
    if portfolio.objective == "min_cvar":
        told.append(f"worst {numbers.percent(1.0 - portfolio.cvar_level, 0)} of days")
    if portfolio.risk_limit is not None:
        told.append(f"volatility at most {numbers.percent(portfolio.risk_limit, 0)}")
    return ", ".join(told)


def _limits(portfolio: Portfolio) -> str:
    """Return the limits that are set, in words."""
    told = [f"at most {numbers.percent(portfolio.max_weight, 0)} in one name"]
    if portfolio.max_turnover is not None:
        told.append(f"turnover {numbers.percent(portfolio.max_turnover, 0)}")
    if portfolio.min_position:
        told.append(f"no position below {numbers.percent(portfolio.min_position, 1)}")
    if portfolio.max_names is not None:
        told.append(f"at most {portfolio.max_names} names")
    if portfolio.beta is not None:
        low, high = (numbers.decimal(one, 1) for one in portfolio.beta)
        told.append(f"beta {low} to {high}")
    if portfolio.max_short:
        told.append(f"short at most {numbers.percent(portfolio.max_short, 0)} a name")
    for name, (low_share, high_share) in {
        **portfolio.layers,
        **portfolio.currencies,
        **portfolio.countries,
    }.items():
        low, high = numbers.percent(low_share, 0), numbers.percent(high_share, 0)
        told.append(f"{name} {low} to {high}")
    return ", ".join(told)


def settings(result: StudyResult) -> Table:
    """Return the settings that the numbers depend on."""
    about, portfolio = result.thesis.about, result.thesis.portfolio
    execution, scoring = result.thesis.execution, result.thesis.scoring
    told = {
        "Period": f"{about.start} to {about.end}, sessions of {about.calendar}",
        "Account": f"{numbers.money(execution.capital, about.currency)}",
        "Objective": _objective(portfolio),
        "Risk": f"{portfolio.covariance.replace('_', ' ')} covariance over "
        f"{portfolio.window} sessions, at least {portfolio.min_history}"
        + (f", news within {portfolio.overlap}" if portfolio.overlap > 1 else ""),
        "Limits": _limits(portfolio),
        "Rebalance": portfolio.rebalance,
        "Execution": execution.at.replace("_", " "),
        "Risk-free rate": numbers.percent(about.risk_free, 2),
        "Interest": f"{numbers.percent(execution.cash_rate, 2)} on cash, "
        f"{numbers.percent(execution.overdraft_rate, 2)} on an overdraft",
        "Scoring": f"{scoring.normalise} within the {scoring.within}, half-life "
        f"{scoring.half_life_days} days",
    }
    return Table(
        id="settings",
        caption="Settings.",
        columns=(
            Column(label="Setting", align="left"),
            Column(label="Value", align="left", wide=True),
        ),
        rows=tuple((plain(name), plain(value)) for name, value in told.items()),
    )


def finite(value: float) -> bool:
    """Return whether a number is known."""
    return math.isfinite(value)
