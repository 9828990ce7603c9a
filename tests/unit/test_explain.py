"""A weight explained: every number of the chain, against the study's own tables."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

import engine
from engine.explain import explain
from engine.explanation import CHAIN, Explanation
from engine.ledger.backtest import TRADE_COLUMNS
from engine.study_result import StudyResult
from tests import desk
from tests.flagship import FLAGSHIP

#: Factor of the flagship -> the signal roles that its definition names.
ROLES = {
    "token_share_momentum": {"token_share"},
    "token_growth": {"tokens"},
    "capex_growth": {"capex"},
    "price_decay": {"price_per_mtok"},
    "dollar_token_gap": {"dollar_share", "vendor_share"},
    "usage_concentration": {"vendor_share"},
    "vendor_share": {"vendor_share"},
    "price_momentum": set(),
    "volatility": set(),
}
#: A day inside each of three periods: the first, one at an event, the last but one.
DAYS = (dt.date(2024, 12, 10), dt.date(2025, 1, 30), dt.date(2025, 3, 3))


@pytest.fixture(scope="module")
def study() -> StudyResult:
    return engine.run(FLAGSHIP, start="2024-12-02", end="2025-03-31")


@pytest.fixture(scope="module")
def explained(study: StudyResult) -> dict[dt.date, dict[str, Explanation]]:
    """Every asset of the study on each of the days."""
    return {
        day: {line.symbol: explain(study, line.symbol, day) for line in study.assets}
        for day in DAYS
    }


@pytest.fixture(scope="module")
def every(explained: dict[dt.date, dict[str, Explanation]]) -> list[Explanation]:
    return [one for by_asset in explained.values() for one in by_asset.values()]


def decision_of(study: StudyResult, one: Explanation) -> engine.Decision:
    return next(d for d in study.decisions if d.session == one.decided)


def number(table: pd.DataFrame, item: str) -> float:
    (found,) = table.loc[table["item"] == item, "value"]
    return float(found)


def test_the_last_decision_not_after_the_day_is_explained(
    study: StudyResult,
    explained: dict[dt.date, dict[str, Explanation]],
) -> None:
    made = [one.session for one in study.decisions]
    for day, by_asset in explained.items():
        for one in by_asset.values():
            assert one.decided == max(s for s in made if s.date() <= day)
            assert one.until == min(s for s in made if s.date() > day)
            assert not one.last
    exact = explain(study, "NVDA", made[1].date())
    assert exact.decided == made[1]
    at_the_end = explain(study, "NVDA", study.thesis.about.end)
    assert at_the_end.last
    assert at_the_end.until == study.backtest.nav.index[-1]


def test_parts_add_up_to_the_score_and_its_coverage(
    study: StudyResult, every: list[Explanation]
) -> None:
    withheld = 0
    for one in every:
        card = decision_of(study, one).scorecard
        rows = one.contributions
        assert list(rows["factor"]) == [spec.name for spec in study.thesis.factors]
        assert list(rows["weight"]) == [spec.weight for spec in study.thesis.factors]
        np.testing.assert_array_equal(
            rows["contribution"], card.contributions.loc[one.asset]
        )
        there = rows[rows["contribution"].notna()]
        mean = (there["weight"] * there["contribution"]).sum() / there["weight"].sum()
        assert there["part"].sum() == pytest.approx(mean, abs=1e-14)
        score = number(one.expectation, "score")
        off = bool(number(one.expectation, "withheld"))
        withheld += off
        assert score == pytest.approx(0.0 if off else mean, abs=1e-14)
        assert score == card.score[one.asset]
        covered = there["weight"].sum() / rows["weight"].sum()
        assert number(one.expectation, "coverage") == pytest.approx(covered, abs=1e-14)
        assert (rows["absent"].ne("") == rows["contribution"].isna()).all()
    assert withheld < len(every)


def test_alpha_is_ic_times_volatility_times_score(
    study: StudyResult, every: list[Explanation]
) -> None:
    """With the volatility that is shown: it is the one that the decision used."""
    for one in every:
        told = number(one.expectation, "alpha")
        product = (
            number(one.expectation, "information coefficient")
            * number(one.expectation, "volatility")
            * number(one.expectation, "score")
        )
        assert told == pytest.approx(product, rel=1e-12, abs=1e-18, nan_ok=True)
        expected = decision_of(study, one).alpha[one.asset]
        np.testing.assert_array_equal(told, expected)
        assert number(one.expectation, "information coefficient") == 0.03
    assert sum(number(one.expectation, "alpha") != 0.0 for one in every) > 50


def test_observations_are_those_of_the_roles_and_nothing_later(
    study: StudyResult, every: list[Explanation]
) -> None:
    """Against a filter of all observations by hand: last vintage known at the time."""
    roles = study.market.signals.roles
    raw = study.market.signals.observations
    for one in every[::17]:
        seen = raw[(raw["known_at"] <= one.moment) & (raw["quality"] == "observed")]
        told = one.observations
        assert set(told["role"]) == set().union(*ROLES.values())
        for role, rows in told.groupby("role"):
            by = {name for name, wanted in ROLES.items() if role in wanted}
            assert set(rows["factors"].iloc[0].split(", ")) == by
            series = seen[seen["series"] == roles[role]]
            last = series.groupby(["entity", "value_date"]).last()["value"]
            mine = rows.set_index(["entity", "value_date"])["value"].sort_index()
            pd.testing.assert_series_equal(mine, last.sort_index())
            newest = rows[rows["newest"]].set_index("entity")["value_date"]
            latest = series.groupby("entity")["value_date"].max()
            assert newest.to_dict() == latest.to_dict()
        assert told["source"].str.contains("SIMULATED").all()


def test_nothing_that_was_read_is_later_than_the_decision(
    every: list[Explanation],
) -> None:
    for one in every:
        for table in (one.observations, one.prices, one.contributions):
            assert table["known_at"].notna().any()
            assert (table["known_at"].dropna() <= one.moment).all()
        assert (one.trades["filled_utc"] > one.moment).all()
        assert (one.trades["filled_utc"] <= one.until + pd.Timedelta(1, "D")).all()


def test_the_last_close_and_what_momentum_made_of_it(
    study: StudyResult, every: list[Explanation]
) -> None:
    for one in every:
        bars = study.market.bars_of(one.asset)
        closes = bars.price[one.asset].to_numpy()[bars.sessions.close_utc <= one.moment]
        there = np.flatnonzero(np.isfinite(closes))
        row = one.prices.set_index("item").loc["last close"]
        assert row["value"] == closes[there[-1]]
        assert row["session"] == bars.sessions.days[there[-1]]
        assert row["known_at"] == bars.sessions.close_utc[there[-1]]
        assert row["unit"] == study.market.lines[one.asset].currency
        assert "price_momentum" in row["factors"].split(", ")
        assert "token_growth" not in row["factors"].split(", ")
        (reading,) = one.contributions.loc[
            one.contributions["factor"] == "price_momentum", "reading"
        ]
        if there[-1] >= 126 and np.isfinite(closes[there[-1] - [21, 126]]).all():
            by_hand = closes[there[-1] - 21] / closes[there[-1] - 126] - 1.0
            assert reading == pytest.approx(by_hand, rel=1e-12)


def test_limits_are_those_of_the_decision_and_say_on_whom_they_lie(
    study: StudyResult, every: list[Explanation]
) -> None:
    named = {"the asset": 0, "its leg": 0, "others": 0, "all": 0}
    for one in every:
        decision = decision_of(study, one)
        told = dict(zip(one.limits["limit"], one.limits["price"], strict=True))
        assert told == dict(decision.prices)
        layer = study.universe.layer_of(one.asset)
        legs = [n for n, leg in study.thesis.barbell.items() if layer in leg.layers]
        for limit, on in zip(one.limits["limit"], one.limits["on"], strict=True):
            named[on] += 1
            if on == "the asset":
                assert limit == f"portfolio.max_weight ({one.asset})"
                assert limit in one.sentences[4]
            if limit.startswith("barbell."):
                assert (limit.split(".")[1] in legs) == (on == "its leg")
            assert (limit.startswith("portfolio.cash")) == (on == "all")
    assert all(named.values())


def test_weights_trades_and_costs_are_those_of_the_study(
    study: StudyResult, explained: dict[dt.date, dict[str, Explanation]]
) -> None:
    told = study.backtest
    for by_asset in explained.values():
        first = next(iter(by_asset.values()))
        for asset, one in by_asset.items():
            weight = one.weights.set_index("item")["value"]
            assert weight["weight held"] == told.weights.loc[one.decided, asset]
            target = told.targets.loc[one.decided, asset]
            assert weight["target weight"] == pytest.approx(target, abs=1e-8)
        done = pd.concat([one.trades for one in by_asset.values()])
        decided = told.trades[told.trades["decided"] == first.decided]
        assert len(decided)
        order = ["filled_utc", "asset"]
        pd.testing.assert_frame_equal(
            done.sort_values(order, ignore_index=True)[list(TRADE_COLUMNS)],
            decided.sort_values(order, ignore_index=True),
        )
        # every fill of the period is of this decision: costs are those of its sessions
        inside = told.costs.loc[first.decided : first.until].iloc[1:].sum()
        mine = pd.concat([one.costs for one in by_asset.values()])
        by_kind = mine.groupby("kind")["value"].sum()
        assert by_kind.sum() > 0
        for kind, paid in by_kind.items():
            assert paid == pytest.approx(inside[kind], rel=1e-12, abs=1e-9)


def test_profits_of_all_assets_are_the_change_of_nav(
    study: StudyResult, explained: dict[dt.date, dict[str, Explanation]]
) -> None:
    for by_asset in explained.values():
        assert_profits(study, by_asset)


def assert_profits(study: StudyResult, by_asset: dict[str, Explanation]) -> None:
    """Hold the sum of profits, less interest, against the account's own NAV."""
    told, first = study.backtest, next(iter(by_asset.values()))
    interest = told.costs["interest"].loc[first.decided : first.until].iloc[1:].sum()
    total = 0.0
    for one in by_asset.values():
        rows = one.profit.set_index("item")["value"]
        total += rows["profit"]
        assert rows["profit"] == pytest.approx(rows.drop("profit").sum(), abs=1e-6)
        assert -rows["costs"] == pytest.approx(one.costs["value"].sum(), abs=1e-9)
        sold = one.trades.loc[one.trades["side"] == "sell", "value"].sum()
        assert rows["sold"] == pytest.approx(sold, abs=1e-9)
    change = told.nav[first.until] - told.nav[first.decided]
    assert abs(change) > 1.0
    assert total - interest == pytest.approx(change, abs=1e-9 * told.nav.iloc[0])


