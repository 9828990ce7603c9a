"""The real command line against the loopback server, in another process.

The server is an HTTPS proxy with a throw-away certificate, so that a command reaches it
as it reaches Yahoo: by the variables of its environment.
"""

from __future__ import annotations

import csv
import datetime as dt
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine.sources.store import Store
from engine.sources.store_rows import SAYING
from engine.sources.yahoo_returns import total_return_index
from engine.sources.yahoo_symbols import ENDINGS
from tests.yahoo_server import Quote, YahooServer

ROOT = Path(__file__).resolve().parents[1]
#: Variables that say how to reach a server, or whom to trust.
NETWORK = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
TRUST = ("CURL_CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
ZONES = {
    "HKD": "Asia/Hong_Kong",
    "CNY": "Asia/Shanghai",
    "KRW": "Asia/Seoul",
    "USD": "America/New_York",
}
#: Dividends implied by adjusted closes of single precision; below this is rounding.
IMPLIED = 1e-5


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """Return a certificate of Yahoo's names and its key; skips without openssl."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl on this machine")
    folder.mkdir(parents=True, exist_ok=True)
    made, key = folder / "certificate.pem", folder / "key.pem"
    names = "subjectAltName=DNS:*.yahoo.com,DNS:*.finance.yahoo.com"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-nodes", "-days", "2"]
    command += ["-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", "/CN=loopback"]
    command += ["-addext", names, "-keyout", str(key), "-out", str(made)]
    subprocess.run(command, check=True, capture_output=True)
    return made, key


def environment(port: int, certificate: Path, home: Path) -> dict[str, str]:
    """Return the environment in which a command reaches the proxy at `port`."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name.lower() not in NETWORK and name not in TRUST
    }
    return kept | {
        "HTTPS_PROXY": f"http://127.0.0.1:{port}",
        "CURL_CA_BUNDLE": str(certificate),
        "ASSAY_HOME": str(home),
        "PYTHONPATH": str(ROOT),
        "OPENBLAS_NUM_THREADS": "1",  # small matrices: threads only cost
    }


