"""Every factor on numbers that a reader can check by hand."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import factors
from engine.errors import UsageError
from engine.interfaces import Absent, AssetReading, StateReading
from engine.market.listing import Line
from engine.market.market import Known
from engine.market.signals import COLUMNS, Signals
from tests.markets import market
from tests.tolerances import IDENTITY

ROLES = {
    "token_share": "s_token_share",
    "vendor_share": "s_vendor_share",
    "dollar_share": "s_dollar_share",
    "tokens": "s_tokens",
    "price_per_mtok": "s_price",
    "capex": "s_capex",
}
MONDAY = pd.Timestamp("2024-01-08")

Row = tuple[str, str, str, str, float]  # role, entity, value date, known at, value


def signals(rows: Sequence[Row], quality: str = "observed") -> Signals:
    table = pd.DataFrame(
        {
            "series": [ROLES[role] for role, *_ in rows],
            "entity": [row[1] for row in rows],
            "value_date": pd.to_datetime([row[2] for row in rows]).as_unit("ns"),
            "known_at": pd.to_datetime([row[3] for row in rows]).as_unit("ns"),
            "value": [float(row[4]) for row in rows],
            "unit": "",
            "quality": quality,
            "source": "",
        }
    ).sort_values("known_at", kind="stable", ignore_index=True)
    return Signals(observations=table[list(COLUMNS)], roles=ROLES)


def weekly(role: str, entity: str, values: Sequence[float]) -> list[Row]:
    """One value a week from Sunday 7 January 2024, known on the Monday after."""
    rows = []
    for week, value in enumerate(values):
        known = MONDAY + pd.Timedelta(days=7 * week)
        date = known - pd.Timedelta(days=1)
        rows.append((role, entity, str(date.date()), str(known.date()), value))
    return rows


def known_of(rows: Sequence[Row] = (), **changes: object) -> Known:
    moment = np.datetime64("2030-01-01", "ns")
    known = market({"XNYS": {"AAA": [1.0, 1.0]}}).known_at(moment)
    return dataclasses.replace(known, signals=signals(rows), **changes)  # type: ignore[arg-type]


def history(name: str, known: Known, **params: object) -> pd.Series:
    factor = factors.create(name, params)
    reading = factor.history(known)  # type: ignore[union-attr]
    assert isinstance(reading, StateReading), reading
    return reading.values  # noqa: PD011 -- a field


def absence(name: str, known: Known, **params: object) -> str:
    factor = factors.create(name, params)
    if name in factors.STATE_FACTORS:
        reading = factor.history(known)  # type: ignore[union-attr]
    else:
        reading = factor.read(known, ["AAA"])  # type: ignore[union-attr]
    assert isinstance(reading, Absent), reading
    return reading.reason


class TestTokenShareMomentum:
    def test_is_the_change_since_the_week_asked_for(self) -> None:
        rows = weekly("token_share", "cn", [0.10, 0.11, 0.15, 0.12])
        found = history("token_share_momentum", known_of(rows), weeks=2)
        assert found.tolist() == pytest.approx([0.05, 0.01], abs=IDENTITY)

    def test_is_dated_by_publication(self) -> None:
        rows = weekly("token_share", "cn", [0.10, 0.11, 0.15])
        found = history("token_share_momentum", known_of(rows), weeks=2)
        assert found.index.tolist() == [pd.Timestamp("2024-01-22")]

    def test_a_gap_is_bridged_only_within_the_tolerance(self) -> None:
        rows = weekly("token_share", "cn", [0.10, 0.11, 0.15, 0.16, 0.20])
        without = [row for row in rows if row[2] != "2024-01-21"]
        found = history("token_share_momentum", known_of(without), weeks=2)
        # 4 February has no 21 January to look back to and takes the 14th.
        assert found.tolist() == pytest.approx([0.05, 0.09], abs=IDENTITY)
        strict = history(
            "token_share_momentum", known_of(without), weeks=2, tolerance_weeks=0
        )
        assert strict.tolist() == pytest.approx([0.05], abs=IDENTITY)

    def test_says_how_many_observations_are_missing(self) -> None:
        rows = weekly("token_share", "cn", [0.10, 0.11])
        reason = absence("token_share_momentum", known_of(rows))
        assert reason == "2 observations of token_share known, 9 needed"
        assert absence("token_share_momentum", known_of()).startswith("0 observations")

    def test_a_year_between_two_points_is_not_eight_weeks(self) -> None:
        rows = weekly("token_share", "cn", [0.1] * 60)
        sparse = [rows[0], *rows[20:60:20]]
        reason = absence("token_share_momentum", known_of(sparse), weeks=2)
        assert reason == (
            "3 observations of token_share known, no two of them 2 to 4 weeks apart"
        )

    def test_one_of_several_entities_must_be_named(self) -> None:
        rows = weekly("token_share", "cn", [0.1, 0.2]) + weekly(
            "token_share", "row", [0.5, 0.7]
        )
        known = known_of(rows)
        assert "has 2 entities" in absence("token_share_momentum", known, weeks=1)
        found = history("token_share_momentum", known, weeks=1, entity="row")
        assert found.tolist() == pytest.approx([0.2], abs=IDENTITY)
        missing = absence("token_share_momentum", known, weeks=1, entity="us")
        assert missing == "0 observations of token_share for us known"

    def test_a_bound_is_not_a_value(self) -> None:
        rows = weekly("token_share", "cn", [0.1, 0.2])
        known = dataclasses.replace(known_of(), signals=signals(rows, "bound"))
        assert absence("token_share_momentum", known).startswith("0 observations")

    def test_a_restated_value_keeps_its_first_publication(self) -> None:
        rows = weekly("token_share", "cn", [0.1, 0.2, 0.3])
        again = ("token_share", "cn", "2024-01-14", "2024-05-01", 0.25)
        found = history("token_share_momentum", known_of([*rows, again]), weeks=1)
        assert found.tolist() == pytest.approx([0.15, 0.05], abs=IDENTITY)
        assert found.index[0] == pd.Timestamp("2024-01-15")


class TestTokenGrowth:
    def test_is_the_growth_over_the_weeks(self) -> None:
        rows = weekly("tokens", "router", [100.0, 110.0, 150.0])
        found = history("token_growth", known_of(rows), weeks=2)
        assert found.tolist() == pytest.approx([0.5], abs=IDENTITY)

    def test_no_growth_from_nothing(self) -> None:
        rows = weekly("tokens", "router", [0.0, 110.0, 150.0])
        reason = absence("token_growth", known_of(rows), weeks=2)
        assert reason == "none of 1 growths of tokens is of volumes > 0"


class TestDollarTokenGap:
    ROWS = (
        weekly("vendor_share", "a", [0.5, 0.6])
        + weekly("vendor_share", "b", [0.3, 0.3])
        + weekly("vendor_share", "c", [0.2, 0.1])
        + weekly("dollar_share", "a", [0.1, 0.2])
        + weekly("dollar_share", "b", [0.2, 0.3])
        + weekly("dollar_share", "c", [0.7, 0.5])
    )

    def test_of_named_vendors_is_their_dollars_less_their_tokens(self) -> None:
        found = history("dollar_token_gap", known_of(self.ROWS), entities=["a", "b"])
        assert found.tolist() == pytest.approx([-0.5, -0.4], abs=IDENTITY)

    def test_of_all_is_minus_the_distance_of_the_tables(self) -> None:
        found = history("dollar_token_gap", known_of(self.ROWS))
        distance = [(0.4 + 0.1 + 0.5) / 2, (0.4 + 0.0 + 0.4) / 2]
        assert found.tolist() == pytest.approx([-d for d in distance], abs=IDENTITY)

    def test_needs_both_tables(self) -> None:
        only = [row for row in self.ROWS if row[0] == "vendor_share"]
        assert absence("dollar_token_gap", known_of(only)) == (
            "0 observations of dollar_share and 6 of vendor_share known, both needed"
        )

    def test_a_week_without_a_named_vendor_does_not_count(self) -> None:
        gone = ("dollar_share", "b", "2024-01-14")
        rows = [row for row in self.ROWS if row[:3] != gone]
        found = history("dollar_token_gap", known_of(rows), entities=["a", "b"])
        assert found.index.tolist() == [MONDAY]


class TestUsageConcentration:
    def test_is_the_sum_of_squared_shares(self) -> None:
        rows = weekly("vendor_share", "a", [0.5, 0.8]) + weekly(
            "vendor_share", "b", [0.5, 0.2]
        )
        found = history("usage_concentration", known_of(rows))
        assert found.tolist() == pytest.approx([0.5, 0.68], abs=IDENTITY)

    def test_an_unlisted_vendor_is_other_and_not_zero(self) -> None:
        rows = weekly("vendor_share", "a", [0.6]) + weekly("vendor_share", "b", [0.1])
        found = history("usage_concentration", known_of(rows))
        assert found.tolist() == pytest.approx([0.37], abs=IDENTITY)

    def test_a_week_published_after_a_newer_one_was_never_the_state(self) -> None:
        rows = weekly("vendor_share", "a", [0.7, 0.8, 0.9])
        late = [(*row[:3], "2024-05-01", row[4]) for row in rows[1:2]]
        found = history("usage_concentration", known_of([rows[0], *late, rows[2]]))
        assert found.tolist() == pytest.approx([0.49, 0.81], abs=IDENTITY)

    def test_a_back_catalogue_published_at_once_all_counts(self) -> None:
        rows = weekly("vendor_share", "a", [0.7, 0.8, 0.9])
        at_once = [(*row[:3], "2024-05-01", row[4]) for row in rows]
        found = history("usage_concentration", known_of(at_once))
        assert found.tolist() == pytest.approx([0.49, 0.64, 0.81], abs=IDENTITY)
        assert found.index.is_monotonic_increasing

    def test_single_figures_are_not_a_table(self) -> None:
        rows = weekly("vendor_share", "a", [0.37, 0.36])
        assert absence("usage_concentration", known_of(rows)) == (
            "2 observations of vendor_share known, in no week of 2 do they sum to 0.5 "
            "or more"
        )


class TestPriceDecay:
    def test_is_the_median_vendor_s_fall(self) -> None:
        rows = (
            weekly("price_per_mtok", "a", [10.0, 5.0])
            + weekly("price_per_mtok", "b", [2.0, 1.8])
            + weekly("price_per_mtok", "c", [1.0, 1.0])
        )
        found = history("price_decay", known_of(rows), weeks=1)
        assert found.tolist() == pytest.approx([0.1], abs=IDENTITY)

    def test_a_vendor_that_enters_cheap_lowers_nothing(self) -> None:
        rows = weekly("price_per_mtok", "a", [10.0, 10.0])
        rows += weekly("price_per_mtok", "b", [0.1, 0.1])[1:]
        found = history("price_decay", known_of(rows), weeks=1)
        assert found.tolist() == pytest.approx([0.0], abs=IDENTITY)

    def test_says_how_many_prices_are_missing(self) -> None:
        rows = weekly("price_per_mtok", "a", [10.0, 9.0])
        reason = absence("price_decay", known_of(rows), weeks=4)
        assert reason == "2 observations of price_per_mtok known, 5 needed"


class TestCapexGrowth:
    ROWS: tuple[Row, ...] = (
        ("capex", "us", "2023-03-31", "2023-04-25", 100.0),
        ("capex", "us", "2024-03-31", "2024-04-25", 150.0),
        ("capex", "cn", "2023-03-31", "2023-05-15", 8_000.0),
        ("capex", "cn", "2024-03-31", "2024-05-15", 8_800.0),
        ("capex", "fiscal", "2023-02-25", "2023-03-20", 1.0),
        ("capex", "fiscal", "2024-03-02", "2024-03-20", 2.0),
    )

    def test_is_the_median_of_what_has_been_filed(self) -> None:
        found = history("capex_growth", known_of(self.ROWS))
        # fiscal +100 % alone is too few; then us +50 %, then cn +10 %.
        assert found.tolist() == pytest.approx([0.75, 0.5], abs=IDENTITY)
        assert found.index.tolist() == [
            pd.Timestamp("2024-04-25"),
            pd.Timestamp("2024-05-15"),
        ]

    def test_units_do_not_matter(self) -> None:
        scaled = [
            (*row[:4], row[4] * 1e9) if row[1] == "cn" else row for row in self.ROWS
        ]
        pd.testing.assert_series_equal(
            history("capex_growth", known_of(scaled)),
            history("capex_growth", known_of(self.ROWS)),
        )

    def test_a_company_that_stops_filing_drops_out(self) -> None:
        later: list[Row] = [
            ("capex", name, f"{year}-12-31", f"{year + 1}-01-30", value)
            for name, year, value in [
                ("us", 2023, 100.0),
                ("us", 2024, 120.0),
                ("cn", 2023, 10.0),
                ("cn", 2024, 14.0),
            ]
        ]
        found = history("capex_growth", known_of([*self.ROWS, *later]))
        assert found.iloc[-1] == pytest.approx(0.3, abs=IDENTITY)  # no "fiscal"

    def test_says_how_many_companies_are_missing(self) -> None:
        assert absence("capex_growth", known_of(self.ROWS[:3])) == (
            "3 observations of capex known: growth on the year before for 1 "
            "companies, 2 needed"
        )


def read(
    name: str, known: Known, assets: list[str], **params: object
) -> tuple[pd.Series, pd.Series]:
    reading = factors.create(name, params).read(known, assets)  # type: ignore[union-attr]
    assert isinstance(reading, AssetReading), reading
    value, known_at = reading.values, reading.known_at  # noqa: PD011 -- a field
    assert value.index.tolist() == known_at.index.tolist() == assets
    return value, known_at


LATER = np.datetime64("2030-01-01", "ns")


class TestPriceMomentum:
    def test_skips_the_last_sessions(self) -> None:
        known = market({"XNYS": {"AAA": [10.0, 11.0, 12.0, 99.0]}}).known_at(LATER)
        found, _ = read("price_momentum", known, ["AAA"], sessions=3, skip=1)
        assert found.tolist() == pytest.approx([0.2], abs=IDENTITY)

    def test_is_known_at_the_last_close_of_each_exchange(self) -> None:
        known = market(
            {"XNYS": {"AAA": [1.0, 2.0]}, "XHKG": {"BBB": [1.0, 3.0]}},
            rates={"HKD": 8.0},
        ).known_at(LATER)
        found, known_at = read(
            "price_momentum", known, ["BBB", "AAA"], sessions=1, skip=0
        )
        assert found.tolist() == pytest.approx([2.0, 1.0], abs=IDENTITY)
        assert known_at.tolist() == [
            pd.Timestamp("2024-03-05 08:00"),
            pd.Timestamp("2024-03-05 21:00"),
        ]

    def test_short_unlisted_and_ended_lines(self) -> None:
        none = float("nan")
        known = market(
            {
                "XNYS": {
                    "NEW": [none, none, 5.0, 6.0],
                    "OLD": [4.0, 5.0, 6.0, none],
                    "ALL": [1.0, 1.0, 1.0, 2.0],
                }
            }
        ).known_at(LATER)
        assets = ["NEW", "OLD", "ALL", "ELSEWHERE"]
        found, known_at = read("price_momentum", known, assets, sessions=2, skip=0)
        np.testing.assert_allclose(found, [none, 0.5, 1.0, none])
        assert known_at["OLD"] == pd.Timestamp("2024-03-06 21:00")
        assert known_at.isna().tolist() == [True, False, False, True]

    def test_a_missing_bar_is_stood_in_for_up_to_five_sessions(self) -> None:
        none = float("nan")
        near = [2.0, *[none] * 5, 3.0, 4.0]  # the sixth row, five after the first
        far = [2.0, *[none] * 6, 4.0]  # the seventh row, six after it
        for prices, expected in ((near, 1.0), (far, none)):
            rows = {"XNYS": {"AAA": prices, "ALL": [1.0] * 8}}
            known = market(rows).known_at(LATER)
            back = 2 if prices is near else 1
            found, _ = read(
                "price_momentum", known, ["AAA", "ALL"], sessions=back, skip=0
            )
            np.testing.assert_allclose(found["AAA"], expected)

    def test_says_how_many_sessions_are_missing(self) -> None:
        assert absence("price_momentum", known_of()) == (
            "2 sessions of prices known of the asset with most, 127 needed"
        )


class TestVolatility:
    def test_is_minus_the_annualised_deviation(self) -> None:
        known = market({"XNYS": {"AAA": [100.0, 110.0, 99.0, 108.9]}}).known_at(LATER)
        found, _ = read("volatility", known, ["AAA"], sessions=3, least=3)
        returns = [0.1, -0.1, 0.1]
        expected = -np.std(returns, ddof=1) * np.sqrt(252)
        assert found.tolist() == pytest.approx([expected], abs=IDENTITY)

    def test_uses_the_last_sessions_only(self) -> None:
        prices = [1.0, 5.0, 100.0, 110.0, 99.0, 108.9]
        known = market({"XNYS": {"AAA": prices}}).known_at(LATER)
        found, _ = read("volatility", known, ["AAA"], sessions=3, least=2)
        expected = -np.std([0.1, -0.1, 0.1], ddof=1) * np.sqrt(252)
        assert found.tolist() == pytest.approx([expected], abs=IDENTITY)

    def test_is_known_at_the_asset_s_last_close(self) -> None:
        prices = {"AAA": [1.0, 2.0, 1.0, 2.0], "OLD": [1.0, 2.0, 1.0, float("nan")]}
        known = market({"XNYS": prices}).known_at(LATER)
        _, known_at = read("volatility", known, ["OLD", "AAA"], sessions=2, least=2)
        assert known_at.tolist() == [
            pd.Timestamp("2024-03-06 21:00"),
            pd.Timestamp("2024-03-07 21:00"),
        ]

    def test_a_return_across_a_gap_counts_once(self) -> None:
        prices = [100.0, float("nan"), 110.0, 99.0, 108.9]
        known = market({"XNYS": {"AAA": prices, "ALL": [1.0] * 5}}).known_at(LATER)
        found, _ = read("volatility", known, ["AAA", "ALL"], sessions=4, least=3)
        expected = -np.std([0.1, -0.1, 0.1], ddof=1) * np.sqrt(252)
        assert found.tolist() == pytest.approx([expected, 0.0], abs=IDENTITY)

    def test_too_few_returns(self) -> None:
        known = market(
            {"XNYS": {"AAA": [1.0, 2.0, 1.0], "NEW": [float("nan"), 1.0, 2.0]}}
        ).known_at(LATER)
        found, _ = read("volatility", known, ["AAA", "NEW"], sessions=2, least=2)
        assert found.isna().tolist() == [False, True]
        reason = factors.create("volatility").read(known, ["AAA"])  # type: ignore[union-attr]
        assert reason == Absent(
            reason="2 returns known of the asset with most, 63 needed"
        )


class TestVendorShare:
    def test_is_the_last_share_of_the_asset_s_own_entity(self) -> None:
        rows = weekly("vendor_share", "lab", [0.1, 0.2])
        rows += weekly("vendor_share", "gone", [0.3])
        found, known_at = read("vendor_share", self.known(rows), ["C", "B", "A"])
        np.testing.assert_allclose(found, [np.nan, 0.3, 0.2])
        assert known_at["B"] == MONDAY  # old, and dated so; not zero
        assert known_at["A"] == MONDAY + dt.timedelta(days=7)

    def test_a_line_that_has_not_traded_yet_says_nothing(self) -> None:
        rows = weekly("vendor_share", "lab", [0.1]) + weekly("vendor_share", "s", [0.2])
        found, _ = read("vendor_share", self.known(rows), ["A", "SOON"])
        np.testing.assert_allclose(found, [0.1, np.nan])

    @staticmethod
    def known(rows: list[Row]) -> Known:
        none = float("nan")
        prices = {"A": [1.0], "B": [1.0], "C": [1.0], "SOON": [none]}
        known = market({"XNYS": prices}).known_at(LATER)
        entities = {"A": "lab", "B": "gone", "C": "bank", "SOON": "s"}
        lines = {
            symbol: Line(symbol=symbol, entity=entity, mic="XNYS", currency="USD")
            for symbol, entity in entities.items()
        }
        return dataclasses.replace(known, lines=lines, signals=signals(rows))

    def test_says_that_no_asset_is_a_vendor(self) -> None:
        rows = weekly("vendor_share", "lab", [0.1])
        assert absence("vendor_share", known_of(rows)) == (
            "1 observations of vendor_share known, on 1 vendors; none is the company "
            "of an asset"
        )


class TestCatalogue:
    @pytest.mark.parametrize("name", [*factors.ASSET_FACTORS, *factors.STATE_FACTORS])
    def test_every_factor_explains_itself(self, name: str) -> None:
        kind = (factors.ASSET_FACTORS | factors.STATE_FACTORS)[name]
        text = kind.__doc__ or ""
        assert "Unit:" in text
        assert dataclasses.is_dataclass(kind)
        factor = factors.create(name)
        assert factor == kind()
        for param in factors.parameters(kind):
            with pytest.raises(dataclasses.FrozenInstanceError):
                setattr(factor, param, 3)

    @pytest.mark.parametrize("name", [*factors.ASSET_FACTORS, *factors.STATE_FACTORS])
    def test_every_factor_is_absent_where_nothing_is_known(self, name: str) -> None:
        assert any(digit.isdigit() for digit in absence(name, known_of()))

    @pytest.mark.parametrize("name", [*factors.ASSET_FACTORS, *factors.STATE_FACTORS])
    def test_every_factor_is_in_the_table_of_the_docs(
        self, name: str, root: Path
    ) -> None:
        page = (root / "docs" / "factors.md").read_text(encoding="utf-8")
        rows = [line for line in page.splitlines() if line.startswith(f"| `{name}` ")]
        assert len(rows) == 1
        for param, default in factors.parameters(type(factors.create(name))).items():
            assert f"`{param}` = {default!r}" in rows[0]

    @pytest.mark.parametrize(
        ("name", "params", "message"),
        [
            ("price_momentun", {}, "did you mean 'price_momentum'?"),
            ("price_momentum", {"session": 5}, "did you mean 'sessions'?"),
            ("price_momentum", {"sessions": 21}, "must be more than skip = 21"),
            ("price_momentum", {"sessions": 2.5}, "give a whole number of at least 1"),
            ("price_momentum", {"skip": True}, "give a whole number of at least 0"),
            ("token_growth", {"weeks": 0}, "token_growth: weeks = 0: give a whole"),
            ("token_growth", {"entity": 7}, "give the id of one entity"),
            ("volatility", {"sessions": 10}, "must be at least least = 63"),
            ("usage_concentration", {"listed": 1.5}, "give a number from 0 to 1"),
            ("dollar_token_gap", {"entities": "a"}, "give a list of entity ids"),
            ("dollar_token_gap", {"entities": ["a", "a"]}, "name each entity once"),
        ],
    )
    def test_bad_parameters_are_named(
        self, name: str, params: dict[str, object], message: str
    ) -> None:
        with pytest.raises(UsageError) as error:
            factors.create(name, params)
        assert message in str(error.value)

    def test_lists_become_tuples(self) -> None:
        factor = factors.create("dollar_token_gap", {"entities": ["b", "a"]})
        assert factor.entities == ("b", "a")  # type: ignore[union-attr]
        assert hash(factor)
