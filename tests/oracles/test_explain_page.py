"""The report's page on its largest positions: the command's numbers, and by hand.

Profit from trades, closes, fixes and fee tables alone; the balance of return, risk and
limits against the cost rates that a textbook says it must leave.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from engine.cli.commands.explain import _print_json
from engine.explain import explain, explain_all
from engine.explain_balance import LEFT
from engine.explanation import Explanation
from engine.study_result import StudyResult
from reports import numbers, positions, why, why_known, why_tables
from reports.document import Table
from tests.flagship import Record
from tests.oracles.test_study_decisions import cost
from tests.tax_table import rate_on
from tests.tolerances import IDENTITY, SOLVER

Printed = dict[str, Any]


@pytest.fixture
def told(study: StudyResult) -> tuple[Explanation, ...]:
    return positions.largest(study)


@pytest.fixture
def printed(
    study: StudyResult,
    told: tuple[Explanation, ...],
    capsys: pytest.CaptureFixture[str],
) -> list[Printed]:
    """What ``assay explain RUN ASSET DATE --format json`` prints of each position."""
    found = []
    for one in told:
        _print_json(explain(study, one.asset, one.decided.date()))
        found.append(json.loads(capsys.readouterr().out))
    return found


def by(rows: list[dict[str, Any]], key: str) -> dict[str, dict[str, Any]]:
    return {row[key]: row for row in rows}


def item(one: Printed, table: str, name: str) -> float:
    return float(by(one[table], "item")[name]["value"])


def cells(table: Table) -> dict[str, list[tuple[str, str]]]:
    """Text and second line of each position, by the row's label."""
    return {
        row[0].text: [(cell.text, cell.sub) for cell in row[1:]] for row in table.rows
    }


def test_the_largest_positions_of_the_last_scored_decision_are_explained(
    study: StudyResult, told: tuple[Explanation, ...]
) -> None:
    day = "2026-05-29" if study.simulated else "2025-09-30"
    (decision,) = [one for one in study.decisions if str(one.session.date()) == day]
    assert not decision.scorecard.withheld.all()
    assert [one.decided for one in told] == [decision.session] * 3
    rest = decision.weights.drop([one.asset for one in told])
    assert min(decision.weights[one.asset] for one in told) >= rest.max()
    assert told[0].until > told[0].decided
    assert len(told[0].trades) > 0
    # nothing later was both scored and followed by a session
    later = [one for one in study.decisions if one.session > decision.session]
    end = study.backtest.nav.index[-1]
    assert all(one.session == end or one.scorecard.withheld.all() for one in later)
    share = numbers.percent(sum(decision.weights[one.asset] for one in told))
    said = why.sentence(study, told)
    assert said.startswith(f"The 3 largest positions ({share} of NAV) of the decision")


def test_scores_on_the_page_are_the_commands(
    told: tuple[Explanation, ...], printed: list[Printed]
) -> None:
    page = cells(why_tables.chain(told))
    shown = 0
    for at, one in enumerate(printed):
        for row in one["contributions"]:
            name = row["factor"].replace("_", " ")
            label = f"{name} × {row['weight']:.2f}"
            if row["part"] is None:
                assert label not in page or page[label][at] == (numbers.MISSING, "")
                continue
            says = f"→ {numbers.decimal(row['contribution'], 2, signed=True)}"
            if row["exposure"] is None:
                says = f"{numbers.figures(row['reading'])} {says}"
            part = numbers.decimal(row["part"], 3, signed=True)
            assert page[label][at] == (part, says), label
            shown += 1
        score = numbers.decimal(item(one, "expectation", "score"), 3, signed=True)
        share = numbers.percent(item(one, "expectation", "coverage"), 0)
        assert page["Score (weight that spoke)"][at] == (score, share)
        prices = by(one["prices"], "item")
        close = prices["last close"]
        text, when = page["Last close"][at]
        assert text == f"{numbers.figures(close['value'])} {close['unit']}"
        assert when == close["known_at"][:16].replace("T", " ")
        if "exchange rate" in prices:
            rate = prices["exchange rate"]
            text, when = page["Exchange rate"][at]
            assert text == f"{numbers.figures(rate['value'])} USD"
            assert when == rate["known_at"][:16].replace("T", " ")
    assert shown >= 15


