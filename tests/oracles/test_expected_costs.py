"""What a decision expects trading to cost is what the ledger then charges.

Constructed markets whose prices do not move: every difference between the two is then
one of the models, not of the market.
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from engine.costs.charges import schedule_for
from engine.costs.model import cost_rates
from engine.costs.orders import OrderCosts, order_costs
from engine.ledger.backtest import Backtest
from engine.ledger.liquidity import liquidity_of, next_liquidity
from engine.ledger.simulate import AccountView, play
from engine.ledger.tape import Tape, record
from engine.market.calendar import calendar_of
from engine.market.market import Market
from engine.portfolio.constraints import at_rates
from engine.thesis.model import Charge, Execution
from tests.markets import market
from tests.tolerances import IDENTITY

SESSIONS, LINES = 40, 6
RATES = {"HKD": 7.8, "CNY": 7.1, "KRW": 1300.0}
UNIT = {"XNYS": 1.0, "XHKG": 7.8, "XSHG": 7.1, "XKRX": 1300.0}
MARKETS = ["XNYS", "XHKG", "XSHG", "XKRX"]
#: The day that prices stop moving, that of the first decision, and of the second.
STILL, FIRST, SECOND = 26, 29, 33


def world(mic: str, seed: int = 3) -> Market:
    """Six lines of one market: they move, so that there is impact, then stand still."""
    rng = np.random.default_rng(seed)
    symbols = [f"{mic}{n}" for n in range(LINES)]
    moves = 0.02 * rng.standard_normal((SESSIONS, LINES))
    moves[STILL:] = 0.0
    price = 30.0 * UNIT[mic] * np.cumprod(1.0 + moves, axis=0)
    volume = rng.uniform(1e5, 1e6, (SESSIONS, LINES))
    nothing: dict[int, float] = {}
    return market(
        {mic: dict(zip(symbols, price.T.tolist(), strict=True))},
        rates=RATES,
        volume={mic: dict(zip(symbols, volume.T.tolist(), strict=True))},
        raw=dict.fromkeys(symbols, (nothing, nothing)),
        first=dt.date(2024, 9, 2),
    )


def terms(mic: str, **more: object) -> Execution:
    """Everything that a trade can cost, in the market's own fees and some beside."""
    settings: dict[str, object] = {
        "capital": 5e6,
        "slippage_bps": 5.0,
        "half_spread_bps": 3.0,
        "fx_spread_bps": 12.0,
        "fees": "exchange",
        "impact": 0.8,
        "fractional": True,
        "charges": (
            Charge(item="commission", markets=(mic,), rate=0.0003),
            Charge(item="per share", markets=(mic,), per_share=0.004 * UNIT[mic]),
            Charge(
                item="clearing",
                markets=(mic,),
                side="sell",
                per_share=0.002 * UNIT[mic],
            ),
        ),
    }
    return Execution(**{**settings, **more})  # type: ignore[arg-type]


def tape_of(here: Market, execution: Execution) -> Tape:
    days = here.home.sessions.days
    return record(
        here,
        list(here.lines.values()),
        execution=execution,
        base="USD",
        schedule=schedule_for(execution),
        start=days[FIRST - 1].date(),
        end=days[-1].date(),
    )


def expected(
    here: Market,
    execution: Execution,
    session: pd.Timestamp,
    account: AccountView,
    moment: np.datetime64,
) -> tuple[tuple[np.ndarray, np.ndarray], OrderCosts | None]:
    """Return rates and costs of orders as a decision expects them."""
    lines, schedule = list(here.lines.values()), schedule_for(execution)
    bars = here.known_at(moment).bars[calendar_of(lines[0].mic)]
    found = next_liquidity(bars, [line.symbol for line in lines], execution)
    buy, sell = cost_rates(lines, schedule, execution, session, base="USD")
    orders = order_costs(
        lines,
        schedule,
        execution,
        session,
        base="USD",
        nav=account.nav,
        price=account.price,
        rate=account.rate,
        raw=np.ones(len(lines), dtype=bool),
        most=found.most,
        impact=found.impact,
        sessions=21,
        largest_fixed=0.01,
    )
    rates = buy.to_numpy(), sell.to_numpy()
    if orders is not None:
        rates = rates[0] + orders.per_share[0], rates[1] + orders.per_share[1]
    return rates, orders


