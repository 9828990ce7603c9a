"""Yahoo's prices: what is kept, what is computed from it, and when it is asked for."""

from __future__ import annotations

import dataclasses
import datetime as dt
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import universes.loader
from engine.errors import DataError
from engine.interfaces import SignalData
from engine.market.assemble import assemble
from engine.market.listing import Line
from engine.market.market import Origin
from engine.market.signals import COLUMNS, Signals
from engine.sources.files.folder import FolderPrices
from engine.sources.store.store import Store
from engine.sources.yahoo.client import OVERLAP, Client, Fetched, Request, settled
from engine.sources.yahoo.fetch import AT_ONCE, CERTIFICATES, WEIGHT
from engine.sources.yahoo.patience import Patience
from engine.sources.yahoo.prices import FX_FIX, YahooPrices
from engine.sources.yahoo.returns import (
    SAME_RETURN,
    Held,
    refetch_reason,
    total_return_index,
)
from engine.sources.yahoo.symbols import ENDINGS, yahoo_symbol
from tests.tolerances import IDENTITY
from tests.yahoo_server import (
    Quote,
    YahooServer,
    forget_everything,
    loopback_session,
    serve,
    weekdays,
)
from universes.aliases import yahoo_form

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:yfinance")

DAYS = weekdays(dt.date(2025, 1, 13), 5)
START, END = DAYS[0], DAYS[-1]
CLOSES = dict(zip(DAYS, (100.0, 102.0, 101.0, 104.0, 103.0), strict=True))
NO_SPLITS = pd.Series(dtype=np.float64, index=pd.DatetimeIndex([]))


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    forget_everything()
    yield
    forget_everything()


@pytest.fixture
def yahoo() -> Iterator[YahooServer]:
    with serve({"AAPL": Quote(bars=CLOSES)}) as server:
        yield server


@pytest.fixture
def client(yahoo: YahooServer) -> Iterator[Client]:
    with loopback_session(yahoo) as session:
        yield Client(session=session)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def request(**changed: object) -> Request:
    plain = Request(symbol="AAPL", mic="XNAS", currency="USD", start=START)
    return dataclasses.replace(plain, **changed)  # type: ignore[arg-type]


def arrived(client: Client, asked: Request) -> Fetched:
    got = client.line(asked)
    assert isinstance(got, Fetched), got
    return got


def line(symbol: str, mic: str, currency: str) -> Line:
    return Line(symbol=symbol, entity=symbol, mic=mic, currency=currency)


AAPL = line("AAPL", "XNAS", "USD")


def slow_index(
    close: list[float], dividends: list[float], splits: list[float]
) -> list[float]:
    """Hold one share from each day to the end, reinvesting; the readable twin."""
    values = []
    bars = [n for n, price in enumerate(close) if not np.isnan(price)]
    for first in range(len(close)):
        if np.isnan(close[first]):
            values.append(np.nan)
            continue
        shares = 1.0
        for ex_day in range(first + 1, bars[-1] + 1):
            held = max(n for n in bars if n < ex_day)
            shares *= splits[ex_day] or 1.0
            # bought at the close before, less the dividend, in new shares
            ex_price = (close[held] - dividends[ex_day]) / (splits[ex_day] or 1.0)
            before = close[held] / (splits[ex_day] or 1.0)
            shares *= before / ex_price
        values.append(shares)
    return [price / n for price, n in zip(close, values, strict=True)]


def test_total_return_by_hand() -> None:
    close = np.array([100.0, 98.0, 99.0])
    index = total_return_index(close, np.array([0.0, 2.0, 0.0]))
    np.testing.assert_allclose(index, [98.0, 98.0, 99.0], rtol=IDENTITY)


def test_a_split_changes_no_return() -> None:
    close = np.array([100.0, 25.5, 26.0])
    index = total_return_index(close, np.zeros(3), np.array([0.0, 4.0, 0.0]))
    np.testing.assert_allclose(index, [25.0, 25.5, 26.0], rtol=IDENTITY)