def test_weights_on_the_page_are_the_commands(
    told: tuple[Explanation, ...], printed: list[Printed]
) -> None:
    page = cells(why_tables.chain(told))
    for at, one in enumerate(printed):
        pulls = by(one["balance"], "item")
        # every limit with a shadow price on it is a pull of that size
        for row in one["limits"]:
            assert (row["on"] != "others") == (row["limit"] in pulls)
            if row["on"] != "others":
                assert abs(pulls[row["limit"]]["value"]) == row["price"]
        labels = {
            "expected return": "Return: 0.03 × volatility × score",
            "charge for risk": "Charge for risk",
            "left for costs of trading": "Left for costs of trading",
            "portfolio.cash maximum": "Account: cash maximum",
            f"portfolio.max_weight ({one['asset']})": "Itself: largest weight",
            "barbell.infrastructure.weight minimum": "Leg infrastructure: minimum",
            "barbell.distribution.weight minimum": "Leg distribution: minimum",
        }
        for name, row in pulls.items():
            text, sub = page[labels.pop(name)][at]
            assert text == numbers.change(row["value"], 3), name
            if name == "expected return":
                assert row["value"] == item(one, "expectation", "alpha")
                volatility = item(one, "expectation", "volatility")
                assert sub == numbers.percent(volatility, 2)
        for label in labels.values():
            assert label not in page or page[label][at][0] == numbers.MISSING
        held = numbers.percent(item(one, "weights", "weight held"), 2)
        target = numbers.percent(item(one, "weights", "target weight"), 2)
        assert page["Weight: held → target"][at][0] == f"{held} → {target}"


def test_trades_costs_and_profit_on_the_page_are_the_commands(
    study: StudyResult, told: tuple[Explanation, ...], printed: list[Printed]
) -> None:
    page = cells(why_tables.chain(told))
    for at, one in enumerate(printed):
        (fill,) = one["trades"]
        word = {"buy": "bought", "sell": "sold"}[fill["side"]]
        text, sub = page["Traded"][at]
        assert text == f"{word} {fill['value']:,.0f}, {fill['session'][:10]}"
        price = f"{numbers.figures(fill['price'])} {fill['currency']}"
        assert sub == f"{numbers.figures(abs(fill['units']))} at {price}"
        paid = sum(row["value"] for row in one["costs"])
        rate = numbers.basis_points(paid / fill["value"])
        assert page["Cost (of the trade)"][at][0] == f"{paid:,.0f} ({rate})"
        made = item(one, "profit", "profit")
        share = made / study.backtest.nav[told[at].decided]
        text = f"{numbers.decimal(made, 0, signed=True)} ({numbers.change(share, 2)})"
        assert page["Profit, net of costs"][at][0] == text
        for label, name, sign in (
            (f"Value on {one['decided'][:10]}", "value at the decision", -1.0),
            (f"Value on {one['until'][:10]}", "value at the end", 1.0),
            ("Rate on money received", "rate on money received", 1.0),
        ):
            shown = numbers.decimal(sign * item(one, "profit", name), 0)
            assert page[label][at][0] == shown


def test_observations_on_the_page_are_the_commands(
    told: tuple[Explanation, ...], printed: list[Printed]
) -> None:
    table = why_known.known(told[0])
    assert table is not None
    newest = [row for row in printed[0]["observations"] if row["newest"]]
    assert len(table.rows) == len({row["role"] for row in newest})
    readings = by(printed[0]["contributions"], "factor")
    for observed, value, day, known, readers in table.rows:
        role, entity = observed.text.split(", of ")[0].split(": ")
        series, source = observed.sub.split("; ", 1)
        (row,) = [
            row
            for row in newest
            if (row["role"].replace("_", " "), row["entity"]) == (role, entity)
        ]
        assert (series, source) == (row["series"], row["source"])
        assert day.text == row["value_date"][:10]
        assert known.text == f"{pd.Timestamp(row['known_at']):%Y-%m-%d %H:%M}"
        same = [one for one in newest if one["role"] == row["role"]]
        assert row["known_at"] == max(one["known_at"] for one in same)
        assert value.text == why_known.observed(row["value"], row["unit"])
        for name in row["factors"].split(", "):
            assert name.replace("_", " ") in readers.text
            reading = readings[name]
            if row["factors"] == name and reading["exposure"] is not None:
                told_as = numbers.MISSING
                if reading["reading"] is not None:
                    told_as = numbers.figures(reading["reading"])
                assert readers.text.endswith(f" {told_as}")


def test_the_raw_table_is_the_commands_csv(
    study: StudyResult, told: tuple[Explanation, ...]
) -> None:
    table = positions.explained(study)
    assert list(dict.fromkeys(table["asset"])) == [one.asset for one in told]
    for one in told:
        command = explain(study, one.asset, one.decided.date())
        newest = command.observations["newest"].astype(bool).to_numpy()
        whole = command.chain()
        old = np.flatnonzero(whole["step"] == "observation")[~newest]
        wanted = whole.drop(index=whole.index[old]).reset_index(drop=True)
        mine = table[table["asset"] == one.asset]
        assert mine["decided"].eq(one.decided).all()
        pd.testing.assert_frame_equal(
            mine.drop(columns=["asset", "decided"]).reset_index(drop=True), wanted
        )