def charged(mic: str, execution: Execution) -> list[tuple[float, float, float]]:
    """Return what two decisions expect to pay, in all and convexly, and then pay."""
    here = world(mic)
    tape, told = tape_of(here, execution), []
    targets = [[0.2, 0.1, 0.15, 0.05, 0.2, 0.0], [0.05, 0.2, 0.0, 0.1, 0.24, 0.11]]

    def policy(
        session: pd.Timestamp, moment: np.datetime64, account: AccountView
    ) -> pd.Series:
        target = np.array(targets[len(told)])
        rates, orders = expected(here, execution, session, account, moment)
        traded = target - account.weights.to_numpy()
        convex = whole = at_rates(traded, *rates)
        if orders is not None:
            convex += float(orders.convex(traded).sum())
            whole += float(orders.expected(traded).sum())
        told.append((whole * account.nav, convex * account.nav))
        return pd.Series(target, index=account.weights.index)

    days = here.home.sessions.days[[FIRST, SECOND]]
    done = play(tape, name="x", decide_at=days, policy=policy)
    return [(*one, paid) for one, paid in zip(told, _paid(done, days), strict=True)]


def _paid(done: Backtest, days: pd.DatetimeIndex) -> list[float]:
    kinds = ["slippage", "tax", "commission", "impact", "fx_cost"]
    trades = done.trades
    return [
        float(trades.loc[trades["decided"] == day, kinds].to_numpy().sum())
        for day in days
    ]


@pytest.mark.parametrize("mic", MARKETS)
def test_the_optimiser_s_costs_are_the_ledger_s(mic: str) -> None:
    """All that is convex: taxes, spread, currency, rates, per share, impact."""
    for whole, convex, paid in charged(mic, terms(mic)):
        assert paid > 1_000.0
        assert convex == pytest.approx(paid, rel=IDENTITY)
        assert whole == pytest.approx(paid, rel=IDENTITY)


@pytest.mark.parametrize("mic", MARKETS)
def test_so_are_they_with_minima_and_maxima(mic: str) -> None:
    """What is not convex is expected exactly too, though not optimised over."""
    unit = UNIT[mic]
    charges = (
        Charge(item="a", markets=(mic,), rate=0.0003, minimum=200.0 * unit),
        Charge(item="b", markets=(mic,), per_share=0.004 * unit, maximum=40.0 * unit),
        Charge(item="c", markets=(mic,), minimum=9.0 * unit, side="buy"),
    )
    for whole, convex, paid in charged(mic, terms(mic, charges=charges)):
        assert whole == pytest.approx(paid, rel=IDENTITY)
        assert abs(convex - paid) > 1.0  # it is not the convex part alone


@pytest.mark.parametrize("mic", MARKETS)
def test_an_order_cut_by_participation_is_expected_to_cost_what_its_parts_do(
    mic: str,
) -> None:
    """Turnover moves from session to session, so only about; never less, convexly."""
    execution = terms(mic, max_participation=0.1, capital=2e7)
    for whole, convex, paid in charged(mic, execution):
        assert whole == pytest.approx(paid, rel=0.1)
        assert convex >= whole


def test_the_liquidity_of_a_session_is_known_the_session_before() -> None:
    here = world("XNYS")
    execution = terms("XNYS", max_participation=0.1)
    bars, symbols = here.bars["XNYS"], list(here.lines)
    then = liquidity_of(bars, symbols, execution)
    for session in (0, 3, 6, 25, 39):
        now = next_liquidity(bars.first(session), symbols, execution)
        np.testing.assert_array_equal(now.most, then.most[session])
        np.testing.assert_array_equal(now.impact, then.impact[session])


def test_nothing_beyond_rates_is_nothing() -> None:
    """Fees of the table alone, and no impact: the decision takes the old way."""
    plain = Execution(slippage_bps=5.0, fees="exchange", capital=5e6, fractional=True)
    for whole, convex, paid in charged("XHKG", plain):
        assert whole == convex
        assert whole == pytest.approx(paid, rel=IDENTITY)