def test_a_dividend_without_a_bar_counts_from_the_next() -> None:
    close = np.array([100.0, np.nan, 99.0, np.nan])
    index = total_return_index(close, np.array([0.0, 1.0, 0.0, 5.0]))
    np.testing.assert_allclose(index, [99.0, np.nan, 99.0, np.nan], rtol=IDENTITY)


def test_a_dividend_before_the_first_bar_changes_nothing() -> None:
    close = np.array([np.nan, 100.0, 101.0])
    index = total_return_index(close, np.array([3.0, 1.0, 0.0]))
    np.testing.assert_allclose(index, close, rtol=IDENTITY)


def test_no_bars_no_index() -> None:
    assert len(total_return_index(np.array([]), np.array([]))) == 0
    blank = np.array([np.nan, np.nan])
    assert np.isnan(total_return_index(blank, np.zeros(2))).all()


@pytest.mark.parametrize("paid", [-1.0, 100.0, 250.0, np.nan])
def test_a_dividend_that_cannot_be_is_refused(paid: float) -> None:
    with pytest.raises(DataError, match="row 1: a dividend of"):
        total_return_index(np.array([100.0, 99.0]), np.array([0.0, paid]))


DAY = st.tuples(
    st.one_of(st.just(np.nan), st.floats(10.0, 1000.0)),
    st.one_of(st.just(0.0), st.floats(0.0, 9.0)),
    st.sampled_from([0.0, 0.0, 0.0, 1.0, 2.0, 10.0, 0.5]),
)


@given(st.lists(DAY, min_size=1, max_size=12))
def test_total_returns_are_those_of_a_reinvesting_holder(
    days: list[tuple[float, float, float]],
) -> None:
    close, dividends, splits = ([*column] for column in zip(*days, strict=True))
    first = next((n for n, price in enumerate(close) if not np.isnan(price)), 0)
    dividends = [0.0 if n <= first else paid for n, paid in enumerate(dividends)]
    splits = [0.0 if n <= first else ratio for n, ratio in enumerate(splits)]
    got = total_return_index(np.array(close), np.array(dividends), np.array(splits))
    wanted = slow_index(close, dividends, splits)
    np.testing.assert_allclose(got, wanted, rtol=IDENTITY)


def test_the_table_of_endings_is_the_catalogue_s() -> None:
    for line in universes.loader.load("ai-stack").lines.values():
        assert yahoo_symbol(line.symbol, line.mic) == line.symbol
        if line.mic in ENDINGS:
            assert yahoo_form(line.symbol, line.mic) == line.symbol


@pytest.mark.parametrize(
    ("written", "mic", "wanted"),
    [
        ("688256", "XSHG", "688256.SS"),
        ("002230.SZ", "XSHE", "002230.SZ"),
        ("700", "XHKG", "0700.HK"),
        ("5.HK", "XHKG", "0005.HK"),
        ("00700.HK", "XHKG", "0700.HK"),
        ("89988.HK", "XHKG", "89988.HK"),
        ("000660", "XKRX", "000660.KS"),
        ("035720", "XKOS", "035720.KQ"),
        ("BRK-B", "XNYS", "BRK-B"),
        ("SMSN.IL", "XLON", "SMSN.IL"),
    ],
)
def test_symbols_follow_the_exchange(written: str, mic: str, wanted: str) -> None:
    assert yahoo_symbol(written, mic) == wanted


def test_the_ending_of_another_exchange_is_refused() -> None:
    with pytest.raises(DataError, match=r"0700\.HK: the ending is of XHKG.*XSHG"):
        yahoo_symbol("0700.HK", "XSHG")
    with pytest.raises(DataError, match="no symbol"):
        yahoo_symbol(" ", "XHKG")


