"""A server on the loopback interface that speaks Yahoo's chart JSON."""

from __future__ import annotations

import datetime as dt
import json
import ssl
import threading
import urllib.parse
import zoneinfo
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from engine.sources.yahoo.client import client_library

OPENS = dt.time(9, 30)
#: What Yahoo says of a symbol that it does not know.
UNKNOWN = "No data found, symbol may be delisted"


@dataclass(frozen=True, kw_only=True)
class Quote:
    """A line as the server tells it: None is a bar that Yahoo lacks."""

    bars: Mapping[dt.date, float | None]
    zone: str = "America/New_York"
    currency: str = "USD"
    kind: str = "EQUITY"
    adjusted: Mapping[dt.date, float] = field(default_factory=dict)
    dividends: Mapping[dt.date, float] = field(default_factory=dict)
    splits: Mapping[dt.date, tuple[float, float]] = field(default_factory=dict)
    gains: Mapping[dt.date, float] = field(default_factory=dict)
    dividend_currency: str = ""

    def chart(self, symbol: str, low: float, high: float) -> dict[str, Any]:
        """Return the chart JSON of the bars that begin in [low, high)."""
        shown = {
            day: close for day, close in self.bars.items() if low <= self.at(day) < high
        }
        result: dict[str, Any] = {"meta": self.meta(symbol)}
        quote, adjusted = {}, {}
        if shown:
            result["timestamp"] = [self.at(day) for day in shown]
            closes = list(shown.values())
            for name, factor in (("open", 0.99), ("high", 1.01), ("low", 0.98)):
                quote[name] = [c and c * factor for c in closes]
            quote["close"] = closes
            quote["volume"] = [None if c is None else 1000 for c in closes]
            adjusted["adjclose"] = [
                self.adjusted.get(day, c) for day, c in shown.items()
            ]
        result["indicators"] = {"quote": [quote], "adjclose": [adjusted]}
        if events := self.events(low, high):
            result["events"] = events
        return {"chart": {"result": [result], "error": None}}

    def at(self, day: dt.date) -> int:
        """Return the second at which the day's bar begins."""
        zone = zoneinfo.ZoneInfo(self.zone)
        return int(dt.datetime.combine(day, OPENS, zone).timestamp())

    def events(self, low: float, high: float) -> dict[str, Any]:
        extra = {"currency": self.dividend_currency} if self.dividend_currency else {}
        told = {
            "dividends": {
                self.at(day): {"amount": paid, "date": self.at(day)} | extra
                for day, paid in self.dividends.items()
            },
            "splits": {
                self.at(day): {"date": self.at(day), "numerator": n, "denominator": m}
                for day, (n, m) in self.splits.items()
            },
            "capitalGains": {
                self.at(day): {"amount": paid, "date": self.at(day)}
                for day, paid in self.gains.items()
            },
        }
        cut = {
            kind: {str(at): one for at, one in ones.items() if low <= at < high}
            for kind, ones in told.items()
        }
        return {kind: ones for kind, ones in cut.items() if ones}

    def meta(self, symbol: str) -> dict[str, Any]:
        period = {"timezone": "XXX", "start": 0, "end": 1, "gmtoffset": 0}
        return {
            "currency": self.currency,
            "symbol": symbol,
            "exchangeName": "XXX",
            "instrumentType": self.kind,
            "firstTradeDate": 0,
            "gmtoffset": 0,
            "timezone": "XXX",
            "exchangeTimezoneName": self.zone,
            "priceHint": 2,
            "dataGranularity": "1d",
            "range": "",
            "validRanges": ["1d", "5d", "1mo", "1y", "max"],
            "currentTradingPeriod": dict.fromkeys(("pre", "regular", "post"), period),
        }


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An answer other than the chart; `late` seconds after it was asked for."""

    status: int = 200
    body: str = ""
    content_type: str = "application/json"
    late: float = 0.0
    announced: int | None = None


LIMITED = Answer(status=429, body="Too Many Requests\r\n", content_type="text/plain")


class YahooServer:
    """Answers for the quotes; `faults` maps a symbol to the answers that come first.

    An answer in `always` comes every time. `charts` lists the chart requests, `hosts`
    every host asked for. `on_chart` is called before each chart is told.
    """

    def __init__(self, quotes: Mapping[str, Quote]) -> None:
        self.quotes = dict(quotes)
        self.faults: dict[str, list[Answer]] = {}
        self.always: dict[str, Answer] = {}
        self.charts: list[tuple[str, dict[str, str]]] = []
        self.hosts: set[str] = set()
        self.agents: set[str] = set()
        self.on_chart: Callable[[str], None] = lambda symbol: None
        self.most_at_once = 0
        self.under_way = 0
        self.lock = threading.Lock()
        self.released = threading.Event()
        self.tls: ssl.SSLContext | None = None
        self.port = 0

    def asked(self, symbol: str) -> int:
        """Return how often a symbol's chart was asked for."""
        return sum(name == symbol for name, _ in self.charts)

    def answer(self, symbol: str, query: dict[str, str]) -> Answer:
        """Return the answer to a chart request."""
        self.on_chart(symbol)
        with self.lock:
            self.charts.append((symbol, query))
            if self.faults.get(symbol):
                return self.faults[symbol].pop(0)
        if symbol in self.always:
            return self.always[symbol]
        if symbol not in self.quotes:
            error = {"code": "Not Found", "description": UNKNOWN}
            body = {"chart": {"result": None, "error": error}}
            return Answer(status=404, body=json.dumps(body))
        low, high = float(query.get("period1", 0)), float(query.get("period2", 4e9))
        return Answer(body=json.dumps(self.quotes[symbol].chart(symbol, low, high)))


