"""Many lines from Yahoo: two at a time, with patience."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.sources.yahoo_fetch import Client, Fetched, Missed, Request
from engine.sources.yahoo_guard import TRANSIENT
from engine.sources.yahoo_patience import Breaker, Patience

Arrival = Fetched | Missed
#: Told of every line: what came of it, how many are done, how many there are.
Progress = Callable[[Arrival, int, int], None]

AT_ONCE = 2
#: Variables that name a file of certificates, the first one that is set counts.
CERTIFICATES = ("CURL_CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
#: Without a connection there is little to wait for.
WEIGHT = {"network": 3}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Harvest:
    """What a fetch brought: every line asked for is in one of the two.

    `interrupted` is what stopped it: Ctrl-C, or another signal.
    """

    arrived: tuple[Fetched, ...]
    missed: tuple[Missed, ...]
    interrupted: KeyboardInterrupt | None = None


def no_progress(arrival: Arrival, done: int, total: int) -> None:
    """Tell nobody."""


def default_session() -> object:
    """Return a session that Yahoo takes for a browser.

    Proxies come from the environment (``HTTPS_PROXY``), and so may the certificates to
    trust (`CERTIFICATES`): libcurl knows these, its Python binding does not.
    """
    from curl_cffi import requests  # loads libcurl: only where something is fetched

    bundles = [os.environ[name] for name in CERTIFICATES if os.environ.get(name)]
    trusted: Any = bundles[0] if bundles else True  # a path, too, whatever it declares
    return requests.Session(impersonate="chrome", verify=trusted)


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
    interrupted: KeyboardInterrupt | None = None
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
        except KeyboardInterrupt as error:
            interrupted = error
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
        if isinstance(got, Fetched) or got.kind not in TRANSIENT:
            breaker.note(0)
            return got
        breaker.note(WEIGHT.get(got.kind, 1))
    return got


def _not_asked(symbol: str) -> Missed:
    what = f"{symbol}: not asked for, the fetch had stopped"
    return Missed(symbol=symbol, kind="not_asked", what=what)