def test_a_history_is_kept_raw_with_its_moment(
    client: Client, yahoo: YahooServer
) -> None:
    before = np.datetime64(dt.datetime.now(dt.UTC).replace(tzinfo=None), "ns")
    yahoo.quotes["AAPL"] = Quote(
        bars=CLOSES,
        adjusted={DAYS[0]: 99.5},
        dividends={DAYS[2]: 0.5},
        splits={DAYS[3]: (4.0, 1.0)},
    )
    got = arrived(client, request())
    assert list(got.frame.columns) == [
        "open",
        "high",
        "low",
        "close",
        "adj_close",
        "volume",
    ]
    assert got.frame["close"].tolist() == list(CLOSES.values())
    assert got.frame["adj_close"].tolist()[:2] == [99.5, 102.0]
    assert got.frame.index.equals(pd.DatetimeIndex(DAYS).as_unit("ns"))
    assert got.frame.index.dtype == "datetime64[ns]"
    assert (got.frame.dtypes == np.float64).all()
    assert got.actions["kind"].tolist() == ["dividend", "split"]
    assert got.actions["value"].tolist() == [0.5, 4.0]
    assert got.actions["session"].dt.date.tolist() == [DAYS[2], DAYS[3]]
    assert got.currency == "USD"
    assert got.whole
    assert before <= got.fetched_utc
    assert yahoo.asked("AAPL") == 1


def test_a_missing_bar_stays_missing(client: Client, yahoo: YahooServer) -> None:
    yahoo.quotes["AAPL"] = Quote(
        bars=CLOSES | {DAYS[1]: None}, dividends={DAYS[1]: 1.0}
    )
    got = arrived(client, request())
    assert pd.Timestamp(DAYS[1]) not in got.frame.index
    assert len(got.frame) == 4
    assert got.actions["session"].dt.date.tolist() == [DAYS[1]]


def test_prices_that_are_not_positive_are_named(
    store: Store, client: Client, yahoo: YahooServer
) -> None:
    yahoo.quotes["AAPL"] = Quote(bars=CLOSES | {DAYS[1]: -1.0})
    prices = YahooPrices(store=store, client=client).load([AAPL], START, END)
    assert len(prices.frames["AAPL"]) == 4
    found = [one.what for one in prices.findings if one.severity == "warning"]
    assert "close is not a positive number on 1 sessions" in found
    # the store keeps what Yahoo gave
    assert -1.0 in store.panel("price.close")["AAPL"].tolist()


@pytest.mark.parametrize(
    ("mic", "now", "kept"),
    [
        ("XNAS", "2025-01-17T15:00", 4),
        ("XNAS", "2025-01-17T21:59", 4),
        ("XNAS", "2025-01-17T22:00", 5),
        ("XHKG", "2025-01-17T08:59", 4),
        ("XHKG", "2025-01-17T09:08", 5),
        ("", "2025-01-17T23:00", 4),
        ("", "2025-01-18T00:59", 4),
        ("", "2025-01-18T01:00", 5),
    ],
)
def test_a_bar_counts_an_hour_after_its_session(mic: str, now: str, kept: int) -> None:
    index = pd.DatetimeIndex(DAYS, name="session").as_unit("ns")
    frame = pd.DataFrame({"close": 1.0}, index=index)
    got, found = settled("X", frame, mic, np.datetime64(now, "ns"))
    assert len(got) == kept
    assert len(found) == 5 - kept


def test_a_half_day_settles_early_and_a_bar_without_session_at_midnight() -> None:
    # 24 December 2024 closed at 18:00 UTC in New York; the 25th was shut
    index = pd.DatetimeIndex(["2024-12-24", "2024-12-25"]).as_unit("ns")
    frame = pd.DataFrame({"close": 1.0}, index=index)
    for now, kept in (
        ("2024-12-24T18:59", 0),
        ("2024-12-24T19:00", 1),
        ("2024-12-26T00:59", 1),
        ("2024-12-26T01:00", 2),
    ):
        got, _ = settled("X", frame, "XNYS", np.datetime64(now, "ns"))
        assert len(got) == kept, now


