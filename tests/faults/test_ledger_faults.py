"""What the ledger and the fee table refuse, each with one clear message."""

from __future__ import annotations

import dataclasses
import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine.costs.charges import schedule_for
from engine.costs.fees import FEE_COLUMNS, read_fees, schedule
from engine.costs.model import cost_rates
from engine.errors import CurrencyError, DataError
from engine.ledger.around import around
from engine.ledger.backtest import Backtest
from engine.ledger.baselines import sleeve
from engine.ledger.simulate import fixed, simulate
from engine.ledger.tape import Tape, record
from engine.ledger.windows import lay_out
from engine.market.currency import Currencies
from engine.market.listing import Line
from engine.market.market import Market
from engine.thesis.model import Charge, Execution
from tests.markets import market

FREE = Execution(slippage_bps=0.0, fees="none")


def world() -> Market:
    return market(
        {"XNYS": {"A": [10.0] * 6}, "XHKG": {"H": [5.0] * 6}}, rates={"HKD": 8.0}
    )


def tape_of(place: Market, lines: list[Line]) -> Tape:
    return record(
        place,
        lines,
        execution=FREE,
        base="USD",
        schedule=schedule("none"),
        start=dt.date(2000, 1, 1),
        end=dt.date(2030, 1, 1),
    )


def run(
    place: Market,
    weights: dict[str, float],
    *,
    terms: Execution = FREE,
    day: str = "2024-03-04",
    assets: list[Line] | None = None,
    start: dt.date = dt.date(2000, 1, 1),
) -> Backtest:
    session = pd.Timestamp(day)
    return simulate(
        place,
        name="faulty",
        assets=assets or list(place.lines.values()),
        decide_at=pd.DatetimeIndex([session]),
        policy=fixed({session: pd.Series(weights)}),
        execution=terms,
        base="USD",
        schedule=schedule(terms.fees),
        start=start,
        end=dt.date(2030, 1, 1),
    )


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"A": 0.5, "B": 0.5}, r"2024-03-04: B are not assets"),
        ({"A": -0.2}, r"A is negative; this ledger holds no shorts"),
        ({"A": 0.7, "H": 0.7}, r"sum to 1\.400000"),
        ({"A": float("nan")}, r"A have no number; write 0"),
    ],
)
def test_weights_that_cannot_be_meant(weights: dict[str, float], message: str) -> None:
    with pytest.raises(DataError, match=message):
        run(world(), weights)


def test_rounding_of_a_solver_is_not_an_error() -> None:
    told = run(world(), {"A": 1.0 + 5e-7, "H": -5e-7})
    assert told.trades["asset"].tolist() == ["A"]


def test_a_decision_off_the_home_sessions() -> None:
    with pytest.raises(DataError, match=r"2024-03-09 are not on home sessions"):
        run(world(), {"A": 0.5}, day="2024-03-09")


def test_a_period_without_a_session() -> None:
    with pytest.raises(DataError, match="no session of XNYS between 2029-01-01"):
        run(world(), {"A": 0.5}, start=dt.date(2029, 1, 1))


def test_an_asset_without_prices() -> None:
    ghost = Line(symbol="GHOST", entity="ghost", mic="XNYS", currency="USD")
    with pytest.raises(DataError, match="no prices for GHOST"):
        run(world(), {"A": 0.5}, assets=[ghost])


def test_no_assets_at_all() -> None:
    with pytest.raises(DataError, match="at least one line to trade"):
        tape_of(world(), [])


def test_a_leg_of_strangers() -> None:
    with pytest.raises(DataError, match="Z are not among the barbell's assets"):
        sleeve(pd.DataFrame({"A": [1.0]}), ["A", "Z"])


def test_a_currency_without_rates() -> None:
    bare = dataclasses.replace(world(), currencies=Currencies(fixings={}))
    with pytest.raises(CurrencyError, match="no exchange rate for HKD"):
        run(bare, {"H": 0.5})


@pytest.mark.parametrize("hole", [1, 3])
def test_a_hole_in_the_rates_of_what_is_bought_or_held(hole: int) -> None:
    """Row 1 is when H is bought, row 3 when it is only held and A is not traded."""
    place = market(
        {"XNYS": {"A": [10.0] * 6}, "XHKG": {"H": [5.0] * 6}}, rates={"HKD": [8.0] * 6}
    )
    fixing = place.currencies.fixings["HKD"]
    broken = fixing.per_usd.copy()
    broken[hole - 1 :] = np.nan
    place = dataclasses.replace(
        place,
        currencies=Currencies(
            fixings={"HKD": dataclasses.replace(fixing, per_usd=broken)}
        ),
    )
    if hole == 1:
        assert run(place, {"H": 0.5}).trades.empty  # never a first fix: never traded
        return
    with pytest.raises(CurrencyError, match=r"no rate of HKD per USD.*needed for H"):
        run(place, {"H": 0.5})