# ---- by hand -------------------------------------------------------------------------


def profit_by_hand(study: StudyResult, record: Record, one: Explanation) -> float:
    """What an asset made between two home closes, from fills, closes and fixes.

    Value at the end less value at the start, less what was paid for what was bought,
    plus what was received for what was sold. A sale abroad leaves its currency at the
    rate of the next New York close, less the spread.
    """
    line = study.market.lines[one.asset]
    fills = study.backtest.trades.query("asset == @one.asset")
    closes = pd.DatetimeIndex(record.closes["SPY"].index)
    start = pd.Timestamp(one.moment)
    days = record.days["SPY"].as_unit("ns")
    (end,) = closes[days == one.until]

    def worth(moment: pd.Timestamp) -> float:
        units = fills.loc[fills["filled_utc"] <= moment, "units"].sum()
        if not units:
            return 0.0
        at = pd.DatetimeIndex([moment])
        rate = record.rate(line.currency, at)[0]
        return float(units * record.price(one.asset, at)[0] * rate)

    made = worth(end) - worth(start)
    terms = study.thesis.execution
    spread = 0.0 if line.currency == "USD" else terms.fx_spread_bps * 1e-4
    inside = fills["filled_utc"].gt(start) & fills["filled_utc"].le(end)
    for fill in fills[inside].itertuples():
        at = pd.DatetimeIndex([fill.filled_utc])
        rate = record.rate(line.currency, at)[0]
        value = abs(fill.units) * record.price(one.asset, at)[0] * rate
        settled = fill.session.date()
        if line.mic == "XKRX":
            settled = (fill.session + 2 * pd.offsets.BDay()).date()
        local = terms.slippage_bps * 1e-4 + rate_on(line.mic, str(fill.side), settled)
        if fill.units > 0:
            made -= value * (1.0 + local) * (1.0 + spread)
            continue
        home = pd.DatetimeIndex([closes[closes >= fill.filled_utc][0]])
        swept = value * (1.0 - local) * record.rate(line.currency, home)[0] / rate
        made += swept * (1.0 - spread)
    return float(made)


def test_profits_are_those_of_fills_closes_and_fixes(
    study: StudyResult, record: Record, told: tuple[Explanation, ...]
) -> None:
    """Of every asset at the decision of the page, and at two before it."""
    made = [one.session for one in study.decisions]
    place = made.index(told[0].decided)
    symbols = [line.symbol for line in study.assets]
    seen = []
    for day in (made[place], made[place - 1], made[place - 7]):
        for one in explain_all(study, symbols, day.date()):
            profit = one.profit.set_index("item")["value"]
            by_hand = profit_by_hand(study, record, one)
            seen.append(abs(by_hand))
            scale = IDENTITY * study.backtest.nav.iloc[0]
            assert profit["profit"] == pytest.approx(by_hand, abs=scale), one.asset
    assert sum(size > 1_000.0 for size in seen) > 30


def test_what_is_left_of_the_balance_is_the_cost_of_the_trade(
    study: StudyResult,
) -> None:
    """Bought: the buying rate. Sold: minus the selling rate. Left alone: between."""
    symbols = [line.symbol for line in study.assets]
    held = study.backtest.weights
    kinds = {"bought": 0, "sold": 0, "kept": 0, "none": 0}
    for decision in study.decisions[::6]:
        for one in explain_all(study, symbols, decision.session.date()):
            pulls = one.balance.set_index("item")["value"]
            if pulls.empty:
                assert np.isnan(decision.alpha[one.asset])
                continue
            left = pulls[LEFT]
            assert left == pytest.approx(pulls.drop(LEFT).sum(), abs=1e-15)
            day, terms = decision.session.date(), study.thesis.execution
            line = study.market.lines[one.asset]
            buy, sell = (cost(line, side, day, terms) for side in ("buy", "sell"))
            target = decision.weights[one.asset]
            change = target - held.loc[decision.session, one.asset]
            if change > SOLVER:
                kinds["bought"] += 1
                assert left == pytest.approx(buy, abs=SOLVER / 100)
            elif change < -SOLVER and target > SOLVER:
                kinds["sold"] += 1
                assert left == pytest.approx(-sell, abs=SOLVER / 100)
            elif target > SOLVER:
                kinds["kept"] += 1
                assert -sell - SOLVER < left < buy + SOLVER
            else:
                kinds["none"] += 1
                assert left < buy + SOLVER
    assert all(count > 3 for count in kinds.values()), kinds