def test_the_partial_last_bar_is_left_out_with_its_actions(
    client: Client, yahoo: YahooServer
) -> None:
    yahoo.quotes["AAPL"] = Quote(bars=CLOSES, dividends={END: 1.0})
    early = dataclasses.replace(
        client, now=lambda: np.datetime64("2025-01-17T15:00", "ns")
    )
    got = arrived(early, request())
    assert got.frame.index[-1].date() == DAYS[-2]
    assert got.actions.empty
    assert "had not been closed for an hour" in got.findings[0].what


def held(client: Client, until: int, splits: pd.Series = NO_SPLITS) -> Held:
    frame = arrived(client, request()).frame
    return Held(close=frame["close"].iloc[:until], splits=splits)


def test_only_what_is_new_is_asked_for(client: Client, yahoo: YahooServer) -> None:
    days = weekdays(dt.date(2025, 1, 13), 40)
    yahoo.quotes["AAPL"] = Quote(bars=dict.fromkeys(days, 10.0))
    before = held(client, 35)
    got = arrived(client, request(held=before))
    assert not got.whole
    assert got.frame.index[0].date() == days[34] - dt.timedelta(days=14)
    assert got.frame.index[-1].date() == days[-1]


@pytest.mark.parametrize("announced", [True, False])
def test_a_new_split_fetches_the_whole_history(
    client: Client, yahoo: YahooServer, announced: bool
) -> None:
    days = weekdays(dt.date(2025, 1, 13), 40)
    yahoo.quotes["AAPL"] = Quote(bars=dict.fromkeys(days, 40.0))
    before = held(client, 35)
    splits = {days[38]: (4.0, 1.0)} if announced else {}
    yahoo.quotes["AAPL"] = Quote(bars=dict.fromkeys(days, 10.0), splits=splits)
    got = arrived(client, request(held=before))
    assert got.whole
    assert len(got.frame) == 40
    words = "split 4 for 1 on 2025-03-06 is new" if announced else "0.25 times"
    assert words in got.findings[0].what


def test_when_a_history_is_out_of_date() -> None:
    index = pd.DatetimeIndex(DAYS)
    close = pd.Series(list(CLOSES.values()), index=index)
    split = pd.Series([2.0], index=index[1:2])
    frame = pd.DataFrame({"close": close})
    known = Held(close=close, splits=split)
    corrected = frame.assign(close=close.where(index != index[2], 150.0))
    for fresh, splits, reason in (
        (frame, split, ""),
        (frame, NO_SPLITS, ""),
        (frame, split * 2.0, "split of 2025-01-14 is 4, was 2 for 1"),
        (frame, split.set_axis(index[2:3]), "split 2 for 1 on 2025-01-15 is new"),
        (frame / 2.0, split, "all closes are 0.5 times what is held"),
        (frame * 1.0005, split, ""),
        (corrected, split, ""),
        (frame.iloc[:0], split, "nothing overlaps what is held"),
    ):
        assert refetch_reason(known, fresh, splits) == reason


def adjusted(dividends: dict[dt.date, float]) -> dict[dt.date, float]:
    """Return adjusted closes as Yahoo publishes them, each day from the next."""
    values = dict(CLOSES)
    for ex_day, paid in dividends.items():
        last = max(day for day in DAYS if day < ex_day)
        for day in DAYS:
            if day < ex_day:
                values[day] *= 1.0 - paid / CLOSES[last]
    return values


def test_our_total_return_is_yahoo_s(
    store: Store, client: Client, yahoo: YahooServer
) -> None:
    paid = {DAYS[1]: 0.5, DAYS[3]: 2.0}
    yahoo.quotes["AAPL"] = Quote(bars=CLOSES, dividends=paid, adjusted=adjusted(paid))
    prices = YahooPrices(store=store, client=client).load(
        [line("AAPL", "XNAS", "USD")], START, END
    )
    np.testing.assert_allclose(
        prices.frames["AAPL"]["adj_close"], list(adjusted(paid).values()), rtol=IDENTITY
    )
    assert prices.findings == ()


