"""A watch on the session that yfinance uses: each bad answer gets its own name.

yfinance answers a refusal by asking for other cookies, keeps failed answers in a cache,
and tells an overloaded server, a web page and a delisted line apart in no way. Here
every answer of the chart service is looked at before yfinance sees it.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

Kind = Literal[
    "rate_limit",
    "server",
    "timeout",
    "network",
    "garbled",
    "unknown",
    "no_data",
    "currency",
    "calendar",
    "not_asked",
]
#: What may be well a minute later.
TRANSIENT: frozenset[Kind] = frozenset(
    {"rate_limit", "server", "timeout", "network", "garbled"}
)
CHART = "/v8/finance/chart/"
RATE_LIMITED = (429, 999)
CONSENT = "consent.yahoo.com"


class Answer(Protocol):
    """What requests and curl_cffi both give."""

    status_code: int
    url: str
    content: bytes

    @property
    def headers(self) -> Mapping[str, str]:
        """Header fields, in any case."""
        ...


class Refused(Exception):
    """An answer that holds no prices, and of which kind."""

    def __init__(self, kind: Kind, what: str) -> None:
        super().__init__(what)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Watch:
    """What the last chart answer of each thread was."""

    local: threading.local = field(default_factory=threading.local)

    def forget(self) -> None:
        """Forget this thread's last answer."""
        self.local.status = 0
        self.local.currencies = frozenset()

    @property
    def status(self) -> int:
        """HTTP status of this thread's last chart answer, 0 without one."""
        return int(getattr(self.local, "status", 0))

    @property
    def dividend_currencies(self) -> frozenset[str]:
        """Currencies that the last answer gave dividends in, where it said so."""
        return frozenset(getattr(self.local, "currencies", frozenset()))


def watch(session: object, timeout_s: float) -> Watch:
    """Put a watch on a session of requests or curl_cffi.

    Chart answers that hold no prices raise `Refused`; no request waits longer than
    `timeout_s`, cookies included.
    """
    seen = Watch()
    ask: Callable[..., Answer] = session.request  # type: ignore[attr-defined]

    def request(method: str, url: str, **options: object) -> Answer:
        longest = {"timeout": min(timeout_s, float(str(options.get("timeout", "inf"))))}
        answer = ask(method, url, **(options | longest))
        if CHART in url and CONSENT not in answer.url:
            seen.local.status = answer.status_code
            seen.local.currencies = _dividend_currencies(_chart(answer))
        return answer

    session.request = request  # type: ignore[attr-defined]
    return seen


def _chart(answer: Answer) -> Mapping[str, object]:
    """Return the answer's JSON, or raise `Refused`."""
    status = answer.status_code
    if status in RATE_LIMITED:
        raise Refused("rate_limit", f"Yahoo limits how often we ask (HTTP {status})")
    if status >= 500:
        raise Refused("server", f"Yahoo's server is in trouble (HTTP {status})")
    told = str(answer.headers.get("content-type", ""))
    if status == 200 and "json" not in told.lower():
        raise Refused(
            "garbled", f"Yahoo sent {told or 'no content type'} in place of JSON"
        )
    try:
        chart = json.loads(answer.content)
    except ValueError as error:
        if status != 200:
            return {}  # 401 and 403: yfinance asks again with other cookies
        raise Refused(
            "garbled", f"Yahoo's JSON breaks off or is broken: {error}"
        ) from error
    if not isinstance(chart, dict):
        raise Refused("garbled", "Yahoo's JSON is not an object")
    if status in (400, 404, 422):
        raise Refused(*_reason(status, chart))
    inner = chart.get("chart")
    if status == 200 and not (
        isinstance(inner, dict) and (inner.get("result") or inner.get("error"))
    ):
        raise Refused("garbled", "Yahoo's JSON lacks the chart's result")
    return chart


def _reason(status: int, chart: Mapping[str, object]) -> tuple[Kind, str]:
    """Return what Yahoo says about a line that it does not give."""
    inner = chart.get("chart")
    error = inner.get("error") if isinstance(inner, dict) else None
    said = error.get("description") if isinstance(error, dict) else None
    if status == 404:
        return "unknown", f"Yahoo knows no such symbol ({said or 'HTTP 404'})"
    return "no_data", f"Yahoo has no prices ({said or f'HTTP {status}'})"


def _dividend_currencies(chart: Mapping[str, object]) -> frozenset[str]:
    """Return the currencies of the answer's dividends, as far as they are stated."""
    try:
        events = chart["chart"]["result"][0]["events"]["dividends"]  # type: ignore[index]
        stated = {str(one.get("currency") or "") for one in events.values()}
    except (KeyError, IndexError, TypeError, AttributeError):
        return frozenset()
    return frozenset(stated - {""})
