"""The sample world: the same for everyone, and true to what was planted in it."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine.errors import CalendarError, CurrencyError
from engine.interfaces import PriceData
from engine.market.assemble import assemble
from engine.market.calendar import sessions
from engine.market.listing import Line, Universe
from engine.sources.sample import lines as sample_lines
from engine.sources.sample.prices import SamplePrices
from engine.sources.sample.signals import REPORTERS, VENDORS, SampleSignals
from engine.sources.sample.truth import LAYERS as LAYER_HABITS
from engine.sources.sample.truth import PLANTED, SPLITS
from tests.tolerances import IDENTITY

START, END = dt.date(2022, 1, 3), dt.date(2026, 6, 30)


def line(symbol: str, mic: str, currency: str, **more: object) -> Line:
    more = {"entity": symbol.lower(), **more}
    return Line(symbol=symbol, mic=mic, currency=currency, **more)  # type: ignore[arg-type]


LINES = {
    one.symbol: one
    for one in [
        line("SPY", "ARCX", "USD", kind="fund"),
        line("SMH", "XNAS", "USD", kind="fund"),
        line("NVDA", "XNAS", "USD"),
        line("688256.SS", "XSHG", "CNY"),
        line("0981.HK", "XHKG", "HKD"),
        line("000660.KS", "XKRX", "KRW"),
        line("BABA", "XNYS", "USD", entity="alibaba", kind="us_adr"),
        line("9988.HK", "XHKG", "HKD", entity="alibaba"),
        line("0700.HK", "XHKG", "HKD"),
        line("GOOGL", "XNAS", "USD"),
        line("MSFT", "XNAS", "USD"),
        line("2513.HK", "XHKG", "HKD"),
        line("0100.HK", "XHKG", "HKD"),
    ]
}
LAYERS = {
    "NVDA": "compute",
    "688256.SS": "compute",
    "0981.HK": "compute",
    "000660.KS": "memory",
    "BABA": "cloud",
    "9988.HK": "cloud",
    "0700.HK": "application",
    "GOOGL": "labs",
    "2513.HK": "labs",
    "0100.HK": "labs",
}
WORLD = SamplePrices(layers=LAYERS)
UNIVERSE = Universe(name="", title="", layers=(), entities={}, lines={}, benchmarks={})


@functools.cache
def prices() -> PriceData:
    return WORLD.load(tuple(LINES.values()), START, END)


@functools.cache
def without_events() -> PriceData:
    world = dataclasses.replace(WORLD, events=())
    return world.load(tuple(LINES.values()), START, END)


@functools.cache
def observations() -> pd.DataFrame:
    return SampleSignals().load(UNIVERSE).signals.observations


def table(role: str) -> pd.DataFrame:
    rows = observations()
    return rows[rows["series"] == f"sample_{role}"].pivot_table(
        index="value_date", columns="entity", values="value"
    )


class TestTheSameForEveryone:
    def test_a_line_does_not_depend_on_the_others_or_their_order(self) -> None:
        backwards = WORLD.load(tuple(LINES.values())[::-1], START, END)
        for symbol, one in LINES.items():
            alone = WORLD.load([one], START, END)
            pd.testing.assert_frame_equal(
                alone.frames[symbol], prices().frames[symbol], check_exact=True
            )
            pd.testing.assert_frame_equal(
                backwards.frames[symbol], prices().frames[symbol], check_exact=True
            )

    def test_the_dates_asked_for_cut_and_change_nothing(self) -> None:
        short = WORLD.load(
            tuple(LINES.values()), dt.date(2024, 2, 1), dt.date(2024, 6, 30)
        )
        assert "2513.HK" not in short.frames
        for symbol, frame in short.frames.items():
            assert frame.index[-1] == pd.Timestamp("2024-06-28")
            whole = prices().frames[symbol].iloc[: len(frame)]
            pd.testing.assert_frame_equal(frame, whole, check_exact=True)
        for name, fixed in short.fixings.items():
            whole_rates = prices().fixings[name].per_usd[: len(fixed.per_usd)]
            assert fixed.per_usd.tolist() == whole_rates.tolist()

    def test_another_layer_list_changes_only_the_lines_it_names(self) -> None:
        other = dataclasses.replace(WORLD, layers={**LAYERS, "MSFT": "cloud"})
        found = other.load(tuple(LINES.values()), START, END).frames
        for symbol, frame in prices().frames.items():
            assert found[symbol].equals(frame) == (symbol != "MSFT")

    def test_the_seed_makes_the_world(self) -> None:
        other = SamplePrices(seed=1, layers=LAYERS)
        found = other.load([LINES["SPY"]], START, END)
        assert not np.allclose(found.frames["SPY"], prices().frames["SPY"])
        assert other.origin().digest != WORLD.origin().digest
        assert WORLD.origin() == SamplePrices(layers=dict(LAYERS)).origin()
        assert WORLD.origin().simulated

    def test_numbers_of_the_default_world_have_not_moved(self) -> None:
        """A change here must raise VERSION in sample_truth and is a new world."""
        close = prices().frames["SPY"]["close"].iloc[[0, -1]].tolist()
        assert close == pytest.approx([19.999241600272935, 25.136468172142635])
        share = table("token_share")["cn_oss_models"].iloc[-1]
        assert share == pytest.approx(0.4878685550873568)


class TestShapeOfPrices:
    @pytest.mark.parametrize("symbol", LINES)
    def test_bars_stand_on_their_own_exchange_s_sessions(self, symbol: str) -> None:
        frame = prices().frames[symbol]
        own = sessions(LINES[symbol].mic, START, END).days
        assert frame.index.equals(own[-len(frame) :])
        assert list(frame.columns) == [
            "open",
            "high",
            "low",
            "close",
            "adj_close",
            "volume",
        ]
        assert (frame > 0).all(axis=None)
        body = frame[["open", "close"]]
        assert (frame["high"] >= body.max(axis=1)).all()
        assert (frame["low"] <= body.min(axis=1)).all()

    def test_late_listings_have_no_price_before(self) -> None:
        frames = prices().frames
        assert frames["2513.HK"].index[0] == pd.Timestamp("2026-01-08")
        assert frames["0100.HK"].index[0] == pd.Timestamp("2026-01-09")
        life = {"listed": dt.date(2023, 5, 6), "delisted": dt.date(2023, 9, 1)}
        one = line("XYZ", "XNYS", "USD", **life)
        frame = WORLD.load([one], START, END).frames["XYZ"]
        assert frame.index[[0, -1]].tolist() == [
            pd.Timestamp("2023-05-08"),
            pd.Timestamp("2023-09-01"),
        ]

    @pytest.mark.parametrize(
        ("symbol", "low", "high"),
        [("SPY", 0.14, 0.18), ("SMH", 0.26, 0.33), *((s, 0.22, 0.55) for s in LAYERS)],
    )
    def test_volatilities_are_sensible(
        self, symbol: str, low: float, high: float
    ) -> None:
        returns = prices().frames[symbol]["adj_close"].pct_change()
        assert low < returns.std() * np.sqrt(252) < high

    def test_an_earlier_close_has_seen_less_of_the_day(self) -> None:
        pair = pd.DataFrame(
            {
                "east": prices().frames["0700.HK"]["adj_close"].pct_change(),
                "west": prices().frames["SPY"]["adj_close"].pct_change(),
            }
        )
        before = pair["east"].corr(pair["west"].shift(1))
        same = pair["east"].corr(pair["west"])
        after = pair["east"].corr(pair["west"].shift(-1))
        assert before > same > 0.05
        assert abs(after) < 0.08

    def test_two_lines_of_one_company_are_one_company(self) -> None:
        weekly = pd.DataFrame(
            {s: prices().frames[s]["adj_close"] for s in ("BABA", "9988.HK", "MSFT")}
        )
        moves = weekly.resample("ME").last().pct_change()
        assert moves["BABA"].corr(moves["9988.HK"]) > 0.95
        assert moves["BABA"].corr(moves["MSFT"]) < 0.8


class TestDividendsAndSplits:
    @pytest.mark.parametrize("symbol", ["SPY", "NVDA", "BABA", "0700.HK", "000660.KS"])
    def test_adj_close_reinvests_the_dividends(self, symbol: str) -> None:
        frame = prices().frames[symbol]
        actions = WORLD.actions(LINES[symbol])
        rows = actions[actions["kind"] == "dividend"].set_index("session")["value"]
        dividend = rows.reindex(frame.index).fillna(0.0)
        close, adjusted = frame["close"], frame["adj_close"]
        total = close / (close.shift(1) - dividend) - 1.0
        np.testing.assert_allclose(
            adjusted.pct_change()[1:], total[1:], rtol=0, atol=IDENTITY
        )
        assert adjusted.iloc[-1] == pytest.approx(close.iloc[-1])
        assert (adjusted <= close * (1 + IDENTITY)).all()

    def test_funds_and_some_companies_pay(self) -> None:
        spy = WORLD.actions(LINES["SPY"])
        assert len(spy) == 18
        frame = prices().frames["SPY"]
        year = spy[spy["session"].dt.year == 2024]["value"].sum()
        assert year / frame["close"].mean() == pytest.approx(0.013, rel=0.3)
        paying = [len(WORLD.actions(one)) > 0 for one in LINES.values()]
        assert any(paying)
        assert not all(paying)

    def test_a_split_divides_prices_and_multiplies_volume(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        split = SPLITS["NVDA"]
        found = prices().frames["NVDA"]
        rows = WORLD.actions(LINES["NVDA"]).query("kind == 'split'")
        assert rows["session"].tolist() == [pd.Timestamp(split.session)]
        assert rows["value"].tolist() == [split.ratio]
        assert found["close"].pct_change().abs().max() < 0.25
        monkeypatch.setattr(sample_lines, "SPLITS", {})
        unsplit = WORLD.load([LINES["NVDA"]], START, END).frames["NVDA"]
        columns = ["open", "high", "low", "close", "adj_close"]
        np.testing.assert_allclose(unsplit[columns] / split.ratio, found[columns])
        np.testing.assert_allclose(
            unsplit["volume"] * split.ratio, found["volume"], rtol=1e-4
        )


class TestPlantedEvents:
    """The same world with and without the events differs by the effects alone."""

    @staticmethod
    def effect(symbol: str) -> pd.Series:
        with_them = prices().frames[symbol]["adj_close"]
        without = without_events().frames[symbol]["adj_close"]
        ratio = np.log(with_them / without)
        # adj_close counts back from the last session, where every effect has happened.
        return np.expm1((ratio - ratio.iloc[0]).diff())

    @pytest.mark.parametrize(
        ("symbol", "layer", "day_zero"),
        [
            ("NVDA", "compute", "2025-01-27"),
            ("0981.HK", "compute", "2025-01-27"),
            ("688256.SS", "compute", "2025-01-27"),
            ("000660.KS", "memory", "2025-01-31"),  # Seoul was closed until then
            ("BABA", "cloud", "2025-01-27"),
        ],
    )
    def test_the_selloff_comes_on_each_line_s_own_day_zero(
        self, symbol: str, layer: str, day_zero: str
    ) -> None:
        event = next(one for one in PLANTED if one.id == "planted-selloff")
        effect = self.effect(symbol)
        assert effect[day_zero] == pytest.approx(event.reaction[layer], abs=IDENTITY)
        zero = effect.index.get_loc(day_zero)
        around = effect.iloc[zero - 60 : zero]
        assert around.abs().max() < IDENTITY
        assert abs(effect.iloc[zero + 1]) < IDENTITY
        drift = np.prod(1.0 + effect.iloc[zero + 2 : zero + 121]) - 1.0
        assert drift == pytest.approx(event.drift[layer], abs=1e-8)
        assert effect.iloc[zero + 121 : zero + 140].abs().max() < IDENTITY

    def test_labs_only_weaken_and_application_only_reacts(self) -> None:
        zero = prices().frames["GOOGL"].index.get_loc("2025-01-27")
        labs = self.effect("GOOGL")
        assert abs(labs.iloc[zero]) < IDENTITY
        assert np.prod(1 + labs.iloc[zero : zero + 121]) - 1 == pytest.approx(-0.22)
        application = self.effect("0700.HK")
        zero = application.index.get_loc("2025-01-27")
        assert application.iloc[zero] == pytest.approx(0.01)
        assert application.iloc[zero + 1 : zero + 130].abs().max() < IDENTITY

    def test_the_boom_reaches_asia_on_the_next_day(self) -> None:
        assert self.effect("NVDA")["2024-03-12"] == pytest.approx(0.07)
        assert abs(self.effect("0981.HK")["2024-03-12"]) < IDENTITY
        assert self.effect("0981.HK")["2024-03-13"] == pytest.approx(0.07)

    def test_nothing_happens_on_the_date_of_nothing_or_to_no_layer(self) -> None:
        for symbol in LAYERS:
            if symbol not in ("2513.HK", "0100.HK"):
                assert self.effect(symbol)["2025-09-01":].abs().max() < IDENTITY
        assert self.effect("MSFT").abs().max() < IDENTITY

    def test_funds_feel_their_layers(self) -> None:
        expected = 0.8 * -0.13 + 0.2 * -0.09
        assert self.effect("SMH")["2025-01-27"] == pytest.approx(expected)
        assert -0.015 < self.effect("SPY")["2025-01-27"] < -0.005

    def test_the_docs_name_every_event_and_every_drift(self, root: Path) -> None:
        page = (root / "docs" / "sample_world.md").read_text(encoding="utf-8")
        for event in PLANTED:
            row = next(part for part in page.splitlines() if f"`{event.id}`" in part)
            for effects in (event.reaction, event.drift):
                for layer, effect in effects.items():
                    assert f"{layer} {effect:+.0%}".replace("%", " %") in row
        for layer in ("compute", "labs"):
            assert f"{abs(LAYER_HABITS[layer].drift):.0%}".replace("%", " %") in page


class TestRates:
    def test_hkd_keeps_its_band_and_moves(self) -> None:
        rates = prices().fixings["HKD"].per_usd
        assert rates.min() > 7.75
        assert rates.max() < 7.85
        assert rates.std() > 0.01

    def test_fixings_are_known_at_a_quarter_past_two_in_frankfurt(self) -> None:
        fixed = pd.DatetimeIndex(prices().fixings["KRW"].fixed_utc)
        clock = fixed.tz_localize("UTC").tz_convert("Europe/Berlin")
        assert set(clock.strftime("%H:%M")) == {"14:15"}
        assert set(fixed.strftime("%H:%M")) == {"12:15", "13:15"}
        assert fixed.day_of_week.max() == 4
        assert fixed[0] < pd.Timestamp("2022-01-01")

    def test_an_unknown_currency_or_exchange_is_an_error(self) -> None:
        with pytest.raises(CurrencyError, match="X: the sample world has no rate"):
            WORLD.load([line("X", "XNYS", "XXX")], START, END)
        with pytest.raises(CalendarError, match="XQQQ"):
            WORLD.load([line("X", "XQQQ", "USD")], START, END)


class TestSignals:
    @pytest.mark.parametrize("role", ["vendor_share", "dollar_share"])
    def test_shares_are_a_whole_table_and_sum_to_one(self, role: str) -> None:
        shares = table(role)
        assert set(shares.columns) == set(VENDORS)
        assert shares.notna().all(axis=None)
        assert (shares > 0).all(axis=None)
        np.testing.assert_allclose(shares.sum(axis=1), 1.0, rtol=0, atol=IDENTITY)

    def test_the_chinese_share_is_the_sum_of_its_vendors(self) -> None:
        chinese = [name for name, vendor in VENDORS.items() if vendor.chinese]
        np.testing.assert_allclose(
            table("vendor_share")[chinese].sum(axis=1),
            table("token_share")["cn_oss_models"],
            rtol=0,
            atol=IDENTITY,
        )

    def test_weeks_are_known_on_the_monday_after_their_sunday(self) -> None:
        rows = observations()
        weekly = rows[rows["series"] != "sample_capex"]
        assert set(weekly["value_date"].dt.day_name()) == {"Sunday"}
        assert set(weekly["known_at"].dt.day_name()) == {"Monday"}
        lag = weekly["known_at"] - weekly["value_date"]
        assert set(lag) == {pd.Timedelta(hours=36)}

    def test_capex_is_known_25_to_45_days_after_the_quarter(self) -> None:
        rows = observations()
        capex = rows[rows["series"] == "sample_capex"]
        lag = (capex["known_at"] - capex["value_date"]).dt.days
        assert lag.between(25, 45).all()
        assert set(capex["entity"]) == set(REPORTERS)
        units = capex.groupby("entity")["unit"].agg(set)
        assert units["alibaba"] == {"CNY"}
        assert units["oracle"] == {"USD"}

    def test_observations_are_in_order_and_typed(self) -> None:
        rows = observations()
        assert rows["known_at"].is_monotonic_increasing
        assert (rows["known_at"] > rows["value_date"]).all()
        assert rows["known_at"].max() < pd.Timestamp("2026-07-01")
        assert rows["value_date"].dtype == rows["known_at"].dtype == "datetime64[ns]"
        assert rows["value"].dtype == np.float64
        assert not rows.duplicated(["series", "entity", "value_date"]).any()

    def test_what_the_truth_says_of_signals_holds(self) -> None:
        share = table("token_share")["cn_oss_models"]
        assert (share["2026":] > 0.30).all()
        assert (share[:"2024"] < 0.30).all()
        concentration = (table("vendor_share") ** 2).sum(axis=1)
        assert concentration["2026"].max() < concentration["2022"].min()
        chinese = [name for name, vendor in VENDORS.items() if vendor.chinese]
        gap = table("dollar_share")[chinese] - table("vendor_share")[chinese]
        assert (gap.sum(axis=1) < 0).all()

    def test_the_seed_makes_the_signals_and_the_universe_does_not(self) -> None:
        again = SampleSignals().load(dataclasses.replace(UNIVERSE, name="other"))
        assert again.signals.observations.equals(observations())
        other = SampleSignals(seed=1).load(UNIVERSE)
        assert not other.signals.observations["value"].equals(observations()["value"])
        assert other.origin.digest != again.origin.digest
        assert again.origin.simulated


def test_the_sample_world_assembles_into_a_market() -> None:
    signals = SampleSignals().load(UNIVERSE)
    built = assemble(
        tuple(LINES.values()),
        prices(),
        signals,
        home="XNYS",
        base="USD",
        start=dt.date(2023, 1, 3),
        end=END,
    )
    assert built.simulated
    assert not [found for found in built.findings if found.severity == "error"]
    assert built.home.fx.iloc[0].notna().all()