def found_by(
    store: Store, client: Client, quote: Quote, yahoo: YahooServer
) -> list[tuple[str, str]]:
    yahoo.quotes["AAPL"] = quote
    prices = YahooPrices(store=store, client=client).load(
        [line("AAPL", "XNAS", "USD")], START, END
    )
    return [(one.severity, one.what) for one in prices.findings]


def test_a_dividend_that_yahoo_forgot_is_named(
    store: Store, client: Client, yahoo: YahooServer
) -> None:
    quote = Quote(bars=CLOSES, adjusted=adjusted({DAYS[3]: 2.0}))
    ((severity, what),) = found_by(store, client, quote, yahoo)
    assert severity == "warning"
    assert "differ on 1 sessions, first 2025-01-16" in what


def test_dividends_in_another_currency_are_named(
    store: Store, client: Client, yahoo: YahooServer
) -> None:
    paid = {DAYS[3]: 2.0}
    quote = Quote(
        bars=CLOSES, dividends=paid, adjusted=adjusted(paid), dividend_currency="CNY"
    )
    ((severity, what),) = found_by(store, client, quote, yahoo)
    assert (severity, what) == ("error", "dividends in CNY on prices in USD")


def test_a_split_that_yahoo_did_not_apply_is_named(
    store: Store, client: Client, yahoo: YahooServer
) -> None:
    raw = dict(zip(DAYS, (100.0, 102.0, 25.0, 26.0, 25.5), strict=True))
    quote = Quote(bars=raw, splits={DAYS[2]: (4.0, 1.0)})
    ((severity, what),) = found_by(store, client, quote, yahoo)
    assert severity == "error"
    assert "before 2025-01-15 do not look divided by its split of 4 for 1" in what


def test_capital_gains_of_a_fund_are_named(
    store: Store, client: Client, yahoo: YahooServer
) -> None:
    quote = Quote(bars=CLOSES, kind="ETF", gains={DAYS[2]: 1.0})
    ((severity, what),) = found_by(store, client, quote, yahoo)
    assert severity == "info"
    assert "1 capital gains" in what


def test_nothing_after_the_end_is_seen(
    store: Store, client: Client, yahoo: YahooServer
) -> None:
    quote = Quote(bars=CLOSES, dividends={DAYS[3]: 2.0})
    yahoo.quotes["AAPL"] = quote
    wanted = [line("AAPL", "XNAS", "USD")]
    cut = YahooPrices(store=store, client=client).load(wanted, START, DAYS[2])
    assert cut.frames["AAPL"].index[-1].date() == DAYS[2]
    assert cut.frames["AAPL"]["adj_close"].tolist() == [100.0, 102.0, 101.0]
    earlier = {day: close for day, close in CLOSES.items() if day <= DAYS[2]}
    yahoo.quotes["AAPL"] = Quote(bars=earlier)
    other = Store(store.folder.with_name("other"))
    again = YahooPrices(store=other, client=client).load(wanted, START, DAYS[2])
    assert again.origin.digest == cut.origin.digest


def test_rates_are_closes_of_london_days(
    store: Store, client: Client, yahoo: YahooServer
) -> None:
    rates = dict.fromkeys(DAYS, 7.8)
    yahoo.quotes["0700.HK"] = Quote(bars=CLOSES, currency="HKD", zone="Asia/Hong_Kong")
    for pair in ("HKD", "EUR"):
        yahoo.quotes[f"{pair}=X"] = Quote(
            bars=rates, currency=pair, zone="Europe/London", kind="CURRENCY"
        )
    source = YahooPrices(store=store, client=client, base="EUR")
    prices = source.load([line("0700.HK", "XHKG", "HKD")], START, END)
    assert sorted(prices.fixings) == ["EUR", "HKD"]
    fixed = prices.fixings["HKD"]
    assert fixed.per_usd.tolist() == [7.8] * 5
    assert fixed.fixed_utc[0] == np.datetime64("2025-01-13T23:59", "ns")
    assert prices.origin.name == "yahoo"
    assert not prices.origin.simulated


