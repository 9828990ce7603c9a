"""Prices and exchange rates from Yahoo: many lines, two at a time, with patience."""

from __future__ import annotations

import datetime as dt
import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from engine.errors import DataError, at_most
from engine.interfaces import PriceData
from engine.market.currency import Fixings
from engine.market.listing import Line
from engine.market.market import Finding, Origin
from engine.sources.files_prices import FixTime
from engine.sources.files_table import combined_digest
from engine.sources.yahoo_fetch import Client, Fetched, Missed, Request
from engine.sources.yahoo_guard import TRANSIENT
from engine.sources.yahoo_patience import Breaker, Patience
from engine.sources.yahoo_returns import adjusted_closes, adjustment_findings
from engine.sources.yahoo_symbols import FX_ENDING, FX_ZONE, fx_symbol, yahoo_symbol

Arrival = Fetched | Missed
#: Told of every line: what came of it, how many are done, how many there are.
Progress = Callable[[Arrival, int, int], None]

AT_ONCE = 2
SEED = 0
#: A pair's close is the rate at the end of its day in London.
FX_FIX = FixTime(fix=dt.time(23, 59), zone=FX_ZONE, pairs=(), stated=True)
#: What a study reads of a line.
GIVEN = ["open", "high", "low", "close", "adj_close", "volume"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Harvest:
    """What a fetch brought: every line asked for is in one of the two.

    `interrupted` says that it was stopped by Ctrl-C.
    """

    arrived: tuple[Fetched, ...]
    missed: tuple[Missed, ...]
    interrupted: bool = False


def no_progress(arrival: Arrival, done: int, total: int) -> None:
    """Tell nobody."""


def default_session() -> object:
    """Return a session that Yahoo takes for a browser."""
    from curl_cffi import requests  # loads libcurl: only where something is fetched

    return requests.Session(impersonate="chrome")


def fetch(
    client: Client,
    requests: Sequence[Request],
    *,
    patience: Patience,
    rng: np.random.Generator,
    progress: Progress = no_progress,
) -> Harvest:
    """Return what came of each request, asking for two lines at a time.

    Bad answers are asked for again, after a while; when too many follow each other
    the rest is not asked for. `progress` is called in the caller's thread as each line
    arrives: what it stores then is kept whatever happens later. On Ctrl-C no new line
    is asked for, those under way are awaited, and the harvest says `interrupted`; a
    line that `progress` was being told of at that moment is told again.
    """
    stop, breaker = threading.Event(), Breaker(limit=patience.give_up_after)
    arrivals: dict[str, Arrival] = {}
    interrupted = False
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="yahoo") as pool:
        tasks: dict[Future[Arrival], str] = {}
        try:
            for request, own in zip(requests, rng.spawn(len(requests)), strict=True):
                task = pool.submit(
                    _patiently, client, request, patience, own, breaker, stop
                )
                tasks[task] = request.symbol
            for task in as_completed(tasks):
                progress(task.result(), len(arrivals) + 1, len(requests))
                arrivals[tasks[task]] = task.result()
        except KeyboardInterrupt:
            interrupted = True
        finally:
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)
    for task, symbol in tasks.items():
        if symbol not in arrivals and not task.cancelled():
            progress(task.result(), len(arrivals) + 1, len(requests))
            arrivals[symbol] = task.result()
    gave = [arrivals.get(one.symbol) or _not_asked(one.symbol) for one in requests]
    return Harvest(
        arrived=tuple(one for one in gave if isinstance(one, Fetched)),
        missed=tuple(one for one in gave if isinstance(one, Missed)),
        interrupted=interrupted,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class YahooPrices:
    """Prices from Yahoo, fetched into memory.

    `base` is the study's currency: its rate is fetched beside those of the lines. What
    `arrived` is kept by the object: after a failure or Ctrl-C a second `load` asks only
    for the rest. Make a new object to see newer prices.
    """

    base: str = "USD"
    session: Callable[[], object] = default_session
    patience: Patience = field(default_factory=Patience)
    progress: Progress = no_progress
    client: Client | None = None
    arrived: MutableMapping[tuple[str, dt.date], Fetched] = field(default_factory=dict)

    def load(self, lines: Sequence[Line], start: dt.date, end: dt.date) -> PriceData:
        """Return the bars of the lines from `start` to `end`, and their rates.

        A line that Yahoo does not have, or has in another currency than declared, is
        left out and named in the findings.

        Raises
        ------
        DataError
            Yahoo did not answer for some lines, so that asking again may bring them; or
            it has none of them.
        KeyboardInterrupt
            Ctrl-C; what arrived is kept for the next call.
        """
        wanted = _requests(lines, self.base, start)
        new = [one for one in wanted if (one.symbol, start) not in self.arrived]
        missed: tuple[Missed, ...] = ()
        if new:
            harvest = fetch(
                self.client or Client(session=self.session()),
                new,
                patience=self.patience,
                rng=np.random.default_rng(SEED),
                progress=self.progress,
            )
            for one in harvest.arrived:
                self.arrived[one.symbol, start] = one
            if harvest.interrupted:
                raise KeyboardInterrupt
            missed = harvest.missed
            _check_complete(missed, len(wanted))
        have = {one.symbol: self.arrived.get((one.symbol, start)) for one in wanted}
        return supplied(
            lines, {name: one for name, one in have.items() if one}, missed, end
        )


def supplied(
    lines: Sequence[Line],
    arrived: Mapping[str, Fetched],
    missed: Sequence[Missed],
    end: dt.date,
) -> PriceData:
    """Return what a study reads, up to `end`, of what arrived by Yahoo's symbol.

    `adj_close` is our total return, from closes and dividends up to `end`. Raises
    `DataError` when no line arrived.
    """
    frames: dict[str, pd.DataFrame] = {}
    found = [_left_out(one) for one in missed]
    digests = []
    for line in lines:
        got = arrived.get(yahoo_symbol(line.symbol, line.mic))
        if got is None or line.symbol in frames:
            continue
        until = got.frame.loc[: pd.Timestamp(end)]
        found += got.findings
        if len(until) == 0:
            continue
        frame, notes = _total_return(line.symbol, until, got.actions)
        found += notes
        frames[line.symbol] = frame
        digests.append((line.symbol, _digest(frame)))
    if not frames:
        raise DataError(
            f"Yahoo has no price up to {end} of any of {len(lines)} lines; "
            + at_most((one.what for one in missed), 3)
        )
    pairs = {name: one for name, one in arrived.items() if name.endswith(FX_ENDING)}
    fixings = {one.currency: _fixings(one, end) for one in pairs.values()}
    for name, one in pairs.items():
        found += one.findings
        digests.append((name, _digest(one.frame.loc[: pd.Timestamp(end)])))
    latest = max(one.fetched_utc for one in arrived.values())
    return PriceData(
        frames=frames,
        fixings=fixings,
        origin=Origin(
            name="yahoo",
            simulated=False,
            digest=combined_digest(digests),
            detail=f"Yahoo: {len(frames)} lines, {len(fixings)} currencies, fetched by "
            f"{pd.Timestamp(latest):%Y-%m-%d %H:%M} UTC",
        ),
        findings=tuple(found),
    )


def _patiently(
    client: Client,
    request: Request,
    patience: Patience,
    rng: np.random.Generator,
    breaker: Breaker,
    stop: threading.Event,
) -> Arrival:
    """Return a line, asked for again while the answer is bad and there is patience."""
    got: Arrival = _not_asked(request.symbol)
    for again in range(patience.attempts):
        if again:
            patience.pause(patience.seconds(again, rng), stop)
        if stop.is_set() or breaker.open:
            return got
        got = client.line(request)
        bad = isinstance(got, Missed) and got.kind in TRANSIENT
        breaker.note(bad=bad)
        if not bad:
            return got
    return got


def _not_asked(symbol: str) -> Missed:
    what = f"{symbol}: not asked for, the fetch had stopped"
    return Missed(symbol=symbol, kind="not_asked", what=what)


def _requests(lines: Sequence[Line], base: str, start: dt.date) -> list[Request]:
    """Return one request per line and per currency other than the dollar."""
    wanted = {}
    for line in lines:
        symbol = yahoo_symbol(line.symbol, line.mic)
        wanted[symbol] = Request(
            symbol=symbol, mic=line.mic, currency=line.currency, start=start
        )
    for currency in sorted({base, *(line.currency for line in lines)} - {"USD"}):
        pair = fx_symbol(currency)
        wanted[pair] = Request(symbol=pair, mic="", currency=currency, start=start)
    return list(wanted.values())


def _check_complete(missed: Sequence[Missed], asked: int) -> None:
    """Raise `DataError` if lines are missing that another try may bring."""
    late = [one for one in missed if one.kind in TRANSIENT]
    rest = [one for one in missed if one.kind == "not_asked"]
    if late or rest:
        why = at_most((one.what for one in late), 3)
        more = f"; {len(rest)} more were then not asked for" if rest else ""
        raise DataError(
            f"{len(late) + len(rest)} of {asked} lines did not come: {why}{more}. "
            "What came is kept; try again in some minutes"
        )


def _left_out(missed: Missed) -> Finding:
    """Return the finding for a line that Yahoo does not have as it was asked for."""
    wrong = missed.kind in ("currency", "calendar")
    return Finding(
        severity="error" if wrong else "warning",
        where=missed.symbol,
        what=missed.what.removeprefix(f"{missed.symbol}: "),
        action="left out" if wrong else "left out; check the symbol on Yahoo's site",
    )


def _total_return(
    symbol: str, until: pd.DataFrame, actions: pd.DataFrame
) -> tuple[pd.DataFrame, tuple[Finding, ...]]:
    """Return the frame with our total return as its `adj_close`, and what was found."""
    known = actions[actions["session"] <= until.index[-1]]
    ours = adjusted_closes(symbol, until, known)
    notes = [*adjustment_findings(symbol, until, known), *_gains(symbol, known)]
    return until.assign(adj_close=ours)[GIVEN], tuple(notes)


def _gains(symbol: str, actions: pd.DataFrame) -> Iterator[Finding]:
    """Yield that a fund paid capital gains, which Yahoo lists apart."""
    count = int((actions["kind"] == "capital_gain").sum())
    if count:
        yield Finding(
            severity="info",
            where=symbol,
            what=f"paid {count} capital gains that Yahoo lists apart from dividends",
            action="not added: Yahoo's dividends of a fund may hold them already",
        )


def _fixings(pair: Fetched, end: dt.date) -> Fixings:
    """Return a pair's closes with the moment each became known."""
    close = pair.frame["close"].loc[: pd.Timestamp(end)]
    return Fixings(
        currency=pair.currency,
        fixed_utc=FX_FIX.moments(pd.DatetimeIndex(close.index)),
        per_usd=close.to_numpy(),
        source=f"Yahoo {pair.symbol}",
    )


def _digest(frame: pd.DataFrame) -> str:
    """Return the SHA-256 of a frame's days and numbers."""
    content = frame.index.to_numpy().astype("datetime64[ns]").tobytes()
    content += np.ascontiguousarray(frame.to_numpy(np.float64)).tobytes()
    return hashlib.sha256(content).hexdigest()
