"""The barbell as a policy: decide at home closes, trade, and keep each decision."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from engine.costs.fees import FeeSchedule
from engine.costs.model import cost_rates
from engine.costs.orders import OrderCosts, order_costs
from engine.ledger.backtest import Backtest
from engine.ledger.liquidity import next_liquidity
from engine.ledger.simulate import AccountView, Orders, play
from engine.ledger.tape import Tape
from engine.market.calendar import SESSIONS_PER_YEAR, calendar_of, sessions
from engine.market.listing import Line, Universe
from engine.market.market import Known, Market
from engine.portfolio.barbell import PERIOD_SESSIONS, decide, estimate_risk
from engine.portfolio.results import Decision, Risk, Scorecard
from engine.portfolio.scoring import WeightedFactor, score
from engine.thesis.model import Leg, Thesis

_MONTHS = {"monthly": 1, "monthly+events": 1, "quarterly": 3}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Assessment:
    """What is known and believed at one moment, whatever the legs."""

    known: Known
    scorecard: Scorecard
    risk: Risk


class Assessments:
    """Assessments of a study, each made at its first use and kept.

    Strategies that differ only in their legs decide at the same moments.
    """

    def __init__(
        self,
        thesis: Thesis,
        universe: Universe,
        market: Market,
        assets: tuple[Line, ...],
        factors: tuple[WeightedFactor, ...],
    ) -> None:
        self.thesis = thesis
        self.market = market
        self.factors = factors
        self.assets = assets
        self.symbols = [line.symbol for line in assets]
        self.lines = sorted(assets, key=lambda line: line.symbol)
        self.layer_of = {name: universe.layer_of(name) for name in self.symbols}
        self.exposures = universe.exposures(self.symbols)
        self._made: dict[np.datetime64, Assessment] = {}
        self._rates: dict[tuple[dt.date, FeeSchedule], tuple[pd.Series, pd.Series]] = {}

    def rates(self, day: dt.date, schedule: FeeSchedule) -> tuple[pd.Series, pd.Series]:
        """Return what buying and selling costs on a day, by asset (`cost_rates`)."""
        key = (day, schedule)
        if key not in self._rates:
            self._rates[key] = cost_rates(
                self.assets,
                schedule,
                self.thesis.execution,
                day,
                base=self.thesis.about.currency,
            )
        return self._rates[key]

    def at(self, moment: np.datetime64) -> Assessment:
        """Return the assessment at `moment`, from what was known then."""
        if moment not in self._made:
            known = self.market.known_at(moment)
            self._made[moment] = Assessment(
                known=known,
                scorecard=score(
                    known,
                    self.factors,
                    self.symbols,
                    self.exposures,
                    self.thesis.scoring,
                ),
                risk=estimate_risk(
                    known,
                    pd.Index([line.symbol for line in self.lines]),
                    self.thesis.portfolio,
                    assets=self.lines,
                    layer_of=self.layer_of,
                ),
            )
        return self._made[moment]

    def variances(self, moment: np.datetime64) -> pd.Series:
        """Return the variance of each asset with a risk estimate at `moment`."""
        covariance = self.at(moment).risk.covariance
        return pd.Series(np.diag(covariance), index=covariance.index)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Strategy:
    """What a barbell is decided from.

    `tape` is the period, the market and the costs that its account trades on. `legs`
    replace the thesis's own; the limit per name then rises as far as the few names of a
    leg need to carry the leg's budget.
    """

    name: str
    tape: Tape
    thesis: Thesis
    universe: Universe
    assets: tuple[Line, ...]
    factors: tuple[WeightedFactor, ...]
    assessments: Assessments
    schedule: FeeSchedule
    legs: Mapping[str, Leg] | None = None


def decision_sessions(
    thesis: Thesis, event_days: Iterable[pd.Timestamp] = ()
) -> pd.DatetimeIndex:
    """Return the home sessions at whose close the portfolio is decided.

    The first session of the study, the last session of each month (of each quarter),
    and, under ``monthly+events``, day zero of each event with ``act = true``. Month
    ends come from the calendar, so a study that is cut short decides on the same days.
    """
    about = thesis.about
    # ten more days tell whether the last session is its month's last one
    days = sessions(about.calendar, about.start, about.end + dt.timedelta(days=10)).days
    months = _MONTHS[thesis.portfolio.rebalance]
    period = (days.year * 12 + days.month - 1) // months
    last_of_period = np.append(period[1:] != period[:-1], False)
    inside = days <= pd.Timestamp(about.end)
    chosen = set(days[last_of_period & inside])
    if inside.any():
        chosen.add(days[0])
    if thesis.portfolio.rebalance == "monthly+events":
        chosen |= {day for day in event_days if day in days and day <= days[inside][-1]}
    return pd.DatetimeIndex(sorted(chosen), name="session").as_unit("ns")


def run_strategy(
    strategy: Strategy, decide_at: pd.DatetimeIndex
) -> tuple[tuple[Decision, ...], Backtest]:
    """Return every decision of a barbell and the account that followed them."""
    thesis = strategy.thesis
    layer_of = strategy.assessments.layer_of
    decisions: list[Decision] = []

    def policy(
        session: pd.Timestamp, moment: np.datetime64, account: AccountView
    ) -> pd.Series | Orders:
        buy, sell = strategy.assessments.rates(session.date(), strategy.schedule)
        now = strategy.assessments.at(moment)
        orders = expected_orders(strategy, now.known, session, account)
        if orders is not None:
            buy, sell = buy + orders.per_share[0], sell + orders.per_share[1]
        decision = decide(
            now.known,
            thesis=thesis,
            assets=strategy.assets,
            factors=strategy.factors,
            exposures=strategy.assessments.exposures,
            layer_of=layer_of,
            held=account.weights,
            held_cash=account.cash,
            first=account.first,
            buy_cost=buy,
            sell_cost=sell,
            tradeable=account.tradeable,
            legs=strategy.legs,
            max_weight=_name_limit(strategy, layer_of, now.known, account.tradeable),
            scorecard=now.scorecard,
            risk=now.risk,
            borrow_cost=expected_borrowing(thesis, strategy.assets),
            orders=orders,
            shortable=account.shortable if thesis.portfolio.max_short else None,
        )
        decisions.append(decision)
        if decision.unplaced:
            return Orders(weights=decision.weights, unplaced=decision.unplaced)
        return decision.weights

    backtest = play(
        strategy.tape, name=strategy.name, decide_at=decide_at, policy=policy
    )
    return tuple(decisions), backtest


def expected_orders(
    strategy: Strategy, known: Known, session: pd.Timestamp, account: AccountView
) -> OrderCosts | None:
    """Return what orders are expected to cost beyond rates, from what is known.

    None where the settings charge nothing of the kind.
    """
    thesis, lines = strategy.thesis, strategy.assets
    place = {line.symbol: n for n, line in enumerate(lines)}
    most, impact = np.full(len(lines), np.inf), np.zeros(len(lines))
    terms = thesis.execution
    if terms.impact > 0.0 or terms.max_participation is not None:
        for mic, bars in known.bars.items():
            here = [line.symbol for line in lines if calendar_of(line.mic) == mic]
            found = next_liquidity(bars, here, terms)
            own = [place[symbol] for symbol in here]
            most[own], impact[own] = found.most, found.impact
    return order_costs(
        lines,
        strategy.schedule,
        terms,
        session,
        base=thesis.about.currency,
        nav=account.nav,
        price=account.price,
        rate=account.rate,
        raw=strategy.tape.rules.charge_of % 2 == 1,
        most=most,
        impact=impact,
        sessions=PERIOD_SESSIONS[thesis.portfolio.rebalance],
        largest_fixed=thesis.portfolio.max_fixed_cost,
    )


def expected_borrowing(thesis: Thesis, lines: Sequence[Line]) -> pd.Series | None:
    """Return what a short position costs until the next regular decision, (N,).

    What the ledger charges per currency, unless the thesis has an expectation of its
    own (``portfolio.borrow_rate``); None for a thesis without shorts or with its own.
    """
    own = "borrow_rate" in thesis.portfolio.model_fields_set
    if own or not thesis.portfolio.max_short:
        return None
    terms, period = thesis.execution, PERIOD_SESSIONS[thesis.portfolio.rebalance]
    years = period / SESSIONS_PER_YEAR[thesis.about.calendar]
    rates = {
        line.symbol: terms.borrow_rates.get(line.currency, terms.borrow_rate) * years
        for line in lines
    }
    return pd.Series(rates)


def _name_limit(
    strategy: Strategy,
    layer_of: Mapping[str, str],
    known: Known,
    tradeable: pd.Series,
) -> float:
    """Return the largest weight of one name at a decision."""
    rules = strategy.thesis.portfolio
    if strategy.legs is None:
        return rules.max_weight
    recent = known.home.fresh[list(tradeable.index)].iloc[-rules.window :].sum()
    buyable = tradeable & (recent > rules.min_history)
    limit = rules.max_weight
    for leg in strategy.legs.values():
        count = sum(
            bool(buyable[symbol])
            for symbol in tradeable.index
            if layer_of[symbol] in leg.layers
        )
        if count:
            limit = max(limit, min(leg.weight[1] / count, 1.0))
    return limit