def test_files_with_the_same_numbers_give_the_same_market(
    store: Store, client: Client, yahoo: YahooServer, tmp_path: Path
) -> None:
    paid = {DAYS[3]: 2.0}
    yahoo.quotes["AAPL"] = Quote(bars=CLOSES, dividends=paid, adjusted=adjusted(paid))
    yahoo.quotes["0700.HK"] = Quote(bars=CLOSES, currency="HKD", zone="Asia/Hong_Kong")
    yahoo.quotes["HKD=X"] = Quote(
        bars=dict.fromkeys(DAYS, 7.8), currency="HKD", zone="Europe/London"
    )
    lines = [line("AAPL", "XNAS", "USD"), line("0700.HK", "XHKG", "HKD")]
    prices = YahooPrices(store=store, client=client).load(lines, START, END)
    for symbol, frame in prices.frames.items():
        frame.rename_axis("date").to_csv(tmp_path / f"{symbol}.csv")
    rates = pd.Series(
        prices.fixings["HKD"].per_usd, pd.DatetimeIndex(DAYS, name="date")
    )
    rates.to_frame("close").to_csv(tmp_path / "HKD=X.csv")
    (tmp_path / "folder.toml").write_text(
        '[fx]\npairs = ["HKD=X"]\nfix = "23:59"\ntimezone = "Europe/London"\n'
    )
    files = FolderPrices(tmp_path).load(lines, START, END)
    nothing = pd.DataFrame(columns=list(COLUMNS)).astype({"known_at": "datetime64[ns]"})
    none = SignalData(
        signals=Signals(observations=nothing, roles={}),
        origin=Origin(name="none", simulated=False, digest=""),
    )
    one, other = (
        assemble(lines, given, none, home="XNYS", base="USD", start=START, end=END)
        for given in (prices, files)
    )
    for mic, bars in one.bars.items():
        pd.testing.assert_frame_equal(bars.price, other.bars[mic].price, rtol=0, atol=0)
        pd.testing.assert_frame_equal(bars.open, other.bars[mic].open, rtol=0, atol=0)
    pd.testing.assert_frame_equal(one.home.fx, other.home.fx, rtol=0, atol=0)


def test_the_page_says_what_the_code_does(root: Path) -> None:
    page = (root / "docs" / "yahoo.md").read_text(encoding="utf-8")
    patience = Patience()
    waits = [min(patience.longest_s, patience.first_s * 2.0**n) for n in range(4)]
    for said in (
        "a wait of {:g} s, then {:g}, {:g} and {:g}".format(*waits),
        f"at most {patience.longest_s:g}, times",
        f"after {patience.attempts} attempts",
        f"After {patience.give_up_after} bad answers in a row",
        f"At most {AT_ONCE} lines",
        f"counts for {WEIGHT['network']} of the {patience.give_up_after}",
        *(f"`{name}`" for name in CERTIFICATES),
        f"with {OVERLAP.days} days of overlap",
        f"differ by more than {SAME_RETURN:g}",
        f"{FX_FIX.fix:%H:%M} in London",
        *(f"| {mic} | `{ending}`" for mic, ending in ENDINGS.items()),
    ):
        assert said in page, said


def test_importing_the_source_does_not_import_yfinance() -> None:
    told = "import sys, engine.sources.yahoo.fetch; print('yfinance' in sys.modules)"
    ran = subprocess.run(
        [sys.executable, "-c", told], capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "False"