class Console:
    """A folder in which real commands are run, with a store and a way to Yahoo."""

    def __init__(self, folder: Path, port: int, certificate: Path, home: Path) -> None:
        self.folder = folder
        self.home = home
        self.environment = environment(port, certificate, home)

    @property
    def store(self) -> Store:
        """The store of the commands, as this process reads it."""
        return Store(self.home / "store")

    def start(self, *arguments: object) -> subprocess.Popen[str]:
        """Start ``assay ARGUMENTS``."""
        return subprocess.Popen(
            [sys.executable, "-m", "engine.cli", *map(str, arguments)],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def ends(self, *arguments: object) -> tuple[int, str, str]:
        """Run ``assay ARGUMENTS``; return its exit code, stdout and stderr."""
        with self.start(*arguments) as process:
            out, err = process.communicate(timeout=240)
        return process.returncode, out, err

    def __call__(self, *arguments: object) -> str:
        """Run ``assay ARGUMENTS``, which must succeed; return stdout."""
        code, out, err = self.ends(*arguments)
        assert code == 0, err
        return out

    def refuses(self, code: int, *arguments: object, words: Sequence[str]) -> str:
        """Assert one message with these words and no traceback; return stderr."""
        ended, out, err = self.ends(*arguments)
        assert ended == code, (ended, out, err)
        assert out == ""
        assert "Traceback" not in err
        assert len([one for one in err.splitlines() if one.startswith("assay: ")]) <= 1
        for word in words:
            assert word in err, err
        return err


def told(store: Store, **asked: object) -> pd.DataFrame:
    """Return what a store says, without the moments at which it heard it."""
    return store.read(**asked).drop(columns="ingested_at")  # type: ignore[arg-type]


def repeated(store: Store) -> pd.DataFrame:
    """Return the rows of a store's history that say what the one before them said."""
    said = store.history().sort_values([*SAYING, "ingested_at"], kind="stable")
    what = [*SAYING, "value", "unit", "quality"]
    same = said[what].eq(said[what].shift()).all(axis=1)
    twice = said.duplicated([*SAYING, "ingested_at"])
    return said[same | twice]


def whole(store: Store) -> bool:
    """Return whether nothing is wrong with a store's files."""
    return all(one.severity == "info" for one in store.check())


# ---- what the server tells -----------------------------------------------------------


def adjusted_closes(
    closes: Mapping[dt.date, float], dividends: Mapping[dt.date, float]
) -> dict[dt.date, float]:
    """Return closes with dividends reinvested, as Yahoo publishes them."""
    paid = np.array([dividends.get(day, 0.0) for day in closes])
    index = total_return_index(np.array([*closes.values()]), paid)
    return dict(zip(closes, index.tolist(), strict=True))


def currency_of(symbol: str, currency: str = "") -> str:
    """Return the currency of a symbol by its ending, of a pair by its name."""
    if symbol.endswith("=X"):
        return symbol.removesuffix("=X")
    named = {".SS": "CNY", ".SZ": "CNY", ".HK": "HKD", ".KS": "KRW", ".KQ": "KRW"}
    assert set(ENDINGS.values()) <= set(named)
    return next((c for end, c in named.items() if symbol.endswith(end)), "USD")


def quote(
    symbol: str,
    closes: Mapping[dt.date, float],
    dividends: Mapping[dt.date, float] | None = None,
    splits: Mapping[dt.date, tuple[float, float]] | None = None,
    *,
    blank: Sequence[dt.date] = (),
) -> Quote:
    """Return a line as Yahoo tells it; `blank` days have a row without a bar."""
    currency, pair = currency_of(symbol), symbol.endswith("=X")
    bars: dict[dt.date, float | None] = dict(closes)
    bars.update(dict.fromkeys(blank))
    return Quote(
        bars=dict(sorted(bars.items())),
        zone="Europe/London" if pair else ZONES[currency],
        currency=currency,
        kind="CURRENCY" if pair else "EQUITY",
        adjusted=adjusted_closes(closes, dividends or {}),
        dividends=dividends or {},
        splits=splits or {},
    )


def file_columns(place: Path) -> dict[dt.date, tuple[float, float]]:
    """Return close and adjusted close by day: a file's only column stands for both."""
    with place.open(newline="") as lines:
        rows = [
            (
                dt.date.fromisoformat(row["date"]),
                row["close"],
                row.get("adj_close") or row["close"],
            )
            for row in csv.DictReader(lines)
        ]
    # where closes are missing throughout, the adjusted ones are all there is
    raw = any(close for _, close, _ in rows)
    return {
        day: (float(close if raw else adjusted), float(adjusted))
        for day, close, adjusted in rows
        if adjusted and (close or not raw)
    }


def implied_dividends(
    columns: Mapping[dt.date, tuple[float, float]],
) -> dict[dt.date, float]:
    """Return the dividends by ex-day that explain adjusted closes."""
    days = list(columns)
    close, adjusted = np.array([*columns.values()]).T
    kept = adjusted / close
    paid = close[:-1] * (1.0 - kept[:-1] / kept[1:])
    there = np.flatnonzero(paid > IMPLIED * close[:-1])
    return {days[row + 1]: float(paid[row]) for row in there}


def quotes_of_files(
    folder: Path, *, splits: Mapping[str, Mapping[dt.date, tuple[float, float]]]
) -> dict[str, Quote]:
    """Return every file of a folder as Yahoo would tell it.

    Lines whose closes are apart from their adjusted ones get closes and dividends, the
    others their adjusted closes and none. `splits` are those of lines whose closes are
    divided by them already.
    """
    quotes = {}
    for place in sorted(folder.glob("*.csv")):
        columns = file_columns(place)
        quotes[place.stem] = quote(
            place.stem,
            {day: close for day, (close, _) in columns.items()},
            implied_dividends(columns),
            splits.get(place.stem, {}),
        )
    return quotes


def write_files(folder: Path, quotes: Mapping[str, Quote]) -> Path:
    """Write quotes as a folder of price files, with our total returns."""
    folder.mkdir()
    for symbol, one in quotes.items():
        chart = one.chart(symbol, 0, 4e9)["chart"]["result"][0]
        bars = chart["indicators"]["quote"][0]
        closes = {day: close for day, close in one.bars.items() if close is not None}
        assert list(closes) == list(one.bars)
        table = pd.DataFrame(
            {
                "open": bars["open"],
                "high": bars["high"],
                "low": bars["low"],
                "close": bars["close"],
                "adj_close": [*adjusted_closes(closes, one.dividends).values()],
                "volume": bars["volume"],
            },
            index=pd.Index([day.isoformat() for day in closes], name="date"),
        )
        table.to_csv(folder / f"{symbol}.csv")
    (folder / "folder.toml").write_text(
        '[fx]\nfix = "23:59"\ntimezone = "Europe/London"\n'
        f"pairs = {json.dumps([one for one in quotes if one.endswith('=X')])}\n"
    )
    return folder


# ---- forty lines that move on --------------------------------------------------------

MARKETS = {"": ("XNYS", 30), ".HK": ("XHKG", 5), ".KS": ("XKRX", 5)}
#: The first day of the forty lines, and how many weekdays each of their eras adds.
FIRST, ERA = dt.date(2025, 1, 6), 8
HEAD = """\
title  = "Forty lines"
layers = ["compute", "application"]
"""
THESIS = """\
[thesis]
id         = "forty"
title      = "Forty lines"
declared   = 2025-01-06
start      = 2025-01-06
end        = 2025-01-31
benchmarks = ["SPY"]

[universe]
name = "forty.toml"

[[factors]]
name   = "price_momentum"
weight = 1.0

[barbell]
infrastructure = { layers = ["compute"], weight = [0.4, 0.6] }
distribution   = { layers = ["application"], weight = [0.4, 0.6] }
"""


def forty() -> list[str]:
    """Return the symbols of forty lines on three exchanges."""
    symbols = []
    for ending, (_, count) in MARKETS.items():
        for n in range(count):
            symbols.append(f"F{n:02d}" if not ending else f"{100 * n + 7:04d}{ending}")
    return [s if not s.endswith(".KS") else f"00{s}" for s in symbols]


def asked_for_forty() -> list[str]:
    """Return all that is asked for: the lines, their benchmark and their rates."""
    return [*forty(), "SPY", "HKD=X", "KRW=X"]


def write_forty(folder: Path) -> Path:
    """Write a thesis of forty lines and its universe; return the thesis file."""
    mics = [mic for mic, count in MARKETS.values() for _ in range(count)]
    parts = [HEAD]
    for n, (symbol, mic) in enumerate(zip(forty(), mics, strict=True)):
        layer = ("compute", "application")[n % 2]
        parts.append(
            f'[[entities]]\nid = "e{n}"\nlayer = "{layer}"\n'
            f'[[lines]]\nsymbol = "{symbol}"\nentity = "e{n}"\nmic = "{mic}"\n'
            f'currency = "{currency_of(symbol)}"\n'
        )
    (folder / "forty.toml").write_text("\n".join(parts))
    (folder / "t.toml").write_text(THESIS)
    return folder / "t.toml"


def end_of(era: int) -> dt.date:
    """Return the last day of an era, counted from 0."""
    return pd.bdate_range(FIRST, periods=ERA * (era + 1))[-1].date()


def quotes_of_forty(era: int) -> dict[str, Quote]:
    """Return the lines as Yahoo tells them in an era.

    In every era some lines pay a dividend, some are split, and of some a bar of the
    last days is corrected or taken back.
    """
    return {
        symbol: _line_of_forty(symbol, number, era)
        for number, symbol in enumerate(asked_for_forty())
    }


def _line_of_forty(symbol: str, number: int, era: int) -> Quote:
    days = [day.date() for day in pd.bdate_range(FIRST, end_of(era))]
    walk = np.random.default_rng(number).normal(0.0, 0.01, 4000)[: len(days)]
    raw = dict(zip(days, (50.0 * np.exp(np.cumsum(walk))).tolist(), strict=True))
    if symbol.endswith("=X"):
        return quote(symbol, raw)
    splits, dividends, blank = {}, {}, []
    for past in range(1, era + 1):
        own = days[ERA * past : ERA * (past + 1)]
        before = days[ERA * past - 1], days[ERA * past - 2]
        kind = (number + past) % 8
        if kind == 0:
            splits[own[2]] = (2.0, 1.0)
        elif kind == 1:
            dividends[own[3]] = 0.4
        elif kind == 2:
            raw[before[0]] *= 1.02
        elif kind == 3:
            blank.append(before[1])
    shares = {
        day: float(np.prod([n / m for on, (n, m) in splits.items() if on > day] or [1]))
        for day in days
    }
    closes = {day: raw[day] / shares[day] for day in days if day not in blank}
    paid = {day: amount / shares[day] for day, amount in dividends.items()}
    return quote(symbol, closes, paid, splits, blank=blank)


def settled_quotes(server: YahooServer) -> dict[str, dict[dt.date, float]]:
    """Return the closes that a server tells, by symbol."""
    return {
        symbol: {day: close for day, close in one.bars.items() if close is not None}
        for symbol, one in server.quotes.items()
    }


# ---- no network at all ---------------------------------------------------------------

#: Python's sockets and libcurl, which does not use them, both refuse and leave a trace.
GUARD = """
import os, socket

def refuse(*_, **__):
    with open(os.environ["GUARD_TRACE"], "a") as trace:
        trace.write("network\\n")
    raise RuntimeError("the network was touched")

for name in ("connect", "connect_ex", "sendto"):
    setattr(socket.socket, name, refuse)
for name in ("getaddrinfo", "gethostbyname", "create_connection"):
    setattr(socket, name, refuse)

import curl_cffi
from curl_cffi import requests

curl_cffi.Curl.perform = refuse
requests.Session.request = refuse
requests.AsyncSession.request = refuse
"""


def guarded(assay: Console, folder: Path) -> tuple[Console, Path]:
    """Return a console whose commands cannot touch the network, and their trace."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sitecustomize.py").write_text(GUARD)
    trace = folder / "trace.txt"
    without = Console(assay.folder, closed_port(), Path("none"), assay.home)
    without.environment |= {
        "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)]),
        "GUARD_TRACE": str(trace),
    }
    return without, trace


def closed_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    return port