@pytest.fixture(scope="module")
def paying(tmp_path_factory: pytest.TempPathFactory) -> StudyResult:
    """A desk whose Tencent pays 5 HKD and whose NVDA splits, at prices as traded."""
    folder = desk.write_desk(tmp_path_factory.mktemp("paying"))
    for symbol, day, column, value in (
        ("0700.HK", "2023-09-14", "dividend", 5.0),
        ("NVDA", "2023-09-19", "split", 4.0),
    ):
        place = folder / "prices" / f"{symbol}.csv"
        frame = pd.read_csv(place).drop(columns="adj_close", errors="ignore")
        later = frame["date"] >= day
        frame[column] = 0.0
        frame.loc[frame["date"] == day, column] = value
        if column == "split":
            prices = [c for c in ("open", "high", "low", "close") if c in frame]
            frame.loc[later, prices] /= value
        frame.to_csv(place, index=False)
    place = folder / "t.toml"
    text = place.read_text(encoding="utf-8")
    place.write_text(f"{text}fx_spread_bps = 30\n", encoding="utf-8")
    return engine.run(place, prices=folder / "prices", end="2023-12-29")


def test_dividends_withholding_and_splits_are_in_the_profit(
    paying: StudyResult,
) -> None:
    day = dt.date(2023, 9, 1)
    by_asset = {
        line.symbol: explain(paying, line.symbol, day) for line in paying.assets
    }
    assert_profits(paying, by_asset)
    tencent = by_asset["0700.HK"]
    (event,) = paying.backtest.actions.query("kind == 'dividend'").itertuples()
    paid = number(tencent.profit, "dividends and delisting")
    assert paid == event.paid > 0
    costs = tencent.costs.set_index("kind")["value"]
    assert costs["withholding"] == event.withheld
    # the dividend goes home with the spread, and that is a cost of its asset
    home = paying.backtest.fx["HKD"].loc[event.at_utc.normalize()]
    net = (event.paid - event.withheld) / event.fx
    assert event.fx_cost == pytest.approx(net * home * 30e-4, rel=1e-12)
    assert event.fx_cost > 1e-9 * paying.backtest.nav.iloc[0]
    spread = tencent.trades["fx_cost"].sum() + event.fx_cost
    assert costs["fx"] == pytest.approx(spread, rel=1e-12)
    assert set(paying.backtest.actions["kind"]) == {"dividend", "split"}
    assert not tencent.simulated
    assert "SIMULATED." not in tencent.sentences
    for elsewhere in (dt.date(2023, 8, 1), dt.date(2023, 10, 2)):
        other = explain(paying, "0700.HK", elsewhere)
        assert number(other.profit, "dividends and delisting") == 0.0


