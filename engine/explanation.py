"""A weight explained: its tables, the same in words, and as one long table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from engine.explain_steps import TRADED
from engine.market.market import STAMP

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
    prices : the asset's last close with its session, as its file has it (`basis` says
        what that is), and its currency's rate.
    contributions : one row per factor: its ``reading`` (own unit; a state factor's is
        the same for all assets) and when that was known, ``exposure`` (state factors),
        ``weight``, ``contribution`` in [-1, 1], ``part`` of the score, and why it is
        ``absent``. The parts add up to the score unless that is withheld.
    expectation : score, coverage, volatility and alpha = ic x volatility x score.
    limits : every limit that bound or was widened, with its shadow price over one
        rebalance period; ``on`` whom it lies: the asset, its leg, layer, currency or
        country, all, or others.
    balance : what pulls the target weight up and down (`engine.explain_balance`).
    weights : held before, target. trades : the asset's fills that carried the decision
        out. costs : what they cost by kind, base currency.
    profit : from the close of the decision to that of `until`, base currency.
    nav : of the account at the decision. solved : the solver's word. waiting : whether
        its order had still not filled, or not in full, at `until`.
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
    balance: pd.DataFrame
    weights: pd.DataFrame
    trades: pd.DataFrame
    costs: pd.DataFrame
    profit: pd.DataFrame
    nav: float
    solved: str
    waiting: bool

    @property
    def sentences(self) -> tuple[str, ...]:
        """The same in words, a sentence or two per step."""
        stamp = (f"{STAMP}.",) if self.simulated else ()
        late = ("Its order had not filled, or not in full, by then.",)
        told = tuple(words(self) for words in _WORDS)
        return stamp + told + late * self.waiting

    def tables(self) -> Mapping[str, pd.DataFrame]:
        """Return the tables by name, in the order of the chain."""
        names = (
            "observations",
            "prices",
            "contributions",
            "expectation",
            "limits",
            "balance",
            "weights",
            "trades",
            "costs",
            "profit",
        )
        return {name: getattr(self, name) for name in names}

    def chain(self) -> pd.DataFrame:
        """Return everything as one long table: a row per number, columns `CHAIN`."""
        return chained([self]).drop(columns=["asset", "decided"])


# ---- in words ------------------------------------------------------------------------


def _known_words(one: Explanation) -> str:
    moment = str(one.moment.astype("datetime64[m]")).replace("T", " ")
    start = (
        f"Decided at the close of {one.decided.date()} ({moment} UTC): "
        f"{one.name} ({one.asset})"
    )
    closes = one.prices[one.prices["item"] == "last close"]
    if closes.empty:
        return f"{start} had no price yet."
    close = closes.iloc[0]
    basis = f" ({close['basis']})" if close["basis"] else ""
    return (
        f"{start} had last closed at {close['value']:,.6g} {close['unit']}{basis}, in "
        f"its session of {close['session'].date()}."
    )


def _score_words(one: Explanation) -> str:
    parts, number = one.contributions, values_of(one.expectation)
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


def _alpha_words(one: Explanation) -> str:
    told, number = one.expectation, values_of(one.expectation)
    period = told.loc[told["item"] == "alpha", "unit"].iloc[0]
    if np.isnan(number["alpha"]):
        return "It had no risk estimate, so no return was expected and none was bought."
    return (
        f"Expected return: {number['information coefficient']:g} (the information "
        f"coefficient) x {number['volatility']:.2%} (its volatility) x "
        f"{number['score']:+.3f} = {number['alpha']:+.3%} {period}."
    )


def _limit_words(one: Explanation) -> str:
    limits, solved = one.limits, f"The weights were {one.solved}"
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


def _trade_words(one: Explanation) -> str:
    weight, done, unit = values_of(one.weights), one.trades, one.base
    start = (
        f"It weighed {weight['weight held']:.2%} of NAV and was to weigh "
        f"{weight['target weight']:.2%}"
    )
    if done.empty:
        return f"{start}; nothing of it was traded."
    moved = (np.sign(done["units"]) * done["value"]).sum()
    count = f"{len(done)} fill{'s' * (len(done) > 1)}"
    days = ", ".join(dict.fromkeys(str(day.date()) for day in done["session"]))
    return (
        f"{start}; {count} ({days}) {'bought' if moved > 0 else 'sold'} "
        f"{abs(moved):,.2f} {unit} of it and cost "
        f"{done[list(TRADED.values())].to_numpy().sum():,.2f} {unit}."
    )


def _profit_words(one: Explanation) -> str:
    made, unit = values_of(one.profit)["profit"], one.base
    end = "the end of the study" if one.last else "the next decision"
    return (
        f"From that close to the close of {one.until.date()}, {end}, it "
        f"{'earned' if made >= 0 else 'lost'} {abs(made):,.2f} {unit} after costs, "
        f"{made / one.nav:+.3%} of NAV at the decision."
    )


def values_of(table: pd.DataFrame) -> dict[str, float]:
    """Return a table's values by item."""
    return dict(zip(table["item"], table["value"].astype(float), strict=True))


_WORDS = (
    _known_words,
    _score_words,
    _alpha_words,
    _limit_words,
    _trade_words,
    _profit_words,
)

# ---- as one long table ---------------------------------------------------------------

Row = list[object]


def chained(told: Sequence[Explanation]) -> pd.DataFrame:
    """Return chains one below the other, with the columns asset and decided before."""
    rows = [
        [one.asset, one.decided, *row]
        for one in told
        for part in _CHAINED
        for row in part(one)
    ]
    table = pd.DataFrame(rows, columns=["asset", "decided", *CHAIN])
    moment = "datetime64[ns]"
    return table.astype({"decided": moment, "value": np.float64, "known_at": moment})


def _rows(table: pd.DataFrame) -> Iterator[Any]:
    """Yield rows whose cells are attributes."""
    yield from table.itertuples(index=False)


def _chain_known(one: Explanation) -> Iterator[Row]:
    for row in _rows(one.observations):
        item = f"{row.role} {row.entity} {row.value_date.date()}"
        yield ["observation", item, row.value, row.unit, row.known_at, row.source]
    for row in _rows(one.prices):
        day = f" {row.session.date()}" if row.session == row.session else ""
        item = f"{row.item}{f', {row.basis}' if row.basis else ''}{day}"
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
    for row in _rows(one.balance):
        yield ["balance", row.item, row.value, row.unit, one.moment, ""]
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
