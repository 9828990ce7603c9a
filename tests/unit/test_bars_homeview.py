"""Bars, the home view and the assembly, on examples that can be checked by hand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import pytest

from engine.errors import CurrencyError, DataError
from engine.market.assemble import assemble, last_priced_day
from engine.market.bars import build_bars
from engine.market.calendar import sessions
from engine.market.currency import Currencies, Fixings
from engine.market.listing import Line
from engine.market.market import Market, Origin
from engine.market.signals import COLUMNS, Signals
from engine.market.supplied import PriceData, SignalData

NAN = np.nan
ORIGIN = Origin(name="test", simulated=False, digest="")
HYNIX = Line(symbol="000660.KS", entity="sk_hynix", mic="XKRX", currency="KRW")
NVIDIA = Line(symbol="NVDA", entity="nvidia", mic="XNAS", currency="USD")
ZHIPU = Line(
    symbol="2513.HK",
    entity="zhipu",
    mic="XHKG",
    currency="HKD",
    listed=dt.date(2026, 1, 8),
)


def frame(days: Sequence[str], **columns: Sequence[float]) -> pd.DataFrame:
    index = pd.DatetimeIndex(list(days), name="session").as_unit("ns")
    held = {name: np.asarray(values, float) for name, values in columns.items()}
    return pd.DataFrame(held, index=index)


def no_signals() -> SignalData:
    empty = pd.DataFrame({name: pd.Series(dtype="str") for name in COLUMNS})
    dates = {"known_at": "datetime64[ns]", "value_date": "datetime64[ns]"}
    rows = empty.astype(dates | {"value": "float64"})
    return SignalData(signals=Signals(observations=rows), origin=ORIGIN)


def won(*fixes: tuple[str, float]) -> dict[str, Fixings]:
    moments = np.array([fix[0] for fix in fixes], dtype="datetime64[ns]")
    rates = np.array([fix[1] for fix in fixes])
    return {"KRW": Fixings(currency="KRW", fixed_utc=moments, per_usd=rates)}


def market(
    frames: Mapping[str, pd.DataFrame],
    lines: Sequence[Line] = (HYNIX, NVIDIA),
    fixings: Mapping[str, Fixings] | None = None,
    *,
    base: str = "USD",
    start: dt.date = dt.date(2025, 1, 23),
    end: dt.date = dt.date(2025, 2, 3),
) -> Market:
    if fixings is None:
        fixings = won(("2025-01-01", 1000.0), ("2025-01-22", 1000.0))
    prices = PriceData(frames=frames, fixings=fixings, origin=ORIGIN)
    return assemble(
        lines, prices, no_signals(), home="XNYS", base=base, start=start, end=end
    )


@pytest.fixture
def selloff() -> Market:
    """Seoul shut from 27 to 30 January 2025; New York open on all of them."""
    new_york = pd.bdate_range("2025-01-23", "2025-02-03").strftime("%Y-%m-%d")
    return market(
        {
            "000660.KS": frame(
                ["2025-01-23", "2025-01-24", "2025-01-31", "2025-02-03"],
                adj_close=[100.0, 110.0, 99.0, 99.0],
            ),
            "NVDA": frame(
                list(new_york),
                open=[50, 50, 50, 50, 50, 50, 50, 50],
                close=[50, 60, 48, 48, 48, 48, 48, 48],
                adj_close=[25, 30, 24, 24, 24, 24, 24, 24],
            ),
        }
    )


class TestBars:
    def test_a_return_spans_a_closed_week_on_own_sessions(
        self, selloff: Market
    ) -> None:
        returns = selloff.bars["XKRX"].returns()["000660.KS"]
        assert list(returns.index.strftime("%m-%d"))[-2:] == ["01-31", "02-03"]
        np.testing.assert_allclose(returns[1:], [0.10, -0.10, 0.0], atol=1e-15)

    def test_adjusted_closes_are_the_basis_and_opens_follow(
        self, selloff: Market
    ) -> None:
        own = selloff.bars["XNYS"]
        assert list(own.price["NVDA"][:3]) == [25.0, 30.0, 24.0]
        assert list(own.open["NVDA"][:2]) == [25.0, 25.0]

    def test_without_adjusted_closes_the_plain_ones_serve(self) -> None:
        own = sessions("XNYS", dt.date(2025, 1, 23), dt.date(2025, 1, 24))
        days = ["2025-01-23", "2025-01-24"]
        bars = build_bars(own, {"A": frame(days, open=[9, 10], close=[10, 11])})
        assert list(bars.price["A"]) == [10.0, 11.0]
        assert list(bars.open["A"]) == [9.0, 10.0]

    def test_adjusted_closes_alone_leave_no_opens(self) -> None:
        own = sessions("XNYS", dt.date(2025, 1, 23), dt.date(2025, 1, 24))
        days = ["2025-01-23", "2025-01-24"]
        bars = build_bars(own, {"A": frame(days, open=[9, 10], adj_close=[10, 11])})
        assert bars.open["A"].isna().all()

    def test_the_basis_does_not_switch_inside_a_file(self) -> None:
        own = sessions("XNYS", dt.date(2025, 1, 23), dt.date(2025, 1, 24))
        half = frame(
            ["2025-01-23", "2025-01-24"], close=[10, 11], adj_close=[NAN, 10.5]
        )
        bars = build_bars(own, {"A": half})
        np.testing.assert_array_equal(bars.price["A"], [NAN, 10.5])

    def test_flat_rows_are_flagged_and_kept(self) -> None:
        own = sessions("XHKG", dt.date(2025, 1, 27), dt.date(2025, 1, 28))
        days = ["2025-01-27", "2025-01-28"]
        rows = frame(
            days, open=[9, 7], high=[9, 7], low=[9, 7], close=[9, 7], volume=[5, 0]
        )
        bars = build_bars(own, {"A": rows})
        assert list(bars.flat["A"]) == [False, True]
        assert list(bars.price["A"]) == [9.0, 7.0]

    def test_a_missing_bar_makes_the_next_return_span_it(self) -> None:
        own = sessions("XNYS", dt.date(2025, 1, 22), dt.date(2025, 1, 24))
        bars = build_bars(own, {"A": frame(["2025-01-22", "2025-01-24"], close=[4, 5])})
        np.testing.assert_array_equal(bars.returns()["A"], [NAN, NAN, 0.25])


class TestHomeView:
    def test_seoul_is_stale_while_shut_and_fresh_when_back(
        self, selloff: Market
    ) -> None:
        home = selloff.home
        assert list(home.price.index.strftime("%m-%d")) == [
            "01-23",
            "01-24",
            "01-27",
            "01-28",
            "01-29",
            "01-30",
            "01-31",
            "02-03",
        ]
        seoul = home.price["000660.KS"]
        assert list(seoul) == [100, 110, 110, 110, 110, 110, 99, 99]
        assert list(home.fresh["000660.KS"]) == [1, 1, 0, 0, 0, 0, 1, 1]
        # No own session has closed in the holidays: the price is still the newest.
        assert (home.age["000660.KS"] == 0).all()

    def test_a_stale_day_has_no_return_and_never_a_zero(self, selloff: Market) -> None:
        returns = selloff.home.returns()["000660.KS"]
        np.testing.assert_allclose(
            returns, [NAN, 0.10, NAN, NAN, NAN, NAN, -0.10, 0.0], atol=1e-15
        )

    def test_returns_of_the_last_sessions_are_the_last_of_all(
        self, selloff: Market
    ) -> None:
        whole = selloff.home.returns()
        np.testing.assert_array_equal(selloff.home.returns(last=2), whole.iloc[-2:])

    def test_age_counts_own_sessions_that_the_feed_missed(self) -> None:
        seen = market(
            {
                "NVDA": frame(
                    ["2025-01-23", "2025-01-24", "2025-01-29"], close=[5] * 3
                ),
            },
            [NVIDIA],
            end=dt.date(2025, 1, 30),
        ).home
        assert list(seen.age["NVDA"]) == [0, 0, 1, 2, 0, 1]
        assert list(seen.fresh["NVDA"]) == [1, 1, 0, 0, 1, 0]

    def test_nothing_is_known_before_the_first_bar(self) -> None:
        seen = market(
            {
                "NVDA": frame(["2025-01-23", "2025-01-24"], close=[5, 5]),
                "000660.KS": frame(["2025-01-31"], close=[7]),
            }
        ).home
        assert seen.price["000660.KS"][:6].isna().all()
        assert seen.age["000660.KS"][:6].isna().all()
        assert not seen.fresh["000660.KS"][:6].any()
        assert seen.price["000660.KS"].iloc[6] == 7

    def test_the_last_fix_known_at_the_close_turns_local_into_base(self) -> None:
        rates = won(
            ("2025-01-24T13:15", 1000.0),  # before the close of 24 January, 21:00
            ("2025-01-27T21:00:01", 1250.0),  # a second after the close of the 27th
        )
        seen = market(
            {
                "000660.KS": frame(["2025-01-23", "2025-01-24"], close=[100, 200]),
                "NVDA": frame(["2025-01-23", "2025-01-24"], close=[5, 5]),
            },
            fixings=rates,
        ).home
        np.testing.assert_allclose(
            seen.fx["KRW"], [NAN, 1e-3, 1e-3, 8e-4, 8e-4, 8e-4, 8e-4, 8e-4]
        )
        np.testing.assert_allclose(seen.base_price()["000660.KS"][:2], [NAN, 0.2])
        assert (seen.fx["USD"] == 1.0).all()

    def test_the_study_may_be_in_another_currency_than_the_dollar(self) -> None:
        seen = market({"NVDA": frame(["2025-01-23"], close=[5])}, [NVIDIA], base="KRW")
        assert seen.home.base_price()["NVDA"].iloc[0] == 5000.0
        assert list(seen.home.fx.columns) == ["KRW", "USD"]


class TestAssemble:
    def test_a_line_without_a_file_is_listed_and_not_in_the_market(self) -> None:
        held = market({"NVDA": frame(["2025-01-23"], close=[5])}, [NVIDIA, ZHIPU])
        assert list(held.lines) == ["NVDA"]
        row = held.coverage.set_index("symbol").loc["2513.HK"]
        assert row["note"] == "no price"
        assert row["bars"] == 0
        assert pd.isna(row["first"])

    def test_coverage_counts_what_a_file_could_give(self) -> None:
        held = market(
            {"NVDA": frame(["2025-01-23", "2025-01-24", "2025-01-28"], close=[5] * 3)},
            [NVIDIA],
        )
        row = held.coverage.set_index("symbol").loc["NVDA"]
        assert row["basis"] == "price_return"
        assert (row["bars"], row["missing"], row["flat"]) == (3, 1, 0)
        assert not row["opens"]
        assert row["note"] == "dividends are missing; no opens"
        assert row["last"] == pd.Timestamp("2025-01-28")

    def test_panels_run_to_the_end_of_the_study_whatever_the_feeds_do(self) -> None:
        held = market({"NVDA": frame(["2025-01-23"], close=[5])}, [NVIDIA])
        assert held.home.price.index[-1] == pd.Timestamp("2025-02-03")
        assert held.bars["XNYS"].price.index[-1] == pd.Timestamp("2025-02-03")

    def test_history_before_the_study_is_kept(self) -> None:
        days = ["2024-06-03", "2025-01-23"]
        held = market({"NVDA": frame(days, close=[5, 6])}, [NVIDIA])
        assert held.home.price.index[0] == pd.Timestamp("2024-06-03")

    def test_a_bar_on_a_holiday_is_left_out_and_reported(self) -> None:
        days = ["2025-01-24", "2025-01-28", "2025-01-31"]
        held = market({"000660.KS": frame(days, close=[100, 300, 90])}, [HYNIX, NVIDIA])
        assert 300 not in held.bars["XKRX"].price.to_numpy()
        (found,) = [f for f in held.findings if "no session" in f.what]
        assert (found.severity, found.where) == ("warning", "000660.KS")
        assert "2025-01-28" in found.what
        assert found.action.startswith("a study leaves them out")

    def test_an_exchange_without_any_bar_on_a_session_is_reported(self) -> None:
        days = ["2025-01-23", "2025-01-24", "2025-01-28"]
        held = market({"NVDA": frame(days, close=[5] * 3)}, [NVIDIA])
        (found,) = [f for f in held.findings if f.where == "XNYS"]
        assert "no line has a bar on 1 session: 2025-01-27" in found.what

    def test_a_feed_that_ends_early_is_reported(self) -> None:
        span = {"start": dt.date(2025, 1, 23), "end": dt.date(2025, 2, 28)}
        held = market({"NVDA": frame(["2025-01-23"], close=[5])}, [NVIDIA], **span)
        (found,) = [f for f in held.findings if "feed ends" in f.what]
        assert found.last == "2025-01-23"

    def test_a_late_listing_is_told_from_a_late_feed(self) -> None:
        zhipu = frame(["2026-01-08", "2026-01-09"], close=[131.5, 158.6])
        held = market(
            {"2513.HK": zhipu, "NVDA": frame(["2025-06-02"], close=[5])},
            [ZHIPU, NVIDIA],
            {"HKD": Fixings(**hong_kong())},
            end=dt.date(2026, 1, 9),
        )
        late = {f.where: f for f in held.findings if "begins on" in f.what}
        assert late["2513.HK"].severity == "info"
        assert "listed 2026-01-08" in late["2513.HK"].what
        assert late["NVDA"].severity == "warning"

    def test_prices_before_the_listing_are_reported(self) -> None:
        held = market(
            {"2513.HK": frame(["2025-01-24", "2025-01-27"], close=[1, 1])},
            [ZHIPU],
            {"HKD": Fixings(**hong_kong())},
        )
        assert any("before its listing on 2026-01-08" in f.what for f in held.findings)

    def test_a_jump_as_of_an_unadjusted_split_is_reported(self) -> None:
        days = ["2025-01-23", "2025-01-24", "2025-01-27"]
        held = market({"NVDA": frame(days, close=[1000, 100, 104])}, [NVIDIA])
        (found,) = [f for f in held.findings if "a move of -90%" in f.what]
        assert found.severity == "error"
        assert "looks like a split of 10:1" in found.what
        assert found.first == "2025-01-24"

    def test_prices_older_than_the_calendars_are_cut_and_reported(self) -> None:
        held = market(
            {"NVDA": frame(["1999-01-22", "2025-01-23"], close=[1, 5])}, [NVIDIA]
        )
        assert held.home.price.index[0] == pd.Timestamp("2015-01-02")
        assert any("before the calendars" in f.what for f in held.findings)

    def test_a_missing_currency_names_the_line_and_what_to_do(self) -> None:
        with pytest.raises(CurrencyError, match=r"000660\.KS trades in KRW.*KRW=X"):
            market({"000660.KS": frame(["2025-01-24"], close=[5])}, fixings={})

    def test_a_study_in_a_currency_without_rates_is_refused(self) -> None:
        with pytest.raises(CurrencyError, match="currency EUR has no exchange rate"):
            market({"NVDA": frame(["2025-01-24"], close=[5])}, [NVIDIA], base="EUR")

    def test_no_price_in_the_period_says_what_the_prices_hold(self) -> None:
        with pytest.raises(DataError, match="NVDA 2024-01-22 to 2024-01-22"):
            market({"NVDA": frame(["2024-01-22"], close=[5])}, [NVIDIA])
        with pytest.raises(DataError, match="the source has no price"):
            market({}, [NVIDIA])

    @pytest.mark.parametrize("bad", [0.0, -1.0, np.inf])
    def test_a_source_that_gives_impossible_prices_is_refused(self, bad: float) -> None:
        with pytest.raises(DataError, match="NVDA: the price of 2025-01-24"):
            market(
                {"NVDA": frame(["2025-01-23", "2025-01-24"], close=[5, bad])}, [NVIDIA]
            )

    def test_the_last_priced_day_is_the_last_of_all_lines(self) -> None:
        frames = {
            "A": frame(["2025-01-23"], close=[5]),
            "B": frame(["2025-01-30"], close=[5]),
        }
        prices = PriceData(frames=frames, fixings={}, origin=ORIGIN)
        assert last_priced_day(prices) == dt.date(2025, 1, 30)


class TestKnownAt:
    def test_a_close_is_known_at_its_own_second(self, selloff: Market) -> None:
        close = np.datetime64("2025-01-27T21:00", "ns")
        before = selloff.known_at(close - np.timedelta64(1, "ns"))
        at = selloff.known_at(close)
        assert before.home.price.index[-1] == pd.Timestamp("2025-01-24")
        assert at.home.price.index[-1] == pd.Timestamp("2025-01-27")
        assert at.bars["XKRX"].price.index[-1] == pd.Timestamp("2025-01-24")

    def test_an_observation_is_known_from_its_own_second(self) -> None:
        known = np.array(["2025-01-24T21:00", "2025-01-27T21:00"], "datetime64[ns]")
        rows = pd.DataFrame(
            dict.fromkeys(COLUMNS, "x") | {"known_at": known, "value": [1.0, 2.0]}
        )
        signals = Signals(observations=rows)
        assert signals.known_by(known[0] - np.timedelta64(1, "ns")) == 0
        assert signals.known_by(known[0]) == 1
        assert signals.known_by(known[1]) == 2

    def test_observations_out_of_order_are_refused(self) -> None:
        known = np.array(["2025-01-27", "2025-01-24"], "datetime64[ns]")
        rows = pd.DataFrame(dict.fromkeys(COLUMNS, "x") | {"known_at": known})
        given = SignalData(signals=Signals(observations=rows), origin=ORIGIN)
        prices = PriceData(
            frames={"NVDA": frame(["2025-01-24"], close=[5])},
            fixings={},
            origin=ORIGIN,
        )
        span = {"start": dt.date(2025, 1, 23), "end": dt.date(2025, 2, 3)}
        with pytest.raises(DataError, match="sorted by known_at"):
            assemble([NVIDIA], prices, given, home="XNYS", base="USD", **span)


def hong_kong() -> dict[str, object]:
    return {
        "currency": "HKD",
        "fixed_utc": np.array(["2025-01-01"], dtype="datetime64[ns]"),
        "per_usd": np.array([7.8]),
    }


def test_a_rate_counts_for_two_weeks_and_no_longer() -> None:
    known = Currencies(fixings=won(("2025-01-06T13:15", 1000.0)))
    moments = np.array(
        [
            "2025-01-06T13:14",
            "2025-01-06T13:15",
            "2025-01-20T13:15",
            "2025-01-20T13:16",
        ],
        dtype="datetime64[ns]",
    )
    np.testing.assert_array_equal(
        known.dollars_per_unit("KRW", moments), [NAN, 0.001, 0.001, NAN]
    )
    assert "rates of KRW begin on 2025-01-06" in known.why_unknown(
        "KRW", "USD", moments[0]
    )
    assert "the last rate of KRW is of 2025-01-06" in known.why_unknown(
        "USD", "KRW", moments[3]
    )