def test_the_last_close_is_the_one_in_the_file(paying: StudyResult) -> None:
    """Of a raw line as traded: after its split and dividends the index is another."""
    day = dt.date(2023, 10, 2)
    for symbol, basis in (
        ("NVDA", "as traded"),
        ("0700.HK", "as traded"),
        ("GOOGL", "adjusted for dividends"),
    ):
        one = explain(paying, symbol, day)
        row = one.prices.set_index("item").loc["last close"]
        bars = paying.market.bars_of(symbol)
        panel = bars.price
        if basis == "as traded":
            assert bars.raw is not None
            panel = bars.raw.close
            assert row["value"] != bars.price[symbol].loc[row["session"]]
        assert row["value"] == panel[symbol].loc[row["session"]]
        assert row["basis"] == basis
        assert f"({basis}), in its session" in one.sentences[0]
        (item,) = one.chain().query("step == 'price'")["item"].iloc[:1]
        assert item.startswith(f"last close, {basis} 2023-")


def test_the_chain_holds_every_number_once(every: list[Explanation]) -> None:
    one = next(one for one in every if one.asset == "NVDA")
    chain = one.chain()
    assert list(chain.columns) == CHAIN
    parts = chain[chain["step"] == "part of the score"]
    assert parts["value"].sum() == pytest.approx(number(one.expectation, "score"))
    assert (chain["step"] == "observation").sum() == len(one.observations)
    assert (chain["step"] == "trade").sum() == 3 * len(one.trades)
    assert (chain["step"] == "shadow price").sum() == len(one.limits)
    last = chain.iloc[-1]
    assert (last["step"], last["item"]) == ("profit", "profit")
    assert last["value"] == number(one.profit, "profit")
    read = chain[chain["step"].isin(["observation", "price", "reading"])]
    assert (read["known_at"].dropna() <= one.moment).all()
    assert read["value"].sum() > 0


def test_sentences_say_the_numbers(every: list[Explanation]) -> None:
    one = next(one for one in every if one.asset == "000660.KS")
    said = " ".join(one.sentences)
    assert one.sentences[0] == "SIMULATED."
    for piece in (
        "SK Hynix (000660.KS)",
        f"{number(one.prices, 'last close'):,.6g} KRW",
        f"its score is {number(one.expectation, 'score'):+.3f}",
        f"was to weigh {number(one.weights, 'target weight'):.2%}",
        f"{abs(number(one.profit, 'profit')):,.2f} USD after costs",
        str(one.until.date()),
    ):
        assert piece in said, piece


def test_an_alias_is_its_line(study: StudyResult) -> None:
    alias, symbol = next(
        (alias, symbol)
        for alias, symbol in study.universe.aliases.items()
        if symbol in {line.symbol for line in study.assets} and alias != symbol
    )
    assert explain(study, alias, DAYS[0]).asset == symbol
