"""Why an asset was held: one decision, from its observations to its profit."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from engine import explain_steps as steps
from engine.errors import UsageError, at_most, nearest
from engine.market.market import STAMP
from engine.portfolio.results import Decision
from engine.reopen import rerun
from engine.study import Progress
from engine.study_result import StudyResult

CHAIN = ["step", "item", "value", "unit", "known_at", "source"]
#: How many factors a sentence names.
_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Explanation:
    """One asset at one decision: what was known, wanted, done, paid and earned.

    decided : home session of the decision, the last one not after the date asked for;
        moment : its close (UTC). until : home session of the next decision, or the
        study's last one where there is none (`last` is then True).
    observations : the observations behind the signal roles that the factors read, with
        ``value_date``, ``known_at``, ``source``; ``newest`` marks the last of each.
    prices : the asset's last close with its session, and its currency's rate.
    contributions : one row per factor: its ``reading`` (own unit; a state factor's is
        the same for all assets) and when that was known, ``exposure`` (state factors),
        ``weight``, ``contribution`` in [-1, 1], ``part`` of the score, and why it is
        ``absent``. The parts add up to the score unless that is withheld.
    expectation : score, coverage, volatility and alpha = ic x volatility x score.
    limits : every limit that bound or was widened, with its shadow price over one
        rebalance period; ``on`` whom it lies: the asset, its leg, layer, currency or
        country, all, or others.
    weights : held before, target. trades : the asset's fills that carried the decision
        out. costs : what they cost by kind, base currency.
    profit : from the close of the decision to that of `until`, base currency.
    sentences : the same in words.
    """

    asset: str
    name: str
    decided: pd.Timestamp
    moment: np.datetime64
    until: pd.Timestamp
    last: bool
    base: str
    simulated: bool
    observations: pd.DataFrame
    prices: pd.DataFrame
    contributions: pd.DataFrame
    expectation: pd.DataFrame
    limits: pd.DataFrame
    weights: pd.DataFrame
    trades: pd.DataFrame
    costs: pd.DataFrame
    profit: pd.DataFrame
    sentences: tuple[str, ...]

    def tables(self) -> Mapping[str, pd.DataFrame]:
        """Return the tables by name, in the order of the chain."""
        names = (
            "observations",
            "prices",
            "contributions",
            "expectation",
            "limits",
            "weights",
            "trades",
            "costs",
            "profit",
        )
        return {name: getattr(self, name) for name in names}

    def chain(self) -> pd.DataFrame:
        """Return everything as one long table: a row per number, columns `CHAIN`."""
        rows = [row for part in _CHAINED for row in part(self)]
        table = pd.DataFrame(rows, columns=CHAIN)
        return table.astype({"value": np.float64, "known_at": "datetime64[ns]"})


def explain_run(
    folder: Path,
    asset: str,
    day: dt.date,
    *,
    progress: Progress = lambda step: None,
) -> Explanation:
    """Return why an asset of an archived run was held on a day.

    Raises `RunError` for a folder that is no run or whose inputs have changed, and
    `UsageError` as `explain` does.
    """
    result = rerun(folder, progress=progress).result
    progress("explaining")
    return explain(result, asset, day)


def explain(result: StudyResult, asset: str, day: dt.date) -> Explanation:
    """Return the chain behind an asset's weight, from observations to profit.

    Parameters
    ----------
    result : StudyResult
    asset : str
        Symbol of an asset that the study could hold, or an alias of it.
    day : date
        The last decision at or before this day is explained.

    Returns
    -------
    Explanation
        Every factor reads again what was known at the moment of the decision; scores,
        limits, weights, trades and books are those of the study.

    Raises
    ------
    UsageError
        For an unknown asset, and for a day before the first decision or after the end.
    """
    symbol = _symbol(result, asset)
    decision, until, last = _decision(result, day)
    known = result.market.known_at(decision.moment)
    read = steps.read_factors(result, decision, known, symbol)
    home, told = result.market.home.sessions, result.backtest
    end = np.datetime64(home.close_utc[home.days == until][0])
    done = {
        "trades": steps.trades(told, decision, symbol),
        "actions": steps.actions(told, decision, end, symbol),
    }
    done["costs"] = steps.costs(told, done["trades"], done["actions"])
    found = {
        "prices": steps.prices(result, known, symbol, read.prices),
        "contributions": steps.contributions(read, decision, symbol),
        "expectation": steps.expectation(result, decision, known, symbol),
        "limits": steps.limits(result, decision, symbol),
        "weights": steps.weights(result, decision, symbol),
        "trades": done["trades"],
        "costs": done["costs"],
        "profit": steps.profit(result, decision, until, symbol, done),
    }
    line = result.market.lines[symbol]
    entity = result.universe.entities.get(line.entity)
    name = entity.name if entity else symbol
    nav = float(told.nav[decision.session])
    waiting = bool(told.waiting[symbol].loc[until])
    sentences = _sentences(f"{name} ({symbol})", decision, until, last, found, nav)
    if waiting:
        sentences += ("Its order had not filled, or not in full, by then.",)
    return Explanation(
        asset=symbol,
        name=name,
        decided=decision.session,
        moment=decision.moment,
        until=until,
        last=last,
        base=told.base,
        simulated=result.simulated,
        observations=steps.observations(known, read),
        sentences=((f"{STAMP}.",) if result.simulated else ()) + sentences,
        **found,
    )


def _symbol(result: StudyResult, asset: str) -> str:
    """Return the symbol of an asset of the study; `UsageError` for another one."""
    symbols = [line.symbol for line in result.assets]
    line = result.universe.line(asset)
    symbol = line.symbol if line else asset
    if symbol in symbols:
        return symbol
    if line:
        raise UsageError(
            f"{symbol} is no asset of this run: it was never among what it could hold; "
            f"those are {at_most(symbols)}"
        )
    hint = nearest(asset, symbols) or f"they are {at_most(symbols)}"
    raise UsageError(f"no asset of this run is called {asset!r}; {hint}")


def _decision(result: StudyResult, day: dt.date) -> tuple[Decision, pd.Timestamp, bool]:
    """Return the last decision at or before a day, where it ends, whether at the end.

    It ends at the session of the next decision, or at the study's last one.
    """
    made, end = result.decisions, result.backtest.nav.index[-1]
    if day > result.thesis.about.end:
        raise UsageError(
            f"{day} is after the run's end; its last day is {result.thesis.about.end}"
        )
    place = sum(one.session.date() <= day for one in made) - 1
    if place < 0:
        raise UsageError(
            f"{day} is before the run's first decision, on {made[0].session.date()}"
        )
    last = place + 1 == len(made)
    return made[place], end if last else made[place + 1].session, last


# ---- in words ------------------------------------------------------------------------


def _sentences(
    who: str,
    decision: Decision,
    until: pd.Timestamp,
    last: bool,
    found: Mapping[str, pd.DataFrame],
    nav: float,
) -> tuple[str, ...]:
    """Return the chain in words, one sentence or two per step."""
    return (
        _known_words(who, decision, found["prices"]),
        _score_words(found["contributions"], found["expectation"]),
        _alpha_words(found["expectation"]),
        _limit_words(found["limits"], decision),
        _trade_words(found),
        _profit_words(found["profit"], until, last, nav),
    )


def _known_words(who: str, decision: Decision, prices: pd.DataFrame) -> str:
    moment = str(decision.moment.astype("datetime64[m]")).replace("T", " ")
    start = f"Decided at the close of {decision.session.date()} ({moment} UTC): {who}"
    closes = prices[prices["item"] == "last close"]
    if closes.empty:
        return f"{start} had no price yet."
    one = closes.iloc[0]
    return (
        f"{start} had last closed at {one['value']:,.6g} {one['unit']}, in its session "
        f"of {one['session'].date()}."
    )


def _score_words(parts: pd.DataFrame, expectation: pd.DataFrame) -> str:
    number = _numbers(expectation)
    present = parts.dropna(subset=["contribution"])
    spoke = f"{len(present)} of {len(parts)} factors spoke of it"
    covered = (
        f"{number['coverage']:.0%} of the factor weight, the floor is "
        f"{number['coverage floor']:.0%}"
    )
    if number["withheld"]:
        return f"{spoke} ({covered}): its score is withheld and counts as 0."
    rank = present["part"].abs().sort_values(ascending=False, kind="stable").index
    most = present.loc[rank[:_NAMED]]
    named = ", ".join(
        f"{factor} {part + 0.0:+.3f}"
        for factor, part in zip(most["factor"], most["part"], strict=True)
    )
    return (
        f"{spoke} ({covered}); its score is {number['score']:+.3f}, most from {named}."
    )


def _alpha_words(expectation: pd.DataFrame) -> str:
    number = _numbers(expectation)
    period = expectation.loc[expectation["item"] == "alpha", "unit"].iloc[0]
    if np.isnan(number["alpha"]):
        return "It had no risk estimate, so no return was expected and none was bought."
    return (
        f"Expected return: {number['information coefficient']:g} (the information "
        f"coefficient) x {number['volatility']:.2%} (its volatility) x "
        f"{number['score']:+.3f} = {number['alpha']:+.3%} {period}."
    )


def _limit_words(limits: pd.DataFrame, decision: Decision) -> str:
    solved = f"The weights were {decision.status}" + (
        f" ({decision.solver})" if decision.solver else ""
    )
    if limits.empty:
        return f"{solved}; no limit has a shadow price."
    near = limits[limits["on"].ne("others") & limits["on"].ne("all")]
    rest = f"{len(limits) - len(near)} on all assets or on others"
    if near.empty:
        return f"{solved}; no limit on it bound, {rest} did."
    named = "; ".join(_limit_word(*row) for row in near.itertuples(index=False))
    return f"{solved}. Limits on it that bound: {named}; beside them {rest}."


def _limit_word(name: str, price: float, slack: float, on: str) -> str:
    said = f"{name}, {on}"
    if not np.isnan(price):
        said += f" (shadow price {price:.3g})"
    return said + ("" if np.isnan(slack) else f" (widened by {slack:.3g})")


def _trade_words(found: Mapping[str, pd.DataFrame]) -> str:
    weight, done = _numbers(found["weights"]), found["trades"]
    start = (
        f"It weighed {weight['weight held']:.2%} of NAV and was to weigh "
        f"{weight['target weight']:.2%}"
    )
    if done.empty:
        return f"{start}; nothing of it was traded."
    unit = found["costs"]["unit"].iloc[0]
    moved = (np.sign(done["units"]) * done["value"]).sum()
    count = f"{len(done)} fill{'s' * (len(done) > 1)}"
    days = ", ".join(dict.fromkeys(str(day.date()) for day in done["session"]))
    return (
        f"{start}; {count} ({days}) {'bought' if moved > 0 else 'sold'} "
        f"{abs(moved):,.2f} {unit} of it and cost "
        f"{done[list(steps.TRADED.values())].to_numpy().sum():,.2f} {unit}."
    )


def _profit_words(
    profit: pd.DataFrame, until: pd.Timestamp, last: bool, nav: float
) -> str:
    made, unit = _numbers(profit)["profit"], profit["unit"].iloc[0]
    end = "the end of the study" if last else "the next decision"
    return (
        f"From that close to the close of {until.date()}, {end}, it "
        f"{'earned' if made >= 0 else 'lost'} {abs(made):,.2f} {unit} after costs, "
        f"{made / nav:+.3%} of NAV at the decision."
    )


def _numbers(table: pd.DataFrame) -> dict[str, float]:
    return dict(zip(table["item"], table["value"].astype(float), strict=True))


# ---- as one long table ---------------------------------------------------------------

Row = list[object]


def _rows(table: pd.DataFrame) -> Iterator[Any]:
    """Yield rows whose cells are attributes."""
    yield from table.itertuples(index=False)


def _chain_known(one: Explanation) -> Iterator[Row]:
    for row in _rows(one.observations):
        item = f"{row.role} {row.entity} {row.value_date.date()}"
        yield ["observation", item, row.value, row.unit, row.known_at, row.source]
    for row in _rows(one.prices):
        day = f" {row.session.date()}" if row.session == row.session else ""
        item = f"{row.item}{day}"
        yield ["price", item, row.value, row.unit, row.known_at, row.source]


def _chain_factors(one: Explanation) -> Iterator[Row]:
    for row in _rows(one.contributions):
        for step, value, unit in (
            ("reading", row.reading, "the factor's own"),
            ("exposure", row.exposure, "in [-1, 1]"),
            ("factor weight", row.weight, "relative"),
            ("contribution", row.contribution, "in [-1, 1]"),
            ("part of the score", row.part, "in [-1, 1]"),
        ):
            if step != "exposure" or value == value:
                when = row.known_at if step == "reading" else pd.NaT
                yield [step, row.factor, value, unit, when, row.absent]


def _chain_decided(one: Explanation) -> Iterator[Row]:
    for row in _rows(one.expectation):
        yield ["expectation", row.item, row.value, row.unit, one.moment, ""]
    for row in _rows(one.limits):
        for step, value in (("shadow price", row.price), ("widened", row.slack)):
            if value == value:
                yield [step, row.limit, value, "", one.moment, ""]
    for row in _rows(one.weights):
        yield ["weight", row.item, row.value, row.unit, one.moment, ""]


def _chain_done(one: Explanation) -> Iterator[Row]:
    for row in _rows(one.trades):
        item, when = f"{row.side} {row.session.date()}", row.filled_utc
        yield ["trade", f"{item} units", row.units, "shares", when, ""]
        yield ["trade", f"{item} price", row.price, row.currency, when, ""]
        yield ["trade", f"{item} value", row.value, one.base, when, ""]
    for row in _rows(one.costs):
        yield ["cost", row.kind, row.value, row.unit, pd.NaT, ""]
    for row in _rows(one.profit):
        yield ["profit", row.item, row.value, row.unit, pd.NaT, ""]


_CHAINED = (_chain_known, _chain_factors, _chain_decided, _chain_done)