def _handler(yahoo: YahooServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: object) -> None:
            pass

        def do_GET(self) -> None:
            place = urllib.parse.urlsplit(self.path)
            host = (self.headers.get("host") or "").split(":")[0]
            yahoo.hosts.add(host)
            yahoo.agents.add(self.headers.get("user-agent") or "")
            if host == "fc.yahoo.com":
                cookie = "A3=x; Domain=.yahoo.com; Path=/; Max-Age=31536000"
                self.send(Answer(status=404, content_type="text/html"), cookie)
            elif place.path == "/v1/test/getcrumb":
                self.send(Answer(body="crumb", content_type="text/plain"))
            elif place.path.startswith("/v8/finance/chart/"):
                symbol = urllib.parse.unquote(place.path.rsplit("/", 1)[1])
                self.chart(symbol, dict(urllib.parse.parse_qsl(place.query)))
            else:
                self.send(Answer(status=404, body="{}"))

        def chart(self, symbol: str, query: dict[str, str]) -> None:
            with yahoo.lock:
                yahoo.under_way += 1
                yahoo.most_at_once = max(yahoo.most_at_once, yahoo.under_way)
            answer = yahoo.answer(symbol, query)
            if answer.late:
                yahoo.released.wait(answer.late)
            with yahoo.lock:
                yahoo.under_way -= 1
            self.send(answer)

        def send(self, answer: Answer, cookie: str = "") -> None:
            body = answer.body.encode()
            try:
                self.send_response(answer.status)
                self.send_header("content-type", answer.content_type)
                length = len(body) if answer.announced is None else answer.announced
                self.send_header("content-length", str(length))
                if cookie:
                    self.send_header("set-cookie", cookie)
                self.end_headers()
                self.wfile.write(body)
                if answer.announced is not None:
                    self.close_connection = True
            except OSError:  # the client has given up waiting
                self.close_connection = True

        def do_CONNECT(self) -> None:
            assert yahoo.tls is not None
            self.send_response(200, "Connection established")
            self.end_headers()
            self.connection = yahoo.tls.wrap_socket(self.connection, server_side=True)
            self.rfile = self.connection.makefile("rb", -1)
            self.wfile = self.connection.makefile("wb", 0)
            self.close_connection = False

        def finish(self) -> None:
            super().finish()
            if isinstance(self.connection, ssl.SSLSocket):
                self.connection.close()

    return Handler


@contextmanager
def serve(
    quotes: Mapping[str, Quote], *, certificate: tuple[Path, Path] | None = None
) -> Iterator[YahooServer]:
    """Run a server of the quotes; with a certificate it is an HTTPS proxy too."""
    yahoo = YahooServer(quotes)
    if certificate:
        yahoo.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        yahoo.tls.load_cert_chain(*certificate)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(yahoo))
    server.daemon_threads = True
    yahoo.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield yahoo
    finally:
        yahoo.released.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Rewriting(HTTPAdapter):
    """Sends what is meant for Yahoo to the loopback server; refuses anything else."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.port = port

    def send(self, request: Any, *args: Any, **options: Any) -> Any:
        meant = request.url
        host = urllib.parse.urlsplit(meant).netloc
        assert host.endswith("yahoo.com"), host
        request.headers["Host"] = host
        request.url = meant.replace(f"https://{host}", f"http://127.0.0.1:{self.port}")
        answer = super().send(request, *args, **options)
        answer.url = meant
        return answer


@contextmanager
def loopback_session(yahoo: YahooServer) -> Iterator[requests.Session]:
    """Give a requests session whose every HTTPS request goes to the server."""
    with requests.Session() as session:
        session.trust_env = False
        session.mount("https://", _Rewriting(yahoo.port))
        yield session


def forget_everything() -> None:
    """Make yfinance forget its session, cookies and cached answers."""
    client_library()  # first, for it keeps yfinance's filter of warnings out
    from yfinance import data

    data.SingletonMeta._instances.clear()
    data.YfData.cache_get.cache_clear()


def weekdays(first: dt.date, count: int) -> Sequence[dt.date]:
    """Return so many weekdays from `first`."""
    days = (first + dt.timedelta(days=n) for n in range(2 * count + 7))
    return [day for day in days if day.weekday() < 5][:count]
