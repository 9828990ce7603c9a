"""Yahoo when it is unwell: the real yfinance client against a server here."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from curl_cffi import requests as curl

from engine.errors import DataError
from engine.market.listing import Line
from engine.sources.store.store import Store
from engine.sources.stored.prices import YAHOO, StoredPrices, read_lines
from engine.sources.yahoo.client import Client, Missed, Request
from engine.sources.yahoo.fetch import Arrival, fetch
from engine.sources.yahoo.patience import Breaker, Patience
from engine.sources.yahoo.prices import YahooPrices
from tests.yahoo_server import (
    LIMITED,
    Answer,
    Quote,
    YahooServer,
    forget_everything,
    loopback_session,
    serve,
    weekdays,
)

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:yfinance")

DAYS = weekdays(dt.date(2025, 1, 6), 10)
START = DAYS[0]
CLOSES = {day: 100.0 + n for n, day in enumerate(DAYS)}
QUOTE = Quote(bars=CLOSES)
NAMES = [f"L{n}" for n in range(10)]


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    forget_everything()
    yield
    forget_everything()


@pytest.fixture
def yahoo() -> Iterator[YahooServer]:
    with serve({"AAPL": QUOTE} | dict.fromkeys(NAMES, QUOTE)) as server:
        yield server


@pytest.fixture
def client(yahoo: YahooServer) -> Iterator[Client]:
    with loopback_session(yahoo) as session:
        yield Client(session=session)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def request(symbol: str = "AAPL") -> Request:
    return Request(symbol=symbol, mic="XNAS", currency="USD", start=START)


def line(symbol: str = "AAPL", mic: str = "XNAS", currency: str = "USD") -> Line:
    return Line(symbol=symbol, entity=symbol, mic=mic, currency=currency)


class Waits:
    """A patience that only notes how long it would have waited."""

    def __init__(self, **settings: int) -> None:
        self.seconds: list[float] = []
        self.lock = threading.Lock()
        self.patience = dataclasses.replace(Patience(pause=self.pause), **settings)

    def pause(self, seconds: float, stop: threading.Event) -> None:
        with self.lock:
            self.seconds.append(seconds)


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


BAD = {
    "429": (LIMITED, "rate_limit", "limits how often"),
    "999": (Answer(status=999, body="x"), "rate_limit", "HTTP 999"),
    "500": (Answer(status=500, body="{}"), "server", "HTTP 500"),
    "502 page": (
        Answer(status=502, body="<html>", content_type="text/html"),
        "server",
        "HTTP 502",
    ),
    "truncated": (Answer(body='{"chart": {"result": [{"me'), "garbled", "breaks off"),
    "cut off": (
        Answer(body='{"chart"', announced=5000),
        "network",
        "cannot be reached",
    ),
    "page": (
        Answer(body="<html>maintenance</html>", content_type="text/html"),
        "garbled",
        "text/html in place of JSON",
    ),
    "list": (Answer(body="[]"), "garbled", "not an object"),
    "empty object": (Answer(body='{"chart": {}}'), "garbled", "lacks"),
    "forbidden": (Answer(status=403, body="{}"), "server", "HTTP 403"),
}


@pytest.mark.parametrize("case", BAD)
def test_each_bad_answer_has_its_name(
    client: Client, yahoo: YahooServer, case: str
) -> None:
    answer, kind, words = BAD[case]
    yahoo.always["AAPL"] = answer
    got = client.line(request())
    assert isinstance(got, Missed), got
    assert got.kind == kind, got
    assert words in got.what
    assert got.what.startswith("AAPL: ")


@pytest.mark.parametrize("case", BAD)
def test_a_bad_answer_is_not_remembered(
    client: Client, yahoo: YahooServer, case: str
) -> None:
    yahoo.faults["AAPL"] = [BAD[case][0]] * 2
    waits = Waits()
    harvest = fetch(client, [request()], patience=waits.patience, rng=rng())
    assert [one.symbol for one in harvest.arrived] == ["AAPL"]
    assert harvest.arrived[0].frame["close"].tolist() == list(CLOSES.values())


def test_a_late_answer_is_a_time_out(yahoo: YahooServer) -> None:
    yahoo.always["AAPL"] = Answer(late=30.0)
    with loopback_session(yahoo) as session:
        got = Client(session=session, timeout_s=0.2).line(request())
    assert isinstance(got, Missed)
    assert (got.kind, got.what) == (
        "timeout",
        "AAPL: no answer from Yahoo within 0.2 s",
    )


def test_nobody_listens(yahoo: YahooServer) -> None:
    with serve({}) as gone, loopback_session(gone) as session:
        pass
    with loopback_session(gone) as session:
        got = Client(session=session).line(request())
    assert isinstance(got, Missed)
    assert got.kind == "network"


def test_an_unknown_symbol_is_said_once(client: Client, yahoo: YahooServer) -> None:
    harvest = fetch(client, [request("NOPE")], patience=Waits().patience, rng=rng())
    (missed,) = harvest.missed
    assert missed.kind == "unknown"
    assert "Yahoo knows no such symbol (No data found" in missed.what
    assert yahoo.asked("NOPE") == 1


def test_a_delisted_line_has_no_prices(client: Client, yahoo: YahooServer) -> None:
    yahoo.quotes["GONE"] = Quote(bars={})
    yahoo.always["OLD"] = Answer(
        status=400,
        body='{"chart": {"result": null, "error": {"code": "Bad Request", '
        '"description": "Data doesn\'t exist for startDate"}}}',
    )
    for symbol, words in (("GONE", "perhaps delisted"), ("OLD", "Data doesn't exist")):
        got = client.line(request(symbol))
        assert isinstance(got, Missed)
        assert got.kind == "no_data", got
        assert words in got.what


def test_a_line_of_blank_bars_has_no_prices(client: Client, yahoo: YahooServer) -> None:
    yahoo.quotes["BLANK"] = Quote(bars=dict.fromkeys(DAYS))
    got = client.line(request("BLANK"))
    assert isinstance(got, Missed)
    assert got.kind == "no_data"


@pytest.mark.parametrize(
    ("quoted", "declared", "words"),
    [
        ("HKD", "CNY", "quotes it in HKD, the universe declares CNY"),
        ("GBp", "GBP", "GBp, hundredths of the GBP declared"),
    ],
)
def test_another_currency_than_declared_is_refused(
    client: Client, yahoo: YahooServer, quoted: str, declared: str, words: str
) -> None:
    yahoo.quotes["AAPL"] = Quote(bars=CLOSES, currency=quoted)
    got = client.line(dataclasses.replace(request(), currency=declared))
    assert isinstance(got, Missed)
    assert got.kind == "currency"
    assert words in got.what


def test_back_off_doubles_with_jitter(client: Client, yahoo: YahooServer) -> None:
    yahoo.faults["AAPL"] = [LIMITED] * 4
    waits = Waits(attempts=5)
    harvest = fetch(client, [request()], patience=waits.patience, rng=rng())
    assert len(harvest.arrived) == 1
    assert yahoo.asked("AAPL") == 5
    for waited, middle in zip(waits.seconds, (2.0, 4.0, 8.0, 16.0), strict=True):
        assert 0.5 * middle <= waited < 1.5 * middle
    assert len({s / m for s, m in zip(waits.seconds, (2, 4, 8, 16), strict=True)}) == 4


def test_a_wait_is_never_longer_than_the_longest() -> None:
    patience = Patience(longest_s=30.0)
    draws = [patience.seconds(20, np.random.default_rng(n)) for n in range(200)]
    assert max(draws) < 45.0
    assert min(draws) >= 15.0


def test_429_for_ever_opens_the_circuit(client: Client, yahoo: YahooServer) -> None:
    yahoo.always = dict.fromkeys(NAMES, LIMITED)
    waits = Waits(give_up_after=6)
    harvest = fetch(
        client, [request(name) for name in NAMES], patience=waits.patience, rng=rng()
    )
    assert not harvest.arrived
    assert len(harvest.missed) == len(NAMES)
    assert len(yahoo.charts) <= 7  # one may have been under way
    kinds = [one.kind for one in harvest.missed]
    assert set(kinds) == {"rate_limit", "not_asked"}
    assert kinds.count("rate_limit") <= 3


def test_a_good_answer_closes_the_count() -> None:
    breaker = Breaker(limit=3)
    for bad in (1, 1, 0, 1, 1):
        breaker.note(bad)
    assert not breaker.open
    breaker.note(1)
    assert breaker.open
    breaker.note(0)
    assert breaker.open


def test_an_unknown_symbol_does_not_open_the_circuit(
    client: Client, yahoo: YahooServer
) -> None:
    asked = [request(f"NOPE{n}") for n in range(6)] + [request()]
    waits = Waits(give_up_after=3)
    harvest = fetch(client, asked, patience=waits.patience, rng=rng())
    assert [one.symbol for one in harvest.arrived] == ["AAPL"]
    assert not waits.seconds


def test_at_most_two_are_asked_for_at_once(client: Client, yahoo: YahooServer) -> None:
    both = threading.Barrier(2, timeout=10)
    yahoo.on_chart = lambda symbol: both.wait() and None  # each waits for a second
    fetch(client, [request(n) for n in NAMES], patience=Waits().patience, rng=rng())
    assert yahoo.most_at_once == 2


def test_progress_is_told_of_every_line_in_the_caller_s_thread(
    client: Client, yahoo: YahooServer
) -> None:
    told: list[tuple[str, int, int]] = []

    def progress(arrival: Arrival, done: int, total: int) -> None:
        assert threading.current_thread() is threading.main_thread()
        told.append((arrival.symbol, done, total))

    asked = [request(name) for name in (*NAMES, "NOPE")]
    fetch(client, asked, patience=Waits().patience, rng=rng(), progress=progress)
    assert sorted(name for name, _, _ in told) == sorted([*NAMES, "NOPE"])
    assert [(done, total) for _, done, total in told] == [(n, 11) for n in range(1, 12)]


def test_ctrl_c_keeps_what_arrived_and_the_next_call_goes_on(
    store: Store, client: Client, yahoo: YahooServer
) -> None:
    def interrupt(symbol: str) -> None:
        if symbol == NAMES[4]:
            os.kill(os.getpid(), signal.SIGINT)
        elif symbol in NAMES[5:]:
            yahoo.released.wait(0.5)  # the main thread needs a moment to notice

    yahoo.on_chart = interrupt
    told: list[str] = []
    source = YahooPrices(
        store=store,
        client=client,
        patience=Waits().patience,
        progress=lambda arrival, done, total: told.append(arrival.symbol),
    )
    lines = [line(name) for name in NAMES]
    with pytest.raises(KeyboardInterrupt):
        source.load(lines, START, DAYS[-1])
    kept = set(read_lines(store, NAMES, source=YAHOO))
    assert 4 <= len(kept) < len(NAMES)
    assert kept == set(told)
    yahoo.on_chart = lambda symbol: None
    prices = source.load(lines, START, DAYS[-1])
    assert list(prices.frames) == NAMES
    assert all(yahoo.asked(name) == 1 for name in kept)


def test_ctrl_c_ends_a_long_wait(client: Client, yahoo: YahooServer) -> None:
    yahoo.always["AAPL"] = LIMITED
    waiting = threading.Event()
    told: list[str] = []

    def pause(seconds: float, stop: threading.Event) -> None:
        waiting.set()
        assert stop.wait(60.0), "nobody stopped the wait"

    def progress(arrival: Arrival, done: int, total: int) -> None:
        told.append(arrival.symbol)
        if told == ["L1"]:
            waiting.wait(10.0)
            raise KeyboardInterrupt

    harvest = fetch(
        client,
        [request(), request("L1")],
        patience=Patience(pause=pause),
        rng=rng(),
        progress=progress,
    )
    assert harvest.interrupted
    assert [one.symbol for one in harvest.arrived] == ["L1"]
    assert sorted(told) == ["AAPL", "L1", "L1"]  # what was interrupted is told again
    assert [one.kind for one in harvest.missed] == ["rate_limit"]
    assert yahoo.asked("AAPL") == 1


def test_load_says_what_did_not_come_and_keeps_the_rest(
    store: Store, client: Client, yahoo: YahooServer
) -> None:
    yahoo.always["L1"] = Answer(status=503, body="busy")
    source = YahooPrices(
        store=store, client=client, patience=Waits(attempts=2).patience
    )
    with pytest.raises(DataError, match=r"1 of 2 lines did not come: L1: .*HTTP 503"):
        source.load([line("L0"), line("L1")], START, DAYS[-1])
    yahoo.always.clear()
    assert set(source.load([line("L0"), line("L1")], START, DAYS[-1]).frames) == {
        "L0",
        "L1",
    }
    assert yahoo.asked("L0") == 1


def test_load_leaves_out_and_names_what_yahoo_does_not_have(
    store: Store, client: Client, yahoo: YahooServer
) -> None:
    yahoo.quotes["0700.HK"] = Quote(bars=CLOSES, currency="HKD", zone="Asia/Hong_Kong")
    yahoo.quotes["CNY=X"] = Quote(bars=CLOSES, currency="CNY", zone="Europe/London")
    source = YahooPrices(store=store, client=client, patience=Waits().patience)
    lines = [line(), line("NOPE"), line("0700.HK", "XHKG", "CNY")]
    found = {one.where: one for one in source.gather(lines, START, DAYS[-1]).findings}
    prices = StoredPrices(store=store).load(lines, START, DAYS[-1])
    assert list(prices.frames) == ["AAPL"]
    assert [one.where for one in prices.findings] == ["NOPE", "0700.HK"]
    assert found["NOPE"].severity == "warning"
    assert found["0700.HK"].severity == "error"
    assert "declares CNY" in found["0700.HK"].what


def test_load_with_nothing_at_all_is_one_message(store: Store, client: Client) -> None:
    source = YahooPrices(store=store, client=client, patience=Waits().patience)
    with pytest.raises(DataError, match="no price from yahoo of any of 1 lines; "):
        source.load([line("NOPE")], START, DAYS[-1])


def test_a_calendar_that_ends_is_said(client: Client, yahoo: YahooServer) -> None:
    late = weekdays(dt.date(2026, 12, 30), 4)
    yahoo.quotes["688256.SS"] = Quote(
        bars=dict.fromkeys(late, 10.0), currency="CNY", zone="Asia/Shanghai"
    )
    # yfinance asks up to its own present; the server tells of a later one
    chart = yahoo.quotes["688256.SS"].chart
    yahoo.always["688256.SS"] = Answer(body=json.dumps(chart("688256.SS", 0, 4e9)))
    later = dataclasses.replace(
        client, session=client.session, now=lambda: np.datetime64("2027-01-03T12", "ns")
    )
    asked = Request(symbol="688256.SS", mic="XSHG", currency="CNY", start=START)
    got = later.line(asked)
    assert isinstance(got, Missed)
    assert got.kind == "calendar"
    assert "covers 2015-01-01 to 2026-12-31" in got.what


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl on this machine")
    made, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    names = "subjectAltName=DNS:*.yahoo.com,DNS:*.finance.yahoo.com"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-nodes", "-days", "2"]
    command += ["-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", "/CN=loopback"]
    command += ["-addext", names, "-keyout", str(key), "-out", str(made)]
    subprocess.run(command, check=True, capture_output=True)
    return made, key


def test_the_browser_session_goes_the_same_way(certificate: tuple[Path, Path]) -> None:
    quotes = {"AAPL": QUOTE, "L1": QUOTE}
    with serve(quotes, certificate=certificate) as yahoo:
        proxy = f"http://127.0.0.1:{yahoo.port}"
        with curl.Session(
            impersonate="chrome",
            verify=str(certificate[0]),
            proxies={"http": proxy, "https": proxy},
        ) as session:
            client = Client(session=session, timeout_s=5.0)
            yahoo.faults["AAPL"] = [LIMITED, Answer(body='{"chart"', announced=5000)]
            waits = Waits()
            harvest = fetch(
                client,
                [request(), request("L1"), request("NOPE")],
                patience=waits.patience,
                rng=rng(),
            )
            yahoo.always["L1"] = Answer(late=30.0)
            late = Client(session=session, timeout_s=0.2).line(request("L1"))
    assert [one.symbol for one in harvest.arrived] == ["AAPL", "L1"]
    assert harvest.arrived[0].frame["close"].tolist() == list(CLOSES.values())
    assert [one.kind for one in harvest.missed] == ["unknown"]
    assert len(waits.seconds) == 2
    assert isinstance(late, Missed)
    assert late.kind == "timeout"
    assert any("Chrome" in agent for agent in yahoo.agents)