def test_a_day_before_the_table_of_fees_begins() -> None:
    early = market({"XNYS": {"A": [10.0] * 6}}, first=dt.date(2016, 3, 7))
    days = early.home.sessions.days
    weights = {days[0]: pd.Series({"A": 0.5}), days[2]: pd.Series({"A": 0.0})}

    def play(terms: Execution) -> Backtest:
        return simulate(
            early, name="early", assets=list(early.lines.values()),
            decide_at=pd.DatetimeIndex(list(weights)), policy=fixed(weights),
            execution=terms, base="USD", schedule=schedule(terms.fees),
            start=dt.date(2016, 1, 1), end=dt.date(2016, 12, 31),
        )  # fmt: skip

    with pytest.raises(
        DataError, match=r"'SEC Section 31 fee' for a sell on XNYS on 2016-03-10"
    ):
        play(Execution())
    assert len(play(FREE).trades) == 2
    with pytest.raises(
        DataError, match=r'Start later, or set execution\.fees = "none"'
    ):
        cost_rates(
            list(early.lines.values()), schedule("exchange"), Execution(),
            dt.date(2016, 3, 7), base="USD",
        )  # fmt: skip


def test_an_exchange_without_known_fees_is_said_not_invented() -> None:
    place = market(
        {"XLON": {"L": [10.0] * 4}}, hours={"XLON": ("08:00", "16:30")},
        currency={"XLON": "GBP"}, rates={"GBP": 0.8}, home="XLON",
    )  # fmt: skip
    told = run(place, {"L": 0.5}, terms=Execution())
    assert told.costs["tax"].sum() == 0.0
    assert "no taxes or fees are known for XLON: none charged" in told.notes


def test_an_event_off_the_home_sessions() -> None:
    tape = tape_of(world(), list(world().lines.values()))
    with pytest.raises(DataError, match="2024-03-09 is not a home session"):
        around(tape, at_session=pd.Timestamp("2024-03-09"), plan=lay_out(tape, {}))


def test_an_overdraft_that_eats_the_account() -> None:
    """Hong Kong is bought for an American sale that then brings a hundredth."""
    place = market(
        {
            "XNYS": {"A": [10.0, 10.0, 10.0, 0.1, 0.1, 0.1]},
            "XHKG": {"H": [5.0, 5.0, 5.0, 5.0, 0.5, 0.5]},
        },
        rates={"HKD": 8.0},
    )
    days = place.home.sessions.days
    weights = {days[0]: pd.Series({"A": 1.0}), days[2]: pd.Series({"H": 1.0})}
    with pytest.raises(DataError, match=r"worth -8.*on 2024-03-08.*wrong prices"):
        simulate(
            place, name="ruin", assets=list(place.lines.values()),
            decide_at=pd.DatetimeIndex(list(weights)), policy=fixed(weights),
            execution=FREE, base="USD", schedule=schedule("none"),
            start=days[0].date(), end=days[-1].date(),
        )  # fmt: skip


def test_an_unknown_schedule() -> None:
    with pytest.raises(DataError, match="did you mean 'exchange'"):
        schedule("exchanges")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("XHKG,duty,0.13%,both,,,trade,,,", r"fees.csv:2: cannot be read"),
        ("XHKG,duty,1.3,both,,,trade,,,", r"not a fraction"),
        ("XHKG,duty,0.1,seller,,,trade,,,", r"side 'seller' is none of buy, sell"),
        ("XHKG,duty,0.1,both,,,payment,,,", r"basis 'payment'"),
        ("XHKG,duty,0.1,both,2024-13-01,,trade,,,", r"cannot be read"),
        (
            "XHKG,duty,0.1,both,,2024-01-02,trade,,,\n"
            "XHKG XSHG,duty,0.2,both,2024-01-02,,trade,,,",
            r"fees.csv:3: 'duty' of XHKG XSHG is in force together",
        ),
    ],
)
def test_a_fee_table_that_cannot_be_used(
    tmp_path: Path, row: str, message: str
) -> None:
    table = tmp_path / "fees.csv"
    header = ",".join(["mics", *FEE_COLUMNS[1:]])
    table.write_text(f"{header}\n{row}\n", encoding="utf-8")
    with pytest.raises(DataError, match=message):
        read_fees(table)


@pytest.mark.parametrize("item", ["stamp duty", "levy"])
def test_a_charge_of_the_thesis_that_begins_late_says_whose_it_is(item: str) -> None:
    """The packaged duty has a rate that day; the thesis took it away."""
    own = Charge(
        item=item, markets=("XHKG",), rate=0.005, effective_from=dt.date(2024, 5, 1)
    )
    later = schedule_for(Execution(charges=(own,)))
    trade, settled = dt.date(2024, 3, 4), dt.date(2024, 3, 6)
    with pytest.raises(DataError) as caught:
        later.rate("XHKG", "buy", trade, settled)
    said = str(caught.value)
    assert f"the thesis's own '{item}' on XHKG" in said
    assert "for a buy on 2024-03-04: it begins 2024-05-01. Add a" in said
    assert ("takes the place of the packaged one" in said) == (item == "stamp duty")
    assert "fees =" not in said
    before = own.model_copy(
        update={"effective_from": None, "effective_to": dt.date(2024, 4, 30)}
    )
    whole = schedule_for(Execution(charges=(own, before)))
    assert whole.rate("XHKG", "buy", trade, settled) >= 0.005
